//! GitLab's direct transfers: what clients ask, and what they are answered.

use super::{Answer, Server, filled, token, until};
use crate::bench::Bench;
use packhorse_fakes::{Fake, Options, sample};
use serde_json::{Value, json};
use std::{fs, path::Path};

const ROOT: &str = "/api/v4/bulk_imports";

/// A bench whose service may reach into this machine, with more settings.
fn bench(more: &str) -> Bench {
    let bench = Bench::new();
    let text = format!("[serve]\n{more}\n[serve.network]\nallow = [\"127.0.0.0/8\"]\n");
    fs::write(bench.path("packhorse.toml"), text).unwrap();
    bench
}

/// A GitLab with the sample organization in it.
async fn source() -> Fake {
    let product = packhorse_fakes::stand_in("gitlab").unwrap();
    let fake = Fake::of(product, Options::default()).await.unwrap();
    sample::fill(&fake).await.unwrap();
    fake
}

/// The documented request, for a source.
fn request(url: &str, entity: &Value) -> Value {
    json!({
        "configuration": {"url": url, "access_token": Options::TOKEN},
        "entities": [entity],
    })
}

fn project(path: &str, slug: &str) -> Value {
    json!({
        "source_full_path": path,
        "source_type": "project_entity",
        "destination_slug": slug,
        "destination_namespace": "moved",
    })
}

/// A client of GitLab's API.
struct Client<'a> {
    server: &'a Server,
    token: String,
}

impl Client<'_> {
    fn ask(&self, method: &str, rest: &str, body: &Value) -> Answer {
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let head = format!("PRIVATE-TOKEN: {}\r\nContent-Type: application/json\r\n", self.token);
        self.server.ask(method, &format!("{ROOT}{rest}"), &head, &bytes)
    }

    #[track_caller]
    fn get(&self, rest: &str) -> Value {
        let answer = self.ask("GET", rest, &Value::Null);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    #[track_caller]
    fn begin(&self, body: &Value) -> Value {
        let answer = self.ask("POST", "", body);
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()
    }

    #[track_caller]
    fn ended(&self, id: &Value) -> Value {
        until("the end of a migration", || {
            let migration = self.get(&format!("/{id}"));
            let status = migration["status"].as_str().unwrap();
            (!["created", "started"].contains(&status)).then_some(migration)
        })
    }
}

fn client<'a>(bench: &Bench, server: &'a Server, who: &str) -> Client<'a> {
    Client { server, token: token(bench, who) }
}

