//! What is written: keys, order, files, and that it reads back.

use super::{
    build::{app, records, sink, source},
    real::{fixtures, real_archive, repo},
};
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use packhorse_core::{
    Carriage, Object, ObjectKind, Record, RepoKind, Scope,
    model::{Comment, HostId, Identity, Markup, Reaction, Subject, Text},
    port::{BlobRef, Outcome, Sink, Source},
};
use packhorse_testkit::samples;
use std::{collections::BTreeMap, io::Read, path::Path};

/// Copies everything that can be read from one archive into another.
async fn copy(from: &dyn Source, to: &dyn Sink) {
    let mut scopes = vec![Scope::Shared];
    let projects = records(from, &Scope::Shared, ObjectKind::Project).await.unwrap();
    for project in &projects {
        let scope = Scope::Project(project.origin.id.clone());
        to.write(&scope, project, None).await.unwrap();
        scopes.push(scope);
    }
    for scope in &scopes {
        for kind in kinds(scope) {
            for record in records(from, scope, kind).await.unwrap() {
                let written = to.write(scope, &record, None).await.unwrap();
                assert_eq!(written.losses, [], "{}", record.origin);
                assert_eq!(written.target.0, record.origin.id);
            }
        }
        to.flush(scope).await.unwrap();
    }
    for scope in scopes.iter().rev() {
        to.finish(scope).await.unwrap();
    }
}

fn kinds(scope: &Scope) -> impl Iterator<Item = ObjectKind> {
    let is_shared = *scope == Scope::Shared;
    ObjectKind::ALL.iter().copied().filter(move |kind| {
        kind.carriage() != Carriage::Git
            && if is_shared { kind.is_shared() } else { kind.in_project() }
    })
}

#[tokio::test]
async fn a_real_archive_comes_back_as_it_was() {
    let Some(real) = real_archive() else { return };
    let directory = tempfile::tempdir().unwrap();
    std::fs::copy(real, directory.path().join("real.tar.gz")).unwrap();
    let from = source(&directory.path().join("real.tar.gz"));
    let path = directory.path().join("made.tar.gz");

    copy(&*from, &*sink(&path, false)).await;

    let made = source(&path);
    for scope in [Scope::Shared, repo()] {
        for kind in kinds(&scope).chain([ObjectKind::Project]) {
            let expected = records(&*from, &scope, kind).await.unwrap();
            let found = records(&*made, &scope, kind).await.unwrap();
            assert_eq!(found, expected, "{kind} of {scope}");
        }
    }
    assert!(!directory.path().join("made.tar.gz.partial").exists());
}

/// The record files of an archive, by name.
pub(crate) fn files(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut tar = Vec::new();
    MultiGzDecoder::new(std::fs::File::open(path).unwrap()).read_to_end(&mut tar).unwrap();
    let (mut files, mut at) = (BTreeMap::new(), 0);
    while tar[at] != 0 {
        let text = |range: std::ops::Range<usize>| {
            String::from_utf8_lossy(&tar[at + range.start..at + range.end])
                .trim_matches('\0')
                .to_owned()
        };
        let size = usize::from_str_radix(&text(124..135), 8).unwrap();
        files.insert(text(0..100), tar[at + 512..at + 512 + size].to_vec());
        at += 512 + size.next_multiple_of(512);
    }
    files
}

/// Every kind of sample in one archive.
pub(crate) async fn with_samples(path: &Path) {
    let sink = sink(path, false);
    let scope = app();
    sink.write(&scope, &samples::project_at("acme/app"), None).await.unwrap();
    for kind in kinds(&Scope::Shared).chain(kinds(&scope)) {
        let capabilities = sink.probe().await.unwrap();
        if !capabilities.of(kind).is_some() || kind == ObjectKind::Project {
            continue;
        }
        for n in 0..3 {
            let record = samples::sample(kind, n);
            sink.write(&samples::scope(kind, n), &record, None).await.unwrap();
        }
    }
    sink.finish(&Scope::Shared).await.unwrap();
}

