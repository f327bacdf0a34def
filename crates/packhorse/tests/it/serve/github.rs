//! GitHub's migrations: what clients ask, and what they are answered.

use super::{Answer, Server, filled, token, until};
use crate::{bench::Bench, tidy::root};
use packhorse_testkit::description::Description;
use serde_json::{Value, json};
use std::{fs, sync::LazyLock};

/// What GitHub publishes about these answers; `None`, with a visible line, where it is not there.
static PUBLISHED: LazyLock<Option<Description>> =
    LazyLock::new(|| Description::published("github-api.migrations-only.json"));

/// A client of GitHub's API.
struct Client<'a> {
    server: &'a Server,
    token: String,
}

impl Client<'_> {
    /// Asks, and holds the exchange against what GitHub publishes.
    #[track_caller]
    fn ask(&self, method: &str, target: &str, body: &Value) -> Answer {
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let head = format!(
            "Authorization: token {}\r\nContent-Type: application/json\r\n\
             Accept: application/vnd.github.wyandotte-preview+json\r\n",
            self.token
        );
        let answer = self.server.ask(method, target, &head, &bytes);
        if let Some(published) = &*PUBLISHED {
            let kind = answer.header("content-type");
            let misfits = published.answer(method, target, answer.status, kind, &answer.body);
            assert!(misfits.is_empty(), "{method} {target}: {misfits:#?}\n{}", answer.text());
        }
        answer
    }

    #[track_caller]
    fn get(&self, target: &str) -> Answer {
        self.ask("GET", target, &Value::Null)
    }

    /// Starts a migration; its number.
    #[track_caller]
    fn start(&self, list: &str, body: &Value) -> u64 {
        let answer = self.ask("POST", list, body);
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["id"].as_u64().unwrap()
    }

    /// Waits for the end of a migration.
    #[track_caller]
    fn ended(&self, one: &str) -> Value {
        until("the end of a migration", || {
            let migration = self.get(one).json();
            let state = migration["state"].as_str().unwrap().to_owned();
            assert!(["pending", "exporting", "exported", "failed"].contains(&state.as_str()));
            (state == "exported" || state == "failed").then_some(migration)
        })
    }

    /// Carries the example; the migration, and the file that was downloaded.
    #[track_caller]
    fn archive(&self, bench: &Bench, list: &str, body: &Value) -> (Value, Vec<String>) {
        let one = format!("{list}/{}", self.start(list, body));
        let migration = self.ended(&one);
        assert_eq!(migration["state"], "exported", "{migration}\n{}", bench.ok("status"));
        let answer = self.get(&format!("{one}/archive"));
        assert_eq!(answer.status, 302);
        let address = answer.header("location").unwrap();
        assert_eq!(answer.text(), address);
        let target = address.split_once("/_archives").unwrap().1;
        let file = self.server.ask("GET", &format!("/_archives{target}"), "", b"");
        assert_eq!(file.status, 200);
        fs::write(bench.path("down.tar.gz"), &file.body).unwrap();
        let bytes = flate2::read::MultiGzDecoder::new(file.body.as_slice());
        let mut tar = tar::Archive::new(bytes);
        let names = tar
            .entries()
            .unwrap()
            .map(|it| it.unwrap().path().unwrap().to_string_lossy().into_owned());
        (migration, names.collect())
    }
}

fn client<'a>(bench: &Bench, server: &'a Server, who: &str) -> Client<'a> {
    Client { server, token: token(bench, who) }
}

const LIST: &str = "/orgs/acme/migrations";

#[test]
fn an_archive_is_made_downloaded_and_deleted() {
    let bench = filled();
    let server = Server::start(&bench);
    let client = client(&bench, &server, "--user alice");

    let (migration, names) =
        client.archive(&bench, LIST, &json!({"repositories": ["acme/widgets"]}));

    assert!(names.iter().any(|it| it.ends_with("repositories_000001.json")), "{names:?}");
    assert!(names.iter().any(|it| it.contains("repositories/acme/widgets.git/")));
    // What was downloaded is what is in the store.
    bench.ok("migrate github-archive:down.tar.gz local:second");
    let one = format!("{LIST}/{}", migration["id"]);
    let archive = format!("{one}/archive");
    assert_eq!(client.ask("DELETE", &archive, &Value::Null).status, 204);
    assert_eq!(client.ask("DELETE", &archive, &Value::Null).status, 404);
    assert_eq!(client.get(&archive).status, 404);
    assert_eq!(client.get(&one).json()["state"], "exported");
    let page = client.get(&format!("{one}/repositories")).json();
    assert_eq!(page[0]["full_name"], "acme/widgets");
}

