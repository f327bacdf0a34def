//! Words in the tables, and what they stand for; a word from a newer version is an error.

use packhorse_core::{LossCause, ObjectKind, job::JobState, port::Stage};
use rusqlite::{Row, types::Type};
use serde::de::DeserializeOwned;

fn unknown(column: usize, word: &str) -> rusqlite::Error {
    let error = format!("this version does not know `{word}`");
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into())
}

fn among<T: Copy>(
    row: &Row<'_>,
    column: usize,
    all: &[T],
    name: fn(T) -> &'static str,
) -> rusqlite::Result<T> {
    let word: String = row.get(column)?;
    all.iter().copied().find(|it| name(*it) == word).ok_or_else(|| unknown(column, &word))
}

pub(crate) fn kind(row: &Row<'_>, column: usize) -> rusqlite::Result<ObjectKind> {
    among(row, column, ObjectKind::ALL, ObjectKind::name)
}

pub(crate) fn cause(row: &Row<'_>, column: usize) -> rusqlite::Result<LossCause> {
    let all = [LossCause::Source, LossCause::Policy, LossCause::Sink];
    among(row, column, &all, LossCause::name)
}

pub(crate) fn state(row: &Row<'_>, column: usize) -> rusqlite::Result<JobState> {
    let all = [
        JobState::Waiting,
        JobState::Running,
        JobState::Finished,
        JobState::Failed,
        JobState::Stopped,
        JobState::Cancelled,
    ];
    among(row, column, &all, JobState::name)
}

pub(crate) fn stage(row: &Row<'_>, column: usize) -> rusqlite::Result<Stage> {
    let all = [
        Stage::Waiting,
        Stage::Carrying,
        Stage::Carried,
        Stage::Verified,
        Stage::Differs,
        Stage::Failed,
        Stage::Blocked,
    ];
    among(row, column, &all, stage_name)
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

/// A value that is kept as JSON.
pub(crate) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into())
    })
}
