//! The service's own API: what programs ask, and what they are answered.

use super::{Answer, Server, filled, token, until};
use crate::bench::Bench;
use data_encoding::HEXLOWER;
use ring::hmac;
use serde_json::{Value, json};
use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::Duration,
};

/// A client of the API.
pub(super) struct Client<'a> {
    server: &'a Server,
    head: String,
}

impl<'a> Client<'a> {
    pub(super) fn of(bench: &Bench, server: &'a Server, who: &str) -> Self {
        let head = format!("Authorization: Bearer {}\r\n", token(bench, who));
        Self { server, head }
    }

    pub(super) fn ask(&self, method: &str, rest: &str, body: &Value) -> Answer {
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        self.server.ask(method, &format!("/api/v1{rest}"), &self.head, &bytes)
    }

    #[track_caller]
    pub(super) fn get(&self, rest: &str) -> Value {
        let answer = self.ask("GET", rest, &Value::Null);
        assert_eq!(answer.status, 200, "{rest}: {}", answer.text());
        answer.json()
    }

    #[track_caller]
    pub(super) fn post(&self, rest: &str, body: &Value) -> Value {
        let answer = self.ask("POST", rest, body);
        assert!(matches!(answer.status, 201 | 202), "{rest}: {}", answer.text());
        answer.json()
    }

    /// Starts a job and gives its path.
    #[track_caller]
    pub(super) fn begin(&self, body: &Value) -> String {
        format!("/jobs/{}", self.post("/jobs", body)["id"])
    }

    /// The job when it is in that state.
    #[track_caller]
    pub(super) fn becomes(&self, job: &str, state: &str) -> Value {
        until(&format!("{job} is {state}"), || {
            let found = self.get(job);
            (found["state"] == state && found["wish"].is_null()).then_some(found)
        })
    }
}

/// From the store to an archive of the service's own directories.
pub(super) fn export(bench: &Bench, name: &str) -> Value {
    let path = bench.path(".packhorse/data/migration/export").join(name);
    json!({"from": "store", "to": format!("packhorse-archive:{}", path.display())})
}

#[test]
fn a_job_is_started_watched_and_looked_into() {
    let bench = filled();
    let server = Server::start(&bench);
    let alice = Client::of(&bench, &server, "--user alice");

    let job = alice.begin(&export(&bench, "a.tar"));

    let ended = alice.becomes(&job, "finished");
    let progress = &ended["progress"];
    assert_eq!(progress["projects_done"], progress["projects"]);
    assert!(progress["carried"].as_u64() > Some(10), "{ended}");
    let kinds = progress["kinds"].as_array().unwrap();
    let issues = kinds.iter().find(|it| it["kind"] == "issue").unwrap();
    assert_eq!((&issues["read"], &issues["carried"]), (&issues["records"], &issues["read"]));
    assert!(alice.get(&format!("{job}/plan"))["kinds"].as_array().unwrap().len() > 3);
    assert_eq!(alice.get(&format!("{job}/failures")), json!({"failures": [], "next": null}));
    for (format, begins) in
        [("json", "{\"report\""), ("text", ""), ("html", "<!doctype"), ("csv", "")]
    {
        let answer = alice.ask("GET", &format!("{job}/report?format={format}"), &Value::Null);
        assert_eq!(answer.status, 200);
        assert!(answer.text().to_lowercase().contains(begins), "{format}: {}", answer.text());
        assert!(answer.header("content-disposition").unwrap().starts_with("attachment"));
    }
    let list = alice.get("/jobs?state=finished&limit=1");
    assert_eq!(format!("/jobs/{}", list["jobs"][0]["id"]), job);
    assert_eq!(alice.get("/jobs?state=failed")["jobs"], json!([]));
    let before = alice.get(&format!("/jobs?before={}", list["next"]));
    assert_eq!(before, json!({"jobs": [], "next": null}));
    // What another product's API was asked for is a job like any other.
    let exported = alice.server.ask(
        "POST",
        "/user/migrations",
        &alice.head,
        br#"{"repositories":["acme/widgets"]}"#,
    );
    assert_eq!(exported.status, 201);
    assert_eq!(alice.get("/jobs")["jobs"][0]["asked_through"], "github.user");
}

