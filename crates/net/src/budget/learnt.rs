//! The pace of a host that publishes none, learnt from when it refused.

use super::{
    ledger::{KeptBucket, Ledger},
    rates::{Bucket, Refill},
};
use http::Method;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long at least what was learnt is kept; limits change, and others may have used them up.
const KEPT: Duration = Duration::from_secs(3_600);
/// How many windows at least it is kept for.
const KEPT_WINDOWS: u32 = 20;
/// What is left of an allowance when the host refuses although it was kept.
const LESS: f64 = 0.9;

/// What is known of how often a host lets itself be asked.
///
/// A host that refuses and says when it may be asked again has told the length of its window, from
/// the first request to that moment, and what it allows there: what it had answered by then.
#[derive(Debug, Default)]
pub(crate) struct Learnt {
    /// When the first request of this window went.
    began: Option<i64>,
    /// What was answered since.
    answered: u32,
    /// How much of it other processes have not been told.
    unsaid: u32,
    limit: Option<Limit>,
}

/// What several processes know of it together.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct KeptLearnt {
    began: Option<i64>,
    answered: u32,
    limit: Option<KeptLimit>,
}

#[derive(Debug, Deserialize, Serialize)]
struct KeptLimit {
    bucket: KeptBucket,
    per: Duration,
    until: i64,
    is_settling: bool,
}

#[derive(Debug)]
struct Limit {
    ledger: Ledger,
    per: Duration,
    until: i64,
    /// Whether nothing was asked since the refusal: what is answered had been asked before.
    is_settling: bool,
}

impl Limit {
    fn new(allowance: u32, per: Duration, until: i64) -> Self {
        let refill = Refill::Window;
        let bucket = Bucket { name: "requests", allowance, per, refill, toll: one, signals: None };
        Self { ledger: Ledger::new(bucket), per, until, is_settling: true }
    }

    fn kept(&self) -> KeptLimit {
        let Self { ledger, per, until, is_settling } = self;
        KeptLimit { bucket: ledger.kept(), per: *per, until: *until, is_settling: *is_settling }
    }
}

impl Learnt {
    /// What other processes are to know of it, who know it from now on.
    pub(crate) fn kept(&mut self) -> KeptLearnt {
        self.unsaid = 0;
        let limit = self.limit.as_ref().map(Limit::kept);
        KeptLearnt { began: self.began, answered: self.answered, limit }
    }

    /// Takes up what all processes know, and adds what they have not been told; `unsaid` when this
    /// one has counted alone meanwhile.
    pub(crate) fn take_up(&mut self, kept: &KeptLearnt, unsaid: bool, now: Timestamp) {
        (self.began, self.answered) = (kept.began, kept.answered);
        let own = self.limit.take();
        self.limit = match &kept.limit {
            Some(kept) => {
                let mut limit = own
                    .filter(|it| it.per == kept.per)
                    .unwrap_or_else(|| Limit::new(1, kept.per, kept.until));
                limit.ledger.take_up(&kept.bucket, unsaid, now);
                (limit.until, limit.is_settling) = (kept.until, kept.is_settling);
                Some(limit)
            }
            None => own.filter(|_| unsaid),
        };
        self.add(self.unsaid);
    }

    /// So many more were answered.
    fn add(&mut self, n: u32) {
        self.answered = self.answered.saturating_add(n);
        if let Some(limit) = self.limit.as_mut().filter(|it| it.is_settling) {
            limit.ledger.allow(limit.ledger.allowance().saturating_add(n));
        }
    }

    /// When one more may go; `None` when it may now.
    pub(crate) fn when(&mut self, now: Timestamp) -> Option<Timestamp> {
        self.limit.take_if(|it| it.until <= now.as_millisecond());
        self.limit.as_mut()?.ledger.when(1, now)
    }

    /// One goes.
    pub(crate) fn take(&mut self, now: Timestamp) {
        self.began.get_or_insert(now.as_millisecond());
        if let Some(limit) = &mut self.limit {
            limit.is_settling = false;
            limit.ledger.take(1, now);
        }
    }

    /// One was answered.
    pub(crate) fn answered(&mut self) {
        self.unsaid = self.unsaid.saturating_add(1);
        self.add(1);
    }

