//! What is going on, told to people and programs on stderr.

mod bar;
mod plain;

pub(crate) use plain::line;

use crate::{cli, terminal};
use packhorse_core::{Event, Listener};
use std::{
    io::{IsTerminal, stderr},
    sync::Arc,
};

/// Whoever shall hear of a run's events.
pub(crate) fn listener(how: cli::Progress) -> Arc<dyn Listener> {
    match how {
        cli::Progress::Auto if stderr().is_terminal() => Arc::new(bar::Bars::new()),
        cli::Progress::Bar => Arc::new(bar::Bars::new()),
        cli::Progress::Auto | cli::Progress::Plain => Arc::new(plain::Lines),
        cli::Progress::Json => Arc::new(Json),
        cli::Progress::None => Arc::new(()),
    }
}

/// One JSON object a line.
struct Json;

impl Listener for Json {
    fn on(&self, event: &Event) {
        if let Ok(line) = serde_json::to_string(event) {
            terminal::talk(&line);
        }
    }
}
