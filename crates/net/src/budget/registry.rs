//! One budget for each credential at each origin, for all who ask there.

use super::{
    Budget, Limits, Rates,
    together::{Account, Common},
};
use crate::auth::{Credentials, Origin};
use data_encoding::HEXLOWER;
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
    limits: Mutex<BTreeMap<Origin, Limits>>,
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
        let digits = HEXLOWER.encode(&hash.finalize()[..5]);
        format!("{origin} {digits}")
    }
}

impl Budgets {
    /// From now on, budgets that are made here stand where other processes share them, with the
    /// same salt; `false` when that was said before.
    pub fn share(&self, common: Arc<dyn Common>, salt: String) -> bool {
        self.common.set(Place { common, salt }).is_ok()
    }

    /// From now on, budgets that are made here for an origin keep what somebody wants.
    pub fn limit(&self, origin: Origin, limits: Limits) {
        let mut list = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        list.insert(origin, limits);
    }

    /// What somebody wants an origin to be asked at most.
    pub fn limits(&self, origin: &Origin) -> Limits {
        let list = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        list.get(origin).cloned().unwrap_or_default()
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
        let limits = self.limits(origin);
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        let budget = list.entry((origin.clone(), hash));
        let make = || Arc::new(Budget::within(rates.clone(), &limits).of(account));
        Ok(Arc::clone(budget.or_insert_with(make)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::{Admission, Wish};
    use http::Method;
    use jiff::Timestamp;
    use packhorse_core::Secret;
    use std::time::Duration;

    #[tokio::test]
    async fn a_host_is_asked_no_more_than_somebody_wants() {
        let (budgets, now) = (Budgets::default(), Timestamp::UNIX_EPOCH);
        let origin = |url: &str| Origin::of(&url.parse().unwrap()).unwrap();
        let (kept, free) = (origin("https://h.example"), origin("https://i.example"));
        let requests = Some((2, Duration::from_secs(10)));
        budgets.limit(kept.clone(), Limits { requests, at_once: Some(3) });

        let wish = Wish { method: &Method::GET, path: "/any", is_first: false };
        for (origin, third, at_once) in [(kept, false, 3), (free, true, Rates::UNLIMITED.at_once)] {
            let budget = budgets.of(&origin, None, &Rates::UNLIMITED).unwrap();
            assert!(budget.admit(wish, now).await);
            assert!(budget.admit(wish, now).await);
            let admission = budget.look(wish, now);
            assert_eq!(matches!(admission, Admission::Now { .. }), third, "{admission:?}");
            assert_eq!(budget.at_once().available_permits(), at_once);
        }
    }

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
