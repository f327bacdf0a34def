//! Releases, their files, and what builds said.

use super::{
    Done, GitlabSink, Task, below, odd, project::is_about, said::is_refusal, signed::Signed,
};
use crate::gitlab::{call::Change, wire};
use packhorse_core::{
    HostError, HostErrorKind,
    model::{CommitState, CommitStatus, Release, ReleaseAsset},
    port::Outcome,
};
use serde_json::{Value, json};

/// The package that files of releases are kept in.
const PACKAGE: &str = "releases";

/// A name as packages take it.
///
/// Source: GitLab, "Generic packages API", names of files and versions.
fn package_name(text: &str) -> String {
    let fits = |it: char| it.is_ascii_alphanumeric() || "._+-~".contains(it);
    let tame: String = text.chars().map(|it| if fits(it) { it } else { '_' }).collect();
    let tame = tame.trim_start_matches(['.', '-', '~', '+']);
    if tame.is_empty() { "_".to_owned() } else { tame.chars().take(255).collect() }
}

impl GitlabSink {
    pub(super) async fn release(&self, path: &str, task: &mut Task<'_>, it: &Release) -> Done {
        let operation = "write a release";
        if it.draft {
            return task.drop("it is a draft, and the server shows every release to everybody");
        }
        if it.prerelease {
            task.lose("prerelease", "the server does not tell them apart");
        }
        let text = task.text("body", it.body.as_ref());
        let signed = Signed { author: it.author.as_ref(), field: "description", operation };
        let mut body =
            json!({ "name": it.name.as_deref().unwrap_or(&it.tag), "description": text });
        if let Some(at) = it.published_at.or(it.created_at) {
            body["released_at"] = at.to_utc().to_string().into();
        }
        let mut titles = Vec::new();
        for number in &it.milestones {
            titles.extend(self.milestone_of(path, *number).await?.map(|it| it.title));
        }
        if titles.len() < it.milestones.len() {
            task.lose("milestones", "some of them are not here");
        }
        if !titles.is_empty() || task.existing.is_some() {
            body["milestones"] = titles.into();
        }
        if let Some(id) = task.id().map(str::to_owned) {
            let below = below(path, &["releases", &id]);
            self.change_signed::<wire::Release>(task, &below, (signed, &body)).await?;
            return Ok((id, Outcome::Updated));
        }
        body["tag_name"] = it.tag.clone().into();
        // Used only where the tag is not there.
        if let Some(target) = &it.target {
            body["ref"] = target.clone().into();
        }
        let below = below(path, &["releases"]);
        match self.make_signed::<wire::Release>(task, &below, (signed, &body)).await {
            Err(error) if is_refusal(error.kind) && !self.has_tag(path, &it.tag).await? => {
                task.drop("its tag is not here, and nothing that it could be made of")
            }
            other => {
                let (made, _) = other?;
                Ok((made.tag_name.ok_or_else(|| odd(operation))?, Outcome::Created))
            }
        }
    }

    async fn has_tag(&self, path: &str, tag: &str) -> Result<bool, HostError> {
        let below = below(path, &["repository", "tags", tag]);
        let found: Option<serde_json::Value> = self.api.find(&below, &[], "look for a tag").await?;
        Ok(found.is_some())
    }

