//! Servers that take archives by themselves: what they are given, what they are asked, what came of it.

mod gitea;
mod github;
mod gitlab;
mod gitlab_groups;

use crate::bench::Bench;
use packhorse_core::{
    Access, HostErrorKind, Location, Object, ObjectKind, OpenContext, RepoKind, Scope, TargetId,
    model::{Organization, Project},
    port::{Delivered, HandOver, Handed, ImportStage, Names, Parcel, Part, Severity, Sums},
};
use packhorse_fakes::{
    BitbucketServer, Fake, Options,
    fault::{Fault, Faults, Planned},
};
use packhorse_hosts::handover::{self, Ways};
use packhorse_testkit::{
    description::Description,
    fake::misfits,
    git::{self, Shape},
    samples,
};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

const TOKEN: &str = Options::TOKEN;

/// An archive with one project and a change request.
async fn archive(directory: &Path, name: &str) -> PathBuf {
    let path = directory.join(name);
    let location: Location = format!("bitbucket-archive:{}", path.display()).parse().unwrap();
    let scratch = directory.join("scratch");
    let context = OpenContext { scratch, access: Access::Write, resume: false };
    let spec = &packhorse_archive::bitbucket_archive::SPEC;
    let sink = (spec.open)(&location, &context).unwrap().sink.unwrap();
    let scope = Scope::Project("acme/app".to_owned());
    sink.write(&scope, &samples::project_at("acme/app"), None).await.unwrap();
    let remote = sink.remote("acme/app", RepoKind::Code).await.unwrap().unwrap();
    let repository = remote.url.as_path().unwrap();
    git::repository(repository, &Shape::default()).await;
    let base = git::refs_of(repository).await.refs["refs/heads/main"].clone();
    let head = git::commit(repository, "main", "new.txt", "new\n").await;
    let mut request = samples::sample(ObjectKind::ChangeRequest, 1);
    if let Object::ChangeRequest(it) = &mut request.object {
        (it.base.commit, it.head.commit) = (Some(base), Some(head));
    }
    sink.write(&scope, &request, None).await.unwrap();
    sink.finish(&Scope::Shared).await.unwrap();
    path
}

/// A server, and the service that takes archives.
async fn server(has_directory: bool) -> (Fake, Arc<dyn HandOver>) {
    let fake = Fake::start(BitbucketServer, Options::default()).await.unwrap();
    let imports = fake.store(|it| it.imports());
    std::fs::create_dir_all(&imports).unwrap();
    let address = fake.url().replacen("://", &format!("://{TOKEN}@"), 1);
    let location: Location = format!("bitbucket-server:{address}").parse().unwrap();
    let ways = Ways { directory: has_directory.then_some(imports), address: None };
    let taking = handover::open(&location, &ways).unwrap().unwrap();
    (fake, taking)
}

/// Delivers an archive with everything.
/// An archive that names nobody, as it is handed over.
fn handed<'a>(project: Option<&'a str>, part: Part, archive: &'a Path) -> Handed<'a> {
    static NOBODY: Names = Names { users: BTreeSet::new(), teams: BTreeSet::new() };
    Handed { project, part, archive, is_stored: false, names: &NOBODY }
}

async fn delivered(taking: &dyn HandOver, archive: &Path) -> Delivered {
    taking.deliver(handed(None, Part::Whole, archive)).await.unwrap()
}

fn parcel(archive: &Delivered) -> Parcel {
    Parcel { project: None, archives: vec![archive.clone()], ..Parcel::default() }
}

fn sums(delivered: &Delivered) -> &Sums {
    delivered.sums.as_ref().unwrap()
}

