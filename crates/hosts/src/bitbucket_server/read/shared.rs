//! What stands beside all projects: the list of them, people, roles.

use super::{
    Part, ServerSource,
    lists::{page, start},
    map, wire,
};
use crate::{
    bitbucket_server::place::Extent,
    cursor::Spot,
    walk::{AT_ONCE, Listing, walk},
};
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use packhorse_core::{
    Cursor, HostError, HostErrorKind, Object, ObjectKind, Record,
    model::{Place, Project},
    port::Page,
};

impl ServerSource {
    pub(super) async fn read_shared(
        &self,
        kind: ObjectKind,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        match kind {
            ObjectKind::Project => self.projects(at).await,
            ObjectKind::User => self.users(at).await,
            ObjectKind::Organization => self.organizations(at).await,
            ObjectKind::Member => self.organization_members(at).await,
            ObjectKind::Team
            | ObjectKind::Topic
            | ObjectKind::LfsObject
            | ObjectKind::Repository
            | ObjectKind::Wiki
            | ObjectKind::Label
            | ObjectKind::Milestone
            | ObjectKind::Attachment
            | ObjectKind::Issue
            | ObjectKind::ChangeRequest
            | ObjectKind::Review
            | ObjectKind::ReviewThread
            | ObjectKind::ReviewComment
            | ObjectKind::DiscussionCategory
            | ObjectKind::Discussion
            | ObjectKind::Snippet
            | ObjectKind::CommitComment
            | ObjectKind::Comment
            | ObjectKind::Reaction
            | ObjectKind::Event
            | ObjectKind::CommitStatus
            | ObjectKind::Release
            | ObjectKind::ReleaseAsset
            | ObjectKind::Board
            | ObjectKind::BranchRule
            | ObjectKind::TagRule
            | ObjectKind::Webhook
            | ObjectKind::DeployKey
            | ObjectKind::Variable
            | ObjectKind::State => Ok(Page::default()),
        }
    }

    async fn projects(&self, at: Option<&Cursor>) -> Result<Page, HostError> {
        let listing = self.repositories(start(at)?).await?;
        let found = listing.items.into_iter().map(async |it: wire::Repository| {
            match self.project(&it).await {
                // It went while it was listed.
                Err(error) if error.kind == HostErrorKind::NotFound => Ok(None),
                other => other,
            }
        });
        let found: Vec<Option<Project>> =
            stream::iter(found).buffered(AT_ONCE).try_collect().await?;
        let record = |it: Project| Record::new(it.path.clone(), Object::from(it));
        Ok(Page {
            records: found.into_iter().flatten().map(record).collect(),
            next: listing.next.map(|it| Cursor(it.to_string())),
        })
    }

    async fn repositories(&self, start: u64) -> Result<Listing<wire::Repository>, HostError> {
        let operation = "read the list of projects";
        match &self.api.place.extent {
            Extent::All => {
                // Those that are archived are left out unless they are asked for.
                let query = [("archived", "ALL")];
                self.api.list((Part::Core, &["repos"]), &query, start, operation).await
            }
            Extent::Key(key) => {
                let path = ["projects", key.as_str(), "repos"];
                self.api.list((Part::Core, &path), &[], start, operation).await
            }
            Extent::Repository(path) => {
                let found = self.repository(super::Path::of(path)?).await?;
                Ok(Listing { items: vec![found], next: None })
            }
        }
    }

    /// A project, with what other addresses tell of it.
    pub(super) async fn project(
        &self,
        found: &wire::Repository,
    ) -> Result<Option<Project>, HostError> {
        let Some(full) = map::path_of(found) else { return Ok(None) };
        let path = super::Path::of(&full)?;
        // The address of the default branch moved; the old one is still there in new versions.
        let below = path.below(&["branches", "default"]);
        let branch = self.api.find(Part::Core, &below, "read the default branch").await;
        let branch: Option<wire::Branch> = match branch {
            // An archived or damaged repository has none to tell.
            Err(error) if error.kind == HostErrorKind::Conflict => None,
            other => other?,
        };
        let settings = self.settings(path).await?;
        let for_all = self.is_for_all(path.key).await?;
        Ok(map::project::project(found, branch, settings, for_all))
    }

    /// Whether everybody with an account may read a project; no where we are not told.
    async fn is_for_all(&self, key: &str) -> Result<bool, HostError> {
        if key.starts_with('~') {
            return Ok(false);
        }
        for permission in ["PROJECT_READ", "PROJECT_WRITE"] {
            let path = ["projects", key, "permissions", permission, "all"];
            let found = self.api.find(Part::Core, &path, "read who may read a project").await;
            let found: Option<wire::Permitted> = match found {
                Err(error)
                    if matches!(
                        error.kind,
                        HostErrorKind::Forbidden | HostErrorKind::Unauthorized
                    ) =>
                {
                    return Ok(false);
                }
                other => other?,
            };
            if found.is_some_and(|it| it.permitted == Some(true)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn users(&self, at: Option<&Cursor>) -> Result<Page, HostError> {
        let listing: Listing<wire::User> =
            self.api.list((Part::Core, &["users"]), &[], start(at)?, "read users").await?;
        Ok(page(listing, |it| {
            let user = map::project::user(&it, self.host())?;
            Some((user.identity.login.clone(), Object::from(user)))
        }))
    }

    /// Projects of the server that are meant: all, or the one of that key.
    async fn keys(&self, start: u64) -> Result<Listing<wire::Project>, HostError> {
        let operation = "read projects of the server";
        match self.api.place.extent.key() {
            None => self.api.list((Part::Core, &["projects"]), &[], start, operation).await,
            Some(key) => {
                let found: Option<wire::Project> =
                    self.api.find(Part::Core, &["projects", key], operation).await?;
                Ok(Listing { items: found.into_iter().collect(), next: None })
            }
        }
    }

    async fn organizations(&self, at: Option<&Cursor>) -> Result<Page, HostError> {
        let listing = self.keys(start(at)?).await?;
        Ok(page(listing, |it| {
            // A person's own place is the person's.
            let organization =
                map::project::organization(it).filter(|it| !it.path.starts_with('~'))?;
            Some((organization.path.clone(), Object::from(organization)))
        }))
    }

    async fn organization_members(&self, at: Option<&Cursor>) -> Result<Page, HostError> {
        let spot = Spot::from(at.map(|it| it.0.as_str()), 0)?;
        let listing = self.keys(spot.page).await?;
        let (records, next) = walk(listing, spot, |it: wire::Project| {
            async move {
                let Some(key) = it.key.filter(|it| !it.starts_with('~')) else {
                    return Ok(Vec::new());
                };
                self.members_of(&key).await
            }
            .boxed()
        })
        .await?;
        Ok(Page { records, next: next.map(|it| Cursor(it.text())) })
    }

    async fn members_of(&self, key: &str) -> Result<Vec<Record>, HostError> {
        let place = Place::Organization(key.to_owned());
        let mut records = Vec::new();
        for list in ["users", "groups"] {
            let path = ["projects", key, "permissions", list];
            let found = self.api.children((Part::Core, &path), &[], "read permissions").await;
            let found: Vec<wire::Permission> = match found {
                // We do not administer the project; `support.rs` says so.
                Err(error)
                    if matches!(error.kind, HostErrorKind::Forbidden | HostErrorKind::NotFound) =>
                {
                    continue;
                }
                other => other?,
            };
            records.extend(found.into_iter().filter_map(|it| {
                let (id, member) = map::project::member(it, place.clone(), self.host())?;
                Some(Record::new(format!("{key}/{id}"), Object::from(member)))
            }));
        }
        Ok(records)
    }
}
