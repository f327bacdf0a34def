//! What the service keeps: in files of a directory, or in a database that others share.

use crate::{
    cli::Globals,
    config::{self, Hosts},
    error::AppError,
};
use packhorse_core::port::Journal;
use packhorse_database::Pool;
use packhorse_journal::PostgresJournal;
use packhorse_server::{ServiceKey, Store, open_state, shared_state};
use std::sync::Arc;

/// Name of the key below the directory of the journal.
const KEY: &str = "service.key";

/// What the service keeps, and the journal beside it.
pub(crate) struct Kept {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) state: (Store, ServiceKey),
}

/// Opens both, and makes what is not there.
pub(crate) async fn open(globals: &Globals, hosts: &Hosts) -> Result<Kept, AppError> {
    let Some(pool) = config::database(globals)? else {
        if hosts.service_key()?.is_some() {
            return Err(AppError::usage("a service in a directory keeps its key there")
                .hint("leave `key` of `[serve]` out, or say `--journal-url`"));
        }
        let journal = config::journal(globals, true)?;
        return Ok(Kept { journal, state: open_state(&globals.journal)? });
    };
    let key = match key(globals, hosts)? {
        Some(key) => key,
        None if is_served(&pool).await? => return Err(no_key()),
        None => ServiceKey::open(&config::directory(globals)?.join(KEY))?,
    };
    Ok(Kept { journal: journal(&pool), state: shared_state(pool, key).await? })
}

/// The same for a process that works for a service and does not serve; `None` where nothing is
/// served from that database.
pub(super) async fn of_service(
    globals: &Globals,
    hosts: &Hosts,
    pool: &Pool,
) -> Result<Option<Kept>, AppError> {
    if !is_served(pool).await? {
        return Ok(None);
    }
    let key = key(globals, hosts)?.ok_or_else(no_key)?;
    let state = shared_state(pool.clone(), key).await?;
    Ok(Some(Kept { journal: journal(pool), state }))
}

fn journal(pool: &Pool) -> Arc<dyn Journal> {
    Arc::new(PostgresJournal::over(pool.clone()))
}

async fn is_served(pool: &Pool) -> Result<bool, AppError> {
    let asked = Store::is_in(pool).await;
    asked.map_err(|error| AppError::failed("the database cannot be used").because(error))
}

/// The key that the configuration says, or that a service made here.
fn key(globals: &Globals, hosts: &Hosts) -> Result<Option<ServiceKey>, AppError> {
    if let Some(key) = hosts.service_key()? {
        return Ok(Some(key));
    }
    let file = globals.journal.join(KEY);
    Ok(file.exists().then(|| ServiceKey::open(&file)).transpose()?)
}

fn no_key() -> AppError {
    AppError::usage("the key of the service that uses this database is not here").hint(format!(
        "say in `[serve]` where it is, such as `key = {{ env = \"PACKHORSE_SERVICE_KEY\" }}`, or \
         put it into `{KEY}` in the directory that `--journal` names"
    ))
}
