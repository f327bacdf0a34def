//! What stands in history for a large file.
//!
//! Reads what git-lfs reads, which is more than what it writes: older version
//! lines, extension lines, empty lines, space around the whole and carriage
//! returns. Whether a blob is a pointer decides whether a file travels, so a
//! reader that is stricter than git-lfs would lose files, and a looser one
//! would report files as missing that never were.
//!
//! Source: git-lfs, docs/spec.md, "The Pointer", docs/extensions.md, and what
//! its `lfs.DecodePointer` takes.

use std::fmt;

/// Blobs of this size or more are no pointers, in bytes.
///
/// Source: git-lfs, docs/spec.md: "less than 1024 bytes in size, including any
/// pointer extension lines".
pub const MAX_POINTER: u64 = 1024;

/// The shortest text that can be a pointer, in bytes: the oldest version line,
/// a hash, and a size of one digit without a line's end.
pub const MIN_POINTER: u64 = 114;

/// Version lines that mean the same, the newest last.
const VERSIONS: [&str; 3] = [
    "http://git-media.io/v/2",
    "https://hawser.github.com/spec/v1",
    "https://git-lfs.github.com/spec/v1",
];

/// What a pointer points to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pointer {
    /// SHA-256 of the file in lower-case hexadecimal.
    pub sha256: String,
    /// Its size in bytes.
    pub size: u64,
}

impl Pointer {
    /// Reads a pointer; `None` when the blob is not one.
    ///
    /// An empty blob is an empty file, which has no pointer.
    pub fn parse(blob: &[u8]) -> Option<Self> {
        if blob.len() as u64 >= MAX_POINTER {
            return None;
        }
        let mut lines = Lines::of(std::str::from_utf8(blob).ok()?);
        let version = lines.value("version")?;
        if !VERSIONS.contains(&version) {
            return None;
        }
        let sha256 = hash(lines.value("oid")?)?;
        let size = size(lines.value("size")?)?;
        lines.is_done().then(|| Self { sha256: sha256.to_owned(), size })
    }

    /// Makes one from its parts; `None` when the hash is not one.
    pub fn new(sha256: &str, size: u64) -> Option<Self> {
        (is_hash(sha256) && i64::try_from(size).is_ok())
            .then(|| Self { sha256: sha256.to_owned(), size })
    }
}

/// The text as git-lfs writes it today.
impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [.., version] = VERSIONS;
        let Self { sha256, size } = self;
        writeln!(f, "version {version}\noid sha256:{sha256}\nsize {size}")
    }
}

/// The lines of a pointer, with those of extensions checked and left out.
struct Lines<'a> {
    rest: std::str::Lines<'a>,
    /// The extension of each priority, by its whole key.
    extensions: [Option<&'a str>; 10],
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        Self { rest: text.trim().lines(), extensions: [None; 10] }
    }

    fn next(&mut self) -> Option<(&'a str, &'a str)> {
        self.rest.find(|it| !it.is_empty())?.split_once(' ')
    }

    /// The value of the next line that is not an extension's, which must have this key.
    fn value(&mut self, wanted: &str) -> Option<&'a str> {
        loop {
            let (key, value) = self.next()?;
            if key == wanted {
                return Some(value);
            }
            let place = self.extensions.get_mut(priority(key)?)?;
            hash(value)?;
            // The same key again is the same extension; another of this priority is a mistake.
            if place.replace(key).is_some_and(|it| it != key) {
                return None;
            }
        }
    }

    fn is_done(&mut self) -> bool {
        self.rest.all(str::is_empty)
    }
}

/// The priority in `ext-0-name`.
fn priority(key: &str) -> Option<usize> {
    let (digit, name) = key.strip_prefix("ext-")?.split_once('-')?;
    let is_named = name.starts_with(|it: char| it.is_ascii_alphanumeric() || it == '_');
    let digit = match digit.as_bytes() {
        [digit @ b'0'..=b'9'] => usize::from(digit - b'0'),
        _ => return None,
    };
    is_named.then_some(digit)
}

fn hash(value: &str) -> Option<&str> {
    value.strip_prefix("sha256:").filter(|it| is_hash(it))
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
}

