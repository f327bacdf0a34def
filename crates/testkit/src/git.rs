//! Small real repositories, the same on every run.

use packhorse_core::{GitRemote, model::ObjectFormat};
use packhorse_git::{Git, RefList, refs, repository::init_bare};
use std::{fmt::Write as _, path::Path};

/// What a repository has in it.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Commits on `main`, one on the other.
    pub commits: u64,
    /// Branches `topic/0`, `topic/1`, …, each with a commit of its own on the tip of `main`.
    pub branches: u64,
    /// Tags `v0`, `v1`, …, on the commits of `main` in turn; every other one is annotated.
    pub tags: u64,
    /// Change requests with a ref `refs/pull/N/head`, numbered from 1.
    pub change_requests: u64,
    /// The hash that names objects.
    pub object_format: ObjectFormat,
}

impl Default for Shape {
    /// Three commits, two branches, two tags.
    fn default() -> Self {
        Self {
            commits: 3,
            branches: 2,
            tags: 2,
            change_requests: 0,
            object_format: ObjectFormat::Sha1,
        }
    }
}

/// Makes a bare repository; gives its refs.
///
/// # Panics
///
/// When Git is missing or refuses.
pub async fn repository(path: &Path, shape: &Shape) -> RefList {
    init_bare(path, shape.object_format).expect("the repository can be made");
    import(path, &stream(shape)).await;
    refs_of(path).await
}

/// Adds a commit to a branch, made if it is not there, with one file; gives the branch's new tip.
///
/// # Panics
///
/// When Git refuses.
pub async fn commit(path: &Path, branch: &str, file: &str, content: &str) -> String {
    let name = format!("refs/heads/{branch}");
    let mut text = String::new();
    let from = refs_of(path).await.refs.get(&name).cloned();
    head(&mut text, &name, &format!("Change {file}"), 500);
    if let Some(from) = from {
        line(&mut text, &format!("from {from}"));
    }
    write_file(&mut text, file, content);
    import(path, &text).await;
    refs_of(path).await.refs.remove(&name).expect("the branch is there")
}

/// Replaces a branch by one commit without a parent, as somebody does who rewrites history.
///
/// # Panics
///
/// When Git refuses.
pub async fn rewrite(path: &Path, branch: &str, content: &str) -> String {
    let name = format!("refs/heads/{branch}");
    let mut text = String::new();
    line(&mut text, &format!("reset {name}\n"));
    head(&mut text, &name, "Begin anew", 900);
    line(&mut text, "deleteall");
    write_file(&mut text, "README.md", content);
    import(path, &text).await;
    refs_of(path).await.refs.remove(&name).expect("the branch is there")
}

/// Deletes a ref.
///
/// # Panics
///
/// When Git refuses.
pub async fn delete(path: &Path, name: &str) {
    run(path, &["update-ref", "-d", name], &[]).await;
}

/// The refs of a repository.
///
/// # Panics
///
/// When Git refuses.
pub async fn refs_of(path: &Path) -> RefList {
    let git = Git::find().await.expect("git is there");
    refs::list(&git, &GitRemote::local(path)).await.expect("the refs can be listed")
}

/// The text that stands in a repository for a file that is kept by LFS.
pub fn lfs_pointer(bytes: &[u8]) -> String {
    let hash = crate::samples::sha256(bytes);
    format!("version https://git-lfs.github.com/spec/v1\noid sha256:{hash}\nsize {}\n", bytes.len())
}

async fn import(path: &Path, stream: &str) {
    run(path, &["fast-import", "--quiet", "--force"], stream.as_bytes()).await;
}

async fn run(path: &Path, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let git = Git::find().await.expect("git is there");
    let done = git.inside(path, arguments.iter().copied()).run(input).await;
    done.unwrap_or_else(|error| panic!("git {arguments:?}: {error:?}"))
}

