//! `migrate-projects`: in the place of Anaconda's `migrate_projects.py`.
//!
//! It reads the platform's projects from its database, and carries their repositories, owners and
//! collaborators from one Git host to another, by the engine that carries everything else: what is
//! interrupted goes on, a second run carries what is new, and the refs of both ends are compared.
//!
//! 1. The arguments, in the manner of the original; what was left out is asked for.
//! 2. The database and the mappings file: who is not in it is told before anything moves.
//! 3. Both hosts are listed, and each project gets a [verdict](triage::Verdict).
//! 4. What goes, goes; then the refs of both ends are compared.
//! 5. Every project ends in the report, with why and what to do.
//!
//! # Sources
//!
//! Anaconda, "Migrating projects between version control repositories".

mod argparse;
mod arguments;
mod carry;
mod check;
mod database;
pub(crate) mod host;
mod log;
mod mapping;
mod outcome;
mod project;
mod secret;
mod source;
mod survey;
mod triage;

pub(crate) use arguments::{ORIGINAL, help};
pub(crate) use source::IDENTITY;

use crate::{
    cli::Globals,
    config,
    connect::api::Api,
    document,
    error::{AppError, Status},
    terminal,
};
use argparse::Ended;
use arguments::{Arguments, program};
use carry::{AHEAD, Course};
use futures::{StreamExt, stream};
use host::{ApiType, Host};
use log::Log;
use mapping::Mappings;
use outcome::{Known, Outcome, Row};
use packhorse_core::{HostErrorKind, job::JobState};
use packhorse_engine::EngineError;
use packhorse_git::Git;
use project::Project;
use secret::Secrets;
use source::{Listed, PlatformSource};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};
use survey::Survey;
use triage::{Earlier, Triage, Verdict};

/// Most accounts that are looked for at the destination before anything moves: hosts allow some
/// thousand questions an hour.
const MAX_LOOKED_FOR: usize = 2_000;
/// Names that a list of people or repositories tells one by one.
const MAX_NAMED: usize = 20;

/// Does what the arguments say; `called` is how the tool was called.
pub(crate) async fn run(
    globals: &Globals,
    called: &str,
    words: &[String],
) -> Result<Status, AppError> {
    let arguments = match Arguments::read(program(called), words) {
        Ok(arguments) => arguments,
        Err(Ended::Help(text)) => {
            terminal::data(&text);
            return Ok(Status::Done);
        }
        Err(Ended::Wrong(text)) => {
            terminal::talk(text.trim_end());
            return Ok(Status::Usage);
        }
    };
    for option in arguments.open_secrets() {
        terminal::talk(&format!(
            "note: {option} can be read by others in the list of processes; left out, it is asked \
             for"
        ));
    }
    let mappings = Mappings::read(&arguments.mappings)?;
    let secrets = secret::ask(&arguments)?;
    let (log, file) = Log::open(arguments.log_prefix.as_deref())?;
    let log = Arc::new(log);
    if let Some(file) = file {
        terminal::talk(&format!("the log is `{}`", file.display()));
    }
    let globals = Globals {
        journal: arguments.journal.clone().unwrap_or_else(|| globals.journal.clone()),
        scratch: arguments.scratch.clone().or_else(|| globals.scratch.clone()),
        ..globals.clone()
    };
    let ran = Migration { globals, arguments, mappings, log: log.clone() }.run(&secrets).await;
    if let Err(error) = &ran {
        log.line(&error.to_string());
    }
    ran
}

/// One run, its arguments read.
struct Migration {
    globals: Globals,
    arguments: Arguments,
    mappings: Mappings,
    log: Arc<Log>,
}

impl Migration {
    fn say(&self, text: &str) {
        terminal::talk(text);
        self.log.line(text);
    }

