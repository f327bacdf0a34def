//! The command line of Packhorse: it wires, and it talks to people.

mod cli;
mod commands;
mod config;
mod document;
mod error;
mod progress;
mod registry;
mod terminal;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    // Threads that wait for the disk: more of them would hold memory and not be faster.
    let runtime = match runtime.enable_all().max_blocking_threads(16).build() {
        Ok(runtime) => runtime,
        Err(error) => return error::AppError::from(error).show(),
    };
    match runtime.block_on(commands::run(cli)) {
        Ok(status) => status.into(),
        Err(error) => error.show(),
    }
}
