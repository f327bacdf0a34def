//! What stands beside all projects, and the list of projects.

use super::{
    Extent, GithubSource, Page, Path, Spot,
    lists::{page, spot},
    map::{self, project},
    nested::AT_ONCE,
    plain, wire,
};
use crate::github::api::Listing;
use futures::{StreamExt, TryStreamExt, stream};
use packhorse_core::{Cursor, HostError, Loss, ObjectKind, Record};

/// What lists projects.
#[derive(Clone, Debug)]
pub(super) struct Projects {
    pub(super) path: Vec<String>,
    pub(super) query: &'static [(&'static str, &'static str)],
}

/// The order in which projects were made.
const BY_AGE: (&str, &str) = ("sort", "created");
const RISING: (&str, &str) = ("direction", "asc");

impl GithubSource {
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
            self.shared_members(at).await
        } else {
            Ok(Page::default())
        }
    }

    async fn organizations(&self, at: Option<&Cursor>) -> Result<Page, HostError> {
        let spot = spot(at)?;
        let listing = self.organization_listing(&spot).await?;
        Ok(page(plain(self.host(), listing, spot, project::organization)))
    }

    /// Organizations that are meant: those of the token's owner, or the one that owns what is.
    pub(super) async fn organization_listing(
        &self,
        spot: &Spot,
    ) -> Result<Listing<wire::Organization>, HostError> {
        let operation = "read organizations";
        match self.api.place.extent.owner() {
            None => self.listing((&["user", "orgs"], &[]), spot, operation).await,
            Some(owner) => {
                let path = ["orgs", owner];
                let asked = || self.api.find_open(&path, operation);
                let found = self.organization.get_or_try_init(asked).await?;
                Ok(Listing { items: found.iter().cloned().collect(), next: None })
            }
        }
    }

    /// Where the projects that are meant are listed; `None` of a single one.
    pub(super) async fn project_list(&self) -> Result<Option<Projects>, HostError> {
        self.list.get_or_try_init(|| self.find_list()).await.cloned()
    }

    async fn find_list(&self) -> Result<Option<Projects>, HostError> {
        let parts = |it: &[&str]| it.iter().map(|it| (*it).to_owned()).collect();
        let operation = "read the list of projects";
        let owner = match &self.api.place.extent {
            Extent::Project(_) => return Ok(None),
            Extent::All if !self.has_graph() => {
                return Ok(Some(Projects { path: parts(&["repositories"]), query: &[] }));
            }
            Extent::All => {
                let query = &[BY_AGE, RISING];
                return Ok(Some(Projects { path: parts(&["user", "repos"]), query }));
            }
            Extent::Owner(owner) => owner,
        };
        let found: wire::User = self.api.get(&["users", owner], operation).await?;
        if found.r#type.as_deref() == Some("Organization") {
            let path = parts(&["orgs", owner, "repos"]);
            return Ok(Some(Projects { path, query: &[("type", "all"), BY_AGE, RISING] }));
        }
        // A person's private projects are shown to that person alone, and elsewhere.
        let is_me = self.has_graph() && {
            let me: wire::User = self.api.get(&["user"], operation).await?;
            me.login.is_some_and(|it| it.eq_ignore_ascii_case(owner))
        };
        Ok(Some(if is_me {
            let query = &[("affiliation", "owner"), BY_AGE, RISING];
            Projects { path: parts(&["user", "repos"]), query }
        } else {
            let path = parts(&["users", owner, "repos"]);
            Projects { path, query: &[("type", "owner"), BY_AGE, RISING] }
        }))
    }

    /// Projects in the order of their making.
    async fn projects(&self, at: Option<&Cursor>) -> Result<Page, HostError> {
        let Some(Projects { path, query }) = self.project_list().await? else {
            let Extent::Project(path) = &self.api.place.extent else { return Ok(Page::default()) };
            return self.project(Path::of(path)?).await;
        };
        let spot = spot(at)?;
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let listing: Listing<wire::Repository> =
            self.listing((&path, query), &spot, "read the list of projects").await?;
        // The list leaves out how change requests may be merged, and much else.
        let names = listing.items.into_iter().filter_map(|it| it.full_name);
        let found = names.map(async |name| self.project_record(Path::of(&name)?).await);
        let found: Vec<Option<Record>> =
            stream::iter(found).buffered(AT_ONCE).try_collect().await?;
        let records = found.into_iter().flatten().collect();
        Ok(Page { records, next: listing.next.map(|it| Spot::page(it).cursor()) })
    }

    pub(super) async fn project(&self, path: Path<'_>) -> Result<Page, HostError> {
        let record = self.project_record(path).await?;
        Ok(Page { records: record.into_iter().collect(), next: None })
    }

    /// A project with what is told beside it.
    async fn project_record(&self, path: Path<'_>) -> Result<Option<Record>, HostError> {
        let found = self.repository(path).await?;
        let is_admin = found.permissions.as_ref().and_then(|it| it.admin) == Some(true);
        let mut beside = project::Beside::default();
        let operation = "read settings of a project";
        if found.has_pages == Some(true) {
            beside.pages = self.api.find_open(&path.below(&["pages"]), operation).await?;
        }
        if is_admin {
            let links: Option<Vec<wire::Autolink>> =
                self.api.find_open(&path.below(&["autolinks"]), operation).await?;
            beside.autolinks = links.unwrap_or_default();
            let actions = path.below(&["actions", "permissions"]);
            let told: Option<wire::Actions> = self.api.find_open(&actions, operation).await?;
            if told.as_ref().is_some_and(|it| it.allowed_actions.as_deref() == Some("selected")) {
                let selected = [actions, vec!["selected-actions"]].concat();
                beside.selected = self.api.find_open(&selected, operation).await?;
            }
            beside.actions = told;
        }
        let record = map::record(self.host(), found, |it, notes| {
            if !is_admin {
                let why = "only administrators of the project are told";
                notes.losses.extend(["autolinks", "automation"].map(|it| Loss::source(it, why)));
            }
            project::project(it, beside, notes)
        });
        Ok(record)
    }

    /// Members of the organization that is meant, or the person who owns what is.
    async fn users(&self, at: Option<&Cursor>) -> Result<Page, HostError> {
        let (spot, operation) = (spot(at)?, "read users");
        let owner = match self.api.place.extent.owner() {
            Some(owner) => owner,
            None if !self.has_graph() => return Ok(Page::default()),
            None => {
                let me: wire::User = self.api.get(&["user"], operation).await?;
                return Ok(self.user_page(Listing { items: vec![me], next: None }));
            }
        };
        let found: wire::User = self.api.get(&["users", owner], operation).await?;
        if found.r#type.as_deref() != Some("Organization") {
            return Ok(self.user_page(Listing { items: vec![found], next: None }));
        }
        let listing: Listing<wire::User> =
            self.listing((&["orgs", owner, "members"], &[]), &spot, operation).await?;
        // The list tells no more than logins.
        let logins = listing.items.into_iter().filter_map(|it| it.login);
        let whole = logins.map(async |it| self.api.find(&["users", &it], operation).await);
        let whole: Vec<Option<wire::User>> =
            stream::iter(whole).buffered(AT_ONCE).try_collect().await?;
        let items = whole.into_iter().flatten().collect();
        Ok(self.user_page(Listing { items, next: listing.next }))
    }

    fn user_page(&self, listing: Listing<wire::User>) -> Page {
        page(plain(self.host(), listing, Spot::default(), project::user))
    }
}
