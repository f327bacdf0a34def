//! Archives that are damaged, lie, or mean harm: each is refused with its place, and nothing
//! of it stays.

use crate::{
    bench::{Bench, Ran},
    export::{Export, comment, gzip, history, issue, widgets},
};
use flate2::{Compression, write::GzEncoder};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::PermissionsExt,
};
use tar::EntryType;

/// Runs a file through `migrate`, which must refuse it, and say why.
#[track_caller]
fn check_refused(bench: &Bench, expected: &[&str]) {
    let ran = bench.run("migrate github-archive:export.tar.gz local:store");

    assert_eq!(ran.status, Some(1), "{ran}");
    assert!(ran.stderr.contains("error: "), "{ran}");
    for part in expected {
        assert!(ran.stderr.contains(part), "`{part}` is not told: {ran}");
    }
    check_nothing_stays(bench, &ran);
}

#[track_caller]
fn check_nothing_stays(bench: &Bench, ran: &Ran) {
    if let Ok(store) = Connection::open(bench.path("store/store.sqlite")) {
        let count = |row: &rusqlite::Row<'_>| row.get::<_, u64>(0);
        let records = store.query_row("SELECT count(*) FROM records", [], count).unwrap();
        assert_eq!(records, 0, "{ran}");
    }
    assert!(!bench.path("store/repositories").exists(), "{ran}");
    assert_eq!(fs::read_dir(bench.path("scratch")).unwrap().count(), 0, "scratch is left: {ran}");
}

/// An export that is made of the example by adding something.
#[track_caller]
fn check(change: impl FnOnce(Export) -> Export, expected: &[&str]) {
    let bench = Bench::new();
    change(Export::acme(&bench)).save(&bench, "export.tar.gz");

    check_refused(&bench, expected);
}

/// A file of any bytes.
#[track_caller]
fn check_bytes(bytes: &[u8], expected: &[&str]) {
    let bench = Bench::new();
    fs::write(bench.path("export.tar.gz"), bytes).unwrap();

    check_refused(&bench, expected);
}

#[test]
fn a_file_that_is_no_archive_is_refused() {
    check_bytes(b"", &["export.tar.gz"]);
    check_bytes(b"This is not an archive.", &["is not an archive"]);
    check_bytes(&gzip(b"This is not an archive either."), &["archive"]);
}

#[test]
fn an_archive_that_was_not_copied_whole_is_refused() {
    let bench = Bench::new();
    let whole = gzip(&Export::acme(&bench).tar());

    for part in [1, 5, 9] {
        check_bytes(&whole[..whole.len() * part / 10], &["not copied whole"]);
    }
    check_bytes(&whole[..whole.len() - 1], &["not copied whole"]);
}

#[test]
fn a_flipped_bit_is_refused() {
    let bench = Bench::new();
    let mut archive = gzip(&Export::acme(&bench).tar());
    let middle = archive.len() / 2;

    archive[middle] ^= 0x10;

    check_bytes(&archive, &["archive"]);
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    for (name, why) in [
        ("../../outside", "leads out"),
        ("repositories/../../outside", "leads out"),
        ("/tmp/outside", "absolute"),
        ("a\\b", "character"),
    ] {
        check(|it| it.member(name.as_bytes(), EntryType::Regular, b"x"), &[name, why]);
    }
    check(|it| it.member(b"bad\xff", EntryType::Regular, b"x"), &["bad", "UTF-8"]);
}

#[test]
fn members_that_are_no_files_are_refused() {
    for (kind, why) in [
        (EntryType::Symlink, "links"),
        (EntryType::Link, "links"),
        (EntryType::Char, "devices"),
        (EntryType::Block, "devices"),
        (EntryType::Fifo, "devices"),
    ] {
        check(|it| it.member(b"repositories/odd", kind, b""), &["repositories/odd", why]);
    }
}

