//! What goes wrong, and when.

use packhorse_core::{HostError, HostErrorKind, Retry};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A method of a source or a sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is called as its method is")]
pub enum Method {
    Probe,
    Inventory,
    Read,
    Remote,
    Open,
    Find,
    Write,
    Remove,
    Save,
    Flush,
    Finish,
}

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// Nothing is done, and the call fails.
    Refuse,
    /// It is done, and the call fails: the answer is lost.
    LoseAnswer,
    /// The stream of the call ends with an error after that many bytes.
    Cut(u64),
}

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// With calls of this method.
    pub method: Method,
    /// Which call of it, counted from 1 through the life of the storm.
    pub nth: u64,
    /// What happens.
    pub harm: Harm,
    /// What the error says.
    pub kind: HostErrorKind,
}

impl Fault {
    /// The answer to that write is lost on the way.
    pub const fn lost_answer(nth: u64) -> Self {
        let (method, harm) = (Method::Write, Harm::LoseAnswer);
        Self { method, nth, harm, kind: HostErrorKind::Unavailable }
    }

    /// That call is refused, as by a host that is down.
    pub const fn refused(method: Method, nth: u64) -> Self {
        Self { method, nth, harm: Harm::Refuse, kind: HostErrorKind::Unavailable }
    }

    /// That stream is cut after so many bytes.
    pub const fn cut(method: Method, nth: u64, after: u64) -> Self {
        Self { method, nth, harm: Harm::Cut(after), kind: HostErrorKind::Unavailable }
    }
}

/// What goes wrong, and when; clones are the same storm.
#[derive(Clone, Debug, Default)]
pub struct Storm(Arc<Mutex<Weather>>);

#[derive(Debug, Default)]
struct Weather {
    faults: Vec<Fault>,
    /// One call in so many fails; 0 for none.
    one_in: u64,
    seed: u64,
    yields: u32,
    calls: BTreeMap<Method, u64>,
    struck: Vec<Fault>,
}

impl Storm {
    /// Exactly these faults.
    pub fn of(faults: impl IntoIterator<Item = Fault>) -> Self {
        Self::from(Weather { faults: faults.into_iter().collect(), ..Weather::default() })
    }

    /// About one call in so many is refused or loses its answer, the same ones for the same seed.
    pub fn random(seed: u64, one_in: u64) -> Self {
        Self::from(Weather { seed, one_in, ..Weather::default() })
    }

    /// Lets other tasks go first, that many times before and after each call.
    #[must_use]
    pub fn yielding(self, times: u32) -> Self {
        self.weather().yields = times;
        self
    }

    /// What has gone wrong so far.
    pub fn struck(&self) -> Vec<Fault> {
        self.weather().struck.clone()
    }

    /// Calls of a method so far.
    pub fn calls(&self, method: Method) -> u64 {
        self.weather().calls.get(&method).copied().unwrap_or(0)
    }

    /// Ends the storm: nothing goes wrong any more.
    pub fn calm(&self) {
        let mut weather = self.weather();
        weather.faults.clear();
        weather.one_in = 0;
    }

    fn weather(&self) -> MutexGuard<'_, Weather> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call, and says what goes wrong with it.
    pub(super) fn strike(&self, method: Method) -> Option<Fault> {
        let mut weather = self.weather();
        let count = weather.calls.entry(method).or_default();
        *count += 1;
        let nth = *count;
        let planned =
            weather.faults.iter().find(|it| it.method == method && it.nth == nth).copied();
        let fault = planned.or_else(|| weather.random(method, nth));
        weather.struck.extend(fault);
        fault
    }

    pub(super) async fn pause(&self) {
        let times = self.weather().yields;
        for _ in 0..times {
            tokio::task::yield_now().await;
        }
    }

    /// Does a call, or what is left of it.
    pub(super) async fn around<T>(
        &self,
        method: Method,
        call: impl Future<Output = Result<T, HostError>> + Send,
    ) -> Result<T, HostError> {
        self.pause().await;
        let fault = self.strike(method);
        let done = match fault {
            Some(fault @ Fault { harm: Harm::Refuse | Harm::Cut(_), .. }) => Err(error(&fault)),
            Some(fault @ Fault { harm: Harm::LoseAnswer, .. }) => {
                call.await.and_then(|_| Err(error(&fault)))
            }
            None => call.await,
        };
        self.pause().await;
        done
    }
}

impl From<Weather> for Storm {
    fn from(weather: Weather) -> Self {
        Self(Arc::new(Mutex::new(weather)))
    }
}

impl Weather {
    fn random(&self, method: Method, nth: u64) -> Option<Fault> {
        let draw = crate::random::draw(&[self.seed, method as u64, nth]);
        let strikes = self.one_in > 0 && draw.is_multiple_of(self.one_in);
        let harm = if (draw >> 32).is_multiple_of(2) { Harm::Refuse } else { Harm::LoseAnswer };
        strikes.then_some(Fault { method, nth, harm, kind: HostErrorKind::Unavailable })
    }
}

/// The error that a fault is seen as.
pub(super) fn error(fault: &Fault) -> HostError {
    let mut error = HostError::new(fault.kind, "stand the storm").with("call", fault.nth);
    if fault.kind == HostErrorKind::Unavailable {
        error.retry = Retry::After(None);
    }
    error
}
