//! Addresses of files in texts, which lead to where the files are at the destination.
//!
//! A file arrives after what it belongs to, so that its address is not known when a text is first
//! written: the text stays, and is written again when all is there.

use super::{UNRESOLVED, scan};
use packhorse_core::{
    Capabilities, Loss, Object, ObjectKind, Origin, Record,
    authored::marked_up,
    model::{Markup, Text},
    port::{Context, Transform},
};

/// Most files of one text that are looked up; further addresses stay as they are.
const MAX_FILES: usize = 200;

/// Leads addresses of files to the destination's.
#[derive(Debug)]
pub(crate) struct Files;

/// Where a destination of that layout has a file; `None` where its addresses are not known.
fn address(sink: &Capabilities, id: &str) -> Option<String> {
    let url = sink.web_url.as_deref()?.trim_end_matches('/');
    match sink.markup? {
        Markup::Gitea => Some(format!("{url}/attachments/{id}")),
        Markup::Plain | Markup::Github | Markup::Gitlab | Markup::Bitbucket => None,
    }
}

/// How a file may be called at its source: by its address, or by the end of that.
fn names(url: &str) -> Vec<Origin> {
    let end = url.rsplit('/').next().filter(|it| !it.is_empty() && *it != url);
    let names = std::iter::once(url).chain(end);
    names.map(|it| Origin::new(ObjectKind::Attachment, it)).collect()
}

fn addresses(text: &Text) -> Vec<std::ops::Range<usize>> {
    let mut found = scan::files(text.as_str(), text.markup);
    found.truncate(MAX_FILES);
    found
}

/// What a text may show of files, as it is to be looked up for [`Record::links`].
pub(crate) fn files(object: &mut Object, sink: &Capabilities) -> Vec<Origin> {
    if address(sink, "").is_none() {
        return Vec::new();
    }
    let Some((_, text)) = marked_up(object) else { return Vec::new() };
    addresses(text).into_iter().flat_map(|it| names(&text.as_str()[it])).collect()
}

impl Transform for Files {
    fn name(&self) -> &'static str {
        "files"
    }

    fn apply(&self, context: &Context<'_>, record: &mut Record) {
        if address(context.sink, "").is_none() {
            return;
        }
        let Some((_, text)) = marked_up(&mut record.object) else { return };
        let (mut patches, mut is_complete) = (Vec::new(), true);
        for range in addresses(text) {
            let mut names = names(&text.as_str()[range.clone()]).into_iter();
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

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_core::{Scope, Support, TargetId, model::Issue};

    #[track_caller]
    fn check(body: &str, expected: &str, is_complete: bool) {
        let mut sink = Capabilities::promised(|_| Support::Full, "test");
        sink.markup = Some(Markup::Gitea);
        sink.web_url = Some("https://new.example".to_owned());
        let context = Context { source: &sink, sink: &sink, scope: &Scope::Shared };
        let body = Some(Text::new(body, Markup::Github));
        let mut record = Record::new("1", Object::Issue(Issue { body, ..Issue::default() }));
        for (id, target) in [("https://old.example/user-attachments/assets/7", "u-7"), ("8", "u-8")]
        {
            let origin = Origin::new(ObjectKind::Attachment, id);
            record.links.insert(origin, TargetId(target.to_owned()));
        }

        Files.apply(&context, &mut record);

        let Object::Issue(issue) = record.object else { panic!("an issue") };
        assert_eq!(issue.body.unwrap().as_str(), expected);
        assert_eq!(record.losses.is_empty(), is_complete);
    }

    #[test]
    fn an_address_of_a_file_leads_to_the_new_one() {
        check(
            "![a](https://old.example/user-attachments/assets/7) and <https://o.example/attachments/8>",
            "![a](https://new.example/attachments/u-7) and <https://new.example/attachments/u-8>",
            true,
        );
    }

    #[test]
    fn what_is_no_file_or_code_stays() {
        let text = "`https://o.example/attachments/8` https://o.example/8";
        check(text, text, true);
    }

    #[test]
    fn a_file_that_is_to_come_marks_the_record() {
        let text = "see https://o.example/attachments/9";
        check(text, text, false);
    }
}
