//! The arguments, each command's beside its help.

mod migrate;
mod route;
mod service;

pub(crate) use migrate::{Migrate, Tuning, Via};
pub(crate) use route::{Events, Gaps, Route, Selection};
pub(crate) use service::{Lasts, Log, Serve, Token, Worker};

use crate::projects;
use clap::{Args, Parser, Subcommand, ValueEnum};
use packhorse_core::{ObjectKind, job::JobId};
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

const ABOUT: &str =
    "Moves whole projects between Git hosts: repositories and everything around them";

const LONG_ABOUT: &str = "\
Moves whole projects between Git hosts: repositories and everything around them.

A location is `kind:rest`, with `#project` to mean one project of it:

  github-archive:export.tar.gz          an archive of a GitHub organization
  packhorse-archive:acme.packhorse      our own archive
  local:./stable                        an embedded store, made when it is not there
  local:./stable#acme/widgets           one project of it
  git:https://git.example/acme/app.git  a repository alone
  gitea:https://gitea.example/acme/app  a project of a Gitea or Forgejo, or all of `acme`, or all

`packhorse hosts` lists all kinds and what each can hold.";

const AFTER_HELP: &str = "\
Exit status:
  0  all arrived, or what was asked holds
  1  the run failed, or what was asked does not hold
  2  wrong usage
  3  arrived with losses, and --strict was given
  4  stopped, can be resumed
  70 a fault of ours

Examples:
  packhorse rehearse
  packhorse plan github-archive:export.tar.gz local:./stable
  packhorse migrate github-archive:export.tar.gz local:./stable
  packhorse report 1 --format html > report.html";

/// Everything a person can ask for.
#[derive(Debug, Parser)]
#[command(name = "packhorse", version, about = ABOUT, long_about = LONG_ABOUT, after_help = AFTER_HELP)]
#[command(max_term_width = 100, propagate_version = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// How, whatever it is.
    #[command(flatten)]
    pub(crate) globals: Globals,
}

/// Options of every command.
#[derive(Clone, Debug, Args)]
pub(crate) struct Globals {
    /// Directory that holds the journal of all jobs
    #[arg(
        long,
        global = true,
        env = "PACKHORSE_JOURNAL",
        default_value = ".packhorse",
        value_name = "DIR"
    )]
    pub(crate) journal: PathBuf,
    /// PostgreSQL database that holds it instead, and that workers share
    #[arg(
        long,
        global = true,
        env = "PACKHORSE_JOURNAL_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub(crate) journal_url: Option<String>,
    /// Directory for what is needed during a run only [default: the system's]
    #[arg(long, global = true, env = "PACKHORSE_SCRATCH", value_name = "DIR")]
    pub(crate) scratch: Option<PathBuf>,
    /// File with hosts by name [default: packhorse.toml here or in the user's configuration]
    #[arg(long, global = true, env = "PACKHORSE_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// How to tell what is going on, on stderr
    #[arg(long, global = true, value_enum, default_value_t = Progress::Auto, value_name = "HOW")]
    pub(crate) progress: Progress,
    /// Print the result as JSON on stdout
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// How progress is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Progress {
    /// Bars on a terminal, lines elsewhere
    Auto,
    /// Bars
    Bar,
    /// Lines
    Plain,
    /// One JSON object a line
    Json,
    /// Not at all
    None,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Says what would arrive, what would be lost and why, before anything moves
    Plan(Plan),
    /// Carries everything from one place to another, and verifies it
    Migrate(Migrate),
    /// Carries the projects of Anaconda Enterprise between Git hosts, as migrate_projects.py does
    #[command(disable_help_flag = true, disable_version_flag = true, after_help = projects::help())]
    MigrateProjects {
        /// How the tool was called.
        #[arg(
            long,
            hide = true,
            default_value = "packhorse migrate-projects",
            value_name = "NAME"
        )]
        called: String,
        /// What migrate_projects.py takes; see below
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENT")]
        arguments: Vec<String>,
    },
    /// Checks or writes how Anaconda Enterprise is connected to an external repository
    #[command(subcommand)]
    Connect(Connect),
    /// Carries a place into a new archive
    Export(Migrate),
    /// Carries an archive into a place
    Import(Migrate),
    /// Shows a whole migration between two stand-in hosts on this machine
    Rehearse(Rehearse),
    /// Reads a job's destination back and compares it with what was written
    Verify(Verify),
    /// Compares two places, without any job
    Compare(Compare),
    /// Shows all jobs, or one job with its projects and counts
    Status {
        /// Number of the job [default: all]
        job: Option<JobId>,
    },
    /// Goes on with a job that stopped, was cancelled or failed
    Resume(OfRun),
    /// Asks a running job to stop; it can be resumed
    Cancel(OfJob),
    /// Removes from the destination what a job wrote, and nothing else
    Rollback(OfJob),
    /// Holds what a job did against its plan
    Report(Report),
    /// Shows what is in a place
    Show(Show),
    /// Lists the projects of a place, with counts and sizes
    Inventory(Inventory),
    /// Takes bytes that no record has any more out of a local store
    Tidy {
        /// The store, such as `local:./stable`
        store: String,
    },
    /// Lists hosts and formats, and what each can hold
    #[command(args_conflicts_with_subcommands = true)]
    Hosts {
        /// Only this host or format
        host: Option<String>,
        /// What else
        #[command(subcommand)]
        command: Option<HostsCommand>,
    },
    /// Serves the migration APIs of GitHub, GitLab and Bitbucket, and runs what is asked for through them
    Serve(Serve),
    /// Runs jobs that wait in the journal, beside other workers
    Worker(Worker),
    /// Makes, lists and takes back tokens of the service
    #[command(subcommand)]
    Token(Token),
    /// Works on archive files
    #[command(subcommand)]
    Archive(Archive),
    /// Prints completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Prints the manual page
    Man,
    /// Prints a page of the documentation that is made from the code
    #[command(hide = true)]
    Document {
        /// The page
        page: crate::document::Page,
    },
}

