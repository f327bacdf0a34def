//! References by a host's id.

use packhorse_core::{
    Object, ObjectKind, Origin,
    model::{HostId, Subject},
};

/// What an object refers to by the source's own id, within its scope.
pub fn host_ids(object: &Object) -> Vec<Origin> {
    let named = |kind, id: &Option<HostId>| id.as_ref().map(|id| Origin::new(kind, &*id.0));
    match object {
        Object::Comment(it) => {
            let reply = named(ObjectKind::Comment, &it.reply_to);
            subject(&it.subject).into_iter().chain(reply).collect()
        }
        Object::ReviewThread(it) => named(ObjectKind::Review, &it.review).into_iter().collect(),
        Object::ReviewComment(it) => [
            named(ObjectKind::Review, &it.review),
            named(ObjectKind::ReviewThread, &it.thread),
            named(ObjectKind::ReviewComment, &it.reply_to),
        ]
        .into_iter()
        .flatten()
        .collect(),
        Object::Discussion(it) => named(ObjectKind::Comment, &it.answer).into_iter().collect(),
        Object::Reaction(it) => subject(&it.subject).into_iter().collect(),
        Object::Event(it) => subject(&it.subject).into_iter().collect(),
        Object::State(it) => subject(&it.subject).into_iter().collect(),
        Object::Attachment(it) => subject(&it.subject).into_iter().collect(),
        Object::User(_)
        | Object::Organization(_)
        | Object::Team(_)
        | Object::Project(_)
        | Object::Member(_)
        | Object::Topic(_)
        | Object::LfsObject(_)
        | Object::Repository(_)
        | Object::Wiki(_)
        | Object::Label(_)
        | Object::Milestone(_)
        | Object::Issue(_)
        | Object::ChangeRequest(_)
        | Object::Review(_)
        | Object::DiscussionCategory(_)
        | Object::Snippet(_)
        | Object::CommitComment(_)
        | Object::CommitStatus(_)
        | Object::Release(_)
        | Object::ReleaseAsset(_)
        | Object::Board(_)
        | Object::BranchRule(_)
        | Object::TagRule(_)
        | Object::Webhook(_)
        | Object::DeployKey(_)
        | Object::Variable(_) => Vec::new(),
    }
}

/// The reference by id to something that arrives after the object itself, where it has one.
///
/// Taking it out leaves an object that can be written before.
pub(crate) fn later_id(object: &mut Object) -> Option<(ObjectKind, &mut Option<HostId>)> {
    let Object::Discussion(it) = object else { return None };
    Some((ObjectKind::Comment, &mut it.answer))
}

pub(super) fn subject(subject: &Subject) -> Option<Origin> {
    let (kind, id) = match subject {
        Subject::Comment(id) => (ObjectKind::Comment, id),
        Subject::Review(id) => (ObjectKind::Review, id),
        Subject::ReviewComment(id) => (ObjectKind::ReviewComment, id),
        Subject::CommitComment(id) => (ObjectKind::CommitComment, id),
        Subject::Snippet(id) => (ObjectKind::Snippet, id),
        Subject::Project
        | Subject::Issue(_)
        | Subject::ChangeRequest(_)
        | Subject::Discussion(_)
        | Subject::Release(_)
        | Subject::Commit(_) => return None,
    };
    Some(Origin::new(kind, &*id.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_core::fingerprint;
    use packhorse_testkit::samples;

    /// Ids are what fingerprints leave out: `null` in the comparable form.
    fn nulls(value: &serde_json::Value) -> usize {
        match value {
            serde_json::Value::Null => 1,
            serde_json::Value::Array(list) => list.iter().map(nulls).sum(),
            serde_json::Value::Object(fields) => fields.values().map(nulls).sum(),
            serde_json::Value::Bool(_)
            | serde_json::Value::Number(_)
            | serde_json::Value::String(_) => 0,
        }
    }

    #[test]
    fn what_comes_later_can_be_taken_out() {
        for &kind in ObjectKind::ALL {
            for n in 0..12 {
                let mut object = samples::object(kind, n);
                if let Some((_, id)) = later_id(&mut object) {
                    *id = None;
                }

                let later = host_ids(&object).into_iter().find(|it| it.kind > kind);

                // An attachment of a comment waits for nothing: it is uploaded, then referred to.
                assert!(later.is_none() || kind == ObjectKind::Attachment, "{kind} {n}");
            }
        }
    }

    #[test]
    fn no_reference_is_passed_by() {
        for &kind in ObjectKind::ALL {
            for n in 0..12 {
                let object = samples::object(kind, n);
                let form: serde_json::Value =
                    serde_json::from_slice(&fingerprint::comparable(&object)).unwrap();

                assert_eq!(host_ids(&object).len(), nulls(&form), "{kind} {n}");
            }
        }
    }
}
