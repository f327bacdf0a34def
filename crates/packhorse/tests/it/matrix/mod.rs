//! Every host to every other one and back: what comes back is what there was, but for what either
//! way declared before anything moved.
//!
//! The pairs follow from the hosts and formats that there are and from what they say of
//! themselves: a host that can be written to is a destination here from then on.

pub(crate) mod back;
mod leg;
pub(crate) mod place;
mod verdicts;

use back::Back;
use futures::StreamExt as _;
use leg::Leg;
use packhorse_core::HostSpec;
use packhorse_fakes::{Options, sample};
use place::{Place, all, does};
use std::{collections::BTreeMap, path::Path, sync::Arc};
use tokio::sync::OnceCell;

/// A token that the stand-ins let in.
const TOKEN: &str = Options::TOKEN;

/// Pairs that are known to fail: source, destination, and what is wrong.
const KNOWN: &[(&str, &str, &str)] = &[];

pub(crate) fn named(id: &str) -> &'static HostSpec {
    all().find(|it| it.id == id).unwrap()
}

/// The sample at a place of that kind, which all that only read it share where it is no server: a
/// server would make them wait for each other's requests.
struct Sources(BTreeMap<&'static str, OnceCell<Arc<Place>>>);

impl Sources {
    fn new() -> Self {
        let shared = all().filter(|it| !is_server(it));
        Self(shared.map(|it| (it.id, OnceCell::new())).collect())
    }

    async fn filled(&self, spec: &'static HostSpec, directory: &Path) -> Arc<Place> {
        // What carries a sample is too large for the stack of a test.
        let make = || Box::pin(async move { Arc::new(filled(spec, directory).await) });
        match self.0.get(spec.id) {
            Some(shared) => shared.get_or_init(make).await.clone(),
            None => make().await,
        }
    }
}

/// The sample, at a place of that kind.
async fn filled(spec: &'static HostSpec, directory: &Path) -> Place {
    let place = Place::new(spec, &directory.join("one"), TOKEN).await;
    match place.fake() {
        Some(fake) => sample::fill(fake).await.unwrap(),
        // What is no server gets it from one.
        None => {
            let first = named("gitea");
            let from = Place::new(first, directory, TOKEN).await;
            sample::fill(from.fake().unwrap()).await.unwrap();
            let leg = directory.join("filling");
            Leg::run(&from, &place, &leg).await.unwrap();
        }
    }
    place
}

/// There and back between two places; what is wrong with it.
async fn pair(
    sources: &Sources,
    source: &'static HostSpec,
    other: &'static HostSpec,
    directory: &Path,
) -> Result<(), String> {
    std::fs::create_dir_all(directory).unwrap();
    let one = sources.filled(source, directory).await;
    let middle = Place::new(other, &directory.join("other"), TOKEN).await;
    middle.invite();
    let there = Leg::run(&one, &middle, &directory.join("there")).await;
    let there = there.map_err(|error| format!("there: {error}"))?;
    if !does(source.writes) || !does(other.reads) {
        return Ok(());
    }
    let again = Place::new(source, &directory.join("again"), TOKEN).await;
    again.invite();
    let back = Leg::run(&middle, &again, &directory.join("back")).await;
    let back = back.map_err(|error| format!("back: {error}"))?;
    let back = Back { there: &there, back: &back };
    let mut surprises = back.surprises(&one, &again, &directory.join("scratch")).await;
    let count = surprises.len();
    surprises.truncate(12);
    if surprises.is_empty() {
        return Ok(());
    }
    Err(format!("{count} differ after both ways:\n      {}", surprises.join("\n      ")))
}

/// Pairs that are under way at a time: most of their time goes by waiting for what hosts publish as
/// their limits.
const AT_ONCE: usize = 24;

/// Carries the sample from these hosts to all others, and back.
async fn check(is_meant: impl Fn(&HostSpec) -> bool) {
    let directory = tempfile::tempdir().unwrap();
    let shared = Sources::new();
    let sources = all().filter(|it| does(it.reads) && is_meant(it));
    let pairs = sources
        .flat_map(|source| all().filter(|it| does(it.writes)).map(move |other| (source, other)));
    let carried = pairs.map(|(source, other)| {
        let directory = directory.path().join(format!("{}-to-{}", source.id, other.id));
        let shared = &shared;
        let carried = async move { pair(shared, source, other, &directory).await };
        Box::pin(async move { (source.id, other.id, carried.await) })
    });
    let carried: Vec<_> = futures::stream::iter(carried).buffer_unordered(AT_ONCE).collect().await;
    let mut wrong = Vec::new();
    for (from, to, found) in carried {
        let known = KNOWN.iter().find(|it| (it.0, it.1) == (from, to));
        match (found, known) {
            (Ok(()), None) | (Err(_), Some(_)) => {}
            (Ok(()), Some(_)) => wrong.push(format!("  {from} → {to}: works now")),
            (Err(why), None) => wrong.push(format!("  {from} → {to}: {why}")),
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn is_server(spec: &HostSpec) -> bool {
    packhorse_fakes::stand_in(spec.id).is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_every_server_to_every_place_and_back() {
    check(is_server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_the_store_and_every_archive_to_every_place_and_back() {
    check(|it| !is_server(it)).await;
}

#[test]
fn every_host_that_is_a_server_has_a_stand_in() {
    for spec in packhorse_hosts::HOSTS.iter().filter(|it| !["local", "git"].contains(&it.id)) {
        assert!(packhorse_fakes::stand_in(spec.id).is_some(), "{}", spec.id);
    }
}
