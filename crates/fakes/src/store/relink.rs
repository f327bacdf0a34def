//! References by a host's id, when a record gets another one.

use packhorse_core::{
    Object, ObjectKind,
    model::{HostId, Subject},
};

/// Gives every reference by id in an object what `new` says for its kind and id.
pub(super) fn relink(object: &mut Object, new: &impl Fn(ObjectKind, &str) -> Option<u64>) {
    let set = |kind: ObjectKind, id: &mut HostId| {
        if let Some(known) = new(kind, &id.0) {
            id.0 = known.to_string();
        }
    };
    let maybe = |kind: ObjectKind, id: &mut Option<HostId>| {
        if let Some(id) = id {
            set(kind, id);
        }
    };
    if let Some(subject) = subject(object) {
        match subject {
            Subject::Comment(id) => set(ObjectKind::Comment, id),
            Subject::Review(id) => set(ObjectKind::Review, id),
            Subject::ReviewComment(id) => set(ObjectKind::ReviewComment, id),
            Subject::CommitComment(id) => set(ObjectKind::CommitComment, id),
            Subject::Snippet(id) => set(ObjectKind::Snippet, id),
            Subject::Project
            | Subject::Issue(_)
            | Subject::ChangeRequest(_)
            | Subject::Discussion(_)
            | Subject::Release(_)
            | Subject::Commit(_) => {}
        }
    }
    if let Object::Comment(it) = object {
        maybe(ObjectKind::Comment, &mut it.reply_to);
    }
    if let Object::ReviewThread(it) = object {
        maybe(ObjectKind::Review, &mut it.review);
    }
    if let Object::ReviewComment(it) = object {
        maybe(ObjectKind::Review, &mut it.review);
        maybe(ObjectKind::ReviewThread, &mut it.thread);
        maybe(ObjectKind::ReviewComment, &mut it.reply_to);
    }
    if let Object::Discussion(it) = object {
        maybe(ObjectKind::Comment, &mut it.answer);
    }
}

fn subject(object: &mut Object) -> Option<&mut Subject> {
    if let Object::Comment(it) = object {
        return Some(&mut it.subject);
    }
    if let Object::Reaction(it) = object {
        return Some(&mut it.subject);
    }
    if let Object::Event(it) = object {
        return Some(&mut it.subject);
    }
    if let Object::Attachment(it) = object {
        return Some(&mut it.subject);
    }
    if let Object::State(it) = object { Some(&mut it.subject) } else { None }
}
