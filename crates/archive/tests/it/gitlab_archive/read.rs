//! Exports of several versions, as GitLab lays them out.

use super::build::{app, archive, records, source};
use futures::StreamExt;
use packhorse_core::{
    Lane, Object, ObjectKind, Scope,
    model::{HostId, Subject, Visibility},
    port::BlobRef,
};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

const ISSUES: &str = concat!(
    r#"{"title":"It breaks","author_id":1,"project_id":5,"created_at":"2016-06-14T15:02:08.340Z","#,
    r#""updated_at":"2016-06-14T15:02:47.967Z","description":"see ![x](/uploads/0123456789abcdef0123456789abcdef/x.png)","#,
    r#""state":"opened","iid":10,"confidential":false,"discussion_locked":true,"weight":null,"#,
    r#""external_key":"K-1","issue_type":"incident","timelogs":[{"time_spent":60,"user_id":2}],"#,
    r#""notes":[{"id":351,"note":"First","noteable_type":"Issue","author_id":26,"created_at":"2016-06-14T15:02:47.770Z","#,
    r#""system":false,"discussion_id":"d1","author":{"name":"User 4"},"award_emoji":[{"id":1,"name":"thumbsup","user_id":1}]},"#,
    r#"{"id":352,"note":"Answer","author_id":1,"discussion_id":"d1","type":"DiscussionNote"},"#,
    r#"{"id":353,"note":"changed title from **{-Bug-}** to **{+It breaks+}**","author_id":1,"system":true,"system_note_metadata":{"action":"title"}}],"#,
    r##""label_links":[{"id":2,"label_id":2,"target_type":"Issue","label":{"id":2,"title":"group-label","color":"#428BCA","type":"GroupLabel","group_id":7}}],"##,
    r#""milestone":{"id":1,"title":"test milestone","project_id":8,"iid":1,"state":"active"},"#,
    r#""resource_label_events":[{"id":24,"action":"add","user_id":1,"created_at":"2018-07-19T08:44:24.408Z","label":{"title":"bug"}}],"#,
    r#""resource_state_events":[{"id":7,"state":"closed","user_id":1,"created_at":"2018-07-19T08:44:24Z"}],"#,
    r#""issue_assignees":[{"user_id":1,"issue_id":1}],"award_emoji":[],"work_item_type":{"base_type":"incident"}}"#,
    "\n",
);

const MERGE_REQUESTS: &str = concat!(
    r#"{"id":27,"target_branch":"main","source_branch":"feature","source_project_id":2147483547,"#,
    r#""target_project_id":5,"author_id":1,"title":"Draft: Cannot","iid":9,"state":"merged","description":null,"#,
    r#""merge_params":{"force_remove_source_branch":"1"},"merge_commit_sha":"3333333333333333333333333333333333333333","#,
    r#""metrics":{"merged_at":"2020-01-01T00:00:00Z","merged_by_id":1},"#,
    r#""approvals":[{"id":2,"user_id":1,"created_at":"2020-01-01T00:00:00Z"}],"#,
    r#""notes":[{"id":669,"note":"line","type":"DiffNote","author_id":1,"discussion_id":"aa","resolved_at":"2020-01-02T00:00:00Z","resolved_by_id":1,"#,
    r#""position":"{\"base_sha\":\"1111111111111111111111111111111111111111\",\"start_sha\":\"1111111111111111111111111111111111111111\",\"head_sha\":\"2222222222222222222222222222222222222222\",\"old_path\":\"a.rs\",\"new_path\":\"a.rs\",\"position_type\":\"text\",\"old_line\":null,\"new_line\":4}"}],"#,
    r#""merge_request_diff":{"state":"collected","base_commit_sha":"1111111111111111111111111111111111111111","#,
    r#""head_commit_sha":"2222222222222222222222222222222222222222","merge_request_diff_commits":[{"sha":"2"}],"#,
    r#""merge_request_diff_files":[{"utf8_diff":"@@"}]}}"#,
    "\n",
);

const MEMBERS: &str = concat!(
    r#"{"id":36,"access_level":40,"user_id":1,"created_at":"2016-06-14T15:02:03.834Z","user":{"id":1,"public_email":"bernard@example.org","username":"bernard"}}"#,
    "\n",
);

