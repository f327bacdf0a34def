//! What an object loses in the archive, found by writing it and reading that again.

use super::{
    map::{event, project, request, review, talk},
    support,
};
use crate::{
    key,
    spool::{Prepared, losses},
};
use packhorse_core::{
    Object, ObjectKind, Scope,
    model::{Place, Subject},
};

/// Looks what becomes of an object of that id.
pub(super) fn prepare(scope: &Scope, id: &str, object: &Object) -> Prepared {
    let support = support::writes(object.kind());
    match read_back(scope, id, object) {
        Some((target, back)) => losses::prepared(object, (target, &back), support),
        None => losses::without_a_place(object, id, losses::left_out(reason(object), support)),
    }
}

/// What of an object makes that the archive has no place for it.
fn reason(object: &Object) -> Option<String> {
    if let Object::Member(it) = object {
        let is_here = matches!(it.place, Place::Project | Place::Organization(_));
        let grantee = losses::variant(object, "grantee").filter(|it| it != "grantee.user");
        return if !is_here {
            Some("place".to_owned())
        } else if it.pending {
            Some("pending".to_owned())
        } else if it.expires_at.is_some() {
            Some("expires_at".to_owned())
        } else {
            grantee.or_else(|| Some("role".to_owned()))
        };
    }
    if let Object::Event(it) = object
        && matches!(it.subject, Subject::ChangeRequest(_))
    {
        return Some("action".to_owned());
    }
    let kind = object.kind();
    let is = |it: ObjectKind| kind == it;
    if is(ObjectKind::Organization) {
        Some("path".to_owned())
    } else if is(ObjectKind::Review) {
        Some("verdict".to_owned())
    } else {
        losses::variant(object, "subject")
    }
}

fn wrap(found: Option<(String, impl Into<Object>)>) -> Option<(String, Object)> {
    found.map(|(id, it)| (id, it.into()))
}

/// Writes an object and reads it again; `None` when the archive has no place for it.
fn read_back(scope: &Scope, id: &str, object: &Object) -> Option<(String, Object)> {
    let row = key::row(id);
    match object {
        Object::Organization(it) => {
            project::is_key(&it.path).then_some(())?;
            let back = project::organization(&project::write_organization(it))?;
            Some((back.path.clone(), Object::from(back)))
        }
        Object::Project(it) => {
            let branch = it.default_branch.clone().filter(|it| !it.is_empty());
            let written = project::write_project(it);
            let back = project::project(&written, &it.path, (false, false), branch);
            Some((it.path.clone(), Object::from(back)))
        }
        Object::Member(it) => wrap(project::member_back(it)),
        Object::ChangeRequest(it) => {
            let back = request::back(it, scope.key())?;
            Some((back.number.to_string(), Object::from(back)))
        }
        Object::Review(it) => wrap(review::back(it)),
        Object::ReviewThread(it) => {
            let back = talk::thread_back(&row, it)?;
            Some((row, Object::from(back)))
        }
        Object::ReviewComment(it) => {
            // The first comment of a thread is what the thread is called by.
            let begins = it.thread.as_ref().filter(|_| it.reply_to.is_none());
            let target = begins.map_or(row, |it| it.0.clone());
            let back = talk::review_comment_back(&target, it);
            Some((target, Object::from(back)))
        }
        Object::Comment(it) => {
            let Subject::ChangeRequest(number) = it.subject else { return None };
            let answers = it.reply_to.as_ref().map(|it| it.0.as_str());
            let back = talk::comment(&talk::write_comment(&row, it), number, answers);
            Some((row, Object::from(back)))
        }
        Object::Event(it) => wrap(event::back(it)),
        Object::User(_)
        | Object::Team(_)
        | Object::Topic(_)
        | Object::LfsObject(_)
        | Object::Repository(_)
        | Object::Wiki(_)
        | Object::Label(_)
        | Object::Milestone(_)
        | Object::Attachment(_)
        | Object::Issue(_)
        | Object::DiscussionCategory(_)
        | Object::Discussion(_)
        | Object::Snippet(_)
        | Object::CommitComment(_)
        | Object::Reaction(_)
        | Object::CommitStatus(_)
        | Object::Release(_)
        | Object::ReleaseAsset(_)
        | Object::Board(_)
        | Object::BranchRule(_)
        | Object::TagRule(_)
        | Object::Webhook(_)
        | Object::DeployKey(_)
        | Object::Variable(_)
        | Object::State(_) => None,
    }
}
