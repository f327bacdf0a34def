//! Rolling back: removes what a job made, unless somebody has changed it since.

mod witness;

use crate::{
    EngineError, Stopped, Why,
    carry::{object, repo_of},
    ends::Ends,
    error::chain,
    verify::pages::Pages,
};
use packhorse_core::{
    Carriage, Fingerprint, HostError, HostErrorKind, Lane, ObjectKind, Origin, Scope, TargetId,
    job::{JobId, JobSpec, JobState, JobView},
    port::{Claim, Item, ItemQuery, Journal, ProjectView, Pulse, Source},
};
use packhorse_git::{Git, RefPolicy, refs};
use serde::{Deserialize, Serialize};
use std::{
    collections::{HashMap, HashSet},
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    io::{BufRead, BufReader, Seek, Write},
    time::{Duration, Instant},
};
use witness::{Known, Since, Witness};

/// Name of the document that marks a job as rolled back: nothing may go on with it.
pub(crate) const MARK: &str = "rolled_back";

/// How long the right to roll back lasts without a sign of life.
const LEASE: Duration = Duration::from_secs(60);

/// Items that are looked at at a time.
const PAGE: usize = 1_000;

/// Things that were left, named up to this number.
const MAX_NAMED: usize = 1_000;

/// Name of the list of what may go.
const SPOOL: &str = "what is rolled back";

/// Records removed between two flushes.
const BATCH: usize = 500;

/// What rolling back came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolledBack {
    /// Objects that were removed.
    pub removed: u64,
    /// Objects that were left, up to a thousand, because somebody has changed them since or put
    /// something into them, or because the destination does not let them go.
    pub refused: Vec<Left>,
    /// Objects that were left beyond those that are named.
    pub more_refused: u64,
    /// Objects that were there before and that the job brought up to date; they stay as they are.
    pub updated: u64,
}

/// An object that was left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// Where it belongs at the destination.
    pub scope: Scope,
    /// What it is.
    pub kind: ObjectKind,
    /// Its id at the destination.
    pub id: String,
    /// Why it was left.
    pub why: String,
}

impl fmt::Display for RolledBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} objects were removed", self.removed)?;
        if self.updated > 0 {
            writeln!(
                f,
                "{} objects were there before the job and stay as they are now",
                self.updated
            )?;
        }
        for left in &self.refused {
            writeln!(f, "left {} {} {}: {}", left.scope, left.kind, left.id, left.why)?;
        }
        if self.more_refused > 0 {
            writeln!(f, "left {} more", self.more_refused)?;
        }
        Ok(())
    }
}

/// An object that may be removed, noted on disk until its lane has been read.
#[derive(Serialize, Deserialize)]
struct Doomed {
    origin: String,
    target: String,
}

/// What of a lane is still at the destination: a hash of eight bytes for each id.
///
/// Two ids of one hash would only keep the journal's line of something that is gone.
#[derive(Default)]
struct Seen(HashSet<u64>);

impl Seen {
    fn note(&mut self, id: &str) {
        self.0.insert(Self::hash(id));
    }

    fn has(&self, id: &str) -> bool {
        self.0.contains(&Self::hash(id))
    }

    fn hash(id: &str) -> u64 {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        hasher.finish()
    }
}

/// Removes what a job created at its destination.
///
/// Rolling back is a job of its own over the same route, so that nobody carries
/// anything over it meanwhile. The job that was rolled back cannot be resumed.
///
/// What a run wrote in its last moments and did not live to note counts as
/// somebody else's: it stays, and so does the project that it is in.
///
/// # Errors
///
/// [`EngineError::Held`] while a worker carries the route; and when an end or the
/// journal cannot be used. What is removed by then stays removed and forgotten,
/// so that rolling back again goes on.
pub async fn rollback(
    journal: &dyn Journal,
    job: &JobView,
    ends: &Ends,
) -> Result<RolledBack, EngineError> {
    let own = journal.submit(&JobSpec { queued: false, ..job.spec.clone() }).await?;
    // First of all: a worker that takes it for a job to carry is refused by this.
    mark(journal, own).await?;
    let Some(claim) = journal.claim(Some(own), "rollback", LEASE).await? else {
        journal.cancel(own).await?;
        return Err(EngineError::Held { job: job.id });
    };
    let rolled = roll(journal, (&claim, job), ends).await;
    let (state, reason) = match &rolled {
        Ok(_) => (JobState::Finished, format!("rolled back job {}", job.id)),
        Err(error) => {
            (JobState::Failed, format!("rolled back job {} in part: {}", job.id, chain(error)))
        }
    };
    journal.close(&claim, state, Some(&reason)).await?;
    rolled
}

/// Notes that nothing may go on with a job.
async fn mark(journal: &dyn Journal, job: JobId) -> Result<(), EngineError> {
    Ok(journal.keep(job, MARK, &serde_json::Value::Bool(true)).await?)
}

