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
use std::{iter, time::Duration};

/// The first pause between two looks, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(25);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How many pauses are made at most: half a minute in all.
const MAX_PAUSES: usize = 20;

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
        if found.empty == Some(true) && self.has_branches(path).await? {
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

    /// Whether the repository itself has branches, whatever the server tells of it.
    async fn has_branches(&self, path: Path<'_>) -> Result<bool, HostError> {
        let remote = self.source.git_remote(path, RepoKind::Code);
        let listed = async { refs::list(&Git::find().await?, &remote).await };
        match listed.await {
            Ok(list) => Ok(list.refs.keys().any(|it| it.starts_with("refs/heads/"))),
            Err(GitError::NoRepository { .. }) => Ok(false),
            Err(error) => Err(HostError::new(
                HostErrorKind::Unavailable,
                "look whether what was pushed is there",
            )
            .with("project", path)
            .because(error)),
        }
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
