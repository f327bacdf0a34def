//! Groups that the destination has not: made by it of archives of them, before their projects come.
//!
//! Over the API a group is a name, a sentence and who may see it; of an archive it has people, labels
//! and milestones too, with their times. A destination does not say when it is done, so what is
//! there is held against the archive. What it does not take is made over the API, as are names and
//! visibility, which an import does not keep.

use super::{HandingOver, course::is_refused};
use crate::{
    commands::migrate,
    config, document,
    error::{AppError, Status},
    terminal,
};
use packhorse_archive::{GroupLevel, GroupTree};
use packhorse_core::{
    HostSpec, Loss, ObjectKind, Scope,
    error::chain,
    job::{JobId, JobOptions},
    port::{GroupHandOver, NotedLoss},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, path::Path, time::Duration};

/// How soon it is looked again, at first and at most.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// How long nothing may have come before an import counts as ended.
const QUIET: Duration = Duration::from_secs(120);

/// Where the making of groups stands.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Groups {
    /// Whether all of it was done.
    is_settled: bool,
    /// The job that made the archives.
    pub(super) job: Option<u64>,
    /// Groups that the destination was, or may have been, told to make.
    begun: BTreeSet<String>,
    /// What did not come.
    pub(super) lost: Vec<NotedLoss>,
}

/// A kind of which less is there than in the archive: how many, of how many.
type Lacking = (ObjectKind, u64, u64);

fn expected(level: &GroupLevel) -> [(ObjectKind, u64); 3] {
    [
        (ObjectKind::Member, level.members.len() as u64),
        (ObjectKind::Label, level.labels.len() as u64),
        (ObjectKind::Milestone, level.milestones.len() as u64),
    ]
}

/// What is not there of a group; the group itself, where that is not.
async fn lacking(taking: &dyn GroupHandOver, level: &GroupLevel) -> Result<Vec<Lacking>, AppError> {
    let mut lacking = Vec::new();
    for (kind, wanted) in expected(level) {
        let Some(found) = taking.count(&level.organization.path, kind).await? else {
            return Ok(vec![(ObjectKind::Organization, 0, 1)]);
        };
        if found < wanted {
            lacking.push((kind, found, wanted));
        }
    }
    Ok(lacking)
}

