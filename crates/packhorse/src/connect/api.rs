//! Single questions to a Git host that no adapter asks: who is who, who may what.

use crate::projects::host::{ApiType, Host};
use http::{HeaderName, StatusCode};
use packhorse_core::{HostError, HostErrorKind, Secret};
use packhorse_net::{Answer, Auth, Credentials, Live, Options, Request, Transport};
use serde_json::Value;
use url::Url;

/// Largest answer to a question, in bytes.
const MAX_ANSWER: u64 = 4 << 20;

/// The API of a host.
pub(crate) struct Api {
    pub(super) api: ApiType,
    base: Url,
    transport: Auth<Live>,
}

impl Api {
    /// The API of the host that is at that address.
    pub(crate) fn of(host: &Host) -> Result<Self, HostError> {
        let base = base(host.api, &host.home)?;
        let token = host.location.credentials.as_ref().map(|it| match it.password.expose() {
            "" => Secret::new(it.username.clone()),
            _ => it.password.clone(),
        });
        let credentials = token.map(|it| credentials(host.api, host.username.as_deref(), it));
        let live = Live::new(&Options::default())?;
        let transport = Auth::new(live, &base, credentials.as_ref())?;
        Ok(Self { api: host.api, base, transport })
    }

    /// Asks a question, whatever the answer.
    pub(super) async fn ask(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        operation: &'static str,
    ) -> Result<Answer, HostError> {
        let fail = || HostError::new(HostErrorKind::Rejected, operation);
        // SECURITY: a part like `..` would be another question.
        if path.iter().any(|it| matches!(*it, "" | "." | "..")) {
            return Err(fail().with("path", path.join("/")));
        }
        let mut url = self.base.clone();
        url.path_segments_mut().map_err(|()| fail())?.pop_if_empty().extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.transport.send(Request::get(url, operation)).await
    }

    /// Asks for a value; `None` where there is no such thing, or we may not know.
    pub(super) async fn value(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        operation: &'static str,
    ) -> Result<Option<Value>, HostError> {
        let answer = self.ask(path, query, operation).await?;
        match answer.status {
            StatusCode::NOT_FOUND | StatusCode::FORBIDDEN => Ok(None),
            _ => answer.success().await?.json(MAX_ANSWER).await.map(Some),
        }
    }

    /// Whether somebody has an account of that name; `None` where the host does not say.
    pub(crate) async fn has_account(&self, name: &str) -> Option<bool> {
        let operation = "look for an account";
        let query = [("username", name)];
        let answer = match self.api {
            ApiType::Gitlab => self.ask(&["users"], &query, operation).await,
            ApiType::Internal
            | ApiType::BitbucketServer
            | ApiType::BitbucketCloud
            | ApiType::Github => self.ask(&["users", name], &[], operation).await,
        };
        let answer = answer.ok()?;
        match answer.status {
            StatusCode::NOT_FOUND => Some(false),
            StatusCode::OK if self.api == ApiType::Gitlab => {
                let found: Value = answer.json(MAX_ANSWER).await.ok()?;
                Some(!found.as_array()?.is_empty())
            }
            StatusCode::OK => Some(true),
            _ => None,
        }
    }
}

/// Where a host's API is, by the address of its pages.
fn base(api: ApiType, home: &Url) -> Result<Url, HostError> {
    let public = match (api, home.host_str()) {
        (ApiType::Github, Some("github.com")) => Some("https://api.github.com/"),
        (ApiType::BitbucketCloud, Some("bitbucket.org")) => Some("https://api.bitbucket.org/2.0/"),
        (_, _) => None,
    };
    let below = match api {
        ApiType::Internal => "api/v1",
        ApiType::BitbucketServer => "rest/api/1.0",
        ApiType::BitbucketCloud => "2.0",
        ApiType::Github => "api/v3",
        ApiType::Gitlab => "api/v4",
    };
    let own = format!("{}/{below}/", home.as_str().trim_end_matches('/'));
    public.unwrap_or(&own).parse().map_err(|error: url::ParseError| {
        HostError::new(HostErrorKind::Rejected, "make the address of an API").because(error)
    })
}

/// What the API is shown.
fn credentials(api: ApiType, username: Option<&str>, token: Secret) -> Credentials {
    let header = |name: &'static str, value: Secret| Credentials::Header {
        name: HeaderName::from_static(name),
        value,
    };
    match (api, username) {
        (ApiType::Gitlab, _) => header("private-token", token),
        (ApiType::Github, _) | (ApiType::BitbucketServer | ApiType::BitbucketCloud, None) => {
            Credentials::Bearer(token)
        }
        (ApiType::Internal, None) => {
            header("authorization", Secret::new(format!("token {}", token.expose())))
        }
        (
            ApiType::Internal | ApiType::BitbucketServer | ApiType::BitbucketCloud,
            Some(username),
        ) => Credentials::Basic { username: username.to_owned(), password: token },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(api: ApiType, home: &str, expected: &str) {
        assert_eq!(base(api, &home.parse().unwrap()).unwrap().as_str(), expected);
    }

    #[test]
    fn an_api_is_where_the_product_has_it() {
        check(ApiType::Github, "https://github.com/", "https://api.github.com/");
        check(ApiType::Github, "https://ghe.example/", "https://ghe.example/api/v3/");
        check(ApiType::Gitlab, "https://h.example/git", "https://h.example/git/api/v4/");
        check(ApiType::BitbucketCloud, "https://bitbucket.org", "https://api.bitbucket.org/2.0/");
        check(ApiType::BitbucketServer, "https://h.example", "https://h.example/rest/api/1.0/");
        check(ApiType::Internal, "http://h.example:8443", "http://h.example:8443/api/v1/");
    }
}
