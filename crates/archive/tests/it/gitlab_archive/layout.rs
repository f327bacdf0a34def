//! What GitLab's importer wants of an archive: names, keys, types, words.

use super::build::{app, sink};
use flate2::read::MultiGzDecoder;
use packhorse_core::{Object, ObjectKind, RepoKind, Scope};
use packhorse_testkit::{
    git::{self, Shape},
    samples,
};
use serde_json::Value;
use std::{collections::BTreeMap, fs::File, io::Read, path::Path};

/// Samples of all kinds in one archive, read with nothing of ours: members by name.
async fn made(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let path = directory.join("made.tar.gz");
    let sink = sink(&path, false);
    let project = samples::project_at("acme/app");
    sink.write(&app(), &project, None).await.unwrap();
    for &kind in ObjectKind::ALL {
        for n in 0..3 {
            let record = samples::sample(kind, n);
            if kind.in_project() && !matches!(kind, ObjectKind::LfsObject | ObjectKind::Attachment)
            {
                sink.write(&app(), &record, None).await.unwrap();
            }
        }
    }
    let remote = sink.remote("acme/app", RepoKind::Code).await.unwrap().unwrap();
    let repository = remote.url.as_path().unwrap();
    git::repository(repository, &Shape::default()).await;
    let refs = git::refs_of(repository).await;
    let base = refs.refs["refs/heads/main"].clone();
    let head = git::commit(repository, "main", "new.txt", "new\n").await;
    let mut request = samples::sample(ObjectKind::ChangeRequest, 1);
    if let Object::ChangeRequest(it) = &mut request.object {
        (it.base.commit, it.head.commit) = (Some(base), Some(head));
    }
    sink.write(&app(), &request, None).await.unwrap();
    sink.finish(&Scope::Shared).await.unwrap();
    let mut archive = tar::Archive::new(MultiGzDecoder::new(File::open(path).unwrap()));
    let mut members = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_string_lossy().into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        members.insert(name, bytes);
    }
    members
}

fn rows(members: &BTreeMap<String, Vec<u8>>, relation: &str) -> Vec<Value> {
    let name = format!("tree/project/{relation}.ndjson");
    let text = std::str::from_utf8(&members[&name]).unwrap();
    text.lines().map(|it| serde_json::from_str(it).unwrap()).collect()
}

