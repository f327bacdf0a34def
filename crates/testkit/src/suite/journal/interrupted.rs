//! Crashes: what is doubted afterwards, where lanes go on, what counts once.

use super::bench::{Bench, LEASE, created, entries, failure, issues, settled, with_loss};
use packhorse_core::{
    Cursor, Lane, ObjectKind, Settle,
    job::JobState,
    port::{Begun, ItemQuery, Outcome, Position},
};

fn at(place: &str) -> Position {
    Position::At(Cursor(place.to_owned()))
}

pub(super) async fn records_begun_one_by_one_are_doubted(bench: &Bench) {
    let claim = bench.start().await;
    bench.begin(&claim, Settle::Record, &entries(&["1"])).await;
    bench.settle(&claim, &created(&["1"]), None).await;
    bench.begin(&claim, Settle::Record, &entries(&["2"])).await;

    let claim = bench.crash(&claim).await;
    let told = bench.begin(&claim, Settle::Record, &entries(&["1", "2", "3"])).await;

    assert_eq!(told, [Begun::Done, Begun::Interrupted, Begun::Fresh]);
    bench.settle(&claim, &[settled("2", 1, Some(Outcome::Adopted))], None).await;
    let found = bench.items(claim.route, ItemQuery::Origins(vec!["2".to_owned()])).await;
    assert_eq!(found[0].created_by, Some(claim.job), "the run that died has made it");
}

pub(super) async fn as_many_records_are_doubted_as_were_marked(bench: &Bench) {
    let claim = bench.start().await;
    bench.begin(&claim, Settle::Page, &entries(&["1", "2", "3"])).await;

    let claim = bench.crash(&claim).await;
    let told = bench.begin(&claim, Settle::Page, &entries(&["1", "2"])).await;
    let then = bench.begin(&claim, Settle::Page, &entries(&["3", "4"])).await;

    assert_eq!(told, [Begun::Interrupted, Begun::Interrupted]);
    assert_eq!(then, [Begun::Interrupted, Begun::Fresh]);
    let all = ["1", "2", "3", "4"].map(|id| settled(id, 1, Some(Outcome::Adopted)));
    bench.settle(&claim, &all, Some(&Position::Done)).await;
    let found = bench.items(claim.route, ItemQuery::After(None, 9)).await;
    let ours: Vec<_> = found.iter().map(|it| it.created_by.is_some()).collect();
    assert_eq!(ours, [true, true, true, false]);
}

pub(super) async fn two_batches_under_way_are_both_doubted(bench: &Bench) {
    let claim = bench.start().await;
    bench.begin(&claim, Settle::Page, &entries(&["1", "2"])).await;
    bench.begin(&claim, Settle::Page, &entries(&["3"])).await;

    let claim = bench.crash(&claim).await;
    let told = bench.begin(&claim, Settle::Page, &entries(&["1", "2", "3", "4"])).await;

    let doubted = || Begun::Interrupted;
    assert_eq!(told, [doubted(), doubted(), doubted(), Begun::Fresh]);
}

/// A source may be wrong; the journal must not stop the run because of it.
pub(super) async fn an_id_that_comes_twice_counts_once(bench: &Bench) {
    let twice = entries(&["1", "1"]);
    let mut claim = bench.start().await;

    for how in [Settle::Page, Settle::Page, Settle::Record] {
        bench.begin(&claim, how, &twice).await;
        claim = bench.crash(&claim).await;
    }
    bench.settle(&claim, &created(&["1", "1"]), Some(&Position::Done)).await;

    let counts = bench.counts(&claim).await;
    assert_eq!((counts.read, counts.created), (1, 1));
}

pub(super) async fn doubt_outlives_a_second_crash(bench: &Bench) {
    let claim = bench.start().await;
    bench.begin(&claim, Settle::Page, &entries(&["1", "2", "3"])).await;
    let claim = bench.crash(&claim).await;
    bench.begin(&claim, Settle::Page, &entries(&["1"])).await;

    let claim = bench.crash(&claim).await;
    let told = bench.begin(&claim, Settle::Page, &entries(&["1", "2", "3", "4"])).await;

    let doubted = || Begun::Interrupted;
    assert_eq!(told, [doubted(), doubted(), doubted(), Begun::Fresh]);
}

pub(super) async fn doubt_passes_to_the_next_job_of_the_route(bench: &Bench) {
    let claim = bench.start().await;
    bench.begin(&claim, Settle::Page, &entries(&["1"])).await;

    bench.clock.advance(LEASE);
    let next = bench.start().await;
    let told = bench.begin(&next, Settle::Page, &entries(&["1", "2"])).await;

    assert_eq!(told, [Begun::Interrupted, Begun::Fresh]);
}

pub(super) async fn a_settled_batch_is_not_doubted(bench: &Bench) {
    let claim = bench.start().await;
    bench.begin(&claim, Settle::Page, &entries(&["1", "2"])).await;
    bench.settle(&claim, &created(&["1", "2"]), Some(&at("2"))).await;

    let claim = bench.crash(&claim).await;
    let told = bench.begin(&claim, Settle::Page, &entries(&["1", "2"])).await;

    assert_eq!(told, [Begun::Done, Begun::Done]);
}

