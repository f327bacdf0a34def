//! What has to be so before anything is carried.

use crate::{
    error::GitError,
    process::Git,
    refs::{self, RefList},
    repository::{self, format_name},
};
use packhorse_core::{GitRemote, model::ObjectFormat};
use std::path::Path;

/// A repository on this machine says what its `HEAD` will be, also to those who do not ask.
pub(super) fn with_unborn_head(mut wanted: RefList, from: &GitRemote) -> RefList {
    let path = from.url.as_path().filter(|_| wanted.head.is_none());
    wanted.head = wanted.head.or_else(|| path.and_then(repository::head));
    wanted
}

/// Makes a repository on this machine where there is none, and gives an empty one the source's
/// way to name objects; anything else that stands there is left alone.
pub(super) async fn prepare(
    git: &Git,
    path: &Path,
    to: &GitRemote,
    format: ObjectFormat,
) -> Result<(), GitError> {
    let is_free = !path.exists()
        || path.read_dir().is_ok_and(|mut it| it.next().is_none())
        // What a killed `init_bare` left: it writes `HEAD` last.
        || (path.join("objects/pack").is_dir() && !path.join("HEAD").exists());
    let is_empty = repository::is_repository(path)
        && repository::object_format(path) != format
        && refs::list(git, to).await?.refs.is_empty();
    if is_free || is_empty {
        repository::init_bare(path, format)?;
    }
    repository::remove_stale_locks(path)
}

pub(super) fn check_formats(
    (from, offered): (&GitRemote, ObjectFormat),
    (to, there): (&GitRemote, ObjectFormat),
) -> Result<(), GitError> {
    if there == offered {
        return Ok(());
    }
    Err(GitError::ObjectFormatMismatch {
        from: from.url.to_string(),
        from_format: format_name(offered),
        to: to.url.to_string(),
        to_format: format_name(there),
    })
}
