//! Releases and their files.

use super::{Done, GiteaSink, Path, Task, issue::unnumbered};
use crate::gitea::{api::Listing, call::Change, server::Product, wire};
use packhorse_core::{
    HostError, HostErrorKind,
    model::{Release, ReleaseAsset},
    port::Outcome,
};
use serde_json::{Value, json};

impl GiteaSink {
    pub(super) async fn release(
        &self,
        path: Path<'_>,
        task: &mut Task<'_>,
        release: &Release,
    ) -> Done {
        if !release.milestones.is_empty() {
            task.lose("milestones", "releases have none");
        }
        let tag = release.pending_tag.as_deref().filter(|_| release.draft);
        let tag = tag.unwrap_or(&release.tag);
        let is_draft = release.draft || !self.has_tag(path, tag).await?;
        if is_draft && !release.draft {
            // The server would make a tag that nobody made, or fail where it does not know of what.
            task.lose("draft", "became a draft: its tag is not here");
        }
        let mut body = json!({
            "tag_name": tag, "body": task.body(release.body.as_ref()),
            "name": release.name.clone().unwrap_or_default(),
            "draft": is_draft, "prerelease": release.prerelease,
        });
        // What a draft's tag would be made of need not be there.
        let target = release.target.clone().map(Value::from);
        super::issue::set(&mut body, "target_commitish", target);
        let existing = match task.existing {
            Some(existing) => Some((existing.0.clone(), Outcome::Updated)),
            None => self.find_release(path, tag).await?.map(|id| (id, Outcome::Adopted)),
        };
        let (id, outcome) = match existing {
            Some((id, outcome)) => {
                let below = path.below(&["releases", &id]);
                self.api.patch(Change::new(&below, "change a release"), &body).await?;
                (id, outcome)
            }
            None => {
                let below = path.below(&["releases"]);
                let change = Change::new(&below, "make a release");
                let author = release.author.as_ref();
                let made: wire::Release = self.post_signed(change, &body, author).await?;
                let id = made.id.ok_or_else(|| unnumbered("make a release"))?;
                (id.to_string(), Outcome::Created)
            }
        };
        self.known.of(path, |it| it.releases.insert(release.tag.clone(), id.clone()));
        Ok((id, outcome))
    }

    async fn has_tag(&self, path: Path<'_>, tag: &str) -> Result<bool, HostError> {
        let below = path.below(&["tags", tag]);
        let found: Option<Value> = self.api.find(&below, "look for a tag").await?;
        Ok(found.is_some())
    }

    /// The release of a tag; drafts stand in the listing alone.
    pub(super) async fn find_release(
        &self,
        path: Path<'_>,
        tag: &str,
    ) -> Result<Option<String>, HostError> {
        if let Some(id) = self.known.of(path, |it| it.releases.get(tag).cloned()) {
            return Ok(Some(id));
        }
        let below = path.below(&["releases"]);
        let mut next = Some(1);
        while let Some(number) = next {
            let found: Listing<wire::Release> =
                self.api.list(&below, &[], number, "look for a release").await?;
            let is_it = |it: &&wire::Release| it.tag_name.as_deref() == Some(tag);
            if let Some(id) = found.items.iter().find(is_it).and_then(|it| it.id) {
                return Ok(Some(id.to_string()));
            }
            next = found.next;
        }
        Ok(None)
    }

    pub(super) async fn asset(
        &self,
        path: Path<'_>,
        task: &mut Task<'_>,
        asset: &ReleaseAsset,
    ) -> Done {
        let operation = "upload a file of a release";
        let Some(release) = self.find_release(path, &asset.release).await? else {
            return task.miss("its release is not there");
        };
        if asset.label.as_ref().is_some_and(|it| *it != asset.name) {
            task.lose("label", "a file has only its name");
        }
        if let Some(existing) = self.find_asset(path, &release, &asset.name).await? {
            self.files.forget(&path.to_string(), &task.record.origin);
            return Ok((existing, Outcome::Adopted));
        }
        let below = path.below(&["releases", &release, "assets"]);
        let change = Change::new(&below, operation);
        let made: wire::Attachment =
            match (&asset.link, self.files.of(&path.to_string(), &task.record.origin)) {
                (Some(link), _) => {
                    if self.server().await?.product != Product::Forgejo {
                        return task.drop("releases have files and no links");
                    }
                    self.api.link(change, &asset.name, link).await?
                }
                (None, Some(file)) => self.api.upload(change, &asset.name, &file).await?,
                (None, None) => return task.miss("its bytes did not arrive"),
            };
        self.files.forget(&path.to_string(), &task.record.origin);
        let uuid = made.uuid.filter(|it| !it.is_empty());
        Ok((uuid.ok_or_else(|| unnumbered(operation))?, Outcome::Created))
    }

    /// The file of that name of a release.
    pub(super) async fn find_asset(
        &self,
        path: Path<'_>,
        release: &str,
        name: &str,
    ) -> Result<Option<String>, HostError> {
        let assets = self.assets_of(path, release).await?;
        let is_it = |it: &wire::Attachment| it.name.as_deref() == Some(name);
        Ok(assets.into_iter().find(is_it).and_then(|it| it.uuid))
    }

    pub(super) async fn assets_of(
        &self,
        path: Path<'_>,
        release: &str,
    ) -> Result<Vec<wire::Attachment>, HostError> {
        let below = path.below(&["releases", release, "assets"]);
        match self.api.list_whole(&below, "look for a file of a release").await {
            Err(error) if error.kind == HostErrorKind::NotFound => Ok(Vec::new()),
            other => other,
        }
    }
}
