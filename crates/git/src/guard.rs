//! Where programs may lead.
//!
//! What we ask over HTTP ourselves is held to [`Reach`] address by address. The `git` program looks
//! names up by itself, so it is told beforehand what a name stands for, and follows no redirect;
//! what goes by other protocols is left alone unless the name itself is trusted.

use crate::{
    error::GitError,
    process::{Git, GitCommand},
};
use packhorse_core::{GitRemote, HostError, HostErrorKind};
use packhorse_net::Reach;
use std::{env, io, net::IpAddr};
use url::{Host, Url};

/// What looking up is called in errors.
const LOOK_UP: &str = "look up where a repository is";

/// Variables by which HTTP goes through a proxy, which looks names up itself.
const PROXIES: [&str; 5] = ["http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"];

/// Binds a command to where its remote may lead.
///
/// SECURITY: the addresses that were looked at are the ones that are connected to. A name that
/// leads elsewhere a moment later leads nowhere.
pub(crate) async fn bound(
    command: GitCommand,
    remote: &GitRemote,
    reach: &Reach,
) -> Result<GitCommand, GitError> {
    // Whoever named a directory of this machine was asked whether they may.
    if remote.url.as_path().is_some() {
        return Ok(command);
    }
    let text = remote.url.as_str();
    let url = text.parse::<Url>().ok().filter(|it| matches!(it.scheme(), "http" | "https"));
    let Some(url) = url else {
        check_trusted(host_of(text).unwrap_or_default(), text, reach)?;
        return Ok(command);
    };
    let command = command.setting("http.followRedirects", "false");
    match url.host() {
        None => Err(closed(text, "it names no host")),
        Some(_) if !reach.admits(&url) => Err(out_of_reach(text)),
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => Ok(command),
        Some(Host::Domain(_)) if PROXIES.iter().any(|it| env::var_os(it).is_some()) => Ok(command),
        Some(Host::Domain(name)) => {
            let found = reach.addresses(name).await;
            let found = found.map_err(|error| unanswered(text, error))?;
            let port = url.port_or_known_default().unwrap_or(443);
            // The first empties the list, which a repository's own configuration may have begun.
            let command = command.setting("http.curloptResolve", "");
            Ok(command.setting("http.curloptResolve", pinned(name, port, &found)))
        }
    }
}

/// What curl is told of a name, as its option `CURLOPT_RESOLVE` wants it.
fn pinned(name: &str, port: u16, addresses: &[IpAddr]) -> String {
    let written = addresses.iter().map(|it| match it {
        IpAddr::V4(it) => it.to_string(),
        IpAddr::V6(it) => format!("[{it}]"),
    });
    format!("{name}:{port}:{}", written.collect::<Vec<_>>().join(","))
}

/// Whether `ssh` may be started for a `user@host`, which it looks up by itself.
pub(crate) fn check_ssh(git: &Git, target: &str) -> Result<(), GitError> {
    let Some(reach) = git.reach() else { return Ok(()) };
    let host = target.rsplit('@').next().unwrap_or_default();
    check_trusted(host.trim_matches(['[', ']']), target, &reach)
}

/// Refuses a host that programs look up by themselves, unless it may be reached wherever it leads.
fn check_trusted(host: &str, place: &str, reach: &Reach) -> Result<(), GitError> {
    if !host.is_empty() && reach.trusts(&host.to_ascii_lowercase()) {
        return Ok(());
    }
    Err(closed(place, "only HTTP leads to hosts that the configuration does not name"))
}

/// The host of an address that is none of HTTP: `ssh://user@host:22/x`, `git@host:x`.
fn host_of(text: &str) -> Option<&str> {
    let authority = match text.split_once("://") {
        Some((_, rest)) => rest.split('/').next()?,
        None => text.split_once(':')?.0,
    };
    let host = authority.rsplit_once('@').map_or(authority, |it| it.1);
    match host.strip_prefix('[') {
        Some(bare) => bare.split(']').next(),
        None => host.split(':').next(),
    }
}

fn closed(place: &str, why: &'static str) -> GitError {
    unanswered(place, io::Error::other(why))
}

fn out_of_reach(place: &str) -> GitError {
    unanswered(place, io::Error::other(packhorse_net::OutOfReach))
}

fn unanswered(place: &str, why: io::Error) -> GitError {
    let source = HostError::new(HostErrorKind::Rejected, LOOK_UP).because(why);
    GitError::Unanswered { place: place.to_owned(), source: Box::new(source) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_curl_reads_them() {
        let addresses: Vec<IpAddr> =
            ["192.0.2.1", "2001:db8::1"].map(|it| it.parse().unwrap()).into();

        assert_eq!(
            pinned("git.example", 8443, &addresses),
            "git.example:8443:192.0.2.1,[2001:db8::1]"
        );
    }

    #[test]
    fn hosts_are_found_in_addresses_of_any_shape() {
        assert_eq!(host_of("ssh://git@git.example:22/x.git"), Some("git.example"));
        assert_eq!(host_of("git@git.example:x.git"), Some("git.example"));
        assert_eq!(host_of("git://[2001:db8::1]:9418/x"), Some("2001:db8::1"));
        assert_eq!(host_of("ssh://git.example"), Some("git.example"));
        assert_eq!(host_of("nothing"), None);
    }
}
