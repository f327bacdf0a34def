//! Rolling a job back, in the background, as often as it takes.

use crate::{
    Service,
    native::{job::ROLLED_BACK, wire::RolledBack as Told},
    places::Opening,
    service::ServiceError,
    store::{Part, Wish},
    sweep, work,
};
use packhorse_core::{error::chain, job::JobView};
use packhorse_engine::{Ends, RolledBack};
use std::{sync::Arc, time::Duration};
use tokio::runtime::Handle;

/// How often it is said that a job is still in hand.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// Rolls a job back, if that is still wished and no other process is about it; `false` when there
/// was nothing to do.
pub(crate) async fn roll_back_alone(
    service: &Arc<Service>,
    part: &Part,
    job: &JobView,
) -> Result<bool, ServiceError> {
    if !service.store.take_in_hand(part.id).await? {
        return Ok(false);
    }
    let (of, id) = (Arc::clone(service), part.id);
    let alive = tokio::spawn(async move {
        loop {
            tokio::time::sleep(SIGN_OF_LIFE).await;
            if let Err(error) = of.store.keep_in_hand(id, true).await {
                tracing::warn!(error = chain(&error), "it could not be said that a job is in hand");
            }
        }
    });
    // Another process may have done it since it was seen.
    let done = match service.store.job(part.job).await? {
        Some((_, part)) if part.wish == Some(Wish::Rollback) => {
            let rolled = roll_back(service, &part, job).await;
            match rolled {
                Ok(()) => service.ended(&part, job.state).await.map(|()| true),
                Err(error) => Err(error),
            }
        }
        Some(_) | None => Ok(false),
    };
    alive.abort();
    service.store.keep_in_hand(part.id, false).await?;
    done
}

/// Removes what a job wrote, and keeps what that came to.
///
/// A service that is killed meanwhile finds the wish again, and goes on.
pub(crate) async fn roll_back(
    service: &Arc<Service>,
    part: &Part,
    job: &JobView,
) -> Result<(), ServiceError> {
    if service.stored_archive(part, job)?.is_some() {
        return remove_archive(service, part).await;
    }
    let scratch = service.scratch()?;
    let rolled = match work::ends(service, part, job, (scratch.path(), Opening::Resume)).await {
        Ok(ends) => remove(service, job.clone(), ends).await,
        Err(error) => Err(chain(&error)),
    };
    let told = match rolled {
        Ok(it) => Told {
            removed: it.removed,
            left: it.refused.len() as u64 + it.more_refused,
            error: None,
        },
        Err(error) => {
            tracing::warn!(job = job.id.0, error, "a job was not rolled back to its end");
            Told { removed: 0, left: 0, error: Some(error) }
        }
    };
    keep(service, part, told).await
}

/// All that such a job made is its archive, which is in the store.
async fn remove_archive(service: &Arc<Service>, part: &Part) -> Result<(), ServiceError> {
    let error = sweep::remove_archive(service, part).await.err().map(|it| chain(&it));
    keep(service, part, Told { removed: u64::from(error.is_none()), left: 0, error }).await
}

/// Keeps what rolling back came to.
async fn keep(service: &Arc<Service>, part: &Part, told: Told) -> Result<(), ServiceError> {
    let mut body = part.body.clone();
    body[ROLLED_BACK] = serde_json::to_value(told).unwrap_or_default();
    service.store.describe(part.id, body).await?;
    service.store.fulfilled(part.id).await?;
    Ok(())
}

/// The engine keeps a database open while it removes things, so it stays on one thread.
async fn remove(service: &Arc<Service>, job: JobView, ends: Ends) -> Result<RolledBack, String> {
    let (journal, runtime) = (Arc::clone(&service.journal), Handle::current());
    let done = tokio::task::spawn_blocking(move || {
        runtime.block_on(packhorse_engine::rollback(&*journal, &job, &ends))
    });
    match done.await {
        Ok(rolled) => rolled.map_err(|error| chain(&error)),
        Err(error) => Err(error.to_string()),
    }
}
