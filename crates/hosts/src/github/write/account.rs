//! Who is who at the destination, and who may do what.

use super::{GithubSink, Order, Path, Told, unnumbered, wire};
use crate::github::api::{absent, is_closed};
use http::Method;
use packhorse_core::{
    HostError, HostErrorKind, TargetId,
    model::{Grantee, Identity, IdentityKind, Member, Place, Role, Team},
    port::{Outcome, Written},
};
use serde_json::{Value, json};

/// How many can be given one issue.
///
/// Source: GitHub, "Assigning issues and pull requests to other GitHub users".
const MAX_ASSIGNEES: usize = 10;

/// GitHub's word for a role in a project, never for more than the role; none where all are more.
pub(in crate::github) fn permission(role: Role) -> Option<&'static str> {
    match role {
        Role::Owner | Role::Admin => Some("admin"),
        Role::Maintain => Some("maintain"),
        Role::Write => Some("push"),
        Role::Triage => Some("triage"),
        Role::Read => Some("pull"),
        // SECURITY: reading code is more than these give.
        Role::Planner | Role::Guest | Role::None => None,
    }
}

impl GithubSink {
    /// The account of somebody here.
    ///
    /// SECURITY: the same name at another host is another person, who gets nothing.
    pub(super) fn account<'a>(&self, identity: &'a Identity) -> Option<&'a str> {
        let is_here = identity.host.as_deref() == Some(self.api.place.host());
        let is_there = !matches!(identity.kind, IdentityKind::Deleted | IdentityKind::Organization);
        (is_here && is_there && !identity.login.is_empty()).then_some(identity.login.as_str())
    }

    /// Accounts that can be given work; the others are losses.
    pub(super) async fn assignees(
        &self,
        path: Path<'_>,
        people: &[Identity],
        told: &mut Told,
    ) -> Result<Vec<String>, HostError> {
        let mut logins: Vec<String> = Vec::new();
        for person in people {
            match self.account(person) {
                Some(login) if self.is_assignable(path, login).await? => {
                    logins.push(login.to_owned());
                }
                _ => told.lost("assignees", format!("{person} has no rights in the project here")),
            }
        }
        if logins.len() > MAX_ASSIGNEES {
            told.lost("assignees", "GitHub takes ten, and the others are left out");
            logins.truncate(MAX_ASSIGNEES);
        }
        Ok(logins)
    }

    async fn is_assignable(&self, path: Path<'_>, login: &str) -> Result<bool, HostError> {
        let key = login.to_lowercase();
        if let Some(known) = self.known.of(path, |it| it.assignable.get(&key).copied()) {
            return Ok(known);
        }
        let below = path.below(&["assignees", login]);
        let found = self.api.ask(&below, &[], "look whom work can be given to").await;
        let found = absent(found)?.is_some();
        self.known.of(path, |it| it.assignable.insert(key, found));
        Ok(found)
    }

    /// The organization that teams belong to here; the source's may be called otherwise.
    pub(super) fn organization<'a>(&'a self, at_source: &'a str) -> &'a str {
        self.api.place.extent.owner().unwrap_or(at_source)
    }

    pub(super) async fn team(
        &self,
        team: &Team,
        existing: Option<&TargetId>,
    ) -> Result<Written, HostError> {
        let (organization, operation) = (self.organization(&team.organization), "write a team");
        let mut told = Told::default();
        // SECURITY: a team below another cannot be secret; it stands by itself then.
        let parent = team.parent.as_ref().filter(|_| !team.secret);
        if parent != team.parent.as_ref() {
            told.lost("parent", "a secret team has none above it");
        }
        let privacy = if team.secret { "secret" } else { "closed" };
        let description = team.description.as_deref().unwrap_or_default();
        let mut body = json!({"name": team.name, "description": description, "privacy": privacy});
        if let Some(parent) = parent {
            let path = ["orgs", organization, "teams", parent.as_str()];
            let found: Option<Value> = self.api.find(&path, operation).await?;
            match found.and_then(|it| it.get("id").cloned()) {
                Some(id) => body["parent_team_id"] = id,
                None => told.lost("parent", "the team above is not there"),
            }
        }
        let slug = match existing.and_then(|it| it.0.rsplit('/').next()) {
            Some(slug) => Some(slug.to_owned()),
            None => self.team_called(organization, &team.slug).await?,
        };
        let adopted = existing.is_none() && slug.is_some();
        let made: Result<wire::Team, _> = match &slug {
            Some(slug) => {
                let path = ["orgs", organization, "teams", slug];
                self.api.send(Method::PATCH, &path, &body, operation).await
            }
            None => {
                let path = ["orgs", organization, "teams"];
                self.api.send(Method::POST, &path, &body, operation).await
            }
        };
        let made = match made {
            Err(error) if is_closed(error.kind) => {
                let why = "the organization is not there, or takes no teams from us";
                return Ok(told.missed(why));
            }
            other => other?,
        };
        let slug = made.slug.ok_or_else(|| unnumbered(operation))?;
        if slug != team.slug {
            told.lost("slug", format!("became `{slug}`, as GitHub makes it of the name"));
        }
        let target = format!("{organization}/{slug}");
        match adopted {
            true => Ok(told.written(target, Outcome::Adopted)),
            false => Ok(told.done(target, existing)),
        }
    }

    /// The team of that slug, if it is there.
    pub(super) async fn team_called(
        &self,
        organization: &str,
        slug: &str,
    ) -> Result<Option<String>, HostError> {
        let path = ["orgs", organization, "teams", slug];
        let found: Option<wire::Team> = self.api.find_open(&path, "look for a team").await?;
        Ok(found.and_then(|it| it.slug))
    }

    /// A role in a team. Asking people into an organization is left to its owners.
    pub(super) async fn shared_member(
        &self,
        member: &Member,
        existing: Option<&TargetId>,
    ) -> Result<Written, HostError> {
        let mut told = Told::default();
        let Place::Team { organization, slug } = &member.place else {
            return Ok(told.dropped("its owners ask people into an organization"));
        };
        if let Some(why) = unsettled(member) {
            return Ok(told.dropped(why));
        }
        let Grantee::User(person) = &member.grantee else {
            return Ok(told.dropped("only accounts belong to a team"));
        };
        let Some(login) = self.account(person) else {
            return Ok(told.dropped(format!("{person} has no account here that is known")));
        };
        let organization = self.organization(organization);
        // SECURITY: whoever is no member yet would be asked into the organization.
        let operation = "add a member to a team";
        let is_member = ["orgs", organization, "members", login];
        match self.api.ask(&is_member, &[], operation).await {
            Err(error) if is_closed(error.kind) => {
                let why = format!("{login} does not belong to the organization here");
                return Ok(told.dropped(why));
            }
            other => drop(other?),
        }
        let role = if member.role >= Role::Maintain { "maintainer" } else { "member" };
        told.lost("role", "a team's members have its rights; some look after it");
        let path = ["orgs", organization, "teams", slug, "memberships", login];
        let body = json!({ "role": role });
        match self.api.tell(Method::PUT, &path, &body, operation).await {
            Err(error) if refused(error.kind) => Ok(told.missed(words(&error))),
            other => {
                other?;
                Ok(told.done(format!("team:{organization}/{slug}/{login}"), existing))
            }
        }
    }

    /// A role in a project.
    pub(super) async fn member(
        &self,
        order: Order<'_>,
        member: &Member,
    ) -> Result<Written, HostError> {
        let (mut told, operation) = (Told::default(), "give somebody a role");
        let Some(permission) = permission(member.role) else {
            return Ok(told.dropped("every role of GitHub's gives more than that one"));
        };
        if let Some(why) = unsettled(member) {
            return Ok(told.dropped(why));
        }
        if member.role == Role::Owner {
            told.lost("role", "became `admin`: who owns the project is told by its address");
        }
        let body = json!({"permission": permission});
        let (path, id) = match &member.grantee {
            Grantee::User(person) => {
                let Some(login) = self.account(person) else {
                    let why = format!("{person} has no account here that is known");
                    return Ok(told.dropped(why));
                };
                if login.eq_ignore_ascii_case(order.path.owner) {
                    return Ok(told.written(format!("project/{login}"), Outcome::Adopted));
                }
                let path = order.path.below(&["collaborators", login]);
                (path, format!("project/{login}"))
            }
            Grantee::Team { organization, slug } => {
                let organization = self.organization(organization);
                let team = ["orgs", organization, "teams", slug.as_str(), "repos"];
                let path = [&team[..], &[order.path.owner, order.path.name]].concat();
                (path, format!("project/team:{organization}/{slug}"))
            }
            Grantee::Group(name) => {
                return Ok(told.dropped(format!("GitHub has no group {name}")));
            }
        };
        match self.api.tell(Method::PUT, &path, &body, operation).await {
            Err(error) if refused(error.kind) => Ok(told.missed(words(&error))),
            other => other.map(|_| told.done(id, order.existing)),
        }
    }
}

