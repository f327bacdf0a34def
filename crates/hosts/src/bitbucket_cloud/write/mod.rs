//! A workspace as a destination: which request makes which kind.

mod change_request;
mod download;
mod find;
mod project;
mod rule;
mod settings;
mod talk;

use super::{
    api::Api,
    read::{self, Path},
    support, wire,
};
use crate::{
    bitbucket::write::{
        Done, Fresh, Heads, change_request as requests, is_refusal, talk as said, words,
    },
    kept::Files,
};
use async_trait::async_trait;
use packhorse_core::{
    Capabilities, GitRemote, HostError, HostErrorKind, Keeps, Limits, Loss, Numbering, Object,
    ObjectKind, Origin, Record, RepoKind, Scope, Settle, TargetId,
    port::{BlobRef, ByteStream, Sink, Written},
};
pub(super) use project::permission;
use std::{path::PathBuf, sync::Arc};

/// Threads that take turns; two comments of one never arrive at once.
const TURNS: usize = 16;

/// A workspace, as a destination.
pub(super) struct CloudSink {
    api: Arc<Api>,
    heads: Heads,
    fresh: Fresh,
    files: Files,
    turns: [tokio::sync::Mutex<()>; TURNS],
}

/// A repository that is written to.
#[derive(Clone, Copy)]
struct Repository<'a> {
    sink: &'a CloudSink,
    path: Path<'a>,
}

/// Somebody, as the API is told.
fn account(login: &str) -> serde_json::Value {
    let field = if login.starts_with('{') { "uuid" } else { "account_id" };
    serde_json::json!({"type": "user", field: login})
}

impl CloudSink {
    pub(super) fn new(api: Arc<Api>, scratch: PathBuf) -> Self {
        Self {
            api,
            heads: Heads::default(),
            fresh: Fresh::default(),
            files: Files::new(scratch),
            turns: std::array::from_fn(|_| tokio::sync::Mutex::new(())),
        }
    }

    /// A path that may be written to.
    fn path<'a>(&self, scope: &'a Scope) -> Result<Path<'a>, HostError> {
        let fail = || HostError::new(HostErrorKind::Rejected, "write to Bitbucket Cloud");
        let full = scope.project().ok_or_else(fail)?;
        // SECURITY: nothing is written outside of what the destination's address means.
        if !self.api.place.holds(full) {
            return Err(fail()
                .with("project", full)
                .with("reason", "it is not part of the destination's address"));
        }
        Path::of(full).map_err(|_| {
            fail().with("project", full).with("reason", "paths here are workspace/repository")
        })
    }

    async fn dispatch(
        &self,
        scope: &Scope,
        record: &Record,
        existing: Option<&TargetId>,
    ) -> Result<Done, HostError> {
        let path = self.path(scope)?;
        let repository = &Repository { sink: self, path };
        match &record.object {
            Object::Project(it) => self.write_project(path, it, existing).await,
            Object::Member(it) => self.write_member(path, it, &record.origin).await,
            Object::ChangeRequest(it) => {
                self.fresh.take(path);
                requests::write(repository, record, it, existing).await
            }
            Object::Review(it) => said::write_review(repository, record, it, existing).await,
            Object::ReviewThread(it) => said::write_thread(repository, record, it, existing).await,
            Object::ReviewComment(it) => {
                said::write_review_comment(repository, record, it, existing).await
            }
            Object::Comment(it) => said::write_comment(repository, record, it, existing).await,
            Object::CommitStatus(it) => self.write_status(path, it, existing).await,
            Object::ReleaseAsset(it) => self.write_download(path, record, it).await,
            Object::BranchRule(it) => self.write_branch_rule(path, it, existing).await,
            Object::Webhook(it) => self.write_webhook(path, it, existing).await,
            Object::DeployKey(it) => self.write_key(path, it, existing).await,
            Object::User(_)
            | Object::Organization(_)
            | Object::Team(_)
            | Object::Topic(_)
            | Object::LfsObject(_)
            | Object::Repository(_)
            | Object::Wiki(_)
            | Object::Label(_)
            | Object::Milestone(_)
            | Object::Attachment(_)
            | Object::Issue(_)
            | Object::DiscussionCategory(_)
            | Object::Discussion(_)
            | Object::Snippet(_)
            | Object::CommitComment(_)
            | Object::Reaction(_)
            | Object::Event(_)
            | Object::Release(_)
            | Object::Board(_)
            | Object::TagRule(_)
            | Object::Variable(_)
            | Object::State(_) => {
                Ok(Done::dropped(record.origin.id.clone(), "there is no place for it"))
            }
        }
    }
}

#[async_trait]
impl Sink for CloudSink {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        let mut capabilities = read::probe(&self.api, support::writes).await?;
        if self.api.place.credentials.is_none() {
            return Err(HostError::new(HostErrorKind::Unauthorized, "log in")
                .with("url", &self.api.place.home)
                .with("reason", "only somebody with an account may write"));
        }
        capabilities.keeps = Keeps { authors: false, times: false, numbers: false };
        capabilities.numbering = Numbering::TwoRows;
        capabilities.settle = Settle::Record;
        capabilities.limits =
            Limits { title_chars: Some(255), body_bytes: Some(32_768), ..Limits::default() };
        Ok(capabilities)
    }

    async fn find(&self, scope: &Scope, record: &Record) -> Result<Option<TargetId>, HostError> {
        match self.look(scope, record).await {
            // What it stands in is not there either.
            Err(error) if error.kind == HostErrorKind::NotFound => Ok(None),
            other => Ok(other?.map(TargetId)),
        }
    }

    async fn write(
        &self,
        scope: &Scope,
        record: &Record,
        existing: Option<&TargetId>,
    ) -> Result<Written, HostError> {
        if scope.project().is_none() {
            let why = "workspaces, and who belongs to them, are their owners' to make";
            let is_member = record.origin.kind == ObjectKind::Member;
            let field = if is_member { "place" } else { Loss::WHOLE };
            return Ok(Done::dropped_for(record.origin.id.clone(), field, why).into());
        }
        self.dispatch(scope, record, existing).await.map(Written::from)
    }

    async fn remove(
        &self,
        scope: &Scope,
        origin: &Origin,
        target: &TargetId,
    ) -> Result<(), HostError> {
        self.erase(scope, origin.kind, &target.0).await
    }

    async fn remote(&self, project: &str, repo: RepoKind) -> Result<Option<GitRemote>, HostError> {
        let scope = Scope::Project(project.to_owned());
        let path = self.path(&scope)?;
        if repo == RepoKind::Wiki {
            return Ok(None);
        }
        if !self.fresh.holds(path) {
            self.ensure(path).await?;
        }
        Ok(Some(read::remote(&self.api, path)))
    }

    async fn save(&self, blob: &BlobRef, bytes: ByteStream) -> Result<(), HostError> {
        self.files.keep(blob, bytes).await
    }

    async fn flush(&self, _: &Scope) -> Result<(), HostError> {
        Ok(())
    }

    async fn finish(&self, scope: &Scope) -> Result<Vec<(Origin, Loss)>, HostError> {
        if scope.project().is_some() {
            let path = self.path(scope)?;
            self.set_head(path).await?;
            if !self.fresh.take(path) {
                requests::tidy(&Repository { sink: self, path }).await?;
            }
        }
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests;