/// Keys of each plural's records in GitHub's order, as genuine exports have them.
///
/// Source: exports of GitHub.com from 2022 to 2026.
const ORDER: &[(&str, &str)] = &[
    (
        "users",
        "type url avatar_url login name bio company website location emails social_accounts billing_plan created_at",
    ),
    (
        "organizations",
        "type url login name description website location email members owners_team webhooks created_at member_privileges repository_defaults",
    ),
    (
        "teams",
        "type url organization parent_team name description privacy permissions members created_at",
    ),
    (
        "repositories",
        "type url owner name description website private has_issues has_wiki has_downloads is_archived labels collaborators created_at git_url wiki_url default_branch webhooks page public_keys repository_topics security_and_analysis autolinks general_settings actions_general_settings",
    ),
    (
        "milestones",
        "type url repository user title description state due_on created_at updated_at closed_at",
    ),
    (
        "issues",
        "type url repository user title body assignee assignees milestone labels reactions closed_at created_at updated_at",
    ),
    ("issue_comments", "type url issue pull_request user body formatter reactions created_at"),
    (
        "issue_events",
        "type url issue pull_request actor event subject title_was title_is commit_id commit_repository referencing_pull_request label label_name label_color label_text_color milestone_title ref before_commit_oid after_commit_oid created_at",
    ),
    (
        "pull_requests",
        "type url user repository title body base head assignee assignees milestone labels reactions review_requests close_issue_references work_in_progress merged_at closed_at created_at merge_commit_sha",
    ),
    (
        "pull_request_reviews",
        "type url pull_request user body head_sha formatter state reactions created_at submitted_at",
    ),
    (
        "pull_request_review_threads",
        "type url pull_request pull_request_review diff_hunk path position original_position commit_id original_commit_id start_position_offset blob_position start_line line start_side side original_start_line original_line created_at resolved_at resolver subject_type outdated",
    ),
    (
        "pull_request_review_comments",
        "type url pull_request pull_request_review pull_request_review_thread user body formatter diff_hunk path position original_position commit_id original_commit_id state in_reply_to reactions created_at subject_type",
    ),
    (
        "commit_comments",
        "type url repository user body formatter path position commit_id reactions created_at",
    ),
    ("discussion_categories", "type url repository name emoji description"),
    (
        "discussions",
        "type url repository user title body labels reactions created_at updated_at discussion_category",
    ),
    (
        "releases",
        "type url repository user name tag_name body state pending_tag prerelease target_commitish release_assets published_at created_at",
    ),
    (
        "protected_branches",
        "type name url creator_url repository_url admin_enforced block_deletions_enforcement_level block_force_pushes_enforcement_level dismiss_stale_reviews_on_push pull_request_reviews_enforcement_level require_code_owner_review required_status_checks_enforcement_level strict_required_status_checks_policy authorized_actors_only authorized_user_urls authorized_team_urls dismissal_restricted_user_urls dismissal_restricted_team_urls required_status_checks requires_approving_reviews required_approving_review_count requires_commit_signatures requires_linear_history allows_force_pushes allows_deletions requires_status_checks restricts_review_dismissals",
    ),
    (
        "attachments",
        "type url legacy_url issue issue_comment pull_request pull_request_review pull_request_review_comment commit_comment user asset_name asset_content_type asset_url created_at",
    ),
    (
        "bots",
        "type url avatar_url login name bio company website location emails social_accounts billing_plan created_at",
    ),
];

/// The keys of the records of a file, in their order: lines that are indented by four spaces.
fn keys(json: &[u8]) -> Vec<Vec<String>> {
    let text = std::str::from_utf8(json).unwrap();
    let mut records = Vec::new();
    for line in text.lines() {
        if line == "  {" {
            records.push(Vec::new());
        }
        let key = line.strip_prefix("    \"").and_then(|it| it.split_once("\": "));
        if let Some((key, _)) = key {
            records.last_mut().unwrap().push(key.to_owned());
        }
    }
    records
}

#[track_caller]
fn check_order(name: &str, keys: &[String], known: &[&str]) {
    let places: Vec<_> = keys.iter().map(|key| known.iter().position(|it| it == key)).collect();
    let strange: Vec<_> = keys.iter().filter(|key| !known.contains(&key.as_str())).collect();

    assert!(strange.is_empty(), "{name}: {strange:?} are no keys of GitHub's");
    assert!(places.is_sorted(), "{name}: {keys:?}");
}

#[tokio::test]
async fn keys_are_githubs_and_in_its_order() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made.tar.gz");

    with_samples(&path).await;

    let files = files(&path);
    assert_eq!(files["schema.json"], b"{\"version\":\"1.0.1\"}");
    for (plural, order) in ORDER {
        let json = &files[&format!("{plural}_000001.json")];
        let order: Vec<&str> = order.split(' ').collect();
        for record in keys(json) {
            check_order(plural, &record, &order);
        }
    }
}