#[test]
fn an_account_that_starts_too_much_has_to_wait() {
    let bench = filled();
    let text = "[serve]\nworkers = 0\nstarts-a-minute = 2\n";
    fs::write(bench.path("packhorse.toml"), text).unwrap();
    let server = Server::start(&bench);
    let alice = Client::of(&bench, &server, "--user alice");
    alice.begin(&export(&bench, "a.tar"));
    alice.begin(&export(&bench, "b.tar"));

    let answer = alice.ask("POST", "/jobs", &export(&bench, "c.tar"));

    assert_eq!(answer.status, 429, "{}", answer.text());
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds));
    Client::of(&bench, &server, "--user bob").begin(&export(&bench, "d.tar"));
}

#[test]
fn a_list_tells_of_each_job_what_the_job_itself_tells() {
    let bench = filled();
    let server = Server::start(&bench);
    let root = Client::of(&bench, &server, "--user root --scope admin");
    let second = format!("local:{}", bench.path("second").display());
    let job = root.begin(&json!({"from": "store", "to": second}));
    let check = |what: &str| {
        let one = root.get(&job);
        // The second time it is what was kept the first time.
        for _ in 0..2 {
            assert_eq!(root.get("/jobs")["jobs"][0], one, "{what}");
        }
    };
    root.becomes(&job, "finished");
    until("the end is noted", || {
        (root.get("/jobs")["jobs"][0]["state"] == "finished").then_some(())
    });
    check("after the end");

    root.post(&format!("{job}/rollback"), &Value::Null);
    root.becomes(&job, "finished");

    check("after it was rolled back");
}

#[test]
fn losses_are_grouped_searched_and_paged() {
    let bench = filled();
    let server = Server::start(&bench);
    let alice = Client::of(&bench, &server, "--user alice");
    let mut body = export(&bench, "a.zip");
    body["to"] = body["to"].as_str().unwrap().replace("packhorse-archive", "gitea-dump").into();

    let job = alice.begin(&body);

    alice.becomes(&job, "finished");
    let groups = alice.get(&format!("{job}/loss-groups"));
    let all = alice.get(&format!("{job}/losses"));
    let (groups, rows) = (groups.as_array().unwrap(), all["losses"].as_array().unwrap());
    let counted: u64 = groups.iter().map(|it| it["count"].as_u64().unwrap()).sum();
    assert!(!rows.is_empty() && counted >= rows.len() as u64, "{groups:?} {rows:?}");
    let first = alice.get(&format!("{job}/losses?limit=1"));
    assert_eq!(first["losses"][0], rows[0]);
    let second = alice.get(&format!("{job}/losses?limit=1&after={}", first["next"]));
    assert_eq!(second["losses"][0], rows[1]);
    let webhooks = alice.get(&format!("{job}/losses?kind=webhook&cause=sink&field=*"));
    assert_eq!(webhooks["losses"].as_array().unwrap().len(), 1, "{webhooks}");
    let detail = rows[0]["detail"].as_str().unwrap().to_uppercase().replace(' ', "%20");
    let found = alice.get(&format!("{job}/losses?text={detail}"));
    assert!(found["losses"].as_array().unwrap().contains(&rows[0]));
    assert_eq!(alice.get(&format!("{job}/losses?text=nothing-has-this"))["losses"], json!([]));
}

#[test]
fn a_plan_is_drawn_up_before_anything_moves() {
    let bench = filled();
    let server = Server::start(&bench);
    let alice = Client::of(&bench, &server, "--user alice");

    let answer = alice.ask("POST", "/plans", &export(&bench, "a.tar"));

    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["projects"].as_array().unwrap().len(), 2);
    assert!(!bench.path(".packhorse/data/migration/export/a.tar").exists());
    assert_eq!(alice.get("/jobs")["jobs"], json!([]));
}

