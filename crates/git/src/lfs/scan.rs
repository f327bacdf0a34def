//! Pointers in the history of a repository on this machine.
//!
//! Git lists the small blobs that any ref reaches, and prints them: the same
//! blobs that `git lfs ls-files --all` and `git lfs fetch --all` look at.

use super::{MAX_POINTER, Pointer};
use crate::{error::GitError, process::Git};
use std::{io, path::Path, process::Stdio};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::sync::mpsc;

/// Pointers on their way from who finds them to who takes them.
pub(super) const CHANNEL: usize = 256;

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
    found: impl FnMut(Pointer) + Send,
) -> Result<(), GitError> {
    let (to, from) = mpsc::channel(CHANNEL);
    tokio::join!(send_pointers(git, repository, to), hear(from, found)).0
}

/// Calls `found` with what comes through a channel.
pub(super) async fn hear(mut from: mpsc::Receiver<Pointer>, mut found: impl FnMut(Pointer)) {
    while let Some(pointer) = from.recv().await {
        found(pointer);
    }
}

/// Sends every pointer in the history of any ref, as fast as they are taken.
///
/// Ends early, and well, when nobody takes them any more.
pub(super) async fn send_pointers(
    git: &Git,
    repository: &Path,
    to: mpsc::Sender<Pointer>,
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
    let is_wanted = to.clone();
    let read = read_blobs(BufReader::new(from_blobs), to);
    // Waiting reads what they complain of; a full pipe of complaints would stop them.
    let (fed, read, listed, opened) =
        tokio::join!(feed, read, names.wait(listed), blobs.wait(opened));
    if is_wanted.is_closed() {
        return Ok(());
    }
    // A pipe breaks because the program at its end did, which has its own reason.
    listed.and(opened).and(read.and(fed).map_err(GitError::system("look for LFS pointers")))
}

/// Reads `<id> <type> <size>\n<bytes>\n`, again and again.
async fn read_blobs(
    mut from: BufReader<tokio::process::ChildStdout>,
    found: mpsc::Sender<Pointer>,
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
        if let Some(pointer) = Pointer::parse(&blob)
            && found.send(pointer).await.is_err()
        {
            return Ok(());
        }
    }
}
