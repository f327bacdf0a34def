//! Looking for what an interrupted run may have written.
//!
//! Things with names are looked for by name, texts by the mark at their end.

use super::{GiteaSink, Path, Task, comment::place};
use crate::gitea::{api::Listing, map::issue::key, wire};
use packhorse_core::{
    HostError, HostErrorKind, Object, ObjectKind, Origin, Record, Scope, TargetId, mark,
    model::{Reaction, StateValue, Subject},
};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What can be told by the mark in its text.
trait Marked: DeserializeOwned {
    fn text(&self) -> Option<&str>;
    fn id(&self) -> Option<String>;
}

macro_rules! marked {
    ($($Type:ident.$id:ident),+) => {$(
        impl Marked for wire::$Type {
            fn text(&self) -> Option<&str> {
                self.body.as_deref()
            }
            fn id(&self) -> Option<String> {
                self.$id.map(|it| it.to_string())
            }
        }
    )+};
}

marked!(Issue.number, PullRequest.number, Comment.id, Review.id, ReviewComment.id);

fn is_marked(it: &impl Marked, origin: &Origin) -> bool {
    it.text().and_then(mark::parse).is_some_and(|(found, _)| found == *origin)
}

impl GiteaSink {
    pub(super) async fn look_for(
        &self,
        scope: &Scope,
        record: &Record,
    ) -> Result<Option<TargetId>, HostError> {
        if let Some(project) = scope.project()
            && !self.is_meant(Path::of(project)?)
        {
            // Nothing of ours is outside of what the location says.
            return Ok(None);
        }
        match self.id_of(scope, record).await {
            Err(error) if error.kind == HostErrorKind::NotFound => Ok(None),
            other => Ok(other?.map(TargetId)),
        }
    }

    async fn id_of(&self, scope: &Scope, record: &Record) -> Result<Option<String>, HostError> {
        if record.origin.kind.is_shared() && *scope == Scope::Shared {
            return self.id_beside_projects(&record.object).await;
        }
        let path = self.path(scope)?;
        let task = Task { record, existing: None, losses: Vec::new() };
        if let Object::Reaction(it) = &record.object {
            return self.find_reaction(path, &task, it).await;
        }
        if let Object::State(it) = &record.object {
            let Some(subject) = task.subject(&it.subject) else { return Ok(None) };
            return self.find_state(path, &subject, &it.value).await;
        }
        if let Object::Attachment(it) = &record.object {
            let Some(subject) = task.subject(&it.subject) else { return Ok(None) };
            let files = self.files_of(path, &subject).await?;
            let is_it = |file: &wire::Attachment| {
                file.name.as_deref() == Some(&it.name) && file.size == it.blob.size
            };
            return Ok(files.into_iter().find(is_it).and_then(|it| it.uuid));
        }
        match self.id_of_text(path, &task).await? {
            Some(id) => Ok(Some(id)),
            None => self.id_of_name(path, &record.object).await,
        }
    }

    async fn id_beside_projects(&self, object: &Object) -> Result<Option<String>, HostError> {
        if let Object::User(it) = object {
            let path = ["users", it.identity.login.as_str()];
            let found: Option<wire::User> = self.api.find(&path, "look for an account").await?;
            return Ok(found.and_then(|it| it.login));
        }
        if let Object::Organization(it) = object {
            return self.organization_called(&it.path).await;
        }
        if let Object::Team(it) = object {
            let found = self.find_team(&it.organization, &it.slug).await?;
            let Some(found) = found else { return Ok(None) };
            return self.team_id(it, found.name.as_deref()).await.map(Some);
        }
        // Putting somebody in their place twice does nothing.
        Ok(None)
    }

    /// What has a text, and a mark at its end.
    async fn id_of_text(
        &self,
        path: Path<'_>,
        task: &Task<'_>,
    ) -> Result<Option<String>, HostError> {
        let (origin, all) = (&task.record.origin, [("state", "all")]);
        if origin.kind == ObjectKind::Issue {
            let query = [("state", "all"), ("type", "issues")];
            return self.marked::<wire::Issue>(path, (&["issues"], &query), origin).await;
        }
        if origin.kind == ObjectKind::ChangeRequest {
            return self.marked::<wire::PullRequest>(path, (&["pulls"], &all), origin).await;
        }
        if let Object::Comment(it) = &task.record.object {
            let subject = task.subject(&it.subject);
            let Some(parts) = subject.as_ref().and_then(place) else { return Ok(None) };
            let parts: Vec<&str> = parts.iter().map(String::as_str).chain(["comments"]).collect();
            return self.marked::<wire::Comment>(path, (&parts, &[]), origin).await;
        }
        if let Object::Review(it) = &task.record.object {
            let number = it.change_request.to_string();
            let parts = ["pulls", number.as_str(), "reviews"];
            return self.marked::<wire::Review>(path, (&parts, &[]), origin).await;
        }
        if let Object::ReviewComment(it) = &task.record.object {
            let comments = self.source.review_comments_of(path, it.change_request).await?;
            return Ok(comments.iter().find(|it| is_marked(*it, origin)).and_then(Marked::id));
        }
        Ok(None)
    }