/// A small export with one of each.
fn members() -> Vec<(&'static str, &'static str)> {
    vec![
        ("./GITLAB_VERSION", "16.0.0-ee"),
        ("./tree/project/issues.ndjson", ISSUES),
        (
            "./tree/project.json",
            r#"{"description":"Does","visibility_level":20,"archived":true,"odd":1}"#,
        ),
        ("./tree/project/merge_requests.ndjson", MERGE_REQUESTS),
        ("./tree/project/project_members.ndjson", MEMBERS),
        ("./tree/project/error_tracking_setting.ndjson", "{\"api_url\":\"x\"}\n"),
        ("./tree/project/auto_devops.ndjson", "null\n"),
        ("./uploads/0123456789abcdef0123456789abcdef/x.png", "png"),
        (
            "./tree/project/milestones.ndjson",
            "{\"id\":1,\"iid\":1,\"title\":\"test milestone\",\"state\":\"closed\",\"due_date\":\"2020-02-03\"}\n",
        ),
    ]
}

#[tokio::test]
async fn the_project_comes_with_what_is_in_it() {
    let directory = tempfile::tempdir().unwrap();
    let source = archive(directory.path(), &members());

    let lane = Lane::new(Scope::Shared, ObjectKind::Project);
    let page = source.read(&lane, None).await.unwrap();
    let inventory = source.inventory(&app()).await.unwrap();

    let Object::Project(project) = &page.records[0].object else { panic!("a project") };
    assert_eq!((&*project.path, project.visibility), ("acme/app", Visibility::Public));
    for (kind, n) in [
        (ObjectKind::Issue, 1),
        (ObjectKind::ChangeRequest, 1),
        (ObjectKind::Comment, 2),
        (ObjectKind::Reaction, 1),
        (ObjectKind::Event, 3),
        (ObjectKind::Review, 1),
        (ObjectKind::ReviewThread, 1),
        (ObjectKind::ReviewComment, 1),
        (ObjectKind::Label, 1),
        (ObjectKind::Milestone, 1),
        (ObjectKind::Attachment, 1),
        (ObjectKind::State, 2),
        (ObjectKind::Repository, 0),
    ] {
        assert_eq!(inventory.records(kind), Some(n), "{kind}");
    }
}

#[tokio::test]
async fn an_issue_is_read_with_its_people() {
    let directory = tempfile::tempdir().unwrap();
    let source = archive(directory.path(), &members());

    let found = records(&*source, &app(), ObjectKind::Issue).await.unwrap();
    let comments = records(&*source, &app(), ObjectKind::Comment).await.unwrap();

    let Object::Issue(issue) = &found[0].object else { panic!("an issue") };
    let author = issue.author.as_ref().unwrap();
    assert_eq!((&*author.login, author.email.as_deref()), ("bernard", Some("bernard@example.org")));
    assert_eq!((issue.number, issue.milestone, issue.time_spent), (10, Some(1), Some(60)));
    assert_eq!(
        (&issue.labels, issue.issue_type.as_deref()),
        (&vec!["group-label".to_owned()], Some("incident"))
    );
    let [Object::Comment(first), Object::Comment(answer)] =
        [&comments[0].object, &comments[1].object]
    else {
        panic!("two comments")
    };
    // An account that no role names is called by its number, with the name that its note tells.
    let unknown = first.author.as_ref().unwrap();
    assert_eq!((&*unknown.login, unknown.name.as_deref()), ("unknown-26", Some("User 4")));
    assert_eq!(answer.reply_to, Some(HostId("351".to_owned())));
}

#[tokio::test]
async fn a_change_request_is_read_with_its_threads() {
    let directory = tempfile::tempdir().unwrap();
    let source = archive(directory.path(), &members());

    let found = records(&*source, &app(), ObjectKind::ChangeRequest).await.unwrap();
    let threads = records(&*source, &app(), ObjectKind::ReviewThread).await.unwrap();

    let Object::ChangeRequest(it) = &found[0].object else { panic!("a change request") };
    assert_eq!((it.number, &*it.title, it.draft), (9, "Cannot", true));
    assert_eq!((it.head.commit.as_deref(), &it.head.project), (Some(&*"2".repeat(40)), &None));
    assert_eq!(it.merged_by.as_ref().map(|it| &*it.login), Some("bernard"));
    let Object::ReviewThread(thread) = &threads[0].object else { panic!("a thread") };
    assert_eq!((&*thread.position.path, thread.position.line), ("a.rs", Some(4)));
    assert!(thread.resolver.is_some());
}

