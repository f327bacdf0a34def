//! Repositories over HTTP, with the servers that there are.

use crate::{
    Pair,
    server::{Manner, Server},
};
use futures::TryStreamExt;
use packhorse_core::{GitRemote, GitUrl, model::ObjectFormat};
use packhorse_git::{
    GitError, RefPolicy, TransferOptions, Transferred, bundle,
    progress::{Listener, Phase},
    refs, repository, transfer,
};
use std::sync::{Arc, Mutex};

const KEY: &str = "Basic bWU6czNjcmV0";

pub(crate) fn options(pair: &Pair) -> TransferOptions {
    TransferOptions::new(RefPolicy::MIRROR, pair.path("scratch"))
}

pub(crate) fn remote(text: &str) -> GitRemote {
    let (url, credentials) = GitUrl::parse(text);
    GitRemote { url, credentials }
}

pub(crate) async fn carry(pair: &Pair, from: &str, to: &str) -> Result<Transferred, GitError> {
    transfer(&pair.git, &remote(from), &remote(to), &options(pair)).await
}

/// A source with two branches and many small files, and an empty destination.
async fn pair(format: ObjectFormat) -> Pair {
    let pair = Pair::new(format).await;
    repository::init_bare(&pair.path("to.git"), format).unwrap();
    for n in 0..20 {
        pair.commit("from.git", "main", &format!("{n} {}", "text ".repeat(1_000))).await;
    }
    pair.commit("from.git", "side", "side").await;
    pair
}

#[track_caller]
fn check_same(pair: &Pair, fsck: &[String]) {
    let refs = |name| std::fs::read_to_string(pair.path(name)).unwrap();
    assert_eq!(refs("from.git/refs/heads/main"), refs("to.git/refs/heads/main"));
    assert_eq!(refs("from.git/refs/heads/side"), refs("to.git/refs/heads/side"));
    assert_eq!(fsck, <[String]>::as_ref(&[]));
}

async fn check_carried(from: Manner, to: Manner, format: ObjectFormat) {
    let pair = pair(format).await;
    let root = pair.directory.path();
    let (source, sink) = (Server::start(root, from).await, Server::start(root, to).await);
    let (from, to) = (format!("{}/from.git", source.url), format!("{}/to.git", sink.url));

    let first = carry(&pair, &from, &to).await.unwrap();
    pair.commit("from.git", "main", "more").await;
    let second = carry(&pair, &from, &to).await.unwrap();
    let third = carry(&pair, &from, &to).await.unwrap();

    assert_eq!((first.created, first.refused.len()), (2, 0));
    assert_eq!((second.updated, second.unchanged, second.refused.len()), (1, 1, 0));
    assert_eq!(third.unchanged, 2);
    check_same(&pair, &repository::fsck(&pair.git, &pair.path("to.git")).await.unwrap());
}

#[tokio::test]
async fn a_repository_flows_from_server_to_server() {
    check_carried(Manner::default(), Manner::default(), ObjectFormat::Sha1).await;
}

#[tokio::test]
async fn sha_256_flows_too() {
    check_carried(Manner::default(), Manner::default(), ObjectFormat::Sha256).await;
}

#[tokio::test]
async fn servers_without_protocol_2_serve_as_well() {
    let old = Manner { is_old: true, ..Manner::default() };
    check_carried(old, old, ObjectFormat::Sha1).await;
}

async fn check_dated_backwards(from: Manner, knows_filters: bool) {
    let pair = pair(ObjectFormat::Sha1).await;
    let filters =
        ["config", "uploadpack.allowFilter", &knows_filters.to_string()].map(str::to_owned);
    pair.git.inside(&pair.path("from.git"), filters).run(&[]).await.unwrap();
    let root = pair.directory.path();
    let (source, sink) =
        (Server::start(root, from).await, Server::start(root, Manner::default()).await);
    let (from, to) = (format!("{}/from.git", source.url), format!("{}/to.git", sink.url));
    carry(&pair, &from, &to).await.unwrap();
    let refs = |name: &str| std::fs::read_to_string(pair.path(name)).unwrap();
    let old = refs("from.git/refs/heads/side");
    for text in ["two", "three", "four"] {
        pair.commit_at(1_600_000_000, "from.git", "side", text).await;
    }
    let new = refs("from.git/refs/heads/side");

    let forward = carry(&pair, &from, &to).await.unwrap();
    std::fs::write(pair.path("from.git/refs/heads/side"), &old).unwrap();
    let back = carry(&pair, &from, &to).await.unwrap();

    assert_eq!((forward.updated, forward.refused.len()), (1, 0));
    assert_eq!((back.updated, back.refused.len()), (0, 1), "{back:?}");
    assert_eq!(refs("to.git/refs/heads/side"), new);
    assert_eq!(pair.path("scratch").read_dir().unwrap().count(), 0, "nothing is left behind");
}

