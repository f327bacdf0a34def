//! Files from a server to another, between servers that behave and servers that do not.

use super::fake::{Fake, Lie, oid};
use futures::stream;
use packhorse_core::{GitCredentials, GitRemote, GitUrl, HostErrorKind, Secret};
use packhorse_git::{
    Git,
    lfs::{Carried, CarryOptions, Depth, LfsError, LfsEvent, LfsRoute, LostAt, LostFile, Pointer},
};
use packhorse_net::{Live, Options, Proxy, Retry, clock::Manual, retry::Policy};
use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

/// A route between two servers, or a server and a directory.
pub(super) struct Bench {
    pub(super) from: Fake,
    pub(super) to: Fake,
    pub(super) route: LfsRoute,
    clock: Arc<Manual>,
    heard: Arc<Mutex<Vec<LfsEvent>>>,
}

fn remote(address: &str) -> GitRemote {
    let (url, _) = GitUrl::parse(&format!("{address}/a/b.git"));
    let password = Secret::new("s3cret");
    GitRemote { url, credentials: Some(GitCredentials { username: "alice".into(), password }) }
}

impl Bench {
    pub(super) async fn new() -> Self {
        let (from, to) = (Fake::start().await, Fake::start().await);
        let options = Options {
            first_byte: Duration::from_millis(700),
            idle: Duration::from_millis(700),
            proxy: Proxy::Direct,
            ..Options::default()
        };
        let clock = Arc::new(Manual::new("2026-01-01T00:00:00Z".parse().unwrap(), 0.5));
        let live = Live::new(&options).unwrap();
        let transport = Retry::new(live, Policy::default(), clock.clone(), Arc::new(()));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hears = Arc::clone(&heard);
        let route = LfsRoute {
            git: Git::find().await.unwrap(),
            transport: Arc::new(transport),
            clock: clock.clone(),
            from: remote(from.address()).into(),
            to: remote(to.address()).into(),
            options: CarryOptions::default(),
            listener: Arc::new(move |event| hears.lock().unwrap().push(event)),
        };
        Self { from, to, route, clock, heard }
    }

    async fn try_carry(&self, pointers: Vec<Pointer>) -> Result<Carried, LfsError> {
        // However a server behaves, there is an end.
        let carried = self.route.carry(stream::iter(pointers));
        tokio::time::timeout(Duration::from_secs(60), carried).await.unwrap()
    }

    async fn carry(&self, pointers: Vec<Pointer>) -> Carried {
        self.try_carry(pointers).await.unwrap()
    }
}

fn content(n: usize) -> Vec<u8> {
    format!("file {n} ").repeat(n + 1).into_bytes()
}

fn pointer(content: &[u8]) -> Pointer {
    Pointer::new(&oid(content), content.len() as u64).unwrap()
}

/// Puts files to the source; their pointers.
fn fill(fake: &Fake, n_files: usize) -> Vec<Pointer> {
    let make = |n| {
        let content = content(n);
        fake.put(&content);
        pointer(&content)
    };
    (0..n_files).map(make).collect()
}

#[tokio::test]
async fn files_travel_once_and_what_is_there_does_not() {
    let bench = Bench::new().await;
    let pointers = fill(&bench.from, 250);
    for n in 0..10 {
        bench.to.put(&content(n));
    }
    let twice = [pointers.clone(), pointers.clone()].concat();

    let first = bench.carry(twice).await;
    let second = bench.carry(pointers.clone()).await;

    let bytes = pointers[10..].iter().map(|it| it.size).sum();
    assert_eq!((first.moved, first.bytes, first.present, first.n_lost), (240, bytes, 10, 0));
    assert_eq!((second.moved, second.present), (0, 250));
    assert_eq!(bench.to.state().objects, bench.from.state().objects);
    let puts = bench.to.seen("PUT", "/o/");
    assert_eq!(puts.len(), 240);
    assert!(puts.iter().all(|it| it.headers.contains_key("content-length")));
    assert_eq!(bench.to.seen("POST", "/a/b.git/info/lfs/objects/batch").len(), 6);
    assert_eq!(bench.from.seen("POST", "/a/b.git/info/lfs/objects/batch").len(), 3);
    let moved = LfsEvent::Moved(pointers[11].clone());
    assert!(bench.heard.lock().unwrap().contains(&moved));
}

#[tokio::test]
async fn an_empty_file_travels_too() {
    let bench = Bench::new().await;
    bench.from.put(b"");

    let carried = bench.carry(vec![pointer(b"")]).await;

    assert_eq!(carried.moved, 1);
    assert_eq!(bench.to.seen("PUT", "/o/")[0].headers["content-length"], "0");
}

