//! Events of a job as they come, in the form that browsers listen to.
//!
//! Each event that the journal keeps has its place as its id, so a client that was cut off goes on
//! after the last that it saw (`Last-Event-ID`). Between them stands how far the job is.

use crate::{
    Service,
    feed::{self, Beat, PAGE},
};
use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::stream;
use http::{HeaderMap, header};
use packhorse_core::{error::chain, job::JobId, port::JournalError};
use std::{collections::VecDeque, fmt::Write as _, io, sync::Arc, time::Duration};
use tokio::sync::watch;

/// How often a client that hears nothing is told that there is nothing.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// Seconds after which a client that was cut off comes back, in milliseconds.
const COME_BACK: &str = "retry: 2000\n\n";

struct Watcher {
    service: Arc<Service>,
    job: JobId,
    feed: watch::Receiver<Beat>,
    /// Number of the next event.
    at: u64,
    /// What was told last of how far it is.
    progress: Arc<str>,
    ready: VecDeque<Bytes>,
    is_over: bool,
}

/// Number of the event after the last that a client has seen.
pub(crate) fn from(headers: &HeaderMap, query: Option<&str>) -> u64 {
    let sent = headers.get("last-event-id").and_then(|it| it.to_str().ok()).or(query);
    sent.and_then(|it| it.trim().parse::<u64>().ok()).map_or(0, |it| it.saturating_add(1))
}

/// Tells a client what happens, until the job has ended or the service stops.
pub(crate) fn stream(service: &Arc<Service>, job: JobId, at: u64) -> Response {
    let watcher = Watcher {
        service: Arc::clone(service),
        job,
        feed: feed::watch(service, job),
        at,
        progress: Arc::default(),
        ready: [Bytes::from_static(COME_BACK.as_bytes())].into(),
        is_over: false,
    };
    let pieces = stream::unfold(watcher, |mut watcher| async move {
        let piece = watcher.next().await?;
        Some((Ok::<_, io::Error>(piece), watcher))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Body::from_stream(pieces)).into_response()
}

fn message(id: Option<u64>, name: &str, data: &str) -> Bytes {
    let mut text = String::with_capacity(data.len() + 48);
    if let Some(id) = id {
        writeln!(text, "id: {id}").ok();
    }
    writeln!(text, "event: {name}\ndata: {data}\n").ok();
    text.into()
}

impl Watcher {
    /// The next piece for the client; `None` when there will be none.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                return Some(piece);
            }
            if self.is_over {
                return None;
            }
            let beat = self.feed.borrow_and_update().clone();
            if !beat.progress.is_empty() {
                if let Err(error) = self.take(&beat).await {
                    tracing::warn!(error = chain(&error), "events could not be read");
                    return None;
                }
                if !self.ready.is_empty() {
                    continue;
                }
                if beat.has_ended {
                    self.is_over = true;
                    self.ready.push_back(message(None, "end", "{}"));
                    continue;
                }
            }
            match tokio::time::timeout(SIGN_OF_LIFE, self.feed.changed()).await {
                Ok(Ok(())) => {}
                // Nobody looks any more: the service stops.
                Ok(Err(_)) => return None,
                Err(_) => return Some(Bytes::from_static(b": still here\n\n")),
            }
        }
    }

    /// Makes ready what the client has not seen: a page of events at most, then how far it is.
    async fn take(&mut self, beat: &Beat) -> Result<(), JournalError> {
        if self.at < beat.first {
            let history = self.service.journal.history(self.job).await?;
            for event in history.events(self.at, PAGE).await? {
                let text = serde_json::to_string(&event).unwrap_or_default();
                self.ready.push_back(message(Some(self.at), "happened", &text));
                self.at += 1;
            }
            return Ok(());
        }
        let seen = usize::try_from(self.at - beat.first).unwrap_or(usize::MAX);
        for event in beat.events.iter().skip(seen) {
            self.ready.push_back(message(Some(self.at), "happened", event));
            self.at += 1;
        }
        if beat.progress != self.progress {
            self.progress = Arc::clone(&beat.progress);
            self.ready.push_back(message(None, "progress", &self.progress));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_goes_on_after_the_last_event_that_it_saw() {
        let mut headers = HeaderMap::new();
        assert_eq!(from(&headers, None), 0);
        assert_eq!(from(&headers, Some("7")), 8);
        headers.insert("last-event-id", "41".parse().unwrap());
        assert_eq!(from(&headers, Some("7")), 42);
        headers.insert("last-event-id", "nonsense".parse().unwrap());
        assert_eq!(from(&headers, None), 0);
    }

    #[test]
    fn a_message_has_its_id_its_name_and_one_line_of_data() {
        assert_eq!(message(Some(3), "happened", "{}"), "id: 3\nevent: happened\ndata: {}\n\n");
        assert_eq!(message(None, "end", "{}"), "event: end\ndata: {}\n\n");
    }
}
