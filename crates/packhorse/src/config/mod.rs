//! What comes from outside the arguments: files, directories, credentials.

mod archives;
mod budgets;
mod hosts;
mod journal;
mod limits;
mod secret;
mod selection;
mod service;

pub(crate) use archives::ArchivesKey;
pub(crate) use budgets::share_budgets;
pub(crate) use hosts::Hosts;
pub(crate) use journal::{database, directory, journal, journal_if_any};
pub(crate) use selection::{resolutions, selection};

use crate::{cli::Globals, error::AppError};
use packhorse_core::{GitCredentials, Location, Secret};
use std::{env, fs, path::Path};
use tempfile::TempDir;

/// Largest file of users, projects or conflicts that is read, in bytes.
const MAX_FILE: u64 = 64 << 20;

/// A directory for this run, removed at its end.
pub(crate) fn scratch(globals: &Globals) -> Result<TempDir, AppError> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("packhorse-");
    let made = match &globals.scratch {
        Some(parent) => fs::create_dir_all(parent).and_then(|()| builder.tempdir_in(parent)),
        None => builder.tempdir(),
    };
    made.map_err(|error| AppError::failed("could not make a scratch directory").because(error))
}

/// Which end of a route.
#[derive(Clone, Copy)]
pub(crate) enum End {
    Source,
    Target,
}

/// Environment variables with a user's name and password.
const fn variables(end: End) -> (&'static str, &'static str) {
    match end {
        End::Source => ("PACKHORSE_SOURCE_USERNAME", "PACKHORSE_SOURCE_PASSWORD"),
        End::Target => ("PACKHORSE_TARGET_USERNAME", "PACKHORSE_TARGET_PASSWORD"),
    }
}

/// Environment variable of the password or token for an end.
pub(crate) const fn token_variable(end: End) -> &'static str {
    variables(end).1
}

/// With how many tokens a place is asked; nobody is asked for one.
pub(crate) fn tokens(hosts: &Hosts, location: &Location, end: End) -> usize {
    if location.address().1.is_some() || env::var(variables(end).1).is_ok() {
        return 1;
    }
    hosts.tokens(location).max(1)
}

/// Adds the right to use a place, unless its URL has it: from the environment, or else from the
/// configuration.
///
/// SECURITY: the result lives in memory only; jobs and messages show
/// [`Location`]'s display, which leaves credentials out.
pub(crate) fn with_credentials(
    hosts: &Hosts,
    location: &Location,
    end: End,
) -> Result<Location, AppError> {
    let (user, password) = variables(end);
    let mut location = location.clone();
    if location.address().1.is_some() || !location.rest.contains("://") {
        return Ok(location);
    }
    let mut pool = match env::var(password) {
        Ok(password) => {
            let username = env::var(user).unwrap_or_else(|_| "git".to_owned());
            vec![GitCredentials { username, password: Secret::new(password) }]
        }
        Err(_) => hosts.credentials(&location)?,
    }
    .into_iter();
    location.credentials = pool.next();
    location.more_credentials = pool.collect();
    Ok(location)
}

/// Reads a users file; what stands in it is checked where it is used.
pub(crate) fn users(path: &Path) -> Result<String, AppError> {
    text("users file", path)
}

/// Reads a file that a person wrote; `what` says what for.
fn text(what: &str, path: &Path) -> Result<String, AppError> {
    let fail = || AppError::usage(format!("could not read the {what} `{}`", path.display()));
    let size = fs::metadata(path).map_err(|error| fail().because(error))?.len();
    if size > MAX_FILE {
        return Err(fail().hint(format!("it has {size} bytes; the most is {MAX_FILE}")));
    }
    fs::read_to_string(path).map_err(|error| fail().because(error))
}

/// Name of this process among workers: taken over when its lease runs out.
pub(crate) fn worker() -> String {
    format!("pid {}", std::process::id())
}
