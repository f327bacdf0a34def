//! What an object loses in the archive, found by writing it and reading that again.

use super::{
    id,
    map::{
        self, change_request, event,
        issue::{self, Known},
        note, project, release, review, rule,
    },
    people::People,
    support,
};
use crate::spool::{Prepared, losses};
use packhorse_core::{
    Loss, Object, ObjectKind, Scope, mark,
    model::{Event, HostId, Place, Review, StateValue, Subject},
};

/// Looks what becomes of an object of that id.
///
/// `has_groups` is whether there are archives of groups beside that of a project.
pub(super) fn prepare(scope: &Scope, id: &str, object: &Object, has_groups: bool) -> Prepared {
    let support = support::writes(object.kind());
    if !has_groups {
        if matches!(object, Object::Organization(_)) {
            let loss = Loss::sink(Loss::WHOLE, support::NO_GROUPS);
            return losses::without_a_place(object, id, loss);
        }
        if matches!(object, Object::Member(it) if matches!(it.place, Place::Organization(_))) {
            let loss = losses::left_out(Some("place".to_owned()), support);
            return losses::without_a_place(object, id, loss);
        }
    }
    match read_back(scope, id, object) {
        Some((target, back)) => losses::prepared(object, (target, &back), support),
        None => losses::without_a_place(object, id, losses::left_out(reason(object), support)),
    }
}

/// What of an object makes that the archive has no place for it.
fn reason(object: &Object) -> Option<String> {
    let variant = |field: &str| losses::variant(object, field);
    let kind = object.kind();
    if kind == ObjectKind::ReleaseAsset {
        return Some("blob".to_owned());
    }
    let has_place = |place: &Place| matches!(place, Place::Project | Place::Organization(_));
    if matches!(object, Object::Member(it) if !has_place(&it.place)) {
        return Some("place".to_owned());
    }
    let is = |it: ObjectKind| kind == it;
    variant(if is(ObjectKind::State) {
        "value"
    } else if is(ObjectKind::Member) {
        "grantee"
    } else {
        "subject"
    })
}

fn wrap(found: Option<(String, impl Into<Object>)>) -> Option<(String, Object)> {
    found.map(|(id, it)| (id, it.into()))
}

