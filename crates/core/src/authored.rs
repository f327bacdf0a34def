//! What people wrote, found in any object.

use crate::{
    catalogue::Object,
    model::{Identity, Text, Time},
};

/// A body, and who wrote it when.
#[derive(Debug)]
pub struct Authored<'a> {
    /// Who.
    pub author: Option<&'a Identity>,
    /// When.
    pub at: Option<Time>,
    /// The body; absent where the kind has none.
    pub body: Option<&'a mut Option<Text>>,
}

/// Builds an [`Authored`] from an object's fields.
macro_rules! authored {
    ($it:ident.$author:ident, $at:expr) => {
        Some(Authored { author: $it.$author.as_ref(), at: $at, body: None })
    };
    ($it:ident.$author:ident, $at:expr, $body:ident) => {
        Some(Authored { author: $it.$author.as_ref(), at: $at, body: Some(&mut $it.$body) })
    };
}

/// What somebody wrote; `None` for kinds that nobody signs.
pub fn authored(object: &mut Object) -> Option<Authored<'_>> {
    match object {
        Object::Issue(it) => authored!(it.author, it.created_at, body),
        Object::ChangeRequest(it) => authored!(it.author, it.created_at, body),
        Object::Review(it) => authored!(it.author, it.submitted_at.or(it.created_at), body),
        Object::ReviewComment(it) => authored!(it.author, it.created_at, body),
        Object::Discussion(it) => authored!(it.author, it.created_at, body),
        Object::Snippet(it) => authored!(it.author, it.created_at, description),
        Object::CommitComment(it) => authored!(it.author, it.created_at, body),
        Object::Comment(it) => authored!(it.author, it.created_at, body),
        Object::Release(it) => authored!(it.author, it.published_at.or(it.created_at), body),
        Object::Milestone(it) => authored!(it.author, it.created_at),
        Object::Attachment(it) => authored!(it.author, it.created_at),
        Object::Reaction(it) => authored!(it.author, it.created_at),
        Object::Event(it) => authored!(it.actor, it.created_at),
        Object::CommitStatus(it) => authored!(it.author, it.created_at),
        Object::ReleaseAsset(it) => authored!(it.author, it.created_at),
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
        | Object::ReviewThread(_)
        | Object::DiscussionCategory(_)
        | Object::Board(_)
        | Object::BranchRule(_)
        | Object::TagRule(_)
        | Object::Webhook(_)
        | Object::DeployKey(_)
        | Object::Variable(_)
        | Object::State(_) => None,
    }
}

/// The marked-up text of an object, with the field that it stands in; no kind has two.
pub fn marked_up(object: &mut Object) -> Option<(&'static str, &mut Text)> {
    let (field, text) = match object {
        Object::Label(it) => ("description", &mut it.description),
        Object::Milestone(it) => ("description", &mut it.description),
        Object::Snippet(it) => ("description", &mut it.description),
        Object::Issue(it) => ("body", &mut it.body),
        Object::ChangeRequest(it) => ("body", &mut it.body),
        Object::Review(it) => ("body", &mut it.body),
        Object::ReviewComment(it) => ("body", &mut it.body),
        Object::Discussion(it) => ("body", &mut it.body),
        Object::CommitComment(it) => ("body", &mut it.body),
        Object::Comment(it) => ("body", &mut it.body),
        Object::Release(it) => ("body", &mut it.body),
        Object::User(_)
        | Object::Organization(_)
        | Object::Team(_)
        | Object::Project(_)
        | Object::Member(_)
        | Object::Topic(_)
        | Object::LfsObject(_)
        | Object::Repository(_)
        | Object::Wiki(_)
        | Object::Attachment(_)
        | Object::ReviewThread(_)
        | Object::DiscussionCategory(_)
        | Object::Reaction(_)
        | Object::Event(_)
        | Object::CommitStatus(_)
        | Object::ReleaseAsset(_)
        | Object::Board(_)
        | Object::BranchRule(_)
        | Object::TagRule(_)
        | Object::Webhook(_)
        | Object::DeployKey(_)
        | Object::Variable(_)
        | Object::State(_) => return None,
    };
    text.as_mut().map(|text| (field, text))
}
