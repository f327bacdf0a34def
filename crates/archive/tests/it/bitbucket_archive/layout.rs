//! What the server's exports look like, entry by entry, held against ours.

use super::build::{GIT, INSTANCE, app, sink};
use flate2::read::GzDecoder;
use packhorse_core::{Object, ObjectKind, RepoKind, Scope};
use packhorse_testkit::{
    git::{self, Shape},
    samples,
};
use serde_json::Value;
use std::{fs::File, io::Read, path::Path};

/// An entry of a tar, read with nothing of ours: name, mode, bytes.
type Entry = (String, u32, Vec<u8>);

fn entries(from: impl Read) -> Vec<Entry> {
    let mut archive = tar::Archive::new(from);
    let entry = |entry: std::io::Result<tar::Entry<'_, _>>| {
        let mut entry = entry.unwrap();
        assert!(entry.header().entry_type().is_file());
        assert_eq!((entry.header().uid().unwrap(), entry.header().gid().unwrap()), (0, 0));
        let name = entry.path().unwrap().to_string_lossy().into_owned();
        let mode = entry.header().mode().unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (name, mode, bytes)
    };
    archive.entries().unwrap().map(entry).collect()
}

fn text(packed: &[u8]) -> String {
    assert_eq!(packed[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    let mut text = String::new();
    GzDecoder::new(packed).read_to_string(&mut text).unwrap();
    assert!(!text.ends_with('\n'));
    text
}

fn named<'a>(all: &'a [Entry], name: &str) -> &'a [u8] {
    let found = all.iter().find(|(it, ..)| it.ends_with(name));
    &found.unwrap_or_else(|| panic!("{name} is missing")).2
}

