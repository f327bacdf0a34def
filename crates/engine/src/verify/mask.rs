//! Comparing only what a destination promises to hold.

use packhorse_core::{
    Capabilities, Fingerprint, Object, ObjectKind,
    fingerprint::{Difference, comparable, differences},
};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The fields of a kind that a destination does not hold as they were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mask {
    fields: Vec<&'static str>,
}

const TIMES: [&str; 6] =
    ["created_at", "updated_at", "closed_at", "merged_at", "submitted_at", "published_at"];

/// Numbers, and the fields that refer to something by its number.
const NUMBERS: [&str; 8] = [
    "number",
    "subject",
    "change_request",
    "milestone",
    "milestones",
    "children",
    "closes",
    "columns",
];

impl Mask {
    /// What `caps` says of a kind.
    pub(super) fn of(caps: &Capabilities, kind: ObjectKind) -> Self {
        let mut fields: Vec<_> = caps.of(kind).gaps().iter().map(|gap| gap.field).collect();
        if !caps.keeps.authors {
            fields.extend(["author", "actor"]);
        }
        if !caps.keeps.times {
            fields.extend(TIMES);
        }
        if !caps.keeps.numbers {
            fields.extend(NUMBERS);
        }
        Self { fields }
    }

    /// What neither of two masks lets through.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.fields.extend(other.fields);
        self
    }

    /// Whether every field counts.
    pub(super) fn is_clear(&self) -> bool {
        self.fields.is_empty()
    }

    /// Whether no field counts at all: being there is enough.
    fn is_opaque(&self) -> bool {
        self.fields.contains(&packhorse_core::Loss::WHOLE)
    }

    /// Fingerprint of the fields that count.
    pub(super) fn fingerprint(&self, object: &Object) -> Fingerprint {
        if self.is_clear() {
            return Fingerprint::of(object);
        }
        let mut hash = Sha256::new();
        hash.update(object.kind().name());
        if !self.is_opaque() {
            // Its own canonical form reads back, or else is compared as it stands.
            let bytes = comparable(object);
            match serde_json::from_slice::<Value>(&bytes) {
                Ok(mut value) => {
                    self.fields.iter().for_each(|field| drop_field(&mut value, field));
                    hash.update(value.to_string());
                }
                Err(_) => hash.update(&bytes),
            }
        }
        Fingerprint::from_bytes(hash.finalize().into())
    }

    /// The fields that count and differ.
    pub(super) fn differences(&self, expected: &Object, found: &Object) -> Vec<Difference> {
        if self.is_opaque() {
            return Vec::new();
        }
        let mut list = differences(expected, found);
        list.retain(|it| !self.fields.iter().any(|field| is_within(&it.field, field)));
        list
    }
}

fn is_within(field: &str, mask: &str) -> bool {
    field.strip_prefix(mask).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Takes out a field; one within another is written with a dot, also through lists.
///
/// What has nothing left in it goes too, as canonical JSON leaves out what is empty: of a list of
/// people and groups, a destination without groups holds the people.
fn drop_field(value: &mut Value, field: &str) {
    match value {
        Value::Object(fields) => match field.split_once('.') {
            None => {
                fields.remove(field);
            }
            Some((first, rest)) => {
                let Some(inner) = fields.get_mut(first) else { return };
                drop_field(inner, rest);
                if is_empty(inner) {
                    fields.remove(first);
                }
            }
        },
        Value::Array(list) => {
            list.iter_mut().for_each(|it| drop_field(it, field));
            list.retain(|it| !is_empty(it));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(serde_json::Map::is_empty)
        || value.as_array().is_some_and(Vec::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_core::{
        Gap, Keeps, Support,
        model::{Issue, Review},
    };

    const GAPS: &[Gap] = &[Gap { field: "weight", why: "" }, Gap { field: "body.markup", why: "" }];

    fn mask(keeps: Keeps) -> Mask {
        let mut caps = Capabilities::promised(|_| Support::Partial(GAPS), "test");
        caps.keeps = keeps;
        Mask::of(&caps, ObjectKind::Issue)
    }

    fn issue(change: impl Fn(&mut Issue)) -> Object {
        let mut issue = Issue { number: 7, title: "a".into(), ..Issue::default() };
        change(&mut issue);
        Object::Issue(issue)
    }

    #[track_caller]
    fn check(mask: &Mask, other: Object, same: bool) {
        let plain = issue(|_| ());

        assert_eq!(mask.fingerprint(&plain) == mask.fingerprint(&other), same);
        assert_eq!(mask.differences(&plain, &other).is_empty(), same);
    }

    #[test]
    fn gaps_do_not_count_and_the_rest_does() {
        let mask = mask(Keeps::ALL);
        check(&mask, issue(|it| it.weight = Some(3)), true);
        check(&mask, issue(|it| it.title = "b".into()), false);
        check(&mask, issue(|it| it.number = 8), false);
    }

    #[test]
    fn what_is_not_kept_of_any_record_does_not_count() {
        let mask = mask(Keeps { authors: false, times: false, numbers: false });
        check(&mask, issue(|it| it.number = 8), true);
        check(&mask, issue(|it| it.created_at = "2020-01-01T00:00:00Z".parse().ok()), true);
        check(&mask, issue(|it| it.title = "b".into()), false);
    }

    #[test]
    fn without_gaps_it_is_the_plain_fingerprint() {
        let caps = Capabilities::promised(|_| Support::Full, "test");
        let object = Object::Review(Review::default());

        let mask = Mask::of(&caps, ObjectKind::Review);

        assert_eq!(mask.fingerprint(&object), Fingerprint::of(&object));
    }

    #[test]
    fn who_has_no_place_does_not_count_among_others() {
        let json = r#"{"a":[{"group":"g"},{"user":{"login":"l"}}],"b":[{"group":"g"}]}"#;
        let mut value: Value = serde_json::from_str(json).unwrap();

        drop_field(&mut value, "a.group");
        drop_field(&mut value, "b.group");

        assert_eq!(value.to_string(), r#"{"a":[{"user":{"login":"l"}}]}"#);
    }
}
