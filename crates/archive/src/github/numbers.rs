//! Which numbered objects exist and which are referred to, as bits.

use packhorse_core::{Object, model::Subject};
use std::collections::BTreeMap;

/// Words of 64 bits that are kept; what comes later is not checked.
///
/// SECURITY: numbers come from the archive, and must not fill the memory: 48 MiB at most.
const MAX_WORDS: usize = 1 << 20;

/// A sort of numbered object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Space {
    Issue,
    ChangeRequest,
    Discussion,
}

/// Bits of numbers that exist and of numbers that are referred to.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers {
    words: BTreeMap<(u32, Space, u64), [u64; 2]>,
}

const EXISTS: usize = 0;
const REFERRED: usize = 1;

impl Numbers {
    /// Notes an object of a project, and what it refers to.
    pub(super) fn note(&mut self, project: u32, object: &Object) {
        match object {
            Object::Issue(it) => self.set(project, (Space::Issue, it.number), EXISTS),
            Object::ChangeRequest(it) => {
                self.set(project, (Space::ChangeRequest, it.number), EXISTS);
            }
            Object::Discussion(it) => self.set(project, (Space::Discussion, it.number), EXISTS),
            Object::Comment(it) => self.refer(project, &it.subject),
            Object::Event(it) => self.refer(project, &it.subject),
            Object::Review(it) => self.refer_change_request(project, it.change_request),
            Object::ReviewThread(it) => self.refer_change_request(project, it.change_request),
            Object::ReviewComment(it) => self.refer_change_request(project, it.change_request),
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
            | Object::Attachment(_)
            | Object::DiscussionCategory(_)
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
            | Object::State(_) => {}
        }
    }

    fn refer_change_request(&mut self, project: u32, number: u64) {
        self.set(project, (Space::ChangeRequest, number), REFERRED);
    }

    fn refer(&mut self, project: u32, subject: &Subject) {
        let number = match subject {
            Subject::Issue(number) => (Space::Issue, *number),
            Subject::ChangeRequest(number) => (Space::ChangeRequest, *number),
            Subject::Discussion(number) => (Space::Discussion, *number),
            Subject::Project
            | Subject::Release(_)
            | Subject::Commit(_)
            | Subject::Comment(_)
            | Subject::Review(_)
            | Subject::ReviewComment(_)
            | Subject::CommitComment(_)
            | Subject::Snippet(_) => return,
        };
        self.set(project, number, REFERRED);
    }

    fn set(&mut self, project: u32, (space, number): (Space, u64), which: usize) {
        let key = (project, space, number / 64);
        if self.words.len() < MAX_WORDS || self.words.contains_key(&key) {
            self.words.entry(key).or_default()[which] |= 1 << (number % 64);
        }
    }

    /// Numbers of issues, change requests and discussions that are referred to and not there.
    pub(super) fn n_missing(&self) -> u64 {
        if self.words.len() >= MAX_WORDS {
            return 0;
        }
        self.words
            .values()
            .map(|[exist, referred]| u64::from((referred & !exist).count_ones()))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_core::model::{Comment, Issue};

    #[test]
    fn an_issue_that_is_not_there_is_missed_once() {
        let mut numbers = Numbers::default();
        let comment = |number| {
            Object::from(Comment { subject: Subject::Issue(number), ..Comment::default() })
        };

        numbers.note(1, &comment(7));
        numbers.note(1, &comment(7));
        numbers.note(1, &comment(u64::MAX));
        numbers.note(1, &Object::from(Issue { number: 7, ..Issue::default() }));
        numbers.note(2, &comment(7));

        assert_eq!(numbers.n_missing(), 2);
    }
}
