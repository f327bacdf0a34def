//! How often hosts say that they may be asked, in one table.
//!
//! These numbers are where a budget starts; what a host's headers and refusals
//! say takes their place (`packhorse_net::budget`). A server of one's own may
//! be set otherwise by its administrator, so only the public ones have numbers
//! here, apart from those that every server has by default. What is off by
//! default, as at Bitbucket Data Center, counts from when a server tells of it.
//!
//! # Sources
//!
//! GitHub, "Rate limits for the REST API", "Best practices for using the REST
//! API", "Rate limits and query limits for the GraphQL API". GitLab, "GitLab.com
//! settings: rate limits", "Rate limits", "Import and export rate limits".
//! Atlassian, "API request limits" (Bitbucket Cloud), "Improving instance
//! stability with rate limiting" (Bitbucket Data Center). Gitea and Forgejo
//! have no limit in their core.

use http::Method;
use packhorse_net::budget::{Bucket, Rates, Refill, RefusalHolds, ResetIn, Signals};
use std::{borrow::Cow, time::Duration};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// More than is ever asked for: how much a host allows is known when it tells.
const UNTOLD: u32 = 1_000_000;

/// A bucket that counts in a window.
const fn window(
    name: &'static str,
    allowance: u32,
    per: Duration,
    toll: fn(&Method, &str) -> u32,
    signals: Option<&'static Signals>,
) -> Bucket {
    Bucket { name, allowance, per, refill: Refill::Window, toll, signals }
}

/// The signals of GitHub for one of its buckets.
const fn github(resource: &'static str) -> Signals {
    Signals {
        limit: "x-ratelimit-limit",
        remaining: Some("x-ratelimit-remaining"),
        reset: Some(("x-ratelimit-reset", ResetIn::Epoch)),
        near_limit: None,
        only_where: Some(("x-ratelimit-resource", resource)),
    }
}

static GITHUB_CORE: Signals = github("core");
static GITHUB_SEARCH: Signals = github("search");
static GITHUB_GRAPHQL: Signals = github("graphql");

/// github.com, for a personal token.
pub const GITHUB: Rates = Rates {
    buckets: Cow::Borrowed(&[
        window("requests an hour", 5_000, HOUR, github_core, Some(&GITHUB_CORE)),
        window("GraphQL points an hour", 5_000, HOUR, github_graphql, Some(&GITHUB_GRAPHQL)),
        window("points a minute", 900, MINUTE, github_points, None),
        window("searches a minute", 30, MINUTE, github_search, Some(&GITHUB_SEARCH)),
        window("new content a minute", 80, MINUTE, github_content, None),
        window("new content an hour", 500, HOUR, github_content, None),
    ]),
    // Published are 100; half of them leaves room for others who use the token.
    at_once: 50,
    refused_by: &["rate limit", "abuse detection", "submitted too quickly"],
    // "If you exceed a secondary limit, do not make requests until …".
    refusal_holds: RefusalHolds::Credential,
    not_modified_is_free: true,
};

/// GitHub Enterprise Server, whose limits are off unless its administrator sets them: then its
/// answers tell them, and they are kept.
pub const GITHUB_SERVER: Rates = Rates {
    buckets: Cow::Borrowed(&[
        window("requests an hour", UNTOLD, HOUR, github_core, Some(&GITHUB_CORE)),
        window("GraphQL points an hour", UNTOLD, HOUR, github_graphql, Some(&GITHUB_GRAPHQL)),
        window("searches a minute", UNTOLD, MINUTE, github_search, Some(&GITHUB_SEARCH)),
    ]),
    at_once: 20,
    ..GITHUB
};

static GITLAB_SIGNALS: Signals = Signals {
    limit: "ratelimit-limit",
    remaining: Some("ratelimit-remaining"),
    reset: Some(("ratelimit-reset", ResetIn::Epoch)),
    near_limit: None,
    only_where: Some(("ratelimit-name", "throttle_authenticated_api")),
};

/// gitlab.com, for an authenticated user.
pub const GITLAB: Rates = Rates {
    buckets: Cow::Borrowed(&[
        window("requests a minute", 2_000, MINUTE, all, Some(&GITLAB_SIGNALS)),
        window("new issues a minute", 200, MINUTE, gitlab_issues, None),
        window("notes a minute", 60, MINUTE, gitlab_notes, None),
        window("imports a minute", 6, MINUTE, gitlab_imports, None),
        window("exports a minute", 6, MINUTE, gitlab_exports, None),
        window("downloads of exports a minute", 1, MINUTE, gitlab_downloads, None),
    ]),
    at_once: 20,
    refused_by: &["rate limit", "retry later"],
    refusal_holds: RefusalHolds::Bucket,
    not_modified_is_free: false,
};

