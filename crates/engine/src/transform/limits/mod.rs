//! What a destination declares about the size and shape of fields, enforced.
//!
//! Every cut is a loss. Texts are cut between characters and end in `…`. A label
//! whose name is cut gets a suffix made of the whole name's hash, so that two
//! long names stay two, and everything that names the label agrees without
//! having seen it.

mod color;

use super::provenance;
use data_encoding::HEXLOWER;
use packhorse_core::{
    Limits as Bounds, Loss, Object, Record, Settle,
    authored::marked_up,
    model::{Board, Text},
    port::{Context, Transform},
};
use sha2::{Digest, Sha256};

/// Cuts what is too long for the destination.
#[derive(Debug)]
pub struct Limits;

impl Transform for Limits {
    fn name(&self) -> &'static str {
        "limits"
    }

    fn apply(&self, context: &Context<'_>, record: &mut Record) {
        let bounds = &context.sink.limits;
        let reserved = match context.sink.settle {
            Settle::Record => provenance::weight(&record.origin),
            Settle::Page => 0,
        };
        let mut losses = Vec::new();
        names(bounds, &mut record.object, &mut losses);
        if let Some(limit) = bounds.body_bytes {
            body(limit.saturating_sub(reserved), &mut record.object, &mut losses);
        }
        record.losses.extend(losses);
    }
}

/// Titles, names and what else is not a body.
fn names(bounds: &Bounds, object: &mut Object, losses: &mut Vec<Loss>) {
    match object {
        Object::Label(it) => {
            if let Some(name) = label_name(bounds, &it.name) {
                losses.push(too_long("name", bounds.label_name_chars, "characters"));
                it.name = name;
            }
            if let Some(text) = &mut it.description {
                chars("description", bounds.label_description_chars, &mut text.text.0, losses);
            }
            if bounds.label_color_hex {
                color::enforce(&mut it.color, losses);
            }
        }
        Object::Topic(it) => chars("name", bounds.topic_chars, &mut it.name, losses),
        Object::Project(it) => {
            if let (Some(limit), Some(text)) =
                (bounds.project_description_chars, &mut it.description)
            {
                fold("description", text, losses);
                chars("description", Some(limit), text, losses);
            }
        }
        Object::Issue(it) => {
            chars("title", bounds.title_chars, &mut it.title, losses);
            label_names(bounds, &mut it.labels);
        }
        Object::ChangeRequest(it) => {
            chars("title", bounds.title_chars, &mut it.title, losses);
            label_names(bounds, &mut it.labels);
        }
        Object::Discussion(it) => label_names(bounds, &mut it.labels),
        Object::Event(it) => it.label.iter_mut().for_each(|name| rename(bounds, name)),
        Object::Board(it) => board(bounds, it),
        Object::User(_)
        | Object::Organization(_)
        | Object::Team(_)
        | Object::Member(_)
        | Object::LfsObject(_)
        | Object::Repository(_)
        | Object::Wiki(_)
        | Object::Milestone(_)
        | Object::Attachment(_)
        | Object::Review(_)
        | Object::ReviewThread(_)
        | Object::ReviewComment(_)
        | Object::DiscussionCategory(_)
        | Object::Snippet(_)
        | Object::CommitComment(_)
        | Object::Comment(_)
        | Object::Reaction(_)
        | Object::CommitStatus(_)
        | Object::Release(_)
        | Object::ReleaseAsset(_)
        | Object::BranchRule(_)
        | Object::TagRule(_)
        | Object::Webhook(_)
        | Object::DeployKey(_)
        | Object::Variable(_)
        | Object::State(_) => {}
    }
}

fn board(bounds: &Bounds, board: &mut Board) {
    label_names(bounds, &mut board.labels);
    for column in &mut board.columns {
        column.label.iter_mut().for_each(|name| rename(bounds, name));
    }
}

fn label_names(bounds: &Bounds, names: &mut [String]) {
    names.iter_mut().for_each(|name| rename(bounds, name));
}

fn rename(bounds: &Bounds, name: &mut String) {
    if let Some(shorter) = label_name(bounds, name) {
        *name = shorter;
    }
}

/// The name that a label gets where its own is too long.
fn label_name(bounds: &Bounds, name: &str) -> Option<String> {
    const SUFFIX: usize = 7;
    let limit = bounds.label_name_chars?;
    if name.chars().count() <= limit {
        return None;
    }
    let hash = Sha256::digest(name.as_bytes());
    let hash = HEXLOWER.encode(&hash[..3]);
    let kept: String = name.chars().take(limit.saturating_sub(SUFFIX)).collect();
    let short = format!("{}~{hash}", kept.trim_end());
    Some(short.chars().take(limit).collect())
}

fn body(limit: usize, object: &mut Object, losses: &mut Vec<Loss>) {
    if let Some((field, text)) = marked_up(object) {
        bytes(field, limit, text, losses);
    }
}

/// Cuts a line of text to a number of characters.
fn chars(field: &'static str, limit: Option<usize>, text: &mut String, losses: &mut Vec<Loss>) {
    let Some(limit) = limit else { return };
    if text.chars().count() <= limit {
        return;
    }
    let kept: String = text.chars().take(limit.saturating_sub(1)).collect();
    *text = if limit == 0 { String::new() } else { format!("{}…", kept.trim_end()) };
    losses.push(too_long(field, Some(limit), "characters"));
}

