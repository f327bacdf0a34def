//! From what the API sends to the model; pure.

pub(super) mod discussion;
pub(super) mod issue;
pub(super) mod member;
pub(super) mod project;
pub(super) mod release;
pub(super) mod review;
pub(super) mod rule;
pub(super) mod settings;

use super::wire;
use packhorse_core::{
    Loss, Object, Record,
    model::{HostId, Identity, IdentityKind, Markup, Subject, Text, Time},
};

/// Who stands in for accounts that are gone.
///
/// Source: GitHub, "Deleting your personal account": contributions go to the ghost user.
pub(super) const GHOST: &str = "ghost";
/// What ends the login of an app.
const BOT: &str = "[bot]";

/// One record being made out: where it is from, and what could not be made out of it.
pub(super) struct Notes<'a> {
    /// Name of the server.
    pub(super) host: &'a str,
    pub(super) losses: Vec<Loss>,
}

impl Notes<'_> {
    /// Notes that a field holds what nobody understands.
    pub(super) fn odd(&mut self, field: &'static str, value: impl std::fmt::Display) {
        let value: String = value.to_string().chars().take(100).collect();
        self.losses.push(Loss::source(field, format!("`{value}` is not known here")));
    }

    /// Reads a moment.
    pub(super) fn time(&mut self, field: &'static str, text: Option<String>) -> Option<Time> {
        let text = text.filter(|it| !it.is_empty())?;
        let time = text.parse().ok();
        if time.is_none() {
            self.odd(field, text);
        }
        time
    }

    /// Somebody with an account; one that is gone is told as `null`, or as a ghost.
    pub(super) fn author(&self, user: Option<&wire::User>) -> Option<Identity> {
        user.and_then(|it| identity(it, self.host)).or_else(|| {
            let kind = IdentityKind::Deleted;
            Some(Identity { kind, ..Identity::login(GHOST, Some(self.host)) })
        })
    }

    /// Somebody with an account, or nobody.
    pub(super) fn someone(&self, user: Option<&wire::User>) -> Option<Identity> {
        user.and_then(|it| identity(it, self.host))
    }

    /// People, in the server's order.
    pub(super) fn people(&self, users: Option<&Vec<wire::User>>) -> Vec<Identity> {
        users.into_iter().flatten().filter_map(|it| identity(it, self.host)).collect()
    }

    /// Somebody, as GraphQL tells them.
    pub(super) fn actor(&self, actor: Option<&wire::graph::Actor>) -> Option<Identity> {
        let actor = actor?;
        let mut login = plain(actor.login.clone())?;
        let mut kind = IdentityKind::Person;
        // GraphQL leaves out what REST ends the logins of apps with.
        if actor.sort.as_deref() == Some("Bot") {
            kind = IdentityKind::Bot;
            if !login.ends_with(BOT) {
                login.push_str(BOT);
            }
        }
        Some(Identity { kind, ..Identity::login(login, Some(self.host)) })
    }
}

/// Makes a record of what the server sent; `None` of what is no record of its kind.
pub(super) fn record<T>(
    host: &str,
    item: T,
    map: impl FnOnce(T, &mut Notes<'_>) -> Option<(String, Object)>,
) -> Option<Record> {
    let mut notes = Notes { host, losses: Vec::new() };
    let (id, object) = map(item, &mut notes)?;
    Some(Record { losses: notes.losses, ..Record::new(id, object) })
}

/// What somebody wrote; an empty text is none.
pub(super) fn text(text: Option<String>) -> Option<Text> {
    text.filter(|it| !it.is_empty()).map(|it| Text::new(it, Markup::Github))
}

/// A plain text; an empty one is none.
pub(super) fn plain(text: Option<String>) -> Option<String> {
    text.filter(|it| !it.is_empty())
}

/// Somebody with an account.
pub(super) fn identity(user: &wire::User, host: &str) -> Option<Identity> {
    let login = plain(user.login.clone())?;
    let kind = match user.r#type.as_deref() {
        Some("Bot") => IdentityKind::Bot,
        Some("Organization") => IdentityKind::Organization,
        Some("Mannequin") => IdentityKind::Deleted,
        _ if login == GHOST => IdentityKind::Deleted,
        Some(_) | None => IdentityKind::Person,
    };
    let (name, email) = (plain(user.name.clone()), plain(user.email.clone()));
    Some(Identity { login, name, email, kind, host: Some(host.to_owned()) })
}

/// The number at the end of an object's address.
pub(super) fn number_in(url: Option<&str>) -> Option<u64> {
    url?.trim_end_matches('/').rsplit('/').next()?.split('#').next()?.parse().ok()
}

/// A reference to what has a number as its id.
pub(super) fn host_id(id: Option<u64>) -> Option<HostId> {
    id.map(|it| HostId(it.to_string()))
}

/// A subject as text, unique in a project; also the head of ids of what is below it.
pub(super) fn subject_key(subject: &Subject) -> String {
    match subject {
        Subject::Project => "project".to_owned(),
        Subject::Issue(number) => format!("issue/{number}"),
        Subject::ChangeRequest(number) => format!("change_request/{number}"),
        Subject::Discussion(number) => format!("discussion/{number}"),
        Subject::Release(tag) => format!("release/{tag}"),
        Subject::Commit(id) => format!("commit/{id}"),
        Subject::Comment(id) => format!("comment/{}", id.0),
        Subject::Review(id) => format!("review/{}", id.0),
        Subject::ReviewComment(id) => format!("review_comment/{}", id.0),
        Subject::CommitComment(id) => format!("commit_comment/{}", id.0),
        Subject::Snippet(id) => format!("snippet/{}", id.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_account_that_is_gone_is_a_ghost() {
        let mut notes = Notes { host: "h.example", losses: Vec::new() };
        let gone = notes.author(None).unwrap();

        assert_eq!((gone.login.as_str(), gone.kind), (GHOST, IdentityKind::Deleted));
        assert_eq!(notes.someone(None), None);
        assert_eq!(notes.time("created_at", Some("yesterday".into())), None);
        assert_eq!(notes.losses.len(), 1);
    }

    #[test]
    fn an_app_is_called_the_same_in_both_apis() {
        let notes = Notes { host: "h.example", losses: Vec::new() };
        let user: wire::User =
            serde_json::from_str(r#"{"login": "robot[bot]", "type": "Bot"}"#).unwrap();
        let actor: wire::graph::Actor =
            serde_json::from_str(r#"{"login": "robot", "__typename": "Bot"}"#).unwrap();

        assert_eq!(notes.someone(Some(&user)), notes.actor(Some(&actor)));
    }

    proptest! {
        #[test]
        fn no_address_makes_the_reader_panic(text in "\\PC{0,60}") {
            number_in(Some(&text));
        }
    }
}
