//! The fakes against recordings of the products: whatever an adapter reads and the product sent,
//! the fake sends too, and of the same type.
//!
//! The folder of recordings is `PACKHORSE_FIXTURES`, or `fixtures` in the shared folder beside the
//! repository; where it is not there, the tests say that they were skipped.

use super::{Client, sample_records};
use packhorse_core::{GitRemote, RepoKind};
use packhorse_testkit::{
    fake::{Fake, Options, stand_in},
    git,
};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

fn fixtures() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures");
    let folder = std::env::var_os("PACKHORSE_FIXTURES").map_or_else(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    let mut stderr = std::io::stderr();
    writeln!(stderr, "SKIPPED: there is no {}; set PACKHORSE_FIXTURES", folder.display()).unwrap();
    None
}

/// The names of all fields that an adapter reads, as its `wire.rs` declares them.
fn read_by(adapter: &str, camel: bool) -> BTreeSet<String> {
    let file = format!("{}/../hosts/src/{adapter}/wire.rs", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(file).unwrap();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '#';
    let mut names = BTreeSet::new();
    for part in text.split(": ") {
        let name = part.rsplit(|c: char| !plain(c)).next().unwrap_or_default();
        names.insert(if camel { in_camel_case(name) } else { name.replace("r#", "") });
    }
    names
}

fn in_camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |all, word| {
        let (head, tail) = word.split_at(word.len().min(1));
        all + &head.to_uppercase() + tail
    })
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// What of a recorded value that an adapter reads is missing or of another type.
fn misfits(names: &BTreeSet<String>, at: &str, recorded: &Value, found: &Value) -> Vec<String> {
    if recorded.is_null() || found.is_null() {
        return Vec::new();
    }
    if kind(recorded) != kind(found) {
        return vec![format!("{at} is {} and was {}", kind(found), kind(recorded))];
    }
    if let (Some(recorded), Some(found)) = (recorded.as_array(), found.as_array()) {
        let first = recorded.first().zip(found.first());
        return first.map_or_else(Vec::new, |(one, other)| misfits(names, at, one, other));
    }
    let fields = recorded.as_object().into_iter().flatten();
    let fields = fields.filter(|(name, value)| names.contains(*name) && !value.is_null());
    fields
        .flat_map(|(name, value)| {
            let at = format!("{at}.{name}");
            match found.get(name) {
                Some(found) => misfits(names, &at, value, found),
                None => vec![format!("{at} is missing")],
            }
        })
        .collect()
}

/// A recording, and what asks the fake for the same.
type Pair = (&'static str, &'static str);

struct Product {
    host: &'static str,
    adapter: &'static str,
    /// Where its recordings are.
    folder: &'static str,
    /// What its addresses begin with.
    api: &'static str,
    camel: bool,
    pairs: &'static [Pair],
    /// Where recordings say other than the product of today, with the reason.
    known: &'static [&'static str],
}

async fn check(product: &Product) {
    let Some(fixtures) = fixtures() else { return };
    let fake = Fake::of(stand_in(product.host).unwrap(), Options::default()).await.unwrap();
    fake.fill(sample_records(4));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.git");
    git::repository(&path, &git::Shape::default()).await;
    fake.fill_repository("acme/app", RepoKind::Code, &GitRemote::local(&path)).await.unwrap();
    let names = read_by(product.adapter, product.camel);
    let client = Client::of(&fake);
    let mut wrong = Vec::new();
    for (file, target) in product.pairs {
        let recorded = fs::read(fixtures.join(product.folder).join(file)).unwrap();
        let recorded: Value = serde_json::from_slice(&recorded).unwrap();
        let (status, _, found) = client.get(&format!("{}{target}", product.api)).await;
        assert_eq!(status, 200, "{target}: {found}");
        wrong.extend(misfits(&names, target, &recorded, &found));
    }
    wrong.retain(|it| !product.known.iter().any(|known| it.contains(known)));
    assert_eq!(wrong, Vec::<String>::new());
}

#[tokio::test]
async fn github_sends_what_it_was_recorded_to_send() {
    check(&Product {
        host: "github",
        adapter: "github",
        folder: "go-scm-testdata/scm/driver/github/testdata",
        api: "",
        camel: false,
        pairs: &[
            ("repo.json", "/repos/acme/app"),
            ("org.json", "/orgs/acme"),
            ("issue.json", "/repos/acme/app/issues/1"),
            ("issues.json", "/repos/acme/app/issues?state=all"),
            ("issue_comments.json", "/repos/acme/app/issues/1/comments"),
            ("milestones.json", "/repos/acme/app/milestones?state=all"),
            ("pr.json", "/repos/acme/app/pulls/2"),
            ("pulls.json", "/repos/acme/app/pulls?state=all"),
            ("pr_comments.json", "/repos/acme/app/pulls/5/comments"),
            ("releases.json", "/repos/acme/app/releases"),
            ("hooks.json", "/repos/acme/app/hooks"),
            ("branches.json", "/repos/acme/app/branches"),
            ("user.json", "/users/user-1"),
        ],
        // Recorded were a fork of an organization, a pull request among issues and an answer;
        // what firms organizations belong to is read of people alone.
        known: &[
            "/app.organization",
            "/app.parent",
            "/app.source",
            "/orgs/acme.company",
            "/issues/1.pull_request",
            "/comments.in_reply_to_id",
        ],
    })
    .await;
}

