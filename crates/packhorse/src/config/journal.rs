//! The journal of all jobs: a file in a directory, or a PostgreSQL database.

use crate::{cli::Globals, error::AppError, postgres_tls::Tls};
use packhorse_core::port::Journal;
use packhorse_database::Pool;
use packhorse_journal::{PostgresJournal, SqliteJournal};
use std::{
    env, fs,
    path::Path,
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio_postgres::{Config, NoTls, config::SslMode};

/// How long a database may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Opens the journal, and makes it when `create` says so.
pub(crate) fn journal(globals: &Globals, create: bool) -> Result<Arc<dyn Journal>, AppError> {
    if let Some(pool) = database(globals)? {
        return Ok(Arc::new(PostgresJournal::over(pool)));
    }
    let file = globals.journal.join("journal.sqlite");
    if !create && !file.exists() {
        return Err(AppError::failed(format!(
            "there is no journal in `{}`",
            globals.journal.display()
        ))
        .hint("run it in the directory where the job was started, or say `--journal DIR`"));
    }
    directory(globals)?;
    Ok(Arc::new(SqliteJournal::open(&file)?))
}

/// Connections to the database that was named, where one was; the same for all who ask.
pub(crate) fn database(globals: &Globals) -> Result<Option<Pool>, AppError> {
    static SHARED: OnceLock<Pool> = OnceLock::new();
    let Some(url) = &globals.journal_url else { return Ok(None) };
    if let Some(pool) = SHARED.get() {
        return Ok(Some(pool.clone()));
    }
    let pool = connections(url)?;
    Ok(Some(SHARED.get_or_init(|| pool).clone()))
}

/// Opens the journal where there is one.
pub(crate) fn journal_if_any(globals: &Globals) -> Result<Option<Arc<dyn Journal>>, AppError> {
    let is_there = globals.journal_url.is_some() || globals.journal.join("journal.sqlite").exists();
    is_there.then(|| journal(globals, false)).transpose()
}

/// The directory of the journal, made where it is not there.
///
/// SECURITY: the journal holds names and e-mail addresses; only its owner reads it.
pub(crate) fn directory(globals: &Globals) -> Result<&Path, AppError> {
    use std::os::unix::fs::DirBuilderExt;
    let directory = globals.journal.as_path();
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|error| {
        AppError::failed(format!("could not make the directory `{}`", directory.display()))
            .because(error)
    })?;
    Ok(directory)
}

/// Connections to a database; what PostgreSQL's own clients read from the environment holds here too.
///
/// SECURITY: an address that cannot be read is not repeated, since a password may stand in it.
fn connections(url: &str) -> Result<Pool, AppError> {
    let failed = |error| AppError::failed("the database cannot be used").because(error);
    let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| {
        AppError::usage("the address of the journal's database cannot be read")
            .because(error)
            .hint("it is like `postgres://packhorse@db.example/packhorse?sslmode=require`")
    })?;
    if config.get_password().is_none()
        && let Ok(password) = env::var("PGPASSWORD")
    {
        config.password(password);
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(PATIENCE);
    }
    config.application_name("packhorse");
    if config.get_ssl_mode() == SslMode::Disable {
        return Pool::new(config, NoTls).map_err(failed);
    }
    let authorities = env::var_os("PGSSLROOTCERT");
    let tls = Tls::trusting(authorities.as_deref().map(Path::new))?;
    Pool::new(config, tls).map_err(failed)
}
