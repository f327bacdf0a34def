//! The fakes against the descriptions of their products, Git, and what goes wrong.

mod bitbucket_cloud;
mod bitbucket_server;
mod faults;
mod gitea;
mod github;
mod github_graphql;
mod gitlab;
mod recorded;
mod repository;

use http::Method;
use packhorse_core::{ObjectKind, Record, Scope, model::Visibility};
use packhorse_net::{Credentials, Live, Options, Request, Transport as _};
use packhorse_testkit::{
    fake::{Fake, Options as FakeOptions},
    samples,
};
use serde_json::Value;

/// A client with a token.
pub(crate) struct Client {
    live: Live,
    url: String,
    token: &'static str,
}

/// What came back: status, headers, body.
pub(crate) type Got = (u16, http::HeaderMap, Value);

impl Client {
    pub(crate) fn of(fake: &Fake) -> Self {
        let live = Live::new(&Options::default()).unwrap();
        Self { live, url: fake.url().to_owned(), token: FakeOptions::TOKEN }
    }

    pub(crate) fn with_token(self, token: &'static str) -> Self {
        Self { token, ..self }
    }

    pub(crate) async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Got {
        self.try_ask(method, path, body).await.unwrap()
    }

    pub(crate) async fn try_ask(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Got, packhorse_core::HostError> {
        let url = format!("{}{path}", self.url).parse().unwrap();
        let mut request = Request::new(method, url, "test");
        let bearer = Credentials::Bearer(packhorse_core::Secret::new(self.token));
        if !self.token.is_empty() {
            let (name, value) = bearer.header().unwrap();
            request.headers.insert(name, value);
        }
        if let Some(body) = body {
            request = request.json(&body).unwrap();
        }
        let answer = self.live.send(request).await?;
        let (status, headers) = (answer.status.as_u16(), answer.headers.clone());
        let bytes = answer.bytes(1 << 24).await?;
        Ok((status, headers, serde_json::from_slice(&bytes).unwrap_or_default()))
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        self.ask(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Got {
        self.ask(Method::POST, path, Some(body)).await
    }
}

/// Samples of every kind, so many of each, in `acme/app` and beside it.
pub(crate) fn sample_records(n: u64) -> Vec<(Scope, Record)> {
    let mut project = samples::project_at("acme/app");
    if let packhorse_core::Object::Project(it) = &mut project.object {
        it.visibility = Visibility::Public;
        it.features.issues = Some(true);
    }
    let mut records = vec![(Scope::Shared, project)];
    for &kind in ObjectKind::ALL {
        let carried =
            !matches!(kind, ObjectKind::Project | ObjectKind::Repository | ObjectKind::Wiki);
        for n in (0..n).filter(|_| carried) {
            records.push((samples::scope(kind, n), samples::sample(kind, n)));
        }
    }
    let mut organization = samples::sample(ObjectKind::Organization, 99);
    if let packhorse_core::Object::Organization(it) = &mut organization.object {
        "acme".clone_into(&mut it.path);
    }
    records.push((Scope::Shared, organization));
    records
}
