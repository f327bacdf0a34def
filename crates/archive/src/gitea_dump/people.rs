//! Accounts by their ids: comments on lines name people by number alone.

use packhorse_core::model::Identity;
use std::collections::BTreeMap;

/// Accounts that are told apart; later ones are called by their id.
///
/// SECURITY: they come from the dump, and must not fill the memory.
const MAX_PEOPLE: usize = 1_000_000;

/// The accounts of a dump.
#[derive(Debug, Default)]
pub(super) struct People {
    by_id: BTreeMap<i64, String>,
}

impl People {
    /// Learns who has an id.
    pub(super) fn learn(&mut self, id: Option<i64>, login: Option<&str>) {
        if let (Some(id), Some(login)) =
            (id.filter(|it| *it > 0), login.filter(|it| !it.is_empty()))
            && self.by_id.len() < MAX_PEOPLE
        {
            self.by_id.insert(id, login.to_owned());
        }
    }

    /// Who has that id.
    pub(super) fn identity(&self, id: Option<i64>) -> Option<Identity> {
        let id = id.filter(|it| *it > 0)?;
        let login = self.by_id.get(&id).cloned();
        Some(Identity::login(login.unwrap_or_else(|| format!("unknown-{id}")), None))
    }

    /// The id of an account: made of its name, and the same each time.
    pub(super) fn id(&mut self, who: Option<&Identity>) -> Option<i64> {
        let who = who?;
        let id = i64::try_from(crate::key::number(&format!("@{}", who.login))).ok()?;
        self.learn(Some(id), Some(&who.login));
        Some(id)
    }

    /// All accounts.
    pub(super) fn all(&self) -> &BTreeMap<i64, String> {
        &self.by_id
    }
}
