//! What was read back before a run ended, so that the next run of the job goes on from there.
//!
//! A document for each scope holds what its parts came to. They are good for runs that have written
//! nothing since, and until reading back has come to its end.

use super::{Verification, VerifyError};
use packhorse_core::{
    Scope,
    job::JobId,
    port::{Claim, Counts, Journal, JournalError},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tokio::sync::Mutex;

/// Name of the document that says that reading back is under way, and what begins the names of
/// those that say how far it is.
const DOCUMENT: &str = "reading back";

/// What reading back found when it began.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Begun {
    /// Number of the claim that began it.
    epoch: u64,
    /// What the job had written.
    written: Counts,
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
    scopes: Mutex<BTreeMap<Scope, Parts>>,
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
        let lanes = journal.history(claim.job).await?.lanes().await?;
        let mut written = lanes.iter().fold(Counts::default(), |mut sum, lane| {
            sum.add(&lane.counts);
            sum
        });
        // What the source says it has is of no account.
        written.source = None;
        let known = journal.kept(claim.job, DOCUMENT).await?;
        // What an older version kept in another form is read back again.
        let known = known.and_then(|it| serde_json::from_value::<Begun>(it).ok());
        let epoch = match known.filter(|it| it.written == written) {
            Some(known) => known.epoch,
            None => {
                let begun = Begun { epoch: claim.epoch, written };
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
        if !scopes.contains_key(scope) {
            let document = self.journal.kept(self.job, &name_of(scope)).await?;
            let parts = document.and_then(|it| serde_json::from_value::<Parts>(it).ok());
            let parts = parts.filter(|it| it.epoch == self.epoch);
            let none = Parts { epoch: self.epoch, ..Parts::default() };
            scopes.insert(scope.clone(), parts.unwrap_or(none));
        }
        Ok(scopes.get(scope).and_then(|it| it.parts.get(part)).cloned())
    }

    /// Notes what a part of a scope came to; one that came to nothing is read back again.
    pub(super) async fn note(
        &self,
        scope: &Scope,
        part: String,
        found: &Verification,
    ) -> Result<(), VerifyError> {
        if *found == Verification::begun() {
            return Ok(());
        }
        let mut scopes = self.scopes.lock().await;
        let none = Parts { epoch: self.epoch, ..Parts::default() };
        let parts = scopes.entry(scope.clone()).or_insert(none);
        parts.parts.insert(part, found.clone());
        let document = serde_json::to_value(&*parts).map_err(VerifyError::Document)?;
        Ok(self.journal.keep(self.job, &name_of(scope), &document).await?)
    }
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
