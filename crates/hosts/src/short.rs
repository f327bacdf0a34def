//! Locations without an address, such as `github:acme/app`: they are at the public service.

use crate::{bitbucket_cloud, github, gitlab};
use packhorse_core::{HostSpec, Location};

/// Hosts that are known by one public service, and where it is.
static PUBLIC: [(&HostSpec, &str); 3] = [
    (&github::SPEC, "https://github.com"),
    (&gitlab::SPEC, "https://gitlab.com"),
    (&bitbucket_cloud::SPEC, "https://bitbucket.org"),
];

/// The address that a location means that names only what is at the public service.
///
/// `None` where it has an address, or is no such path.
pub fn address(location: &Location) -> Option<String> {
    let (_, home) = PUBLIC.iter().find(|(spec, _)| spec.is_named(&location.host))?;
    let path = location.rest.split('?').next().unwrap_or_default();
    let first = path.split('/').next().filter(|it| !it.is_empty())?;
    // SECURITY: what may be the name of another server is not: its token would go to this one.
    let is_path = !first.contains(['.', '~']) && !path.contains([':', '@', '\\']);
    is_path.then(|| format!("{home}/{}", location.rest.trim_end_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(address(&text.parse().unwrap()).as_deref(), expected, "{text}");
    }

    #[test]
    fn a_path_alone_is_at_the_public_service() {
        check("github:acme", Some("https://github.com/acme"));
        check("github:acme/app.git", Some("https://github.com/acme/app.git"));
        check("gitlab:acme/tools/app/", Some("https://gitlab.com/acme/tools/app"));
        check("github:acme?issues=import", Some("https://github.com/acme?issues=import"));
        check("bitbucket:acme", Some("https://bitbucket.org/acme"));
        check("gitea:acme", None);
        check("local:acme", None);
    }

    #[test]
    fn what_may_be_another_server_is_not_led_to_the_public_one() {
        for text in [
            "github:https://github.acme.example/acme",
            "gitlab:gitlab.acme.example/group",
            "gitlab:localhost:8080/group",
            "github:token@acme/app",
            "github:./acme",
            "github:/acme",
        ] {
            check(text, None);
        }
    }
}
