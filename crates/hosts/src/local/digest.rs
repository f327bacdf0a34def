//! SHA-256 as a value: the names of blobs, and what versions are made of.

use std::{fmt, str::FromStr};

/// A SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digest([u8; 32]);

impl Digest {
    pub(super) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Why a text is not a digest.
#[derive(Debug, thiserror::Error)]
#[error("a SHA-256 is 64 hexadecimal digits in lower case")]
pub(super) struct DigestError;

impl FromStr for Digest {
    type Err = DigestError;

    /// SECURITY: digests become file names, so nothing but digits may pass.
    fn from_str(text: &str) -> Result<Self, DigestError> {
        let nibble = |byte: u8| match byte {
            b'0'..=b'9' => Ok(byte - b'0'),
            b'a'..=b'f' => Ok(byte - b'a' + 10),
            _ => Err(DigestError),
        };
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != 32 || !rest.is_empty() {
            return Err(DigestError);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(pairs) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_reads_back() {
        let text = "0123456789abcdef".repeat(4);

        assert_eq!(text.parse::<Digest>().unwrap().to_string(), text);
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        for text in ["", "ab", &"A".repeat(64), &"g".repeat(64), &"a".repeat(65), "../../etc"] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
    }
}