async fn roll(
    journal: &dyn Journal,
    (claim, job): (&Claim, &JobView),
    ends: &Ends,
) -> Result<RolledBack, EngineError> {
    // Lanes that are through would not be carried again, however empty they are.
    mark(journal, job.id).await?;
    let reader = (ends.reader)()?;
    let known = Known::of(journal, job, ends, &*reader).await?;
    let mut rolling = Rolling {
        journal,
        claim,
        job: job.id,
        ends,
        reader: &*reader,
        policy: ends.policy(&job.spec.options)?,
        witness: known.witness((journal, claim.route), ends, &*reader)?,
        beaten: Instant::now(),
        n_foreign: 0,
        result: RolledBack::default(),
    };
    rolling.all().await?;
    Ok(rolling.result)
}

struct Rolling<'a> {
    journal: &'a dyn Journal,
    claim: &'a Claim,
    /// The job that is rolled back.
    job: JobId,
    ends: &'a Ends,
    reader: &'a dyn Source,
    witness: Witness<'a>,
    policy: RefPolicy,
    /// When the claim was last kept alive.
    beaten: Instant,
    /// Objects in the scope at hand that stay there.
    n_foreign: u64,
    result: RolledBack,
}

impl Rolling<'_> {
    async fn all(&mut self) -> Result<(), EngineError> {
        let projects = self.journal.history(self.job).await?.projects().await?;
        for ProjectView { source, target, .. } in projects.into_iter().rev() {
            self.n_foreign = 0;
            let (source, target) = (Scope::Project(source), Scope::Project(target));
            for kind in ObjectKind::ALL.iter().rev().copied().filter(|it| it.in_project()) {
                self.lane(&Lane::new(source.clone(), kind), &target).await?;
            }
            self.lane(&Lane::new(source, ObjectKind::Project), &target).await?;
        }
        self.n_foreign = 0;
        for kind in ObjectKind::ALL.iter().rev().copied().filter(|it| it.is_shared()) {
            self.lane(&Lane::new(Scope::Shared, kind), &Scope::Shared).await?;
        }
        Ok(())
    }

    /// Keeps the claim alive.
    async fn beat(&mut self) -> Result<(), EngineError> {
        if self.beaten.elapsed() < LEASE / 4 {
            return Ok(());
        }
        self.beaten = Instant::now();
        match self.journal.heartbeat(self.claim).await? {
            Pulse::Beating => Ok(()),
            Pulse::Cancelling => Err(Stopped(Why::Cancelled).into()),
            Pulse::Lost => Err(Stopped(Why::Lost).into()),
        }
    }

    async fn lane(&mut self, lane: &Lane, target: &Scope) -> Result<(), EngineError> {
        if self.journal.items(self.claim.route, lane, &ItemQuery::After(None, 1)).await?.is_empty()
        {
            return Ok(());
        }
        if lane.kind.carriage() == Carriage::Git {
            let seen = self.repository(lane, target).await?;
            return self.forget_vanished(lane, &seen).await;
        }
        let mut doomed = tempfile::tempfile_in(&self.ends.scratch)?;
        let seen = self.choose(lane, target, &mut doomed).await?;
        doomed.rewind()?;
        let mut batch = Vec::new();
        for line in BufReader::new(doomed).lines() {
            batch.push(
                serde_json::from_str::<Doomed>(&line?).map_err(EngineError::document(SPOOL))?,
            );
            if batch.len() == BATCH {
                self.remove(lane, target, std::mem::take(&mut batch)).await?;
            }
        }
        self.remove(lane, target, batch).await?;
        self.forget_vanished(lane, &seen).await
    }

    /// Reads a lane of the destination, and notes on disk what of it may go.
    async fn choose(
        &mut self,
        lane: &Lane,
        target: &Scope,
        doomed: &mut std::fs::File,
    ) -> Result<Seen, EngineError> {
        let mut seen = Seen::default();
        self.witness.turn_to(lane, target).await?;
        let is_project = lane.kind == ObjectKind::Project;
        let listed = Lane::new(if is_project { Scope::Shared } else { target.clone() }, lane.kind);
        let mut pages = Pages::of(self.reader, &listed);
        while let Some(records) = pages.next().await? {
            self.beat().await?;
            let targets = records.iter().map(|it| TargetId(it.origin.id.clone())).collect();
            let items =
                self.journal.items(self.claim.route, lane, &ItemQuery::Targets(targets)).await?;
            let items: HashMap<&str, &Item> =
                items.iter().map(|it| (it.target.0.as_str(), it)).collect();
            let masks = self.witness.masks(lane, &records).await?;
            for record in &records {
                let Some(item) = items.get(record.origin.id.as_str()) else {
                    self.n_foreign += u64::from(!is_project);
                    continue;
                };
                seen.note(&item.origin.id);
                let since = self.witness.since(item, record, &masks)?;
                if self.may_go(item, target, since) {
                    let line =
                        Doomed { origin: item.origin.id.clone(), target: item.target.0.clone() };
                    writeln!(
                        doomed,
                        "{}",
                        serde_json::to_string(&line).map_err(EngineError::document(SPOOL))?
                    )?;
                }
            }
        }
        Ok(seen)
    }

    /// Whether the job made it and nobody has touched it since.
    fn may_go(&mut self, item: &Item, target: &Scope, since: Since) -> bool {
        let kind = item.origin.kind;
        if item.created_by != Some(self.job) {
            self.result.updated += u64::from(item.written_by == self.job);
            self.n_foreign += 1;
            return false;
        }
        let why = if item.written_by != self.job {
            "a later job has written it since".to_owned()
        } else if kind == ObjectKind::Project && self.n_foreign > 0 {
            "there is something in it that stays".to_owned()
        } else {
            match since {
                Since::Same => return true,
                Since::Changed => "somebody changed it since".to_owned(),
                Since::Unknown(why) => why,
            }
        };
        self.leave(target, kind, &item.target.0, why);
        false
    }

    fn leave(&mut self, target: &Scope, kind: ObjectKind, id: &str, why: impl Into<String>) {
        self.n_foreign += 1;
        if self.result.refused.len() == MAX_NAMED {
            self.result.more_refused += 1;
            return;
        }
        let (scope, id, why) = (target.clone(), id.to_owned(), why.into());
        self.result.refused.push(Left { scope, kind, id, why });
    }

    async fn remove(
        &mut self,
        lane: &Lane,
        target: &Scope,
        batch: Vec<Doomed>,
    ) -> Result<(), EngineError> {
        if batch.is_empty() {
            return Ok(());
        }
        let mut removed = Vec::with_capacity(batch.len());
        for Doomed { origin, target: id } in batch {
            self.beat().await?;
            let (from, to) = (Origin::new(lane.kind, origin), TargetId(id));
            match self.ends.sink.remove(target, &from, &to).await {
                Ok(()) => removed.push(from.id),
                Err(error) if is_about_the_object(&error) => {
                    self.leave(target, lane.kind, &to.0, chain(&error));
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.ends.sink.flush(target).await?;
        self.result.removed += removed.len() as u64;
        Ok(self.journal.forget(self.claim, lane, &removed).await?)
    }

    /// Forgets what somebody else has removed, so that a later run brings it again.
    async fn forget_vanished(&mut self, lane: &Lane, seen: &Seen) -> Result<(), EngineError> {
        let mut after = None;
        loop {
            let query = ItemQuery::After(after, PAGE);
            let items = self.journal.items(self.claim.route, lane, &query).await?;
            let Some(last) = items.last() else { return Ok(()) };
            after = Some(last.origin.id.clone());
            self.beat().await?;
            let ours = items.into_iter().filter(|it| it.written_by == self.job);
            let vanished: Vec<_> = ours.map(|it| it.origin.id).filter(|id| !seen.has(id)).collect();
            self.journal.forget(self.claim, lane, &vanished).await?;
        }
    }

    async fn repository(&mut self, lane: &Lane, target: &Scope) -> Result<Seen, EngineError> {
        let repo = repo_of(lane.kind);
        let query = ItemQuery::After(None, 1);
        let items = self.journal.items(self.claim.route, lane, &query).await?;
        let (Some(item), Some(path)) = (items.first(), target.project()) else {
            return Ok(Seen::default());
        };
        let mut seen = Seen::default();
        let Some(remote) = self.reader.remote(path, repo).await? else { return Ok(seen) };
        seen.note(&item.origin.id);
        let list = refs::list(&Git::find().await?, &remote).await?;
        let (list, _) = self.policy.select(&list);
        let is_same = item.fingerprint == Fingerprint::of(&object(repo, &list));
        let since = if is_same { Since::Same } else { Since::Changed };
        if self.may_go(item, target, since) {
            let doomed = Doomed { origin: item.origin.id.clone(), target: item.target.0.clone() };
            self.remove(lane, target, vec![doomed]).await?;
        }
        Ok(seen)
    }
}

/// Whether a destination that does not let one object go may let others go.
fn is_about_the_object(error: &HostError) -> bool {
    match error.kind {
        HostErrorKind::Forbidden
        | HostErrorKind::Conflict
        | HostErrorKind::Rejected
        | HostErrorKind::Protocol
        | HostErrorKind::NotFound
        | HostErrorKind::Unsupported => true,
        HostErrorKind::Unauthorized | HostErrorKind::RateLimited | HostErrorKind::Unavailable => {
            false
        }
    }
}
