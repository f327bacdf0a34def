//! Looking for what an interrupted run may have written, and taking it away again.

use super::{Part, Path, Repository, ServerSink, is_refusal, wire};
use crate::{
    bitbucket::{
        text::sent,
        write::{
            change_request,
            settings::{essence, is_hook},
            talk::said_in,
        },
    },
    bitbucket_server::map::path_of,
};
use packhorse_core::{
    HostError, HostErrorKind, Object, ObjectKind, Record, Scope, mark,
    model::{Grantee, Member, Place},
};

/// How deep answers to answers are followed.
const MAX_DEPTH: u8 = 32;

/// The first comment of a talk that is meant.
fn search(
    comment: &wire::Comment,
    is_meant: &dyn Fn(&wire::Comment) -> bool,
    depth: u8,
) -> Option<i64> {
    if is_meant(comment) {
        return comment.id;
    }
    let answers = comment.comments.iter().flat_map(|it| &it.0);
    let mut answers = answers.filter(|_| depth < MAX_DEPTH);
    answers.find_map(|it| search(it, is_meant, depth + 1))
}

impl ServerSink {
    pub(super) async fn look(
        &self,
        scope: &Scope,
        record: &Record,
    ) -> Result<Option<String>, HostError> {
        let found = self.look_for(scope, record).await;
        match found {
            // What it stands in is not there either.
            Err(error) if error.kind == HostErrorKind::NotFound => Ok(None),
            other => other,
        }
    }

    async fn look_for(&self, scope: &Scope, record: &Record) -> Result<Option<String>, HostError> {
        let operation = "look for what was written";
        // Nothing of ours is outside of what the address means.
        if scope.project().is_some_and(|it| !self.api.place.extent.holds(it)) {
            return Ok(None);
        }
        if let Object::Organization(it) = &record.object {
            let path = ["projects", it.path.as_str()];
            let found: Option<wire::Project> = self.api.find(Part::Core, &path, operation).await?;
            return Ok(found.and_then(|it| it.key));
        }
        if let Object::Member(it) = &record.object {
            return self.look_for_member(scope, it).await;
        }
        let path = self.path(scope)?;
        if let Some(number) = said_in(&record.object) {
            return self.look_for_comment(path, record, number).await;
        }
        match &record.object {
            Object::Project(_) => {
                let found: Option<wire::Repository> =
                    self.api.find(Part::Core, &path.below(&[]), operation).await?;
                Ok(found.as_ref().and_then(path_of))
            }
            Object::State(_) => {
                let found: Option<wire::Repository> =
                    self.api.find(Part::Core, &path.below(&[]), operation).await?;
                let is_archived = found.is_some_and(|it| it.archived == Some(true));
                Ok(is_archived.then(|| "archived".to_owned()))
            }
            Object::ChangeRequest(_) => {
                change_request::find(&Repository { sink: self, path }, record).await
            }
            Object::BranchRule(it) => {
                let found = self.restrictions(path, &it.pattern, "").await?;
                Ok((!found.is_empty()).then(|| it.pattern.clone()))
            }
            Object::TagRule(it) => {
                let found = self.restrictions(path, &it.pattern, "refs/tags/").await?;
                Ok((!found.is_empty()).then(|| it.pattern.clone()))
            }
            Object::Topic(_)
            | Object::CommitStatus(_)
            | Object::Webhook(_)
            | Object::DeployKey(_) => self.look_in_list(path, &record.object).await,
            // Reactions are one for each picture, however often they are given.
            Object::Reaction(_)
            | Object::User(_)
            | Object::Organization(_)
            | Object::Team(_)
            | Object::Member(_)
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
            | Object::Event(_)
            | Object::Release(_)
            | Object::ReleaseAsset(_)
            | Object::Board(_)
            | Object::Variable(_) => Ok(None),
        }
    }

    /// Looks through a listing for what has the same name, key or address.
    async fn look_in_list(
        &self,
        path: Path<'_>,
        object: &Object,
    ) -> Result<Option<String>, HostError> {
        let operation = "look for what was written";
        if let Object::Topic(it) = object {
            let below = path.below(&["labels"]);
            let all: Vec<wire::Label> =
                self.api.children((Part::Core, &below), &[], operation).await?;
            let mut names = all.into_iter().filter_map(|it| it.name);
            return Ok(names.find(|name| name.eq_ignore_ascii_case(&it.name)));
        }
        if let Object::CommitStatus(it) = object {
            let below = ["commits", it.commit.as_str()];
            let all: Vec<wire::BuildStatus> =
                self.api.children((Part::BuildStatus, &below), &[], operation).await?;
            let is_there = all.iter().any(|found| found.key.as_ref() == Some(&it.context));
            return Ok(is_there.then(|| format!("{}/{}", it.commit, it.context)));
        }
        if let Object::Webhook(it) = object {
            let below = path.below(&["webhooks"]);
            let all: Vec<wire::Webhook> =
                self.api.children((Part::Core, &below), &[], operation).await?;
            let is_meant =
                |hook: &wire::Webhook| is_hook(it, hook.url.as_deref(), hook.name.as_deref());
            let same = all.into_iter().find(is_meant);
            return Ok(same.and_then(|it| it.id).map(|it| it.to_string()));
        }
        if let Object::DeployKey(it) = object {
            let below = path.below(&["ssh"]);
            let all: Vec<wire::AccessKey> =
                self.api.children((Part::Keys, &below), &[], operation).await?;
            let wanted = Some(essence(&it.key));
            let mut keys = all.into_iter().filter_map(|it| it.key);
            let same = keys.find(|it| it.text.as_deref().map(essence) == wanted);
            return Ok(same.and_then(|it| it.id).map(|it| it.to_string()));
        }
        Ok(None)
    }

