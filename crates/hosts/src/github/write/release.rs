//! Releases and their files.

use super::{
    GithubSink, Order, Path, Told,
    account::{refused, words},
    label::set,
    unnumbered, wire,
};
use http::Method;
use packhorse_core::{
    HostError, HostErrorKind,
    model::{Release, ReleaseAsset},
    port::{Outcome, Written},
};
use serde_json::{Value, json};

/// The largest file that a release takes, in bytes.
///
/// Source: GitHub, "About releases", "Storage and bandwidth quotas": under 2 GiB each.
const MAX_FILE: u64 = (2 << 30) - 1;

/// A file's name with single dots for what GitHub puts dots for: to compare names by.
///
/// Source: GitHub's description, "Upload a release asset": special characters, and periods at
/// both ends.
pub(super) fn tame(name: &str) -> String {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "-_+@~".contains(it);
    let parts = name.split(|it| !is_plain(it)).filter(|it| !it.is_empty());
    parts.collect::<Vec<_>>().join(".")
}

impl GithubSink {
    /// The release of a tag; drafts are found in the listing alone.
    pub(super) async fn release_by_tag(
        &self,
        path: Path<'_>,
        tag: &str,
    ) -> Result<Option<wire::Release>, HostError> {
        let operation = "look for a release";
        if !tag.is_empty() {
            let below = [path.below(&["releases", "tags"]), vec![tag]].concat();
            if let Some(found) = self.api.find(&below, operation).await? {
                return Ok(Some(found));
            }
        }
        let all: Vec<wire::Release> =
            self.api.children(&path.below(&["releases"]), &[], operation).await?;
        Ok(all.into_iter().find(|it| it.tag_name.as_deref() == Some(tag)))
    }

    pub(super) async fn release(
        &self,
        order: Order<'_>,
        release: &Release,
    ) -> Result<Written, HostError> {
        let (mut told, operation) = (Told::default(), "write a release");
        let mut draft = release.draft;
        if !draft && !self.has_tag(order.path, &release.tag).await? {
            // GitHub would make a tag that nobody made.
            draft = true;
            told.lost("draft", "became a draft: its tag is not here");
        }
        if !release.milestones.is_empty() {
            told.lost("milestones", "releases on GitHub have none");
        }
        let tag = release.pending_tag.as_ref().filter(|_| release.draft).unwrap_or(&release.tag);
        let mut body = json!({"tag_name": tag, "name": release.name.clone().unwrap_or_default(),
            "body": told.body(release.body.as_ref()), "draft": draft,
            "prerelease": release.prerelease, "make_latest": "legacy"});
        set(&mut body, "target_commitish", release.target.clone().map(Value::from));
        let (existing, outcome) = match order.existing {
            Some(it) => (Some(it.0.clone()), Outcome::Updated),
            None => {
                let found = self.release_by_tag(order.path, tag).await?.and_then(|it| it.id);
                (found.map(|it| it.to_string()), Outcome::Adopted)
            }
        };
        let (method, path, outcome) = match &existing {
            Some(id) => (Method::PATCH, order.path.below(&["releases", id]), outcome),
            None => (Method::POST, order.path.below(&["releases"]), Outcome::Created),
        };
        let mut made: Result<wire::Release, _> =
            self.api.send(method.clone(), &path, &body, operation).await;
        if made.as_ref().is_err_and(|it| it.kind == HostErrorKind::Rejected)
            && let Some(fields) = body.as_object_mut()
            && fields.remove("target_commitish").is_some()
        {
            told.lost("target", "the branch or commit is not here");
            made = self.api.send(method, &path, &body, operation).await;
        }
        match made {
            Err(error) if refused(error.kind) && existing.is_none() => {
                Ok(told.missed(words(&error)))
            }
            other => {
                let id = other?.id.ok_or_else(|| unnumbered(operation))?;
                Ok(told.written(id, outcome))
            }
        }
    }

    pub(super) async fn release_asset(
        &self,
        order: Order<'_>,
        asset: &ReleaseAsset,
    ) -> Result<Written, HostError> {
        let (mut told, operation) = (Told::default(), "upload a file of a release");
        let (path, origin) = (order.path, &order.record.origin);
        let label = asset.label.as_deref().unwrap_or_default();
        if let Some(existing) = order.existing {
            // The bytes of a file do not change; its names may.
            self.files.forget(&path.to_string(), origin);
            let below = path.below(&["releases", "assets", &existing.0]);
            let body = json!({"name": asset.name, "label": label});
            self.api.tell(Method::PATCH, &below, &body, operation).await?;
            return Ok(told.done(&existing.0, order.existing));
        }
        if asset.blob.is_none() {
            return Ok(told.dropped("releases on GitHub have files alone, and no links"));
        }
        let Some(release) = self.release_by_tag(path, &asset.release).await? else {
            return Ok(told.missed("its release is not here"));
        };
        let Some(file) = self.files.of(&path.to_string(), origin) else {
            return Ok(told.missed("its bytes did not arrive"));
        };
        let size = tokio::fs::metadata(&**file).await.map(|it| it.len()).map_err(|error| {
            HostError::new(HostErrorKind::Unavailable, operation).because(error)
        })?;
        if size > MAX_FILE || size == 0 {
            self.files.forget(&path.to_string(), origin);
            return Ok(told.dropped("GitHub takes files of one byte up to two gibibytes"));
        }
        self.remove_half(order, &release, &asset.name).await?;
        let id = release.id.ok_or_else(|| unnumbered(operation))?.to_string();
        let below = path.below(&["releases", &id, "assets"]);
        let mut query = vec![("name", asset.name.as_str())];
        if !label.is_empty() {
            query.push(("label", label));
        }
        let media = asset.content_type.as_deref().unwrap_or("application/octet-stream");
        let made: Result<wire::Asset, _> = self.api.upload((&below, &query), &file, media).await;
        self.files.forget(&path.to_string(), origin);
        let made = match made {
            Err(error) if refused(error.kind) => return Ok(told.missed(words(&error))),
            other => other?,
        };
        if made.name.as_ref().is_some_and(|it| *it != asset.name) {
            told.lost("name", format!("became `{}`", made.name.unwrap_or_default()));
        }
        Ok(told.done(made.id.ok_or_else(|| unnumbered(operation))?, None))
    }

    /// Removes what a broken-off upload has left under the same name.
    async fn remove_half(
        &self,
        order: Order<'_>,
        release: &wire::Release,
        name: &str,
    ) -> Result<(), HostError> {
        let is_half = |it: &&wire::Asset| {
            it.name.as_deref().is_some_and(|it| tame(it) == tame(name))
                && it.state.as_deref().is_some_and(|it| it != "uploaded")
        };
        let halves = release.assets.iter().flatten().filter(is_half);
        for id in halves.filter_map(|it| it.id) {
            let id = id.to_string();
            let below = order.path.below(&["releases", "assets", &id]);
            self.api.delete(&below, "remove half a file").await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_the_name_that_it_got() {
        assert_eq!(tame("app 1 (linux).tar.gz"), "app.1.linux.tar.gz");
        assert_ne!(tame("app-1.zip"), tame("app.1.zip"));
    }
}
