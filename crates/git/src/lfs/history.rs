//! A remote's history, as far as it takes to find pointers in it.

use super::{
    MAX_POINTER, Pointer, configured,
    scan::{CHANNEL, hear, send_pointers},
};
use crate::{error::GitError, process::Git, refs::RefList, repository};
use packhorse_core::GitRemote;
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;

/// A remote's history without its larger blobs.
#[derive(Debug)]
pub struct History {
    git: Git,
    path: Option<PathBuf>,
    /// Removed when it is dropped.
    _mirror: Option<tempfile::TempDir>,
    /// `lfs.url` in `.lfsconfig` of the branch that `HEAD` stands for.
    pub lfs_url: Option<String>,
}

impl History {
    /// Brings the history of these refs here.
    ///
    /// A repository on this machine is looked at where it is, with all its
    /// refs. Of another, everything but the larger blobs is fetched into a
    /// directory below `scratch`, which goes when this is dropped; a server
    /// that knows no filters sends those as well.
    ///
    /// # Errors
    ///
    /// See [`GitError`].
    pub async fn of(
        git: &Git,
        remote: &GitRemote,
        wanted: &RefList,
        scratch: &Path,
    ) -> Result<Self, GitError> {
        let mut history = Self { git: git.clone(), path: None, _mirror: None, lfs_url: None };
        if let Some(path) = remote.url.as_path() {
            history.path = Some(path.to_owned());
        } else if !wanted.refs.is_empty() {
            let mirror = tempfile::tempdir_in(scratch)
                .map_err(GitError::system("make a scratch directory"))?;
            fetch(git, remote, wanted, mirror.path()).await?;
            history.path = Some(mirror.path().to_owned());
            history._mirror = Some(mirror);
        }
        history.lfs_url = history.configured(wanted).await;
        Ok(history)
    }

    /// Calls `found` with every pointer in it, perhaps more than once.
    ///
    /// # Errors
    ///
    /// See [`GitError`].
    pub async fn pointers(&self, found: impl FnMut(Pointer) + Send) -> Result<(), GitError> {
        let (to, from) = mpsc::channel(CHANNEL);
        tokio::join!(self.send(to), hear(from, found)).0
    }

    /// Sends every pointer in it, as fast as they are taken.
    pub(super) async fn send(&self, to: mpsc::Sender<Pointer>) -> Result<(), GitError> {
        match &self.path {
            Some(path) => send_pointers(&self.git, path, to).await,
            None => Ok(()),
        }
    }

    async fn configured(&self, wanted: &RefList) -> Option<String> {
        let (path, head) = (self.path.as_ref()?, wanted.head.as_ref()?);
        wanted.refs.get(head)?;
        configured::in_commit(&self.git, path, head).await
    }
}

async fn fetch(
    git: &Git,
    remote: &GitRemote,
    wanted: &RefList,
    path: &Path,
) -> Result<(), GitError> {
    repository::init_bare(path, wanted.object_format())?;
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
    let command = git.inside(path, arguments).with_remote(remote).await?;
    command.run(names.as_bytes()).await.map(drop)
}
