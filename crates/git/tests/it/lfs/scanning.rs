//! Pointers in repositories and packs that the real `git` has written.

use packhorse_core::model::ObjectFormat;
use packhorse_git::{
    Git,
    lfs::{self, PackScanner, Pointer, Scanned},
    repository,
};
use std::{collections::BTreeSet, fmt::Write as _, fs, os::unix::fs::PermissionsExt, path::Path};

const N_COMMITS: u64 = 300;

/// A pointer to a file of that many bytes, which is nowhere.
fn pointer(n: u64) -> Pointer {
    Pointer::new(&format!("{n:064x}"), n).unwrap()
}

/// A history in which a text, a large file and a pointer change in each commit.
async fn write_history(git: &Git, path: &Path, format: ObjectFormat) {
    repository::init_bare(path, format).unwrap();
    let mut stream = String::new();
    let mut readme: Vec<String> =
        (0..20).map(|n| format!("{n}. A line of a file that changes a little.\n")).collect();
    let mut large: Vec<String> = (0..900).map(|n| format!("int function_{n}(void);\n")).collect();
    for n in 1..=N_COMMITS {
        readme[(n % 20) as usize] = format!("{n}. Another line.\n");
        large[(n % 900) as usize] = format!("long other_{n}(void);\n");
        write!(stream, "commit refs/heads/main\ncommitter A <a@h.example> {n} +0000\n").unwrap();
        write!(stream, "data 2\nx\n").unwrap();
        let files = [
            ("README", readme.concat()),
            ("large.h", large.concat()),
            ("docs/small", readme[..8].concat()),
            ("art/file.bin", pointer(n).to_string()),
        ];
        for (name, text) in files {
            write!(stream, "M 644 inline {name}\ndata {}\n{text}\n", text.len()).unwrap();
        }
    }
    let command = git.inside(path, ["fast-import", "--quiet"]);
    command.run(stream.as_bytes()).await.unwrap();
    git.inside(path, ["repack", "-q", "-a", "-d", "-f", "--depth=50"]).run(&[]).await.unwrap();
}

/// Feeds the repository's only pack to a scanner, in pieces as they come from a network.
fn scan_pack(path: &Path, format: ObjectFormat) -> (BTreeSet<u64>, Scanned) {
    let packs = fs::read_dir(path.join("objects/pack")).unwrap();
    let pack = packs
        .map(|it| it.unwrap().path())
        .find(|it| it.extension().is_some_and(|it| it == "pack"))
        .unwrap();
    let mut scanner = PackScanner::new(format);
    let mut sizes = BTreeSet::new();
    for bytes in fs::read(pack).unwrap().chunks(65_515) {
        scanner.feed(bytes, |it| {
            sizes.insert(it.size);
        });
    }
    (sizes, scanner.finish())
}

#[tokio::test]
async fn a_pack_that_git_wrote_has_the_pointers_that_a_scan_finds() {
    // SHA-256 repositories differ in the lengths of names alone.
    for format in [ObjectFormat::Sha1, ObjectFormat::Sha256] {
        let git = Git::find().await.unwrap();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.git");
        write_history(&git, &path, format).await;
        let mut found = BTreeSet::new();

        lfs::pointers(&git, &path, |it| {
            found.insert(it.size);
        })
        .await
        .unwrap();
        let (streamed, scanned) = scan_pack(&path, format);

        assert_eq!(found, (1..=N_COMMITS).collect());
        assert_eq!(streamed, found);
        assert!(scanned.is_complete(), "{scanned:?}");
    }
}

#[tokio::test]
async fn a_program_that_complains_at_length_is_heard_to_its_end() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.git");
    let git = Git::find().await.unwrap();
    write_history(&git, &path, ObjectFormat::Sha1).await;
    let program = directory.path().join("loud-git");
    let script = "#!/bin/sh\nhead -c 300000 /dev/zero | tr '\\0' x >&2\nexec git \"$@\"\n";
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let mut n_found = 0;

    lfs::pointers(&Git::at(program), &path, |_| n_found += 1).await.unwrap();

    assert_eq!(n_found, N_COMMITS);
}

#[tokio::test]
async fn a_damaged_repository_is_an_error_and_not_an_empty_history() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.git");
    let git = Git::find().await.unwrap();
    write_history(&git, &path, ObjectFormat::Sha1).await;
    fs::remove_dir_all(path.join("objects/pack")).unwrap();
    fs::create_dir_all(path.join("objects/pack")).unwrap();

    lfs::pointers(&git, &path, |_| ()).await.unwrap_err();
}
