//! `tidy`: takes bytes that no record has any more out of a local store.

use crate::{
    cli::Globals,
    config::Hosts,
    document,
    error::{AppError, Status},
    registry, terminal,
};
use std::path::Path;

/// Tidies the store that a location names.
pub(super) fn run(globals: &Globals, store: &str) -> Result<Status, AppError> {
    let location = Hosts::read(globals)?.locate(store)?;
    if registry::named(&location)?.id != "local" {
        return Err(AppError::usage(format!("`{store}` is not a local store"))
            .hint("only local stores keep bytes apart from records: `local:DIRECTORY`"));
    }
    let tidied = packhorse_hosts::tidy(Path::new(&location.rest))?;
    if globals.json {
        terminal::data(&document::json(&tidied)?);
    } else {
        let packhorse_hosts::Tidied { removed, bytes, waiting } = tidied;
        terminal::data(&format!("{removed} blobs were taken away, {bytes} bytes\n"));
        if waiting > 0 {
            terminal::data(&format!("{waiting} came within the last day and stay for now\n"));
        }
    }
    Ok(Status::Done)
}
