//! Who has an account, and in whose name something is written.

use super::{GiteaSink, Path, Task};
use crate::gitea::{call::Change, wire};
use packhorse_core::{
    HostError, HostErrorKind,
    model::{Identity, IdentityKind},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

/// Accounts that were looked for.
const MAX_KNOWN: usize = 100_000;
/// Accounts that are looked for at once.
const ASKED_AT_ONCE: usize = 16;

/// Who has an account here, as far as it was asked.
#[derive(Debug, Default)]
pub(super) struct People {
    known: Mutex<HashMap<String, bool>>,
    /// Held while an account is asked for, so that those who write side by side do not all ask.
    asking: [tokio::sync::Mutex<()>; ASKED_AT_ONCE],
}

impl People {
    fn known(&self, login: &str) -> Option<bool> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&login.to_lowercase()).copied()
    }

    /// What is held while that account is asked for.
    fn turn(&self, login: &str) -> &tokio::sync::Mutex<()> {
        let sum: usize = login.bytes().map(|it| usize::from(it.to_ascii_lowercase())).sum();
        &self.asking[sum % ASKED_AT_ONCE]
    }

    pub(super) fn note(&self, login: &str, is_here: bool) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(login.to_lowercase(), is_here);
    }
}

/// Whether a refusal is about who asked, so that somebody else may do better.
fn is_about_rights(kind: HostErrorKind) -> bool {
    matches!(
        kind,
        HostErrorKind::Forbidden
            | HostErrorKind::NotFound
            | HostErrorKind::Unauthorized
            | HostErrorKind::Rejected
    )
}

impl GiteaSink {
    /// Whether a person has an account here.
    pub(super) async fn has_account(&self, who: &Identity) -> Result<bool, HostError> {
        let is_person = matches!(who.kind, IdentityKind::Person | IdentityKind::Bot);
        if !is_person || !is_login(&who.login) {
            return Ok(false);
        }
        if let Some(is_here) = self.people.known(&who.login) {
            return Ok(is_here);
        }
        let _asking = self.people.turn(&who.login).lock().await;
        if let Some(is_here) = self.people.known(&who.login) {
            return Ok(is_here);
        }
        let operation = "look for an account";
        let found: Option<wire::User> = self.api.find(&["users", &who.login], operation).await?;
        let is_here = found.is_some();
        self.people.note(&who.login, is_here);
        Ok(is_here)
    }

    async fn is_me(&self, login: &str) -> Result<bool, HostError> {
        let me = self.server().await?.me.as_ref();
        Ok(me.is_some_and(|it| it.login.eq_ignore_ascii_case(login)))
    }

    /// The account in whose name something is written, where that is not the token's own, and
    /// whether that is who wrote it.
    ///
    /// Only who has an account here can be named; the line in the text names the others.
    pub(super) async fn name_of<'a>(
        &self,
        author: Option<&'a Identity>,
    ) -> Result<(Option<&'a str>, bool), HostError> {
        let Some(author) = author else { return Ok((None, true)) };
        if self.is_me(&author.login).await? {
            return Ok((None, true));
        }
        let may = self.server().await?.has_sudo() && self.has_account(author).await?;
        Ok(if may { (Some(&author.login), true) } else { (None, false) })
    }

    /// Makes something in the name of who wrote it, where that can be.
    pub(super) async fn post_signed<T: DeserializeOwned>(
        &self,
        change: Change<'_>,
        body: &Value,
        author: Option<&Identity>,
    ) -> Result<T, HostError> {
        let (name, _) = self.name_of(author).await?;
        match self.api.post(change.in_name_of(name), body).await {
            Err(error) if name.is_some() && is_about_rights(error.kind) => {
                self.api.post(change, body).await
            }
            other => other,
        }
    }

    /// People of a list who can be assigned in a project; the others are lost.
    pub(super) async fn assignable(
        &self,
        path: Path<'_>,
        task: &mut Task<'_>,
        people: &[Identity],
    ) -> Result<Vec<String>, HostError> {
        if people.is_empty() {
            return Ok(Vec::new());
        }
        let known = self.known.of(path, |it| it.assignable.clone());
        let known = match known {
            Some(known) => known,
            None => {
                let below = path.below(&["assignees"]);
                let list: Option<Vec<wire::User>> =
                    self.api.find(&below, "look who can be assigned").await?;
                let logins = list.into_iter().flatten().filter_map(|it| it.login);
                let known: HashSet<String> = logins.map(|it| it.to_lowercase()).collect();
                self.known.of(path, |it| it.assignable = Some(known.clone()));
                known
            }
        };
        let is_known = |it: &&Identity| known.contains(&it.login.to_lowercase());
        for who in people.iter().filter(|it| !is_known(it)) {
            task.lose("assignees", format!("{who} cannot be assigned in the project"));
        }
        Ok(people.iter().filter(is_known).map(|it| it.login.clone()).collect())
    }
}

/// Whether a text can be the name of an account.
pub(super) fn is_login(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_.".contains(&it))
        && !matches!(text, "." | "..")
}
