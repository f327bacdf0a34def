//! What a server is, and what whoever asks may do there.

use super::{api::Api, wire};
use packhorse_core::{Capabilities, HostError, HostErrorKind, ObjectKind};

/// Which of the three it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Product {
    /// Gitea.
    Gitea,
    /// Forgejo, which began as Gitea and says which of its APIs it has.
    Forgejo,
    /// Gogs, which Gitea began as.
    Gogs,
}

/// A server and an account on it.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) product: Product,
    /// Version of Gitea's API that it has.
    pub(super) api: (u32, u32),
    /// Who asks; nobody without credentials.
    pub(super) me: Option<Me>,
}

/// The account that asks.
#[derive(Clone, Debug)]
pub(super) struct Me {
    pub(super) login: String,
    pub(super) is_admin: bool,
}

/// Reads a version: `1.24.6`, `1.3.0+5-gabc`, or Forgejo's `11.0.1+gitea-1.22.0`.
///
/// A version that is no number is that of a build of today.
fn version(text: &str) -> (Product, (u32, u32)) {
    let (product, number) = match text.split_once("+gitea-") {
        Some((_, api)) => (Product::Forgejo, api),
        None => (Product::Gitea, text),
    };
    let mut parts = number.trim_start_matches('v').split(['.', '-', '+']);
    let mut next = || parts.next().and_then(|it| it.parse().ok());
    match (next(), next()) {
        (Some(major), Some(minor)) => (product, (major, minor)),
        (Some(_) | None, _) => (product, (1, u32::MAX)),
    }
}

impl Server {
    /// Asks the server what it is, and who asks.
    ///
    /// Credentials that are wrong are told here, and not as missing projects later.
    pub(super) async fn ask(api: &Api) -> Result<Self, HostError> {
        let operation = "ask the server what it is";
        let told: Option<wire::Version> = api.find(&["version"], operation).await?;
        let (product, level) = match told.and_then(|it| it.version) {
            Some(text) => version(&text),
            None if is_gogs(api, operation).await => (Product::Gogs, (0, 0)),
            None => {
                return Err(HostError::new(HostErrorKind::Unsupported, operation)
                    .with("url", &api.place.home)
                    .with("answer", "not of Gitea, Forgejo or Gogs"));
            }
        };
        let me = match &api.place.credentials {
            None => None,
            Some(_) => {
                let me: wire::User = api.get(&["user"], "log in").await?;
                let is_admin = me.is_admin == Some(true);
                me.login.or(me.username).map(|login| Me { login, is_admin })
            }
        };
        Ok(Self { product, api: level, me })
    }

    /// Whether it has what came with a version of Gitea.
    pub(super) fn since(&self, minor: u32) -> bool {
        self.product != Product::Gogs && self.api >= (1, minor)
    }

    /// Whether it makes changes in other people's names.
    pub(super) fn has_sudo(&self) -> bool {
        self.product != Product::Gogs && self.me.as_ref().is_some_and(|it| it.is_admin)
    }

    /// Takes away what this version cannot be told.
    pub(super) fn narrow(&self, mut capabilities: Capabilities) -> Capabilities {
        for (kind, minor) in SINCE {
            let why = "this version of the server has no API for it";
            if !self.since(*minor) {
                capabilities = capabilities.without(*kind, why);
            }
        }
        if !self.me.as_ref().is_some_and(|it| it.is_admin) {
            let why = "only an administrator's token can make accounts";
            capabilities = capabilities.without(ObjectKind::User, why);
        }
        capabilities
    }
}

/// Since which version of Gitea a kind can be written.
///
/// Source: the server's own description of each version, and its changelog.
const SINCE: &[(ObjectKind, u32)] = &[
    (ObjectKind::Topic, 8),
    (ObjectKind::Attachment, 18),
    (ObjectKind::ChangeRequest, 1),
    (ObjectKind::Review, 12),
    (ObjectKind::ReviewThread, 12),
    (ObjectKind::ReviewComment, 12),
    (ObjectKind::Reaction, 11),
    (ObjectKind::CommitStatus, 1),
    (ObjectKind::Release, 1),
    (ObjectKind::ReleaseAsset, 5),
    (ObjectKind::BranchRule, 12),
    (ObjectKind::TagRule, 23),
    (ObjectKind::Wiki, 1),
];

/// Whether it answers as Gogs does, which has no version to ask for.
///
/// Source: Gogs, `internal/route/api/v1/user/user.go`, `Search`.
async fn is_gogs(api: &Api, operation: &'static str) -> bool {
    let query = [("q", "a"), ("limit", "1")];
    let found: Result<serde_json::Value, _> =
        api.get_with(&["users", "search"], &query, operation).await;
    found.is_ok_and(|it| it.get("ok").and_then(serde_json::Value::as_bool) == Some(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_says_what_it_is() {
        assert_eq!(version("1.24.6"), (Product::Gitea, (1, 24)));
        assert_eq!(version("1.3.0+5-gabcdef"), (Product::Gitea, (1, 3)));
        assert_eq!(version("11.0.1+gitea-1.22.0"), (Product::Forgejo, (1, 22)));
        assert_eq!(version("17.0.0-dev-12-abc+gitea-1.22.0"), (Product::Forgejo, (1, 22)));
        assert_eq!(version("main-nightly"), (Product::Gitea, (1, u32::MAX)));
    }
}
