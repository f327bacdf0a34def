//! A host or format as data: what it is called, what it promises, how it is opened.

use crate::{
    catalogue::ObjectKind,
    error::HostError,
    git::{GitCredentials, GitUrl},
    port::{Sink, Source},
    support::Support,
};
use std::{fmt, path::PathBuf, str::FromStr, sync::Arc};

/// Where something is: `kind:rest`, with `#project` to mean one project of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// Id or alias of the host or format.
    pub host: String,
    /// Path or URL.
    pub rest: String,
    /// Full path of one project.
    pub project: Option<String>,
    /// The right to use it, where that does not stand in the URL.
    pub credentials: Option<GitCredentials>,
    /// More that may do the same: requests to an API are spread over all. Git uses the first.
    pub more_credentials: Vec<GitCredentials>,
}

/// Why a text is not a location.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` is not a location: write `kind:path-or-url`, such as `local:./stable`")]
pub struct LocationError {
    /// The text.
    pub text: String,
}

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, LocationError> {
        let fail = || LocationError { text: text.to_owned() };
        let (host, rest) = text.split_once(':').ok_or_else(fail)?;
        let (rest, project) = match rest.split_once('#') {
            Some((rest, project)) => (rest, Some(project.trim_matches('/').to_owned())),
            None => (rest, None),
        };
        let named = host.starts_with(|c: char| c.is_ascii_lowercase())
            && host.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if !named || rest.is_empty() || project.as_deref() == Some("") {
            return Err(fail());
        }
        let (host, rest) = (host.to_owned(), rest.to_owned());
        Ok(Self { host, rest, project, credentials: None, more_credentials: Vec::new() })
    }
}

impl Location {
    /// The place as a whole, without the one project of it.
    #[must_use]
    pub fn whole(self) -> Self {
        Self { project: None, ..self }
    }

    /// The URL or path, without credentials, and the credentials; those of a pool stand in
    /// [`Location::more_credentials`].
    pub fn address(&self) -> (GitUrl, Option<GitCredentials>) {
        let (url, own) = GitUrl::parse(&self.rest);
        (url, own.or_else(|| self.credentials.clone()))
    }
}

/// SECURITY: shows no password, also when one was written into the URL.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rest, _) = GitUrl::parse(&self.rest);
        write!(f, "{}:{rest}", self.host)?;
        self.project.iter().try_for_each(|project| write!(f, "#{project}"))
    }
}

/// What an endpoint is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// To read; what is not there is an error.
    Read,
    /// To write; what is not there is made on the first write.
    Write,
    /// To ask what a write would come to; nothing is made outside the scratch directory.
    Plan,
}

/// What opening an endpoint may need.
#[derive(Clone, Debug)]
pub struct OpenContext {
    /// Directory for what is needed during the run only.
    pub scratch: PathBuf,
    /// What for.
    pub access: Access,
    /// Whether an earlier run of the same job may have left something to go on with.
    pub resume: bool,
}

/// An open endpoint; a side that the host does not have is absent.
#[derive(Clone, Default)]
pub struct Endpoint {
    /// To read from.
    pub source: Option<Arc<dyn Source>>,
    /// To write to.
    pub sink: Option<Arc<dyn Sink>>,
}

/// One row of a registry: a host or an archive format.
pub struct HostSpec {
    /// Full id, as in `bitbucket-server`.
    pub id: &'static str,
    /// Other names it goes by in locations.
    pub aliases: &'static [&'static str],
    /// Name for people.
    pub title: &'static str,
    /// How a location of it is written, after the colon.
    pub location: &'static str,
    /// What can be read from it.
    pub reads: fn(ObjectKind) -> Support,
    /// What can be written to it.
    pub writes: fn(ObjectKind) -> Support,
    /// Opens an endpoint: checks the location, but asks nobody yet.
    pub open: fn(&Location, &OpenContext) -> Result<Endpoint, HostError>,
}

impl fmt::Debug for HostSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostSpec").field("id", &self.id).finish_non_exhaustive()
    }
}

impl HostSpec {
    /// Whether a location that begins with `name` means this host.
    pub fn is_named(&self, name: &str) -> bool {
        self.id == name || self.aliases.contains(&name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(&str, &str, Option<&str>)>) {
        let found = text.parse::<Location>().ok();

        let found = found.as_ref().map(|it| (&*it.host, &*it.rest, it.project.as_deref()));
        assert_eq!(found, expected);
    }

    #[test]
    fn a_location_is_a_kind_and_a_rest() {
        check("local:./stable", Some(("local", "./stable", None)));
        check("local:./stable#acme/widgets", Some(("local", "./stable", Some("acme/widgets"))));
        check("git:https://h.example/a.git", Some(("git", "https://h.example/a.git", None)));
    }

    #[test]
    fn what_has_no_kind_is_refused() {
        check("./stable", None);
        check("local:", None);
        check("C:\\stable", None);
        check("local:./stable#", None);
    }

    #[test]
    fn a_password_is_not_shown() {
        let location: Location = "git:https://me:s3cret@h.example/a.git".parse().unwrap();

        assert_eq!(location.to_string(), "git:https://h.example/a.git");
    }
}
