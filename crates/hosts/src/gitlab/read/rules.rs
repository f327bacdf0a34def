//! Rules, hooks, keys and variables: what only maintainers see.

use super::{GitlabSource, below, lists::plain};
use crate::{
    cursor::page,
    gitlab::{
        api::Listing,
        map::settings::{self, levels},
        wire,
    },
};
use packhorse_core::{Cursor, HostError, Object, Record, port::Page};

impl GitlabSource {
    pub(super) async fn branch_rules(
        &self,
        path: &str,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let operation = "read rules for branches";
        let listing: Listing<wire::ProtectedBranch> =
            self.page((path, &["protected_branches"]), &[], at, operation).await?;
        let mut records = Vec::new();
        for mut it in listing.items {
            let push = levels(it.push_access_levels.take());
            let merge = levels(it.merge_access_levels.take());
            let pushers = self.grantees(&push.named).await?;
            let mergers = self.grantees(&merge.named).await?;
            let rule = settings::branch_rule(&it, (push, pushers), (merge, mergers));
            records.extend(rule.map(|(rule, losses)| {
                let record = Record::new(rule.pattern.clone(), Object::from(rule));
                Record { losses, ..record }
            }));
        }
        Ok(Page { records, next: listing.next.map(|it| Cursor(it.to_string())) })
    }

    pub(super) async fn tag_rules(
        &self,
        path: &str,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let operation = "read rules for tags";
        let listing: Listing<wire::ProtectedTag> =
            self.page((path, &["protected_tags"]), &[], at, operation).await?;
        let mut records = Vec::new();
        for mut it in listing.items {
            let create = levels(it.create_access_levels.take());
            let creators = self.grantees(&create.named).await?;
            let rule = settings::tag_rule(&it, (create, creators));
            let record = |it: packhorse_core::model::TagRule| {
                Record::new(it.pattern.clone(), Object::from(it))
            };
            records.extend(rule.map(record));
        }
        Ok(Page { records, next: listing.next.map(|it| Cursor(it.to_string())) })
    }

    pub(super) async fn webhooks(
        &self,
        path: &str,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let listing: Listing<serde_json::Value> =
            self.page((path, &["hooks"]), &[], at, "read webhooks").await?;
        Ok(plain(listing, |it| settings::webhook(&it).map(|(id, it)| (id, Object::from(it)))))
    }

    pub(super) async fn deploy_keys(
        &self,
        path: &str,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let listing = self.page((path, &["deploy_keys"]), &[], at, "read deploy keys").await?;
        Ok(plain(listing, |it| settings::deploy_key(it).map(|(id, it)| (id, Object::from(it)))))
    }

    /// Variables of the builds, by name. Their values come with the listing, and are dropped with
    /// its text.
    pub(super) async fn variables(
        &self,
        path: &str,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let path = below(path, &["variables"]);
        let listing = self.api.list(&path, &[], page(at)?, "read names of variables").await?;
        Ok(plain(listing, |it| settings::variable(it).map(|(id, it)| (id, Object::from(it)))))
    }
}
