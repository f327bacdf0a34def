//! A run: what is to become of each project, the carrying, and what became of it.

use super::{
    arguments::Arguments,
    carry::{self, Course},
    check, database, earlier,
    host::Host,
    judged::Judged,
    kept::Kept,
    log::Log,
    mapping::Mappings,
    outcome::{self, Known, Outcome, Row},
    people::remarks,
    secret::Secrets,
    source::{Listed, Origin, PlatformSource},
    survey::Survey,
    triage::{Earlier, How, Triage, Verdict},
};
use crate::{
    cli::Globals,
    config::{self, Hosts},
    document,
    error::{AppError, Status},
    terminal,
};
use futures::{StreamExt, stream};
use packhorse_core::{
    job::{JobId, JobState},
    port::Sink,
};
use packhorse_engine::EngineError;
use packhorse_git::Git;
use std::{collections::BTreeMap, sync::Arc};

/// One run, its arguments read.
pub(super) struct Migration {
    pub(super) globals: Globals,
    pub(super) arguments: Arguments,
    pub(super) mappings: Mappings,
    pub(super) log: Arc<Log>,
    /// The job that is gone on with, where one was named.
    pub(super) job: Option<JobId>,
}

impl Migration {
    pub(super) fn say(&self, text: &str) {
        terminal::talk(text);
        self.log.line(text);
    }

    /// Does all of it.
    pub(super) async fn run(&self, secrets: &Secrets) -> Result<Status, AppError> {
        let arguments = &self.arguments;
        // The limits that stand there for a server hold here too.
        Hosts::read(&self.globals)?;
        let origin = Host::read(&arguments.origin, &secrets.origin, "origin")?;
        let destination = Host::read(&arguments.destination, &secrets.destination, "dest")?;
        let projects = database::projects(&arguments.database, &secrets.database).await;
        let projects = projects.map_err(|error| match self.job {
            Some(job) => error.hint(format!(
                "to go on, job {job} reads the platform's database as the first run did; `verify`, \
                 `rollback` and `report` do without it"
            )),
            None => error,
        })?;
        self.say(&format!("the database has {} projects", projects.len()));
        self.check_people(&projects)?;
        let scratch = config::scratch(&self.globals)?;
        let (origin, at_origin) = Survey::of_origin(origin, scratch.path()).await?;
        let there = Survey::of(&destination, scratch.path()).await?;
        let mappings = self.check_accounts(&destination, &projects).await?;
        let course = Course {
            origin: &origin,
            destination: &destination,
            journal: carry::journal(&self.globals)?,
            scratch: scratch.path(),
            arguments,
            job: self.job,
            progress: self.globals.progress,
            log: self.log.clone(),
        };
        let git = Git::find().await.map_err(EngineError::from)?;
        let earlier = Earlier { journal: course.journal.clone(), route: course.route().await? };
        let policy = course.policy();
        let triage = Triage {
            origin: &at_origin,
            destination: &there,
            hosts: (&origin, &destination),
            mappings: &mappings,
            earlier: &earlier,
            git: (&git, &policy),
            force: arguments.force,
        };
        let verdicts = triage.judge_all(&projects, course.at_once()).await?;
        let judged = Judged {
            paths: projects.iter().map(|it| triage.path(it)).collect(),
            verdicts: &verdicts,
            projects: &projects,
            mappings: &mappings,
            ends: (&at_origin, &there),
        };
        if arguments.only_report {
            return self.foretell(&judged);
        }
        self.carry(&course, &git, &judged).await
    }

    /// Tells what would become of each project, and moves nothing.
    fn foretell(&self, judged: &Judged<'_>) -> Result<Status, AppError> {
        let lines: Vec<String> = judged
            .each()
            .map(|(path, _, verdict)| format!("{path}: {}", outcome::foreseen(verdict)))
            .collect();
        let text = match self.globals.json {
            true => document::json(&lines)?,
            false => lines.into_iter().map(|it| it + "\n").collect(),
        };
        terminal::data(&text);
        self.log.line(&text);
        let is_good = judged.verdicts.iter().all(|it| matches!(it, Verdict::Carry(..)));
        Ok(if is_good { Status::Done } else { Status::Failed })
    }

