//! The destination, as far as a job made it: its own projects, listed once.
//!
//! Whoever looks for what a job made asks for the list of all projects again for each of them; an
//! organization may have thousands that are nobody's concern here. What is gone from the host has
//! nothing in it.

use async_trait::async_trait;
use packhorse_core::{
    Capabilities, Cursor, GitRemote, HostError, HostErrorKind, Lane, ObjectKind, Record, RepoKind,
    Scope,
    port::{BlobRef, ByteStream, Inventory, Page, Source},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Projects of a page.
const PAGE: usize = 500;

/// A host of which only some projects are seen.
pub(super) struct OwnProjects {
    host: Arc<dyn Source>,
    /// Those that are there, by path in small letters.
    projects: BTreeMap<String, Record>,
}

impl OwnProjects {
    /// Lists those of `paths` that are there.
    pub(super) async fn list(
        host: Arc<dyn Source>,
        paths: &BTreeSet<String>,
    ) -> Result<Self, HostError> {
        let paths: BTreeSet<String> = paths.iter().map(|it| it.to_lowercase()).collect();
        let lane = Lane::new(Scope::Shared, ObjectKind::Project);
        let (mut projects, mut at) = (BTreeMap::new(), None);
        loop {
            let page = host.read(&lane, at.as_ref()).await?;
            let found = page.records.into_iter().map(|it| (it.origin.id.to_lowercase(), it));
            projects.extend(found.filter(|(path, _)| paths.contains(path)));
            match page.next {
                Some(next) => at = Some(next),
                None => return Ok(Self { host, projects }),
            }
        }
    }

    fn is_gone(&self, path: &str) -> bool {
        !self.projects.contains_key(&path.to_lowercase())
    }
}

#[async_trait]
impl Source for OwnProjects {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        self.host.probe().await
    }

    async fn inventory(&self, scope: &Scope) -> Result<Inventory, HostError> {
        self.host.inventory(scope).await
    }

    async fn read(&self, lane: &Lane, at: Option<&Cursor>) -> Result<Page, HostError> {
        match &lane.scope {
            Scope::Shared if lane.kind == ObjectKind::Project => {
                let after = at.map(|it| it.0.clone());
                let rest = self.projects.iter().filter(|(path, _)| Some(*path) > after.as_ref());
                let mut records: Vec<_> = rest.take(PAGE + 1).map(|(_, it)| it.clone()).collect();
                let has_more = records.len() > PAGE;
                records.truncate(PAGE);
                let last = records.last().filter(|_| has_more);
                let next = last.map(|it| Cursor(it.origin.id.to_lowercase()));
                Ok(Page { records, next })
            }
            Scope::Project(path) if self.is_gone(path) => {
                Ok(Page { records: Vec::new(), next: None })
            }
            Scope::Shared | Scope::Project(_) => self.host.read(lane, at).await,
        }
    }

    async fn remote(&self, project: &str, repo: RepoKind) -> Result<Option<GitRemote>, HostError> {
        if self.is_gone(project) {
            return Ok(None);
        }
        self.host.remote(project, repo).await
    }

    async fn open(&self, blob: &BlobRef, _: u64) -> Result<ByteStream, HostError> {
        Err(HostError::new(HostErrorKind::NotFound, "open a file").with("file", &blob.origin))
    }
}
