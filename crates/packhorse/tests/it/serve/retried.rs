//! Jobs of which something failed.

use super::{Server, filled, native::Client};
use rusqlite::{Connection, OptionalExtension as _};
use serde_json::{Value, json};
use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

/// The first file below a directory.
fn first_file(directory: &Path) -> Option<PathBuf> {
    let mut entries: Vec<_> = fs::read_dir(directory).ok()?.map(|it| it.unwrap().path()).collect();
    entries.sort();
    entries.into_iter().find_map(|it| if it.is_dir() { first_file(&it) } else { Some(it) })
}

#[test]
fn what_failed_is_retried_until_it_has_arrived() {
    let bench = filled();
    let server = Server::start(&bench);
    let root = Client::of(&bench, &server, "--user root --scope admin");
    let damaged = first_file(&bench.path(".packhorse/store/blobs/sha256")).unwrap();
    let whole = fs::read(&damaged).unwrap();
    fs::set_permissions(&damaged, Permissions::from_mode(0o600)).unwrap();
    fs::write(&damaged, vec![b'x'; whole.len()]).unwrap();
    let second = format!("local:{}", bench.path("second").display());
    let job = root.begin(&json!({"from": "store", "to": second}));
    // What was damaged broke its project off.
    root.becomes(&job, "failed");
    let kept = || {
        let journal = Connection::open(bench.path(".packhorse/journal.sqlite")).unwrap();
        let sql = "SELECT body FROM documents WHERE name = 'retry'";
        journal.query_row(sql, (), |row| row.get::<_, String>(0)).optional().unwrap()
    };
    assert_eq!(kept(), None);

    fs::write(&damaged, whole).unwrap();
    root.post(&format!("{job}/retry"), &Value::Null);

    let arrived = root.becomes(&job, "finished");
    assert_eq!(root.get(&format!("{job}/failures"))["failures"], json!([]), "{arrived}");
    assert_eq!(kept().as_deref(), Some("null"), "it was a retry, and it is over");
}
