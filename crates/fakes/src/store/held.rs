//! The model's structs as what they are in a shelf.

use packhorse_core::{Object, ObjectKind, model::*};

/// A struct of the model that a shelf holds under a kind.
pub trait Held: Into<Object> {
    /// The kind.
    const KIND: ObjectKind;
    /// The struct in an object of that kind.
    fn of(object: &Object) -> Option<&Self>;
    /// The struct in an object of that kind, to change it.
    fn of_mut(object: &mut Object) -> Option<&mut Self>;
}

macro_rules! held {
    ($($Kind:ident)+) => { $(
        impl Held for $Kind {
            const KIND: ObjectKind = ObjectKind::$Kind;
            fn of(object: &Object) -> Option<&Self> {
                if let Object::$Kind(it) = object { Some(it) } else { None }
            }
            fn of_mut(object: &mut Object) -> Option<&mut Self> {
                if let Object::$Kind(it) = object { Some(it) } else { None }
            }
        }
    )+ };
}

held! {
    User Organization Team Project Member Topic LfsObject Label Milestone Attachment Issue
    ChangeRequest Review ReviewThread ReviewComment DiscussionCategory Discussion Snippet
    CommitComment Comment Reaction Event CommitStatus Release ReleaseAsset Board BranchRule TagRule
    Webhook DeployKey Variable State
}
