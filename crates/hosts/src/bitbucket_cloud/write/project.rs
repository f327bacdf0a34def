//! Repositories, and who may do what with them.

use super::{CloudSink, Done, Path, is_refusal, wire, words};
use crate::bitbucket::write::{
    may_be_there,
    member::{Right, right, unfit},
};
use http::Method;
use packhorse_core::{
    HostError, Loss, Origin, TargetId,
    model::{Grantee, Member, Place, Project, Role, Visibility},
};
use serde_json::{Value, json};

/// A permission that lets do no more than the role; and what is lost.
pub(in crate::bitbucket_cloud) fn permission(
    role: Role,
) -> Result<(&'static str, Option<Loss>), &'static str> {
    let (right, lost) = right(role, "workspaces own repositories here")?;
    let word = match right {
        Right::Read => "read",
        Right::Write => "write",
        Right::Admin => "admin",
    };
    Ok((word, lost))
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
        let mut new = body.clone();
        new["scm"] = json!("git");
        new["name"] = json!(it.name);
        let made: Option<wire::Repository> = match existing {
            // Whether it is there says the host when it is to be made.
            None => match self.api.post(&below, &new, operation).await {
                Err(error) if may_be_there(&error) => None,
                done => Some(done?),
            },
            Some(_) => None,
        };
        let (was_there, made) = match made {
            Some(made) => (false, made),
            None => match self.api.find::<wire::Repository>(&below, operation).await? {
                // A new name would be a new address; it keeps the one that it has.
                Some(_) => (true, self.api.put(&below, &body, operation).await?),
                // What was refused before is so again, and is told then.
                None => (false, self.api.post(&below, &new, operation).await?),
            },
        };
        if !was_there {
            self.fresh.note(path);
        }
        if made.name.as_ref() != Some(&it.name) {
            let name = made.name.clone().unwrap_or_default();
            losses.push(Loss::sink("name", format!("is `{name}`, for a name makes the address")));
        }
        if let Some(branch) = &it.default_branch {
            self.heads.note(path.to_string(), branch);
            if existing.is_some() {
                self.set_head(path).await?;
            }
        }
        let id = made.full_name.unwrap_or_else(|| path.to_string());
        Ok(Done::found_or_made(id, existing, was_there).with(losses))
    }

    /// Sets the default branch, once the branches are there.
    pub(super) async fn set_head(&self, path: Path<'_>) -> Result<(), HostError> {
        let full = path.to_string();
        let Some(branch) = self.heads.take(&full) else { return Ok(()) };
        let main = json!({"type": "branch", "name": &branch});
        let body = json!({"type": "repository", "mainbranch": main});
        let operation = "set the default branch";
        match self.api.act(Method::PUT, &path.below(&[]), (Some(&body), operation)).await {
            // An empty repository has no branch to choose, yet.
            Err(error) if is_refusal(&error) => {
                self.heads.note(full, &branch);
                Ok(())
            }
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
        if let Some((field, why)) = unfit(it) {
            return dropped(field, why);
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
                Ok(Done::new(id, None).with(loss))
            }
            // There is no such person or group in the workspace.
            Err(error) if is_refusal(&error) => dropped("grantee", &words(&error)),
            Err(error) => Err(error),
        }
    }
}