/// Every field of the documented example is there, with a value of its kind.
#[track_caller]
fn check_fields(example: &Value, answer: &Value, place: &str) {
    match (example, answer) {
        (Value::Object(fields), Value::Object(found)) => {
            for (name, value) in fields {
                let place = format!("{place}.{name}");
                let there = found.get(name).unwrap_or_else(|| panic!("{place} is missing"));
                check_fields(value, there, &place);
            }
        }
        (Value::Array(examples), Value::Array(found)) => {
            for answer in found {
                check_fields(&examples[0], answer, place);
            }
        }
        (Value::Null, _) | (_, Value::Null) => {}
        (example, answer) => assert_eq!(
            std::mem::discriminant(example),
            std::mem::discriminant(answer),
            "{place}: {example} and {answer}"
        ),
    }
}

#[test]
fn answers_have_every_field_of_the_documented_examples() {
    let page = root().join("../shared/requirements/5-github-migrations.txt");
    let Ok(page) = fs::read_to_string(page) else {
        let line = b"SKIPPED: the documented examples are not in the shared folder\n";
        drop(std::io::Write::write_all(&mut std::io::stderr(), line));
        return;
    };
    let bench = filled();
    let server = Server::start(&bench);
    let client = client(&bench, &server, "--user alice");
    let example = |status: &str, n: usize| -> Value {
        let after = page.split(status).nth(n).unwrap();
        let text = &after[after.find(['{', '[']).unwrap()..];
        serde_json::Deserializer::from_str(text).into_iter().next().unwrap().unwrap()
    };
    let body = json!({"repositories": ["acme/widgets"], "lock_repositories": true});

    let made = client.ask("POST", LIST, &body).json();
    let (list, one) =
        (client.get(LIST).json(), client.get(&format!("{LIST}/{}", made["id"])).json());

    check_fields(&example("Status: 201 Created", 1), &made, "made");
    check_fields(&example("Status: 200 OK", 2), &one, "one");
    check_fields(&example("rel=\"last\"", 1), &list, "list");
}

#[test]
fn what_is_excluded_is_not_in_the_archive() {
    let bench = filled();
    let server = Server::start(&bench);
    let client = client(&bench, &server, "--user alice");
    let has = |names: &[String], part: &str| names.iter().any(|it| it.contains(part));

    let body =
        json!({"repositories": ["widgets"], "exclude_git_data": true, "exclude_releases": true});
    let (migration, names) = client.archive(&bench, LIST, &body);
    assert!(
        !has(&names, ".git/") && !has(&names, "releases_") && has(&names, "issues_"),
        "{names:?}"
    );
    assert_eq!(
        (&migration["exclude_git_data"], &migration["exclude_metadata"]),
        (&true.into(), &false.into())
    );

    let body = json!({"repositories": ["acme/widgets"], "exclude_metadata": true});
    let (_, names) = client.archive(&bench, "/user/migrations", &body);
    assert!(has(&names, ".git/") && !has(&names, "issues_"), "{names:?}");

    let body = json!({"repositories": [], "org_metadata_only": true});
    let (migration, names) = client.archive(&bench, LIST, &body);
    assert!(has(&names, "organizations_") && !has(&names, "repositories"), "{names:?}");
    assert_eq!(migration["repositories"], json!([]));
}

#[test]
fn a_locked_repository_takes_no_push_until_it_is_unlocked() {
    let bench = filled();
    let server = Server::start(&bench);
    let client = client(&bench, &server, "--user alice");
    let store = ".packhorse/store/repositories/acme/widgets.git";
    bench.git(&["clone", "-q", store, "work"], "");
    let push = |branch: &str| {
        let ran =
            bench.git_status(&["-C", "work", "push", "-q", "origin", &format!("HEAD:{branch}")]);
        (ran.0, ran.1)
    };
    let body = json!({"repositories": ["widgets"], "lock_repositories": true});

    let one = format!("{LIST}/{}", client.start(LIST, &body));
    client.ended(&one);

    let (status, said) = push("refused");
    assert!(status != 0 && said.contains("locked for a migration"), "{said}");
    let lock = format!("{one}/repos/widgets/lock");
    assert_eq!(client.ask("DELETE", &lock, &Value::Null).status, 204);
    assert_eq!(client.ask("DELETE", &lock, &Value::Null).status, 404);
    let nothing = format!("{one}/repos/nothing/lock");
    assert_eq!(client.ask("DELETE", &nothing, &Value::Null).status, 404);
    assert_eq!(push("taken").0, 0);
}

#[test]
fn a_list_has_links_to_its_other_pages_newest_first() {
    let bench = filled();
    let server = Server::start(&bench);
    let client = client(&bench, &server, "--user alice");
    let body = json!({"repositories": ["widgets"]});
    let ids: Vec<_> = (0..3).map(|_| client.start(LIST, &body)).collect();

    // The description says that a field is always there which this parameter leaves out.
    let head = format!("Authorization: token {}\r\n", client.token);
    let target = format!("{LIST}?per_page=2&exclude=repositories");
    let page = server.ask("GET", &target, &head, b"");

    let link = format!(
        "<http://{0}{LIST}?per_page=2&exclude=repositories&page=2>; rel=\"next\", \
         <http://{0}{LIST}?per_page=2&exclude=repositories&page=2>; rel=\"last\"",
        server.address
    );
    assert_eq!(page.header("link"), Some(link.as_str()));
    let found: Vec<_> =
        page.json().as_array().unwrap().iter().map(|it| it["id"].as_u64().unwrap()).collect();
    assert_eq!(found, [ids[2], ids[1]]);
    assert!(page.json()[0].get("repositories").is_none());
    assert_eq!(client.get(&format!("{LIST}?page=9")).json(), json!([]));
    assert_eq!(client.get("/user/migrations").json(), json!([]));
    assert_eq!(client.get("/orgs/other/migrations").json(), json!([]));
}

