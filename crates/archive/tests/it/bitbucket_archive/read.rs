//! Exports as the server writes them.

use super::build::{Entries, GIT, app, records};
use packhorse_core::{
    Object, ObjectKind, RepoKind, Scope,
    model::{
        ChangeRequest, ChangeRequestState, Grantee, Place, Role, Side, TaskState, Verdict,
        Visibility,
    },
    port::Source,
};
use packhorse_testkit::git::{self, Shape};
use std::fs;

const MERGED: &str = r#"{
  "allParticipants" : [ {
    "lastReviewedCommit" : "fedb5ceca61f8e697a173e8a7c42f8262f96a33b",
    "role" : "REVIEWER", "status" : "APPROVED", "userId" : "bob|Bob||NORMAL"
  }, { "role" : "REVIEWER", "status" : "UNAPPROVED", "userId" : "carol|Carol \\| Co||NORMAL" },
     { "role" : "AUTHOR", "status" : "UNAPPROVED", "userId" : "alice|Alice||NORMAL" } ],
  "closedTimestamp" : 1787162232031, "createdTimestamp" : 1787162230613,
  "description" : "Adds it \uD83D\uDE80", "draft" : false,
  "fromRef" : { "displayId" : "feature/login", "id" : "refs/heads/feature/login",
    "latestCommit" : "fedb5ceca61f8e697a173e8a7c42f8262f96a33b" },
  "id" : 1, "rescopedTimestamp" : 1787162231860, "state" : "MERGED", "title" : "Log in",
  "toRef" : { "displayId" : "main", "id" : "refs/heads/main",
    "latestCommit" : "a5672a59bd90b3e36e84ab9007e9356f4ca10796" },
  "updatedTimestamp" : 1787162232031, "version" : 5, "reactions" : [ 1 ]
}"#;
const ACTIVITIES: &str = r#"[ {
  "kind" : "COMMENT:ADDED", "createdTimestamp" : 1787162230792, "userId" : "bob|Bob||NORMAL",
  "comment" : { "authorId" : "bob|Bob||NORMAL", "comments" : [ { "authorId" : "alice|Alice||NORMAL",
      "comments" : [ ], "createdTimestamp" : 1787162230852, "id" : "2", "severity" : "NORMAL",
      "state" : "OPEN", "text" : "Agreed", "updatedTimestamp" : 1787162230852 } ],
    "createdTimestamp" : 1787162230777, "id" : "1", "resolvedTimestamp" : 1787162231323,
    "resolverId" : "alice|Alice||NORMAL", "severity" : "BLOCKER", "state" : "RESOLVED",
    "text" : "Test it", "thread" : { "createdTimestamp" : 1787162230777, "resolved" : false,
      "updatedTimestamp" : 1787162230852 }, "updatedTimestamp" : 1787162230907 }
}, { "kind" : "COMMENT:OTHER", "createdTimestamp" : 1787162230862, "userId" : "alice|Alice||NORMAL",
  "commentAction" : "REPLIED", "commentId" : "2"
}, { "kind" : "COMMENT:ADDED", "createdTimestamp" : 1787162231062, "userId" : "bob|Bob||NORMAL",
  "comment" : { "authorId" : "bob|Bob||NORMAL", "comments" : [ ], "createdTimestamp" : 1787162231058,
    "id" : "3", "severity" : "NORMAL", "state" : "OPEN", "text" : "why?",
    "thread" : { "anchor" : { "diffType" : "EFFECTIVE", "fileType" : "FROM",
        "fromHash" : "66d85f45b7d8003e62677e9d21c664435e71316d", "line" : 4, "lineType" : "REMOVED",
        "orphaned" : true, "path" : "login.py",
        "toHash" : "fedb5ceca61f8e697a173e8a7c42f8262f96a33b" },
      "createdTimestamp" : 1787162231058, "resolved" : true, "updatedTimestamp" : 1787162231099 },
    "updatedTimestamp" : 1787162231058 }
}, { "kind" : "ACTIVITY", "action" : "OPENED", "createdTimestamp" : 1787162230628,
  "userId" : "alice|Alice||NORMAL"
}, { "kind" : "REVIEWERS:UPDATED", "createdTimestamp" : 1787162230707, "userId" : "alice|Alice||NORMAL",
  "addedIds" : [ "bob|Bob||NORMAL" ], "removedIds" : [ "dave|Dave||NORMAL" ]
}, { "kind" : "RESCOPED", "createdTimestamp" : 1787162231454, "userId" : "alice|Alice||NORMAL",
  "commits" : [ { "action" : "ADDED", "commitId" : "51e79992f52e36f7cd9ca2ac1bee83e7e28206a3" } ],
  "fromHash" : "51e79992f52e36f7cd9ca2ac1bee83e7e28206a3",
  "previousFromHash" : "1bd19c045bfd46ce5d773199901a6dc90a744d88",
  "previousToHash" : "795600c71c06cef38e360bb7d0c666414126f4fd",
  "toHash" : "795600c71c06cef38e360bb7d0c666414126f4fd", "totalAdded" : 1, "totalRemoved" : 0
}, { "kind" : "ACTIVITY", "action" : "APPROVED", "createdTimestamp" : 1787162231700,
  "userId" : "bob|Bob||NORMAL"
}, { "kind" : "ACTIVITY", "action" : "UNAPPROVED", "createdTimestamp" : 1787162231705,
  "userId" : "bob|Bob||NORMAL"
}, { "kind" : "ACTIVITY", "action" : "APPROVED", "createdTimestamp" : 1787162231726,
  "userId" : "bob|Bob||NORMAL"
}, { "kind" : "ACTIVITY", "action" : "REVIEWED", "createdTimestamp" : 1787162231730,
  "userId" : "carol|Carol \\| Co||NORMAL"
}, { "kind" : "MERGED", "createdTimestamp" : 1787162232031, "userId" : "bob|Bob||NORMAL",
  "autoMerge" : false, "hash" : "e6d709408ac210ca65044d58177e962d1cee7620" } ]"#;

