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
mod earlier;
mod found;
pub(crate) mod host;
mod job;
mod judged;
mod kept;
mod log;
mod mapping;
mod migration;
mod outcome;
mod own;
mod people;
mod project;
mod remotes;
mod secret;
mod source;
mod survey;
mod triage;

pub(crate) use arguments::{ORIGINAL, help};
pub(crate) use job::{ProjectsJob, told_of};
pub(crate) use source::IDENTITY;

use crate::{
    cli::Globals,
    error::{AppError, Status},
    terminal,
};
use argparse::Ended;
use arguments::{Arguments, program};
use log::Log;
use mapping::Mappings;
use migration::Migration;
use packhorse_core::job::JobId;
use secret::Needs;
use std::sync::Arc;

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
    migrate(globals, arguments, None).await
}

/// Carries what the arguments say, or goes on with a job that did.
async fn migrate(
    globals: &Globals,
    arguments: Arguments,
    job: Option<JobId>,
) -> Result<Status, AppError> {
    let mappings = Mappings::read(&arguments.mappings)?;
    let secrets = secret::ask(&arguments, Needs::All)?;
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
    let ran = Migration { globals, arguments, mappings, log: log.clone(), job }.run(&secrets).await;
    if let Err(error) = &ran {
        log.line(&error.to_string());
    }
    ran
}
