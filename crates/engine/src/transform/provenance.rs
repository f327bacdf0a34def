//! The hidden mark by which a destination finds again what we wrote there.
//!
//! Hosts give ids of their own and know nothing of ours. So that an interrupted
//! run can ask whether a record has arrived, bodies end in an HTML comment,
//! `<!-- packhorse: issue 12 -->`, which no host shows. Only destinations that
//! settle record by record get it: the others keep our ids.

use crate::transform::text::authored;
use packhorse_core::{
    ObjectKind, Origin, Record, Settle,
    model::{Markup, Text},
    port::{Context, Transform},
};
use pulldown_cmark::{Event, Options, Parser, Tag};
use std::fmt::Write as _;

const OPEN: &str = "<!-- packhorse: ";
const CLOSE: &str = " -->";

/// Marks bodies with the origin of their record.
#[derive(Debug)]
pub struct Provenance;

impl Transform for Provenance {
    fn name(&self) -> &'static str {
        "provenance"
    }

    fn apply(&self, context: &Context<'_>, record: &mut Record) {
        if context.sink.settle != Settle::Record {
            return;
        }
        let mark = mark(&record.origin);
        let Some(body) = authored(&mut record.object).and_then(|it| it.body) else {
            return;
        };
        let markup = body.as_ref().map_or(Markup::Github, |it| it.markup);
        if markup != Markup::Plain {
            let text = body.as_ref().map_or("", Text::as_str);
            *body = Some(Text::new(with_mark(text, &mark), markup));
        }
    }
}

/// The mark of an origin.
pub fn mark(origin: &Origin) -> String {
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

/// The body with its mark, in place of an older one.
///
/// The mark comes last, unless something above would swallow and show it there,
/// such as a code block that nobody closed: then it comes first.
fn with_mark(body: &str, mark: &str) -> String {
    let body = parse(body).map_or(body, |(_, rest)| rest);
    if body.is_empty() {
        return mark.to_owned();
    }
    let last = format!("{body}\n\n{mark}");
    if is_hidden_at_the_end(&last, mark) { last } else { format!("{mark}\n\n{body}") }
}

fn is_hidden_at_the_end(text: &str, mark: &str) -> bool {
    let start = text.len() - mark.len();
    Parser::new_ext(text, Options::ENABLE_TABLES)
        .into_offset_iter()
        .any(|(event, range)| matches!(event, Event::Start(Tag::HtmlBlock)) && range.start == start)
}

/// Bytes that a mark adds to a body, at most.
pub(super) fn weight(origin: &Origin) -> usize {
    mark(origin).len() + 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn issue(id: &str) -> Origin {
        Origin::new(ObjectKind::Issue, id)
    }

    #[track_caller]
    fn check(body: &str, expected: &str) {
        let marked = with_mark(body, &mark(&issue("7")));

        assert_eq!(marked, expected);
        assert_eq!(with_mark(&marked, &mark(&issue("7"))), expected, "a second time");
    }

    #[test]
    fn the_mark_comes_last() {
        check("Hi", "Hi\n\n<!-- packhorse: issue 7 -->");
        check("- a\n  - b", "- a\n  - b\n\n<!-- packhorse: issue 7 -->");
        check("", "<!-- packhorse: issue 7 -->");
    }

    #[test]
    fn the_mark_comes_first_where_the_end_would_show_it() {
        check("```\ncode", "<!-- packhorse: issue 7 -->\n\n```\ncode");
        check("<pre>\nx", "<!-- packhorse: issue 7 -->\n\n<pre>\nx");
        check("<!-- open", "<!-- packhorse: issue 7 -->\n\n<!-- open");
    }

    #[test]
    fn an_older_mark_gives_way() {
        check("Hi\n\n<!-- packhorse: comment 3 -->", "Hi\n\n<!-- packhorse: issue 7 -->");
    }

    #[test]
    fn an_id_cannot_end_the_comment() {
        assert_eq!(
            mark(&issue("a --> b--c\u{e9}")),
            "<!-- packhorse: issue a%20-%2D%3E%20b-%2Dc%C3%A9 -->"
        );
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

    proptest! {
        #[test]
        fn every_mark_reads_back(id in "(?s).{0,40}", body in "(?s).{0,80}") {
            let marked = with_mark(&body, &mark(&issue(&id)));

            let (origin, _) = parse(&marked).unwrap();

            prop_assert_eq!(origin, issue(&id));
        }
    }
}
