//! Refs that hosts make themselves, and commits that no branch leads to.

use crate::{
    Pair,
    http::{options, remote},
    server::{Manner, Server},
};
use packhorse_core::{GitRemote, model::ObjectFormat};
use packhorse_git::{RefPolicy, TransferOptions, Transferred, refs, repository, transfer};
use std::fs;

const KEPT: &str = "refs/packhorse/change-requests/7/head";

/// A source with a change request whose branch is gone, and an empty destination.
async fn pair() -> Pair {
    let pair = Pair::new(ObjectFormat::Sha1).await;
    repository::init_bare(&pair.path("to.git"), ObjectFormat::Sha1).unwrap();
    pair.commit("from.git", "main", "one").await;
    pair.commit("from.git", "fork", "two").await;
    fs::create_dir_all(pair.path("from.git/refs/pull/7")).unwrap();
    fs::rename(pair.path("from.git/refs/heads/fork"), pair.path("from.git/refs/pull/7/head"))
        .unwrap();
    pair
}

fn between(pair: &Pair) -> TransferOptions {
    TransferOptions { policy: RefPolicy::between("github", "gitea"), ..options(pair) }
}

async fn carry(pair: &Pair, options: &TransferOptions) -> Transferred {
    let server = Server::start(pair.directory.path(), Manner::default()).await;
    let [from, to] = ["from.git", "to.git"].map(|it| remote(&format!("{}/{it}", server.url)));
    transfer(&pair.git, &from, &to, options).await.unwrap()
}

async fn names(pair: &Pair) -> Vec<String> {
    let list = refs::list(&pair.git, &GitRemote::local(&pair.path("to.git"))).await.unwrap();
    list.refs.into_keys().collect()
}

#[tokio::test]
async fn a_change_request_without_a_branch_keeps_its_commits() {
    let pair = pair().await;

    let first = carry(&pair, &between(&pair)).await;
    let second = carry(&pair, &TransferOptions { delete: true, ..between(&pair) }).await;

    assert_eq!((first.created, first.refused.len()), (2, 0));
    assert_eq!((second.unchanged, second.deleted), (2, 0));
    assert_eq!(names(&pair).await, ["refs/heads/main", KEPT]);
    assert!(first.left[0].reason.contains(&KEPT.replace('7', "*")), "{:?}", first.left);
    let fsck = repository::fsck(&pair.git, &pair.path("to.git")).await.unwrap();
    assert_eq!(fsck, Vec::<String>::new());
}

#[tokio::test]
async fn the_namespace_can_be_chosen() {
    let pair = pair().await;
    let policy = RefPolicy::between("github", "gitea").keeping("refs/heads/reviewed").unwrap();

    carry(&pair, &TransferOptions { policy, ..between(&pair) }).await;

    assert_eq!(names(&pair).await, ["refs/heads/main", "refs/heads/reviewed/7/head"]);
}

#[tokio::test]
async fn a_commit_without_any_ref_is_asked_for_by_its_id() {
    let pair = pair().await;
    let id = fs::read_to_string(pair.path("from.git/refs/pull/7/head")).unwrap();
    fs::remove_dir_all(pair.path("from.git/refs/pull")).unwrap();
    let heads = [(7, id.trim().to_owned()), (8, "1".repeat(40)), (9, "2".repeat(40))].into();

    let carried = carry(&pair, &TransferOptions { heads, ..between(&pair) }).await;

    assert_eq!((carried.created, carried.refused.len()), (2, 0));
    assert_eq!(names(&pair).await, ["refs/heads/main", KEPT]);
    let left: Vec<_> = carried.left.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(left, [KEPT.replace('7', "8"), KEPT.replace('7', "9")]);
    assert!(carried.left[0].reason.contains("does not give its commit"), "{:?}", carried.left);
}

#[tokio::test]
async fn a_name_that_collides_at_the_destination_is_told_and_stops_no_other() {
    let pair = pair().await;
    pair.commit("from.git", "a/b", "one").await;
    pair.commit("to.git", "a", "somebody's").await;

    let carried = carry(&pair, &between(&pair)).await;

    assert_eq!((carried.created, carried.refused.len()), (2, 1));
    assert_eq!(carried.refused[0].name, "refs/heads/a/b");
    assert!(carried.refused[0].reason.contains("`refs/heads/a` is in its way"), "{carried:?}");
}
