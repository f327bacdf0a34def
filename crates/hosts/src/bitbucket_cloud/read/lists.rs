//! Kinds that are listed by themselves, and what stands beside all repositories.

use super::{CloudSource, Path, map, wire};
use crate::{cursor::page, walk::Listing};
use packhorse_core::{
    Cursor, HostError, HostErrorKind, Object, ObjectKind, Record, model::Place, port::Page,
};

/// A page of what a listing brought.
fn plain<T>(listing: Listing<T>, map: impl Fn(T) -> Option<(String, Object)>) -> Page {
    let records = listing.items.into_iter().filter_map(map);
    Page {
        records: records.map(|(id, object)| Record::new(id, object)).collect(),
        next: listing.next.map(|it| Cursor(it.to_string())),
    }
}

fn foreign(at: &Cursor) -> HostError {
    HostError::new(HostErrorKind::Rejected, "go on with a listing").with("cursor", &at.0)
}

impl CloudSource {
    pub(super) async fn read_shared(
        &self,
        kind: ObjectKind,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        if kind == ObjectKind::Project {
            return self.projects(at).await;
        }
        if kind == ObjectKind::User {
            return self.users(at).await;
        }
        if kind == ObjectKind::Organization {
            return self.organizations().await;
        }
        if kind == ObjectKind::Member {
            return self.workspace_members(at).await;
        }
        Ok(Page::default())
    }

    async fn projects(&self, at: Option<&Cursor>) -> Result<Page, HostError> {
        let operation = "read the list of projects";
        let listing: Listing<wire::Repository> = match &self.api.place.repository {
            Some(path) => {
                Listing { items: vec![self.repository(Path::of(path)?).await?], next: None }
            }
            None => {
                let path = ["repositories", self.api.place.workspace.as_str()];
                // In an order that stays when others are added.
                let query = [("sort", "created_on")];
                self.api.list(&path, &query, page(at)?, operation).await?
            }
        };
        Ok(plain(listing, |it| {
            let project = map::project::project(it)?;
            Some((project.path.clone(), Object::from(project)))
        }))
    }

    async fn users(&self, at: Option<&Cursor>) -> Result<Page, HostError> {
        let path = ["workspaces", self.api.place.workspace.as_str(), "members"];
        let listing: Listing<wire::Member> =
            self.api.list(&path, &[], page(at)?, "read members of the workspace").await?;
        Ok(plain(listing, |it| {
            let user = map::project::user(it.user.as_ref()?, self.host())?;
            Some((user.identity.login.clone(), Object::from(user)))
        }))
    }

    async fn organizations(&self) -> Result<Page, HostError> {
        let path = ["workspaces", self.api.place.workspace.as_str()];
        let found: Option<wire::Workspace> = self.api.find(&path, "read the workspace").await?;
        let found = found.and_then(map::project::organization);
        let record = found.map(|it| Record::new(it.path.clone(), Object::from(it)));
        Ok(Page { records: record.into_iter().collect(), next: None })
    }

    async fn workspace_members(&self, at: Option<&Cursor>) -> Result<Page, HostError> {
        let workspace = self.api.place.workspace.as_str();
        let path = ["workspaces", workspace, "permissions"];
        let found = self.api.list(&path, &[], page(at)?, "read members of the workspace").await;
        let listing: Listing<wire::Permission> = match found {
            // Only its administrators are told; `support.rs` says so.
            Err(error) if error.kind == HostErrorKind::Forbidden => Listing::default(),
            other => other?,
        };
        let place = Place::Organization(workspace.to_owned());
        Ok(plain(listing, |it| {
            let who = (workspace, self.host());
            let (id, member) = map::project::member(it, place.clone(), who)?;
            Some((format!("{workspace}/{id}"), Object::from(member)))
        }))
    }

    /// People's permissions, then those of groups.
    pub(super) async fn members(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let (name, number) = match at {
            None => ("users", 1),
            Some(cursor) => {
                let (name, rest) = cursor.0.split_once(':').ok_or_else(|| foreign(cursor))?;
                (name, rest.parse().map_err(|_| foreign(cursor))?)
            }
        };
        let is_first = name == "users";
        let list = if is_first { "users" } else { "groups" };
        let below = path.below(&["permissions-config", list]);
        let listing: Listing<wire::Permission> =
            self.api.list(&below, &[], number, "read permissions").await?;
        let next = match (listing.next, is_first) {
            (Some(next), _) => Some(Cursor(format!("{list}:{next}"))),
            (None, true) => Some(Cursor("groups:1".to_owned())),
            (None, false) => None,
        };
        let page = plain(Listing { items: listing.items, next: None }, |it| {
            let who = (path.workspace, self.host());
            let (id, member) = map::project::member(it, Place::Project, who)?;
            Some((id, Object::from(member)))
        });
        Ok(Page { next, ..page })
    }

    pub(super) async fn webhooks(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let below = path.below(&["hooks"]);
        let listing = self.api.list(&below, &[], page(at)?, "read webhooks").await?;
        Ok(plain(listing, |it| {
            let (id, hook) = map::settings::webhook(it)?;
            Some((id, Object::from(hook)))
        }))
    }

    pub(super) async fn deploy_keys(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let below = path.below(&["deploy-keys"]);
        let listing = self.api.list(&below, &[], page(at)?, "read access keys").await?;
        Ok(plain(listing, |it| {
            let (id, key) = map::settings::deploy_key(it)?;
            Some((id, Object::from(key)))
        }))
    }

    pub(super) async fn milestones(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let below = path.below(&["milestones"]);
        let listing = self.api.list(&below, &[], page(at)?, "read milestones").await?;
        Ok(plain(listing, |it| {
            let (id, milestone) = map::issue::milestone(it)?;
            Some((id, Object::from(milestone)))
        }))
    }

    /// One draft for all downloads, where there are some.
    pub(super) async fn releases(&self, path: Path<'_>) -> Result<Page, HostError> {
        let below = path.below(&["downloads"]);
        let found: Listing<wire::Download> =
            self.api.list(&below, &[], 1, "look for downloads").await?;
        let release = map::settings::downloads();
        let record = Record::new(release.tag.clone(), Object::from(release));
        let records = if found.items.is_empty() { Vec::new() } else { vec![record] };
        Ok(Page { records, next: None })
    }

    pub(super) async fn downloads(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let below = path.below(&["downloads"]);
        let listing = self.api.list(&below, &[], page(at)?, "read downloads").await?;
        Ok(plain(listing, |it| {
            let (id, asset) = map::settings::download(it, self.host())?;
            Some((id, Object::from(asset)))
        }))
    }

    pub(super) async fn branch_rules(&self, path: Path<'_>) -> Result<Page, HostError> {
        let below = path.below(&["branch-restrictions"]);
        let found: Vec<wire::Restriction> =
            self.api.children(&below, &[], "read branch restrictions").await?;
        let needs_model = found.iter().any(|it| it.branch_type.is_some());
        let model = match needs_model {
            true => {
                let below = path.below(&["effective-branching-model"]);
                self.api.find(&below, "read the branching model").await?
            }
            false => None,
        };
        let who = (path.workspace, self.host());
        let records = map::rule::rules(&found, &model.unwrap_or_default(), who);
        Ok(Page { records, next: None })
    }
}
