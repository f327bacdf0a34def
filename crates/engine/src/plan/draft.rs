//! The plan, drawn up from counts.

use super::{conflicts::Search, fate, paths::PathPlan};
use crate::{
    Ends, EngineError,
    transform::users::{UserMap, identities},
    verify::pages::Pages,
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use packhorse_core::{
    Capabilities, HostError, Lane, ObjectKind, Scope, Support,
    job::JobOptions,
    plan::{Plan, PlannedKind, PlannedProject},
    port::{Inventory, KindCount, Source, SourceLoss},
};
use packhorse_git::RefPolicy;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Projects whose counts are asked for at the same time.
const INVENTORIES_AT_ONCE: usize = 8;

/// Logins without a mapping that a plan names.
const MAX_UNMAPPED: usize = 1_000;

/// What both ends can do.
#[derive(Clone, Debug)]
pub(crate) struct Sides {
    pub(crate) source: Capabilities,
    pub(crate) sink: Capabilities,
    /// Whether the destination is a place of many projects, rather than one repository's address.
    pub(crate) sink_lists_projects: bool,
}

impl Sides {
    /// Asks both ends.
    pub(crate) async fn probe(ends: &Ends) -> Result<Self, HostError> {
        let source = ends.source.probe().await?;
        let sink = ends.sink.probe().await?;
        // A place that says of a project's path that it cannot hold it has an address of its own.
        let own_path = |gaps: &[packhorse_core::Gap]| gaps.iter().any(|it| it.field == "path");
        let sink_lists_projects = match sink.of(ObjectKind::Project) {
            Support::Full => true,
            Support::Partial(gaps) => !own_path(gaps),
            Support::WithGit | Support::None(_) => false,
        };
        Ok(Self { source, sink, sink_lists_projects })
    }
}

/// How much there is in each scope, without what is lost in reading.
pub(crate) type Counted = HashMap<Scope, Inventory>;

/// Draws up the plan; `ours` are paths at the destination that this route wrote before.
pub(crate) async fn draft(
    ends: &Ends,
    options: &JobOptions,
    sides: &Sides,
    ours: &BTreeSet<String>,
) -> Result<(Plan, Counted), EngineError> {
    let paths = PathPlan::of(options)?;
    let policy = ends.policy(options)?;
    let source = &*ends.source;
    let (mut tally, mut counted) = (Tally::default(), Counted::new());
    let mut shared = source.inventory(&Scope::Shared).await?;
    tally.add(shared.counts.iter().filter(|it| it.kind != ObjectKind::Project));
    tally.lose(std::mem::take(&mut shared.losses));
    counted.insert(Scope::Shared, shared);
    let projects = projects(source, &paths, options, (&mut tally, &mut counted)).await?;
    if let (Some(only), true) = (&options.project, projects.is_empty()) {
        return Err(EngineError::NoProject { project: only.clone(), from: ends.from.clone() });
    }
    let there = projects.iter().map(|it| it.source.as_str()).collect();
    let mut look_at = paths.unmatched(&there);
    look_at.extend(paths.notes());
    if projects.is_empty() && !options.selection.is_all() {
        let why = look_at.into_iter().map(|it| it.detail).collect();
        return Err(EngineError::NothingSelected { from: ends.from.clone(), why });
    }
    if !projects.is_empty() {
        let records = Some(projects.len() as u64);
        tally.add([&KindCount { kind: ObjectKind::Project, records, bytes: None }]);
    }
    let numbered = &tally.numbered;
    let search = Search { ends, options, sides, paths: &paths, ours, numbered };
    look_at.extend(search.among(&projects).await?);
    let plan = Plan {
        ways: Vec::new(),
        from: ends.from.clone(),
        to: ends.to.clone(),
        kinds: tally.rows(options, sides, &policy),
        source_losses: tally.losses.into_values().collect(),
        conflicts: look_at,
        unmapped_users: unmapped(source, options).await?,
        forecast: None,
        projects,
    };
    Ok((plan, counted))
}

/// Lists the projects that are carried, and counts what is in them.
async fn projects(
    source: &dyn Source,
    paths: &PathPlan<'_>,
    options: &JobOptions,
    (tally, counted): (&mut Tally, &mut Counted),
) -> Result<Vec<PlannedProject>, HostError> {
    let lane = Lane::new(Scope::Shared, ObjectKind::Project);
    let mut pages = Pages::of(source, &lane);
    let mut list = Vec::new();
    while let Some(records) = pages.next().await? {
        let picked = records.into_iter().filter_map(|it| {
            let target = paths.target(&it.origin.id)?;
            Some((it.origin.id, target))
        });
        let counts = stream::iter(picked)
            .map(|(path, target)| async move {
                let inventory = source.inventory(&Scope::Project(path.clone())).await?;
                Ok::<_, HostError>((path, target, inventory))
            })
            .buffered(INVENTORIES_AT_ONCE);
        let counts: Vec<(String, String, Inventory)> = counts.try_collect().await?;
        for (path, target, mut inventory) in counts {
            // Projects are counted by their list; whether a source counts them here too is up to it.
            let counts = || inventory.counts.iter().filter(|it| it.kind != ObjectKind::Project);
            let wanted = || counts().filter(|it| fate::is_wanted(options, it.kind));
            let own = u64::from(fate::is_wanted(options, ObjectKind::Project));
            list.push(PlannedProject {
                source: path.clone(),
                target,
                records: wanted().try_fold(own, |sum, it| Some(sum + it.records?)),
                bytes: wanted().filter_map(|it| it.bytes).reduce(|a, b| a + b),
            });
            let has_numbers = |it: &KindCount| {
                matches!(it.kind, ObjectKind::Issue | ObjectKind::ChangeRequest)
                    && it.records != Some(0)
            };
            if wanted().any(has_numbers) {
                tally.numbered.insert(path.clone());
            }
            tally.add(counts());
            tally.lose(std::mem::take(&mut inventory.losses));
            counted.insert(Scope::Project(path), inventory);
        }
        if options.project.is_some() && !list.is_empty() {
            break;
        }
    }
    Ok(list)
}

/// Counts and losses of the whole source.
#[derive(Default)]
struct Tally {
    counts: BTreeMap<ObjectKind, KindCount>,
    losses: BTreeMap<(String, String, String), SourceLoss>,
    /// Projects that have issues or change requests to carry.
    numbered: BTreeSet<String>,
}

impl Tally {
    fn add<'a>(&mut self, counts: impl IntoIterator<Item = &'a KindCount>) {
        for count in counts {
            let sum = self.counts.entry(count.kind).or_insert_with(|| KindCount {
                kind: count.kind,
                records: Some(0),
                bytes: None,
            });
            sum.records = sum.records.zip(count.records).map(|(a, b)| a + b);
            sum.bytes = sum.bytes.into_iter().chain(count.bytes).reduce(|a, b| a + b);
        }
    }

    fn lose(&mut self, losses: Vec<SourceLoss>) {
        for loss in losses {
            let key = (loss.name.clone(), loss.loss.field.to_string(), loss.loss.detail.clone());
            match self.losses.get_mut(&key) {
                Some(known) => known.count += loss.count,
                None => drop(self.losses.insert(key, loss)),
            }
        }
    }

    /// One row for each kind that there is any of.
    fn rows(&self, options: &JobOptions, sides: &Sides, policy: &RefPolicy) -> Vec<PlannedKind> {
        let some = self.counts.values().filter(|it| it.records != Some(0));
        some.map(|count| PlannedKind {
            records: count.records,
            bytes: count.bytes,
            ..fate::row(count.kind, options, (&sides.source, &sides.sink), policy)
        })
        .collect()
    }
}

/// Logins of the source's users that the users file does not map, if there is one.
async fn unmapped(source: &dyn Source, options: &JobOptions) -> Result<Vec<String>, EngineError> {
    let map = options.users.as_deref().map(UserMap::parse).transpose()?;
    let Some(map) = map.filter(|it| !it.is_empty()) else { return Ok(Vec::new()) };
    let lane = Lane::new(Scope::Shared, ObjectKind::User);
    let mut pages = Pages::of(source, &lane);
    let mut logins = BTreeSet::new();
    while logins.len() < MAX_UNMAPPED
        && let Some(records) = pages.next().await?
    {
        logins.extend(map.unmapped(records.iter().flat_map(|it| identities(&it.object))));
    }
    Ok(logins.into_iter().take(MAX_UNMAPPED).collect())
}
