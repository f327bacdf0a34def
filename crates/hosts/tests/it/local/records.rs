//! Records: written, found, read back, removed.

use crate::place::{Place, all, app, fill, ids, issue, label, lane, pages, project};
use packhorse_core::{
    Access, Object, ObjectKind, Origin, Record, Scope, Settle, TargetId,
    model::{Label, Project, User},
    port::{Outcome, Source},
};

#[tokio::test]
async fn every_kind_comes_back_as_it_was_written() {
    let place = Place::new();
    let sink = place.sink();
    let kinds = ObjectKind::ALL.iter().filter(|&&kind| kind != ObjectKind::Project);
    let records: Vec<Record> = kinds
        .map(|&kind| Record::new("some/id 1", Object::from_fields(kind, b"{}").unwrap()))
        .collect();

    fill(&*sink, records.clone()).await;

    let source = place.source();
    for record in records {
        assert_eq!(all(&*source, &lane(record.origin.kind)).await, [record]);
    }
}

#[tokio::test]
async fn numbers_come_in_ascending_order_and_names_behind() {
    let place = Place::new();
    let records = [100, 9, 10, 1, 11].map(issue).into_iter();
    let named = Record::new("x", issue(7).object);

    fill(&*place.sink(), records.chain([named])).await;

    let records = all(&*place.source(), &lane(ObjectKind::Issue)).await;
    assert_eq!(ids(&records), ["1", "9", "10", "11", "100", "x"]);
}

#[track_caller]
fn check_pages(sizes: &[usize], expected: &[usize]) {
    assert_eq!(sizes, expected);
}

async fn page_sizes(source: &dyn Source, kind: ObjectKind) -> Vec<usize> {
    pages(source, &lane(kind)).await.iter().map(|page| page.records.len()).collect()
}

#[tokio::test]
async fn a_full_last_page_is_not_followed_by_an_empty_one() {
    let place = Place::new();
    let sink = place.sink();

    fill(&*sink, (1..=1_000).map(issue)).await;
    check_pages(&page_sizes(&*place.source(), ObjectKind::Issue).await, &[500, 500]);

    fill(&*sink, [issue(1_001)]).await;
    check_pages(&page_sizes(&*place.source(), ObjectKind::Issue).await, &[500, 500, 1]);
}

#[tokio::test]
async fn large_records_make_short_pages() {
    let place = Place::new();
    let names = [("a", 900_000), ("b", 900_000), ("c", 900_000), ("d", 3_000_000), ("e", 1)];

    fill(&*place.sink(), names.map(|(name, size)| label(name, &"x".repeat(size)))).await;

    check_pages(&page_sizes(&*place.source(), ObjectKind::Label).await, &[2, 1, 1, 1]);
}

#[tokio::test]
async fn an_empty_lane_is_one_empty_page() {
    let place = Place::new();
    fill(&*place.sink(), [issue(1)]).await;

    check_pages(&page_sizes(&*place.source(), ObjectKind::Label).await, &[0]);
}

#[tokio::test]
async fn a_record_is_found_before_and_after_the_flush() {
    let place = Place::new();
    let sink = place.sink();
    let bug = label("bug", "");
    assert_eq!(sink.find(&app(), &bug).await.unwrap(), None);

    let written = sink.write(&app(), &bug, None).await.unwrap();
    assert_eq!(written.target, TargetId("bug".into()));
    assert_eq!(written.outcome, Outcome::Created);
    assert_eq!(sink.find(&app(), &bug).await.unwrap().as_ref(), Some(&written.target));
    assert_eq!(place.sink().find(&app(), &bug).await.unwrap(), None);

    sink.flush(&app()).await.unwrap();
    assert_eq!(sink.find(&app(), &bug).await.unwrap().as_ref(), Some(&written.target));
    assert_eq!(place.sink().find(&app(), &bug).await.unwrap(), Some(written.target));
}

#[tokio::test]
async fn a_record_written_twice_is_there_once_and_as_written_last() {
    let place = Place::new();
    let sink = place.sink();
    fill(&*sink, [label("bug", "first")]).await;

    let target = TargetId("bug".into());
    let written = sink.write(&app(), &label("bug", "second"), Some(&target)).await.unwrap();
    sink.flush(&app()).await.unwrap();

    assert_eq!(written.outcome, Outcome::Updated);
    let records = all(&*place.source(), &lane(ObjectKind::Label)).await;
    assert_eq!(records, [label("bug", "second")]);
}

#[tokio::test]
async fn a_removed_record_is_gone_and_may_be_removed_again() {
    let place = Place::new();
    let sink = place.sink();
    fill(&*sink, [label("bug", ""), label("docs", "")]).await;
    let (origin, target) = (Origin::new(ObjectKind::Label, "bug"), TargetId("bug".into()));

    for _ in 0..2 {
        sink.remove(&app(), &origin, &target).await.unwrap();
        assert_eq!(sink.find(&app(), &label("bug", "")).await.unwrap(), None);
        sink.flush(&app()).await.unwrap();
    }

    assert_eq!(sink.find(&app(), &label("bug", "")).await.unwrap(), None);
    assert_eq!(ids(&all(&*place.source(), &lane(ObjectKind::Label)).await), ["docs"]);
}

#[tokio::test]
async fn what_was_not_flushed_is_not_there_after_a_crash() {
    let place = Place::new();
    let sink = place.sink();
    fill(&*sink, [issue(1)]).await;
    sink.write(&app(), &issue(2), None).await.unwrap();

    drop(sink);

    assert_eq!(ids(&all(&*place.source(), &lane(ObjectKind::Issue)).await), ["1"]);
}

