//! What a location says: the server, who asks, and how much of it is meant.

use crate::short;
use packhorse_core::{GitCredentials, Location, Secret};
use packhorse_net::Credentials;
use url::Url;

/// Why a text is not the address of a GitHub.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PlaceError {
    #[error(
        "write OWNER, OWNER/PROJECT, https://HOST, https://HOST/OWNER or https://HOST/OWNER/PROJECT"
    )]
    NotAnAddress,
    #[error("only https and http are spoken")]
    Scheme,
    #[error("`{0}` is no option of a GitHub location; there are `api`, `uploads` and `issues`")]
    Option(String),
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

    /// Whether a project lies in it.
    pub(super) fn holds(&self, project: &str) -> bool {
        let is = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
        match self {
            Self::All => true,
            Self::Owner(owner) => project.split('/').next().is_some_and(|it| is(it, owner)),
            Self::Project(path) => is(path, project),
        }
    }
}

/// How issues are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum IssueWay {
    /// One call for each issue and each comment; their dates are those of the run.
    #[default]
    Plain,
    /// By the importer of issues, which keeps dates; needs a token that administers.
    Import,
}

/// A server, and how much of it is meant.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Address of the server's first page, with a slash at its end.
    pub(super) home: Url,
    /// Address of the API, with a slash at its end.
    pub(super) api: Url,
    /// Address that files of releases are sent to, with a slash at its end.
    pub(super) uploads: Url,
    pub(super) credentials: Option<GitCredentials>,
    /// More that the API is asked with.
    pub(super) others: Vec<GitCredentials>,
    pub(super) extent: Extent,
    pub(super) issues: IssueWay,
}

/// Where the public server is.
const PUBLIC: &str = "github.com";
/// Servers of enterprises that GitHub runs are below this name.
const RESIDENT: &str = ".ghe.com";

impl Place {
    /// Reads a location.
    ///
    /// A server's API and uploads are where GitHub puts them, unless the
    /// options `api` and `uploads` say otherwise.
    pub(super) fn of(location: &Location) -> Result<Self, PlaceError> {
        let (text, credentials) = location.address();
        let text = short::address(location).unwrap_or_else(|| text.as_str().to_owned());
        let mut home: Url = text.parse().map_err(|_| PlaceError::NotAnAddress)?;
        if !matches!(home.scheme(), "http" | "https") || home.host_str().is_none() {
            return Err(PlaceError::Scheme);
        }
        let (mut api, mut uploads) = roots(&home)?;
        let mut issues = IssueWay::Plain;
        for (name, value) in home.clone().query_pairs() {
            match (&*name, &*value) {
                ("api", url) => api = root(url)?,
                ("uploads", url) => uploads = root(url)?,
                ("issues", "plain") => issues = IssueWay::Plain,
                ("issues", "import") => issues = IssueWay::Import,
                (other, _) => return Err(PlaceError::Option(other.to_owned())),
            }
        }
        home.set_query(None);
        home.set_fragment(None);
        let path = home.path().trim_matches('/').to_owned();
        home.set_path("/");
        let rest = location.project.clone().unwrap_or(path);
        let rest = rest.trim_end_matches(".git");
        let parts: Vec<&str> = rest.split('/').filter(|it| !it.is_empty()).collect();
        let extent = match parts[..] {
            [] => Extent::All,
            [owner] => Extent::Owner(owner.to_owned()),
            [owner, project] => Extent::Project(format!("{owner}/{project}")),
            _ => return Err(PlaceError::NotAnAddress),
        };
        let credentials = credentials.map(for_git);
        let others = location.more_credentials.iter().cloned().map(for_git).collect();
        Ok(Self { home, api, uploads, credentials, others, extent, issues })
    }

    /// What the API is shown.
    pub(super) fn api_credentials(&self) -> Vec<Credentials> {
        let token = |it: &GitCredentials| Credentials::Bearer(it.password.clone());
        self.credentials.iter().chain(&self.others).map(token).collect()
    }

    /// What the server's pages for people are shown, as Git shows it.
    pub(super) fn git_credentials(&self) -> Option<Credentials> {
        self.credentials.as_ref().map(|it| Credentials::Basic {
            username: it.username.clone(),
            password: it.password.clone(),
        })
    }

    /// Name of the server, as people's accounts are told apart by.
    pub(super) fn host(&self) -> &str {
        self.home.host_str().unwrap_or_default()
    }

    /// Whether it is the public server.
    pub(super) fn is_public(&self) -> bool {
        self.home.host_str() == Some(PUBLIC)
    }
}

/// A token alone stands where a user name would; Git wants some name beside it.
///
/// Source: GitHub, "Managing your personal access tokens", "Using a token on the command line".
fn for_git(given: GitCredentials) -> GitCredentials {
    if given.password.expose().is_empty() {
        let password = Secret::new(given.username);
        return GitCredentials { username: "x-access-token".to_owned(), password };
    }
    given
}

