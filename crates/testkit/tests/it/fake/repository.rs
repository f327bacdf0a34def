//! Git and LFS over a fake's HTTP.

use super::sample_records;
use packhorse_core::{GitCredentials, GitRemote, GitUrl, RepoKind, Secret};
use packhorse_git::Git;
use packhorse_testkit::{
    fake::{Fake, Github, Options},
    git,
};

fn remote(fake: &Fake, path: &str, token: &str) -> GitRemote {
    let (url, _) = GitUrl::parse(&format!("{}/{path}.git", fake.url()));
    let credentials = GitCredentials { username: "x".to_owned(), password: Secret::new(token) };
    GitRemote { url, credentials: Some(credentials) }
}

#[tokio::test]
async fn what_is_pushed_can_be_fetched() {
    let fake = Fake::start(Github, Options::default()).await.unwrap();
    fake.fill(sample_records(1));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.git");
    let refs = git::repository(&path, &git::Shape::default()).await;
    fake.store(|store| store.make_repository("acme/app", RepoKind::Code)).unwrap();
    let to = remote(&fake, "acme/app", Options::TOKEN);

    let git = Git::find().await.unwrap();
    let push = git.inside(&path, ["push", "--quiet", "--mirror", to.url.as_str()]);
    push.with_remote(&to).await.unwrap().run(&[]).await.unwrap();

    let found = packhorse_git::refs::list(&git, &to).await.unwrap();
    assert_eq!(found.refs, refs.refs);
}

#[tokio::test]
async fn the_hosts_own_refs_cannot_be_pushed() {
    let fake = Fake::start(Github, Options::default()).await.unwrap();
    fake.fill(sample_records(1));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.git");
    git::repository(&path, &git::Shape::default()).await;
    let to = remote(&fake, "acme/app", Options::TOKEN);

    let git = Git::find().await.unwrap();
    let push =
        git.inside(&path, ["push", "--quiet", to.url.as_str(), "refs/heads/main:refs/pull/1/head"]);

    assert!(push.with_remote(&to).await.unwrap().run(&[]).await.is_err());
}

#[tokio::test]
async fn a_wrong_token_opens_no_repository() {
    let fake = Fake::start(Github, Options::default()).await.unwrap();
    fake.fill(sample_records(1));
    fake.store(|store| store.make_repository("acme/app", RepoKind::Code)).unwrap();

    let git = Git::find().await.unwrap();
    let found = packhorse_git::refs::list(&git, &remote(&fake, "acme/app", "wrong")).await;

    assert!(found.is_err());
}
