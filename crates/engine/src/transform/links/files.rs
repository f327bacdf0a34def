//! Addresses of files in texts, which lead to where the files are at the destination.
//!
//! A file arrives after what it belongs to, so that its address is not known when a text is first
//! written: the text stays, and is written again when all is there.
//!
//! Texts name a file by its whole address, or by the end of it: the last part, or with the part
//! before, which nobody can guess. The ids of files end alike, at both ends.

use super::{UNRESOLVED, place, scan};
use packhorse_core::{
    Capabilities, Loss, Object, ObjectKind, Origin, Record, Settle,
    authored::marked_up,
    model::{Markup, Subject, Text},
    port::{Context, Transform},
};
use std::ops::Range;

/// Most files of one text that are looked up; further addresses stay as they are.
const MAX_FILES: usize = 200;

/// Leads addresses of files to the destination's.
#[derive(Debug)]
pub(crate) struct Files;

/// Whether a destination takes files and gives them addresses of its own.
fn leads(sink: &Capabilities) -> bool {
    sink.settle == Settle::Record
        && sink.of(ObjectKind::Attachment).is_some()
        && address(sink, "0/0").is_some()
}

/// Where a destination of that layout has a file; `None` where its addresses are not known.
///
/// Source: Gitea, `/attachments/:uuid`; GitLab, "Project uploads API", whose addresses in texts
/// begin at the project.
fn address(sink: &Capabilities, id: &str) -> Option<String> {
    match sink.markup? {
        Markup::Gitea => {
            let url = sink.web_url.as_deref()?.trim_end_matches('/');
            Some(format!("{url}/attachments/{id}"))
        }
        Markup::Gitlab => ending(id, 2).map(|it| format!("/uploads/{it}")),
        Markup::Plain | Markup::Github | Markup::Bitbucket => None,
    }
}

/// The last parts of an address or an id.
fn ending(text: &str, n_parts: usize) -> Option<&str> {
    let (at, _) = text.rmatch_indices('/').nth(n_parts - 1).unwrap_or((text.len(), ""));
    let end =
        text.get(at + 1..).or_else(|| (text.matches('/').count() + 1 == n_parts).then_some(text));
    end.filter(|it| !it.is_empty() && !it.starts_with('/') && !it.ends_with('/'))
}

/// How a file may be called at its source.
fn names(url: &str, owner: Option<&str>) -> Vec<Origin> {
    let (one, two) = (ending(url, 1), ending(url, 2));
    let below = owner.zip(two).map(|(owner, end)| format!("{owner}/{end}"));
    let names = [Some(url.to_owned()), one.map(str::to_owned), two.map(str::to_owned), below];
    names.into_iter().flatten().map(|it| Origin::new(ObjectKind::Attachment, it)).collect()
}

/// What the files of a text belong to, as the ids of files begin where they tell it.
fn owner(object: &Object) -> Option<String> {
    let issue = |n: u64| Some(format!("issues/{n}"));
    let change = |n: u64| Some(format!("merge_requests/{n}"));
    if let Object::Issue(it) = object {
        issue(it.number)
    } else if let Object::ChangeRequest(it) = object {
        change(it.number)
    } else if let Object::Review(it) = object {
        change(it.change_request)
    } else if let Object::ReviewComment(it) = object {
        change(it.change_request)
    } else if let Object::Comment(it) = object {
        if let Subject::Issue(n) = it.subject {
            issue(n)
        } else if let Subject::ChangeRequest(n) = it.subject {
            change(n)
        } else {
            None
        }
    } else {
        None
    }
}

fn addresses(text: &Text) -> Vec<Range<usize>> {
    let mut found = scan::files(text.as_str(), text.markup);
    found.truncate(MAX_FILES);
    found
}

/// What a text may show of files, as it is to be looked up for [`Record::links`].
pub(crate) fn files(object: &mut Object, sink: &Capabilities) -> Vec<Origin> {
    if !leads(sink) {
        return Vec::new();
    }
    let owner = owner(object);
    let Some((_, text)) = marked_up(object) else { return Vec::new() };
    let found = addresses(text).into_iter();
    found.flat_map(|it| names(&text.as_str()[it], owner.as_deref())).collect()
}

impl Transform for Files {
    fn name(&self) -> &'static str {
        "files"
    }

    fn apply(&self, context: &Context<'_>, record: &mut Record) {
        // Others keep addresses as they are, and most records are read for such: not searched.
        if context.sink.settle != Settle::Record {
            return;
        }
        let owner = owner(&record.object);
        let Some((_, text)) = marked_up(&mut record.object) else { return };
        let (mut patches, mut is_complete) = (Vec::new(), true);
        for range in addresses(text) {
            let url = &text.as_str()[range.clone()];
            if !leads(context.sink) {
                patches.extend(at_source(context, url).map(|it| (range, it)));
                continue;
            }
            let mut names = names(url, owner.as_deref()).into_iter();
            match names.find_map(|it| record.links.get(&it)) {
                // It was left out, which its own record says.
                Some(target) if target.0.is_empty() => {}
                Some(target) => {
                    patches.extend(address(context.sink, &target.0).map(|it| (range, it)));
                }
                None => is_complete = false,
            }
        }
        super::patch(&mut text.text.0, &patches);
        if !is_complete {
            let detail = "shows a file that had not arrived yet";
            record.losses.push(Loss::policy(UNRESOLVED, detail));
        }
    }
}

