//! After an import: what the destination said, what it left out, and whether what is there is what
//! was in the archive.

use super::{
    HandingOver,
    reduced::Reduced,
    state::{Cargo, Named, Outcome},
};
use crate::{
    commands::{compare, migrate},
    config, document,
    error::{AppError, Status},
    progress, registry, terminal,
};
use packhorse_core::{
    Carriage, HostSpec, Loss, ObjectKind, Scope, Support, TargetId,
    conflict::{About, Choice, Resolution},
    job::{JobId, JobOptions},
    port::{ImportMessage, ImportStage, NotedLoss, Part, Severity},
};
use std::{collections::BTreeSet, fs, sync::Mutex};

/// Whether records of a kind are found again by what they are called, so that they can be brought
/// without knowing what the import has called everything.
fn is_by_itself(kind: ObjectKind) -> bool {
    matches!(
        kind,
        ObjectKind::Topic
            | ObjectKind::CommitStatus
            | ObjectKind::BranchRule
            | ObjectKind::TagRule
            | ObjectKind::Webhook
            | ObjectKind::DeployKey
            | ObjectKind::Variable
            | ObjectKind::State
            | ObjectKind::LfsObject
            // Of a commit, which is called the same everywhere.
            | ObjectKind::CommitComment
            // Of a release, by its tag and its own name.
            | ObjectKind::ReleaseAsset
    )
}

/// Whether archives of a format have a place for records of a kind, with their bytes.
fn has_place(archive: &HostSpec, kind: ObjectKind) -> bool {
    let support = (archive.writes)(kind);
    let has_bytes = || !support.gaps().iter().any(|it| it.field == "blob");
    support.is_some() && (kind.carriage() != Carriage::Blob || has_bytes())
}

/// Whether what an import has failed at can be brought over the API beside what arrived.
fn is_mended(kind: ObjectKind) -> bool {
    is_by_itself(kind)
        || matches!(kind, ObjectKind::Label | ObjectKind::Milestone | ObjectKind::Release)
}

/// What the API brings after an import: what the archive has no place for, and what the import has
/// failed at.
pub(super) fn left_out(
    archive: &HostSpec,
    to: &HostSpec,
    messages: &[ImportMessage],
) -> BTreeSet<ObjectKind> {
    let failed =
        |kind: ObjectKind| is_mended(kind) && messages.iter().any(|it| it.kind == Some(kind));
    let has_no_place = |kind: ObjectKind| is_by_itself(kind) && !has_place(archive, kind);
    let kinds = ObjectKind::ALL.iter().copied();
    kinds.filter(|it| (to.writes)(*it).is_some() && (has_no_place(*it) || failed(*it))).collect()
}