    pub(super) async fn asset(&self, path: &str, task: &mut Task<'_>, it: &ReleaseAsset) -> Done {
        let operation = "write a file of a release";
        let file = self.files.take(path, &task.record.origin);
        if it.label.is_some() {
            task.lose("label", "a file of a release has one name");
        }
        let url = match (&it.link, file) {
            (Some(link), _) => Some(link.clone()),
            (None, Some(file)) => Some(self.keep_asset(path, it, &file).await?),
            (None, None) if task.existing.is_some() => None,
            (None, None) => return task.drop("its bytes did not arrive"),
        };
        let mut body = json!({ "name": it.name });
        if let Some(url) = url {
            body["url"] = url.into();
        }
        if let Some(id) = task.id() {
            return self.change_link(path, id, &body).await;
        }
        let below = below(path, &["releases", &it.release, "assets", "links"]);
        let made: Result<wire::AssetLink, _> =
            self.api.post(Change::new(&below, operation), &body).await;
        match made {
            Ok(made) => {
                let id = made.id.ok_or_else(|| odd(operation))?;
                Ok((format!("{id}/{}", it.release), Outcome::Created))
            }
            Err(error) if error.kind == HostErrorKind::NotFound => {
                task.drop("its release is not here")
            }
            // An import of an archive has left a link to where the file was.
            Err(error) if is_about(&error, "has already been taken") => {
                match self.find_release_asset(path, it).await? {
                    Some(id) => self.change_link(path, &id, &body).await,
                    None => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Changes a link of a release, by its id and the release's tag.
    async fn change_link(&self, path: &str, id: &str, body: &Value) -> Done {
        let operation = "change a file of a release";
        let (link, tag) = id.split_once('/').ok_or_else(|| odd(operation))?;
        let change_path = below(path, &["releases", tag, "assets", "links", link]);
        let change = Change::new(&change_path, operation);
        self.api.put::<wire::AssetLink>(change, body).await?;
        Ok((id.to_owned(), Outcome::Updated))
    }

    /// Keeps a file as a package, or as an upload where packages are switched off; its address.
    async fn keep_asset(
        &self,
        path: &str,
        it: &ReleaseAsset,
        file: &std::path::Path,
    ) -> Result<String, HostError> {
        let (version, name) = (package_name(&it.release), package_name(&it.name));
        let rest = ["packages", "generic", PACKAGE, &version, &name];
        let package = below(path, &rest);
        let change = Change::new(&package, "keep a file of a release");
        match self.api.put_bytes(change, file).await {
            Ok(()) => Ok(self.api.url(&package, &[])?.to_string()),
            Err(error) if is_refusal(error.kind) => {
                let made = self.upload(path, &it.name, file).await?;
                let home = self.api.place.home.as_str().trim_end_matches('/');
                Ok(match made.full_path {
                    Some(full) => format!("{home}{full}"),
                    None => format!("{home}/{path}{}", made.url),
                })
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn commit_status(
        &self,
        path: &str,
        task: &mut Task<'_>,
        it: &CommitStatus,
    ) -> Done {
        let operation = "write what a build said";
        let state = match it.state {
            CommitState::Pending => "pending",
            CommitState::Running => "running",
            CommitState::Success => "success",
            CommitState::Failure => "failed",
            CommitState::Error => {
                task.lose("state", "the server does not tell a broken build from a failed one");
                "failed"
            }
            CommitState::Cancelled => "canceled",
            CommitState::Skipped => "skipped",
        };
        if it.author.is_some() {
            task.lose("author", "the token's owner is its author here");
        }
        if it.created_at.is_some() {
            task.lose("created_at", "it is of today here");
        }
        let mut body = json!({"state": state, "name": it.context, "target_url": it.target_url,
            "description": it.description.as_ref().map(|it| it.chars().take(255).collect::<String>())});
        if let Some(name) = &it.git_ref {
            body["ref"] = name.clone().into();
        }
        let below = below(path, &["statuses", &it.commit]);
        match self.api.post::<wire::Status>(Change::new(&below, operation), &body).await {
            Ok(made) => {
                let id = made.id.ok_or_else(|| odd(operation))?;
                let outcome =
                    if task.existing.is_some() { Outcome::Updated } else { Outcome::Created };
                Ok((format!("{}/{id}", it.commit), outcome))
            }
            // It says so already, and does not take the same state twice.
            Err(error) if error.kind == HostErrorKind::Rejected && task.existing.is_some() => {
                Ok((task.id().unwrap_or_default().to_owned(), Outcome::Adopted))
            }
            Err(error) if error.kind == HostErrorKind::NotFound => {
                task.drop("the commit is not here")
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_packages_take_them() {
        assert_eq!(package_name("v1.0"), "v1.0");
        assert_eq!(package_name("release/1 ü"), "release_1__");
        assert_eq!(package_name(".."), "_");
    }
}
