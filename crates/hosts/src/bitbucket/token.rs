//! Tokens, which both Bitbuckets give to accounts and also without one.

use packhorse_core::{GitCredentials, Secret};
use packhorse_net::Credentials;

/// A token that belongs to no account; the name `git` stands for nobody.
pub(crate) fn alone(it: &GitCredentials) -> Option<Secret> {
    match (it.password.expose().is_empty(), it.username.as_str()) {
        (true, token) => Some(Secret::new(token)),
        (false, "git") => Some(it.password.clone()),
        (false, _) => None,
    }
}

/// What an API is shown: a token alone, or an account's name with its password or token.
pub(crate) fn shown(it: &GitCredentials) -> Credentials {
    match alone(it) {
        Some(token) => Credentials::Bearer(token),
        None => {
            // In an address, the `@` of a name that is one of mail is escaped.
            let username = it.username.replace("%40", "@");
            Credentials::Basic { username, password: it.password.clone() }
        }
    }
}