    async fn look_for_member(
        &self,
        scope: &Scope,
        it: &Member,
    ) -> Result<Option<String>, HostError> {
        let (list, name) = match &it.grantee {
            Grantee::User(who) => ("users", who.login.as_str()),
            Grantee::Group(name) => ("groups", name.as_str()),
            Grantee::Team { .. } => return Ok(None),
        };
        let kind = list.trim_end_matches('s');
        let (below, id) = match &it.place {
            Place::Project => {
                (self.path(scope)?.below(&["permissions", list]), format!("{kind}/{name}"))
            }
            Place::Organization(key) => (
                vec!["projects", key.as_str(), "permissions", list],
                format!("{key}/{kind}/{name}"),
            ),
            Place::ProjectAt(_) | Place::Team { .. } => return Ok(None),
        };
        let query = [("filter", name)];
        let operation = "look for a permission";
        let all: Vec<wire::Permission> =
            self.api.children((Part::Core, &below), &query, operation).await?;
        let is_there = all.iter().any(|it| {
            let user = it.user.as_ref().and_then(|it| it.name.as_deref());
            let group = it.group.as_ref().and_then(|it| it.name.as_deref());
            user.or(group) == Some(name)
        });
        Ok(is_there.then_some(id))
    }

    async fn look_for_comment(
        &self,
        path: Path<'_>,
        record: &Record,
        number: u64,
    ) -> Result<Option<String>, HostError> {
        let mark = sent(&mark::of(&record.origin));
        let number = number.to_string();
        let below = path.below(&["pull-requests", &number, "activities"]);
        let all: Vec<wire::Activity> =
            self.api.children((Part::Core, &below), &[], "look for a comment").await?;
        let is_meant = |it: &wire::Comment| it.text.as_deref().is_some_and(|it| it.contains(&mark));
        let found = all.iter().filter_map(|it| it.comment.as_ref());
        let mut found = found.filter_map(|it| search(it, &is_meant, 0));
        Ok(found.next().map(|id| format!("{number}/{id}")))
    }

    pub(super) async fn erase(
        &self,
        scope: &Scope,
        kind: ObjectKind,
        id: &str,
    ) -> Result<(), HostError> {
        if kind == ObjectKind::Organization {
            let operation = "remove a project of the server";
            return match self.api.delete((Part::Core, &["projects", id]), &[], operation).await {
                // Others have put something there meanwhile.
                Err(error) if is_refusal(&error) => Ok(()),
                other => other,
            };
        }
        if kind == ObjectKind::Member {
            return self.erase_member(scope, id).await;
        }
        let path = self.path(scope)?;
        let operation = "remove what was written";
        match kind {
            ObjectKind::Project => {
                self.api.delete((Part::Core, &path.below(&[])), &[], operation).await
            }
            ObjectKind::Topic => {
                self.api.delete((Part::Core, &path.below(&["labels", id])), &[], operation).await
            }
            ObjectKind::ChangeRequest => self.erase_request(path, id).await,
            ObjectKind::Review
            | ObjectKind::ReviewThread
            | ObjectKind::ReviewComment
            | ObjectKind::Comment => self.erase_comment(path, id).await,
            ObjectKind::Reaction => self.erase_reaction(path, id).await,
            ObjectKind::CommitStatus => {
                let Some((commit, key)) = id.split_once('/') else { return Ok(()) };
                let below = path.below(&["commits", commit, "builds"]);
                self.api.delete((Part::Core, &below), &[("key", key)], operation).await
            }
            ObjectKind::BranchRule => self.unrestrict(path, id, "").await,
            ObjectKind::TagRule => self.unrestrict(path, id, "refs/tags/").await,
            ObjectKind::Webhook => {
                self.api.delete((Part::Core, &path.below(&["webhooks", id])), &[], operation).await
            }
            ObjectKind::DeployKey => {
                self.api.delete((Part::Keys, &path.below(&["ssh", id])), &[], operation).await
            }
            ObjectKind::State => self.unarchive(path).await,
            ObjectKind::User
            | ObjectKind::Organization
            | ObjectKind::Team
            | ObjectKind::Member
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
            | ObjectKind::Event
            | ObjectKind::Release
            | ObjectKind::ReleaseAsset
            | ObjectKind::Board
            | ObjectKind::Variable => Ok(()),
        }
    }

    async fn erase_member(&self, scope: &Scope, id: &str) -> Result<(), HostError> {
        let parts: Vec<&str> = id.split('/').collect();
        let (below, name) = match parts[..] {
            [kind @ ("user" | "group"), name] => {
                let list = if kind == "user" { "users" } else { "groups" };
                (self.path(scope)?.below(&["permissions", list]), name)
            }
            [key, kind @ ("user" | "group"), name] => {
                let list = if kind == "user" { "users" } else { "groups" };
                (vec!["projects", key, "permissions", list], name)
            }
            _ => return Ok(()),
        };
        self.api.delete((Part::Core, &below), &[("name", name)], "take a permission back").await
    }

    async fn erase_reaction(&self, path: Path<'_>, id: &str) -> Result<(), HostError> {
        let parts: Vec<&str> = id.split('/').collect();
        let [number, comment, _, content] = parts[..] else { return Ok(()) };
        let Some(emoticon) = super::talk::emoticon(content) else { return Ok(()) };
        let rest = ["pull-requests", number, "comments", comment, "reactions", emoticon];
        let below = path.below(&rest);
        self.api.delete((Part::CommentLikes, &below), &[], "take a reaction back").await
    }
}
