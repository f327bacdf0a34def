//! Places in diffs.

use super::{super::wire, plain};
use data_encoding::HEXLOWER;
use packhorse_core::model::{Position, Side};
use serde_json::Value;

/// Reads a place, which stands in a row as text, and in some versions as an object.
fn parse(it: Option<&Value>) -> Option<wire::Position> {
    match it? {
        Value::String(text) => serde_json::from_str(text).ok(),
        value @ Value::Object(_) => serde_json::from_value(value.clone()).ok(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    }
}

/// The side and the last line.
fn line(old: Option<u64>, new: Option<u64>) -> (Side, Option<u64>) {
    match (new, old) {
        (None, Some(line)) => (Side::Left, Some(line)),
        (line, _) => (Side::Right, line),
    }
}

/// The first of several lines.
fn start(it: &wire::Position) -> Option<(Side, u64)> {
    let last = line(it.old_line, it.new_line);
    let first = it.line_range.as_ref()?.start.as_ref()?;
    let (side, first) = line(first.old_line, first.new_line);
    first.filter(|it| (side, Some(*it)) != last).map(|it| (side, it))
}

/// Reads where a note is, with the piece of the diff that it was made on.
pub(in super::super) fn read(note: &wire::Note) -> Option<Position> {
    let now = parse(note.position.as_ref());
    let then = parse(note.original_position.as_ref()).or_else(|| now.clone())?;
    let now = now.unwrap_or_else(|| wire::Position {
        old_line: None,
        new_line: None,
        line_range: None,
        ..then.clone()
    });
    let path = plain(now.new_path.clone()).or_else(|| plain(now.old_path.clone()))?;
    let (side, last) = line(now.old_line, now.new_line);
    let (then_side, then_last) = line(then.old_line, then.new_line);
    let hunk = note.note_diff_file.as_ref().and_then(|it| plain(it.diff.clone()));
    Some(Position {
        old_path: plain(now.old_path.clone()).filter(|it| *it != path),
        path,
        commit: plain(now.head_sha.clone()),
        original_commit: plain(then.head_sha.clone()),
        base_commit: plain(now.base_sha.clone()),
        side: Some(if last.is_some() { side } else { then_side }),
        line: last,
        start_line: start(&now).map(|(_, it)| it),
        start_side: start(&now).map(|(side, _)| side),
        original_line: then_last,
        original_start_line: start(&then).map(|(_, it)| it),
        hunk,
        whole_file: now.position_type.as_deref().is_some_and(|it| it != "text"),
        ..Position::default()
    })
}

/// Lines and ends of a place, as it is now or as it was.
struct Lines {
    last: Option<u64>,
    first: Option<u64>,
    commit: Option<String>,
}

fn wire_position(it: &Position, lines: Lines) -> wire::Position {
    let is_old = it.side == Some(Side::Left);
    let on = |line: Option<u64>| if is_old { (line, None) } else { (None, line) };
    let (old_line, new_line) = on(lines.last);
    let end = |line: u64, is_first_old: bool| {
        let (old_line, new_line) =
            if is_first_old { (Some(line), None) } else { (None, Some(line)) };
        let word = if is_first_old { "old" } else { "new" };
        wire::RangeEnd { line_code: None, r#type: Some(word.to_owned()), old_line, new_line }
    };
    let starts_old = it.start_side.map_or(is_old, |side| side == Side::Left);
    let range = lines.first.zip(lines.last).map(|(first, last)| wire::LineRange {
        start: Some(end(first, starts_old)),
        end: Some(end(last, is_old)),
    });
    wire::Position {
        base_sha: it.base_commit.clone(),
        start_sha: it.base_commit.clone(),
        head_sha: lines.commit,
        old_path: Some(it.old_path.clone().unwrap_or_else(|| it.path.clone())),
        new_path: Some(it.path.clone()),
        position_type: Some(if it.whole_file { "file" } else { "text" }.to_owned()),
        old_line,
        new_line,
        line_range: range,
    }
}

/// Rows hold places as text.
fn as_text(it: &wire::Position) -> Option<Value> {
    serde_json::to_string(it).ok().map(Value::String)
}

/// Writes where a note is; one whose place is gone stands where it was.
pub(in super::super) fn write(it: &Position, note: &mut wire::Note) {
    let commit = it.commit.clone().or_else(|| it.original_commit.clone());
    let now = Lines { last: it.line, first: it.start_line, commit: commit.clone() };
    let then = Lines {
        last: it.original_line.or(it.line),
        first: it.original_start_line.or(it.start_line),
        commit: it.original_commit.clone().or(commit),
    };
    let original = wire_position(it, then);
    let position = if it.line.is_some() || it.whole_file {
        wire_position(it, now)
    } else {
        wire::Position { head_sha: it.commit.clone(), ..original.clone() }
    };
    let code = |line: Option<u64>| line.unwrap_or_default();
    note.line_code =
        Some(format!("{}_{}_{}", sha1(&it.path), code(position.old_line), code(position.new_line)));
    note.position = as_text(&position);
    note.original_position = as_text(&original);
    note.note_diff_file = it.hunk.clone().map(|diff| wire::NoteDiff {
        diff: Some(diff),
        new_file: Some(false),
        renamed_file: Some(it.old_path.is_some()),
        deleted_file: Some(false),
        a_mode: Some("100644".to_owned()),
        b_mode: Some("100644".to_owned()),
        new_path: position.new_path.clone(),
        old_path: position.old_path.clone(),
    });
}

/// Source: GitLab, `lib/gitlab/git.rb`, `diff_line_code`: SHA-1 of the path, old line, new line.
fn sha1(path: &str) -> String {
    use sha1::{Digest as _, Sha1};
    HEXLOWER.encode(&Sha1::digest(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(it: &Position) {
        let mut note = wire::Note::default();

        write(it, &mut note);

        assert_eq!(read(&note).as_ref(), Some(it));
    }

    #[test]
    fn places_come_back() {
        let place = Position {
            path: "a.rs".to_owned(),
            commit: Some("2".repeat(40)),
            original_commit: Some("1".repeat(40)),
            base_commit: Some("0".repeat(40)),
            side: Some(Side::Right),
            line: Some(7),
            original_line: Some(5),
            hunk: Some("@@ -1 +1 @@".to_owned()),
            ..Position::default()
        };
        check(&place);
        check(&Position {
            old_path: Some("b.rs".to_owned()),
            side: Some(Side::Left),
            ..place.clone()
        });
        check(&Position {
            start_line: Some(3),
            start_side: Some(Side::Left),
            original_start_line: Some(2),
            ..place
        });
    }

    #[test]
    fn a_place_is_read_as_text_and_as_an_object() {
        let object = serde_json::json!({"new_path": "a", "new_line": 4, "position_type": "text"});
        for position in [Value::String(object.to_string()), object] {
            let note = wire::Note { position: Some(position), ..wire::Note::default() };

            assert_eq!(read(&note).unwrap().line, Some(4));
        }
    }
}
