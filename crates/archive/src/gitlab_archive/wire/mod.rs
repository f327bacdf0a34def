//! The rows of the archive as they are written: names, order and types of keys.
//!
//! A struct a relation; rows of relations within others stand in these. The fields stand in the
//! order in which GitLab writes them: the table's columns first, then what `methods` and `tree` of
//! `import_export.yml` add. Everything is optional in reading, for each version's rows have other
//! keys; keys that nobody here knows are counted.
//!
//! Source: GitLab, `lib/gitlab/import_export/project/import_export.yml`, and its test archives.

mod change_request;
mod issue;
mod note;
mod project;

pub(super) use change_request::{
    Approval, Assignee, Diff, DiffCommit, DiffFile, MergeParams, MergeRequest, Metrics, Person,
    Reviewer, Signature,
};
pub(super) use issue::{Issue, LabelLink, Timelog, WorkItemType};
pub(super) use note::{
    Award, LabelEvent, LineRange, MilestoneEvent, Note, NoteAuthor, NoteDiff, NoteMetadata,
    Position, RangeEnd, StateEvent,
};
pub(super) use project::{
    Board, BoardList, Contribution, Feature, Group, Label, Level, Link, Member, MemberUser,
    Milestone, MilestoneRelease, Origin, Pipeline, Priority, Project, ProtectedBranch,
    ProtectedTag, Release, Snippet, Status,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Visitor};
use std::fmt;

/// A word of an enumeration, which some versions write as a number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Word(pub(crate) Option<String>);

impl Word {
    /// The word.
    pub(crate) fn of(word: &str) -> Self {
        Self(Some(word.to_owned()))
    }

    /// The word, or the number as text.
    pub(crate) fn as_deref(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl Serialize for Word {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordVisitor;

        impl Visitor<'_> for WordVisitor {
            type Value = Word;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word or a number")
            }

            fn visit_str<E>(self, word: &str) -> Result<Word, E> {
                Ok(Word::of(word))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Word, E> {
                Ok(Word(Some(number.to_string())))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Word, E> {
                Ok(Word(Some(number.to_string())))
            }

            fn visit_bool<E>(self, word: bool) -> Result<Word, E> {
                Ok(Word(Some(word.to_string())))
            }

            fn visit_unit<E>(self) -> Result<Word, E> {
                Ok(Word::default())
            }
        }

        deserializer.deserialize_any(WordVisitor)
    }
}
