//! Rolling a job back, in the background, as often as it takes.

use crate::{
    Service,
    native::{job::ROLLED_BACK, wire::RolledBack as Told},
    places::Opening,
    service::ServiceError,
    store::Part,
    work,
};
use packhorse_core::{error::chain, job::JobView};
use packhorse_engine::{Ends, RolledBack};
use std::sync::Arc;
use tokio::runtime::Handle;

/// Removes what a job wrote, and keeps what that came to.
///
/// A service that is killed meanwhile finds the wish again, and goes on.
pub(crate) async fn roll_back(
    service: &Arc<Service>,
    part: &Part,
    job: &JobView,
) -> Result<(), ServiceError> {
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
