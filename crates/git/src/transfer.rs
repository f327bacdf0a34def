//! The one call that carries a repository.
//!
//! Three ways, one result: into a repository on this machine by fetching, out
//! of one by pushing, else through a bare mirror in the scratch directory. In
//! each the destination's refs are what it has already, so only what is
//! missing flows; and in each the refs are read again afterwards, because what
//! counts is what is there.

use crate::{
    error::{GitError, RefusedRef},
    process::Git,
    refs::{self, LeftRef, RefList, RefPolicy, place},
    repository::{self, format_name},
};
use packhorse_core::GitRemote;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// How a repository is carried.
#[derive(Clone, Debug)]
pub struct TransferOptions {
    /// Which refs travel.
    pub policy: RefPolicy,
    /// Whether refs that somebody moved at the destination are overwritten.
    pub force: bool,
    /// Whether refs that are gone at the source are removed.
    pub delete: bool,
    /// Object ids by ref that an earlier run left at the destination: what is still so is ours to move.
    pub known: Option<BTreeMap<String, String>>,
    /// Directory for a mirror, where one is needed.
    pub scratch: PathBuf,
}

/// What was carried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transferred {
    /// Refs that were made.
    pub created: u64,
    /// Refs that were moved.
    pub updated: u64,
    /// Refs that were removed.
    pub deleted: u64,
    /// Refs that were as they should be.
    pub unchanged: u64,
    /// Refs that do not travel between these hosts.
    pub left: Vec<LeftRef>,
    /// Refs that should have arrived and did not.
    pub refused: Vec<RefusedRef>,
    /// Refs at the destination that the source no longer has.
    pub gone: Vec<String>,
    /// What of the destination's refs this route carries, as it is now.
    pub refs: RefList,
}

/// Carries all refs that travel from one remote to another.
///
/// Can be interrupted and repeated at any point. Nothing is removed, and no ref
/// is rewound, unless `options` say so.
///
/// # Errors
///
/// See [`GitError`]. Refused refs are not an error.
pub async fn transfer(
    git: &Git,
    from: &GitRemote,
    to: &GitRemote,
    options: &TransferOptions,
) -> Result<Transferred, GitError> {
    let offered = refs::list(git, from).await?;
    let (wanted, left) = options.policy.select(&offered);
    if let Some(path) = to.url.as_path() {
        prepare(git, path, to, source_format(from, &offered)).await?;
    }
    let before = refs::list(git, to).await?;
    check_formats(from, &offered, to, &before)?;
    let gone: Vec<String> = gone(&wanted, &before, options);

    let errand = Errand { git, from, to, wanted: &wanted, before: &before, gone: &gone, options };
    let words = errand.carry().await?;

    let after = refs::list(git, to).await?;
    Ok(account(Tally { wanted, before, after, left, gone, words }, options.delete))
}

/// Makes a repository on this machine where there is none, and gives an empty one the source's
/// way to name objects; anything else that stands there is left alone.
async fn prepare(
    git: &Git,
    path: &Path,
    to: &GitRemote,
    format: packhorse_core::model::ObjectFormat,
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

/// An empty repository does not say how it names objects; one on this machine has it written down.
fn source_format(from: &GitRemote, offered: &RefList) -> packhorse_core::model::ObjectFormat {
    match from.url.as_path() {
        Some(path) if offered.refs.is_empty() => repository::object_format(path),
        _ => offered.object_format(),
    }
}

fn check_formats(
    from: &GitRemote,
    offered: &RefList,
    to: &GitRemote,
    there: &RefList,
) -> Result<(), GitError> {
    if offered.refs.is_empty() {
        return Ok(());
    }
    let own = to.url.as_path().map(repository::object_format);
    let there = match own {
        Some(format) => format,
        None if there.refs.is_empty() => return Ok(()),
        None => there.object_format(),
    };
    if there == offered.object_format() {
        return Ok(());
    }
    Err(GitError::ObjectFormatMismatch {
        from: from.url.to_string(),
        from_format: format_name(offered.object_format()),
        to: to.url.to_string(),
        to_format: format_name(there),
    })
}

/// Refs of the destination that the source does not have and that this route would carry.
fn gone(wanted: &RefList, there: &RefList, options: &TransferOptions) -> Vec<String> {
    let ours =
        |name: &&String| !wanted.refs.contains_key(*name) && options.policy.leaves(name).is_none();
    there.refs.keys().filter(ours).cloned().collect()
}

/// The destination's words on refs that it refused.
type Words = BTreeMap<String, String>;

/// A transfer, once both sides have told their refs.
struct Errand<'a> {
    git: &'a Git,
    from: &'a GitRemote,
    to: &'a GitRemote,
    wanted: &'a RefList,
    before: &'a RefList,
    gone: &'a [String],
    options: &'a TransferOptions,
}

