//! Jobs that are left to workers.

use crate::{
    bench::{Bench, terminate},
    killed,
    postgres::Database,
    tidy::root,
};
use std::{
    io::{BufRead, BufReader},
    process::Child,
    thread,
    time::{Duration, Instant},
};

/// How long a worker may take for a small job, on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long a run that is to be killed has been under way.
const SOON: Duration = Duration::from_millis(300);

const SAME: &str = "0 differ, 0 are missing, 0 are extra";

/// Waits until a job has ended well.
fn await_end(bench: &Bench, journal: &str, job: u32) {
    let begun = Instant::now();
    loop {
        let told = bench.ok(&format!("status {job} {journal} --json"));
        let status: serde_json::Value = serde_json::from_str(&told).unwrap();
        if status["state"] == "finished" {
            return;
        }
        assert!(status["state"] != "failed" && begun.elapsed() < PATIENCE, "{status}");
        thread::sleep(Duration::from_millis(200));
    }
}

fn end(mut worker: Child) {
    drop(worker.kill());
    worker.wait().unwrap();
}

#[test]
fn a_worker_runs_what_waits_and_ends() {
    let bench = Bench::new();
    killed::save_many(&bench);

    let queued = bench.ok("migrate github-archive:many.tar.gz local:one --queue");
    bench.ok("migrate github-archive:many.tar.gz local:two --queue");
    assert!(queued.contains("job 1 waits"), "{}", queued);
    assert!(bench.ok("status 1").contains("waiting"));
    bench.ok("worker --once");

    await_end(&bench, "", 1);
    await_end(&bench, "", 2);
    let compared = bench.ok("compare local:one local:two");
    assert!(compared.contains(SAME), "{}", compared);
}

#[test]
fn a_job_that_cannot_be_opened_fails_with_the_reason_and_the_next_is_taken() {
    let bench = Bench::new();
    killed::save_many(&bench);
    bench.ok("migrate github-archive:many.tar.gz local:one --queue");
    bench.ok("migrate github-archive:many.tar.gz local:two --queue --skip comment");
    std::fs::rename(bench.path("many.tar.gz"), bench.path("moved.tar.gz")).unwrap();

    let ran = bench.run("worker --once");

    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    let told = bench.ok("status 1");
    assert!(told.contains("failed") && told.contains("many.tar.gz"), "{told}");
    assert!(bench.ok("status 2").contains("failed"));
}

#[test]
fn a_worker_that_is_told_to_stop_leaves_its_job_to_the_next() {
    let bench = Bench::new();
    killed::save_many(&bench);
    bench.ok("migrate github-archive:many.tar.gz local:one --queue");
    let mut first = bench.start("worker");
    let mut told = BufReader::new(first.stderr.take().unwrap()).lines();
    assert!(told.any(|line| line.is_ok_and(|it| it.starts_with("carrying "))));

    let ended = terminate(&mut first);
    bench.ok("worker --once");

    assert_eq!(ended, Some(0));
    await_end(&bench, "", 1);
}

#[test]
fn a_worker_leaves_alone_what_was_not_queued() {
    let bench = Bench::new();
    killed::save_many(&bench);
    // Its process is killed, and only who begins it again goes on with it; it may have ended just
    // before.
    killed::kill(&bench, "migrate github-archive:many.tar.gz local:one --lease 1", SOON);
    thread::sleep(2 * Duration::from_secs(1));
    let state = || {
        let status: serde_json::Value = serde_json::from_str(&bench.ok("status 1 --json")).unwrap();
        status["state"].clone()
    };
    let left = state();

    bench.ok("worker --once --lease 1");

    assert_eq!(state(), left);
}

/// Whose workers these are does not matter to the job: one dies, and another goes on with it.
fn check_takes_over(bench: &Bench, journal: &str) {
    killed::save_many(bench);
    let from = "github-archive:many.tar.gz";
    bench.ok(&format!("migrate {from} local:whole --journal peace"));
    bench.ok(&format!("migrate {from} local:shared {journal} --queue"));

    let worker = format!("worker --once --lease 1 {journal}");
    let was_killed = killed::kill(bench, &worker, SOON);
    let second = bench.start(&format!("worker --lease 1 {journal}"));
    await_end(bench, journal, 1);
    end(second);

    let compared = bench.ok("compare local:whole local:shared");
    assert!(compared.contains(SAME), "killed: {was_killed}: {}", compared);
}

#[test]
fn a_worker_that_is_killed_is_followed_by_another() {
    check_takes_over(&Bench::new(), "");
}

#[test]
fn workers_share_a_journal_in_a_database() {
    let Some(database) = Database::filled("") else { return };

    check_takes_over(&Bench::new(), &format!("--journal-url {}", database.url()));

    let waits = database.psql("SELECT count(*) FROM jobs WHERE state <> 'finished'");
    assert_eq!(waits.trim(), "0");
}

#[test]
fn projects_that_are_carried_side_by_side_do_not_wait_for_each_other_in_a_database() {
    let Some(database) = Database::filled("") else { return };
    let bench = Bench::new();
    std::fs::copy(root().join("examples/acme.tar.gz"), bench.path("acme.tar.gz")).unwrap();

    for n in 0..3 {
        let to = format!("migrate github-archive:acme.tar.gz local:{n} --no-verify");
        let mut carrying = bench.start(&format!("{to} --journal-url {}", database.url()));
        let begun = Instant::now();
        let ended = loop {
            if let Some(ended) = carrying.try_wait().unwrap() {
                break ended;
            }
            if begun.elapsed() > PATIENCE {
                end(carrying);
                panic!("it hangs");
            }
            thread::sleep(Duration::from_millis(50));
        };
        assert!(ended.success(), "{ended}");
    }
}
