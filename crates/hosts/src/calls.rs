//! How long a host takes over some work: what its adapter asks for each record, held against
//! what the host publishes of how often it may be asked.
//!
//! Each adapter says in its `calls.rs` which requests a record of each kind costs; the buckets
//! are those of [`crate::published_limits`], which budgets start from.

use crate::{bitbucket_cloud, bitbucket_server, gitea, github, gitlab};
use http::Method;
use packhorse_core::{
    Location, ObjectKind,
    plan::{BucketForecast, EndForecast},
};
use packhorse_net::{
    Budgets, Origin, Rates,
    budget::{self, Limits, Pace, Work},
};
use std::{collections::BTreeMap, time::Duration};
use url::Url;

/// How long a request is reckoned to take where no limit holds it up: what the public services
/// take for small answers.
const LATENCY: Duration = Duration::from_millis(150);

/// A request, and how often it is made.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    method: Method,
    /// A path that the host counts in the same buckets.
    path: &'static str,
    times: Times,
}

/// How often a request is made.
#[derive(Clone, Copy, Debug)]
enum Times {
    /// For each record of the kind.
    Each,
    /// For so many records of the kind, and once for each project at least.
    Page(u64),
    /// For each record of another kind, under which records of this kind are listed.
    Under(ObjectKind),
}

impl Call {
    /// One for each record.
    pub(crate) const fn each(method: Method, path: &'static str) -> Self {
        Self { method, path, times: Times::Each }
    }

    /// A listing with so many records on a page.
    pub(crate) const fn page(records: u64, path: &'static str) -> Self {
        Self { method: Method::GET, path, times: Times::Page(records) }
    }

    /// A listing for each record of another kind.
    pub(crate) const fn under(parent: ObjectKind, path: &'static str) -> Self {
        Self { method: Method::GET, path, times: Times::Under(parent) }
    }

    fn times(&self, kind: ObjectKind, counts: &Counts) -> u64 {
        match self.times {
            Times::Each => counts.of(kind),
            Times::Page(size) => counts.of(kind).div_ceil(size).max(counts.projects),
            Times::Under(parent) => counts.of(parent),
        }
    }
}

/// What an adapter asks of its host.
pub(crate) struct Calls {
    /// How often the host of a location may be asked.
    pub(crate) rates: fn(&Location) -> &'static Rates,
    /// Where the host of a location is asked, the address of most requests first.
    pub(crate) homes: fn(&Location) -> Vec<Url>,
    /// To read a kind.
    pub(crate) reads: fn(ObjectKind) -> &'static [Call],
    /// To write a record of a kind.
    pub(crate) writes: fn(ObjectKind) -> &'static [Call],
}

/// How much there is.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Projects.
    pub projects: u64,
    /// Records of the kinds that are carried, where they are counted.
    pub kinds: BTreeMap<ObjectKind, u64>,
}

impl Counts {
    fn of(&self, kind: ObjectKind) -> u64 {
        self.kinds.get(&kind).copied().unwrap_or(0)
    }
}

/// What is done at a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passes {
    /// How often everything is read.
    pub reads: u64,
    /// How often everything is written.
    pub writes: u64,
}

fn calls(host: &str) -> Option<Calls> {
    let table: [(&packhorse_core::HostSpec, Calls); 5] = [
        (&github::SPEC, github::CALLS),
        (&gitlab::SPEC, gitlab::CALLS),
        (&gitea::SPEC, gitea::CALLS),
        (&bitbucket_server::SPEC, bitbucket_server::CALLS),
        (&bitbucket_cloud::SPEC, bitbucket_cloud::CALLS),
    ];
    table.into_iter().find(|(spec, _)| spec.is_named(host)).map(|(_, calls)| calls)
}

/// From now on, everything in this process asks the host of a location no more than somebody wants;
/// `false` for places that are not asked over HTTP.
pub fn limit(location: &Location, limits: &Limits) -> bool {
    let homes = calls(&location.host).map(|it| (it.homes)(location)).unwrap_or_default();
    let origins: Vec<Origin> = homes.iter().filter_map(Origin::of).collect();
    for origin in &origins {
        Budgets::shared().limit(origin.clone(), limits.clone());
    }
    !origins.is_empty()
}