/// Whether a text stands in any file below a directory.
fn stands_below(directory: &Path, text: &str) -> bool {
    fs::read_dir(directory).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return stands_below(&path, text);
        }
        let bytes = fs::read(&path).unwrap();
        bytes.windows(text.len()).any(|it| it == text.as_bytes())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_arrives_with_its_projects_as_child_entities() {
    let fake = source().await;
    let bench = bench("");
    let server = Server::start(&bench);
    let client = client(&bench, &server, "--user alice");
    let group = json!({
        "source_full_path": "acme",
        "source_type": "group_entity",
        "destination_slug": "moved",
        "destination_namespace": "",
    });

    let made = client.begin(&request(fake.url(), &group));

    assert_eq!((&made["source_type"], &made["has_failures"]), (&"gitlab".into(), &false.into()));
    assert!(!stands_below(&bench.path(".packhorse"), Options::TOKEN));
    let migration = client.ended(&made["id"]);
    let entities = client.get(&format!("/{}/entities?sort=asc", made["id"]));
    let entities = entities.as_array().unwrap();
    assert_eq!(migration["status"], "finished", "{entities:#?}\n{}", bench.ok("status"));
    let rows: Vec<_> = entities
        .iter()
        .map(|it| {
            (it["entity_type"].as_str().unwrap(), it["destination_full_path"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        rows,
        [("group", "moved"), ("project", "moved/handbook"), ("project", "moved/rocket")]
    );
    assert_eq!(
        (&entities[0]["parent_id"], &entities[1]["parent_id"]),
        (&Value::Null, &entities[0]["id"])
    );
    let issues = &entities[2]["stats"]["issues"];
    assert!(issues["source"].as_u64() > Some(0), "{}", entities[2]);
    assert_eq!((&issues["fetched"], &issues["imported"]), (&issues["source"], &issues["source"]));
    assert_eq!(entities[2]["has_failures"], false, "{}", entities[2]);
    let one = format!("/{}/entities/{}", made["id"], entities[2]["id"]);
    assert_eq!(client.get(&one), entities[2]);
    assert_eq!(client.get(&format!("{one}/failures")), json!([]));
    assert!(bench.ok("show local:.packhorse/store").contains("moved/rocket"));
    let list = client.ask("GET", "?per_page=1&status=finished", &Value::Null);
    assert_eq!((list.header("x-total"), list.header("x-next-page")), (Some("1"), Some("")));
    assert_eq!(client.get("/entities?status=finished").as_array().unwrap().len(), 3);
    assert_eq!(client.get("/entities?status=failed"), json!([]));
    // The same place is taken now.
    let again = client.ask("POST", "", &request(fake.url(), &project("acme/rocket", "rocket")));
    assert_eq!(again.status, 422);
    assert_eq!(
        again.json()["message"],
        "Import aborted as 'moved/rocket' already exists. Change the destination and try again."
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_is_cancelled_and_answers_so_at_once() {
    let fake = source().await;
    let bench = bench("workers = 0");
    let server = Server::start(&bench);
    let client = client(&bench, &server, "--user alice");
    let made = client.begin(&request(fake.url(), &project("acme/rocket", "rocket")));
    let cancel = format!("/{}/cancel", made["id"]);
    assert_eq!(made["status"], "created");

    let answer = client.ask("POST", &cancel, &Value::Null);

    assert_eq!((answer.status, &answer.json()["status"]), (200, &"canceled".into()));
    assert_eq!(client.ask("POST", &cancel, &Value::Null).json()["status"], "canceled");
    assert_eq!(client.get("?status=canceled")[0]["id"], made["id"]);
    assert_eq!(client.ask("POST", "/999999/cancel", &Value::Null).status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_in_gitlabs_words() {
    let fake = source().await;
    let bench = bench("workers = 0\n[serve.gitlab]\nstarts-a-minute = 8");
    let server = Server::start(&bench);
    let alice = client(&bench, &server, "--user alice");
    let reader = client(&bench, &server, "--user bob --scope read");
    let check = |answer: Answer, status: u16, field: &str, text: &str| {
        assert_eq!(
            (answer.status, &answer.json()[field]),
            (status, &text.into()),
            "{}",
            answer.text()
        );
    };
    let good = request(fake.url(), &project("acme/rocket", "rocket"));
    let made = alice.begin(&good);

    check(server.ask("GET", ROOT, "", b""), 401, "message", "401 Unauthorized");
    check(reader.ask("POST", "", &good), 403, "error", "insufficient_scope");
    let others = format!("/{}", made["id"]);
    check(reader.ask("GET", &others, &Value::Null), 404, "message", "404 Not Found");
    check(
        alice.ask("GET", "?status=lost", &Value::Null),
        400,
        "error",
        "status does not have a valid value",
    );
    check(
        alice.ask("GET", "?sort=up", &Value::Null),
        400,
        "error",
        "sort does not have a valid value",
    );
    let gone = request(fake.url(), &project("acme/gone", "gone"));
    check(alice.ask("POST", "", &gone), 422, "message", "Import failed. 'acme/gone' not found.");
    let mut stranger = good.clone();
    stranger["configuration"]["access_token"] = "nobodys".into();
    check(
        alice.ask("POST", "", &stranger),
        422,
        "message",
        "Import aborted as the provided personal access token does not have the required 'api' \
         scope or is no longer valid.",
    );
    let inside = "Invalid source URL. Enter only the base URL of the source GitLab instance.";
    for url in ["http://10.0.0.1", "http://[::1]:1", "file:///etc/passwd"] {
        check(alice.ask("POST", "", &request(url, &project("a/b", "b"))), 422, "message", inside);
    }
    let mut nowhere = good.clone();
    nowhere["entities"][0]["destination_namespace"] = "".into();
    let why = "Import failed. '' is invalid, or you do not have permission.";
    check(alice.ask("POST", "", &nowhere), 422, "message", why);
    assert_eq!(alice.ask("POST", "", &json!({})).status, 400);
    let answer = alice.ask("POST", "", &good);
    assert_eq!(answer.status, 429, "{}", answer.text());
    assert!(answer.header("retry-after").is_some());
}

#[test]
fn a_token_is_taken_in_the_query_and_in_a_form() {
    let bench = filled();
    let server = Server::start(&bench);
    let token = token(&bench, "--user alice");

    let answer = server.ask("GET", &format!("{ROOT}?private_token={token}&per_page=5"), "", b"");
    assert_eq!((answer.status, answer.text().as_str()), (200, "[]"));
    let head = format!(
        "Authorization: Bearer {token}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    );
    let body = "configuration[url]=http://127.0.0.1&configuration[access_token]=x\
        &entities[][source_type]=project_entity&entities[][source_full_path]=a/b\
        &entities[][destination_slug]=b&entities[][destination_namespace]=a";
    let answer = server.ask("POST", ROOT, &head, body.as_bytes());
    // Loopback is closed unless it is allowed.
    assert_eq!(answer.status, 422, "{}", answer.text());
    let log = server.log();
    assert!(!log.contains(&token), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_may_not_be_reached_any_more_is_not_when_its_job_runs() {
    let fake = source().await;
    let bench = bench("workers = 0");
    let mut server = Server::start(&bench);
    let made = client(&bench, &server, "--user alice")
        .begin(&request(fake.url(), &project("acme/rocket", "rocket")));
    server.kill();
    fs::write(bench.path("packhorse.toml"), "[serve]\nworkers = 1\n").unwrap();

    let server = Server::start(&bench);

    let client = client(&bench, &server, "--user alice");
    assert_eq!(client.ended(&made["id"])["status"], "failed");
    let entity = &client.get(&format!("/{}/entities", made["id"]))[0];
    let why = entity["failures"][0]["exception_message"].as_str().unwrap();
    assert!(why.contains("a network that the service does not reach into"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_refuses_is_not_told_as_the_source() {
    let fake = source().await;
    let bench = bench("[serve.gitlab]\ndestination = \"gitlab:http://127.0.0.1:1/nowhere\"");
    let server = Server::start(&bench);
    let group = json!({
        "source_full_path": "acme",
        "source_type": "group_entity",
        "destination_slug": "moved",
        "destination_namespace": "",
    });

    let answer =
        client(&bench, &server, "--user alice").ask("POST", "", &request(fake.url(), &group));

    let why = answer.json()["message"].as_str().unwrap().to_owned();
    assert_eq!(
        (answer.status, why.as_str()),
        (422, "Import failed. 'moved' could not be written to.")
    );
}
