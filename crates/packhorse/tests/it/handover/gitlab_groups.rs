//! Groups that GitLab makes of archives of them, before their projects come.

use super::TOKEN;
use crate::bench::Bench;
use packhorse_core::{
    Object, ObjectKind, Record, RepoKind, Scope,
    model::{
        Grantee, Identity, Issue, Label, Member, Milestone, Organization, Place, Role, Visibility,
    },
};
use packhorse_fakes::{
    Fake, Gitlab, Options,
    fault::{Fault, Faults, Planned},
    sample,
};
use packhorse_testkit::{
    description::Description,
    fake::misfits,
    git::{self, Shape},
};
use serde_json::json;

const ROCKET: &str = "acme/rocket";

fn location(fake: &Fake) -> String {
    format!("gitlab:{}", fake.url().replacen("://", &format!("://{TOKEN}@"), 1))
}

fn in_group(group: &str, id: &str, object: Object) -> (Scope, Record) {
    (Scope::Project(group.to_owned()), Record::new(id, object))
}

/// The sample at a GitLab, with labels, milestones and people of two groups, and a GitLab that knows
/// the people alone.
async fn ends() -> (Bench, Fake, Fake, String) {
    let (from, to) = (
        Fake::start(Gitlab, Options::default()).await.unwrap(),
        Fake::start(Gitlab, Options::default()).await.unwrap(),
    );
    sample::fill(&from).await.unwrap();
    let below = Organization {
        path: "acme/parts".to_owned(),
        name: Some("Parts".to_owned()),
        visibility: Some(Visibility::Private),
        ..Organization::default()
    };
    let label = |name: &str| {
        let color = Some("00ff00".to_owned());
        Object::from(Label { name: name.to_owned(), color, ..Label::default() })
    };
    let milestone = Milestone { number: 1, title: "Moon".to_owned(), ..Milestone::default() };
    let role = Member {
        place: Place::Organization("acme/parts".to_owned()),
        grantee: Grantee::User(Identity::login("bob", None)),
        role: Role::Write,
        ..Member::default()
    };
    let project = packhorse_core::model::Project {
        path: "acme/parts/bolt".to_owned(),
        name: "bolt".to_owned(),
        ..packhorse_core::model::Project::default()
    };
    from.fill([
        (Scope::Shared, Record::new("acme/parts", Object::from(below))),
        (Scope::Shared, Record::new("organization:acme/parts/bob", Object::from(role))),
        (Scope::Shared, Record::new("acme/parts/bolt", Object::from(project))),
        in_group("acme", "everywhere", label("everywhere")),
        in_group("acme/parts", "of-parts", label("of-parts")),
        in_group("acme", "1", Object::from(milestone)),
    ]);
    git::repository(&from.repository("acme/parts/bolt", RepoKind::Code), &Shape::default()).await;
    let people = from.store(|store| store.records(&Scope::Shared, ObjectKind::User));
    to.fill(people.into_iter().map(|it| (Scope::Shared, it)));
    let ends = format!("{} {}", location(&from), location(&to));
    let words = format!("migrate {ends} --via archive");
    (Bench::new(), from, to, words)
}

fn labels(fake: &Fake, of: &str) -> Vec<String> {
    let scope = Scope::Project(of.to_owned());
    let mut names: Vec<String> =
        fake.store(|store| store.all::<Label>(&scope).map(|(_, it)| it.name.clone()).collect());
    names.sort();
    names
}

fn group(fake: &Fake, path: &str) -> Organization {
    let is = |it: &Organization| it.path == path;
    fake.store(|store| store.find::<Organization>(&Scope::Shared, is).unwrap().1.clone())
}

