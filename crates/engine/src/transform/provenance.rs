//! Puts into bodies the hidden [mark] by which a destination finds again what we wrote there.
//!
//! Only destinations that settle record by record get it: the others keep our ids, and what
//! arrives there loses the mark that an earlier migration left at the source.

use packhorse_core::{
    Origin, Record, Settle,
    authored::authored,
    mark,
    model::{Markup, Text},
    port::{Context, Transform},
};
use pulldown_cmark::{Event, Options, Parser, Tag};

/// Marks bodies with the origin of their record, or takes an older mark out.
#[derive(Debug)]
pub struct Provenance;

impl Transform for Provenance {
    fn name(&self) -> &'static str {
        "provenance"
    }

    fn apply(&self, context: &Context<'_>, record: &mut Record) {
        let origin = &record.origin;
        let Some(body) = authored(&mut record.object).and_then(|it| it.body) else {
            return;
        };
        if context.sink.settle != Settle::Record {
            if let Some(text) = body.as_ref()
                && let Some((_, rest)) = mark::parse(text.as_str())
            {
                *body = (!rest.is_empty()).then(|| Text::new(rest, text.markup));
            }
            return;
        }
        let new = context.sink.markup.unwrap_or(Markup::Github);
        let markup = body.as_ref().map_or(new, |it| it.markup);
        if markup != Markup::Plain {
            let text = body.as_ref().map_or("", Text::as_str);
            *body = Some(Text::new(with_mark(text, &mark::of(origin)), markup));
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
    use packhorse_core::{Object, ObjectKind, Scope, Support, model::Issue};
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

    fn provenance(settle: Settle, body: &str) -> Option<String> {
        let mut sink = packhorse_core::Capabilities::promised(|_| Support::Full, "test");
        sink.settle = settle;
        let issue = Issue { body: Some(Text::new(body, Markup::Github)), ..Issue::default() };
        let mut record = Record::new("7", Object::from(issue));
        let context = Context { source: &sink, sink: &sink, scope: &Scope::Shared };
        Provenance.apply(&context, &mut record);
        let Object::Issue(it) = record.object else { return None };
        it.body.map(|it| it.as_str().to_owned())
    }

    #[test]
    fn what_keeps_ids_gets_no_mark_and_loses_an_older_one() {
        let marked = format!("a\n\n{}", mark::of(&issue("5")));

        assert_eq!(provenance(Settle::Page, "a").as_deref(), Some("a"));
        assert_eq!(provenance(Settle::Page, &marked).as_deref(), Some("a"));
        assert_eq!(provenance(Settle::Page, &mark::of(&issue("5"))), None);
        let new = format!("a\n\n{}", mark::of(&issue("7")));
        assert_eq!(provenance(Settle::Record, &marked), Some(new));
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
