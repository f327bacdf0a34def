//! Trying again what failed, and nothing else.
//!
//! A failed job that is taken up again reads the lanes anew in which something failed. Resumed, it
//! carries all that is in them, also what is new or has changed there since. Retried, it carries
//! the records that failed, and reads on until it has met them all. Sources list; they cannot be
//! asked for one record, so the way to it is read.
//!
//! A lane that broke off before its end is carried from its beginning in both cases, and so is a
//! repository. Where issues and change requests go in the order of their numbers, their lanes are
//! read to the end, since what is missing between two numbers shows only there; what arrived is
//! known by its fingerprint, and not written.

use crate::EngineError;
use futures::TryStreamExt;
use packhorse_core::{
    Lane, ObjectKind, Scope,
    job::JobId,
    port::{Journal, Position},
};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

/// Name of the document that says that a job is retried.
const DOCUMENT: &str = "retry";

/// Records of one job that are looked for by their ids; where more failed, whole lanes are carried.
const MOST: usize = 100_000;

/// A lane that had been read to its end when records of it had failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Through {
    scope: Scope,
    kind: ObjectKind,
}

/// What the document holds.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Document {
    lanes: Vec<Through>,
}

/// Sees to it that the next run of a job that has failed carries only what failed in it.
///
/// It holds for as many runs as are killed or stopped, and for the one that comes to an end.
///
/// # Errors
///
/// When the journal fails.
pub async fn retry(journal: &dyn Journal, job: JobId) -> Result<(), EngineError> {
    let lanes = journal.history(job).await?.lanes().await?.into_iter();
    let through = lanes.filter(|it| it.position == Position::Done && it.counts.failed > 0);
    let lanes = through.map(|it| Through { scope: it.scope, kind: it.kind }).collect();
    let document = serde_json::to_value(Document { lanes });
    let document = document.map_err(EngineError::document(DOCUMENT))?;
    Ok(journal.keep(job, DOCUMENT, &document).await?)
}

/// Takes back what [`retry`] has said.
///
/// # Errors
///
/// When the journal fails.
pub async fn resume_whole(journal: &dyn Journal, job: JobId) -> Result<(), EngineError> {
    if journal.kept(job, DOCUMENT).await?.is_none_or(|it| it.is_null()) {
        return Ok(());
    }
    Ok(journal.keep(job, DOCUMENT, &serde_json::Value::Null).await?)
}

/// What is carried of lanes in which records failed.
#[derive(Debug, Default)]
pub(crate) struct Retried(HashMap<Lane, HashSet<String>>);

impl Retried {
    /// As the journal says of a job.
    pub(crate) async fn of(journal: &dyn Journal, job: JobId) -> Result<Self, EngineError> {
        let Some(document) = journal.kept(job, DOCUMENT).await?.filter(|it| !it.is_null()) else {
            return Ok(Self::default());
        };
        let document: Document =
            serde_json::from_value(document).map_err(EngineError::document(DOCUMENT))?;
        let lanes =
            document.lanes.into_iter().map(|it| (Lane::new(it.scope, it.kind), HashSet::new()));
        let mut lanes: HashMap<_, _> = lanes.collect();
        let history = journal.history(job).await?;
        let mut failures = history.all_failures();
        let mut n = 0;
        while let Some(failure) = failures.try_next().await? {
            n += 1;
            if n > MOST {
                return Ok(Self::default());
            }
            let lane = Lane::new(failure.scope, failure.kind);
            let Some(id) = failure.id else {
                // The lane itself could not be carried.
                lanes.remove(&lane);
                continue;
            };
            if let Some(ids) = lanes.get_mut(&lane) {
                ids.insert(id);
            }
        }
        Ok(Self(lanes))
    }

    /// Ids of the records of a lane that are carried; `None` for all.
    pub(crate) fn of_lane(&self, lane: &Lane) -> Option<HashSet<String>> {
        self.0.get(lane).cloned()
    }
}
