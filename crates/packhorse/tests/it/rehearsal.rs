//! `rehearse`: a whole migration between stand-ins, without account or network.

use crate::{bench::Bench, tidy::root};
use std::fs;

#[test]
fn a_rehearsal_carries_the_example_and_leaves_nothing_behind() {
    let bench = Bench::new();

    let done = bench.ok("rehearse");

    assert!(done.contains("2 of 2 projects are through"), "{done}");
    assert!(done.contains("0 differ, 0 missing, 0 extra"), "{done}");
    assert!(!bench.path(".packhorse").exists());
}

#[test]
fn github_is_rehearsed_as_a_destination() {
    let done = Bench::new().ok("rehearse --from gitea --to github");

    assert!(done.contains("How long it takes"), "{done}");
    assert!(done.contains("2 of 2 projects are through"), "{done}");
    assert!(done.contains("0 differ, 0 missing, 0 extra"), "{done}");
}

#[test]
fn a_rehearsal_reckons_with_the_limits_of_the_public_service() {
    let plan = Bench::new().ok("rehearse --from gitea --to github --json");

    assert!(plan.contains("\"new content an hour\""), "{plan}");
}

#[test]
fn a_rehearsal_ends_at_gitlab_from_wherever_it_begins() {
    for from in ["github", "gitea", "gitlab"] {
        let done = Bench::new().ok(&format!("rehearse --from {from} --to gitlab"));

        assert!(done.contains("2 of 2 projects are through"), "{done}");
        assert!(done.contains("0 differ, 0 missing, 0 extra"), "{done}");
        assert!(done.contains(" 0 of them not in the plan"), "{done}");
    }
}

#[test]
fn what_goes_wrong_on_the_way_loses_nothing() {
    let done = Bench::new().ok("rehearse --faults some");

    assert!(done.contains("0 differ, 0 missing, 0 extra"), "{done}");
}

#[test]
fn a_rehearsal_takes_ones_own_data() {
    let bench = Bench::new();
    fs::copy(root().join("examples/acme.tar.gz"), bench.path("acme.tar.gz")).unwrap();

    let done = bench.ok("rehearse --data github-archive:acme.tar.gz");

    assert!(done.contains("projects are through"), "{done}");
}

#[test]
fn a_host_without_a_stand_in_is_wrong_usage() {
    let run = Bench::new().run("rehearse --from nowhere").to_string();

    assert!(run.contains("there is no stand-in for `nowhere`"), "{run}");
    assert!(run.contains("bitbucket-cloud, bitbucket-server, gitea, github, gitlab"), "{run}");
}
