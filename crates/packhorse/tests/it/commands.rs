//! What the commands print, on which stream, and how they end.
//!
//! A transcript a subject, kept in `snapshots/`; read a changed one as a user would before it is
//! accepted.

use crate::{bench::Bench, tidy::root};
use insta::assert_snapshot;
use serde_json::Value;
use std::fs;

/// A bench with the example in it.
fn bench() -> Bench {
    let bench = Bench::new();
    fs::copy(root().join("examples/acme.tar.gz"), bench.path("acme.tar.gz")).unwrap();
    bench
}

/// A bench in which the example has arrived in `local:store`, by job 1.
fn arrived() -> Bench {
    let bench = bench();
    bench.ok("migrate github-archive:acme.tar.gz local:store");
    bench
}

/// What commands print, one after the other.
fn transcript(bench: &Bench, commands: &[&str]) -> String {
    let runs: Vec<_> = commands.iter().map(|it| bench.run(it).to_string()).collect();
    runs.join("\n")
}

#[test]
fn help_tells_what_there_is() {
    assert_snapshot!(transcript(&bench(), &["--help", "migrate --help"]));
}

#[test]
fn hosts_tell_what_they_can_hold() {
    assert_snapshot!(transcript(&bench(), &["hosts", "hosts git"]));
}

#[test]
fn an_inventory_counts_what_is_in_each_project() {
    let commands = [
        "inventory github-archive:acme.tar.gz",
        "inventory github-archive:acme.tar.gz#acme/widgets --format csv",
        "inventory github-archive:acme.tar.gz#acme/nothing",
        "inventory github-archive:acme.tar.gz --json",
    ];

    assert_snapshot!(transcript(&bench(), &commands));
}

#[test]
fn a_place_is_checked_and_each_thing_that_is_wrong_has_a_remedy() {
    let bench = arrived();
    fs::write(
        bench.path("packhorse.toml"),
        "[hosts.gone]\ntype = \"git\"\nurl = \"no-such.git\"\n\n\
         [hosts.closed]\ntype = \"gitea\"\nurl = \"http://127.0.0.1:1\"\n\
         token = { env = \"PACKHORSE_TEST_UNSET\" }\n",
    )
    .unwrap();
    let commands = ["hosts check local:store", "hosts check gone", "hosts check closed:acme"];

    assert_snapshot!(transcript(&bench, &commands));
}

#[test]
fn a_plan_is_made_before_anything_moves() {
    let commands = [
        "plan github-archive:acme.tar.gz local:store",
        "plan github-archive:acme.tar.gz local:store --only issue,comment",
        "plan github-archive:acme.tar.gz git:elsewhere.git",
        "migrate github-archive:acme.tar.gz local:store --dry-run --skip event",
    ];

    assert_snapshot!(transcript(&bench(), &commands));
}

#[test]
fn a_migration_tells_what_arrived() {
    let command = "migrate github-archive:acme.tar.gz local:store --parallel 1";

    assert_snapshot!(transcript(&bench(), &[command, command, "status", "status 1"]));
}

#[test]
fn one_project_can_go_to_another_name() {
    let commands = [
        "migrate github-archive:acme.tar.gz#acme/site local:store#new/place --progress none",
        "show local:store",
    ];

    assert_snapshot!(transcript(&bench(), &commands));
}

#[test]
fn projects_are_chosen_by_pattern_by_file_and_by_pair() {
    let bench = bench();
    fs::write(bench.path("list"), "# what we need\nacme/w*\n!acme/site\n").unwrap();
    fs::write(bench.path("pairs.csv"), "origin,destination\nacme/site,web/pages\n").unwrap();
    fs::write(bench.path("bad.csv"), "acme/site,web/pages\nacme/site,web/more\n").unwrap();
    fs::write(bench.path("typo.csv"), "acme/site,web/pages\nacme/sight,web/sight\n").unwrap();
    let commands = [
        "inventory github-archive:acme.tar.gz --project acme/s*",
        "inventory github-archive:acme.tar.gz --project ACME/*",
        "plan github-archive:acme.tar.gz local:store --only label --project-file list",
        "migrate github-archive:acme.tar.gz local:store --pairs pairs.csv --progress none",
        "show local:store",
        "compare github-archive:acme.tar.gz local:store --pairs pairs.csv --only label",
        "compare github-archive:acme.tar.gz local:store --pairs typo.csv --only label",
        "plan github-archive:acme.tar.gz local:store --pairs bad.csv",
        "plan github-archive:acme.tar.gz local:store --only label --pairs typo.csv",
    ];

    assert_snapshot!(transcript(&bench, &commands));
}

