//! The suite of sinks, on one archive.

use super::build::{app, explain, records, sink, source};
use crate::ends::Fresh;
use packhorse_archive::bitbucket_archive::SPEC;
use packhorse_core::{
    HostErrorKind, Object, ObjectKind, Record, Scope,
    model::{
        Comment, Event, HostId, Markup, Place, Review, ReviewComment, Subject, TaskState, Text,
        Verdict,
    },
    port::Outcome,
};
use packhorse_testkit::{samples, suite};

/// Of these the suite's samples are in part such as the archive has no place for: comments on issues,
/// roles of teams, verdicts of nobody's; and every project has an owner.
const fn is_asked(kind: ObjectKind) -> bool {
    !matches!(
        kind,
        ObjectKind::Member
            | ObjectKind::Comment
            | ObjectKind::Event
            | ObjectKind::Organization
            | ObjectKind::Review
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_contract_of_a_sink() {
    suite::sink(async || Fresh::new(&SPEC, "made.tar", is_asked)).await;
}

/// Writes records, and reads all of a kind again.
async fn back(written: &[Record], kind: ObjectKind) -> Vec<Record> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made.tar");
    let sink = sink(&path, false);
    sink.write(&app(), &samples::project_at("acme/app"), None).await.unwrap();
    for record in written {
        let is_shared = if let Object::Member(it) = &record.object {
            it.place != Place::Project
        } else {
            matches!(record.object, Object::Organization(_))
        };
        let scope = if is_shared { Scope::Shared } else { app() };
        sink.write(&scope, record, None).await.unwrap();
    }
    assert_eq!(sink.finish(&app()).await.unwrap(), []);
    sink.finish(&Scope::Shared).await.unwrap();
    let source = source(&path);
    let mut found = records(&*source, &app(), kind).await.unwrap();
    found.extend(records(&*source, &Scope::Shared, kind).await.unwrap());
    found
}

fn request() -> Record {
    samples::sample(ObjectKind::ChangeRequest, 1)
}

fn about(id: &str, body: &str, reply_to: Option<&str>) -> Record {
    let comment = Comment {
        subject: Subject::ChangeRequest(5),
        body: Some(Text::new(body, Markup::Bitbucket)),
        reply_to: reply_to.map(HostId::from),
        task: (body == "task").then_some(TaskState::Open),
        created_at: "2026-01-01T00:00:00Z".parse().ok(),
        updated_at: "2026-01-01T00:00:00Z".parse().ok(),
        ..Comment::default()
    };
    Record::new(id, Object::from(comment))
}

#[tokio::test(flavor = "multi_thread")]
async fn comments_come_back_with_their_answers() {
    let mut written = vec![request(), about("1", "first", None), about("2", "task", None)];
    written.push(about("3", "answer", Some("1")));
    // A chain longer than any that nests.
    for n in 4..200_u64 {
        written.push(about(&n.to_string(), "deeper", Some(&(n - 1).to_string())));
    }

    let found = back(&written, ObjectKind::Comment).await;

    assert_eq!(found.len(), 199);
    for expected in &written[1..20] {
        let it = found.iter().find(|it| it.origin == expected.origin).unwrap();
        assert_eq!(it, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn comments_that_answer_each_other_in_a_ring_all_arrive() {
    let mut written = vec![request(), about("1", "first", None), about("2", "answer", Some("1"))];
    written.extend([about("3", "a", Some("5")), about("4", "b", Some("3"))]);
    written.extend([about("5", "c", Some("4")), about("6", "to the ring", Some("4"))]);
    written.push(about("7", "to itself", Some("7")));

    let found = back(&written, ObjectKind::Comment).await;

    let mut told: Vec<_> = found
        .iter()
        .map(|it| {
            let Object::Comment(comment) = &it.object else { panic!("a comment") };
            let to = comment.reply_to.as_ref().map(|it| it.0.as_str());
            (it.origin.id.as_str(), to)
        })
        .collect();
    told.sort_unstable();
    let alone = ["3", "4", "5", "6", "7"].map(|it| (it, None));
    assert_eq!(told, [&[("1", None), ("2", Some("1"))][..], &alone].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_comes_back_as_it_was_talked() {
    let thread = samples::sample(ObjectKind::ReviewThread, 1);
    let first = samples::sample(ObjectKind::ReviewComment, 1);
    let Object::ReviewComment(it) = &first.object else { panic!("a comment") };
    let place = it.position.clone();
    let answer = |id: &str, to: &str| {
        let comment = ReviewComment {
            reply_to: Some(HostId::from(to)),
            position: place.clone(),
            ..(**it).clone()
        };
        Record::new(id, Object::from(comment))
    };
    let second = answer("71", &first.origin.id);
    let third = answer("72", "71");

    let found =
        back(&[request(), thread.clone(), first, second, third], ObjectKind::ReviewComment).await;

    let told = found.iter().map(|it| {
        let Object::ReviewComment(comment) = &it.object else { panic!("a comment") };
        let to = comment.reply_to.as_ref().map(|it| it.0.clone());
        assert_eq!(comment.thread, Some(HostId(thread.origin.id.clone())));
        (it.origin.id.clone(), to)
    });
    let id = thread.origin.id.clone();
    let expected =
        [(id.clone(), None), ("71".to_owned(), Some(id)), ("72".to_owned(), Some("71".to_owned()))];
    assert_eq!(told.collect::<Vec<_>>(), expected);
}

fn review(id: &str, verdict: Verdict, body: Option<&str>, at: &str) -> Record {
    let Object::ChangeRequest(request) = request().object else { panic!("a change request") };
    let review = Review {
        change_request: 5,
        author: request.assignees.first().map(|it| packhorse_core::model::Identity {
            host: None,
            email: None,
            ..it.clone()
        }),
        body: body.map(|it| Text::new(it, Markup::Bitbucket)),
        verdict,
        submitted_at: at.parse().ok(),
        ..Review::default()
    };
    Record::new(id, Object::from(review))
}

#[tokio::test(flavor = "multi_thread")]
async fn verdicts_come_back_with_what_was_said() {
    let written = [
        review("1", Verdict::Approved, Some("good\n\nvery"), "2026-01-01T00:00:00Z"),
        review("2", Verdict::Dismissed, None, "2026-01-02T00:00:00Z"),
        review("3", Verdict::Commented, Some("hm"), "2026-01-03T00:00:00Z"),
        review("4", Verdict::ChangesRequested, None, "2026-01-04T00:00:00Z"),
        // At the same time as the one before.
        review("5", Verdict::Approved, None, "2026-01-04T00:00:00Z"),
    ];

    let mut all = vec![request()];
    all.extend(written.clone());
    let found = back(&all, ObjectKind::Review).await;

    let objects = |list: &[Record]| {
        let mut list: Vec<_> = list.iter().map(|it| format!("{:?}", it.object)).collect();
        list.sort();
        list
    };
    assert_eq!(objects(&found), objects(&written));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_bitbucket_knows_come_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made.tar");
    let sink = sink(&path, false);
    sink.write(&app(), &request(), None).await.unwrap();
    let event = |action: &str| {
        let event = Event {
            subject: Subject::ChangeRequest(5),
            action: action.to_owned(),
            before: (action == "rescoped").then(|| "1".repeat(40)),
            after: (action == "rescoped").then(|| "2".repeat(40)),
            created_at: "2026-01-01T00:00:00Z".parse().ok(),
            ..Event::default()
        };
        Record::new(action, Object::from(event))
    };

    for action in ["reopened", "updated", "rescoped"] {
        let kept = sink.write(&app(), &event(action), None).await.unwrap();
        assert_eq!((kept.losses, kept.outcome), (vec![], Outcome::Created), "{action}");
    }
    let dropped = sink.write(&app(), &event("labeled"), None).await.unwrap();
    sink.finish(&Scope::Shared).await.unwrap();

    assert_eq!((dropped.outcome, &*dropped.losses[0].field), (Outcome::Dropped, "action"));
    let found = records(&*source(&path), &app(), ObjectKind::Event).await.unwrap();
    assert_eq!(found.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_and_roles_of_people_come_back() {
    let owner = samples::sample(ObjectKind::Organization, 1);
    let mut member = samples::sample(ObjectKind::Member, 1);
    let own = samples::sample(ObjectKind::Member, 2);
    if let Object::Member(it) = &mut member.object {
        it.place = Place::Organization("org-1".to_owned());
    }

    let owners = back(std::slice::from_ref(&owner), ObjectKind::Organization).await;
    let members = back(&[owner, member, own], ObjectKind::Member).await;

    let ids: Vec<&str> = owners.iter().map(|it| it.origin.id.as_str()).collect();
    assert_eq!(ids, ["acme", "org-1"]);
    let ids: Vec<&str> = members.iter().map(|it| it.origin.id.as_str()).collect();
    assert_eq!(ids, ["user/user-2", "org-1/user/user-1"]);
}

#[tokio::test]
async fn paths_that_bitbucket_does_not_have_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let sink = sink(&directory.path().join("made.tar"), false);
    for path in ["group/sub/app", "1st/app", "~alice/app", "acme/a b", "app"] {
        let scope = Scope::Project(path.to_owned());

        let refused = sink.write(&scope, &samples::project_at(path), None).await.unwrap_err();

        assert_eq!(refused.kind, HostErrorKind::Rejected, "{path}");
        assert!(explain(&refused).contains("give it"), "{path}: {refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_complete_archive_can_be_changed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made.tar");
    let first = sink(&path, false);
    for record in [request(), about("1", "first", None), about("2", "second", None)] {
        first.write(&app(), &record, None).await.unwrap();
    }
    first.finish(&Scope::Shared).await.unwrap();
    drop(first);

    let second = sink(&path, true);
    let gone = about("1", "first", None);
    let target = second.find(&app(), &gone).await.unwrap();
    second.remove(&app(), &gone.origin, &target.unwrap()).await.unwrap();
    second.finish(&Scope::Shared).await.unwrap();

    let source = source(&path);
    assert_eq!(records(&*source, &app(), ObjectKind::Comment).await.unwrap().len(), 1);
    assert_eq!(records(&*source, &app(), ObjectKind::ChangeRequest).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_got_its_place_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let sink = sink(&directory.path().join("made.tar"), false);
    sink.write(&app(), &samples::project_at("acme/app"), None).await.unwrap();
    sink.write(&app(), &samples::sample(ObjectKind::ChangeRequest, 2), None).await.unwrap();
    let merged = samples::sample(ObjectKind::ChangeRequest, 2);
    let Object::ChangeRequest(it) = &merged.object else { panic!("a change request") };
    let thread = samples::sample(ObjectKind::ReviewThread, 2);
    let stray = about("1", "of no change request", None);
    let closed = Event {
        subject: Subject::ChangeRequest(it.number),
        action: "closed".to_owned(),
        ..Event::default()
    };
    let closed = Record::new("9", Object::from(closed));
    for record in [&thread, &stray, &closed] {
        sink.write(&app(), record, None).await.unwrap();
    }

    let strays = sink.finish(&app()).await.unwrap();

    let strays: Vec<_> = strays.into_iter().map(|(origin, _)| origin).collect();
    assert_eq!(strays, [closed.origin, stray.origin, thread.origin]);
}
