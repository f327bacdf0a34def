//! How the service is run: started, looked after, stopped, killed.

use super::{Server, filled, token, until};
use crate::bench::Bench;
use std::{io::Write as _, net::TcpStream};

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
