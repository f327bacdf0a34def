//! The suite of sinks, on directories of archives.

use super::build::{app, records, sink, source};
use crate::ends::Fresh;
use packhorse_archive::gitlab_archive::SPEC;
use packhorse_core::{
    HostErrorKind, Object, ObjectKind, Record, Scope, model::ReleaseAsset, port::Outcome,
};
use packhorse_testkit::{samples, suite};

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_contract_of_a_sink() {
    // Some of the suite's samples are roles of teams, and files of releases.
    suite::sink(async || {
        Fresh::new(&SPEC, "made", |it| !matches!(it, ObjectKind::Member | ObjectKind::ReleaseAsset))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_of_people_and_links_of_releases_come_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made.tar.gz");
    let sink = sink(&path, false);
    let member = samples::sample(ObjectKind::Member, 1);
    let link = ReleaseAsset {
        release: "v1.0+build/1".to_owned(),
        name: "site".to_owned(),
        link: Some("https://acme.example/".to_owned()),
        ..ReleaseAsset::default()
    };
    let link = Record::new("v1.0+build/1/site", Object::from(link));
    let team = samples::sample(ObjectKind::Member, 3);

    for record in [&member, &samples::sample(ObjectKind::Release, 1), &link] {
        sink.write(&app(), record, None).await.unwrap();
    }
    let dropped = sink.write(&app(), &team, None).await.unwrap();
    sink.finish(&Scope::Shared).await.unwrap();

    assert_eq!((dropped.outcome, &*dropped.losses[0].field), (Outcome::Dropped, "grantee.team"));
    let source = source(&path);
    let found = records(&*source, &app(), ObjectKind::Member).await.unwrap();
    let Object::Member(it) = &found[0].object else { panic!("a member") };
    let Object::Member(written) = &member.object else { panic!("a member") };
    assert_eq!(found.len(), 1);
    // Triage is between two roles of GitLab's.
    assert!(it.role <= written.role);
    let found = records(&*source, &app(), ObjectKind::ReleaseAsset).await.unwrap();
    assert_eq!(found, [link]);
}

#[tokio::test]
async fn an_archive_holds_one_project() {
    let directory = tempfile::tempdir().unwrap();
    let sink = sink(&directory.path().join("made.tar.gz"), false);
    sink.write(&app(), &samples::project_at("acme/app"), None).await.unwrap();

    let other = Scope::Project("acme/other".to_owned());
    let refused = sink.write(&other, &samples::project_at("acme/other"), None).await.unwrap_err();

    assert_eq!(refused.kind, HostErrorKind::Rejected);
    assert!(super::build::explain(&refused).contains("one project"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_complete_archive_can_be_changed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made.tar.gz");
    let first = sink(&path, false);
    for n in [1, 2] {
        first.write(&app(), &samples::sample(ObjectKind::Issue, n), None).await.unwrap();
        first.write(&app(), &samples::sample(ObjectKind::Comment, n), None).await.unwrap();
    }
    first.finish(&Scope::Shared).await.unwrap();
    drop(first);

    let second = sink(&path, true);
    let target = second.find(&app(), &samples::sample(ObjectKind::Comment, 1)).await.unwrap();
    let gone = samples::sample(ObjectKind::Comment, 1).origin;
    second.remove(&app(), &gone, &target.unwrap()).await.unwrap();
    second.finish(&Scope::Shared).await.unwrap();

    let source = source(&path);
    assert_eq!(records(&*source, &app(), ObjectKind::Comment).await.unwrap().len(), 1);
    assert_eq!(records(&*source, &app(), ObjectKind::Issue).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_got_its_place_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let sink = sink(&directory.path().join("made.tar.gz"), false);
    sink.write(&app(), &samples::project_at("acme/app"), None).await.unwrap();
    sink.write(&app(), &samples::sample(ObjectKind::ChangeRequest, 1), None).await.unwrap();
    let thread = samples::sample(ObjectKind::ReviewThread, 1);
    let comment = samples::sample(ObjectKind::Comment, 1);
    for record in [&thread, &comment] {
        sink.write(&app(), record, None).await.unwrap();
    }

    let strays = sink.finish(&app()).await.unwrap();

    let strays: Vec<_> = strays.into_iter().map(|(origin, _)| origin).collect();
    assert_eq!(strays, [comment.origin, thread.origin]);
}
