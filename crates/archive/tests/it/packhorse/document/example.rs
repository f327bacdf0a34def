//! A small archive, shown whole.

use super::super::{Archive, finish, project};
use bytes::Bytes;
use packhorse_core::{
    Fingerprint, Object, Origin, Record, RepoKind, Scope,
    fingerprint::comparable,
    model::{
        Attachment, Blob, Identity, Issue, Label, Markup, Project, Subject, Text, User, Visibility,
    },
    port::{BlobRef, Sink},
};
use packhorse_testkit::samples::sha256;
use std::{
    fmt::Write as _,
    fs::File,
    io::{Cursor, Read},
};

const BYTES: &[u8] = b"It creaks when it turns.\n";

fn ann() -> Identity {
    Identity::login("ann", Some("git.example"))
}

fn issue() -> Object {
    Object::from(Issue {
        number: 7,
        title: "It creaks".into(),
        body: Some(Text::new("See [the notes](/files/1).\r\n", Markup::Plain)),
        author: Some(ann()),
        labels: vec!["bug".into()],
        created_at: Some("2026-01-31T12:00:00+01:00".parse().unwrap()),
        ..Issue::default()
    })
}

fn attachment() -> Object {
    Object::from(Attachment {
        subject: Subject::Issue(7),
        name: "notes.txt".into(),
        url: Some("/files/1".into()),
        blob: Blob { size: Some(BYTES.len() as u64), sha256: Some(sha256(BYTES)) },
        ..Attachment::default()
    })
}

async fn put(sink: &dyn Sink, scope: &Scope, id: &str, object: Object) {
    sink.write(scope, &Record::new(id, object), None).await.unwrap();
    sink.flush(scope).await.unwrap();
}

async fn write(sink: &dyn Sink) {
    let scope = project();
    put(sink, &Scope::Shared, "ann", Object::from(User { identity: ann(), ..User::default() }))
        .await;
    let described = Project {
        path: "acme/widgets".into(),
        name: "Widgets".into(),
        visibility: Visibility::Public,
        ..Project::default()
    };
    put(sink, &scope, "acme/widgets", Object::from(described)).await;
    put(sink, &scope, "bug", Object::from(Label { name: "bug".into(), ..Label::default() })).await;
    let file = attachment();
    let blob = BlobRef {
        scope: scope.clone(),
        origin: Origin::new(file.kind(), "1"),
        size: Some(BYTES.len() as u64),
        sha256: Some(sha256(BYTES)),
    };
    let bytes = futures::stream::iter([Ok(Bytes::from_static(BYTES))]);
    sink.save(&blob, Box::pin(bytes)).await.unwrap();
    put(sink, &scope, "1", file).await;
    put(sink, &scope, "7", issue()).await;
    sink.remote("acme/widgets", RepoKind::Code).await.unwrap();
    finish(sink).await;
}

/// The archive's members with their bytes, and the tar as a whole.
fn read(archive: &Archive) -> (Vec<(String, Vec<u8>)>, Vec<u8>) {
    let tar = zstd::decode_all(File::open(archive.path()).unwrap()).unwrap();
    let mut members = Vec::new();
    for entry in tar::Archive::new(Cursor::new(&tar)).entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        members.push((entry.path().unwrap().to_str().unwrap().to_owned(), bytes));
    }
    (members, tar)
}

/// The text of the page's last section.
pub(super) async fn text() -> String {
    let archive = Archive::new();
    write(&*archive.sink(false)).await;

    let (members, tar) = read(&archive);

    let mut text = String::new();
    writeln!(
        text,
        "A person, a project with a label, an issue and a file, and a repository without commits.\n\
         Decompressed, it is a tar of {} bytes with the SHA-256 `{}`. Its members, whole and in order:\n",
        tar.len(),
        sha256(&tar),
    )
    .unwrap();
    for (name, bytes) in &members {
        let shown = std::str::from_utf8(bytes).unwrap().trim_end();
        writeln!(text, "`{name}`\n\n```text\n{shown}\n```\n").unwrap();
    }
    let issue = issue();
    writeln!(
        text,
        "The fingerprint of the issue is `{}`: the SHA-256 of `issue`, LF, and\n\n```json\n{}\n```",
        Fingerprint::of(&issue),
        String::from_utf8(comparable(&issue)).unwrap(),
    )
    .unwrap();
    text
}

#[tokio::test]
async fn equal_projects_make_equal_archives() {
    let (one, two) = (Archive::new(), Archive::new());
    write(&*one.sink(false)).await;

    write(&*two.sink(false)).await;

    assert_eq!(std::fs::read(one.path()).unwrap(), std::fs::read(two.path()).unwrap());
}
