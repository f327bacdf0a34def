//! The second pass: references to what had not arrived when they were written.
//!
//! A body that says `#12` may be written before anybody knows what number 12 gets
//! at the destination. The links step leaves such a reference as it is and marks
//! the record; when everything has arrived, the marked lanes are read again, and
//! records whose texts come out otherwise now are brought up to date. For
//! destinations that keep numbers there is nothing to do and nothing is read.
//!
//! A run that dies here loses nothing: the next one meets the same records with
//! their references known, and updates them as changed.

use crate::{
    ends::Ends,
    error::chain,
    transform::{
        PathMap,
        links::{self, Links, UNRESOLVED, files, host_ids, later_id, numbered},
    },
    verify::pages::Pages,
};
use packhorse_core::{
    Capabilities, Fingerprint, HostError, HostErrorKind, Lane, Loss, ObjectKind, Origin, Record,
    Scope, Settle,
    model::HostId,
    port::{
        Claim, Context, Failure, Item, ItemQuery, Journal, JournalError, Outcome, Settled,
        Transform,
    },
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Why the second pass stopped; it can be repeated.
#[derive(Debug, thiserror::Error)]
pub enum RelinkError {
    /// One of the ends failed.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The journal failed, or the claim is another worker's.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The result has no JSON.
    #[error("could not write down what the second pass came to")]
    Document(#[from] serde_json::Error),
}

/// What the second pass needs.
#[derive(Clone, Copy)]
pub struct Relinking<'a> {
    /// The two ends.
    pub ends: &'a Ends,
    /// What the source can do.
    pub source: &'a Capabilities,
    /// What the destination can do.
    pub sink: &'a Capabilities,
    /// The steps that records go through.
    pub transforms: &'a [Box<dyn Transform>],
    /// Which project becomes which.
    pub paths: &'a Arc<PathMap>,
    /// What was written.
    pub journal: &'a dyn Journal,
    /// The right to write.
    pub claim: &'a Claim,
}

/// What the second pass came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relinked {
    /// Records that were brought up to date.
    pub rewritten: u64,
    /// Records with references that lead nowhere: what they name never arrived.
    pub left: BTreeMap<ObjectKind, u64>,
}

impl Relinked {
    /// Name of the document in the journal.
    pub const DOCUMENT: &'static str = "relinked";
}

/// Resolves what the first pass left, keeps the result in the journal, and returns it.
///
/// # Errors
///
/// When an end or the journal fails. A record that the destination refuses is
/// noted as a failure, and the others go on.
pub async fn relink(relinking: &Relinking<'_>) -> Result<Relinked, RelinkError> {
    let mut relinked = Relinked::default();
    if !links::looks_up(relinking.sink) {
        return Ok(relinked);
    }
    for lane in marked(relinking.journal, relinking.claim).await? {
        relinking.lane(&lane, &mut relinked).await?;
    }
    let document = serde_json::to_value(&relinked)?;
    relinking.journal.keep(relinking.claim.job, Relinked::DOCUMENT, &document).await?;
    Ok(relinked)
}

/// Lanes in which this job left references unresolved.
async fn marked(journal: &dyn Journal, claim: &Claim) -> Result<BTreeSet<Lane>, JournalError> {
    let lanes = journal.history(claim.job).await?.lanes_that_lost(UNRESOLVED).await?;
    Ok(lanes.into_iter().collect())
}

impl Relinking<'_> {
    fn context<'a>(&'a self, scope: &'a Scope) -> Context<'a> {
        Context { source: self.source, sink: self.sink, scope }
    }

    async fn lane(&self, lane: &Lane, relinked: &mut Relinked) -> Result<(), RelinkError> {
        let context = self.context(&lane.scope);
        let target = match lane.scope.project().and_then(|it| self.paths.project(it)) {
            Some(path) => Scope::Project(path.to_owned()),
            None => lane.scope.clone(),
        };
        let links = leading(&context, self.paths);
        let mut pages = Pages::of(&*self.ends.source, lane);
        while let Some(mut records) = pages.next().await? {
            records.retain_mut(|it| {
                later_id(&mut it.object).is_some()
                    || !numbered(&mut it.object, self.sink).is_empty()
                    || !files(&mut it.object, self.sink).is_empty()
                    || links.as_ref().is_some_and(|to| !to.references(it, &lane.scope).is_empty())
            });
            if records.is_empty() {
                continue;
            }
            link(self.journal, self.claim.route, &context, self.paths, &mut records).await?;
            self.page(lane, &target, records, relinked).await?;
        }
        Ok(())
    }

    /// Brings up to date what comes out otherwise than it was written.
    async fn page(
        &self,
        lane: &Lane,
        target: &Scope,
        records: Vec<Record>,
        relinked: &mut Relinked,
    ) -> Result<(), RelinkError> {
        let items = self.items(lane, &records).await?;
        let context = self.context(&lane.scope);
        let (mut settled, mut failed) = (Vec::new(), Vec::new());
        for mut record in records {
            let Some(item) = items.get(&record.origin.id) else { continue };
            self.transforms.apply(&context, &mut record);
            if record.losses.iter().any(|it| it.field == UNRESOLVED) {
                *relinked.left.entry(lane.kind).or_default() += 1;
            }
            let fingerprint = Fingerprint::of(&record.object);
            if fingerprint == item.fingerprint {
                continue;
            }
            match self.ends.sink.write(target, &record, Some(&item.target)).await {
                // What else it loses was noted when it was first written.
                Ok(written) => settled.push(Settled {
                    id: record.origin.id,
                    fingerprint,
                    target: written.target,
                    outcome: Some(Outcome::Updated),
                    losses: Vec::new(),
                }),
                Err(error) if is_about_the_record(error.kind) => failed.push(Failure {
                    scope: lane.scope.clone(),
                    kind: lane.kind,
                    id: Some(record.origin.id),
                    reason: chain(&error),
                }),
                Err(error) => return Err(error.into()),
            }
        }
        if settled.is_empty() && failed.is_empty() {
            return Ok(());
        }
        if self.sink.settle == Settle::Page {
            self.ends.sink.flush(target).await?;
        }
        self.journal.settle(self.claim, lane, &settled, &failed, None).await?;
        relinked.rewritten += settled.len() as u64;
        Ok(())
    }

    async fn items(
        &self,
        lane: &Lane,
        records: &[Record],
    ) -> Result<BTreeMap<String, Item>, JournalError> {
        let ids = records.iter().map(|it| it.origin.id.clone()).collect();
        let items = self.journal.items(self.claim.route, lane, &ItemQuery::Origins(ids)).await?;
        Ok(items.into_iter().map(|it| (it.origin.id.clone(), it)).collect())
    }
}

