//! Git endpoints as values.

use crate::secret::Secret;
use serde::{Deserialize, Serialize};
use std::{fmt, path::Path};

/// Which repository of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RepoKind {
    /// The code.
    Code,
    /// The wiki, where it is a repository.
    Wiki,
}

impl RepoKind {
    /// Stable name, used in archives and in the journal.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Wiki => "wiki",
        }
    }
}

/// Where a repository is: a URL or a local path, never with a password in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GitUrl(String);

impl GitUrl {
    /// Takes a URL or path, and what stood in it as user and password.
    ///
    /// SECURITY: the password leaves the URL here, so that nothing that prints
    /// or stores the URL can show it.
    pub fn parse(text: &str) -> (Self, Option<GitCredentials>) {
        let Some((scheme, rest)) = text.split_once("://") else {
            return (Self(text.to_owned()), None);
        };
        let authority_end = rest.find('/').unwrap_or(rest.len());
        let Some(at) = rest[..authority_end].rfind('@') else {
            return (Self(text.to_owned()), None);
        };
        let (userinfo, host) = (&rest[..at], &rest[at + 1..]);
        let (user, password) = match userinfo.split_once(':') {
            Some(pair) => pair,
            // Over HTTP a lone name is a token more often than not.
            None if scheme.starts_with("http") => (userinfo, ""),
            None => return (Self(text.to_owned()), None),
        };
        let credentials =
            GitCredentials { username: user.to_owned(), password: Secret::new(password) };
        (Self(format!("{scheme}://{host}")), Some(credentials))
    }

    /// A repository on this machine.
    pub fn local(path: &Path) -> Self {
        Self(path.to_string_lossy().into_owned())
    }

    /// The text as it may be shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The directory, where the repository is on this machine.
    pub fn as_path(&self) -> Option<&Path> {
        if let Some(path) = self.0.strip_prefix("file://") {
            return Some(Path::new(path));
        }
        let looks_remote = self.0.contains("://")
            || self.0.find(':').is_some_and(|colon| !self.0[..colon].contains('/'));
        (!looks_remote).then(|| Path::new(self.0.as_str()))
    }
}

impl fmt::Display for GitUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// User name and password or token for a Git endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitCredentials {
    /// User name; some hosts want a fixed word here when the password is a token.
    pub username: String,
    /// Password or token.
    pub password: Secret,
}

/// A Git endpoint and the right to use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitRemote {
    /// Where it is.
    pub url: GitUrl,
    /// Credentials, where the endpoint wants them.
    pub credentials: Option<GitCredentials>,
}

impl GitRemote {
    /// A repository on this machine.
    pub fn local(path: &Path) -> Self {
        Self { url: GitUrl::local(path), credentials: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_leaves_the_url() {
        let (url, credentials) = GitUrl::parse("https://me:s3cret@git.example/a/b.git");

        assert_eq!(url.as_str(), "https://git.example/a/b.git");
        assert_eq!(credentials.unwrap().password.expose(), "s3cret");
    }

    #[test]
    fn a_token_without_a_password_leaves_the_url_too() {
        let (url, credentials) = GitUrl::parse("https://s3cret@git.example/a/b.git");

        assert_eq!(url.as_str(), "https://git.example/a/b.git");
        assert_eq!(credentials.unwrap().username, "s3cret");
        assert_eq!(GitUrl::parse("ssh://git@h.example/a").0.as_str(), "ssh://git@h.example/a");
    }

    #[track_caller]
    fn check_path(text: &str, expected: Option<&str>) {
        assert_eq!(GitUrl::parse(text).0.as_path(), expected.map(Path::new));
    }

    #[test]
    fn paths_are_told_from_remotes() {
        check_path("/srv/git/a.git", Some("/srv/git/a.git"));
        check_path("./a.git", Some("./a.git"));
        check_path("./odd:name.git", Some("./odd:name.git"));
        check_path("file:///srv/a.git", Some("/srv/a.git"));
        check_path("git@host.example:a.git", None);
        check_path("https://host.example/a.git", None);
    }
}