/// All messages of a job's events, as name and data, until the service ends the stream.
fn events(client: &Client<'_>, job: &str, head: &str) -> Vec<(Option<u64>, String, Value)> {
    let answer = client.server.ask(
        "GET",
        &format!("/api/v1{job}/events"),
        &format!("{}{head}", client.head),
        b"",
    );
    assert_eq!(answer.header("content-type"), Some("text/event-stream"), "{}", answer.text());
    // The body comes in chunks, whose lengths stand on lines of their own.
    let text = answer.text().replace("\r\n", "\n");
    let blocks = text.split("\n\n").filter(|it| it.contains("event: "));
    let field = |block: &str, name: &str| {
        block.lines().find_map(|it| it.strip_prefix(name)).map(str::to_owned)
    };
    blocks
        .map(|block| {
            let id = field(block, "id: ").map(|it| it.parse().unwrap());
            let data = field(block, "data: ").unwrap();
            (id, field(block, "event: ").unwrap(), serde_json::from_str(&data).unwrap())
        })
        .collect()
}

#[test]
fn events_are_told_in_order_and_go_on_after_the_last_that_was_seen() {
    let bench = filled();
    let server = Server::start(&bench);
    let alice = Client::of(&bench, &server, "--user alice");
    let job = alice.begin(&export(&bench, "a.tar"));

    let all = events(&alice, &job, "");

    let ids: Vec<u64> = all.iter().filter_map(|it| it.0).collect();
    assert_eq!(ids, (0..ids.len() as u64).collect::<Vec<_>>());
    let names: Vec<&str> = all.iter().filter_map(|it| it.2["event"].as_str()).collect();
    assert_eq!((names.first(), names.last()), (Some(&"started"), Some(&"ended")));
    let progress = all.iter().rfind(|it| it.1 == "progress").unwrap();
    assert_eq!(progress.2["state"], "finished");
    assert_eq!(all.last().unwrap().1, "end");
    let rest = events(&alice, &job, "Last-Event-ID: 0\r\n");
    assert_eq!(rest.iter().filter_map(|it| it.0).next(), Some(1));
}

#[test]
fn a_job_is_cancelled_resumed_and_rolled_back() {
    let bench = filled();
    fs::write(bench.path("packhorse.toml"), "[serve]\nworkers = 0\n").unwrap();
    let mut server = Server::start(&bench);
    let second = format!("local:{}", bench.path("second").display());
    let job = {
        let root = Client::of(&bench, &server, "--user root --scope admin");
        let job = root.begin(&json!({"from": "store", "to": second}));
        assert_eq!(root.ask("POST", &format!("{job}/resume"), &Value::Null).status, 409);
        assert_eq!(root.ask("POST", &format!("{job}/rollback"), &Value::Null).status, 409);
        assert_eq!(root.post(&format!("{job}/cancel"), &Value::Null)["state"], "cancelled");
        assert_eq!(root.ask("POST", &format!("{job}/cancel"), &Value::Null).status, 409);
        assert_eq!(root.post(&format!("{job}/resume"), &Value::Null)["wish"], "resume");
        job
    };
    // What was asked of it is remembered.
    server.kill();
    fs::write(bench.path("packhorse.toml"), "").unwrap();
    let server = Server::start(&bench);
    let root = Client::of(&bench, &server, "--user root --scope admin");

    root.becomes(&job, "finished");
    assert!(bench.ok("show local:second").contains("acme/widgets"));
    root.post(&format!("{job}/rollback"), &Value::Null);

    let undone = root.becomes(&job, "finished");
    assert!(undone["rolled_back"]["removed"].as_u64() > Some(10), "{undone}");
    assert_eq!(undone["rolled_back"]["error"], Value::Null);
    assert!(!bench.run("show local:second").stdout.contains("acme/widgets"));
    assert_eq!(root.ask("POST", &format!("{job}/retry"), &Value::Null).status, 409);
}