/// Whether a failure says something of the record rather than of the host.
fn is_about_the_record(kind: HostErrorKind) -> bool {
    match kind {
        HostErrorKind::NotFound
        | HostErrorKind::Conflict
        | HostErrorKind::Rejected
        | HostErrorKind::Unsupported => true,
        HostErrorKind::Unauthorized
        | HostErrorKind::Forbidden
        | HostErrorKind::RateLimited
        | HostErrorKind::Protocol
        | HostErrorKind::Unavailable => false,
    }
}

/// Fills [`Record::links`] with what the journal knows: of ids that the records name, and of
/// numbers in their texts where the destination gives other numbers.
///
/// For destinations that give ids of their own, an id of something that arrives
/// later is taken out, and the record is marked for [`relink`].
///
/// # Errors
///
/// When the journal cannot be read.
pub async fn link(
    journal: &dyn Journal,
    route: u64,
    context: &Context<'_>,
    paths: &Arc<PathMap>,
    records: &mut [Record],
) -> Result<(), JournalError> {
    let wanted = wanted(context, paths, records);
    for (lane, ids) in wanted {
        let query = ItemQuery::Origins(ids.keys().cloned().collect());
        for item in journal.items(route, &lane, &query).await? {
            for (at, key) in ids.get(&item.origin.id).into_iter().flatten() {
                records[*at].links.insert(key.clone(), item.target.clone());
            }
        }
    }
    if context.sink.settle == Settle::Record {
        records.iter_mut().for_each(postpone);
    }
    Ok(())
}

/// Ids that records refer to, by the lanes that they are looked up in; with each, the records by
/// their places, and how they call it.
pub(crate) type Wanted = BTreeMap<Lane, BTreeMap<String, Vec<(usize, Origin)>>>;

/// What finds references in texts; `None` where all lead to the right place already.
fn leading(context: &Context<'_>, paths: &Arc<PathMap>) -> Option<Links> {
    Links::between(context.source, context.sink, Arc::clone(paths), None)
}

/// What records refer to.
pub(crate) fn wanted(
    context: &Context<'_>,
    paths: &Arc<PathMap>,
    records: &mut [Record],
) -> Wanted {
    let mut wanted: Wanted = BTreeMap::new();
    let mut want = |lane: Lane, id: String, at: usize, key: Origin| {
        wanted.entry(lane).or_default().entry(id).or_default().push((at, key));
    };
    let links = leading(context, paths);
    for (at, record) in records.iter_mut().enumerate() {
        let by_number = numbered(&mut record.object, context.sink);
        let shown = files(&mut record.object, context.sink);
        for origin in host_ids(&record.object).into_iter().chain(by_number).chain(shown) {
            let lane = Lane::new(context.scope.clone(), origin.kind);
            want(lane, origin.id.clone(), at, origin);
        }
        let named = links.as_ref().map(|it| it.references(record, context.scope));
        for reference in named.into_iter().flatten() {
            let id = reference.number.to_string();
            want(reference.lane(context.scope), id, at, reference.key());
        }
    }
    wanted
}

/// Takes out of a record the id of something that arrives later, and marks it.
fn postpone(record: &mut Record) {
    let Some((kind, place)) = later_id(&mut record.object) else { return };
    let is_known = |id: &HostId| record.links.contains_key(&Origin::new(kind, &*id.0));
    if place.take_if(|id| !is_known(id)).is_some() {
        let detail = "refers to something that had not arrived yet";
        record.losses.push(Loss::policy(UNRESOLVED, detail));
    }
}
