//! References by a host's id, told in the ids of a host that gives its own.

use packhorse_core::{
    HostError, HostErrorKind, Loss, Object, ObjectKind, Origin, TargetId,
    model::{HostId, Subject},
};
use std::collections::BTreeMap;

type Links = BTreeMap<Origin, TargetId>;

/// The object with references to what those objects became; one that is not known is a loss,
/// and an error where the object cannot be without it.
pub(super) fn translate(
    mut object: Object,
    links: &Links,
    losses: &mut Vec<Loss>,
) -> Result<Object, HostError> {
    let mut optional = |field, kind, id: &mut Option<HostId>| {
        let Some(from) = id.take() else { return };
        *id = links.get(&Origin::new(kind, &*from.0)).map(|it| HostId(it.0.clone()));
        if id.is_none() {
            losses.push(Loss::sink(field, "what it refers to is not there"));
        }
    };
    match &mut object {
        Object::Comment(it) => {
            optional("reply_to", ObjectKind::Comment, &mut it.reply_to);
            subject(&mut it.subject, links)?;
        }
        Object::ReviewThread(it) => optional("review", ObjectKind::Review, &mut it.review),
        Object::ReviewComment(it) => {
            optional("review", ObjectKind::Review, &mut it.review);
            optional("thread", ObjectKind::ReviewThread, &mut it.thread);
            optional("reply_to", ObjectKind::ReviewComment, &mut it.reply_to);
        }
        Object::Discussion(it) => optional("answer", ObjectKind::Comment, &mut it.answer),
        Object::Reaction(it) => subject(&mut it.subject, links)?,
        Object::Event(it) => subject(&mut it.subject, links)?,
        Object::State(it) => subject(&mut it.subject, links)?,
        Object::Attachment(it) => subject(&mut it.subject, links)?,
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
        | Object::Variable(_) => {}
    }
    Ok(object)
}

fn subject(subject: &mut Subject, links: &Links) -> Result<(), HostError> {
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
        | Subject::Commit(_) => return Ok(()),
    };
    let origin = Origin::new(kind, &*id.0);
    match links.get(&origin) {
        Some(target) => {
            id.0.clone_from(&target.0);
            Ok(())
        }
        None => {
            Err(HostError::new(HostErrorKind::Rejected, "write a record").with("subject", origin))
        }
    }
}
