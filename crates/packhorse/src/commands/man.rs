//! `man` and `completions`: made from the arguments.

use crate::{
    cli::Cli,
    error::{AppError, Status},
    terminal,
};
use clap::CommandFactory;

/// Prints the manual page.
pub(super) fn run() -> Result<Status, AppError> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page)?;
    terminal::data(&String::from_utf8_lossy(&page));
    Ok(Status::Done)
}

/// Prints completions for a shell.
pub(super) fn completions(shell: clap_complete::Shell) -> Result<Status, AppError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "packhorse", &mut script);
    terminal::data(&String::from_utf8_lossy(&script));
    Ok(Status::Done)
}