/// The mark may stand for the next batch as well, and for no more than were ever under way.
pub(super) async fn no_more_are_doubted_than_were_ever_under_way(bench: &Bench) {
    let claim = bench.start().await;
    for batch in [["1", "2"], ["3", "4"], ["5", "6"]] {
        bench.begin(&claim, Settle::Page, &entries(&batch)).await;
        bench.settle(&claim, &created(&batch), Some(&at(batch[1]))).await;
    }
    bench.begin(&claim, Settle::Page, &entries(&["7", "8"])).await;

    let claim = bench.crash(&claim).await;
    let told = bench.begin(&claim, Settle::Page, &entries(&["7", "8", "9"])).await;

    assert_eq!(told, [Begun::Interrupted, Begun::Interrupted, Begun::Fresh]);
}

pub(super) async fn a_lane_that_is_done_leaves_no_doubt(bench: &Bench) {
    let claim = bench.start().await;
    bench.begin(&claim, Settle::Page, &entries(&["1"])).await;
    bench.settle(&claim, &created(&["1"]), Some(&Position::Done)).await;
    bench.close(&claim, JobState::Finished).await;

    let next = bench.start().await;
    let told = bench.begin(&next, Settle::Page, &entries(&["1", "2"])).await;

    assert_eq!(told, [Begun::Done, Begun::Fresh]);
}

pub(super) async fn a_lane_goes_on_where_it_stood(bench: &Bench) {
    let claim = bench.start().await;
    assert_eq!(bench.position(&claim).await, Position::Start);
    bench.settle(&claim, &created(&["1"]), Some(&at("page 2"))).await;
    bench.settle(&claim, &created(&["2"]), None).await;

    let claim = bench.crash(&claim).await;
    assert_eq!(bench.position(&claim).await, at("page 2"));
    let other = Lane { kind: ObjectKind::Label, ..issues() };
    let elsewhere = bench.journal.position(&claim, &other).await.expect("it can be read");
    assert_eq!(elsewhere, Position::Start, "lanes move alone");
    bench.settle(&claim, &[], Some(&Position::Done)).await;
    assert_eq!(bench.position(&claim).await, Position::Done);
    bench.close(&claim, JobState::Finished).await;

    let next = bench.start().await;
    assert_eq!(bench.position(&next).await, Position::Start, "a new job looks at everything");
}

pub(super) async fn a_page_that_is_read_again_counts_once(bench: &Bench) {
    let claim = bench.start().await;
    let lossy = || with_loss(settled("1", 1, Some(Outcome::Created)), "no such person");
    bench.settle(&claim, &[lossy()], None).await;
    bench.settle(&claim, &created(&["2"]), None).await;

    let claim = bench.crash(&claim).await;
    let seen = [with_loss(settled("1", 1, None), "no such person"), settled("2", 1, None)];
    bench.settle(&claim, &seen, None).await;
    bench.settle(&claim, &[lossy()], None).await;
    bench.settle(&claim, &created(&["3"]), Some(&Position::Done)).await;

    let counts = bench.counts(&claim).await;
    assert_eq!((counts.read, counts.created, counts.unchanged, counts.losses), (3, 3, 0, 1));
    let history = bench.journal.history(claim.job).await.expect("there is a history");
    assert_eq!(history.losses(0, 9).await.expect("losses can be read").len(), 1);
}

pub(super) async fn a_failure_is_taken_back(bench: &Bench) {
    let claim = bench.start().await;
    bench.begin(&claim, Settle::Page, &entries(&["1", "2"])).await;
    for reason in ["timed out", "timed out again"] {
        bench.fail(&claim, &[failure(Some("1"), reason), failure(None, "no answer")]).await;
    }
    let counts = bench.counts(&claim).await;
    assert_eq!((counts.read, counts.failed), (1, 2), "each counts once");
    let reasons: Vec<_> = bench.failures(claim.job).await.into_iter().map(|it| it.reason).collect();
    assert_eq!(reasons, ["timed out again", "no answer"]);

    let claim = bench.crash(&claim).await;
    let told = bench.begin(&claim, Settle::Page, &entries(&["1"])).await;
    assert_eq!(told, [Begun::Interrupted], "the answer may have been lost");
    bench.settle(&claim, &created(&["1", "2"]), Some(&Position::Done)).await;

    let counts = bench.counts(&claim).await;
    assert_eq!((counts.read, counts.created, counts.failed), (2, 2, 0));
    assert_eq!(bench.failures(claim.job).await, []);
}

pub(super) async fn a_failed_job_tries_again_what_failed(bench: &Bench) {
    let claim = bench.start().await;
    let labels = Lane { kind: ObjectKind::Label, ..issues() };
    let done = Some(&Position::Done);
    let well = bench.journal.settle(&claim, &labels, &created(&["bug"]), &[], done).await;
    well.expect("records can be settled");
    bench.fail(&claim, &[failure(Some("1"), "refused")]).await;
    bench.settle(&claim, &created(&["2"]), done).await;
    bench.close(&claim, JobState::Failed).await;

    let claim = bench.claim(claim.job).await;

    assert_eq!(bench.position(&claim).await, Position::Start);
    let untouched = bench.journal.position(&claim, &labels).await.expect("it can be read");
    assert_eq!(untouched, Position::Done);
}
