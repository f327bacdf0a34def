//! Large files between repositories of a real Gitea, with git-lfs as the judge.
//!
//! Runs where `PACKHORSE_LIVE_GITEA_URL` names a Gitea with LFS and
//! `PACKHORSE_LIVE_GITEA_TOKEN` is a token of it that may make repositories. A
//! Gitea gives its user's files to another of their repositories without having
//! them sent, so a second one, by `PACKHORSE_LIVE_GITEA_TO_URL` and
//! `PACKHORSE_LIVE_GITEA_TO_TOKEN`, is what makes files travel.

use super::fake::oid;
use packhorse_core::{GitCredentials, GitRemote, GitUrl, Secret, model::ObjectFormat};
use packhorse_git::{
    Git, RefPolicy, TransferOptions,
    lfs::{Carried, CarryOptions, Depth, History, LfsRoute, Pointer},
    refs, repository, transfer,
};
use packhorse_net::{
    Credentials, Live, Options, Proxy, Request, Retry, Transport, clock::System, retry::Policy,
};
use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    path::Path,
    sync::{Arc, Mutex},
};
use url::Url;

const N_FILES: usize = 150;

/// What the variables of the two servers begin with.
const HERE: &str = "PACKHORSE_LIVE_GITEA";
const THERE: &str = "PACKHORSE_LIVE_GITEA_TO";

/// A Gitea, and what may be done there.
struct Gitea {
    git: Git,
    url: Url,
    token: String,
    live: Live,
    user: String,
}

impl Gitea {
    /// `None`, said aloud, where there is none or no git-lfs.
    async fn find(name: &str) -> Option<Self> {
        let skip = |why: &str| {
            writeln!(std::io::stderr(), "SKIPPED: large files at a real Gitea, because {why}").ok();
            None
        };
        let variable = |part: &str| std::env::var(format!("{name}_{part}"));
        let (Ok(url), Ok(token)) = (variable("URL"), variable("TOKEN")) else {
            return skip(&format!("{name}_URL and {name}_TOKEN are not set"));
        };
        let git = Git::find().await.unwrap();
        if git.command(["lfs", "version"]).run(&[]).await.is_err() {
            return skip("git-lfs is not installed");
        }
        let live = Live::new(&Options { proxy: Proxy::Direct, ..Options::default() }).unwrap();
        let url = Url::parse(&url).unwrap();
        let mut gitea = Self { git, url, token, live, user: String::new() };
        let me = gitea.ask(Request::get(gitea.url.join("api/v1/user").unwrap(), "read")).await;
        gitea.user = me["login"].as_str().unwrap().to_owned();
        Some(gitea)
    }

    async fn ask(&self, mut request: Request) -> serde_json::Value {
        let (name, value) = Credentials::Bearer(Secret::new(self.token.as_str())).header().unwrap();
        request.headers.insert(name, value);
        self.live.send(request).await.unwrap().success().await.unwrap().json(1 << 20).await.unwrap()
    }

    /// Makes an empty repository of a name that nobody has.
    async fn make(&self, name: &str) -> GitRemote {
        let name = format!("{name}-{}", uuid_like());
        let url = self.url.join("api/v1/user/repos").unwrap();
        let body = serde_json::json!({ "name": name, "private": true });
        let request = Request::new(http::Method::POST, url, "make a repository");
        self.ask(request.json(&body).unwrap()).await;
        let url = self.url.join(&format!("{}/{name}.git", self.user)).unwrap();
        let password = Secret::new(self.token.as_str());
        let credentials = Some(GitCredentials { username: self.user.clone(), password });
        GitRemote { url: GitUrl::parse(url.as_str()).0, credentials }
    }

    /// The address with the token in it, for git-lfs.
    fn with_token(&self, remote: &GitRemote) -> String {
        let mut url = Url::parse(remote.url.as_str()).unwrap();
        url.set_username(&self.user).unwrap();
        url.set_password(Some(&self.token)).unwrap();
        url.into()
    }

    async fn lfs(&self, path: &Path, arguments: &[&str]) -> String {
        let arguments = [&["lfs"], arguments].concat();
        self.git.inside(path, arguments).text().await.unwrap()
    }

    fn route(&self, from: &GitRemote, to: &GitRemote) -> LfsRoute {
        let clock = Arc::new(System);
        let retry = Retry::new(self.live.clone(), Policy::default(), clock.clone(), Arc::new(()));
        LfsRoute {
            git: self.git.clone(),
            transport: Arc::new(retry),
            clock,
            from: from.clone().into(),
            to: to.clone().into(),
            options: CarryOptions::default(),
            listener: Arc::new(|_| ()),
        }
    }
}

/// Digits that no other run has.
fn uuid_like() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    format!("{}-{}", now.as_micros(), std::process::id())
}

