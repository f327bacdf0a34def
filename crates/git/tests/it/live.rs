//! Real servers: nginx with fcgiwrap, lighttpd, sshd, Gitea.
//!
//! `scripts/live-git` starts all but Gitea and names them in the environment:
//! `PACKHORSE_LIVE_GIT_V2` and its like are addresses below which the bare
//! repositories in the directory `PACKHORSE_LIVE_GIT_ROOT` are served. A Gitea
//! is named by `PACKHORSE_LIVE_GITEA_URL` and `PACKHORSE_LIVE_GITEA_TOKEN`.

use crate::{Pair, http::remote};
use packhorse_core::{GitCredentials, GitRemote, Secret, model::ObjectFormat};
use packhorse_git::{
    GitError, RefPolicy, TransferOptions, Transferred, refs, repository, transfer,
};
use packhorse_net::{Credentials, Live, Options, Proxy, Request, Transport};
use std::{fs, io::Write as _, path::Path};
use url::Url;

/// A server's address and the directory that it serves, or a word that it was not there.
fn server(name: &str) -> Option<(String, std::path::PathBuf)> {
    let variable = format!("PACKHORSE_LIVE_GIT_{name}");
    let found = std::env::var(&variable).ok().zip(std::env::var("PACKHORSE_LIVE_GIT_ROOT").ok());
    if found.is_none() {
        let why = format!("SKIPPED: a real Git server, because {variable} is not set\n");
        std::io::stderr().write_all(why.as_bytes()).unwrap();
    }
    found.map(|(url, root)| (url, root.into()))
}

/// Two repositories in a directory that a server serves: one of about two megabytes in twelve
/// commits, and an empty one.
async fn pair(root: &Path, format: ObjectFormat) -> (Pair, String) {
    let mut pair = Pair::new(format).await;
    pair.directory = tempfile::tempdir_in(root).unwrap();
    for name in ["from.git", "to.git"] {
        repository::init_bare(&pair.path(name), format).unwrap();
        // The servers run Git with a configuration that is not ours.
        let config = fs::read_to_string(pair.path(name).join("config")).unwrap();
        let config = config + "[http]\n\treceivepack = true\n[uploadpack]\n\tallowFilter = true\n";
        fs::write(pair.path(name).join("config"), config).unwrap();
    }
    let mut state = 7u64;
    for _ in 0..12 {
        let noise = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b'!' + (state >> 58) as u8)
        });
        pair.commit("from.git", "main", &noise.take(200_000).collect::<String>()).await;
    }
    pair.commit("from.git", "side", "side").await;
    let name = pair.directory.path().file_name().unwrap().to_str().unwrap().to_owned();
    (pair, name)
}

async fn carry(pair: &Pair, from: &str, to: &str) -> Result<Transferred, GitError> {
    let options = TransferOptions::new(RefPolicy::MIRROR, pair.path("scratch"));
    transfer(&pair.git, &remote(from), &remote(to), &options).await
}

async fn check_same(pair: &Pair) {
    let format = ["for-each-ref", "--format=%(objectname) %(refname)"];
    let of = async |name: &str| pair.git.inside(&pair.path(name), format).text().await.unwrap();
    assert_eq!(of("from.git").await, of("to.git").await);
    let fsck = ["fsck", "--full", "--strict", "--no-dangling", "--no-progress"];
    let (status, _, words) = pair.git.inside(&pair.path("to.git"), fsck).finish(&[]).await.unwrap();
    assert!(status.success(), "{words}");
}

/// Carries from a server to itself, then what is new, then what somebody moved.
async fn check(name: &str, format: ObjectFormat) {
    let Some((url, root)) = server(name) else { return };
    let (pair, place) = pair(&root, format).await;
    let (from, to) = (format!("{url}/{place}/from.git"), format!("{url}/{place}/to.git"));

    let first = carry(&pair, &from, &to).await.unwrap();
    assert_eq!((first.created, first.refused.len()), (2, 0), "{first:?}");
    check_same(&pair).await;

    pair.commit("from.git", "main", "more").await;
    let second = carry(&pair, &from, &to).await.unwrap();
    assert_eq!((second.updated, second.unchanged), (1, 1), "{second:?}");
    check_same(&pair).await;

    pair.commit("to.git", "side", "somebody's").await;
    pair.commit("from.git", "side", "ours").await;
    let third = carry(&pair, &from, &to).await.unwrap();
    assert_eq!((third.unchanged, third.refused.len()), (1, 1), "{third:?}");

    let absent = carry(&pair, &format!("{url}/{place}/absent.git"), &to).await;
    assert!(matches!(absent, Err(GitError::NoRepository { .. })), "{absent:?}");
}

