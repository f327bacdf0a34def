//! What an archive of a later minor version has that is not known here (section 9).

use packhorse_core::{Loss, Object, fingerprint::exact, port::SourceLoss};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Most names that are told apart; an archive may make up any number of them.
const MAX_NAMES: usize = 1_000;

/// Names of what is not known, and how often each was met.
#[derive(Debug, Default)]
pub(super) struct Newer {
    counts: BTreeMap<String, u64>,
}

impl Newer {
    /// Notes the keys of a document that are not among those.
    pub(super) fn keys(&mut self, name: &str, document: &[u8], known: &[&str]) {
        let document: Map<String, Value> = serde_json::from_slice(document).unwrap_or_default();
        for key in document.keys().filter(|it| !known.contains(&it.as_str())) {
            self.note(format!("{name}.{key}"));
        }
    }

    /// Notes the fields of a record's `value` that `object`, which was read from it, has not.
    pub(super) fn fields(&mut self, object: &Object, value: &[u8]) {
        let known = exact(object);
        if known == value {
            return;
        }
        let parse = |json| serde_json::from_slice::<Value>(json).unwrap_or_default();
        self.compare(object.kind().name(), &parse(value), &parse(&known));
    }

    fn compare(&mut self, path: &str, found: &Value, known: &Value) {
        match (found, known) {
            (Value::Object(found), Value::Object(known)) => {
                for (key, value) in found {
                    let path = format!("{path}.{key}");
                    match known.get(key) {
                        Some(known) => self.compare(&path, value, known),
                        None if is_nothing(value) => {}
                        None => self.note(path),
                    }
                }
            }
            (Value::Array(found), Value::Array(known)) => {
                found.iter().zip(known).for_each(|(a, b)| self.compare(path, a, b));
            }
            _ => {}
        }
    }

    fn note(&mut self, name: String) {
        if self.counts.len() < MAX_NAMES || self.counts.contains_key(&name) {
            *self.counts.entry(name).or_insert(0) += 1;
        }
    }

    /// What is left behind.
    pub(super) fn losses(self) -> impl Iterator<Item = SourceLoss> {
        let detail = "a field of a newer version of the format";
        self.counts.into_iter().map(move |(name, count)| {
            let field = name.split_once('.').map_or(name.as_str(), |(_, field)| field).to_owned();
            SourceLoss { name, loss: Loss::source(field, detail), count }
        })
    }
}

/// Whether a value says no more than a field that is absent.
fn is_nothing(value: &Value) -> bool {
    value.is_null()
        || value.as_array().is_some_and(Vec::is_empty)
        || value.as_object().is_some_and(Map::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_core::ObjectKind;

    #[test]
    fn fields_that_are_not_known_are_told_and_others_are_not() {
        let mut newer = Newer::default();
        let value = br#"{"color":null,"inherited":false,"name":"bug","shape":{"round":true}}"#;
        for _ in 0..2 {
            newer.fields(&Object::from_fields(ObjectKind::Label, value).unwrap(), value);
        }
        newer.keys("archive", br#"{"format":"x","mood":"good"}"#, &["format"]);

        let told: Vec<_> =
            newer.losses().map(|it| (it.name, it.loss.field.into_owned(), it.count)).collect();

        let expected = [("archive.mood", "mood", 1), ("label.shape", "shape", 2)];
        assert_eq!(told, expected.map(|(a, b, n)| (a.to_owned(), b.to_owned(), n)));
    }
}
