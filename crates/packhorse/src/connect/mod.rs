//! `connect`: the platform and its external version control repository.
//!
//! `check` reads the platform's configuration and asks the Git host whether everything is there that
//! the platform will need; `render` writes the configuration. Both are for Anaconda Enterprise, whose
//! pages tell administrators to edit the file by hand and to try.
//!
//! # Sources
//!
//! Anaconda, "Connecting to an external version control repository".

pub(crate) mod api;
mod check;
mod difference;
mod entry;
mod file;
mod host;
mod render;
mod round_trip;

use crate::{
    cli::{Connect, Globals},
    error::{AppError, Status},
};

/// Does what was asked of the platform's connection.
pub(crate) async fn run(globals: &Globals, what: &Connect) -> Result<Status, AppError> {
    match what {
        Connect::Check(arguments) => check::run(globals, arguments).await,
        Connect::Render(arguments) => render::run(arguments),
    }
}