fn read(directory: &std::path::Path) -> std::sync::Arc<dyn Source> {
    let mut entries = Entries::app();
    entries
        .json(
            "com.atlassian.bitbucket.server.bitbucket-instance-migration_permissions/repository/2/permissions.json.atl.gz",
            r#"[{"groups":["devs"],"permission":"REPO_WRITE","userIds":["bob|Bob||NORMAL"]}]"#,
        )
        .json(
            "com.atlassian.bitbucket.server.bitbucket-instance-migration_permissions/project/1/permissions.json.atl.gz",
            r#"[{"groups":[],"permission":"PROJECT_ADMIN","userIds":["alice|Alice||NORMAL"]}]"#,
        )
        .git(&[("HEAD", b"ref: refs/heads/trunk\n")], &[])
        .request(1, MERGED, ACTIVITIES);
    entries.source(directory)
}

#[tokio::test]
async fn projects_and_their_people_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let source = read(directory.path());

    let found = records(&*source, &Scope::Shared, ObjectKind::Organization).await.unwrap();
    let Object::Organization(it) = &found[0].object else { panic!("an organization") };
    assert_eq!((it.path.as_str(), it.name.as_deref()), ("acme", Some("Acme")));
    assert_eq!(it.description.as_deref(), Some("All of it"));
    let found = records(&*source, &Scope::Shared, ObjectKind::Project).await.unwrap();
    let Object::Project(it) = &found[0].object else { panic!("a project") };
    assert_eq!((it.name.as_str(), it.visibility), ("The app", Visibility::Private));
    assert_eq!((&*found[0].origin.id, it.default_branch.as_deref()), ("acme/app", Some("trunk")));
    let found = records(&*source, &app(), ObjectKind::Member).await.unwrap();
    let ids: Vec<&str> = found.iter().map(|it| it.origin.id.as_str()).collect();
    assert_eq!(ids, ["user/bob", "group/devs"]);
    let found = records(&*source, &Scope::Shared, ObjectKind::Member).await.unwrap();
    let Object::Member(it) = &found[0].object else { panic!("a member") };
    assert_eq!((&it.place, it.role), (&Place::Organization("acme".to_owned()), Role::Admin));
}