impl HandingOver<'_> {
    /// Whether some of the projects belong into a group that the destination would make.
    async fn lacks_a_group(&self, taking: &dyn GroupHandOver) -> Result<bool, AppError> {
        let targets = self.state.cargos.iter().flat_map(|it| &it.projects).map(|it| &it.target);
        let groups: BTreeSet<&str> =
            targets.flat_map(|it| it.match_indices('/').map(|(end, _)| &it[..end])).collect();
        for group in groups {
            if taking.refuses(group).await?.is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Has the groups made that are not there, and looks what came of them.
    pub(super) async fn make_groups(&mut self) -> Result<Status, AppError> {
        let is_wanted = self.route.options.wants(ObjectKind::Organization);
        if self.state.groups.is_settled || !is_wanted {
            return Ok(Status::Done);
        }
        let Some(taking) = self.route.taking_groups()? else { return Ok(Status::Done) };
        if self.state.groups.job.is_none() && !self.lacks_a_group(&*taking).await? {
            return Ok(Status::Done);
        }
        let mut formats = packhorse_archive::FORMATS.iter().copied();
        let Some(format) = formats.find(|it| it.id == taking.format()) else {
            return Ok(Status::Done);
        };
        let directory = self.state.groups_directory();
        if !directory.exists() {
            terminal::talk("into archives: groups that the destination has not");
            match self.carry_groups(format, &directory).await? {
                Status::Done | Status::Losses => {}
                status @ (Status::Failed | Status::Stopped | Status::Usage) => return Ok(status),
            }
        }
        // There is none where the source has no groups.
        if directory.exists() {
            let trees = packhorse_archive::group_trees(format, &directory).map_err(|error| {
                AppError::failed("the archives of groups cannot be read").because(error)
            })?;
            for tree in trees {
                if !self.make_group(&*taking, &tree).await? {
                    return Ok(Status::Stopped);
                }
            }
            self.report_groups().await?;
            std::fs::remove_dir_all(&directory)?;
        }
        self.state.groups.is_settled = true;
        self.state.save()?;
        Ok(Status::Done)
    }

    /// Carries the groups of all projects into archives.
    async fn carry_groups(
        &mut self,
        format: &'static HostSpec,
        directory: &Path,
    ) -> Result<Status, AppError> {
        let projects: Vec<_> =
            self.state.cargos.iter().flat_map(|it| it.projects.clone()).collect();
        let options = self.narrowed(&projects);
        let kinds = [
            ObjectKind::Organization,
            ObjectKind::Member,
            ObjectKind::Label,
            ObjectKind::Milestone,
        ];
        let only = kinds.into_iter().filter(|it| options.wants(*it)).collect();
        let options = JobOptions { only, ..options };
        let to = format!("{}:{}", format.id, directory.display()).parse()?;
        let route = self.route.towards(self.globals, to, options)?;
        let state = &mut self.state;
        state.save()?;
        migrate::whole(self.globals, &route, self.tuning, |job| {
            state.groups.job = Some(job.0);
            state.save()
        })
        .await
    }

    /// Has a group made, and those below it; `false` when somebody stops that.
    async fn make_group(
        &mut self,
        taking: &dyn GroupHandOver,
        tree: &GroupTree,
    ) -> Result<bool, AppError> {
        let Some(root) = tree.levels.first().map(|it| it.organization.clone()) else {
            return Ok(true);
        };
        let refused = taking.refuses(&root.path).await?;
        let is_begun = self.state.groups.begun.contains(&root.path) && refused.is_some();
        if !is_begun {
            if let Some(why) = refused {
                terminal::talk(&format!("over the API: the group `{}`: {why}", root.path));
                return Ok(true);
            }
            self.state.groups.begun.insert(root.path.clone());
            self.state.save()?;
            let own = root.path.rsplit('/').next().unwrap_or_default();
            let name = root.name.as_deref().unwrap_or(own);
            if let Err(error) = taking.begin(&root.path, name, &tree.file).await {
                // What was not answered may have begun: the next run finds the group, or not.
                if !is_refused(&error) {
                    return Err(error.into());
                }
                self.state.groups.begun.remove(&root.path);
                self.state.save()?;
                let why = chain(&error);
                terminal::talk(&format!("over the API: the group `{}`: {why}", root.path));
                return Ok(true);
            }
        }
        terminal::talk(&format!(
            "the destination makes the group `{}` of an archive with {} groups",
            root.path,
            tree.levels.len()
        ));
        self.watch(taking, tree).await
    }

    /// Looks what comes until nothing does any more; `false` when somebody stops that.
    async fn watch(
        &mut self,
        taking: &dyn GroupHandOver,
        tree: &GroupTree,
    ) -> Result<bool, AppError> {
        for (n, level) in tree.levels.iter().enumerate() {
            let (mut wait, mut quiet, mut last) = (FIRST_WAIT, Duration::ZERO, None);
            loop {
                let lacking = lacking(taking, level).await?;
                // Groups come one after the other, and people first; some have no account there.
                let next = match tree.levels.get(n + 1) {
                    Some(next) => {
                        taking.count(&next.organization.path, ObjectKind::Label).await?.is_some()
                    }
                    None => {
                        let has_more = !level.labels.is_empty() || !level.milestones.is_empty();
                        has_more && lacking.iter().all(|(kind, ..)| *kind == ObjectKind::Member)
                    }
                };
                if lacking.is_empty() || next || quiet >= QUIET {
                    self.state.groups.lost.extend(lacking.iter().map(|it| lost(level, *it)));
                    self.state.save()?;
                    break;
                }
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    _ = tokio::signal::ctrl_c() => return self.stopped().await,
                }
                quiet = if last.as_ref() == Some(&lacking) { quiet + wait } else { Duration::ZERO };
                last = Some(lacking);
                wait = (wait * 2).min(LONGEST_WAIT);
            }
        }
        Ok(true)
    }

    /// Puts what did not come into the report of the job that made the archives.
    async fn report_groups(&self) -> Result<(), AppError> {
        let Groups { job: Some(job), lost, .. } = &self.state.groups else { return Ok(()) };
        for it in lost {
            terminal::talk(&format!("loss: `{}`: {}", it.id, it.loss.detail));
        }
        if lost.is_empty() {
            return Ok(());
        }
        let journal = config::journal(self.globals, true)?;
        let losses = document::value(lost)?;
        Ok(journal.keep(JobId(*job), packhorse_engine::report::HANDED_OVER, &losses).await?)
    }
}

fn lost(level: &GroupLevel, (kind, found, wanted): Lacking) -> NotedLoss {
    let what = kind.name();
    NotedLoss {
        scope: Scope::Shared,
        kind,
        id: level.organization.path.clone(),
        loss: Loss::sink(
            Loss::WHOLE,
            format!("the destination's import of the group brought {found} of {wanted}: {what}"),
        ),
    }
}
