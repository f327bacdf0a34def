//! Comparing only what a destination promises to hold.
//!
//! A gap in a table says what a destination may do to a field. Where it has a place for the field
//! all the same, only some records lose it, and only those are let off: those of which the run
//! noted the loss. So a text that somebody changed is found also where some texts are cut.

use packhorse_core::{
    Capabilities, Fingerprint, Loss, Object, ObjectKind, Support,
    fingerprint::{Difference, comparable, differences},
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// The fields of a kind that a destination does not hold as they were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mask {
    fields: Vec<&'static str>,
    /// Fields that only those records do not hold that have lost them.
    told: Vec<&'static str>,
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

/// Fields that every host has a place for: a gap in one of them says what may become of it, and
/// the losses of each record what did.
const TOLD: [&str; 17] = [
    Loss::WHOLE,
    "base",
    "base.name",
    "body",
    "content",
    "context",
    "description",
    "head",
    "head.commit",
    "head.name",
    "name",
    "role",
    "state",
    "subject",
    "title",
    "value",
    "verdict",
];

/// What a destination decides about the ends of a change request, whatever it lost of them.
const ENDS: [(&str, &[&str]); 2] = [
    ("base", &["base.commit", "base.owner", "base.project"]),
    ("head", &["head.owner", "head.project"]),
];

/// The field that says how large a file is.
const SIZE: &str = "blob.size";

impl Mask {
    /// What a destination holds of a kind: what it was given, but for what it lost.
    pub(crate) fn written(caps: &Capabilities, kind: ObjectKind) -> Self {
        let mut mask = Self::of(caps, kind);
        mask.told = mask.fields.extract_if(.., |it| TOLD.contains(it)).collect();
        mask
    }

    /// What can be read of a kind.
    pub(crate) fn of(caps: &Capabilities, kind: ObjectKind) -> Self {
        let mut fields: Vec<_> = caps.of(kind).gaps().iter().map(|gap| gap.field).collect();
        if !caps.keeps.authors {
            fields.extend(["author", "actor", "closed_by", "merged_by", "resolver"]);
        }
        if !caps.keeps.times {
            fields.extend(TIMES);
        }
        if !caps.keeps.numbers {
            fields.extend(NUMBERS);
        }
        Self { fields, told: Vec::new() }
    }

    /// The same for a destination behind an API, which does not tell the hashes of bytes; nor can
    /// their sizes be compared where the source says that it tells none.
    pub(crate) fn behind_an_api(mut self, source: Support) -> Self {
        self.fields.push("blob.sha256");
        self.fields.extend(source.gaps().iter().map(|it| it.field).filter(|it| *it == SIZE));
        self
    }

    /// What neither of two masks lets through.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.fields.extend(other.fields);
        self.told.extend(other.told);
        self
    }

    /// Whether records differ in what counts, by what they have lost.
    pub(super) fn is_by_record(&self) -> bool {
        !self.told.is_empty()
    }

    /// What counts of a record that lost something in these fields.
    pub(super) fn without(&self, lost: &BTreeSet<String>) -> Self {
        let mut fields = self.fields.clone();
        for field in &self.told {
            if lost.iter().any(|it| touches(it, field)) {
                fields.push(field);
            } else {
                let decided = ENDS.iter().filter(|(end, _)| end == field);
                fields.extend(decided.flat_map(|(_, decided)| decided.iter()));
            }
        }
        Self { fields, told: Vec::new() }
    }

    /// Whether every field counts.
    pub(crate) fn is_clear(&self) -> bool {
        self.fields.is_empty() && self.told.is_empty()
    }

    /// Whether no field counts at all: being there is enough.
    fn is_opaque(&self) -> bool {
        self.fields.contains(&Loss::WHOLE)
    }

    /// Fingerprint of the fields that count; what is only lost by some records does.
    pub(crate) fn fingerprint(&self, object: &Object) -> Fingerprint {
        if self.fields.is_empty() {
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
                    drop_no(&mut value);
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
        if !self.fields.is_empty() {
            list.retain(|it| !(is_no(&it.expected) && is_no(&it.found)));
        }
        list
    }
}

/// Whether a loss has to do with a field: it is the same, one within the other, or all of it.
fn touches(loss: &str, field: &str) -> bool {
    loss == Loss::WHOLE || field == Loss::WHOLE || is_within(loss, field) || is_within(field, loss)
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

/// Whether a value says no, or nothing: what a source does not tell of, hosts tell as no.
fn is_no(value: &Value) -> bool {
    value.is_null() || *value == Value::Bool(false)
}

/// Takes out what says no, for one side may say nothing instead.
fn drop_no(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(drop_no);
            fields.retain(|_, it| !is_no(it) && !is_empty(it));
        }
        Value::Array(list) => list.iter_mut().for_each(drop_no),
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
        Gap, Keeps,
        model::{BranchRule, ChangeRequest, Issue, Markup, Review, Text},
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
        Object::from(issue)
    }

    #[track_caller]
    fn check(mask: &Mask, other: Object, same: bool) {
        let plain = issue(|_| ());

        assert_eq!(mask.fingerprint(&plain) == mask.fingerprint(&other), same);
        assert_eq!(mask.differences(&plain, &other).is_empty(), same);
    }

    #[test]
    fn behind_an_api_a_no_and_nothing_told_are_alike() {
        let label = |exclusive| {
            Object::from(packhorse_core::model::Label {
                name: "a".into(),
                exclusive,
                ..packhorse_core::model::Label::default()
            })
        };
        let mask = Mask::default().behind_an_api(Support::Full);
        let same = |one, other| {
            let (one, other) = (label(one), label(other));
            assert_eq!(
                mask.fingerprint(&one) == mask.fingerprint(&other),
                mask.differences(&one, &other).is_empty()
            );
            mask.differences(&one, &other).is_empty()
        };

        assert!(same(None, Some(false)) && same(Some(false), None));
        assert!(!same(None, Some(true)) && !same(Some(true), Some(false)));
    }

    #[test]
    fn a_size_that_the_source_does_not_tell_is_not_compared() {
        const GAPS: &[Gap] = &[Gap { field: "blob.size", why: "" }];
        let asset = |size| {
            let blob = Some(packhorse_core::model::Blob { size, sha256: None });
            let asset = packhorse_core::model::ReleaseAsset { blob, ..Default::default() };
            Object::from(asset)
        };
        let silent = Mask::default().behind_an_api(Support::Partial(GAPS));
        let telling = Mask::default().behind_an_api(Support::Full);

        assert_eq!(silent.fingerprint(&asset(None)), silent.fingerprint(&asset(Some(5))));
        assert_eq!(silent.differences(&asset(None), &asset(Some(5))), []);
        assert_ne!(telling.fingerprint(&asset(Some(4))), telling.fingerprint(&asset(Some(5))));
    }

    #[test]
    fn gaps_do_not_count_and_the_rest_does() {
        let mask = mask(Keeps::ALL);
        check(&mask, issue(|it| it.weight = Some(3)), true);
        check(&mask, issue(|it| it.title = "b".into()), false);
        check(&mask, issue(|it| it.number = 8), false);
    }

    #[test]
    fn a_field_that_some_records_lose_counts_for_the_others() {
        const GAPS: &[Gap] = &[Gap { field: "body", why: "" }, Gap { field: "weight", why: "" }];
        let caps = Capabilities::promised(|_| Support::Partial(GAPS), "test");
        let mask = Mask::written(&caps, ObjectKind::Issue);
        let lost = |fields: &[&str]| mask.without(&fields.iter().map(|it| (*it).into()).collect());
        let other = || issue(|it| it.body = Some(Text::new("x", Markup::Github)));

        check(&lost(&[]), other(), false);
        check(&lost(&["weight"]), other(), false);
        check(&lost(&["body"]), other(), true);
        check(&lost(&["body.text"]), other(), true);
        check(&lost(&["*"]), other(), true);
        check(&lost(&[]), issue(|it| it.weight = Some(3)), true);
    }

    #[test]
    fn where_a_change_goes_counts_also_where_some_have_lost_their_branches() {
        const GAPS: &[Gap] = &[Gap { field: "head", why: "" }];
        let caps = Capabilities::promised(|_| Support::Partial(GAPS), "test");
        let mask = Mask::written(&caps, ObjectKind::ChangeRequest).without(&BTreeSet::new());
        let change = |commit: &str, project: Option<&str>| {
            let mut change = ChangeRequest::default();
            change.head.commit = Some(commit.into());
            change.head.project = project.map(str::to_owned);
            Object::from(change)
        };
        let plain = mask.fingerprint(&change("1", None));

        assert_ne!(plain, mask.fingerprint(&change("2", None)));
        assert_eq!(plain, mask.fingerprint(&change("1", Some("alice/fork"))));
    }

    #[test]
    fn no_and_nothing_are_the_same_where_fields_are_lost() {
        let mask = mask(Keeps::ALL);
        let rule =
            |it: Option<bool>| Object::from(BranchRule { signatures: it, ..BranchRule::default() });

        assert_eq!(mask.fingerprint(&rule(None)), mask.fingerprint(&rule(Some(false))));
        assert_eq!(mask.differences(&rule(None), &rule(Some(false))), []);
        assert_ne!(mask.fingerprint(&rule(None)), mask.fingerprint(&rule(Some(true))));
        assert_eq!(mask.differences(&rule(Some(false)), &rule(Some(true))).len(), 1);
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
        let object = Object::from(Review::default());

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