/// Cuts a body to a number of bytes.
fn bytes(field: &'static str, limit: usize, text: &mut Text, losses: &mut Vec<Loss>) {
    const MORE: &str = "…";
    let body = &mut text.text.0;
    if body.len() <= limit {
        return;
    }
    let end = body.floor_char_boundary(limit.saturating_sub(MORE.len()));
    body.truncate(end);
    if limit >= MORE.len() {
        body.push_str(MORE);
    }
    losses.push(too_long(field, Some(limit), "bytes"));
}

/// Makes one line of a text.
fn fold(field: &'static str, text: &mut String, losses: &mut Vec<Loss>) {
    if text.chars().any(char::is_control) {
        *text = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        losses.push(Loss::sink(field, "line ends and control characters became spaces"));
    }
}

fn too_long(field: &'static str, limit: Option<usize>, unit: &str) -> Loss {
    let limit = limit.unwrap_or_default();
    Loss::sink(field, format!("cut: the destination holds {limit} {unit}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_core::{
        Capabilities, Scope, Support,
        model::{Comment, Issue, Label, Markup, Project},
    };
    use proptest::prelude::*;

    fn apply(bounds: Bounds, object: Object) -> Record {
        let mut caps = Capabilities::promised(|_| Support::Full, "test");
        caps.limits = bounds;
        caps.settle = Settle::Page;
        let context = Context { source: &caps, sink: &caps, scope: &Scope::Shared };
        let mut record = Record::new("1", object);
        Limits.apply(&context, &mut record);
        record
    }

    fn fields(record: &Record) -> Vec<&str> {
        record.losses.iter().map(|it| &*it.field).collect()
    }

    #[test]
    fn a_long_title_is_cut_between_characters() {
        let bounds = Bounds { title_chars: Some(4), ..Bounds::default() };
        let issue = Issue { title: "äöüßé".into(), ..Issue::default() };

        let record = apply(bounds, Object::from(issue));

        let Object::Issue(issue) = &record.object else { panic!("an issue") };
        assert_eq!(issue.title, "äöü…");
        assert_eq!(fields(&record), ["title"]);
    }

    #[test]
    fn what_fits_stays() {
        let bounds =
            Bounds { title_chars: Some(5), label_name_chars: Some(5), ..Bounds::default() };
        let issue =
            Issue { title: "äöüßé".into(), labels: vec!["label".into()], ..Issue::default() };

        let record = apply(bounds, Object::from(issue.clone()));

        assert_eq!(record, Record::new("1", Object::from(issue)));
    }

    #[test]
    fn two_long_label_names_stay_two_and_issues_follow() {
        let bounds = || Bounds { label_name_chars: Some(16), ..Bounds::default() };
        let long = ["needs a closer look", "needs a closer touch"];
        let cut = long.map(|name| {
            let record =
                apply(bounds(), Object::from(Label { name: name.into(), ..Label::default() }));
            let Object::Label(label) = record.object else { panic!("a label") };
            label.name
        });
        let labels = long.map(str::to_owned).to_vec();

        let record = apply(bounds(), Object::from(Issue { labels, ..Issue::default() }));

        let Object::Issue(issue) = record.object else { panic!("an issue") };
        assert_eq!(issue.labels, cut);
        assert_ne!(cut[0], cut[1]);
        assert!(cut.iter().all(|it| it.chars().count() <= 16 && it.starts_with("needs a c")));
    }

    #[test]
    fn a_description_becomes_one_line() {
        let bounds = Bounds { project_description_chars: Some(100), ..Bounds::default() };
        let project = Project { description: Some("a\nb\u{7}c".into()), ..Project::default() };

        let record = apply(bounds, Object::from(project));

        let Object::Project(project) = &record.object else { panic!("a project") };
        assert_eq!(project.description.as_deref(), Some("a b c"));
        assert_eq!(fields(&record), ["description"]);
    }

    #[test]
    fn room_is_left_for_the_mark() {
        let mut caps = Capabilities::promised(|_| Support::Full, "test");
        caps.limits.body_bytes = Some(100);
        let context = Context { source: &caps, sink: &caps, scope: &Scope::Shared };
        let body = Some(Text::new("x".repeat(500), Markup::Github));
        let record = Record::new("9", Object::from(Comment { body, ..Comment::default() }));

        let mut record = record;
        Limits.apply(&context, &mut record);
        provenance::Provenance.apply(&context, &mut record);

        let Object::Comment(comment) = record.object else { panic!("a comment") };
        assert_eq!(comment.body.unwrap_or_default().as_str().len(), 100);
    }

    proptest! {
        #[test]
        fn nothing_is_longer_than_the_limit(text in "(?s).{0,60}", limit in 0_usize..70) {
            let bounds = Bounds {
                title_chars: Some(limit),
                label_name_chars: Some(limit),
                body_bytes: Some(limit),
                ..Bounds::default()
            };
            let body = Some(Text::new(text.clone(), Markup::Github));
            let issue = Issue { title: text.clone(), labels: vec![text], body, ..Issue::default() };

            let record = apply(bounds, Object::from(issue));

            let Object::Issue(issue) = &record.object else { panic!("an issue") };
            prop_assert!(issue.title.chars().count() <= limit);
            prop_assert!(issue.labels[0].chars().count() <= limit);
            prop_assert!(issue.body.as_ref().unwrap().as_str().len() <= limit);
        }
    }
}