/// A GitLab of one's own, with the limits of notes and imports that it has by default, and that of
/// all requests where it tells one.
pub const GITLAB_SELF_MANAGED: Rates = Rates {
    buckets: Cow::Borrowed(&[
        window("requests a minute", UNTOLD, MINUTE, all, Some(&GITLAB_SIGNALS)),
        window("notes a minute", 300, MINUTE, gitlab_notes, None),
        window("imports a minute", 6, MINUTE, gitlab_imports, None),
        window("exports a minute", 6, MINUTE, gitlab_exports, None),
        window("downloads of exports a minute", 1, MINUTE, gitlab_downloads, None),
    ]),
    ..GITLAB
};

static BITBUCKET_CLOUD_SIGNALS: Signals = Signals {
    limit: "x-ratelimit-limit",
    remaining: None,
    reset: None,
    near_limit: Some("x-ratelimit-nearlimit"),
    only_where: None,
};

/// Bitbucket Cloud, for an authenticated user.
pub const BITBUCKET_CLOUD: Rates = Rates {
    buckets: Cow::Borrowed(&[window(
        "requests for repositories an hour",
        1_000,
        HOUR,
        bitbucket_repositories,
        Some(&BITBUCKET_CLOUD_SIGNALS),
    )]),
    at_once: 10,
    refused_by: &["rate limit"],
    refusal_holds: RefusalHolds::Bucket,
    not_modified_is_free: false,
};

static BITBUCKET_SERVER_SIGNALS: Signals = Signals {
    limit: "x-ratelimit-limit",
    remaining: Some("x-ratelimit-remaining"),
    reset: None,
    near_limit: None,
    only_where: None,
};

/// Bitbucket Data Center, whose limits are off unless its administrator switches them on.
///
/// Then its answers tell how large the bucket of the account is and what is left of it; by default
/// it is a burst of 60, filled up by 5 a second on each node, which is the pace that is kept then.
/// See `docs/decisions/0007-limits-that-are-told.md`.
pub const BITBUCKET_SERVER: Rates = Rates {
    buckets: Cow::Borrowed(&[Bucket {
        name: "requests",
        allowance: UNTOLD,
        per: SECOND.saturating_mul(12),
        refill: Refill::Steady,
        toll: all,
        signals: Some(&BITBUCKET_SERVER_SIGNALS),
    }]),
    at_once: 10,
    refused_by: &["rate limit"],
    refusal_holds: RefusalHolds::Credential,
    not_modified_is_free: false,
};

/// Gitea, Forgejo and Gogs: none.
pub const GITEA: Rates = Rates::UNLIMITED;

