//! Credentials, bound to the one origin that they are for.

use crate::transport::{Answer, Request, Transport};
use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderName, HeaderValue, header::AUTHORIZATION};
use packhorse_core::{HostError, HostErrorKind, Secret};
use std::fmt;
use url::Url;

/// What shows a host who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// User name and password, or token.
    Basic {
        /// User name.
        username: String,
        /// Password or token.
        password: Secret,
    },
    /// A token, as RFC 6750 sends it.
    Bearer(Secret),
    /// A token in a header of the host's own, such as `PRIVATE-TOKEN: x` or `Authorization: token x`.
    Header {
        /// Name of the header.
        name: HeaderName,
        /// Its whole value.
        value: Secret,
    },
}

impl Credentials {
    /// The header that they are sent in.
    ///
    /// # Errors
    ///
    /// [`HostErrorKind::Unauthorized`] when they hold what no header can, such as a line's end.
    pub fn header(&self) -> Result<(HeaderName, HeaderValue), HostError> {
        let (name, value) = match self {
            Self::Basic { username, password } => {
                let pair = Secret::new(format!("{username}:{}", password.expose()));
                let coded = Secret::new(STANDARD.encode(pair.expose()));
                (AUTHORIZATION, Secret::new(format!("Basic {}", coded.expose())))
            }
            Self::Bearer(token) => {
                (AUTHORIZATION, Secret::new(format!("Bearer {}", token.expose())))
            }
            Self::Header { name, value } => (name.clone(), value.clone()),
        };
        // SECURITY: the error of the parser is left out, and the value stays hidden in `Debug`.
        let mut value = HeaderValue::from_str(value.expose()).map_err(|_| {
            HostError::new(HostErrorKind::Unauthorized, "send the credentials")
                .with("reason", "they hold a character that no header may; look for a line's end")
        })?;
        value.set_sensitive(true);
        Ok((name, value))
    }
}

/// Scheme, host and port: the only place where credentials may go.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

impl Origin {
    /// The origin of a URL; `None` for URLs that have no host.
    pub fn of(url: &Url) -> Option<Self> {
        Some(Self {
            scheme: url.scheme().to_owned(),
            host: url.host_str()?.to_owned(),
            port: url.port_or_known_default()?,
        })
    }

    /// Whether credentials that are bound to this origin may go to `url`.
    pub fn is_of(&self, url: &Url) -> bool {
        Self::of(url).as_ref() == Some(self)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.scheme, self.host, self.port)
    }
}

/// Adds credentials to requests for one origin, and to no others.
pub struct Auth<T> {
    inner: T,
    origin: Option<Origin>,
    header: Option<(HeaderName, HeaderValue)>,
}

impl<T> Auth<T> {
    /// Binds `credentials` to the origin of `home`; without any, requests go as they are.
    ///
    /// # Errors
    ///
    /// As [`Credentials::header`].
    pub fn new(inner: T, home: &Url, credentials: Option<&Credentials>) -> Result<Self, HostError> {
        let header = credentials.map(Credentials::header).transpose()?;
        Ok(Self { inner, origin: Origin::of(home), header })
    }
}

#[async_trait]
impl<T: Transport> Transport for Auth<T> {
    async fn send(&self, mut request: Request) -> Result<Answer, HostError> {
        let is_home = self.origin.as_ref().is_some_and(|it| it.is_of(&request.url));
        if let Some((name, value)) = self.header.as_ref().filter(|_| is_home) {
            request.headers.insert(name.clone(), value.clone());
        }
        self.inner.send(request).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// Keeps the headers of the last request.
    #[derive(Default)]
    struct Seen(Mutex<http::HeaderMap>);

    #[async_trait]
    impl Transport for Seen {
        async fn send(&self, request: Request) -> Result<Answer, HostError> {
            *self.0.lock().unwrap() = request.headers;
            let ok = http::StatusCode::OK;
            let body = bytes::Bytes::new();
            Ok(Answer::whole(ok, http::HeaderMap::new(), request.url, body, request.operation))
        }
    }

    async fn sent(credentials: Credentials, home: &str, to: &str) -> http::HeaderMap {
        let home = Url::parse(home).unwrap();
        let auth = Auth::new(Seen::default(), &home, Some(&credentials)).unwrap();

        auth.send(Request::get(Url::parse(to).unwrap(), "read")).await.unwrap();
        auth.inner.0.into_inner().unwrap()
    }

    #[tokio::test]
    async fn each_form_has_its_header() {
        let home = "https://h.example/api";
        let basic = Credentials::Basic { username: "alice".into(), password: Secret::new("pw") };
        assert_eq!(sent(basic, home, home).await[AUTHORIZATION], "Basic YWxpY2U6cHc=");

        let bearer = Credentials::Bearer(Secret::new("t"));
        assert_eq!(sent(bearer, home, home).await[AUTHORIZATION], "Bearer t");

        let name = HeaderName::from_static("private-token");
        let header = Credentials::Header { name, value: Secret::new("t") };
        assert_eq!(sent(header, home, home).await["private-token"], "t");
    }

    #[tokio::test]
    async fn another_scheme_host_or_port_gets_nothing() {
        let home = "https://h.example/api";
        for stranger in [
            "http://h.example/api",
            "https://h.example:8443/api",
            "https://cdn.h.example/api",
            "https://h.example.evil.example/api",
        ] {
            let headers = sent(Credentials::Bearer(Secret::new("t")), home, stranger).await;
            assert!(headers.is_empty(), "{stranger}");
        }
        let same =
            sent(Credentials::Bearer(Secret::new("t")), home, "https://h.example:443/b").await;
        assert_eq!(same.len(), 1);
    }

    #[test]
    fn a_token_with_a_line_end_is_refused_without_being_told() {
        let error = Credentials::Bearer(Secret::new("s3cret\n")).header().unwrap_err();

        assert_eq!(error.kind, HostErrorKind::Unauthorized);
        assert!(!format!("{error} {error:?}").contains("s3cret"));
    }
}
