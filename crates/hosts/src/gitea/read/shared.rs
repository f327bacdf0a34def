//! What stands beside all projects, and the list of projects.

use super::{Extent, GiteaSource, Path, lists::plain, map, wire};
use crate::{cursor::page, gitea::api::Listing};
use futures::FutureExt;
use packhorse_core::{
    Cursor, HostError, HostErrorKind, Object, ObjectKind, Record,
    model::{Grantee, Place},
    port::Page,
};

impl GiteaSource {
    pub(super) async fn read_shared(
        &self,
        kind: ObjectKind,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        if kind == ObjectKind::Project {
            self.projects(at).await
        } else if kind == ObjectKind::User {
            self.users(at).await
        } else if kind == ObjectKind::Organization {
            self.organizations(at).await
        } else if kind == ObjectKind::Team {
            self.teams(at).await
        } else if kind == ObjectKind::Member {
            self.team_members(at).await
        } else {
            Ok(Page::default())
        }
    }

    async fn organizations(&self, at: Option<&Cursor>) -> Result<Page, HostError> {
        let listing = self.organization_listing(page(at)?, "read organizations").await?;
        Ok(plain(listing, |it| {
            let organization = map::project::organization(it)?;
            Some((organization.path.clone(), Object::from(organization)))
        }))
    }

    /// Projects in the order of their making.
    async fn projects(&self, at: Option<&Cursor>) -> Result<Page, HostError> {
        let extent = &self.api.place.extent;
        if let Extent::Project(path) = extent {
            let project = map::project::project(self.repository(Path::of(path)?).await?);
            let record = project.map(|it| Record::new(it.path.clone(), Object::from(it)));
            return Ok(Page { records: record.into_iter().collect(), next: None });
        }
        let listing = self.project_listing(page(at)?).await?;
        Ok(plain(listing, |it| {
            let project = map::project::project(it)?;
            Some((project.path.clone(), Object::from(project)))
        }))
    }

    pub(super) async fn project_listing(
        &self,
        number: u64,
    ) -> Result<Listing<wire::Repository>, HostError> {
        let operation = "read the list of projects";
        let mut query = vec![("sort", "id"), ("order", "asc")];
        let owner = match self.api.place.extent.owner() {
            None => None,
            Some(owner) => {
                let found: wire::User = self.api.get(&["users", owner], operation).await?;
                let id = found.id.map(|it| it.to_string());
                Some(id.ok_or_else(|| HostError::new(HostErrorKind::Protocol, operation))?)
            }
        };
        if let Some(owner) = &owner {
            query.extend([("uid", owner.as_str()), ("exclusive", "true")]);
        }
        let found: Listing<wire::Repository> = self
            .api
            .list_in(&["repos", "search"], &query, number, operation, |it: wire::Found| it.data)
            .await?;
        Ok(found)
    }

    async fn users(&self, at: Option<&Cursor>) -> Result<Page, HostError> {
        let operation = "read users";
        let user = |it: wire::User| {
            let user = map::project::user(it, self.host())?;
            Some((user.identity.login.clone(), Object::from(user)))
        };
        if let Some(owner) = self.api.place.extent.owner() {
            // An organization answers here too, and is no user.
            let is_organization = self.organization(owner).await?.is_some();
            let found: Option<wire::User> = match is_organization {
                true => None,
                false => self.api.find(&["users", owner], operation).await?,
            };
            let items = found.into_iter().collect();
            return Ok(plain(Listing { items, next: None, total: None }, user));
        }
        let listing = self
            .api
            .list_in(&["users", "search"], &[], page(at)?, operation, |it: wire::FoundUsers| {
                it.data
            })
            .await?;
        Ok(plain(listing, user))
    }

    async fn organization(&self, name: &str) -> Result<Option<wire::Organization>, HostError> {
        self.api.find(&["orgs", name], "read an organization").await
    }

    /// Organizations that are meant: all, or the one that owns what is.
    pub(super) async fn organization_listing(
        &self,
        number: u64,
        operation: &'static str,
    ) -> Result<Listing<wire::Organization>, HostError> {
        match self.api.place.extent.owner() {
            None => self.api.list(&["orgs"], &[], number, operation).await,
            Some(owner) => {
                let items: Vec<_> = self.organization(owner).await?.into_iter().collect();
                let total = Some(items.len() as u64);
                Ok(Listing { items, next: None, total })
            }
        }
    }

    async fn teams(&self, at: Option<&Cursor>) -> Result<Page, HostError> {
        self.under_organizations(at, "read teams", |organization| {
            async move {
                let teams = self.teams_of(&organization).await?;
                let record = |it: &wire::Team| {
                    let team = map::project::team(it, &organization)?;
                    let id = format!("{organization}/{}", team.slug);
                    Some(Record::new(id, Object::from(team)))
                };
                Ok(teams.iter().filter_map(record).collect())
            }
            .boxed()
        })
        .await
    }

    /// Members of teams; who owns an organization is in its team of owners.
    async fn team_members(&self, at: Option<&Cursor>) -> Result<Page, HostError> {
        self.under_organizations(at, "read members of teams", |organization| {
            async move {
                let mut records = Vec::new();
                for team in self.teams_of(&organization).await? {
                    let (Some(id), Some(slug)) = (team.id, team.name) else { continue };
                    let path = ["teams", &id.to_string(), "members"];
                    let users: Vec<wire::User> =
                        self.api.children(&path, "read members of teams").await?;
                    let role = map::project::role(team.permission.as_deref());
                    for who in users.iter().filter_map(|it| map::identity(it, self.host())) {
                        let place =
                            Place::Team { organization: organization.clone(), slug: slug.clone() };
                        let id = format!("{organization}/{slug}/{}", who.login);
                        let member = map::project::member(place, Grantee::User(who), role);
                        records.push(Record::new(id, Object::from(member)));
                    }
                }
                Ok(records)
            }
            .boxed()
        })
        .await
    }
}
