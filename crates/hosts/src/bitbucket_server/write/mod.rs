//! The server as a destination: which request makes which kind.

mod change_request;
mod find;
mod member;
mod project;
mod rule;
mod settings;
mod talk;

use super::{
    api::{Api, Part},
    read::{self, Path},
    support, wire,
};
use crate::bitbucket::write::{
    Done, Fresh, Heads, change_request as requests, is_refusal, talk as said, words,
};
use async_trait::async_trait;
pub(super) use member::permission;
use packhorse_core::{
    Capabilities, GitRemote, HostError, HostErrorKind, Keeps, Limits, Loss, Numbering, Object,
    Origin, Record, RepoKind, Scope, Settle, TargetId,
    port::{BlobRef, ByteStream, Sink, Written},
};
use std::sync::Arc;

/// A server of Bitbucket Data Center, as a destination.
pub(super) struct ServerSink {
    api: Arc<Api>,
    heads: Heads,
    fresh: Fresh,
    /// Name of who writes.
    me: tokio::sync::OnceCell<String>,
}

/// A repository that is written to.
#[derive(Clone, Copy)]
struct Repository<'a> {
    sink: &'a ServerSink,
    path: Path<'a>,
}

impl ServerSink {
    pub(super) fn new(api: Arc<Api>) -> Self {
        let (heads, fresh) = (Heads::default(), Fresh::default());
        Self { api, heads, fresh, me: tokio::sync::OnceCell::new() }
    }

    /// A path that may be written to.
    fn path<'a>(&self, scope: &'a Scope) -> Result<Path<'a>, HostError> {
        let fail = || HostError::new(HostErrorKind::Rejected, "write to Bitbucket Data Center");
        let full = scope.project().ok_or_else(fail)?;
        // SECURITY: nothing is written outside of what the destination's address means.
        if !self.api.place.extent.holds(full) {
            return Err(fail()
                .with("project", full)
                .with("reason", "it is not part of the destination's address"));
        }
        Path::of(full).map_err(|_| {
            fail().with("project", full).with("reason", "paths here are KEY/repository")
        })
    }

    async fn dispatch(
        &self,
        scope: &Scope,
        record: &Record,
        existing: Option<&TargetId>,
    ) -> Result<Done, HostError> {
        if let Object::Organization(it) = &record.object {
            return self.write_organization(it, existing).await;
        }
        if let Object::Member(it) = &record.object {
            return self.write_member(scope, it, &record.origin).await;
        }
        let path = self.path(scope)?;
        let repository = &Repository { sink: self, path };
        match &record.object {
            Object::Project(it) => self.write_project(path, it, existing).await,
            Object::Topic(it) => self.write_topic(path, it, existing).await,
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
            Object::Reaction(it) => self.write_reaction(path, record, it).await,
            Object::CommitStatus(it) => self.write_status(path, it, existing).await,
            Object::BranchRule(it) => self.write_branch_rule(path, it, existing).await,
            Object::TagRule(it) => self.write_tag_rule(path, it, existing).await,
            Object::Webhook(it) => self.write_webhook(path, it, existing).await,
            Object::DeployKey(it) => self.write_key(path, it, existing).await,
            Object::State(it) => self.write_state(path, it, &record.origin).await,
            Object::User(_)
            | Object::Organization(_)
            | Object::Team(_)
            | Object::Member(_)
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
            | Object::Event(_)
            | Object::Release(_)
            | Object::ReleaseAsset(_)
            | Object::Board(_)
            | Object::Variable(_) => {
                Ok(Done::dropped(record.origin.id.clone(), "there is no place for it"))
            }
        }
    }
}

#[async_trait]
impl Sink for ServerSink {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        let (mut capabilities, name) = read::probe(&self.api, support::writes).await?;
        if name.is_none() && self.api.place.credentials.is_none() {
            return Err(HostError::new(HostErrorKind::Unauthorized, "log in")
                .with("url", &self.api.place.home)
                .with("reason", "only somebody with an account may write"));
        }
        capabilities.keeps = Keeps { authors: false, times: false, numbers: false };
        capabilities.numbering = Numbering::TwoRows;
        capabilities.settle = Settle::Record;
        capabilities.limits = Limits {
            title_chars: Some(255),
            body_bytes: Some(32_768),
            topic_chars: Some(50),
            ..Limits::default()
        };
        Ok(capabilities)
    }

    async fn find(&self, scope: &Scope, record: &Record) -> Result<Option<TargetId>, HostError> {
        Ok(self.look(scope, record).await?.map(TargetId))
    }

    async fn write(
        &self,
        scope: &Scope,
        record: &Record,
        existing: Option<&TargetId>,
    ) -> Result<Written, HostError> {
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

    async fn save(&self, blob: &BlobRef, _: ByteStream) -> Result<(), HostError> {
        Err(HostError::new(HostErrorKind::Unsupported, "store a file").with("file", &blob.origin))
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
