//! GitLab's import of projects: an archive each.

use super::TOKEN;
use crate::bench::Bench;
use packhorse_core::{
    HostErrorKind, Object, ObjectKind, RepoKind, Scope,
    model::{Issue, Project, ReleaseAsset, Webhook},
    port::{HandOver, ImportStage, Parcel, Part, Sought},
};
use packhorse_fakes::{
    Exchange, Fake, Github, Gitlab, Options,
    fault::{Fault, Faults, Planned},
    sample,
};
use packhorse_hosts::handover::{self, Ways};
use packhorse_testkit::{bucket::Bucket, description::Description, fake::misfits};
use serde_json::json;
use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    path::{Path, PathBuf},
    sync::Arc,
};

const ROCKET: &str = "acme/rocket";

fn location(kind: &str, fake: &Fake) -> String {
    format!("{kind}:{}", fake.url().replacen("://", &format!("://{TOKEN}@"), 1))
}

/// A small organization at a GitHub, and a GitLab where its people have accounts.
async fn ends() -> (Bench, Fake, Fake, String) {
    let (from, to) = (
        Fake::start(Github, Options::default()).await.unwrap(),
        Fake::start(Gitlab, Options::default()).await.unwrap(),
    );
    sample::fill(&from).await.unwrap();
    sample::invite(&from, &to);
    let words = format!("migrate {} {}", location("github", &from), location("gitlab", &to));
    (Bench::new(), from, to, words)
}

fn imports(fake: &Fake) -> usize {
    fake.store(|store| store.aside.keys().filter(|it| it.starts_with("import/")).count())
}

fn projects(fake: &Fake) -> Vec<String> {
    fake.store(|store| {
        let all = store.all::<Project>(&Scope::Shared);
        all.map(|(_, it)| it.path.clone()).collect()
    })
}

