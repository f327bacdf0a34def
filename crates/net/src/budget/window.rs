//! What was taken lately.

use std::{collections::VecDeque, time::Duration};

/// Parts that a window is counted in; what it forgets late is one of them.
const PARTS: i64 = 60;

/// What was taken in the last `per`, in bounded memory.
///
/// It never lets more through than the allowance in any stretch of that
/// length, so that it also keeps windows that the host starts at other times.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    per: i64,
    part: i64,
    /// Start of a part in milliseconds, and what was taken in it; oldest first.
    taken: VecDeque<(i64, u64)>,
    total: u64,
}

impl Window {
    pub(crate) fn new(per: Duration) -> Self {
        let per = i64::try_from(per.as_millis()).unwrap_or(i64::MAX / 4).clamp(1, i64::MAX / 4);
        Self { per, part: (per / PARTS).max(1), taken: VecDeque::new(), total: 0 }
    }

    /// As it was, from its parts; more of them than a window has are not believed.
    pub(crate) fn of(per: Duration, parts: &[(i64, u64)]) -> Self {
        let mut window = Self::new(per);
        let most = usize::try_from(PARTS + 2).unwrap_or(usize::MAX);
        window.taken = parts.iter().rev().take(most).rev().copied().collect();
        window.total = window.taken.iter().fold(0, |sum, it| sum.saturating_add(it.1));
        window
    }

    /// What was taken, by the start of each part.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (i64, u64)> {
        self.taken.iter().copied()
    }

    /// When a part counts no more.
    fn end(&self, start: i64) -> i64 {
        start.saturating_add(self.part).saturating_add(self.per)
    }

    fn forget(&mut self, now: i64) {
        while let Some((start, count)) = self.taken.front().copied() {
            if self.end(start) > now {
                return;
            }
            self.total = self.total.saturating_sub(count);
            self.taken.pop_front();
        }
    }

    /// What was taken and counts still.
    pub(crate) fn taken(&mut self, now: i64) -> u64 {
        self.forget(now);
        self.total
    }

    /// When `cost` more fits; `None` when it does now.
    pub(crate) fn when(&mut self, cost: u64, allowance: u64, now: i64) -> Option<i64> {
        self.forget(now);
        let mut total = self.total.saturating_add(cost);
        if total <= allowance {
            return None;
        }
        for (start, count) in &self.taken {
            total = total.saturating_sub(*count);
            if total <= allowance {
                return Some(self.end(*start));
            }
        }
        // More than ever fits goes alone.
        self.taken.back().map(|(start, _)| self.end(*start))
    }

    pub(crate) fn take(&mut self, cost: u64, now: i64) {
        let start = now - now.rem_euclid(self.part);
        self.total = self.total.saturating_add(cost);
        match self.taken.back_mut() {
            // A clock that went back counts with the newest part.
            Some((newest, count)) if *newest >= start => *count = count.saturating_add(cost),
            Some(_) | None => self.taken.push_back((start, cost)),
        }
    }

    pub(crate) fn give_back(&mut self, cost: u64) {
        if let Some((_, count)) = self.taken.back_mut() {
            let cost = cost.min(*count);
            *count -= cost;
            self.total = self.total.saturating_sub(cost);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.taken.clear();
        self.total = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_taken_comes_back_after_the_window() {
        let mut window = Window::new(Duration::from_secs(60));
        window.take(80, 500);

        assert_eq!(window.when(1, 80, 30_000), Some(61_000));
        assert_eq!(window.when(1, 80, 61_000), None);
    }

    #[test]
    fn more_than_the_allowance_goes_alone() {
        let mut window = Window::new(Duration::from_secs(60));
        assert_eq!(window.when(5, 3, 0), None.or(window.when(5, 3, 0)));

        window.take(5, 0);
        assert_eq!(window.when(5, 3, 1), Some(61_000));
    }

    proptest! {
        /// Whatever comes when, no stretch of the window's length holds more than the allowance.
        #[test]
        fn no_stretch_holds_more_than_the_allowance(
            gaps in prop::collection::vec(0i64..5_000, 1..300),
            allowance in 1u64..40,
        ) {
            let per = 10_000;
            let mut window = Window::new(Duration::from_millis(per as u64));
            let mut sent = Vec::new();
            let mut now = 0;
            for gap in gaps {
                now += gap;
                while let Some(until) = window.when(1, allowance, now) {
                    prop_assert!(until > now);
                    now = until;
                }
                window.take(1, now);
                sent.push(now);
            }
            for first in &sent {
                let within = sent.iter().filter(|it| (*first..*first + per).contains(it)).count();
                prop_assert!(within as u64 <= allowance);
            }
            prop_assert!(window.taken.len() <= PARTS as usize + 2);
        }

        /// Asked without a pause, it gives more than 95 % of what it may.
        #[test]
        fn little_of_the_allowance_is_lost(allowance in 1u64..200) {
            let mut window = Window::new(Duration::from_secs(60));
            let (mut now, mut count) = (0, 0u64);
            while now < 20 * 60_000 {
                match window.when(1, allowance, now) {
                    Some(until) => now = until,
                    None => {
                        window.take(1, now);
                        count += 1;
                    }
                }
            }
            prop_assert!(count as f64 >= 0.95 * 20.0 * allowance as f64, "{count}");
        }
    }
}