/// A plan.
#[derive(Clone, Debug, Args)]
pub(crate) struct Plan {
    /// What is carried, and where.
    #[command(flatten)]
    pub(crate) route: Route,
    /// Write what is in the way into a new file, to be filled in and given to `--conflicts`
    #[arg(long, value_name = "FILE")]
    pub(crate) write_conflicts: Option<PathBuf>,
    /// Over the destination's API, or by an archive that it imports by itself
    #[arg(long, value_enum, default_value_t = Via::Api, value_name = "HOW")]
    pub(crate) via: Via,
}

/// A rehearsal.
#[derive(Clone, Debug, Args)]
pub(crate) struct Rehearse {
    /// Host to stand in for as the source
    #[arg(long, default_value = "gitea", value_name = "HOST")]
    pub(crate) from: String,
    /// Host to stand in for as the destination, or `local`
    #[arg(long, default_value = "local", value_name = "HOST")]
    pub(crate) to: String,
    /// Location whose data is carried, such as an archive [default: a small example]
    #[arg(long, value_name = "LOCATION")]
    pub(crate) data: Option<String>,
    /// How often things go wrong on the way: none, some, many
    #[arg(long, default_value = "none", value_name = "HOW")]
    pub(crate) faults: packhorse_fakes::fault::Weather,
    /// How it runs.
    #[command(flatten)]
    pub(crate) tuning: Tuning,
}

/// One job.
#[derive(Clone, Debug, Args)]
pub(crate) struct OfJob {
    /// Number of the job
    pub(crate) job: JobId,
}

/// A job that is read back.
#[derive(Clone, Debug, Args)]
pub(crate) struct Verify {
    /// Number of the job
    pub(crate) job: JobId,
    /// Of a job of migrate-projects: read everything back, and not the refs alone
    #[arg(long)]
    pub(crate) full_check: bool,
}

/// One job that is to run.
#[derive(Clone, Debug, Args)]
pub(crate) struct OfRun {
    /// Number of the job
    pub(crate) job: JobId,
    /// How it runs.
    #[command(flatten)]
    pub(crate) tuning: Tuning,
}

/// Two places.
#[derive(Clone, Debug, Args)]
pub(crate) struct Compare {
    /// Location that is taken as right
    pub(crate) from: String,
    /// Location that is held against it
    pub(crate) to: String,
    /// Of which projects.
    #[command(flatten)]
    pub(crate) projects: Selection,
    /// Only these kinds, separated by commas
    #[arg(long, value_delimiter = ',', value_parser = kind, value_name = "KIND,…")]
    pub(crate) only: Vec<ObjectKind>,
    /// Not these kinds, separated by commas
    #[arg(long, value_delimiter = ',', value_parser = kind, value_name = "KIND,…")]
    pub(crate) skip: Vec<ObjectKind>,
    /// Where commits of change requests that no branch leads to were kept, as `migrate` was told
    #[arg(long, value_name = "REFS")]
    pub(crate) keep_commits_under: Option<String>,
}

