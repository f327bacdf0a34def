//! Packs that wait for the large files that they point to.

use super::fake::{Fake, oid};
use crate::{
    Pair,
    server::{Manner, Server},
};
use packhorse_core::{GitRemote, GitUrl, model::ObjectFormat};
use packhorse_git::{
    GitError, RefPolicy, TransferOptions, Transferred,
    lfs::{EndpointOptions, Gate, LfsEvent, LfsRoute, Pointer},
    refs, repository, transfer,
};
use std::sync::{Arc, Mutex};

/// Two repositories, each at a server with another beside it for its large files.
struct Bench {
    pair: Pair,
    servers: (Server, Server),
    files: (Fake, Fake),
    heard: Arc<Mutex<Vec<LfsEvent>>>,
}

fn content(n: usize) -> Vec<u8> {
    format!("file {n} ").repeat(n + 1).into_bytes()
}

impl Bench {
    async fn new(to: Manner) -> Self {
        let pair = Pair::new(ObjectFormat::Sha1).await;
        repository::init_bare(&pair.path("to.git"), ObjectFormat::Sha1).unwrap();
        let root = pair.directory.path();
        let servers = (Server::start(root, Manner::default()).await, Server::start(root, to).await);
        let files = (Fake::start().await, Fake::start().await);
        Self { pair, servers, files, heard: Arc::default() }
    }

    /// Commits a pointer to a file, and puts the file to the source's server.
    async fn add(&self, n: usize) {
        let content = content(n);
        self.files.0.put(&content);
        let pointer = Pointer::new(&oid(&content), content.len() as u64).unwrap();
        self.pair.commit("from.git", "main", &pointer.to_string()).await;
    }

    fn remotes(&self) -> (GitRemote, GitRemote) {
        let remote = |server: &Server, name: &str| {
            let (url, credentials) = GitUrl::parse(&format!("{}/{name}.git", server.url));
            GitRemote { url, credentials }
        };
        (remote(&self.servers.0, "from"), remote(&self.servers.1, "to"))
    }

    fn route(&self) -> LfsRoute {
        let (from, to) = self.remotes();
        let heard = Arc::clone(&self.heard);
        let listener = Arc::new(move |event| heard.lock().unwrap().push(event));
        let mut route = LfsRoute::live(&self.pair.git, from, to, listener).unwrap();
        // The same host, as far as names tell.
        let beside = |fake: &Fake| EndpointOptions {
            configured: Some(format!("{}/a/b.git/info/lfs", fake.address())),
            allowed_hosts: Vec::new(),
        };
        route.options.from = beside(&self.files.0);
        route.options.to = beside(&self.files.1);
        route
    }

    async fn carry(&self, is_covered: bool) -> Result<Transferred, GitError> {
        let scratch = self.pair.path("scratch");
        let gate = Gate::of(self.route(), RefPolicy::MIRROR, scratch.clone(), is_covered).await;
        let gate = gate.unwrap().unwrap();
        let plain = TransferOptions::new(RefPolicy::MIRROR, scratch);
        let options = TransferOptions { gate: Some(gate.clone()), ..plain };
        let (from, to) = self.remotes();
        let done = transfer(&self.pair.git, &from, &to, &options).await?;
        gate.close(Vec::new()).await.unwrap();
        Ok(done)
    }

    async fn n_refs(&self) -> usize {
        let to = GitRemote::local(&self.pair.path("to.git"));
        refs::list(&self.pair.git, &to).await.unwrap().refs.len()
    }

    fn has(&self, n: usize) -> bool {
        self.files.1.state().objects.contains_key(&oid(&content(n)))
    }
}

#[tokio::test]
async fn a_pack_arrives_with_the_files_that_it_points_to() {
    let bench = Bench::new(Manner::default()).await;
    for n in 0..5 {
        bench.add(n).await;
    }

    let done = bench.carry(false).await.unwrap();

    assert_eq!((done.created, done.refused.len()), (1, 0));
    assert!((0..5).all(|n| bench.has(n)));
    let moved = |it: &&LfsEvent| matches!(it, LfsEvent::Moved(_));
    assert_eq!(bench.heard.lock().unwrap().iter().filter(moved).count(), 5);
    // Neither is asked for one file at a time.
    assert_eq!(bench.files.1.seen("POST", "/a/b.git/info/lfs/objects/batch").len(), 1);
    assert_eq!(bench.pair.path("scratch").read_dir().unwrap().count(), 0, "nothing is left");
}

#[tokio::test]
async fn files_are_there_before_a_ref_leads_to_them() {
    let bench = Bench::new(Manner::default()).await;
    bench.add(0).await;
    let fake = bench.files.1.clone();
    fake.state().puts.extend([(503, "Retry-After: 1"); 1]);

    let watch = async {
        while bench.n_refs().await == 0 {
            assert!(bench.files.1.state().objects.len() <= 1);
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        bench.has(0)
    };
    let (done, was_there) = tokio::join!(bench.carry(false), watch);

    done.unwrap();
    assert!(was_there);
}

#[tokio::test]
async fn refs_stay_where_they_are_when_files_cannot_arrive() {
    let bench = Bench::new(Manner::default()).await;
    bench.add(0).await;
    bench.files.1.state().batches.extend([(401, "X: y"); 9]);

    let error = bench.carry(false).await.unwrap_err();

    assert!(matches!(error, GitError::LargeFiles { .. }), "{error:?}");
    assert_eq!(bench.n_refs().await, 0);

    bench.files.1.state().batches.clear();
    bench.carry(false).await.unwrap();
    assert!(bench.has(0));
}

#[tokio::test]
async fn what_was_there_before_anybody_looked_is_looked_through_once() {
    let bench = Bench::new(Manner::default()).await;
    bench.add(0).await;
    let (from, to) = bench.remotes();
    let plain = TransferOptions::new(RefPolicy::MIRROR, bench.pair.path("scratch"));
    transfer(&bench.pair.git, &from, &to, &plain).await.unwrap();
    bench.add(1).await;

    // Somebody has seen to what is there.
    bench.carry(true).await.unwrap();
    assert!(!bench.has(0) && bench.has(1));

    // Nobody has.
    bench.add(2).await;
    bench.carry(false).await.unwrap();
    assert!(bench.has(0) && bench.has(2));
}

#[tokio::test]
async fn a_server_that_wants_a_length_gets_its_pack_when_the_files_are_there() {
    let bench = Bench::new(Manner { wants_length: true, ..Manner::default() }).await;
    bench.add(0).await;

    let done = bench.carry(false).await.unwrap();

    assert_eq!(done.created, 1);
    assert!(bench.has(0));
}

#[tokio::test]
async fn a_source_that_keeps_no_files_is_not_looked_through() {
    let bench = Bench::new(Manner::default()).await;
    bench.add(0).await;
    bench.files.0.state().batches.push_back((404, "X: y"));

    let scratch = bench.pair.path("scratch");
    let gate = Gate::of(bench.route(), RefPolicy::MIRROR, scratch, false).await.unwrap();

    assert!(gate.is_none());
}
