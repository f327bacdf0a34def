//! Jobs and who holds them.

use super::bench::{Bench, LEASE, created, entries, issues, spec};
use packhorse_core::{
    Event, Settle,
    job::{JobId, JobSpec, JobState, JobView},
    port::{Claim, JournalError, Position, Pulse},
};
use std::collections::BTreeSet;

async fn view(bench: &Bench, job: JobId) -> JobView {
    let found = bench.journal.jobs(Some(job)).await.expect("jobs can be listed");
    found.into_iter().next().expect("the job is there")
}

pub(super) async fn a_job_waits_is_carried_and_ends(bench: &Bench) {
    let (first, second) = (bench.submit("two").await, bench.submit("three").await);

    let before = view(bench, first).await;
    let claim = bench.claim(first).await;
    let during = view(bench, first).await;
    bench.journal.close(&claim, JobState::Failed, Some("disk full")).await.expect("it closes");
    let after = view(bench, first).await;

    assert_eq!((before.state, before.started_at), (JobState::Waiting, None));
    assert_eq!(before.spec, spec("two"));
    assert_eq!(during.state, JobState::Running);
    assert!(during.started_at.is_some() && during.ended_at.is_none());
    assert_eq!((after.state, after.reason.as_deref()), (JobState::Failed, Some("disk full")));
    assert!(after.ended_at.is_some());
    let all = bench.journal.jobs(None).await.expect("jobs can be listed");
    assert_eq!(all.iter().map(|it| it.id).collect::<Vec<_>>(), [second, first], "newest first");
}

pub(super) async fn one_of_several_workers_gets_a_job(bench: &Bench) {
    let job = bench.submit("two").await;

    let workers = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let claims = workers.map(|worker| bench.try_claim(Some(job), worker));
    let won = futures::future::join_all(claims).await.into_iter().flatten().count();

    assert_eq!(won, 1);
}

pub(super) async fn workers_share_what_waits(bench: &Bench) {
    let jobs: BTreeSet<_> = [bench.submit("two").await, bench.submit("three").await].into();

    let claims = ["a", "b", "c"].map(|worker| bench.try_claim(None, worker));
    let claims = futures::future::join_all(claims).await;

    let taken: BTreeSet<_> = claims.into_iter().flatten().map(|it| it.job).collect();
    assert_eq!(taken, jobs);
}

pub(super) async fn what_is_not_queued_is_taken_by_its_number_alone(bench: &Bench) {
    let ours = JobSpec { queued: false, ..spec("two") };
    let ours = bench.journal.submit(&ours).await.expect("a job can be added");

    assert_eq!(bench.try_claim(None, "bob").await, None, "nobody left it to others");
    bench.try_claim(Some(ours), "ann").await.expect("its own worker takes it");
    bench.clock.advance(LEASE);
    assert_eq!(bench.try_claim(None, "bob").await, None, "nor when its worker fell silent");
}

pub(super) async fn a_heartbeat_keeps_the_lease(bench: &Bench) {
    let claim = bench.start().await;

    for _ in 0..5 {
        bench.clock.advance(LEASE / 2);
        let pulse = bench.journal.heartbeat(&claim).await.expect("it beats");
        assert_eq!(pulse, Pulse::Beating);
    }

    assert!(!view(bench, claim.job).await.lease_expired);
    assert_eq!(bench.try_claim(Some(claim.job), "bob").await, None);
}

/// Every method that takes a claim, called with one that is no longer good.
async fn check_refused(bench: &Bench, old: &Claim) {
    fn check<T>(method: &str, answer: Result<T, JournalError>) {
        match answer {
            Ok(_) => panic!("{method} took a claim that is lost"),
            Err(error) => assert!(error.is_claim_lost(), "{method}: {:?}", error.source),
        }
    }
    let (journal, lane, event) = (&bench.journal, issues(), Event::Ended { whole: true });

    check("position", journal.position(old, &lane).await);
    check("begin", journal.begin(old, &lane, Settle::Page, &entries(&["1"])).await);
    check("begin", journal.begin(old, &lane, Settle::Record, &entries(&["1"])).await);
    check("settle", journal.settle(old, &lane, &created(&["1"]), &[], None).await);
    check("gone", journal.gone(old, &lane, None, 1).await);
    check("forget", journal.forget(old, &lane, &["1".to_owned()]).await);
    check("note", journal.note(old, &event).await);
    check("close", journal.close(old, JobState::Finished, None).await);
    assert_eq!(journal.heartbeat(old).await.expect("it says so"), Pulse::Lost);
}

pub(super) async fn an_expired_lease_is_taken_over_and_the_old_claim_refused(bench: &Bench) {
    let old = bench.start().await;

    bench.clock.advance(LEASE);
    assert!(view(bench, old.job).await.lease_expired);
    let new = bench.try_claim(None, "bob").await.expect("the job is free again");

    assert_eq!((new.job, new.route), (old.job, old.route));
    assert!(new.epoch > old.epoch);
    check_refused(bench, &old).await;
    bench.settle(&new, &created(&["1"]), Some(&Position::Done)).await;
    assert_eq!(bench.counts(&new).await.read, 1, "nothing of the old claim was noted");
}

