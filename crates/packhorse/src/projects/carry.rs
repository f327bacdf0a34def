//! The carrying itself: one job of the engine over all projects that go.

use super::{
    arguments::Arguments,
    earlier::CarefulSink,
    host::Host,
    kept::Kept,
    log::Log,
    remotes::Remotes,
    source::{IDENTITY, PlatformSource},
    survey::Survey,
};
use crate::{cli::Progress, commands::migrate, config, error::AppError, progress, registry};
use futures::{StreamExt, stream};
use packhorse_core::{
    Access, Event, GitRemote, HostError, HostErrorKind, Listener, ObjectKind, RepoKind,
    job::{JobId, JobOptions, JobSpec, JobState, JobView},
    port::{Journal, Sink, Source},
};
use packhorse_engine::{Ends, RunOutcome, Tuning};
use packhorse_git::{Git, GitError, RefPolicy, TransferOptions, transfer};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Projects under way for each job of `--parallel`: one whose pack is on its way, and others that wait
/// for their hosts to make them, to tell their refs, or to tell them again.
///
/// A small project waits for the two hosts nearly all the time, so that a job which had one project
/// alone would do nothing most of the time.
pub(super) const AHEAD: usize = 8;

/// What a run goes by.
pub(super) struct Course<'a> {
    pub(super) origin: &'a Host,
    pub(super) destination: &'a Host,
    pub(super) journal: Arc<dyn Journal>,
    pub(super) scratch: &'a Path,
    pub(super) arguments: &'a Arguments,
    /// The job that is gone on with, where one was named.
    pub(super) job: Option<JobId>,
    pub(super) progress: Progress,
    pub(super) log: Arc<Log>,
}