#[test]
fn two_members_of_one_name_are_refused() {
    let twice = |it: Export| it.member(b"issues_000001.json", EntryType::Regular, b"[]");

    check(twice, &["issues_000001.json", "two members"]);
}

/// An archive whose last member has so many bytes of one kind, written without holding them.
fn save_large(bench: &Bench, name: &str, (before, filling, after): (&[u8], u8, &[u8]), size: u64) {
    let mut tar = Export::acme(bench).tar();
    // Two blocks of zeros end a tar.
    tar.truncate(tar.len() - 1024);
    let mut header = tar::Header::new_ustar();
    header.set_path(name).unwrap();
    header.set_mode(0o644);
    header.set_size(size);
    header.set_cksum();
    let file = File::create(bench.path("export.tar.gz")).unwrap();
    let mut out = GzEncoder::new(file, Compression::fast());
    out.write_all(&tar).unwrap();
    out.write_all(header.as_bytes()).unwrap();
    out.write_all(before).unwrap();
    let filled = size - before.len() as u64 - after.len() as u64;
    io::copy(&mut io::repeat(filling).take(filled), &mut out).unwrap();
    out.write_all(after).unwrap();
    let padding = size.next_multiple_of(512) - size;
    io::copy(&mut io::repeat(0).take(padding + 1024), &mut out).unwrap();
    out.finish().unwrap();
}

#[test]
fn a_value_of_hundreds_of_megabytes_is_refused() {
    let bench = Bench::new();
    let value = (&b"[{\"type\":\"issue\",\"url\":\""[..], b'a', &b"\"}]"[..]);
    save_large(&bench, "issues_000002.json", value, 300 << 20);

    check_refused(&bench, &["issues_000002.json"]);
}

#[test]
fn an_archive_that_swells_is_refused() {
    let bench = Bench::new();
    let file = File::create(bench.path("bomb.packhorse")).unwrap();
    let mut out = zstd::Encoder::new(file, 1).unwrap();
    io::copy(&mut io::repeat(0).take(1 << 30), &mut out).unwrap();
    out.finish().unwrap();

    let ran = bench.run("migrate packhorse-archive:bomb.packhorse local:store");

    assert!(fs::metadata(bench.path("bomb.packhorse")).unwrap().len() < 1 << 20);
    assert_eq!(ran.status, Some(1), "{ran}");
    check_nothing_stays(&bench, &ran);
}

#[test]
fn deep_nesting_is_refused() {
    let deep = format!("[{{\"url\":{}{}}}]", "[".repeat(100_000), "]".repeat(100_000));

    check(|it| it.text("issues_000002.json", &deep), &["issues_000002.json"]);
}

#[test]
fn what_is_not_json_or_not_utf_8_is_refused() {
    let odd = b"[{\"url\":\"https://github.com/acme/widgets/issues/3\",\"title\":\"\xff\"}]";

    check(|it| it.text("issues_000002.json", odd), &["issues_000002.json", "record 1"]);
    check(|it| it.text("issues_000002.json", "[{"), &["issues_000002.json"]);
    check(|it| it.text("users_000001.json", "<html>"), &["users_000001.json"]);
}

#[test]
fn an_unknown_version_is_refused() {
    check(|it| it.json("schema.json", &json!({"version": "9.0.0"})), &["9.0.0"]);
}

#[test]
fn a_reference_to_nothing_arrives_and_is_told_or_stays_as_it_is() {
    let bench = Bench::new();
    let mut orphan = issue(3, "Nobody wrote this");
    orphan["user"] = json!("https://github.com/nobody");
    orphan["milestone"] = json!("https://github.com/acme/widgets/milestones/77");
    Export::acme(&bench)
        .json("issues_000002.json", &json!([orphan]))
        .json("issue_comments_000002.json", &json!([comment(99, 88, "To nothing")]))
        .save(&bench, "export.tar.gz");

    let ran = bench.run("migrate github-archive:export.tar.gz local:store --json");

    let report: Value = serde_json::from_str(&ran.stdout).expect("a report");
    assert_eq!(ran.status, Some(0), "{report}");
    let shown = bench.ok("show local:store acme/widgets issue 3");
    assert!(shown.contains("\"login\": \"nobody\""), "{shown}");
    assert!(bench.ok("show local:store acme/widgets comment").contains("To nothing"));
}