impl Errand<'_> {
    /// Whether a ref of the destination may be overwritten: on request, or when an earlier run of
    /// this route left it as it is.
    fn may_move(&self, name: &str) -> bool {
        let known = self.options.known.as_ref().and_then(|known| known.get(name));
        self.options.force || (known.is_some() && known == self.before.refs.get(name))
    }

    async fn carry(&self) -> Result<Words, GitError> {
        let Self { git, from, to, wanted, before, gone, options } = *self;
        let differs = |(name, id): &(&String, &String)| before.refs.get(*name) != Some(*id);
        let changed: Vec<&String> =
            wanted.refs.iter().filter(differs).map(|(name, _)| name).collect();
        let may_move = |name: &str| self.may_move(name);
        let removed: &[String] = if options.delete { gone } else { &[] };
        if let Some(path) = to.url.as_path() {
            remove(git, path, removed, before).await?;
            fetch(git, from, path, &changed, &may_move).await?;
            if let Some(head) = &wanted.head {
                repository::set_head(path, head)?;
            }
            return Ok(Words::new());
        }
        let batch = Batch { wanted, before, changed: &changed, removed };
        if let Some(path) = from.url.as_path() {
            return push(git, path, to, &batch, &may_move).await;
        }
        let mirror = tempfile::tempdir_in(&options.scratch)
            .map_err(GitError::system("make a scratch directory"))?;
        repository::init_bare(mirror.path(), wanted.object_format())?;
        fetch(git, from, mirror.path(), &changed, &|_| true).await?;
        push(git, mirror.path(), to, &batch, &may_move).await
    }
}

async fn remove(
    git: &Git,
    path: &Path,
    names: &[String],
    before: &RefList,
) -> Result<(), GitError> {
    if names.is_empty() {
        return Ok(());
    }
    let line = |name: &String| {
        let old = before.refs.get(name).map(String::as_str).unwrap_or_default();
        format!("delete {name}\0{old}\0")
    };
    let input: String = names.iter().map(line).collect();
    git.inside(path, ["update-ref", "-z", "--stdin"]).run(input.as_bytes()).await.map(drop)
}

/// Fetches refs into a repository on this machine.
///
/// A ref that may not move and cannot be fast-forwarded stays as it is; the
/// others arrive all the same, and reading the refs again tells them apart.
async fn fetch(
    git: &Git,
    from: &GitRemote,
    path: &Path,
    names: &[&String],
    may_move: &(dyn Fn(&str) -> bool + Sync),
) -> Result<(), GitError> {
    if names.is_empty() {
        return Ok(());
    }
    let line = |name: &&String| {
        let plus = if may_move(name) { "+" } else { "" };
        format!("{plus}{name}:{name}\n")
    };
    let input: String = names.iter().map(line).collect();
    let arguments = [
        "fetch",
        "--quiet",
        "--no-tags",
        "--no-write-fetch-head",
        "--update-head-ok",
        "--no-auto-maintenance",
        "--stdin",
        "--",
        from.url.as_str(),
    ];
    let source = place(from);
    let arguments =
        arguments.map(|it| if it == from.url.as_str() { source.clone() } else { it.to_owned() });
    let command = git.inside(path, arguments).with_remote(from);
    let (status, _, stderr) = command.finish(input.as_bytes()).await?;
    // A ref that is refused fails the call and not the others; what cannot go on says `fatal`.
    let only_refused = status.code() == Some(1)
        && !stderr.contains("fatal:")
        && !stderr.contains("did not send all necessary objects");
    if status.success() || only_refused {
        return Ok(());
    }
    Err(command.failure(&status.to_string(), &stderr))
}

/// What a push has to do.
struct Batch<'a> {
    wanted: &'a RefList,
    before: &'a RefList,
    changed: &'a [&'a String],
    removed: &'a [String],
}

/// Refs in one call of `git push`, which takes them as arguments: 2,000 stay
/// far below the 2 MiB that Linux allows.
const REFS_A_PUSH: usize = 2_000;

