//! A mirror on this machine, for sources that cannot be streamed.
//!
//! It is kept in the scratch directory under a name of the source's address,
//! so that what was fetched before a break need not be fetched again.

use crate::{
    error::GitError,
    process::Git,
    pump::Pack,
    refs::{RefList, place},
    repository,
};
use bytes::BytesMut;
use data_encoding::HEXLOWER;
use futures::{StreamExt, stream};
use packhorse_core::{GitRemote, port::ByteStream};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

/// Bytes that are read at once.
const PIECE: usize = 128 << 10;

/// Brings the mirror of a source to these refs, as far as the source gives them.
pub(crate) async fn refresh(
    git: &Git,
    from: &GitRemote,
    wanted: &RefList,
    scratch: &Path,
) -> Result<PathBuf, GitError> {
    let name = Sha256::digest(place(from).as_bytes());
    let name = HEXLOWER.encode(&name[..16]);
    let path = scratch.join(format!("mirror-{name}.git"));
    repository::init_bare(&path, wanted.object_format())?;
    repository::remove_stale_locks(&path)?;
    let input: String = wanted.refs.keys().map(|name| format!("+{name}:{name}\n")).collect();
    if input.is_empty() {
        return Ok(path);
    }
    let url = place(from);
    let arguments = [
        "fetch",
        "--quiet",
        "--no-tags",
        "--prune",
        "--no-write-fetch-head",
        "--update-head-ok",
        "--no-auto-maintenance",
        "--stdin",
        "--",
        url.as_str(),
    ];
    let command = git.inside(&path, arguments).with_remote(from).await?;
    let (status, _, stderr) = command.finish(input.as_bytes()).await?;
    // A ref that is refused fails the call and not the others; what cannot go on says `fatal`.
    let only_refused = status.code() == Some(1)
        && !stderr.contains("fatal:")
        && !stderr.contains("did not send all necessary objects");
    if status.success() || only_refused {
        return Ok(path);
    }
    Err(command.failure(&status.to_string(), &stderr))
}

/// A remote's history without what `filter` leaves out, in a directory of its own.
///
/// A server that cannot leave anything out sends everything.
pub(crate) async fn without(
    git: &Git,
    from: &GitRemote,
    offered: &RefList,
    filter: &str,
    scratch: &Path,
) -> Result<tempfile::TempDir, GitError> {
    let made = std::fs::create_dir_all(scratch).and_then(|()| tempfile::tempdir_in(scratch));
    let directory = made.map_err(GitError::system("make a scratch directory"))?;
    repository::init_bare(directory.path(), offered.object_format())?;
    let (url, filter) = (place(from), format!("--filter={filter}"));
    let arguments = [
        "fetch",
        "--quiet",
        "--no-tags",
        "--no-write-fetch-head",
        "--no-auto-maintenance",
        "--stdin",
        &filter,
        "--",
        url.as_str(),
    ];
    let names: String = offered.refs.keys().map(|name| format!("+{name}:{name}\n")).collect();
    let command = git.inside(directory.path(), arguments).with_remote(from).await?;
    command.run(names.as_bytes()).await?;
    Ok(directory)
}

/// Lets a pack rest in a file, for servers that want to know its length beforehand.
///
/// The file has no name: it goes when nobody reads it any more.
///
/// # Errors
///
/// [`GitError::TooLarge`] when it has more than `at_most` bytes.
pub(crate) async fn measured(
    mut pack: ByteStream,
    at_most: Option<u64>,
    (to, scratch): (&GitRemote, &Path),
) -> Result<Pack, GitError> {
    let failed = || GitError::system("write a pack to the scratch directory");
    std::fs::create_dir_all(scratch).map_err(failed())?;
    let file = tempfile::tempfile_in(scratch).map_err(failed())?;
    let mut file = tokio::fs::File::from_std(file);
    let mut length = 0;
    while let Some(piece) = pack.next().await {
        let piece = piece.map_err(GitError::from_stream("the source"))?;
        file.write_all(&piece).await.map_err(failed())?;
        length += piece.len() as u64;
        if at_most.is_some_and(|it| length > it) {
            let words = format!(": at most {} bytes", at_most.unwrap_or_default());
            return Err(GitError::TooLarge { place: to.url.to_string(), words });
        }
    }
    file.rewind().await.map_err(failed())?;
    let pieces = stream::try_unfold(file, |mut file| async {
        let mut piece = BytesMut::with_capacity(PIECE);
        let read = file.read_buf(&mut piece).await?;
        Ok((read > 0).then(|| (piece.freeze(), file)))
    });
    Ok(Pack::Measured(Box::pin(pieces), length))
}
