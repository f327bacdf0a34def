//! What will arrive, and how, before anything moves.
//!
//! The plan is the intersection of what the source has and gives out, what the
//! destination holds, and what was asked for. It reads counts, not records, but
//! for the list of projects and, where there is a users file, that of users.

mod conflicts;
mod draft;
mod fate;
mod gaps;
mod paths;

pub(crate) use draft::{Sides, draft};
pub(crate) use fate::is_wanted;
pub(crate) use gaps::HIDDEN_REFS;
pub(crate) use paths::{PathPlan, is_path};

use crate::{Ends, EngineError};
use packhorse_core::{job::JobOptions, plan::Plan};
use std::collections::BTreeSet;

/// Says what a run between these ends would do.
///
/// Without a journal, every project that is at the destination already counts
/// as somebody else's.
///
/// # Errors
///
/// When an end cannot be read, or the options ask for what cannot be.
pub async fn plan(ends: &Ends, options: &JobOptions) -> Result<Plan, EngineError> {
    let sides = Sides::probe(ends).await?;
    draft(ends, options, &sides, &BTreeSet::new()).await
}
