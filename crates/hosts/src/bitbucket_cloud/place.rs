//! What a location says: the workspace, who asks, and how much of it is meant.

use crate::bitbucket::token;
use packhorse_core::{GitCredentials, Location};
use packhorse_net::Credentials;
use url::Url;

/// Why a text is not the address of a workspace.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PlaceError {
    #[error(
        "write the address as https://bitbucket.org/WORKSPACE or https://bitbucket.org/WORKSPACE/REPOSITORY"
    )]
    NotAnAddress,
    #[error("only https and http are spoken")]
    Scheme,
}

/// A workspace or a repository of it.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Address of the pages for people, with a slash at its end.
    pub(super) home: Url,
    /// Address of the API, with a slash at its end.
    pub(super) api: Url,
    pub(super) credentials: Option<GitCredentials>,
    /// More that the API is asked with.
    pub(super) others: Vec<GitCredentials>,
    pub(super) workspace: String,
    /// The one repository that is meant, as `workspace/slug`.
    pub(super) repository: Option<String>,
}

fn is_public(home: &Url) -> bool {
    matches!(home.host_str(), Some("bitbucket.org" | "api.bitbucket.org"))
}

/// Where the API of a server is, with a slash at its end.
///
/// That of `bitbucket.org` is at `api.bitbucket.org`, and that of any other host, such as a
/// stand-in, at `/2.0` of it.
pub(super) fn api(home: &Url) -> Option<Url> {
    let api = if is_public(home) { "https://api.bitbucket.org/2.0/" } else { "/2.0/" };
    home.join(api).ok()
}

impl Place {
    /// Reads a location.
    pub(super) fn of(location: &Location) -> Result<Self, PlaceError> {
        let (text, credentials) = location.address();
        let mut home: Url = text.as_str().parse().map_err(|_| PlaceError::NotAnAddress)?;
        if !matches!(home.scheme(), "http" | "https") {
            return Err(PlaceError::Scheme);
        }
        let rest = location.project.clone().unwrap_or_else(|| home.path().to_owned());
        home.set_query(None);
        home.set_fragment(None);
        home.set_path("/");
        let api = api(&home).ok_or(PlaceError::NotAnAddress)?;
        if is_public(&home) {
            home = Url::parse("https://bitbucket.org/").map_err(|_| PlaceError::NotAnAddress)?;
        }
        let rest = rest.trim_end_matches('/').trim_end_matches(".git");
        let parts: Vec<&str> = rest.split('/').filter(|it| !it.is_empty()).collect();
        let (workspace, repository) = match parts[..] {
            [workspace] => (workspace, None),
            [workspace, slug] => (workspace, Some(format!("{workspace}/{slug}"))),
            _ => return Err(PlaceError::NotAnAddress),
        };
        let (workspace, others) = (workspace.to_owned(), location.more_credentials.clone());
        Ok(Self { home, api, credentials, others, workspace, repository })
    }

    /// Whether a path of a repository is part of what is meant.
    pub(super) fn holds(&self, path: &str) -> bool {
        match &self.repository {
            Some(only) => path.eq_ignore_ascii_case(only),
            None => {
                path.split('/').next().is_some_and(|it| it.eq_ignore_ascii_case(&self.workspace))
            }
        }
    }

    /// What the API is shown: an access token alone, or an address of an account with its API token.
    pub(super) fn api_credentials(&self) -> Vec<Credentials> {
        self.credentials.iter().chain(&self.others).map(token::shown).collect()
    }

    /// What Git is shown: fixed names stand for an access token and for an API token.
    ///
    /// Source: Atlassian, "Using access tokens", "Using API tokens".
    pub(super) fn git_credentials(&self) -> Option<GitCredentials> {
        self.credentials.as_ref().map(|it| {
            if let Some(password) = token::alone(it) {
                return GitCredentials { username: "x-token-auth".to_owned(), password };
            }
            if it.username.contains('@') || it.username.contains("%40") {
                let username = "x-bitbucket-api-token-auth".to_owned();
                return GitCredentials { username, password: it.password.clone() };
            }
            it.clone()
        })
    }

    /// Name of the host, as people's accounts are told apart by.
    pub(super) fn host(&self) -> &str {
        self.home.host_str().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Result<Place, PlaceError> {
        Place::of(&text.parse().unwrap())
    }

    #[track_caller]
    fn check(text: &str, api: &str, workspace: &str, repository: Option<&str>) {
        let place = place(text).unwrap();

        assert_eq!((place.api.as_str(), place.workspace.as_str()), (api, workspace));
        assert_eq!(place.repository.as_deref(), repository);
    }

    #[test]
    fn a_location_says_how_much_is_meant() {
        let api = "https://api.bitbucket.org/2.0/";
        check("bitbucket-cloud:https://bitbucket.org/acme", api, "acme", None);
        check("bitbucket-cloud:https://bitbucket.org/acme/app.git", api, "acme", Some("acme/app"));
        check("bitbucket-cloud:https://bitbucket.org#acme/app", api, "acme", Some("acme/app"));
        let other = "http://127.0.0.1:7/2.0/";
        check("bitbucket-cloud:http://127.0.0.1:7/acme", other, "acme", None);
    }

    #[test]
    fn what_is_no_workspace_is_refused() {
        let wrong = Some(PlaceError::NotAnAddress);
        assert_eq!(place("bitbucket-cloud:https://bitbucket.org").err(), wrong);
        assert_eq!(place("bitbucket-cloud:https://bitbucket.org/a/b/c").err(), wrong);
        assert_eq!(place("bitbucket-cloud:ftp://h.example/a").err(), Some(PlaceError::Scheme));
    }

    #[test]
    fn each_sort_of_token_is_shown_as_it_must_be() {
        let token = place("bitbucket-cloud:https://s3cret@bitbucket.org/acme").unwrap();
        assert!(matches!(token.api_credentials()[..], [Credentials::Bearer(_)]));
        assert_eq!(token.git_credentials().unwrap().username, "x-token-auth");
        let api = "bitbucket-cloud:https://me@acme.example:s3cret@bitbucket.org/acme";
        let api = place(api).unwrap();
        let [Credentials::Basic { username, .. }] = &api.api_credentials()[..] else { panic!() };
        assert_eq!(username, "me@acme.example");
        assert_eq!(api.git_credentials().unwrap().username, "x-bitbucket-api-token-auth");
        assert!(!format!("{api:?}").contains("s3cret"));
    }

    #[test]
    fn what_stands_beside_is_not_meant() {
        let all = place("bitbucket-cloud:https://bitbucket.org/acme").unwrap();
        assert!(all.holds("acme/app") && !all.holds("acmes/app"));
        let one = place("bitbucket-cloud:https://bitbucket.org/acme/app").unwrap();
        assert!(one.holds("acme/app") && !one.holds("acme/other"));
    }
}
