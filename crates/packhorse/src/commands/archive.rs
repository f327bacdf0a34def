//! `archive check`: verifies an archive of any format.

use crate::{
    cli::{Archive, Globals},
    document,
    error::{AppError, Status},
    terminal,
};
use std::path::Path;

/// Works on an archive file.
pub(super) fn run(globals: &Globals, work: &Archive) -> Result<Status, AppError> {
    match work {
        Archive::Check { file } => check(globals, file),
    }
}

fn check(globals: &Globals, file: &Path) -> Result<Status, AppError> {
    let report = packhorse_archive::check(file).map_err(|error| {
        AppError::failed(format!("`{}` is not a whole archive", file.display())).because(error)
    })?;
    if globals.json {
        terminal::data(&document::json(&report)?);
    } else {
        terminal::data(&report.to_string());
    }
    Ok(if report.is_clean() { Status::Done } else { Status::Failed })
}
