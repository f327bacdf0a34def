//! One budget for each credential at each origin, for all who ask there.

use super::{Budget, Rates};
use crate::auth::{Credentials, Origin};
use packhorse_core::HostError;
use std::{
    collections::{BTreeMap, hash_map::RandomState},
    hash::BuildHasher,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

/// One budget for each credential at each origin.
#[derive(Default)]
pub struct Budgets {
    key: RandomState,
    list: Mutex<BTreeMap<(Origin, u64), Arc<Budget>>>,
}

impl Budgets {
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
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        let budget = list.entry((origin.clone(), hash));
        Ok(Arc::clone(budget.or_insert_with(|| Arc::new(Budget::new(rates.clone())))))
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
