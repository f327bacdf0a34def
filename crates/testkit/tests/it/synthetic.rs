//! The source of any size is a source like others.

use packhorse_core::{Fingerprint, Lane, ObjectKind, Scope, port::Source};
use packhorse_testkit::{
    suite::{self, walk},
    synthetic::Synthetic,
};

fn comments() -> Lane {
    Lane::new(Scope::Project("acme/app-0".into()), ObjectKind::Comment)
}

async fn prints(source: &Synthetic) -> Vec<Fingerprint> {
    let records = walk(source, &comments()).await;
    records.iter().map(|it| Fingerprint::of(&it.object)).collect()
}

#[tokio::test]
async fn a_source_of_any_size_keeps_the_contract() {
    let source = Synthetic { projects: 2, ..Synthetic::default() };

    suite::source(&source).await;

    let records = walk(&source, &comments()).await;
    assert_eq!(records.len() as u64, source.count(ObjectKind::Comment));
}

#[tokio::test]
async fn the_total_is_what_the_lanes_have() {
    let source = Synthetic { projects: 2, ..Synthetic::default() };
    let scopes = [Scope::Shared, Scope::Project("acme/app-1".into())];

    let mut total = 0;
    for (scope, times) in scopes.iter().zip([1, 2]) {
        let inventory = source.inventory(scope).await.unwrap();
        total += times * inventory.counts.iter().filter_map(|it| it.records).sum::<u64>();
    }

    assert_eq!(total, source.total());
}

#[tokio::test]
async fn as_many_records_change_as_are_asked_for() {
    let before = Synthetic::default();
    let after = Synthetic { changed_percent: 10, ..before.clone() };

    let (one, two) = (prints(&before).await, prints(&after).await);

    let changed = one.iter().zip(&two).filter(|(a, b)| a != b).count();
    assert!((40..=120).contains(&changed), "{changed} of {}", one.len());
}

#[tokio::test]
async fn another_seed_makes_other_words() {
    let other = Synthetic { seed: 2, ..Synthetic::default() };

    assert_ne!(prints(&Synthetic::default()).await, prints(&other).await);
}