/// Asks until a job has ended; the stages that it went through.
async fn watched(taking: &dyn HandOver, job: &TargetId) -> Vec<String> {
    let mut words = Vec::new();
    for _ in 0..20 {
        let found = taking.progress(job).await.unwrap();
        words.push(found.word);
        if found.stage != ImportStage::Running {
            return words;
        }
    }
    panic!("it does not end: {words:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_takes_an_archive_with_numbers_and_authors() {
    let directory = tempfile::tempdir().unwrap();
    let archive = archive(directory.path(), "one.tar").await;
    let (fake, taking) = server(true).await;
    assert_eq!(taking.wants().format, "bitbucket-archive");
    assert_eq!(taking.refuses("acme/app").await.unwrap(), None);

    let delivered = delivered(&*taking, &archive).await;
    let job = taking.begin(&parcel(&delivered)).await.unwrap();
    let words = watched(&*taking, &job).await;

    assert_eq!((delivered.name.as_str(), &delivered.to_do), ("one.tar", &None));
    assert_eq!(words, ["INITIALISING", "RUNNING", "COMPLETED"]);
    let found = fake.store(|store| {
        store.records(&Scope::Project("acme/app".into()), ObjectKind::ChangeRequest)
    });
    let Object::ChangeRequest(taken) = &found[0].object else { panic!("a change request") };
    let Object::ChangeRequest(sent) = samples::object(ObjectKind::ChangeRequest, 1) else {
        panic!("a change request")
    };
    assert_eq!(
        (taken.number, taken.author.as_ref().map(|it| &it.login)),
        (5, sent.author.as_ref().map(|it| &it.login))
    );
    assert_eq!(taken.created_at.map(|it| it.instant()), sent.created_at.map(|it| it.instant()));
    let repository = fake.repository("acme/app", RepoKind::Code);
    assert!(git::refs_of(&repository).await.refs.contains_key("refs/heads/main"));
    // What it was asked is what the server's description says that it takes.
    if let Some(published) = Description::published("bitbucket-dc-9.2.migration-only.json") {
        let mut log = fake.take_log();
        log.retain(|it| it.target.contains("/migration/"));
        assert!(!log.is_empty());
        // The description has the newest version of the API alone.
        log.iter_mut().for_each(|it| it.target = it.target.replace("/1.0/", "/latest/"));
        let found = misfits(&published.at("/rest"), &log, &[]);
        assert_eq!(found, Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_taken_is_refused_beforehand_and_told_afterwards() {
    let directory = tempfile::tempdir().unwrap();
    let archive = archive(directory.path(), "one.tar").await;
    let (fake, taking) = server(true).await;
    let there =
        Project { path: "acme/other".to_owned(), name: "other".to_owned(), ..Project::default() };
    let owner = Organization { path: "acme".to_owned(), ..Organization::default() };
    fake.fill([
        (Scope::Shared, packhorse_core::Record::new("acme", Object::from(owner))),
        (Scope::Shared, packhorse_core::Record::new("acme/other", Object::from(there))),
    ]);

    let why = taking.refuses("acme/app").await.unwrap();
    let delivered = delivered(&*taking, &archive).await;
    let job = taking.begin(&parcel(&delivered)).await.unwrap();
    watched(&*taking, &job).await;
    let told = taking.messages(&job, 0).await.unwrap();

    assert!(why.is_some_and(|it| it.contains("another key")));
    let warned = told.messages.iter().find(|it| it.severity == Severity::Warning).unwrap();
    assert!(warned.text.contains("acme_1"), "{warned:?}");
    assert_eq!(told.next, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_import_is_taken_at_a_time_and_can_be_stopped() {
    let directory = tempfile::tempdir().unwrap();
    let archive = archive(directory.path(), "one.tar").await;
    let (_fake, taking) = server(true).await;
    let delivered = delivered(&*taking, &archive).await;

    let job = taking.begin(&parcel(&delivered)).await.unwrap();
    let second = taking.begin(&parcel(&delivered)).await.unwrap_err();
    taking.cancel(&job).await.unwrap();
    let words = watched(&*taking, &job).await;
    taking.cancel(&job).await.unwrap();

    assert_eq!(second.kind, HostErrorKind::Unavailable);
    assert_eq!(words, ["CANCELING", "CANCELED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_archive_fails_in_the_servers_words() {
    let directory = tempfile::tempdir().unwrap();
    let archive = directory.path().join("no.tar");
    std::fs::write(&archive, "no archive").unwrap();
    let (_fake, taking) = server(true).await;

    let delivered = delivered(&*taking, &archive).await;
    let job = taking.begin(&parcel(&delivered)).await.unwrap();
    let words = watched(&*taking, &job).await;
    let told = taking.messages(&job, 0).await.unwrap();

    assert_eq!(words.last().unwrap(), "ABORTED");
    assert_eq!(told.messages[0].severity, Severity::Error);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_servers_directory_somebody_is_told_what_to_copy() {
    let directory = tempfile::tempdir().unwrap();
    let archive = archive(directory.path(), "one.tar").await;
    let (_fake, taking) = server(false).await;

    let delivered = delivered(&*taking, &archive).await;
    let begun = taking.begin(&parcel(&delivered)).await;

    let to_do = delivered.to_do.clone().unwrap();
    assert!(to_do.contains("data/migration/import/one.tar"), "{to_do}");
    assert!(to_do.contains(&sums(&delivered).md5) && to_do.contains(&sums(&delivered).sha256));
    // It is not there yet.
    assert_eq!(begun.unwrap_err().kind, HostErrorKind::Rejected);
}

/// A bench whose store holds a project, and a server that takes archives.
async fn bench() -> (Bench, Fake, String) {
    let bench = Bench::new();
    let made = archive(&bench.path(""), "one.tar").await;
    bench.ok("import bitbucket-archive:one.tar local:one");
    std::fs::remove_file(made).unwrap();
    let (fake, _) = server(true).await;
    let imports = fake.store(|it| it.imports());
    let address = fake.url().replacen("://", &format!("://{TOKEN}@"), 1);
    let words = format!("bitbucket-server:{address} --import-directory {}", imports.display());
    (bench, fake, words)
}

fn jobs(fake: &Fake) -> usize {
    fake.store(|store| store.aside.keys().filter(|it| it.starts_with("import/")).count())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_by_an_archive_and_is_held_against_it() {
    let (bench, fake, to) = bench().await;
    let command = format!("migrate local:one {to} --via auto");

    let told = bench.run(&command);

    assert_eq!(told.status, Some(0), "{told}");
    assert!(told.stderr.contains("by archive: it keeps authors"), "{told}");
    assert!(told.stderr.contains("SHA-256") && told.stderr.contains("import completed"), "{told}");
    let projects = fake.store(|store| store.project("acme/app").is_some());
    assert!(projects && jobs(&fake) == 1);
    // What it was made of is gone, and what is there now is not imported once more.
    assert_eq!(std::fs::read_dir(bench.path(".packhorse/handovers")).unwrap().count(), 0);
    let again = bench.run(&command.replace("auto", "archive"));
    assert_eq!(again.status, Some(1), "{again}");
    assert!(again.stderr.contains("another key"), "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_may_have_begun_is_not_begun_again() {
    let (bench, fake, to) = bench().await;
    let command = format!("migrate local:one {to} --via archive");
    let lost = Planned {
        method: "POST".to_owned(),
        path: "/migration/imports".to_owned(),
        after: 0,
        times: 1,
        fault: Fault::LostAnswer,
    };
    fake.set_faults(Faults { planned: vec![lost], ..Faults::default() });

    let first = bench.run(&command);
    let second = bench.run(&command);

    assert_eq!((first.status, second.status), (Some(1), Some(1)), "{first}\n{second}");
    assert!(second.stderr.contains("the answer was lost"), "{second}");
    let directory = std::fs::read_dir(bench.path(".packhorse/handovers")).unwrap().next();
    let file = directory.unwrap().unwrap().path().join("state.json");
    let mut state: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    state["cargos"][0]["job"] = "1".into();
    std::fs::write(&file, state.to_string()).unwrap();
    // By the number of the job that made the archive it goes on watching, too: without the token,
    // which stands in no journal, it is told so.
    let resumed = bench.run(&format!("resume {}", state["cargos"][0]["pieces"][0]["carried"]));
    assert!(resumed.stderr.contains("/migration/imports/1`"), "{resumed}");
    let third = bench.run(&command);
    assert_eq!(third.status, Some(0), "{third}");
    assert_eq!(jobs(&fake), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_directory_is_named_the_archive_waits_until_somebody_has_copied_it() {
    let (bench, fake, to) = bench().await;
    let (to, imports) = to.split_once(" --import-directory ").unwrap();
    let command = format!("migrate local:one {to} --via archive");

    let told = bench.run(&command);
    let early = bench.run(&command);

    assert!(told.stderr.contains("data/migration/import/Packhorse_"), "{told}");
    assert_eq!(early.status, Some(1), "{early}");
    let directory = std::fs::read_dir(bench.path(".packhorse/handovers")).unwrap().next();
    let directory = directory.unwrap().unwrap().path();
    let files = std::fs::read_dir(directory).unwrap().flatten().map(|it| it.path());
    let file = files.into_iter().find(|it| it.extension().is_some_and(|it| it == "tar")).unwrap();
    std::fs::copy(&file, Path::new(imports).join(file.file_name().unwrap())).unwrap();
    let done = bench.run(&command);
    assert_eq!(done.status, Some(0), "{done}");
    assert_eq!(jobs(&fake), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_importing_something_else_is_asked_again_later() {
    let (bench, fake, to) = bench().await;
    let running = serde_json::json!({"state": "RUNNING", "file": "", "messages": []});
    fake.store(|store| store.aside.insert("import/7".to_owned(), running));
    let command = format!("migrate local:one {to} --via archive");

    let busy = bench.run(&command);
    fake.store(|store| store.aside.clear());
    let done = bench.run(&command);

    assert_eq!(busy.status, Some(1), "{busy}");
    assert!(busy.stderr.contains("503"), "{busy}");
    assert_eq!(done.status, Some(0), "{done}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_no_archives_is_told() {
    let (bench, ..) = bench().await;

    let refused = bench.run("migrate local:one local:two --via archive");
    let by_api = bench.run("migrate local:one local:two --via auto");

    assert_eq!(refused.status, Some(2), "{refused}");
    assert!(refused.stderr.contains("no archives are handed over"), "{refused}");
    assert_eq!(by_api.status, Some(0), "{by_api}");
}
