//! A run between two hosts that is killed again and again leaves at the destination what an
//! unbroken one leaves: all of it, and nothing twice.

use crate::{
    bench::Bench,
    killed::{Dice, kill},
    matrix::{
        back::read,
        named,
        place::{Place, does},
    },
};
use packhorse_core::{
    Carriage, Lane, ObjectKind, RepoKind, Scope, fingerprint::comparable, model::Project,
};
use packhorse_fakes::{Options, fault::Faults, sample};
use serde_json::Value;
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// How often a run is killed, if it lives so long.
const KILLS: u32 = 5;

/// How long each answer takes, so that a run lasts long enough to be killed.
const LATENCY: Duration = Duration::from_millis(4);

fn location(place: &Place) -> String {
    let fake = place.fake().unwrap();
    let at = fake.url().replacen("://", &format!("://alice:{}@", Options::TOKEN), 1);
    format!("{}:{at}/acme", place.spec.id)
}

async fn fresh(id: &str) -> Place {
    let place = Place::new(named(id), Path::new(""), Options::TOKEN).await;
    place.invite().await;
    place.fake().unwrap().set_faults(Faults { latency: LATENCY, ..Faults::default() });
    place
}

/// What a record says, but for when it was made and for ids that its host gave.
fn plain(value: &mut Value) {
    const IDS: [&str; 4] = ["thread", "review", "reply_to", "subject"];
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !name.ends_with("_at") && !IDS.contains(&name.as_str()));
            fields.values_mut().for_each(plain);
        }
        Value::Array(list) => list.iter_mut().for_each(plain),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Everything that a place holds, in an order of its own.
async fn content(place: &Place, scratch: &Path) -> Vec<String> {
    let source = place.source(scratch).unwrap();
    let fake = place.fake().unwrap();
    let projects = fake.store(|store| {
        let all = store.all::<Project>(&Scope::Shared);
        all.map(|(_, it)| it.path.clone()).collect::<Vec<_>>()
    });
    let mut content = Vec::new();
    for path in projects {
        for repo in [RepoKind::Code, RepoKind::Wiki] {
            content.push(format!("{path} {:?}", fake.store(|store| store.refs(&path, repo))));
        }
        let scope = Scope::Project(path);
        let kinds = ObjectKind::ALL.iter().copied();
        for kind in kinds.filter(|it| it.in_project() && it.carriage() != Carriage::Git) {
            for record in read(&*source, &Lane::new(scope.clone(), kind)).await {
                let mut value: Value = serde_json::from_slice(&comparable(&record.object)).unwrap();
                plain(&mut value);
                content.push(format!("{scope} {kind} {value}"));
            }
        }
    }
    content.sort();
    content
}

async fn check(seed: u64, from: &str, to: &str) {
    assert!(does(named(to).writes));
    let (mut dice, bench) = (Dice(seed), Bench::new());
    let source = fresh(from).await;
    sample::fill(source.fake().unwrap()).await.unwrap();
    let (whole, killed) = (fresh(to).await, fresh(to).await);
    let begun = Instant::now();
    let (from, to) = (location(&source), location(&whole));
    bench.ok(&format!("migrate {from} {to} --journal peace"));
    let lasts = begun.elapsed();
    let command = format!("migrate {from} {} --lease 1", location(&killed));

    let mut kills = 0;
    while kills < KILLS && kill(&bench, &command, dice.part_of(lasts / 2)) {
        kills += 1;
    }
    assert!(kills > 0, "it was not killed at all");
    bench.ok(&command);

    let scratch = bench.path("scratch");
    let (whole, killed) = (content(&whole, &scratch).await, content(&killed, &scratch).await);
    assert!(whole.len() > 15, "{} records", whole.len());
    let only = |one: &[String], other: &[String]| {
        one.iter().filter(|it| !other.contains(it)).cloned().collect::<Vec<_>>()
    };
    let (lost, more) = (only(&whole, &killed), only(&killed, &whole));
    assert!(lost.is_empty() && more.is_empty(), "lost {lost:#?}, and has {more:#?}");
    assert_eq!(whole.len(), killed.len(), "nothing is there twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_run_from_gitlab_to_gitea_arrives_whole_and_once() {
    check(1, "gitlab", "gitea").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_run_from_gitea_to_bitbucket_cloud_arrives_whole_and_once() {
    check(2, "gitea", "bitbucket-cloud").await;
}
