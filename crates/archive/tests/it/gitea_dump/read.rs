//! Dumps as Gitea writes them, and such as are made to do harm.

use super::build::{app, explain, records, source};
use packhorse_core::{Object, ObjectKind, Scope, model::Side};
use std::{fs, path::Path};

const REPO: &str = "assets: true\nclone_addr: https://h.example/acme/app.git\ndescription: Does things\n\
    is_private: false\nname: app\noriginal_url: https://h.example/acme/app\nowner: acme\nservice_type: 3\n";
const ISSUE: &str = "- number: 10\n  poster_id: 39\n  poster_name: alex\n  poster_email: \"\"\n  title: issue title\n  \
    content: |-\n    - content\n    second\n  ref: \"\"\n  milestone: v1\n  state: closed\n  is_locked: true\n  \
    created: 1985-04-12T23:20:50.52Z\n  updated: 1986-04-12T23:20:50.52Z\n  closed: 1987-04-12T23:20:50.52Z\n  \
    labels:\n  - name: bug\n    color: ee0701\n    description: \"\"\n    exclusive: false\n  \
    reactions:\n  - user_id: 39\n    user_name: alex\n    content: heart\n  assignees:\n  - bob\n  foreignindex: 10\n";
const COMMENTS: &str = "- issue_index: 10\n  index: 5\n  comment_type: \"\"\n  poster_id: 39\n  poster_name: alex\n  \
    poster_email: \"\"\n  created: 2020-01-01T00:00:00Z\n  updated: 2020-01-01T00:00:00Z\n  content: said\n  reactions: []\n\
    - issue_index: 10\n  index: 6\n  comment_type: close\n  poster_id: 39\n  poster_name: alex\n  created: 2020-01-02T00:00:00Z\n  \
    updated: 0001-01-01T00:00:00Z\n  content: \"\"\n  odd: 1\n";
const REVIEWS: &str = "- id: 7\n  issue_index: 11\n  reviewer_id: 40\n  reviewer_name: carol\n  official: true\n  commit_id: abc\n  \
    content: good\n  created_at: 2020-01-01T00:00:00Z\n  state: APPROVED\n  comments:\n  - id: 8\n    in_reply_to: 0\n    \
    content: here\n    tree_path: a.rs\n    diff_hunk: '@@ -1 +1 @@'\n    position: 0\n    line: -3\n    commit_id: abc\n    \
    poster_id: 39\n    reactions: []\n    created_at: 2020-01-01T00:00:00Z\n    updated_at: 2020-01-01T00:00:00Z\n";
const PULLS: &str = "- number: 11\n  title: change\n  poster_name: alex\n  poster_id: 39\n  content: \"\"\n  state: closed\n  merged: true\n  \
    merged_time: 2020-01-03T00:00:00Z\n  patch_url: git/pulls/11.patch\n  head:\n    clone_url: \"\"\n    ref: fix\n    sha: abc\n    \
    repo_name: app\n    owner_name: acme\n  base:\n    ref: main\n    sha: def\n  labels: []\n  created: 2020-01-01T00:00:00Z\n";

fn dump(directory: &Path) -> std::path::PathBuf {
    let dump = directory.join("dump/acme/app");
    fs::create_dir_all(dump.join("comments")).unwrap();
    fs::create_dir_all(dump.join("reviews")).unwrap();
    for (name, text) in [
        ("repo.yml", REPO),
        ("issue.yml", ISSUE),
        ("comments/10.yml", COMMENTS),
        ("pull_request.yml", PULLS),
        ("reviews/11.yml", REVIEWS),
        (
            "milestone.yml",
            "- title: v1\n  description: \"\"\n  created: 0001-01-01T00:00:00Z\n  state: open\n",
        ),
        ("topic.yml", "topics:\n- rust\n"),
    ] {
        fs::write(dump.join(name), text).unwrap();
    }
    dump
}

