//! How the service is run: started, looked after, stopped, killed.

use super::{Server, filled, token, until};
use crate::{bench::Bench, tls};
use packhorse_net::{Live, Options, Proxy, Request, Transport};
use rusqlite::Connection;
use std::{fs, io::Write as _, net::TcpStream};

#[test]
fn it_says_that_it_lives_and_that_it_is_ready() {
    let bench = Bench::new();
    let server = Server::start(&bench);

    let (lives, ready) =
        (server.ask("GET", "/healthz", "", b""), server.ask("GET", "/readyz", "", b""));

    assert_eq!((lives.status, lives.text().as_str()), (200, "ok\n"));
    assert_eq!((ready.status, ready.text().as_str()), (200, "ready\n"));
    assert!(ready.header("x-request-id").is_some_and(|it| it.len() == 36));
}

#[test]
fn it_stops_when_it_is_asked_to_and_ends_well() {
    let bench = Bench::new();
    let mut server = Server::start(&bench);
    // Somebody who is connected and says nothing does not hold it up.
    let mut idle = TcpStream::connect(server.address).unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\n").unwrap();

    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn a_body_beyond_the_bound_is_refused() {
    let bench = Bench::new();
    let server = Server::start(&bench);
    let head = format!("Authorization: Bearer {}\r\n", token(&bench, "--user alice"));

    let answer = server.ask("POST", "/orgs/acme/migrations", &head, &vec![b' '; (1 << 20) + 1]);

    assert_eq!(answer.status, 413);
}

#[test]
fn the_log_has_an_object_a_line_with_request_ids_and_without_tokens() {
    let bench = Bench::new();
    let server = Server::start(&bench);
    let token = token(&bench, "--user alice");
    let head = format!("X-Request-Id: my-own-id\r\nAuthorization: token {token}\r\n");

    let answer = server.ask("GET", &format!("/user/migrations?private_token={token}"), &head, b"");

    assert_eq!((answer.status, answer.header("x-request-id")), (200, Some("my-own-id")));
    let log =
        until("a line of the log", || Some(server.log()).filter(|it| it.contains("my-own-id")));
    let line: serde_json::Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
    assert_eq!((&line["path"], &line["status"]), (&"/user/migrations".into(), &200.into()));
    assert!(!log.contains(&token));
}

#[test]
fn tokens_are_made_listed_and_taken_back() {
    let bench = filled();
    let server = Server::start(&bench);
    let token = token(&bench, "--user alice --name ci --scope read --expires 1h");
    let ask = || {
        let head = format!("Authorization: Bearer {token}\r\n");
        server.ask("GET", "/user/migrations", &head, b"").status
    };
    assert_eq!(ask(), 200);
    let list = bench.ok("token list");
    assert!(list.contains("alice") && list.contains("read") && list.contains("ci"), "{list}");
    assert!(!list.contains(&token));
    let id = list.split(' ').next().unwrap();

    bench.ok(&format!("token revoke {id}"));

    assert_eq!(ask(), 401);
    assert_eq!(bench.run(&format!("token revoke {id}")).status, Some(1));
    assert!(bench.ok("token list").contains("taken back"));
}

/// Asks for an export of the sample, with a service that runs nothing, and kills the service.
fn waiting_export(bench: &Bench) -> String {
    fs::write(bench.path("packhorse.toml"), "[serve]\nworkers = 0\n").unwrap();
    let server = Server::start(bench);
    let head = format!("Authorization: Bearer {}\r\n", token(bench, "--user alice"));
    let answer =
        server.ask("POST", "/user/migrations", &head, br#"{"repositories":["acme/widgets"]}"#);
    assert_eq!(answer.status, 201, "{}", answer.text());
    fs::write(bench.path("packhorse.toml"), "").unwrap();
    head
}

/// What a service that is killed between its two databases leaves: the request without its job.
fn forget_the_number(bench: &Bench) {
    let database = Connection::open(bench.path(".packhorse/service.sqlite")).unwrap();
    let journal = bench.path(".packhorse/journal.sqlite");
    database.execute("ATTACH ?1 AS journal", [journal.to_str().unwrap()]).unwrap();
    let sql = "UPDATE parts SET spec = (SELECT spec FROM journal.jobs WHERE id = job), job = NULL";
    assert_eq!(database.execute(sql, []).unwrap(), 1);
}

#[track_caller]
fn check_exported(bench: &Bench, head: &str) {
    let server = Server::start(bench);
    until("the export", || {
        let list = server.ask("GET", "/user/migrations", head, b"").json();
        (list[0]["state"] == "exported").then_some(())
    });
}

#[test]
fn a_job_that_a_killed_service_left_in_the_journal_alone_is_found() {
    let bench = filled();
    let head = waiting_export(&bench);
    let before = bench.ok("status").lines().count();

    forget_the_number(&bench);

    check_exported(&bench, &head);
    assert_eq!(bench.ok("status").lines().count(), before);
}

#[test]
fn a_job_that_a_killed_service_never_put_into_the_journal_is_made() {
    let bench = filled();
    let head = waiting_export(&bench);

    forget_the_number(&bench);
    let journal = Connection::open(bench.path(".packhorse/journal.sqlite")).unwrap();
    journal
        .execute_batch(
            "DELETE FROM leases WHERE job = (SELECT max(id) FROM jobs);
             DELETE FROM jobs WHERE id = (SELECT max(id) FROM jobs);",
        )
        .unwrap();
    drop(journal);

    check_exported(&bench, &head);
}

#[test]
fn what_was_done_is_counted_for_whoever_may_see_everything() {
    let bench = filled();
    let server = Server::start(&bench);
    let mine = format!("Authorization: Bearer {}\r\n", token(&bench, "--user alice"));
    let all = format!("Authorization: Bearer {}\r\n", token(&bench, "--user root --scope admin"));
    let body = br#"{"repositories":["acme/widgets"]}"#;
    assert_eq!(server.ask("POST", "/user/migrations", &mine, body).status, 201);

    let text = until("the end of the job", || {
        let text = server.ask("GET", "/metrics", &all, b"").text();
        text.contains("packhorse_jobs{state=\"finished\"} 1").then_some(text)
    });

    let value = |name: &str| -> f64 {
        let found = text.lines().find_map(|it| it.strip_prefix(&format!("{name} ")));
        found.unwrap_or_else(|| panic!("{name}\n{text}")).parse().unwrap()
    };
    assert!(value("packhorse_records_carried_total") > 10.0, "{text}");
    assert!(value("packhorse_bytes_total") > 0.0, "{text}");
    let posted = "{api=\"github\",method=\"POST\",status=\"201\"}";
    assert_eq!(value(&format!("packhorse_http_requests_total{posted}")) as u64, 1);
    assert!(value("packhorse_http_request_duration_seconds_sum{api=\"github\"}") > 0.0);
    for head in ["", &mine] {
        assert_eq!(server.ask("GET", "/metrics", head, b"").status, 401);
    }
}

#[test]
fn numbers_that_no_database_holds_are_nobodys() {
    let bench = Bench::new();
    let server = Server::start(&bench);
    let head = format!("Authorization: Bearer {}\r\n", token(&bench, "--user alice"));

    for path in [
        "/user/migrations/9223372036854775808",
        "/api/v4/bulk_imports/9223372036854775808",
        "/rest/api/latest/migration/exports/9223372036854775808",
        "/api/v1/jobs/9223372036854775808",
    ] {
        assert_eq!(server.ask("GET", path, &head, b"").status, 404, "{path}");
    }
}

#[test]
fn answers_cannot_be_framed_or_taken_for_something_else() {
    let bench = Bench::new();
    let server = Server::start(&bench);

    for path in ["/healthz", "/nothing", "/api/v4/bulk_imports"] {
        let answer = server.ask("GET", path, "", b"");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{path}");
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'"), "{path}: {policy}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_serves_over_tls_by_certificate_files() {
    let bench = filled();
    let (certificate, key, authority) = tls::certificate();
    fs::write(bench.path("cert.pem"), certificate).unwrap();
    fs::write(bench.path("key.pem"), key).unwrap();
    fs::write(bench.path("ca.pem"), authority).unwrap();
    let server = Server::start_with(&bench, "--tls-cert cert.pem --tls-key key.pem");
    let options = Options {
        ca_files: vec![bench.path("ca.pem")],
        proxy: Proxy::Direct,
        ..Options::default()
    };
    let live = Live::new(&options).unwrap();
    let url = format!("https://{}/healthz", server.address).parse().unwrap();

    let answer = live.send(Request::get(url, "look")).await.unwrap();

    assert_eq!(answer.header("strict-transport-security"), Some("max-age=31536000"));
    assert_eq!(answer.bytes(100).await.unwrap(), "ok\n");
    let run = bench.run("serve --listen 127.0.0.1:0 --tls-cert cert.pem --tls-key gone.pem");
    assert_eq!(run.status, Some(2), "{}", run.stderr);
    assert!(run.stderr.contains("could not use the key `gone.pem`"), "{}", run.stderr);
}
