//! What stands beside all projects, and the list of projects.

use super::{GitlabSource, lists::plain, records};
use crate::{
    cursor::{foreign, in_part, page, part},
    gitlab::{
        api::{Listing, PER_PAGE},
        map, wire,
    },
};
use packhorse_core::{
    Cursor, HostError, HostErrorKind, Object, ObjectKind, Record, model::Place, port::Page,
};

/// How much of a server is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// All that the credentials see; on the public service, all that they belong to.
    All,
    /// What is in a group, and in the groups below it.
    Group(String),
    /// What a person owns.
    User(u64),
    /// One project.
    Project(String),
}

impl GitlabSource {
    /// How much is meant: only the server knows what a path stands for.
    pub(super) async fn extent(&self) -> Result<&Extent, HostError> {
        self.extent.get_or_try_init(|| self.ask_extent()).await
    }

    async fn ask_extent(&self) -> Result<Extent, HostError> {
        let operation = "find what the address means";
        let Some(path) = self.api.place.within.as_deref() else { return Ok(Extent::All) };
        // Projects are always in something.
        if path.contains('/') {
            let found: Option<wire::Project> =
                self.api.find(&["projects", path], &[], operation).await?;
            if let Some(path) = found.and_then(|it| it.path_with_namespace) {
                return Ok(Extent::Project(path));
            }
        }
        let query = [("with_projects", "false")];
        let group: Option<wire::Group> =
            self.api.find(&["groups", path], &query, operation).await?;
        if let Some(path) = group.and_then(|it| it.full_path) {
            return Ok(Extent::Group(path));
        }
        let query = [("username", path)];
        let users: Vec<wire::User> = self.api.get(&["users"], &query, operation).await?;
        let id = users.into_iter().find_map(|it| it.id);
        let missing = || HostError::new(HostErrorKind::NotFound, operation).with("path", path);
        id.map(Extent::User).ok_or_else(missing)
    }

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
        } else if kind == ObjectKind::Member {
            self.group_members(at).await
        } else {
            Ok(Page::default())
        }
    }

    /// Projects in the order of their making.
    async fn projects(&self, at: Option<&Cursor>) -> Result<Page, HostError> {
        let operation = "read the list of projects";
        let project = |it| {
            let project = map::project::project(it)?;
            Some((project.path.clone(), Object::from(project)))
        };
        match self.extent().await? {
            Extent::Project(path) => {
                let found = self.project(path).await?;
                Ok(Page { records: records(vec![found], project), next: None })
            }
            Extent::All => self.all_projects(at, operation).await,
            Extent::Group(path) => {
                let query = [
                    ("include_subgroups", "true"),
                    ("with_shared", "false"),
                    ("order_by", "id"),
                    ("sort", "asc"),
                ];
                let path = ["groups", path, "projects"];
                Ok(plain(self.api.list(&path, &query, page(at)?, operation).await?, project))
            }
            Extent::User(id) => {
                let id = id.to_string();
                let query = [("order_by", "id"), ("sort", "asc")];
                let path = ["users", &id, "projects"];
                Ok(plain(self.api.list(&path, &query, page(at)?, operation).await?, project))
            }
        }
    }

    /// All projects by keyset: the cursor is the last id.
    ///
    /// Source: GitLab, "Projects API", `id_after`; "REST API", "Keyset-based pagination".
    async fn all_projects(
        &self,
        at: Option<&Cursor>,
        operation: &'static str,
    ) -> Result<Page, HostError> {
        let after = at.map(|it| it.0.parse::<u64>().map_err(|_| foreign(&it.0))).transpose()?;
        let after = after.map(|it| it.to_string());
        let mut query = vec![("pagination", "keyset"), ("order_by", "id"), ("sort", "asc")];
        query.extend(self.api.place.is_public_service().then_some(("membership", "true")));
        query.extend(after.iter().map(|it| ("id_after", it.as_str())));
        let found: Vec<wire::Project> = self.api.select(&["projects"], &query, operation).await?;
        let last = found.iter().filter_map(|it| it.id).max();
        let next = last.filter(|_| found.len() as u64 >= PER_PAGE);
        let project = |it| {
            let project = map::project::project(it)?;
            Some((project.path.clone(), Object::from(project)))
        };
        Ok(Page { records: records(found, project), next: next.map(|it| Cursor(it.to_string())) })
    }

    /// Groups that are meant, those above before those below them on a page.
    async fn group_listing(
        &self,
        at: Option<&str>,
        operation: &'static str,
    ) -> Result<(Vec<wire::Group>, Option<String>), HostError> {
        let number = |it: &str| it.parse::<u64>().map_err(|_| foreign(it));
        let order = [("order_by", "id"), ("sort", "asc")];
        let (mut groups, next): (Vec<wire::Group>, _) = match self.extent().await? {
            Extent::All => {
                let mut query = order.to_vec();
                // Of the public service, groups that the token's owner belongs to.
                query.extend(
                    self.api.place.is_public_service().then_some(("min_access_level", "10")),
                );
                let number = at.map_or(Ok(1), number)?;
                let listing = self.api.list(&["groups"], &query, number, operation).await?;
                (listing.items, listing.next)
            }
            Extent::Group(path) => match at {
                None => {
                    let query = [("with_projects", "false")];
                    (vec![self.api.get(&["groups", path], &query, operation).await?], Some(1))
                }
                Some(text) => {
                    let below = ["groups", path, "descendant_groups"];
                    let listing = self.api.list(&below, &order, number(text)?, operation).await?;
                    (listing.items, listing.next)
                }
            },
            Extent::Project(path) => {
                let namespace = self.project(path).await?.namespace.unwrap_or_default();
                let is_group = namespace.kind.as_deref() == Some("group");
                match namespace.full_path.filter(|_| is_group) {
                    Some(path) => {
                        let query = [("with_projects", "false")];
                        let group = self.api.find(&["groups", &path], &query, operation).await?;
                        (group.into_iter().collect(), None)
                    }
                    None => (Vec::new(), None),
                }
            }
            Extent::User(_) => (Vec::new(), None),
        };
        groups.sort_by_key(|it| it.full_path.as_ref().map_or(0, |it| it.split('/').count()));
        Ok((groups, next.map(|it| it.to_string())))
    }

    async fn organizations(&self, at: Option<&Cursor>) -> Result<Page, HostError> {
        let at = at.map(|it| it.0.as_str());
        let (groups, next) = self.group_listing(at, "read groups").await?;
        let organization = |it| {
            let organization = map::project::organization(it)?;
            Some((organization.path.clone(), Object::from(organization)))
        };
        Ok(Page { records: records(groups, organization), next: next.map(Cursor) })
    }

    /// People: those of the server for its administrators, else those that take part in what is meant.
    async fn users(&self, at: Option<&Cursor>) -> Result<Page, HostError> {
        let operation = "read users";
        let user = |it: wire::User| {
            let user = map::project::user(it, self.host())?;
            Some((user.identity.login.clone(), Object::from(user)))
        };
        let of_members = |it: wire::Member| user(map::project::account(&it));
        let number = page(at)?;
        let members = match self.extent().await? {
            Extent::All if self.api.place.is_public_service() => {
                let me: wire::User = self.api.get(&["user"], &[], operation).await?;
                return Ok(Page { records: records(vec![me], user), next: None });
            }
            Extent::All => {
                let query = [("order_by", "id"), ("sort", "asc")];
                return Ok(plain(
                    self.api.list(&["users"], &query, number, operation).await?,
                    user,
                ));
            }
            Extent::User(id) => {
                let id = id.to_string();
                let found: Option<wire::User> =
                    self.api.find(&["users", &id], &[], operation).await?;
                let items = found.into_iter().collect();
                return Ok(plain(Listing { items, next: None, total: None }, user));
            }
            Extent::Group(path) => ["groups", path, "members", "all"],
            Extent::Project(path) => ["projects", path, "members", "all"],
        };
        Ok(plain(self.api.list(&members, &[], number, operation).await?, of_members))
    }

    /// Roles in groups: one group after the other, as `place of the group:page of its members`.
    async fn group_members(&self, at: Option<&Cursor>) -> Result<Page, HostError> {
        let operation = "read members of groups";
        let (page_of_groups, rest) = part(at, "")?;
        let (skip, number) = match rest {
            None => (0, 1),
            Some(text) => {
                let (skip, number) = text.split_once('/').ok_or_else(|| foreign(text))?;
                let skip = skip.parse::<usize>().map_err(|_| foreign(text))?;
                (skip, number.parse::<u64>().map_err(|_| foreign(text))?)
            }
        };
        let place = Some(page_of_groups).filter(|it| !it.is_empty());
        let (groups, next) = self.group_listing(place, operation).await?;
        let after = |skip: usize| {
            let inside = format!("{skip}/1");
            match skip < groups.len() {
                true => Some(in_part(page_of_groups, &inside)),
                false => next.as_deref().map(|it| in_part(it, "0/1")),
            }
        };
        let Some(group) = groups.get(skip) else {
            return Ok(Page { records: Vec::new(), next: after(skip) });
        };
        let Some(path) = group.full_path.clone() else {
            return Ok(Page { records: Vec::new(), next: after(skip + 1) });
        };
        let listing: Listing<wire::Member> =
            self.api.list(&["groups", &path, "members"], &[], number, operation).await?;
        let place = Place::Organization(path.clone());
        let mut found: Vec<Record> = records(listing.items, |it| {
            let (id, member) = map::project::member(&it, &place, self.host())?;
            Some((format!("{path}/{id}"), Object::from(member)))
        });
        if let Some(number) = listing.next {
            let next = Some(in_part(page_of_groups, &format!("{skip}/{number}")));
            return Ok(Page { records: found, next });
        }
        let shared = group.shared_with_groups.clone().unwrap_or_default();
        found.extend(records(shared, |it| {
            let (id, member) = map::project::shared_with(&it, &place)?;
            Some((format!("{path}/{id}"), Object::from(member)))
        }));
        Ok(Page { records: found, next: after(skip + 1) })
    }
}
