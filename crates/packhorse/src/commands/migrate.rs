//! `migrate`, `export`, `import`: a run from its first plan to its verdict.

use super::{
    ends::Route,
    handover::{self, Way},
};
use crate::{
    cli::{Globals, Migrate, Tuning},
    config, document,
    error::{AppError, Status},
    progress, registry, terminal,
};
use packhorse_core::{
    job::{JobId, JobOptions, JobSpec, JobState, JobView},
    port::{Claim, Journal},
};
use packhorse_engine::{Ends, RunOutcome, Stop, Worker};
use std::{path::Path, sync::Arc, time::Duration};

/// By which word a run was asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Migrate,
    Export,
    Import,
}

/// Carries a route, or goes on with the job that was carrying it.
pub(super) async fn run(
    globals: &Globals,
    arguments: &Migrate,
    verb: Verb,
) -> Result<Status, AppError> {
    let mut route = Route::read(globals, &arguments.route)?;
    route.options.delete = arguments.delete;
    route.options.force = arguments.force;
    route.options.strict = arguments.strict;
    route.options.keep_commits_under.clone_from(&arguments.keep_commits_under);
    route.options.verify = !arguments.no_verify;
    check_verb(verb, &route)?;
    let way = (arguments.via, handover::manner(arguments));
    if let Way::Archive(handing) = handover::choose(globals, way, &arguments.tuning, &route).await?
    {
        return if arguments.dry_run { handing.show().await } else { handing.run().await };
    }
    let scratch = config::scratch(globals)?;
    if arguments.dry_run {
        return super::plan::print(globals, &super::plan::draw_up(globals, &route).await?);
    }
    let journal = config::journal(globals, true)?;
    if arguments.queue {
        return queue(globals, &journal, &route, scratch.path()).await;
    }
    let earlier = interrupted(&*journal, &route).await?.map(|it| it.id);
    let ends = route.open(scratch.path(), earlier.is_some())?;
    let job = match earlier {
        Some(job) => {
            terminal::talk(&format!("going on with job {job}"));
            job
        }
        None => submit(&*journal, &route, &ends, false).await?,
    };
    drive(globals, &journal, job, &ends, &route, &arguments.tuning).await
}

/// Adds a job and leaves it to a worker, which opens both ends by its own configuration.
async fn queue(
    globals: &Globals,
    journal: &Arc<dyn Journal>,
    route: &Route,
    scratch: &Path,
) -> Result<Status, AppError> {
    let earlier = interrupted(&**journal, route).await?;
    let job = match earlier.filter(|it| it.spec.queued && it.state != JobState::Cancelled) {
        Some(earlier) => earlier.id,
        None => submit(&**journal, route, &route.open(scratch, false)?, true).await?,
    };
    if globals.json {
        terminal::data(&document::json(&serde_json::json!({ "job": job }))?);
    } else {
        terminal::data(&format!("job {job} waits for a worker\n"));
        terminal::talk(&format!("hint: `packhorse status {job}` tells how far it is"));
    }
    Ok(Status::Done)
}

fn check_verb(verb: Verb, route: &Route) -> Result<(), AppError> {
    let is_archive = |location| -> Result<bool, AppError> {
        let id = registry::named(location)?.id;
        Ok(packhorse_archive::FORMATS.iter().any(|it| it.id == id))
    };
    let hint = "`packhorse migrate` carries anything to anything";
    if verb == Verb::Export && !is_archive(&route.to)? {
        return Err(AppError::usage(format!("`{}` is not an archive", route.to)).hint(hint));
    }
    if verb == Verb::Import && !is_archive(&route.from)? {
        return Err(AppError::usage(format!("`{}` is not an archive", route.from)).hint(hint));
    }
    Ok(())
}

/// Carries a route to its end, or goes on with the job that was carrying it; `noted` hears which
/// job it is before anything moves.
pub(super) async fn whole(
    globals: &Globals,
    route: &Route,
    tuning: &Tuning,
    noted: impl FnOnce(JobId) -> Result<(), AppError>,
) -> Result<Status, AppError> {
    let journal = config::journal(globals, true)?;
    let earlier = interrupted(&*journal, route).await?.map(|it| it.id);
    let scratch = config::scratch(globals)?;
    let ends = route.open(scratch.path(), earlier.is_some())?;
    let job = match earlier {
        Some(job) => job,
        None => submit(&*journal, route, &ends, false).await?,
    };
    noted(job)?;
    drive(globals, &journal, job, &ends, route, tuning).await
}

/// The job that was carrying the same route in the same way and did not end.
async fn interrupted(journal: &dyn Journal, route: &Route) -> Result<Option<JobView>, AppError> {
    let (from, to) = (route.from.to_string(), route.to.to_string());
    let jobs = journal.jobs(None).await?;
    let newest = jobs.into_iter().find(|job| job.spec.from == from && job.spec.to == to);
    Ok(newest.filter(|job| is_unfinished(job) && job.spec.options == route.options))
}

