//! `migrate --via archive`: into an archive, which the destination then imports by itself.
//!
//! An ordinary run makes the archive; the destination takes it, and is asked how far it is; what it
//! says is told. Then what is there is read back and held against the archive, and an ordinary run
//! brings what such archives have no place for.

mod reduced;
mod state;

use super::{compare, ends::Route, migrate};
use crate::{
    cli::{self, Globals},
    config,
    error::{AppError, Status},
    progress, registry, terminal,
};
use packhorse_core::{
    HostError, HostSpec, Keeps, Location, Loss, ObjectKind, Support, TargetId,
    conflict::{About, Choice, Resolution},
    job::{JobId, JobOptions, JobSpec},
    plan::Plan,
    port::{HandOver, ImportProgress, ImportStage, Severity},
};
use packhorse_hosts::handover::Ways;
use reduced::Reduced;
use state::{Manner, State};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// How soon a host is asked again, at first and at most.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// A route that goes by an archive.
pub(super) struct HandingOver<'a> {
    globals: &'a Globals,
    tuning: &'a cli::Tuning,
    route: Route,
    taking: Arc<dyn HandOver>,
    state: State,
}

/// Whether a route goes by an archive: as `--via` says, or because that keeps more.
pub(super) async fn choose<'a>(
    globals: &'a Globals,
    arguments: &'a cli::Migrate,
    route: &Route,
) -> Result<Option<HandingOver<'a>>, AppError> {
    let is_wanted = match arguments.via {
        cli::Via::Api => return Ok(None),
        cli::Via::Archive => true,
        cli::Via::Auto => false,
    };
    let ways = Ways { directory: arguments.import_directory.clone() };
    let Some(taking) = route.taking(&ways)? else {
        if is_wanted {
            let title = registry::named(&route.to)?.title;
            return Err(AppError::usage(format!("no archives are handed over to {title}"))
                .hint("without `--via archive` it goes over the API"));
        }
        terminal::talk("by API: no archives are handed over to that destination");
        return Ok(None);
    };
    let (mut state, is_known) = State::of(globals, route)?;
    state.manner = Manner {
        directory: arguments.import_directory.clone(),
        verify: !arguments.no_verify,
        strict: arguments.strict,
        cancels: arguments.cancel_import,
    };
    let route = route.towards(globals, route.to.clone(), route.options.clone())?;
    let tuning = &arguments.tuning;
    let mut handing = HandingOver { globals, tuning, route, taking, state };
    if is_known {
        terminal::talk("going on with what was handed over, or was to be");
        return Ok(Some(handing));
    }
    let refused = handing.refused().await?;
    if let Some((project, why)) = refused.first() {
        if is_wanted {
            return Err(AppError::failed(format!("`{project}` cannot be handed over: {why}"))
                .hint("`--via api` brings it into what is there; `--via auto` chooses by itself"));
        }
        terminal::talk(&format!("by API: `{project}` cannot be handed over: {why}"));
        return Ok(None);
    }
    let (archive, api) = handing.keeps().await?;
    let more = more(archive, api);
    if !is_wanted && more.is_empty() {
        terminal::talk("by API: an archive would keep nothing more");
        return Ok(None);
    }
    terminal::talk(&format!("by archive: it keeps {}", listed(&more)));
    Ok(Some(handing))
}

/// The hand-over whose archive a job makes, or has made.
pub(super) async fn of_job<'a>(
    globals: &'a Globals,
    (job, spec): (JobId, &JobSpec),
    tuning: &'a cli::Tuning,
) -> Result<Option<HandingOver<'a>>, AppError> {
    let Some(state) = State::of_job(globals, job)? else { return Ok(None) };
    let (from, to) = (state.from.clone(), state.to.clone());
    let route = Route::of(globals, &JobSpec { from, to, ..spec.clone() })?;
    let ways = Ways { directory: state.manner.directory.clone() };
    let taking = route.taking(&ways)?;
    Ok(taking.map(|taking| HandingOver { globals, tuning, route, taking, state }))
}

