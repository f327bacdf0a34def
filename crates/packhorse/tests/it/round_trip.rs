//! What goes into an archive comes out of it as it was.

use crate::{bench::Bench, matrix::named, real_archive::real_archive, tidy::root};
use packhorse_core::{Access, OpenContext};
use std::{fs, path::Path};

/// Carries an archive into a store, from there through a format, and into a second store.
#[track_caller]
fn check(input: &Path, format: &str) {
    let bench = Bench::new();
    fs::copy(input, bench.path("input.tar.gz")).unwrap();

    bench.ok("import github-archive:input.tar.gz local:one");
    bench.ok(&format!("export local:one {format}"));
    bench.ok(&format!("import {format} local:two"));

    for (one, other) in [
        ("local:one", format),
        ("local:one", "local:two"),
        ("local:two", "local:one"),
        ("github-archive:input.tar.gz", "local:two"),
    ] {
        let told = bench.ok(&format!("compare {one} {other}"));
        assert!(told.contains(" 0 differ, 0 are missing, 0 are extra"), "{one} {other}: {told}");
        assert!(!told.starts_with("0 of"), "{one} {other}: {told}");
    }
}

#[test]
fn the_example_goes_through_githubs_format() {
    check(&root().join("examples/acme.tar.gz"), "github-archive:again.tar.gz");
}

#[test]
fn the_example_goes_through_our_format() {
    check(&root().join("examples/acme.tar.gz"), "packhorse-archive:acme.packhorse");
}

#[test]
fn a_real_export_goes_through_githubs_format() {
    let Some(input) = real_archive() else { return };

    check(&input, "github-archive:again.tar.gz");
}

#[test]
fn a_real_export_goes_through_our_format() {
    let Some(input) = real_archive() else { return };

    check(&input, "packhorse-archive:real.packhorse");
}

#[test]
fn the_example_goes_through_gitlabs_format() {
    let bench = Bench::new();
    fs::copy(root().join("examples/acme.tar.gz"), bench.path("input.tar.gz")).unwrap();
    bench.ok("import github-archive:input.tar.gz local:one");

    // What GitLab's layout has no place for is told; nothing else may be lost.
    bench.ok("export local:one gitlab-archive:made");
    bench.ok("import gitlab-archive:made local:two");
    bench.ok("import gitlab-archive:made gitlab-archive:again");

    let told = bench.run("compare gitlab-archive:made gitlab-archive:again").to_string();
    assert!(told.contains(" 0 differ, 0 are missing, 0 are extra"), "{told}");
}

#[test]
fn one_changed_byte_of_our_format_is_noticed() {
    let bench = Bench::new();
    fs::copy(root().join("examples/acme.tar.gz"), bench.path("input.tar.gz")).unwrap();
    bench.ok("migrate github-archive:input.tar.gz packhorse-archive:acme.packhorse");
    bench.ok("archive check acme.packhorse");
    let mut bytes = fs::read(bench.path("acme.packhorse")).unwrap();
    let middle = bytes.len() / 2;

    bytes[middle] ^= 1;
    fs::write(bench.path("acme.packhorse"), bytes).unwrap();
    let ran = bench.run("archive check acme.packhorse");

    assert_eq!(ran.status, Some(1), "{ran}");
}

/// Where texts may still lead goes with the projects, so that a restore to another host can follow.
#[tokio::test]
async fn where_texts_lead_is_remembered_by_the_store_and_by_our_archive() {
    let bench = Bench::new();
    fs::copy(root().join("examples/acme.tar.gz"), bench.path("input.tar.gz")).unwrap();
    bench.ok("import github-archive:input.tar.gz local:one");
    bench.ok("export local:one packhorse-archive:acme.packhorse");
    bench.ok("import packhorse-archive:acme.packhorse local:two");

    let former = async |kind: &str, name: &str| {
        let location = format!("{kind}:{}", bench.path(name).display()).parse().unwrap();
        let context =
            OpenContext { scratch: bench.path("scratch"), access: Access::Read, resume: false };
        let source = (named(kind).open)(&location, &context).unwrap().source.unwrap();
        source.probe().await.unwrap().former.into_iter().map(|it| it.url).collect::<Vec<_>>()
    };
    for (kind, name) in
        [("local", "one"), ("packhorse-archive", "acme.packhorse"), ("local", "two")]
    {
        assert_eq!(former(kind, name).await, ["https://github.com"], "{kind}:{name}");
    }
}
