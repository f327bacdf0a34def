//! Archives in an object store.

use super::{Answer, Server, filled, token, until};
use crate::bench::Bench;
use packhorse_testkit::bucket::Bucket;
use serde_json::{Value, json};
use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
};

const LIST: &str = "/orgs/acme/migrations";

/// A bench whose service keeps archives at an address.
fn keeping(archives: &str, more: &str) -> Bench {
    let bench = filled();
    let text = format!("[serve]\narchives = \"{archives}\"\n{more}");
    fs::write(bench.path("packhorse.toml"), text).unwrap();
    bench
}

fn ask(server: &Server, token: &str, method: &str, target: &str, body: &Value) -> Answer {
    let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let head = format!("Authorization: Bearer {token}\r\nContent-Type: application/json\r\n");
    server.ask(method, target, &head, &bytes)
}

/// Has an archive made; where the migration is, and in which state it ended.
fn made(server: &Server, token: &str) -> (String, String) {
    let started = ask(server, token, "POST", LIST, &json!({"repositories": ["widgets"]}));
    assert_eq!(started.status, 201, "{}", started.text());
    let one = format!("{LIST}/{}", started.json()["id"]);
    let state = until("the end of a migration", || {
        let told = ask(server, token, "GET", &one, &Value::Null).json();
        let state = told["state"].as_str().unwrap().to_owned();
        (state == "exported" || state == "failed").then_some(state)
    });
    (one, state)
}

/// What is at an address of loopback: the status line, and the body.
fn fetch(address: &str) -> (String, Vec<u8>) {
    let (host, path) = address.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let head = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let end = bytes.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
    let line = String::from_utf8_lossy(&bytes[..end]).lines().next().unwrap().to_owned();
    (line, bytes[end + 4..].to_vec())
}

/// What is left of making archives.
fn drafts(bench: &Bench) -> usize {
    fs::read_dir(bench.path(".packhorse/archives/making")).map_or(0, Iterator::count)
}

#[test]
fn an_archive_goes_into_the_store_and_is_fetched_from_there() {
    let bucket = Bucket::start("acme").unwrap();
    let bench = keeping(&bucket.address("team"), "").with_variables(bucket.variables());
    let server = Server::start(&bench);
    let alice = token(&bench, "--user alice");

    let (one, state) = made(&server, &alice);

    assert_eq!(state, "exported", "{}\n{}", bench.ok("status"), server.log());
    let keys = bucket.keys();
    assert!(keys.len() == 1 && keys[0].starts_with("team/"), "{keys:?}");
    let archive = format!("{one}/archive");
    let answer = ask(&server, &alice, "GET", &archive, &Value::Null);
    assert_eq!(answer.status, 302);
    let address = answer.header("location").unwrap();
    assert!(address.starts_with(&format!("{}/acme/{}?", bucket.endpoint(), keys[0])), "{address}");
    assert!(address.contains("X-Amz-Expires=300") && !address.contains(Bucket::SECRET));
    assert_eq!(answer.text(), address);
    let (line, body) = fetch(address);
    assert_eq!(line, "HTTP/1.1 200 OK");
    fs::write(bench.path("down.tar.gz"), &body).unwrap();
    bench.ok("migrate github-archive:down.tar.gz local:second");
    until("nothing of making it is left", || (drafts(&bench) == 0).then_some(()));
    let jobs = ask(&server, &alice, "GET", "/api/v1/jobs", &Value::Null).text();
    assert!(jobs.contains(&format!("s3://acme/{}", keys[0])), "{jobs}");

    assert_eq!(ask(&server, &alice, "DELETE", &archive, &Value::Null).status, 204);
    assert!(bucket.keys().is_empty());
    assert_eq!(ask(&server, &alice, "GET", &archive, &Value::Null).status, 404);
    assert_eq!(ask(&server, &alice, "DELETE", &archive, &Value::Null).status, 404);
    assert_eq!(fetch(address).0, "HTTP/1.1 404 Not Found");
    assert!(!server.log().contains(Bucket::SECRET));
}

