//! GitHub as a sink, held against the suite over a stand-in.
//!
//! The suite's samples have numbers of their own, which GitHub does not keep, and commits and people
//! that nobody has; so it is asked for the kinds that stand by themselves, but for rulesets, whose
//! names the stand-in does not keep. The others have tests of their own, beside the sink.

use async_trait::async_trait;
use packhorse_core::{
    Access, Capabilities, GitRemote, HostError, Location, Loss, Object, ObjectKind, OpenContext,
    Origin, Record, RepoKind, Scope, TargetId,
    model::{Identity, Organization, User},
    port::{BlobRef, ByteStream, Sink, Source, Written},
};
use packhorse_testkit::{
    fake::{Fake, Github, Options},
    suite,
};
use std::{env, sync::Arc};

/// Kinds whose samples GitHub can take.
const ASKED: &[ObjectKind] = &[
    ObjectKind::Project,
    ObjectKind::Label,
    ObjectKind::Milestone,
    ObjectKind::Release,
    ObjectKind::ReleaseAsset,
    ObjectKind::Webhook,
    ObjectKind::DeployKey,
];

/// The sink, asked for some kinds alone.
struct Narrow(Arc<dyn Sink>);

#[async_trait]
impl Sink for Narrow {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        let mut capabilities = self.0.probe().await?;
        for &kind in ObjectKind::ALL.iter().filter(|it| !ASKED.contains(it)) {
            capabilities = capabilities.without(kind, "not asked for");
        }
        Ok(capabilities)
    }

    async fn find(&self, scope: &Scope, record: &Record) -> Result<Option<TargetId>, HostError> {
        self.0.find(scope, record).await
    }

    async fn write(
        &self,
        scope: &Scope,
        record: &Record,
        existing: Option<&TargetId>,
    ) -> Result<Written, HostError> {
        self.0.write(scope, record, existing).await
    }

    async fn remove(
        &self,
        scope: &Scope,
        origin: &Origin,
        target: &TargetId,
    ) -> Result<(), HostError> {
        self.0.remove(scope, origin, target).await
    }

    async fn remote(&self, project: &str, repo: RepoKind) -> Result<Option<GitRemote>, HostError> {
        self.0.remote(project, repo).await
    }

    async fn save(&self, blob: &BlobRef, bytes: ByteStream) -> Result<(), HostError> {
        self.0.save(blob, bytes).await
    }

    async fn flush(&self, scope: &Scope) -> Result<(), HostError> {
        self.0.flush(scope).await
    }

    async fn finish(&self, scope: &Scope) -> Result<Vec<(Origin, Loss)>, HostError> {
        self.0.finish(scope).await
    }
}

/// A stand-in with an organization and nothing in it.
struct Empty {
    _fake: Fake,
    sink: Arc<dyn Sink>,
    source: Arc<dyn Source>,
}

impl Empty {
    async fn new() -> Self {
        let fake = Fake::start(Github, Options::default()).await.unwrap();
        let organization = Organization { path: "acme".into(), ..Organization::default() };
        let alice = User { identity: Identity::login("alice", None), ..User::default() };
        fake.fill([
            (Scope::Shared, Record::new("acme", Object::Organization(organization))),
            (Scope::Shared, Record::new("alice", Object::User(alice))),
        ]);
        let host = fake.url().strip_prefix("http://").unwrap();
        let address = format!("github:http://{}@{host}/acme", Options::TOKEN);
        let location: Location = address.parse().unwrap();
        let open = |access| {
            let context = OpenContext { scratch: env::temp_dir(), access, resume: false };
            let spec = packhorse_hosts::named("github").unwrap();
            (spec.open)(&location, &context).unwrap()
        };
        let sink = open(Access::Write).sink.unwrap();
        let source = open(Access::Read).source.unwrap();
        Self { _fake: fake, sink: Arc::new(Narrow(sink)), source }
    }
}

#[async_trait]
impl suite::Place for Empty {
    fn sink(&self) -> Arc<dyn Sink> {
        Arc::clone(&self.sink)
    }

    async fn source(&self) -> Arc<dyn Source> {
        Arc::clone(&self.source)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_contract_of_a_sink_is_kept() {
    suite::sink(Empty::new).await;
}
