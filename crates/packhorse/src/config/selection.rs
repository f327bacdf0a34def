//! Which projects are meant, and what was decided about them, from arguments and files.

use super::text;
use crate::{cli, error::AppError};
use packhorse_core::{Selection, conflict::Resolution};
use packhorse_engine::selection::{SelectionError, add_pattern, add_patterns, pairs};
use std::path::Path;

/// Reads what was said of projects; nothing said means all.
pub(crate) fn selection(said: &cli::Selection) -> Result<Selection, AppError> {
    let mut selection = Selection::default();
    for pattern in &said.project {
        add_pattern(&mut selection, pattern)
            .map_err(|error| AppError::usage(format!("`--project '{pattern}'`: {error}")))?;
    }
    for file in &said.project_file {
        let content = text("file of projects", file)?;
        add_patterns(&mut selection, &file.display().to_string(), &content).map_err(wrong)?;
    }
    if let Some(file) = &said.pairs {
        let content = text("file of pairs", file)?;
        selection.pairs = pairs(&file.display().to_string(), &content).map_err(wrong)?;
    }
    Ok(selection)
}

/// Reads what was decided about conflicts.
pub(crate) fn resolutions(file: Option<&Path>) -> Result<Vec<Resolution>, AppError> {
    let Some(file) = file else { return Ok(Vec::new()) };
    let content = text("file of conflicts", file)?;
    packhorse_engine::resolutions::read(&file.display().to_string(), &content).map_err(|error| {
        AppError::usage(error.to_string())
            .hint("`packhorse plan FROM TO --write-conflicts FILE` writes such a file")
    })
}

fn wrong(error: SelectionError) -> AppError {
    let hint = "docs/guides/choosing-projects.md shows what stands in such files";
    AppError::usage(error.to_string()).because(error).hint(hint)
}
