//! `archive check`: verifies a Packhorse archive.

use crate::{
    cli::{Archive, Globals},
    error::{AppError, Status},
};

/// Works on an archive file.
pub(super) fn run(_: &Globals, work: &Archive) -> Result<Status, AppError> {
    Err(AppError::failed(format!("not yet {work:?}")))
}
