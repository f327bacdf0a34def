//! From what the API sends to the model; pure.

pub(super) mod issue;
pub(super) mod project;
pub(super) mod review;
pub(super) mod settings;

use super::wire;
use packhorse_core::model::{Identity, IdentityKind, Markup, Text, Time};

/// A moment; `None` where there is none, which the server may write as the year 1.
pub(super) fn time(text: Option<&str>) -> Option<Time> {
    let text = text.filter(|it| !it.is_empty() && !it.starts_with("0001-"))?;
    text.parse().ok()
}

/// What somebody wrote; an empty text is none.
pub(super) fn text(text: Option<String>) -> Option<Text> {
    text.filter(|it| !it.is_empty()).map(|it| Text::new(it, Markup::Gitea))
}

/// A plain text; an empty one is none.
pub(super) fn plain(text: Option<String>) -> Option<String> {
    text.filter(|it| !it.is_empty())
}

/// Somebody with an account.
pub(super) fn identity(user: &wire::User, host: &str) -> Option<Identity> {
    let login = user.login.clone().filter(|it| !it.is_empty())?;
    // Accounts that are gone have negative ids.
    let kind = match user.id {
        Some(id) if id < 0 => IdentityKind::Deleted,
        Some(_) | None => IdentityKind::Person,
    };
    Some(Identity {
        login,
        name: plain(user.full_name.clone()),
        // Accounts that hide their address show one that reaches nobody.
        email: plain(user.email.clone()).filter(|it| !it.contains("@noreply.")),
        kind,
        host: Some(host.to_owned()),
    })
}

/// Who wrote something: whoever did at the place that it was brought from, or the account here.
pub(super) fn author(
    user: Option<&wire::User>,
    original: Option<&String>,
    host: &str,
) -> Option<Identity> {
    match original.filter(|it| !it.is_empty()) {
        Some(original) => Some(Identity::login(original, None)),
        None => user.and_then(|it| identity(it, host)),
    }
}

/// People, in the server's order.
pub(super) fn identities(users: Option<&Vec<wire::User>>, host: &str) -> Vec<Identity> {
    users.into_iter().flatten().filter_map(|it| identity(it, host)).collect()
}

/// The number at the end of an object's address.
pub(super) fn number_in(url: Option<&String>) -> Option<u64> {
    url?.trim_end_matches('/').rsplit('/').next()?.split('#').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_moment_is_told_in_several_ways() {
        assert_eq!(time(None), None);
        assert_eq!(time(Some("")), None);
        assert_eq!(time(Some("0001-01-01T00:00:00Z")), None);
        assert!(time(Some("2026-01-01T10:00:00+01:00")).is_some());
    }

    #[test]
    fn what_was_brought_from_elsewhere_keeps_its_author() {
        let user = wire::User { login: Some("importer".into()), ..wire::User::default() };

        let here = author(Some(&user), Some(&String::new()), "h.example").unwrap();
        assert_eq!((here.login.as_str(), here.host.as_deref()), ("importer", Some("h.example")));
        let there = author(Some(&user), Some(&"alice".into()), "h.example").unwrap();
        assert_eq!((there.login.as_str(), there.host), ("alice", None));
    }

    proptest! {
        #[test]
        fn no_address_makes_the_reader_panic(text in "\\PC{0,60}") {
            number_in(Some(&text));
            time(Some(&text));
        }
    }
}
