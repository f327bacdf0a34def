//! Where a repository says that its large files are.

use crate::{process::Git, repository};
use packhorse_core::{GitRemote, model::ObjectFormat};
use std::path::Path;

/// Longest address that a repository may name, in bytes.
const MAX_URL: usize = 4096;

/// `lfs.url` in `.lfsconfig` of a commit, where it names one.
pub(super) async fn in_commit(git: &Git, repository: &Path, commit: &str) -> Option<String> {
    let blob = format!("--blob={commit}:.lfsconfig");
    let command = git.inside(repository, ["config", "--no-includes", &blob, "--get", "lfs.url"]);
    let (status, output, _) = command.finish(&[]).await.ok()?;
    let text = String::from_utf8(output).ok().filter(|_| status.success())?;
    let url = text.trim().to_owned();
    (!url.is_empty() && url.len() <= MAX_URL).then_some(url)
}

/// The same of a remote's `HEAD`, of which no more than the root is fetched.
///
/// A repository that cannot be asked in this way says nothing.
pub(super) async fn at_remote(
    git: &Git,
    remote: &GitRemote,
    format: ObjectFormat,
    scratch: &Path,
) -> Option<String> {
    std::fs::create_dir_all(scratch).ok()?;
    let mirror = tempfile::tempdir_in(scratch).ok()?;
    repository::init_bare(mirror.path(), format).ok()?;
    let arguments = [
        "fetch",
        "--quiet",
        "--no-tags",
        "--no-auto-maintenance",
        "--depth=1",
        // The root's own small files: a tree's entries lie one below it.
        "--filter=combine:tree:2+blob:limit=8k",
        "--",
        remote.url.as_str(),
        "HEAD",
    ];
    let command = git.inside(mirror.path(), arguments).with_remote(remote).await.ok()?;
    command.run(&[]).await.ok()?;
    in_commit(git, mirror.path(), "FETCH_HEAD").await
}
