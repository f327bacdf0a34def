//! Commits and files of merge requests, as Git tells them.

use super::wire;
use crate::{spool::SpoolError, wire::List};
use packhorse_git::{Git, GitError};
use std::path::Path;
use tokio::io::AsyncReadExt;

/// Most commits of one merge request that are listed.
const MAX_COMMITS: usize = 1_000;
/// Most files of one. Source: GitLab, "Diff limits", `diff_max_files` at most 3,000.
const MAX_FILES: usize = 3_000;
/// Most bytes of Git's answer that are held; files beyond are told without their lines.
const MAX_BYTES: u64 = 8 << 20;
/// Most bytes of one file's diff. Source: GitLab, "Diff limits", `diff_max_patch_bytes`.
const MAX_PATCH_BYTES: usize = 200 << 10;

fn is_commit(id: &str) -> bool {
    matches!(id.len(), 40 | 64) && id.bytes().all(|it| it.is_ascii_hexdigit())
}

/// Fills in what is between the two ends of a diff, where the repository has both.
pub(super) fn fill(diff: &mut wire::Diff, repository: &Path) -> Result<(), SpoolError> {
    let (Some(base), Some(head)) = (diff.base_commit_sha.clone(), diff.head_commit_sha.clone())
    else {
        return Ok(());
    };
    if !is_commit(&base) || !is_commit(&head) {
        return Ok(());
    }
    let found = tokio::runtime::Handle::current().block_on(async {
        let git = Git::find().await?;
        let ids = [base.clone(), head.clone()];
        if !packhorse_git::repository::missing(&git, repository, &ids).await?.is_empty() {
            return Ok(None);
        }
        let range = format!("{base}..{head}");
        let count = format!("--max-count={MAX_COMMITS}");
        let format = "--format=%H%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B";
        let log = ask(&git, repository, ["log", "-z", &count, format, &range, "--"]).await?;
        // From where the two parted, as the host shows it.
        let patch = |range: String| {
            let options = ["diff", "--no-color", "--no-ext-diff", "--no-textconv", "-M"];
            let all = options.into_iter().map(str::to_owned).chain([range, "--".to_owned()]);
            ask(&git, repository, all)
        };
        let patch = match patch(format!("{base}...{head}")).await {
            Ok(found) => found,
            // They have nothing in common.
            Err(_) => patch(range).await?,
        };
        Ok::<_, GitError>(Some((log, patch)))
    })?;
    let Some((log, patch)) = found else { return Ok(()) };
    diff.merge_request_diff_commits = commits(&String::from_utf8_lossy(&log));
    diff.merge_request_diff_files = files(&patch);
    let (n_commits, n_files) =
        (diff.merge_request_diff_commits.count(), diff.merge_request_diff_files.count());
    diff.commits_count = Some(n_commits);
    diff.files_count = Some(n_files);
    diff.real_size = Some(n_files.to_string());
    if n_files == 0 {
        diff.state = wire::Word::of("empty");
    }
    Ok(())
}

/// The first bytes of what Git answers.
async fn ask<S: AsRef<str>>(
    git: &Git,
    repository: &Path,
    arguments: impl IntoIterator<Item = S>,
) -> Result<Vec<u8>, GitError> {
    use std::process::Stdio;
    let command = git.inside(repository, arguments);
    let mut child = command.spawn(Stdio::null(), Stdio::piped())?;
    let mut bytes = Vec::new();
    let mut is_whole = true;
    if let Some(out) = child.stdout.take() {
        let mut out = out.take(MAX_BYTES);
        out.read_to_end(&mut bytes)
            .await
            .map_err(|source| GitError::System { operation: "read what Git says", source })?;
        is_whole = out.limit() > 0;
    }
    match command.wait(child).await {
        // It was not heard to its end.
        Err(_) if !is_whole => Ok(bytes),
        done => done.map(|()| bytes),
    }
}

/// Reads commits: eight fields each, all ended by NUL.
fn commits(log: &str) -> List<wire::DiffCommit> {
    let fields: Vec<&str> = log.split('\0').collect();
    let owned = |text: &str| Some(text.to_owned());
    let commit = |(n, it): (usize, &[&str])| {
        let [sha, author, author_mail, authored, committer, mail, committed, message] = *it else {
            return None;
        };
        let who = |name, email| Some(wire::Signature { name: owned(name), email: owned(email) });
        Some(wire::DiffCommit {
            authored_date: owned(authored),
            committed_date: owned(committed),
            relative_order: Some(n as u64),
            sha: owned(sha.trim_start()),
            message: owned(message.trim_end_matches('\n')),
            trailers: Some(serde_json::Map::new()),
            commit_author: who(author, author_mail),
            committer: who(committer, mail),
        })
    };
    fields.chunks(8).enumerate().filter_map(commit).collect()
}

/// Reads files out of a patch.
fn files(patch: &[u8]) -> List<wire::DiffFile> {
    let text = String::from_utf8_lossy(patch);
    let starts = std::iter::once(0).filter(|_| text.starts_with("diff --git "));
    let starts: Vec<usize> =
        starts.chain(text.match_indices("\ndiff --git ").map(|(at, _)| at + 1)).collect();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let pieces = starts.iter().zip(ends).map(|(&start, end)| &text[start..end]);
    let files = pieces.take(MAX_FILES).filter_map(file).zip(0..);
    files.map(|(it, n)| wire::DiffFile { relative_order: Some(n), ..it }).collect()
}

