//! Which records of a lane have to arrive one after the other.

use packhorse_core::{Object, model::Subject};

/// Name of the queue that an object stands in; `None` is one queue for the whole lane.
///
/// Hosts that give no dates of ours show what was said on one thing in the order in which it came;
/// what was said on another is none of its business. What is numbered, or what could be taken for
/// its like, goes one after the other.
pub(super) fn queue(object: &Object) -> Option<String> {
    match object {
        Object::Comment(it) => Some(subject(&it.subject)),
        Object::Reaction(it) => Some(subject(&it.subject)),
        Object::Event(it) => Some(subject(&it.subject)),
        Object::Review(it) => Some(it.change_request.to_string()),
        Object::ReviewThread(it) => Some(it.change_request.to_string()),
        Object::ReviewComment(it) => Some(it.change_request.to_string()),
        Object::CommitComment(it) => Some(it.commit.clone()),
        Object::CommitStatus(it) => Some(it.commit.clone()),
        Object::ReleaseAsset(it) => Some(it.release.clone()),
        Object::LfsObject(it) => it.blob.sha256.clone(),
        Object::User(_)
        | Object::Organization(_)
        | Object::Team(_)
        | Object::Project(_)
        | Object::Member(_)
        | Object::Topic(_)
        | Object::Repository(_)
        | Object::Wiki(_)
        | Object::Label(_)
        | Object::Milestone(_)
        | Object::Attachment(_)
        | Object::Issue(_)
        | Object::ChangeRequest(_)
        | Object::DiscussionCategory(_)
        | Object::Discussion(_)
        | Object::Snippet(_)
        | Object::Release(_)
        | Object::Board(_)
        | Object::BranchRule(_)
        | Object::TagRule(_)
        | Object::Webhook(_)
        | Object::DeployKey(_)
        | Object::Variable(_)
        | Object::State(_) => None,
    }
}

fn subject(subject: &Subject) -> String {
    format!("{subject:?}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_core::model::{Comment, Issue};

    fn comment(issue: u64) -> Object {
        Object::from(Comment { subject: Subject::Issue(issue), ..Comment::default() })
    }

    #[test]
    fn comments_on_one_issue_wait_for_each_other_and_for_no_other() {
        assert_eq!(queue(&comment(1)), queue(&comment(1)));
        assert_ne!(queue(&comment(1)), queue(&comment(2)));
    }

    #[test]
    fn what_is_numbered_goes_one_after_the_other() {
        let issue = |number| Object::from(Issue { number, ..Issue::default() });

        assert_eq!(queue(&issue(1)), queue(&issue(2)));
    }
}
