//! A repository alone, as a source of one project.
//!
//! There is nothing else behind the URL, so questions about a project are
//! answered whatever path it is asked for under: a destination may have been
//! written under the path that the project had elsewhere.

use super::{Bare, support};
use async_trait::async_trait;
use packhorse_core::{
    Capabilities, Cursor, GitRemote, HostError, HostErrorKind, Lane, Object, ObjectKind, Record,
    RepoKind, Scope, Settle,
    model::Project,
    port::{BlobRef, ByteStream, Inventory, KindCount, Page, Source},
};
use std::sync::Arc;

/// A repository alone, as a source.
pub(super) struct GitSource(pub(super) Arc<Bare>);

#[async_trait]
impl Source for GitSource {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        let refs = self.0.refs().await?;
        let mut capabilities = Capabilities::promised(support::reads, self.0.address.identity());
        capabilities.settle = Settle::Page;
        capabilities.version = Some(Bare::version(&refs));
        Ok(capabilities)
    }

    async fn inventory(&self, scope: &Scope) -> Result<Inventory, HostError> {
        let kind = match scope {
            Scope::Shared => ObjectKind::Project,
            Scope::Project(_) if self.0.refs().await?.refs.is_empty() => {
                return Ok(Inventory::default());
            }
            Scope::Project(_) => ObjectKind::Repository,
        };
        let counts = vec![KindCount { kind, records: Some(1), bytes: None }];
        Ok(Inventory { counts, losses: Vec::new() })
    }

    async fn read(&self, lane: &Lane, _at: Option<&Cursor>) -> Result<Page, HostError> {
        if lane.kind != ObjectKind::Project {
            return Ok(Page::default());
        }
        let path = &self.0.address.project;
        let head = self.0.refs().await?.head;
        let branch = head.as_deref().and_then(|head| head.strip_prefix("refs/heads/"));
        let project = Object::from(project(path, branch));
        Ok(Page { records: vec![Record::new(path, project)], next: None })
    }

    async fn remote(&self, _project: &str, repo: RepoKind) -> Result<Option<GitRemote>, HostError> {
        match repo {
            RepoKind::Code => Ok(Some(self.0.address.remote.clone())),
            RepoKind::Wiki => Ok(None),
        }
    }

    async fn open(&self, blob: &BlobRef, _from: u64) -> Result<ByteStream, HostError> {
        Err(HostError::new(HostErrorKind::NotFound, "open a blob").with("record", &blob.origin))
    }
}

/// What a repository says of its project.
pub(super) fn project(path: &str, default_branch: Option<&str>) -> Project {
    Project {
        path: path.to_owned(),
        name: path.rsplit('/').next().unwrap_or(path).to_owned(),
        default_branch: default_branch.map(str::to_owned),
        ..Project::default()
    }
}