/// A path in a header, without what stands before it and without quotes.
fn path(line: &str, prefix: &str) -> Option<String> {
    let line = line.trim_end_matches('\t');
    let bare = line.strip_prefix('"').and_then(|it| it.strip_suffix('"')).unwrap_or(line);
    (bare != "/dev/null").then(|| bare.strip_prefix(prefix).unwrap_or(bare).to_owned())
}

/// Reads one file of a patch.
fn file(piece: &str) -> Option<wire::DiffFile> {
    let (mut old, mut new) = ends_of(piece.lines().next()?);
    let mut it = wire::DiffFile {
        new_file: Some(false),
        renamed_file: Some(false),
        deleted_file: Some(false),
        too_large: Some(false),
        binary: Some(false),
        a_mode: Some("100644".to_owned()),
        b_mode: Some("100644".to_owned()),
        ..wire::DiffFile::default()
    };
    let (mut body, mut at) = (None, 0);
    for line in piece.split_inclusive('\n') {
        let text = line.trim_end_matches('\n');
        if let Some(mode) = text.strip_prefix("new file mode ") {
            (it.new_file, it.a_mode, it.b_mode) =
                (Some(true), Some("0".to_owned()), Some(mode.to_owned()));
        } else if let Some(mode) = text.strip_prefix("deleted file mode ") {
            (it.deleted_file, it.a_mode, it.b_mode) =
                (Some(true), Some(mode.to_owned()), Some("0".to_owned()));
        } else if let Some(mode) = text.strip_prefix("old mode ") {
            it.a_mode = Some(mode.to_owned());
        } else if let Some(mode) = text.strip_prefix("new mode ") {
            it.b_mode = Some(mode.to_owned());
        } else if let Some(from) = text.strip_prefix("rename from ") {
            (it.renamed_file, old) = (Some(true), path(from, ""));
        } else if let Some(to) = text.strip_prefix("rename to ") {
            new = path(to, "");
        } else if text.starts_with("Binary files ") {
            it.binary = Some(true);
        } else if let Some(name) = text.strip_prefix("--- ") {
            old = path(name, "a/").or(old);
            body.get_or_insert(at);
        } else if let Some(name) = text.strip_prefix("+++ ") {
            new = path(name, "b/").or(new);
        } else if text.starts_with("@@") {
            break;
        }
        at += line.len();
    }
    let text = body.map(|at| &piece[at..]).unwrap_or_default();
    it.too_large = Some(text.len() > MAX_PATCH_BYTES);
    it.utf8_diff = Some(if text.len() > MAX_PATCH_BYTES { String::new() } else { text.to_owned() });
    it.old_path = old.clone().or_else(|| new.clone());
    it.new_path = new.or(old);
    it.new_path.is_some().then_some(it)
}

/// The two paths of `diff --git a/x b/x`, where both are the same.
fn ends_of(line: &str) -> (Option<String>, Option<String>) {
    let rest = line.strip_prefix("diff --git ").unwrap_or(line);
    let half = rest.len().checked_sub(1).map(|it| it / 2).unwrap_or_default();
    let ends = rest.get(..half).zip(rest.get(half + 1..));
    let ends = ends.and_then(|(old, new)| Some((path(old, "a/")?, path(new, "b/")?)));
    match ends.filter(|(old, new)| old == new) {
        Some((old, new)) => (Some(old), Some(new)),
        None => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_out_of_a_patch() {
        let patch = "diff --git a/a.rs b/a.rs\nindex 1..2 100644\n--- a/a.rs\n+++ b/a.rs\n@@ -1 +1 @@\n-x\n+--- y\n\
            diff --git a/new b/new\nnew file mode 100755\nindex 0..1\n--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+z\n\
            diff --git a/old b/moved\nsimilarity index 100%\nrename from old\nrename to moved\n\
            diff --git a/p.png b/p.png\nindex 1..2 100644\nBinary files a/p.png and b/p.png differ\n";

        let found = files(patch.as_bytes()).0;

        let paths: Vec<_> = found
            .iter()
            .map(|it| (it.old_path.as_deref().unwrap(), it.new_path.as_deref().unwrap()))
            .collect();
        assert_eq!(paths, [("a.rs", "a.rs"), ("new", "new"), ("old", "moved"), ("p.png", "p.png")]);
        assert_eq!(
            found[0].utf8_diff.as_deref(),
            Some("--- a/a.rs\n+++ b/a.rs\n@@ -1 +1 @@\n-x\n+--- y\n")
        );
        assert_eq!((found[1].new_file, found[1].b_mode.as_deref()), (Some(true), Some("100755")));
        assert_eq!(found[2].renamed_file, Some(true));
        assert_eq!(found[3].binary, Some(true));
    }

    #[test]
    fn commits_are_read_out_of_a_log() {
        let log = "1111\0A\0a@x\x002026-01-01T00:00:00Z\0B\0b@x\x002026-01-02T00:00:00Z\0first\n\nmore\n\0";

        let found = commits(log).0;

        assert_eq!(found.len(), 1);
        assert_eq!(found[0].message.as_deref(), Some("first\n\nmore"));
        assert_eq!(found[0].committer.as_ref().unwrap().name.as_deref(), Some("B"));
    }
}