/// How long some work takes at the host of a location at least; `None` for places that are not
/// asked over HTTP. Repositories and files travel beside it and are not reckoned.
pub fn forecast(
    (location, tokens): (&Location, usize),
    counts: &Counts,
    passes: Passes,
) -> Option<EndForecast> {
    let calls = calls(&location.host)?;
    let home = (calls.homes)(location).first().and_then(Origin::of);
    let limits = home.map(|it| Budgets::shared().limits(&it)).unwrap_or_default();
    let rates = &(calls.rates)(location).within(&limits);
    let mut work = Work::default();
    for &kind in counts.kinds.keys() {
        for (times, list) in
            [(passes.reads, (calls.reads)(kind)), (passes.writes, (calls.writes)(kind))]
        {
            for call in list {
                let n = call.times(kind, counts).saturating_mul(times);
                work = work.and(call.method.clone(), call.path, n);
            }
        }
    }
    let pace = Pace { latency: LATENCY, at_once: rates.at_once };
    let told = budget::forecast(rates, &work, tokens, pace);
    let more = budget::forecast(rates, &work, tokens + 1, pace);
    let bucket = |(name, takes): (&'static str, Duration)| BucketForecast {
        name: name.to_owned(),
        seconds: takes.as_secs(),
    };
    Some(EndForecast {
        host: location.host.clone(),
        requests: work.requests(),
        seconds: told.duration.as_secs(),
        critical: told.critical.map(str::to_owned),
        tokens: tokens as u64,
        seconds_with_another_token: more.duration.as_secs(),
        buckets: told.buckets.into_iter().map(bucket).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(projects: u64, kinds: &[(ObjectKind, u64)]) -> Counts {
        Counts { projects, kinds: kinds.iter().copied().collect() }
    }

    #[test]
    fn ten_thousand_issues_to_github_are_held_up_by_new_content() {
        let location = "github:https://github.com/acme".parse().unwrap();
        let there = counts(1, &[(ObjectKind::Issue, 10_000), (ObjectKind::Comment, 50_000)]);

        let told = forecast((&location, 1), &there, Passes { reads: 0, writes: 1 }).unwrap();

        assert_eq!(told.critical.as_deref(), Some("new content an hour"));
        // 60,000 at 500 an hour.
        assert!((119 * 3_600..121 * 3_600).contains(&told.seconds), "{told:?}");
        assert!(told.seconds_with_another_token <= told.seconds / 2, "{told:?}");
    }

    #[test]
    fn reading_is_cheap_where_listings_have_pages_and_dear_where_they_are_under_others() {
        let there = counts(1, &[(ObjectKind::ChangeRequest, 1_000), (ObjectKind::Review, 1_000)]);
        let reads = Passes { reads: 1, writes: 0 };
        let asked = |text: &str| {
            let location: Location = text.parse().unwrap();
            forecast((&location, 1), &there, reads).unwrap().requests
        };

        let github = asked("github:https://github.com/acme");
        assert!((1_000..1_100).contains(&github), "{github}");
        assert!(asked("gitea:https://gitea.example") >= 1_000);
    }

    #[test]
    fn another_address_has_other_limits_and_a_place_on_disk_none() {
        let there = counts(1, &[(ObjectKind::Issue, 50_000)]);
        let writes = Passes { reads: 0, writes: 1 };
        let own: Location = "github:https://github.acme.example/acme".parse().unwrap();

        assert_eq!(forecast((&own, 1), &there, writes).unwrap().critical, None);
        assert_eq!(forecast((&"local:./store".parse().unwrap(), 1), &there, writes), None);
    }

    #[test]
    fn every_host_says_what_writing_and_reading_costs() {
        for host in ["github", "gitlab", "gitea", "bitbucket-server", "bitbucket-cloud"] {
            let calls = calls(host).unwrap();
            let spec = crate::named(host).unwrap();
            for &kind in ObjectKind::ALL {
                let is_record = kind.carriage() != packhorse_core::Carriage::Git;
                if is_record && (spec.reads)(kind).is_some() {
                    assert!(!(calls.reads)(kind).is_empty(), "{host} reads {kind}");
                }
                if is_record && (spec.writes)(kind).is_some() {
                    assert!(!(calls.writes)(kind).is_empty(), "{host} writes {kind}");
                }
            }
        }
    }
}
