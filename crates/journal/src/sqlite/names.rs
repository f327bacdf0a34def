//! Words in the tables, and what they stand for; a word from a newer version is an error.

use crate::words;
use packhorse_core::{LossCause, ObjectKind, job::JobState, port::Stage};
use rusqlite::{Row, types::Type};
use serde::de::DeserializeOwned;

fn word<T>(row: &Row<'_>, column: usize, known: fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    let word: String = row.get(column)?;
    known(&word).ok_or_else(|| {
        let error = words::Unknown(word);
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into())
    })
}

pub(super) fn kind(row: &Row<'_>, column: usize) -> rusqlite::Result<ObjectKind> {
    word(row, column, words::kind)
}

pub(super) fn cause(row: &Row<'_>, column: usize) -> rusqlite::Result<LossCause> {
    word(row, column, words::cause)
}

pub(super) fn state(row: &Row<'_>, column: usize) -> rusqlite::Result<JobState> {
    word(row, column, words::state)
}

pub(super) fn stage(row: &Row<'_>, column: usize) -> rusqlite::Result<Stage> {
    word(row, column, words::stage)
}

/// A value that is kept as JSON.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into())
    })
}
