//! Bitbucket's exports and imports: what clients ask, and what they are answered.

use super::{Answer, Server, filled, token, until};
use crate::bench::Bench;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use packhorse_testkit::description::Description;
use serde_json::{Value, json};
use std::{fs, sync::LazyLock};

/// What Atlassian publishes about these answers; `None`, with a visible line, where it is not there.
static PUBLISHED: LazyLock<Option<Description>> =
    LazyLock::new(|| Description::published("bitbucket-dc-9.2.migration-only.json"));

const ROOT: &str = "/rest/api/latest/migration";

/// A client of Bitbucket's API, with a name and a password as the page has them.
struct Client<'a> {
    server: &'a Server,
    head: String,
}

impl Client<'_> {
    fn raw(&self, method: &str, target: &str, body: &[u8]) -> Answer {
        self.server.ask(method, target, &self.head, body)
    }

    /// Asks below the root, and holds what is answered against what Atlassian publishes.
    #[track_caller]
    fn ask(&self, method: &str, rest: &str, body: &Value) -> Answer {
        let target = format!("{ROOT}/{rest}");
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let answer = self.raw(method, &target, &bytes);
        if let Some(published) = &*PUBLISHED {
            let kind = answer.header("content-type");
            let misfits = published.answer(method, &target, answer.status, kind, &answer.body);
            // The description has the context of an error as a text, and servers answer null.
            let misfits: Vec<_> =
                misfits.iter().filter(|it| !it.to_string().contains("context")).collect();
            assert!(misfits.is_empty(), "{method} {target}: {misfits:#?}\n{}", answer.text());
        }
        answer
    }

    #[track_caller]
    fn get(&self, rest: &str) -> Value {
        let answer = self.ask("GET", rest, &Value::Null);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    #[track_caller]
    fn begin(&self, what: &str, body: &Value) -> u64 {
        let answer = self.ask("POST", what, body);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["id"].as_u64().unwrap()
    }

    /// Waits for the end of a job.
    #[track_caller]
    fn ended(&self, one: &str) -> Value {
        until("the end of a job", || {
            let job = self.get(one);
            let percentage = job["progress"]["percentage"].as_u64().unwrap();
            assert!(percentage <= 100, "{job}");
            ["COMPLETED", "FAILED", "ABORTED", "CANCELED"]
                .contains(&job["state"].as_str().unwrap())
                .then_some(job)
        })
    }
}

fn client<'a>(bench: &Bench, server: &'a Server, who: &str) -> Client<'a> {
    let pair = STANDARD.encode(format!("admin:{}", token(bench, who)));
    let head = format!("Authorization: Basic {pair}\r\nContent-type: application/json\r\n");
    Client { server, head }
}

/// A request for these repositories.
fn includes(selectors: &[(&str, &str)]) -> Value {
    let list: Vec<_> =
        selectors.iter().map(|(key, slug)| json!({"projectKey": key, "slug": slug})).collect();
    json!({"repositoriesRequest": {"includes": list}})
}

/// A bench whose service takes jobs and runs none.
fn idle() -> Bench {
    let bench = filled();
    fs::write(bench.path("packhorse.toml"), "[serve]\nworkers = 0\n").unwrap();
    bench
}

#[test]
fn an_export_is_imported_under_another_key_where_its_own_is_taken() {
    let bench = filled();
    let server = Server::start(&bench);
    let client = client(&bench, &server, "--user alice");

    let id = client.begin("exports", &includes(&[("ACME", "widgets")]));
    let export = client.ended(&format!("exports/{id}"));

    assert_eq!(export["state"], "COMPLETED", "{export}\n{}", bench.ok("status"));
    assert_eq!(export["type"], "com.atlassian.bitbucket.migration.export");
    assert_eq!(
        (&export["progress"]["percentage"], &export["initiator"]["name"]),
        (&100.into(), &"alice".into())
    );
    assert!(export["endDate"].as_i64() >= export["startDate"].as_i64());
    let name = format!("Bitbucket_export_{id}.tar");
    let data = bench.path(".packhorse/data/migration");
    fs::copy(data.join("export").join(&name), data.join("import").join(&name)).unwrap();
    // It is what a Bitbucket writes, and takes.
    let written = packhorse_archive::recognise(&data.join("export").join(&name)).unwrap();
    assert_eq!(written.id, "bitbucket-archive");

    let id = client.begin("imports", &json!({"archivePath": name}));
    let one = format!("imports/{id}");
    let import = client.ended(&one);

    assert_eq!(import["state"], "COMPLETED", "{import}\n{}", bench.ok("status"));
    let shown = bench.ok("show local:.packhorse/store");
    assert!(shown.contains("acme/widgets") && shown.contains("acme_1/widgets"), "{shown}");
    let page = client.get(&format!("{one}/messages?severity=WARN&limit=1"));
    assert_eq!(page["values"][0]["subject"], "acme/widgets");
    assert_eq!(
        page["values"][0]["text"],
        "acme/widgets exists already; it was imported as acme_1/widgets"
    );
    let page = client.get(&format!("{one}/messages?severity=ERROR"));
    assert_eq!((&page["size"], &page["isLastPage"]), (&0.into(), &true.into()));
    // The same number is no export.
    assert_eq!(client.ask("GET", &format!("exports/{id}"), &Value::Null).status, 404);
    assert_eq!(client.ask("POST", &format!("{one}/cancel"), &Value::Null).status, 409);
    let older = client.raw("GET", &format!("/rest/api/1.0/migration/{one}"), b"");
    assert_eq!(older.json(), import);
}

