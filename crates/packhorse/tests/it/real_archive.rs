//! What GitHub exported of a small repository, carried and looked at with other eyes.
//!
//! It is other people's data and no part of the project, so the tests look for it in
//! `PACKHORSE_FIXTURES`, or beside the repository, and say so when it is not there.

use crate::{bench::Bench, tidy::root};
use rusqlite::Connection;
use serde_json::Value;
use std::{fs, path::PathBuf};

const PROJECT: &str = "go-gitea/test_repo";

/// The export; says so where there is none.
#[expect(clippy::print_stderr, reason = "a skipped test must be visible")]
pub(crate) fn real_archive() -> Option<PathBuf> {
    let folder = std::env::var_os("PACKHORSE_FIXTURES")
        .map_or_else(|| root().join("../shared/fixtures"), PathBuf::from);
    let path = folder.join("github-real-archive/migration_archive_test_repo.redacted.tar.gz");
    if path.is_file() {
        return Some(path);
    }
    eprintln!("skipped: there is no {}; set PACKHORSE_FIXTURES", path.display());
    None
}

/// A bench in which the export has arrived in `local:store`, by job 1.
fn arrived() -> Option<Bench> {
    let bench = Bench::new();
    fs::copy(real_archive()?, bench.path("real.tar.gz")).unwrap();
    bench.ok("migrate github-archive:real.tar.gz local:store");
    Some(bench)
}

/// How many records of a kind the store shows.
fn count(bench: &Bench, place: &str, kind: &str) -> usize {
    bench.ok(&format!("show local:store {place} {kind}")).lines().count()
}

#[test]
fn everything_in_it_arrives() {
    let Some(bench) = arrived() else { return };

    assert_eq!(count(&bench, "-", "user"), 49);
    for (kind, expected) in [
        ("milestone", 2),
        ("release", 1),
        ("label", 9),
        ("issue", 2),
        ("comment", 2),
        ("event", 14),
        ("change_request", 2),
        ("review", 6),
        ("review_comment", 2),
        ("reaction", 10),
        ("branch_rule", 1),
    ] {
        assert_eq!(count(&bench, PROJECT, kind), expected, "{kind}");
    }
    bench.ok("verify 1");
    bench.ok("compare github-archive:real.tar.gz local:store");
}

#[test]
fn anybody_can_clone_the_repository() {
    let Some(bench) = arrived() else { return };

    bench.git(&["clone", "--quiet", "store/repositories/go-gitea/test_repo.git", "clone"], "");

    assert_eq!(bench.git(&["-C", "clone", "tag"], ""), "v0.9.99");
    assert_eq!(bench.git(&["-C", "clone", "rev-parse", "--abbrev-ref", "HEAD"], ""), "master");
    bench.git(&["-C", "clone", "fsck", "--strict"], "");
}

/// Changes one field of one record behind everybody's back, and asks who notices.
#[track_caller]
fn check_noticed((kind, id): (&str, &str), from: &str, to: &str, field: &str) {
    let Some(bench) = arrived() else { return };
    let store = Connection::open(bench.path("store/store.sqlite")).unwrap();

    let changed = store
        .execute(
            "UPDATE records SET body = CAST(replace(body, ?3, ?4) AS BLOB)
             WHERE kind = ?1 AND key LIKE '%' || ?2 AND instr(body, ?3) > 0",
            [kind, id, from, to],
        )
        .unwrap();
    drop(store);
    let ran = bench.run("verify 1 --json");

    assert_eq!(changed, 1, "one record was changed");
    assert_eq!(ran.status, Some(1), "{ran}");
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();
    let findings = found["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{ran}");
    assert_eq!(findings[0]["kind"], kind, "{ran}");
    assert_eq!(findings[0]["id"], id, "{ran}");
    let told = bench.run("verify 1").stdout;
    assert!(told.contains(&format!("{PROJECT} {kind} {id}: different")), "{told}");
    assert!(told.contains(&format!("\n    {field}: ")), "{told}");
}

#[test]
fn one_byte_of_a_comment_is_noticed() {
    check_noticed(("comment", "553138856"), "A second comment", "B second comment", "body.text");
}

#[test]
fn another_author_is_noticed() {
    check_noticed(("issue", "1"), "guillep2k", "guillep3k", "author.login");
}

#[test]
fn another_date_is_noticed() {
    check_noticed(("issue", "2"), "\"created_at\":\"2019", "\"created_at\":\"2018", "created_at");
}

#[test]
fn a_record_that_is_gone_is_noticed() {
    let Some(bench) = arrived() else { return };

    let store = Connection::open(bench.path("store/store.sqlite")).unwrap();
    store
        .execute("DELETE FROM records WHERE kind = 'review' AND key LIKE '%338338740'", [])
        .unwrap();
    drop(store);
    let ran = bench.run("verify 1");

    assert_eq!(ran.status, Some(1), "{ran}");
    assert!(ran.stdout.contains("review 338338740: missing"), "{ran}");
    assert_eq!(ran.stdout.lines().count(), 2, "{ran}");
}