#[tokio::test]
async fn nginx_with_a_password_and_protocol_2() {
    check("V2", ObjectFormat::Sha1).await;
}

#[tokio::test]
async fn nginx_with_sha_256() {
    check("V2", ObjectFormat::Sha256).await;
}

#[tokio::test]
async fn nginx_without_protocol_2() {
    check("V0", ObjectFormat::Sha1).await;
}

#[tokio::test]
async fn nginx_that_refuses_bodies_of_unknown_length() {
    check("STRICT", ObjectFormat::Sha1).await;
}

#[tokio::test]
async fn nginx_that_refuses_large_bodies() {
    check("SMALL", ObjectFormat::Sha1).await;
}

#[tokio::test]
async fn lighttpd_with_a_password() {
    check("LIGHTTPD", ObjectFormat::Sha1).await;
}

#[tokio::test]
async fn sshd() {
    check("SSH", ObjectFormat::Sha1).await;
}

#[tokio::test]
async fn a_wrong_password_is_told() {
    let Some((url, root)) = server("V2") else { return };
    let (pair, place) = pair(&root, ObjectFormat::Sha1).await;
    let (_, address) = url.split_once('@').unwrap();

    let to = pair.path("to.git");
    let from = format!("http://alice:wr0ng@{address}/{place}/from.git");
    let refused = carry(&pair, &from, to.to_str().unwrap()).await.unwrap_err();

    assert!(matches!(refused, GitError::Unauthorized { .. }), "{refused:?}");
    assert!(!format!("{refused} {refused:?}").contains("wr0ng"));
}

#[tokio::test]
async fn every_pairing_of_ways() {
    for from in ["V2", "V0", "SSH", "PATH"] {
        for to in ["V2", "LIGHTTPD", "SSH", "PATH"] {
            let Some((_, root)) = server("V2") else { return };
            let (pair, place) = pair(&root, ObjectFormat::Sha1).await;
            let address = |way: &str, name: &str| match way {
                "PATH" => Some(pair.path(name).to_str().unwrap().to_owned()),
                way => Some(format!("{}/{place}/{name}", server(way)?.0)),
            };
            let ends = address(from, "from.git").zip(address(to, "to.git"));
            let Some((source, sink)) = ends else { continue };

            let carried = carry(&pair, &source, &sink).await.unwrap();

            assert_eq!((carried.created, carried.refused.len()), (2, 0), "{from} to {to}");
            check_same(&pair).await;
        }
    }
}

/// A Gitea, and what may be done there.
struct Gitea {
    url: Url,
    token: String,
    live: Live,
    user: String,
}

impl Gitea {
    async fn find() -> Option<Self> {
        let variable = |part: &str| std::env::var(format!("PACKHORSE_LIVE_GITEA_{part}"));
        let (Ok(url), Ok(token)) = (variable("URL"), variable("TOKEN")) else {
            let why = "SKIPPED: repositories at a real Gitea, because PACKHORSE_LIVE_GITEA_URL and \
                       PACKHORSE_LIVE_GITEA_TOKEN are not set\n";
            std::io::stderr().write_all(why.as_bytes()).unwrap();
            return None;
        };
        let live = Live::new(&Options { proxy: Proxy::Direct, ..Options::default() }).unwrap();
        let url = Url::parse(&url).unwrap();
        let mut gitea = Self { url, token, live, user: String::new() };
        let me = gitea.ask("GET", "user", None).await;
        gitea.user = me["login"].as_str().unwrap().to_owned();
        Some(gitea)
    }

    async fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<serde_json::Value>,
    ) -> serde_json::Value {
        let url = self.url.join(&format!("api/v1/{path}")).unwrap();
        let mut request = Request::new(method.parse().unwrap(), url, "ask Gitea");
        if let Some(body) = body {
            request = request.json(&body).unwrap();
        }
        let (name, value) = Credentials::Bearer(Secret::new(self.token.as_str())).header().unwrap();
        request.headers.insert(name, value);
        self.live.send(request).await.unwrap().success().await.unwrap().json(1 << 20).await.unwrap()
    }

    /// Makes an empty repository; gives its name and where it is.
    async fn make(&self, name: &str) -> (String, GitRemote) {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let name = format!("{name}-{}-{}", now.as_micros(), std::process::id());
        self.ask("POST", "user/repos", Some(serde_json::json!({ "name": name }))).await;
        let url = self.url.join(&format!("{}/{name}.git", self.user)).unwrap();
        let password = Secret::new(self.token.as_str());
        let credentials = Some(GitCredentials { username: self.user.clone(), password });
        (format!("repos/{}/{name}", self.user), GitRemote { credentials, ..remote(url.as_str()) })
    }
}

