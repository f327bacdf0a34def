//! Reading back finds what is different, missing, extra and damaged, and nothing else.

use crate::shelf::{Notes, Shelf, app, comment, full, issue, scratch};
use data_encoding::HEXLOWER;
use packhorse_core::{
    Capabilities, Gap, GitRemote, Lane, Loss, Object, ObjectKind, Record, Scope, Support,
    job::JobOptions,
    model::{Attachment, Blob, Markup, Project, Review, Text, Verdict},
    port::{ProjectView, Source, Stage},
};
use packhorse_engine::verify::{
    Comparison, Inspection, MAX_FINDINGS, Tallied, Verification, What, compare, projects_of, verify,
};
use packhorse_git::{Git, RefPolicy};
use sha2::{Digest, Sha256};
use std::sync::Arc;

fn issues(n: u64) -> Vec<Record> {
    (1..=n).map(|n| issue(n, &format!("issue {n}"))).collect()
}

fn view(path: &str) -> ProjectView {
    ProjectView { source: path.into(), target: path.into(), stage: Stage::Carried, reason: None }
}

async fn read_back(
    notes: &Notes,
    source: &dyn Source,
    reader: &dyn Source,
    sink_caps: &Capabilities,
) -> Verification {
    read_back_after(notes, source, reader, sink_caps, &[]).await
}

/// Reads back what a job left in whose lanes records failed.
async fn read_back_after(
    notes: &Notes,
    source: &dyn Source,
    reader: &dyn Source,
    sink_caps: &Capabilities,
    doubtful: &[Lane],
) -> Verification {
    let caps = full();
    let inspection = Inspection {
        source,
        source_caps: &caps,
        reader,
        reader_caps: &caps,
        sink_caps,
        transforms: &[],
        journal: &notes.journal,
        route: notes.claim.route,
        doubtful: doubtful.iter().cloned().collect(),
        paths: Arc::default(),
        listener: &(),
    };
    let git = Git::find().await.unwrap();
    let options = JobOptions::default();
    let projects = [view("acme/app")];
    verify(&inspection, &options, &projects, (&git, RefPolicy::MIRROR), scratch(notes))
        .await
        .unwrap()
}

/// A destination on this machine.
fn paged() -> Capabilities {
    let mut caps = full();
    caps.settle = packhorse_core::Settle::Page;
    caps
}

fn found(verification: &Verification) -> Vec<(&str, &'static str)> {
    verification.findings.iter().map(|it| (it.id.as_str(), it.what.name())).collect()
}

#[tokio::test]
async fn what_was_written_and_is_there_is_clean_in_any_order() {
    let notes = Notes::begun().await;
    let source = Shelf::default().with(&app(), issues(5));
    notes.wrote(&app(), &issues(5)).await;
    let mut reader = source.clone();
    reader.lane(&app(), ObjectKind::Issue).reverse();

    let verification = read_back(&notes, &source, &reader, &full()).await;

    assert!(verification.clean);
    assert_eq!(verification.total(), Tallied { compared: 5, equal: 5, ..Tallied::default() });
    assert_eq!(verification.findings, []);
}

#[tokio::test]
async fn lanes_are_read_side_by_side() {
    let notes = Notes::begun().await;
    let records = [issue(1, "one"), comment("7", "said")];
    notes.wrote(&app(), &records[..1]).await;
    notes.wrote(&app(), &records[1..]).await;
    let source = Shelf::default().with(&app(), records);
    let meeting = Some(Arc::new(tokio::sync::Barrier::new(2)));
    let reader = Shelf { meeting, ..source.clone() };

    let verification = read_back(&notes, &source, &reader, &full()).await;

    assert!(verification.clean);
    assert_eq!(verification.total(), Tallied { compared: 2, equal: 2, ..Tallied::default() });
}

