//! The hidden mark by which a destination finds again what we wrote there.
//!
//! Hosts give ids of their own and know nothing of ours. So that an interrupted
//! run can ask whether a record has arrived, bodies end in an HTML comment,
//! `<!-- packhorse: issue 12 -->`, which no host shows.

use crate::{catalogue::ObjectKind, record::Origin};
use std::fmt::Write as _;

const OPEN: &str = "<!-- packhorse: ";
const CLOSE: &str = " -->";

/// The mark of an origin.
pub fn of(origin: &Origin) -> String {
    let mut mark = format!("{OPEN}{} ", origin.kind);
    let mut last = 0;
    for byte in origin.id.bytes() {
        // SECURITY: an id is the source's; nothing in it may end the comment.
        let plain = byte.is_ascii_alphanumeric()
            || b"._/+:=".contains(&byte)
            || (byte == b'-' && last != b'-');
        if plain {
            mark.push(char::from(byte));
        } else if write!(mark, "%{byte:02X}").is_err() {
            // Cannot happen: writing to a string does not fail.
            break;
        }
        last = byte;
    }
    mark.push_str(CLOSE);
    mark
}

/// Reads the mark of a body, and the body without it.
pub fn parse(body: &str) -> Option<(Origin, &str)> {
    let trimmed = body.trim_end();
    if let Some((head, line)) = last_line(trimmed)
        && let Some(origin) = parse_mark(line)
    {
        return Some((origin, head.trim_end_matches(['\r', '\n'])));
    }
    let (line, rest) = trimmed.split_once('\n')?;
    let origin = parse_mark(line.trim_end())?;
    Some((origin, rest.trim_start_matches(['\r', '\n'])))
}

fn last_line(text: &str) -> Option<(&str, &str)> {
    match text.rfind('\n') {
        Some(at) => Some((&text[..at], &text[at + 1..])),
        None => Some(("", text)),
    }
}

fn parse_mark(line: &str) -> Option<Origin> {
    let inner = line.strip_prefix(OPEN)?.strip_suffix(CLOSE)?;
    let (kind, id) = inner.split_once(' ')?;
    let mut bytes = Vec::with_capacity(id.len());
    let mut rest = id.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        if byte != b'%' {
            bytes.push(byte);
            rest = tail;
            continue;
        }
        let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &tail[2..];
    }
    Some(Origin::new(ObjectKind::named(kind)?, String::from_utf8(bytes).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_cannot_end_the_comment() {
        let origin = Origin::new(ObjectKind::Issue, "a --> b--c\u{e9}");

        let mark = of(&origin);

        assert_eq!(mark, "<!-- packhorse: issue a%20-%2D%3E%20b-%2Dc%C3%A9 -->");
        assert_eq!(parse(&mark), Some((origin, "")));
    }

    #[test]
    fn what_is_no_mark_is_not_read() {
        for text in [
            "",
            "Hi",
            "<!-- packhorse: -->",
            "<!-- packhorse: cat 1 -->",
            "<!-- packhorse: issue %zz -->",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
