//! From the archive's objects to records and back; pure.

pub(super) mod event;
pub(super) mod project;
pub(super) mod request;
pub(super) mod review;
pub(super) mod talk;

use packhorse_core::model::{Markup, Text, Time};

/// The object id that stands for none. Source: Git.
pub(super) const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

/// A moment by milliseconds since 1970; the beginning of 1970 is none.
pub(super) fn time(millis: Option<i64>) -> Option<Time> {
    millis.filter(|it| *it != 0).and_then(Time::from_millis)
}

/// Milliseconds since 1970; 0 where no time is known.
pub(super) fn millis(time: Option<Time>) -> i64 {
    time.map_or(0, |it| it.instant().as_millisecond())
}

/// A text; an empty one is none.
pub(super) fn text(text: Option<String>) -> Option<Text> {
    text.filter(|it| !it.is_empty()).map(|it| Text::new(it, Markup::Bitbucket))
}

/// What is written of a text.
pub(super) fn plain(text: Option<&Text>) -> String {
    // The server's databases take no such character.
    text.map_or_else(String::new, |it| it.as_str().replace('\0', "\u{fffd}"))
}

/// An object id; zeros are none.
pub(super) fn commit(id: Option<String>) -> Option<String> {
    id.filter(|it| !it.is_empty() && it.bytes().any(|it| it != b'0'))
}