#[tokio::test]
async fn what_is_wrong_is_named_with_its_fields() {
    let notes = Notes::begun().await;
    let source = Shelf::default().with(&app(), issues(5));
    notes.wrote(&app(), &issues(5)).await;
    let mut reader = source.clone();
    let lane = reader.lane(&app(), ObjectKind::Issue);
    lane[1] = issue(2, "another title");
    lane.remove(3);
    lane.push(issue(9, "somebody else's"));

    let verification = read_back(&notes, &source, &reader, &full()).await;

    assert!(!verification.clean);
    assert_eq!(found(&verification), [("2", "different"), ("4", "missing"), ("9", "extra")]);
    let What::Different { fields, note } = &verification.findings[0].what else { panic!("fields") };
    assert_eq!((fields[0].field.as_str(), fields.len(), note), ("title", 1, &None));
    let expected = Tallied { compared: 5, equal: 3, different: 1, missing: 1, extra: 1 };
    assert_eq!(verification.total(), expected);
}

#[tokio::test]
async fn what_others_made_is_no_fault() {
    let notes = Notes::begun().await;
    let source = Shelf::default().with(&app(), issues(1));
    notes.wrote(&app(), &issues(1)).await;
    let reader = source.clone().with(&app(), [issue(77, "by hand")]);

    let verification = read_back(&notes, &source, &reader, &full()).await;

    assert!(verification.clean);
    assert_eq!(found(&verification), [("77", "extra")]);
}

#[tokio::test]
async fn a_kind_of_which_nothing_came_is_not_read_unless_it_was_tried() {
    let notes = Notes::begun().await;
    let source = Shelf::default().with(&app(), issues(1));
    notes.wrote(&app(), &issues(1)).await;
    let reader = source.clone().with(&app(), [comment("77", "by hand or ours")]);
    let comments = [Lane::new(app(), ObjectKind::Comment)];

    let untouched = read_back(&notes, &source, &reader, &full()).await;
    let tried = read_back_after(&notes, &source, &reader, &full(), &comments).await;

    assert_eq!(found(&untouched), []);
    assert_eq!(found(&tried), [("77", "extra")]);
}

#[tokio::test]
async fn a_source_that_changed_since_is_told_from_a_destination_that_did() {
    let notes = Notes::begun().await;
    notes.wrote(&app(), &issues(2)).await;
    let source = Shelf::default().with(&app(), [issue(1, "changed since"), issue(2, "issue 2")]);
    let reader = Shelf::default().with(&app(), [issue(1, "damaged"), issue(2, "issue 2")]);

    let verification = read_back(&notes, &source, &reader, &full()).await;

    let What::Different { note, .. } = &verification.findings[0].what else { panic!("fields") };
    assert_eq!(note.as_deref(), Some("the source has changed since, or was written otherwise"));
}

#[tokio::test]
async fn fields_that_a_destination_does_not_hold_are_left_out() {
    const GAPS: &[Gap] = &[Gap { field: "weight", why: "there are no weights" }];
    let sink_caps = Capabilities::promised(|_| Support::Partial(GAPS), "sink");
    let notes = Notes::begun().await;
    let heavy = |title: &str, weight| {
        let mut record = issue(1, title);
        let Object::Issue(issue) = &mut record.object else { panic!("an issue") };
        issue.weight = weight;
        record
    };
    notes.wrote(&app(), &[heavy("a", Some(3))]).await;
    let source = Shelf::default().with(&app(), [heavy("a", Some(3))]);
    let light = Shelf::default().with(&app(), [heavy("a", None)]);
    let other = Shelf::default().with(&app(), [heavy("b", None)]);

    let same = read_back(&notes, &source, &light, &sink_caps).await;
    let different = read_back(&notes, &source, &other, &sink_caps).await;

    assert!(same.clean, "{:?}", same.findings);
    assert_eq!(found(&different), [("1", "different")]);
    let What::Different { fields, .. } = &different.findings[0].what else { panic!("fields") };
    assert_eq!(fields.iter().map(|it| it.field.as_str()).collect::<Vec<_>>(), ["title"]);
}

