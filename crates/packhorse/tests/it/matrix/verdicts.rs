//! Verdicts on what is closed.

use super::{Leg, TOKEN, filled, named, place::Place};
use packhorse_core::{
    Object, Record, Scope,
    model::{ChangeRequest, ChangeRequestState, Identity, Markup, Review, Text, Verdict},
};

/// Change request 4 of the sample, which is closed.
const NUMBER: u64 = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_verdict_on_what_is_closed_stays_a_verdict_at_gitea() {
    let directory = tempfile::tempdir().unwrap();
    let scope = Scope::Project("acme/rocket".to_owned());
    let from = filled(named("github"), directory.path()).await;
    let review = Review {
        change_request: NUMBER,
        author: Some(Identity::login("alice", None)),
        body: Some(Text::new("Good as it is", Markup::Github)),
        verdict: Verdict::Approved,
        ..Review::default()
    };
    let record = Record::new("77", Object::from(review));
    from.fake().unwrap().fill([(scope.clone(), record)]);
    let to = Place::new(named("gitea"), directory.path(), TOKEN).await;
    to.invite();

    let leg = Leg::run(&from, &to, &directory.path().join("there")).await.unwrap();

    assert!(!leg.losses.iter().any(|it| it.loss.field == "verdict"), "{:?}", leg.losses);
    let (verdict, state, body) = to.fake().unwrap().store(|store| {
        let (_, review) =
            store.find::<Review>(&scope, |it| it.change_request == NUMBER).expect("a review");
        let (_, change) =
            store.find::<ChangeRequest>(&scope, |it| it.number == NUMBER).expect("its subject");
        (review.verdict, change.state, change.body.clone())
    });
    assert_eq!((verdict, state), (Verdict::Approved, ChangeRequestState::Closed));
    let body = body.unwrap();
    assert!(body.as_str().contains("<!-- packhorse-end: closed -->"), "{}", body.as_str());
    let reader = to.source(directory.path()).unwrap();
    let lane = packhorse_core::Lane::new(scope, packhorse_core::ObjectKind::ChangeRequest);
    for record in super::back::read(&*reader, &lane).await {
        let Object::ChangeRequest(it) = record.object else { continue };
        let text = it.body.unwrap_or_default();
        assert!(!text.as_str().contains("packhorse-end"), "{}", text.as_str());
    }
}
