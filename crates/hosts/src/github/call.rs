//! One change over the API at a time.

use super::api::{Api, MAX_ANSWER, Told, data, dressed};
use crate::kept::pieces;
use http::{HeaderValue, Method, header};
use packhorse_core::{Capabilities, HostError, HostErrorKind, ObjectKind};
use packhorse_net::{Answer, Body, Request};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::path::Path;

/// What the importer of issues wants to be asked for.
///
/// Source: GitHub's announcement of the importer; google/go-github, `github/issue_import.go`.
const IMPORTER: HeaderValue =
    HeaderValue::from_static("application/vnd.github.golden-comet-preview+json");

impl Api {
    /// Makes or changes something; a refusal is an error.
    pub(super) async fn tell(
        &self,
        method: Method,
        path: &[&str],
        body: &Value,
        operation: &'static str,
    ) -> Result<Answer, HostError> {
        let request = dressed(Request::new(method, self.url(path, &[])?, operation)).json(body)?;
        self.transport.send(request).await?.success().await
    }

    /// Makes or changes something, and reads what it became.
    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        body: &Value,
        operation: &'static str,
    ) -> Result<T, HostError> {
        self.tell(method, path, body, operation).await?.json(MAX_ANSWER).await
    }

    /// Takes something away; what is not there is no error.
    pub(super) async fn delete(
        &self,
        path: &[&str],
        operation: &'static str,
    ) -> Result<(), HostError> {
        let request = dressed(Request::new(Method::DELETE, self.url(path, &[])?, operation));
        match self.transport.send(request).await?.success().await {
            Err(error) if error.kind == HostErrorKind::NotFound => Ok(()),
            // A reference that is not there is told in words.
            Err(error) if says(&error, "reference does not exist") => Ok(()),
            other => other.map(drop),
        }
    }

    /// Changes something over GraphQL; any error that it tells is one.
    pub(super) async fn mutate<T: DeserializeOwned>(
        &self,
        text: &str,
        variables: Value,
        operation: &'static str,
    ) -> Result<T, HostError> {
        let body = json!({ "query": text, "variables": variables });
        let request = dressed(Request::new(Method::POST, self.graphql_url()?, operation));
        let answer = self.transport.send(request.json(&body)?).await?.success().await?;
        let mut answer: Value = answer.json(MAX_ANSWER).await?;
        if answer.get("errors").and_then(Value::as_array).is_some_and(|it| !it.is_empty()) {
            answer["data"] = Value::Null;
        }
        data(answer, operation)
    }

    /// Asks the importer of issues to take one, or how far it is with one.
    pub(super) async fn import<T: DeserializeOwned>(
        &self,
        body: Option<&Value>,
        (path, query): (&[&str], &[(&str, &str)]),
        operation: &'static str,
    ) -> Result<T, HostError> {
        let url = self.url(path, query)?;
        let request = match body {
            Some(body) => Request::new(Method::POST, url, operation).json(body)?,
            None => Request::get(url, operation),
        };
        let request = dressed(request).header(header::ACCEPT, IMPORTER);
        self.transport.send(request).await?.success().await?.json(MAX_ANSWER).await
    }

    /// Sends a file to where uploads go.
    pub(super) async fn upload<T: DeserializeOwned>(
        &self,
        (path, query): (&[&str], &[(&str, &str)]),
        file: &Path,
        media: &str,
    ) -> Result<T, HostError> {
        let operation = "upload a file of a release";
        let fail = |error| HostError::new(HostErrorKind::Unavailable, operation).because(error);
        let content = tokio::fs::File::open(file).await.map_err(fail)?;
        let length = Some(content.metadata().await.map_err(fail)?.len());
        let octets = HeaderValue::from_static("application/octet-stream");
        let media = HeaderValue::try_from(media).unwrap_or(octets);
        let url = crate::address::below(&self.place.uploads, path, query)?;
        let mut request =
            dressed(Request::new(Method::POST, url, operation)).header(header::CONTENT_TYPE, media);
        request.body = Body::Stream { bytes: pieces(content), length };
        self.uploads.send(request).await?.success().await?.json(MAX_ANSWER).await
    }
}

impl Told {
    /// Takes away what such a token may not write.
    ///
    /// Source: GitHub, "Scopes for OAuth apps", "Available scopes".
    pub(super) fn narrow_writes(&self, mut capabilities: Capabilities) -> Capabilities {
        let why = "the token lacks the scope for it";
        let hooks = &["repo", "admin:repo_hook", "write:repo_hook"];
        let wanted: [(ObjectKind, &[&str]); 4] = [
            (ObjectKind::Webhook, hooks),
            (ObjectKind::DeployKey, &["repo", "public_repo"]),
            (ObjectKind::Team, &["admin:org"]),
            (ObjectKind::CommitStatus, &["repo", "public_repo", "repo:status"]),
        ];
        for (kind, scopes) in wanted {
            if !self.may(scopes) {
                capabilities = capabilities.without(kind, why);
            }
        }
        capabilities
    }
}

/// Whether a refusal has these words, in whatever case.
pub(super) fn says(error: &HostError, words: &str) -> bool {
    let answer = error.context.iter().find(|(name, _)| *name == "answer");
    answer.is_some_and(|(_, it)| it.to_lowercase().contains(words))
}
