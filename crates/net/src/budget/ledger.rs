//! What is left of one bucket, by our own count and by what the host tells.

use super::{
    forecast::Quota,
    rates::{Bucket, Refill},
    signals::News,
    window::Window,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Resets that are told so far apart are one, in milliseconds.
const SAME_RESET: i64 = 2_000;

/// What is left of one bucket.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) bucket: Bucket,
    /// The published allowance, or the one that the host told.
    allowance: u32,
    window: Window,
    steady: Steady,
    told: Option<Told>,
    held_until: i64,
}

/// What the host said is left, less what was taken since.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
struct Told {
    remaining: u32,
    resets: i64,
}

/// A bucket that fills up steadily.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
struct Steady {
    left: f64,
    at: i64,
}

/// What several processes know of one bucket together.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct KeptBucket {
    name: String,
    allowance: u32,
    taken: Vec<(i64, u64)>,
    steady: Steady,
    told: Option<Told>,
    held_until: i64,
}

impl KeptBucket {
    pub(crate) fn is_of(&self, ledger: &Ledger) -> bool {
        self.name == ledger.bucket.name
    }
}

impl Ledger {
    pub(crate) fn new(bucket: Bucket) -> Self {
        let allowance = bucket.allowance.max(1);
        let steady = Steady { left: f64::from(allowance), at: i64::MIN };
        let window = Window::new(bucket.per);
        Self { bucket, allowance, window, steady, told: None, held_until: i64::MIN }
    }

    /// What other processes are to know of it.
    pub(crate) fn kept(&self) -> KeptBucket {
        KeptBucket {
            name: self.bucket.name.to_owned(),
            allowance: self.allowance,
            taken: self.window.parts().collect(),
            steady: self.steady,
            told: self.told,
            held_until: self.held_until,
        }
    }

    /// Takes up what all processes know of it, in place of what this one knows; `unsaid` when this
    /// one has counted alone meanwhile, so that the stricter of both counts.
    pub(crate) fn take_up(&mut self, kept: &KeptBucket, unsaid: bool, now: Timestamp) {
        let now = now.as_millisecond();
        let window = Window::of(self.bucket.per, &kept.taken);
        if !unsaid || window.clone().taken(now) >= self.window.taken(now) {
            self.window = window;
        }
        if !unsaid || kept.steady.left <= self.steady.left {
            self.steady = kept.steady;
        }
        let is_less = |own: Told| {
            kept.told.is_some_and(|it| it.resets > own.resets || it.remaining <= own.remaining)
        };
        if !unsaid || self.told.is_none_or(is_less) {
            self.told = kept.told;
        }
        self.allowance = kept.allowance.max(1);
        self.held_until = self.held_until.max(kept.held_until);
    }

    /// Whether what the host tells is more than what is known.
    pub(crate) fn is_news(&self, news: &News) -> bool {
        let is_known = |told: &Told| {
            let same_window = news
                .resets
                .is_none_or(|it| (it.as_millisecond() - told.resets).abs() <= SAME_RESET);
            same_window && news.remaining.is_none_or(|it| told.remaining <= it)
        };
        news.limit.is_some_and(|it| it != self.allowance)
            || (news.remaining.is_some() && !self.told.as_ref().is_some_and(is_known))
    }

    fn per(&self) -> i64 {
        i64::try_from(self.bucket.per.as_millis()).unwrap_or(i64::MAX / 4).max(1)
    }

    /// The bucket was filled up at the moment that the host told.
    fn settle(&mut self, now: i64) {
        if self.told.is_some_and(|it| it.resets <= now) {
            self.told = None;
            self.window.clear();
        }
        if self.bucket.refill == Refill::Steady && now > self.steady.at {
            let gone = now.saturating_sub(self.steady.at) as f64;
            let gained = gone * f64::from(self.allowance) / self.per() as f64;
            self.steady.left = (self.steady.left + gained).min(f64::from(self.allowance));
            self.steady.at = now;
        }
    }

