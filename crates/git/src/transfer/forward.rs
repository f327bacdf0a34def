//! Which refs move forward.

use super::way::Way;
use crate::{
    error::GitError,
    objects::{self, Objects},
    process::Git,
    pump::{Ancestry, Descent, Source},
    repository,
};
use futures::TryStreamExt;
use packhorse_core::{model::ObjectFormat, port::ByteStream};
use std::{
    io,
    path::{Path, PathBuf},
    process::Stdio,
};
use tokio::io::AsyncWriteExt;

/// Longest start of a commit that is looked at for its parents, in bytes.
const MAX_HEAD: usize = 64 << 10;
/// Largest pack that is fetched to look into it, in bytes: a million commits and more without their
/// files, and no more of the disk than a source may fill.
const MAX_PACK: u64 = 512 << 20;

/// Tells whether commits of a source descend from others.
#[derive(Clone)]
pub(super) struct Forward<'a> {
    git: &'a Git,
    /// Where the source is on this machine.
    path: Option<PathBuf>,
    ancestry: Ancestry<'a>,
    scratch: &'a Path,
    format: ObjectFormat,
}

impl<'a> Forward<'a> {
    pub(super) fn new(way: &Way<'a>, source: &'a Source) -> Self {
        Self {
            git: way.git,
            path: way.history().url.as_path().map(repository::inner),
            ancestry: source.ancestry(),
            scratch: &way.options.scratch,
            format: source.listing().object_format,
        }
    }

    /// Whether the commit `new` descends from `old`, as far as the source can tell.
    ///
    /// Servers answer that without sending anything, but for histories whose dates run backwards:
    /// there the commits between the two are fetched.
    pub(super) async fn descends(&self, new: &str, old: &str) -> Result<bool, GitError> {
        if let Some(path) = &self.path {
            return objects::is_ancestor(self.git, path, (old, new)).await;
        }
        let answer = async {
            match self.ancestry.descent(new, old).await? {
                Descent::Yes => Ok(true),
                Descent::No => Ok(false),
                Descent::Unclear => {
                    let pack = self.ancestry.between(new, old).await?;
                    self.has_child(pack, old).await
                }
            }
        };
        match answer.await {
            // Who cannot answer does not know.
            Err(GitError::Refused { .. } | GitError::Protocol { .. }) => Ok(false),
            answer => answer,
        }
    }

    /// Whether a commit of the pack has that parent.
    async fn has_child(&self, pack: ByteStream, parent: &str) -> Result<bool, GitError> {
        let failed = || GitError::system("make a scratch directory");
        std::fs::create_dir_all(self.scratch).map_err(failed())?;
        let directory = tempfile::tempdir_in(self.scratch).map_err(failed())?;
        repository::init_bare(directory.path(), self.format)?;
        if !unpack(self.git, directory.path(), pack, MAX_PACK).await? {
            return Ok(false);
        }
        let mut all = Objects::of(self.git, directory.path())?;
        let wanted = format!("parent {parent}");
        while let Some(object) = all.next().await? {
            if object.kind == "commit" && parents(&head_of(&mut all).await?).any(|it| it == wanted)
            {
                return Ok(true);
            }
        }
        all.end().await?;
        Ok(false)
    }
}

/// Puts a pack into a repository, whose history it need not complete; `false` when it has more bytes
/// than that.
async fn unpack(
    git: &Git,
    repository: &Path,
    mut pack: ByteStream,
    at_most: u64,
) -> Result<bool, GitError> {
    let command = git.inside(repository, ["index-pack", "--stdin"]);
    let mut child = command.spawn(Stdio::piped(), Stdio::null())?;
    let broken = || GitError::system("write to git")(io::ErrorKind::BrokenPipe.into());
    let mut stdin = child.stdin.take().ok_or_else(broken)?;
    let mut left = at_most;
    while let Some(piece) = pack.try_next().await.map_err(GitError::from_stream("the source"))? {
        let Some(rest) = left.checked_sub(piece.len() as u64) else { return Ok(false) };
        left = rest;
        if stdin.write_all(&piece).await.is_err() {
            // What it says at its end tells why.
            break;
        }
    }
    drop(stdin);
    command.wait(child).await?;
    Ok(true)
}

/// The start of the commit that was told last.
async fn head_of(all: &mut Objects) -> Result<String, GitError> {
    let mut head = Vec::new();
    let mut piece = vec![0; 4 << 10];
    loop {
        let n = all.read(&mut piece).await?;
        head.extend_from_slice(&piece[..n]);
        if n == 0 || head.len() >= MAX_HEAD || head.windows(2).any(|it| it == b"\n\n") {
            return Ok(String::from_utf8_lossy(&head).into_owned());
        }
    }
}

/// The lines of a commit that name its parents.
fn parents(head: &str) -> impl Iterator<Item = &str> {
    head.lines().take_while(|line| !line.is_empty()).filter(|line| line.starts_with("parent "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use futures::stream;

    #[test]
    fn parents_are_named_above_the_text_alone() {
        let head = "tree a\nparent b\nparent c\nauthor A <a@h.example> 1 +0000\n\nparent d\n";

        assert_eq!(parents(head).collect::<Vec<_>>(), ["parent b", "parent c"]);
    }

    #[tokio::test]
    async fn a_pack_that_does_not_end_is_not_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        repository::init_bare(directory.path(), ObjectFormat::Sha1).unwrap();
        // As the start of a pack, so that git goes on to listen.
        let head = || Ok(Bytes::from_static(b"PACK\0\0\0\x02\xff\xff\xff\xff"));
        let endless = stream::repeat_with(head);
        let git = Git::find().await.unwrap();

        let whole = unpack(&git, directory.path(), Box::pin(endless), 12).await;

        assert!(matches!(whole, Ok(false)), "{whole:?}");
    }
}
