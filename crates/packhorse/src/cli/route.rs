//! What is carried, and where.

use super::kind;
use clap::{Args, ValueEnum};
use packhorse_core::ObjectKind;
use std::path::PathBuf;

/// A route, and what of it is wanted.
#[derive(Clone, Debug, Args)]
pub(crate) struct Route {
    /// Location to read from
    pub(crate) from: String,
    /// Location to write to; `#path` names the one project, or the owner of all
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
    /// File that maps users: lines `old:new`, or CSV with a header `source,target`
    #[arg(long, value_name = "FILE")]
    pub(crate) users: Option<PathBuf>,
    /// What becomes of what happened to issues and change requests
    #[arg(long, value_enum, default_value_t = Events::Native, value_name = "HOW")]
    pub(crate) events: Events,
    /// What becomes of numbers that nothing at the source has, where they follow each other
    #[arg(long, value_enum, default_value_t = Gaps::Fill, value_name = "HOW")]
    pub(crate) gaps: Gaps,
    /// File with what was decided about conflicts, as `plan --write-conflicts` writes it
    #[arg(long, value_name = "FILE")]
    pub(crate) conflicts: Option<PathBuf>,
}

/// What becomes of what happened to issues and change requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Events {
    /// Events where the destination has them, nothing elsewhere
    Native,
    /// Events where the destination has them, lines of one closing comment elsewhere
    Comment,
    /// Nothing
    None,
}

/// What becomes of numbers that nothing at the source has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Gaps {
    /// A closed issue takes each, so that what follows keeps its number
    Fill,
    /// What follows gets other numbers
    Leave,
}

/// Which projects are meant.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Selection {
    /// Only projects like this: `acme/*`, `acme/**` with subgroups; `!acme/old-*` leaves out
    ///
    /// Can be given several times. `*` is anything without a slash, `**` anything, `?` one
    /// character; capitals count. What is left out stays so, whatever else is said.
    #[arg(long, value_name = "GLOB")]
    pub(crate) project: Vec<String>,
    /// File with such globs, one a line; `#` begins a comment
    #[arg(long, value_name = "FILE")]
    pub(crate) project_file: Vec<PathBuf>,
    /// CSV `origin,destination`: these projects, under these names
    ///
    /// Without a destination a project is called as it would be without the line.
    #[arg(long, value_name = "FILE")]
    pub(crate) pairs: Option<PathBuf>,
}
