//! What records refer to, and whether it is there.

use packhorse_core::{
    Object, ObjectKind,
    model::{HostId, Subject},
};
use std::{
    collections::{BTreeMap, HashSet, hash_map::DefaultHasher},
    hash::{Hash as _, Hasher as _},
};

/// Records of a project that are remembered; of larger ones, references are not looked up.
///
/// SECURITY: they come from the archive, and must not fill the memory: some 40 MB.
const MAX_KNOWN: usize = 2_000_000;

/// Records that there are in a project, and references to others.
#[derive(Debug, Default)]
pub(super) struct References {
    known: HashSet<u64>,
    /// Kinds of what refers and of what is referred to, the first such record, and how many.
    missing: BTreeMap<(ObjectKind, ObjectKind), (String, u64)>,
}

fn hash(kind: ObjectKind, id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (kind.name(), id).hash(&mut hasher);
    hasher.finish()
}

impl References {
    /// Notes a record, after all that it may refer to.
    pub(super) fn note(&mut self, id: &str, object: &Object) {
        if self.known.len() >= MAX_KNOWN {
            return;
        }
        let kind = object.kind();
        self.known.insert(hash(kind, id));
        for (other, wanted) in of(object) {
            if !self.known.contains(&hash(other, &wanted)) {
                let missing = self.missing.entry((kind, other));
                missing.or_insert_with(|| (id.to_owned(), 0)).1 += 1;
            }
        }
    }

    /// What is not there, a sentence for each pair of kinds.
    pub(super) fn findings(&self) -> impl Iterator<Item = String> {
        let is_whole = self.known.len() < MAX_KNOWN;
        let missing = self.missing.iter().filter(move |_| is_whole);
        missing.map(|((kind, other), (first, n))| {
            format!(
                "{n} of `{kind}` refer to what is not there (`{other}`), the first is `{first}`"
            )
        })
    }
}

/// What an object refers to and comes after, but for accounts and for what may stay behind on its own.
fn of(object: &Object) -> Vec<(ObjectKind, String)> {
    let numbered = |number: u64| vec![(ObjectKind::ChangeRequest, number.to_string())];
    if let Object::Comment(it) = object {
        subject(&it.subject).into_iter().collect()
    } else if let Object::Event(it) = object {
        subject(&it.subject).into_iter().collect()
    } else if let Object::Reaction(it) = object {
        subject(&it.subject).into_iter().collect()
    } else if let Object::State(it) = object {
        subject(&it.subject).into_iter().collect()
    } else if let Object::Review(it) = object {
        numbered(it.change_request)
    } else if let Object::ReviewThread(it) = object {
        numbered(it.change_request)
    } else if let Object::ReviewComment(it) = object {
        numbered(it.change_request)
    } else if let Object::Issue(it) = object {
        milestone(it.milestone)
    } else if let Object::ChangeRequest(it) = object {
        milestone(it.milestone)
    } else if let Object::ReleaseAsset(it) = object {
        vec![(ObjectKind::Release, it.release.clone())]
    } else {
        Vec::new()
    }
}

fn milestone(number: Option<u64>) -> Vec<(ObjectKind, String)> {
    number.map(|it| (ObjectKind::Milestone, it.to_string())).into_iter().collect()
}

fn subject(subject: &Subject) -> Option<(ObjectKind, String)> {
    let by_id = |kind, id: &HostId| Some((kind, id.0.clone()));
    match subject {
        Subject::Project | Subject::Commit(_) => None,
        Subject::Issue(number) => Some((ObjectKind::Issue, number.to_string())),
        Subject::ChangeRequest(number) => Some((ObjectKind::ChangeRequest, number.to_string())),
        Subject::Discussion(number) => Some((ObjectKind::Discussion, number.to_string())),
        Subject::Release(tag) => Some((ObjectKind::Release, tag.clone())),
        Subject::Comment(id) => by_id(ObjectKind::Comment, id),
        Subject::Review(id) => by_id(ObjectKind::Review, id),
        Subject::ReviewComment(id) => by_id(ObjectKind::ReviewComment, id),
        Subject::CommitComment(id) => by_id(ObjectKind::CommitComment, id),
        Subject::Snippet(id) => by_id(ObjectKind::Snippet, id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_core::model::{Comment, Issue, Reaction};

    #[test]
    fn what_is_referred_to_and_not_there_is_told_once_for_all_of_a_kind() {
        let mut references = References::default();
        let comment = |number| {
            Object::from(Comment { subject: Subject::Issue(number), ..Comment::default() })
        };
        references.note("7", &Object::from(Issue { number: 7, ..Issue::default() }));
        references.note("1", &comment(7));
        references.note("2", &comment(8));
        references.note("3", &comment(9));
        let subject = Subject::Comment(HostId("1".to_owned()));
        references.note("4", &Object::from(Reaction { subject, ..Reaction::default() }));

        let found: Vec<_> = references.findings().collect();

        let expected = "2 of `comment` refer to what is not there (`issue`), the first is `2`";
        assert_eq!(found, [expected]);
    }
}
