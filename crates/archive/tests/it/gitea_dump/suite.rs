//! The suite of sinks, on directories of dumps.

use super::build::{app, records, sink, source};
use crate::ends::Fresh;
use packhorse_archive::gitea_dump::SPEC;
use packhorse_core::{
    Object, ObjectKind, Record, RepoKind, Scope,
    model::{
        ChangeRequest, Comment, Event, HostId, Issue, Markup, Review, ReviewComment, Subject, Text,
        Verdict,
    },
    port::{Outcome, Written},
};
use packhorse_testkit::{git, samples, suite};

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_contract_of_a_sink() {
    // The suite's samples of events are labels that were given, which dumps do not have.
    suite::sink(async || Fresh::new(&SPEC, "made", |it| it != ObjectKind::Event)).await;
}

fn event(action: &str) -> Record {
    let event = Event {
        subject: Subject::Issue(4),
        action: action.to_owned(),
        title_before: Some("old".to_owned()).filter(|_| action == "renamed"),
        title_after: Some("new".to_owned()).filter(|_| action == "renamed"),
        created_at: "2026-01-01T00:00:00Z".parse().ok(),
        ..Event::default()
    };
    Record::new("77", Object::from(event))
}

#[tokio::test]
async fn events_that_gitea_knows_come_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made");
    let sink = sink(&path, false);
    sink.write(&app(), &samples::sample(ObjectKind::Issue, 1), None).await.unwrap();

    let kept = sink.write(&app(), &event("renamed"), None).await.unwrap();
    let dropped = sink.write(&app(), &event("labeled"), None).await.unwrap();
    sink.finish(&Scope::Shared).await.unwrap();

    assert_eq!((kept.losses, dropped.outcome), (vec![], Outcome::Dropped));
    let found = records(&*source(&path), &app(), ObjectKind::Event).await.unwrap();
    assert_eq!(found, [event("renamed")]);
}

#[tokio::test]
async fn a_change_request_with_an_issues_number_keeps_it_among_us() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made");
    let sink = sink(&path, false);
    let about = |subject| {
        let body = Some(Text::new("said", Markup::Gitea));
        Object::from(Comment { subject, body, ..Comment::default() })
    };
    let issue = Object::from(Issue { number: 5, ..Issue::default() });
    let request = |number| Object::from(ChangeRequest { number, ..ChangeRequest::default() });
    sink.write(&app(), &Record::new("5", issue), None).await.unwrap();
    let crowded = sink.write(&app(), &Record::new("5", request(5)), None).await.unwrap();
    let alone = sink.write(&app(), &Record::new("6", request(6)), None).await.unwrap();
    sink.write(&app(), &Record::new("1", about(Subject::Issue(5))), None).await.unwrap();
    sink.write(&app(), &Record::new("2", about(Subject::ChangeRequest(5))), None).await.unwrap();
    sink.finish(&Scope::Shared).await.unwrap();

    let is_told = |written: &Written| written.losses.iter().any(|it| it.field == "number");
    assert!(is_told(&crowded) && !is_told(&alone));
    // Gitea finds them apart: the largest number on top of its own.
    assert!(path.join("acme/app/comments/5.yml").exists());
    assert!(path.join("acme/app/comments/11.yml").exists());
    let back = source(&path);
    let requests = records(&*back, &app(), ObjectKind::ChangeRequest).await.unwrap();
    assert_eq!(requests.iter().map(|it| it.origin.id.as_str()).collect::<Vec<_>>(), ["5", "6"]);
    let comments = records(&*back, &app(), ObjectKind::Comment).await.unwrap();
    let subject = |it: &Record| {
        let Object::Comment(it) = &it.object else { panic!("a comment") };
        it.subject.clone()
    };
    let subjects: Vec<_> = comments.iter().map(subject).collect();
    assert_eq!(subjects, [Subject::Issue(5), Subject::ChangeRequest(5)]);
}

#[tokio::test]
async fn comments_on_lines_come_back_with_the_review_that_they_had_or_without_any() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made");
    let sink = sink(&path, false);
    let request = ChangeRequest { number: 5, ..ChangeRequest::default() };
    let verdict = Verdict::Approved;
    let review = Review { change_request: 5, verdict, ..Review::default() };
    let comment = |review: Option<&str>| {
        let review = review.map(HostId::from);
        Object::from(ReviewComment { change_request: 5, review, ..Default::default() })
    };
    for record in [
        Record::new("5", Object::from(request)),
        Record::new("1", Object::from(review)),
        Record::new("1", comment(None)),
        Record::new("2", comment(Some("1"))),
        // This one's review stayed behind.
        Record::new("3", comment(Some("9"))),
    ] {
        sink.write(&app(), &record, None).await.unwrap();
    }
    let strays = sink.finish(&app()).await.unwrap();
    sink.finish(&Scope::Shared).await.unwrap();

    assert_eq!(strays, []);
    let back = source(&path);
    let reviews = records(&*back, &app(), ObjectKind::Review).await.unwrap();
    let Object::Review(it) = &reviews[0].object else { panic!("a review") };
    assert_eq!((reviews.len(), it.verdict), (1, Verdict::Approved));
    let comments = records(&*back, &app(), ObjectKind::ReviewComment).await.unwrap();
    let of = |it: &Record| {
        let Object::ReviewComment(comment) = &it.object else { panic!("a comment") };
        (it.origin.id.clone(), comment.review.as_ref().map(|it| it.0.clone()))
    };
    let mut found: Vec<_> = comments.iter().map(of).collect();
    found.sort();
    let expected = [("1", None), ("2", Some("1")), ("3", Some("9"))];
    assert_eq!(found, expected.map(|(id, review)| (id.to_owned(), review.map(str::to_owned))));
}

#[tokio::test]
async fn the_repository_comes_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made");
    let sink = sink(&path, false);
    sink.write(&app(), &samples::project_at("acme/app"), None).await.unwrap();
    let remote = sink.remote("acme/app", RepoKind::Code).await.unwrap().unwrap();
    let refs = git::repository(remote.url.as_path().unwrap(), &git::Shape::default()).await;
    sink.finish(&Scope::Shared).await.unwrap();

    let source = source(&path);
    let remote = source.remote("acme/app", RepoKind::Code).await.unwrap().unwrap();

    assert_eq!(git::refs_of(remote.url.as_path().unwrap()).await.refs, refs.refs);
    assert_eq!(source.remote("acme/app", RepoKind::Wiki).await.unwrap().map(|_| ()), None);
}
