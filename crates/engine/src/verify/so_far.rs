//! What was read back before a run ended, so that the next run of the job goes on from there.
//!
//! A document for each scope holds what its parts came to. They are good as long as neither the job
//! nor another one of its route has written anything since, for some days, and until reading back
//! has come to its end.

use super::{Verification, VerifyError};
use packhorse_core::{
    Scope,
    job::{JobId, JobView},
    model::Time,
    port::{Claim, Counts, Journal, JournalError},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, SystemTime},
};
use tokio::sync::Mutex;

/// Name of the document that says that reading back is under way, and what begins the names of
/// those that say how far it is.
const DOCUMENT: &str = "reading back";

/// How long it is good: the destination has others who change it.
const GOOD_FOR: Duration = Duration::from_secs(3 * 24 * 3_600);

/// Scopes whose parts are kept at hand; what is read side by side is of no more.
const AT_HAND: usize = 8;

/// Findings of a part that is noted; one that found more is read back again.
const MOST_FINDINGS: usize = 20;

/// What reading back found when it began.
#[derive(Debug, Serialize, Deserialize)]
struct Begun {
    /// Number of the claim that began it.
    epoch: u64,
    /// When, in seconds since 1970.
    at: u64,
    /// What had been written.
    written: Written,
}

/// What tells that something was written.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Written {
    /// By the job.
    counts: Counts,
    /// When the other jobs of the route were taken up first and ended last.
    others: (Option<Time>, Option<Time>),
}

impl Written {
    async fn of(journal: &dyn Journal, claim: &Claim) -> Result<Self, JournalError> {
        let lanes = journal.history(claim.job).await?.lanes().await?;
        let mut counts = lanes.iter().fold(Counts::default(), |mut sum, lane| {
            sum.add(&lane.counts);
            sum
        });
        // What the source says it has is of no account.
        counts.source = None;
        let jobs = journal.jobs(None).await?;
        let is_other = |it: &&JobView| it.route == claim.route && it.id != claim.job;
        let last =
            |of: fn(&JobView) -> Option<Time>| jobs.iter().filter(is_other).filter_map(of).max();
        Ok(Self { counts, others: (last(|it| it.started_at), last(|it| it.ended_at)) })
    }
}

/// What the parts of a scope came to, by their names.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Parts {
    /// Number of the claim that began reading back.
    epoch: u64,
    parts: BTreeMap<String, Verification>,
}

/// What has been read back of a job.
pub(crate) struct SoFar<'a> {
    journal: &'a dyn Journal,
    job: JobId,
    epoch: u64,
    /// Those that were looked at last.
    scopes: Mutex<VecDeque<(Scope, Parts)>>,
}

impl<'a> SoFar<'a> {
    /// What an earlier run of the job left, where nothing was written since; or nothing yet.
    ///
    /// # Errors
    ///
    /// When the journal fails.
    pub(crate) async fn of(
        journal: &'a dyn Journal,
        claim: &Claim,
    ) -> Result<SoFar<'a>, VerifyError> {
        let (written, now) = (Written::of(journal, claim).await?, now());
        let known = journal.kept(claim.job, DOCUMENT).await?;
        // What an older version kept in another form is read back again.
        let known = known.and_then(|it| serde_json::from_value::<Begun>(it).ok());
        let is_good =
            |it: &Begun| it.written == written && now.saturating_sub(it.at) <= GOOD_FOR.as_secs();
        let epoch = match known.filter(is_good) {
            Some(known) => known.epoch,
            None => {
                let begun = Begun { epoch: claim.epoch, at: now, written };
                let document = serde_json::to_value(begun).map_err(VerifyError::Document)?;
                journal.keep(claim.job, DOCUMENT, &document).await?;
                claim.epoch
            }
        };
        Ok(Self { journal, job: claim.job, epoch, scopes: Mutex::default() })
    }

    /// What a part of a scope came to, where it has been read back.
    pub(super) async fn part(
        &self,
        scope: &Scope,
        part: &str,
    ) -> Result<Option<Verification>, VerifyError> {
        let mut scopes = self.scopes.lock().await;
        Ok(self.parts(&mut scopes, scope).await?.parts.get(part).cloned())
    }

    /// Notes what a part of a scope came to; one that came to nothing is read back again.
    pub(super) async fn note(
        &self,
        scope: &Scope,
        part: String,
        found: &Verification,
    ) -> Result<(), VerifyError> {
        if *found == Verification::begun() || found.findings.len() > MOST_FINDINGS {
            return Ok(());
        }
        let mut scopes = self.scopes.lock().await;
        let parts = self.parts(&mut scopes, scope).await?;
        parts.parts.insert(part, found.clone());
        let document = serde_json::to_value(&*parts).map_err(VerifyError::Document)?;
        Ok(self.journal.keep(self.job, &name_of(scope), &document).await?)
    }

    /// What is noted of a scope.
    async fn parts<'s>(
        &self,
        scopes: &'s mut VecDeque<(Scope, Parts)>,
        scope: &Scope,
    ) -> Result<&'s mut Parts, VerifyError> {
        let at = match scopes.iter().position(|(it, _)| it == scope) {
            Some(at) => at,
            None => {
                let document = self.journal.kept(self.job, &name_of(scope)).await?;
                let parts = document.and_then(|it| serde_json::from_value::<Parts>(it).ok());
                let none = Parts { epoch: self.epoch, ..Parts::default() };
                let parts = parts.filter(|it| it.epoch == self.epoch).unwrap_or(none);
                scopes.truncate(AT_HAND - 1);
                scopes.push_front((scope.clone(), parts));
                0
            }
        };
        Ok(&mut scopes[at].1)
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |it| it.as_secs())
}

/// Sees to it that a later run of the job reads everything back.
pub(crate) async fn forget(journal: &dyn Journal, job: JobId) -> Result<(), JournalError> {
    if journal.kept(job, DOCUMENT).await?.is_none_or(|it| it.is_null()) {
        return Ok(());
    }
    journal.keep(job, DOCUMENT, &serde_json::Value::Null).await
}

fn name_of(scope: &Scope) -> String {
    format!("{DOCUMENT}: {}", scope.key())
}
