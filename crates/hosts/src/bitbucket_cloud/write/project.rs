//! Repositories, and who may do what with them.

use super::{CloudSink, Done, Path, is_refusal, wire, words};
use http::Method;
use packhorse_core::{
    HostError, Loss, Origin, TargetId,
    model::{Grantee, Member, Place, Project, Role, Visibility},
};
use serde_json::{Value, json};
use std::sync::PoisonError;

/// A permission that lets do no more than the role; and what is lost.
pub(in crate::bitbucket_cloud) fn permission(
    role: Role,
) -> Result<(&'static str, Option<Loss>), &'static str> {
    let less = |detail| Some(Loss::sink("role", detail));
    match role {
        Role::None => Err("it has no rights"),
        Role::Guest | Role::Planner => Err("the least right here shows the code too"),
        Role::Read => Ok(("read", None)),
        Role::Triage => Ok(("read", less("may read; closing what others opened needs more here"))),
        Role::Write => Ok(("write", None)),
        Role::Maintain => Ok(("write", less("may write; settings are for administrators here"))),
        Role::Admin => Ok(("admin", None)),
        Role::Owner => Ok(("admin", less("administers; workspaces own repositories here"))),
    }
}

impl CloudSink {
    /// The repository, made if it is not there.
    pub(super) async fn ensure(&self, path: Path<'_>) -> Result<(), HostError> {
        let below = path.below(&[]);
        let operation = "look for a repository";
        let found: Option<wire::Repository> = self.api.find(&below, operation).await?;
        if found.is_some() {
            return Ok(());
        }
        let body = json!({"type": "repository", "scm": "git", "is_private": true});
        self.api.act(Method::POST, &below, (Some(&body), "make a repository")).await
    }

    pub(super) async fn write_project(
        &self,
        path: Path<'_>,
        it: &Project,
        existing: Option<&TargetId>,
    ) -> Result<Done, HostError> {
        let operation = "write a repository";
        let mut losses = Vec::new();
        if it.visibility == Visibility::Internal {
            losses.push(Loss::sink("visibility", "only those who are named may see it"));
        }
        let is_private = it.visibility != Visibility::Public;
        let mut body = json!({
            "type": "repository",
            "description": it.description.as_deref().unwrap_or_default(),
            "website": it.website.as_deref().unwrap_or_default(),
            "is_private": is_private,
        });
        if let Some(may) = it.features.forking {
            body["fork_policy"] = json!(if may { "allow_forks" } else { "no_forks" });
        }
        let below = path.below(&[]);
        let found: Option<wire::Repository> = self.api.find(&below, operation).await?;
        let made: wire::Repository = if found.is_some() {
            // A new name would be a new address; it keeps the one that it has.
            self.api.put(&below, &body, operation).await?
        } else {
            body["scm"] = json!("git");
            body["name"] = json!(it.name);
            self.api.post(&below, &body, operation).await?
        };
        if made.name.as_ref() != Some(&it.name) {
            let name = made.name.clone().unwrap_or_default();
            losses.push(Loss::sink("name", format!("is `{name}`, for a name makes the address")));
        }
        if let Some(branch) = &it.default_branch {
            self.heads().insert(format!("{}/{}", path.workspace, path.slug), branch.clone());
            if existing.is_some() {
                self.set_head(path).await?;
            }
        }
        let id = made.full_name.unwrap_or_else(|| format!("{}/{}", path.workspace, path.slug));
        Ok(Done::new(id, existing).with(losses))
    }

    fn heads(&self) -> std::sync::MutexGuard<'_, std::collections::BTreeMap<String, String>> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the default branch, once the branches are there.
    pub(super) async fn set_head(&self, path: Path<'_>) -> Result<(), HostError> {
        let wanted = self.heads().remove(&format!("{}/{}", path.workspace, path.slug));
        let Some(branch) = wanted else { return Ok(()) };
        let branch = json!({"type": "branch", "name": branch});
        let body = json!({"type": "repository", "mainbranch": branch});
        let operation = "set the default branch";
        match self.api.act(Method::PUT, &path.below(&[]), (Some(&body), operation)).await {
            // An empty repository has no branch to choose.
            Err(error) if is_refusal(&error) => Ok(()),
            other => other,
        }
    }

    pub(super) async fn write_member(
        &self,
        path: Path<'_>,
        it: &Member,
        origin: &Origin,
    ) -> Result<Done, HostError> {
        let dropped = |field, why: &str| Ok(Done::dropped_for(&origin.id, field, why));
        if it.place != Place::Project {
            return dropped("place", "only repositories have rights that are written here");
        }
        if it.pending {
            return dropped("pending", "it was offered, and not accepted yet");
        }
        if it.expires_at.is_some() {
            return dropped("expires_at", "rights have no end here, and it had one");
        }
        let (permission, loss) = match permission(it.role) {
            Ok(found) => found,
            Err(why) => return dropped("role", why),
        };
        let (list, name) = match &it.grantee {
            Grantee::User(who) => ("users", who.login.as_str()),
            Grantee::Team { organization, slug } if *organization == path.workspace => {
                ("groups", slug.as_str())
            }
            Grantee::Group(name) => ("groups", name.as_str()),
            Grantee::Team { .. } => {
                return dropped("grantee", "a team is no group of this workspace");
            }
        };
        let below = path.below(&["permissions-config", list, name]);
        let body: Value = json!({"permission": permission});
        match self.api.act(Method::PUT, &below, (Some(&body), "grant a permission")).await {
            Ok(()) => {
                let id = format!("{}/{name}", list.trim_end_matches('s'));
                Ok(Done::new(id, None).with(loss.into_iter().collect()))
            }
            // There is no such person or group in the workspace.
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
        for (role, most) in [
            (Role::None, None),
            (Role::Guest, None),
            (Role::Planner, None),
            (Role::Read, Some("read")),
            (Role::Triage, Some("read")),
            (Role::Write, Some("write")),
            (Role::Maintain, Some("write")),
            (Role::Admin, Some("admin")),
            (Role::Owner, Some("admin")),
        ] {
            assert_eq!(permission(role).ok().map(|(word, _)| word), most, "{role:?}");
        }
    }
}