/// Keys that a row must have, with what they hold: `s`tring, `n`umber, `b`oolean, `l`ist, `o`bject.
#[track_caller]
fn check(row: &Value, keys: &[(&str, char)]) {
    for (key, kind) in keys {
        let value = row.get(key).unwrap_or_else(|| panic!("{key} is missing in {row}"));
        let found = match value {
            Value::Null => '0',
            Value::Bool(_) => 'b',
            Value::Number(_) => 'n',
            Value::String(_) => 's',
            Value::Array(_) => 'l',
            Value::Object(_) => 'o',
        };
        assert_eq!(found, *kind, "{key}: {value}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_archive_is_laid_out_as_the_importer_wants_it() {
    let directory = tempfile::tempdir().unwrap();

    let members = made(directory.path()).await;

    assert_eq!(members["VERSION"], b"0.2.4");
    for name in ["GITLAB_VERSION", "GITLAB_REVISION", "tree/project.json", "project.bundle"] {
        assert!(members.contains_key(name), "{name}");
    }
    assert!(members["project.bundle"].starts_with(b"# v2 git bundle\n"));
    for relation in [
        "boards",
        "commit_notes",
        "issues",
        "labels",
        "merge_requests",
        "milestones",
        "project_feature",
        "project_members",
        "protected_branches",
        "protected_tags",
        "releases",
        "snippets",
        "user_contributions",
    ] {
        assert!(!rows(&members, relation).is_empty(), "{relation}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn issues_have_what_the_importer_reads() {
    let directory = tempfile::tempdir().unwrap();
    let members = made(directory.path()).await;

    let issues = rows(&members, "issues");

    assert_eq!(issues.iter().map(|it| it["iid"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 4, 7]);
    for it in &issues {
        check(
            it,
            &[
                ("title", 's'),
                ("author_id", 'n'),
                ("created_at", 's'),
                ("updated_at", 's'),
                ("description", 's'),
                ("confidential", 'b'),
                ("issue_type", 's'),
                ("notes", 'l'),
                ("label_links", 'l'),
                ("issue_assignees", 'l'),
                ("milestone", 'o'),
                ("award_emoji", 'l'),
                ("discussion_locked", 'b'),
            ],
        );
        assert!(["opened", "closed"].contains(&it["state"].as_str().unwrap()));
        check(&it["label_links"][0], &[("target_type", 's'), ("label", 'o')]);
        check(&it["milestone"], &[("title", 's'), ("iid", 'n'), ("state", 's')]);
        assert!(it["label_links"][0]["label"]["color"].as_str().unwrap().starts_with('#'));
        assert_eq!(it["label_links"][0]["label"]["type"], "ProjectLabel");
    }
    let note = &issues[1]["notes"][0];
    check(
        note,
        &[
            ("note", 's'),
            ("noteable_type", 's'),
            ("author_id", 'n'),
            ("created_at", 's'),
            ("system", 'b'),
            ("discussion_id", 's'),
            ("author", 'o'),
            ("award_emoji", 'l'),
        ],
    );
    assert_eq!(
        (&note["noteable_type"], note["discussion_id"].as_str().unwrap().len()),
        (&Value::from("Issue"), 40)
    );
    check(&note["award_emoji"][0], &[("name", 's'), ("user_id", 'n'), ("awardable_type", 's')]);
    check(
        &issues[1]["resource_label_events"][0],
        &[("action", 's'), ("user_id", 'n'), ("label", 'o')],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn merge_requests_have_diffs_and_positions() {
    let directory = tempfile::tempdir().unwrap();
    let members = made(directory.path()).await;

    let rows = rows(&members, "merge_requests");

    let it = &rows[1];
    check(
        it,
        &[
            ("iid", 'n'),
            ("target_branch", 's'),
            ("source_branch", 's'),
            ("author_id", 'n'),
            ("source_project_id", 'n'),
            ("target_project_id", 'n'),
            ("title", 's'),
            ("state", 's'),
            ("diff_head_sha", 's'),
            ("merge_request_diff", 'o'),
            ("metrics", 'o'),
            ("approvals", 'l'),
            ("merge_request_reviewers", 'l'),
            ("merge_request_assignees", 'l'),
        ],
    );
    let diff = &it["merge_request_diff"];
    assert_eq!(diff["state"], "collected");
    check(
        &diff["merge_request_diff_commits"][0],
        &[
            ("sha", 's'),
            ("message", 's'),
            ("authored_date", 's'),
            ("committed_date", 's'),
            ("relative_order", 'n'),
            ("commit_author", 'o'),
            ("committer", 'o'),
            ("trailers", 'o'),
        ],
    );
    let file = &diff["merge_request_diff_files"][0];
    check(
        file,
        &[
            ("new_file", 'b'),
            ("renamed_file", 'b'),
            ("deleted_file", 'b'),
            ("too_large", 'b'),
            ("a_mode", 's'),
            ("b_mode", 's'),
            ("new_path", 's'),
            ("old_path", 's'),
            ("binary", 'b'),
            ("utf8_diff", 's'),
            ("relative_order", 'n'),
        ],
    );
    assert_eq!(
        (&file["new_path"], &file["new_file"]),
        (&Value::from("new.txt"), &Value::from(true))
    );
    let notes = it["notes"].as_array().unwrap();
    let line = notes.iter().find(|it| it["type"] == "DiffNote").unwrap();
    let position: Value = serde_json::from_str(line["position"].as_str().unwrap()).unwrap();
    check(
        &position,
        &[("head_sha", 's'), ("new_path", 's'), ("old_path", 's'), ("position_type", 's')],
    );
    check(line, &[("line_code", 's'), ("original_position", 's'), ("note_diff_file", 'o')]);
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_who_is_named_by_number_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let members = made(directory.path()).await;

    let told: Vec<u64> =
        rows(&members, "user_contributions").iter().map(|it| it["id"].as_u64().unwrap()).collect();

    let authors = rows(&members, "issues").into_iter().chain(rows(&members, "merge_requests"));
    for it in authors {
        assert!(told.contains(&it["author_id"].as_u64().unwrap()), "{it}");
    }
    for it in rows(&members, "project_members") {
        check(&it, &[("access_level", 'n'), ("source_type", 's'), ("user_id", 'n'), ("user", 'o')]);
        assert!([10, 15, 20, 30, 40, 50].contains(&it["access_level"].as_u64().unwrap()));
        check(&it["user"], &[("id", 'n'), ("username", 's')]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_are_levels_and_never_empty() {
    let directory = tempfile::tempdir().unwrap();
    let members = made(directory.path()).await;

    for it in rows(&members, "protected_branches") {
        check(&it, &[("name", 's'), ("allow_force_push", 'b')]);
        for list in ["push_access_levels", "merge_access_levels"] {
            let levels = it[list].as_array().unwrap();
            assert!(!levels.is_empty(), "{list}");
            assert!(
                levels
                    .iter()
                    .all(|it| [0, 30, 40, 60].contains(&it["access_level"].as_u64().unwrap()))
            );
        }
    }
}