#[tokio::test]
async fn a_history_whose_dates_run_backwards_is_no_rewound_one() {
    check_dated_backwards(Manner::default(), true).await;
}

#[tokio::test]
async fn nor_is_it_at_a_server_that_cannot_leave_out_files() {
    check_dated_backwards(Manner::default(), false).await;
}

#[tokio::test]
async fn nor_is_it_at_a_server_without_protocol_2() {
    check_dated_backwards(Manner { is_old: true, ..Manner::default() }, true).await;
}

#[tokio::test]
async fn a_destination_that_wants_a_length_gets_it() {
    let strict = Manner { wants_length: true, ..Manner::default() };
    check_carried(Manner::default(), strict, ObjectFormat::Sha1).await;
}

#[tokio::test]
async fn an_end_that_is_too_busy_is_waited_for_as_long_as_it_says() {
    let busy = Manner { busy: 5, ..Manner::default() };
    check_carried(busy, busy, ObjectFormat::Sha1).await;
}

#[tokio::test]
async fn a_source_that_hands_out_files_is_mirrored_and_the_mirror_is_kept() {
    let pair = pair(ObjectFormat::Sha1).await;
    pair.git.inside(&pair.path("from.git"), ["update-server-info"]).run(&[]).await.unwrap();
    let dumb = Manner { is_dumb: true, ..Manner::default() };
    let source = Server::start(pair.directory.path(), dumb).await;
    let to = pair.path("to.git");
    std::fs::create_dir(pair.path("scratch")).unwrap();

    let from = format!("{}/from.git", source.url);
    let carried = carry(&pair, &from, to.to_str().unwrap()).await.unwrap();
    let asked = source.seen().len();
    let again = carry(&pair, &from, to.to_str().unwrap()).await.unwrap();

    assert_eq!((carried.created, again.unchanged), (2, 2));
    let asked_again = source.seen().len() - asked;
    assert!(asked_again < asked, "{asked_again} requests after {asked}: {:?}", source.seen());
    check_same(&pair, &repository::fsck(&pair.git, &to).await.unwrap());
}

#[tokio::test]
async fn credentials_are_shown_to_who_wants_them_and_a_redirect_is_followed_once() {
    let pair = pair(ObjectFormat::Sha1).await;
    let manner = Manner { key: Some(KEY), has_moved: true, ..Manner::default() };
    let server = Server::start(pair.directory.path(), manner).await;
    let with = |path: &str| format!("{}/{path}", server.url.replace("://", "://me:s3cret@"));

    let refused = carry(&pair, &format!("{}/from.git", server.url), "/nonexistent/x.git").await;
    let carried = carry(&pair, &with("moved/from.git"), &with("moved/to.git")).await.unwrap();

    assert!(matches!(refused, Err(GitError::Unauthorized { .. })), "{refused:?}");
    assert_eq!(carried.created, 2);
    let posts_to_moved = server.seen().iter().filter(|it| it.starts_with("POST /moved")).count();
    assert_eq!(posts_to_moved, 0);
}

