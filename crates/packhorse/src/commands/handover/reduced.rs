//! A place with what is left of its records when some fields are taken away: what one side has no
//! place for, or does not tell, is nothing to compare. Neither are ids that hosts give, and what is
//! not told is no.

use async_trait::async_trait;
use packhorse_core::{
    Capabilities, Cursor, Gap, GitRemote, HostError, HostSpec, Lane, Object, ObjectKind, Origin,
    Record, RepoKind, Scope, fingerprint,
    port::{BlobRef, ByteStream, Inventory, Page, Source},
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A source without the fields that an archive's format or its host has no place for.
pub(super) struct Reduced {
    pub(super) source: Arc<dyn Source>,
    pub(super) format: &'static HostSpec,
    pub(super) host: &'static HostSpec,
    /// What an import does not keep.
    pub(super) lost: fn(ObjectKind) -> &'static [Gap],
    /// Ids that the source gives to what has a name, by that name.
    pub(super) named: Mutex<HashMap<(Scope, Origin), String>>,
    /// Milestones by their numbers: what they are called by instead.
    pub(super) milestones: Mutex<HashMap<(Scope, u64), u64>>,
}

/// A number made of a title.
fn made_of(title: &str) -> u64 {
    let digest = Sha256::digest(title);
    digest.iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// What a record is called, where sources may give an id besides.
fn name(object: &Object) -> Option<String> {
    if let Object::Release(it) = object {
        Some(it.tag.clone())
    } else if let Object::ReleaseAsset(it) = object {
        Some(format!("{}/{}", it.release, it.name))
    } else if let Object::Milestone(it) = object {
        Some(it.title.clone())
    } else {
        None
    }
}

impl Reduced {
    fn named(&self) -> MutexGuard<'_, HashMap<(Scope, Origin), String>> {
        self.named.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls a record by its name, so that two ends that give ids call it the same.
    fn rename(&self, scope: &Scope, record: &mut Record) {
        let Some(name) = name(&record.object).filter(|it| *it != record.origin.id) else { return };
        let id = std::mem::replace(&mut record.origin.id, name);
        self.named().insert((scope.clone(), record.origin.clone()), id);
    }

    /// Calls milestones by their titles: what a group gives its projects has another number at each
    /// host, and is the project's own where the group is not there.
    fn renumber(&self, scope: &Scope, object: &mut Object) {
        let mut known = self.milestones.lock().unwrap_or_else(PoisonError::into_inner);
        if let Object::Milestone(it) = object {
            let number = made_of(&it.title);
            known.insert((scope.clone(), it.number), number);
            it.number = number;
            return;
        }
        for number in object.milestones_mut() {
            *number = known.get(&(scope.clone(), *number)).copied().unwrap_or(*number);
        }
    }

    fn reduce(&self, object: Object) -> Object {
        let kind = object.kind();
        let (written, read) = ((self.format.writes)(kind), (self.host.reads)(kind));
        let gaps = written.gaps().iter().chain(read.gaps()).chain((self.lost)(kind));
        let gaps = gaps.map(|it| it.field);
        without(kind, &object, gaps.chain(given(kind).iter().copied())).unwrap_or(object)
    }
}

/// Fields that hold what a host gives: ids, and where its own diffs put a place.
fn given(kind: ObjectKind) -> &'static [&'static str] {
    const IN_A_DIFF: &[&str] = &[
        "review",
        "thread",
        "reply_to",
        "position.commit",
        "position.original_commit",
        "position.base_commit",
        "position.start_side",
        "position.original_line",
        "position.original_start_line",
        "position.diff_position",
        "position.original_diff_position",
        "position.start_offset",
        "position.blob_position",
        "position.hunk",
    ];
    // Where a thread is, its first comment says more exactly in some formats.
    const OF_A_THREAD: &[&str] = &["review", "position"];
    if kind == ObjectKind::ReviewThread {
        OF_A_THREAD
    } else if kind == ObjectKind::ReviewComment {
        IN_A_DIFF
    } else if kind == ObjectKind::ChangeRequest {
        &["base.owner", "head.owner"]
    } else if kind == ObjectKind::Comment {
        &["reply_to"]
    } else if matches!(kind, ObjectKind::Attachment | ObjectKind::Reaction) {
        &["subject"]
    } else {
        &[]
    }
}

/// An object without some fields; `None` where it cannot be one then.
fn without<'a>(
    kind: ObjectKind,
    object: &Object,
    fields: impl Iterator<Item = &'a str>,
) -> Option<Object> {
    let mut value: Value = serde_json::from_slice(&fingerprint::exact(object)).ok()?;
    for field in fields {
        take(&mut value, &field.split('.').collect::<Vec<_>>());
    }
    without_no(&mut value);
    Object::from_fields(kind, value.to_string().as_bytes()).ok()
}

/// Takes away what says no.
fn without_no(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, it| *it != Value::Bool(false));
            fields.values_mut().for_each(without_no);
        }
        Value::Array(list) => list.iter_mut().for_each(without_no),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn take(value: &mut Value, path: &[&str]) {
    match (value, path) {
        (Value::Object(fields), [last]) => drop(fields.remove(*last)),
        (Value::Object(fields), [first, rest @ ..]) => {
            if let Some(within) = fields.get_mut(*first) {
                take(within, rest);
            }
        }
        (Value::Array(list), path) => list.iter_mut().for_each(|it| take(it, path)),
        _ => {}
    }
}

#[async_trait]
impl Source for Reduced {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        self.source.probe().await
    }

    async fn inventory(&self, scope: &Scope) -> Result<Inventory, HostError> {
        self.source.inventory(scope).await
    }

    async fn read(&self, lane: &Lane, at: Option<&Cursor>) -> Result<Page, HostError> {
        let mut page = self.source.read(lane, at).await?;
        for record in &mut page.records {
            self.rename(&lane.scope, record);
            self.renumber(&lane.scope, &mut record.object);
            record.object = self.reduce(record.object.clone());
        }
        Ok(page)
    }

    async fn remote(&self, project: &str, repo: RepoKind) -> Result<Option<GitRemote>, HostError> {
        self.source.remote(project, repo).await
    }

    async fn open(&self, blob: &BlobRef, from: u64) -> Result<ByteStream, HostError> {
        let key = (blob.scope.clone(), blob.origin.clone());
        let id = self.named().get(&key).cloned();
        let origin = match id {
            Some(id) => Origin { id, ..blob.origin.clone() },
            None => blob.origin.clone(),
        };
        self.source.open(&BlobRef { origin, ..blob.clone() }, from).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_core::model::{ChangeRequest, Identity};

    #[test]
    fn what_one_side_does_not_tell_is_taken_away_and_nothing_else() {
        let author = Identity::login("alice", Some("h.example"));
        let request = |author| {
            let title = "x".to_owned();
            Object::from(ChangeRequest { title, author, ..ChangeRequest::default() })
        };
        let fields = ["author.host", "labels", "no.such"];

        let left = without(ObjectKind::ChangeRequest, &request(Some(author)), fields.into_iter());

        assert_eq!(left, Some(request(Some(Identity::login("alice", None)))));
    }
}
