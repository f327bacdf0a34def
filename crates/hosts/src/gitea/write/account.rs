//! Accounts, organizations and teams.

use super::{Done, GiteaSink, Task, people::is_login, text::moment};
use crate::gitea::{call::Change, wire};
use packhorse_core::{
    HostError,
    model::{Organization, Team, User, Visibility},
    port::Outcome,
};
use serde_json::{Value, json};

/// What stands for an address that nobody gave: nothing is ever sent there.
///
/// Source: RFC 2606, `invalid`.
const NOWHERE: &str = "packhorse.invalid";

/// The server's words for who may see an organization.
fn visibility(visibility: Option<Visibility>) -> &'static str {
    match visibility {
        // Hosts whose organizations can be hidden say so.
        Some(Visibility::Public) | None => "public",
        Some(Visibility::Internal) => "limited",
        Some(Visibility::Private) => "private",
    }
}

impl GiteaSink {
    /// An account, without rights on the server and with a password that nobody knows.
    pub(super) async fn user(&self, task: &mut Task<'_>, user: &User) -> Done {
        let login = &user.identity.login;
        if !is_login(login) || login.chars().count() > 40 {
            return task.drop("the server takes no account of that name");
        }
        if task.existing.is_none() {
            if self.has_account(&user.identity).await? {
                // Whose it is says what stands there.
                task.lose("identity.name", "the account was there already, and stays as it is");
                return Ok((login.clone(), Outcome::Adopted));
            }
            self.make_user(task, user).await?;
            self.people.note(login, true);
        }
        self.profile(task, user).await?;
        Ok((login.clone(), task.outcome()))
    }

    async fn make_user(&self, task: &mut Task<'_>, user: &User) -> Result<(), HostError> {
        let login = &user.identity.login;
        let primary = user.emails.iter().find(|it| it.primary).or(user.emails.first());
        let email = primary.map(|it| it.address.clone()).or_else(|| user.identity.email.clone());
        // Two random numbers are a password that nobody can guess and nobody keeps.
        let password = format!("{}{}", uuid::Uuid::now_v7(), uuid::Uuid::now_v7());
        let name = task.fit("identity.name", user.identity.name.as_deref(), 100);
        let mut body = json!({
            "username": login, "full_name": name, "password": password,
            "must_change_password": true, "send_notify": false,
            "email": email.clone().unwrap_or_else(|| format!("{login}@{NOWHERE}")),
        });
        if let Some(at) = user.created_at.and_then(moment) {
            body["created_at"] = json!(at);
        }
        let path = ["admin", "users"];
        let change = Change::new(&path, "make an account");
        match self.api.act(change, &body).await {
            // Somebody else has that address, or it is none.
            Err(error) if error.kind == packhorse_core::HostErrorKind::Rejected => {
                body["email"] = json!(format!("{login}@{NOWHERE}"));
                self.api.act(change, &body).await?;
                task.lose("emails", "is another account's address, or none that the server takes");
            }
            Err(error) => return Err(error),
            Ok(()) if email.is_none() => {
                task.lose("emails", "the server wants an address, and got one that leads nowhere");
            }
            Ok(()) => {}
        }
        if user.is_admin {
            task.lose("is_admin", "nobody becomes an administrator by being carried");
        }
        Ok(())
    }

    /// What an account says of itself.
    async fn profile(&self, task: &mut Task<'_>, user: &User) -> Result<(), HostError> {
        let login = &user.identity.login;
        let body = json!({
            "login_name": login, "source_id": 0,
            "full_name": task.fit("identity.name", user.identity.name.as_deref(), 100),
            "website": task.website(user.website.as_deref()),
            "location": task.fit("location", user.location.as_deref(), 50),
            "description": task.fit("bio", user.bio.as_deref(), 255),
            "prohibit_login": user.is_blocked,
        });
        let path = ["admin", "users", login.as_str()];
        self.api.patch(Change::new(&path, "describe an account"), &body).await
    }

