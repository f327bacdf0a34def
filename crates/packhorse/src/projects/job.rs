//! A job of an earlier run by its number: gone on with, verified, rolled back, told.
//!
//! What it carried is in the journal, so that the platform's database and the mappings file are
//! needed only to go on, and the origin not at all to take away what is at the destination.

use super::{
    IDENTITY,
    arguments::Arguments,
    carry::Course,
    check, earlier,
    host::Host,
    kept::Kept,
    log::Log,
    migrate,
    own::OwnProjects,
    remotes::Remotes,
    secret::{self, Needs},
    source::{Listed, Origin, PlatformSource},
    survey::{Repository, Survey},
};
use crate::{
    cli::{Globals, Tuning},
    commands::compare,
    config, document,
    error::{AppError, Status},
    progress, registry, terminal,
};
use packhorse_core::{
    job::{JobState, JobView},
    port::{Journal, ProjectView, Source, Stage},
};
use packhorse_engine::{EngineError, RolledBack, report::Told};
use packhorse_git::Git;
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU16,
    path::Path,
    sync::Arc,
    time::Duration,
};

/// A job of `migrate-projects`.
pub(crate) struct ProjectsJob<'a> {
    globals: &'a Globals,
    journal: Arc<dyn Journal>,
    view: &'a JobView,
    arguments: Arguments,
}

/// Both ends of a job, by their arguments.
struct Hosts {
    origin: Host,
    destination: Host,
}

impl<'a> ProjectsJob<'a> {
    /// The job, if it is one of `migrate-projects`.
    pub(crate) async fn of(
        globals: &'a Globals,
        journal: &Arc<dyn Journal>,
        view: &'a JobView,
    ) -> Result<Option<Self>, AppError> {
        if !view.spec.from.starts_with(IDENTITY) {
            return Ok(None);
        }
        let kept = Kept { journal: &**journal, job: view.id };
        let Some(arguments) = kept.arguments().await? else {
            return Err(AppError::failed(format!("job {} carried nothing", view.id))
                .hint("it rolled another job back, or ended before it could begin")
                .hint("run the same `packhorse migrate-projects` again to carry the projects"));
        };
        Ok(Some(Self { globals, journal: journal.clone(), view, arguments }))
    }

    /// Carries what is not done.
    pub(crate) async fn resume(self, tuning: &Tuning) -> Result<Status, AppError> {
        let id = self.view.id;
        if self.view.state == JobState::Finished {
            return Err(AppError::failed(format!("job {id} has arrived already"))
                .hint("run the same `packhorse migrate-projects` again to carry what is new"));
        }
        let arguments = Arguments {
            parallel: NonZeroU16::new(tuning.parallel).unwrap_or(self.arguments.parallel),
            lease: Duration::from_secs(tuning.lease),
            ..self.arguments
        };
        migrate(self.globals, arguments, Some(id)).await
    }

    /// Reads the refs of both ends again and compares them; with `full`, everything.
    pub(crate) async fn verify(&self, full: bool) -> Result<Status, AppError> {
        let hosts = self.hosts(Needs::Hosts)?;
        let scratch = config::scratch(self.globals)?;
        let (origin, at_origin) = Survey::of_origin(hosts.origin, scratch.path()).await?;
        let there = Survey::of(&hosts.destination, scratch.path()).await?;
        let listed = self.kept().listed().await?;
        let course = self.course((&origin, &hosts.destination), scratch.path());
        if full {
            let host = Origin::Open(at_origin.source.clone());
            let reader = there.source.clone();
            let ends = course.ends(
                Arc::new(self.source(&hosts.destination, host, listed)),
                course.sink(&there.remotes)?,
                Arc::new(move || Ok(reader.clone())),
            );
            let listener = progress::listener(self.globals.progress);
            let found =
                packhorse_engine::verify(&*self.journal, self.view, &ends, &*listener).await?;
            return compare::tell(self.globals, &found);
        }
        let git = Git::find().await.map_err(EngineError::from)?;
        let stages = self.stages().await?;
        let (arrived, mut differs) = parted(&listed, &stages, &there);
        let policy = course.policy();
        let ends = (&at_origin, &there);
        differs.extend(check::check(ends, &arrived, (&git, &policy), course.at_once()).await);
        Compared { compared: listed.len(), differing: differs }.tell(self.globals)
    }

