//! Wikis, which are repositories of their own where they are there at all.

use super::bench::{APP, Bench};
use async_trait::async_trait;
use packhorse_core::{
    Capabilities, Cursor, GitRemote, GitUrl, HostError, Lane, ObjectKind, RepoKind, Scope, Settle,
    job::{JobOptions, JobState},
    port::{BlobRef, ByteStream, Inventory, Page, Sink, Source},
};
use packhorse_testkit::{
    git::{self, Shape},
    memory::MemoryHost,
};
use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    sync::Arc,
};

/// A source whose wikis are at a server that does not have them.
struct WithoutPages {
    inner: MemoryHost,
    wiki: String,
}

#[async_trait]
impl Source for WithoutPages {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        Source::probe(&self.inner).await
    }

    async fn inventory(&self, scope: &Scope) -> Result<Inventory, HostError> {
        self.inner.inventory(scope).await
    }

    async fn read(&self, lane: &Lane, at: Option<&Cursor>) -> Result<Page, HostError> {
        self.inner.read(lane, at).await
    }

    async fn remote(&self, project: &str, repo: RepoKind) -> Result<Option<GitRemote>, HostError> {
        match repo {
            RepoKind::Code => Source::remote(&self.inner, project, repo).await,
            RepoKind::Wiki => {
                let (url, credentials) = GitUrl::parse(&self.wiki);
                Ok(Some(GitRemote { url, credentials }))
            }
        }
    }

    async fn open(&self, blob: &BlobRef, from: u64) -> Result<ByteStream, HostError> {
        self.inner.open(blob, from).await
    }
}

/// A server that has nothing; its address.
fn nothing() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/app.wiki.git", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let answer =
                b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            let lines = BufReader::new(&stream).lines().map_while(Result::ok);
            lines.take_while(|line| !line.is_empty()).for_each(drop);
            stream.write_all(answer).ok();
        }
    });
    address
}

async fn repository(host: &MemoryHost, repo: RepoKind) -> std::path::PathBuf {
    let remote = Sink::remote(host, APP, repo).await.unwrap().unwrap();
    remote.url.as_path().unwrap().to_owned()
}

#[tokio::test]
async fn a_wiki_arrives_as_a_repository_of_its_own() {
    let bench = Bench::settling(Settle::Page).with_repositories(false);
    bench.fill(APP, &[], 0);
    let source = repository(&bench.source, RepoKind::Wiki).await;
    git::repository(&source, &Shape::default()).await;

    let options = JobOptions { verify: true, ..JobOptions::default() };
    let (_, outcome) = bench.carry(&options).await;

    assert_eq!((outcome.state, outcome.verified), (JobState::Finished, Some(true)), "{outcome:?}");
    let target = repository(&bench.sink, RepoKind::Wiki).await;
    assert_eq!(git::refs_of(&target).await, git::refs_of(&source).await);
}

#[tokio::test]
async fn a_wiki_without_a_page_is_none() {
    let bench = Bench::settling(Settle::Page).with_repositories(false);
    bench.fill(APP, &[ObjectKind::Label], 2);
    let source = WithoutPages { inner: bench.source.clone(), wiki: nothing() };
    let ends = bench.ends(Arc::new(source), Arc::new(bench.sink.clone()));
    let options = JobOptions { verify: true, ..JobOptions::default() };
    let claim = bench.claim(&options).await;

    let outcome = bench.run(&claim, &ends, &options).await.unwrap();

    assert_eq!((outcome.state, outcome.verified), (JobState::Finished, Some(true)), "{outcome:?}");
    assert_eq!(outcome.n_losses, 0);
}
