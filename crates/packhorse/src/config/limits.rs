//! How often a host may be asked, as its table in the configuration says.

use packhorse_net::budget::Limits;
use serde::Deserialize;
use std::{num::NonZeroU32, time::Duration};

/// The longest time that requests are counted in, in seconds: a day.
const MOST_SECONDS: u32 = 86_400;

/// `limits = { requests = 400, seconds = 10, at_once = 4 }`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitsEntry {
    /// Most requests in so many seconds; a minute where nothing else is said.
    requests: Option<NonZeroU32>,
    seconds: Option<NonZeroU32>,
    /// Most that are under way at once.
    at_once: Option<NonZeroU32>,
}

impl LimitsEntry {
    /// What it means, or what is wrong with it.
    pub(super) fn limits(&self) -> Result<Limits, String> {
        let seconds = self.seconds.map_or(60, NonZeroU32::get);
        if self.seconds.is_some() && self.requests.is_none() {
            return Err("says in how many seconds, and not how many requests".to_owned());
        }
        if seconds > MOST_SECONDS {
            return Err(format!("counts in {seconds} seconds; the most is {MOST_SECONDS}"));
        }
        let per = Duration::from_secs(u64::from(seconds));
        Ok(Limits {
            requests: self.requests.map(|it| (it.get(), per)),
            at_once: self.at_once.and_then(|it| usize::try_from(it.get()).ok()),
        })
    }
}
