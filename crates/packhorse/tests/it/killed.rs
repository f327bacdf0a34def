//! A run that is killed again and again arrives all the same, whole and once.
//!
//! When it is killed is drawn from a fixed seed; what it was doing just then is up to the
//! machine, so each run of these tests looks at other places.

use crate::{
    bench::Bench,
    export::{Export, comment, history, issue, widgets},
};
use rusqlite::Connection;
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    os::unix::process::ExitStatusExt,
    thread,
    time::{Duration, Instant},
};

const ISSUES: u64 = 700;
const COMMENTS: u64 = 4_000;
/// How often a run is killed, if it lives so long.
const KILLS: u32 = 6;

/// Numbers without a pattern, the same for the same seed.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A part of `most`.
    pub(crate) fn part_of(&mut self, most: Duration) -> Duration {
        // Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        most.mul_f64(((mixed >> 11) as f64) / ((1_u64 << 53) as f64))
    }
}

/// An export of several thousand records.
pub(crate) fn save_many(bench: &Bench) {
    let issues: Vec<Value> = (1..=ISSUES).map(|it| issue(it, &format!("Squeak {it}"))).collect();
    let comments: Vec<Value> = (1..=COMMENTS)
        .map(|it| comment(it, it % ISSUES + 1, &format!("Comment {it} on #{}", it % ISSUES + 1)))
        .collect();
    Export::acme(bench)
        .json("repositories_000001.json", &Value::from(vec![widgets()]))
        .json("issues_000001.json", &issues.into())
        .json("issue_comments_000001.json", &comments.into())
        .repository("repositories/acme/widgets.git", &history(bench))
        .save(bench, "many.tar.gz");
}

/// Starts a run, waits until it is under way, and kills it some time later; `false` when it has
/// ended before.
pub(crate) fn kill(bench: &Bench, command: &str, after: Duration) -> bool {
    let mut child = bench.start(command);
    let talk = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut said = Vec::new();
    for line in talk.map_while(Result::ok) {
        said.push(line);
        if said.last().is_some_and(|it| it.starts_with("carrying ")) {
            break;
        }
    }
    let begun = said.last().is_some_and(|it| it.starts_with("carrying "));
    assert!(begun, "it says that it has begun: {said:#?}");

    thread::sleep(after);
    child.kill().unwrap();
    let ended = child.wait().unwrap();

    assert!(ended.signal() == Some(9) || ended.code() == Some(0), "{ended}");
    ended.code().is_none()
}

/// Carries the same export once in peace and once with interruptions.
fn check(seed: u64, target: &str) -> Bench {
    let mut dice = Dice(seed);
    let bench = Bench::new();
    save_many(&bench);
    let begun = Instant::now();
    bench.ok(&format!("migrate github-archive:many.tar.gz {target}-whole --journal peace"));
    let whole = begun.elapsed();
    let command = format!("migrate github-archive:many.tar.gz {target}-killed --lease 1");

    let mut kills = 0;
    while kills < KILLS && kill(&bench, &command, dice.part_of(whole / 3)) {
        kills += 1;
        // Killed between the end of its job and its own, it has left nothing to carry.
        if is_finished(&bench) {
            break;
        }
    }
    assert!(kills > 0, "it was not killed at all");
    if !is_finished(&bench) {
        bench.ok(&command);
    }

    assert!(is_finished(&bench));
    for (one, other) in [("whole", "killed"), ("killed", "whole")] {
        bench.ok(&format!("compare {target}-{one} {target}-{other}"));
    }
    bench.ok("verify 1");
    bench
}

/// Whether the one job that there is has finished.
fn is_finished(bench: &Bench) -> bool {
    let jobs: Value = serde_json::from_str(&bench.ok("status --json")).unwrap();
    assert_eq!(jobs.as_array().unwrap().len(), 1, "each run goes on with the same job: {jobs}");
    jobs[0]["state"] == "finished"
}

type Row = (String, String, String, Vec<u8>);

/// Every record of a store as it stands there.
fn rows(bench: &Bench, store: &str) -> Vec<Row> {
    let database = Connection::open(bench.path(store).join("store.sqlite")).unwrap();
    let mut statement = database
        .prepare(
            "SELECT path, kind, key, body FROM records JOIN scopes ON scopes.id = scope
             ORDER BY path, kind, key",
        )
        .unwrap();
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
    statement.query_map([], row).unwrap().map(Result::unwrap).collect()
}

#[track_caller]
fn check_store(seed: u64) {
    let bench = check(seed, "local:store");

    let (whole, killed) = (rows(&bench, "store-whole"), rows(&bench, "store-killed"));

    assert!(whole.len() as u64 > ISSUES + COMMENTS, "{} records", whole.len());
    assert_eq!(whole.len(), killed.len(), "nothing is lost and nothing is there twice");
    assert!(whole == killed, "every record is the same");
}

#[test]
fn a_killed_run_into_a_store_arrives_whole() {
    check_store(1);
}

#[test]
fn another_killed_run_into_a_store_arrives_whole() {
    check_store(2);
}

#[test]
fn a_killed_run_into_githubs_format_arrives_whole() {
    check(3, "github-archive:archive");
}

#[test]
fn a_killed_run_into_our_format_arrives_whole() {
    check(4, "packhorse-archive:archive");
}
