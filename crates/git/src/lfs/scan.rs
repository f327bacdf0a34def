//! Pointers in the history of a repository on this machine.
//!
//! Git lists the small blobs that any ref reaches, and prints them: the same
//! blobs that `git lfs ls-files --all` and `git lfs fetch --all` look at.

use super::{MAX_POINTER, Pointer};
use crate::{error::GitError, process::Git, refs::RefList, repository};
use packhorse_core::GitRemote;
use std::{io, path::Path, process::Stdio};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

/// Calls `found` with every pointer in the history of any ref, perhaps more than once.
///
/// Streams through two `git` processes; memory does not grow with the history.
/// What is not in the repository because it was fetched with a filter is left
/// out without being fetched.
///
/// # Errors
///
/// See [`GitError`].
pub async fn pointers(
    git: &Git,
    repository: &Path,
    mut found: impl FnMut(Pointer) + Send,
) -> Result<(), GitError> {
    let filter = format!("--filter=combine:object:type=blob+blob:limit={MAX_POINTER}");
    let names = git.inside(
        repository,
        [
            "rev-list",
            "--objects",
            "--all",
            "--no-object-names",
            "--missing=allow-any",
            "--filter-provided-objects",
            &filter,
        ],
    );
    let blobs = git.inside(repository, ["cat-file", "--batch", "--buffer"]);
    let mut listed = names.spawn(Stdio::null(), Stdio::piped())?;
    let mut opened = blobs.spawn(Stdio::piped(), Stdio::piped())?;
    let (Some(from_names), Some(mut to_blobs), Some(from_blobs)) =
        (listed.stdout.take(), opened.stdin.take(), opened.stdout.take())
    else {
        return Ok(());
    };

    // Each moves its pipe in and drops it at its end: that is what closes it.
    let feed = async move {
        tokio::io::copy_buf(&mut BufReader::new(from_names), &mut to_blobs).await?;
        to_blobs.shutdown().await
    };
    let read = read_blobs(BufReader::new(from_blobs), &mut found);
    // Waiting reads what they complain of; a full pipe of complaints would stop them.
    let (fed, read, listed, opened) =
        tokio::join!(feed, read, names.wait(listed), blobs.wait(opened));
    // A pipe breaks because the program at its end did, which has its own reason.
    listed.and(opened).and(read.and(fed).map_err(GitError::system("look for LFS pointers")))
}

/// Calls `found` with every pointer in the history of these refs of a remote.
///
/// A repository on this machine is looked through as it is, with all its refs.
/// Of another, everything but the larger blobs is fetched into a directory
/// below `scratch`, which is removed at the end; a server that knows no filters
/// sends those as well.
///
/// # Errors
///
/// See [`GitError`].
pub async fn pointers_of_remote(
    git: &Git,
    remote: &GitRemote,
    wanted: &RefList,
    scratch: &Path,
    found: impl FnMut(Pointer) + Send,
) -> Result<(), GitError> {
    if let Some(path) = remote.url.as_path() {
        return pointers(git, path, found).await;
    }
    if wanted.refs.is_empty() {
        return Ok(());
    }
    let mirror =
        tempfile::tempdir_in(scratch).map_err(GitError::system("make a scratch directory"))?;
    repository::init_bare(mirror.path(), wanted.object_format())?;
    let filter = format!("--filter=blob:limit={MAX_POINTER}");
    let arguments = [
        "fetch",
        "--quiet",
        "--no-tags",
        "--no-write-fetch-head",
        "--no-auto-maintenance",
        "--stdin",
        &filter,
        "--",
        remote.url.as_str(),
    ];
    let names: String = wanted.refs.keys().map(|name| format!("+{name}:{name}\n")).collect();
    git.inside(mirror.path(), arguments).with_remote(remote).run(names.as_bytes()).await?;
    pointers(git, mirror.path(), found).await
}

/// Reads `<id> <type> <size>\n<bytes>\n`, again and again.
async fn read_blobs(
    mut from: BufReader<tokio::process::ChildStdout>,
    found: &mut (impl FnMut(Pointer) + Send),
) -> io::Result<()> {
    let mut head = String::new();
    let mut blob = Vec::new();
    loop {
        head.clear();
        if from.read_line(&mut head).await? == 0 {
            return Ok(());
        }
        // `<id> missing` has no bytes after it.
        let Some(size) = head.trim_end().rsplit(' ').next().and_then(|it| it.parse::<u64>().ok())
        else {
            continue;
        };
        if size >= MAX_POINTER {
            tokio::io::copy(&mut (&mut from).take(size + 1), &mut tokio::io::sink()).await?;
            continue;
        }
        blob.clear();
        (&mut from).take(size + 1).read_to_end(&mut blob).await?;
        if blob.pop().is_none() || blob.len() as u64 != size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(pointer) = Pointer::parse(&blob) {
            found(pointer);
        }
    }
}
