//! A service in a database: others work for it, others serve beside it, and each of them, or the
//! database, may go away.

use super::{Answer, Server, filled, token, until};
use crate::{
    bench::{Bench, terminate},
    killed,
    postgres::Database,
};
use packhorse_fakes::{Fake, Options, sample};
use packhorse_testkit::bucket::Bucket;
use serde_json::{Value, json};
use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    process::Child,
    thread,
    time::Duration,
};

/// Settings of all processes: the key, and a way into this machine.
fn configure(bench: &Bench) {
    let text = "[serve]\nkey = { file = \"key\" }\n[serve.network]\nallow = [\"127.0.0.0/8\"]\n";
    fs::write(bench.path("packhorse.toml"), text).unwrap();
    fs::write(bench.path("key"), format!("{}\n", "0f".repeat(32))).unwrap();
    fs::set_permissions(bench.path("key"), Permissions::from_mode(0o600)).unwrap();
}

/// Options by which a process is at that database, with its files in that directory.
fn at(database: &Database, directory: &str) -> String {
    format!("--journal-url {} --journal {directory}", database.url())
}

fn worker(bench: &Bench, database: &Database, directory: &str) -> Child {
    bench.start(&format!("worker --lease 1 {}", at(database, directory)))
}

fn end(mut child: Child) {
    drop(child.kill());
    child.wait().unwrap();
}

fn ask(server: &Server, token: &str, method: &str, target: &str, body: &Value) -> Answer {
    let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let head = format!(
        "Authorization: Bearer {token}\r\nContent-Type: application/json\r\nAccept: */*\r\n"
    );
    server.ask(method, target, &head, &bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_service_accepts_a_worker_elsewhere_runs_and_another_service_tells() {
    let Some(database) = Database::filled("") else { return };
    let fake = Fake::of(packhorse_fakes::stand_in("gitlab").unwrap(), Options::default());
    let fake = fake.await.unwrap();
    sample::fill(&fake).await.unwrap();
    let bench = Bench::new();
    configure(&bench);
    let first = Server::start_with(&bench, &format!("--workers 0 {}", at(&database, ".packhorse")));
    let second = Server::start_with(&bench, &format!("--workers 0 {}", at(&database, "second")));
    let token = token(&bench, &format!("--user alice {}", at(&database, "elsewhere")));
    let entity = json!({
        "source_full_path": "acme",
        "source_type": "group_entity",
        "destination_slug": "moved",
        "destination_namespace": "",
    });
    let body = json!({
        "configuration": {"url": fake.url(), "access_token": Options::TOKEN},
        "entities": [entity],
    });

    let made = ask(&first, &token, "POST", "/api/v4/bulk_imports", &body);

    assert_eq!(made.status, 201, "{}", made.text());
    let sealed = "SELECT count(sealed), count(*) FILTER (WHERE position(convert_to('TOKEN', 'UTF8')
         IN sealed) > 0 OR body LIKE '%TOKEN%' OR spec LIKE '%TOKEN%') FROM parts";
    let sealed = database.psql(&sealed.replace("TOKEN", Options::TOKEN));
    assert!(!sealed.starts_with("0|") && sealed.trim().ends_with("|0"), "{sealed}");
    let mut worker = worker(&bench, &database, "elsewhere");
    let one = format!("/api/v4/bulk_imports/{}", made.json()["id"]);
    let ended = until("the end of a migration", || {
        let told = ask(&second, &token, "GET", &one, &Value::Null);
        assert_eq!(told.status, 200, "{}", told.text());
        let told = told.json();
        (!["created", "started"].contains(&told["status"].as_str().unwrap())).then_some(told)
    });
    assert_eq!(ended["status"], "finished", "{ended}\n{}", first.log());
    // The one who carried it forgets the token after it has said how it ended.
    until("the token to be forgotten", || {
        (database.psql("SELECT count(sealed) FROM parts").trim() == "0").then_some(())
    });
    assert!(bench.path(".packhorse/store").is_dir(), "where the first service has its store");
    assert_eq!(terminate(&mut worker), Some(0));
    drop((first, second));
}

