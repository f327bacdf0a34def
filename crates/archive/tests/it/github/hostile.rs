//! Archives that are damaged, lie, or mean harm.

use super::{
    build::{APP, SCHEMA, app, archive, explain, gzip, records, source, tar},
    write::{files, with_samples},
};
use packhorse_core::{HostErrorKind, Object, ObjectKind, Scope};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Opens an archive of these members and reads it through; the error, in words.
async fn error_of(members: &[(&str, &str)]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let source = archive(directory.path(), members);
    let error = source.inventory(&Scope::Shared).await.unwrap_err();
    assert_eq!(error.kind, HostErrorKind::Protocol, "{}", explain(&error));
    explain(&error)
}

#[track_caller]
fn check(error: &str, expected: &[&str]) {
    for part in expected {
        assert!(error.contains(part), "`{error}` does not say `{part}`");
    }
}

#[tokio::test]
async fn an_unknown_version_is_told() {
    let error = error_of(&[("schema.json", "{\"version\":\"2.0.0\"}"), APP]).await;

    check(&error, &["format version 2.0.0", "1 is known"]);
}

#[tokio::test]
async fn a_tar_without_a_schema_is_not_githubs() {
    check(&error_of(&[APP]).await, &["no schema.json"]);
}

#[tokio::test]
async fn what_is_wrong_with_a_record_file_is_told_with_its_place() {
    for (json, expected) in [
        ("{}", "not a JSON array"),
        ("[{\"url\": 1}]", "record 1"),
        ("[{\"url\": \"a\"}, {\"url\": \"b\", \"title\": [1]}]", "record 2"),
        ("[{\"url\": \"a\"}", "ends before"),
        ("[7]", "record 1"),
    ] {
        let error = error_of(&[SCHEMA, APP, ("issues_000001.json", json)]).await;

        check(&error, &["issues_000001.json", expected]);
    }
}

#[tokio::test]
async fn what_is_not_utf_8_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made.tar.gz");
    let record = b"[{\"url\": \"https://github.com/acme/app/issues/1\", \"title\": \"\xff\xfe\"}]";
    let members = [(SCHEMA.0, SCHEMA.1.as_bytes()), ("issues_000001.json", &record[..])];
    std::fs::write(&path, gzip(&tar(&members))).unwrap();

    let error = source(&path).inventory(&Scope::Shared).await.unwrap_err();

    check(&explain(&error), &["issues_000001.json", "record 1"]);
}

#[tokio::test]
async fn a_deep_record_is_refused() {
    let json = format!("[{{\"url\": \"a\", \"x\": {}}}]", "[".repeat(100_000));

    check(&error_of(&[SCHEMA, ("issues_000001.json", &json)]).await, &["nesting"]);
}

#[tokio::test]
async fn a_giant_value_is_refused() {
    let json = format!("[{{\"url\": \"a\", \"x\": \"{}\"}}]", "x".repeat(65 << 20));

    check(&error_of(&[SCHEMA, ("issues_000001.json", &json)]).await, &["size of element 1"]);
}

#[tokio::test]
async fn two_members_of_one_name_are_refused() {
    check(&error_of(&[SCHEMA, APP, APP]).await, &["two members of this name"]);
}

#[tokio::test]
async fn a_member_that_climbs_is_refused() {
    check(&error_of(&[SCHEMA, ("../issues_000001.json", "[]")]).await, &["refused"]);
}

#[tokio::test]
async fn an_archive_that_is_cut_off_anywhere_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made.tar.gz");
    let members = [SCHEMA, APP, ("issues_000001.json", "[\n\n]")];
    let members: Vec<_> = members.iter().map(|(name, it)| (*name, it.as_bytes())).collect();
    let whole = gzip(&tar(&members));

    for n in (1..whole.len()).step_by(7) {
        std::fs::write(&path, &whole[..n]).unwrap();
        let location = format!("github-archive:{}", path.display()).parse().unwrap();
        let context = packhorse_core::OpenContext {
            scratch: directory.path().join("scratch"),
            access: packhorse_core::Access::Read,
            resume: false,
        };
        let Ok(endpoint) = (packhorse_archive::github::SPEC.open)(&location, &context) else {
            continue;
        };
        let read = endpoint.source.unwrap().inventory(&Scope::Shared).await;
        assert!(read.is_err(), "cut after {n} of {} bytes", whole.len());
    }
}