#[test]
fn conflicts_are_decided_in_a_file() {
    let bench = arrived();
    let plan = "plan github-archive:acme.tar.gz local:store --only label --journal other";
    let mut text = bench.run(&format!("{plan} --write-conflicts c.csv")).to_string();
    let file = fs::read_to_string(bench.path("c.csv")).unwrap();
    let filled = file
        .replace("acme/site,name,,,", "acme/site,name,rename,acme/site-2,")
        .replace("acme/widgets,name,,,", "acme/widgets,name,skip,,");
    fs::write(bench.path("c.csv"), filled).unwrap();
    text += &file;
    let commands = [
        &format!("{plan} --write-conflicts c.csv"),
        &format!("{plan} --conflicts c.csv"),
        "migrate github-archive:acme.tar.gz local:store --only label --journal other \
         --conflicts c.csv --progress none",
        "show local:store",
        &format!("{plan} --conflicts acme.tar.gz"),
    ];
    text += &transcript(&bench, &commands);

    assert_snapshot!(text);
}

#[test]
fn a_place_can_be_looked_into() {
    let commands = [
        "show github-archive:acme.tar.gz",
        "show github-archive:acme.tar.gz -",
        "show github-archive:acme.tar.gz acme/widgets",
        "show github-archive:acme.tar.gz acme/widgets issue",
        "show github-archive:acme.tar.gz acme/widgets issue 1",
        "show github-archive:acme.tar.gz acme/widgets label --json",
        "show github-archive:acme.tar.gz acme/widgets issue 999",
        "show github-archive:acme.tar.gz acme/nothing",
    ];

    assert_snapshot!(transcript(&bench(), &commands));
}

#[test]
fn a_report_has_four_forms() {
    assert_snapshot!(transcript(&arrived(), &["report 1", "report 1 --format csv"]));
    let report: Value = serde_json::from_str(&arrived().ok("report 1 --format json")).unwrap();
    assert!(report.to_string().contains("\"state\":\"finished\""), "{report}");
    let page = arrived().ok("report 1 --format html");
    assert!(page.starts_with("<!doctype html>") || page.starts_with("<!DOCTYPE html>"), "{page}");
    assert!(page.contains("acme/widgets") && page.trim_end().ends_with("</html>"), "{page}");
    assert!(!page.contains("<script src") && !page.contains("<link"), "it is one file");
}

#[test]
fn places_are_held_against_each_other() {
    let bench = arrived();
    bench.ok("migrate github-archive:acme.tar.gz local:other --skip comment,reaction");
    let commands = [
        "verify 1",
        "compare github-archive:acme.tar.gz local:store",
        "compare local:store local:other --only label,comment",
        "compare local:store local:nothing",
    ];

    assert_snapshot!(transcript(&bench, &commands));
}

#[test]
fn a_finished_job_is_not_touched_by_mistake() {
    let commands = ["cancel 1", "resume 1", "status 7", "report 7", "verify 7", "rollback 7"];

    assert_snapshot!(transcript(&arrived(), &commands));
}

#[test]
fn a_job_can_be_rolled_back() {
    let commands = ["rollback 1", "show local:store", "status", "rollback 1"];

    assert_snapshot!(transcript(&arrived(), &commands));
}

#[test]
fn mistakes_are_told_with_a_way_on() {
    let bench = bench();
    fs::write(bench.path("text.tar.gz"), "This is not an archive.").unwrap();
    let commands = [
        "status",
        "migrate nowhere local:store",
        "migrate nohost:x local:store",
        "migrate github-archive:missing.tar.gz local:store",
        "migrate github-archive:text.tar.gz local:store",
        "migrate github-archive:acme.tar.gz#acme/nothing local:store",
        "migrate github-archive:acme.tar.gz local:store --only wishes",
        "migrate github-archive:acme.tar.gz local:store --users missing.csv",
        "export github-archive:acme.tar.gz local:store",
        "import local:store local:other",
        "show local:nothing",
        "hosts nohost",
        "archive check text.tar.gz",
    ];

    assert_snapshot!(transcript(&bench, &commands));
}