#[tokio::test]
async fn a_change_request_is_read_with_all_that_ended_it() {
    let directory = tempfile::tempdir().unwrap();
    let source = read(directory.path());

    let found = records(&*source, &app(), ObjectKind::ChangeRequest).await.unwrap();

    let Object::ChangeRequest(it) = &found[0].object else { panic!("a change request") };
    let ChangeRequest { state, author, base, head, merge_commit, merged_by, .. } = &**it;
    assert_eq!((it.number, *state), (1, ChangeRequestState::Merged));
    assert_eq!(author.as_ref().unwrap().login, "alice");
    assert_eq!((base.name.as_str(), head.name.as_str()), ("main", "feature/login"));
    assert_eq!(merge_commit.as_deref(), Some("e6d709408ac210ca65044d58177e962d1cee7620"));
    assert_eq!(merged_by.as_ref().unwrap().login, "bob");
    assert_eq!(it.body.as_ref().unwrap().as_str(), "Adds it 🚀");
    assert_eq!(it.merged_at.unwrap().to_string(), "2026-08-19T17:57:12.031Z");
    let asked = it.review_requests.iter().filter_map(|it| match &it.reviewer {
        Grantee::User(who) => who.name.as_deref(),
        Grantee::Team { .. } | Grantee::Group(_) => None,
    });
    assert_eq!(asked.collect::<Vec<_>>(), ["Bob", "Carol | Co"]);
}

#[tokio::test]
async fn what_was_said_is_read_with_its_answers_and_places() {
    let directory = tempfile::tempdir().unwrap();
    let source = read(directory.path());

    let found = records(&*source, &app(), ObjectKind::Comment).await.unwrap();
    let Object::Comment(it) = &found[0].object else { panic!("a comment") };
    let resolver = it.resolver.as_ref().unwrap();
    assert_eq!((it.task, &*resolver.login), (Some(TaskState::Resolved), "alice"));
    let Object::Comment(answer) = &found[1].object else { panic!("a comment") };
    assert_eq!((found.len(), &*answer.reply_to.as_ref().unwrap().0), (2, "1"));
    let found = records(&*source, &app(), ObjectKind::ReviewThread).await.unwrap();
    let Object::ReviewThread(it) = &found[0].object else { panic!("a thread") };
    assert_eq!((it.position.line, it.position.side), (Some(4), Some(Side::Left)));
    assert_eq!((it.outdated, it.resolved_at.is_some()), (Some(true), true));
    let found = records(&*source, &app(), ObjectKind::ReviewComment).await.unwrap();
    let Object::ReviewComment(it) = &found[0].object else { panic!("a comment") };
    assert_eq!((&*found[0].origin.id, &*it.thread.as_ref().unwrap().0), ("3", "3"));
}

#[tokio::test]
async fn verdicts_are_read_with_what_became_of_them() {
    let directory = tempfile::tempdir().unwrap();
    let source = read(directory.path());

    let found = records(&*source, &app(), ObjectKind::Review).await.unwrap();
    let events = records(&*source, &app(), ObjectKind::Event).await.unwrap();

    let told = found.iter().map(|it| {
        let Object::Review(review) = &it.object else { panic!("a review") };
        let who = review.author.as_ref().unwrap().login.as_str();
        (who, review.verdict, review.commit.is_some())
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            ("bob", Verdict::Dismissed, false),
            ("bob", Verdict::Approved, true),
            // The reviewer does not think so any more.
            ("carol", Verdict::Dismissed, false),
        ]
    );
    let actions = events.iter().map(|it| {
        let Object::Event(event) = &it.object else { panic!("an event") };
        event.action.as_str()
    });
    let expected =
        ["review_requested", "review_request_removed", "rescoped", "unapproved", "merged"];
    assert_eq!(actions.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn keys_and_sections_that_are_not_known_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let mut entries = Entries::app();
    entries.request(1, MERGED, "[ ]");
    let attachments = "com.atlassian.bitbucket.server.bitbucket-instance-migration_attachments/2/1";
    entries.0.push((attachments.to_owned(), b"bytes".to_vec()));
    let source = entries.source(directory.path());

    let losses = source.inventory(&Scope::Shared).await.unwrap().losses;

    let names: Vec<&str> = losses.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["attachments", "pull_requests.reactions"]);
}

/// Files by name.
type Files = Vec<(String, Vec<u8>)>;

