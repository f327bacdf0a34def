//! What is gone at the source.

use super::bench::{Bench, created, entries, failure, issues, settled};
use packhorse_core::{
    Settle,
    job::JobState,
    port::{Begun, ItemQuery, Position},
};

pub(super) async fn what_a_job_did_not_meet_is_gone(bench: &Bench) {
    bench.carry(&created(&["1", "2", "3", "4", "5"])).await;
    let claim = bench.start().await;
    let met = [settled("2", 1, None), settled("4", 1, None)];
    let one_more = created(&["6"]);

    bench.settle(&claim, &met, None).await;
    assert_eq!(bench.gone(&claim, None, 9).await, [""; 0], "the lane is not done");
    bench.settle(&claim, &one_more, Some(&Position::Done)).await;

    assert_eq!(bench.gone(&claim, None, 9).await, ["1", "3", "5"]);
    assert_eq!(bench.gone(&claim, None, 2).await, ["1", "3"]);
    assert_eq!(bench.gone(&claim, Some("3"), 2).await, ["5"]);
    let counts = bench.counts(&claim).await;
    assert_eq!((counts.read, counts.unchanged, counts.created), (3, 2, 1));
}

pub(super) async fn what_failed_is_not_gone(bench: &Bench) {
    bench.carry(&created(&["1", "2"])).await;
    let claim = bench.start().await;

    bench.fail(&claim, &[failure(Some("1"), "refused")]).await;
    bench.settle(&claim, &[], Some(&Position::Done)).await;

    assert_eq!(bench.gone(&claim, None, 9).await, ["2"], "1 is still at the source");
}

pub(super) async fn what_could_not_be_removed_is_gone_still(bench: &Bench) {
    bench.carry(&created(&["1"])).await;
    let claim = bench.start().await;
    bench.settle(&claim, &[], Some(&Position::Done)).await;

    bench.fail(&claim, &[failure(Some("1"), "may not be removed")]).await;
    let counts = bench.counts(&claim).await;
    assert_eq!((counts.read, counts.failed), (0, 1), "it was not read");
    bench.close(&claim, JobState::Failed).await;
    let claim = bench.claim(claim.job).await;
    bench.settle(&claim, &[], Some(&Position::Done)).await;
    assert_eq!(bench.gone(&claim, None, 9).await, ["1"], "it can be tried again");
    let forgotten = bench.journal.forget(&claim, &issues(), &["1".to_owned()]).await;
    forgotten.expect("items can be forgotten");

    let counts = bench.counts(&claim).await;
    assert_eq!((counts.deleted, counts.failed), (1, 0));
    assert_eq!(bench.failures(claim.job).await, []);
}

pub(super) async fn what_is_forgotten_is_fresh_again(bench: &Bench) {
    bench.carry(&created(&["1", "2"])).await;
    let claim = bench.start().await;
    bench.settle(&claim, &[settled("2", 1, None)], Some(&Position::Done)).await;

    for _ in ["once", "again"] {
        let forgotten = bench.journal.forget(&claim, &issues(), &["1".to_owned()]).await;
        forgotten.expect("items can be forgotten");
    }

    assert_eq!(bench.counts(&claim).await.deleted, 1);
    assert_eq!(bench.gone(&claim, None, 9).await, [""; 0]);
    assert_eq!(bench.items(claim.route, ItemQuery::After(None, 9)).await.len(), 1);
    bench.close(&claim, JobState::Finished).await;
    let next = bench.start().await;
    let told = bench.begin(&next, Settle::Page, &entries(&["1", "2"])).await;
    assert_eq!(told, [Begun::Fresh, Begun::Done]);
}
