//! What an object loses in a dump, found by writing it and reading that again.

use super::{
    map::{self, Known},
    people::People,
    support, wire,
};
use crate::{
    key,
    spool::{Prepared, losses},
};
use packhorse_core::{
    Object, ObjectKind, Scope,
    model::{StateValue, Subject},
};

/// Looks what becomes of an object of that id.
pub(super) fn prepare(scope: &Scope, id: &str, object: &Object) -> Prepared {
    let support = support::writes(object.kind());
    match read_back(scope, id, object) {
        Some((target, back)) => losses::prepared(object, (target, &back), support),
        None => losses::without_a_place(object, id, losses::left_out(reason(object), support)),
    }
}

/// What of an object makes that the dump has no place for it.
fn reason(object: &Object) -> Option<String> {
    let kind = object.kind();
    if kind == ObjectKind::ReleaseAsset {
        return Some("link".to_owned());
    }
    let subject = losses::variant(object, "subject");
    let is_kept = subject.as_deref().is_some_and(|it| {
        matches!(it, "subject.issue" | "subject.change_request" | "subject.comment")
    });
    if kind == ObjectKind::State {
        return losses::variant(object, "value");
    }
    if kind == ObjectKind::Event && is_kept { Some("action".to_owned()) } else { subject }
}

fn wrap(found: Option<(String, impl Into<Object>)>) -> Option<(String, Object)> {
    found.map(|(id, it)| (id, it.into()))
}

/// What has a list of comments.
const fn is_numbered(subject: &Subject) -> bool {
    matches!(subject, Subject::Issue(_) | Subject::ChangeRequest(_))
}

/// Writes an object and reads it again; `None` when the dump has no place for it.
#[expect(clippy::too_many_lines, reason = "one arm a kind")]
fn read_back(scope: &Scope, id: &str, object: &Object) -> Option<(String, Object)> {
    let people = &mut People::default();
    let row = key::row(id);
    let (title, label) = (&|number: u64| Some(number.to_string()), &|_: &str| None);
    let names = Known { title, label };
    let number = &|title: &str| title.parse().ok();
    match object {
        Object::Project(it) => {
            let back = map::project(&it.path, &map::write_project(it), None);
            Some((it.path.clone(), Object::from(back)))
        }
        Object::Topic(it) => Some((it.name.clone(), Object::Topic(it.clone()))),
        Object::Label(it) => {
            let back = map::label(map::write_label(it))?;
            Some((back.name.clone(), Object::from(back)))
        }
        Object::Milestone(it) => {
            let back = map::milestone(it.number, map::write_milestone(it));
            Some((back.number.to_string(), Object::from(back)))
        }
        Object::Issue(it) => {
            let back = map::issue(&map::write_issue(it, &names, people), number)?;
            Some((back.number.to_string(), Object::from(back)))
        }
        Object::ChangeRequest(it) => {
            let written = map::write_change_request(it, scope.key(), &names, people);
            let back = map::change_request(&written, scope.key(), number)?;
            Some((back.number.to_string(), Object::from(back)))
        }
        Object::Review(it) => wrap(map::review(&map::write_review(&row, it, people))),
        Object::ReviewComment(it) => {
            let review = it.review.as_ref().map(|it| it.0.as_str());
            let written = map::write_review_comment(&row, it, people);
            let back = map::review_comment(&written, (it.change_request, review), people);
            wrap(back)
        }
        Object::Comment(it) => {
            let written = map::write_comment(&row, it, people)?;
            wrap(map::comment(&written, &it.subject))
        }
        Object::Event(it) => {
            let written = map::write_event(&row, it, people)?;
            wrap(map::event(&written, &it.subject))
        }
        Object::Reaction(it) => {
            let is_kept = is_numbered(&it.subject)
                || matches!(it.subject, Subject::Comment(_) | Subject::ReviewComment(_));
            is_kept.then_some(())?;
            wrap(map::reaction(&map::write_reaction(it, people), &it.subject))
        }
        Object::Release(it) => {
            let back = map::release(&map::write_release(it, people))?;
            Some((back.tag.clone(), Object::from(back)))
        }
        Object::ReleaseAsset(it) => {
            let written: wire::Asset = map::write_asset(it, String::new())?;
            wrap(map::asset(&written, &it.release, it.blob.clone()))
        }
        Object::State(it) => {
            let is_locked = matches!(it.value, StateValue::Locked(_)) && is_numbered(&it.subject);
            wrap(map::locked(&it.subject, Some(is_locked)))
        }
        Object::User(_)
        | Object::Organization(_)
        | Object::Team(_)
        | Object::Member(_)
        | Object::LfsObject(_)
        | Object::Repository(_)
        | Object::Wiki(_)
        | Object::Attachment(_)
        | Object::ReviewThread(_)
        | Object::DiscussionCategory(_)
        | Object::Discussion(_)
        | Object::Snippet(_)
        | Object::CommitComment(_)
        | Object::CommitStatus(_)
        | Object::Board(_)
        | Object::BranchRule(_)
        | Object::TagRule(_)
        | Object::Webhook(_)
        | Object::DeployKey(_)
        | Object::Variable(_) => None,
    }
}