    /// One was refused, and nothing may go for so long.
    pub(crate) fn refused(&mut self, wait: Duration, now: Timestamp) {
        if self.limit.as_ref().is_some_and(|it| it.is_settling) {
            // It was under way when the first of them was refused.
            return;
        }
        let (now, answered) = (now.as_millisecond(), std::mem::take(&mut self.answered));
        let Some(began) = self.began.take() else { return };
        let gone = u64::try_from(now.saturating_sub(began)).unwrap_or(0);
        let per = Duration::from_millis(gone).saturating_add(wait);
        let allowance = match &self.limit {
            // It was the window's end that was seen first, and now all of it.
            Some(known) if known.per < per => answered,
            Some(known) => answered.min((f64::from(known.ledger.allowance()) * LESS) as u32),
            None => answered,
        };
        let per = self.limit.as_ref().map_or(per, |known| known.per.max(per));
        let kept = KEPT.max(per.saturating_mul(KEPT_WINDOWS)).as_millis();
        let until = now.saturating_add(i64::try_from(kept).unwrap_or(i64::MAX));
        self.limit = Some(Limit::new(allowance, per, until));
    }
}

fn one(_: &Method, _: &str) -> u32 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// Ten are answered in six seconds, the eleventh is refused for four.
    fn taught() -> Learnt {
        let mut learnt = Learnt::default();
        for n in 0..10 {
            assert_eq!(learnt.when(at(100 + n / 2)), None);
            learnt.take(at(100 + n / 2));
            learnt.answered();
        }
        learnt.take(at(106));
        learnt.refused(Duration::from_secs(4), at(106));
        learnt
    }

    fn fits(learnt: &mut Learnt, now: Timestamp) -> usize {
        (0..100)
            .take_while(|_| learnt.when(now).is_none().then(|| learnt.take(now)).is_some())
            .count()
    }

    #[test]
    fn what_was_answered_in_a_window_is_what_it_allows() {
        let mut learnt = taught();

        assert_eq!(fits(&mut learnt, at(110)), 10);
        assert_eq!(fits(&mut learnt, at(119)), 0);
        assert_eq!(fits(&mut learnt, at(121)), 10);
    }

    #[test]
    fn those_that_were_under_way_at_the_refusal_belong_to_its_window() {
        let mut learnt = taught();
        learnt.answered();
        learnt.refused(Duration::from_secs(4), at(106));
        learnt.answered();

        assert_eq!(fits(&mut learnt, at(110)), 12);
    }

    #[test]
    fn a_host_that_refuses_all_the_same_is_asked_less() {
        let mut learnt = taught();
        assert_eq!(fits(&mut learnt, at(110)), 10);
        for _ in 0..10 {
            learnt.answered();
        }
        learnt.refused(Duration::from_secs(9), at(111));

        assert_eq!(fits(&mut learnt, at(121)), 9);
    }

    #[test]
    fn a_window_that_had_begun_before_us_is_known_when_it_is_seen_whole() {
        let mut learnt = taught();
        assert_eq!(fits(&mut learnt, at(110)), 10);
        for _ in 0..10 {
            learnt.answered();
        }
        learnt.take(at(121));
        learnt.refused(Duration::from_secs(49), at(121));

        assert_eq!(fits(&mut learnt, at(170)), 10);
        assert_eq!(fits(&mut learnt, at(229)), 0);
        assert_eq!(fits(&mut learnt, at(232)), 10);
    }

    #[test]
    fn processes_learn_together() {
        let (mut one, mut other) = (Learnt::default(), Learnt::default());
        let mut kept = one.kept();
        for n in 0..10 {
            let asks = if n % 2 == 0 { &mut one } else { &mut other };
            asks.take_up(&kept, false, at(100 + n / 2));
            asks.take(at(100 + n / 2));
            kept = asks.kept();
            asks.answered();
        }
        one.take_up(&kept, false, at(106));
        kept = one.kept();
        other.take_up(&kept, false, at(106));
        other.refused(Duration::from_secs(4), at(106));
        kept = other.kept();
        one.take_up(&kept, false, at(110));

        assert_eq!(fits(&mut one, at(110)), 10);
        kept = one.kept();
        other.take_up(&kept, false, at(110));
        assert_eq!(fits(&mut other, at(119)), 0);
    }

    #[test]
    fn it_is_forgotten_after_an_hour() {
        let mut learnt = taught();

        assert_eq!(fits(&mut learnt, at(107 + 3_600)), 100);
    }

    #[test]
    fn a_host_that_answers_nothing_is_asked_one_by_one() {
        let mut learnt = Learnt::default();
        learnt.take(at(100));
        learnt.refused(Duration::from_secs(10), at(100));

        assert_eq!(fits(&mut learnt, at(110)), 1);
    }
}