impl Course<'_> {
    /// Kinds that are carried, and how.
    pub(super) fn options(&self) -> JobOptions {
        let only = [ObjectKind::Project, ObjectKind::Repository, ObjectKind::Member];
        JobOptions {
            only: only.into_iter().collect(),
            force: self.arguments.force,
            verify: self.arguments.full_check,
            ..JobOptions::default()
        }
    }

    /// Projects under way at a time.
    pub(super) fn at_once(&self) -> usize {
        usize::from(self.arguments.parallel.get()) * AHEAD
    }

    /// What the journal calls the origin: no location, for no other command can read it.
    fn from(&self) -> String {
        format!("{IDENTITY}{}", self.origin.location)
    }

    /// Which refs travel.
    pub(super) fn policy(&self) -> RefPolicy {
        RefPolicy::between(self.origin.spec.id, self.destination.spec.id)
    }

    /// Opens the destination for writing; `remotes` learns where it says that repositories are.
    pub(super) fn sink(&self, remotes: &Remotes) -> Result<Arc<CarefulSink>, AppError> {
        let sink = registry::sink(&self.destination.location, self.scratch, (Access::Write, true))?;
        Ok(Arc::new(CarefulSink::new(sink, remotes.clone())))
    }

    /// Carries all projects of `source`, or goes on with the job that was carrying them.
    pub(super) async fn carry(
        &self,
        source: Arc<PlatformSource>,
        sink: Arc<CarefulSink>,
        reader: &Arc<dyn Source>,
    ) -> Result<(JobId, RunOutcome), AppError> {
        let ends = self.ends(source.clone(), sink.clone(), judged(reader));
        let job = self.job(&ends).await?;
        let lease = self.arguments.lease;
        let claim = migrate::claim(&*self.journal, job, lease).await?;
        let kept = Kept { journal: &*self.journal, job };
        sink.tell(kept.begin(self.arguments, &source.listed).await?);
        let worker = packhorse_engine::Worker {
            journal: self.journal.clone(),
            listener: Arc::new(Both(progress::listener(self.progress), self.log.clone())),
            tuning: Tuning {
                projects: self.at_once(),
                packs: Some(self.arguments.parallel.get().into()),
                // The refs of both ends are compared when all is carried.
                reads_refs_back: false,
                lease,
                ..Tuning::default()
            },
        };
        let outcome = migrate::work(&worker, &claim, &ends, &self.options()).await?;
        Ok((job, outcome))
    }

    /// Both ends, open.
    pub(super) fn ends(
        &self,
        source: Arc<dyn Source>,
        sink: Arc<dyn Sink>,
        reader: packhorse_engine::Reader,
    ) -> Ends {
        Ends {
            from: self.from(),
            to: self.destination.location.to_string(),
            source,
            sink,
            reader,
            source_host: self.origin.spec.id,
            sink_host: self.destination.spec.id,
            scratch: self.scratch.to_owned(),
        }
    }

    /// The job that was named; or else the newest of the same route, if it has not ended; or else a new one.
    async fn job(&self, ends: &Ends) -> Result<JobId, AppError> {
        if let Some(job) = self.job {
            return Ok(job);
        }
        let spec = self.spec(ends).await?;
        let newest = self.jobs(&spec).await?.into_iter().next();
        let is_open = |it: &JobView| match it.state {
            JobState::Waiting | JobState::Running | JobState::Stopped | JobState::Cancelled => true,
            JobState::Finished | JobState::Failed => false,
        };
        let newest = newest.filter(|it| is_open(it) && it.spec.options == spec.options);
        let Some(open) = newest else { return Ok(self.journal.submit(&spec).await?) };
        // One that has nothing to carry was taking away what another had carried.
        let kept = Kept { journal: &*self.journal, job: open.id };
        if kept.arguments().await?.is_none() {
            return Ok(self.journal.submit(&spec).await?);
        }
        self.say(&format!("going on with job {}", open.id));
        Ok(open.id)
    }

    async fn spec(&self, ends: &Ends) -> Result<JobSpec, AppError> {
        Ok(JobSpec {
            from: ends.from.clone(),
            to: ends.to.clone(),
            source_identity: ends.source.probe().await?.identity,
            sink_identity: ends.sink.probe().await?.identity,
            options: self.options(),
            queued: false,
        })
    }

    async fn jobs(&self, spec: &JobSpec) -> Result<Vec<JobView>, AppError> {
        let same = |it: &JobView| {
            it.spec.from == spec.from
                && it.spec.to == spec.to
                && it.spec.source_identity == spec.source_identity
                && it.spec.sink_identity == spec.sink_identity
        };
        Ok(self.journal.jobs(None).await?.into_iter().filter(same).collect())
    }

    /// Number of the route in the journal, once a run has gone over it.
    pub(super) async fn route(&self) -> Result<Option<u64>, AppError> {
        let (from, to) = (self.from(), self.destination.location.to_string());
        let jobs = self.journal.jobs(None).await?;
        // Another command between the same hosts carries other things under other names.
        let same = |it: &&JobView| {
            it.spec.from == from
                && it.spec.to == to
                && it.spec.source_identity.starts_with(super::source::IDENTITY)
        };
        Ok(jobs.iter().find(same).map(|it| it.route))
    }

    /// Tells somebody who watches, and the log.
    pub(super) fn say(&self, text: &str) {
        crate::terminal::talk(text);
        self.log.line(text);
    }

    /// Makes the destination's repositories of these projects what the origin's are; those that
    /// could not be, with the reason.
    pub(super) async fn replace(
        &self,
        git: &Git,
        (origin, destination): (&Survey, &Survey),
        paths: Vec<(String, String)>,
    ) -> Vec<(String, String)> {
        let replaced = stream::iter(paths).map(|(from, to)| async move {
            let ends = async {
                let from = origin.source.remote(&from, RepoKind::Code).await?;
                let to = destination.source.remote(&to, RepoKind::Code).await?;
                Ok::<_, HostError>((from, to))
            };
            let why = match ends.await {
                Ok((Some(from), Some(there))) => self.replace_one(git, &from, &there).await.err(),
                // One of them is empty: the carrying does the rest.
                Ok((Some(_) | None, _)) => None,
                Err(error) => Some(packhorse_core::error::chain(&error)),
            };
            why.map(|why| (to, why))
        });
        replaced
            .buffer_unordered(self.arguments.parallel.get().into())
            .filter_map(std::future::ready)
            .collect()
            .await
    }

    async fn replace_one(&self, git: &Git, from: &GitRemote, to: &GitRemote) -> Result<(), String> {
        let options = TransferOptions {
            force: true,
            delete: true,
            ..TransferOptions::new(self.policy(), self.scratch)
        };
        let told = |error: GitError| packhorse_core::error::chain(&error);
        let done = transfer(git, from, to, &options).await.map_err(told)?;
        match done.refused.first() {
            None => Ok(()),
            Some(refused) => Err(format!("{} was refused: {}", refused.name, refused.reason)),
        }
    }
}

/// The destination, for a run whose projects were judged already: the plan sees nothing there, so
/// that it does not judge once more; whoever reads back sees all.
fn judged(reader: &Arc<dyn Source>) -> packhorse_engine::Reader {
    let (reader, was_asked) = (reader.clone(), AtomicBool::new(false));
    Arc::new(move || match was_asked.swap(true, Ordering::Relaxed) {
        true => Ok(reader.clone()),
        false => Err(HostError::new(HostErrorKind::NotFound, "look once more at what is there")),
    })
}

/// Two who hear the same.
struct Both(Arc<dyn Listener>, Arc<Log>);

impl Listener for Both {
    fn on(&self, event: &Event) {
        self.0.on(event);
        self.1.on(event);
    }
}

/// Opens the journal of these runs.
pub(super) fn journal(globals: &crate::cli::Globals) -> Result<Arc<dyn Journal>, AppError> {
    config::journal(globals, true)
}
