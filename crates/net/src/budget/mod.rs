//! How often a host may be asked: what it publishes, what it tells, what is left.
//!
//! A [`Budget`] belongs to one credential at one origin, and is shared by
//! everything in the process that asks there with it ([`Budgets`]), and by other
//! processes where it stands in a place that they share ([`Common`]). It has a
//! ledger for each bucket that the host's [`Rates`] name. Published numbers are
//! where it starts; what headers and refusals say takes their place. Where nothing
//! is published, the pace is learnt from the first refusal.

mod forecast;
mod learnt;
mod ledger;
mod limits;
mod rates;
mod registry;
mod share;
mod signals;
mod together;
mod window;

pub use forecast::{Forecast, Pace, Work, forecast};
pub use limits::Limits;
pub use rates::{Bucket, Rates, Refill, RefusalHolds, ResetIn, Signals};
pub use registry::Budgets;
pub use together::{Change, Common, CommonError, Desk};

pub(crate) use forecast::{Quota, of_quotas};

use crate::clock::later;
use http::{HeaderMap, Method, StatusCode};
use jiff::Timestamp;
use learnt::Learnt;
use ledger::Ledger;
use share::{Askers, Share};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use together::Account;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The wait after a refusal that names none, doubled by each further one in a row.
///
/// Source: GitHub, "Rate limits for the REST API": at least one minute, then
/// exponentially longer.
const FIRST_HOLD: Duration = Duration::from_secs(60);
/// The longest wait of that kind.
const LONGEST_HOLD: Duration = Duration::from_secs(15 * 60);

/// How long those wait at least who let another one go first.
const AFTER_FIRST: Duration = Duration::from_millis(20);
/// What stands for all buckets of a host that refused.
const ALL: &str = "all requests";
/// What stands for the bucket that was learnt.
const LEARNT: &str = "requests";

/// What one credential may still ask of one host.
pub struct Budget {
    rates: Rates,
    state: Mutex<State>,
    account: Option<Account>,
}

pub(crate) struct State {
    ledgers: Vec<Ledger>,
    /// For a host that publishes nothing.
    learnt: Option<Learnt>,
    share: Share,
    /// Processes that ask with the credential, where there may be several.
    askers: Askers,
    held_until: Timestamp,
    refusals: u32,
    in_flight: u32,
    asked: u64,
    /// How many wait for a bucket that go first, by its name.
    first: HashMap<&'static str, u32>,
}

/// A request that wants to go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish<'a> {
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    /// Whether it [goes before others](crate::urgency).
    pub(crate) is_first: bool,
}

/// One that goes first and waits; others do not get what it waits for while this is held.
pub(crate) struct First {
    budget: Arc<Budget>,
    bucket: &'static str,
}

impl First {
    /// Whether it is that bucket that is kept.
    pub(crate) fn keeps(&self, budget: &Arc<Budget>, bucket: &str) -> bool {
        Arc::ptr_eq(&self.budget, budget) && self.bucket == bucket
    }
}

impl Drop for First {
    fn drop(&mut self) {
        let mut state = self.budget.state();
        if let Some(n) = state.first.get_mut(self.bucket) {
            *n = n.saturating_sub(1);
        }
    }
}

/// Whether a request may go now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Admission {
    /// It may; how much of the tightest bucket is left (0 to 1), and how often was asked.
    Now { left: f64, asked: u64 },
    /// Not before that moment, because of that bucket.
    NotBefore { until: Timestamp, bucket: &'static str },
}

impl Budget {
    /// A budget that nothing was taken from.
    pub fn new(rates: Rates) -> Self {
        Self::within(rates, &Limits::default())
    }

    /// The same, and no more than somebody wants.
    fn within(published: Rates, limits: &Limits) -> Self {
        let learnt = published.buckets.is_empty().then(Learnt::default);
        let rates = published.within(limits);
        let ledgers = rates.buckets.iter().cloned().map(Ledger::new).collect();
        let state = State {
            ledgers,
            learnt,
            share: Share::new(rates.at_once),
            askers: Askers::default(),
            held_until: Timestamp::MIN,
            refusals: 0,
            in_flight: 0,
            asked: 0,
            first: HashMap::new(),
        };
        Self { rates, state: Mutex::new(state), account: None }
    }

