//! The API types of the tool, and the hosts of ours that speak them.

use super::arguments::HostArguments;
use crate::{error::AppError, registry};
use packhorse_core::{GitCredentials, GitUrl, HostSpec, Location, Secret};
use serde::{Deserialize, Serialize};
use url::Url;

/// The words for API types, in the order of the page.
pub(super) const API_TYPES: &[&str] =
    &["internal", "bitbucket-v1-api", "bitbucket-v2-api", "github-v3-api", "gitlab-v4-api"];

/// Organization that the platform keeps its repositories in.
const PLATFORM: &str = "anaconda";

/// Which API a Git host speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ApiType {
    /// The platform's own Git server, a Gitea.
    #[serde(rename = "internal")]
    Internal,
    /// Bitbucket Data Center or Server.
    #[serde(rename = "bitbucket-v1-api")]
    BitbucketServer,
    /// Bitbucket Cloud.
    #[serde(rename = "bitbucket-v2-api")]
    BitbucketCloud,
    /// GitHub.com or GitHub Enterprise Server.
    #[serde(rename = "github-v3-api")]
    Github,
    /// GitLab.com or a GitLab of one's own.
    #[serde(rename = "gitlab-v4-api")]
    Gitlab,
}

impl ApiType {
    /// All of them, in the order of the page.
    pub(crate) const ALL: [Self; 5] =
        [Self::Internal, Self::BitbucketServer, Self::BitbucketCloud, Self::Github, Self::Gitlab];

    /// The API type of that word.
    pub(crate) fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == word)
    }

    /// The tool's word for it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::BitbucketServer => "bitbucket-v1-api",
            Self::BitbucketCloud => "bitbucket-v2-api",
            Self::Github => "github-v3-api",
            Self::Gitlab => "gitlab-v4-api",
        }
    }

    /// Id of the host of ours that speaks it.
    pub(crate) const fn host(self) -> &'static str {
        match self {
            Self::Internal => "gitea",
            Self::BitbucketServer => "bitbucket-server",
            Self::BitbucketCloud => "bitbucket-cloud",
            Self::Github => "github",
            Self::Gitlab => "gitlab",
        }
    }

    /// What the address of its API ends with, and that of its pages does not.
    const fn api_paths(self) -> &'static [&'static str] {
        match self {
            Self::Internal => &["api/v1"],
            Self::BitbucketServer => &["rest/api/1.0", "rest/api/latest", "rest"],
            Self::BitbucketCloud => &["2.0"],
            Self::Github => &["api/v3", "api/graphql", "api"],
            Self::Gitlab => &["api/v4"],
        }
    }

    /// Most characters of a repository's name.
    ///
    /// Sources: Gitea, `models/repo/repo.go`, `AlphaDashDot` with `MaxSize(100)`; GitHub, "the name
    /// is too long (maximum is 100 characters)"; Atlassian, a slug of Bitbucket Data Center has at
    /// most 128 characters, one of Bitbucket Cloud at most 62; GitLab, `Project`, paths of at most
    /// 255.
    pub(super) const fn longest_name(self) -> usize {
        match self {
            Self::Internal | Self::Github => 100,
            Self::BitbucketServer => 128,
            Self::BitbucketCloud => 62,
            Self::Gitlab => 255,
        }
    }
}

/// A Git host with the organization that is meant.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    pub(crate) api: ApiType,
    /// The host of ours that speaks its API.
    pub(crate) spec: &'static HostSpec,
    /// Address of its first page.
    pub(crate) home: Url,
    /// Organization, workspace, group or project of the server; where there is none, the account.
    pub(crate) organization: String,
    /// Where its repositories are, with the right to use it.
    pub(crate) location: Location,
    /// Name of the account that acts.
    pub(crate) username: Option<String>,
}

impl Host {
    /// Reads one side's arguments; `option` names the side in messages.
    pub(super) fn read(
        arguments: &HostArguments,
        token: &Secret,
        option: &str,
    ) -> Result<Self, AppError> {
        let HostArguments { api, url, username, organization, .. } = arguments;
        let organization = match (organization, api, username) {
            (Some(organization), ..) => organization.clone(),
            (None, ApiType::Internal, _) => PLATFORM.to_owned(),
            (None, _, Some(username)) => username.clone(),
            (None, _, None) => {
                return Err(AppError::usage(format!("whose repositories are meant at `{url}`?"))
                    .hint(format!("say --{option}-organization, or --{option}-username")));
            }
        };
        let fail = |why: &str| {
            AppError::usage(format!("--{option}-api-url `{url}` {why}"))
                .hint("write it like https://git.example/ or https://git.example/api/v3")
        };
        if GitUrl::parse(url).1.is_some() {
            return Err(AppError::usage(format!("--{option}-api-url has a password in it"))
                .hint(format!("leave --{option}-token out, and it is asked for")));
        }
        let home = home(*api, url).map_err(fail)?;
        Self::at(*api, &home, organization, username.clone(), token)
    }

