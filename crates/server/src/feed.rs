//! What happens to jobs that somebody watches: looked up once for all who watch.

use crate::{
    Service,
    native::{job, wire::State},
};
use packhorse_core::{error::chain, job::JobId};
use serde_json::json;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::watch;

/// How often a watched job is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// Events that are read at a time.
pub(crate) const PAGE: usize = 256;

/// What was seen of a job.
#[derive(Clone, Debug, Default)]
pub(crate) struct Beat {
    /// Number of the first of `events` among all of the job.
    pub(crate) first: u64,
    /// The newest events, as JSON.
    pub(crate) events: Vec<Arc<str>>,
    /// State and progress, as JSON; empty before anybody has looked.
    pub(crate) progress: Arc<str>,
    /// Whether nothing more happens by itself.
    pub(crate) has_ended: bool,
}

impl Beat {
    /// Number of events so far.
    pub(crate) fn n_events(&self) -> u64 {
        self.first + self.events.len() as u64
    }
}

/// The jobs that are watched.
#[derive(Debug, Default)]
pub(crate) struct Feeds(Mutex<HashMap<JobId, Arc<watch::Sender<Beat>>>>);

impl Feeds {
    fn held(&self) -> MutexGuard<'_, HashMap<JobId, Arc<watch::Sender<Beat>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a feed that nobody watches any more.
    fn end_if_idle(&self, job: JobId) -> bool {
        let mut all = self.held();
        let is_idle = all.get(&job).is_none_or(|it| it.receiver_count() == 0);
        if is_idle {
            all.remove(&job);
        }
        is_idle
    }
}

/// Watches a job, together with all who do already.
pub(crate) fn watch(service: &Arc<Service>, job: JobId) -> watch::Receiver<Beat> {
    let mut all = service.feeds.held();
    if let Some(feed) = all.get(&job) {
        return feed.subscribe();
    }
    let sender = Arc::new(watch::Sender::new(Beat::default()));
    let heard = sender.subscribe();
    all.insert(job, Arc::clone(&sender));
    drop(all);
    tokio::spawn(look(Arc::clone(service), job, sender));
    heard
}

async fn look(service: Arc<Service>, job: JobId, sender: Arc<watch::Sender<Beat>>) {
    let mut stopping = service.stopping.subscribe();
    while !*stopping.borrow() && !service.feeds.end_if_idle(job) {
        match beat(&service, job, &sender).await {
            Ok(Some(beat)) => drop(sender.send_replace(beat)),
            Ok(None) => {}
            Err(error) => tracing::warn!(error = chain(&error), "a job could not be watched"),
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stopping.changed() => {}
        }
    }
    // Whoever still watches when the service stops sees the end of the feed. A feed that ended for
    // want of watchers is out already, and another may have begun meanwhile.
    if *stopping.borrow() {
        service.feeds.held().remove(&job);
    }
}

/// What is to be seen of a job now; `None` when it is what was seen last.
async fn beat(
    service: &Service,
    job: JobId,
    sender: &watch::Sender<Beat>,
) -> Result<Option<Beat>, crate::ServiceError> {
    let Some(view) = service.job(job).await? else { return Ok(None) };
    let history = service.journal.history(job).await?;
    let before = sender.borrow().clone();
    let n_before = before.n_events();
    let (mut first, mut events) = (before.first, before.events);
    loop {
        let page = history.events(first + events.len() as u64, PAGE).await?;
        let n = page.len();
        if n > 0 {
            first += events.len() as u64;
            let shown = page.iter().map(|it| serde_json::to_string(it).unwrap_or_default().into());
            events = shown.collect();
        }
        if n < PAGE {
            break;
        }
    }
    let wish = service.store.job(job).await?.and_then(|it| it.1.wish);
    let state = State::from(view.state);
    let progress = job::progress(service, &view).await?;
    let told = json!({
        "state": state,
        "cancelling": view.cancelling,
        "reason": view.reason,
        "wish": wish.map(crate::store::Wish::name),
        "progress": progress,
    });
    let progress: Arc<str> = told.to_string().into();
    let has_ended = state.has_ended() && wish.is_none();
    let now = Beat { first, events, progress, has_ended };
    let is_news = now.progress != before.progress
        || now.n_events() != n_before
        || now.has_ended != before.has_ended;
    Ok(is_news.then_some(now))
}
