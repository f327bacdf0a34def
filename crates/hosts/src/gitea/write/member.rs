//! Roles: never looser than they were.

use super::{Done, GiteaSink, Path, Task, account::units};
use crate::gitea::call::Change;
use packhorse_core::{
    HostErrorKind,
    model::{Grantee, Identity, Member, Place, Role},
    port::Outcome,
};
use serde_json::json;

/// The server's word for a role, and whether it is the role itself; `None` where all are looser.
pub(in crate::gitea) fn word(role: Role) -> Option<(&'static str, bool)> {
    match role {
        // Whoever may take part in issues would see the code, too.
        Role::None | Role::Guest | Role::Planner => None,
        Role::Read => Some(("read", true)),
        Role::Triage => Some(("read", false)),
        Role::Write => Some(("write", true)),
        Role::Maintain => Some(("write", false)),
        Role::Admin => Some(("admin", true)),
        Role::Owner => Some(("admin", false)),
    }
}

/// Order of the server's words, from the least.
fn rank(word: Option<&str>) -> u8 {
    match word {
        Some("read") => 1,
        Some("write") => 2,
        Some("admin") => 3,
        Some("owner") => 4,
        Some(_) | None => 0,
    }
}

impl GiteaSink {
    /// Why nobody gets a role that would not end, or that they have not taken.
    fn is_unsettled(member: &Member) -> Option<&'static str> {
        if member.pending {
            return Some("was asked and has not accepted");
        }
        member.expires_at.map(|_| "the server has no rights that end by themselves")
    }

    /// A role in a team, or in an organization through its team of owners.
    pub(super) async fn shared_member(&self, task: &mut Task<'_>, member: &Member) -> Done {
        if let Some(why) = Self::is_unsettled(member) {
            return task.drop(why);
        }
        let Grantee::User(who) = &member.grantee else {
            return task.drop("only people are members of teams");
        };
        let (organization, slug) = match &member.place {
            Place::Team { organization, slug } => (organization, slug.as_str()),
            Place::Organization(organization) if member.role == Role::Owner => {
                (organization, "Owners")
            }
            Place::Organization(_) => {
                return task.drop("people belong to an organization through its teams");
            }
            Place::ProjectAt(_) => return task.drop("a team is given a project there"),
            Place::Project => return task.drop("no project is named"),
        };
        if !self.is_within(organization) {
            return task.drop("the address names another owner");
        }
        if !self.has_account(who).await? {
            return task.drop(format!("{who} has no account there"));
        }
        let Some(team) = self.find_team(organization, slug).await? else {
            return task.drop("the team is not there");
        };
        let called = team.name.unwrap_or_default();
        if matches!(member.place, Place::Team { .. }) && called != slug {
            task.lose("place.team.slug", "the server has the team under another spelling");
        }
        let id = format!("{organization}/{called}/{}", who.login);
        let number = team.id.unwrap_or_default().to_string();
        let path = ["teams", number.as_str(), "members", who.login.as_str()];
        self.api.put(Change::new(&path, "add a member to a team"), None).await?;
        if !matches!(member.place, Place::Organization(_)) {
            task.lose("role", "a team's members have its rights");
        }
        Ok((id, task.outcome()))
    }

    /// A role in a project.
    pub(super) async fn member(
        &self,
        path: Path<'_>,
        task: &mut Task<'_>,
        member: &Member,
    ) -> Done {
        if let Some(why) = Self::is_unsettled(member) {
            return task.drop(why);
        }
        let Some((right, is_same)) = word(member.role) else {
            return task.drop("every role of the server is more than that one");
        };
        if !is_same {
            task.lose("role", format!("became `{right}`, the next that is not more"));
        }
        match &member.grantee {
            Grantee::User(who) => self.collaborator(path, task, (who, right)).await,
            Grantee::Team { slug, .. } => self.team_grant(path, task, (slug, right)).await,
            Grantee::Group(_) => task.drop("the server has no such groups"),
        }
    }

    async fn collaborator(
        &self,
        path: Path<'_>,
        task: &mut Task<'_>,
        (who, right): (&Identity, &str),
    ) -> Done {
        if !self.has_account(who).await? {
            return task.drop(format!("{who} has no account there"));
        }
        if who.login.eq_ignore_ascii_case(path.owner) {
            return task.drop("owns the project there");
        }
        let below = path.below(&["collaborators", &who.login]);
        let change = Change::new(&below, "add a member to a project");
        self.api.put(change, Some(&json!({ "permission": right }))).await?;
        self.known.of(path, |it| it.assignable = None);
        Ok((who.login.clone(), task.outcome()))
    }

    /// A team has one right in all its projects: that of the first that it is given.
    async fn team_grant(
        &self,
        path: Path<'_>,
        task: &mut Task<'_>,
        (slug, right): (&str, &str),
    ) -> Done {
        let operation = "give a project to a team";
        if !self.organization_is_there(path.owner).await? {
            return task.drop("a person owns the project, and people have no teams");
        }
        let Some(team) = self.find_team(path.owner, slug).await? else {
            return task.drop("the team is not there");
        };
        let (name, number) = (team.name.unwrap_or_default(), team.id.unwrap_or_default());
        let (id, number) = (format!("team/{name}"), number.to_string());
        let mut has = team.permission;
        if rank(has.as_deref()) < rank(Some(right)) {
            let repositories = self.api.count(&["teams", &number, "repos"], &[]).await?;
            if repositories == Some(0) {
                let below = ["teams", number.as_str()];
                let body = json!({ "name": name, "permission": right, "units_map": units(right) });
                self.api.patch(Change::new(&below, operation), &body).await?;
                has = Some(right.to_owned());
            }
        }
        if rank(has.as_deref()) > rank(Some(right)) {
            return task.drop("the team has more rights in its other projects than it had here");
        }
        if has.as_deref() != Some(right) {
            task.lose("role", "a team has the same rights in all its projects: fewer than it had");
        }
        let below = path.below(&["teams", &name]);
        match self.api.put(Change::new(&below, operation), None).await {
            // It has the project already.
            Err(error) if error.kind == HostErrorKind::Rejected => {}
            other => other?,
        }
        self.known.of(path, |it| it.assignable = None);
        Ok((id, task.outcome()))
    }

    /// A word that the project is found by.
    pub(super) async fn topic(
        &self,
        path: Path<'_>,
        task: &mut Task<'_>,
        topic: &packhorse_core::model::Topic,
    ) -> Done {
        let name = topic.name.to_lowercase();
        let below = path.below(&["topics", &name]);
        match self.api.put(Change::new(&below, "add a topic"), None).await {
            Err(error) if error.kind == HostErrorKind::Rejected => {
                task.drop("the server does not take that word, or has enough of them")
            }
            Err(error) => Err(error),
            Ok(()) => {
                if name != topic.name {
                    task.lose("name", "topics are written in lower case");
                }
                Ok((
                    name,
                    if task.existing.is_some() { Outcome::Updated } else { Outcome::Created },
                ))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_role_becomes_a_looser_one() {
        let (read, write) = (Some(("read", false)), Some(("write", false)));
        assert_eq!(word(Role::Guest), None);
        assert_eq!(word(Role::Planner), None);
        assert_eq!(word(Role::Triage), read);
        assert_eq!(word(Role::Maintain), write);
        assert_eq!(word(Role::Owner), Some(("admin", false)));
    }
}