#[tokio::test]
async fn two_that_write_at_once_lose_nothing() {
    let place = Place::new();
    let (one, other) = (place.sink(), place.sink());
    let write = async |sink: &dyn packhorse_core::port::Sink, first: u64| {
        for batch in 0..10 {
            fill(sink, (0..20).map(|n| issue(first + (batch * 20 + n) * 2))).await;
        }
    };

    tokio::join!(write(&*one, 1), write(&*other, 2));

    let records = all(&*place.source(), &lane(ObjectKind::Issue)).await;
    let numbers: Vec<u64> = records.iter().map(|it| it.origin.id.parse().unwrap()).collect();
    assert_eq!(numbers, (1..=400).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_project_is_listed_under_the_path_of_its_scope() {
    let place = Place::new();
    let sink = place.sink();
    let scope = Scope::Project("new/app".into());

    let written = sink.write(&scope, &project("old/app"), None).await.unwrap();
    sink.flush(&scope).await.unwrap();

    assert_eq!(written.target, TargetId("new/app".into()));
    assert_eq!(sink.find(&scope, &project("old/app")).await.unwrap(), Some(written.target));
    let projects = packhorse_core::Lane::new(Scope::Shared, ObjectKind::Project);
    assert_eq!(ids(&all(&*place.source(), &projects).await), ["new/app"]);
}

#[tokio::test]
async fn one_project_can_be_read_alone_with_what_all_share() {
    let place = Place::new();
    let sink = place.sink();
    let user = Record::new("ann", Object::from(User::default()));
    for path in ["acme/app", "acme/web"] {
        let scope = Scope::Project(path.into());
        sink.write(&scope, &project(path), None).await.unwrap();
        sink.write(&scope, &Record::new("x", Object::from(Label::default())), None).await.unwrap();
        sink.flush(&scope).await.unwrap();
    }
    sink.write(&Scope::Shared, &user, None).await.unwrap();
    sink.finish(&Scope::Shared).await.unwrap();

    let endpoint = place.open("local:{}/store#acme/web", Access::Read).unwrap();

    let source = endpoint.source.unwrap();
    let shared = |kind| packhorse_core::Lane::new(Scope::Shared, kind);
    assert_eq!(ids(&all(&*source, &shared(ObjectKind::Project)).await), ["acme/web"]);
    assert_eq!(ids(&all(&*source, &shared(ObjectKind::User)).await), ["ann"]);
    assert_eq!(all(&*source, &lane(ObjectKind::Label)).await.len(), 0);
    assert_eq!(source.inventory(&app()).await.unwrap().counts, []);
    let inventory = source.inventory(&Scope::Shared).await.unwrap();
    assert_eq!(inventory.records(ObjectKind::Project), Some(1));
    assert_eq!(inventory.records(ObjectKind::User), Some(1));
}

#[tokio::test]
async fn the_inventory_counts_each_kind() {
    let place = Place::new();
    fill(&*place.sink(), (1..=12).map(issue).chain([label("bug", "")])).await;

    let inventory = place.source().inventory(&app()).await.unwrap();

    assert_eq!(inventory.records(ObjectKind::Issue), Some(12));
    assert_eq!(inventory.records(ObjectKind::Label), Some(1));
    assert_eq!(inventory.counts.len(), 2);
    let other = place.source().inventory(&Scope::Project("no/such".into())).await.unwrap();
    assert_eq!(other.counts, []);
}

#[tokio::test]
async fn the_version_changes_with_content_and_with_nothing_else() {
    let place = Place::new();
    let sink = place.sink();
    let version = async || sink.probe().await.unwrap().version.unwrap();
    fill(&*sink, [label("bug", "first")]).await;
    let first = version().await;

    fill(&*sink, [label("bug", "first")]).await;
    assert_eq!(version().await, first);
    assert_eq!(place.source().probe().await.unwrap().version.as_ref(), Some(&first));

    fill(&*sink, [label("bug", "second")]).await;
    assert_ne!(version().await, first);
}

#[tokio::test]
async fn it_promises_everything() {
    let place = Place::new();

    let capabilities = place.sink().probe().await.unwrap();

    assert_eq!(capabilities.settle, Settle::Page);
    for &kind in ObjectKind::ALL {
        assert_eq!(capabilities.of(kind), packhorse_core::Support::Full, "{kind}");
    }
}

async fn check_refused(path: &str) {
    let place = Place::new();
    let sink = place.sink();
    let scope = Scope::Project(path.into());
    let record = Record::new(path, Object::from(Project::default()));

    assert!(sink.write(&scope, &record, None).await.is_err(), "{path:?}");
    assert!(sink.remote(path, packhorse_core::RepoKind::Code).await.is_err(), "{path:?}");
    assert!(sink.flush(&scope).await.is_err(), "{path:?}");
}

#[tokio::test]
async fn hostile_paths_of_projects_are_refused() {
    let long = "a".repeat(2_000);
    for path in ["../x", "/etc/x", "a/../../b", "a//b", "a/", ".", "a\0b", "a\nb", &long] {
        check_refused(path).await;
    }
}

#[tokio::test]
async fn projects_that_differ_in_case_alone_are_not_mixed() {
    let place = Place::new();
    let sink = place.sink();
    fill(&*sink, [issue(1)]).await;
    let scope = Scope::Project("Acme/App".into());

    sink.write(&scope, &issue(2), None).await.unwrap();
    let error = sink.flush(&scope).await.unwrap_err();

    assert_eq!(error.kind, packhorse_core::HostErrorKind::Conflict);
    assert!(crate::place::words(&error).contains("`acme/app`"), "{}", crate::place::words(&error));
}
