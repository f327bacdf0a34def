//! A run from one place to another.

use super::Route;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// A run.
#[derive(Clone, Debug, Args)]
#[command(after_help = CREDENTIALS)]
pub(crate) struct Migrate {
    /// What is carried, and where.
    #[command(flatten)]
    pub(crate) route: Route,
    /// Remove from the destination what is gone at the source
    #[arg(long)]
    pub(crate) delete: bool,
    /// Overwrite refs that somebody moved at the destination
    #[arg(long)]
    pub(crate) force: bool,
    /// End with status 3 when anything was lost, also when the plan said so
    #[arg(long)]
    pub(crate) strict: bool,
    /// Keep commits of change requests that no branch leads to under these refs
    #[arg(long, value_name = "REFS")]
    pub(crate) keep_commits_under: Option<String>,
    /// Over the destination's API, or by an archive that it imports by itself
    #[arg(long, value_enum, default_value_t = Via::Api, value_name = "HOW")]
    pub(crate) via: Via,
    /// Directory from which the destination takes archives, as it is reached from here
    #[arg(long, value_name = "DIR")]
    pub(crate) import_directory: Option<PathBuf>,
    /// Address at which the destination reaches that directory, to fetch archives from there
    #[arg(long, value_name = "URL", requires = "import_directory")]
    pub(crate) import_address: Option<String>,
    /// Ask the destination to stop its import when this run is stopped
    #[arg(long)]
    pub(crate) cancel_import: bool,
    /// Print the plan and stop
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Leave the job to a `packhorse worker`
    #[arg(long, conflicts_with_all = ["dry_run", "via"])]
    pub(crate) queue: bool,
    /// Do not read the destination back afterwards
    #[arg(long)]
    pub(crate) no_verify: bool,
    /// How it runs.
    #[command(flatten)]
    pub(crate) tuning: Tuning,
}

/// The way in which a route goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Via {
    /// Over the API
    Api,
    /// By an archive that the destination imports by itself
    Archive,
    /// By an archive where that keeps more, else over the API
    Auto,
}

const CREDENTIALS: &str = "\
Credentials come from the environment, never from arguments:
  PACKHORSE_SOURCE_USERNAME, PACKHORSE_SOURCE_PASSWORD   for the location to read from
  PACKHORSE_TARGET_USERNAME, PACKHORSE_TARGET_PASSWORD   for the location to write to

A run that is interrupted, by whatever, goes on where it stopped when the same command
is given again, or by `packhorse resume JOB`.";

/// How a run uses the machine.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Tuning {
    /// Projects carried side by side
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) parallel: u16,
    /// Seconds after which a silent worker's job may be taken over
    #[arg(long, default_value_t = 15, value_name = "SECONDS", hide = true, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) lease: u64,
}