/// Two change requests with all that hangs on them, in an archive.
async fn made(directory: &Path) -> Vec<Entry> {
    let path = directory.join("made.tar");
    let sink = sink(&path, false);
    sink.write(&app(), &samples::project_at("acme/app"), None).await.unwrap();
    let remote = sink.remote("acme/app", RepoKind::Code).await.unwrap().unwrap();
    let repository = remote.url.as_path().unwrap();
    git::repository(repository, &Shape::default()).await;
    let base = git::refs_of(repository).await.refs["refs/heads/main"].clone();
    let head = git::commit(repository, "main", "new.txt", "new\n").await;
    for n in [1, 2] {
        let mut request = samples::sample(ObjectKind::ChangeRequest, n);
        if let Object::ChangeRequest(it) = &mut request.object {
            (it.base.commit, it.head.commit) = (Some(base.clone()), Some(head.clone()));
        }
        sink.write(&app(), &request, None).await.unwrap();
        for kind in [ObjectKind::Review, ObjectKind::ReviewThread, ObjectKind::ReviewComment] {
            sink.write(&app(), &samples::sample(kind, n), None).await.unwrap();
        }
    }
    sink.finish(&Scope::Shared).await.unwrap();
    entries(File::open(path).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_have_the_servers_names_and_stand_in_its_order() {
    let directory = tempfile::tempdir().unwrap();

    let all = made(directory.path()).await;

    let names: Vec<&str> = all.iter().map(|(name, ..)| name.as_str()).collect();
    let hierarchy = names[4].rsplit('/').next().unwrap();
    assert!(hierarchy.len() == 20 && hierarchy.bytes().all(|it| it.is_ascii_hexdigit()));
    let request = |n: u64| {
        [
            format!("{INSTANCE}_pullRequests/repository/1/pullrequest/{n}/metadata.json.atl.gz"),
            format!("{INSTANCE}_pullRequests/repository/1/pullrequest/{n}/activities.json.atl.gz"),
            format!("{GIT}_gitPullRequests/repositories/1/pullrequests/{n}/caches.atl.tar.atl.gz"),
        ]
    };
    let mut expected = vec![
        format!("{INSTANCE}_instanceDetails/instance-details.json.atl.gz"),
        format!("{INSTANCE}_metadata/project_1/project.json.atl.gz"),
        format!("{INSTANCE}_permissions/project/1/all-permissions.json.atl.gz"),
        format!("{INSTANCE}_permissions/project/1/permissions.json.atl.gz"),
        format!("_/repository/hierarchy_begin/{hierarchy}"),
        format!("{INSTANCE}_metadata/project_1/repository_1.json.atl.gz"),
        format!("{INSTANCE}_permissions/repository/1/permissions.json.atl.gz"),
        format!("{GIT}_git/repositories/1/metadata/metadata.atl.tar.atl.gz"),
        format!("{GIT}_git/repositories/1/hooks/hooks.atl.tar.atl.gz"),
        format!("{GIT}_git/repositories/1/contents/objects.atl.tar"),
        format!("{GIT}-lfs_gitLfsSettings/1/git-lfs-settings.json.atl.gz"),
    ];
    expected.extend(request(5));
    expected.extend(request(8));
    expected.push(format!("_/repository/hierarchy_end/{hierarchy}"));
    assert_eq!(names, expected);
    assert!(all.iter().all(|(_, mode, _)| *mode == 0o644));
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_set_out_as_the_server_does_it() {
    let directory = tempfile::tempdir().unwrap();

    let all = made(directory.path()).await;

    let details = text(named(&all, "instance-details.json.atl.gz"));
    let keys: Vec<&str> = details.lines().filter_map(|it| it.trim().split('"').nth(1)).collect();
    let expected = [
        "product",
        "version",
        "buildVersion",
        "archiveVersion",
        "dataCenter",
        "instanceName",
        "nodeId",
    ];
    assert_eq!(keys, expected);
    assert!(details.contains("  \"archiveVersion\" : 2,\n"), "{details}");
    assert_eq!(
        text(named(&all, "project_1/project.json.atl.gz")),
        r#"{"id":"1","key":"acme","name":"acme","public":false,"type":0}"#
    );
    assert_eq!(
        text(named(&all, "all-permissions.json.atl.gz")),
        r#"{"projectAdmin":false,"projectRead":false,"projectWrite":false}"#
    );
    let repository = text(named(&all, "repository_1.json.atl.gz"));
    assert!(repository.starts_with(r#"{"forkable":"#), "{repository}");
    assert!(repository.ends_with(r#""scmId":"git","slug":"app"}"#), "{repository}");
    assert_eq!(text(named(&all, "git-lfs-settings.json.atl.gz")), r#"{"enabled":false}"#);
    assert_eq!(text(named(&all, "repository/1/permissions.json.atl.gz")), "[]");
}

/// The keys of an object, in the order in which they stand.
fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn change_requests_have_the_servers_keys_and_words() {
    let directory = tempfile::tempdir().unwrap();
    let all = made(directory.path()).await;

    let written = text(named(&all, "pullrequest/8/metadata.json.atl.gz"));

    assert!(written.starts_with("{\n  \"allParticipants\" : [ {\n    \""), "{written}");
    let it: Value = serde_json::from_str(&written).unwrap();
    let expected = [
        "allParticipants",
        "closedTimestamp",
        "createdTimestamp",
        "description",
        "draft",
        "fromRef",
        "id",
        "rescopedTimestamp",
        "state",
        "title",
        "toRef",
        "updatedTimestamp",
        "version",
    ];
    let mut found = keys(&it);
    found.sort_unstable();
    assert_eq!(found, expected);
    let order: Vec<usize> =
        expected.iter().map(|key| written.find(&format!("\n  \"{key}\" : ")).unwrap()).collect();
    assert!(order.is_sorted(), "{written}");
    assert_eq!((it["state"].as_str(), it["id"].as_u64()), (Some("MERGED"), Some(8)));
    assert!(it["createdTimestamp"].as_i64().unwrap() > 1_000_000_000_000);
    for person in it["allParticipants"].as_array().unwrap() {
        assert!(["AUTHOR", "REVIEWER", "PARTICIPANT"].contains(&person["role"].as_str().unwrap()));
        let status = person["status"].as_str().unwrap();
        assert!(["UNAPPROVED", "APPROVED", "NEEDS_WORK"].contains(&status));
        assert_eq!(person["userId"].as_str().unwrap().split('|').count(), 4);
    }
    for end in ["fromRef", "toRef"] {
        assert!(it[end]["id"].as_str().unwrap().starts_with("refs/heads/"));
        assert_eq!(it[end]["latestCommit"].as_str().unwrap().len(), 40);
    }
    let open: Value =
        serde_json::from_str(&text(named(&all, "pullrequest/5/metadata.json.atl.gz"))).unwrap();
    assert!(open.get("closedTimestamp").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn activities_say_first_what_was_said_then_what_was_done() {
    let directory = tempfile::tempdir().unwrap();
    let all = made(directory.path()).await;

    let written = text(named(&all, "pullrequest/8/activities.json.atl.gz"));

    assert!(written.starts_with("[ {\n  \"kind\" : \"COMMENT:ADDED\",\n  \"createdTimestamp\" : "));
    assert!(written.ends_with("\n} ]"), "{written}");
    let list: Vec<Value> = serde_json::from_str(&written).unwrap();
    let kinds: Vec<&str> = list.iter().map(|it| it["kind"].as_str().unwrap()).collect();
    let first = kinds.iter().position(|it| !it.starts_with("COMMENT:")).unwrap();
    assert!(kinds[first..].iter().all(|it| !it.starts_with("COMMENT:")), "{kinds:?}");
    for part in [&list[..first], &list[first..]] {
        assert!(part.is_sorted_by_key(|it| it["createdTimestamp"].as_i64()));
    }
    assert_eq!((kinds[first], list[first]["action"].as_str()), ("ACTIVITY", Some("OPENED")));
    let merged = list.iter().find(|it| it["kind"] == "MERGED").unwrap();
    assert_eq!((&merged["autoMerge"], merged["hash"].is_string()), (&Value::from(false), true));
    let line = list.iter().find(|it| it["comment"]["thread"]["anchor"].is_object()).unwrap();
    let (comment, anchor) = (&line["comment"], &line["comment"]["thread"]["anchor"]);
    assert!(comment["id"].is_string() && comment["comments"].is_array());
    assert_eq!((&comment["severity"], &comment["state"]), (&"NORMAL".into(), &"OPEN".into()));
    assert_eq!((&anchor["diffType"], &anchor["fileType"]), (&"EFFECTIVE".into(), &"TO".into()));
    assert!(["ADDED", "REMOVED", "CONTEXT"].contains(&anchor["lineType"].as_str().unwrap()));
    assert!(anchor["line"].is_u64() && anchor["orphaned"].is_boolean());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_is_laid_out_as_on_the_servers_disk() {
    let directory = tempfile::tempdir().unwrap();
    let all = made(directory.path()).await;

    let skeleton = entries(GzDecoder::new(named(&all, "metadata/metadata.atl.tar.atl.gz")));
    let objects = entries(named(&all, "contents/objects.atl.tar"));
    let hooks = entries(GzDecoder::new(named(&all, "hooks/hooks.atl.tar.atl.gz")));
    let caches = entries(GzDecoder::new(named(&all, "pullrequests/5/caches.atl.tar.atl.gz")));

    let names: Vec<&str> = skeleton.iter().map(|(name, ..)| name.as_str()).collect();
    for name in [
        "refs/heads/main",
        "config",
        "HEAD",
        // Open ones have a ref, all of them one that is kept, with what became of it.
        "refs/pull-requests/5/from",
        "stash-refs/pull-requests/5/from",
        "stash-refs/pull-requests/8/from",
        "logs/stash-refs/pull-requests/8/from",
    ] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    assert!(!names.contains(&"refs/pull-requests/8/from"), "{names:?}");
    assert!(names.iter().all(|it| !it.starts_with("objects/") && !it.starts_with("hooks/")));
    let line = String::from_utf8(named(&skeleton, "logs/stash-refs/pull-requests/8/from").to_vec());
    let line = line.unwrap();
    let words: Vec<&str> = line.trim_end().split(' ').collect();
    assert_eq!((words[0], words[1].len()), ("0".repeat(40).as_str(), 40));
    assert_eq!(words[2..5], ["Bitbucket", "Mesh", "<bitbucket.mesh@atlassian.com>"]);
    assert_eq!(words[6], "+0000");
    assert_eq!(hooks.len(), 0);
    assert!(objects.len() > 3);
    for (name, mode, bytes) in &objects {
        let (directory, rest) = name.split_once('/').unwrap();
        assert_eq!((directory.len(), rest.len(), *mode), (2, 38, 0o400));
        assert_eq!(bytes[0] & 0x0f, 8, "zlib");
    }
    let (name, _, cached) = &caches[0];
    let cached = String::from_utf8(cached.clone()).unwrap();
    assert_eq!((name.as_str(), cached.split(',').count()), ("cached-ancestor.txt", 3));
    assert!(!cached.ends_with('\n'));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_comes_back_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    made(directory.path()).await;
    let path = directory.path().join("made.tar");

    let source = super::build::source(&path);
    let remote = source.remote("acme/app", RepoKind::Code).await.unwrap().unwrap();
    let mut report = packhorse_archive::check(&path).unwrap();
    let scratch = directory.path().join("checked");
    packhorse_archive::check_whole(&path, &scratch, &mut report).await.unwrap();

    let found = git::refs_of(remote.url.as_path().unwrap()).await;
    assert!(found.refs.contains_key("refs/heads/main"), "{:?}", found.refs);
    assert_eq!((report.repositories, report.is_clean()), (1, true), "{report}");
}
