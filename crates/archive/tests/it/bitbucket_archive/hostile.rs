//! Exports that are made to do harm, or are damaged, or are not Bitbucket's.

use super::build::{Entries, GIT, INSTANCE, explain, gzip, source, tar};
use packhorse_core::{RepoKind, Scope};

/// What is wrong with an export of these entries.
async fn refused(entries: &Entries) -> String {
    let directory = tempfile::tempdir().unwrap();
    let source = entries.source(directory.path());
    explain(&source.inventory(&Scope::Shared).await.unwrap_err())
}

/// What is wrong with a tar of that member, within one.
async fn refused_within(name: &str) -> [String; 3] {
    let mut found = Vec::new();
    for part in [
        "metadata/metadata.atl.tar.atl.gz",
        "hooks/hooks.atl.tar.atl.gz",
        "contents/objects.atl.tar",
    ] {
        let mut entries = Entries::app();
        let inner = tar(&[(name, b"x")]);
        let inner = if part.ends_with(".gz") { gzip(&inner) } else { inner };
        entries.0.push((format!("{GIT}_git/repositories/2/{part}"), inner));
        found.push(refused(&entries).await);
    }
    found.try_into().unwrap()
}

#[tokio::test]
async fn a_member_that_leads_out_is_refused_in_every_tar() {
    for name in ["../../../hooks/post-receive", "/etc/cron.d/x", "a/../../b", "a\\..\\b"] {
        for found in refused_within(name).await {
            assert!(found.contains("is refused"), "{name}: {found}");
        }
    }
}

#[tokio::test]
async fn links_and_devices_are_refused_in_every_tar() {
    for kind in
        [tar::EntryType::Symlink, tar::EntryType::Link, tar::EntryType::Char, tar::EntryType::Fifo]
    {
        let mut bytes = Vec::new();
        let mut inner = tar::Builder::new(&mut bytes);
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(0);
        inner.append_link(&mut header, "refs/heads/main", "/etc/passwd").unwrap();
        inner.into_inner().unwrap();
        for (part, bytes) in [
            ("metadata/metadata.atl.tar.atl.gz", gzip(&bytes)),
            ("contents/objects.atl.tar", bytes.clone()),
        ] {
            let mut entries = Entries::app();
            entries.0.push((format!("{GIT}_git/repositories/2/{part}"), bytes));
            let found = refused(&entries).await;
            assert!(found.contains("not allowed"), "{kind:?}: {found}");
        }
    }
}

#[tokio::test]
async fn one_name_twice_is_refused_in_every_tar() {
    let mut entries = Entries::app();
    entries.git(&[("HEAD", b"x"), ("HEAD", b"y")], &[]);

    assert!(refused(&entries).await.contains("two members"));
}