    async fn carry(
        &self,
        course: &Course<'_>,
        git: &Git,
        judged: &Judged<'_>,
    ) -> Result<Status, AppError> {
        let listed = judged.listed();
        let mut noted = BTreeMap::new();
        let (mut kept, mut differs) = (BTreeMap::new(), BTreeMap::new());
        let (mut job, mut is_stopped) = (None, false);
        if !listed.is_empty() {
            let sink = course.sink(&judged.ends.1.remotes)?;
            sink.probe().await.map_err(|error| {
                let hint = "give it a token of an account that administers the organization";
                AppError::from(error).hint(hint)
            })?;
            kept = self.replace(course, git, judged).await;
            let going = self.going(course, git, judged, &mut kept).await;
            let (origin, there) = judged.ends;
            let people_at = course.destination.home.host_str().map(str::to_owned);
            let host = Origin::Open(origin.source.clone());
            let remotes = origin.remotes.clone();
            let source = PlatformSource { host, people_at, listed: going, remotes };
            let (id, outcome) = course.carry(Arc::new(source), sink, &there.source).await?;
            job = Some(id);
            is_stopped = matches!(outcome.state, JobState::Stopped | JobState::Cancelled);
            let history = course.journal.history(id).await?;
            let found = Kept { journal: &*course.journal, job: id }.verification().await?;
            noted = outcome::noted(&*history, found.as_ref()).await?;
            if !is_stopped {
                let policy = course.policy();
                let at_once = course.at_once();
                differs = check::check((origin, there), &listed, (git, &policy), at_once).await;
            }
        }
        let rows = judged.each().map(|(path, project, verdict)| {
            let (noted, differs, kept) = (noted.get(path), differs.get(path), kept.get(path));
            let (result, why, mut notes) = Known { verdict, noted, differs, kept }.result();
            notes.extend(remarks(course.destination, judged.mappings, project));
            Row { name: project.name.clone(), repository: path.to_owned(), result, why, notes }
        });
        let outcome = Outcome { projects: rows.collect(), strangers: judged.strangers() };
        if let Some(job) = job {
            Kept { journal: &*course.journal, job }.end(&outcome).await?;
        }
        self.tell(&outcome)?;
        Ok(match (is_stopped, outcome.is_whole()) {
            (true, _) => Status::Stopped,
            (false, true) => Status::Done,
            (false, false) => Status::Failed,
        })
        .inspect(|status| self.advise(job, *status))
    }

    /// Says what can be done next with a job.
    fn advise(&self, job: Option<JobId>, status: Status) {
        let Some(job) = job else { return };
        if status == Status::Stopped {
            self.say(&format!(
                "hint: `packhorse resume {job}` goes on where it stopped, and so does the same \
                 command"
            ));
            return;
        }
        self.say(&format!(
            "hint: this was job {job}: `packhorse verify {job}` compares both ends again, \
             `packhorse rollback {job}` removes what it made"
        ));
    }

    /// What is carried, with what its host does not tell in a list, and with who had a right in what
    /// is there already; where that cannot be told the project stays out, with the reason.
    async fn going(
        &self,
        course: &Course<'_>,
        git: &Git,
        judged: &Judged<'_>,
        kept: &mut BTreeMap<String, String>,
    ) -> BTreeMap<String, Listed> {
        let (origin, there) = judged.ends;
        let policy = &course.policy();
        let going = judged.each().filter_map(|(path, _, verdict)| match verdict {
            Verdict::Carry(listed, how) if !kept.contains_key(path) => Some((path, listed, how)),
            Verdict::Carry(..) | Verdict::Skip(_) | Verdict::Fail(_) => None,
        });
        let looked = stream::iter(going).map(|(path, listed, how)| async move {
            let (mut listed, told) = (listed.clone(), packhorse_core::error::chain);
            match origin.head(&listed, (course.origin.api, git, policy)).await {
                Ok(branch) => listed.default_branch = branch,
                Err(error) => return (path, Err(told(&error))),
            }
            if matches!(how, How::Complete | How::Replace(_)) {
                match earlier::members(&*there.source, path).await {
                    Ok(members) => listed.before = Some(members),
                    Err(error) => return (path, Err(told(&error))),
                }
            }
            (path, Ok(listed))
        });
        let looked: Vec<_> = looked.buffer_unordered(course.at_once()).collect().await;
        let mut all = BTreeMap::new();
        for (path, listed) in looked {
            match listed {
                Ok(listed) => drop(all.insert(path.to_owned(), listed)),
                Err(why) => drop(kept.insert(path.to_owned(), why)),
            }
        }
        all
    }

    /// Replaces what was forced, after saying what; those that could not be, with the reason.
    async fn replace(
        &self,
        course: &Course<'_>,
        git: &Git,
        judged: &Judged<'_>,
    ) -> BTreeMap<String, String> {
        let (mut paths, mut ours) = (Vec::new(), BTreeMap::new());
        for (path, _, verdict) in judged.each() {
            if let Verdict::Carry(listed, How::Replace(refs)) = verdict {
                let refs = refs.told();
                self.say(&format!("{path}: replacing {refs}, which are not as at the origin"));
                let there = judged.ends.1.find(path.rsplit('/').next().unwrap_or(path));
                let there = there.map_or(path, |it| it.path.as_str());
                ours.insert(there.to_owned(), path.to_owned());
                paths.push((listed.origin.clone(), there.to_owned()));
            }
        }
        let kept = course.replace(git, judged.ends, paths).await.into_iter();
        kept.filter_map(|(there, why)| Some((ours.remove(&there)?, why))).collect()
    }

    fn tell(&self, outcome: &Outcome) -> Result<(), AppError> {
        let text = outcome.text();
        self.log.line(&text);
        terminal::data(&if self.globals.json { document::json(outcome)? } else { text });
        Ok(())
    }
}