#[tokio::test]
async fn a_dump_is_read_as_gitea_writes_it() {
    let directory = tempfile::tempdir().unwrap();
    dump(directory.path());
    let source = source(&directory.path().join("dump"));

    let issues = records(&*source, &app(), ObjectKind::Issue).await.unwrap();
    let comments = records(&*source, &app(), ObjectKind::Comment).await.unwrap();
    let lines = records(&*source, &app(), ObjectKind::ReviewComment).await.unwrap();
    let inventory = source.inventory(&app()).await.unwrap();

    let Object::Issue(issue) = &issues[0].object else { panic!("an issue") };
    assert_eq!((issue.number, issue.milestone, &*issue.labels[0]), (10, Some(1), "bug"));
    assert_eq!(issue.body.as_ref().unwrap().as_str(), "- content\nsecond");
    assert_eq!((comments.len(), &*comments[0].origin.id), (1, "5"));
    let Object::ReviewComment(line) = &lines[0].object else { panic!("a comment") };
    // It is named by number alone, and an issue says who that is.
    assert_eq!(line.author.as_ref().unwrap().login, "alex");
    assert_eq!((line.position.side, line.position.line), (Some(Side::Left), Some(3)));
    for (kind, n) in [
        (ObjectKind::Event, 1),
        (ObjectKind::Reaction, 1),
        (ObjectKind::State, 1),
        (ObjectKind::ChangeRequest, 1),
        (ObjectKind::Review, 1),
        (ObjectKind::Topic, 1),
    ] {
        assert_eq!(inventory.records(kind), Some(n), "{kind}");
    }
    let losses = source.inventory(&Scope::Shared).await.unwrap().losses;
    assert!(losses.iter().any(|it| it.name == "comments.odd"), "{losses:?}");
}

#[tokio::test]
async fn files_of_releases_stay_in_the_dump() {
    let directory = tempfile::tempdir().unwrap();
    let dump = dump(directory.path());
    fs::write(directory.path().join("secret"), "outside").unwrap();
    fs::create_dir_all(dump.join("release_assets/v1")).unwrap();
    fs::write(dump.join("release_assets/v1/a.txt"), "inside").unwrap();
    std::os::unix::fs::symlink("../../../secret", dump.join("release_assets/link")).unwrap();
    let asset = |name: &str, place: &str| format!("  - name: {name}\n    download_url: {place}\n");
    let assets = [
        asset("a.txt", "release_assets/v1/a.txt"),
        asset("b", "../../../secret"),
        asset("c", "/etc/passwd"),
        asset("d", "release_assets/link"),
        asset("e", "https://h.example/x"),
    ];
    let text = format!("- tag_name: v1\n  name: one\n  assets:\n{}", assets.concat());
    fs::write(dump.join("release.yml"), text).unwrap();
    let source = source(&directory.path().join("dump"));

    let found = records(&*source, &app(), ObjectKind::ReleaseAsset).await.unwrap();
    let losses = source.inventory(&Scope::Shared).await.unwrap().losses;

    assert_eq!(found.len(), 1);
    assert_eq!(losses.iter().find(|it| it.name == "release_assets").unwrap().count, 4);
}

#[tokio::test]
async fn what_is_no_dump_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir_all(directory.path().join("x/y")).unwrap();
    fs::write(directory.path().join("x/y/readme"), "").unwrap();

    let refused = source(&directory.path().join("x")).inventory(&Scope::Shared).await.unwrap_err();

    assert!(explain(&refused).contains("repo.yml"), "{refused}");
}

#[tokio::test]
async fn yaml_that_unfolds_without_end_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let dump = dump(directory.path());
    let mut bomb = "- a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for (above, name) in ('a'..'i').zip('b'..='i') {
        bomb.push_str(&format!(
            "  {name}: &{name} [*{above},*{above},*{above},*{above},*{above},*{above},*{above}]\n"
        ));
    }
    fs::write(dump.join("issue.yml"), bomb).unwrap();

    let found = source(&directory.path().join("dump")).inventory(&Scope::Shared).await;

    assert!(found.is_err());
}
