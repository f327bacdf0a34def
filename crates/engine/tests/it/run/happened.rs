//! What happened, told in one closing comment where the destination has no place for events.

use super::bench::{APP, Bench, app, only};
use packhorse_core::{
    Lane, Object, ObjectKind, Record, Settle, Support,
    job::{Events, JobOptions, JobState},
    model::{Comment, Event, Identity, Issue, Subject},
    plan::Fate,
};
use packhorse_engine::plan;
use packhorse_testkit::{memory::MemoryOptions, samples};

const KINDS: [ObjectKind; 3] = [ObjectKind::Issue, ObjectKind::Comment, ObjectKind::Event];

fn without_events(kind: ObjectKind) -> Support {
    if kind == ObjectKind::Event { Support::None("nobody writes it down") } else { Support::Full }
}

fn options(events: Events) -> JobOptions {
    JobOptions { events, verify: true, delete: true, ..only(&KINDS) }
}

/// Two issues, on one of which something was said and on both of which something happened.
fn bench(settle: Settle) -> Bench {
    let own_ids = settle == Settle::Record;
    let options =
        MemoryOptions { support: without_events, settle, own_ids, ..MemoryOptions::default() };
    let bench = Bench::to(options);
    bench.source.put(&app(), samples::project_at(APP));
    for number in [1, 2] {
        let issue = Issue { number, title: format!("issue {number}"), ..Issue::default() };
        bench.source.put(&app(), Record::new(number.to_string(), Object::from(issue)));
    }
    let comment = Comment { subject: Subject::Issue(1), ..Comment::default() };
    bench.source.put(&app(), Record::new("c1", Object::from(comment)));
    for (id, number, action) in [("e1", 2, "closed"), ("e2", 1, "closed"), ("e3", 2, "reopened")] {
        happened(&bench, id, number, action);
    }
    bench
}

fn happened(bench: &Bench, id: &str, number: u64, action: &str) {
    let actor = Some(Identity { login: "ann".into(), ..Identity::default() });
    let (subject, action) = (Subject::Issue(number), action.to_owned());
    let event = Event { subject, action, actor, ..Event::default() };
    bench.source.put(&app(), Record::new(id, Object::from(event)));
}

/// Issue and last line of what was said at the destination, but for what nobody wrote.
fn said(bench: &Bench) -> Vec<(Subject, String)> {
    let stored = bench.sink.stored(&Lane::new(app(), ObjectKind::Comment)).into_iter();
    let mut list: Vec<_> = stored
        .filter_map(|it| {
            let Object::Comment(it) = it.object else { panic!("{it:?}") };
            let body = it.body?;
            let line = body.as_str().lines().rfind(|it| it.starts_with("- "))?;
            Some((it.subject, line.to_owned()))
        })
        .collect();
    list.sort_by_key(|it| format!("{it:?}"));
    list
}

async fn check_told(settle: Settle) {
    let bench = bench(settle);

    let (job, outcome) = bench.carry(&options(Events::Comment)).await;

    assert_eq!((outcome.state, outcome.verified), (JobState::Finished, Some(true)), "{outcome:?}");
    assert_eq!(outcome.n_unplanned, 0);
    let expected = [
        (Subject::Issue(1), "- `ann`: closed it".to_owned()),
        (Subject::Issue(2), "- `ann`: reopened it".to_owned()),
    ];
    assert_eq!(said(&bench), expected);
    assert_eq!(bench.total(job).await.dropped, 3);

    happened(&bench, "e4", 1, "locked");
    let (job, again) = bench.carry(&options(Events::Comment)).await;
    assert_eq!(again.state, JobState::Finished, "{again:?}");
    assert_eq!(said(&bench)[0].1, "- `ann`: locked it");
    assert_eq!(said(&bench).len(), 2);
    let total = bench.total(job).await;
    assert_eq!((total.updated, total.created, total.deleted), (1, 0, 0));
}

#[tokio::test]
async fn all_that_happened_to_a_thing_is_one_comment_by_page() {
    check_told(Settle::Page).await;
}

#[tokio::test]
async fn all_that_happened_to_a_thing_is_one_comment_by_record() {
    check_told(Settle::Record).await;
}

#[tokio::test]
async fn without_asking_nothing_is_said_and_the_plan_tells_either() {
    let bench = bench(Settle::Page);
    let fate = async |events| {
        let plan = plan(&bench.plain_ends(), &options(events), None).await.unwrap();
        plan.kinds.into_iter().find(|it| it.kind == ObjectKind::Event).unwrap().fate
    };
    assert_eq!(fate(Events::Native).await, Fate::Dropped);
    assert_eq!(fate(Events::Comment).await, Fate::Degraded);
    assert_eq!(fate(Events::None).await, Fate::Skipped);

    let (_, outcome) = bench.carry(&options(Events::Native)).await;

    assert_eq!(outcome.state, JobState::Finished, "{outcome:?}");
    assert_eq!(said(&bench), []);
}

#[tokio::test]
async fn a_destination_with_events_gets_events() {
    let bench = Bench::settling(Settle::Page);
    bench.fill(APP, &KINDS, 2);

    bench.carry(&options(Events::Comment)).await;

    assert_eq!(bench.arrived(&app(), ObjectKind::Event).len(), 2);
    assert_eq!(bench.arrived(&app(), ObjectKind::Comment).len(), 2);
}
