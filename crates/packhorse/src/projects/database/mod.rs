//! The projects of the platform, out of its database.
//!
//! Which columns its tables have is published nowhere and changes with releases, so the tables are
//! looked at first and understood by names. What is not understood without doubt stops the run,
//! with what was found and how to say what is meant.
//!
//! All of it happens in one transaction that can only read; every question is a single statement
//! that was prepared, so that no text of anybody's can become a second one.
//!
//! # Sources
//!
//! Public scripts of administrators name the database `anaconda_storage`, its tables `projects` and
//! `project_acls`, and their columns `id`, `name` and `project_id`.

mod columns;
mod connect;
mod rows;

use super::{arguments::DatabaseArguments, project::Project};
use crate::error::AppError;
use columns::{Columns, Layout};
use futures::TryStreamExt;
use packhorse_core::Secret;
use rows::Gathering;
use std::pin::pin;
use tokio_postgres::{Client, IsolationLevel, Transaction};

/// Most projects of a platform.
const MAX_PROJECTS: usize = 1_000_000;

/// Reads all projects with who may use them, in order of their ids.
pub(super) async fn projects(
    arguments: &DatabaseArguments,
    password: &Secret,
) -> Result<Vec<Project>, AppError> {
    let mut client = connect::connect(arguments, password).await?;
    let transaction = read_only(&mut client).await.map_err(|error| told(arguments, &error))?;
    let query = match &arguments.query {
        Some(own) => own_query(&transaction, own).await?,
        None => {
            let columns =
                Columns::of(&transaction).await.map_err(|error| told(arguments, &error))?;
            columns.understand(&arguments.name)?.query()
        }
    };
    let found = gather(&transaction, &query).await;
    // Nothing was written, so there is nothing to keep.
    drop(transaction);
    found
}

async fn read_only(client: &mut Client) -> Result<Transaction<'_>, tokio_postgres::Error> {
    let transaction = client.build_transaction();
    let transaction = transaction.read_only(true).isolation_level(IsolationLevel::RepeatableRead);
    transaction.start().await
}

/// What a person said instead of our looking at tables: wrapped, so that columns come by name.
async fn own_query(transaction: &Transaction<'_>, own: &str) -> Result<String, AppError> {
    let own = own.trim().trim_end_matches(';');
    let fail = |error: tokio_postgres::Error| {
        AppError::failed("the database does not take --postgres-query")
            .because(explained(&error))
            .hint("write one SELECT, such as: SELECT id, owner, collaborator, permission FROM …")
    };
    let statement = transaction.prepare(own).await.map_err(fail)?;
    let names: Vec<String> = statement.columns().iter().map(|it| it.name().to_owned()).collect();
    Layout::of_query(&names).map(|layout| layout.query_over(&format!("({own})"))).map_err(|why| {
        AppError::usage(format!("--postgres-query {why}"))
            .hint(format!("its columns are {}", names.join(", ")))
    })
}

async fn gather(transaction: &Transaction<'_>, query: &str) -> Result<Vec<Project>, AppError> {
    let fail = |error: tokio_postgres::Error| {
        AppError::failed("could not read the projects of the database").because(explained(&error))
    };
    let nothing: [&str; 0] = [];
    let rows = transaction.query_raw(query, nothing).await.map_err(fail)?;
    let mut rows = pin!(rows);
    let mut gathering = Gathering::new(MAX_PROJECTS);
    while let Some(row) = rows.try_next().await.map_err(fail)? {
        gathering.take(&rows::Row::of(&row).map_err(fail)?)?;
    }
    gathering.done()
}

fn told(arguments: &DatabaseArguments, error: &tokio_postgres::Error) -> AppError {
    AppError::failed(format!("could not look into the database `{}`", arguments.name))
        .because(explained(error))
}

/// An error with the words of the server, which the library keeps to itself.
fn explained(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(words) => format!("{}: {}", words.severity().to_lowercase(), words.message()),
        None => packhorse_core::error::chain(error),
    }
}