#[test]
fn what_a_client_may_not_or_what_is_not_there_is_answered_as_github_does() {
    let bench = filled();
    let server = Server::start(&bench);
    let alice = client(&bench, &server, "--user alice");
    let bob = client(&bench, &server, "--user bob");
    let reader = client(&bench, &server, "--user alice --scope read");
    let admin = client(&bench, &server, "--user root --scope admin");
    let body = json!({"repositories": ["widgets"]});
    let one = format!("{LIST}/{}", alice.start(LIST, &body));
    let check = |answer: Answer, status: u16, message: &str| {
        assert_eq!((answer.status, &answer.json()["message"]), (status, &message.into()));
        assert!(answer.json()["documentation_url"].is_string());
    };

    check(server.ask("GET", LIST, "", b""), 401, "Requires authentication");
    check(server.ask("GET", LIST, "Authorization: Bearer x\r\n", b""), 401, "Bad credentials");
    check(bob.get(&one), 404, "Not Found");
    assert_eq!(admin.get(&one).status, 200);
    check(reader.ask("POST", LIST, &body), 403, "Resource not accessible by personal access token");
    check(alice.get(&format!("{LIST}/999999")), 404, "Not Found");
    check(alice.get("/orgs/other/migrations/1"), 404, "Not Found");
    let head = format!("Authorization: token {}\r\n", alice.token);
    check(server.ask("GET", &format!("{LIST}/x"), &head, b""), 404, "Not Found");
    check(server.ask("PUT", LIST, &head, b""), 404, "Not Found");
    check(server.ask("POST", LIST, &head, b"{\"rep"), 400, "Problems parsing JSON");
    let missing = "Invalid request.\n\n\"repositories\" wasn't supplied.";
    check(server.ask("POST", LIST, &head, b"{}"), 422, missing);
    let shape = "Invalid request.\n\nFor 'properties/repositories', 7 is not an array.";
    check(alice.ask("POST", LIST, &json!({"repositories": 7})), 422, shape);
    for wrong in [json!([]), json!(["nothing"]), json!(["../etc"]), json!(["acme/x#y"])] {
        check(alice.ask("POST", LIST, &json!({"repositories": wrong})), 422, "Validation Failed");
    }
}

#[test]
fn an_address_of_an_archive_is_for_that_archive_alone() {
    let bench = filled();
    let server = Server::start(&bench);
    let client = client(&bench, &server, "--user alice");
    let one = format!("{LIST}/{}", client.start(LIST, &json!({"repositories": ["widgets"]})));
    client.ended(&one);
    let answer = client.get(&format!("{one}/archive"));
    let address = answer.header("location").unwrap();
    let target = &address[address.find("/_archives").unwrap()..];
    let status = |target: &str, head: &str| server.ask("GET", target, head, b"").status;

    assert_eq!(status(target, ""), 200);
    assert_eq!(status(target, "Range: bytes=10-\r\n"), 206);
    assert_eq!(status(target, "Range: bytes=99999999999-\r\n"), 416);
    assert_eq!(status(&target.replace("expires=", "expires=9"), ""), 403);
    let (path, query) = target.split_once('?').unwrap();
    assert_eq!(status(path, ""), 403);
    assert_eq!(status(&format!("/_archives/..%2fservice.key?{query}"), ""), 403);
}

#[test]
fn a_service_that_was_killed_goes_on_where_it_was() {
    let bench = filled();
    let mut server = Server::start_with(&bench, "--lease 1");
    let alice = client(&bench, &server, "--user alice");
    let body = json!({"repositories": ["widgets"]});
    let ids: Vec<_> = (0..3).map(|_| alice.start(LIST, &body)).collect();
    let token = alice.token;

    server.kill();
    let server = Server::start_with(&bench, "--lease 1");
    let alice = Client { server: &server, token };

    for id in ids {
        let migration = alice.ended(&format!("{LIST}/{id}"));
        assert_eq!(migration["state"], "exported", "{}", bench.ok("status"));
    }
    let made = fs::read_dir(bench.path(".packhorse/archives")).unwrap();
    let names: Vec<_> =
        made.map(|it| it.unwrap().file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(names.iter().filter(|it| it.ends_with(".tar.gz")).count(), 3, "{names:?}");
    assert_eq!(names.len(), 3, "{names:?}");
}
