//! Puts into bodies the hidden [mark] by which a destination finds again what we wrote there.
//!
//! Only destinations that settle record by record get it: the others keep our ids.

use packhorse_core::{
    Origin, Record, Settle,
    authored::authored,
    mark,
    model::{Markup, Text},
    port::{Context, Transform},
};
use pulldown_cmark::{Event, Options, Parser, Tag};

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
        let mark = mark::of(&record.origin);
        let Some(body) = authored(&mut record.object).and_then(|it| it.body) else {
            return;
        };
        let new = context.sink.markup.unwrap_or(Markup::Github);
        let markup = body.as_ref().map_or(new, |it| it.markup);
        if markup != Markup::Plain {
            let text = body.as_ref().map_or("", Text::as_str);
            *body = Some(Text::new(with_mark(text, &mark), markup));
        }
    }
}

/// The body with its mark, in place of an older one.
///
/// The mark comes last, unless something above would swallow and show it there,
/// such as a code block that nobody closed: then it comes first.
fn with_mark(body: &str, mark: &str) -> String {
    let body = mark::parse(body).map_or(body, |(_, rest)| rest);
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
    mark::of(origin).len() + 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_core::ObjectKind;
    use proptest::prelude::*;

    fn issue(id: &str) -> Origin {
        Origin::new(ObjectKind::Issue, id)
    }

    #[track_caller]
    fn check(body: &str, expected: &str) {
        let marked = with_mark(body, &mark::of(&issue("7")));

        assert_eq!(marked, expected);
        assert_eq!(with_mark(&marked, &mark::of(&issue("7"))), expected, "a second time");
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

    proptest! {
        #[test]
        fn every_mark_reads_back(id in "(?s).{0,40}", body in "(?s).{0,80}") {
            let marked = with_mark(&body, &mark::of(&issue(&id)));

            let (origin, _) = mark::parse(&marked).unwrap();

            prop_assert_eq!(origin, issue(&id));
        }
    }
}
