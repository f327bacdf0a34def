//! Canonical JSON and the hash of it.
//!
//! One writer gives both:
//!
//! - [`exact`]: the canonical JSON of an object, as stores and archives keep it.
//!   UTF-8, no whitespace, keys sorted by their bytes, absent values and empty
//!   lists and maps left out.
//! - [`Fingerprint::of`]: the SHA-256 of `kind`, a line feed, and the same JSON
//!   with what differs from host to host evened out: references by a host's id
//!   ([`HostId`](crate::model::HostId)) become `null`, times are told in UTC to
//!   the second's fraction that they have, and in texts CR LF and CR become LF
//!   and white space at the end goes.
//!
//! Strings are escaped as JSON demands and no further: `"`, `\`, and control
//! characters below U+0020 as `\b \t \n \f \r` or `\u00xx` in lower case.
//!
//! Both take typed values, so the order of keys and the white space in what a
//! host sent never matter. A field that a later version adds and that is absent
//! leaves old fingerprints as they are.

mod text;
mod writer;

use crate::catalogue::Object;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest, Sha256};
use std::{fmt, str::FromStr};

pub use writer::CanonicalError;

/// SHA-256 of a record's canonical form.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of an object.
    pub fn of(object: &Object) -> Self {
        let mut bytes = Vec::with_capacity(1024);
        bytes.extend_from_slice(object.kind().name().as_bytes());
        bytes.push(b'\n');
        writer::write(object, writer::Form::Comparable, &mut bytes);
        Self(Sha256::digest(&bytes).into())
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The fingerprint of those bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// Canonical JSON of an object's fields, without the kind around them.
pub fn exact(object: &Object) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1024);
    writer::write(object, writer::Form::Exact, &mut bytes);
    // Kept by the thousand until a batch is durable, unlike the room it took to write them.
    bytes.shrink_to_fit();
    bytes
}

/// Canonical JSON with what differs from host to host evened out: what [`Fingerprint::of`] hashes.
pub fn comparable(object: &Object) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(512);
    writer::write(object, writer::Form::Comparable, &mut bytes);
    bytes
}

/// A field that two objects of one kind do not share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Name of the field; fields within fields are joined by dots.
    pub field: String,
    /// Its value in the first object as JSON, `null` when absent.
    pub expected: serde_json::Value,
    /// Its value in the second.
    pub found: serde_json::Value,
}

/// The fields in which the comparable forms of two objects differ.
pub fn differences(expected: &Object, found: &Object) -> Vec<Difference> {
    let value = |object| serde_json::from_slice(&comparable(object)).unwrap_or_default();
    let mut list = Vec::new();
    compare("", &value(expected), &value(found), &mut list);
    list
}

fn compare(
    path: &str,
    expected: &serde_json::Value,
    found: &serde_json::Value,
    list: &mut Vec<Difference>,
) {
    if expected == found {
        return;
    }
    if let (Some(a), Some(b)) = (expected.as_object(), found.as_object()) {
        let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
        let null = serde_json::Value::Null;
        for key in keys {
            let field = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            compare(&field, a.get(key).unwrap_or(&null), b.get(key).unwrap_or(&null), list);
        }
        return;
    }
    list.push(Difference {
        field: path.to_owned(),
        expected: expected.clone(),
        found: found.clone(),
    });
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is not a fingerprint.
#[derive(Debug, thiserror::Error)]
#[error("a fingerprint is 64 hexadecimal digits")]
pub struct FingerprintError;

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return Err(FingerprintError);
        }
        for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| FingerprintError)?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Comment, HostId, Identity, Label, Markup, Subject, Text};

    fn comment(body: &str, at: &str, reply_to: Option<&str>) -> Object {
        Object::from(Comment {
            subject: Subject::Issue(7),
            author: Some(Identity::login("ann", Some("github.com"))),
            body: Some(Text::new(body, Markup::Github)),
            reply_to: reply_to.map(HostId::from),
            created_at: Some(at.parse().unwrap()),
            ..Comment::default()
        })
    }

    #[test]
    fn canonical_json_is_sorted_and_lean() {
        let json = exact(&comment("hi \"x\"\n", "2020-01-01T00:00:00+01:00", Some("9")));

        assert_eq!(
            String::from_utf8(json).unwrap(),
            r#"{"author":{"host":"github.com","kind":"person","login":"ann"},"body":{"markup":"github","text":"hi \"x\"\n"},"created_at":"2020-01-01T00:00:00+01:00","internal":false,"reply_to":"9","subject":{"issue":7}}"#
        );
    }

    #[test]
    fn what_is_written_reads_back() {
        let object = comment("a\r\nb\u{1}\u{1F600}", "2020-01-01T00:00:00.5-03:30", Some("9"));

        let back = Object::from_fields(object.kind(), &exact(&object)).unwrap();

        assert_eq!(back, object);
    }

    #[track_caller]
    fn check_same(a: &Object, b: &Object, same: bool) {
        assert_eq!(Fingerprint::of(a) == Fingerprint::of(b), same);
    }

    #[test]
    fn line_ends_offsets_and_host_ids_do_not_count() {
        let plain = comment("a\nb", "2020-01-01T00:00:00Z", None);

        check_same(&plain, &comment("a\r\nb\r\n", "2020-01-01T00:00:00Z", None), true);
        check_same(&plain, &comment("a\nb", "2020-01-01T01:00:00+01:00", None), true);
        check_same(
            &comment("a", "2020-01-01T00:00:00Z", Some("1")),
            &comment("a", "2020-01-01T00:00:00Z", Some("2")),
            true,
        );
    }

    #[test]
    fn words_and_moments_count() {
        let plain = comment("a b", "2020-01-01T00:00:00Z", None);

        check_same(&plain, &comment("a  b", "2020-01-01T00:00:00Z", None), false);
        check_same(&plain, &comment("a b", "2020-01-01T00:00:01Z", None), false);
    }

    #[test]
    fn kinds_of_equal_fields_differ() {
        let label = Object::from(Label::default());
        let topic = Object::from(crate::model::Topic::default());

        assert_ne!(Fingerprint::of(&label), Fingerprint::of(&topic));
    }

    #[test]
    fn a_difference_names_the_field() {
        let list = differences(
            &comment("a", "2020-01-01T00:00:00Z", None),
            &comment("b", "2020-01-01T00:00:00Z", None),
        );

        assert_eq!(list.len(), 1);
        assert_eq!(list[0].field, "body.text");
    }

    #[test]
    fn the_documented_example_holds() {
        let label = Object::from(Label { name: "bug".into(), ..Label::default() });

        assert_eq!(
            String::from_utf8(comparable(&label)).unwrap(),
            r#"{"inherited":false,"name":"bug"}"#
        );
    }
}