/// An issue with a text.
fn said(number: u64, text: &str) -> Record {
    let mut record = issue(number, "a");
    let Object::Issue(issue) = &mut record.object else { panic!("an issue") };
    issue.body = Some(Text::new(text, Markup::Github));
    record
}

#[tokio::test]
async fn a_text_that_somebody_changed_is_named_where_other_texts_are_lost() {
    const GAPS: &[Gap] = &[Gap { field: "body", why: "some are rewritten" }];
    let sink_caps = Capabilities::promised(|_| Support::Partial(GAPS), "sink");
    let notes = Notes::begun().await;
    let source = Shelf::default().with(&app(), [said(1, "lost"), said(2, "kept"), said(3, "kept")]);
    let mut written = source.lanes[&Lane::new(app(), ObjectKind::Issue)].clone();
    written[0].losses.push(Loss::sink("body", "rewritten"));
    notes.wrote(&app(), &written).await;
    let arrived =
        Shelf::default().with(&app(), [said(1, "other"), said(2, "kept"), said(3, "kept")]);
    let changed =
        Shelf::default().with(&app(), [said(1, "other"), said(2, "forged"), said(3, "kept")]);

    let untouched = read_back(&notes, &source, &arrived, &sink_caps).await;
    let forged = read_back(&notes, &source, &changed, &sink_caps).await;

    assert!(untouched.clean, "{:?}", untouched.findings);
    assert_eq!(found(&forged), [("2", "different")]);
    let What::Different { fields, .. } = &forged.findings[0].what else { panic!("fields") };
    assert_eq!(fields[0].field, "body.text");
}

#[tokio::test]
async fn what_was_told_to_be_there_as_something_else_is_not_missing() {
    let notes = Notes::begun().await;
    let source = Shelf::default().with(&app(), issues(3));
    let mut written = issues(3);
    written[1].losses.push(Loss::sink(Loss::KIND, "became a comment"));
    notes.wrote(&app(), &written).await;
    let mut reader = source.clone();
    reader.lane(&app(), ObjectKind::Issue).truncate(1);

    let verification = read_back(&notes, &source, &reader, &full()).await;

    assert_eq!(found(&verification), [("3", "missing")]);
}

#[tokio::test]
async fn findings_are_bounded_and_the_rest_is_counted() {
    let notes = Notes::begun().await;
    let n = MAX_FINDINGS as u64 + 250;
    let source = Shelf::default().with(&app(), issues(n));
    notes.wrote(&app(), &issues(n)).await;
    let reader = Shelf::default();

    let verification = read_back(&notes, &source, &reader, &full()).await;

    assert_eq!((verification.findings.len(), verification.more_findings), (MAX_FINDINGS, 250));
    assert_eq!(verification.total().missing, n);
}

fn attachment(bytes: &[u8]) -> Record {
    let sha256 = HEXLOWER.encode(&Sha256::digest(bytes));
    let blob = Blob { size: Some(bytes.len() as u64), sha256: Some(sha256) };
    Record::new("f1", Object::from(Attachment { blob, ..Attachment::default() }))
}

#[tokio::test]
async fn damaged_bytes_are_found() {
    let notes = Notes::begun().await;
    let mut source = Shelf::default().with(&app(), [attachment(b"hello")]);
    source.blobs.insert("f1".into(), b"hello".to_vec());
    notes.wrote(&app(), &[attachment(b"hello")]).await;
    let (mut flipped, mut gone) = (source.clone(), source.clone());
    flipped.blobs.insert("f1".into(), b"hellO".to_vec());
    gone.blobs.clear();

    let good = read_back(&notes, &source, &source, &paged()).await;
    let flipped = read_back(&notes, &source, &flipped, &paged()).await;
    let gone = read_back(&notes, &source, &gone, &paged()).await;

    assert!(good.clean);
    assert_eq!(found(&flipped), [("f1", "corrupt")]);
    assert_eq!(found(&gone), [("f1", "corrupt")]);
    assert_eq!(flipped.total(), Tallied { compared: 1, different: 1, ..Tallied::default() });
}

