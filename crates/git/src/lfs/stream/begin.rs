//! How a blob begins, as far as it tells that the blob is no pointer.

/// What a pointer begins with, after space.
const STARTS: [&[u8]; 2] = [b"version ", b"ext-"];

/// How many bytes tell.
pub(super) const LENGTH: usize = 8;

/// Whether a pointer can begin like this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// No pointer begins like this.
    Plain,
    /// A pointer may.
    LikeAPointer,
    /// Too little is known of it.
    Unknown,
}

impl Begin {
    /// Looks at the first bytes of a blob.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let head = &bytes[..bytes.len().min(LENGTH)];
        // A space can be of several bytes; one that is not ASCII counts as space.
        let text = head.iter().position(|it| it.is_ascii() && !is_space(*it));
        let text = &head[text.unwrap_or(head.len())..];
        let is_like = |start: &&[u8]| start.starts_with(text) || text.starts_with(start);
        if STARTS.iter().any(is_like) { Self::LikeAPointer } else { Self::Plain }
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_pointer_can_begin_with_is_told_from_the_rest() {
        for like in ["version https://h", " \n version", "ext-0-a", "vers", "", "\u{a0}\u{a0}ver"] {
            assert_eq!(Begin::of(like.as_bytes()), Begin::LikeAPointer, "{like:?}");
        }
        for plain in ["# Title of a file", "Version https", "versions ", "\nfn main() {", "\0\0"] {
            assert_eq!(Begin::of(plain.as_bytes()), Begin::Plain, "{plain:?}");
        }
    }
}
