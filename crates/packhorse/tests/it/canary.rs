//! Tokens with a value that can be recognized are nowhere but in the requests that they are for.

use crate::{
    bench::Bench,
    matrix::{named, place::Place},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use packhorse_fakes::{
    Fake,
    fault::{Faults, Weather},
    sample,
};
use std::{fs, io::Read as _, path::Path};

const SOURCE: &str = "canary-of-the-source-7Qx2";
const TARGET: &str = "canary-of-the-target-9Zk4";

/// Every form in which a token may turn up.
fn forms() -> Vec<String> {
    let of = |token: &str| {
        let basic = |user: &str, password: &str| STANDARD.encode(format!("{user}:{password}"));
        [token.to_owned(), basic("alice", token), basic("x-token-auth", token), basic(token, "")]
    };
    [SOURCE, TARGET].into_iter().flat_map(of).collect()
}

#[track_caller]
fn check(place: &str, bytes: &[u8]) {
    for form in forms() {
        let is_there = bytes.windows(form.len()).any(|it| it == form.as_bytes());
        assert!(!is_there, "{place} has a token in it");
    }
}

/// What a file holds, unpacked where it is packed.
fn unpacked(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    let mut all = bytes.clone();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut all).unwrap();
    } else if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        all.extend(zstd::stream::decode_all(&bytes[..]).unwrap());
    }
    all
}

fn check_files(directory: &Path) -> usize {
    let mut count = 0;
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            count += check_files(&path);
        } else if path.is_file() {
            check(&path.display().to_string(), &unpacked(&path));
            count += 1;
        }
    }
    count
}

/// A location with its token written into it.
fn location(place: &Place, token: &str) -> String {
    let fake = place.fake().unwrap();
    let at = fake.url().replacen("://", &format!("://alice:{token}@"), 1);
    format!("{}:{at}/acme", place.spec.id)
}

/// What a host was sent, but for headers.
fn check_sent(fake: &Fake, token: &str) {
    for exchange in fake.take_log() {
        let sent = [exchange.target.as_bytes(), &exchange.body].concat();
        let is_there = sent.windows(token.len()).any(|it| it == token.as_bytes());
        assert!(!is_there, "{} {} has a token in it", exchange.method, exchange.target);
    }
}

/// Everything that a person can ask of a route, well and ill.
async fn check_route(from: &str, to: &str) {
    let bench = Bench::new();
    let one = Place::new(named(from), Path::new(""), SOURCE).await;
    let other = Place::new(named(to), Path::new(""), TARGET).await;
    sample::fill(one.fake().unwrap()).await.unwrap();
    other.invite();
    for place in [&one, &other] {
        let faults = Faults { weather: Weather::Some, ..Faults::default() };
        place.fake().unwrap().set_faults(faults);
    }
    let (source, target) = (location(&one, SOURCE), location(&other, TARGET));
    let (wrong_source, wrong_target) = (location(&one, TARGET), location(&other, SOURCE));

    for command in [
        format!("plan {source} {target} --json"),
        format!("migrate {source} {wrong_target}"),
        format!("migrate {wrong_source} {target}"),
        format!("migrate {source} {target} --json --progress json"),
        format!("migrate {source} {target} --progress plain"),
        format!("inventory {source}"),
        format!("compare {source} {target}"),
        format!("export {source} packhorse-archive:acme.packhorse"),
        format!("export {source} github-archive:acme.tar.gz"),
        format!("migrate {source} local:store"),
        "status --json".to_owned(),
        "report 1".to_owned(),
        "report 2 --format json".to_owned(),
        "report 3 --format csv".to_owned(),
        "report 3 --format html".to_owned(),
        "resume 1".to_owned(),
        "verify 3".to_owned(),
        "rollback 3 --dry-run".to_owned(),
    ] {
        let ran = bench.run(&command);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        check(command.split(' ').next().unwrap(), said.as_bytes());
    }

    assert!(bench.path("acme.tar.gz").exists() && bench.path("acme.packhorse").exists());
    assert!(check_files(&bench.path("")) > 10, "there is something to look through");
    check_sent(one.fake().unwrap(), TARGET);
    check_sent(other.fake().unwrap(), SOURCE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_nowhere_between_gitea_and_bitbucket() {
    check_route("gitea", "bitbucket-cloud").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_nowhere_between_bitbucket_and_gitea() {
    check_route("bitbucket-server", "gitea").await;
}

#[test]
fn a_token_that_is_there_is_found() {
    for form in forms() {
        let text = format!("so: {form}!");
        assert!(std::panic::catch_unwind(|| check("a text", text.as_bytes())).is_err());
    }
}
