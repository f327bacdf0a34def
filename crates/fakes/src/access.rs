//! Who asks, and what they may do.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderMap;
use packhorse_core::Secret;

/// What a token may do, in every project of the fake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Nothing: it was revoked.
    Revoked,
    /// Read.
    Read,
    /// Write content.
    Write,
    /// Change settings, and act as others where the product lets administrators.
    Admin,
}

/// A token that a fake knows.
#[derive(Clone, Debug)]
pub struct Token {
    /// What is sent; a password as well, with `login` as the name.
    pub secret: Secret,
    /// Whose it is.
    pub login: String,
    /// What it may do.
    pub access: Access,
}

impl Token {
    /// A token of somebody who may do that.
    pub fn new(secret: &str, login: &str, access: Access) -> Self {
        Self { secret: Secret::new(secret), login: login.to_owned(), access }
    }
}

/// Who sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Somebody without a token.
    Anonymous,
    /// Somebody with a token that is not known, or was revoked.
    Wrong,
    /// Somebody known.
    Known {
        /// Whose token it is.
        login: String,
        /// What it may do.
        access: Access,
    },
}

impl Caller {
    /// Finds the caller by the ways in which hosts take tokens: `Authorization` as `Bearer`,
    /// `token` or `Basic` (as name or as password), `PRIVATE-TOKEN`, and in the query.
    pub(crate) fn of(headers: &HeaderMap, query: &[(String, String)], tokens: &[Token]) -> Self {
        let Some(sent) = sent(headers, query) else { return Self::Anonymous };
        let found = tokens.iter().find(|it| sent.iter().any(|sent| sent == it.secret.expose()));
        match found {
            Some(token) if token.access > Access::Revoked => {
                Self::Known { login: token.login.clone(), access: token.access }
            }
            Some(_) | None => Self::Wrong,
        }
    }

    /// The caller's name.
    pub fn login(&self) -> Option<&str> {
        match self {
            Self::Known { login, .. } => Some(login),
            Self::Anonymous | Self::Wrong => None,
        }
    }

    /// Whether the caller may do that.
    pub fn may(&self, wanted: Access) -> bool {
        matches!(self, Self::Known { access, .. } if *access >= wanted)
    }
}

fn sent(headers: &HeaderMap, query: &[(String, String)]) -> Option<Vec<String>> {
    let header = |name: &str| headers.get(name).and_then(|it| it.to_str().ok());
    if let Some(value) = header("authorization") {
        let (scheme, rest) = value.split_once(' ').unwrap_or(("", value));
        if !scheme.eq_ignore_ascii_case("basic") {
            return Some(vec![rest.trim().to_owned()]);
        }
        let decoded = STANDARD.decode(rest.trim()).unwrap_or_default();
        let text = String::from_utf8_lossy(&decoded).into_owned();
        return Some(text.splitn(2, ':').map(str::to_owned).collect());
    }
    if let Some(value) = header("private-token") {
        return Some(vec![value.to_owned()]);
    }
    let named = |name: &str| ["token", "access_token", "private_token"].contains(&name);
    query.iter().find(|(name, _)| named(name)).map(|(_, value)| vec![value.clone()])
}
