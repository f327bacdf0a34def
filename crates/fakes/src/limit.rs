//! Rate limits as hosts publish them, counted in windows.

use http::Method;
use std::{
    collections::HashMap,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// One limit.
#[derive(Clone, Debug)]
pub struct Limit {
    /// What the host calls it.
    pub name: &'static str,
    /// How much there is in a window.
    pub allowance: u64,
    /// How long a window is.
    pub window: Duration,
    /// What a request takes of it, by method and path.
    pub toll: fn(&Method, &[String]) -> u64,
}

/// Which limits a fake has.
#[derive(Clone, Debug, Default)]
pub enum Limits {
    /// None, as on most servers of one's own.
    #[default]
    Off,
    /// Those that the product publishes for its public host.
    Published,
    /// These.
    Own(Vec<Limit>),
}

/// How a limit stands after a request.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// What the host calls the limit.
    pub name: &'static str,
    /// How much there is in a window.
    pub allowance: u64,
    /// How much of it is left.
    pub left: u64,
    /// When the window ends, in seconds since 1970.
    pub reset: u64,
    /// In how many seconds that is.
    pub wait: u64,
    /// Whether this request was too much.
    pub is_exceeded: bool,
}

/// The counters of a running fake.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    limits: Vec<Limit>,
    windows: HashMap<(String, &'static str), (Instant, u64)>,
}

impl Meter {
    pub(crate) fn new(limits: Vec<Limit>) -> Self {
        Self { limits, windows: HashMap::new() }
    }

    /// Counts a request of a caller; gives how each limit that it falls under stands.
    ///
    /// A request that is refused under one limit takes nothing from the others.
    pub(crate) fn count(
        &mut self,
        who: &str,
        method: &Method,
        segments: &[String],
    ) -> Vec<Standing> {
        let mut standings = Vec::new();
        for limit in &self.limits {
            let toll = (limit.toll)(method, segments);
            if toll == 0 {
                continue;
            }
            let now = Instant::now();
            let window = self.windows.entry((who.to_owned(), limit.name)).or_insert((now, 0));
            if now.duration_since(window.0) >= limit.window {
                *window = (now, 0);
            }
            let is_exceeded = window.1 + toll > limit.allowance;
            if !is_exceeded {
                window.1 += toll;
            }
            let left = limit.window.saturating_sub(now.duration_since(window.0));
            let epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let standing = Standing {
                name: limit.name,
                allowance: limit.allowance,
                left: limit.allowance.saturating_sub(window.1),
                reset: (epoch + left).as_secs() + 1,
                wait: left.as_secs() + 1,
                is_exceeded,
            };
            standings.push(standing);
            if is_exceeded {
                break;
            }
        }
        standings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_up_is_refused_until_the_window_ends() {
        let limit = |window| Limit { name: "core", allowance: 2, window, toll: |_, _| 1 };
        let hour = Duration::from_secs(3600);
        let mut meter = Meter::new(vec![limit(hour)]);
        let mut ask = |who: &str| meter.count(who, &Method::GET, &[])[0];

        assert_eq!((ask("alice").left, ask("alice").left), (1, 0));
        assert!(ask("alice").is_exceeded);
        assert!(!ask("bob").is_exceeded);
    }

    #[test]
    fn a_new_window_begins_anew() {
        let window = Duration::ZERO;
        let mut meter =
            Meter::new(vec![Limit { name: "core", allowance: 1, window, toll: |_, _| 1 }]);

        for _ in 0..3 {
            assert!(!meter.count("alice", &Method::GET, &[])[0].is_exceeded);
        }
    }
}
