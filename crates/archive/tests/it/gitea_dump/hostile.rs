//! Dumps that are made to do harm, or are damaged, or are not Gitea's.

use super::build::{app, explain, records, source};
use packhorse_core::{ObjectKind, RepoKind, Scope};
use packhorse_testkit::git;
use std::{
    fs,
    path::{Path, PathBuf},
};

const REPO: &str = "name: app\nowner: acme\n";

/// A dump of these files.
fn dump(directory: &Path, files: &[(&str, &str)]) -> PathBuf {
    let dump = directory.join("dump");
    fs::create_dir_all(dump.join("comments")).unwrap();
    for (name, text) in [("repo.yml", REPO)].iter().chain(files) {
        fs::write(dump.join(name), text).unwrap();
    }
    dump
}

/// What is wrong with a dump of these files.
async fn refused(files: &[(&str, &str)]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let dump = dump(directory.path(), files);
    explain(&source(&dump).inventory(&Scope::Shared).await.unwrap_err())
}

#[tokio::test]
async fn a_path_that_leads_out_is_refused() {
    for text in ["name: ../../x\nowner: acme\n", "name: x\nowner: ..\n", "name: a//b\n"] {
        let found = refused(&[("repo.yml", text)]).await;
        assert!(found.contains("leads somewhere else"), "{text}: {found}");
    }
}

#[tokio::test]
async fn an_element_without_end_is_refused() {
    let most = packhorse_archive::container::Limits::default().max_record_bytes;
    let long = format!("- title: {}\n", "x".repeat(most));

    let found = refused(&[("issue.yml", &long)]).await;

    assert!(found.contains("issue.yml"), "{found}");
}

#[tokio::test]
async fn what_nests_without_end_is_refused() {
    for text in ["[".repeat(100_000), "- ".repeat(100_000), "- {\"a\":".repeat(50_000)] {
        let found = refused(&[("issue.yml", &text)]).await;
        assert!(found.contains("issue.yml"), "{found}");
    }
}

#[tokio::test]
async fn what_is_reached_by_a_link_is_not_read() {
    let directory = tempfile::tempdir().unwrap();
    let dump = dump(directory.path(), &[]);
    fs::write(directory.path().join("secret.yml"), "- number: 1\n  title: secret\n").unwrap();
    std::os::unix::fs::symlink("../secret.yml", dump.join("issue.yml")).unwrap();

    let found = source(&dump).inventory(&Scope::Shared).await;

    assert!(explain(&found.unwrap_err()).contains("no plain file"));
}

#[tokio::test]
async fn numbers_that_packhorse_yml_moves_about_stay_within_bounds() {
    let directory = tempfile::tempdir().unwrap();
    let requests = "- number: 3\n- number: 18446744073709551615\n- number: 2\n";
    for above in ["2", "18446744073709551615", "0"] {
        let own = format!("{{\"numbered_above\":{above},\"bare_reviews\":[1,1]}}");
        let files = [("pull_request.yml", requests), ("packhorse.yml", &own)];
        let dump = dump(directory.path(), &files);

        let found = records(&*source(&dump), &app(), ObjectKind::ChangeRequest).await.unwrap();

        assert_eq!(found.len(), 3, "{above}");
    }
}

#[tokio::test]
async fn a_damaged_packhorse_yml_loses_what_is_ours_alone() {
    let directory = tempfile::tempdir().unwrap();
    let files = [("issue.yml", "- number: 1\n"), ("packhorse.yml", "{\"people\":[1]}")];
    let dump = dump(directory.path(), &files);

    let found = records(&*source(&dump), &app(), ObjectKind::Issue).await.unwrap();

    assert_eq!(found.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_repository_refs_and_objects_are_taken_alone() {
    let directory = tempfile::tempdir().unwrap();
    let dump = dump(directory.path(), &[]);
    git::repository(&dump.join("git"), &git::Shape::default()).await;
    fs::create_dir_all(dump.join("git/hooks")).unwrap();
    fs::write(dump.join("git/hooks/post-checkout"), "#!/bin/sh\ntouch /tmp/owned\n").unwrap();
    fs::write(dump.join("git/config"), "[core]\n\tfsmonitor = touch /tmp/owned\n").unwrap();
    fs::create_dir_all(dump.join("git/objects/info")).unwrap();
    fs::write(dump.join("git/objects/info/alternates"), "/etc\n").unwrap();

    let remote = source(&dump).remote("acme/app", RepoKind::Code).await.unwrap().unwrap();

    let path = remote.url.as_path().unwrap();
    let config = fs::read_to_string(path.join("config")).unwrap();
    assert!(!config.contains("fsmonitor"), "{config}");
    assert!(!path.join("hooks/post-checkout").exists());
    assert!(!path.join("objects/info/alternates").exists());
}

#[tokio::test]
async fn archives_of_others_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let made = crate::github::build::tar(&[("schema.json", b"{}")]);
    let file = directory.path().join("made.tar");
    fs::write(&file, made).unwrap();

    let found = explain(&source(&file).inventory(&Scope::Shared).await.unwrap_err());
    assert!(found.contains("`github-archive:`"), "{found}");

    fs::rename(&file, directory.path().join("made.tar.gz")).unwrap();
    let found = source(directory.path()).inventory(&Scope::Shared).await.unwrap_err();
    assert!(explain(&found).contains("`gitlab-archive:`"), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn checking_tells_what_importers_do_not_take_and_what_is_damaged() {
    let directory = tempfile::tempdir().unwrap();
    let issue = format!("- number: 1\n  title: {}\n", "x".repeat(300));
    let release = "- tag_name: v1\n  assets:\n  - name: a\n    download_url: gone\n";
    let dump = dump(directory.path(), &[("issue.yml", &issue), ("release.yml", release)]);
    git::repository(&dump.join("git"), &git::Shape::default()).await;
    fs::write(dump.join("git/refs/heads/gone"), format!("{}\n", "1".repeat(40))).unwrap();

    let mut report = packhorse_archive::check(&dump).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    packhorse_archive::check_whole(&dump, scratch.path(), &mut report).await.unwrap();

    let told = report.to_string();
    assert!(told.contains("issue `1`: its title has 300 characters"), "{told}");
    assert!(told.contains("release_assets"), "{told}");
    assert!(told.contains("acme/app (code)") && told.contains("refs/heads/gone"), "{told}");
}
