//! `archive check`: verifies an archive of any format.

use crate::{
    cli::{Archive, Globals},
    config, document,
    error::{AppError, Status},
    terminal,
};
use std::path::Path;

/// Works on an archive file.
pub(super) async fn run(globals: &Globals, work: &Archive) -> Result<Status, AppError> {
    match work {
        Archive::Check { file } => check(globals, file).await,
    }
}

async fn check(globals: &Globals, file: &Path) -> Result<Status, AppError> {
    let failed = || AppError::failed(format!("`{}` is not a whole archive", file.display()));
    let mut report = packhorse_archive::check(file).map_err(|error| failed().because(error))?;
    let scratch = config::scratch(globals)?;
    let whole = packhorse_archive::check_whole(file, scratch.path(), &mut report);
    whole.await.map_err(|error| failed().because(error))?;
    if globals.json {
        terminal::data(&document::json(&report)?);
    } else {
        terminal::data(&report.to_string());
    }
    Ok(if report.is_clean() { Status::Done } else { Status::Failed })
}