pub(super) async fn a_closed_claim_is_refused(bench: &Bench) {
    let claim = bench.start().await;

    bench.close(&claim, JobState::Stopped).await;

    check_refused(bench, &claim).await;
    assert_eq!(view(bench, claim.job).await.state, JobState::Stopped);
}

pub(super) async fn a_job_is_cancelled_waiting_or_running_but_not_when_it_has_ended(bench: &Bench) {
    let cancel = async |job| bench.journal.cancel(job).await.expect("jobs can be cancelled");
    let waiting = bench.submit("two").await;
    assert!(cancel(waiting).await);
    assert_eq!(view(bench, waiting).await.state, JobState::Cancelled);

    let running = bench.start().await;
    assert!(cancel(running.job).await);
    assert!(view(bench, running.job).await.cancelling);
    let pulse = bench.journal.heartbeat(&running).await.expect("it beats");
    assert_eq!(pulse, Pulse::Cancelling);
    bench.close(&running, JobState::Cancelled).await;

    let again = bench.claim(running.job).await;
    assert!(!view(bench, again.job).await.cancelling, "who takes it again wants it");
    bench.close(&again, JobState::Finished).await;
    assert!(!cancel(again.job).await);
    assert!(!cancel(JobId(4711)).await, "nobody knows that one");

    let asked = bench.start().await;
    assert!(cancel(asked.job).await);
    bench.clock.advance(LEASE);
    assert_eq!(bench.try_claim(None, "bob").await, None, "nobody wants it any more");
    let wanted = bench.claim(asked.job).await;
    let pulse = bench.journal.heartbeat(&wanted).await.expect("it beats");
    assert_eq!(pulse, Pulse::Beating, "who takes it by its number wants it");
    bench.close(&wanted, JobState::Finished).await;

    let silent = bench.start().await;
    bench.clock.advance(LEASE);
    assert!(cancel(silent.job).await);
    assert_eq!(view(bench, silent.job).await.state, JobState::Cancelled, "nobody would react");
    check_refused(bench, &silent).await;
}

pub(super) async fn what_did_not_finish_can_be_taken_by_its_number(bench: &Bench) {
    for state in [JobState::Stopped, JobState::Cancelled, JobState::Failed] {
        let claim = bench.start().await;
        bench.close(&claim, state).await;

        if state != JobState::Stopped {
            assert_eq!(bench.try_claim(None, "bob").await, None, "{state:?}: only when asked for");
        }
        let again = bench.claim(claim.job).await;
        bench.close(&again, JobState::Finished).await;
        assert_eq!(bench.try_claim(Some(claim.job), "bob").await, None, "what is done is done");
    }
    assert_eq!(bench.try_claim(Some(JobId(4711)), "bob").await, None);
}

/// A worker that is told to stop leaves its job to the others.
pub(super) async fn what_stopped_is_taken_by_the_next_worker(bench: &Bench) {
    let claim = bench.start().await;
    bench.close(&claim, JobState::Stopped).await;

    let next = bench.try_claim(None, "bob").await.expect("it is left to others");

    assert_eq!(next.job, claim.job);
}

pub(super) async fn two_jobs_of_a_route_are_not_carried_at_once(bench: &Bench) {
    let first = bench.start().await;
    let second = bench.submit("two").await;
    assert_eq!(bench.try_claim(Some(second), "bob").await, None, "the route is taken");
    assert_eq!(bench.try_claim(None, "bob").await, None, "the route is taken");

    bench.clock.advance(LEASE);
    let taken = bench.claim(second).await;

    assert_eq!(taken.route, first.route);
    check_refused(bench, &first).await;
    let stopped = view(bench, first.job).await;
    assert_eq!(stopped.state, JobState::Stopped);
    assert!(stopped.reason.is_some());
    assert_eq!(bench.try_claim(Some(first.job), "ann").await, None, "the route is taken");
}

pub(super) async fn documents_are_kept_and_replaced(bench: &Bench) {
    let (job, other) = (bench.submit("two").await, bench.submit("two").await);
    let (old, new) = (serde_json::json!({"n": 1}), serde_json::json!({"n": [2, "🐴", null]}));

    bench.journal.keep(job, "plan", &old).await.expect("it is kept");
    bench.journal.keep(job, "plan", &new).await.expect("it is replaced");

    let kept = async |job, name| bench.journal.kept(job, name).await.expect("it can be read");
    assert_eq!(kept(job, "plan").await, Some(new));
    assert_eq!(kept(job, "verification").await, None);
    assert_eq!(kept(other, "plan").await, None);
}