fn is_unfinished(job: &JobView) -> bool {
    match job.state {
        JobState::Waiting | JobState::Running | JobState::Stopped | JobState::Cancelled => true,
        JobState::Finished | JobState::Failed => false,
    }
}

/// Puts a route into the journal as a job.
pub(super) async fn submit(
    journal: &dyn Journal,
    route: &Route,
    ends: &Ends,
    queued: bool,
) -> Result<JobId, AppError> {
    let spec = JobSpec {
        from: route.from.to_string(),
        to: route.to.to_string(),
        source_identity: ends.source.probe().await?.identity,
        sink_identity: ends.sink.probe().await?.identity,
        options: route.options.clone(),
        queued,
    };
    Ok(journal.submit(&spec).await?)
}

/// Takes a job, waiting for a silent worker's lease to end, runs it, and tells how it ended.
pub(super) async fn drive(
    globals: &Globals,
    journal: &Arc<dyn Journal>,
    job: JobId,
    ends: &Ends,
    route: &Route,
    tuning: &Tuning,
) -> Result<Status, AppError> {
    let outcome = carry(globals, journal, job, ends, route, tuning).await?;
    let status = tell(globals, journal, job, &outcome).await?;
    if status == Status::Stopped {
        terminal::talk(&format!("\nhint: `packhorse resume {job}` goes on with it"));
    } else {
        terminal::talk(&format!("\nhint: see everything with `packhorse report {job}`"));
    }
    Ok(status)
}

/// Takes a job, waiting for a silent worker's lease to end, and runs it.
pub(super) async fn carry(
    globals: &Globals,
    journal: &Arc<dyn Journal>,
    job: JobId,
    ends: &Ends,
    route: &Route,
    tuning: &Tuning,
) -> Result<RunOutcome, AppError> {
    let lease = Duration::from_secs(tuning.lease);
    let claim = claim(&**journal, job, lease).await?;
    let worker = Worker {
        journal: journal.clone(),
        listener: progress::listener(globals.progress),
        tuning: packhorse_engine::Tuning {
            projects: tuning.parallel.into(),
            lease,
            ..packhorse_engine::Tuning::default()
        },
    };
    work(&worker, &claim, ends, &route.options).await
}

/// Runs a job that was taken, until it ends or somebody stops it.
pub(crate) async fn work(
    worker: &Worker,
    claim: &Claim,
    ends: &Ends,
    options: &JobOptions,
) -> Result<RunOutcome, AppError> {
    let stop = Stop::new();
    let watch = tokio::spawn(stop_on_signal(stop.clone()));
    let ran = worker.run(claim, ends, options, &stop).await;
    watch.abort();
    Ok(ran?)
}

/// How often a job that another worker holds is asked for.
const ASK_AGAIN: Duration = Duration::from_millis(250);

/// Takes a job, waiting for a silent worker's lease to end.
pub(crate) async fn claim(
    journal: &dyn Journal,
    job: JobId,
    lease: Duration,
) -> Result<Claim, AppError> {
    let worker = config::worker();
    let mut patience = lease * 2;
    let mut told = false;
    loop {
        if let Some(claim) = journal.claim(Some(job), &worker, lease).await? {
            return Ok(claim);
        }
        if patience.is_zero() {
            return Err(AppError::failed(format!("another worker is carrying job {job}"))
                .hint(format!("`packhorse cancel {job}` asks it to stop")));
        }
        if !told {
            terminal::talk(&format!("job {job} has a worker; waiting to see whether it lives"));
            told = true;
        }
        tokio::time::sleep(ASK_AGAIN).await;
        patience = patience.saturating_sub(ASK_AGAIN);
    }
}

/// Stops cleanly on the first Ctrl-C or SIGTERM.
pub(super) async fn stop_on_signal(stop: Stop) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    terminal::talk("stopping at the next safe place");
    stop.stop();
}

/// Tells how a run ended; the report goes to stdout.
pub(super) async fn tell(
    globals: &Globals,
    journal: &Arc<dyn Journal>,
    job: JobId,
    outcome: &RunOutcome,
) -> Result<Status, AppError> {
    let status = match outcome.state {
        JobState::Finished if outcome.n_losses > 0 && outcome.strict => Status::Losses,
        JobState::Finished => Status::Done,
        JobState::Failed => Status::Failed,
        JobState::Stopped | JobState::Cancelled | JobState::Running | JobState::Waiting => {
            Status::Stopped
        }
    };
    if globals.json {
        let report = packhorse_engine::report::report(&**journal, job).await?;
        terminal::data(&document::json(&report)?);
    } else {
        terminal::data(&super::report::summary(&**journal, job).await?);
    }
    if status == Status::Failed {
        let reason = outcome.reason.as_ref().map(|it| format!(": {it}")).unwrap_or_default();
        terminal::talk(&format!("error: job {job} failed{reason}"));
    }
    Ok(status)
}