#[tokio::test]
async fn what_the_source_lacks_is_a_loss_and_not_a_failure() {
    let bench = Bench::new().await;
    let mut pointers = fill(&bench.from, 3);
    pointers.push(pointer(b"never pushed"));

    let carried = bench.carry(pointers.clone()).await;

    assert_eq!((carried.moved, carried.n_lost), (3, 1));
    let lost =
        LostFile { pointer: pointers[3].clone(), at: LostAt::Source, reason: "it is gone".into() };
    assert_eq!(carried.lost, [lost]);
}

#[track_caller]
fn check_lost(carried: &Carried, reason: &str) {
    assert_eq!((carried.moved, carried.n_lost), (2, 1), "{carried:?}");
    assert_eq!(carried.lost[0].at, LostAt::Damaged);
    assert!(carried.lost[0].reason.contains(reason), "{carried:?}");
}

/// Carries three files, of which the source lies about the second.
async fn carry_with(lie: Lie) -> (Bench, Carried) {
    let bench = Bench::new().await;
    let pointers = fill(&bench.from, 3);
    bench.from.state().lies.insert(pointers[1].sha256.clone(), lie);
    let carried = bench.carry(pointers).await;
    (bench, carried)
}

#[tokio::test]
async fn a_file_with_another_hash_never_arrives() {
    let wrong = content(1).to_ascii_uppercase();
    let (bench, carried) = carry_with(Lie::Content(wrong)).await;

    check_lost(&carried, "its hash is ");
    assert_eq!(bench.to.state().objects.len(), 2);
}

#[tokio::test]
async fn a_file_of_another_length_never_arrives() {
    for lie in [Lie::Content(b"short".to_vec()), Lie::Announces(10 << 30), Lie::Html] {
        let (bench, carried) = carry_with(lie).await;

        check_lost(&carried, "of 14 bytes");
        assert_eq!(bench.to.state().objects.len(), 2);
    }
}

#[tokio::test]
async fn a_file_without_end_is_cut_off() {
    let (bench, carried) = carry_with(Lie::Endless).await;

    check_lost(&carried, "more than 14 bytes");
    assert_eq!(bench.to.state().objects.len(), 2);
}

#[tokio::test]
async fn a_file_that_is_refused_is_a_loss() {
    let (_, carried) = carry_with(Lie::Status(404)).await;

    assert_eq!((carried.moved, carried.n_lost), (2, 1));
    assert_eq!(carried.lost[0].at, LostAt::Source);
}

#[tokio::test]
async fn silence_ends_in_an_error() {
    let bench = Bench::new().await;
    let pointers = fill(&bench.from, 1);
    bench.from.state().lies.insert(pointers[0].sha256.clone(), Lie::Silent);

    let error = bench.try_carry(pointers).await.unwrap_err();

    assert!(matches!(error, LfsError::Host(_)), "{error:?}");
}

