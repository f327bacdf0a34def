//! What a Git URL or path says: where the repository is, and what its project is called.

use packhorse_core::{GitRemote, GitUrl, Location};
use std::path::{Path, absolute};

/// Transports that may be asked for.
const SCHEMES: &[&str] = &["https", "http", "ssh", "git", "file"];

/// Why a text is not the address of a repository.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum AddressError {
    #[error("only {} and paths are fetched from", SCHEMES.join(", "))]
    Transport,
    #[error("it begins with a hyphen or contains a control character")]
    Hostile,
    #[error("it does not say what the project is called")]
    Nameless,
}

/// A repository's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// Where it is, with the credentials that stood in the URL.
    pub(super) remote: GitRemote,
    /// Full path of its project: the last two parts of the URL, or what the location says.
    pub(super) project: String,
}

impl Address {
    /// Reads a location.
    pub(super) fn of(location: &Location) -> Result<Self, AddressError> {
        let (url, credentials) = location.address();
        check(url.as_str())?;
        let derived = project(path_part(url.as_str())).ok_or(AddressError::Nameless);
        let project = location.project.clone().map_or(derived, Ok)?;
        Ok(Self { remote: GitRemote { url: absolute_url(url), credentials }, project })
    }

    /// The directory, where the repository is on this machine.
    pub(super) fn directory(&self) -> Option<&Path> {
        self.remote.url.as_path()
    }

    /// Stable name of the endpoint; it has no password in it.
    pub(super) fn identity(&self) -> String {
        format!("git:{}", self.remote.url)
    }
}

/// SECURITY: `ext::` and `fd::` make Git run what the URL says, a leading hyphen makes the URL an
/// option; neither gets further than this.
fn check(url: &str) -> Result<(), AddressError> {
    if url.chars().any(char::is_control) || host(url).starts_with('-') || url.starts_with('-') {
        return Err(AddressError::Hostile);
    }
    let is_helper = url.find("::").is_some_and(|at| !url[..at].contains('/'));
    let scheme = url.split_once("://").map(|(scheme, _)| scheme);
    if is_helper || scheme.is_some_and(|scheme| !SCHEMES.contains(&scheme)) {
        return Err(AddressError::Transport);
    }
    Ok(())
}

/// The host of a URL or of `user@host:path`; the beginning of a path.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', ':']).next().unwrap_or(rest);
    authority.rsplit('@').next().unwrap_or(authority)
}

/// What follows the host.
fn path_part(url: &str) -> &str {
    if let Some((_, rest)) = url.split_once("://") {
        let path = rest.split_once('/').map_or("", |(_, path)| path);
        return path.split('?').next().unwrap_or(path);
    }
    match url.split_once(':') {
        Some((host, path)) if !host.contains('/') => path,
        _ => url,
    }
}

fn project(path: &str) -> Option<String> {
    let path = path.trim_end_matches('/');
    let path = path.strip_suffix("/.git").unwrap_or(path);
    let path = path.strip_suffix(".git").unwrap_or(path);
    let mut parts = path.split('/').filter(|part| !matches!(*part, "" | "." | ".." | "~"));
    let name = parts.next_back()?;
    Some(parts.next_back().map_or_else(|| name.to_owned(), |owner| format!("{owner}/{name}")))
}

/// A path is made absolute, so that it means the same in every directory.
fn absolute_url(url: GitUrl) -> GitUrl {
    let is_path = !url.as_str().contains("://");
    match url.as_path().filter(|_| is_path).map(absolute) {
        Some(Ok(path)) => GitUrl::local(&path),
        Some(Err(_)) | None => url,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Address, AddressError> {
        Address::of(&text.parse().unwrap())
    }

    #[track_caller]
    fn check_project(text: &str, expected: &str) {
        assert_eq!(parse(text).unwrap().project, expected);
    }

    #[test]
    fn the_url_names_the_project() {
        check_project("git:https://h.example/acme/app.git", "acme/app");
        check_project("git:https://h.example/x/acme/app/", "acme/app");
        check_project("git:https://h.example/app.git?x=/y/z", "app");
        check_project("git:ssh://git@h.example:22/acme/app", "acme/app");
        check_project("git:git@h.example:acme/app.git", "acme/app");
        check_project("git:git@h.example:app.git", "app");
        check_project("git:./app.git", "app");
        check_project("git:../x/app.git", "x/app");
        check_project("git:/srv/git/acme/app/.git", "acme/app");
        check_project("git:file:///srv/app.git", "srv/app");
        check_project("git:./app.git#acme/widgets", "acme/widgets");
    }

    #[track_caller]
    fn check_refused(text: &str, expected: AddressError) {
        assert_eq!(parse(text), Err(expected));
    }

    #[test]
    fn what_would_run_something_is_refused() {
        check_refused("git:ext::sh -c id", AddressError::Transport);
        check_refused("git:fd::7", AddressError::Transport);
        check_refused("git:ftp://h.example/a.git", AddressError::Transport);
        check_refused("git:--upload-pack=id", AddressError::Hostile);
        check_refused("git:ssh://-oProxyCommand=id/a", AddressError::Hostile);
        check_refused("git:ssh://git@-oProxyCommand=id/a", AddressError::Hostile);
        check_refused("git:-oProxyCommand=id:a", AddressError::Hostile);
        check_refused("git:https://h.example/a\nb", AddressError::Hostile);
    }

    #[test]
    fn an_address_without_a_name_is_refused() {
        check_refused("git:https://h.example/", AddressError::Nameless);
        check_refused("git:/", AddressError::Nameless);
    }

    #[test]
    fn a_password_stays_out_of_the_identity() {
        let address = parse("git:https://me:s3cret@h.example/acme/app.git").unwrap();

        assert_eq!(address.identity(), "git:https://h.example/acme/app.git");
        assert_eq!(address.remote.credentials.unwrap().username, "me");
    }

    #[test]
    fn a_path_is_the_same_from_everywhere() {
        let address = parse("git:./app.git").unwrap();

        assert!(address.directory().unwrap().is_absolute());
    }
}