#[tokio::test]
async fn a_file_belongs_to_the_text_that_shows_it() {
    let directory = tempfile::tempdir().unwrap();
    let source = archive(directory.path(), &members());

    let found = records(&*source, &app(), ObjectKind::Attachment).await.unwrap();

    let Object::Attachment(file) = &found[0].object else { panic!("a file") };
    assert_eq!(
        (&file.subject, &*found[0].origin.id),
        (&Subject::Issue(10), &*format!("{SECRET}/x.png"))
    );
    let origin = found[0].origin.clone();
    let blob = BlobRef { scope: app(), origin, size: None, sha256: file.blob.sha256.clone() };
    let mut bytes = source.open(&blob, 1).await.unwrap();
    assert_eq!(bytes.next().await.unwrap().unwrap(), "ng");
}

#[tokio::test]
async fn what_has_no_place_is_counted() {
    let directory = tempfile::tempdir().unwrap();
    let source = archive(directory.path(), &members());

    let losses = source.inventory(&Scope::Shared).await.unwrap().losses;

    let names: Vec<&str> = losses.iter().map(|it| it.name.as_str()).collect();
    for name in ["error_tracking_setting", "issues.external_key", "project.odd", "users"] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    assert!(!names.contains(&"auto_devops"), "{names:?}");
}

#[tokio::test]
async fn rows_that_are_not_as_known_do_not_stop_the_rest() {
    let directory = tempfile::tempdir().unwrap();
    let rows =
        "{\"iid\":\"one\"}\n{\"title\":\"no number\"}\n{\"iid\":3,\"title\":\"good\"}\nnull\n\n";
    let members = [("tree/project.json", "{}"), ("tree/project/issues.ndjson", rows)];
    let source = archive(directory.path(), &members);

    let found = records(&*source, &app(), ObjectKind::Issue).await.unwrap();
    let losses = source.inventory(&Scope::Shared).await.unwrap().losses;

    assert_eq!(found.len(), 1);
    assert_eq!(losses.iter().find(|it| it.name == "rows").unwrap().count, 2);
}

#[tokio::test]
async fn one_project_json_of_old_versions_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let issue = ISSUES.trim();
    let text = format!(
        r#"{{"description":"old","visibility_level":10,"issues":[{issue},{issue}],"labels":null,
            "project_members":[{}],"hooks":[{{"id":1}}]}}"#,
        MEMBERS.trim()
    );
    let source = archive(directory.path(), &[("project.json", &text)]);

    let found = records(&*source, &app(), ObjectKind::Issue).await.unwrap();

    let Object::Issue(issue) = &found[0].object else { panic!("an issue") };
    assert_eq!(issue.author.as_ref().unwrap().login, "bernard");
    assert_eq!(found.len(), 1);
}

#[tokio::test]
async fn a_row_of_many_megabytes_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let diff = "x".repeat(60 << 20);
    let row = format!(
        r#"{{"iid":4,"title":"long","merge_request_diff":{{"merge_request_diff_files":[{{"utf8_diff":"{diff}"}}]}},"description":"last"}}"#
    );
    let members = [("tree/project.json", "{}"), ("tree/project/merge_requests.ndjson", &*row)];
    let source = archive(directory.path(), &members);

    let found = records(&*source, &app(), ObjectKind::ChangeRequest).await.unwrap();

    let Object::ChangeRequest(it) = &found[0].object else { panic!("a change request") };
    assert_eq!(it.body.as_ref().unwrap().as_str(), "last");
}

#[tokio::test]
async fn a_groups_export_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let members = [
        ("tree/groups/_all.ndjson", "12\n15\n"),
        ("tree/groups/15.json", r#"{"name":"Below","path":"below"}"#),
        ("tree/groups/12.json", r#"{"name":"Acme","path":"acme","visibility_level":0}"#),
        ("tree/groups/12/members.ndjson", MEMBERS),
        ("tree/groups/12/epics.ndjson", "{\"iid\":1}\n"),
    ];
    drop(archive(directory.path(), &members));
    let from = directory.path().join("2026-01-31_12-05-123_acme_app_export.tar.gz");
    let to = directory.path().join("acme.tar.gz");
    std::fs::rename(from, &to).unwrap();
    let source = source(&to);

    let found = records(&*source, &Scope::Shared, ObjectKind::Organization).await.unwrap();
    let roles = records(&*source, &Scope::Shared, ObjectKind::Member).await.unwrap();

    let paths: Vec<&str> = found.iter().map(|it| it.origin.id.as_str()).collect();
    assert_eq!(paths, ["acme", "acme/below"]);
    assert_eq!(roles.len(), 1);
}
