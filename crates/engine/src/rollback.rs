//! Rolling back: removes what a job made, unless somebody has changed it since.

use crate::{Ends, EngineError, verify::pages::Pages};
use packhorse_core::{
    Carriage, Fingerprint, Lane, Object, ObjectKind, Origin, RepoKind, Scope, TargetId,
    job::{JobId, JobState, JobView},
    model::{Repository, Wiki},
    port::{Claim, Item, ItemQuery, Journal, Source},
};
use packhorse_git::{Git, refs};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    fmt,
    io::{BufRead, BufReader, Seek, Write},
    time::Duration,
};

/// Things that were left, named up to this number.
const MAX_NAMED: usize = 1_000;
/// Name of the list of what may go.
const SPOOL: &str = "what is rolled back";
/// Records removed between two flushes.
const BATCH: usize = 500;

/// What rolling back came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolledBack {
    /// Objects that were removed.
    pub removed: u64,
    /// Objects that were left because somebody changed them since.
    pub refused: Vec<Left>,
    /// Objects that were there before and that the job brought up to date; they stay as they are.
    pub updated: u64,
}

/// An object that was left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// Where it belongs at the destination.
    pub scope: Scope,
    /// What it is.
    pub kind: ObjectKind,
    /// Its id at the destination.
    pub id: String,
    /// Why it was left.
    pub why: String,
}

impl fmt::Display for RolledBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} objects were removed", self.removed)?;
        if self.updated > 0 {
            writeln!(
                f,
                "{} objects were there before the job and stay as they are now",
                self.updated
            )?;
        }
        for left in &self.refused {
            writeln!(f, "left {} {} {}: {}", left.scope, left.kind, left.id, left.why)?;
        }
        Ok(())
    }
}

/// An object that may be removed, noted on disk until its lane has been read.
#[derive(Serialize, Deserialize)]
struct Doomed {
    origin: String,
    target: String,
}

/// Removes what a job created at its destination.
///
/// # Errors
///
/// [`EngineError::Held`] while a worker has the job; and when an end or the
/// journal cannot be used. What is removed by then stays removed and forgotten,
/// so that rolling back again goes on.
pub async fn rollback(
    journal: &dyn Journal,
    job: &JobView,
    ends: &Ends,
) -> Result<RolledBack, EngineError> {
    let lease = Duration::from_secs(60);
    let claim = journal.claim(Some(job.id), "rollback", lease).await?;
    let claim = claim.ok_or(EngineError::Held { job: job.id })?;
    let reader = (ends.reader)()?;
    let mut rolling = Rolling {
        journal,
        claim: &claim,
        job: job.id,
        ends,
        reader: &*reader,
        result: RolledBack::default(),
    };
    let rolled = rolling.all().await;
    let result = rolling.result;
    journal.close(&claim, JobState::RolledBack, Some("rolled back")).await?;
    rolled.map(|()| result)
}

struct Rolling<'a> {
    journal: &'a dyn Journal,
    claim: &'a Claim,
    job: JobId,
    ends: &'a Ends,
    reader: &'a dyn Source,
    result: RolledBack,
}

