//! From what the API sends to the model; pure.

pub(super) mod issue;
pub(super) mod project;
pub(super) mod request;
pub(super) mod rule;
pub(super) mod settings;
pub(super) mod talk;

use super::wire;
use crate::{bitbucket, lenient::Moment};
use packhorse_core::model::{Identity, IdentityKind, Markup, Text, Time};

pub(super) fn time(moment: Option<Moment>) -> Option<Time> {
    moment.map(|it| it.0)
}

/// What somebody wrote; an empty text is none.
pub(super) fn text(text: Option<String>) -> Option<Text> {
    let text = text.map(|it| bitbucket::text::without_thread(&it).to_owned());
    let text = text.filter(|it| !it.is_empty());
    text.map(|it| Text::new(bitbucket::text::received(it), Markup::Bitbucket))
}

/// A plain text; an empty one is none.
pub(super) fn plain(text: Option<String>) -> Option<String> {
    text.filter(|it| !it.is_empty())
}

/// Somebody with an account.
///
/// Accounts have no names that are theirs alone: the account's id is, and texts mention
/// people by it.
pub(super) fn identity(user: &wire::Account, host: &str) -> Option<Identity> {
    let names = [&user.account_id, &user.uuid, &user.username, &user.nickname];
    let login = names.into_iter().find_map(|it| plain(it.clone()))?;
    let kind = match user.r#type.as_deref() {
        Some("team" | "workspace") => IdentityKind::Organization,
        Some("app_user" | "AppUser") => IdentityKind::Bot,
        Some(_) | None if user.account_status.as_deref() == Some("closed") => IdentityKind::Deleted,
        Some(_) | None => IdentityKind::Person,
    };
    Some(Identity {
        login,
        name: plain(user.display_name.clone()).or_else(|| plain(user.nickname.clone())),
        email: None,
        kind,
        host: Some(host.to_owned()),
    })
}