#[test]
fn nobody_gets_at_what_is_not_theirs() {
    let bench = filled();
    fs::write(bench.path("packhorse.toml"), "[serve]\nworkers = 0\n").unwrap();
    let server = Server::start(&bench);
    let alice = Client::of(&bench, &server, "--user alice");
    let bob = Client::of(&bench, &server, "--user bob");
    let reader = Client::of(&bench, &server, "--user alice --scope read");
    let job = alice.begin(&export(&bench, "a.tar"));

    for rest in ["", "/plan", "/events", "/losses", "/loss-groups", "/failures", "/report"] {
        assert_eq!(bob.ask("GET", &format!("{job}{rest}"), &Value::Null).status, 404, "{rest}");
    }
    for rest in ["/cancel", "/resume", "/retry", "/rollback"] {
        assert_eq!(bob.ask("POST", &format!("{job}{rest}"), &Value::Null).status, 404, "{rest}");
        assert_eq!(reader.ask("POST", &format!("{job}{rest}"), &Value::Null).status, 403);
    }
    assert_eq!(reader.get(&job)["state"], "waiting");
    assert_eq!(bob.get("/jobs")["jobs"], json!([]));
    let naked = server.ask("GET", "/api/v1/jobs", "", b"");
    assert_eq!((naked.status, naked.header("www-authenticate")), (401, Some("Bearer")));
    assert_eq!(naked.header("content-type"), Some("application/problem+json"));
}

#[test]
fn what_cannot_be_is_refused_with_its_reason() {
    let bench = filled();
    let server = Server::start(&bench);
    let alice = Client::of(&bench, &server, "--user alice");
    let good = export(&bench, "a.tar");
    let check = |change: Value, status: u16, why: &str| {
        let mut body = good.clone();
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        let answer = alice.ask("POST", "/jobs", &body);
        assert_eq!(answer.status, status, "{change}: {}", answer.text());
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(why), "{change}: {detail}");
    };

    check(json!({"from": "local:/etc"}), 422, "outside the service's directories");
    let climbing = format!("local:{}/../../x", bench.path(".packhorse/store").display());
    check(json!({"to": climbing}), 422, "outside the service's directories");
    check(json!({"from": "nonsense"}), 422, "is not a location");
    check(json!({"from": "nohost:/x"}), 422, "`from`");
    let inside = "a network that the service does not reach into";
    check(json!({"from": "gitlab:http://127.0.0.1:1/a", "from_token": "x"}), 422, inside);
    check(json!({"from": "gitlab:http://8.8.8.8/a"}), 422, "needs a token");
    check(json!({"from": "gitlab:http://a:b@8.8.8.8/a"}), 422, "apart from the location");
    check(json!({"from": "git:ssh://8.8.8.8/a", "from_token": "x"}), 422, "http");
    check(json!({"options": {"only": ["isue"]}}), 422, "\"isue\" is no kind");
    check(json!({"options": {"events": "some"}}), 422, "`events`");
    check(json!({"opshuns": {}}), 422, "opshuns");
    check(json!({"from": 7}), 422, "invalid type");
    let broken = alice.server.ask("POST", "/api/v1/jobs", &alice.head, b"{\"from\":");
    assert_eq!(broken.status, 400, "{}", broken.text());
    for (rest, status) in [
        ("/jobs?state=lost", 400),
        ("/jobs?before=-1", 400),
        ("/jobs/0", 404),
        ("/jobs/99999999999999999999", 404),
        ("/jobs/9223372036854775808", 404),
        ("/jobs/x", 404),
        ("/nothing", 404),
    ] {
        assert_eq!(alice.ask("GET", rest, &Value::Null).status, status, "{rest}");
    }
    assert_eq!(alice.ask("DELETE", "/jobs", &Value::Null).status, 405);
}

