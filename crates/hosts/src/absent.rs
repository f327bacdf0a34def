//! What is not there, where that is no error.

use packhorse_core::{HostError, HostErrorKind};

/// Nothing where there is none.
///
/// # Errors
///
/// What is wrong otherwise.
pub(crate) fn absent<T>(found: Result<T, HostError>) -> Result<Option<T>, HostError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind == HostErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Nothing of what went while it was listed.
///
/// # Errors
///
/// What is wrong otherwise.
pub(crate) fn there<T>(found: Result<Vec<T>, HostError>) -> Result<Vec<T>, HostError> {
    absent(found).map(Option::unwrap_or_default)
}
