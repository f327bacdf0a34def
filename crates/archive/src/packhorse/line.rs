//! A record's line (section 4), and what of it this version cannot read.

use super::manifest::BlobLine;
use crate::container::ArchiveError;
use packhorse_core::{Loss, Object, ObjectKind, fingerprint::exact, port::SourceLoss};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use std::{borrow::Cow, collections::BTreeMap};

/// Longest line of a record, in bytes (section 10).
pub(super) const MAX_LINE: usize = 16 << 20;
/// Longest id, in bytes (section 10).
pub(super) const MAX_ID: usize = 4_096;
/// Most unknown fields that are told by name, so that a hostile archive fills no memory.
const MAX_NAMES: usize = 1_000;
/// Longest name of an unknown field that is told, in characters.
const MAX_NAME: usize = 200;

/// A line, read.
#[derive(Debug, Deserialize)]
pub(super) struct Line<'a> {
    #[serde(default)]
    pub(super) blob: Option<BlobLine>,
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
    #[serde(default)]
    pub(super) removed: bool,
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
}

impl<'a> Line<'a> {
    /// Reads a line at that place of a member.
    pub(super) fn read(member: &str, at: u64, text: &'a [u8]) -> Result<Self, ArchiveError> {
        let line: Self = serde_json::from_slice(text)
            .map_err(|error| ArchiveError::malformed(member, at, error.to_string()))?;
        let fault = if line.id.is_empty() || line.id.len() > MAX_ID {
            "an id has 1 to 4,096 bytes"
        } else if line.value.is_some() == line.removed {
            "a line has a value or is removed"
        } else {
            return Ok(line);
        };
        Err(ArchiveError::malformed(member, at, fault))
    }

    /// The record of a line that has one.
    pub(super) fn object(
        &self,
        member: &str,
        at: u64,
        kind: ObjectKind,
    ) -> Result<Option<Object>, ArchiveError> {
        let Some(value) = self.value else { return Ok(None) };
        let object = Object::from_fields(kind, value.get().as_bytes()).map_err(|error| {
            ArchiveError::malformed(member, at, format!("`{}` is no {kind}: {error}", self.id))
        })?;
        Ok(Some(object))
    }
}

/// The line of a record, in canonical form.
pub(super) fn of_record(id: &str, blob: Option<&BlobLine>, object: &Object) -> Vec<u8> {
    let mut text = b"{".to_vec();
    if let Some(BlobLine { sha256, size }) = blob {
        text.extend(format!(r#""blob":{{"sha256":"{sha256}","size":{size}}},"#).bytes());
    }
    text.extend(b"\"id\":");
    text.extend(Value::from(id).to_string().bytes());
    text.extend(b",\"value\":");
    text.extend(exact(object));
    text.extend(b"}");
    text
}

/// The line that removes a record.
pub(super) fn of_removal(id: &str) -> Vec<u8> {
    format!(r#"{{"id":{},"removed":true}}"#, Value::from(id)).into_bytes()
}

/// What lines had that this version cannot read, by name.
#[derive(Debug, Default)]
pub(super) struct Unread(BTreeMap<String, u64>);

impl Unread {
    /// Counts what of a line would be gone if it were written again.
    pub(super) fn look(&mut self, kind: ObjectKind, text: &[u8], line: &Line<'_>, object: &Object) {
        let again = of_record(&line.id, line.blob.as_ref(), object);
        if again == text {
            return;
        }
        let value = |bytes| serde_json::from_slice(bytes).unwrap_or(Value::Null);
        self.compare(kind.name(), &value(text), &value(&again));
    }

    fn compare(&mut self, path: &str, there: &Value, read: &Value) {
        match (there, read) {
            (Value::Object(there), Value::Object(read)) => {
                for (key, value) in there {
                    // The record's own fields are named as in the model.
                    let below = if key == "value" && !path.contains('.') {
                        path.to_owned()
                    } else {
                        format!("{path}.{key}")
                    };
                    match read.get(key) {
                        Some(read) => self.compare(&below, value, read),
                        None if is_nothing(value) => {}
                        None => self.count(below),
                    }
                }
            }
            (Value::Array(there), Value::Array(read)) => {
                there.iter().zip(read).for_each(|(there, read)| self.compare(path, there, read));
            }
            _ => {}
        }
    }

    /// Counts records of a kind, or whatever else has no name here.
    pub(super) fn add(&mut self, name: String, count: u64) {
        let is_known = self.0.contains_key(&name);
        let name = if is_known || self.0.len() < MAX_NAMES { name } else { "…".to_owned() };
        *self.0.entry(name).or_default() += count;
    }

    fn count(&mut self, field: String) {
        self.add(field.chars().take(MAX_NAME).collect(), 1);
    }

    /// The losses that this makes.
    pub(super) fn losses(self, detail: &str) -> impl Iterator<Item = SourceLoss> {
        self.0.into_iter().map(move |(name, count)| {
            let field = name.split_once('.').map_or(Loss::WHOLE, |it| it.1).to_owned();
            SourceLoss { name, loss: Loss::source(field, detail), count }
        })
    }
}

/// Whether a value says no more than its absence.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unread(text: &str) -> Vec<(String, u64)> {
        let line = Line::read("m", 0, text.as_bytes()).unwrap();
        let object = line.object("m", 0, ObjectKind::Issue).unwrap().unwrap();
        let mut unread = Unread::default();
        unread.look(ObjectKind::Issue, text.as_bytes(), &line, &object);
        unread.losses("new").map(|it| (it.name, it.count)).collect()
    }

    #[test]
    fn fields_of_a_later_version_are_told_by_name() {
        let text = r#"{"id":"7","mood":1,"value":{"author":{"login":"a","shoe":44},"number":7,"weight":3,"gone":null}}"#;

        let names = unread(text);

        let expected = ["issue.author.shoe", "issue.mood", "issue.weight"];
        assert_eq!(names, expected.map(|it| (it.to_owned(), 1)));
    }

    #[test]
    fn other_spellings_of_the_same_are_no_loss() {
        assert_eq!(unread(r#"{ "value": {"number":7, "labels":[]}, "id": "7" }"#), []);
    }

    #[test]
    fn what_is_written_reads_back() {
        let blob = BlobLine { sha256: "ab".into(), size: 3 };
        let object = Object::Label(packhorse_core::model::Label::default());

        let text = of_record("a \"b\"", Some(&blob), &object);
        let line = Line::read("m", 0, &text).unwrap();

        assert_eq!((&*line.id, &line.blob), ("a \"b\"", &Some(blob)));
        assert_eq!(line.object("m", 0, ObjectKind::Label).unwrap(), Some(object));
        let gone = of_removal("7");
        assert!(Line::read("m", 0, &gone).unwrap().removed);
    }

    #[test]
    fn a_line_that_is_neither_there_nor_gone_is_an_error() {
        for text in [r#"{"id":"7"}"#, r#"{"id":"7","value":{},"removed":true}"#, r#"{"id":"","value":{}}"#]
        {
            assert!(Line::read("m", 0, text.as_bytes()).is_err(), "{text}");
        }
    }
}
