//! Telling a database that is away from one that says no.

use deadpool_postgres::PoolError;
use std::error::Error;
use tokio_postgres::error::SqlState;

/// Whether an error, or what is behind it, comes from a database that is not to be reached just
/// now: the same may work a little later.
#[must_use]
pub fn is_away(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(it) = next {
        if let Some(error) = it.downcast_ref::<tokio_postgres::Error>() {
            return is_cut(error);
        }
        if let Some(PoolError::Timeout(_) | PoolError::Closed) = it.downcast_ref() {
            return true;
        }
        next = it.source();
    }
    false
}

fn is_cut(error: &tokio_postgres::Error) -> bool {
    let Some(state) = error.code() else {
        // It said nothing at all: the connection could not be made, or broke. What was said and
        // not understood has another reason behind it.
        return error.is_closed() || error.source().is_none_or(|it| it.is::<std::io::Error>());
    };
    let stopping = [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::TOO_MANY_CONNECTIONS,
    ];
    // Class 08 is about connections.
    stopping.contains(state) || state.code().starts_with("08")
}
