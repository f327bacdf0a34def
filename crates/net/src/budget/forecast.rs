//! How long a known amount of work takes, and what holds it up.

use super::rates::{Rates, Refill};
use http::Method;
use std::time::Duration;

/// Requests that are still to be made.
#[derive(Clone, Debug, Default)]
pub struct Work {
    list: Vec<(Method, String, u64)>,
}

impl Work {
    /// With so many requests more, to paths like that one.
    #[must_use]
    pub fn and(mut self, method: Method, path: &str, times: u64) -> Self {
        self.list.push((method, path.to_owned(), times));
        self
    }

    /// Number of its requests.
    pub fn requests(&self) -> u64 {
        self.list.iter().fold(0, |sum, (_, _, times)| sum.saturating_add(*times))
    }

    fn units(&self, toll: fn(&Method, &str) -> u32) -> f64 {
        let each = |(method, path, times): &(Method, String, u64)| {
            f64::from(toll(method, path)) * *times as f64
        };
        self.list.iter().map(each).sum()
    }
}

/// How fast requests go where no limit holds them up.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How long one takes.
    pub latency: Duration,
    /// How many are under way at once with one credential.
    pub at_once: usize,
}

/// How long some work takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// How long, with all limits kept.
    pub duration: Duration,
    /// The bucket that decides; `None` when the host's own speed does.
    pub critical: Option<&'static str>,
    /// Number of tokens that it was reckoned with.
    pub tokens: usize,
    /// What each bucket alone would take, in the order of the host's table.
    pub buckets: Vec<(&'static str, Duration)>,
}

/// What one credential has of a bucket.
#[derive(Clone, Debug)]
pub(crate) struct Quota {
    pub(crate) allowance: f64,
    pub(crate) per: Duration,
    pub(crate) refill: Refill,
    pub(crate) left: f64,
    pub(crate) until_full: Duration,
}

/// How long `work` takes with so many fresh tokens of equal rights.
pub fn forecast(rates: &Rates, work: &Work, tokens: usize, pace: Pace) -> Forecast {
    let fresh = rates.buckets.iter().map(|it| Quota {
        allowance: f64::from(it.allowance.max(1)),
        per: it.per,
        refill: it.refill,
        left: f64::from(it.allowance.max(1)),
        until_full: it.per,
    });
    of_quotas(rates, work, &vec![fresh.collect(); tokens.max(1)], pace)
}

/// The same from what each token has left just now.
pub(crate) fn of_quotas(rates: &Rates, work: &Work, tokens: &[Vec<Quota>], pace: Pace) -> Forecast {
    let mut critical = None;
    let lanes = pace.at_once.max(1) * tokens.len().max(1);
    let mut duration = seconds(work.requests() as f64 * pace.latency.as_secs_f64() / lanes as f64);
    let mut buckets = Vec::new();
    for (index, bucket) in rates.buckets.iter().enumerate() {
        let quotas: Vec<&Quota> = tokens.iter().filter_map(|it| it.get(index)).collect();
        let takes = alone(work.units(bucket.toll), &quotas);
        buckets.push((bucket.name, takes));
        if takes > duration {
            (duration, critical) = (takes, Some(bucket.name));
        }
    }
    Forecast { duration, critical, tokens: tokens.len(), buckets }
}

/// How long it takes until so many units were taken from these, used evenly.
fn alone(units: f64, quotas: &[&Quota]) -> Duration {
    let left: f64 = quotas.iter().map(|it| it.left).sum();
    let missing = units - left;
    let Some(first) = quotas.first().filter(|_| missing > 0.0) else {
        return Duration::ZERO;
    };
    let all: f64 = quotas.iter().map(|it| it.allowance).sum();
    let per = first.per.as_secs_f64();
    match first.refill {
        Refill::Steady => seconds(missing * per / all),
        Refill::Window => {
            // The rest of this window, then whole ones; the last one's share goes at once.
            let until_full = quotas.iter().map(|it| it.until_full).max().unwrap_or(first.per);
            let whole = (missing / all).ceil() - 1.0;
            until_full.saturating_add(seconds(whole.max(0.0) * per))
        }
    }
}

/// A duration of so many seconds, or the longest one.
fn seconds(many: f64) -> Duration {
    Duration::try_from_secs_f64(many.max(0.0)).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::{Bucket, RefusalHolds};
    use std::borrow::Cow;

    fn all(_: &Method, _: &str) -> u32 {
        1
    }
    fn writes(method: &Method, _: &str) -> u32 {
        u32::from(*method == Method::POST)
    }

    const HOUR: Duration = Duration::from_secs(3_600);
    const RATES: Rates = Rates {
        buckets: Cow::Borrowed(&[
            Bucket {
                name: "core",
                allowance: 5_000,
                per: HOUR,
                refill: Refill::Window,
                toll: all,
                signals: None,
            },
            Bucket {
                name: "writes",
                allowance: 500,
                per: HOUR,
                refill: Refill::Window,
                toll: writes,
                signals: None,
            },
        ]),
        at_once: 10,
        refused_by: &[],
        refusal_holds: RefusalHolds::Credential,
        not_modified_is_free: false,
    };
    const PACE: Pace = Pace { latency: Duration::from_millis(100), at_once: 10 };

    #[track_caller]
    fn check(reads: u64, writes: u64, tokens: usize, hours: u64, critical: Option<&str>) {
        let work = Work::default().and(Method::GET, "/i", reads).and(Method::POST, "/i", writes);

        let found = forecast(&RATES, &work, tokens, PACE);

        assert_eq!(found.duration.as_secs() / 3_600, hours, "{found:?}");
        assert_eq!(found.critical, critical);
    }

    #[test]
    fn the_slowest_bucket_decides() {
        check(100, 500, 1, 0, None);
        check(100, 501, 1, 1, Some("writes"));
        check(0, 60_000, 1, 119, Some("writes"));
        check(49_900, 100, 1, 9, Some("core"));
    }

    #[test]
    fn another_token_halves_it() {
        check(0, 60_000, 2, 59, Some("writes"));
        check(0, 60_000, 120, 0, None);
    }

    #[test]
    fn without_limits_the_hosts_own_speed_decides() {
        let work = Work::default().and(Method::GET, "/i", 1_000);

        let found = forecast(&Rates::UNLIMITED, &work, 1, PACE);

        assert_eq!(found.duration, Duration::from_secs(10));
        assert_eq!(found.critical, None);
    }

    #[test]
    fn more_than_anybody_lives_is_still_a_number() {
        let work = Work::default().and(Method::POST, "/i", u64::MAX);

        assert!(forecast(&RATES, &work, 1, PACE).duration > HOUR * 1_000);
    }
}
