//! Whole projects to a real Gitea, and from there on.
//!
//! The server is taken from `PACKHORSE_LIVE_GITEA_URL`, plain HTTP on this machine, and a token of
//! one of its administrators from `PACKHORSE_LIVE_GITEA_TOKEN`; without them the tests say that
//! they were skipped.

use crate::{bench::Bench, tidy::root};
use serde_json::Value;
use std::{
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A server, and one who may do everything there.
pub(crate) struct Live {
    pub(crate) host: String,
    pub(crate) token: String,
}

impl Live {
    pub(crate) fn find() -> Option<Self> {
        let read = |name| env::var(name).ok().filter(|it: &String| !it.is_empty());
        let told = read("PACKHORSE_LIVE_GITEA_URL").zip(read("PACKHORSE_LIVE_GITEA_TOKEN"));
        let host = |url: &str| Some(url.strip_prefix("http://")?.trim_end_matches('/').to_owned());
        let Some((url, token)) = told else {
            let mut stderr = std::io::stderr();
            writeln!(stderr, "SKIPPED: PACKHORSE_LIVE_GITEA_URL and _TOKEN are not set").unwrap();
            return None;
        };
        Some(Self { host: host(&url).expect("an address with http://"), token })
    }

    /// A place on the server, with the right to use it.
    pub(crate) fn at(&self, rest: &str) -> String {
        format!("gitea:http://live:{}@{}{rest}", self.token, self.host)
    }

    /// Calls the API.
    fn call(&self, method: &str, path: &str, body: &str) -> Value {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        write!(
            stream,
            "{method} /api/v1/{path} HTTP/1.0\r\nHost: {}\r\nAuthorization: token {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.host,
            self.token,
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap_or_default()
    }

    /// Somebody's account, made if it is not there.
    pub(crate) fn account(&self, login: &str) {
        let body = format!(
            r#"{{"username":"{login}","email":"{login}@acme.example","password":"{login}-0123456789",
                "must_change_password":false}}"#
        );
        self.call("POST", "admin/users", &body);
    }

    /// Logins of those who have a right of their own in a project.
    pub(crate) fn collaborators(&self, owner: &str, name: &str) -> Vec<String> {
        self.words(&format!("repos/{owner}/{name}/collaborators"), "login")
    }

    /// Names of the projects of an organization.
    pub(crate) fn repositories(&self, owner: &str) -> Vec<String> {
        self.words(&format!("orgs/{owner}/repos"), "name")
    }

    /// Makes a branch of a project where its default branch is.
    pub(crate) fn branch(&self, owner: &str, name: &str, branch: &str) {
        let body = format!(r#"{{"new_branch_name":"{branch}"}}"#);
        self.call("POST", &format!("repos/{owner}/{name}/branches"), &body);
    }

    /// A field of each entry of a list, in order.
    fn words(&self, path: &str, field: &str) -> Vec<String> {
        let list = self.call("GET", path, "");
        let words = list.as_array().unwrap().iter().map(|it| it[field].as_str().unwrap());
        let mut words: Vec<_> = words.map(str::to_owned).collect();
        words.sort();
        words
    }

    /// An organization of a name that nobody has.
    pub(crate) fn owner(&self) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let name = format!("live-{}", now.as_nanos() % 1_000_000_000_000);
        self.call("POST", "orgs", &format!(r#"{{"username":"{name}"}}"#));
        name
    }
}

/// The example, in a bench.
fn example() -> Bench {
    let bench = Bench::new();
    fs::copy(root().join("examples/acme.tar.gz"), bench.path("acme.tar.gz")).unwrap();
    bench
}

/// What stands in the parts of a project that have numbers, as people see it.
fn numbered(live: &Live, path: &str) -> Vec<(u64, String, String)> {
    let list = live.call("GET", &format!("repos/{path}/issues?state=all&limit=50"), "");
    let list = list.as_array().unwrap();
    let text = |it: &Value, field: &str| it[field].as_str().unwrap().to_owned();
    let mut list: Vec<_> = list
        .iter()
        .map(|it| (it["number"].as_u64().unwrap(), text(it, "title"), text(it, "state")))
        .collect();
    list.sort();
    list
}

#[test]
fn an_export_arrives_at_a_real_server_and_comes_back() {
    let Some(live) = Live::find() else { return };
    let (bench, owner) = (example(), live.owner());
    let command = format!("migrate github-archive:acme.tar.gz {}#{owner}", live.at(""));

    bench.ok(&command);
    let again = bench.ok(&command);
    bench.ok(&format!("migrate {} local:back", live.at(&format!("/{owner}"))));

    assert!(again.contains("nothing") || again.contains(" 0 "), "{again}");
    let found = numbered(&live, &format!("{owner}/widgets"));
    assert_eq!(found.iter().map(|it| it.0).collect::<Vec<_>>(), [1, 2, 3, 4]);
    let merged = live.call("GET", &format!("repos/{owner}/widgets/pulls/2"), "");
    assert_eq!(merged["merged"], true, "{merged}");
}

#[test]
fn a_real_server_gives_to_itself() {
    let Some(live) = Live::find() else { return };
    let (bench, one, other) = (example(), live.owner(), live.owner());
    bench.ok(&format!("migrate github-archive:acme.tar.gz {}#{one}", live.at("")));

    bench.ok(&format!("migrate {} {}#{other}", live.at(&format!("/{one}")), live.at("")));

    for project in ["widgets", "site"] {
        assert_eq!(
            numbered(&live, &format!("{one}/{project}")),
            numbered(&live, &format!("{other}/{project}"))
        );
    }
}

#[test]
fn runs_that_are_killed_double_nothing_at_a_real_server() {
    let Some(live) = Live::find() else { return };
    let (bench, whole, killed) = (example(), live.owner(), live.owner());
    bench
        .ok(&format!("migrate github-archive:acme.tar.gz {}#{whole} --journal peace", live.at("")));
    let command = format!("migrate github-archive:acme.tar.gz {}#{killed} --lease 1", live.at(""));

    for kill in 1..=6_u64 {
        let mut child = bench.start(&command);
        let mut talk = BufReader::new(child.stderr.take().unwrap()).lines();
        talk.any(|line| line.is_ok_and(|it| it.starts_with("carrying ")));
        thread::sleep(Duration::from_millis(350 * kill));
        child.kill().unwrap();
        child.wait().unwrap();
        thread::sleep(Duration::from_millis(1_100));
    }
    bench.ok(&command);

    for project in ["widgets", "site"] {
        assert_eq!(
            numbered(&live, &format!("{whole}/{project}")),
            numbered(&live, &format!("{killed}/{project}"))
        );
    }
    for rest in ["issues/comments", "releases", "hooks", "labels", "milestones?state=all"] {
        let count = |owner: &str| {
            let list = live.call("GET", &format!("repos/{owner}/widgets/{rest}"), "");
            list.as_array().unwrap().len()
        };
        assert_eq!(count(&whole), count(&killed), "{rest}");
    }
}
