//! What was pushed, until the server tells of it.
//!
//! A server answers a push and takes it in behind that, out of a queue. Until then a repository
//! that was empty is told as empty still: no branch is listed, none is made from another one,
//! change requests and releases are refused; and the branch that it then begins with is one of the
//! server's choice. What stands on commits waits for that, and so does the end of the project.
//!
//! Source: Gitea, `routers/private/hook_post_receive.go`, `HookPostReceive`;
//! `services/repository/push.go`, `pushNewBranch`; `services/context/api.go`, `ReferencesGitRepo`.

use super::{GiteaSink, Path, known::Commits};
use crate::gitea::wire;
use packhorse_core::{HostError, HostErrorKind, Object, RepoKind, model::StateValue};
use packhorse_git::{Git, GitError, refs};
use serde_json::Value;
use std::{collections::HashMap, iter, time::Duration};

/// The first pause between two looks, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(25);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How many pauses are made at most: half a minute in all.
const MAX_PAUSES: usize = 20;
/// Branches that are remembered; where there are more, each is asked for.
const MAX_BRANCHES: usize = 50_000;

/// Whether something needs commits that the server knows of, or changes the project's own record:
/// the server writes that whole, and with it again that the repository is empty.
///
/// Source: Gitea, `services/repository/repository.go`, `updateRepository`.
pub(super) fn stands_on_commits(object: &Object) -> bool {
    let is_on_commits =
        matches!(object, Object::ChangeRequest(_) | Object::Release(_) | Object::CommitStatus(_));
    is_on_commits || matches!(object, Object::State(it) if it.value == StateValue::Archived)
}

fn pauses() -> impl Iterator<Item = Duration> {
    let longer = |it: &Duration| Some((*it * 2).min(LONGEST_PAUSE));
    iter::successors(Some(FIRST_PAUSE), longer).take(MAX_PAUSES)
}

impl GiteaSink {
    /// Waits until the server tells of what was pushed into an empty repository, or has had its
    /// time; the project as it is told then, where it had to be asked for.
    pub(super) async fn noticed(
        &self,
        path: Path<'_>,
    ) -> Result<Option<wire::Repository>, HostError> {
        if self.known.of(path, |it| it.commits) == Commits::Told {
            return Ok(None);
        }
        let mut found = self.source.repository(path).await?;
        // Nothing may have been pushed, or tags alone, with which a repository stays empty.
        if found.empty == Some(true) && !self.branches(path).await?.is_empty() {
            for pause in pauses() {
                self.clock.sleep(pause).await;
                found = self.source.repository(path).await?;
                if found.empty != Some(true) {
                    break;
                }
            }
        }
        self.known.of(path, |it| it.commits = Commits::Told);
        Ok(Some(found))
    }

    /// The branches that the repository itself has, whatever the server tells of it, with the commits
    /// at their ends.
    async fn branches(&self, path: Path<'_>) -> Result<HashMap<String, String>, HostError> {
        let remote = self.source.git_remote(path, RepoKind::Code);
        let listed = async { refs::list(&Git::find().await?, &remote).await };
        let list = match listed.await {
            Ok(list) => list,
            Err(GitError::NoRepository { .. }) => return Ok(HashMap::new()),
            Err(error) => {
                let operation = "look whether what was pushed is there";
                return Err(HostError::new(HostErrorKind::Unavailable, operation)
                    .with("project", path)
                    .because(error));
            }
        };
        let branch = |(name, commit): (String, String)| {
            Some((name.strip_prefix("refs/heads/")?.to_owned(), commit))
        };
        Ok(list.refs.into_iter().filter_map(branch).collect())
    }

    /// The commit at the end of a branch; `None` where there is no such branch.
    ///
    /// They are listed once, by Git; one that is not among them may have been made since.
    pub(super) async fn branch(
        &self,
        path: Path<'_>,
        name: &str,
    ) -> Result<Option<String>, HostError> {
        if name.is_empty() {
            return Ok(None);
        }
        if self.known.of(path, |it| it.branches.is_none()) {
            // Where Git does not answer, each is asked for.
            let listed = self.branches(path).await.unwrap_or_default();
            let few = if listed.len() > MAX_BRANCHES { HashMap::new() } else { listed };
            self.known.of(path, |it| it.branches = Some(few));
        }
        let known = self.known.of(path, |it| it.branches.as_ref()?.get(name).cloned());
        if known.is_some() {
            return Ok(known);
        }
        let below = path.below(&["branches", name]);
        let found: Option<Value> = self.api.find(&below, "look for a branch").await?;
        let commit = found.as_ref().and_then(|it| it.pointer("/commit/id"));
        Ok(commit.and_then(Value::as_str).map(str::to_owned))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_come_to_an_end() {
        let all: Vec<_> = pauses().collect();

        assert!(all.is_sorted() && all.len() == MAX_PAUSES, "{all:?}");
        assert!((20..60).contains(&all.iter().sum::<Duration>().as_secs()), "{all:?}");
    }
}
