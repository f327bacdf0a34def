//! Repositories carried by the real `git`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bad_servers;
mod http;
mod lfs;
mod limits;
mod live;
mod policy;
mod reach;
mod server;
mod whole;

use packhorse_core::{GitCredentials, GitRemote, GitUrl, Secret, model::ObjectFormat};
use packhorse_git::{Git, RefPolicy, TransferOptions, Transferred, refs, repository, transfer};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// Two repositories in a directory of their own.
struct Pair {
    directory: tempfile::TempDir,
    git: Git,
}

impl Pair {
    async fn new(format: ObjectFormat) -> Self {
        let pair =
            Self { directory: tempfile::tempdir().unwrap(), git: Git::find().await.unwrap() };
        repository::init_bare(&pair.path("from.git"), format).unwrap();
        pair
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Adds a commit with that text to a branch.
    async fn commit(&self, repository: &str, branch: &str, text: &str) {
        self.commit_at(1_700_000_000, repository, branch, text).await;
    }

    async fn commit_at(&self, seconds: u64, repository: &str, branch: &str, text: &str) {
        let path = self.path(repository);
        let parent = format!("refs/heads/{branch}");
        let known = refs::list(&self.git, &GitRemote::local(&path)).await.unwrap();
        let from = known.refs.get(&parent).map(|id| format!("from {id}\n")).unwrap_or_default();
        let stream = format!(
            "commit {parent}\ncommitter A <a@h.example> {seconds} +0000\ndata {}\n{text}\n{from}\
             M 644 inline f\ndata {}\n{text}\n\n",
            text.len(),
            text.len(),
        );
        let command = self.git.inside(&path, ["fast-import", "--quiet", "--force"]);
        command.run(stream.as_bytes()).await.unwrap();
    }

    async fn carry(&self, change: impl FnOnce(&mut TransferOptions)) -> Transferred {
        let mut options = TransferOptions::new(RefPolicy::MIRROR, self.directory.path());
        change(&mut options);
        let from = GitRemote::local(&self.path("from.git"));
        let to = GitRemote::local(&self.path("to.git"));
        transfer(&self.git, &from, &to, &options).await.unwrap()
    }
}

#[tokio::test]
async fn a_second_transfer_carries_the_difference() {
    let pair = Pair::new(ObjectFormat::Sha1).await;
    pair.commit("from.git", "main", "one").await;
    pair.commit("from.git", "side", "two").await;

    assert_eq!(pair.carry(|_| ()).await.created, 2);
    pair.commit("from.git", "main", "three").await;
    let again = pair.carry(|_| ()).await;

    assert_eq!((again.updated, again.unchanged, again.refused.len()), (1, 1, 0));
    let fsck = repository::fsck(&pair.git, &pair.path("to.git")).await.unwrap();
    assert_eq!(fsck, Vec::<String>::new());
}

#[tokio::test]
async fn sha_256_and_empty_repositories_travel() {
    let pair = Pair::new(ObjectFormat::Sha256).await;
    repository::set_head(&pair.path("from.git"), "refs/heads/trunk").unwrap();

    let empty = pair.carry(|_| ()).await;
    assert_eq!(repository::head(&pair.path("to.git")).as_deref(), Some("refs/heads/trunk"));
    pair.commit("from.git", "trunk", "one").await;
    let full = pair.carry(|_| ()).await;

    assert_eq!((empty.created, full.created), (0, 1));
    assert_eq!(repository::object_format(&pair.path("to.git")), ObjectFormat::Sha256);
}

#[tokio::test]
async fn a_ref_that_somebody_moved_is_refused_unless_forced() {
    let pair = Pair::new(ObjectFormat::Sha1).await;
    pair.commit("from.git", "main", "one").await;
    pair.commit("from.git", "side", "one").await;
    pair.carry(|_| ()).await;
    pair.commit("to.git", "main", "somebody's").await;
    pair.commit("from.git", "main", "ours").await;
    pair.commit("from.git", "side", "ours").await;

    let gently = pair.carry(|_| ()).await;
    let forced = pair.carry(|it| it.force = true).await;

    assert_eq!(gently.refused.len(), 1);
    assert_eq!(gently.refused[0].name, "refs/heads/main");
    assert_eq!(gently.updated, 1);
    assert_eq!((forced.refused.len(), forced.updated), (0, 1));
}

#[tokio::test]
async fn commits_that_are_dated_before_their_parents_move_a_branch_forward() {
    let pair = Pair::new(ObjectFormat::Sha1).await;
    pair.commit("from.git", "main", "one").await;
    pair.carry(|_| ()).await;
    for text in ["two", "three", "four"] {
        pair.commit_at(1_600_000_000, "from.git", "main", text).await;
    }

    let carried = pair.carry(|_| ()).await;

    assert_eq!((carried.refused.len(), carried.updated), (0, 1));
}

#[tokio::test]
async fn what_is_gone_is_removed_on_request_alone() {
    let pair = Pair::new(ObjectFormat::Sha1).await;
    pair.commit("from.git", "main", "one").await;
    pair.commit("from.git", "old", "one").await;
    pair.carry(|_| ()).await;
    fs::remove_file(pair.path("from.git/refs/heads/old")).unwrap();

    let kept = pair.carry(|_| ()).await;
    let removed = pair.carry(|it| it.delete = true).await;

    assert_eq!(kept.gone, ["refs/heads/old"]);
    assert_eq!(removed.deleted, 1);
}

#[tokio::test]
async fn two_thousand_refs_travel_at_once() {
    let pair = Pair::new(ObjectFormat::Sha1).await;
    pair.commit("from.git", "main", "one").await;
    let list = refs::list(&pair.git, &GitRemote::local(&pair.path("from.git"))).await.unwrap();
    let id = &list.refs["refs/heads/main"];
    let input: String = (0..2_000).map(|n| format!("create refs/heads/b/{n} {id}\n")).collect();
    let path = pair.path("from.git");
    pair.git.inside(&path, ["update-ref", "--stdin"]).run(input.as_bytes()).await.unwrap();

    assert_eq!(pair.carry(|_| ()).await.created, 2_001);
}

#[tokio::test]
async fn a_killed_gits_lock_does_not_block_for_ever() {
    let pair = Pair::new(ObjectFormat::Sha1).await;
    pair.commit("from.git", "main", "one").await;
    pair.carry(|_| ()).await;
    pair.commit("from.git", "main", "two").await;
    let lock = fs::File::create(pair.path("to.git/refs/heads/main.lock")).unwrap();
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    lock.set_modified(long_ago).unwrap();

    assert_eq!(pair.carry(|_| ()).await.updated, 1);
}

#[tokio::test]
async fn lfs_pointers_are_found_and_the_search_ends() {
    let pair = Pair::new(ObjectFormat::Sha1).await;
    let oid = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";
    let text = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 12345");
    pair.commit("from.git", "main", &text).await;
    let mut found = Vec::new();

    let path = pair.path("from.git");
    packhorse_git::lfs::pointers(&pair.git, &path, |it| found.push(it)).await.unwrap();

    assert_eq!(found.len(), 1);
    assert_eq!(found[0].sha256, oid);
}

#[tokio::test]
async fn every_kind_of_ref_travels() {
    let pair = Pair::new(ObjectFormat::Sha1).await;
    pair.commit("from.git", "main", "one").await;
    let path = pair.path("from.git");
    let commit = "committer A <a@h.example> 1700000000 +0000\ndata 0\n";
    let submodule = format!("M 160000 {} sub\n\n", "1".repeat(40));
    let signature = "-----BEGIN PGP SIGNATURE-----\n\nx\n-----END PGP SIGNATURE-----\n";
    let stream = format!(
        "commit refs/heads/sub\nmark :1\n{commit}{submodule}\
         tag v1\nfrom :1\ntagger A <a@h.example> 1700000000 +0000\ndata {}\n{signature}\n\
         commit refs/notes/commits\n{commit}\ncommit refs/replace/{}\n{commit}\n\
         commit refs/pull/1/head\n{commit}\ncommit refs/keep-around/x\n{commit}\n",
        signature.len(),
        "2".repeat(40),
    );
    let import = pair.git.inside(&path, ["fast-import", "--quiet", "--force"]);
    import.run(stream.as_bytes()).await.unwrap();

    let carried = pair.carry(|_| ()).await;

    assert_eq!((carried.created, carried.refused.len()), (7, 0));
    let list = async |name| refs::list(&pair.git, &GitRemote::local(&pair.path(name))).await;
    assert_eq!(list("from.git").await.unwrap(), list("to.git").await.unwrap());
    let fsck = repository::fsck(&pair.git, &pair.path("to.git")).await.unwrap();
    assert_eq!(fsck, Vec::<String>::new());
}

#[tokio::test]
async fn a_removed_name_makes_room_for_a_longer_one() {
    let pair = Pair::new(ObjectFormat::Sha1).await;
    pair.commit("from.git", "a", "one").await;
    pair.carry(|_| ()).await;
    fs::remove_file(pair.path("from.git/refs/heads/a")).unwrap();
    pair.commit("from.git", "a/b", "two").await;

    let carried = pair.carry(|it| it.delete = true).await;

    assert_eq!((carried.created, carried.deleted, carried.refused.len()), (1, 1, 0));
}

#[tokio::test]
async fn what_a_foreign_repository_hints_at_is_not_believed() {
    let pair = Pair::new(ObjectFormat::Sha1).await;
    pair.commit("from.git", "main", "one").await;
    let hints = ["objects/pack/multi-pack-index", "objects/pack/pack-1.promisor"];
    hints.iter().for_each(|it| fs::write(pair.path("from.git").join(it), "lies").unwrap());
    fs::write(pair.path("from.git/objects/info/commit-graph"), "lies").unwrap();

    repository::sanitise(&pair.path("from.git")).unwrap();

    assert!(hints.iter().all(|it| !pair.path("from.git").join(it).exists()));
    assert!(!pair.path("from.git/objects/info/commit-graph").exists());
    assert_eq!(pair.carry(|_| ()).await.created, 1);
}

/// A program in git's place that writes down how it was called.
fn spy(directory: &Path) -> Git {
    let program = directory.join("git-spy");
    let seen = directory.join("seen");
    let script = format!(
        "#!/bin/sh\necho \"args: $*\" > {0}\nenv >> {0}\necho 'fatal: s3cret' >&2\nexit 128\n",
        seen.display()
    );
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    Git::at(program)
}

#[tokio::test]
async fn credentials_are_in_no_argument_and_in_no_message() {
    let directory = tempfile::tempdir().unwrap();
    let git = spy(directory.path());
    let credentials = GitCredentials { username: "me".into(), password: Secret::new("s3cret") };
    let (url, _) = GitUrl::parse("https://h.example/a.git");
    let remote = GitRemote { url, credentials: Some(credentials) };

    let command = git.command(["fetch", remote.url.as_str()]).with_remote(&remote).await;
    let command = command.unwrap();
    let error = command.run(&[]).await.unwrap_err();

    let seen = fs::read_to_string(directory.path().join("seen")).unwrap();
    let arguments = seen.lines().next().unwrap();
    assert!(!arguments.contains("s3cret") && !arguments.contains("bWU6czNjcmV0"), "{arguments}");
    assert!(seen.contains("Authorization: Basic bWU6czNjcmV0"));
    assert!(seen.contains("GIT_ALLOW_PROTOCOL=https\n"));
    assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
}

#[tokio::test]
async fn a_foreign_configuration_starts_nothing() {
    let pair = Pair::new(ObjectFormat::Sha1).await;
    pair.commit("from.git", "main", "one").await;
    let marker = pair.path("marker");
    let script = pair.path("evil");
    fs::write(&script, format!("#!/bin/sh\ntouch {}\n", marker.display())).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let evil = script.display();
    let config = format!(
        "[core]\n\tbare = true\n\tfsmonitor = {evil}\n\tsshCommand = {evil}\n\thooksPath = {0}\n\
         [uploadpack]\n\tpackObjectsHook = {evil}\n[credential]\n\thelper = {evil}\n",
        pair.directory.path().display()
    );
    fs::write(pair.path("from.git/config"), config).unwrap();
    fs::create_dir_all(pair.path("from.git/hooks")).unwrap();
    fs::copy(&script, pair.path("from.git/hooks/post-update")).unwrap();
    repository::sanitise(&pair.path("from.git")).unwrap();

    let carried = pair.carry(|_| ()).await;

    assert_eq!(carried.created, 1);
    assert!(!marker.exists());
}
