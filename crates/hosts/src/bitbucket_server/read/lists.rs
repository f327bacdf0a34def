//! Kinds that the server lists by themselves.

use super::{Part, Path, ServerSource, map, wire};
use crate::walk::Listing;
use packhorse_core::{
    Cursor, HostError, HostErrorKind, Object, Record,
    model::{Member, Place, State, StateValue, Subject, Topic},
    port::Page,
};

/// The place that a cursor stands for, from 0.
pub(super) fn start(at: Option<&Cursor>) -> Result<u64, HostError> {
    at.map_or(Ok(0), |it| it.0.parse().map_err(|_| foreign(it)))
}

fn foreign(at: &Cursor) -> HostError {
    HostError::new(HostErrorKind::Rejected, "go on with a listing").with("cursor", &at.0)
}

/// A page of what a listing brought.
pub(super) fn page<T>(listing: Listing<T>, map: impl Fn(T) -> Option<(String, Object)>) -> Page {
    let records = listing.items.into_iter().filter_map(map);
    Page {
        records: records.map(|(id, object)| Record::new(id, object)).collect(),
        next: listing.next.map(|it| Cursor(it.to_string())),
    }
}

impl ServerSource {
    pub(super) async fn topics(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let below = path.below(&["labels"]);
        let listing =
            self.api.list((Part::Core, &below), &[], start(at)?, "read labels of a project");
        Ok(page(listing.await?, |it: wire::Label| {
            let name = it.name?;
            Some((name.clone(), Object::from(Topic { name })))
        }))
    }

    /// People's permissions, then those of groups.
    pub(super) async fn permissions(
        &self,
        below: &[&str],
        at: Option<&Cursor>,
        prefix: &str,
        place: &Place,
    ) -> Result<Page, HostError> {
        let (name, number) = match at {
            None => ("users", 0),
            Some(cursor) => {
                let (name, rest) = cursor.0.split_once(':').ok_or_else(|| foreign(cursor))?;
                (name, rest.parse().map_err(|_| foreign(cursor))?)
            }
        };
        let is_first = name == "users";
        let list = if is_first { "users" } else { "groups" };
        let path = [below, &["permissions", list]].concat();
        let listing: Listing<wire::Permission> =
            self.api.list((Part::Core, &path), &[], number, "read permissions").await?;
        let next = match (listing.next, is_first) {
            (Some(next), _) => Some(Cursor(format!("{list}:{next}"))),
            (None, true) => Some(Cursor("groups:0".to_owned())),
            (None, false) => None,
        };
        let record = |it| {
            let (id, member): (String, Member) =
                map::project::member(it, place.clone(), self.host())?;
            Some(Record::new(format!("{prefix}{id}"), Object::from(member)))
        };
        Ok(Page { records: listing.items.into_iter().filter_map(record).collect(), next })
    }

    pub(super) async fn members(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        self.permissions(&path.below(&[]), at, "", &Place::Project).await
    }

    pub(super) async fn webhooks(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let below = path.below(&["webhooks"]);
        let listing = self.api.list((Part::Core, &below), &[], start(at)?, "read webhooks");
        Ok(page(listing.await?, |it| {
            let (id, hook) = map::settings::webhook(it)?;
            Some((id, Object::from(hook)))
        }))
    }

    pub(super) async fn deploy_keys(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let below = path.below(&["ssh"]);
        let listing = self.api.list((Part::Keys, &below), &[], start(at)?, "read access keys");
        Ok(page(listing.await?, |it| {
            let (id, key) = map::settings::deploy_key(it)?;
            Some((id, Object::from(key)))
        }))
    }

    /// All restrictions and checks of a repository, which are few.
    pub(super) async fn rules<'a>(
        &'a self,
        path: Path<'_>,
        with_checks: bool,
    ) -> Result<map::rule::Rules<'a>, HostError> {
        let restrictions: Vec<wire::Restriction> = self
            .api
            .children(
                (Part::BranchPermissions, &path.below(&["restrictions"])),
                &[],
                "read branch permissions",
            )
            .await?;
        let needs_model = restrictions.iter().any(|it| {
            let kind = it.matcher.as_ref().and_then(|it| it.r#type.as_ref()?.id.as_deref());
            kind.is_some_and(|it| it.starts_with("MODEL"))
        });
        let model = match needs_model {
            true => {
                let below = path.below(&["branchmodel"]);
                self.api.find(Part::BranchUtils, &below, "read the branching model").await?
            }
            false => None,
        };
        let (mut conditions, mut settings) = (Vec::new(), None);
        if with_checks {
            let below = path.below(&["conditions"]);
            let found: Option<crate::lenient::Items<wire::Condition>> =
                self.api.find(Part::DefaultReviewers, &below, "read default reviewers").await?;
            conditions = found.map(|it| it.0).unwrap_or_default();
            settings = self.settings(path).await?;
        }
        let model = model.unwrap_or_default();
        Ok(map::rule::Rules { restrictions, conditions, settings, model, host: self.host() })
    }

    pub(super) async fn settings(
        &self,
        path: Path<'_>,
    ) -> Result<Option<wire::PullRequestSettings>, HostError> {
        let below = path.below(&["settings", "pull-requests"]);
        let found = self.api.find(Part::Core, &below, "read settings of pull requests").await;
        match found {
            // Those who may read only are not shown them in every version.
            Err(error) if error.kind == HostErrorKind::Forbidden => Ok(None),
            other => other,
        }
    }

    pub(super) async fn branch_rules(&self, path: Path<'_>) -> Result<Page, HostError> {
        let rules = self.rules(path, true).await?;
        Ok(Page { records: rules.branches(), next: None })
    }

    pub(super) async fn tag_rules(&self, path: Path<'_>) -> Result<Page, HostError> {
        let rules = self.rules(path, false).await?;
        Ok(Page { records: rules.tags(), next: None })
    }

    pub(super) async fn states(&self, path: Path<'_>) -> Result<Page, HostError> {
        let is_archived = self.repository(path).await?.archived == Some(true);
        let state =
            State { subject: Subject::Project, value: StateValue::Archived, ..State::default() };
        let record = is_archived.then(|| Record::new("archived", Object::from(state)));
        Ok(Page { records: record.into_iter().collect(), next: None })
    }

    /// Whether there is any branch.
    pub(super) async fn is_filled(&self, path: Path<'_>) -> Result<bool, HostError> {
        let below = path.below(&["branches"]);
        let found: Listing<wire::Branch> =
            self.api.list((Part::Core, &below), &[], 0, "look for branches").await?;
        Ok(!found.items.is_empty())
    }
}