fn issues(fake: &Fake) -> Vec<Issue> {
    let scope = Scope::Project(ROCKET.to_owned());
    fake.store(|store| store.all::<Issue>(&scope).map(|(_, it)| it.clone()).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_project_goes_by_an_archive_with_numbers_authors_and_times() {
    let (bench, from, to, words) = ends().await;

    let told = bench.run(&format!("{words} --via auto"));

    assert_eq!(told.status, Some(0), "{told}");
    assert!(told.stderr.contains("by archive: it keeps"), "{told}");
    let all = projects(&from);
    assert!(all.len() > 1 && imports(&to) == all.len(), "{all:?}");
    let (sent, found) = (issues(&from), issues(&to));
    let facts = |it: &Issue| {
        let author = it.author.as_ref().map(|it| it.login.clone());
        (it.number, author, it.created_at.map(|it| it.instant()))
    };
    let mut expected: Vec<_> = sent.iter().map(facts).collect();
    let mut arrived: Vec<_> = found.iter().map(facts).collect();
    expected.sort();
    arrived.sort();
    assert!(!expected.is_empty());
    assert_eq!(arrived, expected);
    // What the archive has no place for came over the API.
    let scope = Scope::Project(ROCKET.to_owned());
    let hooks = |fake: &Fake| fake.store(|it| it.all::<Webhook>(&scope).count());
    assert_eq!((hooks(&to), hooks(&from) > 0), (hooks(&from), true));
    let files = |fake: &Fake| -> Vec<String> {
        fake.store(|it| it.all::<ReleaseAsset>(&scope).map(|(_, it)| it.name.clone()).collect())
    };
    assert_eq!((files(&to), files(&from).is_empty()), (files(&from), false));
    let refs = to.store(|store| store.refs(ROCKET, RepoKind::Code));
    assert!(refs.contains_key("refs/heads/main"), "{refs:?}");
    // Nothing is left beside the journal, and nothing is imported once more.
    assert_eq!(std::fs::read_dir(bench.path(".packhorse/handovers")).unwrap().count(), 0);
    if let Some(published) = Description::published("gitlab-openapi_v2.2026-07.trim.json") {
        let mut log = to.take_log();
        let is_import = |it: &str| it.contains("/import");
        log.retain(|it| is_import(&it.target));
        assert!(log.len() > 2 * all.len());
        assert_eq!(misfits(&published, &log, &[]), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_has_goes_over_the_api_and_the_rest_by_archives() {
    let (bench, from, to, words) = ends().await;
    let there =
        Project { path: ROCKET.to_owned(), name: "rocket".to_owned(), ..Project::default() };
    to.fill([(Scope::Shared, packhorse_core::Record::new(ROCKET, Object::from(there)))]);

    let refused = bench.run(&format!("{words} --via archive"));
    let plan = words.replacen("migrate", "plan", 1);
    let planned = bench.run(&format!("{plan} --via auto"));

    assert_eq!(refused.status, Some(1), "{refused}");
    assert!(refused.stderr.contains("imports only what is new"), "{refused}");
    let way = |project: &str, by: &str| format!("{project}: by {by}: ");
    assert!(planned.stdout.contains(&way(ROCKET, "api")), "{planned}");
    assert!(planned.stdout.contains(&way("acme/handbook", "archive")), "{planned}");
    assert_eq!((imports(&to), projects(&from).len()), (0, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_whose_answer_was_lost_is_found_and_not_begun_again() {
    let (bench, from, to, words) = ends().await;
    let command = format!("{words} --via archive");
    let lost = Planned {
        method: "POST".to_owned(),
        path: "/projects/import".to_owned(),
        after: 0,
        times: 1,
        fault: Fault::LostAnswer,
    };
    to.set_faults(Faults { planned: vec![lost], ..Faults::default() });

    let first = bench.run(&command);
    let second = bench.run(&command);

    assert_eq!(first.status, Some(1), "{first}");
    assert_eq!(second.status, Some(0), "{second}");
    assert_eq!(imports(&to), projects(&from).len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_could_not_import_is_in_the_report_and_brought_where_it_has_a_name() {
    let (bench, _from, to, words) = ends().await;
    to.store(|store| {
        let failed = serde_json::json!([{
            "id": "1", "created_at": "2026-01-01T00:00:00Z", "exception_class": "RuntimeError",
            "source": "process_relation_item!", "exception_message": "color is invalid",
            "relation_name": "labels", "line_number": 1,
        }]);
        store.aside.insert("failing".to_owned(), failed);
    });

    let told = bench.run(&format!("{words} --project {ROCKET} --via archive"));

    assert_eq!(told.status, Some(0), "{told}");
    assert!(told.stderr.contains("error: labels: color is invalid"), "{told}");
    let jobs: serde_json::Value = serde_json::from_str(&bench.ok("status --json")).unwrap();
    let jobs: Vec<_> = jobs.as_array().unwrap().iter().collect();
    let of_archive =
        |it: &&&serde_json::Value| it["spec"]["to"].as_str().unwrap().contains("archive");
    let job = jobs.iter().find(of_archive).unwrap()["id"].to_string();
    let report = bench.ok(&format!("report {job}"));
    assert!(report.contains("color is invalid"), "{report}");
    let csv = bench.ok(&format!("report {job} --format csv"));
    assert!(csv.contains("color is invalid"), "{csv}");
    let strict = bench.run(&format!("{words} --project {ROCKET} --via archive --strict"));
    assert_eq!(strict.status, Some(1), "it is there already: {strict}");
    let labels = to
        .store(|store| store.records(&Scope::Project(ROCKET.to_owned()), ObjectKind::Label).len());
    assert!(labels > 0, "the API has brought what the import failed at");
}

/// A server of a directory's files, for as long as the test runs; its address.
fn served(directory: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let head = lines.next().unwrap_or_default();
            lines.take_while(|it| !it.is_empty()).for_each(drop);
            let name = head.split_whitespace().nth(1).unwrap_or_default();
            let bytes = std::fs::read(directory.join(name.trim_start_matches('/'))).unwrap();
            (&stream)
                .write_all(b"HTTP/1.0 200 OK\r\nContent-Type: application/gzip\r\n\r\n")
                .unwrap();
            (&stream).write_all(&bytes).unwrap();
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_fetches_archives_from_where_it_is_told_that_they_lie() {
    let (bench, from, to, words) = ends().await;
    let directory = bench.path("imports");
    std::fs::create_dir(&directory).unwrap();
    let address = served(directory.clone());
    let way = format!("--import-directory {} --import-address {address}/", directory.display());

    let told = bench.run(&format!("{words} --via archive --project {ROCKET} {way}"));

    assert_eq!(told.status, Some(0), "{told}");
    let asked =
        to.take_log().into_iter().filter(|it| it.target.ends_with("/remote-import")).count();
    assert_eq!((asked, imports(&to)), (1, 1));
    assert_eq!(issues(&to).len(), issues(&from).len());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_fetches_archives_out_of_a_bucket_by_a_key_that_it_is_told() {
    let bucket = Bucket::start("acme").unwrap();
    let (bench, from, to, _) = ends().await;
    to.store(|store| store.aside.insert("s3".to_owned(), json!(bucket.endpoint())));
    let own = [("CLOUD_TOKEN", TOKEN), ("READING_KEY", Bucket::SECRET)];
    let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let bench = bench.with_variables(bucket.variables().into_iter().chain(own));
    let host = format!(
        "[hosts.cloud]\ntype = \"gitlab\"\nurl = \"{}\"\ntoken = {{ env = \"CLOUD_TOKEN\" }}\n\
         archives = \"{}\"\n",
        to.url(),
        bucket.address("team")
    );
    let key = format!(
        "archives-key = {{ id = \"{}\", secret = {{ env = \"READING_KEY\" }}, region = \"eu-central-1\" }}",
        Bucket::KEY
    );
    let command =
        format!("migrate {} cloud --via archive --project {ROCKET}", location("github", &from));

    std::fs::write(bench.path("packhorse.toml"), &host).unwrap();
    let without = bench.run(&command);
    std::fs::write(bench.path("packhorse.toml"), format!("{host}{key}\n")).unwrap();
    let told = bench.run(&command);

    assert_eq!(without.status, Some(2), "{without}");
    assert!(without.stderr.contains("archives-key"), "{without}");
    assert_eq!(told.status, Some(0), "{told}");
    assert_eq!(issues(&to).len(), issues(&from).len());
    let asked = |it: &&Exchange| it.target.ends_with("/remote-import-s3");
    assert_eq!(to.take_log().iter().filter(asked).count(), 1);
    assert_eq!(bucket.keys(), Vec::<String>::new());
    assert!(!format!("{told}").contains(Bucket::SECRET), "{told}");
    let kept = std::fs::read_dir(bench.path(".packhorse")).unwrap();
    for file in kept.map(|it| it.unwrap().path()).filter(|it| it.is_file()) {
        let bytes = std::fs::read(&file).unwrap();
        let secret = Bucket::SECRET.as_bytes();
        assert!(!bytes.windows(secret.len()).any(|it| it == secret), "{}", file.display());
    }
}

/// The server as one that takes archives, over a token that administers.
fn taking(fake: &Fake) -> Arc<dyn HandOver> {
    let location = location("gitlab", fake).parse().unwrap();
    handover::open(&location, &Ways::default()).unwrap().unwrap()
}

async fn handed(taking: &dyn HandOver, file: &Path, project: &str) -> Parcel {
    let delivered = taking.deliver(super::handed(Some(project), Part::Whole, file)).await.unwrap();
    Parcel { project: Some(project.to_owned()), archives: vec![delivered], ..Parcel::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_archive_fails_in_the_servers_words() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("no.tar.gz");
    std::fs::write(&file, "no archive").unwrap();
    let fake = Fake::start(Gitlab, Options::default()).await.unwrap();
    let taking = taking(&fake);

    let parcel = handed(&*taking, &file, "alice/app").await;
    let before = taking.find(&parcel).await.unwrap();
    let job = taking.begin(&parcel).await.unwrap();
    let after = taking.find(&parcel).await.unwrap();
    let words = super::watched(&*taking, &job).await;
    let told = taking.messages(&job, 0).await.unwrap().messages;
    let stopped = taking.cancel(&job).await.unwrap_err();

    assert_eq!((before, after), (Sought::NotBegun, Sought::Begun(job.clone())));
    assert_eq!(words, ["started", "failed"]);
    assert_eq!(taking.progress(&job).await.unwrap().stage, ImportStage::Failed);
    assert!(!told[0].text.is_empty());
    assert_eq!(stopped.kind, HostErrorKind::Unsupported);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_larger_than_the_server_takes_is_not_sent() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("large.tar.gz");
    std::fs::File::create(&file).unwrap().set_len((64 << 20) + 1).unwrap();
    let fake = Fake::start(Gitlab, Options::default()).await.unwrap();
    let taking = taking(&fake);

    let refused =
        taking.deliver(super::handed(Some("alice/app"), Part::Whole, &file)).await.unwrap_err();

    assert_eq!(refused.kind, HostErrorKind::Rejected);
    assert!(refused.to_string().contains("limit `67108864`"), "{refused}");
    let sent = fake.take_log().into_iter().filter(|it| it.method == "POST").count();
    assert_eq!(sent, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_not_there_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("one.tar.gz");
    std::fs::write(&file, "x").unwrap();
    let fake = Fake::start(Gitlab, Options::default()).await.unwrap();
    let taking = taking(&fake);

    let parcel = handed(&*taking, &file, "nobody/app").await;
    let refused = taking.begin(&parcel).await.unwrap_err();

    assert!(refused.to_string().contains("group `nobody`"), "{refused}");
    assert_eq!(taking.find(&parcel).await.unwrap(), Sought::NotBegun);
}
