//! What an object loses in an archive, found by writing it and reading that again.
//!
//! No list of fields can be forgotten this way: whatever comes back otherwise
//! is a loss, and whoever wrote it is told.

use packhorse_core::{Gap, Loss, Object, Support, fingerprint};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Value, value::RawValue};
use std::fmt::{self, Formatter};

/// What becomes of an object.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// The id under which it is read back.
    pub(crate) target: String,
    /// Its canonical JSON.
    pub(crate) body: Vec<u8>,
    /// What is lost of it.
    pub(crate) losses: Vec<Loss>,
    /// Whether it is left out as a whole.
    pub(crate) is_left_out: bool,
}

/// What becomes of an object that comes back like this from a format that holds that much.
pub(crate) fn prepared(
    object: &Object,
    (target, back): (String, &Object),
    support: Support,
) -> Prepared {
    let body = fingerprint::exact(object);
    let found = fingerprint::exact(back);
    let losses = if found == body { Vec::new() } else { losses(support, &body, &found) };
    Prepared { target, body, losses, is_left_out: false }
}

/// What becomes of an object that the archive has no place for.
pub(crate) fn without_a_place(object: &Object, id: &str, loss: Loss) -> Prepared {
    let body = fingerprint::exact(object);
    Prepared { target: id.to_owned(), body, losses: vec![loss], is_left_out: true }
}

/// Name of the variant that a field of an object has, as `field.variant`.
pub(crate) fn variant(object: &Object, field: &str) -> Option<String> {
    let value: Value = serde_json::from_slice(&fingerprint::exact(object)).unwrap_or_default();
    let value = value.get(field)?;
    let name = value.as_object().and_then(|it| it.keys().next().map(String::as_str));
    Some(format!("{field}.{}", name.or(value.as_str())?))
}

/// The loss of an object as a whole because of that field.
pub(crate) fn left_out(field: Option<String>, support: Support) -> Loss {
    let field = field.unwrap_or_else(|| Loss::WHOLE.to_owned());
    let why = support.gaps().iter().find(|it| it.field == field).map(|it| it.why);
    Loss::sink(field, why.unwrap_or("the archive has no place for it, and it is left out"))
}

/// What two canonical forms do not share, in the words of the table of gaps.
fn losses(support: Support, written: &[u8], found: &[u8]) -> Vec<Loss> {
    let mut fields = Vec::new();
    // Canonical JSON is UTF-8.
    if let (Ok(written), Ok(found)) = (str::from_utf8(written), str::from_utf8(found)) {
        compare("", written, found, &mut fields);
    }
    let gaps = support.gaps();
    let mut losses: Vec<Loss> = Vec::new();
    for field in fields {
        let loss = match gaps.iter().find(|it| covers(it, &field)) {
            Some(gap) => Loss::sink(gap.field, gap.why),
            None => Loss::sink(field, "the archive does not give it back as it was"),
        };
        if !losses.contains(&loss) {
            losses.push(loss);
        }
    }
    losses
}

/// Whether a gap speaks of a field, of what it is in, or of what is in it.
fn covers(gap: &Gap, field: &str) -> bool {
    let within = |inner: &str, outer: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    within(field, gap.field) || within(gap.field, field)
}

/// Notes the fields in which two values differ; lists of one length are compared item by item.
///
/// Only what differs is parsed, and no deeper than it differs: most records lose something, and few
/// much.
fn compare(path: &str, written: &str, found: &str, fields: &mut Vec<String>) {
    if written == found {
        return;
    }
    if let (Some(a), Some(b)) = (object(written), object(found)) {
        let field =
            |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        for (key, a) in &a.0 {
            let b = b.get(key).unwrap_or("null");
            if a.get() != b {
                compare(&field(key), a.get(), b, fields);
            }
        }
        for (key, b) in b.0.iter().filter(|(key, _)| a.get(key).is_none()) {
            compare(&field(key), "null", b.get(), fields);
        }
        return;
    }
    match (list(written), list(found)) {
        (Some(a), Some(b)) if a.len() == b.len() => {
            a.iter().zip(b).for_each(|(a, b)| compare(path, a.get(), b.get(), fields));
        }
        _ => fields.push(path.to_owned()),
    }
}

/// The members of an object, in order of their keys, as canonical JSON has them.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Members<'a> {
    fn get(&self, key: &str) -> Option<&'a str> {
        let at = self.0.binary_search_by(|(it, _)| it.as_str().cmp(key)).ok()?;
        Some(self.0.get(at)?.1.get())
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visit;

        impl<'de> Visitor<'de> for Visit {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut members = Vec::with_capacity(16);
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        from.deserialize_map(Visit)
    }
}

fn object(json: &str) -> Option<Members<'_>> {
    json.starts_with('{').then(|| serde_json::from_str(json).ok()).flatten()
}

fn list(json: &str) -> Option<Vec<&RawValue>> {
    json.starts_with('[').then(|| serde_json::from_str(json).ok()).flatten()
}