fn imports(fake: &Fake) -> usize {
    fake.store(|store| store.aside.keys().filter(|it| it.starts_with("group-import/")).count())
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_come_with_their_labels_milestones_and_people() {
    let (bench, from, to, words) = ends().await;

    let told = bench.run(&words);

    assert_eq!(told.status, Some(0), "{told}");
    assert_eq!(imports(&to), 1);
    assert_eq!(labels(&to, "acme"), ["everywhere"]);
    assert_eq!(labels(&to, "acme/parts"), ["of-parts"]);
    // What is the group's is not the project's once more.
    assert_eq!(labels(&to, "acme/parts/bolt"), Vec::<String>::new());
    assert!(!labels(&to, ROCKET).contains(&"everywhere".to_owned()));
    let scope = Scope::Project("acme".to_owned());
    let titles: Vec<String> =
        to.store(|store| store.all::<Milestone>(&scope).map(|(_, it)| it.title.clone()).collect());
    assert_eq!(titles, ["Moon"]);
    for path in ["acme", "acme/parts"] {
        let (sent, found) = (group(&from, path), group(&to, path));
        assert_eq!(
            (found.name, found.description.unwrap_or_default(), found.visibility),
            (sent.name, sent.description.unwrap_or_default(), sent.visibility),
            "{path}"
        );
    }
    let is_bob = |it: &Member| {
        it.place == Place::Organization("acme/parts".to_owned())
            && matches!(&it.grantee, Grantee::User(who) if who.login == "bob")
    };
    let role =
        to.store(|store| store.find::<Member>(&Scope::Shared, is_bob).map(|(_, it)| it.role));
    assert_eq!(role, Some(Role::Write));
    let n_issues =
        |fake: &Fake| fake.store(|it| it.all::<Issue>(&Scope::Project(ROCKET.to_owned())).count());
    assert_eq!(n_issues(&to), n_issues(&from));
    assert_eq!(std::fs::read_dir(bench.path(".packhorse/handovers")).unwrap().count(), 0);
    if let Some(published) = Description::published("gitlab-openapi_v2.2026-07.trim.json") {
        let mut log = to.take_log();
        log.retain(|it| it.target.contains("/groups/import"));
        assert_eq!(log.len(), 1);
        assert_eq!(misfits(&published, &log, &[]), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_import_of_a_group_leaves_out_is_told_and_comes_with_the_projects() {
    let (bench, _from, to, words) = ends().await;
    to.store(|store| store.aside.insert("failing_groups".to_owned(), json!(["acme:labels"])));

    let told = bench.run(&words);

    assert_eq!(told.status, Some(0), "{told}");
    assert!(told.stderr.contains("loss: `acme`: "), "{told}");
    assert!(told.stderr.contains("brought 0 of 1: label"), "{told}");
    assert_eq!(labels(&to, "acme"), Vec::<String>::new());
    assert!(labels(&to, ROCKET).contains(&"everywhere".to_owned()));
    let csv = bench.ok("report 2 --format csv");
    assert!(csv.contains("brought 0 of 1"), "{csv}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_no_groups_gets_them_over_the_api() {
    let (bench, from, to, words) = ends().await;
    to.store(|store| store.aside.insert("refused_groups".to_owned(), json!(true)));

    let told = bench.run(&words);

    assert_eq!(told.status, Some(0), "{told}");
    assert!(told.stderr.contains("over the API: the group `acme`: "), "{told}");
    assert_eq!(imports(&to), 0);
    assert_eq!(group(&to, "acme").visibility, group(&from, "acme").visibility);
    assert!(labels(&to, ROCKET).contains(&"everywhere".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_whose_import_was_not_answered_is_found_again() {
    let (bench, _from, to, words) = ends().await;
    let lost = Planned {
        method: "POST".to_owned(),
        path: "/groups/import".to_owned(),
        after: 0,
        times: 1,
        fault: Fault::LostAnswer,
    };
    to.set_faults(Faults { planned: vec![lost], ..Faults::default() });

    let first = bench.run(&words);
    let second = bench.run(&words);

    assert_eq!((first.status, second.status), (Some(1), Some(0)), "{first}{second}");
    assert_eq!((imports(&to), labels(&to, "acme/parts")), (1, vec!["of-parts".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_more_people_would_see_for_a_while_is_not_imported() {
    let fake = Fake::start(Gitlab, Options::default()).await.unwrap();
    for (path, visibility) in [("open", Visibility::Public), ("closed", Visibility::Private)] {
        let group = Organization {
            path: path.to_owned(),
            visibility: Some(visibility),
            ..Organization::default()
        };
        fake.fill([(Scope::Shared, Record::new(path, Object::from(group)))]);
    }
    let taking = packhorse_hosts::handover::groups(&location(&fake).parse().unwrap());
    let taking = taking.unwrap().unwrap();

    let refused = taking.refuses("open/secret").await.unwrap();

    assert!(refused.is_some_and(|it| it.contains("who see `open`")));
    assert_eq!(taking.refuses("closed/secret").await.unwrap(), None);
    assert_eq!(taking.refuses("alone").await.unwrap(), None);
    assert_eq!(taking.count("alone", ObjectKind::Label).await.unwrap(), None);
}
