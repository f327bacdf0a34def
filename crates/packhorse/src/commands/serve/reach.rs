//! Where connections of the service may lead: public networks, what is allowed beside, and the
//! hosts that the configuration itself names, wherever they are.

use crate::config::Hosts;
use packhorse_core::Location;
use packhorse_net::Reach;
use packhorse_server::Config;
use std::{collections::BTreeSet, env};
use url::{Host, Url};

/// Variables that name ways out.
const PROXIES: [&str; 6] =
    ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// Holds for every connection that is made from now on.
pub(super) fn limit(hosts: &Hosts, settings: &Config) {
    let trusted = trusted(hosts, settings);
    let networks = settings.networks.clone();
    let reach =
        Reach::new(move |host, address| is_trusted(&trusted, host) || networks.is_open(address));
    if !reach.of_process() {
        tracing::warn!("where connections may lead had been said before");
    }
}

/// Whether a host is one of those, or a part of one: files of a GitHub Enterprise Server, for
/// instance, are at `media.` and `codeload.` before its own name.
fn is_trusted(trusted: &BTreeSet<String>, host: &str) -> bool {
    let is_below = |it: &String| host.strip_suffix(it.as_str()).is_some_and(|it| it.ends_with('.'));
    trusted.contains(host) || trusted.iter().any(is_below)
}

/// Names of hosts that whoever runs the service has named.
fn trusted(hosts: &Hosts, settings: &Config) -> BTreeSet<String> {
    let places = [
        &settings.github_source,
        &settings.gitlab_destination,
        &settings.bitbucket_source,
        &settings.bitbucket_destination,
    ];
    let places = places.into_iter().map(|it: &Location| it.address().0.as_str().to_owned());
    let proxies = PROXIES.into_iter().filter_map(|it| env::var(it).ok());
    let texts = places.chain(proxies).chain(hosts.urls().map(str::to_owned));
    texts.filter_map(|it| name(&it)).collect()
}

/// The host of a URL, or of `user@host:path`, as it is asked for: an address without brackets, a
/// name in small letters.
fn name(text: &str) -> Option<String> {
    if !text.contains("://") {
        let (host, _) = text.split_once(':').filter(|it| !it.0.contains('/'))?;
        return Some(host.rsplit('@').next()?.to_ascii_lowercase());
    }
    match text.parse::<Url>().ok()?.host()? {
        Host::Domain(it) => Some(it.to_ascii_lowercase()),
        Host::Ipv4(it) => Some(it.to_string()),
        Host::Ipv6(it) => Some(it.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_the_configuration_are_trusted_with_what_is_below_them() {
        let trusted = BTreeSet::from(["git.example".to_owned(), "10.0.0.7".to_owned()]);

        for host in ["git.example", "media.git.example", "10.0.0.7"] {
            assert!(is_trusted(&trusted, host), "{host}");
        }
        for host in ["evilgit.example", "example", "git.example.evil.example", "10.0.0.70"] {
            assert!(!is_trusted(&trusted, host), "{host}");
        }
    }

    #[test]
    fn a_host_is_known_by_its_name_or_its_address() {
        assert_eq!(name("https://Git.Example:8443/x").as_deref(), Some("git.example"));
        assert_eq!(name("http://[::1]:1/").as_deref(), Some("::1"));
        assert_eq!(name("http://10.0.0.7").as_deref(), Some("10.0.0.7"));
        assert_eq!(name("ssh://git@Git.Example:22/x").as_deref(), Some("git.example"));
        assert_eq!(name("git@git.example:acme/x.git").as_deref(), Some("git.example"));
        assert_eq!(name("/srv/store"), None);
        assert_eq!(name("./a:b"), None);
    }
}
