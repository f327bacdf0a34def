//! Who may do what.

use super::{Done, Part, ServerSink, is_refusal, words};
use crate::bitbucket::write::member::{Right, right, unfit};
use http::Method;
use packhorse_core::{
    HostError, Loss, Origin, Scope,
    model::{Grantee, Member, Place, Role},
};

/// A permission that lets do no more than the role; and what is lost.
pub(in crate::bitbucket_server) fn permission(
    role: Role,
) -> Result<(&'static str, Option<Loss>), &'static str> {
    let (right, lost) = right(role, "nobody but a project owns here")?;
    let word = match right {
        Right::Read => "READ",
        Right::Write => "WRITE",
        Right::Admin => "ADMIN",
    };
    Ok((word, lost))
}

impl ServerSink {
    pub(super) async fn write_member(
        &self,
        scope: &Scope,
        it: &Member,
        origin: &Origin,
    ) -> Result<Done, HostError> {
        let dropped = |field, why: &str| Ok(Done::dropped_for(&origin.id, field, why));
        if let Some((field, why)) = unfit(it) {
            return dropped(field, why);
        }
        let (word, loss) = match permission(it.role) {
            Ok(found) => found,
            Err(why) => return dropped("role", why),
        };
        let (list, name) = match &it.grantee {
            Grantee::User(who) => ("users", who.login.as_str()),
            Grantee::Group(name) => ("groups", name.as_str()),
            Grantee::Team { .. } => return dropped("grantee", "a team is no group of the server"),
        };
        let kind = list.trim_end_matches('s');
        let (below, prefix, id) = match &it.place {
            Place::Project => {
                let path = self.path(scope)?;
                (path.below(&["permissions", list]), "REPO", format!("{kind}/{name}"))
            }
            Place::Organization(key) if self.api.place.extent.key().is_none_or(|it| it == key) => {
                let below = vec!["projects", key.as_str(), "permissions", list];
                (below, "PROJECT", format!("{key}/{kind}/{name}"))
            }
            Place::Organization(_) => {
                return dropped("place", "it is not part of the destination's address");
            }
            Place::ProjectAt(_) | Place::Team { .. } => {
                return dropped("place", "teams have no members and no rights of their own here");
            }
        };
        let permission = format!("{prefix}_{word}");
        let query = [("name", name), ("permission", permission.as_str())];
        let at = (Part::Core, &below[..]);
        match self.api.act(Method::PUT, at, &query, (None, "grant a permission")).await {
            Ok(()) => Ok(Done::new(id, None).with(loss)),
            // There is no such person or group.
            Err(error) if is_refusal(&error) => dropped("grantee", &words(&error)),
            Err(error) => Err(error),
        }
    }
}