/// What one keeps and another does not.
fn more(one: Keeps, other: Keeps) -> Vec<&'static str> {
    let pairs = [
        ("authors", one.authors, other.authors),
        ("times", one.times, other.times),
        ("numbers", one.numbers, other.numbers),
    ];
    pairs.into_iter().filter(|(_, one, other)| *one && !*other).map(|(name, ..)| name).collect()
}

fn listed(words: &[&str]) -> String {
    match words {
        [] => "nothing more than the API".to_owned(),
        [one] => format!("{one}, which the API does not"),
        [first @ .., last] => format!("{} and {last}, which the API does not", first.join(", ")),
    }
}

/// What an archive has no place for, the destination has one for, and can be brought without knowing
/// what the import has called everything.
fn left_out(archive: &HostSpec, to: &HostSpec, options: &JobOptions) -> BTreeSet<ObjectKind> {
    let by_itself = |kind: ObjectKind| {
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
        )
    };
    let is_missing = |kind: &ObjectKind| {
        by_itself(*kind)
            && !(archive.writes)(*kind).is_some()
            && (to.writes)(*kind).is_some()
            && options.wants(*kind)
    };
    let mut kinds: BTreeSet<_> = ObjectKind::ALL.iter().copied().filter(is_missing).collect();
    // LFS objects come with Git.
    if kinds.contains(&ObjectKind::LfsObject) && options.wants(ObjectKind::Repository) {
        kinds.insert(ObjectKind::Repository);
    }
    kinds
}