#[tokio::test]
async fn an_answer_that_comes_early_is_read() {
    let pair = pair(ObjectFormat::Sha1).await;
    // Incompressible, so that the answer comes while the pack still flows.
    let mut state = 1u64;
    let mut noise = String::new();
    for _ in 0..2_000_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        noise.push(char::from(b'a' + (state >> 60) as u8));
    }
    pair.commit("from.git", "main", &noise).await;
    let small = Manner { at_most: Some(100_000), ..Manner::default() };
    let sink = Server::start(pair.directory.path(), small).await;

    let from = pair.path("from.git");
    let to = format!("{}/to.git", sink.url);
    let carried = carry(&pair, from.to_str().unwrap(), &to).await.unwrap();

    assert_eq!((carried.created, carried.refused.len()), (1, 1));
    assert!(carried.refused[0].reason.contains("413"), "{:?}", carried.refused);
    assert!(!pair.path("to.git/refs/heads/main").exists());
    let there = refs::list(&pair.git, &remote(&to)).await.unwrap();
    assert_eq!(there.refs.len(), 1, "{there:?}");
}

#[tokio::test]
async fn what_somebody_moved_is_told_from_what_goes_on_without_objects() {
    let pair = pair(ObjectFormat::Sha1).await;
    let server = Server::start(pair.directory.path(), Manner::default()).await;
    let old =
        Server::start(pair.directory.path(), Manner { is_old: true, ..Manner::default() }).await;
    let to = format!("{}/to.git", server.url);
    carry(&pair, &format!("{}/from.git", server.url), &to).await.unwrap();

    for source in [&server, &old] {
        let from = format!("{}/from.git", source.url);
        pair.commit("from.git", "main", &format!("ours {}", source.url)).await;
        pair.commit("from.git", "side", &format!("ours {}", source.url)).await;
        pair.commit("to.git", "main", &format!("somebody's {}", source.url)).await;
        let carried = carry(&pair, &from, &to).await.unwrap();

        assert_eq!((carried.updated, carried.refused.len()), (1, 1));
        assert_eq!(carried.refused[0].name, "refs/heads/main");
    }
}

#[tokio::test]
async fn refs_are_listed_without_the_program() {
    let pair = pair(ObjectFormat::Sha1).await;
    let server = Server::start(pair.directory.path(), Manner::default()).await;

    let list = refs::list(&pair.git, &remote(&format!("{}/from.git", server.url))).await.unwrap();
    let absent = refs::list(&pair.git, &remote(&format!("{}/no.git", server.url))).await;

    assert_eq!(list.head.as_deref(), Some("refs/heads/main"));
    assert_eq!(list.refs.len(), 2);
    assert!(matches!(absent, Err(GitError::NoRepository { .. })), "{absent:?}");
}

#[tokio::test]
async fn how_far_it_is_can_be_heard() {
    let pair = pair(ObjectFormat::Sha1).await;
    let server = Server::start(pair.directory.path(), Manner::default()).await;
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ear = Arc::clone(&heard);
    let listener = Listener::new(move |it| ear.lock().unwrap().push(it));
    let [from, to] = ["from.git", "to.git"].map(|it| remote(&format!("{}/{it}", server.url)));

    let options = TransferOptions { listener, ..options(&pair) };
    transfer(&pair.git, &from, &to, &options).await.unwrap();

    let heard = heard.lock().unwrap();
    let first = heard.iter().find(|it| it.phase == Phase::Transferring).unwrap();
    assert!(heard[0].phase == Phase::Counting && first.bytes > 0, "{heard:?}");
}

#[tokio::test]
async fn a_bundle_is_written_while_it_flows() {
    for format in [ObjectFormat::Sha1, ObjectFormat::Sha256] {
        let pair = pair(format).await;
        let server = Server::start(pair.directory.path(), Manner::default()).await;
        let from = remote(&format!("{}/from.git", server.url));

        let nobody = Listener::default();
        let flowing = bundle::stream(&pair.git, &from, &RefPolicy::MIRROR, &nobody).await.unwrap();
        let (header, bytes) = flowing.unwrap();
        let whole: Vec<_> = bytes.try_collect().await.unwrap();
        let file = pair.path("a.bundle");
        std::fs::write(&file, whole.concat()).unwrap();

        assert_eq!(header.refs.refs.len(), 2);
        let out = pair.path("out.git");
        bundle::unbundle(&pair.git, &file, &out, header.refs.head.as_deref()).await.unwrap();
        let found = refs::list(&pair.git, &GitRemote::local(&out)).await.unwrap();
        assert_eq!(found, header.refs);
        assert_eq!(repository::fsck(&pair.git, &out).await.unwrap(), Vec::<String>::new());
    }
}
