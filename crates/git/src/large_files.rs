//! Files that are larger than a destination takes, found before anything is pushed.
//!
//! The source is asked for the same pack twice, once without its large files:
//! when both have as many objects, there are none. No more than the heads of the
//! two packs is read. Only where they differ it is worth looking for the files,
//! in a copy of the history without them.

use crate::{
    error::GitError,
    mirror,
    process::Git,
    pump::{CountUpTo, Source, Version, Wish},
    refs::{RefList, RefPolicy},
    repository,
};
use packhorse_core::GitRemote;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Stdio,
};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

/// Most files that are told, and commits that add one of them.
const MAX_FILES: usize = 1_000;
const MAX_COMMITS: usize = 10_000;

/// A file that is larger than a destination takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LargeFile {
    /// Its path, as Git quotes it.
    pub path: String,
    /// Its object.
    pub id: String,
    /// The oldest commit that adds it.
    pub commit: String,
    /// Bytes that it has more than.
    pub more_than: u64,
    /// Refs of the source with it in their history.
    pub refs: BTreeSet<String>,
}

impl LargeFile {
    /// What it is and what can be done, in words.
    pub fn explained(&self) -> String {
        let commit = self.commit.get(..12).unwrap_or(&self.commit);
        format!(
            "`{}` of commit {commit} is larger than {}, the most that the destination takes of a \
             file; leave the ref, or convert the file to LFS (`git lfs migrate import --everything`) \
             and run again",
            self.path,
            amount(self.more_than),
        )
    }
}

/// A size in words.
fn amount(bytes: u64) -> String {
    match bytes {
        0..=9_999 => format!("{bytes} bytes"),
        10_000..=9_999_999 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}

/// Finds the files of more than `at_most` bytes in what travels from a remote by `policy`.
///
/// Costs the source the counting of two packs, and no more where there are no such files. Of a
/// source that cannot leave files out nothing is found; the destination will say.
///
/// # Errors
///
/// See [`GitError`].
pub async fn find(
    git: &Git,
    from: &GitRemote,
    policy: &RefPolicy,
    at_most: u64,
    scratch: &Path,
) -> Result<Vec<LargeFile>, GitError> {
    let source = match Source::open(git, from, Version::V2).await {
        Err(GitError::NotStreamed { .. }) => return Ok(Vec::new()),
        source => source?,
    };
    let selection = policy.selection(&source.listing().list);
    let wants: BTreeSet<&String> = selection.wanted.refs.values().collect();
    let wish = Wish {
        wants: wants.into_iter().cloned().collect(),
        is_quiet: true,
        has_offsets: true,
        ..Wish::default()
    };
    let Some(count) = source.count_up_to(at_most).filter(|_| !wish.wants.is_empty()) else {
        return Ok(Vec::new());
    };
    let nobody = crate::progress::Listener::default();
    let (whole, below) = tokio::join!(source.pack(&wish, &nobody), count.count(&wish));
    if whole?.objects == below? {
        return Ok(Vec::new());
    }
    look(git, from, &selection.at_source(), at_most, scratch).await
}

/// Objects of a pack without its large files, where that can be told: a source that cannot count
/// them is believed to have none, and the destination has the last word.
pub(crate) async fn count(count: Option<CountUpTo>, wish: &Wish) -> Option<u32> {
    match count {
        Some(count) => count.count(wish).await.ok(),
        None => None,
    }
}

/// Looks for the files in a history.
pub(crate) async fn look(
    git: &Git,
    from: &GitRemote,
    offered: &RefList,
    at_most: u64,
    scratch: &Path,
) -> Result<Vec<LargeFile>, GitError> {
    let filter = format!("blob:limit={}", at_most.saturating_add(1));
    let (path, _directory) = match from.url.as_path() {
        Some(path) => (repository::inner(path), None),
        None => {
            let directory = mirror::without(git, from, offered, &filter, scratch).await?;
            (directory.path().to_owned(), Some(directory))
        }
    };
    let look = Look { git, path: &path, tips: offered.refs.values().collect() };
    let ids = look.large_objects(&filter).await?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for (id, (path, commits)) in look.commits_with(&ids).await? {
        let Some(commit) = commits.last().cloned() else { continue };
        let refs = look.refs_with(&commits, offered).await?;
        files.push(LargeFile { path, id, commit, more_than: at_most, refs });
    }
    Ok(files)
}

/// A history on this machine, perhaps without its large files.
struct Look<'a> {
    git: &'a Git,
    path: &'a Path,
    tips: BTreeSet<&'a String>,
}