impl HandingOver<'_> {
    fn format(&self) -> Result<&'static HostSpec, AppError> {
        let format = self.taking.format();
        let mut formats = packhorse_archive::FORMATS.iter().copied();
        formats.find(|it| it.id == format).ok_or_else(|| {
            AppError::failed(format!("`{format}` is not a format that is written here"))
        })
    }

    fn archive(&self) -> Result<Location, AppError> {
        let format = self.format()?.id;
        Ok(format!("{format}:{}", self.state.archive().display()).parse()?)
    }

    /// The route into the archive.
    fn inward(&self) -> Result<Route, AppError> {
        self.route.towards(self.globals, self.archive()?, self.route.options.clone())
    }

    async fn plan(&self) -> Result<Plan, AppError> {
        super::plan::draw_up(self.globals, &self.inward()?).await
    }

    /// Projects that would not arrive as themselves, with the reason.
    async fn refused(&mut self) -> Result<Vec<(String, String)>, AppError> {
        let mut refused = Vec::new();
        for project in self.plan().await?.projects {
            self.state.projects.push(project.source);
            if let Some(why) = self.taking.refuses(&project.target).await? {
                refused.push((project.target, why));
            }
        }
        Ok(refused)
    }

    /// What the archive keeps, and what the API does.
    async fn keeps(&self) -> Result<(Keeps, Keeps), AppError> {
        let scratch = config::scratch(self.globals)?;
        let inward = self.inward()?.open_to_plan(scratch.path())?;
        let outward = self.route.open_to_plan(scratch.path())?;
        Ok((inward.sink.probe().await?.keeps, outward.sink.probe().await?.keeps))
    }

    /// Prints what would arrive in the archive.
    pub(super) async fn show(&self) -> Result<Status, AppError> {
        super::plan::print(self.globals, &self.plan().await?)
    }

    /// Does all of it, or goes on with it.
    pub(super) async fn run(mut self) -> Result<Status, AppError> {
        if self.state.delivered.is_none() {
            let status = self.carry().await?;
            if status != Status::Done {
                return Ok(status);
            }
            self.deliver().await?;
            let to_do = self.state.delivered.as_ref().and_then(|it| it.to_do.clone());
            if let Some(to_do) = to_do {
                terminal::talk(&to_do);
                terminal::talk("\nhint: then give the same command again");
                return Ok(Status::Stopped);
            }
        }
        self.begin().await?;
        if self.state.ended.is_none() && !self.watch().await? {
            return Ok(Status::Stopped);
        }
        let is_whole = self.told().await?;
        if self.state.ended != Some(ImportStage::Done) {
            return Err(AppError::failed("the destination's own import did not end well")
                .hint(format!("what it said is above and in `{}`", self.state.file().display())));
        }
        let repaired = self.repair().await?;
        if repaired != Status::Done {
            return Ok(repaired);
        }
        let is_strict = self.state.manner.strict;
        let status = if self.state.manner.verify { self.hold().await? } else { Status::Done };
        self.state.end()?;
        Ok(if status == Status::Done && !is_whole && is_strict { Status::Losses } else { status })
    }

    /// Carries into the archive.
    async fn carry(&mut self) -> Result<Status, AppError> {
        self.state.save()?;
        let route = self.inward()?;
        let state = &mut self.state;
        migrate::whole(self.globals, &route, self.tuning, |job| {
            state.carried = Some(job.0);
            state.save()
        })
        .await
    }

    async fn deliver(&mut self) -> Result<(), AppError> {
        let delivered = self.taking.deliver(&self.state.archive()).await?;
        terminal::talk(&format!(
            "archive of {} bytes, MD5 {}, SHA-256 {}",
            delivered.sums.bytes, delivered.sums.md5, delivered.sums.sha256
        ));
        self.state.delivered = Some(delivered);
        self.state.save()
    }

    /// Makes the destination begin, once.
    async fn begin(&mut self) -> Result<(), AppError> {
        let Some(delivered) = &self.state.delivered else { return Ok(()) };
        if self.state.job.is_some() {
            return Ok(());
        }
        if self.state.is_beginning {
            let file = self.state.file();
            return Err(AppError::failed(
                "whether the destination has begun its import is not known: the answer was lost",
            )
            .hint("look whether it is importing the archive")
            .hint(format!(
                "if it is, write the number of its job as `job` into `{}`; if not, write \
                 `\"is_beginning\": false`; then give the same command again",
                file.display()
            )));
        }
        let delivered = delivered.clone();
        self.state.is_beginning = true;
        self.state.save()?;
        let begun = self.taking.begin(&delivered).await;
        // What was refused has not begun; what was not answered may have.
        if begun.as_ref().is_err_and(is_answered) {
            self.state.is_beginning = false;
            self.state.save()?;
        }
        let job = begun?;
        terminal::talk(&format!("the destination imports it in its job {}", job.0));
        self.state.job = Some(job.0);
        self.state.save()
    }

    /// Asks how far the destination is until it has ended; `false` when somebody stops that.
    async fn watch(&mut self) -> Result<bool, AppError> {
        let job = TargetId(self.state.job.clone().unwrap_or_default());
        let (mut wait, mut last) = (FIRST_WAIT, None);
        loop {
            let found = self.taking.progress(&job).await?;
            if last.as_ref() != Some(&found) {
                terminal::talk(&line(&found));
            }
            if found.stage != ImportStage::Running {
                self.state.ended = Some(found.stage);
                self.state.save()?;
                return Ok(true);
            }
            last = Some(found);
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                _ = tokio::signal::ctrl_c() => return self.stopped(&job).await,
            }
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// Asks the destination to stop; `false` where it has nothing to stop.
    pub(super) async fn cancel(&self) -> Result<bool, AppError> {
        let job = self.state.job.clone().filter(|_| self.state.ended.is_none());
        let Some(job) = job else { return Ok(false) };
        self.taking.cancel(&TargetId(job)).await?;
        Ok(true)
    }

    /// Somebody does not want to wait any longer.
    async fn stopped(&self, job: &TargetId) -> Result<bool, AppError> {
        if self.state.manner.cancels {
            self.taking.cancel(job).await?;
            terminal::talk("the destination was asked to stop its import");
        } else {
            terminal::talk("the destination goes on with its import");
        }
        terminal::talk("\nhint: the same command goes on watching it");
        Ok(false)
    }

    /// Tells what the destination says of its import; whether nothing of it is a loss.
    async fn told(&mut self) -> Result<bool, AppError> {
        let job = TargetId(self.state.job.clone().unwrap_or_default());
        let mut from = Some(self.state.read);
        while let Some(at) = from {
            let page = self.taking.messages(&job, at).await?;
            self.state.read = at + page.messages.len() as u64;
            let bad = page.messages.into_iter().filter(|it| it.severity > Severity::Note);
            for it in bad {
                let about = it.about.as_deref().unwrap_or("import");
                terminal::talk(&format!("{}: {about}: {}", severity(it.severity), it.text));
                self.state.messages.push(it);
            }
            from = page.next.filter(|it| *it > at);
            self.state.save()?;
        }
        Ok(self.state.messages.is_empty())
    }

    /// Brings over the API what archives of that format have no place for.
    async fn repair(&self) -> Result<Status, AppError> {
        let to = registry::named(&self.route.to)?;
        let kinds = left_out(self.format()?, to, &self.route.options);
        if kinds.is_empty() {
            return Ok(Status::Done);
        }
        let names: Vec<_> = kinds.iter().map(|it| it.name()).collect();
        terminal::talk(&format!(
            "over the API, which the archive has no place for: {}",
            names.join(", ")
        ));
        let mut options = JobOptions { only: kinds, ..self.route.options.clone() };
        // What the import has just made is not in the way.
        options.resolutions.extend(self.state.projects.iter().map(|project| Resolution {
            project: project.clone(),
            about: About::Name,
            choice: Choice::Merge,
            target: None,
            said: "the import of the archive".to_owned(),
        }));
        let route = self.route.towards(self.globals, self.route.to.clone(), options)?;
        migrate::whole(self.globals, &route, self.tuning, |_| Ok(())).await
    }

    /// Holds what is there against the archive.
    async fn hold(&self) -> Result<Status, AppError> {
        let scratch = config::scratch(self.globals)?;
        let (format, to) = (self.format()?, registry::named(&self.route.to)?);
        let one = registry::source(&self.archive()?, &scratch.path().join("archive"))?;
        let reduced = |source| Reduced { source, format, host: to };
        let other = self.route.destination(&scratch.path().join("there"))?;
        let is_whole =
            |it: Support| it.is_some() && it.gaps().iter().all(|it| it.field != Loss::WHOLE);
        let is_held = |it: &ObjectKind| (format.writes)(*it).is_some() && is_whole((to.reads)(*it));
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

/// Whether the destination itself has said no: then nothing was begun.
fn is_answered(error: &HostError) -> bool {
    // 503 is how one says that it is importing something else.
    let refusals = ["400", "401", "403", "404", "409", "429", "503"];
    let status = error.context.iter().find(|(name, _)| *name == "status");
    status.is_some_and(|(_, status)| refusals.iter().any(|it| status.starts_with(it)))
}

fn severity(it: Severity) -> &'static str {
    match it {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

fn line(it: &ImportProgress) -> String {
    let percentage = it.percentage.map(|it| format!(" {it} %")).unwrap_or_default();
    let message = it.message.as_ref().map(|it| format!(": {it}")).unwrap_or_default();
    format!("import {}{percentage}{message}", it.word.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_archive_keeps_besides_is_told() {
        let api = Keeps { authors: false, times: false, numbers: true };

        assert_eq!(listed(&more(Keeps::ALL, api)), "authors and times, which the API does not");
        assert_eq!(more(api, Keeps::ALL), [""; 0]);
    }

    #[test]
    fn what_hangs_on_ids_is_not_brought_a_second_time() {
        let to = packhorse_hosts::named("bitbucket-server").unwrap();
        let archive = &packhorse_archive::bitbucket_archive::SPEC;

        let kinds = left_out(archive, to, &JobOptions::default());

        assert!(kinds.contains(&ObjectKind::Webhook) && kinds.contains(&ObjectKind::BranchRule));
        for kind in [ObjectKind::ChangeRequest, ObjectKind::Comment, ObjectKind::Reaction] {
            assert!(!kinds.contains(&kind), "{kind}");
        }
    }
}
