//! What is counted for whoever looks after the service, in Prometheus' words.

use crate::store::now_ms;
use packhorse_core::{Event, Listener, model::Time, port::Counts};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Upper bounds of the durations that are told apart, in milliseconds.
const BOUNDS_MS: [u64; 12] = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 10_000];

/// Limits that are told apart; hosts that clients name come and go.
const MOST_LIMITS: usize = 256;

/// Name of all limits beyond those.
const OTHER: &str = "others";

/// Durations, as counts of those up to each bound.
#[derive(Clone, Copy, Debug, Default)]
struct Durations {
    up_to: [u64; BOUNDS_MS.len()],
    count: u64,
    micros: u64,
}

/// What a limit has made the service wait for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Waits {
    /// How often.
    pub(crate) count: u64,
    /// How long in all, in milliseconds.
    pub(crate) millis: u64,
    /// Until when it waits, or last waited, in milliseconds since 1970.
    pub(crate) until: i64,
}

/// Requests by API, method and status.
type Requests = BTreeMap<(&'static str, &'static str, u16), u64>;

/// What is counted since the start of the process.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    requests: Mutex<Requests>,
    durations: Mutex<BTreeMap<&'static str, Durations>>,
    waits: Mutex<BTreeMap<String, Waits>>,
    carried: AtomicU64,
    failed: AtomicU64,
    lost: AtomicU64,
    bytes: AtomicU64,
}

