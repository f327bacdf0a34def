//! Words that databases keep, and what they stand for.

use packhorse_core::{LossCause, ObjectKind, job::JobState, port::Stage};

/// A word that a newer version wrote.
#[derive(Debug, thiserror::Error)]
#[error("this version does not know `{0}`: use a newer Packhorse")]
pub(crate) struct Unknown(pub(crate) String);

fn among<T: Copy>(word: &str, all: &[T], name: fn(T) -> &'static str) -> Option<T> {
    all.iter().copied().find(|it| name(*it) == word)
}

pub(crate) fn kind(word: &str) -> Option<ObjectKind> {
    among(word, ObjectKind::ALL, ObjectKind::name)
}

pub(crate) fn cause(word: &str) -> Option<LossCause> {
    among(word, &[LossCause::Source, LossCause::Policy, LossCause::Sink], LossCause::name)
}

pub(crate) fn state(word: &str) -> Option<JobState> {
    let all = [
        JobState::Waiting,
        JobState::Running,
        JobState::Finished,
        JobState::Failed,
        JobState::Stopped,
        JobState::Cancelled,
    ];
    among(word, &all, JobState::name)
}

pub(crate) fn stage(word: &str) -> Option<Stage> {
    let all = [
        Stage::Waiting,
        Stage::Carrying,
        Stage::Carried,
        Stage::Verified,
        Stage::Differs,
        Stage::Failed,
        Stage::Blocked,
    ];
    among(word, &all, stage_name)
}

/// Stable name of a stage.
pub(crate) const fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Waiting => "waiting",
        Stage::Carrying => "carrying",
        Stage::Carried => "carried",
        Stage::Verified => "verified",
        Stage::Differs => "differs",
        Stage::Failed => "failed",
        Stage::Blocked => "blocked",
    }
}