const LIST: &str = "/orgs/acme/migrations";

/// A bench whose store has a repository that takes a while, and an archive of it made in peace.
fn with_much() -> Bench {
    let bench = Bench::new();
    configure(&bench);
    killed::save_many(&bench);
    bench.ok("migrate github-archive:many.tar.gz local:.packhorse/store --no-verify");
    bench.ok("export local:.packhorse/store github-archive:peace.tar.gz --journal peace");
    bench
}

fn start(server: &Server, token: &str) -> u64 {
    let made = ask(server, token, "POST", LIST, &json!({"repositories": ["widgets"]}));
    assert_eq!(made.status, 201, "{}", made.text());
    made.json()["id"].as_u64().unwrap()
}

fn state(server: &Server, token: &str, id: u64) -> String {
    let told = ask(server, token, "GET", &format!("{LIST}/{id}"), &Value::Null);
    assert_eq!(told.status, 200, "{}", told.text());
    told.json()["state"].as_str().unwrap().to_owned()
}

fn await_state(server: &Server, token: &str, id: u64, wanted: &str) {
    until(wanted, || {
        let state = state(server, token, id);
        assert!(wanted == "failed" || state != "failed", "{}", server.log());
        (state == wanted || state == "exported").then_some(())
    });
}

/// The archive that the service made is the one that was made in peace.
fn check_archive(bench: &Bench) {
    let mut made: Vec<_> = fs::read_dir(bench.path(".packhorse/archives")).unwrap().collect();
    assert_eq!(made.len(), 1, "{made:?}");
    let name = made.remove(0).unwrap().file_name().to_string_lossy().into_owned();
    let archive = format!("github-archive:.packhorse/archives/{name}");
    let compared = bench.ok(&format!("compare github-archive:peace.tar.gz {archive}"));
    assert!(compared.contains("0 differ, 0 are missing, 0 are extra"), "{compared}");
}

#[test]
fn a_service_and_a_worker_are_killed_in_mid_job_and_others_go_on() {
    let Some(database) = Database::filled("") else { return };
    let bench = with_much();
    let here = at(&database, ".packhorse");
    let mut server = Server::start_with(&bench, &format!("--lease 1 --workers 1 {here}"));
    let alice = token(&bench, &format!("--user alice {here}"));

    let id = start(&server, &alice);
    await_state(&server, &alice, id, "exporting");
    server.kill();
    let first = worker(&bench, &database, "one");
    let waits = "SELECT epoch FROM leases WHERE worker IS NOT NULL";
    until("a worker has it", || {
        let epoch = database.psql(waits);
        epoch.trim().parse().is_ok_and(|it: u32| it > 1).then_some(())
    });
    thread::sleep(Duration::from_millis(200));
    end(first);
    let second = worker(&bench, &database, "two");
    let server = Server::start_with(&bench, &format!("--lease 1 --workers 0 {here}"));
    await_state(&server, &alice, id, "exported");
    end(second);

    check_archive(&bench);
    let jobs = database.psql("SELECT count(*), max(state) FROM jobs");
    assert_eq!(jobs.trim(), "1|finished");
}

