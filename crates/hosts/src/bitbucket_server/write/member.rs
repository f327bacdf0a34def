//! Who may do what.

use super::{Done, Part, ServerSink, is_refusal, words};
use http::Method;
use packhorse_core::{
    HostError, Loss, Origin, Scope,
    model::{Grantee, Member, Place, Role},
};

/// A permission that lets do no more than the role; and what is lost.
pub(in crate::bitbucket_server) fn permission(
    role: Role,
) -> Result<(&'static str, Option<Loss>), &'static str> {
    let less = |detail| Some(Loss::sink("role", detail));
    match role {
        Role::None => Err("it has no rights"),
        Role::Guest | Role::Planner => Err("the least right here shows the code too"),
        Role::Read => Ok(("READ", None)),
        Role::Triage => Ok(("READ", less("may read; closing what others opened needs more here"))),
        Role::Write => Ok(("WRITE", None)),
        Role::Maintain => Ok(("WRITE", less("may write; settings are for administrators here"))),
        Role::Admin => Ok(("ADMIN", None)),
        Role::Owner => Ok(("ADMIN", less("administers; nobody but a project owns here"))),
    }
}

impl ServerSink {
    pub(super) async fn write_member(
        &self,
        scope: &Scope,
        it: &Member,
        origin: &Origin,
    ) -> Result<Done, HostError> {
        let dropped = |field, why: &str| Ok(Done::dropped_for(&origin.id, field, why));
        if it.pending {
            return dropped("pending", "it was offered, and not accepted yet");
        }
        if it.expires_at.is_some() {
            return dropped("expires_at", "rights have no end here, and it had one");
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
            Ok(()) => Ok(Done::new(id, None).with(loss.into_iter().collect())),
            // There is no such person or group.
            Err(error) if is_refusal(&error) => dropped("grantee", &words(&error)),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_role_lets_do_more_than_it_did() {
        let rank = |it: &str| ["READ", "WRITE", "ADMIN"].iter().position(|word| *word == it);
        let roles = [
            (Role::None, None),
            (Role::Guest, None),
            (Role::Planner, None),
            (Role::Read, rank("READ")),
            (Role::Triage, rank("READ")),
            (Role::Write, rank("WRITE")),
            (Role::Maintain, rank("WRITE")),
            (Role::Admin, rank("ADMIN")),
            (Role::Owner, rank("ADMIN")),
        ];
        for (role, most) in roles {
            let given = permission(role).ok().and_then(|(word, _)| rank(word));
            assert_eq!(given, most, "{role:?}");
        }
    }
}