#[test]
fn a_preview_lists_what_an_export_would_hold() {
    let bench = idle();
    let server = Server::start(&bench);
    let client = client(&bench, &server, "--user alice");

    let scopes = client.ask("POST", "exports/preview", &includes(&[("*", "*")])).json();

    let scopes = scopes["scopes"].as_array().unwrap();
    let slugs: Vec<_> = scopes.iter().filter_map(|it| it["slug"].as_str()).collect();
    assert_eq!((&scopes[0]["key"], slugs), (&"acme".into(), vec!["site", "widgets"]));
    let nothing = client.ask("POST", "exports/preview", &includes(&[("ACME", "nothing")]));
    assert_eq!(nothing.status, 400);
}

#[test]
fn two_exports_and_one_import_are_taken_at_a_time() {
    let bench = idle();
    let server = Server::start(&bench);
    let client = client(&bench, &server, "--user alice");
    let import = bench.path(".packhorse/data/migration/import/acme.tar.gz");
    fs::copy(bench.path("acme.tar.gz"), import).unwrap();
    let (export, import) = (includes(&[("acme", "*")]), json!({"archivePath": "acme.tar.gz"}));

    let first = client.begin("exports", &export);
    client.begin("exports", &export);
    client.begin("imports", &import);

    assert_eq!(client.ask("POST", "exports", &export).status, 503);
    assert_eq!(client.ask("POST", "imports", &import).status, 503);
    assert_eq!(client.get(&format!("exports/{first}"))["state"], "READY");
    let cancel = format!("exports/{first}/cancel");
    assert_eq!(client.ask("POST", &cancel, &Value::Null).status, 204);
    assert_eq!(client.get(&format!("exports/{first}"))["state"], "CANCELED");
    assert_eq!(client.ask("POST", &cancel, &Value::Null).status, 409);
    client.begin("exports", &export);
}

#[test]
fn what_cannot_be_is_refused_in_bitbuckets_words() {
    let bench = idle();
    let server = Server::start(&bench);
    let client_of = |who: &str| client(&bench, &server, who);
    let (alice, bob) = (client_of("--user alice"), client_of("--user bob"));
    let reader = client_of("--user alice --scope read");
    fs::write(bench.path(".packhorse/data/migration/import/no.tar"), "no archive").unwrap();
    let id = alice.begin("exports", &includes(&[("acme", "widgets")]));
    let check = |answer: Answer, status: u16| {
        assert_eq!(answer.status, status, "{}", answer.text());
        let error = &answer.json()["errors"][0];
        assert!(error["message"].is_string(), "{error}");
        assert!(error["exceptionName"].as_str().unwrap().starts_with("com.atlassian."));
    };

    for path in ["../service.key", "/etc/passwd", "gone.tar", "", "no.tar", "a\u{0}b"] {
        check(alice.ask("POST", "imports", &json!({"archivePath": path})), 400);
    }
    let mut outside = includes(&[("acme", "widgets")]);
    outside["exportLocation"] = "../elsewhere".into();
    check(alice.ask("POST", "exports", &outside), 400);
    check(alice.ask("POST", "exports", &json!({})), 400);
    check(alice.raw("POST", &format!("{ROOT}/exports"), b"{"), 400);
    check(alice.ask("GET", "exports/999999", &Value::Null), 404);
    check(alice.ask("GET", "exports/x", &Value::Null), 404);
    check(alice.ask("POST", "imports/999999/cancel", &Value::Null), 404);
    check(bob.ask("GET", &format!("exports/{id}"), &Value::Null), 404);
    check(bob.ask("POST", &format!("exports/{id}/cancel"), &Value::Null), 404);
    check(reader.ask("POST", "exports", &includes(&[("acme", "*")])), 401);
    check(server.ask("GET", &format!("{ROOT}/exports/{id}"), "", b""), 401);
    check(alice.raw("GET", "/rest/api/latest/nothing", b""), 404);
}