/// A bare repository with files in git-lfs's layout, each pointed to by a commit.
async fn write_repository(git: &Git, path: &Path) -> Vec<Pointer> {
    repository::init_bare(path, ObjectFormat::Sha1).unwrap();
    let mut stream = String::new();
    let mut pointers = Vec::new();
    // Files that no earlier run has left there.
    let salt = uuid_like();
    for n in 0..N_FILES {
        let content = (0..n * 977 + 1).map(|it| (it * 31 + n) as u8);
        let content: Vec<u8> = salt.bytes().chain(content).collect();
        let pointer = Pointer::new(&oid(&content), content.len() as u64).unwrap();
        let hash = &pointer.sha256;
        let directory = path.join("lfs/objects").join(&hash[..2]).join(&hash[2..4]);
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join(hash), content).unwrap();
        let text = pointer.to_string();
        let head = format!("commit refs/heads/main\ncommitter A <a@h.example> {n} +0000\ndata 0\n");
        write!(stream, "{head}M 644 inline art/{}.bin\ndata {}\n", n % 20, text.len()).unwrap();
        writeln!(stream, "{text}").unwrap();
        pointers.push(pointer);
    }
    git.inside(path, ["fast-import", "--quiet"]).run(stream.as_bytes()).await.unwrap();
    repository::set_head(path, "refs/heads/main").unwrap();
    pointers
}

#[tokio::test]
async fn a_real_gitea_gives_and_takes_large_files() {
    let Some(gitea) = Gitea::find(HERE).await else { return };
    let second = Gitea::find(THERE).await;
    let is_one = second.is_none();
    let there = second.as_ref().unwrap_or(&gitea);
    let directory = tempfile::tempdir().unwrap();
    let (local, clone) = (directory.path().join("local.git"), directory.path().join("clone.git"));
    let pointers = write_repository(&gitea.git, &local).await;
    let (from, to) = (gitea.make("lfs-from").await, there.make("lfs-to").await);
    gitea.lfs(&local, &["push", "--all", &gitea.with_token(&from)]).await;
    let push = ["push", "--quiet", "--no-verify", from.url.as_str(), "refs/heads/main"];
    gitea.git.inside(&local, push).with_remote(&from).await.unwrap().run(&[]).await.unwrap();

    // What a run does: history without large blobs, the files, then the refs.
    let list = refs::list(&gitea.git, &from).await.unwrap();
    let history = History::of(&gitea.git, &from, &list, directory.path()).await.unwrap();
    let route = gitea.route(&from, &to);
    let first = route.carry_history(&history).await.unwrap();
    let again = route.carry_history(&history).await.unwrap();
    let options = TransferOptions::new(RefPolicy::MIRROR, directory.path());
    transfer(&gitea.git, &from, &to, &options).await.unwrap();

    let bytes = pointers.iter().map(|it| it.size).sum();
    let all = N_FILES as u64;
    let present = Carried { present: all, ..Carried::default() };
    let moved = Carried { moved: all, bytes, ..Carried::default() };
    assert_eq!(first, if is_one { present.clone() } else { moved });
    assert_eq!(again, present);
    let lost = Mutex::new(Vec::new());
    let files = futures::stream::iter(pointers.clone());
    route.missing(files, Depth::Content, &|it| lost.lock().unwrap().push(it)).await.unwrap();
    assert_eq!(*lost.lock().unwrap(), []);
    let arguments =
        ["clone", "--quiet", "--mirror", &there.with_token(&to), clone.to_str().unwrap()];
    // As somebody would who has no part in what we allow.
    let plainly = gitea.git.command(arguments).variable("GIT_ALLOW_PROTOCOL", "http:https");
    plainly.run(&[]).await.unwrap();
    gitea.lfs(&clone, &["fetch", "--all"]).await;
    let fsck = gitea.lfs(&clone, &["fsck", "refs/heads/main"]).await;
    assert_eq!(fsck.trim(), "Git LFS fsck OK");
    let n_files = repository::files(&clone.join("lfs/objects")).unwrap().len();
    assert_eq!(n_files, N_FILES);
}

#[tokio::test]
async fn a_real_gitea_gives_and_takes_locks() {
    let Some(gitea) = Gitea::find(HERE).await else { return };
    let directory = tempfile::tempdir().unwrap();
    let local = directory.path().join("local.git");
    write_repository(&gitea.git, &local).await;
    let (from, to) = (gitea.make("locks-from").await, gitea.make("locks-to").await);
    for remote in [&from, &to] {
        let push = ["push", "--quiet", "--no-verify", remote.url.as_str(), "refs/heads/main"];
        gitea.git.inside(&local, push).with_remote(remote).await.unwrap().run(&[]).await.unwrap();
    }
    // git-lfs locks from a work tree alone; the API is the same.
    let lock = Url::parse(&format!("{}/info/lfs/locks", from.url)).unwrap();
    let basic = Credentials::Basic {
        username: gitea.user.clone(),
        password: Secret::new(gitea.token.as_str()),
    };
    for n in 0..3 {
        let (name, value) = basic.header().unwrap();
        let mut request = Request::new(http::Method::POST, lock.clone(), "lock a file")
            .json(&serde_json::json!({ "path": format!("art/{n}.bin") }))
            .unwrap()
            .header(name, value);
        let json = http::HeaderValue::from_static("application/vnd.git-lfs+json");
        request.headers.insert(http::header::ACCEPT, json.clone());
        request.headers.insert(http::header::CONTENT_TYPE, json);
        gitea.live.send(request).await.unwrap().success().await.unwrap();
    }

    let first = gitea.route(&from, &to).carry_locks().await.unwrap();
    let second = gitea.route(&from, &to).carry_locks().await.unwrap();

    assert_eq!((first.made.len(), first.refused.len(), first.unsupported), (3, 0, None));
    assert_eq!(first.made[0].owner.as_deref(), Some(gitea.user.as_str()));
    assert_eq!((second.made.len(), second.present), (0, 3));
}
