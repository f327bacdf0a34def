//! Which keys of a record are known, and counting those that are not.

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use std::{borrow::Cow, collections::BTreeMap, fmt};

/// A record type of the archive.
pub(crate) trait Wire: DeserializeOwned {
    /// Its keys.
    const SHAPE: Shape;
}

/// The keys of a record type.
#[derive(Debug)]
pub(crate) struct Shape {
    /// Names of the fields, as Rust spells them.
    pub(crate) keys: &'static [&'static str],
    /// Keys that hold objects or lists of objects, and what those look like.
    pub(crate) nested: &'static [(&'static str, &'static Self)],
    /// Known keys that have no place in the model.
    pub(crate) lost: &'static [&'static str],
}

impl Shape {
    fn knows(&self, key: &str) -> bool {
        let is_it = |it: &&str| *it == key || it.strip_prefix("r#") == Some(key);
        self.keys.iter().any(is_it) && !self.lost.contains(&key)
    }

    fn within(&self, key: &str) -> Option<&'static Self> {
        self.nested.iter().find(|(name, _)| *name == key).map(|(_, shape)| *shape)
    }
}

/// Names that are told apart; what comes later is counted under one name.
///
/// SECURITY: names come from the archive, and must not fill the memory.
const MAX_NAMES: usize = 1_000;
const MAX_NAME_CHARS: usize = 64;

/// Keys that hold something and that nobody reads, with how many records have them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unknown {
    counts: BTreeMap<String, u64>,
}

impl Unknown {
    /// Goes through one record and notes what is not in `shape`, under `plural.key`.
    ///
    /// # Errors
    ///
    /// When the bytes are not JSON.
    pub(crate) fn inspect(
        &mut self,
        plural: &str,
        shape: &'static Shape,
        json: &str,
    ) -> Result<(), serde_json::Error> {
        let mut json = serde_json::Deserializer::from_str(json);
        Walk { shape, at: plural, unknown: self }.deserialize(&mut json)?;
        json.end()
    }

    /// The same of a record that comes by.
    ///
    /// # Errors
    ///
    /// When the bytes are not JSON.
    pub(crate) fn inspect_from(
        &mut self,
        plural: &str,
        shape: &'static Shape,
        from: impl std::io::Read,
    ) -> Result<(), serde_json::Error> {
        let from = std::io::BufReader::new(from);
        let mut json = serde_json::Deserializer::from_reader(from);
        Walk { shape, at: plural, unknown: self }.deserialize(&mut json)
    }

    /// Notes `count` things of a name.
    pub(crate) fn note(&mut self, name: String, count: u64) {
        let is_full = self.counts.len() >= MAX_NAMES && !self.counts.contains_key(&name);
        let name = if is_full { "(others)".to_owned() } else { name };
        *self.counts.entry(name).or_default() += count;
    }

    /// Takes in what was noted elsewhere.
    pub(crate) fn append(&mut self, other: Self) {
        other.counts.into_iter().for_each(|(name, count)| self.note(name, count));
    }

    /// What was noted.
    pub(crate) fn counts(&self) -> &BTreeMap<String, u64> {
        &self.counts
    }
}

/// Walks through an object, or a list of objects, of a known shape.
struct Walk<'a> {
    shape: &'static Shape,
    at: &'a str,
    unknown: &'a mut Unknown,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

/// Declares the visits of values that hold nothing further.
macro_rules! scalars {
    ($result:expr; $($visit:ident: $Type:ty),*) => {
        $(fn $visit<E>(self, _: $Type) -> Result<Self::Value, E> { Ok($result) })*
    };
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record")
    }

    scalars!((); visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list
            .next_element_seed(Walk {
                shape: self.shape,
                at: self.at,
                unknown: &mut *self.unknown,
            })?
            .is_some()
        {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Key(key)) = map.next_key()? {
            if let Some(shape) = self.shape.within(&key) {
                let at = format!("{}.{key}", self.at);
                map.next_value_seed(Walk { shape, at: &at, unknown: &mut *self.unknown })?;
            } else if self.shape.knows(&key) {
                map.next_value::<IgnoredAny>()?;
            } else if map.next_value_seed(HoldsSomething)? {
                let key: String = key.chars().take(MAX_NAME_CHARS).collect();
                self.unknown.note(format!("{}.{key}", self.at), 1);
            }
        }
        Ok(())
    }
}

struct Key<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> serde::Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct KeyVisitor;

        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(key)))
            }

            fn visit_str<E>(self, key: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }

        json.deserialize_str(KeyVisitor)
    }
}

/// Whether a value is anything but `null` and empty lists and objects.
struct HoldsSomething;

impl<'de> DeserializeSeed<'de> for HoldsSomething {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<bool, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for HoldsSomething {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    scalars!(true; visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<bool, A::Error> {
        let mut any = false;
        while list.next_element::<IgnoredAny>()?.is_some() {
            any = true;
        }
        Ok(any)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let mut any = false;
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            any = true;
        }
        Ok(any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::github::wire::{Repository, User};

    #[track_caller]
    fn check(shape: &'static Shape, json: &str, expected: &[&str]) {
        let mut unknown = Unknown::default();

        unknown.inspect("plural", shape, json).unwrap();

        let found: Vec<&str> = unknown.counts().keys().map(String::as_str).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn known_keys_are_not_noted() {
        check(&User::SHAPE, r#"{"type": "user", "url": "u", "emails": null}"#, &[]);
    }

    #[test]
    fn unknown_keys_are_noted_where_they_hold_something() {
        check(
            &User::SHAPE,
            r#"{"a": 1, "b": null, "c": [], "d": {}, "e": false}"#,
            &["plural.a", "plural.e"],
        );
    }

    #[test]
    fn keys_without_a_place_in_the_model_are_noted() {
        check(&User::SHAPE, r#"{"billing_plan": {"name": "free"}}"#, &["plural.billing_plan"]);
    }

    #[test]
    fn keys_within_lists_of_objects_are_noted() {
        check(
            &Repository::SHAPE,
            r#"{"labels": [{"name": "a", "odd": 1}]}"#,
            &["plural.labels.odd"],
        );
    }

    #[test]
    fn names_do_not_fill_the_memory() {
        let mut unknown = Unknown::default();

        (0..5_000).for_each(|n| unknown.note(format!("p.k{n}"), 1));

        assert_eq!(unknown.counts().len(), MAX_NAMES + 1);
        assert_eq!(unknown.counts().values().sum::<u64>(), 5_000);
    }
}