    /// The same for an account that other processes ask with too.
    fn of(self, account: Option<Account>) -> Self {
        Self { account, ..self }
    }

    /// Does a step on what is known of the budget, by all who share it.
    async fn change<R: Send>(
        &self,
        now: Timestamp,
        step: impl FnOnce(&mut State) -> R + Send,
    ) -> Option<R> {
        match &self.account {
            Some(account) => account.change(&self.state, now, step).await,
            None => Some(step(&mut self.state())),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Room for requests that are under way in this process.
    pub(crate) fn at_once(&self) -> Arc<Semaphore> {
        self.state().share.room()
    }

    /// Whether a request may go now; takes nothing.
    pub(crate) fn look(&self, wish: Wish<'_>, now: Timestamp) -> Admission {
        self.state().look(wish, now)
    }

    /// Keeps a bucket from others for one that goes first.
    pub(crate) fn before_others(self: &Arc<Self>, bucket: &'static str) -> First {
        *self.state().first.entry(bucket).or_default() += 1;
        First { budget: Arc::clone(self), bucket }
    }

    /// Takes what the request costs, when it may go; whether it may.
    pub(crate) async fn admit(&self, wish: Wish<'_>, now: Timestamp) -> bool {
        let Wish { method, path, .. } = wish;
        let admitted = self.change(now, |state| {
            let admission = state.look(wish, now);
            let is_now = matches!(admission, Admission::Now { .. });
            if is_now {
                state.in_flight += 1;
                state.asked += 1;
                for ledger in &mut state.ledgers {
                    ledger.take((ledger.bucket.toll)(method, path), now);
                }
                if let Some(learnt) = &mut state.learnt {
                    learnt.take(now);
                }
            }
            is_now
        });
        admitted.await.unwrap_or(false)
    }

    /// A request that was admitted has come to its end.
    pub(crate) fn ended(&self, permit: Option<OwnedSemaphorePermit>) {
        let mut state = self.state();
        state.in_flight = state.in_flight.saturating_sub(1);
        if let Some(permit) = permit {
            state.end(permit);
        }
    }

    /// Takes up what the head of an answer says of the buckets that counted the request.
    pub(crate) async fn learn(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
        now: Timestamp,
    ) {
        let mut told = Vec::new();
        for (at, ledger) in self.state().ledgers.iter().enumerate() {
            let counts = (ledger.bucket.toll)(method, path) > 0;
            let signals = ledger.bucket.signals.filter(|_| counts);
            if let Some(news) = signals.and_then(|it| signals::read(it, headers, now))
                // What others have to know is told them, and no more.
                && (self.account.is_none() || ledger.is_news(&news))
            {
                told.push((at, news));
            }
        }
        if told.is_empty() {
            return;
        }
        let alone = self.account.is_none();
        let learnt = self.change(now, |state| {
            // Nobody knows what others have under way.
            let is_quiet = alone && state.in_flight <= 1;
            for (at, news) in told {
                if let Some(ledger) = state.ledgers.get_mut(at) {
                    ledger.learn(&news, is_quiet, now);
                }
            }
        });
        learnt.await;
    }

    /// A request that cost nothing after all.
    pub(crate) async fn give_back(&self, method: &Method, path: &str, now: Timestamp) {
        let given = self.change(now, |state| {
            for ledger in &mut state.ledgers {
                ledger.give_back((ledger.bucket.toll)(method, path));
            }
        });
        given.await;
    }

    /// A request was answered, and not refused for a limit.
    pub(crate) async fn answered(&self, is_success: bool, now: Timestamp) {
        let refusals = {
            let mut state = self.state();
            if let Some(learnt) = &mut state.learnt {
                learnt.answered();
            }
            state.refusals
        };
        if is_success && refusals > 0 {
            self.change(now, |state| state.refusals = 0).await;
        }
    }

    /// Whether an answer is a refusal for a limit, as far as its head tells.
    pub(crate) fn is_refusal(&self, status: StatusCode, headers: &HeaderMap) -> Option<bool> {
        if status == StatusCode::TOO_MANY_REQUESTS {
            return Some(true);
        }
        if status != StatusCode::FORBIDDEN {
            return Some(false);
        }
        let is_empty = |it: &Bucket| it.signals.is_some_and(|it| signals::says_empty(it, headers));
        if headers.contains_key(http::header::RETRY_AFTER)
            || self.rates.buckets.iter().any(is_empty)
        {
            return Some(true);
        }
        // Then its words say it, if any do.
        if self.rates.refused_by.is_empty() { Some(false) } else { None }
    }

    /// Whether the words of a refusal speak of a limit.
    pub(crate) fn speaks_of_limit(&self, body: &[u8]) -> bool {
        let text = String::from_utf8_lossy(body).to_lowercase();
        self.rates.refused_by.iter().any(|it| text.contains(it))
    }

    /// Notes a refusal; gives how long no request of that sort may go.
    pub(crate) async fn refused(
        &self,
        method: &Method,
        path: &str,
        asked: Option<Duration>,
        now: Timestamp,
    ) -> Duration {
        let holds = self.rates.refusal_holds;
        let wait = self.change(now, |state| state.refused((method, path), asked, holds, now));
        wait.await.unwrap_or(FIRST_HOLD)
    }

    /// What each bucket has left, for a forecast.
    pub(crate) fn quotas(&self, now: Timestamp) -> Vec<Quota> {
        self.state().ledgers.iter_mut().map(|it| it.quota(now)).collect()
    }

    pub(crate) fn rates(&self) -> &Rates {
        &self.rates
    }
}

impl State {
    /// Leaves others their part of what may be under way at once.
    fn fit(&mut self) {
        self.share.fit(&self.askers);
    }

    fn end(&mut self, permit: OwnedSemaphorePermit) {
        self.share.end(permit, &self.askers);
    }

    fn refused(
        &mut self,
        (method, path): (&Method, &str),
        asked: Option<Duration>,
        holds: RefusalHolds,
        now: Timestamp,
    ) -> Duration {
        self.refusals = self.refusals.saturating_add(1);
        // What the host has told as empty is waited for already.
        let wish = Wish { method, path, is_first: true };
        if let (None, Admission::NotBefore { until, .. }) = (asked, self.look(wish, now)) {
            return crate::clock::until(now, until);
        }
        let doubled = 1u32.checked_shl(self.refusals - 1).unwrap_or(u32::MAX);
        let own = FIRST_HOLD.saturating_mul(doubled).min(LONGEST_HOLD);
        let wait = asked.unwrap_or(own);
        let until = later(now, wait);
        if let (Some(learnt), Some(told)) = (&mut self.learnt, asked) {
            learnt.refused(told, now);
        }
        let narrowest = self.ledgers.iter_mut().rev().find(|it| (it.bucket.toll)(method, path) > 0);
        match (holds, narrowest) {
            (RefusalHolds::Bucket, Some(ledger)) => ledger.hold(until),
            (RefusalHolds::Bucket, None) | (RefusalHolds::Credential, _) => {
                self.held_until = self.held_until.max(until);
            }
        }
        wait
    }

    fn look(&mut self, wish: Wish<'_>, now: Timestamp) -> Admission {
        let Wish { method, path, is_first } = wish;
        let waits = |first: &HashMap<_, _>, bucket| {
            let is_awaited = !is_first && first.get(bucket).is_some_and(|it: &u32| *it > 0);
            is_awaited.then(|| (later(now, AFTER_FIRST), bucket))
        };
        let mut left: f64 = 1.0;
        let mut latest = (self.held_until > now).then_some((self.held_until, ALL));
        latest = latest.or(waits(&self.first, ALL)).or(waits(&self.first, LEARNT));
        for ledger in &mut self.ledgers {
            let cost = (ledger.bucket.toll)(method, path);
            if cost == 0 {
                continue;
            }
            latest = latest.or(waits(&self.first, ledger.bucket.name));
            match ledger.when(cost, now) {
                None => left = left.min(ledger.left(now)),
                Some(until) if latest.is_none_or(|(it, _)| until > it) => {
                    latest = Some((until, ledger.bucket.name));
                }
                Some(_) => {}
            }
        }
        if let Some(until) = self.learnt.as_mut().and_then(|it| it.when(now))
            && latest.is_none_or(|(it, _)| until > it)
        {
            latest = Some((until, LEARNT));
        }
        match latest {
            None => Admission::Now { left, asked: self.asked },
            Some((until, bucket)) => Admission::NotBefore { until, bucket },
        }
    }
}