    /// When `cost` can be taken; `None` when it can now.
    pub(crate) fn when(&mut self, cost: u32, now: Timestamp) -> Option<Timestamp> {
        let now = now.as_millisecond();
        self.settle(now);
        // What costs more than there ever is goes when all is there.
        let cost = cost.min(self.allowance);
        let free = match (self.told, self.bucket.refill) {
            (Some(told), _) => (told.remaining < cost).then_some(told.resets),
            (None, Refill::Window) => {
                self.window.when(u64::from(cost), u64::from(self.allowance), now)
            }
            (None, Refill::Steady) => {
                let missing = f64::from(cost) - self.steady.left;
                let wait = missing * self.per() as f64 / f64::from(self.allowance);
                (missing > 0.0).then(|| now.saturating_add(wait.ceil() as i64))
            }
        };
        let held = (self.held_until > now).then_some(self.held_until);
        let until = free.max(held)?;
        // A moment that no calendar has is as good as the last one.
        Some(Timestamp::from_millisecond(until).unwrap_or(Timestamp::MAX))
    }

    pub(crate) fn take(&mut self, cost: u32, now: Timestamp) {
        if cost == 0 {
            return;
        }
        let now = now.as_millisecond();
        self.settle(now);
        self.window.take(u64::from(cost), now);
        self.steady.left = (self.steady.left - f64::from(cost)).max(0.0);
        if let Some(told) = &mut self.told {
            told.remaining = told.remaining.saturating_sub(cost);
        }
    }

    pub(crate) fn give_back(&mut self, cost: u32) {
        self.window.give_back(u64::from(cost));
        if let Some(told) = &mut self.told {
            told.remaining = told.remaining.saturating_add(cost).min(self.allowance);
        }
    }

    /// Takes up what the host tells.
    ///
    /// Answers overtake each other, and what is under way is not in them yet.
    /// So within a window a lower number is believed, because somebody else
    /// uses the credential too, and a higher one only when nothing is under way.
    pub(crate) fn learn(&mut self, news: &News, is_quiet: bool, now: Timestamp) {
        let now = now.as_millisecond();
        self.settle(now);
        if let Some(limit) = news.limit {
            self.allowance = limit.max(1);
        }
        let Some(remaining) = news.remaining else {
            return;
        };
        let remaining = remaining.min(self.allowance);
        if self.bucket.refill == Refill::Steady {
            let told = f64::from(remaining);
            if told < self.steady.left || is_quiet {
                self.steady = Steady { left: told, at: now };
            }
            return;
        }
        let furthest = now.saturating_add(self.per().saturating_mul(2));
        let own_end = now.saturating_add(self.per());
        let resets = news.resets.map_or(own_end, |it| it.as_millisecond().clamp(now, furthest));
        self.told = Some(match self.told {
            Some(told) if news.resets.is_none() => {
                Told { remaining: told.remaining.min(remaining), ..told }
            }
            Some(told) if (told.resets - resets).abs() <= SAME_RESET => {
                let lower = told.remaining.min(remaining);
                Told { remaining: if is_quiet { remaining } else { lower }, resets: told.resets }
            }
            // An answer from before the window that is known already.
            Some(told) if resets < told.resets => told,
            Some(_) => Told { remaining, resets },
            // What is under way is in our own count, and not in the answer.
            None if !is_quiet => Told { remaining: remaining.min(self.own_left(now)), resets },
            None => Told { remaining, resets },
        });
    }

    /// How much may be taken.
    pub(crate) fn allowance(&self) -> u32 {
        self.allowance
    }

    /// So much may be taken, of which there is always something.
    pub(crate) fn allow(&mut self, allowance: u32) {
        self.allowance = allowance.max(1);
    }

    /// What our own count leaves.
    fn own_left(&mut self, now: i64) -> u32 {
        let left = u64::from(self.allowance).saturating_sub(self.window.taken(now));
        u32::try_from(left).unwrap_or(u32::MAX)
    }

    /// Nothing is taken before that moment.
    pub(crate) fn hold(&mut self, until: Timestamp) {
        self.held_until = self.held_until.max(until.as_millisecond());
    }

    /// How much is left, from 0 to 1.
    pub(crate) fn left(&mut self, now: Timestamp) -> f64 {
        self.units_left(now) / f64::from(self.allowance)
    }