impl HandingOver<'_> {
    /// Does what is left when the destination's job has ended.
    pub(super) async fn settle(&mut self, n: usize) -> Result<(), AppError> {
        // Nothing fetches them any more, however it has ended.
        self.clear(n).await?;
        let is_whole = self.told(n).await?;
        if self.state.cargos[n].ended != Some(ImportStage::Done) {
            return self.settle_as(n, Outcome::Failed);
        }
        if self.repair(n).await? != Status::Done {
            return self.settle_as(n, Outcome::Failed);
        }
        let is_held = !self.state.manner.verify || self.hold(n).await?;
        self.settle_as(
            n,
            match (is_held, is_whole) {
                (false, _) => Outcome::Failed,
                (true, false) => Outcome::Losses,
                (true, true) => Outcome::Whole,
            },
        )
    }

    /// Notes that a cargo is done with; archives of what arrived are not needed any more.
    pub(super) fn settle_as(&mut self, n: usize, outcome: Outcome) -> Result<(), AppError> {
        self.state.cargos[n].outcome = Some(outcome);
        self.state.save()?;
        if outcome == Outcome::Failed {
            return Ok(());
        }
        for piece in &self.state.cargos[n].pieces {
            let archive = self.state.archive(n, piece.part, self.wanted.suffix);
            if archive.is_dir() {
                fs::remove_dir_all(&archive)?;
            } else if archive.exists() {
                fs::remove_file(&archive)?;
            }
        }
        Ok(())
    }

    /// Tells what the destination says of its import, and keeps it for the report; whether nothing
    /// of it is a loss.
    async fn told(&mut self, n: usize) -> Result<bool, AppError> {
        let job = TargetId(self.state.cargos[n].job.clone().unwrap_or_default());
        let mut from = Some(self.state.cargos[n].read);
        while let Some(at) = from {
            let page = self.taking.messages(&job, at).await?;
            let cargo = &mut self.state.cargos[n];
            cargo.read = at + page.messages.len() as u64;
            let bad = page.messages.into_iter().filter(|it| it.severity > Severity::Note);
            for it in bad {
                let about = it.about.as_deref().unwrap_or("import");
                terminal::talk(&format!("{}: {about}: {}", severity(it.severity), it.text));
                cargo.messages.push(it);
            }
            from = page.next.filter(|it| *it > at);
            self.state.save()?;
        }
        self.report(n).await?;
        Ok(self.state.cargos[n].messages.is_empty())
    }

    /// Puts what the destination said into the report of the job that made the archive.
    async fn report(&self, n: usize) -> Result<(), AppError> {
        let cargo = &self.state.cargos[n];
        let Some(job) = cargo.pieces.last().and_then(|it| it.carried) else { return Ok(()) };
        let journal = config::journal(self.globals, true)?;
        let mut losses: Vec<_> = cargo.messages.iter().map(|it| noted(cargo, it)).collect();
        for lane in journal.history(JobId(job)).await?.lanes().await? {
            let gaps = (self.wanted.gaps)(lane.kind).iter().filter(|_| lane.counts.read > 0);
            losses.extend(gaps.map(|gap| NotedLoss {
                scope: lane.scope.clone(),
                kind: lane.kind,
                id: "*".to_owned(),
                loss: Loss::sink(gap.field, gap.why),
            }));
        }
        if losses.is_empty() {
            return Ok(());
        }
        let losses = document::value(&losses)?;
        Ok(journal.keep(JobId(job), packhorse_engine::report::HANDED_OVER, &losses).await?)
    }

    /// Brings over the API what archives of that format have no place for.
    async fn repair(&self, n: usize) -> Result<Status, AppError> {
        let cargo = &self.state.cargos[n];
        let options = &self.route.options;
        let to = registry::named(&self.route.to)?;
        let mut kinds = left_out(self.format()?, to, &cargo.messages);
        kinds.retain(|it| options.wants(*it));
        // LFS objects come with Git.
        if kinds.contains(&ObjectKind::LfsObject) && options.wants(ObjectKind::Repository) {
            kinds.insert(ObjectKind::Repository);
        }
        if kinds.is_empty() {
            return Ok(Status::Done);
        }
        let names: Vec<_> = kinds.iter().map(|it| it.name()).collect();
        terminal::talk(&format!(
            "over the API, which the archive has no place for: {}",
            names.join(", ")
        ));
        let mut options = JobOptions { only: kinds, ..self.narrowed(&cargo.projects) };
        // What the import has just made is not in the way.
        options.resolutions.extend(cargo.projects.iter().map(|project| Resolution {
            project: project.source.clone(),
            about: About::Name,
            choice: Choice::Merge,
            target: None,
            said: "the import of the archive".to_owned(),
        }));
        self.carry_over_api(options).await
    }

    /// Carries the projects that the destination does not take.
    pub(super) async fn over_api(&self) -> Result<Status, AppError> {
        let projects: Vec<Named> = self.state.over_api.iter().map(|(it, _)| it.clone()).collect();
        if projects.is_empty() {
            return Ok(Status::Done);
        }
        terminal::talk(&format!("over the API: {} of the projects", projects.len()));
        self.carry_over_api(self.narrowed(&projects)).await
    }

    /// An ordinary run from the source to the destination.
    pub(super) async fn carry_over_api(&self, options: JobOptions) -> Result<Status, AppError> {
        let route = self.route.towards(self.globals, self.route.to.clone(), options)?;
        migrate::whole(self.globals, &route, self.tuning, |_| Ok(())).await
    }

    /// Holds what is there against the archives; whether it is the same.
    async fn hold(&self, n: usize) -> Result<bool, AppError> {
        let mut is_held = true;
        for piece in &self.state.cargos[n].pieces {
            is_held &= self.hold_part(n, piece.part).await? == Status::Done;
        }
        Ok(is_held)
    }

    async fn hold_part(&self, n: usize, part: Part) -> Result<Status, AppError> {
        let scratch = config::scratch(self.globals)?;
        let (format, to) = (self.format()?, registry::named(&self.route.to)?);
        let archive = self.location(&self.state.archive(n, part, self.wanted.suffix))?;
        let one = registry::source(&archive, &scratch.path().join("archive"))?;
        let lost = self.wanted.gaps;
        let reduced = |source| Reduced {
            source,
            format,
            host: to,
            lost,
            named: Mutex::default(),
            milestones: Mutex::default(),
        };
        let other = self.route.destination(&scratch.path().join("there"))?;
        let is_whole =
            |it: Support| it.is_some() && it.gaps().iter().all(|it| it.field != Loss::WHOLE);
        // Accounts and their roles are the destination's own. How a project is set was brought
        // over the API with what was left out, and both were looked at then.
        let brought = left_out(format, to, &[]);
        let is_held = |it: &ObjectKind| {
            part.holds(*it)
                && !it.is_shared()
                && *it != ObjectKind::Project
                && !brought.contains(it)
                && (format.writes)(*it).is_some()
                && is_whole((to.reads)(*it))
        };
        let options = JobOptions {
            only: ObjectKind::ALL.iter().copied().filter(is_held).collect(),
            ..JobOptions::default()
        };
        let listener = progress::listener(self.globals.progress);
        let policy = packhorse_engine::policy((format.id, to.id), &options)?;
        let found = packhorse_engine::compare(
            &reduced(one),
            &reduced(other),
            &options,
            policy,
            (scratch.path(), &*listener),
        )
        .await?;
        compare::tell(self.globals, &found)
    }
}