/// A source, and what its shared inventory says is lost: name and count.
async fn losses(members: &[(&str, &str)]) -> Vec<(String, u64)> {
    let directory = tempfile::tempdir().unwrap();
    let source = archive(directory.path(), members);
    let inventory = source.inventory(&Scope::Shared).await.unwrap();
    inventory.losses.into_iter().map(|it| (it.name, it.count)).collect()
}

fn lost(name: &str, count: u64) -> (String, u64) {
    (name.to_owned(), count)
}

#[tokio::test]
async fn unknown_files_and_keys_are_counted() {
    let users = r#"[
        {"type":"user","url":"https://github.com/a","billing_plan":{"name":"free"},"new":1},
        {"type":"user","url":"https://github.com/b","billing_plan":null,"new":2}
    ]"#;

    let found = losses(&[
        SCHEMA,
        ("urls.json", "{}"),
        ("users_000001.json", users),
        ("projects_000001.json", "[{\"name\":\"x\"},{\"name\":\"y\"},{}]"),
    ])
    .await;

    let expected = [lost("projects", 3), lost("users.billing_plan", 1), lost("users.new", 2)];
    assert_eq!(found, expected);
}

const COMMENT: &str = r#"[{"type":"issue_comment",
    "url":"https://github.com/acme/app/issues/5#issuecomment-1",
    "issue":"https://github.com/acme/app/issues/5","body":"hi"}]"#;

#[tokio::test]
async fn a_comment_of_an_issue_that_is_not_there_is_told_and_read() {
    let directory = tempfile::tempdir().unwrap();
    let source = archive(directory.path(), &[SCHEMA, APP, ("issue_comments_000001.json", COMMENT)]);

    let inventory = source.inventory(&Scope::Shared).await.unwrap();
    let found = records(&*source, &app(), ObjectKind::Comment).await.unwrap();

    assert_eq!(inventory.losses.len(), 1);
    assert_eq!((inventory.losses[0].name.as_str(), inventory.losses[0].count), ("parents", 1));
    assert_eq!(found[0].origin.id, "1");
}

#[tokio::test]
async fn records_of_a_project_that_is_not_there_are_told() {
    let found = losses(&[SCHEMA, ("issue_comments_000001.json", COMMENT)]).await;

    assert_eq!(found, [lost("comment", 1), lost("parents", 1)]);
}

#[tokio::test]
async fn records_without_an_understandable_address_are_told() {
    let found = losses(&[SCHEMA, APP, ("issues_000001.json", "[{\"url\":\"nowhere\"}]")]).await;

    assert_eq!(found, [lost("issues", 1)]);
}

#[tokio::test]
async fn a_file_that_is_not_in_the_archive_is_a_loss_of_its_record() {
    let directory = tempfile::tempdir().unwrap();
    let attachment = r#"[{"type":"attachment","url":"https://github.com/user-attachments/assets/1",
        "issue":"https://github.com/acme/app/issues/5","asset_name":"x.png",
        "asset_url":"tarball://root/attachments/1/x.png","created_date":"2020-01-01T00:00:00Z"}]"#;
    let source = archive(directory.path(), &[SCHEMA, APP, ("attachments_000001.json", attachment)]);

    let inventory = source.inventory(&Scope::Shared).await.unwrap();
    let found = records(&*source, &app(), ObjectKind::Attachment).await.unwrap();

    assert!(inventory.losses.iter().any(|it| it.name == "asset_url" && it.count == 1));
    assert_eq!(found[0].losses[0].field, "blob");
    let Object::Attachment(it) = &found[0].object else { panic!("an attachment") };
    assert_eq!(it.created_at.unwrap().to_string(), "2020-01-01T00:00:00Z");
}

#[tokio::test]
async fn values_that_nobody_knows_are_losses_and_not_failures() {
    let directory = tempfile::tempdir().unwrap();
    let review = r#"[{"type":"pull_request_review",
        "url":"https://github.com/acme/app/pull/1/files#pullrequestreview-1",
        "pull_request":"https://github.com/acme/app/pull/1",
        "state":77,"created_at":"yesterday"}]"#;
    let source =
        archive(directory.path(), &[SCHEMA, APP, ("pull_request_reviews_000001.json", review)]);

    let found = records(&*source, &app(), ObjectKind::Review).await.unwrap();

    let fields: Vec<&str> = found[0].losses.iter().map(|it| &*it.field).collect();
    assert_eq!(fields, ["verdict", "created_at"]);
}

