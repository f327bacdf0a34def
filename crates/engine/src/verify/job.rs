//! A whole job, lane by lane.

use super::{
    Inspection, Verification, VerifyError,
    lane::{Pair, counts, kinds_of},
    pages::Pages,
    repository::Repositories,
    result::Gathered,
    so_far::SoFar,
    tally::{Matching, Rows, Tally},
};
use futures::{StreamExt, future::BoxFuture, stream};
use packhorse_core::{
    Lane, ObjectKind, Record, RepoKind, Scope, Support,
    job::JobOptions,
    port::{ItemQuery, ProjectView},
};
use packhorse_git::{Git, RefPolicy};
use std::{collections::BTreeSet, path::Path, sync::Arc};
use tokio::sync::Mutex;

/// Lanes that are looked at side by side.
///
/// Hosts answer late and a lane is read page after page, so that one by itself leaves them idle.
/// More would take more memory: each holds a page of either side.
const LANES_AT_ONCE: usize = 4;

/// Something that is looked at by itself.
enum Part<'a> {
    /// Records of one kind.
    Lane(Pair),
    /// The projects' own records.
    Projects,
    /// A project's large files, at the server beside its repository.
    LargeFiles(&'a ProjectView),
    /// One of a project's repositories.
    Repository(&'a ProjectView, RepoKind),
}

/// A part's place among all, and what it comes to.
type Looked<'a> = BoxFuture<'a, Result<(usize, Verification), VerifyError>>;

/// A job that is read back.
struct Check<'a> {
    inspection: &'a Inspection<'a>,
    projects: &'a [ProjectView],
    git: (&'a Git, RefPolicy),
    tally: Mutex<Tally>,
    so_far: Option<&'a SoFar<'a>>,
}

/// Reads back everything that a job of those projects should have left at the destination.
///
/// `scratch` holds ids and hashes for a while. The result is kept small: see
/// [`super::MAX_FINDINGS`].
///
/// # Errors
///
/// When an end, the journal or the scratch directory cannot be used. What
/// differs is no error.
pub async fn verify(
    inspection: &Inspection<'_>,
    options: &JobOptions,
    projects: &[ProjectView],
    git: (&Git, RefPolicy),
    scratch: &Path,
) -> Result<Verification, VerifyError> {
    verify_on(inspection, options, projects, git, (scratch, None)).await
}

/// Reads back what [`verify`] does.
///
/// `scratch` holds ids and hashes for a while. What an earlier run has read back is not read again.
/// The result is kept small: see [`super::MAX_FINDINGS`].
///
/// # Errors
///
/// When an end, the journal or the scratch directory cannot be used. What
/// differs is no error.
pub(crate) async fn verify_on(
    inspection: &Inspection<'_>,
    options: &JobOptions,
    projects: &[ProjectView],
    git: (&Git, RefPolicy),
    (scratch, so_far): (&Path, Option<&SoFar<'_>>),
) -> Result<Verification, VerifyError> {
    let (tally, _directory) = Tally::open(scratch)?;
    let check = Check { inspection, projects, git, tally: Mutex::new(tally), so_far };
    let wants = |kind| is_wanted(options, kind) && inspection.holds(kind);
    let files = wants_files(options, inspection);
    let inside = projects.iter().flat_map(|it| parts_of(inspection, it));
    let wanted = parts_beside(inspection).chain(inside).filter(|it| it.is_wanted(&wants, files));
    let parts = wanted.enumerate().map(|(place, part)| check.looked(place, part));
    // Boxed: a stream of closures would not be `Send` for every lifetime.
    let parts: Box<dyn Iterator<Item = Looked<'_>> + Send + '_> = Box::new(parts);
    let mut running = stream::iter(parts).buffer_unordered(LANES_AT_ONCE);
    let mut gathered = Gathered::default();
    while let Some(looked) = running.next().await {
        let (place, found) = looked?;
        gathered.add(place, found);
    }
    Ok(gathered.in_order())
}

/// What stands beside all projects.
fn parts_beside<'a>(inspection: &Inspection<'_>) -> impl Iterator<Item = Part<'a>> {
    let paths = inspection.paths.clone();
    let lanes = kinds_of(&Scope::Shared).map(move |kind| {
        let lane = Lane::new(Scope::Shared, kind);
        Part::Lane(Pair { origin: lane.clone(), target: lane, paths: paths.clone() })
    });
    lanes.chain([Part::Projects])
}

