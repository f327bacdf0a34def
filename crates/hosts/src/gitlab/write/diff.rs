//! The differences of a change request, to tell where in them a line stands.

use crate::gitlab::wire;
use packhorse_core::model::Side;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Lines of differences that are remembered.
const MAX_LINES: usize = 1_000_000;

/// One file's differences, as the server tells them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FileDiff {
    pub(super) old_path: String,
    pub(super) new_path: String,
    pub(super) diff: String,
}

/// A line of the differences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Its number before; none where it is new.
    pub(super) before: Option<u64>,
    /// Its number after; none where it is gone.
    pub(super) after: Option<u64>,
    /// How far both texts are there, by which the server names it.
    pub(super) at: (u64, u64),
}

/// The differences of one change request.
#[derive(Debug, Default)]
pub(super) struct Diff {
    pub(super) refs: wire::DiffRefs,
    files: BTreeMap<String, (String, Vec<Line>)>,
}

impl Diff {
    pub(super) fn of(refs: wire::DiffRefs, list: Vec<FileDiff>) -> Self {
        let (mut files, mut n_lines) = (BTreeMap::new(), 0);
        for it in list {
            let lines = lines(&it.diff);
            n_lines += lines.len();
            if n_lines > MAX_LINES {
                break;
            }
            files.insert(it.new_path, (it.old_path, lines));
        }
        Self { refs, files }
    }

    /// The path before, and both numbers of a line; `None` where the differences do not show it.
    pub(super) fn place(&self, path: &str, side: Side, line: u64) -> Option<(&str, Line)> {
        let (old, lines) = self.files.get(path)?;
        let is_it = |it: &&Line| match side {
            Side::Left => it.before == Some(line),
            Side::Right => it.after == Some(line),
        };
        Some((old, *lines.iter().find(is_it)?))
    }

    /// Whether lines of a file are told: those of very large ones are not.
    pub(super) fn shows(&self, path: &str) -> bool {
        self.files.get(path).is_some_and(|(_, lines)| !lines.is_empty())
    }

    /// The path of a file before, where the differences have it.
    pub(super) fn old_path(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(|(old, _)| old.as_str())
    }
}

/// The lines of a unified diff.
fn lines(diff: &str) -> Vec<Line> {
    let (mut found, mut before, mut after) = (Vec::new(), 0u64, 0u64);
    for line in diff.lines() {
        if let Some(head) = line.strip_prefix("@@ -") {
            (before, after) = starts(head).unwrap_or((0, 0));
            continue;
        }
        let at = (before, after);
        match line.as_bytes().first() {
            Some(b'+') => {
                found.push(Line { before: None, after: Some(after), at });
                after = after.saturating_add(1);
            }
            Some(b'-') => {
                found.push(Line { before: Some(before), after: None, at });
                before = before.saturating_add(1);
            }
            Some(b' ') | None => {
                found.push(Line { before: Some(before), after: Some(after), at });
                (before, after) = (before.saturating_add(1), after.saturating_add(1));
            }
            // "\ No newline at end of file"
            Some(_) => {}
        }
    }
    found
}

/// The first lines of a hunk, from `12,3 +14,5 @@`.
fn starts(head: &str) -> Option<(u64, u64)> {
    let (old, rest) = head.split_once(" +")?;
    let number = |it: &str| it.split([',', ' ']).next()?.parse().ok();
    Some((number(old)?, number(rest)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DIFF: &str = "@@ -10,4 +10,5 @@ fn a\n one\n-two\n+deux\n+trois\n three\n\\ No newline\n";

    #[test]
    fn a_line_has_the_numbers_of_both_sides() {
        let file = FileDiff { old_path: "a".into(), new_path: "b".into(), diff: DIFF.into() };
        let diff = Diff::of(wire::DiffRefs::default(), vec![file]);

        let numbers = |side, line| {
            let (old, it) = diff.place("b", side, line).unwrap();
            (old, it.before, it.after, it.at)
        };
        assert_eq!(numbers(Side::Right, 10), ("a", Some(10), Some(10), (10, 10)));
        assert_eq!(numbers(Side::Right, 12), ("a", None, Some(12), (12, 12)));
        assert_eq!(numbers(Side::Left, 11), ("a", Some(11), None, (11, 11)));
        assert_eq!(numbers(Side::Right, 13), ("a", Some(12), Some(13), (12, 13)));
        assert_eq!(diff.place("b", Side::Right, 99), None);
        assert_eq!(diff.place("c", Side::Right, 10), None);
    }

    proptest! {
        #[test]
        fn no_diff_makes_the_reader_panic(text in "(@@ -|[+ -]|[0-9]{1,20}|,|\n|\\PC){0,30}") {
            lines(&text);
        }
    }
}
