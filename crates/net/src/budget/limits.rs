//! What somebody wants a host to be asked at most, whatever the host itself says.

use super::rates::{Bucket, Rates, Refill};
use http::Method;
use std::time::Duration;

/// What somebody wants a host to be asked at most with one credential.
///
/// It stands beside what the host publishes, and the stricter of both counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// So many requests in any stretch of time that is so long.
    pub requests: Option<(u32, Duration)>,
    /// So many that are under way at once.
    pub at_once: Option<usize>,
}

impl Rates {
    /// These, and no more than somebody wants.
    #[must_use]
    pub fn within(&self, limits: &Limits) -> Self {
        let mut rates = self.clone();
        if let Some((allowance, per)) = limits.requests {
            // What counts everything comes first.
            let bucket = Bucket {
                name: "requests as configured",
                allowance,
                per,
                refill: Refill::Window,
                toll: |_: &Method, _| 1,
                signals: None,
            };
            rates.buckets.to_mut().insert(0, bucket);
        }
        if let Some(at_once) = limits.at_once {
            rates.at_once = rates.at_once.min(at_once);
        }
        rates
    }
}