#[tokio::test]
async fn a_bomb_within_an_entry_is_refused() {
    let mut entries = Entries::app();
    let mut bomb = gzip(&vec![0; 64 << 20]);
    // Deflate's own bound is about 1,030 to one; a second layer goes beyond it.
    bomb = gzip(&bomb);
    entries.0.push((format!("{GIT}_git/repositories/2/metadata/metadata.atl.tar.atl.gz"), bomb));

    let found = refused(&entries).await;

    assert!(found.contains("tar") || found.contains("ratio"), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_repository_refs_and_objects_are_taken_alone() {
    let directory = tempfile::tempdir().unwrap();
    let id = "1".repeat(40);
    let line = format!("{id}\n");
    let mut entries = Entries::app();
    entries.git(
        &[
            ("HEAD", b"ref: refs/heads/main\n"),
            ("refs/heads/main", line.as_bytes()),
            ("config", b"[core]\n\tfsmonitor = touch /tmp/owned\n"),
            ("hooks/post-checkout", b"#!/bin/sh\ntouch /tmp/owned\n"),
            ("objects/info/alternates", b"/etc\n"),
        ],
        &[("info/alternates", b"/etc\n")],
    );
    let source = entries.source(directory.path());

    let remote = source.remote("acme/app", RepoKind::Code).await.unwrap().unwrap();

    let path = remote.url.as_path().unwrap();
    let config = std::fs::read_to_string(path.join("config")).unwrap();
    assert!(!config.contains("fsmonitor"), "{config}");
    assert!(!path.join("hooks/post-checkout").exists());
    assert!(!path.join("objects/info/alternates").exists());
    assert!(path.join("refs/heads/main").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ref_that_holds_no_object_id_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut entries = Entries::app();
    entries.git(&[("refs/heads/main", b"ref: ../../../etc/passwd\n")], &[]);
    let source = entries.source(directory.path());

    let found = source.remote("acme/app", RepoKind::Code).await.unwrap_err();

    assert!(explain(&found).contains("no object id"), "{found}");
}

#[tokio::test]
async fn keys_and_slugs_that_lead_out_are_refused() {
    for (key, slug) in
        [("..", "app"), ("a/b", "app"), ("acme", ".."), ("acme", "a/../b"), ("", "app")]
    {
        let mut entries = Entries::default();
        entries
            .json(
                &format!("{INSTANCE}_instanceDetails/instance-details.json.atl.gz"),
                r#"{"archiveVersion":2}"#,
            )
            .json(
                &format!("{INSTANCE}_metadata/project_1/project.json.atl.gz"),
                &format!(r#"{{"id":"1","key":"{key}"}}"#),
            )
            .json(
                &format!("{INSTANCE}_metadata/project_1/repository_2.json.atl.gz"),
                &format!(r#"{{"id":"2","slug":"{slug}"}}"#),
            );
        let found = refused(&entries).await;
        assert!(found.contains("is refused"), "{key}/{slug}: {found}");
    }
}

#[tokio::test]
async fn repositories_of_one_name_are_refused() {
    let mut entries = Entries::app();
    entries.json(
        &format!("{INSTANCE}_metadata/project_1/repository_3.json.atl.gz"),
        r#"{"id":"3","slug":"APP"}"#,
    );

    assert!(refused(&entries).await.contains("another repository of its name"));
}

#[tokio::test]
async fn what_comes_before_what_it_is_about_is_refused() {
    let mut entries = Entries::app();
    let name = format!("{INSTANCE}_pullRequests/repository/9/pullrequest/1/metadata.json.atl.gz");
    entries.json(&name, "{}");
    assert!(refused(&entries).await.contains("repository 9"));

    let mut entries = Entries::app();
    let name = format!("{INSTANCE}_pullRequests/repository/2/pullrequest/1/activities.json.atl.gz");
    entries.json(&name, "[ ]");
    assert!(refused(&entries).await.contains("right before it"));
}

#[tokio::test]
async fn an_unknown_version_is_refused() {
    let mut entries = Entries::default();
    entries.json(
        &format!("{INSTANCE}_instanceDetails/instance-details.json.atl.gz"),
        r#"{"archiveVersion":3}"#,
    );

    assert!(refused(&entries).await.contains("version 3"));
}

#[tokio::test]
async fn answers_that_nest_without_end_are_refused() {
    let deep = r#"{"id":"1","comments":["#.repeat(5_000);
    let mut entries = Entries::app();
    entries.request(1, r#"{"id":1}"#, &format!(r#"[{{"kind":"COMMENT:ADDED","comment":{deep}"#));

    let found = refused(&entries).await;

    assert!(found.contains("activities"), "{found}");
}

#[tokio::test]
async fn archives_of_others_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made.tar");
    std::fs::write(&path, tar(&[("schema.json", b"{}")])).unwrap();
    let found = explain(&source(&path).inventory(&Scope::Shared).await.unwrap_err());
    assert!(found.contains("`github-archive:`"), "{found}");

    std::fs::write(&path, tar(&[("readme", b"")])).unwrap();
    let found = explain(&source(&path).inventory(&Scope::Shared).await.unwrap_err());
    assert!(found.contains("instance-details.json"), "{found}");
}

#[tokio::test]
async fn a_cut_off_archive_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = Entries::app().file(directory.path());
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();

    assert!(source(&path).inventory(&Scope::Shared).await.is_err());
}

#[tokio::test]
async fn checking_tells_entries_that_are_not_in_their_place() {
    let directory = tempfile::tempdir().unwrap();
    let mut entries = Entries::app();
    entries.0.retain(|(name, _)| !name.contains("hierarchy_begin"));
    entries.request(1, r#"{"id":1,"title":"x"}"#, r#"[ { "kind" : "ODD" } ]"#);
    let path = entries.file(directory.path());

    let report = packhorse_archive::check(&path).unwrap();

    let told = report.to_string();
    assert!(told.contains("outside of a hierarchy"), "{told}");
    assert!(told.contains("activities: "), "{told}");
}