impl Look<'_> {
    /// The objects that the filter leaves out, be they here or not.
    async fn large_objects(&self, filter: &str) -> Result<BTreeSet<String>, GitError> {
        let filter = format!("--filter={filter}");
        let arguments = [
            "rev-list",
            "--objects",
            "--missing=print",
            "--filter-print-omitted",
            "--ignore-missing",
            "--stdin",
            &filter,
        ];
        let mut found = BTreeSet::new();
        let take = |line: &str| {
            if let Some(id) = line.strip_prefix(['~', '?']).filter(|_| found.len() < MAX_FILES) {
                found.insert(id.to_owned());
            }
        };
        self.lines(&arguments, take).await?;
        Ok(found)
    }

    /// Path, and the commits that add it, newest first, by object.
    async fn commits_with(
        &self,
        ids: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, (String, Vec<String>)>, GitError> {
        let arguments = [
            "log",
            "--raw",
            "--no-abbrev",
            "--no-renames",
            "-m",
            "--root",
            "--format=commit %H",
            "--ignore-missing",
            "--stdin",
        ];
        let mut found: BTreeMap<String, (String, Vec<String>)> = BTreeMap::new();
        let mut commit = String::new();
        let take = |line: &str| {
            if let Some(id) = line.strip_prefix("commit ") {
                commit = id.to_owned();
                return;
            }
            let Some((entry, path)) = line.split_once('\t') else { return };
            let Some(id) = entry.split(' ').nth(3).filter(|it| ids.contains(*it)) else { return };
            let (name, commits) = found.entry(id.to_owned()).or_default();
            if commits.last() != Some(&commit) && commits.len() < MAX_COMMITS {
                path.clone_into(name);
                commits.push(commit.clone());
            }
        };
        self.lines(&arguments, take).await?;
        Ok(found)
    }

    /// The refs with any of these commits in their history.
    async fn refs_with(
        &self,
        commits: &[String],
        offered: &RefList,
    ) -> Result<BTreeSet<String>, GitError> {
        let mut arguments =
            vec!["for-each-ref".to_owned(), "--format=%(objectname) %(refname)".to_owned()];
        let commits: BTreeSet<&String> = commits.iter().take(MAX_FILES).collect();
        arguments.extend(commits.into_iter().map(|it| format!("--contains={it}")));
        let text = self.git.inside(self.path, arguments).text().await?;
        let lines = text.lines().filter_map(|it| it.split_once(' '));
        let is_offered = |(id, name): &(&str, &str)| {
            offered.refs.get(*name).is_some_and(|offered| offered == id)
        };
        Ok(lines.filter(is_offered).map(|(_, name)| name.to_owned()).collect())
    }

    /// Calls `take` with each line that a command says of the tips.
    async fn lines(&self, arguments: &[&str], mut take: impl FnMut(&str)) -> Result<(), GitError> {
        let command = self.git.inside(self.path, arguments);
        let mut child = command.spawn(Stdio::piped(), Stdio::piped())?;
        let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(GitError::system("read from git")(std::io::ErrorKind::BrokenPipe.into()));
        };
        let feed = async {
            for id in &self.tips {
                if stdin.write_all(format!("{id}\n").as_bytes()).await.is_err() {
                    break;
                }
            }
            drop(stdin);
        };
        let read = async {
            let mut reader = BufReader::new(stdout);
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).await? > 0 {
                take(String::from_utf8_lossy(&line).trim_end_matches('\n'));
                line.clear();
            }
            std::io::Result::Ok(())
        };
        let ((), read) = tokio::join!(feed, read);
        command.wait(child).await?;
        read.map_err(GitError::system("read from git"))
    }
}
