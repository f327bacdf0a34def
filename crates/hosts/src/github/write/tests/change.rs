//! Change requests, reviews, threads.

use super::*;

#[tokio::test]
async fn a_merged_change_request_is_closed_and_says_so() {
    let bench = Bench::with_project(Visibility::Public, "").await;
    let request = bench.change_request("more-fuel", ChangeRequestState::Merged);

    let made = bench.write("3", Object::from(request.clone())).await;

    assert_eq!(made.target.0, "1");
    assert!(lost(&made).contains(&"state") && lost(&made).contains(&"base.name"));
    let held = bench.held(ObjectKind::ChangeRequest);
    let Object::ChangeRequest(it) = &held[0].object else { panic!("a change request") };
    assert_eq!(it.state, ChangeRequestState::Closed);
    assert!(it.body.as_ref().unwrap().as_str().contains("*Merged, before it was brought here.*"));
    assert_eq!(bench.branches(), Vec::<String>::new(), "what stood for its ends is gone");
    let record = bench.record("3", Object::from(request));
    assert_eq!(bench.sink.find(&app(), &record).await.unwrap(), Some(made.target));
    bench.check();
}

#[tokio::test]
async fn one_that_is_closed_makes_room_for_the_next_between_the_same_branches() {
    let bench = Bench::with_project(Visibility::Public, "").await;
    let all = [ChangeRequestState::Closed, ChangeRequestState::Merged, ChangeRequestState::Open];
    let records = all.into_iter().zip(3..).map(|(state, id)| {
        bench.record(&id.to_string(), Object::from(bench.change_request("wings", state)))
    });
    let records: Vec<_> = records.collect();

    let mut open = Vec::new();
    for record in &records {
        let Numbered { written, is_open } = bench.sink.number(&app(), record).await.unwrap();
        if is_open {
            open.push((record, written.target));
        }
    }
    for (record, target) in open {
        bench.sink.complete(&app(), record, &target).await.unwrap();
    }

    let state = |it: &Record| {
        let Object::ChangeRequest(it) = &it.object else { panic!("a change request") };
        it.state
    };
    let states: Vec<_> = bench.held(ObjectKind::ChangeRequest).iter().map(state).collect();
    let closed = ChangeRequestState::Closed;
    assert_eq!(states, [closed, closed, ChangeRequestState::Open]);
    assert_eq!(bench.branches(), Vec::<String>::new(), "what stood for ends is gone");
    bench.check();
}

#[tokio::test]
async fn a_head_that_is_gone_gets_a_branch_of_ours() {
    let bench = Bench::with_project(Visibility::Public, "").await;
    let mut request = bench.change_request("wings", ChangeRequestState::Open);
    request.head.name = "gone".into();

    let made = bench.write("3", Object::from(request)).await;

    assert_eq!(lost(&made), ["head.name"]);
    let held = bench.held(ObjectKind::ChangeRequest);
    let Object::ChangeRequest(it) = &held[0].object else { panic!("a change request") };
    assert_eq!(it.head.name, "packhorse/3/head");
    bench.check();
}

#[tokio::test]
async fn a_change_request_without_commits_keeps_its_number_as_a_closed_issue() {
    let bench = Bench::with_project(Visibility::Public, "").await;
    let mut request = bench.change_request("wings", ChangeRequestState::Closed);
    (request.head.name, request.head.commit) = ("gone".into(), None);

    let made = bench.write("3", Object::from(request)).await;

    assert_eq!((made.target.0.as_str(), lost(&made)), ("1", vec![Loss::WHOLE]));
    let held = bench.held(ObjectKind::Issue);
    let Object::Issue(it) = &held[0].object else { panic!("an issue") };
    assert_eq!(it.state, OpenState::Closed);
    assert!(it.body.as_ref().unwrap().as_str().contains("a change request of `gone` into `main`"));
    bench.check();
}

#[tokio::test]
async fn a_verdict_becomes_a_line_and_a_thread_its_comments() {
    let bench = Bench::with_project(Visibility::Public, "").await;
    let request = bench.change_request("paint", ChangeRequestState::Open);
    bench.write("3", Object::from(request)).await;
    let review = |verdict, body: &str| {
        Object::from(Review { change_request: 1, verdict, body: text(body), ..Review::default() })
    };
    let approved = bench.write("4", review(Verdict::Approved, "fine")).await;
    assert_eq!(lost(&approved), ["verdict", "body"]);
    let silent = bench.write("5", review(Verdict::Commented, "")).await;
    assert_eq!(silent.outcome, Outcome::Dropped);
    let pending = bench.write("6", review(Verdict::Pending, "not yet")).await;
    assert_eq!(pending.outcome, Outcome::Dropped);

    let position = Position {
        path: "paint.rs".into(),
        line: Some(2),
        commit: bench.tip("paint"),
        ..Position::default()
    };
    let thread =
        ReviewThread { change_request: 1, position: position.clone(), ..Default::default() };
    let thread = bench.write("10", Object::from(thread)).await;
    let comment = |body: &str, thread: &str| {
        Object::from(ReviewComment {
            change_request: 1,
            thread: Some(HostId(thread.into())),
            position: position.clone(),
            body: text(body),
            ..ReviewComment::default()
        })
    };
    let first = bench.write("11", comment("why?", "10")).await;
    assert_eq!(first.target, thread.target, "a thread is called as its first comment");
    let answer = bench.write("12", comment("because", "10")).await;
    assert_ne!(answer.target, first.target);
    let lonely = bench.write("13", comment("and here?", "99")).await;
    assert!(lonely.target.0.starts_with("comment/") && lost(&lonely) == ["position", Loss::KIND]);
    let held = bench.held(ObjectKind::ReviewComment);
    let body_of = |it: &Record| {
        let Object::ReviewComment(it) = &it.object else { panic!("a review comment") };
        it.body.as_ref().unwrap().as_str().to_owned()
    };
    let bodies: Vec<_> = held.iter().map(body_of).collect();
    assert_eq!(bodies, ["why?", "because"]);
    bench.check();
}

#[tokio::test]
async fn a_comment_that_came_without_a_thread_begins_one() {
    let bench = Bench::with_project(Visibility::Public, "").await;
    let request = bench.change_request("paint", ChangeRequestState::Open);
    bench.write("3", Object::from(request)).await;
    let position = Position {
        path: "paint.rs".into(),
        line: Some(2),
        commit: bench.tip("paint"),
        ..Position::default()
    };
    let comment = |reply_to: Option<&str>| {
        Object::from(ReviewComment {
            change_request: 1,
            reply_to: reply_to.map(HostId::from),
            position: position.clone(),
            body: text("why?"),
            ..ReviewComment::default()
        })
    };

    let first = bench.write("11", comment(None)).await;
    let answer = bench.write("12", comment(Some("11"))).await;

    assert_eq!((lost(&first), lost(&answer)), (Vec::<&str>::new(), Vec::new()));
    let held = bench.held(ObjectKind::ReviewComment);
    let Object::ReviewComment(it) = &held[1].object else { panic!("a review comment") };
    assert_eq!(it.reply_to, Some(HostId(first.target.0)));
    assert_eq!(bench.held(ObjectKind::ReviewThread).len(), 1);
    bench.check();
}
