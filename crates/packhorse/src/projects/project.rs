//! A project of the platform, and what its repository is called.

use super::mapping::Mappings;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What somebody may do with a project, from the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Right {
    Read,
    Write,
}

/// Somebody who takes part in a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Collaborator {
    /// Name on the platform.
    pub(super) name: String,
    pub(super) right: Right,
}

/// A project of the platform, as its database tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Project {
    pub(super) id: String,
    /// Name of the owner on the platform; empty where nobody is told.
    pub(super) owner: String,
    /// Name for people; empty where there is none.
    pub(super) name: String,
    /// What the database calls its repository, where it does.
    pub(super) repository: Option<String>,
    /// Without the owner.
    pub(super) collaborators: Vec<Collaborator>,
    /// Groups that take part; there is no map for these.
    pub(super) groups: Vec<String>,
}

/// Why a project cannot be carried, whatever stands at the two hosts.
pub(super) enum Unfit {
    NoOwner,
    Name,
    TooLong { longest: usize },
}

impl Unfit {
    /// For people: why, and what to do.
    pub(super) fn told(&self) -> String {
        match self {
            Self::NoOwner => "the database names no owner: give it one on the platform".to_owned(),
            Self::Name => "its owner or id has signs that no repository can be called by: rename \
                           the owner on the platform"
                .to_owned(),
            Self::TooLong { longest } => format!(
                "its repository's name would have more than the {longest} characters that the \
                 destination takes: give the project to somebody with a shorter name"
            ),
        }
    }
}

impl Project {
    /// `{owner}-{id}`: what its repository is called at every Git host.
    pub(super) fn repository_name(&self) -> String {
        format!("{}-{}", self.owner, self.id)
    }

    /// What its repository is called at the origin: as the pattern says, unless the database has
    /// another name.
    pub(super) fn origin_name(&self) -> String {
        let told = self.repository.as_deref().unwrap_or_default();
        let last = told.rsplit('/').next().unwrap_or_default().trim_end_matches(".git");
        if last.is_empty() { self.repository_name() } else { last.to_owned() }
    }

    /// Whether a Git host can have a repository of that name.
    ///
    /// SECURITY: the name becomes part of addresses and paths.
    pub(super) fn fitness(&self, longest: usize) -> Result<(), Unfit> {
        if self.owner.is_empty() {
            return Err(Unfit::NoOwner);
        }
        for name in [self.repository_name(), self.origin_name()] {
            let is_plain =
                name.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_.".contains(&it));
            if !is_plain || name.starts_with(['.', '-']) || name.contains("..") {
                return Err(Unfit::Name);
            }
        }
        match self.repository_name().len() {
            n if n > longest => Err(Unfit::TooLong { longest }),
            _ => Ok(()),
        }
    }

    /// Who takes part, by their names at the destination; the owner writes.
    pub(super) fn members(&self, mappings: &Mappings) -> BTreeMap<String, Right> {
        let owner = mappings.git(&self.owner).map(|it| (it.to_owned(), Right::Write));
        let others = self.collaborators.iter();
        let others = others.filter_map(|it| Some((mappings.git(&it.name)?.to_owned(), it.right)));
        let mut members = BTreeMap::new();
        for (name, right) in owner.into_iter().chain(others) {
            let known = members.entry(name).or_insert(right);
            *known = right.max(*known);
        }
        members
    }

    /// Users of the platform that it mentions.
    pub(super) fn users(&self) -> impl Iterator<Item = &str> {
        let owner = Some(self.owner.as_str()).filter(|it| !it.is_empty());
        owner.into_iter().chain(self.collaborators.iter().map(|it| it.name.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(owner: &str, id: &str) -> Project {
        Project { id: id.into(), owner: owner.into(), ..Project::default() }
    }

    #[test]
    fn a_repository_is_called_by_owner_and_id() {
        let mut it = project("alice", "1f");
        assert_eq!(
            (it.repository_name(), it.origin_name()),
            ("alice-1f".into(), "alice-1f".into())
        );

        it.repository = Some("anaconda/old-1f.git".into());
        assert_eq!((it.repository_name(), it.origin_name()), ("alice-1f".into(), "old-1f".into()));
    }

    #[test]
    fn a_name_that_no_host_takes_is_told() {
        assert!(project("alice", "1f").fitness(8).is_ok());
        assert!(matches!(project("alice", "1f0").fitness(8), Err(Unfit::TooLong { longest: 8 })));
        assert!(matches!(project("", "1f").fitness(99), Err(Unfit::NoOwner)));
        for owner in ["a/b", "..", "-x", "a b", "é", "a\n"] {
            assert!(matches!(project(owner, "1").fitness(99), Err(Unfit::Name)), "{owner}");
        }
    }
}
