//! What records became.

use super::bench::{Bench, created, entries, entry, issues, print, settled, spec};
use packhorse_core::{
    Lane, Loss, ObjectKind, Origin, Scope, Settle, TargetId,
    job::JobState,
    port::{Begun, Item, ItemQuery, Outcome, Position, Settled},
};

pub(super) async fn a_record_is_fresh_then_done_then_changed(bench: &Bench) {
    for (how, sink) in [(Settle::Page, "by page"), (Settle::Record, "by record")] {
        let claim = bench.claim(bench.submit(sink).await).await;
        assert_eq!(
            bench.begin(&claim, how, &entries(&["1", "2"])).await,
            [Begun::Fresh, Begun::Fresh]
        );
        let mut second = settled("2", 1, Some(Outcome::Created));
        second.target = TargetId("note-77".to_owned());
        let both = [settled("1", 1, Some(Outcome::Created)), second];
        bench.settle(&claim, &both, Some(&Position::Done)).await;
        bench.close(&claim, JobState::Finished).await;

        let next = bench.claim(bench.submit(sink).await).await;
        let turn = [entry("2", 9), entry("1", 1), entry("3", 1), entry("1", 9)];
        let told = bench.begin(&next, how, &turn).await;

        let changed = |id: &str| Begun::Changed(TargetId(id.to_owned()));
        let expected = [changed("note-77"), Begun::Done, Begun::Fresh, changed("1")];
        assert_eq!(told, expected, "{sink}");
    }
}

/// References are mended in a lane that is through; what was written is known by then.
pub(super) async fn what_a_job_wrote_it_knows_at_once(bench: &Bench) {
    for (how, sink) in [(Settle::Page, "by page"), (Settle::Record, "by record")] {
        let claim = bench.claim(bench.submit(sink).await).await;
        bench.begin(&claim, how, &entries(&["1"])).await;
        bench.settle(&claim, &created(&["1"]), Some(&Position::Done)).await;

        let told = bench.begin(&claim, how, &[entry("1", 2)]).await;
        bench.settle(&claim, &[settled("1", 2, Some(Outcome::Updated))], None).await;

        assert_eq!(told, [Begun::Changed(TargetId("1".to_owned()))], "{sink}");
        let counts = bench.counts(&claim).await;
        assert_eq!((counts.read, counts.created, counts.updated), (1, 1, 0), "it counts once");
        assert_eq!(bench.begin(&claim, how, &[entry("1", 2)]).await, [Begun::Done], "{sink}");
    }
}

/// Nothing is at the destination, so nothing is to be found, compared or removed there.
pub(super) async fn what_was_dropped_is_no_item(bench: &Bench) {
    let claim = bench.carry(&[settled("1", 1, Some(Outcome::Dropped))]).await;
    assert_eq!(bench.counts(&claim).await.dropped, 1);
    let queries = [
        ItemQuery::Origins(vec!["1".to_owned()]),
        ItemQuery::Targets(vec![TargetId("1".to_owned())]),
        ItemQuery::After(None, 9),
    ];
    for query in queries {
        assert_eq!(bench.items(claim.route, query).await, []);
    }

    let next = bench.start().await;
    let told = bench.begin(&next, Settle::Page, &[entry("1", 1), entry("1", 2)]).await;

    assert_eq!(told, [Begun::Done, Begun::Interrupted], "once changed, it may have a place");
}

pub(super) async fn routes_scopes_and_kinds_do_not_mix(bench: &Bench) {
    let here = bench.carry(&created(&["1"])).await;
    let mut other_project = spec("two");
    other_project.options.project = Some("acme/app".to_owned());
    let mut other_target = spec("two");
    other_target.options.target = Some("elsewhere".to_owned());

    for spec in [spec("three"), other_project, other_target] {
        let job = bench.journal.submit(&spec).await.expect("a job can be added");
        let claim = bench.claim(job).await;
        assert_ne!(claim.route, here.route, "{spec:?}");
        let told = bench.begin(&claim, Settle::Page, &entries(&["1"])).await;
        assert_eq!(told, [Begun::Fresh], "{spec:?}");
    }
    let again = bench.start().await;
    assert_eq!(again.route, here.route, "the same ends and options are the same route");
    let other_scope = Lane::new(Scope::Project("acme/other".to_owned()), ObjectKind::Issue);
    let other_kind = Lane { kind: ObjectKind::ChangeRequest, ..issues() };
    for lane in [other_scope, other_kind] {
        let told = bench.journal.begin(&again, &lane, Settle::Page, &entries(&["1"])).await;
        assert_eq!(told.expect("records can be begun"), [Begun::Fresh], "{lane}");
    }
}