#[tokio::test]
async fn gitlab_sends_what_it_was_recorded_to_send() {
    check(&Product {
        host: "gitlab",
        adapter: "gitlab",
        folder: "go-scm-testdata/scm/driver/gitlab/testdata",
        api: "/api/v4",
        camel: false,
        pairs: &[
            ("repo.json", "/projects/acme%2Fapp"),
            ("group.json", "/groups/acme"),
            ("issues.json", "/projects/acme%2Fapp/issues"),
            ("issue_notes.json", "/projects/acme%2Fapp/issues/1/notes"),
            ("milestones.json", "/projects/acme%2Fapp/milestones"),
            ("merges.json", "/projects/acme%2Fapp/merge_requests"),
            ("merge_notes.json", "/projects/acme%2Fapp/merge_requests/2/notes"),
            ("releases.json", "/projects/acme%2Fapp/releases"),
            ("hooks.json", "/projects/acme%2Fapp/hooks"),
            ("branches.json", "/projects/acme%2Fapp/repository/branches"),
        ],
        // Recorded when notes told their authors' addresses to everybody.
        known: &["notes.author.created_at", "notes.author.email"],
    })
    .await;
}

#[tokio::test]
async fn gitea_sends_what_it_was_recorded_to_send() {
    check(&Product {
        host: "gitea",
        adapter: "gitea",
        folder: "gitea-1.15.11-live",
        api: "/api/v1",
        camel: false,
        pairs: &[
            ("GET_orgs%2Facme.json", "/orgs/acme"),
            ("GET_repos%2Facme%2Fwidget.json", "/repos/acme/app"),
            (
                "GET_repos%2Facme%2Fwidget%2Fissues%3Fstate=all.json",
                "/repos/acme/app/issues?state=all",
            ),
            (
                "GET_repos%2Facme%2Fwidget%2Fissues%2F1%2Fcomments.json",
                "/repos/acme/app/issues/1/comments",
            ),
            ("GET_repos%2Facme%2Fwidget%2Flabels.json", "/repos/acme/app/labels"),
            (
                "GET_repos%2Facme%2Fwidget%2Fmilestones%3Fstate=all.json",
                "/repos/acme/app/milestones?state=all",
            ),
            ("GET_repos%2Facme%2Fwidget%2Fpulls%2F2.json", "/repos/acme/app/pulls/2"),
            (
                "GET_repos%2Facme%2Fwidget%2Fpulls%3Fstate=all.json",
                "/repos/acme/app/pulls?state=all",
            ),
            (
                "GET_repos%2Facme%2Fwidget%2Fpulls%2F2%2Freviews.json",
                "/repos/acme/app/pulls/2/reviews",
            ),
            ("GET_repos%2Facme%2Fwidget%2Freleases.json", "/repos/acme/app/releases"),
            ("GET_settings%2Fapi.json", "/settings/api"),
            ("GET_user.json", "/user"),
            ("GET_version.json", "/version"),
        ],
        known: &[],
    })
    .await;
}

#[tokio::test]
async fn bitbucket_data_center_sends_what_it_was_recorded_to_send() {
    check(&Product {
        host: "bitbucket-server",
        adapter: "bitbucket_server",
        folder: "go-scm-testdata/scm/driver/stash/testdata",
        api: "/rest/api/latest/projects/acme/repos/app",
        camel: true,
        pairs: &[
            ("repo.json", ""),
            ("branches.json", "/branches"),
            ("tags.json", "/tags"),
            ("default_branch.json", "/default-branch"),
            ("pr.json", "/pull-requests/2"),
            ("prs.json", "/pull-requests?state=ALL"),
            ("webhooks.json", "/webhooks"),
        ],
        known: &[],
    })
    .await;
}

#[tokio::test]
async fn bitbucket_cloud_sends_what_it_was_recorded_to_send() {
    check(&Product {
        host: "bitbucket-cloud",
        adapter: "bitbucket_cloud",
        folder: "go-scm-testdata/scm/driver/bitbucket/testdata",
        api: "/2.0/repositories/acme/app",
        camel: false,
        pairs: &[
            ("repo.json", ""),
            ("branches.json", "/refs/branches"),
            ("branch.json", "/refs/branches/main"),
            ("pr.json", "/pullrequests/2"),
            ("prs.json", "/pullrequests?state=OPEN&state=MERGED"),
            ("prcomments.json", "/pullrequests/2/comments"),
            ("hooks.json", "/hooks"),
        ],
        // The descriptions forbid what recordings have beside a commit's id and in a text; commits
        // are told without what the fake would need Git for.
        known: &[
            ".links.source",
            ".target.author",
            ".target.date",
            ".target.parents",
            ".commit.links",
            ".commit.type",
            ".summary.type",
        ],
    })
    .await;
}