impl Rolling<'_> {
    async fn all(&mut self) -> Result<(), EngineError> {
        let projects = self.journal.history(self.job).await?.projects().await?;
        for project in projects.into_iter().rev() {
            let source = Scope::Project(project.source);
            let target = Scope::Project(project.target);
            for kind in ObjectKind::ALL.iter().rev().copied() {
                if kind.in_project() || kind == ObjectKind::Project {
                    self.lane(&Lane::new(source.clone(), kind), &target).await?;
                }
            }
        }
        for kind in ObjectKind::ALL.iter().rev().copied().filter(|it| it.is_shared()) {
            self.lane(&Lane::new(Scope::Shared, kind), &Scope::Shared).await?;
        }
        Ok(())
    }

    async fn lane(&mut self, lane: &Lane, target: &Scope) -> Result<(), EngineError> {
        if self.journal.items(self.claim.route, lane, &ItemQuery::After(None, 1)).await?.is_empty()
        {
            return Ok(());
        }
        if lane.kind.carriage() == Carriage::Git {
            return self.repository(lane, target).await;
        }
        let mut doomed = tempfile::tempfile_in(&self.ends.scratch)?;
        self.choose(lane, target, &mut doomed).await?;
        doomed.rewind()?;
        let mut batch = Vec::new();
        for line in BufReader::new(doomed).lines() {
            batch.push(
                serde_json::from_str::<Doomed>(&line?).map_err(EngineError::document(SPOOL))?,
            );
            if batch.len() == BATCH {
                self.remove(lane, target, std::mem::take(&mut batch)).await?;
            }
        }
        self.remove(lane, target, batch).await
    }

    /// Reads a lane of the destination, and notes on disk what of it may go.
    async fn choose(
        &mut self,
        lane: &Lane,
        target: &Scope,
        doomed: &mut std::fs::File,
    ) -> Result<(), EngineError> {
        let is_project = lane.kind == ObjectKind::Project;
        let listed = Lane::new(if is_project { Scope::Shared } else { target.clone() }, lane.kind);
        let mut pages = Pages::of(self.reader, &listed);
        while let Some(records) = pages.next().await? {
            let targets = records.iter().map(|it| TargetId(it.origin.id.clone())).collect();
            let items =
                self.journal.items(self.claim.route, lane, &ItemQuery::Targets(targets)).await?;
            let items: HashMap<&str, &Item> =
                items.iter().map(|it| (it.target.0.as_str(), it)).collect();
            for record in &records {
                let Some(item) = items.get(record.origin.id.as_str()) else { continue };
                if self.may_go(item, target, Fingerprint::of(&record.object)) {
                    let line =
                        Doomed { origin: item.origin.id.clone(), target: item.target.0.clone() };
                    writeln!(
                        doomed,
                        "{}",
                        serde_json::to_string(&line).map_err(EngineError::document(SPOOL))?
                    )?;
                }
            }
        }
        Ok(())
    }

    /// Whether the job made it and nobody has touched it since.
    fn may_go(&mut self, item: &Item, target: &Scope, found: Fingerprint) -> bool {
        if item.created_by != Some(self.job) {
            self.result.updated += u64::from(item.written_by == self.job);
            return false;
        }
        if item.written_by == self.job && item.fingerprint == found {
            return true;
        }
        let why = if item.written_by == self.job {
            "somebody changed it since"
        } else {
            "a later job has written it since"
        };
        self.leave(target, item, why);
        false
    }

    fn leave(&mut self, target: &Scope, item: &Item, why: &str) {
        if self.result.refused.len() < MAX_NAMED {
            self.result.refused.push(Left {
                scope: target.clone(),
                kind: item.origin.kind,
                id: item.target.0.clone(),
                why: why.to_owned(),
            });
        }
    }

    async fn remove(
        &mut self,
        lane: &Lane,
        target: &Scope,
        batch: Vec<Doomed>,
    ) -> Result<(), EngineError> {
        if batch.is_empty() {
            return Ok(());
        }
        for doomed in &batch {
            let origin = Origin::new(lane.kind, doomed.origin.clone());
            let id = TargetId(doomed.target.clone());
            self.ends.sink.remove(target, &origin, &id).await?;
        }
        self.ends.sink.flush(target).await?;
        let ids: Vec<String> = batch.into_iter().map(|it| it.origin).collect();
        self.result.removed += ids.len() as u64;
        Ok(self.journal.forget(self.claim, lane, &ids).await?)
    }

    async fn repository(&mut self, lane: &Lane, target: &Scope) -> Result<(), EngineError> {
        let repo = if lane.kind == ObjectKind::Wiki { RepoKind::Wiki } else { RepoKind::Code };
        let query = ItemQuery::After(None, 1);
        let items = self.journal.items(self.claim.route, lane, &query).await?;
        let (Some(item), Some(path)) = (items.first(), target.project()) else { return Ok(()) };
        let Some(remote) = self.reader.remote(path, repo).await? else { return Ok(()) };
        let list = refs::list(&Git::find().await?, &remote).await?;
        let (list, _) = self.ends.policy().select(&list);
        let (head, object_format) = (list.head.clone(), list.object_format());
        let (n, refs_digest) = (list.refs.len() as u64, list.digest());
        let now = match repo {
            RepoKind::Code => {
                Object::Repository(Repository { head, object_format, refs: n, refs_digest })
            }
            RepoKind::Wiki => Object::Wiki(Wiki { head, object_format, refs: n, refs_digest }),
        };
        if self.may_go(item, target, Fingerprint::of(&now)) {
            let doomed = Doomed { origin: item.origin.id.clone(), target: item.target.0.clone() };
            self.remove(lane, target, vec![doomed]).await?;
        }
        Ok(())
    }
}