/// What stands in a project.
fn parts_of<'a>(
    inspection: &Inspection<'_>,
    project: &'a ProjectView,
) -> impl Iterator<Item = Part<'a>> {
    let paths = inspection.paths.clone();
    let source = Scope::Project(project.source.clone());
    let target = Scope::Project(project.target.clone());
    let lanes = kinds_of(&source).collect::<Vec<_>>().into_iter().map(move |kind| {
        let (origin, target) = (Lane::new(source.clone(), kind), Lane::new(target.clone(), kind));
        Part::Lane(Pair { origin, target, paths: paths.clone() })
    });
    let repositories = [RepoKind::Code, RepoKind::Wiki];
    lanes
        .chain([Part::LargeFiles(project)])
        .chain(repositories.map(|it| Part::Repository(project, it)))
}

impl Part<'_> {
    /// Where it belongs at the source, and what it is called there.
    fn name(&self) -> (Scope, String) {
        match self {
            Self::Lane(pair) => (pair.origin.scope.clone(), pair.origin.kind.name().to_owned()),
            Self::Projects => (Scope::Shared, ObjectKind::Project.name().to_owned()),
            Self::LargeFiles(project) => {
                (Scope::Project(project.source.clone()), "files at a server".to_owned())
            }
            Self::Repository(project, repo) => {
                let kind = super::repository::kind_of(*repo);
                (Scope::Project(project.source.clone()), kind.name().to_owned())
            }
        }
    }

    /// Whether it is wanted: its kind, or large files at a server.
    fn is_wanted(&self, wants: &impl Fn(ObjectKind) -> bool, files: bool) -> bool {
        match self {
            Self::Lane(pair) => wants(pair.origin.kind),
            Self::Projects => wants(ObjectKind::Project),
            Self::LargeFiles(_) => files,
            Self::Repository(_, repo) => wants(super::repository::kind_of(*repo)),
        }
    }
}

impl Check<'_> {
    /// Looks at a part, which has that place among all.
    fn looked<'s>(&'s self, place: usize, part: Part<'s>) -> Looked<'s> {
        Box::pin(async move {
            let (scope, name) = part.name();
            if let Some(so_far) = self.so_far
                && let Some(found) = so_far.part(&scope, &name).await?
            {
                return Ok((place, found));
            }
            let mut found = Verification::begun();
            self.look(part, &mut found).await?;
            if let Some(so_far) = self.so_far {
                so_far.note(&scope, name, &found).await?;
            }
            Ok((place, found))
        })
    }

    async fn look(&self, part: Part<'_>, found: &mut Verification) -> Result<(), VerifyError> {
        let Self { inspection, git: (git, policy), tally, .. } = self;
        match part {
            Part::Lane(pair) => inspection.lane(&pair, tally, found).await,
            Part::Projects => {
                let mut tally = tally.lock().await;
                inspection.projects(self.projects, &mut tally, found).await
            }
            Part::LargeFiles(project) => {
                let paths = (project.source.as_str(), project.target.as_str());
                inspection.large_files(git, paths, found).await
            }
            Part::Repository(project, repo) => {
                let repositories = Repositories {
                    git,
                    source: inspection.source,
                    reader: inspection.reader,
                    paths: (&project.source, &project.target),
                    policy: policy.clone(),
                    lists_files: inspection.lists(ObjectKind::LfsObject),
                };
                repositories.check(repo, found).await
            }
        }
    }
}