#[tokio::test]
async fn bytes_without_a_hash_are_held_against_the_sources_own() {
    let notes = Notes::begun().await;
    let record = || Record::new("f1", Object::from(Attachment::default()));
    notes.wrote(&app(), &[record()]).await;
    let with = |bytes: Option<&[u8]>| {
        let mut shelf = Shelf::default().with(&app(), [record()]);
        shelf.blobs.extend(bytes.map(|it| ("f1".to_owned(), it.to_vec())));
        shelf
    };
    let (hello, other, nothing) = (with(Some(b"hello")), with(Some(b"other")), with(None));

    let same = read_back(&notes, &hello, &hello, &paged()).await;
    let different = read_back(&notes, &hello, &other, &paged()).await;
    let lost = read_back(&notes, &hello, &nothing, &paged()).await;
    let never_had = read_back(&notes, &nothing, &nothing, &paged()).await;

    assert!(same.clean && never_had.clean);
    assert_eq!(found(&different), [("f1", "corrupt")]);
    assert_eq!(found(&lost), [("f1", "corrupt")]);
}

#[test]
fn a_verification_can_move_between_threads() {
    fn check<T: Send>(_: impl FnOnce() -> T) {}

    check(|| async {
        let (notes, shelf) = (Notes::begun().await, Shelf::default());
        read_back(&notes, &shelf, &shelf, &full()).await;
        compared(&shelf, &shelf, &[]).await
    });
}

#[tokio::test]
async fn a_projects_own_record_is_compared_and_other_projects_are_let_be() {
    let notes = Notes::begun().await;
    let project = |path: &str, name: &str| {
        let project = Project { path: path.into(), name: name.into(), ..Project::default() };
        Record::new(path, Object::from(project))
    };
    let source = Shelf::default().with(&Scope::Shared, [project("acme/app", "App")]);
    notes.wrote(&app(), &[project("acme/app", "App")]).await;
    let others = [project("other/thing", "Thing"), project("acme/app", "App")];
    let same = Shelf::default().with(&Scope::Shared, others);
    let renamed = Shelf::default().with(&Scope::Shared, [project("acme/app", "Application")]);

    let same = read_back(&notes, &source, &same, &full()).await;
    let renamed = read_back(&notes, &source, &renamed, &full()).await;

    assert!(same.clean && same.findings.is_empty(), "{same:?}");
    assert_eq!(found(&renamed), [("acme/app", "different")]);
}

async fn compared(from: &dyn Source, to: &dyn Source, projects: &[(&str, &str)]) -> Verification {
    let scratch = tempfile::tempdir().unwrap();
    let git = Git::find().await.unwrap();
    let projects: Vec<_> =
        projects.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    let comparison = Comparison {
        from,
        to,
        projects: &projects,
        options: &JobOptions::default(),
        git: (&git, RefPolicy::MIRROR),
        scratch: scratch.path(),
        listener: &(),
    };
    compare(&comparison).await.unwrap()
}

#[tokio::test]
async fn two_ends_with_ids_of_their_own_are_matched_by_content() {
    let from = Shelf::default()
        .with(&app(), issues(2))
        .with(&app(), [comment("1", "same"), comment("2", "same"), comment("3", "gone")]);
    let to = Shelf::default()
        .with(&app(), issues(2))
        .with(&app(), [comment("101", "same"), comment("102", "new"), comment("103", "same")]);

    let verification = compared(&from, &to, &[("acme/app", "acme/app")]).await;

    assert_eq!(found(&verification), [("3", "missing"), ("102", "extra")]);
    assert_eq!(verification.total().equal, 4);
}

