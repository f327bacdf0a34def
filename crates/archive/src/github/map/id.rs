//! Ids of records: names and numbers where people have them, else what stands in the address.

use super::super::address::Address;
use packhorse_core::model::{Grantee, Member, Place, Reaction, State, StateValue, Subject};

/// What stands before the id in the fragment of an address; GitHub's own word comes first, the
/// others are of exporters for other hosts.
///
/// Source: exports of GitHub.com from 2019 to 2026; `gl-exporter`; `bbs-exporter`.
pub(in crate::github) type Prefixes = &'static [&'static str];

pub(in crate::github) const COMMENT: Prefixes = &["issuecomment-", "note_", "comment-"];
pub(in crate::github) const EVENT: Prefixes = &["event-"];
pub(in crate::github) const REVIEW: Prefixes = &["pullrequestreview-"];
pub(in crate::github) const THREAD: Prefixes = &["pullrequestreviewthread-"];
/// The shortest comes last, for others might begin like it.
pub(in crate::github) const REVIEW_COMMENT: Prefixes = &["discussion_r", "note_", "comment-", "r"];
pub(in crate::github) const COMMIT_COMMENT: Prefixes = &["commitcomment-", "note_", "comment-"];

/// Id of a comment, review, thread or event: what its address has in the fragment, else all of it.
pub(in crate::github) fn in_fragment(prefixes: Prefixes, url: &str) -> String {
    Address::of(url).id(prefixes).unwrap_or_else(|| url.to_owned())
}

/// Id of a team.
pub(in crate::github) fn team(organization: &str, slug: &str) -> String {
    format!("{organization}/{slug}")
}

/// Id of a release asset.
pub(in crate::github) fn asset(tag: &str, name: &str) -> String {
    format!("{tag}/{name}")
}

/// Id of a role.
pub(in crate::github) fn member(member: &Member) -> String {
    let place = match &member.place {
        Place::Project => "project".to_owned(),
        Place::ProjectAt(path) => format!("project:{path}"),
        Place::Organization(path) => format!("organization:{path}"),
        Place::Team { organization, slug } => format!("team:{}", team(organization, slug)),
    };
    let grantee = match &member.grantee {
        Grantee::User(identity) => identity.login.clone(),
        Grantee::Team { organization, slug } => format!("team:{}", team(organization, slug)),
        Grantee::Group(name) => format!("group:{name}"),
    };
    format!("{place}/{grantee}")
}

/// Id of a reaction.
pub(in crate::github) fn reaction(reaction: &Reaction) -> String {
    let login = reaction.author.as_ref().map_or("", |it| it.login.as_str());
    format!("{}/{login}/{}", subject(&reaction.subject), reaction.content)
}

/// Id of a state.
pub(in crate::github) fn state(state: &State) -> String {
    let value = match state.value {
        StateValue::Archived => "archived",
        StateValue::Locked(_) => "locked",
        StateValue::Pinned(_) => "pinned",
    };
    format!("{}/{value}", subject(&state.subject))
}

/// A subject as text, unique in a project; what has a record begins with the name of its kind.
pub(in crate::github) fn subject(subject: &Subject) -> String {
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

    #[track_caller]
    fn check(prefixes: Prefixes, url: &str, expected: &str) {
        assert_eq!(in_fragment(prefixes, url), expected);
    }

    #[test]
    fn ids_stand_in_the_fragment() {
        check(COMMENT, "https://github.com/a/b/issues/2#issuecomment-55", "55");
        check(EVENT, "https://github.com/a/b/issues/2#event-55", "55");
        check(REVIEW_COMMENT, "https://github.com/a/b/pull/2/files#r55", "55");
        check(REVIEW_COMMENT, "https://github.com/a/b/pull/2#discussion_r55", "55");
        check(REVIEW_COMMENT, "https://github.com/a/b/pull/2/files#rabc%2F1", "abc/1");
        check(COMMENT, "https://gl.example/a/b/issues/2#note_55", "55");
    }

    #[test]
    fn an_address_without_a_fragment_is_an_id_itself() {
        check(COMMENT, "https://h.example/a/b/c/55", "https://h.example/a/b/c/55");
    }
}
