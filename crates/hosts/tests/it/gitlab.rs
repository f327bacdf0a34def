//! The sink of GitLab against its stand-in.

use crate::place::Place;
use async_trait::async_trait;
use packhorse_core::{
    Access as Aim, Capabilities, GitRemote, HostError, Loss, ObjectKind, Origin, Record, RepoKind,
    Scope, TargetId,
    model::User,
    port::{BlobRef, ByteStream, Sink, Source, Written},
};
use packhorse_testkit::{
    fake::{Access, Fake, Gitlab, Options, Token},
    samples, suite,
};
use std::sync::Arc;

/// Kinds that the suite's samples cannot show: a file is listed where a text leads to it, which the
/// engine sees to; reactions are their authors', who are of another server in the samples; of three
/// members one is a team; what is said of change requests names them by the source's numbers; and
/// what builds said is read of the commits that branches end in.
const ELSEWHERE: &[ObjectKind] = &[
    ObjectKind::Attachment,
    ObjectKind::Reaction,
    ObjectKind::Member,
    ObjectKind::CommitStatus,
    ObjectKind::Review,
    ObjectKind::ReviewThread,
    ObjectKind::ReviewComment,
];

/// A sink that promises less.
struct Narrowed(Arc<dyn Sink>);

#[async_trait]
impl Sink for Narrowed {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        let promised = self.0.probe().await?;
        Ok(ELSEWHERE
            .iter()
            .fold(promised, |it, kind| it.without(*kind, "the samples cannot show it")))
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

/// A stand-in with people, and a sink that an administrator's token opens.
struct Server {
    place: Place,
    fake: Fake,
    sink: Arc<dyn Sink>,
}

impl Server {
    async fn start() -> Self {
        // Whose projects they are, so that there is no group but those that the suite writes.
        let tokens = vec![Token::new(Options::TOKEN, "acme", Access::Admin)];
        let options = Options { tokens, keeps_log: false, ..Options::default() };
        let fake = Fake::start(Gitlab, options).await.unwrap();
        fake.store(|store| {
            for n in 0..8 {
                let record = samples::sample(ObjectKind::User, n);
                if let packhorse_core::Object::User(user) = record.object {
                    store.add::<User>(&Scope::Shared, user);
                }
            }
        });
        let place = Place::new();
        let endpoint = place.open(&location(&fake), Aim::Write).unwrap();
        let sink: Arc<dyn Sink> = Arc::new(Narrowed(endpoint.sink.unwrap()));
        Self { place, fake, sink }
    }
}

fn location(fake: &Fake) -> String {
    let host = fake.url().trim_start_matches("http://");
    format!("gitlab:http://acme:{}@{host}", Options::TOKEN)
}

#[async_trait]
impl suite::Place for Server {
    fn sink(&self) -> Arc<dyn Sink> {
        Arc::clone(&self.sink)
    }

    async fn source(&self) -> Arc<dyn Source> {
        self.place.open(&location(&self.fake), Aim::Read).unwrap().source.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sink_keeps_the_contract() {
    suite::sink(Server::start).await;
}
