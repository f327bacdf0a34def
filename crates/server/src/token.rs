//! Personal tokens: how they look, how they are made, and what they may do.

use crate::{
    key::{KeyError, ServiceKey, Use},
    store::{Store, StoreError, TokenRow, now_ms},
};
use packhorse_core::Secret;
use std::{collections::BTreeSet, fmt, str::FromStr, time::Duration};

/// What every token begins with, so that people and scanners know one when they see it.
const PREFIX: &str = "phs_";

/// Bytes of randomness in the part by which a token is found.
const ID_BYTES: usize = 9;
/// Characters that those bytes become.
const ID_LENGTH: usize = ID_BYTES / 3 * 4;
/// Bytes of randomness in the part that is secret.
const SECRET_BYTES: usize = 32;

/// What a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Look at what its owner started.
    Read,
    /// Start, cancel and delete.
    Migrate,
    /// See and do everything that others started too.
    Admin,
}

/// Why a word is no scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no scope: `read`, `migrate` and `admin` are")]
pub struct NoScope(String);

impl Scope {
    /// Stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Migrate => "migrate",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Scope {
    type Err = NoScope;

    fn from_str(text: &str) -> Result<Self, NoScope> {
        let all = [Self::Read, Self::Migrate, Self::Admin];
        all.into_iter().find(|it| it.name() == text).ok_or_else(|| NoScope(text.to_owned()))
    }
}

/// Who calls, and what they may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Name of the account.
    pub(crate) user: String,
    /// Public part of the token.
    pub(crate) token: String,
    scopes: BTreeSet<Scope>,
}

impl Caller {
    /// Whether the token may do that; more includes less.
    pub(crate) fn may(&self, scope: Scope) -> bool {
        self.scopes.iter().any(|it| *it >= scope)
    }

    /// Whose requests the caller sees; `None` for everybody's.
    pub(crate) fn sees(&self) -> Option<String> {
        (!self.may(Scope::Admin)).then(|| self.user.clone())
    }

    /// Whether the caller sees what that user started.
    pub(crate) fn sees_of(&self, user: &str) -> bool {
        self.user == user || self.may(Scope::Admin)
    }
}

/// Why a token could not be made or looked up.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key failed.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Makes a token for a user; the answer is shown once and kept nowhere.
///
/// # Errors
///
/// [`TokenError`] when it cannot be kept.
pub async fn create(
    (store, key): (&Store, &ServiceKey),
    (user, name): (&str, &str),
    scopes: &BTreeSet<Scope>,
    lasts: Option<Duration>,
) -> Result<Secret, TokenError> {
    let id = key.random(ID_BYTES)?;
    let token = Secret::new(format!("{PREFIX}{id}{}", key.random(SECRET_BYTES)?));
    let scopes: Vec<_> = scopes.iter().map(|it| it.name()).collect();
    let created_at = now_ms();
    let millis = |it: Duration| i64::try_from(it.as_millis()).unwrap_or(i64::MAX);
    let row = TokenRow {
        id,
        name: name.to_owned(),
        user: user.to_owned(),
        digest: key.sign(Use::Tokens, token.expose().as_bytes()),
        scopes: scopes.join(" "),
        created_at,
        expires_at: lasts.map(|it| created_at.saturating_add(millis(it))),
        revoked_at: None,
    };
    store.add_token(row).await?;
    Ok(token)
}

/// Who holds a token, if it is good now.
///
/// SECURITY: a token is found by its public part and compared through its keyed hash, in a time
/// that does not depend on what was sent.
pub(crate) async fn holder(
    (store, key): (&Store, &ServiceKey),
    token: &Secret,
) -> Result<Option<Caller>, StoreError> {
    let text = token.expose();
    let id = text.strip_prefix(PREFIX).and_then(|it| it.get(..ID_LENGTH));
    let Some(id) = id else { return Ok(None) };
    let Some(row) = store.token(id.to_owned()).await? else { return Ok(None) };
    let is_it = key.is_signed(Use::Tokens, text.as_bytes(), &row.digest) && !is_over(&row);
    Ok(is_it.then(|| caller(row)))
}

/// Who holds the token of that public part, if it is good now: for those who have shown the whole
/// of it before.
pub(crate) async fn known(store: &Store, id: &str) -> Result<Option<Caller>, StoreError> {
    let row = store.token(id.to_owned()).await?;
    Ok(row.filter(|it| !is_over(it)).map(caller))
}

fn is_over(row: &TokenRow) -> bool {
    row.expires_at.is_some_and(|it| it <= now_ms()) || row.revoked_at.is_some()
}

fn caller(row: TokenRow) -> Caller {
    let scopes = row.scopes.split(' ').filter_map(|it| it.parse().ok()).collect();
    Caller { user: row.user, token: row.id, scopes }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{key::tests::key, store::tests::store};

    async fn made(lasts: Option<Duration>) -> (tempfile::TempDir, Store, ServiceKey, Secret) {
        let ((directory, store), key) = (store(), key());
        let scopes = BTreeSet::from([Scope::Migrate]);
        let token = create((&store, &key), ("alice", "ci"), &scopes, lasts).await.unwrap();
        (directory, store, key, token)
    }

    #[tokio::test]
    async fn a_token_tells_its_holder_and_what_they_may_do() {
        let (_directory, store, key, token) = made(None).await;

        let caller = holder((&store, &key), &token).await.unwrap().unwrap();

        assert_eq!(caller.user, "alice");
        assert!(caller.may(Scope::Read) && caller.may(Scope::Migrate) && !caller.may(Scope::Admin));
        assert!(caller.sees_of("alice") && !caller.sees_of("bob"));
    }

    #[tokio::test]
    async fn a_token_that_was_changed_ended_or_was_taken_back_is_nobodys() {
        let (_directory, store, key, token) = made(Some(Duration::ZERO)).await;
        assert_eq!(holder((&store, &key), &token).await.unwrap(), None);

        let (_directory, store, key, token) = made(None).await;
        let changed = Secret::new(format!("{}x", token.expose()));
        assert_eq!(holder((&store, &key), &changed).await.unwrap(), None);
        assert_eq!(holder((&store, &key), &Secret::new("phs_é")).await.unwrap(), None);
        let id = store.tokens().await.unwrap().remove(0).id;
        assert!(store.revoke_token(&id).await.unwrap());
        assert!(!store.revoke_token(&id).await.unwrap());
        assert_eq!(holder((&store, &key), &token).await.unwrap(), None);
    }

    #[tokio::test]
    async fn no_token_stands_in_the_database() {
        let (directory, _store, _key, token) = made(None).await;
        let secret = &token.expose().as_bytes()[PREFIX.len() + ID_LENGTH..];

        for entry in std::fs::read_dir(directory.path()).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            assert!(!bytes.windows(secret.len()).any(|it| it == secret));
        }
    }
}
