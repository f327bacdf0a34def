//! GitHub's importer, and a GitHub of one's own.

use super::TOKEN;
use crate::bench::Bench;
use packhorse_core::{
    RepoKind, Scope,
    model::{Issue, Project, User, Visibility},
    port::{HandOver, ImportStage, Parcel, Part, Sought},
};
use packhorse_fakes::{
    Fake, Github, Gitlab, Options,
    fault::{Fault, Faults, Planned},
    sample,
};
use packhorse_hosts::handover::{self, Ways};
use packhorse_testkit::bucket::Bucket;
use serde_json::json;
use std::{path::Path, sync::Arc};

const ROCKET: &str = "acme/rocket";

fn with_token(fake: &Fake) -> String {
    fake.url().replacen("://", &format!("://{TOKEN}@"), 1)
}

/// The fake as api.github.com is: its API at the root.
fn public(fake: &Fake) -> String {
    format!("github:{}?api={1}&uploads={1}", with_token(fake), fake.url())
}

/// A small organization at a GitLab, and a GitHub where its people have accounts.
async fn ends() -> (Bench, Fake, Fake) {
    let (from, to) = (
        Fake::start(Gitlab, Options::default()).await.unwrap(),
        Fake::start(Github, Options::default()).await.unwrap(),
    );
    sample::fill(&from).await.unwrap();
    sample::invite(&from, &to);
    (Bench::new(), from, to)
}

fn migrations(fake: &Fake) -> usize {
    fake.store(|store| store.aside.keys().filter(|it| it.starts_with("migration/")).count())
}

fn issues(fake: &Fake) -> Vec<(u64, Option<String>)> {
    let scope = Scope::Project(ROCKET.to_owned());
    let mut issues = fake.store(|store| {
        let all = store.all::<Issue>(&scope).map(|(_, it)| it.clone());
        all.map(|it| (it.number, it.author.map(|it| it.login))).collect::<Vec<_>>()
    });
    issues.sort();
    issues
}

