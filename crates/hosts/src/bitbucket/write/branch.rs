//! Branches of ours, which change requests need whose own are gone.

use super::is_refusal;
use async_trait::async_trait;
use packhorse_core::HostError;

/// What branches of ours are named.
pub(crate) const OURS: &str = "packhorse/";

/// How an API shows and moves the branches of one repository.
#[async_trait]
pub(crate) trait Branches: Send + Sync {
    /// The commit at the end of a branch.
    async fn tip(&self, name: &str) -> Result<Option<String>, HostError>;

    async fn make_branch(&self, name: &str, commit: &str) -> Result<(), HostError>;

    /// Removes a branch; one that is not there is removed already.
    async fn remove_branch(&self, name: &str) -> Result<(), HostError>;

    /// Names of branches that are like [`OURS`], and perhaps of others.
    async fn like_ours(&self) -> Result<Vec<String>, HostError>;

    /// The first parent of a commit.
    async fn first_parent(&self, commit: &str) -> Result<Option<String>, HostError>;
}

/// Whether a branch is of ours.
fn is_ours(name: &str) -> bool {
    let parts = name.strip_prefix(OURS).and_then(|it| it.split_once('/'));
    parts.is_some_and(|(number, end)| {
        number.parse::<u64>().is_ok() && matches!(end, "head" | "base")
    })
}

/// The branch of ours at an end, `head` or `base`, of a change request.
pub(super) fn ours(number: u64, end: &str) -> String {
    format!("{OURS}{number}/{end}")
}

/// Whether a branch is there.
pub(super) async fn is_there<B: Branches>(branches: &B, name: &str) -> Result<bool, HostError> {
    Ok(!name.is_empty() && branches.tip(name).await?.is_some())
}

/// A branch of ours at a commit; moved where it is elsewhere.
pub(super) async fn put<B: Branches>(
    branches: &B,
    name: &str,
    commit: &str,
) -> Result<(), HostError> {
    match branches.tip(name).await? {
        Some(tip) if tip == commit => return Ok(()),
        Some(_) => branches.remove_branch(name).await?,
        None => {}
    }
    branches.make_branch(name, commit).await
}

/// Names of the branches of ours that are there.
pub(super) async fn held<B: Branches>(branches: &B) -> Result<Vec<String>, HostError> {
    let mut names = match branches.like_ours().await {
        // Nothing was made there.
        Err(error) if is_refusal(&error) => Vec::new(),
        other => other?,
    };
    names.retain(|it| is_ours(it));
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_branches_that_we_made_are_ours() {
        assert!(is_ours(&ours(7, "head")) && is_ours(&ours(7, "base")));
        for other in ["packhorse/7", "packhorse/seven/head", "packhorse/7/other", "main"] {
            assert!(!is_ours(other), "{other}");
        }
    }
}