    /// Removes what the job made, and nothing that somebody changed since.
    pub(crate) async fn rollback(&self) -> Result<RolledBack, AppError> {
        let hosts = self.hosts(Needs::Destination)?;
        let scratch = config::scratch(self.globals)?;
        let there = registry::source(&hosts.destination.location, scratch.path())?;
        let listed = self.kept().listed().await?;
        let paths: BTreeSet<String> =
            self.projects().await?.into_iter().map(|it| it.target).collect();
        let own = OwnProjects::list(there, &paths).await.map_err(|error| {
            AppError::from(error).hint("give it a token that may remove repositories there")
        })?;
        let own: Arc<dyn Source> = Arc::new(own);
        let course = self.course((&hosts.origin, &hosts.destination), scratch.path());
        let sink = course.sink(&Remotes::default())?;
        sink.tell(earlier::before(&listed));
        let closed = Origin::Closed { identity: self.view.spec.source_identity.clone() };
        let ends = course.ends(
            Arc::new(self.source(&hosts.destination, closed, listed)),
            sink,
            Arc::new(move || Ok(own.clone())),
        );
        Ok(packhorse_engine::rollback(&*self.journal, self.view, &ends).await?)
    }

    fn kept(&self) -> Kept<'_> {
        Kept { journal: &*self.journal, job: self.view.id }
    }

    fn hosts(&self, needs: Needs) -> Result<Hosts, AppError> {
        let secrets = secret::ask(&self.arguments, needs)?;
        Ok(Hosts {
            origin: Host::read(&self.arguments.origin, &secrets.origin, "origin")?,
            destination: Host::read(&self.arguments.destination, &secrets.destination, "dest")?,
        })
    }

    fn course<'b>(
        &'b self,
        (origin, destination): (&'b Host, &'b Host),
        scratch: &'b Path,
    ) -> Course<'b> {
        Course {
            origin,
            destination,
            journal: self.journal.clone(),
            scratch,
            arguments: &self.arguments,
            job: Some(self.view.id),
            progress: self.globals.progress,
            log: Arc::new(Log::default()),
        }
    }

    fn source(
        &self,
        destination: &Host,
        host: Origin,
        listed: BTreeMap<String, Listed>,
    ) -> PlatformSource {
        let people_at = destination.home.host_str().map(str::to_owned);
        PlatformSource { host, people_at, listed, remotes: Remotes::default() }
    }

    async fn projects(&self) -> Result<Vec<ProjectView>, AppError> {
        Ok(self.journal.history(self.view.id).await?.projects().await?)
    }

    async fn stages(&self) -> Result<BTreeMap<String, Stage>, AppError> {
        Ok(self.projects().await?.into_iter().map(|it| (it.source, it.stage)).collect())
    }
}

/// What became of each project, as the run of a job told it, as text and one by one; `None` when it
/// did not come so far, or was no run of `migrate-projects`.
pub(crate) async fn told_of(
    journal: &dyn Journal,
    view: &JobView,
) -> Result<Option<(String, Vec<Told>)>, AppError> {
    if !view.spec.from.starts_with(IDENTITY) {
        return Ok(None);
    }
    let outcome = Kept { journal, job: view.id }.outcome().await?;
    Ok(outcome.map(|it| (it.text(), it.projects.into_iter().map(Told::from).collect())))
}

/// Projects that the job carried and that are there, to be compared; and why the others are not.
fn parted<'a>(
    listed: &'a BTreeMap<String, Listed>,
    stages: &BTreeMap<String, Stage>,
    there: &Survey,
) -> (Vec<(String, &'a Listed)>, BTreeMap<String, String>) {
    let (mut arrived, mut differs) = (Vec::new(), BTreeMap::new());
    for (path, it) in listed {
        let found = there.find(path.rsplit('/').next().unwrap_or(path));
        let why = match stages.get(path) {
            Some(Stage::Carried | Stage::Verified | Stage::Differs) => match found {
                Some(Repository { .. }) => {
                    arrived.push((path.clone(), it));
                    continue;
                }
                None => "it is not at the destination any more: run the same command again",
            },
            Some(Stage::Waiting | Stage::Carrying | Stage::Failed | Stage::Blocked) | None => {
                "it has not arrived: `packhorse resume` goes on"
            }
        };
        differs.insert(path.clone(), why.to_owned());
    }
    (arrived, differs)
}

/// What comparing the refs of both ends came to.
#[derive(Serialize)]
struct Compared {
    /// How many projects the job carried, or was to carry.
    compared: usize,
    /// Why a project is not as at the origin, by its path at the destination.
    differing: BTreeMap<String, String>,
}

impl Compared {
    fn tell(&self, globals: &Globals) -> Result<Status, AppError> {
        terminal::data(&if globals.json { document::json(self)? } else { self.text() });
        Ok(if self.differing.is_empty() { Status::Done } else { Status::Failed })
    }

    fn text(&self) -> String {
        let lines = self.differing.iter().map(|(path, why)| format!("{path}: {why}\n"));
        let n_equal = self.compared - self.differing.len().min(self.compared);
        let sum = format!("{n_equal} of {} projects have the origin's refs\n", self.compared);
        lines.chain([sum]).collect()
    }
}