/// The whole address of a file that a text names from its project on, for a host that has no
/// place for it: there it would lead nowhere.
fn at_source(context: &Context<'_>, url: &str) -> Option<String> {
    let (source, sink) = (context.source, context.sink);
    let moves = sink.settle == Settle::Record && sink.markup.is_some_and(|it| it != Markup::Gitlab);
    let web = source.web_url.as_deref()?.trim_end_matches('/');
    let project = place::below(context.scope.project()?, source.addresses);
    if !moves {
        return None;
    }
    if url.starts_with("/uploads/") {
        return Some(format!("{web}/{project}{url}"));
    }
    let id = url.strip_prefix("attachment:").and_then(|it| ending(it, 1))?;
    Some(format!("{web}/{project}/attachments/{id}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_core::{Scope, Support, TargetId, model::Issue};

    #[track_caller]
    fn check((from, to): (Markup, Markup), body: &str, expected: &str, is_complete: bool) {
        let mut sink = Capabilities::promised(|_| Support::Full, "test");
        sink.markup = Some(to);
        sink.web_url = Some("https://new.example".to_owned());
        let mut source = sink.clone();
        source.web_url = Some("https://old.example/".to_owned());
        let scope = Scope::Project("acme/app".to_owned());
        let context = Context { source: &source, sink: &sink, scope: &scope };
        let body = Some(Text::new(body, from));
        let mut record =
            Record::new("1", Object::from(Issue { number: 3, body, ..Issue::default() }));
        for (id, target) in [
            ("https://old.example/user-attachments/assets/7", "u-7"),
            ("8", "u-8"),
            ("issues/3/0a/x.png", "u-9"),
            ("34", "issues/5/0b/y.png"),
        ] {
            let origin = Origin::new(ObjectKind::Attachment, id);
            record.links.insert(origin, TargetId(target.to_owned()));
        }
        let mut asked = files(&mut record.object, &sink).into_iter();
        let is_asked = asked.any(|it| record.links.contains_key(&it));

        Files.apply(&context, &mut record);

        let Object::Issue(issue) = record.object else { panic!("an issue") };
        assert_eq!(issue.body.unwrap().as_str(), expected);
        assert_eq!(record.losses.is_empty(), is_complete);
        assert_eq!(is_asked, expected.contains("u-") || expected.contains("0b"), "what is asked");
    }

    const TO_GITEA: (Markup, Markup) = (Markup::Github, Markup::Gitea);

    #[test]
    fn an_address_of_a_file_leads_to_the_new_one() {
        check(
            TO_GITEA,
            "![a](https://old.example/user-attachments/assets/7) and <https://o.example/attachments/8>",
            "![a](https://new.example/attachments/u-7) and <https://new.example/attachments/u-8>",
            true,
        );
    }

    #[test]
    fn an_address_without_a_host_leads_to_the_new_one() {
        check(
            (Markup::Gitlab, Markup::Gitea),
            "![a](/uploads/0a/x.png){width=3} and https://o.example/a/b/uploads/0a/x.png",
            "![a](https://new.example/attachments/u-9){width=3} and https://new.example/attachments/u-9",
            true,
        );
        check(
            (Markup::Bitbucket, Markup::Gitlab),
            "[a](attachment:12/34)",
            "[a](/uploads/0b/y.png)",
            true,
        );
    }

    #[test]
    fn where_files_have_no_place_they_are_shown_where_they_were() {
        check(
            (Markup::Gitlab, Markup::Github),
            "![a](/uploads/0a/x.png) x/uploads/y",
            "![a](https://old.example/acme/app/uploads/0a/x.png) x/uploads/y",
            true,
        );
    }

    #[test]
    fn what_is_no_file_or_code_stays() {
        let text = "`https://o.example/attachments/8` https://o.example/8";
        check(TO_GITEA, text, text, true);
    }

    #[test]
    fn a_file_that_is_to_come_marks_the_record() {
        let text = "see https://o.example/attachments/9";
        check(TO_GITEA, text, text, false);
    }

    #[test]
    fn an_ending_is_the_last_parts() {
        assert_eq!(ending("a/b/c", 1), Some("c"));
        assert_eq!(ending("a/b/c", 2), Some("b/c"));
        assert_eq!(ending("b/c", 2), Some("b/c"));
        assert_eq!(ending("c", 1), Some("c"));
        assert_eq!(ending("c", 2), None);
        assert_eq!(ending("https://h/", 1), None);
    }
}