/// What the destination said, as a loss.
fn noted(cargo: &Cargo, it: &ImportMessage) -> NotedLoss {
    let project = cargo.projects.first().filter(|_| cargo.is_of_one);
    let about = it.about.clone().unwrap_or_default();
    NotedLoss {
        scope: project.map_or(Scope::Shared, |it| Scope::Project(it.source.clone())),
        kind: it.kind.unwrap_or(ObjectKind::Project),
        id: about,
        loss: Loss::sink(Loss::WHOLE, format!("the destination's import: {}", it.text)),
    }
}

fn severity(it: Severity) -> &'static str {
    match it {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hangs_on_ids_is_not_brought_a_second_time() {
        let to = packhorse_hosts::named("bitbucket-server").unwrap();
        let archive = &packhorse_archive::bitbucket_archive::SPEC;

        let kinds = left_out(archive, to, &[]);

        assert!(kinds.contains(&ObjectKind::Webhook) && kinds.contains(&ObjectKind::BranchRule));
        for kind in [ObjectKind::ChangeRequest, ObjectKind::Comment, ObjectKind::Reaction] {
            assert!(!kinds.contains(&kind), "{kind}");
        }
    }

    #[test]
    fn what_an_import_has_failed_at_is_brought_where_it_has_a_name() {
        let to = packhorse_hosts::named("gitlab").unwrap();
        let archive = &packhorse_archive::gitlab_archive::SPEC;
        let failed = |kind| ImportMessage {
            severity: Severity::Error,
            about: None,
            kind: Some(kind),
            text: String::new(),
        };

        let kinds = left_out(archive, to, &[failed(ObjectKind::Label), failed(ObjectKind::Issue)]);

        assert!(kinds.contains(&ObjectKind::Label) && !kinds.contains(&ObjectKind::Issue));
        assert!(!left_out(archive, to, &[]).contains(&ObjectKind::Label));
    }

    #[test]
    fn files_come_afterwards_where_the_archive_has_links_alone() {
        let to = packhorse_hosts::named("gitlab").unwrap();

        let kinds = left_out(&packhorse_archive::gitlab_archive::SPEC, to, &[]);

        assert!(kinds.contains(&ObjectKind::ReleaseAsset));
        // The archive has these as they are.
        for kind in [ObjectKind::Attachment, ObjectKind::CommitComment, ObjectKind::Reaction] {
            assert!(!kinds.contains(&kind), "{kind}");
        }
    }
}
