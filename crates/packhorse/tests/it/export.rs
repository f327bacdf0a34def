//! GitHub exports made in the test: as they should be, and as they should not.

use crate::bench::Bench;
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use std::{fs, io::Write, path::Path};
use tar::{Builder, EntryType, Header};

/// The history of `acme/widgets`, with a time of its own.
const HISTORY: &str = "\
commit refs/heads/main
committer Ann Lee <ann@acme.example> 1520000000 +0000
data 14
Begin widgets

M 100644 inline README.md
data 10
# Widgets

";

/// A member of an export; its name is bytes, because a stranger's may be anything.
struct Member {
    name: Vec<u8>,
    kind: EntryType,
    bytes: Vec<u8>,
}

/// The members of an export.
#[derive(Default)]
pub(crate) struct Export {
    members: Vec<Member>,
}

impl Export {
    /// An export with nothing in it but its version.
    pub(crate) fn empty() -> Self {
        Self::default().json("schema.json", &json!({"version": "1.0.1"}))
    }

    /// Two people, a project with a repository, two issues with comments, and something that
    /// GitHub has only added since.
    pub(crate) fn acme(bench: &Bench) -> Self {
        Self::empty()
            .json("users_000001.json", &json!([user("ann", "Ann Lee"), user("bob", "Bob Mora")]))
            .json("organizations_000001.json", &organization())
            .json("repositories_000001.json", &json!([widgets()]))
            .json("milestones_000001.json", &milestones())
            .json("issues_000001.json", &issues())
            .json("issue_comments_000001.json", &comments())
            .repository("repositories/acme/widgets.git", &history(bench))
    }

    /// Adds a member with JSON in it, in place of one of that name.
    pub(crate) fn json(self, name: &str, value: &Value) -> Self {
        self.text(name, value.to_string())
    }

    /// Adds a member, in place of one of that name.
    pub(crate) fn text(mut self, name: &str, text: impl AsRef<[u8]>) -> Self {
        self.members.retain(|it| it.name != name.as_bytes());
        self.member(name.as_bytes(), EntryType::Regular, text.as_ref())
    }

    /// Adds a member of any name and kind.
    pub(crate) fn member(mut self, name: &[u8], kind: EntryType, bytes: &[u8]) -> Self {
        self.members.push(Member { name: name.to_owned(), kind, bytes: bytes.to_owned() });
        self
    }

    /// Adds every file of a bare repository.
    pub(crate) fn repository(mut self, name: &str, repository: &Path) -> Self {
        for entry in fs::read_dir(repository).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{name}/{}", path.file_name().unwrap().to_str().unwrap());
            self = if path.is_dir() {
                self.repository(&name, &path)
            } else {
                self.text(&name, fs::read(&path).unwrap())
            };
        }
        self
    }

    /// The tar.
    pub(crate) fn tar(&self) -> Vec<u8> {
        let mut tar = Builder::new(Vec::new());
        for member in &self.members {
            let mut header = Header::new_ustar();
            header.as_old_mut().name[..member.name.len()].copy_from_slice(&member.name);
            header.set_entry_type(member.kind);
            header.set_mode(0o644);
            header.set_size(member.bytes.len() as u64);
            if member.kind != EntryType::Regular {
                header.set_link_name("/etc/passwd").unwrap();
            }
            header.set_cksum();
            tar.append(&header, &member.bytes[..]).unwrap();
        }
        tar.into_inner().unwrap()
    }

    /// Writes the export into a file of the bench, and gives its location.
    pub(crate) fn save(&self, bench: &Bench, name: &str) -> String {
        fs::write(bench.path(name), gzip(&self.tar())).unwrap();
        format!("github-archive:{name}")
    }
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A bare repository with one commit.
pub(crate) fn history(bench: &Bench) -> std::path::PathBuf {
    let path = bench.path("widgets.git");
    if !path.exists() {
        bench.git(&["init", "--quiet", "--bare", "--initial-branch=main", "widgets.git"], "");
        bench.git(&["-C", "widgets.git", "fast-import", "--quiet"], HISTORY);
        fs::remove_dir_all(path.join("hooks")).unwrap();
    }
    path
}

fn user(login: &str, name: &str) -> Value {
    json!({
        "type": "user",
        "url": format!("https://github.com/{login}"),
        "login": login,
        "name": name,
        "emails": [{"address": format!("{login}@acme.example"), "primary": true, "verified": true}],
        "created_at": "2018-02-11T09:00:00Z",
    })
}

fn organization() -> Value {
    json!([{
        "type": "organization",
        "url": "https://github.com/acme",
        "login": "acme",
        "name": "Acme",
        "members": [
            {"user": "https://github.com/ann", "role": "admin", "state": "active"},
            {"user": "https://github.com/bob", "role": "direct_member", "state": "active"},
        ],
        "created_at": "2018-02-11T09:05:00Z",
    }])
}

/// The project, with a key that nobody knows yet.
pub(crate) fn widgets() -> Value {
    json!({
        "type": "repository",
        "url": "https://github.com/acme/widgets",
        "owner": "https://github.com/acme",
        "name": "widgets",
        "description": "Widgets for everybody",
        "private": false,
        "has_issues": true,
        "has_wiki": true,
        "labels": [{
            "url": "https://github.com/acme/widgets/labels/bug",
            "name": "bug",
            "color": "d73a4a",
            "description": "Something is wrong",
            "created_at": "2018-02-11T10:00:00Z",
        }],
        "collaborators": [],
        "created_at": "2018-02-11T10:00:00Z",
        "git_url": "tarball://root/repositories/acme/widgets.git",
        "default_branch": "main",
        "sparkle": true,
    })
}

fn milestones() -> Value {
    json!([{
        "type": "milestone",
        "url": "https://github.com/acme/widgets/milestones/1",
        "repository": "https://github.com/acme/widgets",
        "user": "https://github.com/ann",
        "title": "1.0",
        "state": "open",
        "created_at": "2018-02-12T10:00:00Z",
        "updated_at": "2018-02-12T10:00:00Z",
    }])
}

/// An issue with this number.
pub(crate) fn issue(number: u64, title: &str) -> Value {
    json!({
        "type": "issue",
        "url": format!("https://github.com/acme/widgets/issues/{number}"),
        "repository": "https://github.com/acme/widgets",
        "user": "https://github.com/ann",
        "title": title,
        "body": format!("{title}, seen by @bob"),
        "assignees": [],
        "milestone": "https://github.com/acme/widgets/milestones/1",
        "labels": ["https://github.com/acme/widgets/labels/bug"],
        "reactions": [],
        "created_at": "2018-03-01T10:00:00Z",
        "updated_at": "2018-03-01T10:00:00Z",
    })
}

/// A comment on an issue.
pub(crate) fn comment(id: u64, on: u64, body: &str) -> Value {
    json!({
        "type": "issue_comment",
        "url": format!("https://github.com/acme/widgets/issues/{on}#issuecomment-{id}"),
        "issue": format!("https://github.com/acme/widgets/issues/{on}"),
        "user": "https://github.com/bob",
        "body": body,
        "formatter": "markdown",
        "reactions": [],
        "created_at": "2018-03-02T10:00:00Z",
    })
}

fn issues() -> Value {
    json!([issue(1, "The wheel squeaks"), issue(2, "The axle bends")])
}

fn comments() -> Value {
    json!([comment(11, 1, "Oil it."), comment(12, 2, "Like #1, but worse.")])
}
