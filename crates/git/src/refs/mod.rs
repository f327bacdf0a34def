//! Refs: what an endpoint has, and what of it travels.

mod policy;

use crate::{
    error::GitError,
    process::Git,
    pump::{Source, Version},
};
use data_encoding::HEXLOWER;
use packhorse_core::{GitRemote, model::ObjectFormat};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

pub(crate) use policy::PARTS;
pub use policy::{LeftRef, NAMESPACE, RefPolicy, Selection};

/// What an endpoint advertises.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RefList {
    /// Full name of the ref that `HEAD` stands for, where it is told.
    pub head: Option<String>,
    /// Object id by full name, `HEAD` and peeled tags apart.
    pub refs: BTreeMap<String, String>,
}

impl RefList {
    /// The hash that names the objects; SHA-1 when there are none.
    pub fn object_format(&self) -> ObjectFormat {
        match self.refs.values().next() {
            Some(id) if id.len() == 64 => ObjectFormat::Sha256,
            _ => ObjectFormat::Sha1,
        }
    }

    /// How many heads of change requests there are refs to, under the names that hosts give them.
    pub fn change_requests(&self) -> usize {
        self.refs.keys().filter(|it| policy::number(it).is_some()).count()
    }

    /// SHA-256 over `<object id> <name>\n` of every ref, sorted by name.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for (name, id) in &self.refs {
            hash.update(format!("{id} {name}\n"));
        }
        HEXLOWER.encode(&hash.finalize())
    }
}

/// Asks an endpoint for its refs.
///
/// # Errors
///
/// [`GitError::NoRepository`] and [`GitError::Unauthorized`] among others.
pub async fn list(git: &Git, remote: &GitRemote) -> Result<RefList, GitError> {
    let mut list = listed(git, remote, Version::V2).await?;
    if list.head.is_none()
        && let Some(path) = remote.url.as_path()
    {
        list.head = crate::repository::head(path);
    }
    Ok(list)
}

/// The same in one question where [`list`] takes two; what `HEAD` stands for is told only where
/// that is born.
///
/// # Errors
///
/// As [`list`].
pub async fn tips(git: &Git, remote: &GitRemote) -> Result<RefList, GitError> {
    listed(git, remote, Version::V0).await
}

async fn listed(git: &Git, remote: &GitRemote, version: Version) -> Result<RefList, GitError> {
    match Source::open(git, remote, version).await {
        Ok(source) => Ok(source.into_refs()),
        Err(GitError::NotStreamed { .. }) => listed_by_git(git, remote).await,
        Err(error) => Err(error),
    }
}

/// The refs of an endpoint that the pump cannot speak with.
pub(crate) async fn listed_by_git(git: &Git, remote: &GitRemote) -> Result<RefList, GitError> {
    let url = place(remote);
    let command = git.command(["ls-remote", "--symref", "--", url.as_str()]);
    Ok(parse(&command.with_remote(remote).await?.text().await?))
}

/// Git does not run in the caller's directory, so a relative path would mean another place.
pub(crate) fn place(remote: &GitRemote) -> String {
    match remote.url.as_path() {
        Some(path) => std::path::absolute(path)
            .map_or_else(|_| remote.url.to_string(), |it| it.to_string_lossy().into_owned()),
        None => remote.url.to_string(),
    }
}

fn parse(text: &str) -> RefList {
    let mut list = RefList::default();
    for line in text.lines() {
        let Some((value, name)) = line.split_once('\t') else { continue };
        if name == "HEAD" {
            if let Some(target) = value.strip_prefix("ref: ") {
                list.head = Some(target.to_owned());
            }
        } else if name.starts_with("refs/") && !name.ends_with("^{}") {
            list.refs.insert(name.to_owned(), value.to_owned());
        }
    }
    list
}

/// Whether Git allows a full ref name.
///
/// Source: git-check-ref-format(1).
pub fn is_valid_name(name: &str) -> bool {
    let forbidden = |c: char| c <= ' ' || c == '\x7f' || "~^:?*[\\".contains(c);
    name.starts_with("refs/")
        && name.len() <= 4096
        && !name.ends_with('.')
        && !name.contains("..")
        && !name.contains("@{")
        && !name.contains(forbidden)
        && name
            .split('/')
            .all(|part| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock"))
}

/// A ref that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefDifference {
    /// Full name; `HEAD` for what it stands for.
    pub name: String,
    /// What was expected, if anything.
    pub expected: Option<String>,
    /// What is there, if anything.
    pub found: Option<String>,
}

/// The refs in which two lists differ.
pub fn differences(expected: &RefList, found: &RefList) -> Vec<RefDifference> {
    let names: std::collections::BTreeSet<_> =
        expected.refs.keys().chain(found.refs.keys()).collect();
    names
        .into_iter()
        .filter(|name| expected.refs.get(*name) != found.refs.get(*name))
        .map(|name| RefDifference {
            name: name.clone(),
            expected: expected.refs.get(name).cloned(),
            found: found.refs.get(name).cloned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(name: &str, valid: bool) {
        assert_eq!(is_valid_name(name), valid, "{name}");
    }

    #[test]
    fn names_follow_git_rules() {
        check("refs/heads/main", true);
        check("refs/heads/a/b-c_d", true);
        check("refs/heads/é", true);
        check("heads/main", false);
        check("refs/heads/", false);
        check("refs/heads/a..b", false);
        check("refs/heads/.a", false);
        check("refs/heads/a.lock", false);
        check("refs/heads/a b", false);
        check("refs/heads/a~1", false);
        check("refs/heads/@{u}", false);
        check("refs/heads/../../config", false);
    }

    proptest! {
        #[test]
        fn a_valid_name_never_leaves_the_directory(name in "refs/[a-z./~@{ -]{0,24}") {
            if is_valid_name(&name) {
                prop_assert!(!name.split('/').any(|it| it == ".." || it == "." || it.is_empty()));
            }
        }
    }

    #[test]
    fn peeled_tags_and_head_are_no_refs() {
        let list = parse(
            "ref: refs/heads/main\tHEAD\naa\tHEAD\naa\trefs/heads/main\nbb\trefs/tags/v1\naa\trefs/tags/v1^{}\n",
        );

        assert_eq!(list.head.as_deref(), Some("refs/heads/main"));
        assert_eq!(list.refs.len(), 2);
    }
}
