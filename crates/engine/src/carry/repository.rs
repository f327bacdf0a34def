//! Repositories: from remote to remote, with their refs as the record.

use super::Carrier;
use crate::{EngineError, plan::HIDDEN_REFS};
use packhorse_core::{
    Fingerprint, Lane, Loss, Object, ObjectKind, RepoKind, Scope, Settle, TargetId,
    model::{Repository, Wiki},
    port::{Begun, Counts, Entry, Outcome, Position, Settled},
};
use packhorse_git::{TransferOptions, Transferred, transfer};
use std::collections::BTreeMap;

/// Jobs of a route that are asked for what they left, newest first.
const EARLIER_JOBS: usize = 10;

impl Carrier<'_> {
    /// Carries the repository that a lane stands for.
    pub(super) async fn repository(&self, lane: &Lane, target: &Scope) -> Result<(), EngineError> {
        let (run, ends) = (self.run, self.run.ends);
        let (Some(from), Some(to)) = (lane.scope.project(), target.project()) else {
            return Ok(());
        };
        let repo = if lane.kind == ObjectKind::Wiki { RepoKind::Wiki } else { RepoKind::Code };
        let Some(source) = run.stop.or(ends.source.remote(from, repo)).await? else {
            return self.settle_repository(lane, &[]).await;
        };
        let Some(destination) = ends.sink.remote(to, repo).await? else {
            return self.drop_lane(lane, "the destination has no such repository").await;
        };
        let name = format!("refs/{}/{from}", lane.kind);
        let options = TransferOptions {
            policy: ends.policy(),
            force: run.options.force,
            delete: run.options.delete,
            known: self.known(&name).await?,
            scratch: ends.scratch.clone(),
        };
        let work = transfer(&self.git, &source, &destination, &options);
        let done = run.stop.or(work).await?;
        run.keep(&name, &done.refs.refs).await?;
        self.note_repository(lane, repo, done).await
    }

    /// Object ids by ref that an earlier run of the route left at the destination.
    async fn known(&self, name: &str) -> Result<Option<BTreeMap<String, String>>, EngineError> {
        let journal = &self.run.worker.journal;
        let jobs = journal.jobs(None).await?.into_iter();
        let jobs = jobs.filter(|it| it.route == self.run.claim.route).take(EARLIER_JOBS);
        for job in jobs {
            if let Some(kept) = journal.kept(job.id, name).await? {
                return Ok(Some(
                    serde_json::from_value(kept).map_err(EngineError::document("refs"))?,
                ));
            }
        }
        Ok(None)
    }

    async fn note_repository(
        &self,
        lane: &Lane,
        repo: RepoKind,
        done: Transferred,
    ) -> Result<(), EngineError> {
        let fingerprint = Fingerprint::of(&object(repo, &done));
        let id = repo.name().to_owned();
        let entry = Entry { id: id.clone(), fingerprint };
        let journal = &self.run.worker.journal;
        let begun = journal.begin(self.run.claim, lane, Settle::Page, &[entry]).await?;
        let outcome = match begun.first() {
            Some(Begun::Done) => None,
            Some(Begun::Changed(_)) => Some(Outcome::Updated),
            Some(Begun::Fresh | Begun::Interrupted) | None => Some(Outcome::Created),
        };
        let left = done
            .left
            .iter()
            .map(|it| Loss::policy(HIDDEN_REFS, format!("{}: {}", it.name, it.reason)));
        let refused =
            done.refused.iter().map(|it| Loss::sink("refs", format!("{}: {}", it.name, it.reason)));
        let losses = left.chain(refused).collect();
        let target = TargetId(id.clone());
        self.settle_repository(lane, &[Settled { id, fingerprint, target, outcome, losses }]).await
    }

    async fn settle_repository(&self, lane: &Lane, settled: &[Settled]) -> Result<(), EngineError> {
        let (run, to) = (self.run, Some(&Position::Done));
        run.worker.journal.settle(run.claim, lane, settled, &[], to).await?;
        let counts = Counts { read: settled.len() as u64, ..Counts::default() };
        run.worker.listener.on(&packhorse_core::Event::Progress {
            scope: lane.scope.clone(),
            kind: lane.kind,
            counts,
            bytes: 0,
        });
        Ok(())
    }
}

/// The record of a repository as it is at the destination.
fn object(repo: RepoKind, done: &Transferred) -> Object {
    let list = &done.refs;
    let (head, object_format) = (list.head.clone(), list.object_format());
    let (refs, refs_digest) = (list.refs.len() as u64, list.digest());
    match repo {
        RepoKind::Code => Object::Repository(Repository { head, object_format, refs, refs_digest }),
        RepoKind::Wiki => Object::Wiki(Wiki { head, object_format, refs, refs_digest }),
    }
}
