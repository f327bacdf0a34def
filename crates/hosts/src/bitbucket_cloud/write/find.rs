//! Looking for what an interrupted run may have written, and taking it away again.

use super::{CloudSink, Path, Repository, download::name_of, settings::key_of, wire};
use crate::bitbucket::{
    text::sent,
    write::{
        change_request,
        settings::{essence, is_hook},
        talk::said_in,
    },
};
use packhorse_core::{
    HostError, Object, ObjectKind, Record, Scope, mark,
    model::{Grantee, Member, Place},
};

impl CloudSink {
    pub(super) async fn look(
        &self,
        scope: &Scope,
        record: &Record,
    ) -> Result<Option<String>, HostError> {
        let operation = "look for what was written";
        // Nothing of ours is outside of what the address means.
        if !scope.project().is_some_and(|it| self.api.place.holds(it)) {
            return Ok(None);
        }
        let path = self.path(scope)?;
        if let Some(number) = said_in(&record.object) {
            return self.look_for_comment(path, record, number).await;
        }
        match &record.object {
            Object::Project(_) => {
                let found: Option<wire::Repository> =
                    self.api.find(&path.below(&[]), operation).await?;
                Ok(found.and_then(|it| it.full_name))
            }
            Object::Member(it) => self.look_for_member(path, it).await,
            Object::ChangeRequest(_) => {
                change_request::find(&Repository { sink: self, path }, record).await
            }
            Object::BranchRule(it) => {
                let found = self.restrictions(path, &it.pattern).await?;
                Ok((!found.is_empty()).then(|| it.pattern.clone()))
            }
            Object::CommitStatus(it) => {
                let key = key_of(&it.context);
                let below = path.below(&["commit", &it.commit, "statuses", "build", &key]);
                let found: Option<wire::Status> = self.api.find(&below, operation).await?;
                Ok(found.map(|_| format!("{}/{key}", it.commit)))
            }
            Object::ReleaseAsset(_) | Object::Webhook(_) | Object::DeployKey(_) => {
                self.look_in_list(path, &record.object).await
            }
            Object::User(_)
            | Object::Organization(_)
            | Object::Team(_)
            | Object::Topic(_)
            | Object::LfsObject(_)
            | Object::Repository(_)
            | Object::Wiki(_)
            | Object::Label(_)
            | Object::Milestone(_)
            | Object::Attachment(_)
            | Object::Issue(_)
            | Object::Review(_)
            | Object::ReviewThread(_)
            | Object::ReviewComment(_)
            | Object::DiscussionCategory(_)
            | Object::Discussion(_)
            | Object::Snippet(_)
            | Object::CommitComment(_)
            | Object::Comment(_)
            | Object::Reaction(_)
            | Object::Event(_)
            | Object::Release(_)
            | Object::Board(_)
            | Object::TagRule(_)
            | Object::Variable(_)
            | Object::State(_) => Ok(None),
        }
    }

    /// Looks through a listing for what has the same name, key or address.
    async fn look_in_list(
        &self,
        path: Path<'_>,
        object: &Object,
    ) -> Result<Option<String>, HostError> {
        let operation = "look for what was written";
        if let Object::ReleaseAsset(it) = object {
            let wanted = name_of(it);
            let all: Vec<wire::Download> =
                self.api.children(&path.below(&["downloads"]), &[], operation).await?;
            return Ok(all.into_iter().filter_map(|it| it.name).find(|it| *it == wanted));
        }
        if let Object::Webhook(it) = object {
            let all: Vec<wire::Webhook> =
                self.api.children(&path.below(&["hooks"]), &[], operation).await?;
            let is_meant = |hook: &wire::Webhook| {
                is_hook(it, hook.url.as_deref(), hook.description.as_deref())
            };
            return Ok(all.into_iter().find(is_meant).and_then(|it| it.uuid));
        }
        if let Object::DeployKey(it) = object {
            let all: Vec<wire::DeployKey> =
                self.api.children(&path.below(&["deploy-keys"]), &[], operation).await?;
            let wanted = Some(essence(&it.key));
            let same = all.into_iter().find(|it| it.key.as_deref().map(essence) == wanted);
            return Ok(same.and_then(|it| it.id).map(|it| it.to_string()));
        }
        Ok(None)
    }