#[test]
fn an_archive_for_a_store_is_made_anew_where_its_worker_left_nothing() {
    let Some(database) = Database::filled("") else { return };
    let bucket = Bucket::start("acme").unwrap();
    let bench = with_much().with_variables(bucket.variables());
    let settings = fs::read_to_string(bench.path("packhorse.toml")).unwrap();
    let archives = format!("[serve]\narchives = \"{}\"", bucket.address("team"));
    let settings = settings.replacen("[serve]", &archives, 1);
    fs::write(bench.path("packhorse.toml"), settings).unwrap();
    let here = at(&database, ".packhorse");
    let server = Server::start_with(&bench, &format!("--lease 1 --workers 0 {here}"));
    let alice = token(&bench, &format!("--user alice {here}"));

    let id = start(&server, &alice);
    let first = worker(&bench, &database, "one");
    until("the archive is begun", || {
        let made = fs::read_dir(bench.path("one/archives/making")).ok()?.next()?.ok()?;
        (fs::read_dir(made.path()).ok()?.count() > 0).then_some(())
    });
    end(first);
    let second = worker(&bench, &database, "two");
    await_state(&server, &alice, id, "exported");
    end(second);

    let keys = bucket.keys();
    assert!(keys.len() == 1 && keys[0].ends_with(".2.tar.gz"), "{keys:?}");
    fs::write(bench.path("made.tar.gz"), bucket.object(&keys[0]).unwrap().bytes).unwrap();
    let compared = bench.ok("compare github-archive:peace.tar.gz github-archive:made.tar.gz");
    assert!(compared.contains("0 differ, 0 are missing, 0 are extra"), "{compared}");
    let jobs = database.psql("SELECT string_agg(state, ' ' ORDER BY id) FROM jobs");
    assert_eq!(jobs.trim(), "cancelled finished");
}

#[test]
fn a_database_goes_away_and_comes_back_with_everything() {
    let Some(database) = Database::alone() else { return };
    let bench = with_much();
    let here = at(&database, ".packhorse");
    let server = Server::start_with(&bench, &format!("--lease 1 {here}"));
    let alice = token(&bench, &format!("--user alice --scope admin {here}"));
    let id = start(&server, &alice);
    await_state(&server, &alice, id, "exporting");

    database.stop();
    let exports = "/rest/api/1.0/migration/exports";
    let export = json!({"repositoriesRequest": {"includes": [
        {"projectKey": "*", "slug": "*"}]}});
    for (method, target, body, words) in [
        ("GET", LIST, Value::Null, "Service unavailable"),
        ("POST", LIST, json!({"repositories": ["widgets"]}), "Service unavailable"),
        ("GET", "/api/v4/bulk_imports", Value::Null, "503 Service Unavailable"),
        ("POST", exports, export, "temporarily unavailable"),
        ("GET", "/api/v1/jobs", Value::Null, "cannot answer now"),
        ("GET", "/readyz", Value::Null, "does not answer"),
    ] {
        let answer = ask(&server, &alice, method, target, &body);
        assert_eq!(answer.status, 503, "{method} {target}: {}", answer.text());
        assert!(answer.text().contains(words), "{target}: {}", answer.text());
    }
    assert_eq!(server.ask("GET", "/healthz", "", b"").status, 200);
    database.go_on();

    await_state(&server, &alice, id, "exported");
    check_archive(&bench);
    assert_eq!(server.ask("GET", "/readyz", "", b"").status, 200);
    let all = ask(&server, &alice, "GET", LIST, &Value::Null).json();
    assert_eq!(all.as_array().unwrap().len(), 1, "what was refused is not there: {all}");
}

#[test]
fn a_worker_and_a_service_without_the_key_are_refused() {
    let Some(database) = Database::filled("") else { return };
    let bench = filled();
    configure(&bench);
    bench.ok(&format!("token create --user alice {}", at(&database, ".packhorse")));
    let other = fs::read_to_string(bench.path("key")).unwrap().replace('f', "e");
    fs::write(bench.path("other"), other).unwrap();
    fs::set_permissions(bench.path("other"), Permissions::from_mode(0o600)).unwrap();

    for (settings, words) in [
        ("[serve]\n", "the key of the service that uses this database is not here"),
        ("[serve]\nkey = { file = \"other\" }\n", "belongs to a service with another key"),
    ] {
        fs::write(bench.path("packhorse.toml"), settings).unwrap();
        for command in ["worker --once", "serve --listen 127.0.0.1:0", "token list"] {
            let ran = bench.run(&format!("{command} {}", at(&database, "other-place")));
            assert_ne!(ran.status, Some(0), "{ran}");
            assert!(ran.stderr.contains(words), "{ran}");
        }
    }
    assert!(!bench.path("other-place/service.key").exists());
}
