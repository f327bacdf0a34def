//! One budget for each credential at each origin, for all who ask there.

use super::{
    Budget, Rates,
    together::{Account, Common},
};
use crate::auth::{Credentials, Origin};
use packhorse_core::HostError;
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, hash_map::RandomState},
    hash::BuildHasher,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

/// One budget for each credential at each origin.
#[derive(Default)]
pub struct Budgets {
    key: RandomState,
    common: OnceLock<Place>,
    list: Mutex<BTreeMap<(Origin, u64), Arc<Budget>>>,
}

/// Where budgets stand that other processes share.
struct Place {
    common: Arc<dyn Common>,
    salt: String,
}

impl Place {
    /// Name of an account there.
    ///
    /// SECURITY: forty bits of a salted hash tell accounts apart, and are far too few to tell what
    /// was hashed, even to somebody who can try all that a person would choose.
    fn account(&self, origin: &Origin, header: &[u8]) -> String {
        let mut hash = Sha256::new();
        for part in [self.salt.as_bytes(), origin.to_string().as_bytes(), header] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let digits =
            hash.finalize().iter().take(5).map(|it| format!("{it:02x}")).collect::<String>();
        format!("{origin} {digits}")
    }
}

impl Budgets {
    /// From now on, budgets that are made here stand where other processes share them, with the
    /// same salt; `false` when that was said before.
    pub fn share(&self, common: Arc<dyn Common>, salt: String) -> bool {
        self.common.set(Place { common, salt }).is_ok()
    }

    /// Those that everything in this process shares.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Budgets> = OnceLock::new();
        SHARED.get_or_init(Self::default)
    }

    /// The budget of a credential at an origin, made from `rates` when it is the first to ask.
    ///
    /// # Errors
    ///
    /// As [`Credentials::header`].
    pub fn of(
        &self,
        origin: &Origin,
        credentials: Option<&Credentials>,
        rates: &Rates,
    ) -> Result<Arc<Budget>, HostError> {
        // SECURITY: a keyed hash, with a key of this process; the secret is not kept.
        let hash = match credentials {
            None => 0,
            Some(it) => self.key.hash_one(it.header()?.1.as_bytes()),
        };
        let account = match (self.common.get(), credentials) {
            (None, _) => None,
            (Some(place), None) => Some((place, place.account(origin, b""))),
            (Some(place), Some(it)) => {
                Some((place, place.account(origin, it.header()?.1.as_bytes())))
            }
        };
        let account = account.map(|(place, name)| Account::new(Arc::clone(&place.common), name));
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        let budget = list.entry((origin.clone(), hash));
        let make = || Arc::new(Budget::new(rates.clone()).of(account));
        Ok(Arc::clone(budget.or_insert_with(make)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_core::Secret;

    #[test]
    fn the_same_credential_at_the_same_origin_has_one_budget() {
        let budgets = Budgets::default();
        let origin = |url: &str| Origin::of(&url.parse().unwrap()).unwrap();
        let of = |url, token: Option<&str>| {
            let credentials = token.map(|it| Credentials::Bearer(Secret::new(it)));
            budgets.of(&origin(url), credentials.as_ref(), &Rates::UNLIMITED).unwrap()
        };
        let one = of("https://h.example/a", Some("t"));

        assert!(Arc::ptr_eq(&one, &of("https://h.example:443/b", Some("t"))));
        assert!(!Arc::ptr_eq(&one, &of("https://h.example/a", Some("u"))));
        assert!(!Arc::ptr_eq(&one, &of("https://h.example/a", None)));
        assert!(!Arc::ptr_eq(&one, &of("https://i.example/a", Some("t"))));
    }
}
