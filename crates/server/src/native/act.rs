//! What is done with jobs that are there: cancel, resume, retry, roll back.

use super::{error::Problem, job::Found, wire::Again};
use crate::{Service, service::ServiceError, store::Wish};
use packhorse_core::{Secret, job::JobState};

/// Field of a part's body that says that the source's credentials came with the request.
pub(crate) const FROM_SEALED: &str = "from_sealed";
/// The same for the destination's.
pub(crate) const TO_SEALED: &str = "to_sealed";

/// Document of a job in the journal that says that it was rolled back.
const ROLLED_BACK: &str = "rolled_back";

/// Asks a job to stop at its next safe place.
pub(crate) async fn cancel(service: &Service, found: &Found) -> Result<(), Problem> {
    match found.view.state {
        JobState::Finished | JobState::Failed | JobState::Cancelled
            if found.part.wish.is_none() =>
        {
            let state = found.view.state.name();
            return Err(Problem::conflict(format!("the job is {state}; there is nothing to stop")));
        }
        JobState::Waiting
        | JobState::Running
        | JobState::Stopped
        | JobState::Finished
        | JobState::Failed
        | JobState::Cancelled => {}
    }
    if service.store.parts(found.part.request).await?.len() == 1 {
        return Ok(service.cancel(found.part.request).await?);
    }
    Ok(service.cancel_part(&found.part).await?)
}

/// How much of a job is carried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// All that is in the kinds and projects in which something failed.
    All,
    /// The records that failed.
    Failed,
}

/// Goes on with a job: with all that is in the kinds and projects in which something failed.
pub(crate) async fn resume(service: &Service, found: &Found, again: Again) -> Result<(), Problem> {
    may_go_on(found)?;
    open(service, found, (Wish::Resume, Extent::All), again).await
}

/// Tries again what failed, and nothing else. What was cancelled has more to carry than that, and
/// is gone on with.
pub(crate) async fn retry(service: &Service, found: &Found, again: Again) -> Result<(), Problem> {
    may_go_on(found)?;
    let is_failed = found.view.state == JobState::Failed;
    let extent = if is_failed { Extent::Failed } else { Extent::All };
    open(service, found, (Wish::Resume, extent), again).await
}

/// Only what has ended and has not arrived.
fn may_go_on(found: &Found) -> Result<(), Problem> {
    match found.view.state {
        JobState::Failed | JobState::Cancelled => Ok(()),
        JobState::Finished => {
            Err(Problem::conflict("the job has arrived; start another to carry what is new"))
        }
        JobState::Waiting | JobState::Running | JobState::Stopped => {
            Err(Problem::conflict("the job goes on by itself"))
        }
    }
}

/// Removes what a job wrote, unless somebody has changed it since.
pub(crate) async fn roll_back(
    service: &Service,
    found: &Found,
    again: Again,
) -> Result<(), Problem> {
    match found.view.state {
        JobState::Finished | JobState::Failed | JobState::Cancelled => {}
        JobState::Waiting | JobState::Running | JobState::Stopped => {
            return Err(Problem::conflict("cancel the job first, and wait until it has stopped"));
        }
    }
    open(service, found, (Wish::Rollback, Extent::All), again).await
}

async fn open(
    service: &Service,
    found: &Found,
    (wish, extent): (Wish, Extent),
    again: Again,
) -> Result<(), Problem> {
    if found.part.wish.is_some() {
        return Err(Problem::conflict("something was asked of the job already; wait for that"));
    }
    let was_rolled_back = service.journal.kept(found.view.id, ROLLED_BACK).await?.is_some();
    if was_rolled_back && wish == Wish::Resume {
        return Err(Problem::conflict("the job was rolled back; start another"));
    }
    if found.part.archive.is_none() && found.request.kind.starts_with("github.") {
        return Err(Problem::conflict("the job's archive is gone"));
    }
    let sealed = |field: &str, token: Option<String>, of: &str| -> Result<_, Problem> {
        if found.part.body[field] != true {
            return Ok(None);
        }
        let which = if field == FROM_SEALED { "from_token" } else { "to_token" };
        let token = token.filter(|it| !it.is_empty()).ok_or_else(|| {
            Problem::invalid(format!(
                "the job's token was forgotten when it ended: say `{which}` again"
            ))
        })?;
        let sealed = service.key.seal(&Secret::new(token), of).map_err(ServiceError::from)?;
        Ok(Some(sealed))
    };
    let spec = &found.view.spec;
    let both = (
        sealed(FROM_SEALED, again.from_token, &spec.from)?,
        sealed(TO_SEALED, again.to_token, &spec.to)?,
    );
    let (journal, job) = (&*service.journal, found.view.id);
    match extent {
        Extent::All => packhorse_engine::resume_whole(journal, job).await?,
        Extent::Failed => packhorse_engine::retry(journal, job).await?,
    }
    service.store.reopen(&found.part, wish, both).await?;
    service.work.notify_waiters();
    Ok(())
}
