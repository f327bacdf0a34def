//! What came back, held against what had been there: equal, but for what either way declared.

use super::{leg::Leg, place::Place};
use packhorse_core::{
    Capabilities, Carriage, Cursor, Lane, Loss, Object, ObjectKind, Record, Scope,
    authored::authored, fingerprint::differences, mark, port::Source,
};
use std::{collections::BTreeMap, path::Path};

/// Fields that say who, when, and under which number.
const AUTHORS: &[&str] = &["author", "actor", "closed_by", "merged_by", "resolver", "assignees"];
const NUMBERS: &[&str] =
    &["number", "subject", "change_request", "milestone", "milestones", "children", "closes"];
/// Ids that hosts give: they are others after each way.
const IDS: &[&str] = &["thread", "review", "reply_to", "subject", "answer"];

/// A pair, there and back.
pub(crate) struct Back<'a> {
    pub(crate) there: &'a Leg,
    pub(crate) back: &'a Leg,
}

/// Everything in a lane.
pub(crate) async fn read(source: &dyn Source, lane: &Lane) -> Vec<Record> {
    let (mut records, mut at): (Vec<Record>, Option<Cursor>) = (Vec::new(), None);
    loop {
        let page = source.read(lane, at.as_ref()).await;
        let page = page.unwrap_or_else(|error| panic!("{lane}: {}", super::leg::explain(&error)));
        records.extend(page.records);
        match page.next {
            Some(next) => at = Some(next),
            None => return records,
        }
    }
}

impl Back<'_> {
    /// What is otherwise than it was and was not declared, one line each.
    pub(crate) async fn surprises(
        &self,
        one: &Place,
        again: &Place,
        scratch: &Path,
    ) -> Vec<String> {
        let (one, again) = (one.source(scratch).unwrap(), again.source(scratch).unwrap());
        let mut scopes = vec![Scope::Shared];
        scopes.extend(self.there.projects.keys().cloned().map(Scope::Project));
        let mut surprises = Vec::new();
        for scope in &scopes {
            for &kind in ObjectKind::ALL {
                let is_here = match scope {
                    Scope::Shared => kind.is_shared(),
                    Scope::Project(_) => kind.in_project(),
                };
                // Each way has been read back and compared, which is all there is to say of Git.
                if is_here
                    && kind.carriage() != Carriage::Git
                    && self.there.source.of(kind).is_some()
                {
                    surprises.extend(self.lane(&*one, &*again, scope, kind).await);
                }
            }
        }
        surprises
    }

    async fn lane(
        &self,
        one: &dyn Source,
        again: &dyn Source,
        scope: &Scope,
        kind: ObjectKind,
    ) -> Vec<String> {
        let middle = self.there.target(scope);
        let last = self.back.target(&middle);
        let there = self.there.became(scope, kind).await;
        let back = self.back.became(&middle, kind).await;
        let found = read(again, &Lane::new(last, kind)).await;
        let found: BTreeMap<_, _> =
            found.iter().map(|it| (it.origin.id.as_str(), &it.object)).collect();
        let mut surprises = Vec::new();
        for record in read(one, &Lane::new(scope.clone(), kind)).await {
            let id = record.origin.id.as_str();
            let lost = self.there.lost(scope, kind, id);
            let Some(target) = there.get(id) else {
                if !is_declared(&self.there.sink, kind, &lost) {
                    surprises.push(format!("{scope} {kind} {id} did not arrive"));
                }
                continue;
            };
            let more = self.back.lost(&middle, kind, target);
            let Some(object) = back.get(target).and_then(|it| found.get(it.as_str())) else {
                let is_told = is_declared(&self.back.source, kind, &lost)
                    || is_declared(&self.there.sink, kind, &lost)
                    || is_declared(&self.back.sink, kind, &more);
                if !is_told {
                    surprises.push(format!("{scope} {kind} {id} did not come back"));
                }
                continue;
            };
            let fields = self.fields(&record.object, object, &[lost, more].concat());
            surprises.extend(fields.into_iter().map(|it| format!("{scope} {kind} {id}: {it}")));
        }
        surprises
    }

    /// The fields that differ, and that nobody said would.
    fn fields(&self, was: &Object, is: &Object, lost: &[String]) -> Vec<String> {
        let ends = [&self.there.source, &self.there.sink, &self.back.source, &self.back.sink];
        let (was, is) = (without_mark(was), without_mark(is));
        let keeps =
            |keep: fn(&Capabilities) -> bool| keep(&self.there.sink) && keep(&self.back.sink);
        let is_allowed = |field: &str| {
            // What one end works out, the other need not have told.
            if field == "blob.sha256" || field == "blob.size" {
                return true;
            }
            let within = |name: &str| name == Loss::WHOLE || is_within(field, name);
            let gaps = ends.iter().flat_map(|it| it.of(was.kind()).gaps());
            gaps.into_iter().any(|gap| within(gap.field))
                || lost.iter().any(|it| within(it))
                || IDS.iter().any(|it| within(it))
                || (!keeps(|it| it.keeps.authors) && AUTHORS.iter().any(|it| within(it)))
                || (!keeps(|it| it.keeps.times) && field.ends_with("_at"))
                || (!keeps(|it| it.keeps.numbers) && NUMBERS.iter().any(|it| within(it)))
        };
        let mut found = differences(&was, &is);
        // A no and nothing told are alike.
        let is_no = |it: &serde_json::Value| it.is_null() || *it == false;
        found.retain(|it| {
            let is_same = is_no(&it.expected) && is_no(&it.found);
            let is_said = is_said(&it.field, &it.expected, &it.found);
            !(is_same || is_said || is_allowed(&it.field))
        });
        found
            .into_iter()
            .map(|it| format!("`{}` was {}, is {}", it.field, it.expected, it.found))
            .collect()
    }
}

/// Whether what somebody wrote is still there, with a line that says who and when around it.
fn is_said(field: &str, was: &serde_json::Value, is: &serde_json::Value) -> bool {
    if !field.starts_with("body") && !field.starts_with("description") {
        return false;
    }
    let text = |it: &serde_json::Value| it.as_str().unwrap_or_default().trim().to_owned();
    let first = text(was);
    let first = first.lines().next().unwrap_or_default();
    text(is).contains(first) || field.ends_with("markup")
}

fn is_within(field: &str, name: &str) -> bool {
    let begins = |one: &str, other: &str| {
        one.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    begins(field, name) || begins(name, field)
}

/// Whether an end says that it does not hold all of a kind, or a record's losses do.
fn is_declared(end: &Capabilities, kind: ObjectKind, lost: &[String]) -> bool {
    let support = end.of(kind);
    !support.is_some()
        || support.gaps().iter().any(|gap| gap.field == Loss::WHOLE)
        || !lost.is_empty()
}

fn without_mark(object: &Object) -> Object {
    let mut object = object.clone();
    if let Some(body) = authored(&mut object).and_then(|it| it.body)
        && let Some(text) = body.as_mut()
        && let Some((_, rest)) = mark::parse(text.as_str())
    {
        let rest = rest.to_owned();
        *body = (!rest.is_empty()).then(|| packhorse_core::model::Text::new(rest, text.markup));
    }
    object
}
