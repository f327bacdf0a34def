//! Rules: protection of branches by pattern, and rulesets.

use super::{
    GithubSource, Page, Path,
    graph::is_silent,
    is_closed,
    lists::spot,
    map::{Notes, rule},
    nested::AT_ONCE,
    spot::{Spot, in_part, part},
    wire,
};
use crate::github::api::Listing;
use futures::{StreamExt, TryStreamExt, stream};
use packhorse_core::{Cursor, HostError, Object, ObjectKind, Record};

const PROTECTION: &str = "query($owner: String!, $name: String!, $after: String) { \
    repository(owner: $owner, name: $name) { branchProtectionRules(first: 50, after: $after) { \
    pageInfo { hasNextPage endCursor } nodes { id pattern creator { login __typename } \
    isAdminEnforced allowsForcePushes allowsDeletions requiresApprovingReviews \
    requiredApprovingReviewCount dismissesStaleReviews requiresCodeOwnerReviews \
    requiresStatusChecks requiredStatusCheckContexts requiresStrictStatusChecks \
    requiresCommitSignatures requiresLinearHistory requiresConversationResolution \
    restrictsPushes lockBranch restrictsReviewDismissals \
    pushAllowances(first: 100) { nodes { actor { __typename ... on User { login } \
    ... on Team { slug organization { login } } ... on App { slug } } } } \
    reviewDismissalAllowances(first: 100) { nodes { actor { __typename ... on User { login } \
    ... on Team { slug organization { login } } ... on App { slug } } } } } } } }";

impl GithubSource {
    /// Protection by pattern, where GraphQL answers, else branch by branch; then rulesets.
    pub(super) async fn branch_rules(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let first = if self.has_graph() { "patterns" } else { "branches" };
        let (name, place) = part(at, first)?;
        match name {
            "patterns" => self.patterns(path, place).await,
            "branches" => self.protected_branches(path, place).await,
            _ => {
                let place = place.map(|it| Cursor(it.to_owned()));
                let page = self.rulesets(path, place.as_ref(), ObjectKind::BranchRule).await?;
                Ok(Page { next: page.next.map(|it| in_part("rulesets", &it.0)), ..page })
            }
        }
    }

    async fn patterns(&self, path: Path<'_>, place: Option<&str>) -> Result<Page, HostError> {
        let operation = "read protection of branches";
        let found = match self.about(path, PROTECTION, place, operation).await {
            // Servers differ in what GraphQL knows; REST tells of branches that are there.
            Err(error) if place.is_none() && is_silent(error.kind) => {
                return self.protected_branches(path, None).await;
            }
            other => other?,
        };
        let list = found.branch_protection_rules.unwrap_or_default();
        let next = list.next().filter(|it| Some(it.as_str()) != place);
        let notes = Notes { host: self.host(), losses: Vec::new() };
        let made = list.items().filter_map(|it| rule::protection(it, path.owner, &notes));
        let records = made.map(|(id, it)| Record::new(id, it)).collect();
        let next = next.map_or_else(|| in_part("rulesets", ""), |it| in_part("patterns", &it));
        Ok(Page { records, next: Some(next) })
    }

    async fn protected_branches(
        &self,
        path: Path<'_>,
        place: Option<&str>,
    ) -> Result<Page, HostError> {
        let spot = Spot::of(place)?;
        let operation = "read protection of branches";
        let query = [("protected", "true")];
        let listing: Listing<wire::BranchHead> =
            self.listing((&path.below(&["branches"]), &query), &spot, operation).await?;
        let found = listing.items.into_iter().filter_map(|it| it.name).map(async |name| {
            let below = path.below(&["branches", &name, "protection"]);
            // A ruleset protects branches too, and has no answer here.
            let told: Option<wire::Protection> = self.api.find(&below, operation).await?;
            let notes = Notes { host: self.host(), losses: Vec::new() };
            let record = |it| {
                let (id, object) = rule::branch_protection(it, &name, path.owner, &notes);
                Record::new(id, object)
            };
            Ok::<_, HostError>(told.map(record))
        });
        let found: Vec<Option<Record>> =
            stream::iter(found).buffered(AT_ONCE).try_collect().await?;
        let next = match listing.next.map(Spot::page) {
            Some(spot) => in_part("branches", &spot.text()),
            None => in_part("rulesets", ""),
        };
        Ok(Page { records: found.into_iter().flatten().collect(), next: Some(next) })
    }

    pub(super) async fn tag_rules(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        self.rulesets(path, at, ObjectKind::TagRule).await
    }

    /// The project's own rulesets, those of one kind of refs.
    async fn rulesets(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
        kind: ObjectKind,
    ) -> Result<Page, HostError> {
        let (spot, operation) = (spot(at)?, "read rulesets");
        // Rulesets of the organization hold for new projects by themselves.
        let query = [("includes_parents", "false")];
        let listing: Result<Listing<wire::Ruleset>, _> =
            self.listing((&path.below(&["rulesets"]), &query), &spot, operation).await;
        let listing = match listing {
            // Servers before 3.11 have none, nor have private projects of some plans.
            Err(error) if is_closed(error.kind) => {
                return self.repository(path).await.map(|_| Page::default());
            }
            other => other?,
        };
        let default_branch = self.repository(path).await?.default_branch.unwrap_or_default();
        let wanted = if kind == ObjectKind::TagRule { "tag" } else { "branch" };
        let is_wanted = |it: &wire::Ruleset| it.target.as_deref() == Some(wanted);
        let ids = listing.items.into_iter().filter(is_wanted).filter_map(|it| it.id);
        let found = ids.map(async |id| {
            let below = id.to_string();
            let whole: Option<wire::Ruleset> =
                self.api.find(&path.below(&["rulesets", &below]), operation).await?;
            Ok::<_, HostError>(whole)
        });
        let found: Vec<_> = stream::iter(found).buffered(AT_ONCE).try_collect().await?;
        let mut records = Vec::new();
        for ruleset in found.into_iter().flatten() {
            let mut notes = Notes { host: self.host(), losses: Vec::new() };
            let made: Vec<(String, Object)> = rule::ruleset(&ruleset, &default_branch, &mut notes);
            records.extend(made.into_iter().map(|(id, object)| Record {
                losses: notes.losses.clone(),
                ..Record::new(id, object)
            }));
        }
        Ok(Page { records, next: listing.next.map(|it| Spot::page(it).cursor()) })
    }
}
