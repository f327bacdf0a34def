//! The pages: what a browser without scripts sees and can do.

use super::{Answer, Server, filled, native, token, until};
use crate::bench::Bench;
use std::fs;
use url::form_urlencoded::Serializer;

/// Somebody at a browser.
struct Person<'a> {
    server: &'a Server,
    cookie: String,
}

fn form(fields: &[(&str, &str)]) -> Vec<u8> {
    Serializer::new(String::new()).extend_pairs(fields).finish().into_bytes()
}

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

fn log_in(server: &Server, fields: &[(&str, &str)]) -> Answer {
    server.ask("POST", "/login", FORM, &form(fields))
}

impl<'a> Person<'a> {
    fn of(bench: &Bench, server: &'a Server, who: &str) -> Self {
        let token = token(bench, who);
        let answer = log_in(server, &[("token", &token)]);
        assert_eq!((answer.status, answer.header("location")), (303, Some("/jobs")));
        let cookie = answer.header("set-cookie").unwrap().to_owned();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
        assert!(!cookie.contains(&token), "the cookie holds no token");
        Self { server, cookie: cookie.split(';').next().unwrap().to_owned() }
    }

    fn look(&self, path: &str) -> Answer {
        self.server.ask("GET", path, &format!("Cookie: {}\r\n", self.cookie), b"")
    }