/// Why nobody gets a role that would not end, or that they have not taken.
fn unsettled(member: &Member) -> Option<&'static str> {
    if member.pending {
        return Some("was asked and has not accepted");
    }
    // SECURITY: what ends at the source would go on for ever here.
    member.expires_at.map(|_| "roles on GitHub do not end by themselves")
}

/// Whether GitHub will not have it, rather than that something broke.
pub(super) fn refused(kind: HostErrorKind) -> bool {
    matches!(kind, HostErrorKind::Rejected | HostErrorKind::NotFound)
}

/// GitHub's words in a refusal.
pub(super) fn words(error: &HostError) -> String {
    let answer = error.context.iter().find(|(name, _)| *name == "answer");
    let words = answer.map_or("no reason", |(_, words)| words.as_str());
    format!("GitHub refused it: {words}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_role_becomes_more() {
        assert_eq!(permission(Role::Owner), Some("admin"));
        assert_eq!(permission(Role::Write), Some("push"));
        for role in [Role::None, Role::Guest, Role::Planner] {
            assert_eq!(permission(role), None);
        }
    }

    #[test]
    fn a_role_that_ends_is_not_given() {
        let ends = Member {
            expires_at: Some("2030-01-01T00:00:00Z".parse().unwrap()),
            ..Member::default()
        };
        assert!(unsettled(&ends).is_some() && unsettled(&Member::default()).is_none());
        assert!(unsettled(&Member { pending: true, ..Member::default() }).is_some());
    }
}
