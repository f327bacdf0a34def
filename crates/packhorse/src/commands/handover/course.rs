//! The course of a hand-over: making archives, handing them over, asking how far the host is.

use super::{
    HandingOver,
    state::{Cargo, Outcome},
};
use crate::{
    commands::migrate,
    error::{AppError, Status},
    terminal,
};
use packhorse_core::{
    HostError, HostErrorKind, ObjectKind, TargetId,
    job::JobOptions,
    port::{ImportProgress, ImportStage, Packing, Part, Sought},
};
use std::{collections::HashMap, time::Duration};

/// How soon a host is asked again, at first and at most.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// What became of the wish that the host begin.
enum Begun {
    /// It has.
    Yes,
    /// Somebody has to do something first.
    NotYet(String),
}

impl HandingOver<'_> {
    /// Does all of it, or goes on with it.
    pub(in crate::commands) async fn run(mut self) -> Result<Status, AppError> {
        let prepared = self.prepare().await?;
        if prepared != Status::Done {
            return Ok(prepared);
        }
        let mut waiting = Vec::new();
        for n in 0..self.state.cargos.len() {
            if self.state.cargos[n].outcome.is_some() || self.state.cargos[n].job.is_some() {
                continue;
            }
            let (status, to_do) = self.make(n).await?;
            match status {
                Status::Done => {}
                // What is not whole in the archive is not handed over; the others are.
                Status::Failed | Status::Losses => {
                    self.settle_as(n, Outcome::Failed)?;
                    continue;
                }
                Status::Stopped | Status::Usage => return Ok(status),
            }
            if !self.wait_for(self.wanted.at_once.saturating_sub(1)).await? {
                return Ok(Status::Stopped);
            }
            match to_do {
                Some(to_do) => waiting.push(to_do),
                None => match self.begin(n).await? {
                    Begun::Yes => {}
                    Begun::NotYet(to_do) => waiting.push(to_do),
                },
            }
        }
        if !self.wait_for(0).await? {
            return Ok(Status::Stopped);
        }
        if !waiting.is_empty() {
            return Ok(self.tell_waiting(&waiting));
        }
        let over_api = self.over_api().await?;
        if over_api != Status::Done {
            return Ok(over_api);
        }
        self.end()
    }

    /// Says what somebody has to do.
    fn tell_waiting(&self, waiting: &[String]) -> Status {
        waiting.iter().for_each(|it| terminal::talk(it));
        let mut jobs =
            self.state.cargos.iter().flat_map(|it| &it.pieces).filter_map(|it| it.carried);
        let resume = jobs.next().map(|it| format!(", or run `packhorse resume {it}`"));
        terminal::talk(&format!(
            "\nhint: then give the same command again{}",
            resume.unwrap_or_default()
        ));
        Status::Stopped
    }

    fn end(self) -> Result<Status, AppError> {
        let groups = (!self.state.groups.lost.is_empty()).then_some(Outcome::Losses);
        let worst = self.state.cargos.iter().filter_map(|it| it.outcome).chain(groups).max();
        match worst.unwrap_or(Outcome::Whole) {
            Outcome::Failed => {
                let is_failed = |it: &&Cargo| it.outcome == Some(Outcome::Failed);
                let failed = self.state.cargos.iter().filter(is_failed);
                let failed: Vec<_> = failed.map(Cargo::title).collect();
                let file = self.state.file();
                Err(AppError::failed(format!("{} did not arrive as it should", failed.join(", ")))
                    .hint(format!("what the destination said is above and in `{}`", file.display()))
                    .hint(
                        "to try again, remove what the destination has made of it and that file, \
                         then give the same command again",
                    ))
            }
            Outcome::Losses => {
                let is_strict = self.state.manner.strict;
                self.state.end()?;
                Ok(if is_strict { Status::Losses } else { Status::Done })
            }
            Outcome::Whole => {
                self.state.end()?;
                Ok(Status::Done)
            }
        }
    }

    /// Brings the accounts and groups that an import looks for.
    async fn prepare(&mut self) -> Result<Status, AppError> {
        if self.state.is_prepared {
            return Ok(Status::Done);
        }
        // An import of all projects together makes their owners itself, and wants their names free.
        if self.wanted.packing == Packing::Each && !self.state.cargos.is_empty() {
            terminal::talk("over the API, for the import looks for them: accounts and groups");
            // Groups that are made of archives have people, who have to be there.
            let accounts = self.bring(ObjectKind::User).await?;
            if accounts != Status::Done {
                return Ok(accounts);
            }
            let made = self.make_groups().await?;
            if made != Status::Done {
                return Ok(made);
            }
            let groups = self.bring(ObjectKind::Organization).await?;
            if groups != Status::Done {
                return Ok(groups);
            }
        }
        self.state.is_prepared = true;
        self.state.save()?;
        Ok(Status::Done)
    }

    /// Brings a kind over the API, and nothing of the projects: the import takes no name that is
    /// taken.
    async fn bring(&self, kind: ObjectKind) -> Result<Status, AppError> {
        let options = &self.route.options;
        if !options.wants(kind) {
            return Ok(Status::Done);
        }
        let mut skip = options.skip.clone();
        skip.insert(ObjectKind::Project);
        let only = [kind].into_iter().collect();
        let options = JobOptions { only, skip, verify: false, ..options.clone() };
        self.carry_over_api(options).await
    }

    /// Makes the archives of a cargo and delivers them; what somebody has to do then, if it was not
    /// said before.
    async fn make(&mut self, n: usize) -> Result<(Status, Option<String>), AppError> {
        let mut to_do = Vec::new();
        for at in 0..self.state.cargos[n].pieces.len() {
            if self.state.cargos[n].pieces[at].delivered.is_some() {
                continue;
            }
            let part = self.state.cargos[n].pieces[at].part;
            let archive = self.state.archive(n, part, self.wanted.suffix);
            let status = self.carry((n, at), part).await?;
            if status != Status::Done {
                return Ok((status, None));
            }
            let delivered = self.deliver(n, part, &archive).await?;
            if let Some(sums) = &delivered.sums {
                terminal::talk(&format!(
                    "archive of {} bytes, MD5 {}, SHA-256 {}",
                    sums.bytes, sums.md5, sums.sha256
                ));
            }
            to_do.extend(delivered.to_do.clone());
            self.state.cargos[n].pieces[at].stored = self.store(&archive).await?;
            self.state.cargos[n].pieces[at].delivered = Some(delivered);
            self.state.save()?;
        }
        Ok((Status::Done, (!to_do.is_empty()).then(|| to_do.join("\n"))))
    }

    /// Carries a part of a cargo into its archive.
    async fn carry(&mut self, (n, at): (usize, usize), part: Part) -> Result<Status, AppError> {
        self.state.save()?;
        let options = self.narrowed(&self.state.cargos[n].projects);
        let wanted = ObjectKind::ALL.iter().copied();
        let wanted = wanted.filter(|it| part.holds(*it) && options.wants(*it));
        let only = match part {
            Part::Whole => options.only.clone(),
            Part::Git | Part::Records => wanted.collect(),
        };
        let archive = self.state.archive(n, part, self.wanted.suffix);
        let options = JobOptions { only, ..options };
        let route = self.route.towards(self.globals, self.location(&archive)?, options)?;
        let state = &mut self.state;
        migrate::whole(self.globals, &route, self.tuning, |job| {
            state.cargos[n].pieces[at].carried = Some(job.0);
            state.save()
        })
        .await
    }

    /// Makes the destination begin, once.
    async fn begin(&mut self, n: usize) -> Result<Begun, AppError> {
        let Some(parcel) = self.state.cargos[n].parcel() else { return Ok(Begun::Yes) };
        if self.state.cargos[n].is_beginning {
            match self.taking.find(&parcel).await? {
                Sought::Begun(job) => return self.begun(n, job),
                Sought::NotBegun => {}
                Sought::Unknown => return Err(self.not_known(n)),
            }
        }
        self.state.cargos[n].is_beginning = true;
        self.state.save()?;
        let begun = self.taking.begin(&self.addressed(n, parcel.clone()).await?).await;
        // What was refused has not begun; what was not answered may have.
        if begun.as_ref().is_err_and(is_refused) {
            self.state.cargos[n].is_beginning = false;
            self.state.save()?;
        }
        let to_do: Vec<_> = parcel.archives.into_iter().filter_map(|it| it.to_do).collect();
        match begun {
            Err(error) if error.kind == HostErrorKind::NotFound && !to_do.is_empty() => {
                Ok(Begun::NotYet(to_do.join("\n")))
            }
            begun => self.begun(n, begun?),
        }
    }

    fn begun(&mut self, n: usize, job: TargetId) -> Result<Begun, AppError> {
        let title = self.state.cargos[n].title();
        terminal::talk(&format!("the destination imports {title} in its job {}", job.0));
        self.state.cargos[n].job = Some(job.0);
        self.state.save()?;
        Ok(Begun::Yes)
    }

    fn not_known(&self, n: usize) -> AppError {
        AppError::failed(
            "whether the destination has begun its import is not known: the answer was lost",
        )
        .hint(format!("look whether it is importing {}", self.state.cargos[n].title()))
        .hint(format!(
            "if it is, write the number of its job as `job` into `{}`; if not, write \
             `\"is_beginning\": false`; then give the same command again",
            self.state.file().display()
        ))
    }

    /// Asks the destination until at most so many of its jobs run; `false` when somebody stops that.
    async fn wait_for(&mut self, most: usize) -> Result<bool, AppError> {
        let (mut wait, mut last) = (FIRST_WAIT, HashMap::new());
        loop {
            if self.ask(&mut last).await? <= most {
                return Ok(true);
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                _ = tokio::signal::ctrl_c() => return self.stopped().await,
            }
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// Asks once of every job that runs, and settles what has ended; how many still run.
    async fn ask(&mut self, last: &mut HashMap<usize, ImportProgress>) -> Result<usize, AppError> {
        for n in 0..self.state.cargos.len() {
            let cargo = &self.state.cargos[n];
            let Some(job) = cargo.job.clone().filter(|_| cargo.outcome.is_none()) else { continue };
            if cargo.ended.is_none() {
                let found = self.taking.progress(&TargetId(job)).await?;
                if last.get(&n) != Some(&found) {
                    terminal::talk(&line(cargo, &found));
                }
                let stage = found.stage;
                last.insert(n, found);
                if stage == ImportStage::Running {
                    continue;
                }
                self.state.cargos[n].ended = Some(stage);
                self.state.save()?;
            }
            self.settle(n).await?;
        }
        Ok(self.state.cargos.iter().filter(|it| it.is_running()).count())
    }

    /// Asks the destination to stop; `false` where it has nothing to stop.
    pub(in crate::commands) async fn cancel(&self) -> Result<bool, AppError> {
        let running = self.state.cargos.iter().filter(|it| it.is_running());
        let jobs: Vec<_> = running.filter_map(|it| it.job.clone()).collect();
        for job in &jobs {
            self.taking.cancel(&TargetId(job.clone())).await?;
        }
        Ok(!jobs.is_empty())
    }

    /// Somebody does not want to wait any longer.
    pub(super) async fn stopped(&self) -> Result<bool, AppError> {
        if self.state.manner.cancels {
            self.cancel().await?;
            terminal::talk("the destination was asked to stop its import");
        } else {
            terminal::talk("the destination goes on with its import");
        }
        terminal::talk("\nhint: the same command goes on watching it");
        Ok(false)
    }
}

/// Whether it is known that nothing was begun: the destination has said no, or was not asked.
pub(super) fn is_refused(error: &HostError) -> bool {
    // 503 is how one says that it is importing something else.
    let refusals = ["400", "401", "403", "404", "409", "422", "429", "503"];
    let status = error.context.iter().find(|(name, _)| *name == "status");
    match status {
        Some((_, status)) => refusals.iter().any(|it| status.starts_with(it)),
        None => matches!(
            error.kind,
            HostErrorKind::NotFound | HostErrorKind::Rejected | HostErrorKind::Unsupported
        ),
    }
}

fn line(cargo: &Cargo, it: &ImportProgress) -> String {
    let percentage = it.percentage.map(|it| format!(" {it} %")).unwrap_or_default();
    let message = it.message.as_ref().map(|it| format!(": {it}")).unwrap_or_default();
    format!("import {}{percentage} of {}{message}", it.word.to_lowercase(), cargo.title())
}
