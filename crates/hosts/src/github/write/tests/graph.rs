//! What GraphQL alone writes: settled threads, drafts, pins, discussions.

use super::*;
use packhorse_core::model::{Discussion, DiscussionCategory, Features};

fn first<T: Clone>(held: &[Record], of: impl Fn(&Object) -> Option<&T>) -> T {
    held.first().and_then(|it| of(&it.object)).unwrap().clone()
}

fn thread_of(object: &Object) -> Option<&ReviewThread> {
    if let Object::ReviewThread(it) = object { Some(it) } else { None }
}

fn request_of(object: &Object) -> Option<&ChangeRequest> {
    if let Object::ChangeRequest(it) = object { Some(it) } else { None }
}

fn discussion_of(object: &Object) -> Option<&Discussion> {
    if let Object::Discussion(it) = object { Some(it) } else { None }
}

#[tokio::test]
async fn a_thread_is_settled_where_it_was_and_opened_again() {
    let bench = Bench::with_project(Visibility::Public, "").await;
    let request = bench.change_request("paint", ChangeRequestState::Open);
    bench.write("3", Object::from(request)).await;
    let position = Position {
        path: "paint.rs".into(),
        line: Some(2),
        commit: bench.tip("paint"),
        ..Position::default()
    };
    let open = ReviewThread { change_request: 1, position, ..ReviewThread::default() };
    let settled = ReviewThread { resolver: Some(login("bob")), ..open.clone() };

    let made = bench.write("10", Object::from(settled)).await;

    assert_eq!(lost(&made), Vec::<&str>::new());
    assert!(first(&bench.held(ObjectKind::ReviewThread), thread_of).resolved_at.is_some());
    bench.write_as("10", Object::from(open), Some(&made.target)).await;
    assert!(first(&bench.held(ObjectKind::ReviewThread), thread_of).resolved_at.is_none());
    bench.check();
}

#[tokio::test]
async fn a_draft_becomes_ready_and_a_draft_again() {
    let bench = Bench::with_project(Visibility::Public, "").await;
    let mut request = bench.change_request("paint", ChangeRequestState::Open);
    request.draft = true;
    let made = bench.write("3", Object::from(request.clone())).await;

    for draft in [false, true] {
        request.draft = draft;
        let again = Object::from(request.clone());
        let written = bench.write_as("3", again, Some(&made.target)).await;

        assert!(!lost(&written).contains(&"draft"));
        assert_eq!(first(&bench.held(ObjectKind::ChangeRequest), request_of).draft, draft);
    }
    bench.check();
}

#[tokio::test]
async fn three_issues_are_pinned_and_a_fourth_is_told() {
    let bench = Bench::with_project(Visibility::Public, "").await;
    for number in 1..=4 {
        bench.write(&number.to_string(), Object::from(issue(number))).await;
    }
    let mut outcomes = Vec::new();
    for number in 1..=4 {
        let (subject, value) = (Subject::Issue(number), StateValue::Pinned(Some(number)));
        let state = State { subject, value, ..State::default() };
        let id = format!("issue/{number}/pinned");
        outcomes.push(bench.write(&id, Object::from(state)).await.outcome);
    }

    assert_eq!(outcomes[..3], [Outcome::Created; 3]);
    assert_eq!((outcomes[3], bench.held(ObjectKind::State).len()), (Outcome::Dropped, 3));
    bench.check();
}

#[tokio::test]
async fn a_discussion_arrives_with_what_is_said_in_it_and_its_answer() {
    let bench = Bench::new().await;
    let features = Features { discussions: Some(true), ..Features::default() };
    let project =
        Project { path: "acme/app".into(), name: "app".into(), features, ..Project::default() };
    bench.write("acme/app", Object::from(project)).await;
    let category =
        |name: &str| Object::from(DiscussionCategory { name: name.into(), ..Default::default() });
    assert_eq!(bench.write("Q&A", category("Q&A")).await.outcome, Outcome::Adopted);
    let other = bench.write("Rockets", category("Rockets")).await;
    assert_eq!(other.outcome, Outcome::Dropped, "categories are made by hand");

    let question = Discussion {
        number: 7,
        title: "how?".into(),
        body: text("so"),
        category: Some("Q&A".into()),
        answer: Some(HostId("discussioncomment-5".into())),
        ..Discussion::default()
    };
    let made = bench.write("7", Object::from(question.clone())).await;
    assert_eq!((made.outcome, lost(&made)), (Outcome::Created, vec!["answer"]));
    let number = made.target.0.parse().unwrap();
    let comment = |body: &str, to: Option<&str>| {
        let reply_to = to.map(|it| HostId(it.into()));
        let subject = Subject::Discussion(number);
        Object::from(Comment { subject, reply_to, body: text(body), ..Comment::default() })
    };
    let said = bench.write("discussioncomment-5", comment("thus", None)).await;
    let answer = comment("thanks", Some("discussioncomment-5"));
    bench.write("discussioncomment-6", answer).await;
    let again = bench.write_as("7", Object::from(question), Some(&made.target)).await;

    assert_eq!(lost(&again), Vec::<&str>::new());
    let held = first(&bench.held(ObjectKind::Discussion), discussion_of);
    assert_eq!(held.category.as_deref(), Some("Q&A"));
    let answered = held.answer.map(|it| format!("discussioncomment-{}", it.0));
    assert_eq!(answered, Some(said.target.0));
    let comments = bench.held(ObjectKind::Comment);
    let replies = comments
        .iter()
        .filter(|it| matches!(&it.object, Object::Comment(it) if it.reply_to.is_some()));
    assert_eq!((comments.len(), replies.count()), (2, 1));
    bench.check();
}
