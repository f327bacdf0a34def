//! Values in rows, and what they stand for.

use super::pool::AnyError;
use crate::words::{self, Unknown};
use packhorse_core::{Fingerprint, LossCause, ObjectKind, job::JobState, port::Stage};
use serde::de::DeserializeOwned;
use tokio_postgres::Row;

/// A number as the database has it.
pub(super) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number that is never negative.
pub(super) fn count(row: &Row, column: usize) -> Result<u64, AnyError> {
    Ok(u64::try_from(row.try_get::<_, i64>(column)?)?)
}

pub(super) fn count_if_any(row: &Row, column: usize) -> Result<Option<u64>, AnyError> {
    Ok(row.try_get::<_, Option<i64>>(column)?.map(u64::try_from).transpose()?)
}

/// An id, which is kept as bytes.
pub(super) fn id(row: &Row, column: usize) -> Result<String, AnyError> {
    Ok(String::from_utf8(row.try_get(column)?)?)
}

pub(super) fn id_if_any(row: &Row, column: usize) -> Result<Option<String>, AnyError> {
    Ok(row.try_get::<_, Option<Vec<u8>>>(column)?.map(String::from_utf8).transpose()?)
}

pub(super) fn fingerprint(bytes: &[u8]) -> Result<Fingerprint, AnyError> {
    Ok(Fingerprint::from_bytes(bytes.try_into()?))
}

/// Text for people: the database takes every character but one.
pub(super) fn text(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn word<T>(row: &Row, column: usize, known: fn(&str) -> Option<T>) -> Result<T, AnyError> {
    let word: &str = row.try_get(column)?;
    known(word).ok_or_else(|| Unknown(word.to_owned()).into())
}

pub(super) fn kind(row: &Row, column: usize) -> Result<ObjectKind, AnyError> {
    word(row, column, words::kind)
}

pub(super) fn cause(row: &Row, column: usize) -> Result<LossCause, AnyError> {
    word(row, column, words::cause)
}

pub(super) fn state(row: &Row, column: usize) -> Result<JobState, AnyError> {
    word(row, column, words::state)
}

pub(super) fn stage(row: &Row, column: usize) -> Result<Stage, AnyError> {
    word(row, column, words::stage)
}

/// A value that is kept as JSON.
pub(super) fn json<T: DeserializeOwned>(row: &Row, column: usize) -> Result<T, AnyError> {
    Ok(serde_json::from_str(row.try_get(column)?)?)
}