#[test]
fn the_description_tells_what_is_answered() {
    let bench = filled();
    let server = Server::start(&bench);
    let alice = Client::of(&bench, &server, "--user alice");
    let api = server.ask("GET", "/api/v1/openapi.json", "", b"").json();
    let schema = |name: &str| {
        let of = json!({"$ref": format!("#/components/schemas/{name}"),
                        "components": api["components"]});
        jsonschema::validator_for(&of).unwrap()
    };
    let job = alice.begin(&export(&bench, "a.tar"));
    alice.becomes(&job, "finished");

    for (rest, name) in [
        ("/jobs".to_owned(), "Jobs"),
        (job.clone(), "Job"),
        (format!("{job}/losses"), "Losses"),
        (format!("{job}/failures"), "Failures"),
        (format!("{job}/comparison?project=acme/widgets&kind=label&id=bug"), "Comparison"),
    ] {
        let answer = alice.get(&rest);
        let wrong: Vec<_> = schema(name).iter_errors(&answer).map(|it| it.to_string()).collect();
        assert!(wrong.is_empty(), "{rest}: {wrong:?}\n{answer}");
    }
    let problem = alice.ask("GET", "/jobs/0", &Value::Null).json();
    assert!(schema("Problem").is_valid(&problem), "{problem}");
    assert!(schema("Start").is_valid(&export(&bench, "b.tar")));
    let paths = api["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 14, "{:?}", paths.keys());
    for (path, item) in paths {
        for (method, operation) in item.as_object().unwrap() {
            let asked = path.replace("{id}", "0").replace("/api/v1", "");
            let status = alice.ask(&method.to_uppercase(), &asked, &Value::Null).status;
            assert!(!matches!(status, 405 | 500..), "{method} {path}: {status}");
            assert!(operation["responses"]["4XX"].is_object(), "{method} {path}");
        }
    }
}

/// Answers one request after the other, with the status that is next, and tells what it was sent.
fn receiver(statuses: &'static [&'static str]) -> (u16, mpsc::Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, heard) = mpsc::channel();
    thread::spawn(move || {
        for status in statuses {
            let (mut stream, _) = listener.accept().unwrap();
            let (head, body) = request(&mut stream);
            write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                .unwrap();
            sender.send((head, body)).unwrap();
        }
    });
    (port, heard)
}

fn request(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let mut bytes = Vec::new();
    loop {
        let mut piece = [0; 4_096];
        let n = stream.read(&mut piece).unwrap();
        bytes.extend(&piece[..n]);
        let Some(end) = bytes.windows(4).position(|it| it == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let length = head.lines().find_map(|it| it.strip_prefix("content-length: "));
        let length: usize = length.unwrap().parse().unwrap();
        if bytes.len() >= end + 4 + length {
            return (head, bytes[end + 4..].to_vec());
        }
    }
}

#[test]
fn the_end_of_a_job_is_told_signed_and_told_again_after_a_failure_and_a_restart() {
    let bench = filled();
    let (port, heard) = receiver(&["503 Busy", "204 No Content"]);
    let text = format!(
        "[serve.webhook]\nurl = \"http://127.0.0.1:{port}/hook\"\nsecret = \"s3cret\"\n\
         [serve.network]\nallow = [\"127.0.0.0/8\"]\n"
    );
    fs::write(bench.path("packhorse.toml"), text).unwrap();
    private(&bench);
    let mut server = Server::start(&bench);
    let job = Client::of(&bench, &server, "--user alice").begin(&export(&bench, "a.tar"));
    let patience = Duration::from_secs(60);
    let (head, first) = heard.recv_timeout(patience).unwrap();
    server.kill();

    let _server = Server::start(&bench);

    let (again, second) = heard.recv_timeout(patience).unwrap();
    let told: Value = serde_json::from_slice(&second).unwrap();
    assert_eq!((&told["event"], &told["state"]), (&"job.ended".into(), &"finished".into()));
    assert_eq!(format!("/jobs/{}", told["job"]["id"]), job);
    for (head, body) in [(head, first), (again, second)] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"s3cret");
        let tag = hmac::sign(&key, &body);
        let hex = HEXLOWER.encode(tag.as_ref());
        assert!(head.contains(&format!("x-packhorse-signature-256: sha256={hex}")), "{head}");
        assert!(head.contains("x-packhorse-delivery: 1"), "{head}");
    }
}

/// A configuration that holds a secret is its owner's alone.
fn private(bench: &Bench) {
    use std::os::unix::fs::PermissionsExt;
    let file = bench.path("packhorse.toml");
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn nobody_is_told_where_the_service_may_not_reach() {
    let bench = filled();
    let (port, heard) = receiver(&["204 No Content"]);
    let text =
        format!("[serve.webhook]\nurl = \"http://127.0.0.1:{port}/hook\"\nsecret = \"s3cret\"\n");
    fs::write(bench.path("packhorse.toml"), text).unwrap();
    private(&bench);
    let server = Server::start(&bench);
    Client::of(&bench, &server, "--user alice").begin(&export(&bench, "a.tar"));

    let log = until("the refusal", || {
        Some(server.log()).filter(|it| it.contains("could not tell of a job's end yet"))
    });

    assert!(log.contains("a network that may not be reached from here"), "{log}");
    assert!(heard.try_recv().is_err());
}
