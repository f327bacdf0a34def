//! What happens, for the script that keeps pages up to date.

use super::{look::find, page::Refusal, session::Session};
use crate::{
    Service,
    native::{events, routes},
    store::JobQuery,
};
use axum::{
    body::Body,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::stream;
use http::header;
use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io,
    sync::Arc,
    time::Duration,
};

/// How often lists of jobs are looked at.
const EVERY: Duration = Duration::from_secs(2);

/// Rounds without news after which a client is told that the service is still there.
const SIGN_OF_LIFE: u32 = 8;

/// Jobs of which it is looked whether anything has changed.
const JOBS: u64 = 30;

/// An event that never comes: a page is told how far the job is, and draws itself anew.
const BEYOND_ALL: u64 = 1 << 62;

/// What happens to one job.
pub(super) async fn job(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    session: Session,
) -> Result<Response, Refusal> {
    let (found, _) = find(&service, &session, &id).await?;
    Ok(events::stream(&service, found.view.id, BEYOND_ALL))
}

/// Whether anything on the first page of jobs has changed.
pub(super) async fn jobs(State(service): State<Arc<Service>>, session: Session) -> Response {
    let user = session.caller.sees();
    let pieces = stream::unfold((service, user, None::<u64>), |(service, user, seen)| async move {
        let mut stopping = service.stopping.subscribe();
        for _ in 0..SIGN_OF_LIFE {
            if seen.is_some() {
                tokio::select! {
                    () = tokio::time::sleep(EVERY) => {}
                    _ = stopping.changed() => {}
                }
            }
            if *stopping.borrow() {
                return None;
            }
            let now = seen_of(&service, user.clone()).await;
            if now.is_some() && now != seen {
                let told = "event: changed\ndata: {}\n\n";
                // The page itself is as new as the first look.
                let piece = if seen.is_none() { ": watching\n\n" } else { told };
                drop(stopping);
                return Some((Ok::<_, io::Error>(Bytes::from(piece)), (service, user, now)));
            }
        }
        drop(stopping);
        Some((Ok(Bytes::from_static(b": still here\n\n")), (service, user, seen)))
    });
    let headers =
        [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    (headers, Body::from_stream(pieces)).into_response()
}

async fn seen_of(service: &Service, user: Option<String>) -> Option<u64> {
    let query = JobQuery { user, state: None, before: None, limit: JOBS };
    let page = routes::page(service, query).await.ok()?;
    let mut hasher = DefaultHasher::new();
    serde_json::to_string(&page).ok()?.hash(&mut hasher);
    Some(hasher.finish())
}