    #[track_caller]
    fn page(&self, path: &str) -> String {
        let answer = self.look(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.text()
    }

    /// Sends a form as the page that holds it does.
    fn send(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let page = self.page("/jobs");
        let csrf = page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let all: Vec<_> = fields.iter().copied().chain([("csrf", csrf)]).collect();
        self.post(path, "", &all)
    }

    fn post(&self, path: &str, head: &str, fields: &[(&str, &str)]) -> Answer {
        let head = format!("{FORM}Cookie: {}\r\n{head}", self.cookie);
        self.server.ask("POST", path, &head, &form(fields))
    }

    /// Starts a migration and gives its page.
    #[track_caller]
    fn begin(&self, fields: &[(&str, &str)]) -> String {
        let answer = self.send("/jobs", fields);
        assert_eq!(answer.status, 303, "{}", answer.text());
        answer.header("location").unwrap().to_owned()
    }
}

#[test]
fn a_person_starts_a_migration_watches_it_and_reads_what_it_lost() {
    let bench = filled();
    let server = Server::start(&bench);
    let alice = Person::of(&bench, &server, "--user alice");
    let to = bench.path(".packhorse/data/migration/export/a.zip");
    let to = format!("gitea-dump:{}", to.display());
    let fields = [("from", "store"), ("to", &to), ("skip", "event"), ("include", "acme/*\r\n")];
    assert!(alice.page("/jobs").contains("Nothing has been asked for yet"));

    let plan = alice.send("/jobs", &[&fields[..], &[("do", "plan")]].concat());
    assert_eq!(plan.status, 200);
    assert!(plan.text().contains("What would arrive") && plan.text().contains("left out"));
    let job = alice.begin(&fields);

    let page = until("the end", || {
        Some(alice.page(&job)).filter(|it| it.contains("<span class=\"pill good\">arrived</span>"))
    });
    assert!(page.contains("acme/widgets") && page.contains("verified"), "{page}");
    assert!(page.contains("<progress max="), "{page}");
    assert!(page.contains(&format!("formaction=\"{job}/rollback\"")), "{page}");
    let list = alice.page("/jobs?state=finished");
    assert!(list.contains(&format!("href=\"{job}\"")), "{list}");
    assert!(alice.page("/jobs?state=failed").contains("There is no such job"));
    let losses = alice.page(&format!("{job}/losses"));
    assert!(losses.contains("In groups") && losses.contains("webhook"), "{losses}");
    let found = alice.page(&format!("{job}/losses?text=WEBHOOK"));
    assert!(found.split("One by one").nth(1).unwrap().contains("webhook"), "{found}");
    assert!(alice.page(&format!("{job}/failures")).contains("Nothing failed"));
    let plan = alice.page(&format!("{job}/plan"));
    assert!(plan.contains("Planned, and what became of it"), "{plan}");
    let report = alice.look(&format!("{job}/report?format=csv"));
    assert!(report.header("content-disposition").unwrap().contains(".csv"));
}

#[test]
fn a_record_is_compared_on_both_sides() {
    let bench = filled();
    let server = Server::start(&bench);
    let root = Person::of(&bench, &server, "--user root --scope admin");
    let to = format!("local:{}", bench.path("second").display());
    let job = root.begin(&[("from", "store"), ("to", &to)]);
    until("the end", || root.page(&job).contains("pill good\">arrived").then_some(()));

    let page = root.page(&format!("{job}/compare?project=acme/widgets&kind=issue&id=1"));

    assert!(page.contains("Issue") || page.contains("issue, acme/widgets#1"), "{page}");
    assert!(page.contains("<code>title</code>"), "{page}");
    assert!(!page.contains("pill warn\">differs"), "{page}");
    let gone = root.page(&format!("{job}/compare?project=acme/widgets&kind=issue&id=999"));
    assert!(gone.contains("The source has no such record"), "{gone}");
}

#[test]
fn a_job_is_cancelled_and_resumed_by_forms() {
    let bench = filled();
    fs::write(bench.path("packhorse.toml"), "[serve]\nworkers = 0\n").unwrap();
    let server = Server::start(&bench);
    let alice = Person::of(&bench, &server, "--user alice");
    let body = native::export(&bench, "a.tar");
    let job = alice.begin(&[("from", "store"), ("to", body["to"].as_str().unwrap())]);
    assert!(alice.page(&job).contains(">Cancel</button>"));

    assert_eq!(alice.send(&format!("{job}/cancel"), &[]).header("location"), Some(&*job));

    assert!(alice.page(&job).contains("pill warn\">cancelled"));
    assert_eq!(alice.send(&format!("{job}/cancel"), &[]).status, 409);
    assert_eq!(alice.send(&format!("{job}/resume"), &[]).status, 303);
    assert!(alice.page(&job).contains("as soon as a worker takes it"));
    assert_eq!(alice.send(&format!("{job}/explode"), &[]).status, 404);
}

#[test]
fn nobody_does_anything_in_somebody_elses_name() {
    let bench = filled();
    fs::write(bench.path("packhorse.toml"), "[serve]\nworkers = 0\n").unwrap();
    let server = Server::start(&bench);
    let alice = Person::of(&bench, &server, "--user alice");
    let bob = Person::of(&bench, &server, "--user bob");
    let reader = Person::of(&bench, &server, "--user alice --scope read");
    let body = native::export(&bench, "a.tar");
    let fields = [("from", "store"), ("to", body["to"].as_str().unwrap())];
    let job = alice.begin(&fields);
    let cancel = format!("{job}/cancel");

    // Without what the form carries, with another session's, and from another site.
    assert_eq!(alice.post(&cancel, "", &[]).status, 403);
    let page = bob.page("/jobs");
    let csrf = page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(alice.post(&cancel, "", &[("csrf", csrf)]).status, 403);
    let page = alice.page("/jobs");
    let csrf = page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let foreign = "Origin: https://evil.example\r\n";
    assert_eq!(alice.post(&cancel, foreign, &[("csrf", csrf)]).status, 403);
    assert_eq!(reader.send(&cancel, &[]).status, 403);
    assert_eq!(reader.send("/jobs", &fields).status, 403);
    assert!(!reader.page(&job).contains(">Cancel</button>"));
    for rest in ["", "/plan", "/losses", "/failures", "/compare", "/report", "/live"] {
        assert_eq!(bob.look(&format!("{job}{rest}")).status, 404, "{rest}");
    }
    assert_eq!(bob.send(&cancel, &[]).status, 404);
    assert!(alice.page(&job).contains("waiting"));
}

#[test]
fn a_session_begins_with_a_token_and_ends_with_it() {
    let bench = filled();
    let server = Server::start(&bench);
    let asked = server.ask("GET", "/jobs?state=failed", "", b"");
    let to = "/login?to=%2Fjobs%3Fstate%3Dfailed";
    assert_eq!((asked.status, asked.header("location")), (303, Some(to)));
    assert!(server.ask("GET", to, "", b"").text().contains("value=\"/jobs?state=failed\""));
    assert_eq!(log_in(&server, &[("token", "phs_nobodys")]).status, 401);
    let elsewhere =
        log_in(&server, &[("token", &token(&bench, "--user alice")), ("to", "//evil.example/")]);
    assert_eq!(elsewhere.header("location"), Some("/jobs"));
    let alice = Person::of(&bench, &server, "--user alice");
    let forged = Person { server: &server, cookie: format!("{}x", alice.cookie) };
    assert_eq!(forged.look("/jobs").status, 303);

    // Ids may begin with a hyphen.
    let none = bench.run("token revoke -Ab1");
    assert!(none.stderr.contains("there is no token `-Ab1` to take back"), "{none}");
    let list = bench.ok("token list");
    for line in list.lines().filter(|it| it.contains("alice")) {
        bench.ok(&format!("token revoke {}", line.split(' ').next().unwrap()));
    }

    assert_eq!(alice.look("/jobs").status, 303);
}

#[test]
fn what_hosts_and_people_say_is_text_and_pages_load_nothing_from_elsewhere() {
    let bench = filled();
    fs::write(bench.path("packhorse.toml"), "[serve]\nworkers = 0\n").unwrap();
    let server = Server::start(&bench);
    let alice = Person::of(&bench, &server, "--user alice");
    let evil = "<script>alert(1)</script>";

    let answer = alice.send("/jobs", &[("from", evil), ("to", "\"><img src=x>")]);

    assert_eq!(answer.status, 422);
    assert!(!answer.text().contains(evil) && !answer.text().contains("<img"), "{}", answer.text());
    let answer = alice.look("/jobs");
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.header("cache-control"), Some("private, no-store"));
    let text = answer.text();
    assert_eq!(text.split(['"', '\'']).find(|it| it.contains("://")), None);
    assert!(!text.contains("<style") && !text.contains(" style=") && !text.contains(" onclick="));
    for name in ["style.css", "live.js", "icon.svg"] {
        let asset = server.ask("GET", &format!("/_assets/{name}"), "", b"");
        assert_eq!(asset.status, 200);
        assert!(text.contains(&format!("/_assets/{name}?")), "{name}");
    }
    assert_eq!(server.ask("GET", "/_assets/..%2Fservice.key", "", b"").status, 404);
}