/// A repository of whose files every one that can name a program does.
fn hostile_repository(bench: &Bench) -> Export {
    let marker = bench.path("marker");
    let run = format!("touch {}", marker.display());
    let script = format!("#!/bin/sh\n{run}\n");
    let config = format!(
        "[core]\n\trepositoryformatversion = 0\n\tbare = true\n\tfsmonitor = \"{run}\"\n\
         \tsshCommand = \"{run}\"\n\tpager = \"{run}\"\n\tgitProxy = \"{run}\"\n\
         \talternateRefsCommand = \"{run}\"\n\thooksPath = hooks\n\
         [uploadpack]\n\tpackObjectsHook = \"{run}; git\"\n\
         [gpg]\n\tprogram = \"{run}\"\n\
         [filter \"all\"]\n\tclean = \"{run}\"\n\tsmudge = \"{run}\"\n\tprocess = \"{run}\"\n\
         [remote \"origin\"]\n\turl = \"ext::{run}\"\n\
         [include]\n\tpath = ../../../../outside\n"
    );
    let repository = history(bench);
    fs::write(repository.join("config"), config).unwrap();
    fs::create_dir(repository.join("hooks")).unwrap();
    for hook in [
        "pre-receive",
        "update",
        "post-update",
        "post-receive",
        "reference-transaction",
        "pre-auto-gc",
    ] {
        let path = repository.join("hooks").join(hook);
        fs::write(&path, &script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::create_dir_all(repository.join("info")).unwrap();
    fs::write(repository.join("info/attributes"), "* filter=all\n").unwrap();
    Export::empty()
        .json("repositories_000001.json", &json!([widgets()]))
        .repository("repositories/acme/widgets.git", &repository)
}

#[test]
fn a_repository_in_an_archive_cannot_start_anything() {
    let bench = Bench::new();
    hostile_repository(&bench).save(&bench, "export.tar.gz");

    bench.ok("plan github-archive:export.tar.gz local:store");
    bench.ok("migrate github-archive:export.tar.gz local:store");
    bench.ok("verify 1");
    bench.ok("compare github-archive:export.tar.gz local:store");

    assert!(!bench.path("marker").exists(), "something was started");
    let stored = bench.path("store/repositories/acme/widgets.git");
    assert!(!stored.join("hooks").exists());
    assert!(!fs::read_to_string(stored.join("config")).unwrap().contains("touch"));
    assert_eq!(
        bench.git(&["-C", stored.to_str().unwrap(), "rev-list", "--count", "main"], ""),
        "1"
    );
}

#[test]
fn a_repository_cannot_borrow_objects_from_elsewhere() {
    let bench = Bench::new();
    let elsewhere = history(&bench).join("objects");
    let borrowing = format!("{}\n", elsewhere.display());
    Export::empty()
        .json("repositories_000001.json", &json!([widgets()]))
        .text("repositories/acme/widgets.git/HEAD", "ref: refs/heads/main\n")
        .text("repositories/acme/widgets.git/config", "[core]\n\tbare = true\n")
        .text("repositories/acme/widgets.git/objects/info/alternates", &borrowing)
        .text(
            "repositories/acme/widgets.git/refs/heads/main",
            bench.git(&["-C", "widgets.git", "rev-parse", "main"], "") + "\n",
        )
        .save(&bench, "export.tar.gz");

    let ran = bench.run("migrate github-archive:export.tar.gz local:store");

    assert_eq!(ran.status, Some(1), "{ran}");
    let stored = bench.path("store/repositories/acme/widgets.git");
    assert!(!stored.join("objects/info/alternates").exists(), "{ran}");
}