/// An address that others are made below.
fn root(text: &str) -> Result<Url, PlaceError> {
    let mut url: Url = text.parse().map_err(|_| PlaceError::NotAnAddress)?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(PlaceError::Scheme);
    }
    // SECURITY: a password here would be shown with the address.
    if !url.username().is_empty() || url.password().is_some() {
        return Err(PlaceError::NotAnAddress);
    }
    let path = format!("{}/", url.path().trim_end_matches('/'));
    url.set_path(&path);
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

/// Where a server's API and uploads are.
///
/// Source: GitHub, "Getting started with the REST API" of github.com, of
/// Enterprise Server, and of Enterprise Cloud with data residency.
fn roots(home: &Url) -> Result<(Url, Url), PlaceError> {
    let host = home.host_str().unwrap_or_default();
    let port = home.port().map(|it| format!(":{it}")).unwrap_or_default();
    let at = format!("{}://{host}{port}", home.scheme());
    if host == PUBLIC || host.ends_with(RESIDENT) {
        let beside = |name: &str| root(&format!("{}://{name}.{host}{port}", home.scheme()));
        return Ok((beside("api")?, beside("uploads")?));
    }
    Ok((root(&format!("{at}/api/v3"))?, root(&format!("{at}/api/uploads"))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Result<Place, PlaceError> {
        Place::of(&text.parse().unwrap())
    }

    #[track_caller]
    fn check(text: &str, api: &str, uploads: &str, extent: Extent) {
        let place = place(text).unwrap();

        assert_eq!((place.api.as_str(), place.uploads.as_str()), (api, uploads));
        assert_eq!(place.extent, extent);
    }

    #[test]
    fn every_sort_of_server_has_its_api_in_a_place_of_its_own() {
        let (api, uploads) = ("https://api.github.com/", "https://uploads.github.com/");
        let (owner, project) = (Extent::Owner("acme".into()), Extent::Project("acme/app".into()));
        check("github:acme", api, uploads, owner.clone());
        check("github:acme/app", api, uploads, project.clone());
        check("github:https://github.com", api, uploads, Extent::All);
        check("github:https://github.com/acme/app.git", api, uploads, project.clone());
        let (api, uploads) = ("https://h.example/api/v3/", "https://h.example/api/uploads/");
        check("ghes:https://h.example/acme", api, uploads, owner.clone());
        check("ghes:https://h.example#acme/app", api, uploads, project.clone());
        let (api, uploads) = ("https://api.acme.ghe.com/", "https://uploads.acme.ghe.com/");
        check("github:https://acme.ghe.com/acme", api, uploads, owner.clone());
        let (api, uploads) = ("http://127.0.0.1:3000/x/", "http://127.0.0.1:3001/");
        let options = "?api=http://127.0.0.1:3000/x&uploads=http://127.0.0.1:3001";
        check(&format!("github:http://127.0.0.1:80/acme{options}"), api, uploads, owner);
    }

    #[test]
    fn what_is_no_server_is_refused() {
        assert_eq!(place("github:./here").err(), Some(PlaceError::NotAnAddress));
        assert_eq!(place("github:ftp://h.example").err(), Some(PlaceError::Scheme));
        assert_eq!(place("github:https://h.example/a/b/c").err(), Some(PlaceError::NotAnAddress));
        let refused = place("github:https://h.example/a?isues=import").err();
        assert_eq!(refused, Some(PlaceError::Option("isues".into())));
        let with_password = "github:https://h.example/a?api=https://me:s3cret@h.example";
        assert_eq!(place(with_password).err(), Some(PlaceError::NotAnAddress));
    }

    #[test]
    fn the_importer_of_issues_is_asked_for() {
        assert_eq!(place("github:acme/app?issues=import").unwrap().issues, IssueWay::Import);
        assert_eq!(place("github:acme/app").unwrap().issues, IssueWay::Plain);
    }

    #[test]
    fn a_token_stays_out_of_the_address() {
        for text in ["github:https://alice:s3cret@h.example/a", "github:https://s3cret@h.example/a"]
        {
            let place = place(text).unwrap();

            assert_eq!(place.home.as_str(), "https://h.example/");
            assert!(!format!("{place:?}").contains("s3cret"));
            assert_eq!(place.credentials.unwrap().password.expose(), "s3cret");
        }
    }

    #[test]
    fn a_project_lies_in_what_is_meant() {
        assert!(Extent::All.holds("acme/app"));
        assert!(Extent::Owner("Acme".into()).holds("acme/app"));
        assert!(!Extent::Owner("acme".into()).holds("acmes/app"));
        assert!(!Extent::Project("acme/app".into()).holds("acme/site"));
    }
}
