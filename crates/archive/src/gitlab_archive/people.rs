//! Accounts by their ids: rows name people by number, and the members' rows say who that is.

use super::wire;
use packhorse_core::model::{Identity, IdentityKind};
use std::{
    cell::Cell,
    collections::{BTreeMap, HashMap},
};

/// Accounts that are told apart; later ones are called by their id.
///
/// SECURITY: they come from the archive, and must not fill the memory.
const MAX_PEOPLE: usize = 1_000_000;

/// The accounts of an archive.
#[derive(Debug, Default)]
pub(super) struct People {
    by_id: BTreeMap<u64, Identity>,
    by_login: HashMap<String, u64>,
    n_unknown: Cell<u64>,
}

/// What stands behind an account of that name.
///
/// Source: GitLab, "Project access tokens", "Bot users for projects"; "Ghost user".
fn kind(login: &str) -> IdentityKind {
    let rest = login.strip_prefix("project_").or_else(|| login.strip_prefix("group_"));
    let is_token = rest.and_then(|it| it.split_once("_bot"));
    match login {
        "ghost" => IdentityKind::Deleted,
        _ if is_token.is_some_and(|(id, _)| id.bytes().all(|it| it.is_ascii_digit())) => {
            IdentityKind::Bot
        }
        _ => IdentityKind::Person,
    }
}

impl People {
    /// Learns of an account from an archive.
    pub(super) fn learn(&mut self, it: wire::Contribution) {
        let filled = |text: Option<String>| text.filter(|it| !it.is_empty());
        let (Some(id), Some(login)) = (it.id, filled(it.username)) else { return };
        if self.by_id.len() >= MAX_PEOPLE {
            return;
        }
        let known = self.by_id.entry(id).or_default();
        known.kind = kind(&login);
        known.login = login;
        known.name = filled(it.name).or(known.name.take());
        known.email = filled(it.public_email).or(known.email.take());
    }

    /// Who has that id; an account that the archive does not tell is called by it.
    pub(super) fn identity(&self, id: Option<u64>) -> Option<Identity> {
        let id = id?;
        let known = self.by_id.get(&id).cloned();
        Some(known.unwrap_or_else(|| {
            self.n_unknown.set(self.n_unknown.get() + 1);
            Identity::login(format!("unknown-{id}"), None)
        }))
    }

    /// How often somebody was asked for whom the archive does not tell.
    pub(super) fn n_unknown(&self) -> u64 {
        self.n_unknown.get()
    }

    /// The id of an account, given to it if it has none yet.
    pub(super) fn id(&mut self, who: &Identity) -> u64 {
        if let Some(id) = self.by_login.get(&who.login) {
            return *id;
        }
        let id = self.by_login.len() as u64 + 1;
        self.by_login.insert(who.login.clone(), id);
        self.by_id.insert(id, Identity { host: None, kind: kind(&who.login), ..who.clone() });
        id
    }

    /// The id of an account, if there is one.
    pub(super) fn id_of(&mut self, who: Option<&Identity>) -> Option<u64> {
        who.map(|it| self.id(it))
    }

    /// All accounts, by id.
    pub(super) fn all(&self) -> impl Iterator<Item = wire::Contribution> {
        self.by_id.iter().map(|(id, it)| wire::Contribution {
            id: Some(*id),
            public_email: it.email.clone(),
            username: Some(it.login.clone()),
            name: it.name.clone(),
        })
    }
}
