//! The line that says who wrote a body, where the destination cannot keep it.

use packhorse_core::{
    Capabilities, Loss, Record,
    authored::{Authored, authored},
    model::{Identity, Markup, Text, Time},
    port::{Context, Transform},
};
use std::fmt::Write as _;

/// Puts `Written by Ann Lee (ann) on 2019-11-12 21:00 UTC` above a body, where
/// the destination keeps no authors or no times.
///
/// The line names nobody in a way that a host would take for a mention: people
/// who wrote something years ago get no mail about it.
#[derive(Debug)]
pub struct Credit;

impl Transform for Credit {
    fn name(&self) -> &'static str {
        "credit"
    }

    fn apply(&self, context: &Context<'_>, record: &mut Record) {
        let keeps = context.sink.keeps;
        let Some(it) = authored(&mut record.object) else { return };
        let author = it.author.filter(|_| !keeps.authors);
        let at = it.at.filter(|_| !keeps.times);
        let mut losses = Vec::new();
        let detail = match it.body {
            Some(_) => "stands in a line above the text",
            None => "the destination does not keep it",
        };
        losses.extend(author.map(|_| Loss::sink("author", detail)));
        losses.extend(at.map(|_| Loss::sink("created_at", detail)));
        sign(it, context.sink);
        record.losses.extend(losses);
    }
}

fn sign(it: Authored<'_>, sink: &Capabilities) {
    let Some(body) = it.body else { return };
    let keeps = sink.keeps;
    // Where nothing was written, the line is the whole text, and the destination's.
    let new = sink.markup.unwrap_or(Markup::Plain);
    let markup = body.as_ref().map_or(new, |text| text.markup);
    let author = it.author.filter(|_| !keeps.authors);
    let at = it.at.filter(|_| !keeps.times);
    let Some(line) = line(author, at, markup) else { return };
    let text = match body {
        Some(old) if !old.as_str().is_empty() => format!("{line}\n\n{}", old.as_str()),
        Some(_) | None => line,
    };
    *body = Some(Text::new(text, markup));
}

fn line(author: Option<&Identity>, at: Option<Time>, markup: Markup) -> Option<String> {
    let who = author.and_then(|it| name(it, markup));
    if who.is_none() && at.is_none() {
        return None;
    }
    let mut line = String::from("Written");
    if let Some(who) = who {
        line.push_str(" by ");
        line.push_str(&who);
    }
    if let Some(at) = at {
        let moment = at.instant().strftime("%Y-%m-%d %H:%M UTC");
        // Cannot fail: the format names only what a moment has.
        if write!(line, " on {moment}").is_err() {
            return None;
        }
    }
    Some(if markup == Markup::Plain { line } else { format!("*{line}*") })
}

/// Name and login such that no host links, mentions or marks up anything in them.
pub(crate) fn name(who: &Identity, markup: Markup) -> Option<String> {
    let login = inert(&who.login, markup, true);
    let name = who.name.as_deref().and_then(|it| inert(it, markup, false));
    match (name, login) {
        (Some(name), Some(login)) => Some(format!("{name} ({login})")),
        (name, login) => name.or(login),
    }
}

/// SECURITY: a name is whatever its owner typed; what could be markup or a
/// mention goes into a code span, or goes away in plain text.
pub(crate) fn inert(text: &str, markup: Markup, always_code: bool) -> Option<String> {
    let is_tame = |c: char| c.is_alphanumeric() || " .'-,".contains(c);
    if markup == Markup::Plain {
        let text: String =
            text.chars().map(|c| if is_tame(c) || c == '_' { c } else { ' ' }).collect();
        return Some(text.trim().to_owned()).filter(|it| !it.is_empty());
    }
    let text: String = text
        .chars()
        .map(|c| {
            if c == '`' {
                '\''
            } else if c.is_control() {
                ' '
            } else {
                c
            }
        })
        .collect();
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    Some(if always_code || !text.chars().all(is_tame) {
        format!("`{text}`")
    } else {
        text.to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_core::{
        Keeps, Object, Scope, Support,
        model::{Comment, Milestone},
    };

    const AT: &str = "2019-11-12T22:00:59+01:00";

    fn keeping(authors: bool, times: bool) -> Capabilities {
        let mut caps = Capabilities::promised(|_| Support::Full, "test");
        caps.keeps = Keeps { authors, times, numbers: true };
        caps
    }

    fn apply(sink: &Capabilities, object: Object) -> Record {
        let context = Context { source: sink, sink, scope: &Scope::Shared };
        let mut record = Record::new("1", object);
        Credit.apply(&context, &mut record);
        record
    }

    fn comment(name: &str, body: Option<Text>) -> Object {
        let author =
            Identity { login: "ann".into(), name: Some(name.into()), ..Identity::default() };
        Object::from(Comment {
            author: Some(author),
            body,
            created_at: AT.parse().ok(),
            ..Comment::default()
        })
    }

    #[track_caller]
    fn check(keeps: (bool, bool), object: Object, expected: &str, lost: &[&str]) {
        let record = apply(&keeping(keeps.0, keeps.1), object);

        let Object::Comment(comment) = record.object else { panic!("a comment") };
        assert_eq!(comment.body.unwrap_or_default().as_str(), expected);
        assert_eq!(record.losses.iter().map(|it| &*it.field).collect::<Vec<_>>(), lost);
    }

    fn words(text: &str) -> Option<Text> {
        Some(Text::new(text, Markup::Github))
    }

    #[test]
    fn a_line_says_what_the_destination_does_not_keep() {
        let both = "*Written by Ann Lee (`ann`) on 2019-11-12 21:00 UTC*\n\nHi";
        check((false, false), comment("Ann Lee", words("Hi")), both, &["author", "created_at"]);
        check(
            (false, true),
            comment("Ann Lee", words("Hi")),
            "*Written by Ann Lee (`ann`)*\n\nHi",
            &["author"],
        );
        check(
            (true, false),
            comment("Ann Lee", words("Hi")),
            "*Written on 2019-11-12 21:00 UTC*\n\nHi",
            &["created_at"],
        );
        check((true, true), comment("Ann Lee", words("Hi")), "Hi", &[]);
    }

    #[test]
    fn the_line_stands_alone_where_there_is_no_body() {
        check((false, true), comment("Ann Lee", None), "Written by Ann Lee (ann)", &["author"]);
    }

    #[test]
    fn a_name_mentions_and_marks_up_nothing() {
        check(
            (false, true),
            comment("@all *x* `y`", words("Hi")),
            "*Written by `@all *x* 'y'` (`ann`)*\n\nHi",
            &["author"],
        );
        check((false, true), comment("@all", None), "Written by all (ann)", &["author"]);
        check(
            (false, true),
            comment("a\n# b", words("Hi")),
            "*Written by `a # b` (`ann`)*\n\nHi",
            &["author"],
        );
    }

    #[test]
    fn a_kind_without_a_body_loses_its_author() {
        let author = Some(Identity::login("ann", None));
        let object = Object::from(Milestone { author, ..Milestone::default() });

        let record = apply(&keeping(false, true), object);

        assert_eq!(record.losses, [Loss::sink("author", "the destination does not keep it")]);
    }
}