    /// What is called as it was.
    async fn id_of_name(
        &self,
        path: Path<'_>,
        object: &Object,
    ) -> Result<Option<String>, HostError> {
        if let Object::Project(_) = object {
            let found: Option<wire::Repository> =
                self.api.find(&path.below(&[]), "look for a project").await?;
            Ok(found.map(|_| path.to_string()))
        } else if let Object::Label(it) = object {
            Ok(self.label_id(path, &it.name).await?.map(|_| it.name.clone()))
        } else if let Object::Milestone(it) = object {
            self.find_milestone(path, &it.title).await
        } else if let Object::Release(it) = object {
            self.known.of(path, |known| known.releases.remove(&it.tag));
            self.find_release(path, &it.tag).await
        } else if let Object::ReleaseAsset(it) = object {
            match self.find_release(path, &it.release).await? {
                Some(release) => self.find_asset(path, &release, &it.name).await,
                None => Ok(None),
            }
        } else if let Object::BranchRule(it) = object {
            let below = path.below(&["branch_protections", &it.pattern]);
            let found: Option<Value> = self.api.find(&below, "look for a rule").await?;
            Ok(found.map(|_| it.pattern.clone()))
        } else if let Object::Topic(it) = object {
            let below = path.below(&["topics"]);
            let found: wire::Topics = self.api.get(&below, "look for a topic").await?;
            let name = it.name.to_lowercase();
            Ok(found.topics.is_some_and(|it| it.contains(&name)).then_some(name))
        } else if let Object::TagRule(it) = object {
            self.find_tag_rule(path, &it.pattern).await
        } else if let Object::Webhook(it) = object {
            self.find_hook(path, &it.url).await
        } else if let Object::CommitStatus(it) = object {
            self.find_status(path, it).await
        } else if let Object::DeployKey(it) = object {
            self.find_key(path, &it.key).await
        } else {
            // Saying it twice does nothing.
            Ok(None)
        }
    }

    /// What bears a mark, in a listing that begins with the newest or is short.
    async fn marked<T: Marked>(
        &self,
        path: Path<'_>,
        (rest, query): (&[&str], &[(&str, &str)]),
        origin: &Origin,
    ) -> Result<Option<String>, HostError> {
        let below = path.below(rest);
        let mut next = Some(1);
        while let Some(number) = next {
            let found: Listing<T> =
                self.api.list(&below, query, number, "look for what was written").await?;
            if let Some(it) = found.items.iter().find(|it| is_marked(*it, origin)) {
                return Ok(it.id());
            }
            // A server that knows no pages here sends the same for ever.
            next = found.next.filter(|_| found.total.is_some());
        }
        Ok(None)
    }

    async fn find_reaction(
        &self,
        path: Path<'_>,
        task: &Task<'_>,
        reaction: &Reaction,
    ) -> Result<Option<String>, HostError> {
        let Some(subject) = task.subject(&reaction.subject) else { return Ok(None) };
        let Some(parts) = place(&subject) else { return Ok(None) };
        let parts: Vec<&str> = parts.iter().map(String::as_str).chain(["reactions"]).collect();
        let (name, is_kept) = self.name_of(reaction.author.as_ref()).await?;
        let me = self.server().await?.me.clone().map(|it| it.login).unwrap_or_default();
        let who = if is_kept { name.unwrap_or(&me) } else { &me };
        let all: Vec<wire::Reaction> =
            self.api.list_whole(&path.below(&parts), "look for a reaction").await?;
        let is_it = |it: &wire::Reaction| {
            it.content.as_deref() == Some(&reaction.content)
                && it.user.as_ref().and_then(|it| it.login.as_deref()) == Some(who)
        };
        let id = || format!("{}/{who}/{}", key(&subject), reaction.content);
        Ok(all.iter().any(is_it).then(id))
    }

    async fn find_state(
        &self,
        path: Path<'_>,
        subject: &Subject,
        value: &StateValue,
    ) -> Result<Option<String>, HostError> {
        if *subject == Subject::Project {
            let found = self.source.repository(path).await?;
            return Ok((found.archived == Some(true)).then(|| "archived".to_owned()));
        }
        let number = key(subject);
        let below = path.below(&["issues", &number]);
        let found: Option<wire::Issue> = self.api.find(&below, "look at an issue").await?;
        let Some(found) = found else { return Ok(None) };
        Ok(match value {
            StateValue::Locked(_) => found.is_locked.unwrap_or_default(),
            StateValue::Pinned(_) => found.pin_order.is_some_and(|it| it > 0),
            StateValue::Archived => false,
        }
        .then(|| {
            let word = if matches!(value, StateValue::Locked(_)) { "locked" } else { "pinned" };
            format!("{number}/{word}")
        }))
    }
}