    fn units_left(&mut self, now: Timestamp) -> f64 {
        let now = now.as_millisecond();
        self.settle(now);
        let all = f64::from(self.allowance);
        match (self.told, self.bucket.refill) {
            (Some(told), _) => f64::from(told.remaining).min(all),
            (None, Refill::Window) => (all - self.window.taken(now) as f64).max(0.0),
            (None, Refill::Steady) => self.steady.left,
        }
    }

    pub(crate) fn quota(&mut self, now: Timestamp) -> Quota {
        let left = self.units_left(now);
        let until_full = match self.told {
            Some(told) => {
                let wait = told.resets.saturating_sub(now.as_millisecond());
                Duration::from_millis(u64::try_from(wait).unwrap_or(0))
            }
            None => self.bucket.per,
        };
        Quota {
            allowance: f64::from(self.allowance),
            per: self.bucket.per,
            refill: self.bucket.refill,
            left,
            until_full,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger(allowance: u32, per: u64, refill: Refill) -> Ledger {
        let per = Duration::from_secs(per);
        let toll = |_: &http::Method, _: &str| 1;
        Ledger::new(Bucket { name: "test", allowance, per, refill, toll, signals: None })
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn news(remaining: u32, resets: i64) -> News {
        News { limit: None, remaining: Some(remaining), resets: Some(at(resets)) }
    }

    #[test]
    fn a_steady_bucket_has_a_burst_and_then_a_pace() {
        // 60 at once, then 5 a second.
        let mut ledger = ledger(60, 12, Refill::Steady);
        for _ in 0..60 {
            assert_eq!(ledger.when(1, at(100)), None);
            ledger.take(1, at(100));
        }

        assert_eq!(ledger.when(1, at(100)), Some(Timestamp::from_millisecond(100_200).unwrap()));
        assert_eq!(ledger.when(5, at(101)), None);
        assert!(ledger.when(6, at(101)).is_some());
    }

    #[test]
    fn what_the_host_tells_takes_the_place_of_our_count() {
        let mut ledger = ledger(5_000, 3_600, Refill::Window);
        ledger.learn(&news(1, 1_000), true, at(100));

        assert_eq!(ledger.when(1, at(100)), None);
        ledger.take(1, at(100));
        assert_eq!(ledger.when(1, at(100)), Some(at(1_000)));
        assert_eq!(ledger.when(1, at(1_000)), None);
    }

    #[test]
    fn an_answer_that_was_overtaken_does_not_fill_the_bucket() {
        let mut ledger = ledger(100, 60, Refill::Window);
        ledger.learn(&news(50, 160), true, at(100));
        for _ in 0..50 {
            ledger.take(1, at(100));
        }

        ledger.learn(&news(49, 160), false, at(101));
        assert_eq!(ledger.when(1, at(101)), Some(at(160)));
        // The window before this one.
        ledger.learn(&news(100, 120), true, at(101));
        assert_eq!(ledger.when(1, at(101)), Some(at(160)));
    }

    #[test]
    fn another_who_uses_the_credential_is_noticed() {
        let mut ledger = ledger(100, 60, Refill::Window);
        ledger.learn(&news(90, 160), false, at(100));

        ledger.learn(&news(0, 161), false, at(101));
        assert_eq!(ledger.when(1, at(101)), Some(at(160)));
    }

    #[test]
    fn a_reset_in_the_far_future_does_not_stop_us_for_ever() {
        let mut ledger = ledger(100, 60, Refill::Window);

        ledger.learn(&news(0, 4_000_000_000), true, at(100));

        assert_eq!(ledger.when(1, at(100)), Some(at(220)));
    }

    #[test]
    fn a_larger_allowance_is_believed() {
        let mut ledger = ledger(5_000, 3_600, Refill::Window);
        let told = News { limit: Some(15_000), remaining: Some(14_999), resets: Some(at(3_700)) };

        ledger.learn(&told, true, at(100));

        assert_eq!(ledger.quota(at(100)).allowance, 15_000.0);
        assert_eq!(ledger.quota(at(100)).left, 14_999.0);
    }
}
