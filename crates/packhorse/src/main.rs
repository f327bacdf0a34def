//! The command line of Packhorse: it wires, and it talks to people.

mod cli;
mod commands;
mod config;
mod connect;
mod document;
mod error;
mod permissions;
mod postgres_tls;
mod progress;
mod projects;
mod registry;
mod terminal;

use clap::Parser;
use std::process::ExitCode;
use tikv_jemallocator::Jemalloc;

/// Pages of records come and go on changing threads, which the system's allocator answers with a
/// pool for each: see `docs/decisions/0005-an-allocator-that-gives-back.md`.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse_from(cli::words(std::env::args_os()));
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
