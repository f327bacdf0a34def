//! Destinations that number what comes one after the other.

use super::{
    bench::{APP, Bench, app, only},
    trap::{How, Trap},
};
use packhorse_core::{
    Keeps, Lane, Numbering, Object, ObjectKind, Record, Settle,
    job::{Gaps, JobOptions, JobState},
    model::{ChangeRequest, Comment, Issue, Markup, Subject, Text},
};
use packhorse_testkit::{memory::MemoryOptions, samples};

const KINDS: [ObjectKind; 3] = [ObjectKind::Issue, ObjectKind::ChangeRequest, ObjectKind::Comment];

pub(super) fn bench() -> Bench {
    let bench = Bench::to(MemoryOptions {
        settle: Settle::Record,
        own_ids: true,
        keeps: Keeps { numbers: false, ..Keeps::ALL },
        numbering: Numbering::OneRow,
        ..MemoryOptions::default()
    });
    bench.source.put(&app(), samples::project_at(APP));
    bench
}

pub(super) fn options() -> JobOptions {
    JobOptions { verify: true, ..only(&KINDS) }
}

fn title(kind: &str, number: u64) -> String {
    format!("{kind} {number}")
}

fn text(text: &str) -> Option<Text> {
    Some(Text::new(text.to_owned(), Markup::Github))
}

pub(super) fn put(bench: &Bench, issues: &[u64], changes: &[u64]) {
    for &number in issues {
        let issue = Issue { number, title: title("issue", number), ..Issue::default() };
        bench.source.put(&app(), Record::new(number.to_string(), Object::from(issue)));
    }
    for &number in changes {
        let change =
            ChangeRequest { number, title: title("change", number), ..ChangeRequest::default() };
        bench.source.put(&app(), Record::new(number.to_string(), Object::from(change)));
    }
}

pub(super) fn comment_on(bench: &Bench, id: &str, issue: u64, body: &str) {
    let subject = Subject::Issue(issue);
    let comment = Comment { subject, body: text(body), ..Comment::default() };
    bench.source.put(&app(), Record::new(id, Object::from(comment)));
}

/// Numbers and titles of what the destination has of a kind.
fn there(bench: &Bench, kind: ObjectKind) -> Vec<(u64, String)> {
    let stored = bench.sink.stored(&Lane::new(app(), kind)).into_iter();
    let mut list: Vec<_> = stored
        .map(|it| {
            if let Object::Issue(it) = it.object {
                (it.number, it.title)
            } else if let Object::ChangeRequest(it) = it.object {
                (it.number, it.title)
            } else {
                panic!("{it:?}")
            }
        })
        .collect();
    list.sort();
    list
}

fn named(kind: &str, numbers: &[u64]) -> Vec<(u64, String)> {
    numbers.iter().map(|&n| (n, title(kind, n))).collect()
}

/// Both kinds have their own numbers, and what is between them has been filled.
#[track_caller]
pub(super) fn check_kept(bench: &Bench, issues: &[u64], changes: &[u64], what: &str) {
    assert_eq!(there(bench, ObjectKind::ChangeRequest), named("change", changes), "{what}");
    let (fillers, ours): (Vec<_>, Vec<_>) =
        there(bench, ObjectKind::Issue).into_iter().partition(|it| it.1.starts_with('('));
    assert_eq!(ours, named("issue", issues), "{what}");
    let last = issues.iter().chain(changes).copied().max().unwrap();
    let gaps = (1..=last).filter(|it| !issues.contains(it) && !changes.contains(it));
    assert_eq!(
        fillers.iter().map(|it| it.0).collect::<Vec<_>>(),
        gaps.collect::<Vec<_>>(),
        "{what}"
    );
}

#[tokio::test]
async fn issues_and_change_requests_keep_the_numbers_that_they_share() {
    let bench = bench();
    put(&bench, &[1, 2, 5, 9], &[3, 8]);

    let (_, outcome) = bench.carry(&options()).await;

    assert_eq!((outcome.state, outcome.verified), (JobState::Finished, Some(true)), "{outcome:?}");
    check_kept(&bench, &[1, 2, 5, 9], &[3, 8], "after a run");
}

/// Puts both kinds so that the source lists them in this order.
fn put_listed(bench: &Bench, issues: &[u64], changes: &[u64]) {
    for (place, &number) in (1_000..).zip(issues) {
        let issue = Issue { number, title: title("issue", number), ..Issue::default() };
        bench.source.put(&app(), Record::new(place.to_string(), Object::from(issue)));
    }
    for (place, &number) in (1_000..).zip(changes) {
        let change =
            ChangeRequest { number, title: title("change", number), ..ChangeRequest::default() };
        bench.source.put(&app(), Record::new(place.to_string(), Object::from(change)));
    }
}

fn sorted(list: &[u64]) -> Vec<u64> {
    let mut list = list.to_vec();
    list.sort_unstable();
    list
}

#[tokio::test]
async fn what_is_listed_before_lower_numbers_waits_for_them() {
    for (issues, changes) in [
        (&[9, 1, 2, 5][..], &[3, 8][..]),
        (&[9, 7, 6, 5, 2, 1], &[4, 3]),
        (&[1, 40, 2, 3], &[50, 4, 6]),
        (&[3, 2], &[1]),
    ] {
        let bench = bench();
        put_listed(&bench, issues, changes);

        let (_, outcome) = bench.carry(&options()).await;

        assert_eq!(outcome.state, JobState::Finished, "{outcome:?}");
        check_kept(&bench, &sorted(issues), &sorted(changes), &format!("{issues:?} {changes:?}"));
    }
}