#[tokio::test]
async fn a_project_may_have_another_path() {
    let project = |path: &str| {
        let project = Project { path: path.into(), ..Project::default() };
        Record::new(path, Object::from(project))
    };
    let moved = Scope::Project("new/app".into());
    let from = Shelf::default().with(&Scope::Shared, [project("acme/app")]).with(&app(), issues(3));
    let to = Shelf::default().with(&Scope::Shared, [project("new/app")]).with(&moved, issues(3));

    let verification = compared(&from, &to, &[("acme/app", "new/app")]).await;

    assert_eq!(verification.findings, []);
    assert_eq!(verification.total().equal, 4);
    assert_eq!(projects_of(&from).await.unwrap(), ["acme/app"]);
}

#[tokio::test]
async fn refs_that_are_missing_are_found_and_an_empty_repository_is_no_fault() {
    let directory = tempfile::tempdir().unwrap();
    let (full_at, empty_at) = (directory.path().join("a.git"), directory.path().join("b.git"));
    let format = packhorse_core::model::ObjectFormat::Sha1;
    packhorse_git::repository::init_bare(&full_at, format).unwrap();
    packhorse_git::repository::init_bare(&empty_at, format).unwrap();
    let git = Git::find().await.unwrap();
    commit(&git, &full_at).await;
    let at = |path| {
        let mut shelf = Shelf::default();
        shelf.remotes.insert("acme/app".into(), GitRemote::local(path));
        shelf
    };
    let (full, empty) = (at(&full_at), at(&empty_at));

    let same = compared(&full, &full, &[("acme/app", "acme/app")]).await;
    let missing = compared(&full, &empty, &[("acme/app", "acme/app")]).await;
    let nothing = compared(&empty, &full, &[("acme/app", "acme/app")]).await;

    assert!(same.clean && same.total().equal == 1, "{same:?}");
    assert_eq!(found(&missing), [("acme/app", "corrupt")]);
    assert!(nothing.clean);
}

/// Puts one commit without files on `main`.
async fn commit(git: &Git, repository: &std::path::Path) {
    let tree = git.inside(repository, ["hash-object", "-t", "tree", "-w", "--stdin"]);
    let tree = String::from_utf8(tree.run(b"").await.unwrap()).unwrap();
    let text = format!(
        "tree {}\nauthor a <a@x.example> 0 +0000\ncommitter a <a@x.example> 0 +0000\n\nfirst\n",
        tree.trim()
    );
    let object = git.inside(repository, ["hash-object", "-t", "commit", "-w", "--stdin"]);
    let id = String::from_utf8(object.run(text.as_bytes()).await.unwrap()).unwrap();
    git.inside(repository, ["update-ref", "refs/heads/main", id.trim()]).run(b"").await.unwrap();
}

fn review(id: &str, verdict: Verdict, text: Option<&str>) -> Record {
    let body = text.map(|it| Text::new(it, Markup::Github));
    Record::new(id, Object::from(Review { change_request: 1, verdict, body, ..Review::default() }))
}

#[tokio::test]
async fn a_review_that_only_holds_a_comment_is_nothing_that_somebody_added() {
    let notes = Notes::begun().await;
    let ours = [review("1", Verdict::Commented, None), review("2", Verdict::Approved, None)];
    let source = Shelf::default().with(&app(), ours.clone());
    notes.wrote(&app(), &ours).await;
    let by_itself =
        [review("3", Verdict::Commented, None), review("4", Verdict::Commented, Some(" "))];
    let reader = source.clone().with(&app(), by_itself);

    let verification = read_back(&notes, &source, &reader, &full()).await;

    assert_eq!(verification.total(), Tallied { compared: 2, equal: 2, ..Tallied::default() });

    let more = [review("5", Verdict::Approved, None), review("6", Verdict::Commented, Some("No."))];
    let reader = reader.with(&app(), more);

    let verification = read_back(&notes, &source, &reader, &full()).await;

    assert_eq!(found(&verification), [("5", "extra"), ("6", "extra")]);
}
