//! What a location says: the server, who asks, and how much of it is meant.

use packhorse_core::{GitCredentials, Location};
use packhorse_net::Credentials;
use url::Url;

/// Why a text is not the address of a server.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PlaceError {
    #[error("write the address as https://HOST, https://HOST/OWNER or https://HOST/OWNER/PROJECT")]
    NotAnAddress,
    #[error("only https and http are spoken")]
    Scheme,
}

/// How much of a server is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// All that the credentials see.
    All,
    /// What an organization or a person owns.
    Owner(String),
    /// One project.
    Project(String),
}

impl Extent {
    /// Who owns what is meant; `None` for the whole server.
    pub(super) fn owner(&self) -> Option<&str> {
        match self {
            Self::All => None,
            Self::Owner(owner) => Some(owner),
            Self::Project(path) => path.split('/').next(),
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
    /// Reads a location.
    ///
    /// A server below a path ends with `/-/`, as in `https://h.example/git/-/acme`.
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
        let rest = rest.trim_end_matches(".git");
        let parts: Vec<&str> = rest.split('/').filter(|it| !it.is_empty()).collect();
        let extent = match parts[..] {
            [] => Extent::All,
            [owner] => Extent::Owner(owner.to_owned()),
            [owner, project] => Extent::Project(format!("{owner}/{project}")),
            _ => return Err(PlaceError::NotAnAddress),
        };
        Ok(Self { home, credentials, others: location.more_credentials.clone(), extent })
    }

    /// What the API is shown. A token alone goes as a user name, which the server understands.
    pub(super) fn api_credentials(&self) -> Vec<Credentials> {
        let shown = |it: &GitCredentials| Credentials::Basic {
            username: it.username.clone(),
            password: it.password.clone(),
        };
        self.credentials.iter().chain(&self.others).map(shown).collect()
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
        let (owner, project) = (Extent::Owner("acme".into()), Extent::Project("acme/app".into()));
        check("gitea:https://h.example", "https://h.example/", Extent::All);
        check("gitea:https://h.example/acme/", "https://h.example/", owner.clone());
        check("gitea:https://h.example/acme/app", "https://h.example/", project.clone());
        check("gitea:https://h.example/acme/app.git", "https://h.example/", project.clone());
        check("gitea:https://h.example#acme/app", "https://h.example/", project.clone());
        check("gitea:https://h.example/git/-/", "https://h.example/git/", Extent::All);
        check("gitea:https://h.example/git/-/acme", "https://h.example/git/", owner);
    }

    #[test]
    fn what_is_no_server_is_refused() {
        assert_eq!(place("gitea:./here").err(), Some(PlaceError::NotAnAddress));
        assert_eq!(place("gitea:ftp://h.example").err(), Some(PlaceError::Scheme));
        assert_eq!(place("gitea:https://h.example/a/b/c").err(), Some(PlaceError::NotAnAddress));
    }

    #[test]
    fn a_token_stays_out_of_the_address() {
        let place = place("gitea:https://alice:s3cret@h.example/acme").unwrap();

        assert_eq!(place.home.as_str(), "https://h.example/");
        assert!(!format!("{place:?}").contains("s3cret"));
        assert_eq!(place.credentials.unwrap().username, "alice");
    }
}