#[tokio::test]
async fn keys_stand_as_in_recorded_exports() {
    let Some(fixtures) = fixtures() else { return };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made.tar.gz");
    with_samples(&path).await;
    let files = files(&path);

    for entry in std::fs::read_dir(fixtures.join("github-archive-shape")).unwrap() {
        let json = std::fs::read(entry.unwrap().path()).unwrap();
        let shapes: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&json).unwrap();
        for (plural, shape) in shapes {
            let order = shape["first_record_key_order"].as_array().unwrap();
            let order: Vec<&str> = order.iter().map(|it| it.as_str().unwrap()).collect();
            for record in keys(&files[&format!("{plural}_000001.json")]) {
                let shared: Vec<_> =
                    record.into_iter().filter(|it| order.contains(&it.as_str())).collect();
                check_order(&plural, &shared, &order);
            }
        }
    }
}

#[tokio::test]
async fn a_file_has_a_hundred_records_at_most() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made.tar.gz");
    let sink = sink(&path, false);
    for n in (0..201).rev() {
        sink.write(&app(), &samples::sample(ObjectKind::Issue, n), None).await.unwrap();
    }

    sink.finish(&Scope::Shared).await.unwrap();

    let files = files(&path);
    let n_records = |name: &str| keys(&files[name]).len();
    assert_eq!(n_records("issues_000001.json"), 100);
    assert_eq!(n_records("issues_000002.json"), 100);
    assert_eq!(n_records("issues_000003.json"), 1);
    assert!(files["issues_000001.json"].starts_with(b"[\n  {\n    \"type\": \"issue\",\n"));
}

#[tokio::test]
async fn the_same_records_make_the_same_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let (one, two) = (directory.path().join("one.tar.gz"), directory.path().join("two.tar.gz"));

    with_samples(&one).await;
    with_samples(&two).await;

    assert_eq!(std::fs::read(one).unwrap(), std::fs::read(two).unwrap());
}

pub(crate) fn comment(id: &str) -> Record {
    let comment = Comment {
        subject: Subject::ChangeRequest(7),
        body: Some(Text::new("hello", Markup::Github)),
        ..Comment::default()
    };
    Record::new(id, Object::from(comment))
}

#[tokio::test]
async fn foreign_ids_come_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made.tar.gz");
    let sink = sink(&path, false);
    let ids = ["55", "note/5 ü#%", "https://gl.example/a/b/issues/1#note_5", "issuecomment-1"];

    for id in ids {
        let written = sink.write(&app(), &comment(id), None).await.unwrap();
        assert_eq!((written.target.0.as_str(), written.losses), (id, vec![]));
    }
    sink.finish(&Scope::Shared).await.unwrap();

    let found = records(&*source(&path), &app(), ObjectKind::Comment).await.unwrap();
    let found: Vec<_> = found.iter().map(|it| it.origin.id.as_str()).collect();
    assert_eq!(found, ids);
}

#[tokio::test]
async fn what_has_no_place_is_left_out_and_told() {
    let directory = tempfile::tempdir().unwrap();
    let sink = sink(&directory.path().join("made.tar.gz"), false);
    let comment = Comment { subject: Subject::Snippet(HostId("1".into())), ..Comment::default() };
    let record = Record::new("9", Object::from(comment));

    let written = sink.write(&app(), &record, None).await.unwrap();

    assert_eq!(written.losses.len(), 1);
    assert_eq!(written.losses[0].field, "subject.snippet");
    assert_eq!(sink.find(&app(), &record).await.unwrap(), None);
}

/// A sample's losses are all in the table of gaps, so that the plan can tell them.
#[tokio::test]
async fn no_loss_of_a_sample_is_a_surprise() {
    let directory = tempfile::tempdir().unwrap();
    let sink = sink(&directory.path().join("made.tar.gz"), false);
    let capabilities = sink.probe().await.unwrap();

    for &kind in ObjectKind::ALL {
        for n in 0..60 {
            let record = samples::sample(kind, n);
            if !capabilities.of(kind).is_some() || kind.carriage() == Carriage::Git {
                continue;
            }
            let written = sink.write(&samples::scope(kind, n), &record, None).await.unwrap();
            for loss in written.losses {
                let gaps = capabilities.of(kind).gaps();
                assert!(gaps.iter().any(|it| it.field == loss.field), "{kind}: {loss:?}");
            }
        }
    }
}

