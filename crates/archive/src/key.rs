//! Ids of records that people have names or numbers for: the same in every format.

use packhorse_core::{
    Object,
    model::{Grantee, Member, Place, Reaction, State, StateValue, Subject},
};
use sha2::{Digest, Sha256};

/// Id of a team.
pub(crate) fn team(organization: &str, slug: &str) -> String {
    format!("{organization}/{slug}")
}

/// Id of a release asset.
pub(crate) fn asset(tag: &str, name: &str) -> String {
    format!("{tag}/{name}")
}

/// Id of a role.
pub(crate) fn member(member: &Member) -> String {
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
pub(crate) fn reaction(reaction: &Reaction) -> String {
    let login = reaction.author.as_ref().map_or("", |it| it.login.as_str());
    format!("{}/{login}/{}", subject(&reaction.subject), reaction.content)
}

/// Id of a state.
pub(crate) fn state(state: &State) -> String {
    let value = match state.value {
        StateValue::Archived => "archived",
        StateValue::Locked(_) => "locked",
        StateValue::Pinned(_) => "pinned",
    };
    format!("{}/{value}", subject(&state.subject))
}

/// What an object stands in, as its kind and id; `None` where that is the project, and for comments
/// of reviews, which stand in one thing or another by the format.
pub(crate) fn parent(object: &Object) -> Option<String> {
    let stands_in = if let Object::Comment(it) = object {
        &it.subject
    } else if let Object::Event(it) = object {
        &it.subject
    } else if let Object::Reaction(it) = object {
        &it.subject
    } else if let Object::State(it) = object {
        &it.subject
    } else if let Object::Review(it) = object {
        return Some(change_request(it.change_request));
    } else if let Object::ReviewThread(it) = object {
        return Some(change_request(it.change_request));
    } else if let Object::ReleaseAsset(it) = object {
        return Some(format!("release/{}", it.release));
    } else {
        return None;
    };
    Some(subject(stands_in))
}

/// A change request as what something stands in.
pub(crate) fn change_request(number: u64) -> String {
    subject(&Subject::ChangeRequest(number))
}

/// A subject as text, unique in a project; what has a record begins with the name of its kind.
pub(crate) fn subject(subject: &Subject) -> String {
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

/// The number of a row in a database that an id becomes: the id itself where it is a number, else one
/// made of it, the same each time; below 2^62, for the hosts' columns are signed.
pub(crate) fn number(id: &str) -> u64 {
    let own = id.parse::<u64>().ok().filter(|it| it.to_string() == id && *it < 1 << 62);
    own.unwrap_or_else(|| {
        let digest: [u8; 32] = Sha256::digest(id).into();
        digest[..8].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)) >> 2
    })
}

/// The same as text.
pub(crate) fn row(id: &str) -> String {
    number(id).to_string()
}
