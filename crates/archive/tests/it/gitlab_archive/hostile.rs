//! Exports that are damaged, or made to do harm, or not GitLab's.

use super::build::{app, archive, explain, records, source};
use crate::github::build::{gzip, tar};
use packhorse_core::{HostErrorKind, ObjectKind, RepoKind, Scope};

const PROJECT: (&str, &str) = ("tree/project.json", "{}");

/// What is wrong with an export of these members.
async fn refused(members: &[(&str, &[u8])]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made.tar.gz");
    std::fs::write(&path, gzip(&tar(members))).unwrap();

    let error = source(&path).inventory(&Scope::Shared).await.unwrap_err();

    assert_eq!(error.kind, HostErrorKind::Protocol, "{error}");
    explain(&error)
}

#[tokio::test]
async fn names_that_lead_out_are_refused() {
    let version: (&str, &[u8]) = ("VERSION", b"0.2.4");

    assert!(refused(&[version, ("uploads/../../x", b"")]).await.contains("refused"));
    assert!(refused(&[version, ("/tree/project.json", b"{}")]).await.contains("refused"));
}

#[tokio::test]
async fn archives_of_others_are_told() {
    let found = refused(&[("schema.json", b"{\"version\":\"1.0.1\"}")]).await;
    assert!(found.contains("`github-archive:`"), "{found}");

    let found = refused(&[("com.atlassian.bitbucket.server/x", b"")]).await;
    assert!(found.contains("Bitbucket"), "{found}");

    let found = refused(&[("readme.txt", b"")]).await;
    assert!(found.contains("no VERSION"), "{found}");
}

#[tokio::test]
async fn an_unknown_version_is_refused() {
    assert!(refused(&[("VERSION", b"9.0.0")]).await.contains("9.0.0"));
}

#[tokio::test]
async fn rows_that_are_no_json_are_refused_with_their_place() {
    let rows = b"{\"iid\":1}\n{\"iid\":\n";
    let found = refused(&[
        ("VERSION", b"0.2.4"),
        ("tree/project.json", b"{}"),
        ("tree/project/issues.ndjson", rows),
    ])
    .await;

    assert!(found.contains("issues.ndjson") && found.contains("row 2"), "{found}");
}

#[tokio::test]
async fn json_that_nests_without_end_is_refused() {
    let deep = format!("{{\"iid\":1,\"notes\":[{{\"position\":{}", "[".repeat(100_000));

    let found = refused(&[
        ("VERSION", b"0.2.4"),
        ("tree/project.json", b"{}"),
        ("tree/project/issues.ndjson", deep.as_bytes()),
    ])
    .await;

    assert!(found.contains("recursion limit"), "{found}");
}

#[tokio::test]
async fn a_cut_off_archive_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made.tar.gz");
    let whole = gzip(&tar(&[("VERSION", b"0.2.4"), ("tree/project.json", b"{}")]));
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();

    assert!(source(&path).inventory(&Scope::Shared).await.is_err());
}

#[tokio::test]
async fn an_lfs_object_that_is_not_what_it_is_called_is_left_out() {
    let directory = tempfile::tempdir().unwrap();
    let name = format!("lfs-objects/{}", "0".repeat(64));
    let source = archive(directory.path(), &[PROJECT, (&name, "other bytes")]);

    let found = records(&*source, &app(), ObjectKind::LfsObject).await.unwrap();
    let losses = source.inventory(&Scope::Shared).await.unwrap().losses;

    assert_eq!(found, []);
    assert!(losses.iter().any(|it| it.name == "lfs_objects"), "{losses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_that_is_none_is_an_error_of_the_repository_alone() {
    let directory = tempfile::tempdir().unwrap();
    let source = archive(directory.path(), &[PROJECT, ("project.bundle", "no bundle")]);

    assert!(source.inventory(&app()).await.is_ok());
    assert!(source.remote("acme/app", RepoKind::Code).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn checking_tells_what_is_damaged() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("2026-01-31_12-05-123_acme_app_export.tar.gz");
    drop(archive(directory.path(), &[PROJECT, ("project.bundle", "no bundle")]));

    let report = packhorse_archive::check(&path).unwrap();

    assert_eq!((report.projects, report.repositories), (1, 1));
    assert_eq!(report.findings.len(), 1, "{report}");
    assert!(report.findings[0].member.contains("acme/app"), "{report}");
}