    async fn look_for_member(
        &self,
        path: Path<'_>,
        it: &Member,
    ) -> Result<Option<String>, HostError> {
        if it.place != Place::Project {
            return Ok(None);
        }
        let (list, name) = match &it.grantee {
            Grantee::User(who) => ("users", who.login.as_str()),
            Grantee::Team { slug: name, .. } | Grantee::Group(name) => ("groups", name.as_str()),
        };
        let below = path.below(&["permissions-config", list, name]);
        let found: Option<wire::Permission> =
            self.api.find(&below, "look for a permission").await?;
        let has_right = found.and_then(|it| it.permission).is_some_and(|it| it != "none");
        Ok(has_right.then(|| format!("{}/{name}", list.trim_end_matches('s'))))
    }

    async fn look_for_comment(
        &self,
        path: Path<'_>,
        record: &Record,
        number: u64,
    ) -> Result<Option<String>, HostError> {
        let mark = sent(&mark::of(&record.origin));
        let number = number.to_string();
        let operation = "look for a comment";
        let is_meant = |it: &Option<wire::Content>| {
            it.as_ref().and_then(|it| it.raw.as_deref()).is_some_and(|it| it.contains(&mark))
        };
        if let Object::Comment(it) = &record.object
            && it.task.is_some()
        {
            let below = path.below(&["pullrequests", &number, "tasks"]);
            let all: Vec<wire::Task> = self.api.children(&below, &[], operation).await?;
            let found = all.iter().find(|it| is_meant(&it.content)).and_then(|it| it.id);
            return Ok(found.map(|id| format!("{number}/task-{id}")));
        }
        let below = path.below(&["pullrequests", &number, "comments"]);
        let all: Vec<wire::Comment> = self.api.children(&below, &[], operation).await?;
        let is_there = |it: &&wire::Comment| it.deleted != Some(true) && is_meant(&it.content);
        let found = all.iter().find(is_there).and_then(|it| it.id);
        Ok(found.map(|id| format!("{number}/{id}")))
    }

    pub(super) async fn erase(
        &self,
        scope: &Scope,
        kind: ObjectKind,
        id: &str,
    ) -> Result<(), HostError> {
        if scope.project().is_none() {
            return Ok(());
        }
        let path = self.path(scope)?;
        let operation = "remove what was written";
        match kind {
            ObjectKind::Project => self.api.delete(&path.below(&[]), operation).await,
            ObjectKind::Member => {
                let Some((list, name)) = id.split_once('/') else { return Ok(()) };
                let list = if list == "user" { "users" } else { "groups" };
                self.api.delete(&path.below(&["permissions-config", list, name]), operation).await
            }
            ObjectKind::ChangeRequest => self.close_request(path, id).await,
            ObjectKind::Review
            | ObjectKind::ReviewThread
            | ObjectKind::ReviewComment
            | ObjectKind::Comment => self.erase_comment(path, id).await,
            ObjectKind::ReleaseAsset => {
                self.api.delete(&path.below(&["downloads", id]), operation).await
            }
            ObjectKind::BranchRule => self.unrestrict(path, id).await,
            ObjectKind::Webhook => self.api.delete(&path.below(&["hooks", id]), operation).await,
            ObjectKind::DeployKey => {
                self.api.delete(&path.below(&["deploy-keys", id]), operation).await
            }
            // Statuses stay with their commit: the API removes none.
            ObjectKind::CommitStatus
            | ObjectKind::User
            | ObjectKind::Organization
            | ObjectKind::Team
            | ObjectKind::Topic
            | ObjectKind::LfsObject
            | ObjectKind::Repository
            | ObjectKind::Wiki
            | ObjectKind::Label
            | ObjectKind::Milestone
            | ObjectKind::Attachment
            | ObjectKind::Issue
            | ObjectKind::DiscussionCategory
            | ObjectKind::Discussion
            | ObjectKind::Snippet
            | ObjectKind::CommitComment
            | ObjectKind::Reaction
            | ObjectKind::Event
            | ObjectKind::Release
            | ObjectKind::Board
            | ObjectKind::TagRule
            | ObjectKind::Variable
            | ObjectKind::State => Ok(()),
        }
    }
}
