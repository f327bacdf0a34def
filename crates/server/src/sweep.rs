//! Housekeeping: archives that are old, and locks that have ended.

use crate::{
    Service,
    service::ServiceError,
    store::{Part, now_ms},
};
use packhorse_core::error::chain;
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// How often it is done.
const EVERY: Duration = Duration::from_secs(60);

/// Keeps house until `stopping` turns true.
pub(crate) async fn keep_house(service: Arc<Service>, mut stopping: watch::Receiver<bool>) {
    while !*stopping.borrow() {
        if let Err(error) = sweep(&service, now_ms()).await {
            tracing::error!(error = chain(&error), "housekeeping met an error");
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stopping.changed() => {}
        }
    }
}

/// Removes archives that are old at that moment, and takes back locks that have ended.
pub(crate) async fn sweep(service: &Service, now: i64) -> Result<(), ServiceError> {
    if service.store.is_shared() {
        service.take_up_unqueued().await?;
    }
    let kept = i64::try_from(service.config.archives_kept.as_millis()).unwrap_or(i64::MAX);
    for part in service.store.old_archives(now.saturating_sub(kept)).await? {
        // A store that is away must not keep the rest of the house untidy.
        if let Err(error) = remove_archive(service, &part).await {
            tracing::error!(job = part.job.0, error = chain(&error), "an archive stays");
        }
    }
    for lock in service.store.ended_locks(now).await? {
        service.hold(&lock.place, &lock.project).await?;
    }
    Ok(())
}

/// Removes the archive of a part; whoever is downloading it gets it to its end.
pub(crate) async fn remove_archive(service: &Service, part: &Part) -> Result<(), ServiceError> {
    let Some(name) = &part.archive else { return Ok(()) };
    service.archives.remove(name).await?;
    service.store.forget_archive(part.id).await?;
    Ok(())
}