fn held<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Metrics {
    /// Counts an answer.
    pub(crate) fn answered(
        &self,
        api: &'static str,
        method: &'static str,
        (status, took): (u16, Duration),
    ) {
        *held(&self.requests).entry((api, method, status)).or_default() += 1;
        let mut all = held(&self.durations);
        let of = all.entry(api).or_default();
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        for (count, bound) in of.up_to.iter_mut().zip(BOUNDS_MS) {
            *count += u64::from(micros <= bound * 1_000);
        }
        of.count += 1;
        of.micros = of.micros.saturating_add(micros);
    }

    /// Counts what a run did: the job's counts before it and after it.
    pub(crate) fn ran(&self, before: &Counts, after: &Counts) {
        let carried = |it: &Counts| it.created + it.updated + it.adopted + it.unchanged;
        let add = |to: &AtomicU64, before: u64, after: u64| {
            to.fetch_add(after.saturating_sub(before), Ordering::Relaxed);
        };
        add(&self.carried, carried(before), carried(after));
        add(&self.failed, before.failed, after.failed);
        add(&self.lost, before.losses, after.losses);
    }

    /// Counts bytes of repositories and files.
    pub(crate) fn moved(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// What each limit has made the service wait for.
    pub(crate) fn waits(&self) -> BTreeMap<String, Waits> {
        held(&self.waits).clone()
    }

    /// All of it, and what the database says of jobs: how many are in which state.
    pub(crate) fn text(&self, jobs: &[(String, u64)]) -> String {
        let mut text = String::new();
        let version = env!("CARGO_PKG_VERSION");
        family(&mut text, "packhorse_build_info", "gauge", "What runs.");
        line(&mut text, "packhorse_build_info", &[("version", version)], 1);
        family(&mut text, "packhorse_jobs", "gauge", "Jobs that clients asked for, by state.");
        for (state, n) in jobs {
            line(&mut text, "packhorse_jobs", &[("state", state)], n);
        }
        for (name, what, of) in [
            ("packhorse_records_carried_total", "Records that arrived.", &self.carried),
            ("packhorse_records_failed_total", "Records that did not arrive.", &self.failed),
            ("packhorse_losses_total", "Losses that were noted.", &self.lost),
            ("packhorse_bytes_total", "Bytes of repositories and files.", &self.bytes),
        ] {
            family(&mut text, name, "counter", what);
            line(&mut text, name, &[], of.load(Ordering::Relaxed));
        }
        self.limits(&mut text);
        self.answers(&mut text);
        text
    }

    fn limits(&self, text: &mut String) {
        let (count, seconds) = ("packhorse_waits_total", "packhorse_wait_seconds_total");
        let waits = self.waits();
        family(text, count, "counter", "Waits for a host's limit.");
        for (limit, it) in &waits {
            line(text, count, &[("limit", limit)], it.count);
        }
        family(text, seconds, "counter", "Time waited for a host's limit.");
        for (limit, it) in &waits {
            line(text, seconds, &[("limit", limit)], shown(it.millis, 1_000));
        }
    }

    fn answers(&self, text: &mut String) {
        let name = "packhorse_http_requests_total";
        family(text, name, "counter", "Requests that were answered.");
        for ((api, method, status), n) in &*held(&self.requests) {
            let status = status.to_string();
            line(text, name, &[("api", api), ("method", method), ("status", &status)], n);
        }
        let name = "packhorse_http_request_duration_seconds";
        family(text, name, "histogram", "Time from the head of a request to that of its answer.");
        for (api, of) in &*held(&self.durations) {
            let bucket = format!("{name}_bucket");
            for (n, bound) in of.up_to.iter().zip(BOUNDS_MS) {
                line(text, &bucket, &[("api", api), ("le", &shown(bound, 1_000))], n);
            }
            line(text, &bucket, &[("api", api), ("le", "+Inf")], of.count);
            line(text, &format!("{name}_sum"), &[("api", api)], shown(of.micros, 1_000_000));
            line(text, &format!("{name}_count"), &[("api", api)], of.count);
        }
    }
}

/// Hears of waits: a limit and how long.
impl Listener for Metrics {
    fn on(&self, event: &Event) {
        let Event::Waiting { reason, until } = event else { return };
        let Ok(until) = until.parse::<Time>() else { return };
        let until = until.instant().as_millisecond();
        let mut all = held(&self.waits);
        let is_known = all.contains_key(reason) || all.len() < MOST_LIMITS;
        let of = all.entry(if is_known { reason } else { OTHER }.to_owned()).or_default();
        of.count += 1;
        of.millis += u64::try_from(until.saturating_sub(now_ms())).unwrap_or_default();
        of.until = of.until.max(until);
    }
}

/// A number of parts of a whole, as a decimal fraction.
fn shown(parts: u64, of: u64) -> String {
    let digits = of.ilog10() as usize;
    let text = format!("{}.{:0digits$}", parts / of, parts % of);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

// Writing into a text cannot fail.
fn family(text: &mut String, name: &str, kind: &str, what: &str) {
    writeln!(text, "# HELP {name} {what}\n# TYPE {name} {kind}").ok();
}

fn line(text: &mut String, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
    text.push_str(name);
    for (n, (label, value)) in labels.iter().enumerate() {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        write!(text, "{}{label}=\"{value}\"", if n == 0 { '{' } else { ',' }).ok();
    }
    text.push_str(if labels.is_empty() { "" } else { "}" });
    writeln!(text, " {value}").ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_told_in_prometheus_words() {
        let metrics = Metrics::default();
        metrics.answered("github", "GET", (200, Duration::from_micros(1_500)));
        metrics.answered("github", "GET", (200, Duration::from_secs(60)));
        let before = Counts { created: 2, ..Counts::default() };
        metrics.ran(&before, &Counts { created: 5, failed: 1, losses: 4, ..before });
        metrics.moved(77);

        let text = metrics.text(&[("running".to_owned(), 3)]);

        for expected in [
            "packhorse_jobs{state=\"running\"} 3",
            "packhorse_records_carried_total 3",
            "packhorse_records_failed_total 1",
            "packhorse_losses_total 4",
            "packhorse_bytes_total 77",
            "packhorse_http_requests_total{api=\"github\",method=\"GET\",status=\"200\"} 2",
            "packhorse_http_request_duration_seconds_bucket{api=\"github\",le=\"0.001\"} 0",
            "packhorse_http_request_duration_seconds_bucket{api=\"github\",le=\"0.002\"} 1",
            "packhorse_http_request_duration_seconds_bucket{api=\"github\",le=\"+Inf\"} 2",
            "packhorse_http_request_duration_seconds_sum{api=\"github\"} 60.0015",
        ] {
            assert!(text.lines().any(|it| it == expected), "{expected}\n{text}");
        }
    }

    #[test]
    fn waits_are_told_by_limit_and_only_so_many_limits_are_told_apart() {
        let metrics = Metrics::default();
        let until = Time::from_millis(now_ms() + 60_000).unwrap().to_string();
        for n in 0..2 * MOST_LIMITS {
            let reason = format!("host{n}.example limits \"requests\"");
            metrics.on(&Event::Waiting { reason, until: until.clone() });
        }

        let waits = metrics.waits();

        assert_eq!(waits.len(), MOST_LIMITS + 1);
        assert_eq!(waits[OTHER].count, MOST_LIMITS as u64);
        assert!((50_000..=60_000).contains(&waits["host0.example limits \"requests\""].millis));
        let text = metrics.text(&[]);
        assert!(text.contains("{limit=\"host0.example limits \\\"requests\\\"\"} 1"), "{text}");
    }
}
