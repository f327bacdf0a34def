//! From what the API sends to the model; pure.

pub(super) mod change_request;
pub(super) mod project;
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
pub(super) fn identity(user: &wire::User, host: &str) -> Option<Identity> {
    let login = plain(user.name.clone()).or_else(|| plain(user.slug.clone()))?;
    let kind = match user.r#type.as_deref() {
        Some("SERVICE") => IdentityKind::Bot,
        Some(_) | None => IdentityKind::Person,
    };
    Some(Identity {
        login,
        name: plain(user.display_name.clone()),
        email: plain(user.email_address.clone()),
        kind,
        host: Some(host.to_owned()),
    })
}

/// Full path of a repository.
pub(super) fn path_of(repository: &wire::Repository) -> Option<String> {
    let key = plain(repository.project.as_ref()?.key.clone())?;
    Some(format!("{key}/{}", plain(repository.slug.clone())?))
}

/// Name of a branch without `refs/heads/`.
pub(super) fn branch_name(id: Option<&str>, display: Option<&str>) -> String {
    let name = id.map(|it| it.strip_prefix("refs/heads/").unwrap_or(it)).or(display);
    name.unwrap_or_default().to_owned()
}