pub(super) async fn items_are_found_by_origin_and_by_target(bench: &Bench) {
    let named = |id: &str, target: &str| Settled {
        target: TargetId(target.to_owned()),
        ..settled(id, 1, Some(Outcome::Created))
    };
    let batch = [named("1", "10"), named("2", "2"), named("3", "3"), named("4", "10")];
    let claim = bench.carry(&batch).await;
    let pairs = async |query| {
        let items = bench.items(claim.route, query).await;
        items.into_iter().map(|it| (it.origin.id, it.target.0)).collect::<Vec<_>>()
    };
    let pair = |id: &str, target: &str| (id.to_owned(), target.to_owned());
    let owned = |ids: &[&str]| ids.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    let targets = |ids: &[&str]| ids.iter().map(|it| TargetId((*it).to_owned())).collect();

    let by_origin = pairs(ItemQuery::Origins(owned(&["3", "1", "9"]))).await;
    let by_target = pairs(ItemQuery::Targets(targets(&["2", "10", "1"]))).await;
    let first = pairs(ItemQuery::After(None, 2)).await;
    let rest = pairs(ItemQuery::After(Some("2".to_owned()), 9)).await;

    assert_eq!(by_origin, [pair("3", "3"), pair("1", "10")]);
    assert_eq!(by_target, [pair("2", "2"), pair("1", "10"), pair("4", "10")]);
    assert_eq!(first, [pair("1", "10"), pair("2", "2")]);
    assert_eq!(rest, [pair("3", "3"), pair("4", "10")]);
    assert_eq!(bench.items(claim.route + 1, ItemQuery::After(None, 9)).await, []);
    let expected = Item {
        scope: issues().scope,
        origin: Origin::new(ObjectKind::Issue, "2"),
        target: TargetId("2".to_owned()),
        fingerprint: print(1),
        created_by: Some(claim.job),
        written_by: claim.job,
        seen_by: Some(claim.job),
    };
    assert_eq!(bench.items(claim.route, ItemQuery::Origins(owned(&["2"]))).await, [expected]);
}

pub(super) async fn lost_fields_are_told_of_each_record(bench: &Bench) {
    let lost = |id: &str, fields: &[&'static str]| Settled {
        losses: fields.iter().map(|field| Loss::sink(*field, "gone")).collect(),
        ..settled(id, 1, Some(Outcome::Created))
    };
    let first = bench.carry(&[lost("1", &["body", "body", "author"]), lost("2", &[])]).await;
    let again = bench.start().await;
    bench
        .settle(
            &again,
            &[Settled { outcome: Some(Outcome::Updated), ..lost("1", &["state"]) }],
            None,
        )
        .await;
    let ids = ["2", "1", "1", "9"].map(str::to_owned);

    let told = bench.journal.lost_fields(first.route, &issues(), &ids).await;
    let elsewhere = bench.journal.lost_fields(first.route + 1, &issues(), &ids).await;

    let expected = ["author", "body", "state"].map(|field| ("1".to_owned(), field.to_owned()));
    assert_eq!(told.expect("losses can be looked up"), expected);
    assert_eq!(elsewhere.expect("losses can be looked up"), []);
}

pub(super) async fn who_created_an_object_is_remembered(bench: &Bench) {
    for how in [Settle::Page, Settle::Record] {
        let first = bench.claim(bench.submit(&format!("{how:?}")).await).await;
        bench.begin(&first, how, &entries(&["made", "found"])).await;
        let made = settled("made", 1, Some(Outcome::Created));
        let found = settled("found", 1, Some(Outcome::Adopted));
        bench.settle(&first, &[made, found], Some(&Position::Done)).await;
        bench.close(&first, JobState::Finished).await;
        let second = bench.claim(bench.submit(&format!("{how:?}")).await).await;
        bench.begin(&second, how, &[entry("made", 2), entry("found", 2)]).await;
        let updated = ["made", "found"].map(|id| settled(id, 2, Some(Outcome::Updated)));
        bench.settle(&second, &updated, Some(&Position::Done)).await;

        let items = bench.items(first.route, ItemQuery::After(None, 9)).await;
        let by: Vec<_> = items.iter().map(|it| (it.created_by, it.written_by)).collect();

        let expected = [(None, second.job), (Some(first.job), second.job)];
        assert_eq!(by, expected, "{how:?}: what was there before us is not ours");
        bench.close(&second, JobState::Finished).await;
    }
}

pub(super) async fn a_full_batch_keeps_its_order(bench: &Bench) {
    let ids: Vec<String> = (0..4096).map(|n| (n * 37 % 4096).to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let halves = ids.chunks(2048).next().expect("there are two halves");
    bench.carry(&created(halves)).await;

    let claim = bench.start().await;
    let told = bench.begin(&claim, Settle::Page, &entries(&ids)).await;

    let expected = (0..4096).map(|n| if n < 2048 { Begun::Done } else { Begun::Fresh });
    assert!(told.into_iter().eq(expected));
}