/// The members of a repository's directory, as the two tars have them.
fn parts(repository: &std::path::Path) -> (Files, Files) {
    let (mut skeleton, mut objects) = (Vec::new(), Vec::new());
    for name in packhorse_git::repository::files(repository).unwrap() {
        let bytes = fs::read(repository.join(&name)).unwrap();
        let name = name.to_string_lossy().into_owned();
        match name.strip_prefix("objects/") {
            Some(object) => objects.push((object.to_owned(), bytes)),
            None => skeleton.push((name, bytes)),
        }
    }
    (skeleton, objects)
}

fn borrowed(list: &[(String, Vec<u8>)]) -> Vec<(&str, &[u8])> {
    list.iter().map(|(name, data)| (name.as_str(), data.as_slice())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_is_put_together_of_its_two_parts() {
    let directory = tempfile::tempdir().unwrap();
    let repository = directory.path().join("made.git");
    git::repository(&repository, &Shape::default()).await;
    let main = git::refs_of(&repository).await.refs["refs/heads/main"].clone();
    let head = git::commit(&repository, "gone", "new.txt", "new\n").await;
    let (mut skeleton, objects) = parts(&repository);
    skeleton.retain(|(name, _)| name != "refs/heads/gone");
    let stashed = |n: u64, id: &str| {
        (format!("stash-refs/pull-requests/{n}/from"), format!("{id}\n").into_bytes())
    };
    // Of the first the branch is gone; the second is open and has a ref already.
    skeleton.extend([stashed(1, &head), stashed(2, &head)]);
    skeleton.push(("refs/pull-requests/2/from".to_owned(), format!("{main}\n").into_bytes()));
    let mut entries = Entries::app();
    entries.git(&borrowed(&skeleton), &borrowed(&objects));
    let source = entries.source(directory.path());

    let remote = source.remote("acme/app", RepoKind::Code).await.unwrap().unwrap();

    let found = git::refs_of(remote.url.as_path().unwrap()).await;
    assert_eq!(found.refs["refs/heads/main"], main);
    assert_eq!(found.refs["refs/pull-requests/1/from"], head);
    assert_eq!(found.refs["refs/pull-requests/2/from"], main);
    let inventory = source.inventory(&app()).await.unwrap();
    assert_eq!(inventory.records(ObjectKind::Repository), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn forks_have_their_objects_in_common() {
    let directory = tempfile::tempdir().unwrap();
    let repository = directory.path().join("made.git");
    git::repository(&repository, &Shape::default()).await;
    let (skeleton, objects) = parts(&repository);
    let mut entries = Entries::app();
    entries.git(&[("HEAD", b"ref: refs/heads/main\n")], &borrowed(&objects)).json(
        "com.atlassian.bitbucket.server.bitbucket-instance-migration_metadata/project_1/repository_3.json.atl.gz",
        r#"{"hierarchyId":"0123456789abcdef0123","id":"3","name":"fork","projectId":"1","slug":"fork"}"#,
    );
    let skeleton = super::build::gzip(&super::build::tar(&borrowed(&skeleton)));
    let name = format!("{GIT}_git/repositories/3/metadata/metadata.atl.tar.atl.gz");
    entries.0.push((name, skeleton));
    let source = entries.source(directory.path());

    let remote = source.remote("acme/fork", RepoKind::Code).await.unwrap().unwrap();

    let path = remote.url.as_path().unwrap();
    let git = packhorse_git::Git::find().await.unwrap();
    let complaints = packhorse_git::repository::fsck(&git, path).await.unwrap();
    assert_eq!(complaints, [""; 0]);
    let losses = source.inventory(&Scope::Shared).await.unwrap().losses;
    assert!(losses.iter().any(|it| it.name == "forks"), "{losses:?}");
}

/// An export of a real server is read whole; its directory is named by the environment.
#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stderr, reason = "a skipped test must be visible")]
async fn a_real_export_is_read() {
    let Some(path) = std::env::var_os("PACKHORSE_BITBUCKET_EXPORT") else {
        eprintln!("SKIPPED: a real export, because PACKHORSE_BITBUCKET_EXPORT is not set");
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let path = std::path::PathBuf::from(path);

    let mut report = packhorse_archive::check(&path).unwrap();
    packhorse_archive::check_whole(&path, directory.path(), &mut report).await.unwrap();

    assert!(report.is_clean(), "{report}");
    assert!(report.projects > 0 && report.repositories > 0, "{report}");
}