/// Whether records of a kind were asked for; projects come along with whatever is in them.
fn is_wanted(options: &JobOptions, kind: ObjectKind) -> bool {
    if kind == ObjectKind::Project { !options.skip.contains(&kind) } else { options.wants(kind) }
}

/// Whether large files were asked for, and can have come to a server.
fn wants_files(options: &JobOptions, inspection: &Inspection<'_>) -> bool {
    let kind = ObjectKind::LfsObject;
    is_wanted(options, kind) && inspection.sink_caps.of(kind) == Support::WithGit
}

impl Inspection<'_> {
    /// Whether records of a kind can have arrived, and can be read back.
    fn holds(&self, kind: ObjectKind) -> bool {
        let is_given = match self.source_caps.of(kind) {
            Support::Full | Support::Partial(_) | Support::WithGit => true,
            Support::None(_) => false,
        };
        let ends = [self.sink_caps, self.reader_caps];
        is_given && ends.iter().all(|caps| caps.of(kind).is_some())
    }

    /// Whether both ends list records of a kind.
    fn lists(&self, kind: ObjectKind) -> bool {
        self.holds(kind) && self.source_caps.of(kind).is_some()
    }

    /// Compares the projects' own records: written one in each scope, listed in one lane.
    async fn projects(
        &self,
        projects: &[ProjectView],
        tally: &mut Tally,
        verification: &mut Verification,
    ) -> Result<(), VerifyError> {
        let kind = ObjectKind::Project;
        let mask = self.mask(kind);
        let lane = Lane::new(Scope::Shared, kind);
        let ours: BTreeSet<&str> = projects.iter().map(|it| it.source.as_str()).collect();
        let mut targets = BTreeSet::new();
        let mut masks = self.masks(&lane, &mask, []).await?;
        tally.clear()?;
        let mut pages = Pages::of(self.source, &lane);
        while let Some(records) = pages.next().await? {
            for record in records.into_iter().filter(|it| ours.contains(it.origin.id.as_str())) {
                let id = record.origin.id.clone();
                let scope = Scope::Project(id.clone());
                let Some((home, target)) = self.project_target(&scope, &id).await? else {
                    continue;
                };
                targets.insert(target.clone());
                masks = masks.and(self.masks(&home, &mask, [target.clone()]).await?);
                let record = self.transformed(&scope, record);
                let hash = masks.of(&target).fingerprint(&record.object);
                tally.expect([(target, id, hash)])?;
            }
        }
        let mut pages = Pages::of(self.reader, &lane);
        while let Some(records) = pages.next().await? {
            let found = records.into_iter().filter(|it| targets.contains(&it.origin.id));
            let row = |it: Record| {
                let hash = masks.of(&it.origin.id).fingerprint(&it.object);
                (it.origin.id, hash)
            };
            tally.find(found.map(row))?;
        }
        let outcome = tally.outcome(Matching::ById, verification.room())?;
        let tallied = counts(&outcome);
        let pair = Pair { origin: lane.clone(), target: lane, paths: Arc::default() };
        self.report(&pair, &masks, outcome, verification).await?;
        verification.close_lane(&Scope::Shared, kind, tallied);
        Ok(())
    }

    /// What a project's record became, and the lane in which the journal has it.
    async fn project_target(
        &self,
        scope: &Scope,
        id: &str,
    ) -> Result<Option<(Lane, String)>, VerifyError> {
        for scope in [scope, &Scope::Shared] {
            let lane = Lane::new(scope.clone(), ObjectKind::Project);
            let query = ItemQuery::Origins(vec![id.to_owned()]);
            let items = self.journal.items(self.route, &lane, &query).await?;
            if let Some(item) = items.into_iter().next() {
                return Ok(Some((lane, item.target.0)));
            }
        }
        Ok(None)
    }
}