    /// The host at the address of its pages.
    pub(crate) fn at(
        api: ApiType,
        home: &Url,
        organization: String,
        username: Option<String>,
        token: &Secret,
    ) -> Result<Self, AppError> {
        let id = api.host();
        let spec = registry::all().find(|it| it.id == id).ok_or_else(|| {
            AppError::usage(format!("`{}` is spoken by no host of this build", api.name()))
        })?;
        let credentials = credentials(username.as_deref(), token);
        let rest = place(api, home, &organization);
        let (project, more_credentials) = (None, Vec::new());
        let location =
            Location { host: id.to_owned(), rest, project, credentials, more_credentials };
        let home = home.clone();
        Ok(Self { api, spec, home, organization, location, username })
    }

    /// The same without the right to use it: what everybody may see.
    pub(super) fn anonymous(&self) -> Self {
        let location = Location { credentials: None, ..self.location.clone() };
        Self { location, ..self.clone() }
    }
}

/// The address of the host's first page, out of that of its API or of its pages.
pub(crate) fn home(api: ApiType, text: &str) -> Result<Url, &'static str> {
    let mut url = Url::parse(text.trim()).map_err(|_| "is not an address")?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("has neither http nor https");
    }
    url.set_query(None);
    url.set_fragment(None);
    let path = url.path().trim_matches('/').to_owned();
    let ends = api.api_paths().iter();
    let below = ends
        .filter_map(|end| path.strip_suffix(end))
        .find(|rest| rest.is_empty() || rest.ends_with('/'))
        .unwrap_or(&path)
        .trim_end_matches('/')
        .to_owned();
    url.set_path(&below);
    let public = match (api, url.host_str()) {
        (ApiType::Github, Some("api.github.com")) => Some("github.com"),
        (ApiType::BitbucketCloud, Some("api.bitbucket.org")) => Some("bitbucket.org"),
        (_, _) => None,
    };
    if let Some(host) = public {
        url.set_host(Some(host)).map_err(|_| "names no host")?;
    }
    Ok(url)
}

/// How a location of ours says an organization of a server; below a path it stands behind `/-/`.
fn place(api: ApiType, home: &Url, organization: &str) -> String {
    let text = home.as_str().trim_end_matches('/');
    let is_below = !home.path().trim_matches('/').is_empty();
    match api {
        ApiType::Internal | ApiType::BitbucketServer | ApiType::Github | ApiType::Gitlab
            if is_below =>
        {
            format!("{text}/-/{organization}")
        }
        ApiType::Internal
        | ApiType::BitbucketServer
        | ApiType::BitbucketCloud
        | ApiType::Github
        | ApiType::Gitlab => format!("{text}/{organization}"),
    }
}

/// The right to use a host: a name with a token, a token alone, or nothing.
fn credentials(username: Option<&str>, token: &Secret) -> Option<GitCredentials> {
    match (username, token.expose()) {
        (None, "") => None,
        // The host takes a lone word for a token.
        (None, token) => {
            Some(GitCredentials { username: token.to_owned(), password: Secret::new("") })
        }
        (Some(username), _) => {
            Some(GitCredentials { username: username.to_owned(), password: token.clone() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(api: ApiType, url: &str, expected: &str) {
        assert_eq!(place(api, &home(api, url).unwrap(), "acme"), expected, "{url}");
    }

    #[test]
    fn the_address_of_an_api_leads_to_the_host() {
        check(ApiType::Internal, "http://localhost:8443/", "http://localhost:8443/acme");
        check(
            ApiType::Internal,
            "https://h.example/platform/git/api/v1",
            "https://h.example/platform/git/-/acme",
        );
        check(ApiType::Github, "https://api.github.com", "https://github.com/acme");
        check(ApiType::Github, "https://ghe.example/api/v3/", "https://ghe.example/acme");
        check(ApiType::Gitlab, "https://gitlab.example/api/v4", "https://gitlab.example/acme");
        check(ApiType::Gitlab, "https://h.example/git", "https://h.example/git/-/acme");
        check(
            ApiType::BitbucketServer,
            "https://h.example/bitbucket/rest/api/1.0",
            "https://h.example/bitbucket/-/acme",
        );
        check(
            ApiType::BitbucketCloud,
            "https://api.bitbucket.org/2.0",
            "https://bitbucket.org/acme",
        );
    }

    #[test]
    fn what_is_no_address_is_refused() {
        assert_eq!(home(ApiType::Github, "github.com").err(), Some("is not an address"));
        assert_eq!(home(ApiType::Github, "ssh://h").err(), Some("has neither http nor https"));
    }

    #[test]
    fn every_word_of_the_page_is_an_api_type() {
        let names: Vec<_> = ApiType::ALL.iter().map(|it| it.name()).collect();

        assert_eq!(names, API_TYPES);
        for it in ApiType::ALL {
            assert_eq!(serde_json::to_value(it).unwrap(), it.name());
        }
    }
}
