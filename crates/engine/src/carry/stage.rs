//! Which kinds of a project may go side by side.

use packhorse_core::ObjectKind;

/// The stages, in order.
pub(super) fn all() -> impl Iterator<Item = u8> {
    0..=LAST
}

const LAST: u8 = 7;

/// The kinds of a stage, in catalogue order: none of them refers to another.
pub(super) fn kinds(stage: u8) -> Vec<ObjectKind> {
    ObjectKind::ALL.iter().copied().filter(|kind| of(*kind) == Some(stage)).collect()
}

/// The stage of a kind; `None` for what does not stand in projects.
const fn of(kind: ObjectKind) -> Option<u8> {
    Some(match kind {
        ObjectKind::User | ObjectKind::Organization | ObjectKind::Team => return None,
        ObjectKind::Project => 0,
        ObjectKind::Member
        | ObjectKind::Topic
        | ObjectKind::LfsObject
        | ObjectKind::Label
        | ObjectKind::Milestone
        | ObjectKind::DiscussionCategory => 1,
        ObjectKind::Repository | ObjectKind::Wiki | ObjectKind::Attachment => 2,
        // One after the other: hosts that number both from one row must see them in order.
        ObjectKind::Issue => 3,
        ObjectKind::ChangeRequest | ObjectKind::Discussion | ObjectKind::Snippet => 4,
        ObjectKind::Review
        | ObjectKind::CommitComment
        | ObjectKind::Comment
        | ObjectKind::Event
        | ObjectKind::CommitStatus
        | ObjectKind::Release
        | ObjectKind::Board
        | ObjectKind::BranchRule
        | ObjectKind::TagRule
        | ObjectKind::Webhook
        | ObjectKind::DeployKey
        | ObjectKind::Variable => 5,
        ObjectKind::ReviewThread | ObjectKind::ReleaseAsset => 6,
        ObjectKind::ReviewComment | ObjectKind::Reaction | ObjectKind::State => LAST,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_a_project_has_a_stage() {
        for &kind in ObjectKind::ALL {
            let expected = kind.in_project() || kind == ObjectKind::Project;
            assert_eq!(of(kind).is_some(), expected, "{kind}");
        }
    }

    #[test]
    fn states_come_in_the_last_stage() {
        assert_eq!(of(ObjectKind::State), all().last());
    }
}
