//! Pushes of a part of the history each, where the whole is more than a destination takes at once.
//!
//! Commits are taken in an order in which parents come first, so that any start
//! of it is a history of its own. The heads of each start are pushed to refs of
//! ours, which go when everything has arrived. How many commits a push may hold
//! is found out by trying.

use crate::{
    error::GitError,
    mirror,
    process::Git,
    refs::{PARTS, RefList},
    repository,
};
use packhorse_core::GitRemote;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Stdio,
};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

/// Most pushes that may turn out too large.
const MAX_TOO_LARGE: u32 = 64;

/// The order of commits, and how far it is.
pub(super) struct Parts {
    git: Git,
    commits: PathBuf,
    /// Removed when it is dropped.
    _scratch: Option<tempfile::TempDir>,
    /// Commits that a push may hold, as far as is known.
    size: Option<u64>,
    /// Commits of the push that is under way.
    tried: u64,
    n_parts: u32,
    /// Heads of the part before.
    before: BTreeSet<String>,
    n_too_large: u32,
    /// Which of [`PARTS`] the destination takes.
    namespace: usize,
}

/// What is to be pushed next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Heads of a part, by the ref that they get for now.
    Some(Vec<(String, String)>),
    /// All that is left.
    Rest,
}

impl Parts {
    /// Finds out the order of the commits of these refs.
    ///
    /// A repository on this machine is asked; of another the commits alone are fetched, or
    /// everything where the server cannot leave out the rest.
    pub(super) async fn of(
        git: &Git,
        from: &GitRemote,
        offered: &RefList,
        scratch: &Path,
    ) -> Result<Self, GitError> {
        let (commits, directory) = match from.url.as_path() {
            Some(path) => (repository::inner(path), None),
            None => {
                let directory = mirror::without(git, from, offered, "tree:0", scratch).await?;
                (directory.path().to_owned(), Some(directory))
            }
        };
        Ok(Self {
            git: git.clone(),
            commits,
            _scratch: directory,
            size: None,
            tried: u64::MAX,
            n_parts: 0,
            before: BTreeSet::new(),
            n_too_large: 0,
            namespace: 0,
        })
    }

    /// Makes pushes smaller; whether that is possible.
    pub(super) fn shrink(&mut self) -> bool {
        self.before.clear();
        self.n_too_large += 1;
        // What has been tried before is everything.
        if self.tried != u64::MAX {
            self.size = Some(self.tried / 2);
        }
        self.tried > 1 && self.n_too_large < MAX_TOO_LARGE
    }

    /// Begins anew, with other refs.
    pub(super) fn begin_anew(&mut self) {
        (self.size, self.tried, self.n_too_large) = (None, u64::MAX, 0);
    }

    /// Takes another namespace when the destination takes none of the first; whether there is one.
    pub(super) fn go_elsewhere(&mut self) -> bool {
        self.namespace += 1;
        self.namespace < PARTS.len()
    }

    /// What comes next, on the way to `wants`, where `haves` are there.
    pub(super) async fn next(
        &mut self,
        wants: &[String],
        haves: &BTreeSet<&str>,
    ) -> Result<Part, GitError> {
        let n_left = self.walk(wants, haves, u64::MAX).await?.n_commits;
        let size = self.size.unwrap_or(n_left / 2).max(1);
        self.size = Some(size);
        if n_left <= size {
            self.tried = n_left;
            return Ok(Part::Rest);
        }
        let walked = self.walk(wants, haves, size).await?;
        self.tried = walked.n_commits;
        // A destination that does not show what it has taken would be given it for ever.
        if walked.heads == self.before {
            return Ok(Part::Rest);
        }
        self.before.clone_from(&walked.heads);
        self.n_parts += 1;
        let prefix = PARTS.get(self.namespace).copied().unwrap_or_default();
        let name = |n: usize| format!("{prefix}{}-{n}", self.n_parts);
        let heads = walked.heads.into_iter().enumerate().map(|(n, id)| (name(n), id));
        Ok(Part::Some(heads.collect()))
    }

    /// Goes over the first commits that are missing, parents first.
    async fn walk(
        &self,
        wants: &[String],
        haves: &BTreeSet<&str>,
        at_most: u64,
    ) -> Result<Walked, GitError> {
        let arguments =
            ["rev-list", "--topo-order", "--reverse", "--parents", "--ignore-missing", "--stdin"];
        let command = self.git.inside(&self.commits, arguments);
        let mut child = command.spawn(Stdio::piped(), Stdio::piped())?;
        let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(GitError::system("read from git")(std::io::ErrorKind::BrokenPipe.into()));
        };
        let feed = async {
            for line in wants.iter().cloned().chain(haves.iter().map(|it| format!("^{it}"))) {
                if stdin.write_all(format!("{line}\n").as_bytes()).await.is_err() {
                    break;
                }
            }
            drop(stdin);
        };
        let read = async {
            let mut walked = Walked::default();
            let mut lines = BufReader::new(stdout).lines();
            while let Some(line) = lines.next_line().await? {
                if walked.n_commits < at_most {
                    walked.take(&line);
                }
            }
            std::io::Result::Ok(walked)
        };
        let ((), walked) = tokio::join!(feed, read);
        command.wait(child).await?;
        walked.map_err(GitError::system("read from git"))
    }
}

/// Commits that were gone over.
#[derive(Debug, Default)]
struct Walked {
    n_commits: u64,
    /// Those that are no parent of another.
    heads: BTreeSet<String>,
}

impl Walked {
    fn take(&mut self, line: &str) {
        let mut ids = line.split(' ');
        let Some(commit) = ids.next().filter(|it| !it.is_empty()) else { return };
        for id in ids {
            self.heads.remove(id);
        }
        self.heads.insert(commit.to_owned());
        self.n_commits += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heads_of_a_part_are_no_parents_in_it() {
        let mut walked = Walked::default();

        for line in ["a", "b a", "c a", "d b c", "e c"] {
            walked.take(line);
        }

        assert_eq!(walked.n_commits, 5);
        assert_eq!(walked.heads.iter().map(String::as_str).collect::<Vec<_>>(), ["d", "e"]);
    }
}