#[tokio::test(flavor = "multi_thread")]
async fn each_repository_goes_as_two_archives_and_what_the_log_says_is_in_the_report() {
    let (bench, from, to) = ends().await;
    to.store(|store| {
        let telling = json!(["INFO -- Migration started", "WARN -- a picture was left out"]);
        store.aside.insert("telling".to_owned(), telling);
    });

    let told =
        bench.run(&format!("migrate gitlab:{} {} --via auto", with_token(&from), public(&to)));

    assert_eq!(told.status, Some(0), "{told}");
    assert!(told.stderr.contains("by archive: it keeps authors, times"), "{told}");
    assert!(told.stderr.contains("warning: import: a picture was left out"), "{told}");
    assert!(!told.stderr.contains(TOKEN) && !told.stdout.contains(TOKEN), "{told}");
    assert_eq!(migrations(&to), 2);
    assert_eq!(issues(&to), issues(&from));
    let refs = to.store(|store| store.refs(ROCKET, RepoKind::Code));
    assert!(refs.contains_key("refs/heads/main"), "{refs:?}");
    // Each is seen by those who saw it, and by nobody else.
    for project in [ROCKET, sample::HANDBOOK] {
        let seen =
            |fake: &Fake| fake.store(|it| it.project(project).map(|(_, it, _)| it.visibility));
        assert_eq!(seen(&to), seen(&from), "{project}");
    }
    let is_public = |it: Option<(_, &Project, _)>| it.unwrap().1.visibility == Visibility::Public;
    assert!(
        to.store(|it| is_public(it.project(ROCKET)) != is_public(it.project(sample::HANDBOOK)))
    );
    assert!(!told.stdout.contains("open it by hand"), "{told}");
    let jobs: serde_json::Value = serde_json::from_str(&bench.ok("status --json")).unwrap();
    let jobs = jobs.as_array().unwrap();
    let is_of =
        |it: &&serde_json::Value| it["spec"]["to"].as_str().unwrap().contains("-0-records.tar.gz");
    let job = jobs.iter().find(is_of).unwrap()["id"].to_string();
    let report = bench.ok(&format!("report {job}"));
    assert!(report.contains("a picture was left out"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_whose_answer_was_lost_is_found_and_not_begun_again() {
    let (bench, from, to) = ends().await;
    let source = with_token(&from);
    let command =
        format!("migrate gitlab:{source} {} --via archive --project {ROCKET}", public(&to));
    // The requests over GraphQL before it: none but the one that says where archives come from.
    let lost = Planned {
        method: "POST".to_owned(),
        path: "/graphql".to_owned(),
        after: 1,
        times: 1,
        fault: Fault::LostAnswer,
    };
    to.set_faults(Faults { planned: vec![lost], ..Faults::default() });

    let first = bench.run(&command);
    let begun = migrations(&to);
    let second = bench.run(&command);

    assert_eq!((first.status, begun), (Some(1), 1), "{first}");
    assert_eq!(second.status, Some(0), "{second}");
    assert_eq!(migrations(&to), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn archives_lie_in_a_store_of_ones_own_until_the_migration_has_ended() {
    let bucket = Bucket::start("acme").unwrap();
    let (bench, from, to) = ends().await;
    let token = ("CLOUD_TOKEN".to_owned(), TOKEN.to_owned());
    let bench = bench.with_variables(bucket.variables().into_iter().chain([token]));
    let config = format!(
        "[hosts.cloud]\ntype = \"github\"\ntoken = {{ env = \"CLOUD_TOKEN\" }}\n\
         url = \"{0}?api={0}&uploads={0}\"\narchives = \"{1}\"\n",
        to.url(),
        bucket.address("team")
    );
    std::fs::write(bench.path("packhorse.toml"), config).unwrap();

    let source = with_token(&from);
    let told =
        bench.run(&format!("migrate gitlab:{source} cloud --via archive --project {ROCKET}"));

    assert_eq!(told.status, Some(0), "{told}");
    assert_eq!(issues(&to), issues(&from));
    assert_eq!(bucket.keys(), Vec::<String>::new());
    let log = bucket.take_log();
    let n_asked = |method: &str| log.iter().filter(|it| it.starts_with(method)).count();
    assert_eq!((n_asked("PUT "), n_asked("GET "), n_asked("DELETE ")), (2, 2, 2), "{log:?}");
    // What opens an archive is in no output, and nothing went into the importer's own storage.
    assert!(!told.stdout.contains("X-Amz-") && !told.stderr.contains("X-Amz-"), "{told}");
    assert!(to.take_log().iter().all(|it| !it.target.contains("/gei/archive")));
}

fn taking(fake: &Fake) -> Arc<dyn HandOver> {
    let location = public(fake).parse().unwrap();
    handover::open(&location, &Ways::default()).unwrap().unwrap()
}

async fn handed(taking: &dyn HandOver, file: &Path) -> Parcel {
    let mut archives = Vec::new();
    for part in [Part::Git, Part::Records] {
        archives.push(taking.deliver(super::handed(Some("acme/new"), part, file)).await.unwrap());
    }
    Parcel { project: Some("acme/new".to_owned()), archives, ..Parcel::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_archive_goes_in_parts() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("large.tar.gz");
    let size = (100 << 20) + 5;
    std::fs::File::create(&file).unwrap().set_len(size).unwrap();
    let (_bench, _from, to) = ends().await;
    let taking = taking(&to);

    let delivered = taking.deliver(super::handed(Some(ROCKET), Part::Git, &file)).await.unwrap();

    let guid = delivered.name.strip_prefix("gei://archive/").unwrap();
    let stored = to.store(|store| store.aside[&format!("gei/{guid}")].clone());
    assert_eq!(stored, json!({ "size": size, "received": size }));
    let methods: Vec<_> = to.take_log().into_iter().map(|it| it.method).collect();
    assert_eq!(methods, ["GET", "POST", "PATCH", "PATCH", "PUT"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_is_stopped_and_one_that_failed_is_no_reason_not_to_try_again() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("no.tar.gz");
    std::fs::write(&file, "no archive").unwrap();
    let (_bench, _from, to) = ends().await;
    let taking = taking(&to);

    let parcel = handed(&*taking, &file).await;
    let first = taking.begin(&parcel).await.unwrap();
    let found = taking.find(&parcel).await.unwrap();
    taking.cancel(&first).await.unwrap();
    let stopped = taking.progress(&first).await.unwrap();
    taking.cancel(&first).await.unwrap();
    let again = taking.find(&parcel).await.unwrap();
    let second = taking.begin(&parcel).await.unwrap();
    super::watched(&*taking, &second).await;
    let told = taking.messages(&second, 0).await.unwrap().messages;

    assert_eq!((found, again), (Sought::Begun(first), Sought::NotBegun));
    assert_eq!(stopped.stage, ImportStage::Failed);
    assert!(!told[0].text.is_empty(), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_github_of_ones_own_is_told_in_commands() {
    let (bench, from, to) = ends().await;
    let (source, target) = (with_token(&from), with_token(&to));
    to.store(|store| {
        let bob = store.known_user("bob").unwrap().0;
        store.remove::<User>(&Scope::Shared, bob);
    });
    let command =
        format!("migrate gitlab:{source} github:{target} --via archive --project {ROCKET}");

    let told = bench.run(&command);
    let again = bench.run(&command);

    assert_eq!((told.status, again.status), (Some(4), Some(4)), "{told}\n{again}");
    for words in ["ghe-migrator prepare /home/admin/Packhorse_", "ghe-migrator unlock -g GUID"] {
        assert!(told.stderr.contains(words) && again.stderr.contains(words), "{told}");
    }
    let directory = std::fs::read_dir(bench.path(".packhorse/handovers")).unwrap().next();
    let files = std::fs::read_dir(directory.unwrap().unwrap().path()).unwrap().flatten();
    let map = files.map(|it| it.path()).find(|it| it.extension().is_some_and(|it| it == "csv"));
    let map = std::fs::read_to_string(map.unwrap()).unwrap();
    let to_there = |path: &str| format!("https://github.com/{path},{}/{path}", to.url());
    for (model, path, action) in [
        ("organization", "acme", "map"),
        ("repository", ROCKET, "import"),
        // They have accounts there, but for one who has none.
        ("user", "alice", "map"),
        ("user", "bob", "import"),
    ] {
        let row = format!("\n{model},{},{action}\n", to_there(path));
        assert!(map.contains(&row), "{row} in {map}");
    }
    let projects = to.store(|store| store.all::<Project>(&Scope::Shared).count());
    assert_eq!(projects, 0);
}
