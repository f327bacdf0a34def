//! Which kinds of a project may go side by side.

use packhorse_core::ObjectKind;
use std::ops::RangeInclusive;

const LAST: u8 = 9;

/// The kinds of each stage, in order; none of a stage refers to another of it.
///
/// The project's own record goes before all of them.
pub(super) fn all() -> impl Iterator<Item = Vec<ObjectKind>> {
    (1..=LAST).map(|stage| {
        ObjectKind::ALL.iter().copied().filter(|kind| of(*kind) == Some(stage)).collect()
    })
}

/// The stages in which hosts that number from one row give numbers, and what stands beside them.
const NUMBERED: RangeInclusive<u8> = 3..=4;

/// Whether a kind is of the stages in which numbers are given.
pub(super) fn is_numbered(kind: ObjectKind) -> bool {
    of(kind).is_some_and(|it| NUMBERED.contains(&it))
}

/// The kinds of the stages in which numbers are given.
pub(super) fn numbered() -> Vec<ObjectKind> {
    ObjectKind::ALL.iter().copied().filter(|it| is_numbered(*it)).collect()
}

/// The kinds that may go while numbers are still given, each record once what it refers to is there.
///
/// Rules may not: branches are still made for change requests, and rules could forbid that. Nor may
/// files, which texts are changed for that are written already.
pub(super) fn beside_numbered() -> Vec<ObjectKind> {
    let apart = [ObjectKind::BranchRule, ObjectKind::TagRule, ObjectKind::Attachment];
    let next = NUMBERED.end() + 1..LAST;
    let is_next = |it: &ObjectKind| of(*it).is_some_and(|stage| next.contains(&stage));
    ObjectKind::ALL.iter().copied().filter(|it| is_next(it) && !apart.contains(it)).collect()
}

/// Whether a kind is of an earlier stage than another one.
pub(super) fn is_before(kind: ObjectKind, other: ObjectKind) -> bool {
    of(kind) < of(other)
}

/// The stage of a kind; `None` for what does not stand in projects.
const fn of(kind: ObjectKind) -> Option<u8> {
    Some(match kind {
        ObjectKind::User | ObjectKind::Organization | ObjectKind::Team | ObjectKind::Project => {
            return None;
        }
        ObjectKind::Topic
        | ObjectKind::LfsObject
        | ObjectKind::Label
        | ObjectKind::Milestone
        | ObjectKind::DiscussionCategory => 1,
        // Who has a right and what there is to see are asked of a host apart from each other.
        ObjectKind::Member | ObjectKind::Repository | ObjectKind::Wiki => 2,
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
        ObjectKind::ReviewComment => 7,
        // Hosts take a file for what it belongs to, which may be a comment.
        ObjectKind::Reaction | ObjectKind::Attachment => 8,
        ObjectKind::State => LAST,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_a_project_is_in_one_stage() {
        let mut kinds: Vec<_> = all().flatten().collect();
        kinds.sort();

        let expected: Vec<_> =
            ObjectKind::ALL.iter().copied().filter(|it| it.in_project()).collect();
        assert_eq!(kinds, expected);
    }

    #[test]
    fn what_a_kind_refers_to_by_id_is_in_an_earlier_stage() {
        let before = |a, b| assert!(of(a) < of(b), "{a} before {b}");

        before(ObjectKind::Repository, ObjectKind::ChangeRequest);
        before(ObjectKind::Member, ObjectKind::Issue);
        before(ObjectKind::Issue, ObjectKind::ChangeRequest);
        before(ObjectKind::Snippet, ObjectKind::Comment);
        before(ObjectKind::Review, ObjectKind::ReviewThread);
        before(ObjectKind::ReviewThread, ObjectKind::ReviewComment);
        before(ObjectKind::ReviewComment, ObjectKind::Reaction);
        before(ObjectKind::Comment, ObjectKind::Reaction);
        before(ObjectKind::Release, ObjectKind::ReleaseAsset);
        before(ObjectKind::ReviewComment, ObjectKind::Attachment);
    }

    #[test]
    fn what_goes_beside_numbers_comes_after_them_and_forbids_nothing() {
        let beside = beside_numbered();

        for kind in ObjectKind::ALL.iter().copied() {
            let is_rule = matches!(kind, ObjectKind::BranchRule | ObjectKind::TagRule);
            let is_apart = is_rule || kind == ObjectKind::Attachment || kind == ObjectKind::State;
            let is_later = is_before(ObjectKind::Snippet, kind) && !is_apart;
            assert_eq!(beside.contains(&kind), is_later, "{kind}");
        }
        assert!(super::super::numbered::KINDS.iter().all(|it| is_numbered(*it)));
    }

    #[test]
    fn states_close_doors_when_everything_else_has_passed() {
        assert_eq!(all().last(), Some(vec![ObjectKind::State]));
    }
}