/// A report.
#[derive(Clone, Debug, Args)]
pub(crate) struct Report {
    /// Number of the job
    pub(crate) job: JobId,
    /// Form of the report
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

/// Form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For reading
    Text,
    /// For programs
    Json,
    /// For a browser, one file
    Html,
    /// For a spreadsheet: a row for each loss, failure and project
    Csv,
}

/// What to do with hosts.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum HostsCommand {
    /// Asks a host whether it can be reached, what it is and what the token may do
    Check {
        /// Name of a host of the configuration, or a location
        name: String,
    },
}

/// An inventory.
#[derive(Clone, Debug, Args)]
pub(crate) struct Inventory {
    /// Location to look into
    pub(crate) location: String,
    /// Of which projects.
    #[command(flatten)]
    pub(crate) projects: Selection,
    /// Form of the list
    #[arg(long, value_enum, default_value_t = Table::Text)]
    pub(crate) format: Table,
}

/// Form of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Table {
    /// For reading
    Text,
    /// For programs: an object a line
    Json,
    /// For a spreadsheet: a column for each kind
    Csv,
}

/// What to show.
#[derive(Clone, Debug, Args)]
pub(crate) struct Show {
    /// Location to look into
    pub(crate) location: String,
    /// Full path of a project; `-` for what stands beside all projects
    pub(crate) project: Option<String>,
    /// Kind of records
    #[arg(value_parser = kind)]
    pub(crate) kind: Option<ObjectKind>,
    /// Id of one record
    pub(crate) id: Option<String>,
}

/// What to do with the platform's configuration.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Connect {
    /// Says whether everything is there that the platform needs; makes a repository and removes it
    Check(Check),
    /// Writes the section of an external repository; the old one stays as a comment
    Render(Render),
}

/// A look at the platform's configuration and at the host that it names.
#[derive(Clone, Debug, Args)]
pub(crate) struct Check {
    /// The file anaconda-enterprise-anaconda-platform.yml
    pub(crate) file: PathBuf,
    /// Make no repository to push to and to remove again
    #[arg(long)]
    pub(crate) no_probe: bool,
}

/// A new section of the platform's configuration.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "The token is asked for; from a pipe, it is the first line, and `y` the second."
)]
pub(crate) struct Render {
    /// The file anaconda-enterprise-anaconda-platform.yml
    pub(crate) file: PathBuf,
    /// Type of the repository: github, gitlab, bitbucket, or an API type of newer releases
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) kind: Option<String>,
    /// Address of the host's API
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Organization, team or group
    #[arg(long, value_name = "NAME")]
    pub(crate) organization: Option<String>,
    /// Account that administers it
    #[arg(long, value_name = "NAME")]
    pub(crate) username: Option<String>,
    /// What the service is called [default: the host]
    #[arg(long, value_name = "TEXT")]
    pub(crate) name: Option<String>,
    /// Domain that people's credentials are for [default: the host]
    #[arg(long, value_name = "HOST")]
    pub(crate) credential_hostname: Option<String>,
    /// Whether the platform's own server takes names from its proxy: off for a migration, on after
    #[arg(long, value_enum, value_name = "HOW")]
    pub(crate) reverse_proxy_auth: Option<Switch>,
    /// Write without asking
    #[arg(long)]
    pub(crate) yes: bool,
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    /// Switched on
    On,
    /// Switched off
    Off,
}

/// Work on archive files.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Archive {
    /// Verifies an archive: counts, records, references, files, repositories, importers' limits
    Check {
        /// The file
        file: PathBuf,
    },
}

/// The words of a call; one by a name of the tool that `migrate-projects` stands in for is a call
/// of that command.
pub(crate) fn words(called: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut words: Vec<OsString> = called.into_iter().collect();
    let name = words.first().map(Path::new).and_then(Path::file_name);
    let tool = name
        .and_then(|it| it.to_str())
        .filter(|it| *it == projects::ORIGINAL || *it == "migrate_projects");
    if let Some(tool) = tool.map(OsString::from) {
        let command = ["migrate-projects".into(), "--called".into(), tool, "--".into()];
        words.splice(1..1, command);
    }
    words
}

fn kind(text: &str) -> Result<ObjectKind, String> {
    ObjectKind::named(text).ok_or_else(|| {
        let names: Vec<_> = ObjectKind::ALL.iter().map(|it| it.name()).collect();
        format!("there is no such kind; known are {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
