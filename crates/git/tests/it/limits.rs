//! Destinations that take no more than so much, or not everything.

use crate::{
    Pair,
    http::{options, remote},
    server::{Manner, Server},
};
use packhorse_core::{GitRemote, model::ObjectFormat};
use packhorse_git::{
    PushLimits, RefPolicy, TransferOptions, Transferred, large_files, refs, repository, transfer,
};
use std::{fs, os::unix::fs::PermissionsExt};

/// Text that does not compress well, the same for the same seed.
fn noise(seed: u64, length: usize) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'!' + (state % 90) as u8)
    };
    std::iter::repeat_with(&mut next).take(length).collect()
}

/// A source with twelve commits on a branch, some on another, and a tag; an empty destination.
async fn pair() -> Pair {
    let pair = Pair::new(ObjectFormat::Sha1).await;
    repository::init_bare(&pair.path("to.git"), ObjectFormat::Sha1).unwrap();
    for n in 0..12 {
        pair.commit("from.git", "main", &noise(n, 30_000)).await;
    }
    for n in 20..23 {
        pair.commit("from.git", "side", &noise(n, 30_000)).await;
    }
    let main = fs::read(pair.path("from.git/refs/heads/main")).unwrap();
    fs::write(pair.path("from.git/refs/tags/v1"), main).unwrap();
    pair
}

async fn carry(pair: &Pair, manner: Manner, limits: PushLimits) -> Transferred {
    let source = Server::start(pair.directory.path(), Manner::default()).await;
    let sink = Server::start(pair.directory.path(), manner).await;
    let from = remote(&format!("{}/from.git", source.url));
    let to = remote(&format!("{}/to.git", sink.url));
    let options = TransferOptions { limits, ..options(pair) };
    transfer(&pair.git, &from, &to, &options).await.unwrap()
}

async fn check_whole(pair: &Pair) {
    let list = async |name| refs::list(&pair.git, &GitRemote::local(&pair.path(name))).await;
    assert_eq!(list("from.git").await.unwrap().refs, list("to.git").await.unwrap().refs);
    let fsck = repository::fsck(&pair.git, &pair.path("to.git")).await.unwrap();
    assert_eq!(fsck, Vec::<String>::new());
}

#[tokio::test]
async fn a_push_over_a_known_limit_goes_in_several_along_the_history() {
    let pair = pair().await;

    let limits = PushLimits { push_bytes: Some(150_000), file_bytes: None };
    let carried = carry(&pair, Manner::default(), limits).await;

    assert_eq!((carried.created, carried.refused.len()), (3, 0));
    check_whole(&pair).await;
}

#[tokio::test]
async fn a_limit_that_the_destination_tells_is_kept_as_well() {
    for manner in [
        Manner { at_most: Some(150_000), ..Manner::default() },
        Manner { settings: &[("receive.maxInputSize", "150000")], ..Manner::default() },
        Manner { at_most: Some(150_000), wants_length: true, ..Manner::default() },
    ] {
        let pair = pair().await;

        let carried = carry(&pair, manner, PushLimits::default()).await;

        assert_eq!((carried.created, carried.refused.len()), (3, 0), "{manner:?}: {carried:?}");
        check_whole(&pair).await;
    }
}

#[tokio::test]
async fn what_an_unfinished_push_has_left_is_used_and_removed() {
    let pair = pair().await;
    let some = PushLimits { push_bytes: Some(150_000), file_bytes: None };
    let git = |arguments: &[&str]| pair.git.inside(&pair.path("from.git"), arguments.to_vec());
    let old = git(&["rev-parse", "main~4"]).text().await.unwrap();
    let part = format!("{}:refs/packhorse/parts/1-0", old.trim());
    let to = pair.path("to.git");
    git(&["push", "--quiet", to.to_str().unwrap(), &part]).run(&[]).await.unwrap();

    let carried = carry(&pair, Manner::default(), some).await;

    assert_eq!((carried.created, carried.refused.len()), (3, 0));
    assert_eq!(carried.gone, Vec::<String>::new());
    check_whole(&pair).await;
}

