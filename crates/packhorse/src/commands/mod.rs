//! One file a command.

mod archive;
mod cancel;
mod check;
pub(crate) mod compare;
mod ends;
mod forecast;
mod handover;
mod hosts;
mod inventory;
mod man;
pub(crate) mod migrate;
mod plan;
mod rehearse;
mod report;
mod resume;
mod rollback;
mod serve;
mod show;
mod status;
mod tidy;
mod token;
mod verify;
mod worker;

use crate::{
    cli::{Cli, Command, HostsCommand},
    connect, document,
    error::{AppError, Status},
    projects,
};

/// Does what was asked.
pub(crate) async fn run(cli: Cli) -> Result<Status, AppError> {
    let globals = &cli.globals;
    match cli.command {
        Command::Plan(arguments) => plan::run(globals, &arguments).await,
        Command::Migrate(arguments) => {
            migrate::run(globals, &arguments, migrate::Verb::Migrate).await
        }
        Command::MigrateProjects { called, arguments } => {
            projects::run(globals, &called, &arguments).await
        }
        Command::Connect(what) => connect::run(globals, &what).await,
        Command::Export(arguments) => {
            migrate::run(globals, &arguments, migrate::Verb::Export).await
        }
        Command::Import(arguments) => {
            migrate::run(globals, &arguments, migrate::Verb::Import).await
        }
        Command::Rehearse(arguments) => rehearse::run(globals, &arguments).await,
        Command::Verify(of) => verify::run(globals, &of).await,
        Command::Compare(places) => compare::run(globals, &places).await,
        Command::Status { job } => status::run(globals, job).await,
        Command::Resume(of) => resume::run(globals, &of).await,
        Command::Cancel(of) => cancel::run(globals, of.job).await,
        Command::Rollback(of) => rollback::run(globals, of.job).await,
        Command::Report(of) => report::run(globals, &of).await,
        Command::Show(what) => show::run(globals, &what).await,
        Command::Inventory(what) => inventory::run(globals, &what).await,
        Command::Tidy { store } => tidy::run(globals, &store),
        Command::Hosts { command: Some(HostsCommand::Check { name }), .. } => {
            check::run(globals, &name).await
        }
        Command::Hosts { host, command: None } => hosts::run(globals, host.as_deref()),
        Command::Serve(arguments) => serve::run(globals, &arguments).await,
        Command::Worker(arguments) => worker::run(globals, &arguments).await,
        Command::Token(what) => token::run(globals, &what).await,
        Command::Archive(work) => archive::run(globals, &work).await,
        Command::Completions { shell } => man::completions(shell),
        Command::Man => man::run(),
        Command::Document { page } => document::print(page),
    }
}
