//! Taking away what we wrote.

use super::{GiteaSink, Path};
use crate::gitea::{call::Change, server::Product, wire};
use packhorse_core::{HostError, HostErrorKind, ObjectKind, Scope};
use serde_json::{Value, json};
use std::collections::HashMap;

impl GiteaSink {
    pub(super) async fn take_away(
        &self,
        scope: &Scope,
        kind: ObjectKind,
        id: &str,
    ) -> Result<(), HostError> {
        if id.is_empty() {
            // It never was there.
            return Ok(());
        }
        let done = match scope {
            Scope::Shared => self.take_away_shared(kind, id).await,
            Scope::Project(_) => self.take_away_of(self.path(scope)?, kind, id).await,
        };
        match done {
            Err(error) if error.kind == HostErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    async fn delete(&self, path: &[&str]) -> Result<(), HostError> {
        self.api.delete(Change::new(path, "remove what was written"), None).await
    }

    async fn take_away_shared(&self, kind: ObjectKind, id: &str) -> Result<(), HostError> {
        let parts: Vec<&str> = id.split('/').collect();
        match (kind, parts.as_slice()) {
            (ObjectKind::User, [login]) => {
                self.delete(&["admin", "users", login]).await?;
                self.people.note(login, false);
                Ok(())
            }
            (ObjectKind::Organization, [name]) if self.is_within(name) => {
                self.delete(&["orgs", name]).await
            }
            (ObjectKind::Team, [organization, slug]) => {
                match self.team_number(organization, slug).await? {
                    Some(number) => self.delete(&["teams", &number]).await,
                    None => Ok(()),
                }
            }
            (ObjectKind::Member, [organization, slug, login]) => {
                match self.team_number(organization, slug).await? {
                    Some(number) => self.delete(&["teams", &number, "members", login]).await,
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    async fn team_number(
        &self,
        organization: &str,
        slug: &str,
    ) -> Result<Option<String>, HostError> {
        if !self.is_within(organization) {
            return Ok(None);
        }
        let team = self.find_team(organization, slug).await?;
        Ok(team.and_then(|it| it.id).map(|it| it.to_string()))
    }

    async fn take_away_of(
        &self,
        path: Path<'_>,
        kind: ObjectKind,
        id: &str,
    ) -> Result<(), HostError> {
        let below = |rest: &[&str]| -> Vec<String> {
            path.below(rest).into_iter().map(str::to_owned).collect()
        };
        let parts = match kind {
            ObjectKind::Project => {
                self.known.forget(path);
                below(&[])
            }
            ObjectKind::Member => match id.strip_prefix("team/") {
                Some(team) => below(&["teams", team]),
                None => below(&["collaborators", id]),
            },
            ObjectKind::Topic => below(&["topics", id]),
            ObjectKind::Label => return self.remove_label(path, id).await,
            ObjectKind::Milestone => below(&["milestones", id]),
            ObjectKind::Issue | ObjectKind::ChangeRequest => below(&["issues", id]),
            ObjectKind::Comment => below(&["issues", "comments", id]),
            ObjectKind::ReviewComment => return self.remove_review_comment(path, id).await,
            ObjectKind::Review => return self.remove_review(path, id).await,
            ObjectKind::Release => {
                self.known.of(path, |it| it.releases.clear());
                below(&["releases", id])
            }
            ObjectKind::BranchRule => below(&["branch_protections", id]),
            ObjectKind::TagRule => below(&["tag_protections", id]),
            ObjectKind::Webhook => below(&["hooks", id]),
            ObjectKind::DeployKey => below(&["keys", id]),
            ObjectKind::ReleaseAsset => return self.remove_asset(path, id).await,
            ObjectKind::Attachment => return self.remove_attachment(path, id).await,
            ObjectKind::Reaction => return self.remove_reaction(path, id).await,
            ObjectKind::State => return self.remove_state(path, id).await,
            ObjectKind::ReviewThread
            | ObjectKind::CommitStatus
            | ObjectKind::User
            | ObjectKind::Organization
            | ObjectKind::Team
            | ObjectKind::LfsObject
            | ObjectKind::Repository
            | ObjectKind::Wiki
            | ObjectKind::DiscussionCategory
            | ObjectKind::Discussion
            | ObjectKind::Snippet
            | ObjectKind::CommitComment
            | ObjectKind::Event
            | ObjectKind::Board
            | ObjectKind::Variable => return Ok(()),
        };
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        self.delete(&parts).await
    }

    async fn remove_label(&self, path: Path<'_>, name: &str) -> Result<(), HostError> {
        let Some(id) = self.label_id(path, name).await? else { return Ok(()) };
        let id = id.to_string();
        self.delete(&path.below(&["labels", &id])).await?;
        self.known.of(path, |it| it.labels.as_mut().map(|it| it.remove(name)));
        Ok(())
    }

    /// A review is below its change request, which its id does not name.
    async fn remove_review(&self, path: Path<'_>, id: &str) -> Result<(), HostError> {
        for number in self.source.change_request_numbers(path).await? {
            let number = number.to_string();
            let below = path.below(&["pulls", &number, "reviews", id]);
            if self.api.find::<Value>(&below, "look for a review").await?.is_some() {
                return self.delete(&below).await;
            }
        }
        Ok(())
    }

    /// Forgejo removes what stands on code below its review alone: among the comments of issues it
    /// is left where it is, and the answer is that of success.
    ///
    /// Source: Forgejo, since 7.0 `routers/api/v1/repo/issue_comment.go`, `deleteIssueComment`, and
    /// `routers/api/v1/repo/pull_review.go`, `DeletePullReviewComment`.
    async fn remove_review_comment(&self, path: Path<'_>, id: &str) -> Result<(), HostError> {
        if self.server().await?.product != Product::Forgejo {
            return self.delete(&path.below(&["issues", "comments", id])).await;
        }
        let Ok(id) = id.parse::<i64>() else { return Ok(()) };
        let Some((number, review)) = self.place_of_review_comment(path, id).await? else {
            return Ok(());
        };
        let (number, review, id) = (number.to_string(), review.to_string(), id.to_string());
        self.delete(&path.below(&["pulls", &number, "reviews", &review, "comments", &id])).await
    }

    /// The change request and the review that a comment on code stands below, which its id does
    /// not name: all are listed once, and each is forgotten when it is asked for.
    async fn place_of_review_comment(
        &self,
        path: Path<'_>,
        id: i64,
    ) -> Result<Option<(u64, i64)>, HostError> {
        if !self.known.of(path, |it| it.review_comments.is_some()) {
            let mut all = HashMap::new();
            for number in self.source.change_request_numbers(path).await? {
                for comment in self.source.review_comments_of(path, number).await? {
                    if let (Some(id), Some(review)) = (comment.id, comment.pull_request_review_id) {
                        all.insert(id, (number, review));
                    }
                }
            }
            self.known.of(path, |it| it.review_comments = Some(all));
        }
        Ok(self.known.of(path, |it| it.review_comments.as_mut()?.remove(&id)))
    }

    async fn remove_asset(&self, path: Path<'_>, uuid: &str) -> Result<(), HostError> {
        let operation = "look for a file of a release";
        let below = path.below(&["releases"]);
        let releases: Vec<wire::Release> = self.api.children(&below, operation).await?;
        for release in releases {
            let is_it = |it: &&wire::Attachment| it.uuid.as_deref() == Some(uuid);
            let asset = release.assets.iter().flatten().find(is_it).and_then(|it| it.id);
            if let (Some(release), Some(asset)) = (release.id, asset) {
                let (release, asset) = (release.to_string(), asset.to_string());
                return self.delete(&path.below(&["releases", &release, "assets", &asset])).await;
            }
        }
        Ok(())
    }

    async fn remove_attachment(&self, path: Path<'_>, uuid: &str) -> Result<(), HostError> {
        let Some((parts, id)) = self.source.place_of_file(path, uuid).await? else {
            return Ok(());
        };
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let id = id.to_string();
        self.delete(&path.below(&[&parts[..], &["assets", &id]].concat())).await
    }

    async fn remove_reaction(&self, path: Path<'_>, id: &str) -> Result<(), HostError> {
        let mut parts = id.splitn(3, '/');
        let (Some(subject), Some(who), Some(content)) = (parts.next(), parts.next(), parts.next())
        else {
            return Ok(());
        };
        let comment =
            subject.strip_prefix("review-comment-").or_else(|| subject.strip_prefix("comment-"));
        let below = match comment {
            Some(comment) => path.below(&["issues", "comments", comment, "reactions"]),
            None => path.below(&["issues", subject, "reactions"]),
        };
        let server = self.server().await?;
        let is_mine = server.me.as_ref().is_some_and(|it| it.login == who);
        let name = (!is_mine && server.has_sudo()).then_some(who);
        let change = Change::new(&below, "take a reaction back").in_name_of(name);
        self.api.delete(change, Some(&json!({ "content": content }))).await
    }

    async fn remove_state(&self, path: Path<'_>, id: &str) -> Result<(), HostError> {
        match id.split_once('/') {
            None => self.archive(path, false).await,
            Some((number, "locked")) => self.delete(&path.below(&["issues", number, "lock"])).await,
            Some((number, _)) => self.delete(&path.below(&["issues", number, "pin"])).await,
        }
    }
}