fn options(pair: &Pair, from: &str, to: &str) -> TransferOptions {
    TransferOptions::new(RefPolicy::between(from, to), pair.path("scratch"))
}

#[tokio::test]
async fn gitea_takes_what_travels_and_tells_what_it_protects() {
    let Some(gitea) = Gitea::find().await else { return };
    let root = tempfile::tempdir().unwrap();
    let (pair, _) = pair(root.path(), ObjectFormat::Sha1).await;
    for (name, branch) in [("refs/pull/7/head", "fork"), ("refs/notes/commits", "notes")] {
        pair.commit("from.git", branch, branch).await;
        fs::create_dir_all(pair.path("from.git").join(name).parent().unwrap()).unwrap();
        let old = pair.path("from.git/refs/heads").join(branch);
        fs::rename(old, pair.path("from.git").join(name)).unwrap();
    }
    let (path, to) = gitea.make("takes").await;
    let from = GitRemote::local(&pair.path("from.git"));
    let options = options(&pair, "github", "gitea");

    let first = transfer(&pair.git, &from, &to, &options).await.unwrap();
    let rule = serde_json::json!({ "rule_name": "main", "enable_push": false });
    gitea.ask("POST", &format!("{path}/branch_protections"), Some(rule)).await;
    pair.commit("from.git", "main", "more").await;
    pair.commit("from.git", "side", "more").await;
    let second = transfer(&pair.git, &from, &to, &options).await.unwrap();

    assert_eq!((first.created, first.refused.len()), (4, 0), "{first:?}");
    let there = refs::list(&pair.git, &to).await.unwrap();
    assert!(there.refs.contains_key("refs/packhorse/change-requests/7/head"), "{there:?}");
    assert_eq!((second.updated, second.refused.len()), (1, 1), "{second:?}");
    assert_eq!(second.refused[0].name, "refs/heads/main");
    assert!(second.refused[0].reason.contains("protects it"), "{second:?}");
}

#[tokio::test]
async fn gitea_gives_change_requests_whose_branch_is_gone() {
    let Some(gitea) = Gitea::find().await else { return };
    let root = tempfile::tempdir().unwrap();
    let (pair, _) = pair(root.path(), ObjectFormat::Sha1).await;
    let ((path, first), (_, second)) = (gitea.make("gives").await, gitea.make("again").await);
    let from = GitRemote::local(&pair.path("from.git"));
    let carried = transfer(&pair.git, &from, &first, &options(&pair, "git", "gitea")).await;
    assert_eq!(carried.unwrap().created, 2);
    // `side` has no history in common with `main`: a change request is made of another branch.
    let new = serde_json::json!({
        "content": "YQ==", "message": "m", "branch": "main", "new_branch": "topic"
    });
    gitea.ask("POST", &format!("{path}/contents/a.txt"), Some(new)).await;
    // The branch that is made first over the web becomes the default, which cannot be removed.
    let main = serde_json::json!({ "default_branch": "main" });
    gitea.ask("PATCH", &path, Some(main)).await;
    let pull = serde_json::json!({ "title": "t", "head": "topic", "base": "main" });
    let made = gitea.ask("POST", &format!("{path}/pulls"), Some(pull)).await;
    let head = made["head"]["sha"].as_str().unwrap().to_owned();
    let gone = TransferOptions { delete: true, ..options(&pair, "git", "gitea") };
    let gone = transfer(&pair.git, &from, &first, &gone).await.unwrap();
    assert_eq!((gone.deleted, gone.refused.len()), (1, 0), "{gone:?}");

    let again = transfer(&pair.git, &first, &second, &options(&pair, "gitea", "gitea")).await;

    let again = again.unwrap();
    assert_eq!((again.created, again.refused.len()), (3, 0), "{again:?}");
    let kept = "refs/packhorse/change-requests/1/head";
    assert_eq!(again.refs.refs.get(kept), Some(&head), "{again:?}");
}
