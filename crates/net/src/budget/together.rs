//! What processes that ask with one credential know of its budget together.

use super::{State, learnt::KeptLearnt, ledger::KeptBucket, share::Askers};
use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    error::Error,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How long a budget that is kept together is waited for, and how long it is left alone when it
/// could not be reached.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is kept of an account, before and after a step; nothing afterwards leaves it as it is.
pub type Change<'a> = &'a mut (dyn FnMut(Option<&str>) -> Option<String> + Send);

/// Why what is kept together could not be changed.
pub type CommonError = Box<dyn Error + Send + Sync>;

/// Where budgets stand that several processes share: a text for each account.
#[async_trait]
pub trait Common: Send + Sync {
    /// Calls `step` once with what is kept of an account, and keeps what it gives, while nobody
    /// else does the same with that account.
    ///
    /// # Errors
    ///
    /// When the place cannot be reached; `step` may have been called even so.
    async fn change(&self, account: &str, step: Change<'_>) -> Result<(), CommonError>;
}

/// In the memory of one process.
#[derive(Debug, Default)]
pub struct Desk(Mutex<BTreeMap<String, String>>);

#[async_trait]
impl Common for Desk {
    async fn change(&self, account: &str, step: Change<'_>) -> Result<(), CommonError> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = step(all.get(account).map(String::as_str)) {
            all.insert(account.to_owned(), kept);
        }
        Ok(())
    }
}

/// One account in such a place.
pub(crate) struct Account {
    place: Arc<dyn Common>,
    name: String,
    /// What this process is called there.
    asker: String,
    touch: Mutex<Touch>,
}

/// How the place was when it was last asked.
struct Touch {
    /// It is left alone until then.
    away_until: Timestamp,
    /// Something was counted here that is not kept there.
    unsaid: bool,
}

/// What is kept of an account.
#[derive(Deserialize, Serialize)]
pub(crate) struct Kept {
    held_until: Timestamp,
    refusals: u32,
    buckets: Vec<KeptBucket>,
    #[serde(default)]
    learnt: Option<KeptLearnt>,
    #[serde(default)]
    askers: Askers,
}

impl Account {
    pub(crate) fn new(place: Arc<dyn Common>, name: String) -> Self {
        let touch = Touch { away_until: Timestamp::MIN, unsaid: false };
        Self { place, name, asker: Askers::name(), touch: Mutex::new(touch) }
    }

    fn touch(&self) -> MutexGuard<'_, Touch> {
        self.touch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does a step on what all processes know, or on what this one knows while that cannot be
    /// reached: then each paces itself alone. There is always a result.
    pub(crate) async fn change<R: Send>(
        &self,
        state: &Mutex<State>,
        now: Timestamp,
        step: impl FnOnce(&mut State) -> R + Send,
    ) -> Option<R> {
        let own = || state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut step = Some(step);
        let mut result = None;
        let (is_away, unsaid) = {
            let touch = self.touch();
            (touch.away_until > now, touch.unsaid)
        };
        if !is_away {
            let mut change = |kept: Option<&str>| {
                let mut state = own();
                if let Some(kept) = kept.and_then(|it| serde_json::from_str(it).ok()) {
                    state.take_up(&kept, unsaid, now);
                }
                state.askers.note(&self.asker, now);
                state.fit();
                result = step.take().map(|step| step(&mut state));
                serde_json::to_string(&state.kept()).ok()
            };
            let asked = tokio::time::timeout(PATIENCE, self.place.change(&self.name, &mut change));
            self.note(matches!(asked.await, Ok(Ok(()))), now);
        }
        if let Some(step) = step {
            result = Some(step(&mut own()));
        }
        result
    }

    /// Notes whether the place could be reached.
    fn note(&self, is_kept: bool, now: Timestamp) {
        let mut touch = self.touch();
        if !is_kept {
            if !touch.unsaid {
                tracing::warn!(
                    "what is left of limits is not shared now; each process counts alone"
                );
            }
            touch.away_until = crate::clock::later(now, PATIENCE);
        }
        touch.unsaid = !is_kept;
    }
}

impl State {
    fn kept(&mut self) -> Kept {
        let buckets = self.ledgers.iter().map(|it| it.kept()).collect();
        let learnt = self.learnt.as_mut().map(|it| it.kept());
        let (held_until, askers) = (self.held_until, self.askers.clone());
        Kept { held_until, refusals: self.refusals, buckets, learnt, askers }
    }

    /// Takes up what all processes know; where this one has counted alone, the stricter counts.
    fn take_up(&mut self, kept: &Kept, unsaid: bool, now: Timestamp) {
        self.held_until = self.held_until.max(kept.held_until);
        self.refusals = kept.refusals;
        self.askers.clone_from(&kept.askers);
        for ledger in &mut self.ledgers {
            if let Some(kept) = kept.buckets.iter().find(|it| it.is_of(ledger)) {
                ledger.take_up(kept, unsaid, now);
            }
        }
        if let (Some(learnt), Some(kept)) = (&mut self.learnt, &kept.learnt) {
            learnt.take_up(kept, unsaid, now);
        }
    }
}