#[tokio::test]
async fn repositories_and_files_travel() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made.tar.gz");
    let sink = sink(&path, false);
    let remote = sink.remote("acme/app", RepoKind::Code).await.unwrap().unwrap();
    let repository = remote.url.as_path().unwrap();
    let commit = "1111111111111111111111111111111111111111";
    std::fs::write(repository.join("refs/heads/main"), format!("{commit}\n")).unwrap();
    std::fs::write(repository.join("objects/pack/pack-1.pack"), [7; 5000]).unwrap();
    let record = samples::sample(ObjectKind::ReleaseAsset, 1);
    let bytes = samples::bytes(20_001);
    let blob = BlobRef { scope: app(), origin: record.origin.clone(), size: None, sha256: None };
    let stream = futures::stream::iter([Ok(Bytes::from(bytes.clone()))]);
    sink.save(&blob, Box::pin(stream)).await.unwrap();
    sink.write(&app(), &record, None).await.unwrap();

    sink.finish(&Scope::Shared).await.unwrap();

    let made = source(&path);
    let found = made.remote("acme/app", RepoKind::Code).await.unwrap().unwrap();
    let found = found.url.as_path().unwrap();
    let head = std::fs::read_to_string(found.join("refs/heads/main")).unwrap();
    assert_eq!(head.trim(), commit);
    assert_eq!(std::fs::read(found.join("objects/pack/pack-1.pack")).unwrap(), [7; 5000]);
    let assets = records(&*made, &app(), ObjectKind::ReleaseAsset).await.unwrap();
    let Object::ReleaseAsset(asset) = &assets[0].object else { panic!("an asset") };
    let found = asset.blob.clone().unwrap();
    assert_eq!(found.sha256, Some(samples::sha256(&bytes)));
    assert_eq!(found.size, Some(bytes.len() as u64));
}

#[tokio::test]
async fn a_reaction_to_what_did_not_arrive_is_dropped_and_told() {
    let directory = tempfile::tempdir().unwrap();
    let sink = sink(&directory.path().join("a.tar.gz"), false);
    let reaction = |number| {
        let reaction = Reaction {
            subject: Subject::Issue(number),
            author: Some(Identity::login("ann", Some("github.com"))),
            content: "heart".into(),
            created_at: None,
        };
        Record::new(format!("issue/{number}/ann/heart"), Object::from(reaction))
    };
    sink.write(&app(), &samples::sample(ObjectKind::Project, 1), None).await.unwrap();
    let issue = samples::sample(ObjectKind::Issue, 1);
    let Object::Issue(there) = &issue.object else { panic!("an issue") };
    sink.write(&app(), &issue, None).await.unwrap();
    sink.flush(&app()).await.unwrap();

    for number in [there.number, 999] {
        let written = sink.write(&app(), &reaction(number), None).await.unwrap();
        assert_eq!((written.outcome, written.losses.len()), (Outcome::Created, 0));
    }
    let told = sink.finish(&app()).await.unwrap();
    sink.finish(&Scope::Shared).await.unwrap();

    assert_eq!(told.len(), 1);
    assert_eq!(told[0].0, reaction(999).origin);
    assert!(told[0].1.detail.contains("is not in the archive"));
    let made = source(&directory.path().join("a.tar.gz"));
    let found = records(&*made, &app(), ObjectKind::Reaction).await.unwrap();
    assert_eq!(found.len(), 1);
}

#[tokio::test]
async fn a_reaction_may_come_before_what_it_is_to() {
    let directory = tempfile::tempdir().unwrap();
    let sink = sink(&directory.path().join("a.tar.gz"), false);
    let issue = samples::sample(ObjectKind::Issue, 1);
    let Object::Issue(there) = &issue.object else { panic!("an issue") };
    let reaction = Reaction {
        subject: Subject::Issue(there.number),
        author: Some(Identity::login("ann", Some("github.com"))),
        content: "heart".into(),
        created_at: None,
    };
    let id = format!("issue/{}/ann/heart", there.number);

    sink.write(&app(), &Record::new(id, Object::from(reaction)), None).await.unwrap();
    sink.write(&app(), &issue, None).await.unwrap();

    assert_eq!(sink.finish(&app()).await.unwrap(), []);
}

#[tokio::test]
async fn a_repository_is_one_for_git_once_it_is_unpacked() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.tar.gz");
    let to = sink(&path, false);
    to.write(&app(), &samples::project_at("acme/app"), None).await.unwrap();
    to.remote("acme/app", RepoKind::Code).await.unwrap();
    to.finish(&app()).await.unwrap();
    to.finish(&Scope::Shared).await.unwrap();

    let mut tar = Vec::new();
    MultiGzDecoder::new(std::fs::File::open(&path).unwrap()).read_to_end(&mut tar).unwrap();
    let headers = tar.chunks(512).filter(|it| &it[257..262] == b"ustar" && it[156] == b'5');
    let names: Vec<_> = headers
        .map(|it| String::from_utf8_lossy(&it[..100]).trim_matches('\0').to_owned())
        .collect();

    let expected = ["objects/", "refs/", "refs/heads/", "refs/tags/"];
    assert_eq!(names, expected.map(|it| format!("repositories/acme/app.git/{it}")));
    assert_eq!(source(&path).inventory(&app()).await.unwrap().losses, []);
}
