use super::*;
use packhorse_core::model::{Comment, HostId, Issue, Reaction, Subject};

fn app() -> Scope {
    Scope::Project("acme/app".to_owned())
}

#[test]
fn references_follow_when_a_number_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::new(folder.path());
    let comment = |id: &str| Record::new(id, Object::from(Comment::default()));
    let about = Subject::Comment(HostId::from("twelve"));
    let reaction = Reaction { subject: about, content: "+1".to_owned(), ..Reaction::default() };

    store.fill([
        (app(), Record::new("r", Object::from(reaction))),
        (app(), comment("12")),
        (app(), comment("twelve")),
    ]);

    let (id, _) = store.all::<Comment>(&app()).last().unwrap();
    let (_, reaction) = store.all::<Reaction>(&app()).next().unwrap();
    assert_eq!(reaction.subject, Subject::Comment(HostId(id.to_string())));
    assert!(store.get::<Comment>(&app(), 12).is_some());
}

#[test]
fn numbers_go_on_after_those_that_were_filled() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::new(folder.path());
    let issue = Issue { number: 7, ..Issue::default() };

    store.fill([(app(), Record::new("7", Object::from(issue)))]);

    assert_eq!(store.next_number("acme/app", &["issue", "change_request"]), 8);
    assert_eq!(store.next_number("acme/app", &["milestone"]), 1);
}

#[test]
fn refs_are_written_read_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path());
    store.make_repository("acme/app", RepoKind::Code).unwrap();
    let id = "0123456789012345678901234567890123456789";

    assert!(store.is_told_empty("acme/app"));
    store.set_ref("acme/app", "refs/pull/1/head", id).unwrap();

    assert!(!store.is_told_empty("acme/app"));
    assert_eq!(store.refs("acme/app", RepoKind::Code)["refs/pull/1/head"], id);
    assert_eq!(store.tip("acme/app", "refs/pull/1/head").as_deref(), Some(id));
    assert_eq!(store.tip("acme/app", "../app.git/refs/pull/1/head"), None);
    assert!(store.delete_ref("acme/app", "refs/pull/1/head"));
    assert!(store.refs("acme/app", RepoKind::Code).is_empty());
    assert_eq!(store.tip("acme/app", "refs/pull/1/head"), None);
    let packed = store.repository("acme/app", RepoKind::Code).join("packed-refs");
    std::fs::write(packed, format!("# pack-refs with: peeled\n{id} refs/heads/main\n")).unwrap();
    assert_eq!(store.branch("acme/app", "main").as_deref(), Some(id));
    assert!(!store.is_told_empty("acme/app"));
}

use packhorse_core::RepoKind;
