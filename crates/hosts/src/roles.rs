//! How hosts' own words for rights are read as roles, and roles written as their words.
//!
//! The published table is made from this, and this from what the adapters use.

use crate::{bitbucket_cloud, bitbucket_server, gitea, github, gitlab};
use packhorse_core::{HostSpec, model::Role};

/// What a role becomes at a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoleWord {
    /// The host's own word.
    pub word: &'static str,
    /// Whether it lets do as much as the role; otherwise less, and never more.
    pub is_whole: bool,
}

/// The roles of one host.
#[derive(Clone, Debug)]
pub struct Roles {
    /// Its own words, from least to most, and the roles that they are read as.
    pub reads: Vec<(&'static str, Role)>,
    /// What a role becomes; `None` where it gives nobody any right. `None` where members are not
    /// written at all.
    pub writes: Option<fn(Role) -> Option<RoleWord>>,
}

/// The hosts that have roles, in the order of the documentation.
pub fn roles() -> [(&'static HostSpec, Roles); 5] {
    [
        (&github::SPEC, github::roles()),
        (&gitlab::SPEC, gitlab::roles()),
        (&gitea::SPEC, gitea::roles()),
        (&bitbucket_server::SPEC, bitbucket_server::roles()),
        (&bitbucket_cloud::SPEC, bitbucket_cloud::roles()),
    ]
}

/// Every role, from least to most.
pub const ALL: [Role; 9] = [
    Role::None,
    Role::Guest,
    Role::Planner,
    Role::Read,
    Role::Triage,
    Role::Write,
    Role::Maintain,
    Role::Admin,
    Role::Owner,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_gets_members_says_what_their_roles_become() {
        for (spec, host) in roles() {
            let gets_members = (spec.writes)(packhorse_core::ObjectKind::Member).is_some();
            assert_eq!(host.writes.is_some(), gets_members, "{}", spec.id);
        }
    }

    #[test]
    fn no_role_comes_back_as_more_than_it_was() {
        for (spec, host) in roles() {
            let Some(writes) = host.writes else { continue };
            for role in ALL {
                let Some(became) = writes(role) else { continue };
                let read = host.reads.iter().find(|(word, _)| *word == became.word);
                let (_, read) = read.unwrap_or_else(|| panic!("{} reads no {became:?}", spec.id));
                assert!(*read <= role, "{}: {role:?} comes back as {read:?}", spec.id);
            }
        }
    }
}