/// A size as Go reads it: a sign may stand before it, and zeros.
fn size(value: &str) -> Option<u64> {
    value.parse::<i64>().ok().and_then(|it| u64::try_from(it).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OID: &str = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";
    const V1: &str = "version https://git-lfs.github.com/spec/v1";

    #[track_caller]
    fn check(text: &str, size: Option<u64>) {
        let expected = size.map(|size| Pointer { sha256: OID.into(), size });

        assert_eq!(Pointer::parse(text.as_bytes()), expected, "{text}");
    }

    #[test]
    fn a_pointer_is_read() {
        check(&format!("{V1}\noid sha256:{OID}\nsize 12345\n"), Some(12345));
    }

    #[test]
    fn older_versions_are_read() {
        check(
            &format!("version https://hawser.github.com/spec/v1\noid sha256:{OID}\nsize 1\n"),
            Some(1),
        );
        check(&format!("version http://git-media.io/v/2\noid sha256:{OID}\nsize 1\n"), Some(1));
    }

    #[test]
    fn the_shortest_pointer_is_as_short_as_the_constant_says() {
        let text = format!("version http://git-media.io/v/2\noid sha256:{OID}\nsize 1");

        check(&text, Some(1));
        assert_eq!(text.len() as u64, MIN_POINTER);
    }

    #[test]
    fn extensions_are_read_over() {
        let ext = format!("ext-0-foo sha256:{OID}\next-1-bar sha256:{OID}");
        check(&format!("{V1}\n{ext}\noid sha256:{OID}\nsize 123\n"), Some(123));
    }

    #[test]
    fn extensions_that_cannot_be_are_no_pointer() {
        let cases = [
            format!("ext-0-foo sha256:{OID}\next-0-bar sha256:{OID}"),
            format!("ext-10-foo sha256:{OID}"),
            format!("ext-x-foo sha256:{OID}"),
            format!("ext-0- sha256:{OID}"),
            "ext-0-foo sha256:1".to_owned(),
            "ext-0-foo".to_owned(),
        ];
        for ext in cases {
            check(&format!("{V1}\n{ext}\noid sha256:{OID}\nsize 123\n"), None);
        }
        check(&format!("{V1}\noid sha256:{OID}\nsize 123\next-0-foo sha256:{OID}\n"), None);
    }

    #[test]
    fn what_git_lfs_forgives_is_forgiven() {
        check(&format!("{V1}\noid sha256:{OID}\nsize 1"), Some(1));
        check(&format!("\n {V1}\r\noid sha256:{OID}\r\n\r\nsize 1\r\n \n"), Some(1));
        check(&format!("{V1}\noid sha256:{OID}\nsize +01\n"), Some(1));
    }

    #[test]
    fn what_only_looks_like_one_is_not() {
        let upper = OID.to_uppercase();
        let cases = [
            String::new(),
            format!("version https://git-lfs.github.com/spec/v2\noid sha256:{OID}\nsize 1\n"),
            format!("{V1}\noid sha256:{upper}\nsize 1\n"),
            format!("{V1}\noid sha256:{OID}\nsize x\n"),
            format!("{V1}\noid sha256:{OID}\nsize -1\n"),
            format!("{V1}\noid sha256:{OID}\nsize 9223372036854775808\n"),
            format!("{V1}\noid md5:{OID}\nsize 1\n"),
            format!("{V1}\noid sha256:{OID}0\nsize 1\n"),
            format!("{V1}\nsize 1\noid sha256:{OID}\n"),
            format!("{V1}\noid  sha256:{OID}\nsize 1\n"),
            format!("{V1}\noid sha256:{OID}\nsize 1\nsize 2\n"),
            format!("{V1}\noid sha256:{OID}\nx-y z\nsize 1\n"),
            format!("oid sha256:{OID}\nsize 1\n"),
            format!("{V1}\noid sha256:{OID}\nsize 1\n{}", "\n".repeat(1024)),
        ];

        for case in cases {
            check(&case, None);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..1100)) {
            drop(Pointer::parse(&bytes));
        }

        #[test]
        fn what_is_written_is_read(hash in "[0-9a-f]{64}", size in 0..=i64::MAX as u64) {
            let pointer = Pointer::new(&hash, size).unwrap();

            prop_assert_eq!(Pointer::parse(pointer.to_string().as_bytes()), Some(pointer));
        }

        #[test]
        fn a_changed_byte_changes_the_pointer_or_ends_it(at in 0_usize..127, to in any::<u8>()) {
            let text = format!("{V1}\noid sha256:{OID}\nsize 1\n");
            let mut bytes = text.clone().into_bytes();
            let at = at % bytes.len();
            bytes[at] = to;

            if let Some(changed) = Pointer::parse(&bytes) {
                let is_space = char::from(to).is_whitespace();
                let as_written = changed.to_string();
                let is_same = as_written.trim_end().as_bytes() == bytes.trim_ascii_end();
                prop_assert!(is_same || is_space, "{changed}");
            }
        }
    }
}