#[test]
fn an_archive_whose_days_are_over_is_removed_from_the_store() {
    let bucket = Bucket::start("acme").unwrap();
    let bench =
        keeping(&bucket.address("team"), "archive-days = 0\n").with_variables(bucket.variables());
    let mut server = Server::start(&bench);
    let alice = token(&bench, "--user alice");
    let (one, state) = made(&server, &alice);
    assert_eq!(state, "exported", "{}", server.log());
    // The service has seen its end then.
    until("nothing of making it is left", || (drafts(&bench) == 0).then_some(()));
    server.kill();

    // Housekeeping begins with the service.
    let server = Server::start(&bench);

    until("the archive is removed", || bucket.keys().is_empty().then_some(()));
    until("the service knows it", || {
        let answer = ask(&server, &alice, "GET", &format!("{one}/archive"), &Value::Null);
        (answer.status == 404).then_some(())
    });
}

#[test]
fn a_store_that_refuses_fails_the_migration_and_says_why() {
    let bucket = Bucket::start("acme").unwrap();
    let bench = keeping("s3://nothing/there", "").with_variables(bucket.variables());
    let server = Server::start(&bench);
    let alice = token(&bench, "--user alice");

    let (one, state) = made(&server, &alice);

    assert_eq!(state, "failed");
    let archive = ask(&server, &alice, "GET", &format!("{one}/archive"), &Value::Null);
    assert_eq!(archive.status, 404);
    let told = bench.ok("status");
    assert!(told.contains("the bucket \"nothing\" at http://127.0.0.1"), "{told}");
    assert!(told.contains("NoSuchBucket"), "{told}");
}

#[test]
fn what_the_store_cannot_sign_the_service_sends_itself() {
    let bench = filled();
    let shared = format!("file://{}", bench.path("shared").display());
    fs::write(bench.path("packhorse.toml"), format!("[serve]\narchives = \"{shared}\"\n")).unwrap();
    let server = Server::start(&bench);
    let alice = token(&bench, "--user alice");

    let (one, state) = made(&server, &alice);

    assert_eq!(state, "exported", "{}", server.log());
    let answer = ask(&server, &alice, "GET", &format!("{one}/archive"), &Value::Null);
    let address = answer.header("location").unwrap();
    let target = &address[address.find("/_archives/").unwrap()..];
    let whole = server.ask("GET", target, "", b"");
    assert_eq!(whole.status, 200);
    let made = fs::read_dir(bench.path("shared")).unwrap().next().unwrap().unwrap().path();
    assert!(whole.body == fs::read(made).unwrap());
    let rest = server.ask("GET", target, "Range: bytes=10-\r\n", b"");
    assert_eq!((rest.status, rest.body == whole.body[10..]), (206, true));
    let past = server.ask("GET", target, "Range: bytes=99999999999-\r\n", b"");
    assert_eq!(past.status, 416);
}

#[test]
fn a_store_that_cannot_be_opened_is_told_at_the_start() {
    for (archives, words) in [
        ("s3://acme", "has no TLS"),
        ("ftp://acme", "s3://, az://, gs:// or file:///"),
        ("s3://key:s3cr3t@acme", "credentials stand in the environment"),
    ] {
        let bench = keeping(archives, "").with_variables([
            ("AWS_ENDPOINT_URL".to_owned(), "http://minio.example".to_owned()),
            ("AWS_ACCESS_KEY_ID".to_owned(), "a".to_owned()),
            ("AWS_SECRET_ACCESS_KEY".to_owned(), "b".to_owned()),
        ]);
        let ran = bench.run("serve --listen 127.0.0.1:0");
        assert_ne!(ran.status, Some(0), "{ran}");
        assert!(ran.stderr.contains(words) && !ran.stderr.contains("s3cr3t"), "{ran}");
    }
}
