//! Ids of records: names and numbers where people have them, else what stands in the address.

use super::super::address;
pub(in crate::github) use crate::key::{asset, member, reaction, state, subject, team};

/// What stands before the id in the fragment of an address; GitHub's own word comes first, the
/// others are of exporters for other hosts.
///
/// Source: exports of GitHub.com from 2019 to 2026; `gl-exporter`; `bbs-exporter`.
pub(in crate::github) type Prefixes = &'static [&'static str];

pub(in crate::github) const COMMENT: Prefixes = &["issuecomment-", "note_", "comment-"];
pub(in crate::github) const EVENT: Prefixes = &["event-"];
pub(in crate::github) const REVIEW: Prefixes = &["pullrequestreview-"];
pub(in crate::github) const THREAD: Prefixes = &["pullrequestreviewthread-"];
/// The shortest comes last, for others might begin like it.
pub(in crate::github) const REVIEW_COMMENT: Prefixes = &["discussion_r", "note_", "comment-", "r"];
pub(in crate::github) const COMMIT_COMMENT: Prefixes = &["commitcomment-", "note_", "comment-"];

/// Id of a comment, review, thread or event: what its address has in the fragment, else all of it.
pub(in crate::github) fn in_fragment(prefixes: Prefixes, url: &str) -> String {
    address::id(url, prefixes).unwrap_or_else(|| url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(prefixes: Prefixes, url: &str, expected: &str) {
        assert_eq!(in_fragment(prefixes, url), expected);
    }

    #[test]
    fn ids_stand_in_the_fragment() {
        check(COMMENT, "https://github.com/a/b/issues/2#issuecomment-55", "55");
        check(EVENT, "https://github.com/a/b/issues/2#event-55", "55");
        check(REVIEW_COMMENT, "https://github.com/a/b/pull/2/files#r55", "55");
        check(REVIEW_COMMENT, "https://github.com/a/b/pull/2#discussion_r55", "55");
        check(REVIEW_COMMENT, "https://github.com/a/b/pull/2/files#rabc%2F1", "abc/1");
        check(COMMENT, "https://gl.example/a/b/issues/2#note_55", "55");
    }

    #[test]
    fn an_address_without_a_fragment_is_an_id_itself() {
        check(COMMENT, "https://h.example/a/b/c/55", "https://h.example/a/b/c/55");
    }
}