#[tokio::test]
async fn issues_ascend_also_where_their_files_do_not() {
    let directory = tempfile::tempdir().unwrap();
    let file = |numbers: &[u64]| {
        let issue = |n: &u64| {
            format!("{{\"type\":\"issue\",\"url\":\"https://github.com/acme/app/issues/{n}\"}}")
        };
        format!("[{}]", numbers.iter().map(issue).collect::<Vec<_>>().join(","))
    };
    let many: Vec<u64> = (1..=1500).rev().collect();
    let (first, second) = (file(&[9_000, 3_000, 8_000]), file(&many));
    let source = archive(
        directory.path(),
        &[SCHEMA, APP, ("issues_000001.json", &first), ("issues_000002.json", &second)],
    );

    let found = records(&*source, &app(), ObjectKind::Issue).await.unwrap();

    let numbers: Vec<u64> = found.iter().map(|it| it.origin.id.parse().unwrap()).collect();
    let expected: Vec<u64> = (1..=1500).chain([3_000, 8_000, 9_000]).collect();
    assert_eq!(numbers, expected);
}

#[tokio::test]
async fn files_in_any_order_are_read_by_number() {
    let directory = tempfile::tempdir().unwrap();
    let issue = |n: u64| format!("[{{\"url\":\"https://github.com/acme/app/issues/{n}\"}}]");
    let (one, two, three) = (issue(1), issue(2), issue(3));
    let source = archive(
        directory.path(),
        &[
            ("issues_000003.json", &three),
            SCHEMA,
            ("issues_000001.json", &one),
            APP,
            ("issues_000002.json", &two),
        ],
    );

    let found = records(&*source, &app(), ObjectKind::Issue).await.unwrap();

    let ids: Vec<&str> = found.iter().map(|it| it.origin.id.as_str()).collect();
    assert_eq!(ids, ["1", "2", "3"]);
}

#[tokio::test]
async fn exporters_for_other_hosts_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let repository = r#"[{"type":"repository","url":"https://bb.example/projects/K/repos/app",
        "name":"app","git_url":"tarball://root/repositories/K/app.git"}]"#;
    let change = r#"[{"type":"pull_request",
        "url":"https://bb.example/projects/K/repos/app/pull-requests/4",
        "repository":"https://bb.example/projects/K/repos/app",
        "user":"https://bb.example/users/ann","merged_at":"2020-01-01T00:00:00Z",
        "head":{"ref":"x","sha":"1","user":null,"repo":null}}]"#;
    let source = archive(
        directory.path(),
        &[
            ("schema.json", "{\"version\":\"1.2.0\"}"),
            ("urls.json", "{\"user\":\"{scheme}://{+host}/users/{user}\"}"),
            ("repositories_000001.json", repository),
            ("pull_requests_000001.json", change),
        ],
    );

    let scope = Scope::Project("K/app".to_owned());
    let found = records(&*source, &scope, ObjectKind::ChangeRequest).await.unwrap();

    let Object::ChangeRequest(it) = &found[0].object else { panic!("a change request") };
    assert_eq!(it.number, 4);
    assert_eq!(it.author.as_ref().unwrap().login, "ann");
    assert_eq!(it.author.as_ref().unwrap().host.as_deref(), Some("bb.example"));
    assert_eq!(it.head.project, None);
}

/// Reads everything that can be read; errors are as good as records here.
async fn read_all(members: &BTreeMap<String, Vec<u8>>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made.tar");
    let members: Vec<_> = members.iter().map(|(name, it)| (name.as_str(), it.as_slice())).collect();
    std::fs::write(&path, tar(&members)).unwrap();
    let source = source(&path);
    if source.inventory(&Scope::Shared).await.is_err() {
        return;
    }
    for scope in [Scope::Shared, app()] {
        for &kind in ObjectKind::ALL {
            records(&*source, &scope, kind).await.expect("what was surveyed can be read");
        }
    }
}

#[test]
fn no_changed_byte_makes_it_panic() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made.tar.gz");
    runtime.block_on(with_samples(&path));
    let whole = files(&path);
    let names: Vec<_> = whole.keys().cloned().collect();
    let changes = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4);
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) };

    let mut runner = proptest::test_runner::TestRunner::new(config);
    let done = runner.run(&(0..names.len(), changes), |(file, changes)| {
        let mut members = whole.clone();
        let bytes = members.get_mut(&names[file]).unwrap();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            // Digits and quotes break records in more ways than other bytes.
            bytes[at] = *b"0129\"{}[],:/#%".get(usize::from(byte)).unwrap_or(&byte);
        }
        runtime.block_on(read_all(&members));
        Ok(())
    });

    done.unwrap();
}