    pub(super) async fn organization(
        &self,
        task: &mut Task<'_>,
        organization: &Organization,
    ) -> Done {
        let path = organization.path.as_str();
        if !self.is_within(path) {
            return task.drop("the address names another owner");
        }
        if !is_login(path) {
            return task.drop("the server has no organizations within organizations");
        }
        let there = self.organization_called(path).await?;
        if task.existing.is_none()
            && let Some(path) = there
        {
            task.lose("name", "the organization was there already, and stays as it is");
            task.lose("description", "the organization was there already, and stays as it is");
            return Ok((path, Outcome::Adopted));
        }
        let mut body = json!({
            "full_name": task.fit("name", organization.name.as_deref(), 100),
            "description": task.fit("description", organization.description.as_deref(), 255),
            "website": task.website(organization.website.as_deref()),
            "location": task.fit("location", organization.location.as_deref(), 50),
            "visibility": visibility(organization.visibility),
            "email": organization.email.clone().unwrap_or_default(),
        });
        if task.existing.is_some() {
            let below = ["orgs", path];
            self.api.patch(Change::new(&below, "describe an organization"), &body).await?;
        } else {
            body["username"] = json!(path);
            self.api.act(Change::new(&["orgs"], "make an organization"), &body).await?;
        }
        Ok((path.to_owned(), task.outcome()))
    }

    pub(super) async fn organization_is_there(&self, name: &str) -> Result<bool, HostError> {
        Ok(self.organization_called(name).await?.is_some())
    }

    /// The name of an organization as the server spells it, which does not tell capitals apart.
    pub(super) async fn organization_called(
        &self,
        name: &str,
    ) -> Result<Option<String>, HostError> {
        let found: Option<wire::Organization> =
            self.api.find(&["orgs", name], "look for an organization").await?;
        let spelled = |it: wire::Organization| it.username.or(it.name).filter(|it| !it.is_empty());
        Ok(found.map(|it| spelled(it).unwrap_or_else(|| name.to_owned())))
    }

    /// A team, which may read until it is given more with a project.
    pub(super) async fn team(&self, task: &mut Task<'_>, team: &Team) -> Done {
        if !self.is_within(&team.organization) {
            return task.drop("the address names another owner");
        }
        if !is_login(&team.slug) {
            return task.drop("the server takes no team of that name");
        }
        let there = self.find_team(&team.organization, &team.slug).await?;
        let called = there.as_ref().and_then(|it| it.name.clone());
        let id = self.team_id(team, called.as_deref()).await?;
        let description = task.fit("description", team.description.as_deref(), 255);
        if team.name != team.slug {
            task.lose("name", "a team is called as in its address");
        }
        if called.as_ref().is_some_and(|it| *it != team.slug) {
            task.lose("slug", "the server has it under another spelling");
        }
        match there.and_then(|it| it.id) {
            Some(_) if task.existing.is_none() => {
                task.lose("description", "the team was there already, and stays as it is");
                Ok((id, Outcome::Adopted))
            }
            Some(number) => {
                let number = number.to_string();
                let path = ["teams", number.as_str()];
                let body = json!({
                    "name": called.as_ref().unwrap_or(&team.slug), "description": description,
                });
                self.api.patch(Change::new(&path, "describe a team"), &body).await?;
                Ok((id, Outcome::Updated))
            }
            None => {
                let path = ["orgs", team.organization.as_str(), "teams"];
                let body = json!({
                    "name": team.slug, "description": description, "permission": "read",
                    "includes_all_repositories": false, "can_create_org_repo": false,
                    "units_map": units("read"),
                });
                self.api.act(Change::new(&path, "make a team"), &body).await?;
                Ok((id, Outcome::Created))
            }
        }
    }

    /// The id of a team, in the server's spelling of it.
    pub(super) async fn team_id(
        &self,
        team: &Team,
        called: Option<&str>,
    ) -> Result<String, HostError> {
        let organization = self.organization_called(&team.organization).await?;
        let organization = organization.unwrap_or_else(|| team.organization.clone());
        Ok(format!("{organization}/{}", called.unwrap_or(&team.slug)))
    }

    pub(super) async fn find_team(
        &self,
        organization: &str,
        slug: &str,
    ) -> Result<Option<wire::Team>, HostError> {
        let path = ["orgs", organization, "teams"];
        let teams: Vec<wire::Team> = self.api.children(&path, "look for a team").await?;
        let is_it =
            |it: &wire::Team| it.name.as_deref().is_some_and(|it| it.eq_ignore_ascii_case(slug));
        Ok(teams.into_iter().find(is_it))
    }
}

/// The same right in every part of a project.
pub(super) fn units(right: &str) -> Value {
    let all = ["code", "issues", "wiki", "pulls", "releases", "projects"];
    all.iter()
        .map(|it| (format!("repo.{it}"), json!(right)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
