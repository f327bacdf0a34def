//! What a location says: the server, who asks, and how much of it is meant.

use crate::bitbucket::token;
use packhorse_core::{GitCredentials, Location};
use packhorse_net::Credentials;
use url::Url;

/// Why a text is not the address of a server.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PlaceError {
    #[error("write the address as https://HOST, https://HOST/KEY or https://HOST/KEY/REPOSITORY")]
    NotAnAddress,
    #[error("only https and http are spoken")]
    Scheme,
}

/// How much of a server is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// All that the credentials see.
    All,
    /// The repositories of a project, or of a person as `~name`.
    Key(String),
    /// One repository, as `KEY/slug`.
    Repository(String),
}

impl Extent {
    /// The project's key; `None` for the whole server.
    pub(super) fn key(&self) -> Option<&str> {
        match self {
            Self::All => None,
            Self::Key(key) => Some(key),
            Self::Repository(path) => path.split('/').next(),
        }
    }

    /// Whether a path of a project is part of what is meant; keys are told apart without case.
    pub(super) fn holds(&self, path: &str) -> bool {
        match self {
            Self::All => true,
            Self::Key(key) => path.split('/').next().is_some_and(|it| it.eq_ignore_ascii_case(key)),
            Self::Repository(only) => path.eq_ignore_ascii_case(only),
        }
    }
}

/// A server, and how much of it is meant.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Address of the server's first page, with a slash at its end.
    pub(super) home: Url,
    pub(super) credentials: Option<GitCredentials>,
    /// More that the API is asked with.
    pub(super) others: Vec<GitCredentials>,
    pub(super) extent: Extent,
}

impl Place {
    /// Reads a location, also as people copy it from the address line:
    /// `https://HOST/projects/KEY/repos/slug`, `https://HOST/users/name/repos/slug`
    /// and `https://HOST/scm/key/slug.git`.
    ///
    /// A server below a path ends with `/-/`, as in `https://h.example/git/-/KEY`.
    pub(super) fn of(location: &Location) -> Result<Self, PlaceError> {
        let (text, credentials) = location.address();
        let mut home: Url = text.as_str().parse().map_err(|_| PlaceError::NotAnAddress)?;
        if !matches!(home.scheme(), "http" | "https") {
            return Err(PlaceError::Scheme);
        }
        home.set_query(None);
        home.set_fragment(None);
        let path = home.path().trim_matches('/').to_owned();
        let (below, rest) = match path.split_once("/-") {
            Some((below, rest)) => (below.to_owned(), rest.trim_matches('/').to_owned()),
            None => (String::new(), path),
        };
        home.set_path(&if below.is_empty() { "/".to_owned() } else { format!("/{below}/") });
        let rest = location.project.clone().unwrap_or(rest);
        let rest = rest.trim_end_matches(".git").replace("%7E", "~");
        let parts: Vec<&str> = rest.split('/').filter(|it| !it.is_empty()).collect();
        let extent = match parts[..] {
            [] => Extent::All,
            ["projects", key] | [key] => Extent::Key(key.to_owned()),
            ["users", name] => Extent::Key(format!("~{name}")),
            ["users", name, "repos", slug, ..] => Extent::Repository(format!("~{name}/{slug}")),
            ["projects", key, "repos", slug, ..] | ["scm", key, slug] | [key, slug] => {
                Extent::Repository(format!("{key}/{slug}"))
            }
            _ => return Err(PlaceError::NotAnAddress),
        };
        Ok(Self { home, credentials, others: location.more_credentials.clone(), extent })
    }

    /// What the API is shown: a token alone, or a name with a password or a token.
    pub(super) fn api_credentials(&self) -> Vec<Credentials> {
        self.credentials.iter().chain(&self.others).map(token::shown).collect()
    }

    /// What Git is shown: for a token alone, the name that stands for one.
    ///
    /// Source: Atlassian, "HTTP access tokens".
    pub(super) fn git_credentials(&self) -> Option<GitCredentials> {
        self.credentials.as_ref().map(|it| match token::alone(it) {
            Some(password) => GitCredentials { username: "x-token-auth".to_owned(), password },
            None => it.clone(),
        })
    }

    /// Name of the server, as people's accounts are told apart by.
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
    fn check(text: &str, home: &str, extent: Extent) {
        let place = place(text).unwrap();

        assert_eq!((place.home.as_str(), place.extent), (home, extent));
    }

    #[test]
    fn a_location_says_how_much_is_meant() {
        let home = "https://h.example/";
        let (key, one) = (Extent::Key("PRJ".into()), Extent::Repository("PRJ/app".into()));
        check("bitbucket-server:https://h.example", home, Extent::All);
        check("bitbucket-server:https://h.example/PRJ/", home, key.clone());
        check("bitbucket-server:https://h.example/projects/PRJ", home, key.clone());
        check("bitbucket-server:https://h.example/PRJ/app", home, one.clone());
        check(
            "bitbucket-server:https://h.example/projects/PRJ/repos/app/browse",
            home,
            one.clone(),
        );
        check("bitbucket-server:https://h.example/scm/PRJ/app.git", home, one.clone());
        check("bitbucket-server:https://h.example#PRJ/app", home, one);
        let own = Extent::Repository("~alice/app".into());
        check("bitbucket-server:https://h.example/users/alice/repos/app", home, own.clone());
        check("bitbucket-server:https://h.example/~alice/app", home, own);
        check("bitbucket-server:https://h.example/git/-/PRJ", "https://h.example/git/", key);
    }

    #[test]
    fn what_is_no_server_is_refused() {
        assert_eq!(place("bitbucket-server:./here").err(), Some(PlaceError::NotAnAddress));
        assert_eq!(place("bitbucket-server:ftp://h.example").err(), Some(PlaceError::Scheme));
    }

    #[test]
    fn a_token_alone_is_a_bearer_and_stays_out_of_the_address() {
        let token = place("bitbucket-server:https://s3cret@h.example/PRJ").unwrap();
        assert!(matches!(token.api_credentials()[..], [Credentials::Bearer(_)]));
        assert_eq!(token.git_credentials().unwrap().username, "x-token-auth");
        assert!(!format!("{:?}", token.home).contains("s3cret"));

        let basic = place("bitbucket-server:https://alice:s3cret@h.example/PRJ").unwrap();
        assert!(matches!(basic.api_credentials()[..], [Credentials::Basic { .. }]));
        assert_eq!(basic.git_credentials().unwrap().username, "alice");
    }

    #[test]
    fn what_stands_beside_is_not_meant() {
        let key = Extent::Key("PRJ".into());
        assert!(key.holds("PRJ/app") && key.holds("prj/app") && !key.holds("PRJX/app"));
        let one = Extent::Repository("PRJ/app".into());
        assert!(one.holds("PRJ/app") && !one.holds("PRJ/other"));
    }
}
