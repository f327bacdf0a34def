//! `worker`: runs jobs that wait in the journal, one after the other, beside other workers.

use super::{ends::Route, migrate, serve};
use crate::{
    cli::{self, Globals},
    config,
    error::{AppError, Status},
    progress, terminal,
};
use packhorse_core::{
    job::{JobState, JobView},
    port::{Claim, JournalError},
};
use packhorse_engine::{Stop, Worker};
use packhorse_server::Service;
use std::{sync::Arc, time::Duration};

/// How often the queue is looked at while nothing waits, or while it cannot be reached.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Takes job after job until somebody stops it: first what clients of a service wait for, where
/// one is served from the same database.
///
/// A job whose worker fell silent is taken over when its lease ends. One that cannot be opened
/// here, for want of a host's name or a token, fails with the reason, and the next is taken. A
/// database that goes away is waited for, once it has been there.
pub(super) async fn run(globals: &Globals, arguments: &cli::Worker) -> Result<Status, AppError> {
    let stop = Stop::new();
    tokio::spawn(migrate::stop_on_signal(stop.clone()));
    let journal = config::journal(globals, false)?;
    let lease = Duration::from_secs(arguments.tuning.lease);
    let worker = Worker {
        journal: Arc::clone(&journal),
        listener: progress::listener(globals.progress),
        tuning: packhorse_engine::Tuning {
            projects: arguments.tuning.parallel.into(),
            lease,
            ..packhorse_engine::Tuning::default()
        },
    };
    if let Some(pool) = config::database(globals)? {
        config::share_budgets(pool).await?;
    }
    let service = serve::to_work_for(globals, lease).await?;
    if let Some(service) = &service {
        tokio::spawn(stop_with(stop.clone(), Arc::clone(service)));
    }
    let name = config::worker();
    let (mut all_well, mut reached) = (true, Reached::NotYet);
    while stop.why().is_none() {
        if let Some(service) = &service {
            match service.lend_a_hand(&name).await {
                Ok(true) => continue,
                Ok(false) => {}
                // The queue is away too then, and tells it.
                Err(error) if packhorse_database::is_away(&error) => {}
                Err(error) => terminal::talk(&AppError::from(error).reason()),
            }
        }
        let claimed = journal.claim(None, &name, lease).await;
        let Some(claim) = reached.tell(claimed)?.flatten() else {
            if arguments.once && reached == Reached::Yes {
                break;
            }
            tokio::select! {
                _ = stop.asked() => {}
                () = tokio::time::sleep(LOOK_AGAIN) => {}
            }
            continue;
        };
        match carry(globals, &worker, &claim, &stop).await {
            Ok(state) => {
                terminal::talk(&format!("job {}: {}", claim.job, state.name()));
                all_well &= state != JobState::Failed;
            }
            // The job is another's then, or will be when the lease has ended.
            Err(error) => terminal::talk(&format!("job {}: {}", claim.job, error.reason())),
        }
    }
    Ok(if all_well { Status::Done } else { Status::Failed })
}

async fn stop_with(stop: Stop, service: Arc<Service>) {
    stop.asked().await;
    service.stop();
}

/// Whether the journal answers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reached {
    NotYet,
    Yes,
    NoLonger,
}

impl Reached {
    /// Tells once that the journal is away; that it never was there is an error.
    fn tell<T>(&mut self, answer: Result<T, JournalError>) -> Result<Option<T>, AppError> {
        match (answer, *self) {
            (Ok(answer), _) => {
                *self = Self::Yes;
                Ok(Some(answer))
            }
            (Err(error), Self::NotYet) => Err(error.into()),
            (Err(_), Self::NoLonger) => Ok(None),
            (Err(error), Self::Yes) => {
                *self = Self::NoLonger;
                let reason = AppError::from(error).reason();
                terminal::talk(&format!("waiting for the journal: {reason}"));
                Ok(None)
            }
        }
    }
}

/// Runs a job that was taken; how it ended.
async fn carry(
    globals: &Globals,
    worker: &Worker,
    claim: &Claim,
    stop: &Stop,
) -> Result<JobState, AppError> {
    let Some(view) = worker.journal.jobs(Some(claim.job)).await?.into_iter().next() else {
        return Err(AppError::failed("it is not in the journal"));
    };
    terminal::talk(&format!("job {}: {} → {}", claim.job, view.spec.from, view.spec.to));
    match open_and_run(globals, worker, claim, (&view, stop)).await {
        Ok(state) => Ok(state),
        Err(error) => {
            let reason = error.reason();
            worker.journal.close(claim, JobState::Failed, Some(&reason)).await?;
            Ok(JobState::Failed)
        }
    }
}

async fn open_and_run(
    globals: &Globals,
    worker: &Worker,
    claim: &Claim,
    (view, stop): (&JobView, &Stop),
) -> Result<JobState, AppError> {
    let route = Route::of(globals, &view.spec)?;
    let scratch = config::scratch(globals)?;
    // An earlier worker may have begun it.
    let ends = route.open(scratch.path(), claim.epoch > 1)?;
    // A run is told of more reasons to stop than this process has.
    let its_stop = Stop::new();
    let passed_on = async {
        stop.asked().await;
        its_stop.stop();
        std::future::pending().await
    };
    tokio::select! {
        ran = worker.run(claim, &ends, &route.options, &its_stop) => Ok(ran?.state),
        state = passed_on => state,
    }
}
