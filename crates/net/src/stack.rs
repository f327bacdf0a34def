//! How an adapter's transport is built, from the outside to the network.

use crate::{
    auth::{Auth, Credentials, Origin},
    budget::{Budgets, Rates},
    clock::{Clock, System},
    conditional::Conditional,
    live::Live,
    options::Options,
    retry::{Policy, Retry},
    throttle::{Member, Throttle},
    trace::Trace,
    transport::Transport,
};
use packhorse_core::{HostError, HostErrorKind, Listener};
use std::sync::Arc;
use url::Url;

/// What a stack is built from.
pub struct Parts<'a> {
    /// Address of the host's API: credentials are bound to its origin.
    pub home: &'a Url,
    /// One or several that may do the same; none to ask as nobody.
    pub credentials: &'a [Credentials],
    /// What the host publishes about how often it may be asked.
    pub rates: &'a Rates,
    /// How it is reached.
    pub options: &'a Options,
    /// Who hears of waits.
    pub listener: Arc<dyn Listener>,
    /// Where the budgets are that it shares.
    pub budgets: &'a Budgets,
}

/// The transport that adapters send with.
///
/// From the outside: what is known is asked for conditionally; a request is
/// traced once however often it is tried; each try waits for its budget, and
/// goes with the token that has most left; that token is added for its own
/// origin alone.
///
/// # Errors
///
/// [`HostErrorKind::Rejected`] when the address has no host, or a certificate
/// or proxy cannot be used; as [`Credentials::header`].
pub fn stack(parts: &Parts<'_>) -> Result<Arc<dyn Transport>, HostError> {
    let clock: Arc<dyn Clock> = Arc::new(System);
    over(parts, Live::new(parts.options)?, &clock)
}

/// The same over another network, by another clock.
///
/// # Errors
///
/// As [`stack`].
pub fn over<T>(
    parts: &Parts<'_>,
    network: T,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn Transport>, HostError>
where
    T: Transport + Clone + 'static,
{
    let origin = Origin::of(parts.home).ok_or_else(|| {
        HostError::new(HostErrorKind::Rejected, "reach the host")
            .with("url", crate::redact::shown(parts.home))
            .with("reason", "the address names no host")
    })?;
    let one_by_one: Vec<_> = match parts.credentials {
        [] => vec![None],
        some => some.iter().map(Some).collect(),
    };
    let mut members = Vec::new();
    for credentials in one_by_one {
        members.push(Member {
            budget: parts.budgets.of(&origin, credentials, parts.rates)?,
            transport: Auth::new(network.clone(), parts.home, credentials)?,
        });
    }
    let listener = || Arc::clone(&parts.listener);
    let throttle = Throttle::new(members, Arc::clone(clock), listener());
    let retry = Retry::new(throttle, Policy::default(), Arc::clone(clock), listener());
    Ok(Arc::new(Conditional::new(Trace::new(retry))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Manual,
        transport::{Answer, Request},
    };
    use async_trait::async_trait;
    use http::{HeaderMap, StatusCode, header};
    use packhorse_core::Secret;
    use std::sync::Mutex;

    /// Refuses the first request of each token; notes who asked.
    #[derive(Clone, Default)]
    struct Host(Arc<Mutex<Vec<String>>>);

    #[async_trait]
    impl Transport for Host {
        async fn send(&self, request: Request) -> Result<Answer, HostError> {
            let token = request.headers.get(header::AUTHORIZATION);
            let token = token.map(|it| it.to_str().unwrap().to_owned()).unwrap_or_default();
            let mut seen = self.0.lock().unwrap();
            let status =
                if seen.contains(&token) { StatusCode::OK } else { StatusCode::TOO_MANY_REQUESTS };
            seen.push(token);
            let headers = HeaderMap::from_iter([(header::ETAG, "\"1\"".parse().unwrap())]);
            Ok(Answer::whole(status, headers, request.url, "[]".into(), request.operation))
        }
    }

    #[tokio::test]
    async fn a_request_goes_through_the_whole_stack() {
        let host = Host::default();
        let home: Url = "https://h.example/api".parse().unwrap();
        let credentials = ["a", "b"].map(|it| Credentials::Bearer(Secret::new(it)));
        let parts = Parts {
            home: &home,
            credentials: &credentials,
            rates: &Rates::UNLIMITED,
            options: &Options::default(),
            listener: Arc::new(()),
            budgets: &Budgets::default(),
        };
        let start = "2026-01-01T00:00:00Z".parse().unwrap();
        let clock = Arc::new(Manual::new(start, 0.0));
        let stack = over(&parts, host.clone(), &(Arc::clone(&clock) as _)).unwrap();

        let answer = stack.send(Request::get(home.clone(), "read")).await.unwrap();

        assert_eq!(answer.status, StatusCode::OK);
        // Each token was refused once; then the wait that was asked of the first.
        assert_eq!(*host.0.lock().unwrap(), ["Bearer a", "Bearer b", "Bearer a"]);
        assert_eq!(clock.slept().iter().max().unwrap().as_secs(), 60);

        let stranger = "https://elsewhere.example/".parse().unwrap();
        stack.send(Request::get(stranger, "read")).await.unwrap();
        assert!(host.0.lock().unwrap().contains(&String::new()));
    }

    #[test]
    fn an_address_without_a_host_is_refused() {
        let parts = Parts {
            home: &"data:x".parse().unwrap(),
            credentials: &[],
            rates: &Rates::UNLIMITED,
            options: &Options::default(),
            listener: Arc::new(()),
            budgets: &Budgets::default(),
        };

        assert_eq!(stack(&parts).err().unwrap().kind, HostErrorKind::Rejected);
    }
}