#[tokio::test]
async fn pages_for_browsers_are_no_answers() {
    for is_source in [true, false] {
        let bench = Bench::new().await;
        let pointers = fill(&bench.from, 1);
        let liar = if is_source { &bench.from } else { &bench.to };
        liar.state().batch_body = Some("<!DOCTYPE html><title>Sign in</title>");

        let error = bench.try_carry(pointers).await.unwrap_err();

        assert!(matches!(error, LfsError::Protocol { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn our_credentials_go_to_our_host_alone() {
    let bench = Bench::new().await;
    let stranger = Fake::start().await;
    let pointers = fill(&bench.from, 2);
    fill(&stranger, 2);
    bench.from.state().storage = Some(stranger.address().to_owned());

    assert_eq!(bench.carry(pointers).await.moved, 2);

    let strange = stranger.seen("GET", "/o/");
    assert_eq!(strange.len(), 2);
    assert!(strange.iter().all(|it| !it.headers.contains_key("authorization")));
    assert!(strange.iter().all(|it| it.headers["x-key"] == "k"));
    let own = bench.to.seen("PUT", "/o/");
    assert!(own.iter().all(|it| it.headers["authorization"] == "Basic YWxpY2U6czNjcmV0"));
}

#[tokio::test]
async fn what_is_authenticated_already_gets_no_credentials() {
    let bench = Bench::new().await;
    let pointers = fill(&bench.from, 2);
    bench.to.state().is_authenticated = true;

    bench.carry(pointers).await;

    let puts = bench.to.seen("PUT", "/o/");
    assert!(puts.iter().all(|it| !it.headers.contains_key("authorization")));
}

#[tokio::test]
async fn a_download_that_breaks_goes_on_where_it_broke() {
    let bench = Bench::new().await;
    let large = vec![b'x'; 300_000];
    bench.from.put(&large);
    bench.from.state().breaks = 3;

    let carried = bench.carry(vec![pointer(&large)]).await;

    assert_eq!(carried.moved, 1, "{carried:?}");
    let gets = bench.from.seen("GET", "/o/");
    assert_eq!(gets.len(), 4);
    assert_eq!(gets[1].headers["range"], "bytes=150000-");
    assert_eq!(bench.to.seen("PUT", "/o/").len(), 1);
}

#[tokio::test]
async fn a_download_that_breaks_starts_over_where_there_are_no_ranges() {
    let bench = Bench::new().await;
    let large: Vec<u8> = (0..300_000_u32).map(|it| (it % 251) as u8).collect();
    bench.from.put(&large);
    bench.from.state().breaks = 2;
    bench.from.state().has_no_ranges = true;

    let carried = bench.carry(vec![pointer(&large)]).await;

    assert_eq!(carried.moved, 1, "{carried:?}");
    assert_eq!(bench.to.state().objects.len(), 1);
}

#[tokio::test]
async fn a_batch_that_is_too_large_is_halved() {
    let bench = Bench::new().await;
    let pointers = fill(&bench.from, 100);
    bench.to.state().most = Some(30);

    assert_eq!(bench.carry(pointers).await.moved, 100);

    // 100 and 50 are refused; then four of 25.
    assert_eq!(bench.to.seen("POST", "/a/b.git/info/lfs/objects/batch").len(), 6);
}

#[tokio::test]
async fn a_destination_that_is_busy_is_left_alone_for_as_long_as_it_asks() {
    let bench = Bench::new().await;
    let pointers = fill(&bench.from, 1);
    bench.to.state().batches.push_back((429, "Retry-After: 7"));
    bench.to.state().puts.push_back((429, "Retry-After: 40"));
    bench.to.state().puts.push_back((503, "X: y"));

    assert_eq!(bench.carry(pointers).await.moved, 1);

    let slept = bench.clock.slept();
    assert!(slept.iter().any(|it| it.as_secs() == 7), "{slept:?}");
    assert!(slept.contains(&Duration::from_secs(40)), "{slept:?}");
}

#[tokio::test]
async fn a_destination_in_lasting_trouble_is_an_error() {
    let bench = Bench::new().await;
    let pointers = fill(&bench.from, 1);
    bench.to.state().puts.extend([(500, "X: y"); 20]);

    let error = bench.try_carry(pointers).await.unwrap_err();

    let LfsError::Host(error) = error else { panic!("{error:?}") };
    assert_eq!(error.kind, HostErrorKind::Unavailable);
}

#[tokio::test]
async fn wrong_credentials_are_told_as_such_and_never_shown() {
    let bench = Bench::new().await;
    let pointers = fill(&bench.from, 1);
    bench.to.state().batches.extend([(401, "LFS-Authenticate: Basic realm=\"x\""); 5]);

    let error = bench.try_carry(pointers).await.unwrap_err();

    assert!(!format!("{error} {error:?}").contains("s3cret"));
    let LfsError::Host(error) = error else { panic!("{error:?}") };
    assert_eq!(error.kind, HostErrorKind::Unauthorized);
}

#[tokio::test]
async fn a_destination_without_lfs_takes_no_files() {
    for status in [404, 501] {
        let bench = Bench::new().await;
        let pointers = fill(&bench.from, 1);
        bench.to.state().batches.extend([(status, "X: y"); 5]);

        let carried = bench.carry(pointers).await;

        assert_eq!((carried.moved, carried.n_lost), (0, 1));
        assert_eq!(carried.lost[0].at, LostAt::Destination, "{carried:?}");
    }
}

#[tokio::test]
async fn a_source_without_lfs_has_lost_its_files() {
    let bench = Bench::new().await;
    let pointers = fill(&bench.from, 2);
    bench.from.state().batches.push_back((404, "X: y"));

    let carried = bench.carry(pointers).await;

    assert_eq!((carried.moved, carried.n_lost), (0, 2));
    assert!(carried.lost.iter().all(|it| it.at == LostAt::Source), "{carried:?}");
}

#[tokio::test]
async fn nothing_to_carry_asks_nobody() {
    let bench = Bench::new().await;

    assert_eq!(bench.carry(Vec::new()).await, Carried::default());

    assert!(bench.to.state().seen.is_empty() && bench.from.state().seen.is_empty());
}

#[tokio::test]
async fn what_the_destination_does_not_take_is_a_loss_of_its_own() {
    let bench = Bench::new().await;
    let pointers = fill(&bench.from, 3);
    bench.to.state().puts.push_back((413, "X: y"));
    bench.to.state().puts.push_back((507, "X: y"));

    let carried = bench.carry(pointers).await;

    assert_eq!((carried.moved, carried.n_lost), (1, 2));
    assert!(carried.lost.iter().all(|it| it.at == LostAt::Destination));
    assert!(carried.lost.iter().any(|it| it.reason == "the destination answered 413: no"));
}

#[tokio::test]
async fn uploads_are_verified_where_the_destination_wants_it() {
    let bench = Bench::new().await;
    let pointers = fill(&bench.from, 1);
    bench.to.state().verify = Some(200);

    assert_eq!(bench.carry(pointers.clone()).await.moved, 1);

    let body: serde_json::Value =
        serde_json::from_slice(&bench.to.seen("POST", "/verify")[0].body).unwrap();
    let expected = serde_json::json!({ "oid": pointers[0].sha256, "size": pointers[0].size });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn an_upload_that_is_not_found_good_is_a_loss() {
    let bench = Bench::new().await;
    let pointers = fill(&bench.from, 1);
    bench.to.state().verify = Some(422);

    let carried = bench.carry(pointers).await;

    assert_eq!((carried.moved, carried.lost[0].at), (0, LostAt::Destination));
}

#[tokio::test]
async fn rights_that_have_ended_are_asked_for_anew() {
    let bench = Bench::new().await;
    let pointers = fill(&bench.from, 1);
    bench.from.state().expiries.extend([-1, 3600]);
    bench.to.state().expiries.extend([-1, 3600]);

    assert_eq!(bench.carry(pointers).await.moved, 1);

    assert_eq!(bench.from.seen("POST", "/a/b.git/info/lfs/objects/batch").len(), 2);
    assert_eq!(bench.to.seen("POST", "/a/b.git/info/lfs/objects/batch").len(), 2);
}

/// Where git-lfs keeps a file in a bare repository.
fn stored(directory: &Path, pointer: &Pointer) -> std::path::PathBuf {
    let hash = &pointer.sha256;
    directory.join("lfs/objects").join(&hash[..2]).join(&hash[2..4]).join(hash)
}

#[tokio::test]
async fn a_directory_can_stand_at_either_end() {
    let mut bench = Bench::new().await;
    let directory = tempfile::tempdir().unwrap();
    let middle = directory.path().join("middle.git");
    let mut pointers = fill(&bench.from, 5);
    let (from, to) = (bench.route.from.clone(), bench.route.to.clone());
    bench.route.to = GitRemote::local(&middle).into();

    let there = bench.carry(pointers.clone()).await;
    assert_eq!((there.moved, bench.carry(pointers.clone()).await.present), (5, 5));
    assert_eq!(fs::read(stored(&middle, &pointers[4])).unwrap(), content(4));
    assert_eq!(fs::read_dir(middle.join("lfs/tmp")).unwrap().count(), 0);

    bench.route.from = GitRemote::local(&middle).into();
    bench.route.to = to;
    fs::write(stored(&middle, &pointers[3]), content(3).to_ascii_uppercase()).unwrap();
    pointers.push(pointer(b"never there"));
    let back = bench.carry(pointers.clone()).await;

    assert_eq!((back.moved, back.n_lost), (4, 2));
    let whose: Vec<LostAt> = back.lost.iter().map(|it| it.at).collect();
    assert!(whose.contains(&LostAt::Damaged) && whose.contains(&LostAt::Source), "{whose:?}");
    bench.route.from = from;
}

#[tokio::test]
async fn a_check_finds_what_is_missing_and_what_is_something_else() {
    let bench = Bench::new().await;
    let pointers = fill(&bench.to, 3);
    bench.to.state().objects.remove(&pointers[0].sha256);
    let lie = Lie::Content(content(1).to_ascii_uppercase());
    bench.to.state().lies.insert(pointers[1].sha256.clone(), lie);
    let found = Mutex::new(Vec::new());
    let note = |it: LostFile| found.lock().unwrap().push((it.pointer.size, it.at));

    for depth in [Depth::Presence, Depth::Content] {
        bench.route.missing(stream::iter(pointers.clone()), depth, &note).await.unwrap();
    }

    let mut found = found.into_inner().unwrap();
    found.sort_by_key(|it| it.0);
    let gone = (7, LostAt::Destination);
    assert_eq!(found, [gone, gone, (14, LostAt::Damaged)]);
}