#[tokio::test]
async fn a_lost_answer_costs_no_number_while_something_waits() {
    for at in 1.. {
        let bench = bench();
        put_listed(&bench, &[9, 7, 1, 2, 5], &[8, 3]);
        let claim = bench.claim(&options()).await;
        let trap = Trap::new(How::LoseAnswer, at, |it| it == "write");

        let mut outcome = bench.run(&claim, &bench.trapped(&trap), &options()).await.unwrap();
        if trap.was_met() {
            outcome = bench.resume(claim.job, &options()).await;
        }

        assert_eq!(outcome.state, JobState::Finished, "write {at}: {outcome:?}");
        check_kept(&bench, &[1, 2, 5, 7, 9], &[3, 8], &format!("write {at}"));
        if !trap.was_met() {
            assert!(at > 9, "every write was lost once");
            return;
        }
    }
}

#[tokio::test]
async fn gaps_that_are_left_give_what_follows_other_numbers() {
    let bench = bench();
    put(&bench, &[1, 5], &[3]);

    let (_, outcome) = bench.carry(&JobOptions { gaps: Gaps::Leave, ..options() }).await;

    assert_eq!((outcome.state, outcome.verified), (JobState::Finished, Some(true)), "{outcome:?}");
    assert_eq!(there(&bench, ObjectKind::Issue), [(1, title("issue", 1)), (3, title("issue", 5))]);
    assert_eq!(there(&bench, ObjectKind::ChangeRequest), [(2, title("change", 3))]);
}

#[tokio::test]
async fn a_second_run_goes_on_with_the_numbers_and_leaves_what_fills_gaps() {
    let bench = bench();
    put(&bench, &[1, 4], &[2]);
    bench.carry(&options()).await;
    put(&bench, &[7], &[6]);

    let options = JobOptions { delete: true, ..options() };
    let (_, outcome) = bench.carry(&options).await;

    assert_eq!(outcome.state, JobState::Finished, "{outcome:?}");
    check_kept(&bench, &[1, 4, 7], &[2, 6], "after the second");
    let (_, outcome) = bench.carry(&options).await;
    assert_eq!(outcome.state, JobState::Finished, "{outcome:?}");
    check_kept(&bench, &[1, 4, 7], &[2, 6], "after the third");
}

#[tokio::test]
async fn issues_keep_their_numbers_where_change_requests_have_a_row_of_their_own() {
    let bench = bench();
    put(&bench, &[1, 2], &[1, 2]);

    bench.carry(&options()).await;

    assert_eq!(there(&bench, ObjectKind::Issue), named("issue", &[1, 2]));
    let changes = there(&bench, ObjectKind::ChangeRequest);
    assert_eq!(changes, [(3, title("change", 1)), (4, title("change", 2))]);
}

#[tokio::test]
async fn what_refers_to_new_numbers_is_led_to_them() {
    let bench = bench();
    let earlier = Issue { number: 40, title: "somebody else's".into(), ..Issue::default() };
    bench.sink.put(&app(), samples::project_at(APP));
    bench.sink.put(&app(), Record::new("40", Object::from(earlier)));
    put(&bench, &[1, 3], &[]);
    comment_on(&bench, "40", 3, "see #1 and #3");

    let options = JobOptions { force: true, ..options() };
    let (_, outcome) = bench.carry(&options).await;

    assert_eq!((outcome.state, outcome.verified), (JobState::Finished, Some(true)), "{outcome:?}");
    let issues: Vec<_> = there(&bench, ObjectKind::Issue).into_iter().map(|it| it.0).collect();
    assert_eq!(issues, [40, 41, 42], "nothing is filled between what is somebody else's");
    let comments = bench.sink.stored(&Lane::new(app(), ObjectKind::Comment));
    let Object::Comment(comment) = &comments[0].object else { panic!() };
    assert_eq!(comment.subject, Subject::Issue(42));
    assert!(comment.body.as_ref().unwrap().as_str().starts_with("see #41 and #42"), "{comment:?}");
}

#[tokio::test]
async fn a_comment_waits_for_an_issue_that_failed() {
    for is_retry in [false, true] {
        let bench = bench();
        put(&bench, &[1], &[]);
        comment_on(&bench, "40", 1, "first");
        let claim = bench.claim(&options()).await;
        let trap =
            Trap::new(How::Refuse(packhorse_core::HostErrorKind::Rejected), 2, |it| it == "write");

        let outcome = bench.run(&claim, &bench.trapped(&trap), &options()).await.unwrap();

        assert_eq!((outcome.state, outcome.n_failures), (JobState::Failed, 2), "{outcome:?}");
        if is_retry {
            packhorse_engine::retry(&*bench.journal, claim.job).await.unwrap();
        }
        let outcome = bench.resume(claim.job, &options()).await;
        assert_eq!(outcome.state, JobState::Finished, "{outcome:?}");
        check_kept(&bench, &[1], &[], "after the second run");
        assert_eq!(bench.sink.stored(&Lane::new(app(), ObjectKind::Comment)).len(), 1);
    }
}

#[tokio::test]
async fn a_lost_answer_costs_no_number() {
    for at in 1.. {
        let bench = bench();
        put(&bench, &[1, 2, 5], &[3, 7]);
        let claim = bench.claim(&options()).await;
        let trap = Trap::new(How::LoseAnswer, at, |it| it == "write");

        let mut outcome = bench.run(&claim, &bench.trapped(&trap), &options()).await.unwrap();
        if trap.was_met() {
            outcome = bench.resume(claim.job, &options()).await;
        }

        assert_eq!(outcome.state, JobState::Finished, "write {at}: {outcome:?}");
        check_kept(&bench, &[1, 2, 5], &[3, 7], &format!("write {at}"));
        if !trap.was_met() {
            assert!(at > 7, "every write was lost once");
            return;
        }
    }
}