fn all(_: &Method, _: &str) -> u32 {
    1
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

fn last(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

fn is_graphql(path: &str) -> bool {
    last(path) == "graphql"
}

fn is_search(path: &str) -> bool {
    path.strip_prefix("/api/v3").unwrap_or(path).starts_with("/search/")
}

fn github_core(_: &Method, path: &str) -> u32 {
    u32::from(!is_graphql(path) && !is_search(path))
}

fn github_graphql(_: &Method, path: &str) -> u32 {
    u32::from(is_graphql(path))
}

fn github_search(_: &Method, path: &str) -> u32 {
    u32::from(is_search(path))
}

/// Reading is a point, writing five; of GraphQL only its answers tell.
fn github_points(method: &Method, path: &str) -> u32 {
    match (is_graphql(path), is_read(method)) {
        (true, _) => 0,
        (false, true) => 1,
        (false, false) => 5,
    }
}

/// What notifies people: issues, change requests, comments, reviews, releases, who is asked.
///
/// Source: GitHub's OpenAPI description, the operations of which it says "triggers notifications".
fn github_content(method: &Method, path: &str) -> u32 {
    // The importer of issues notifies nobody, and is not counted.
    let is_import = path.ends_with("/import/issues");
    let makes = [
        "issues",
        "pulls",
        "comments",
        "replies",
        "reviews",
        "requested_reviewers",
        "releases",
        "gists",
        "discussions",
    ];
    let is_made = *method == Method::POST && !is_import && makes.contains(&last(path));
    let is_asked = *method == Method::PUT && path.contains("/collaborators/");
    u32::from(is_made || is_asked)
}

fn gitlab_issues(method: &Method, path: &str) -> u32 {
    u32::from(*method == Method::POST && last(path) == "issues")
}

fn gitlab_notes(method: &Method, path: &str) -> u32 {
    u32::from(*method == Method::POST && ["notes", "discussions"].contains(&last(path)))
}

fn gitlab_imports(method: &Method, path: &str) -> u32 {
    let is = path.ends_with("/import") || path.ends_with("/remote-import");
    u32::from(*method == Method::POST && is)
}

fn gitlab_exports(method: &Method, path: &str) -> u32 {
    u32::from(*method == Method::POST && path.ends_with("/export"))
}

fn gitlab_downloads(method: &Method, path: &str) -> u32 {
    u32::from(*method == Method::GET && path.ends_with("/export/download"))
}

fn bitbucket_repositories(_: &Method, path: &str) -> u32 {
    u32::from(path.starts_with("/2.0/repositories"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_net::budget::{Pace, Work, forecast};

    #[test]
    fn a_server_of_ones_own_is_held_to_what_it_tells() {
        for rates in [GITHUB_SERVER, GITLAB_SELF_MANAGED, BITBUCKET_SERVER] {
            let is_told = |it: &&Bucket| {
                it.allowance == UNTOLD
                    && it.signals.is_some()
                    && (it.toll)(&Method::POST, "/api/v3/repos/o/r/issues") == 1
            };
            assert_eq!(rates.buckets.iter().filter(is_told).count(), 1);
        }
    }

    #[track_caller]
    fn check(rates: &Rates, method: Method, path: &str, expected: &[(&str, u32)]) {
        let tolls = rates.buckets.iter().map(|it| (it.name, (it.toll)(&method, path)));
        let found: Vec<_> = tolls.filter(|(_, cost)| *cost > 0).collect();

        assert_eq!(found, expected, "{path}");
    }

    #[test]
    fn github_counts_reading_writing_and_what_notifies_people() {
        let read = [("requests an hour", 1), ("points a minute", 1)];
        check(&GITHUB, Method::GET, "/repos/acme/app/issues", &read);
        let write = [("requests an hour", 1), ("points a minute", 5)];
        check(&GITHUB, Method::POST, "/repos/acme/app/labels", &write);
        check(&GITHUB, Method::POST, "/repos/acme/app/import/issues", &write);
        let content = [
            ("requests an hour", 1),
            ("points a minute", 5),
            ("new content a minute", 1),
            ("new content an hour", 1),
        ];
        check(&GITHUB, Method::POST, "/repos/acme/app/issues/7/comments", &content);
        check(&GITHUB, Method::POST, "/repos/acme/app/releases", &content);
        check(&GITHUB, Method::PUT, "/repos/acme/app/collaborators/bob", &content);
        check(&GITHUB, Method::POST, "/graphql", &[("GraphQL points an hour", 1)]);
        let search = [("points a minute", 1), ("searches a minute", 1)];
        check(&GITHUB, Method::GET, "/search/issues", &search);
    }

    #[test]
    fn gitlab_counts_notes_apart() {
        let notes = [("requests a minute", 1), ("notes a minute", 1)];
        check(&GITLAB, Method::POST, "/api/v4/projects/1/issues/2/notes", &notes);
        check(&GITLAB, Method::GET, "/api/v4/projects/1/issues/2/notes", &notes[..1]);
    }

    #[test]
    fn data_center_is_paced_by_what_it_tells_alone() {
        let pace = Pace { latency: Duration::from_millis(100), at_once: 10 };
        let work = Work::default().and(Method::GET, "/rest/api/1.0/projects", 6_000);

        // 6,000 requests, ten at a time, each a tenth of a second.
        let told = forecast(&BITBUCKET_SERVER, &work, 1, pace);

        assert_eq!(told.duration, MINUTE);
        let [bucket] = &BITBUCKET_SERVER.buckets[..] else { panic!() };
        let signals = bucket.signals.unwrap();
        assert_eq!(
            (signals.limit, signals.remaining),
            ("x-ratelimit-limit", Some("x-ratelimit-remaining"),)
        );
    }

    #[test]
    fn a_large_project_is_forecast_as_the_arithmetic_says() {
        let pace = Pace { latency: Duration::from_millis(100), at_once: 10 };
        // 10,000 issues with 5 comments each, at 500 an hour.
        let work = Work::default().and(Method::POST, "/repos/acme/app/issues", 10_000).and(
            Method::POST,
            "/repos/acme/app/issues/1/comments",
            50_000,
        );
        let told = forecast(&GITHUB, &work, 1, pace);
        assert_eq!(told.critical, Some("new content an hour"));
        assert_eq!(told.duration, HOUR * 119);
        assert_eq!(forecast(&GITHUB, &work, 4, pace).duration, HOUR * 29);

        let notes = Work::default().and(Method::POST, "/api/v4/projects/1/issues/1/notes", 100_000);
        let told = forecast(&GITLAB, &notes, 1, pace);
        assert_eq!(told.critical, Some("notes a minute"));
        assert_eq!(told.duration.as_secs() / 3_600, 27);
    }
}