/// The whole repository as `git fast-import` reads it. Source: git-fast-import(1).
fn stream(shape: &Shape) -> String {
    let mut text = String::new();
    for n in 0..shape.commits {
        head(&mut text, "refs/heads/main", &format!("Commit {n} 🐴\n\nWith a body."), n);
        write_file(&mut text, "README.md", &format!("# App\n\nVersion {n}\n"));
        write_file(&mut text, &format!("src/dir {n}/größe.txt"), &format!("{n}\r\n"));
        if n == 0 {
            line(&mut text, "M 100755 inline run.sh\ndata 10\n#!/bin/sh\n");
            line(&mut text, "M 120000 inline link\ndata 9\nREADME.md");
        }
        for tag in (n..shape.tags).step_by(shape.commits as usize) {
            tag_here(&mut text, tag);
        }
    }
    let side = |text: &mut String, name: &str, n: u64| {
        head(text, name, &format!("On {name}"), 100 + n);
        if shape.commits > 0 {
            line(text, "from refs/heads/main");
        }
        write_file(text, &format!("topic-{n}.txt"), name);
    };
    for n in 0..shape.branches {
        side(&mut text, &format!("refs/heads/topic/{n}"), n);
    }
    for n in 1..=shape.change_requests {
        side(&mut text, &format!("refs/pull/{n}/head"), 200 + n);
    }
    text
}

fn line(text: &mut String, words: &str) {
    text.push_str(words);
    text.push('\n');
}

fn data(text: &mut String, content: &str) {
    // Writing to a string cannot fail.
    write!(text, "data {}\n{content}\n", content.len()).ok();
}

fn head(text: &mut String, name: &str, message: &str, n: u64) {
    let who = format!("Zoë O'Neil <zoe@example.org> {} +0545", 1_500_000_000 + n * 3600);
    line(text, &format!("commit {name}\nauthor {who}\ncommitter {who}"));
    data(text, message);
}

fn write_file(text: &mut String, path: &str, content: &str) {
    line(text, &format!("M 100644 inline {path}"));
    data(text, content);
}

fn tag_here(text: &mut String, n: u64) {
    if n % 2 == 1 {
        line(text, &format!("tag v{n}\nfrom refs/heads/main"));
        line(text, &format!("tagger Zoë O'Neil <zoe@example.org> {} +0000", 1_600_000_000 + n));
        data(text, &format!("Version {n}"));
    } else {
        line(text, &format!("reset refs/tags/v{n}\nfrom refs/heads/main\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn make(shape: &Shape) -> (tempfile::TempDir, RefList) {
        let directory = tempfile::tempdir().unwrap();
        let refs = repository(&directory.path().join("a.git"), shape).await;
        (directory, refs)
    }

    #[tokio::test]
    async fn a_repository_has_what_was_asked_for() {
        let shape = Shape { change_requests: 2, tags: 4, ..Shape::default() };

        let (directory, refs) = make(&shape).await;

        let names: Vec<&str> = refs.refs.keys().map(String::as_str).collect();
        let expected = [
            "refs/heads/main",
            "refs/heads/topic/0",
            "refs/heads/topic/1",
            "refs/pull/1/head",
            "refs/pull/2/head",
            "refs/tags/v0",
            "refs/tags/v1",
            "refs/tags/v2",
            "refs/tags/v3",
        ];
        assert_eq!(names, expected);
        let git = Git::find().await.unwrap();
        let faults = packhorse_git::repository::fsck(&git, &directory.path().join("a.git")).await;
        assert_eq!(faults.unwrap(), [""; 0]);
    }

    #[tokio::test]
    async fn the_same_shape_is_the_same_repository() {
        let ((_one, first), (_two, second)) =
            (make(&Shape::default()).await, make(&Shape::default()).await);

        assert_eq!(first, second);
    }

    #[tokio::test]
    async fn a_sha256_repository_can_be_made() {
        let shape = Shape { object_format: ObjectFormat::Sha256, ..Shape::default() };

        let (_directory, refs) = make(&shape).await;

        assert_eq!(refs.refs["refs/heads/main"].len(), 64);
    }

    #[tokio::test]
    async fn branches_grow_are_rewritten_and_go() {
        let (directory, refs) = make(&Shape::default()).await;
        let path = directory.path().join("a.git");

        let grown = commit(&path, "main", "new.txt", "new").await;
        let fresh = commit(&path, "fresh", "new.txt", "new").await;
        let rewritten = rewrite(&path, "topic/0", "other").await;
        delete(&path, "refs/heads/topic/1").await;

        let after = refs_of(&path).await;
        assert_ne!(refs.refs["refs/heads/main"], grown);
        assert_eq!(after.refs["refs/heads/main"], grown);
        assert_eq!(after.refs["refs/heads/fresh"], fresh);
        assert_eq!(after.refs["refs/heads/topic/0"], rewritten);
        assert_ne!(refs.refs["refs/heads/topic/0"], rewritten);
        assert!(!after.refs.contains_key("refs/heads/topic/1"));
    }
}
