//! A host in memory, written to.

use super::{MemoryHost, gaps, is_nameless, links, numbering, owner, target};
use crate::samples::sha256;
use async_trait::async_trait;
use futures::TryStreamExt;
use packhorse_core::{
    Capabilities, GitRemote, HostError, HostErrorKind, Loss, Numbering, ObjectKind, Origin, Record,
    RepoKind, Scope, Settle, TargetId,
    authored::authored,
    model::ObjectFormat,
    port::{BlobRef, ByteStream, Numbered, Outcome, Sink, Written},
};

#[async_trait]
impl Sink for MemoryHost {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        self.state().calls.probe += 1;
        Ok(self.capabilities())
    }

    async fn find(&self, scope: &Scope, record: &Record) -> Result<Option<TargetId>, HostError> {
        let mut state = self.state();
        state.calls.find += 1;
        Ok(state.came_from(scope, &record.origin).map(|it| target(&it.id)))
    }

    async fn write(
        &self,
        scope: &Scope,
        record: &Record,
        existing: Option<&TargetId>,
    ) -> Result<Written, HostError> {
        let kind = record.origin.kind;
        let support = (self.options.support)(kind);
        if !support.is_some() {
            return Err(
                HostError::new(HostErrorKind::Unsupported, "write a record").with("kind", kind)
            );
        }
        let mut losses = Vec::new();
        let object = gaps::without(&record.object, support.gaps(), &mut losses)?;
        let object = if self.options.own_ids {
            links::translate(object, &record.links, &mut losses)?
        } else {
            object
        };
        let mut state = self.state();
        state.calls.write += 1;
        let before = state.came_from(scope, &record.origin).cloned();
        if before.is_some() && existing.is_none() {
            state.repeated.push((scope.clone(), record.origin.clone()));
        }
        let row: &[ObjectKind] = match self.options.numbering {
            Numbering::Kept => &[],
            Numbering::OneRow => &[ObjectKind::Issue, ObjectKind::ChangeRequest],
            Numbering::TwoRows => std::slice::from_ref(&record.origin.kind),
        };
        let is_numbered = numbering::is_numbered(kind) && !row.is_empty();
        let id = match (existing, &before, scope) {
            (Some(target), ..) => target.0.clone(),
            (None, Some(before), _) => before.id.clone(),
            // A project is called as its scope is: it may be carried to another path.
            (None, None, Scope::Project(path)) if kind == packhorse_core::ObjectKind::Project => {
                path.clone()
            }
            (None, None, _) if is_numbered => state.next_number(scope, row).to_string(),
            (None, None, _) if self.options.own_ids && is_nameless(kind) => state.next_id(),
            (None, None, _) => record.origin.id.clone(),
        };
        let object = if is_numbered { numbering::renumbered(object, &id) } else { object };
        let outcome = match state.get(scope, kind, &id) {
            None => Outcome::Created,
            Some(it) if it.object == object => Outcome::Adopted,
            Some(_) => Outcome::Updated,
        };
        state.keep(scope, &id, record.origin.clone(), object);
        state.hand_over(scope, &record.origin, &id);
        if self.options.settle == Settle::Record {
            state.flush(scope);
        }
        Ok(Written { target: TargetId(id), outcome, losses })
    }

    /// What it says comes later, as at hosts that take another request for that.
    async fn number(&self, scope: &Scope, record: &Record) -> Result<Numbered, HostError> {
        let mut half = record.clone();
        if let Some(body) = authored(&mut half.object).and_then(|it| it.body) {
            *body = None;
        }
        Ok(Numbered { written: self.write(scope, &half, None).await?, is_open: true })
    }

    async fn complete(
        &self,
        scope: &Scope,
        record: &Record,
        target: &TargetId,
    ) -> Result<Vec<Loss>, HostError> {
        // Later than what comes after it, where nobody waits for it.
        tokio::task::yield_now().await;
        Ok(self.write(scope, record, Some(target)).await?.losses)
    }

    async fn remove(
        &self,
        scope: &Scope,
        origin: &Origin,
        target: &TargetId,
    ) -> Result<(), HostError> {
        let mut state = self.state();
        state.calls.remove += 1;
        state.discard(scope, origin.kind, &target.0);
        if self.options.settle == Settle::Record {
            state.flush(scope);
        }
        Ok(())
    }

    async fn remote(&self, project: &str, repo: RepoKind) -> Result<Option<GitRemote>, HostError> {
        let Some(path) = self.repository(project, repo) else { return Ok(None) };
        let fail =
            |error| HostError::new(HostErrorKind::Unavailable, "make a repository").because(error);
        packhorse_git::repository::init_bare(&path, ObjectFormat::Sha1)
            .map_err(|error| fail(Box::new(error)))?;
        Ok(Some(GitRemote::local(&path)))
    }

    async fn save(&self, blob: &BlobRef, bytes: ByteStream) -> Result<(), HostError> {
        let fail = |kind| HostError::new(kind, "store a blob").with("record", &blob.origin);
        let add = |mut all: Vec<u8>, piece: bytes::Bytes| async move {
            all.extend_from_slice(&piece);
            Ok(all)
        };
        let bytes = bytes
            .try_fold(Vec::new(), add)
            .await
            .map_err(|error| fail(HostErrorKind::Unavailable).because(error))?;
        let right_size = blob.size.is_none_or(|size| size == bytes.len() as u64);
        let right_hash = blob.sha256.as_ref().is_none_or(|it| *it == sha256(&bytes));
        let mut state = self.state();
        state.calls.save += 1;
        if !right_size || !right_hash {
            return Err(fail(HostErrorKind::Rejected));
        }
        let (scope, origin) = owner(blob);
        state.keep_blob(scope, origin, bytes);
        Ok(())
    }

    async fn flush(&self, scope: &Scope) -> Result<(), HostError> {
        let mut state = self.state();
        state.calls.flush += 1;
        state.flush(scope);
        Ok(())
    }

    async fn finish(&self, scope: &Scope) -> Result<Vec<(Origin, Loss)>, HostError> {
        let mut state = self.state();
        state.calls.finish += 1;
        state.flush(scope);
        state.finished.push(scope.clone());
        Ok(Vec::new())
    }
}