    async fn run(&self, secrets: &Secrets) -> Result<Status, AppError> {
        let arguments = &self.arguments;
        let origin = Host::read(&arguments.origin, &secrets.origin, "origin")?;
        let destination = Host::read(&arguments.destination, &secrets.destination, "dest")?;
        let projects = database::projects(&arguments.database, &secrets.database).await?;
        self.say(&format!("the database has {} projects", projects.len()));
        self.check_people(&projects)?;
        let scratch = config::scratch(&self.globals)?;
        let (origin, at_origin) = self.look_at_origin(origin, scratch.path()).await?;
        let there = Survey::of(&destination, scratch.path()).await?;
        let mappings = self.check_accounts(&destination, &projects).await?;
        let course = Course {
            origin: &origin,
            destination: &destination,
            journal: carry::journal(&self.globals)?,
            scratch: scratch.path(),
            parallel: arguments.parallel.get().into(),
            force: arguments.force,
            full_check: arguments.full_check,
            lease: arguments.lease,
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
        let at_once = course.parallel * AHEAD;
        let verdicts = triage.judge_all(&projects, at_once).await?;
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
        let mut is_stopped = false;
        if !listed.is_empty() {
            let sink = course.sink()?;
            sink.probe().await.map_err(|error| {
                let hint = "give it a token of an account that administers the organization";
                AppError::from(error).hint(hint)
            })?;
            kept = self.replace(course, git, judged).await;
            let going = listed.iter().filter(|(path, _)| !kept.contains_key(path));
            let going = going.map(|(path, it)| (path.clone(), (*it).clone())).collect();
            let (origin, there) = judged.ends;
            let people_at = course.destination.home.host_str().map(str::to_owned);
            let host = origin.source.clone();
            let source = PlatformSource { host, people_at, listed: going };
            let (job, outcome) = course.carry(Arc::new(source), sink, &there.source).await?;
            is_stopped = matches!(outcome.state, JobState::Stopped | JobState::Cancelled);
            let history = course.journal.history(job).await?;
            noted = outcome::noted(&*history).await?;
            if !is_stopped {
                let policy = course.policy();
                let at_once = course.parallel * AHEAD;
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
        self.tell(&outcome)?;
        Ok(match (is_stopped, outcome.is_whole()) {
            (true, _) => {
                self.say("hint: run the same command again, and it goes on where it stopped");
                Status::Stopped
            }
            (false, true) => Status::Done,
            (false, false) => Status::Failed,
        })
    }

    /// Replaces what was forced, after saying what; those that could not be, with the reason.
    async fn replace(
        &self,
        course: &Course<'_>,
        git: &Git,
        judged: &Judged<'_>,
    ) -> BTreeMap<String, String> {
        let mut paths = Vec::new();
        for (path, _, verdict) in judged.each() {
            if let Verdict::Carry(listed, triage::How::Replace(n)) = verdict {
                self.say(&format!("{path}: replacing {n} refs that are not as at the origin"));
                let there = judged.ends.1.find(path.rsplit('/').next().unwrap_or(path));
                let there = there.map_or(path, |it| it.path.as_str());
                paths.push((listed.origin.clone(), there.to_owned()));
            }
        }
        course.replace(git, judged.ends, paths).await.into_iter().collect()
    }

    fn tell(&self, outcome: &Outcome) -> Result<(), AppError> {
        let text = outcome.text();
        self.log.line(&text);
        terminal::data(&if self.globals.json { document::json(outcome)? } else { text });
        Ok(())
    }

    /// Stops where people of the projects are in no line of the mappings file, unless that is
    /// wanted.
    fn check_people(&self, projects: &[Project]) -> Result<(), AppError> {
        let mentioned: BTreeSet<&str> = projects.iter().flat_map(Project::users).collect();
        let unused = self.mappings.unused(&mentioned);
        if !unused.is_empty() {
            let unused = unused.into_iter().collect();
            self.say(&format!(
                "note: lines of the mappings file that no project needs: {}",
                names(&unused)
            ));
        }
        let unmapped: BTreeSet<&str> =
            mentioned.into_iter().filter(|it| self.mappings.git(it).is_none()).collect();
        if unmapped.is_empty() {
            return Ok(());
        }
        let text = format!(
            "{} users of the projects have no line in the mappings file: {}",
            unmapped.len(),
            names(&unmapped)
        );
        if self.arguments.skip_unmapped || self.arguments.only_report {
            self.say(&format!("note: {text}"));
            return Ok(());
        }
        Err(AppError::failed(text)
            .hint("add lines `platform-user:git-user` for them; nothing was moved")
            .hint("or say --skip-unmapped: their projects are carried, and they get no right"))
    }

    /// Stops where names of the mappings file have no account at the destination, unless that is
    /// wanted; then they are left out.
    async fn check_accounts(
        &self,
        destination: &Host,
        projects: &[Project],
    ) -> Result<Mappings, AppError> {
        let accounts = self.mappings.accounts(projects.iter().flat_map(Project::users));
        if accounts.len() > MAX_LOOKED_FOR {
            self.say(&format!(
                "note: {} accounts are too many to look for at the destination; those that are not \
                 there are told with their projects",
                accounts.len()
            ));
            return Ok(self.mappings.clone());
        }
        let api = Api::of(destination)?;
        let found = stream::iter(accounts).map(|name| {
            let api = &api;
            async move { (api.has_account(name).await == Some(false)).then(|| name.to_owned()) }
        });
        let at_once = usize::from(self.arguments.parallel.get()) * AHEAD;
        let found = found.buffer_unordered(at_once).filter_map(std::future::ready);
        let missing: BTreeSet<String> = found.collect().await;
        if missing.is_empty() {
            return Ok(self.mappings.clone());
        }
        let text = format!(
            "{} names of the mappings file have no account at the destination: {}",
            missing.len(),
            names(&missing.iter().map(String::as_str).collect())
        );
        if self.arguments.skip_unmapped || self.arguments.only_report {
            self.say(&format!("note: {text}"));
            return Ok(self.mappings.without(&missing));
        }
        Err(AppError::failed(text)
            .hint("make the accounts, or correct the lines; Bitbucket Cloud wants account ids; nothing was moved")
            .hint("or say --skip-unmapped: projects are carried, and these people get no right"))
    }

    /// Lists the origin; the platform's own server may want nobody's name where it has no token.
    async fn look_at_origin(
        &self,
        origin: Host,
        scratch: &Path,
    ) -> Result<(Host, Survey), AppError> {
        let is_blank = |it: &packhorse_core::GitCredentials| it.password.expose().is_empty();
        let may_be_nobody = origin.api == ApiType::Internal
            && origin.username.is_some()
            && origin.location.credentials.as_ref().is_some_and(is_blank);
        if may_be_nobody {
            let source = crate::registry::source(&origin.location, scratch)?;
            let refused =
                source.probe().await.is_err_and(|it| it.kind == HostErrorKind::Unauthorized);
            if refused {
                self.say("note: the origin takes no account without a token; asking as nobody");
                let nobody = origin.anonymous();
                let survey = Survey::of(&nobody, scratch).await?;
                return Ok((nobody, survey));
            }
        }
        let survey = Survey::of(&origin, scratch).await?;
        Ok((origin, survey))
    }
}

/// What somebody should know of a project's people.
fn remarks(destination: &Host, mappings: &Mappings, project: &Project) -> Vec<String> {
    let mut notes = Vec::new();
    let invites = destination.api == ApiType::Github
        && destination.location.rest.starts_with("https://github.com/");
    let members = project.members(mappings);
    if invites && !members.is_empty() {
        let members = members.keys().map(String::as_str).collect();
        notes.push(format!("invited, and still to accept: {}", names(&members)));
    }
    let without: BTreeSet<_> = project.users().filter(|it| mappings.git(it).is_none()).collect();
    if !without.is_empty() {
        notes.push(format!(
            "got no right, having no line in the mappings file or no account there: {}",
            names(&without)
        ));
    }
    if !project.groups.is_empty() {
        let groups = project.groups.iter().map(String::as_str).collect();
        notes.push(format!(
            "groups are not carried, give them their rights there: {}",
            names(&groups)
        ));
    }
    notes
}

/// Projects, their paths at the destination, and what is to become of them.
struct Judged<'a> {
    projects: &'a [Project],
    /// Who is who, those without an account at the destination apart.
    mappings: &'a Mappings,
    paths: Vec<String>,
    verdicts: &'a [Verdict],
    ends: (&'a Survey, &'a Survey),
}

impl Judged<'_> {
    fn each(&self) -> impl Iterator<Item = (&str, &Project, &Verdict)> {
        let both = self.projects.iter().zip(self.verdicts);
        self.paths
            .iter()
            .zip(both)
            .map(|(path, (project, verdict))| (path.as_str(), project, verdict))
    }

    /// What is carried, by its path.
    fn listed(&self) -> Vec<(String, &Listed)> {
        let carried = self.each().filter_map(|(path, _, verdict)| match verdict {
            Verdict::Carry(listed, _) => Some((path.to_owned(), listed)),
            Verdict::Skip(_) | Verdict::Fail(_) => None,
        });
        carried.collect()
    }

    /// Repositories of the origin that belong to no project.
    fn strangers(&self) -> Vec<String> {
        let ours: BTreeSet<String> =
            self.projects.iter().map(|it| it.origin_name().to_lowercase()).collect();
        let all = self.ends.0.repositories.iter();
        all.filter(|(name, _)| !ours.contains(*name)).map(|(_, it)| it.path.clone()).collect()
    }
}

/// Names in one line, the first of many.
fn names(all: &BTreeSet<&str>) -> String {
    let some: Vec<_> = all.iter().take(MAX_NAMED).copied().collect();
    let more = all.len() - some.len();
    match more {
        0 => some.join(", "),
        more => format!("{} and {more} more", some.join(", ")),
    }
}
