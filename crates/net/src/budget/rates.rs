//! What a host publishes about how often it may be asked, as a value.

use http::Method;
use std::{borrow::Cow, time::Duration};

/// What a host publishes about how often it may be asked with one credential.
#[derive(Clone, Debug)]
pub struct Rates {
    /// Its buckets, from those that count everything to those that count little.
    pub buckets: Cow<'static, [Bucket]>,
    /// How many requests may be under way at once.
    pub at_once: usize,
    /// Words, in lower case, that make a 403 a refusal for a limit.
    pub refused_by: &'static [&'static str],
    /// What has to wait after a refusal that names no bucket.
    pub refusal_holds: RefusalHolds,
    /// Whether a 304 is not counted.
    pub not_modified_is_free: bool,
}

/// What has to wait after a refusal that names no bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalHolds {
    /// Everything that is asked with the credential.
    Credential,
    /// What the last bucket counts that counted the request.
    Bucket,
}

/// One thing that a host counts.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// What it is called, in words for people: `content writes an hour`.
    pub name: &'static str,
    /// How much may be taken.
    pub allowance: u32,
    /// In how long.
    pub per: Duration,
    /// How it fills up again.
    pub refill: Refill,
    /// What it counts for a request to that path; 0 when it does not count it.
    pub toll: fn(&Method, &str) -> u32,
    /// The headers that tell of it.
    pub signals: Option<&'static Signals>,
}

/// How a bucket fills up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refill {
    /// What was taken longer ago than `per` counts no more.
    Window,
    /// Steadily, from empty to full in `per`.
    Steady,
}

/// Headers, in lower case, that tell of a bucket.
#[derive(Debug)]
pub struct Signals {
    /// How much may be taken.
    pub limit: &'static str,
    /// How much is left.
    pub remaining: Option<&'static str>,
    /// When it is full again.
    pub reset: Option<(&'static str, ResetIn)>,
    /// A header that is `true` when less than a fifth is left.
    pub near_limit: Option<&'static str>,
    /// A header that says which bucket the others are about, and the word for this one.
    pub only_where: Option<(&'static str, &'static str)>,
}

/// How the moment is written at which a bucket is full again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetIn {
    /// Seconds since 1970, by the host's clock.
    Epoch,
    /// Seconds from now.
    Seconds,
}

impl Rates {
    /// A host that publishes no limits: it is asked gently anyway, and heeded
    /// when it refuses.
    pub const UNLIMITED: Self = Self {
        buckets: Cow::Borrowed(&[]),
        at_once: 16,
        refused_by: &[],
        refusal_holds: RefusalHolds::Credential,
        not_modified_is_free: false,
    };
}
