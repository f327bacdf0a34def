//! A whole job, lane by lane.

use super::{
    Inspection, Verification, VerifyError,
    lane::{Pair, counts, kinds_of},
    pages::Pages,
    repository::Repositories,
    tally::{Matching, Tally},
};
use packhorse_core::{
    Lane, ObjectKind, Record, RepoKind, Scope, Support,
    job::JobOptions,
    port::{ItemQuery, ProjectView},
};
use packhorse_git::{Git, RefPolicy};
use std::{collections::BTreeSet, path::Path, sync::Arc};

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
    (git, policy): (&Git, RefPolicy),
    scratch: &Path,
) -> Result<Verification, VerifyError> {
    let (mut tally, _directory) = Tally::open(scratch)?;
    let mut verification = Verification::begun();
    let wants = |kind| is_wanted(options, kind) && inspection.holds(kind);
    let shared = Scope::Shared;
    let paths = &inspection.paths;
    for kind in kinds_of(&shared).filter(|kind| wants(*kind)) {
        let lane = Lane::new(shared.clone(), kind);
        let pair = Pair { origin: lane.clone(), target: lane, paths: paths.clone() };
        inspection.lane(&pair, &mut tally, &mut verification).await?;
    }
    if wants(ObjectKind::Project) {
        inspection.projects(projects, &mut tally, &mut verification).await?;
    }
    for project in projects {
        let scopes =
            (Scope::Project(project.source.clone()), Scope::Project(project.target.clone()));
        for kind in kinds_of(&scopes.0).filter(|kind| wants(*kind)) {
            let pair = Pair {
                origin: Lane::new(scopes.0.clone(), kind),
                target: Lane::new(scopes.1.clone(), kind),
                paths: paths.clone(),
            };
            inspection.lane(&pair, &mut tally, &mut verification).await?;
        }
        if wants_files(options, inspection) {
            let paths = (project.source.as_str(), project.target.as_str());
            Box::pin(inspection.large_files(git, paths, &mut verification)).await?;
        }
        let repositories = Repositories {
            git,
            source: inspection.source,
            reader: inspection.reader,
            paths: (&project.source, &project.target),
            policy: policy.clone(),
            lists_files: inspection.lists(ObjectKind::LfsObject),
        };
        for repo in [RepoKind::Code, RepoKind::Wiki] {
            if wants(super::repository::kind_of(repo)) {
                repositories.check(repo, &mut verification).await?;
            }
        }
    }
    Ok(verification)
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
