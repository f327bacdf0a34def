//! What a location says: the server, who asks, and how much of it is meant.

use http::HeaderName;
use packhorse_core::{GitCredentials, Location, Secret};
use packhorse_net::Credentials;
use url::Url;

/// Why a text is not the address of a server.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PlaceError {
    #[error("write the address as https://HOST, https://HOST/GROUP or https://HOST/GROUP/PROJECT")]
    NotAnAddress,
    #[error("only https and http are spoken")]
    Scheme,
}

/// A server, and how much of it is meant.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Address of the server's first page, with a slash at its end.
    pub(super) home: Url,
    /// Credentials for Git.
    pub(super) credentials: Option<GitCredentials>,
    /// More that the API is asked with.
    pub(super) others: Vec<GitCredentials>,
    /// Full path of a group, a person or a project; only the server knows which. None means all.
    pub(super) within: Option<String>,
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
        let rest = rest.trim_matches('/').trim_end_matches(".git");
        if rest.split('/').any(|it| matches!(it, "." | "..")) || rest.contains("//") {
            return Err(PlaceError::NotAnAddress);
        }
        let within = (!rest.is_empty()).then(|| rest.to_owned());
        let others = location.more_credentials.iter().cloned().map(for_git).collect();
        Ok(Self { home, credentials: credentials.map(for_git), others, within })
    }

    /// What the API is shown: the token, in the header that its kind goes in.
    ///
    /// Source: GitLab, "REST API authentication".
    pub(super) fn api_credentials(&self) -> Vec<Credentials> {
        let shown = |it: &GitCredentials| match it.username.as_str() {
            "oauth2" => Credentials::Bearer(it.password.clone()),
            "gitlab-ci-token" => header("job-token", it.password.clone()),
            _ => header("private-token", it.password.clone()),
        };
        self.credentials.iter().chain(&self.others).map(shown).collect()
    }

    /// Name of the server, as people's accounts are told apart by.
    pub(super) fn host(&self) -> &str {
        self.home.host_str().unwrap_or_default()
    }

    /// Whether it is the public service, where a listing of everything would be everybody's.
    pub(super) fn is_public_service(&self) -> bool {
        self.host() == "gitlab.com"
    }
}

fn header(name: &'static str, value: Secret) -> Credentials {
    Credentials::Header { name: HeaderName::from_static(name), value }
}

/// A token alone stands where a user name does; Git wants it as a password, with any name.
fn for_git(it: GitCredentials) -> GitCredentials {
    if !it.password.expose().is_empty() {
        return it;
    }
    GitCredentials { username: "token".to_owned(), password: Secret::new(it.username) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Result<Place, PlaceError> {
        Place::of(&text.parse().unwrap())
    }

    #[track_caller]
    fn check(text: &str, home: &str, within: Option<&str>) {
        let place = place(text).unwrap();

        assert_eq!((place.home.as_str(), place.within.as_deref()), (home, within));
    }

    #[test]
    fn a_location_says_how_much_is_meant() {
        check("gitlab:https://h.example", "https://h.example/", None);
        check("gitlab:https://h.example/acme/", "https://h.example/", Some("acme"));
        check("gitlab:https://h.example/acme/a/b.git", "https://h.example/", Some("acme/a/b"));
        check("gitlab:https://h.example#acme/a/b", "https://h.example/", Some("acme/a/b"));
        check("gitlab:https://h.example/git/-/", "https://h.example/git/", None);
        check("gitlab:https://h.example/git/-/acme/a", "https://h.example/git/", Some("acme/a"));
    }

    #[test]
    fn what_is_no_server_is_refused() {
        assert_eq!(place("gitlab:./here").err(), Some(PlaceError::NotAnAddress));
        assert_eq!(place("gitlab:ftp://h.example").err(), Some(PlaceError::Scheme));
        assert_eq!(place("gitlab:https://h.example#a/../b").err(), Some(PlaceError::NotAnAddress));
    }

    #[test]
    fn tokens_beside_the_address_are_used_and_all_of_them() {
        let mut location: Location = "gitlab:https://h.example/acme".parse().unwrap();
        let token = |it: &str| GitCredentials { username: "git".into(), password: Secret::new(it) };
        location.credentials = Some(token("a"));
        location.more_credentials = vec![token("b")];

        let place = Place::of(&location).unwrap();

        let shown = place.api_credentials();
        let values: Vec<_> = shown.iter().map(|it| it.header().unwrap().1).collect();
        assert_eq!(values, ["a", "b"]);
        assert_eq!(place.credentials.unwrap().password.expose(), "a");
    }

    #[test]
    fn a_token_stays_out_of_the_address_and_goes_where_its_kind_goes() {
        let alone = place("gitlab:https://s3cret@h.example/acme").unwrap();
        let named = place("gitlab:https://oauth2:s3cret@h.example/acme").unwrap();

        assert_eq!(alone.home.as_str(), "https://h.example/");
        assert!(!format!("{alone:?}").contains("s3cret"));
        assert_eq!(alone.credentials.clone().unwrap().username, "token");
        let (name, _) = alone.api_credentials()[0].header().unwrap();
        assert_eq!(name.as_str(), "private-token");
        let (name, _) = named.api_credentials()[0].header().unwrap();
        assert_eq!(name.as_str(), "authorization");
    }
}
