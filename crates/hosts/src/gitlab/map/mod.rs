//! From what the API sends to the model; pure.

pub(super) mod change_request;
pub(super) mod event;
pub(super) mod issue;
pub(super) mod note;
pub(super) mod project;
pub(super) mod settings;

use super::{ours, wire};
use packhorse_core::model::{Identity, IdentityKind, Markup, Text, Time};

/// Where the numbers of a group's milestones begin in a project: they have a row of their own there.
///
/// The host numbers milestones of a project from 1, and gives those of groups a second
/// row; so that both fit into one, a group's milestone is told by its id above this.
pub(super) const GROUP_MILESTONES: u64 = 1_000_000_000_000;

/// A moment, or midnight of a day.
pub(super) fn time(text: Option<&str>) -> Option<Time> {
    let text = text.filter(|it| !it.is_empty())?;
    // A day alone has ten characters.
    if text.len() == 10 { format!("{text}T00:00:00Z").parse().ok() } else { text.parse().ok() }
}

/// What somebody wrote, without what we put into it; an empty text is none.
pub(super) fn text(text: Option<String>) -> Option<Text> {
    let text = text.filter(|it| !it.is_empty()).map(ours::as_it_was);
    text.map(|it| Text::new(it, Markup::Gitlab))
}

/// A plain text; an empty one is none.
pub(super) fn plain(text: Option<String>) -> Option<String> {
    text.filter(|it| !it.is_empty())
}

/// Somebody with an account.
pub(super) fn identity(user: &wire::User, host: &str) -> Option<Identity> {
    let login = plain(user.username.clone())?;
    let is_bot = user.bot == Some(true) || login.ends_with("-bot") || is_token(&login);
    // What was written by an account that is gone is the ghost's.
    let kind = match (login.as_str(), is_bot) {
        ("ghost", _) => IdentityKind::Deleted,
        (_, true) => IdentityKind::Bot,
        (_, false) => IdentityKind::Person,
    };
    Some(Identity {
        login,
        name: plain(user.name.clone()),
        email: plain(user.email.clone()).or_else(|| plain(user.public_email.clone())),
        kind,
        host: Some(host.to_owned()),
    })
}

/// Whether an account stands for the token of a project or a group, as in `project_7_bot_1f`.
///
/// Source: GitLab, "Project access tokens", "Bot users for projects".
fn is_token(login: &str) -> bool {
    let rest = login.strip_prefix("project_").or_else(|| login.strip_prefix("group_"));
    rest.and_then(|it| it.split_once("_bot"))
        .is_some_and(|(id, _)| !id.is_empty() && id.bytes().all(|it| it.is_ascii_digit()))
}

/// People, in the server's order.
pub(super) fn identities(users: Option<&Vec<wire::User>>, host: &str) -> Vec<Identity> {
    users.into_iter().flatten().filter_map(|it| identity(it, host)).collect()
}

/// The number of a milestone in a project.
pub(super) fn milestone_number(it: &wire::Milestone) -> Option<u64> {
    match it.group_id {
        Some(_) => it.id?.checked_add(GROUP_MILESTONES),
        None => it.iid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_day_is_its_first_moment() {
        assert_eq!(time(Some("2026-01-31")).unwrap().to_string(), "2026-01-31T00:00:00Z");
        assert_eq!(
            time(Some("2026-01-31T10:00:00.250Z")).unwrap().to_string(),
            "2026-01-31T10:00:00.25Z"
        );
        assert_eq!((time(None), time(Some("")), time(Some("0000000000"))), (None, None, None));
    }

    #[test]
    fn programs_and_ghosts_are_told_from_people() {
        let kind = |login: &str| {
            let user = wire::User { username: Some(login.into()), ..wire::User::default() };
            identity(&user, "h.example").unwrap().kind
        };
        assert_eq!(kind("alice"), IdentityKind::Person);
        assert_eq!(kind("ghost"), IdentityKind::Deleted);
        assert_eq!(kind("project_12_bot_0a1b"), IdentityKind::Bot);
        assert_eq!(kind("project_bottom"), IdentityKind::Person);
    }

    #[test]
    fn milestones_of_groups_have_numbers_of_their_own() {
        let own = wire::Milestone { iid: Some(3), id: Some(70), ..wire::Milestone::default() };
        let above = wire::Milestone { group_id: Some(1), ..own.clone() };

        assert_eq!(milestone_number(&own), Some(3));
        assert_eq!(milestone_number(&above), Some(GROUP_MILESTONES + 70));
    }

    proptest! {
        #[test]
        fn no_time_makes_the_reader_panic(text in "\\PC{0,30}") {
            time(Some(&text));
        }
    }
}