/// Writes an object and reads it again; `None` when the archive has no place for it.
#[expect(clippy::too_many_lines, reason = "one arm a kind")]
fn read_back(scope: &Scope, id: &str, object: &Object) -> Option<(String, Object)> {
    let people = &mut People::default();
    let row = id::row(id);
    let (no_label, no_milestone) = (&|_: &str| None, &|_: u64| None);
    let known = Known { label: no_label, milestone: no_milestone };
    match object {
        Object::Project(it) => {
            let (written, features) = (project::write(it, false), project::write_features(it));
            let origin = super::write::origin(it);
            let back = project::read(&it.path, &origin, &written, Some(&features));
            Some((it.path.clone(), Object::from(back)))
        }
        Object::Organization(it) => {
            let back = project::organization(&it.path, &project::write_group(it, (1, None)));
            Some((it.path.clone(), Object::from(back)))
        }
        Object::Member(it) => {
            let written = project::write_member(it, people)?;
            wrap(project::member(&written, &it.place, people))
        }
        Object::Topic(it) => Some((it.name.clone(), Object::Topic(it.clone()))),
        Object::Label(it) => {
            let back = map::label(map::write_label(it))?;
            Some((back.name.clone(), Object::from(back)))
        }
        Object::Milestone(it) => {
            let back = map::milestone(map::write_milestone(it))?;
            Some((back.number.to_string(), Object::from(back)))
        }
        Object::Issue(it) => {
            let back = issue::read(&issue::write(it, &known, people), people)?;
            Some((back.number.to_string(), Object::from(back)))
        }
        Object::ChangeRequest(it) => {
            let written = change_request::write(it, scope.key(), &known, people);
            let back = change_request::read(&written, scope.key(), people)?;
            Some((back.number.to_string(), Object::from(back)))
        }
        Object::Review(it) => wrap(review_back(&row, it, people)),
        Object::ReviewThread(it) => {
            let discussion = id::discussion(id);
            let note = review::write_thread(&discussion, it, people);
            let back = review::thread(&[&note], it.change_request, people)?;
            Some((discussion, Object::from(back)))
        }
        Object::ReviewComment(it) => {
            let discussion =
                it.thread.as_ref().map_or_else(|| id::discussion(&row), |it| it.0.clone());
            let note = review::write_comment(&row, it, (&discussion, None), people);
            let first = answered(it.reply_to.as_ref());
            let back = review::comment(&note, (it.change_request, &discussion), first, people);
            wrap(back)
        }
        Object::Snippet(it) => {
            let written = project::write_snippet(id::number(id), it, people);
            wrap(project::snippet(&written, people))
        }
        Object::CommitComment(it) => {
            let note = note::write_commit_comment(&row, it, people);
            wrap(note::commit_comment(&note, people))
        }
        Object::Comment(it) => {
            let note = note::write_comment(&row, it, &row, people)?;
            // A text that looks like a review's stays a comment, without the hidden mark.
            let first = answered(it.reply_to.as_ref());
            wrap(note::comment(&note, &it.subject, first, people))
        }
        Object::Reaction(it) => {
            can_be_reacted_to(&it.subject).then_some(())?;
            let written = map::write_reaction(it, "Issue", people);
            wrap(map::reaction(&written, &it.subject, people))
        }
        Object::Event(it) => wrap(event_back(id, it, people)),
        Object::Release(it) => {
            let milestone = |number: u64| {
                let it = packhorse_core::model::Milestone { number, ..Default::default() };
                Some(map::write_milestone(&it))
            };
            let back = release::read(&release::write(it, &milestone, people), people)?;
            Some((back.tag.clone(), Object::from(back)))
        }
        Object::ReleaseAsset(it) => wrap(release::link(&release::write_link(it)?, &it.release)),
        Object::Attachment(it) => {
            let name = id::attachment(id, it);
            // Texts that show it by another address show another file.
            let is_shown = it.url.as_deref().and_then(id::upload) == Some(name.as_str());
            let subject = if is_shown { it.subject.clone() } else { Subject::Project };
            let back = map::attachment(&name, subject, it.blob.clone());
            Some((name, Object::from(back)))
        }
        Object::LfsObject(it) => Some((it.blob.sha256.clone()?, Object::LfsObject(it.clone()))),
        Object::Board(it) => {
            let milestone = |number: u64| {
                let it = packhorse_core::model::Milestone { number, ..Default::default() };
                Some(map::write_milestone(&it))
            };
            wrap(project::board(project::write_board(it, no_label, &milestone)))
        }
        Object::BranchRule(it) => {
            let back = rule::read(&rule::write(it, people), people)?;
            Some((back.pattern.clone(), Object::from(back)))
        }
        Object::TagRule(it) => {
            let back = rule::read_tag(&rule::write_tag(it, people), people)?;
            Some((back.pattern.clone(), Object::from(back)))
        }
        Object::State(it) => {
            let back = match (&it.subject, &it.value) {
                (Subject::Project, StateValue::Archived) => {
                    project::archived(&project::write(&Default::default(), true))
                }
                (Subject::Issue(_) | Subject::ChangeRequest(_), StateValue::Locked(_)) => {
                    issue::locked(it.subject.clone(), Some(true))
                }
                _ => None,
            }?;
            Some((crate::key::state(&back), Object::from(back)))
        }
        Object::User(_)
        | Object::Team(_)
        | Object::Repository(_)
        | Object::Wiki(_)
        | Object::DiscussionCategory(_)
        | Object::Discussion(_)
        | Object::CommitStatus(_)
        | Object::Webhook(_)
        | Object::DeployKey(_)
        | Object::Variable(_) => None,
    }
}

/// The note that a discussion was opened with, of one that answers.
fn answered(it: Option<&HostId>) -> Option<u64> {
    it.map(|it| id::number(&it.0))
}

/// A review as an approval, a note, or both.
fn review_back(row: &str, it: &Review, people: &mut People) -> Option<(String, Review)> {
    if !review::has_note(it) {
        let approval = review::write_approval(row, it, people)?;
        return review::approval(&approval, it.change_request, people);
    }
    let note = review::write_note(row, it, people);
    let approves = |_| it.verdict == packhorse_core::model::Verdict::Approved;
    review::from_note(&note, it.change_request, approves, people)
}

fn event_back(id: &str, it: &Event, people: &mut People) -> Option<(String, Event)> {
    note::noteable(&it.subject).filter(|it| matches!(*it, "Issue" | "MergeRequest"))?;
    match event::Row::of(it) {
        event::Row::State => event::state(&event::write_state(id, it, people), &it.subject, people),
        event::Row::Label => event::label(&event::write_label(id, it, people), &it.subject, people),
        event::Row::Milestone => {
            let written = event::write_milestone(id, it, None, people);
            event::milestone(&written, &it.subject, people)
        }
        event::Row::Note => event::noted(&event::write_note(id, it, people)?, &it.subject, people),
    }
}

/// What has a list of reactions in the archive.
const fn can_be_reacted_to(subject: &Subject) -> bool {
    match subject {
        Subject::Issue(_)
        | Subject::ChangeRequest(_)
        | Subject::Comment(_)
        | Subject::Review(_)
        | Subject::ReviewComment(_)
        | Subject::CommitComment(_)
        | Subject::Snippet(_) => true,
        Subject::Project | Subject::Discussion(_) | Subject::Release(_) | Subject::Commit(_) => {
            false
        }
    }
}

/// Whether a text would be read as a review's note, because it has the mark of one.
pub(super) fn is_marked(text: &str) -> bool {
    mark::parse(text).is_some()
}
