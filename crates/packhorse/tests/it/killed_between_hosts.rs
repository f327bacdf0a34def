//! A run between two hosts that is killed, wherever it was, and goes on, leaves at the destination
//! what an unbroken one leaves: all of it, and nothing twice.

use crate::{
    bench::Bench,
    matrix::{back::read, named, place::Place},
};
use futures::{StreamExt as _, stream};
use packhorse_core::{
    Carriage, Lane, ObjectKind, RepoKind, Scope, fingerprint::comparable, model::Project,
};
use packhorse_fakes::{
    Exchange, Fake, Options,
    fault::{Fault, Faults, Planned},
    sample,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

/// How long the answer to the last request before a kill is held back.
const HELD: u64 = 60_000;

/// How long a run may take to come to the request that it is killed at.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs at a time; each waits a while for the lease of the one that was killed.
const AT_ONCE: usize = 6;

fn location(place: &Place) -> String {
    let fake = place.fake().unwrap();
    let at = fake.url().replacen("://", &format!("://alice:{}@", Options::TOKEN), 1);
    format!("{}:{at}/acme", place.spec.id)
}

async fn fresh(id: &str) -> Place {
    let place = Place::new(named(id), Path::new(""), Options::TOKEN).await;
    place.invite();
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

/// A write as hosts number them away: a path without its numbers, names and hashes.
fn sort_of(exchange: &Exchange) -> Option<(String, String)> {
    let is_write = ["POST", "PUT", "PATCH", "DELETE"].contains(&exchange.method.as_str());
    let path = exchange.target.split('?').next().unwrap_or_default();
    let is_name = |it: &&str| it.chars().all(|it| it.is_ascii_lowercase() || "-_".contains(it));
    let shape: Vec<_> = path.split('/').filter(is_name).collect();
    is_write.then(|| (exchange.method.clone(), shape.join("/")))
}

/// The first write of each sort: its method, and how many of that method came before.
fn first_of_each_sort(log: &[Exchange]) -> Vec<(String, String, u64)> {
    let (mut seen, mut counts) = (BTreeSet::new(), BTreeMap::<String, u64>::new());
    let mut first = Vec::new();
    for (method, shape) in log.iter().filter_map(sort_of) {
        let before = counts.entry(method.clone()).or_default();
        if seen.insert((method.clone(), shape.clone())) {
            first.push((method, shape, *before));
        }
        *before += 1;
    }
    first
}

/// Kills a run at its `after`th request of that method, when it was served and not answered yet.
async fn kill_at(bench: &Bench, fake: &Fake, command: &str, method: &str, after: u64) -> bool {
    let held = Planned {
        method: method.to_owned(),
        path: String::new(),
        after,
        times: 1,
        fault: Fault::Stall(HELD),
    };
    fake.set_faults(Faults { planned: vec![held], ..Faults::default() });
    let mut child = bench.start(command);
    let begun = Instant::now();
    while fake.n_planned() > 0 && child.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < PATIENCE, "{command}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let came_so_far = fake.n_planned() == 0;
    tokio::time::sleep(Duration::from_millis(50)).await;
    child.kill().unwrap();
    child.wait().unwrap();
    fake.set_faults(Faults::default());
    came_so_far
}

/// A run that is killed after its `after`th write of that method, and its end.
async fn killed(bench: &Bench, from: &str, to: &str, (method, after): (&str, u64)) -> Vec<String> {
    let place = fresh(to).await;
    let name = format!("{to}-{method}-{after}");
    let command = format!("migrate {from} {} --lease 1 --journal {name}", location(&place));
    let fake = place.fake().unwrap();
    assert!(kill_at(bench, fake, &command, method, after).await, "it came to an end: {command}");
    tokio::task::block_in_place(|| bench.ok(&command));
    content(&place, &bench.path(&format!("{name}-scratch"))).await
}

async fn check(from: &str, to: &'static str) {
    let bench = Arc::new(Bench::new());
    let source = fresh(from).await;
    sample::fill(source.fake().unwrap()).await.unwrap();
    let (from, place) = (location(&source), fresh(to).await);
    bench.ok(&format!("migrate {from} {} --journal peace", location(&place)));
    let sorts = first_of_each_sort(&place.fake().unwrap().take_log());
    assert!(sorts.len() > 8, "{sorts:?}");
    let whole = content(&place, &bench.path("scratch")).await;
    assert!(whole.len() > 15, "{} records", whole.len());

    let runs = sorts.into_iter().map(|(method, shape, after)| {
        let (bench, from) = (Arc::clone(&bench), from.clone());
        let run = async move { killed(&bench, &from, to, (&method, after)).await };
        async move { (shape, tokio::spawn(run).await) }
    });
    let runs: Vec<_> = stream::iter(runs).buffer_unordered(AT_ONCE).collect().await;
    let mut wrong = Vec::new();
    for (shape, run) in runs {
        match run {
            Ok(killed) => wrong.extend(difference(&whole, &killed).map(|it| (shape, it))),
            Err(error) => wrong.push((shape, error.to_string())),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// How what a killed run left differs from the whole: what is there less or more often.
fn difference(whole: &[String], killed: &[String]) -> Option<String> {
    let times = |all: &[String], one: &String| all.iter().filter(|it| *it == one).count();
    let less = |one: &[String], other: &[String]| {
        let fewer = one.iter().filter(|it| times(other, it) < times(one, it));
        fewer.cloned().collect::<Vec<_>>()
    };
    let (lost, more) = (less(whole, killed), less(killed, whole));
    let is_same = lost.is_empty() && more.is_empty();
    (!is_same).then(|| format!("lost {lost:#?}, and has more of {more:#?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_killed_at_any_write_to_gitea_arrives_whole_and_once() {
    check("gitlab", "gitea").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_killed_at_any_write_to_gitlab_arrives_whole_and_once() {
    check("github", "gitlab").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_killed_at_any_write_to_github_arrives_whole_and_once() {
    check("gitlab", "github").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_killed_at_any_write_to_bitbucket_server_arrives_whole_and_once() {
    check("gitea", "bitbucket-server").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_killed_at_any_write_to_bitbucket_cloud_arrives_whole_and_once() {
    check("gitea", "bitbucket-cloud").await;
}
