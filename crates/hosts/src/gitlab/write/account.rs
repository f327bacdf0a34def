//! Who asks, with which rights, and who has an account.

use super::{GitlabSink, Task};
use crate::gitlab::{api::Api, read, wire};
use packhorse_core::{
    HostError, HostErrorKind,
    model::{Grantee, Identity, IdentityKind, Role},
};
use serde::Deserialize;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Accounts that are remembered.
const MAX_KNOWN: usize = 100_000;
/// The level of an owner, who may say when something was made.
const OWNER: u64 = 50;

/// The account that asks, and what it may do.
#[derive(Clone, Debug)]
pub(super) struct Me {
    pub(super) login: String,
    /// Whether it administers the server.
    pub(super) is_admin: bool,
    /// Whether something can be done in the name of others.
    pub(super) has_sudo: bool,
    /// Whether it may say when something was made, and give issues their numbers: administrators
    /// and owners.
    ///
    /// Source: GitLab, "Issues API", "New issue", `created_at` and `iid`.
    pub(super) may_backdate: bool,
    /// Whether the server is of an edition that knows single people in rules.
    pub(super) is_enterprise: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Token {
    scopes: Vec<String>,
}

impl Me {
    /// Asks the server what it is, and who asks.
    pub(super) async fn ask(api: &Api) -> Result<Self, HostError> {
        let (version, me) = read::probe(api).await?;
        let me = me.ok_or_else(|| {
            HostError::new(HostErrorKind::Unauthorized, "write to the server")
                .with("url", &api.place.home)
                .with("reason", "it takes no changes from strangers: give it a token")
        })?;
        let operation = "ask what the token may do";
        // Versions before 14.7 and tokens of other kinds do not say.
        let path = ["personal_access_tokens", "self"];
        let told: Result<Token, HostError> = api.get(&path, &[], operation).await;
        let scopes = told.map(|it| it.scopes).unwrap_or_default();
        if !scopes.is_empty() && !scopes.iter().any(|it| it == "api") {
            return Err(HostError::new(HostErrorKind::Forbidden, "write to the server")
                .with("scopes", scopes.join(", "))
                .with("reason", "the token needs the scope `api`"));
        }
        let is_admin = me.is_admin == Some(true);
        let may_backdate = is_admin || owns(api, me.id).await?;
        Ok(Self {
            login: me.username.unwrap_or_default(),
            is_admin,
            has_sudo: is_admin && scopes.iter().any(|it| it == "sudo"),
            may_backdate,
            is_enterprise: version.enterprise == Some(true),
        })
    }
}

/// Whether an account owns what the location says.
async fn owns(api: &Api, id: Option<u64>) -> Result<bool, HostError> {
    let (Some(within), Some(id)) = (api.place.within.as_deref(), id) else { return Ok(false) };
    let id = id.to_string();
    for list in ["groups", "projects"] {
        let path = [list, within, "members", "all", id.as_str()];
        let found: Option<wire::Member> = api.find(&path, &[], "ask what the token may do").await?;
        if let Some(level) = found.and_then(|it| it.access_level) {
            return Ok(level >= OWNER);
        }
    }
    Ok(false)
}

/// Ids of accounts, as far as they were asked for; `None` for who has none.
#[derive(Debug, Default)]
pub(super) struct Accounts(Mutex<HashMap<String, Option<u64>>>);

impl Accounts {
    /// What is known, with room for one more.
    fn known(&self) -> MutexGuard<'_, HashMap<String, Option<u64>>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known
    }
}

impl GitlabSink {
    /// The id of somebody's account here.
    ///
    /// SECURITY: an account of the same name elsewhere is somebody else: only who is said to be of
    /// this server, or of none, is looked for.
    pub(super) async fn account(&self, who: &Identity) -> Result<Option<u64>, HostError> {
        let is_here = who.host.as_deref().is_none_or(|it| it.eq_ignore_ascii_case(self.host()));
        let is_one = matches!(who.kind, IdentityKind::Person | IdentityKind::Bot);
        if !is_here || !is_one || who.login.is_empty() {
            return Ok(None);
        }
        self.account_called(&who.login).await
    }

    /// The id of the account of that name.
    pub(super) async fn account_called(&self, login: &str) -> Result<Option<u64>, HostError> {
        let login = login.to_lowercase();
        if let Some(id) = self.accounts.known().get(&login) {
            return Ok(*id);
        }
        let query = [("username", login.as_str())];
        let found: Vec<wire::User> =
            self.api.get(&["users"], &query, "look for an account").await?;
        let id = found.into_iter().find_map(|it| it.id);
        self.accounts.known().insert(login, id);
        Ok(id)
    }

    /// Remembers an account that was made.
    pub(super) fn remember_account(&self, login: &str, id: u64) {
        self.accounts.known().insert(login.to_lowercase(), Some(id));
    }

    /// Ids of those of a list who have an account; the others are lost.
    pub(super) async fn ids(
        &self,
        task: &mut Task<'_>,
        field: &'static str,
        people: impl Iterator<Item = &Identity>,
    ) -> Result<Vec<u64>, HostError> {
        let mut ids = Vec::new();
        for who in people {
            match self.account(who).await? {
                Some(id) => ids.push(id),
                None => {
                    task.lose(field, format!("{who} has no account here that the users file names"))
                }
            }
        }
        Ok(ids)
    }

    /// Ids of people among grantees.
    pub(super) async fn people(
        &self,
        task: &mut Task<'_>,
        field: &'static str,
        grantees: impl Iterator<Item = &Grantee>,
    ) -> Result<Vec<u64>, HostError> {
        let mut people = Vec::new();
        for it in grantees {
            match it {
                Grantee::User(who) => people.push(who),
                Grantee::Team { organization, slug } => {
                    task.lose(field, format!("the team {organization}/{slug} has no place here"));
                }
                Grantee::Group(name) => {
                    task.lose(field, format!("the group {name} has no place here"));
                }
            }
        }
        self.ids(task, field, people.into_iter()).await
    }
}

/// The level of a role, and whether it allows less; `None` for none at all.
///
/// Source: GitLab, "Permissions and roles"; README.md has the table of the other direction.
pub(in crate::gitlab) const fn level(role: Role) -> Option<(u64, Option<&'static str>)> {
    match role {
        Role::None => None,
        Role::Guest => Some((10, None)),
        Role::Planner => Some((15, None)),
        Role::Read => Some((20, None)),
        Role::Triage => Some((20, Some("became a reporter, who manages issues and not changes"))),
        Role::Write => Some((30, None)),
        Role::Maintain => Some((40, None)),
        Role::Admin => Some((40, Some("became a maintainer, who cannot delete the project"))),
        Role::Owner => Some((50, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gitlab::map::project::role;

    #[test]
    fn a_role_never_allows_more_on_its_way() {
        let all = [
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
        for it in all {
            let back = level(it).map_or(Role::None, |(level, _)| role(level));
            assert!(back <= it, "{it:?} became {back:?}");
            assert_eq!(back != it, level(it).is_some_and(|(_, less)| less.is_some()), "{it:?}");
        }
    }
}