#[tokio::test]
async fn a_ref_that_cannot_be_split_stops_no_other() {
    let pair = pair().await;
    pair.commit("from.git", "huge", &noise(99, 400_000)).await;

    let limits = PushLimits { push_bytes: Some(150_000), file_bytes: None };
    let carried = carry(&pair, Manner::default(), limits).await;

    assert_eq!((carried.created, carried.refused.len()), (3, 1), "{carried:?}");
    assert_eq!(carried.refused[0].name, "refs/heads/huge");
    assert!(carried.refused[0].reason.contains("a single commit"), "{carried:?}");
    let there = refs::list(&pair.git, &GitRemote::local(&pair.path("to.git"))).await.unwrap();
    assert_eq!(there.refs.len(), 3, "{there:?}");
}

#[tokio::test]
async fn a_file_over_the_limit_is_found_before_the_push_and_its_refs_are_left() {
    let pair = pair().await;
    pair.commit("from.git", "huge", &noise(99, 100_001)).await;
    pair.commit("from.git", "huge", "and no more").await;
    let source = Server::start(pair.directory.path(), Manner::default()).await;
    let from = remote(&format!("{}/from.git", source.url));
    let local = GitRemote::local(&pair.path("from.git"));
    let scratch = pair.path("scratch");

    let limits = PushLimits { push_bytes: None, file_bytes: Some(100_000) };
    let carried = carry(&pair, Manner::default(), limits).await;
    for from in [&from, &local] {
        let policy = RefPolicy::MIRROR;
        let found = large_files::find(&pair.git, from, &policy, 100_000, &scratch).await.unwrap();
        let none = large_files::find(&pair.git, from, &policy, 100_001, &scratch).await.unwrap();

        assert_eq!((found.len(), none.len()), (1, 0));
        assert_eq!(found[0].path, "f");
        assert!(found[0].refs.iter().eq(["refs/heads/huge"]), "{found:?}");
        let commit = pair.git.inside(&pair.path("from.git"), ["rev-parse", "huge~"]);
        assert_eq!(found[0].commit, commit.text().await.unwrap().trim());
    }

    assert_eq!((carried.created, carried.refused.len()), (3, 1), "{carried:?}");
    let refused = &carried.refused[0];
    assert_eq!(refused.name, "refs/heads/huge");
    assert!(refused.reason.starts_with("`f` of commit "), "{refused:?}");
    assert!(refused.reason.contains("LFS"), "{refused:?}");
}

/// Puts a hook in the destination that declines pushes of a ref, and says so.
fn hook(pair: &Pair, minded: &str, words: &str) {
    let script =
        format!("#!/bin/sh\nif grep -q ' {minded}$'; then echo '{words}' >&2; exit 1; fi\n");
    fs::create_dir_all(pair.path("to.git/hooks")).unwrap();
    let file = pair.path("to.git/hooks/pre-receive");
    fs::write(&file, script).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn a_ref_that_a_hook_minds_stops_no_other_and_is_told_in_words() {
    let hooked = Manner { settings: &[("core.hooksPath", "hooks")], ..Manner::default() };
    for words in ["the build of this is red", "refs/heads/side: the build of this is red"] {
        let pair = pair().await;
        hook(&pair, "refs/heads/side", words);

        let carried = carry(&pair, hooked, PushLimits::default()).await;

        assert_eq!((carried.created, carried.refused.len()), (2, 1), "{carried:?}");
        assert_eq!(carried.refused[0].name, "refs/heads/side");
        assert!(carried.refused[0].reason.contains("the build of this is red"), "{carried:?}");
    }
}

#[tokio::test]
async fn a_source_with_a_part_of_its_history_gives_what_is_whole() {
    let pair = pair().await;
    let path = pair.path("from.git");
    let cut = pair.git.inside(&path, ["rev-parse", "side~1"]).text().await.unwrap();
    fs::write(path.join("shallow"), cut).unwrap();

    let carried = carry(&pair, Manner::default(), PushLimits::default()).await;

    assert_eq!((carried.created, carried.refused.len()), (2, 1), "{carried:?}");
    assert_eq!(carried.refused[0].name, "refs/heads/side");
    assert!(carried.refused[0].reason.contains("a part alone"), "{carried:?}");
}
