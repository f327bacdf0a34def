//! Who may do what: in a project, in an organization, in its teams.

use super::{
    GithubSource, Page, Path, Spot, is_closed,
    map::{self, member, project},
    nested::{Children, walk},
    plain,
    spot::{in_part, part},
    wire,
};
use crate::github::api::Listing;
use futures::FutureExt;
use packhorse_core::{Cursor, HostError, Record, model::Role};

impl GithubSource {
    /// People with a role of their own, those who were asked, then teams.
    pub(super) async fn members(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let operation = "read members";
        let (name, place) = part(at, "people")?;
        let spot = Spot::of(place)?;
        let (records, next, after) = match name {
            "people" => {
                let query = [("affiliation", "direct")];
                let below = path.below(&["collaborators"]);
                let listing: Listing<wire::User> =
                    self.listing((&below, &query), &spot, operation).await?;
                let (records, next) = plain(self.host(), listing, spot, |it: wire::User, notes| {
                    member::collaborator(&it, notes)
                });
                (records, next, Some("asked"))
            }
            "asked" => {
                let below = path.below(&["invitations"]);
                let listing = self.open_listing((&below, &[]), &spot, operation).await?;
                let (records, next) = plain(self.host(), listing, spot, member::invitation);
                (records, next, Some("teams"))
            }
            _ => {
                let below = path.below(&["teams"]);
                let listing = self.open_listing((&below, &[]), &spot, operation).await?;
                let (records, next) = plain(self.host(), listing, spot, |it, notes| {
                    member::team(it, path.owner, notes)
                });
                (records, next, None)
            }
        };
        let next = match next {
            Some(spot) => Some(in_part(name, &spot.text())),
            None => after.map(|it| in_part(it, "")),
        };
        Ok(Page { records, next })
    }

    /// One page of a listing; an empty one where there is none, as of teams of a person's project.
    async fn open_listing<T: serde::de::DeserializeOwned>(
        &self,
        what: (&[&str], &[(&str, &str)]),
        spot: &Spot,
        operation: &'static str,
    ) -> Result<Listing<T>, HostError> {
        match self.listing(what, spot, operation).await {
            Err(error) if is_closed(error.kind) => Ok(Listing { items: Vec::new(), next: None }),
            other => other,
        }
    }

    /// Teams of the organization that is meant.
    pub(super) async fn teams(&self, at: Option<&Cursor>) -> Result<Page, HostError> {
        self.under_organizations(at, |organization| {
            async move {
                let teams = self.teams_of(&organization).await?;
                let made = teams.into_iter().filter_map(|it| {
                    map::record(self.host(), it, |it, n| project::team(it, &organization, n))
                });
                Ok(made.collect())
            }
            .boxed()
        })
        .await
    }

    /// Roles in organizations, then in their teams.
    pub(super) async fn shared_members(&self, at: Option<&Cursor>) -> Result<Page, HostError> {
        self.under_organizations(at, |organization| {
            async move {
                let mut records = Vec::new();
                for (word, role) in [("admin", Role::Owner), ("member", Role::Read)] {
                    let path = ["orgs", &organization, "members"];
                    let users = self.open_children(&path, &[("role", word)]).await?;
                    records.extend(users.into_iter().filter_map(|it| {
                        map::record(self.host(), it, |it, n| {
                            member::of_organization(&it, &organization, role, n)
                        })
                    }));
                }
                for team in self.teams_of(&organization).await? {
                    let Some(slug) = team.slug else { continue };
                    records.extend(self.team_members(&organization, &slug).await?);
                }
                Ok(records)
            }
            .boxed()
        })
        .await
    }

    async fn team_members(&self, organization: &str, slug: &str) -> Result<Vec<Record>, HostError> {
        let mut records = Vec::new();
        for (word, role) in [("maintainer", Role::Maintain), ("member", Role::Read)] {
            let path = ["orgs", organization, "teams", slug, "members"];
            let users = self.open_children(&path, &[("role", word)]).await?;
            records.extend(users.into_iter().filter_map(|it| {
                map::record(self.host(), it, |it, n| {
                    member::of_team(&it, (organization, slug), role, n)
                })
            }));
        }
        Ok(records)
    }

    async fn teams_of(&self, organization: &str) -> Result<Vec<wire::Team>, HostError> {
        let path = ["orgs", organization, "teams"];
        match self.api.children(&path, &[], "read teams").await {
            // The token's owner does not belong to it; `support.rs` says so.
            Err(error) if is_closed(error.kind) => Ok(Vec::new()),
            other => other,
        }
    }

    async fn open_children(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Vec<wire::User>, HostError> {
        match self.api.children(path, query, "read members of teams").await {
            Err(error) if is_closed(error.kind) => Ok(Vec::new()),
            other => other,
        }
    }

    /// Walks all organizations that are meant.
    pub(super) async fn under_organizations<'a>(
        &'a self,
        at: Option<&Cursor>,
        children: impl Fn(String) -> Children<'a>,
    ) -> Result<Page, HostError> {
        let spot = super::lists::spot(at)?;
        let listing = self.organization_listing(&spot).await?;
        let found = walk(listing, spot, |it: wire::Organization| match it.login {
            Some(login) => children(login),
            None => async { Ok(Vec::new()) }.boxed(),
        })
        .await?;
        Ok(super::lists::page(found))
    }
}
