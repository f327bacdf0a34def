//! Files that the destination takes no file as large as.

use super::{Sides, is_wanted};
use crate::{Ends, EngineError, error::chain};
use packhorse_core::{
    ObjectKind, RepoKind,
    job::JobOptions,
    plan::{Conflict, PlannedProject},
    port::Source,
};
use packhorse_git::{Git, GitError, RefPolicy, large_files};
use std::path::Path;

/// Files that are named of one project.
const MAX_NAMED: usize = 20;

/// Refs that are named of one file.
const MAX_REFS: usize = 5;

/// Looks through the history of each project for files that the destination refuses.
///
/// The source counts its objects twice for it, so it is done for a plan that people ask for, and
/// not once more by the run, which finds them when it pushes.
pub(super) async fn too_large(
    ends: &Ends,
    options: &JobOptions,
    sides: &Sides,
    projects: &[PlannedProject],
) -> Result<Vec<Conflict>, EngineError> {
    let kind = ObjectKind::Repository;
    let Some(at_most) = sides.sink.limits.file_bytes else { return Ok(Vec::new()) };
    if !is_wanted(options, kind) || !sides.sink.of(kind).is_some() {
        return Ok(Vec::new());
    }
    let git = Git::find().await?;
    let policy = ends.policy(options)?;
    let search = Search { git: &git, policy: &policy, at_most, scratch: &ends.scratch };
    let mut list = Vec::new();
    for project in projects {
        list.extend(search.of(&*ends.source, &project.source).await);
    }
    Ok(list)
}

struct Search<'a> {
    git: &'a Git,
    policy: &'a RefPolicy,
    at_most: u64,
    scratch: &'a Path,
}

impl Search<'_> {
    async fn of(&self, source: &dyn Source, path: &str) -> Vec<Conflict> {
        let conflict = |detail| Conflict::note(Some(path.to_owned()), detail);
        let unknown = |why: String| {
            conflict(format!("it could not be looked for files that are too large: {why}"))
        };
        let remote = match source.remote(path, RepoKind::Code).await {
            Ok(Some(remote)) => remote,
            Ok(None) => return Vec::new(),
            Err(error) => return vec![unknown(chain(&error))],
        };
        let found =
            large_files::find(self.git, &remote, self.policy, self.at_most, self.scratch).await;
        let files = match found {
            Ok(files) => files,
            Err(GitError::NoRepository { .. }) => return Vec::new(),
            Err(error) => return vec![unknown(chain(&error))],
        };
        let n_more = files.len().saturating_sub(MAX_NAMED);
        let mut list: Vec<_> = files.iter().take(MAX_NAMED).map(|it| conflict(told(it))).collect();
        if n_more > 0 {
            list.push(conflict(format!("{n_more} more files are too large for the destination")));
        }
        list
    }
}

/// A file, with the refs that would stay behind because of it.
fn told(file: &large_files::LargeFile) -> String {
    let named: Vec<_> = file.refs.iter().take(MAX_REFS).map(|it| format!("`{it}`")).collect();
    let n_more = file.refs.len().saturating_sub(MAX_REFS);
    let more = if n_more > 0 { format!(" and {n_more} more") } else { String::new() };
    format!("{}; it is in the history of {}{more}", file.explained(), named.join(", "))
}
