//! Branches that a change request needs and that nobody has: they are called `packhorse/…`.

use super::{GithubSink, Path, account::refused};
use http::Method;
use packhorse_core::{HostError, HostErrorKind};
use serde::Deserialize;
use serde_json::json;

/// What such branches begin with.
const OURS: &str = "packhorse/";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Target {
    sha: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Ref {
    r#ref: Option<String>,
    object: Target,
}

/// The name of the branch that stands for one end of a change request.
pub(super) fn name(number: &str, end: &str) -> String {
    format!("{OURS}{number}/{end}")
}

/// Whether a branch stands for one end of a change request.
pub(super) fn is_ours(branch: &str) -> bool {
    let number = branch.strip_prefix(OURS).and_then(|it| it.split_once('/'));
    number.is_some_and(|(number, end)| {
        number.bytes().all(|it| it.is_ascii_digit()) && matches!(end, "head" | "base")
    })
}

/// Whether a text can be the id of a commit.
pub(super) fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|it| it.is_ascii_hexdigit())
}

impl GithubSink {
    /// The commit that a branch is at; `None` where there is no such branch.
    pub(super) async fn sha(
        &self,
        path: Path<'_>,
        branch: &str,
    ) -> Result<Option<String>, HostError> {
        self.tip(path, ("heads", branch), "look for a branch").await
    }

    /// Whether there is a tag of that name.
    pub(super) async fn has_tag(&self, path: Path<'_>, tag: &str) -> Result<bool, HostError> {
        Ok(self.tip(path, ("tags", tag), "look for a tag").await?.is_some())
    }

    async fn tip(
        &self,
        path: Path<'_>,
        (sort, name): (&str, &str),
        operation: &'static str,
    ) -> Result<Option<String>, HostError> {
        if name.split('/').any(|it| matches!(it, "" | "." | "..")) {
            return Ok(None);
        }
        let below = [path.below(&["git", "ref", sort]), name.split('/').collect()].concat();
        let found: Option<Ref> = match self.api.find(&below, operation).await {
            // An empty repository answers a conflict.
            Err(error) if error.kind == HostErrorKind::Conflict => None,
            other => other?,
        };
        // Servers of old answer with those that begin so, too.
        let whole = format!("refs/{sort}/{name}");
        let found = found.filter(|it| it.r#ref.as_ref().is_none_or(|it| *it == whole));
        Ok(found.and_then(|it| it.object.sha))
    }

    /// Makes a branch at a commit, or finds it there; whether it is there.
    pub(super) async fn make_branch(
        &self,
        path: Path<'_>,
        branch: &str,
        commit: &str,
    ) -> Result<bool, HostError> {
        let operation = "make a passing branch";
        let body = json!({"ref": format!("refs/heads/{branch}"), "sha": commit});
        let below = path.below(&["git", "refs"]);
        match self.api.tell(Method::POST, &below, &body, operation).await {
            Ok(_) => Ok(true),
            // It is there already, or the commit is not, or nothing is.
            Err(error) if refused(error.kind) || error.kind == HostErrorKind::Conflict => {
                Ok(self.sha(path, branch).await?.as_deref() == Some(commit))
            }
            Err(error) => Err(error),
        }
    }

    /// Removes a branch of ours: what is closed keeps its commits in hidden refs.
    pub(super) async fn remove_branch(
        &self,
        path: Path<'_>,
        branch: &str,
    ) -> Result<(), HostError> {
        let parts = branch.split('/').collect();
        let below = [path.below(&["git", "refs", "heads"]), parts].concat();
        match self.api.delete(&below, "remove a passing branch").await {
            // Somebody protects it.
            Err(error) if refused(error.kind) => Ok(()),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_of_ours_says_whose_it_is() {
        assert!(is_ours(&name("12", "head")) && is_ours("packhorse/12/base"));
        assert!(!is_ours("packhorse/x/head") && !is_ours("packhorse/12/more"));
        assert!(!is_ours("feature/12"));
    }
}