/// With `--json`, stdout is JSON and nothing else.
#[track_caller]
fn check_json(bench: &Bench, command: &str) {
    let ran = bench.run(&format!("{command} --json"));

    let values = serde_json::Deserializer::from_str(&ran.stdout).into_iter::<Value>();
    let values: Vec<_> = values.collect::<Result<_, _>>().unwrap_or_else(|_| panic!("{ran}"));
    assert!(!values.is_empty(), "{ran}");
}

#[test]
fn json_is_there_for_every_answer() {
    let bench = arrived();

    for command in [
        "plan github-archive:acme.tar.gz local:store",
        "migrate github-archive:acme.tar.gz local:other",
        "status",
        "status 1",
        "show local:store",
        "show local:store acme/widgets",
        "show local:store acme/widgets issue",
        "show local:store acme/widgets issue 1",
        "report 1",
        "verify 1",
        "compare local:store local:other",
        "hosts",
        "hosts local",
        "rollback 1",
    ] {
        check_json(&bench, command);
    }
}

#[test]
fn progress_can_be_read_by_programs() {
    let ran = bench().run("migrate github-archive:acme.tar.gz local:store --progress json");

    let events: Vec<Value> =
        ran.stderr.lines().map_while(|it| serde_json::from_str(it).ok()).collect();
    assert!(events.len() > 3, "{ran}");
    assert_eq!(ran.status, Some(0), "{ran}");
}

#[test]
fn completions_and_the_manual_are_printed() {
    let bench = bench();

    for (command, part) in [
        ("completions bash", "_packhorse()"),
        ("completions zsh", "#compdef packhorse"),
        ("completions fish", "complete -c packhorse"),
        ("man", ".TH packhorse 1"),
        ("--version", "packhorse 0.1.0"),
    ] {
        let printed = bench.ok(command);
        assert!(printed.contains(part), "{command}: {printed}");
    }
}

#[test]
fn nothing_is_left_in_the_scratch_directory() {
    let bench = arrived();

    bench.ok("verify 1");
    bench.ok("migrate local:store packhorse-archive:acme.packhorse");

    assert_eq!(fs::read_dir(bench.path("scratch")).unwrap().count(), 0);
}

#[test]
fn a_repository_tells_how_far_it_is() {
    let bench = Bench::new();
    bench.git(&["init", "--quiet", "--bare", "from.git"], "");
    let history = "commit refs/heads/main\ncommitter A <a@acme.example> 1 +0000\ndata 2\nhi\n";
    bench.git(&["-C", "from.git", "fast-import", "--quiet"], history);

    let ran = bench.run("migrate git:./from.git git:./to.git --progress json");

    assert_eq!(ran.status, Some(0), "{ran}");
    assert!(ran.stderr.contains(r#""event":"transfer""#), "{ran}");
}

#[test]
fn commits_that_were_kept_elsewhere_are_compared_where_they_are() {
    let bench = Bench::new();
    bench.git(&["init", "--quiet", "--bare", "from.git"], "");
    let history = "commit refs/heads/main\ncommitter A <a@acme.example> 1 +0000\ndata 2\nhi\n\
                   commit refs/pull/7/head\ncommitter A <a@acme.example> 2 +0000\ndata 2\nho\n";
    bench.git(&["-C", "from.git", "fast-import", "--quiet"], history);
    let kept = "--keep-commits-under refs/heads/reviewed";
    bench.ok(&format!("migrate git:./from.git#acme/app git:./to.git {kept}"));
    let compare = "compare git:./from.git#acme/app git:./to.git#acme/app --only repository";

    let told = bench.ok(&format!("{compare} {kept}"));

    assert!(told.contains("0 differ, 0 are missing, 0 are extra"), "{told}");
    assert_eq!(bench.run(compare).status, Some(1));
}
