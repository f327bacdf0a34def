//! What the other end says, and what is said of it.

use crate::error::GitError;
use packhorse_core::HostError;
use std::{fmt, io, sync::Arc};

/// Longest remark of a server that is passed on, in bytes.
const MAX_REMARK: usize = 4 << 10;

/// Who is spoken with, as errors name it. Never has a password in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place(Arc<str>);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Place {
    pub(super) fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// It said what the protocol does not allow.
    pub(super) fn nonsense(&self, detail: impl Into<String>) -> GitError {
        GitError::Protocol { place: self.to_string(), detail: readable(&detail.into()) }
    }

    /// It stopped in the middle of `what`.
    pub(super) fn cut_off(&self, what: &str) -> GitError {
        let why = io::Error::new(io::ErrorKind::UnexpectedEof, format!("it ended inside {what}"));
        GitError::BrokenOff { place: self.to_string(), source: why }
    }

    /// It refused, in its own words.
    pub(super) fn refused(&self, words: &[u8]) -> GitError {
        let words = readable(&String::from_utf8_lossy(words));
        let says_absent = ["not found", "not exist", "does not appear to be a git repository"];
        if says_absent.iter().any(|it| words.contains(it)) && words.contains("epository") {
            return GitError::NoRepository { place: self.to_string() };
        }
        GitError::Refused { place: self.to_string(), words }
    }

    /// It takes less in one push.
    pub(super) fn too_large(&self, words: &str) -> GitError {
        GitError::TooLarge { place: self.to_string(), words: words.to_owned() }
    }

    /// The pump cannot work with it; another way may.
    pub(super) fn not_streamed(&self, why: &'static str) -> GitError {
        GitError::NotStreamed { place: self.to_string(), why }
    }
}

/// What an error inside a stream was.
pub(super) fn broken(place: &Place, error: io::Error) -> GitError {
    GitError::from_stream(&place.to_string())(error)
}

/// An error of ours as one that a stream can have.
pub(super) fn in_stream(error: GitError) -> io::Error {
    io::Error::other(error)
}

/// What went wrong with a request.
pub(super) fn unanswered(place: &Place, error: HostError) -> GitError {
    GitError::Unanswered { place: place.to_string(), source: Box::new(error) }
}

/// Text of a stranger, so that it can be shown: without control characters, and
/// not too long.
pub(super) fn readable(text: &str) -> String {
    let clean = |c: char| if c.is_control() && c != '\n' { ' ' } else { c };
    let text = text.trim();
    let mut end = text.len().min(MAX_REMARK);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].chars().map(clean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_text_cannot_steer_a_terminal() {
        assert_eq!(readable("a\x1b[2Jb\r\nc\0"), "a [2Jb \nc ");
        assert_eq!(readable(&"é".repeat(10_000)).len(), MAX_REMARK);
    }

    #[test]
    fn an_error_of_ours_survives_a_stream() {
        let place = Place::new("h.example");

        let ours = broken(&place, in_stream(place.nonsense("x")));
        assert!(matches!(ours, GitError::Protocol { .. }));

        let other = broken(&place, io::Error::other("reset"));
        assert!(matches!(other, GitError::BrokenOff { .. }));
    }
}