async fn push(
    git: &Git,
    path: &Path,
    to: &GitRemote,
    batch: &Batch<'_>,
    may_move: &(dyn Fn(&str) -> bool + Sync),
) -> Result<Words, GitError> {
    let mut words = Words::new();
    let updates = batch.changed.iter().map(|name| (name.as_str(), true));
    let removals = batch.removed.iter().map(|name| (name.as_str(), false));
    let all: Vec<_> = updates.chain(removals).collect();
    for chunk in all.chunks(REFS_A_PUSH) {
        let mut arguments: Vec<String> =
            ["push", "--porcelain", "--quiet", "--no-verify"].map(str::to_owned).into();
        let mut specs = Vec::new();
        for (name, is_update) in chunk {
            let old = batch.before.refs.get(*name).map(String::as_str).unwrap_or_default();
            if !is_update || may_move(name) {
                arguments.push(format!("--force-with-lease={name}:{old}"));
            }
            specs.push(match batch.wanted.refs.get(*name) {
                Some(_) if *is_update => format!("{name}:{name}"),
                _ => format!(":{name}"),
            });
        }
        arguments.extend(["--".to_owned(), place(to)]);
        arguments.extend(specs);
        words.extend(push_once(git, path, to, arguments).await?);
    }
    Ok(words)
}

async fn push_once(
    git: &Git,
    path: &Path,
    to: &GitRemote,
    arguments: Vec<String>,
) -> Result<Words, GitError> {
    let command = git.inside(path, arguments).with_remote(to);
    let (status, output, stderr) = command.finish(&[]).await?;
    let words = refused(&String::from_utf8_lossy(&output));
    if status.success() || !words.is_empty() {
        return Ok(words);
    }
    Err(command.failure(&status.to_string(), &stderr))
}

/// Reads the refused refs out of `git push --porcelain`: `!<TAB>from:to<TAB>summary (reason)`.
fn refused(output: &str) -> Words {
    output
        .lines()
        .filter_map(|line| {
            let (spec, summary) = line.strip_prefix("!\t")?.split_once('\t')?;
            let name = spec.rsplit_once(':')?.1;
            Some((name.to_owned(), summary.to_owned()))
        })
        .collect()
}

struct Tally {
    wanted: RefList,
    before: RefList,
    after: RefList,
    left: Vec<LeftRef>,
    gone: Vec<String>,
    words: Words,
}

/// Counts what is there now against what was there and what was wanted.
fn account(tally: Tally, delete: bool) -> Transferred {
    let Tally { wanted, before, after, left, gone, words } = tally;
    let mut result = Transferred { left, ..Transferred::default() };
    let after_head = after.head.clone();
    result.refs.head = wanted.head.clone().or(after_head);
    for (name, id) in &wanted.refs {
        match after.refs.get(name) {
            Some(now) if now == id => match before.refs.get(name) {
                Some(old) if old == id => result.unchanged += 1,
                Some(_) => result.updated += 1,
                None => result.created += 1,
            },
            now => result.refused.push(RefusedRef {
                name: name.clone(),
                reason: words.get(name).cloned().unwrap_or_else(|| reason(now.is_some())),
            }),
        }
        if let Some(now) = after.refs.get(name) {
            result.refs.refs.insert(name.clone(), now.clone());
        }
    }
    let still: BTreeSet<_> = gone.iter().filter(|it| after.refs.contains_key(*it)).collect();
    result.deleted = (gone.len() - still.len()) as u64;
    if delete {
        result.refused.extend(still.iter().map(|name| RefusedRef {
            name: (*name).clone(),
            reason: words.get(*name).cloned().unwrap_or_else(|| "could not be removed".into()),
        }));
    }
    result.gone = still.into_iter().cloned().collect();
    result
}

fn reason(is_there: bool) -> String {
    if is_there {
        "somebody moved it at the destination; `--force` overwrites it".to_owned()
    } else {
        "it did not arrive: its name may collide with another ref's".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_read_with_its_reason() {
        let output = "To https://h.example/a.git\n=\trefs/heads/a:refs/heads/a\t[up to date]\n\
                      !\trefs/heads/b:refs/heads/b\t[remote rejected] (hook declined)\nDone\n";

        let words = refused(output);

        assert_eq!(words["refs/heads/b"], "[remote rejected] (hook declined)");
        assert_eq!(words.len(), 1);
    }
}
