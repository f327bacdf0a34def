//! Large files on their way between a real Gitea and everything else, with git-lfs as the judge.
//!
//! Runs where `PACKHORSE_LIVE_GITEA_URL` names a Gitea with LFS on loopback and
//! `PACKHORSE_LIVE_GITEA_TOKEN` is a token of it that may make repositories. A second one, by
//! `PACKHORSE_LIVE_GITEA_TO_URL` and `_TO_TOKEN`, is what makes files travel between servers: a
//! Gitea does not have those sent that its user has elsewhere there.

use crate::bench::Bench;
use packhorse_testkit::{git::lfs_pointer, samples::sha256};
use std::{
    fmt::Write as _,
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
};

const N_FILES: usize = 12;

/// A Gitea, and what may be done there.
struct Gitea {
    /// Host and port.
    place: String,
    token: String,
    user: String,
}

impl Gitea {
    /// `None`, said aloud, where there is none.
    fn find(name: &str) -> Option<Self> {
        let variable = |part: &str| std::env::var(format!("{name}_{part}"));
        let (Ok(url), Ok(token)) = (variable("URL"), variable("TOKEN")) else {
            let why = format!("{name}_URL and {name}_TOKEN are not set");
            writeln!(std::io::stderr(), "SKIPPED: large files at a real Gitea, because {why}").ok();
            return None;
        };
        let place = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let mut gitea = Self { place, token, user: String::new() };
        let me: serde_json::Value = serde_json::from_str(&gitea.ask("GET", "user", "")).unwrap();
        gitea.user = me["login"].as_str().unwrap().to_owned();
        Some(gitea)
    }

    /// Sends a request, and gives the body of its answer.
    fn ask(&self, method: &str, place: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.place).unwrap();
        let head = format!(
            "{method} /api/v1/{place} HTTP/1.0\r\nHost: {}\r\nAuthorization: token {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.place,
            self.token,
            body.len(),
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap();
        assert!(status.starts_with('2'), "{head}\n{body}");
        body.to_owned()
    }

    /// Makes an empty repository of a name that nobody has; its address with the token in it.
    fn make(&self) -> String {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let name = format!("large-{}-{}", now.as_micros(), std::process::id());
        self.ask("POST", "user/repos", &format!(r#"{{"name": "{name}", "private": true}}"#));
        format!("http://{}:{}@{}/{}/{name}.git", self.user, self.token, self.place, self.user)
    }
}

fn content(n: usize) -> Vec<u8> {
    (0..n * 9_973 + 1).map(|it| (it * 31 + n) as u8).collect()
}

/// A bare repository with files in git-lfs's layout, each pointed to by a commit; one is missing.
fn fill(bench: &Bench, name: &str) {
    bench.git(&["init", "--quiet", "--bare", "-b", "main", name], "");
    let mut stream = String::new();
    for n in 0..=N_FILES {
        let (bytes, who) = (content(n), "committer A <a@h.example>");
        let (hash, text) = (sha256(&bytes), lfs_pointer(&bytes));
        if n < N_FILES {
            let directory = bench.path(name).join("lfs/objects").join(&hash[..2]).join(&hash[2..4]);
            fs::create_dir_all(&directory).unwrap();
            fs::write(directory.join(hash), bytes).unwrap();
        }
        let length = text.len();
        write!(stream, "commit refs/heads/main\n{who} {n} +0000\ndata 0\n").unwrap();
        writeln!(stream, "M 644 inline art/{n}.bin\ndata {length}\n{text}").unwrap();
    }
    bench.git(&["-C", name, "fast-import", "--quiet"], &stream);
}

/// What git-lfs brings from a repository.
fn check(bench: &Bench, address: &str, clone: &str) {
    bench.git(&["clone", "--quiet", "--mirror", address, clone], "");
    let found = bench.path(clone);
    if assert_cmd::Command::new("git").args(["lfs", "version"]).output().unwrap().status.success() {
        // The missing one is missed there too, so its exit status tells nothing.
        let fetch = ["-C", found.to_str().unwrap(), "lfs", "fetch", "--all"];
        assert_cmd::Command::new("git")
            .args(fetch)
            .env("GIT_TERMINAL_PROMPT", "0")
            .output()
            .unwrap();
        for n in 0..N_FILES {
            assert_eq!(fs::read(stored(&found, n)).unwrap(), content(n), "file {n} of {clone}");
        }
    }
}

fn stored(repository: &Path, n: usize) -> std::path::PathBuf {
    let hash = sha256(&content(n));
    repository.join("lfs/objects").join(&hash[..2]).join(&hash[2..4]).join(&hash)
}

#[test]
fn files_go_round_through_servers_a_store_and_an_archive() {
    let Some(here) = Gitea::find("PACKHORSE_LIVE_GITEA") else { return };
    let second = Gitea::find("PACKHORSE_LIVE_GITEA_TO");
    let there = second.as_ref().unwrap_or(&here);
    let bench = Bench::new();
    fill(&bench, "app.git");
    let (first, second, third) = (here.make(), there.make(), there.make());

    let told = bench.ok(&format!("migrate git:app.git git:{first}"));
    assert!(told.contains("lfs_object") && told.contains("not in the repository's lfs"), "{told}");
    check(&bench, &first, "first.git");

    bench.ok(&format!("migrate git:{first} git:{second}"));
    check(&bench, &second, "second.git");

    bench.ok(&format!("migrate git:{second} local:store"));
    bench.ok("export local:store packhorse-archive:all.packhorse");
    bench.ok(&format!("migrate packhorse-archive:all.packhorse git:{third}"));
    check(&bench, &third, "third.git");

    // Nothing has changed since.
    bench.ok(&format!("migrate git:{first} git:{second}"));
}
