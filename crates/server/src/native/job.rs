//! A job as people see it: what was asked for, what the journal says, and how fast it goes.

use super::{
    error::Problem,
    wire::{Job, Kind, Progress, RolledBack, State, Wait, moment},
};
use crate::{
    Service,
    service::ServiceError,
    store::{Part, Request, Sample, now_ms},
    token::Caller,
};
use packhorse_core::{
    job::{JobId, JobView},
    model::Time,
    port::{Counts, LaneView, Stage},
};
use std::collections::BTreeMap;

/// Field of a part's body with what rolling it back came to.
pub(crate) const ROLLED_BACK: &str = "rolled_back";

/// For how long the rate looks back, in milliseconds.
const RATE_OVER: i64 = 60_000;

/// A job with the request that asked for it.
pub(crate) struct Found {
    pub(crate) request: Request,
    pub(crate) part: Part,
    pub(crate) view: JobView,
}

/// A job, where there is one that the caller may see.
pub(crate) async fn find(service: &Service, caller: &Caller, id: u64) -> Result<Found, Problem> {
    let found = service.store.job(JobId(id)).await?;
    let found = found.filter(|(request, _)| caller.sees_of(&request.user));
    let (request, part) = found.ok_or_else(Problem::no_job)?;
    let view = service.job(part.job).await?.ok_or_else(Problem::no_job)?;
    service.mirror(&part, view.state).await?;
    Ok(Found { request, part, view })
}

/// A job for clients.
pub(crate) async fn shown(service: &Service, found: &Found) -> Result<Job, ServiceError> {
    let Found { request, part, view } = found;
    let rolled_back = part.body.get(ROLLED_BACK).cloned();
    Ok(Job {
        id: view.id.0,
        state: view.state.into(),
        reason: view.reason.clone(),
        cancelling: view.cancelling,
        wish: part.wish.map(|it| it.name().to_owned()),
        rolled_back: rolled_back.and_then(|it| serde_json::from_value::<RolledBack>(it).ok()),
        from: view.spec.from.clone(),
        to: view.spec.to.clone(),
        user: request.user.clone(),
        asked_through: request.kind.clone(),
        created_at: moment(view.created_at),
        started_at: view.started_at.map(moment),
        ended_at: view.ended_at.map(moment),
        progress: progress(service, view).await?,
    })
}

/// How far a job is; of one that has not ended, as it was a moment ago where somebody has asked
/// since.
pub(crate) async fn progress(service: &Service, view: &JobView) -> Result<Progress, ServiceError> {
    if State::from(view.state).has_ended() {
        return look_up(service, view).await;
    }
    if let Some(recent) = service.recent.of(&view.id) {
        return Ok(recent);
    }
    let progress = look_up(service, view).await?;
    service.recent.keep(view.id, progress.clone());
    Ok(progress)
}

async fn look_up(service: &Service, view: &JobView) -> Result<Progress, ServiceError> {
    let history = service.journal.history(view.id).await?;
    let (projects, lanes) = (history.projects().await?, history.lanes().await?);
    let through = |stage| match stage {
        Stage::Waiting | Stage::Carrying => false,
        Stage::Carried | Stage::Verified | Stage::Differs | Stage::Failed | Stage::Blocked => true,
    };
    let total = sum(&lanes);
    let mut progress = Progress {
        projects_done: projects.iter().filter(|it| through(it.stage)).count() as u64,
        projects: projects.len() as u64,
        records: total.source.map(|it| it.max(total.read)),
        read: total.read,
        carried: carried(&total),
        failed: total.failed,
        losses: total.losses,
        kinds: kinds(&lanes),
        ..Progress::default()
    };
    let samples = service.store.samples(view.id).await?;
    progress.bytes = samples.last().map_or(0, |it| it.bytes);
    if !State::from(view.state).has_ended() {
        progress.rate = rate(&samples, now_ms());
        let left = progress.records.map(|it| it.saturating_sub(progress.read));
        progress.seconds_left = left.zip(progress.rate).and_then(|(left, rate)| {
            let seconds = left as f64 / rate;
            (rate > 0.0 && seconds < 1e9).then_some(seconds as u64)
        });
        progress.waits = waits(service, view);
    }
    Ok(progress)
}

/// Records that are at the destination.
pub(crate) const fn carried(it: &Counts) -> u64 {
    it.created + it.updated + it.adopted + it.unchanged
}

fn sum(lanes: &[LaneView]) -> Counts {
    let mut sum = Counts::default();
    lanes.iter().for_each(|it| sum.add(&it.counts));
    sum
}

fn kinds(lanes: &[LaneView]) -> Vec<Kind> {
    let mut by_kind: BTreeMap<_, Counts> = BTreeMap::new();
    for lane in lanes {
        by_kind.entry(lane.kind).or_default().add(&lane.counts);
    }
    let rows = by_kind.into_iter().map(|(kind, it)| Kind {
        kind: kind.name().to_owned(),
        records: it.source.map(|source| source.max(it.read)),
        read: it.read,
        carried: carried(&it),
        dropped: it.dropped,
        failed: it.failed,
        losses: it.losses,
    });
    rows.filter(|it| it.read > 0 || it.records.unwrap_or(0) > 0 || it.dropped + it.failed > 0)
        .collect()
}

/// Records a second over the last minute; `None` before there is anything to go by.
fn rate(samples: &[Sample], now: i64) -> Option<f64> {
    let last = samples.last()?;
    let first = samples.iter().find(|it| it.at >= now - RATE_OVER)?;
    // A run that goes on begins to count anew where it is, and a pause is no progress.
    let (records, millis) = (last.read.checked_sub(first.read)?, last.at - first.at);
    (millis > 0).then(|| records as f64 * 1_000.0 / millis as f64)
}

/// Limits of either end that make the process wait now.
fn waits(service: &Service, view: &JobView) -> Vec<Wait> {
    let ends = format!("{} {}", view.spec.from, view.spec.to);
    let is_of_end = |limit: &str| {
        limit.split(' ').next().is_some_and(|host| !host.is_empty() && ends.contains(host))
    };
    let now = now_ms();
    let all = service.metrics.waits().into_iter();
    all.filter(|(limit, it)| it.until > now && is_of_end(limit))
        .filter_map(|(limit, it)| Some(Wait { limit, until: moment(Time::from_millis(it.until)?) }))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(at: i64, read: u64) -> Sample {
        Sample { at, read, ..Sample::default() }
    }

    #[test]
    fn the_rate_is_that_of_the_last_minute() {
        assert_eq!(rate(&[], 0), None);
        assert_eq!(rate(&[sample(1_000, 5)], 1_000), None);
        assert_eq!(rate(&[sample(0, 0), sample(10_000, 50)], 10_000), Some(5.0));
        let long = [sample(0, 0), sample(500_000, 100), sample(510_000, 300)];
        assert_eq!(rate(&long, 510_000), Some(20.0));
    }
}
