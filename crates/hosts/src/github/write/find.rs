//! Looking for what an interrupted run may have written: by name, by key, or by the mark in its
//! text.

use super::{
    GithubSink, Order, discussion, project::topic_name, release::tame, review::PLAIN, rule,
    settings, talk::numbered, wire,
};
use crate::github::{
    api::{At, Listing, absent},
    map::{self, subject_key},
    place::IssueWay,
};
use packhorse_core::{
    HostError, Object, Record, Scope, TargetId, mark,
    model::{
        Comment, CommitStatus, DeployKey, Grantee, Member, Place, Reaction, ReleaseAsset,
        ReviewComment, State, StateValue, Subject, Webhook,
    },
};
use serde::de::DeserializeOwned;

/// Pages that are looked through at most: a hundred thousand records.
const MAX_PAGES: usize = 1_000;
/// What was written last comes first.
const NEWEST: [(&str, &str); 3] = [("state", "all"), ("sort", "created"), ("direction", "desc")];

type Found = Result<Option<TargetId>, HostError>;

fn id(id: impl ToString) -> TargetId {
    TargetId(id.to_string())
}

/// Whether a body has the mark of the record.
fn has_mark(body: Option<&str>, record: &Record) -> bool {
    body.and_then(mark::parse).is_some_and(|(origin, _)| origin == record.origin)
}

/// The key itself, without the name that may stand behind it.
fn key(text: &str) -> Option<(&str, &str)> {
    let mut words = text.split_whitespace();
    Some((words.next()?, words.next()?))
}

impl GithubSink {
    pub(super) async fn look_for(&self, scope: &Scope, record: &Record) -> Found {
        if *scope == Scope::Shared {
            return self.find_shared(record).await;
        }
        if !self.api.place.extent.holds(scope.project().unwrap_or_default()) {
            // Nothing of ours is outside of what the location says.
            return Ok(None);
        }
        let order = Order { path: self.path(scope)?, record, existing: None };
        Ok(absent(self.find_in(order).await)?.flatten())
    }

    async fn find_shared(&self, record: &Record) -> Found {
        let operation = "look for what was written";
        if let Object::Team(it) = &record.object {
            let organization = self.organization(&it.organization);
            let found = self.team_called(organization, &it.slug).await?;
            return Ok(found.map(|slug| id(format!("{organization}/{slug}"))));
        }
        let Object::Member(it) = &record.object else { return Ok(None) };
        let Place::Team { organization, slug } = &it.place else { return Ok(None) };
        let Grantee::User(person) = &it.grantee else { return Ok(None) };
        let Some(login) = self.account(person) else { return Ok(None) };
        let organization = self.organization(organization);
        let path = ["orgs", organization, "teams", slug, "memberships", login];
        let found: Option<serde_json::Value> = self.api.find_open(&path, operation).await?;
        Ok(found.map(|_| id(format!("team:{organization}/{slug}/{login}"))))
    }

    async fn find_in(&self, order: Order<'_>) -> Found {
        let path = order.path;
        match &order.record.object {
            Object::Project(_) => {
                let below = path.below(&[]);
                let found: Option<wire::Repository> =
                    self.api.find(&below, "look for a project").await?;
                Ok(found.map(|_| id(path.to_string())))
            }
            Object::Topic(it) => {
                let (name, below) = (topic_name(&it.name), path.below(&["topics"]));
                let topics: wire::Topics = self.api.get(&below, "look for a topic").await?;
                Ok(topics.names.unwrap_or_default().contains(&name).then(|| id(name)))
            }
            Object::Label(it) => {
                let below = path.below(&["labels", &it.name]);
                let found: Option<wire::Label> = self.api.find(&below, "look for a label").await?;
                Ok(found.and_then(|it| it.name).map(id))
            }
            Object::Milestone(it) => Ok(self.milestone_called(order, &it.title).await?.map(id)),
            Object::Issue(_) => self.find_issue(order).await,
            Object::ChangeRequest(_) => self.find_change_request(order).await,
            Object::Review(it) => self.find_review(order, it.change_request).await,
            Object::ReviewThread(it) => self.find_thread(order, it.change_request).await,
            Object::ReviewComment(it) => self.find_review_comment(order, it).await,
            Object::DiscussionCategory(it) => self.find_category(order, &it.name).await,
            Object::Discussion(_) => self.find_discussion(order).await,
            Object::CommitComment(it) => self.find_commit_comment(order, &it.commit).await,
            Object::Comment(it) => self.find_comment(order, it).await,
            Object::Reaction(it) => self.find_reaction(order, it).await,
            Object::CommitStatus(it) => self.find_status(order, it).await,
            Object::Release(it) => {
                Ok(self.release_by_tag(path, &it.tag).await?.and_then(|it| it.id).map(id))
            }
            Object::ReleaseAsset(it) => self.find_asset(order, it).await,
            Object::BranchRule(it) => self.find_rule(order, &it.pattern, "branches").await,
            Object::TagRule(it) => self.find_rule(order, &it.pattern, "tags").await,
            Object::Webhook(it) => self.find_hook(order, it).await,
            Object::DeployKey(it) => self.find_key(order, it).await,
            Object::Member(it) => self.find_member(order, it).await,
            Object::State(it) => self.find_state(order, it).await,
            Object::User(_)
            | Object::Organization(_)
            | Object::Team(_)
            | Object::LfsObject(_)
            | Object::Repository(_)
            | Object::Wiki(_)
            | Object::Attachment(_)
            | Object::Snippet(_)
            | Object::Event(_)
            | Object::Board(_)
            | Object::Variable(_) => Ok(None),
        }
    }

    /// The first item of a listing of which something holds.
    pub(super) async fn first<T: DeserializeOwned>(
        &self,
        (path, query): (&[&str], &[(&str, &str)]),
        holds: impl Fn(&T) -> bool,
    ) -> Result<Option<T>, HostError> {
        let operation = "look for what was written";
        let mut listing: Listing<T> = self.api.list(At::Start(path, query), operation).await?;
        for _ in 0..MAX_PAGES {
            if let Some(found) = listing.items.into_iter().find(&holds) {
                return Ok(Some(found));
            }
            let Some(next) = listing.next else { return Ok(None) };
            listing = self.api.list(At::Page(&next), operation).await?;
        }
        Ok(None)
    }

    async fn find_issue(&self, order: Order<'_>) -> Found {
        if self.api.place.issues == IssueWay::Import {
            self.settle_imports(order.path).await?;
        }
        let is_it = |it: &wire::Issue| {
            let is_issue = it.pull_request.as_ref().is_none_or(serde_json::Value::is_null);
            is_issue && has_mark(it.body.as_deref(), order.record)
        };
        let what = (&*order.path.below(&["issues"]), &NEWEST[..]);
        Ok(self.first(what, is_it).await?.and_then(|it| it.number).map(id))
    }

    /// One that could not be made is an issue, and those are listed together.
    async fn find_change_request(&self, order: Order<'_>) -> Found {
        let is_it = |it: &wire::Issue| has_mark(it.body.as_deref(), order.record);
        let what = (&*order.path.below(&["issues"]), &NEWEST[..]);
        Ok(self.first(what, is_it).await?.and_then(|it| it.number).map(id))
    }

    async fn find_review(&self, order: Order<'_>, number: u64) -> Found {
        let is_it = |it: &wire::Review| has_mark(it.body.as_deref(), order.record);
        let number = number.to_string();
        let what = (&*order.path.below(&["pulls", &number, "reviews"]), &[][..]);
        Ok(self.first(what, is_it).await?.and_then(|it| it.id).map(id))
    }

    async fn find_thread(&self, order: Order<'_>, number: u64) -> Found {
        let is_it = |it: &wire::ReviewComment| has_mark(it.body.as_deref(), order.record);
        let number = number.to_string();
        let what = (&*order.path.below(&["pulls", &number, "comments"]), &[][..]);
        Ok(self.first(what, is_it).await?.and_then(|it| it.id).map(id))
    }

    async fn find_review_comment(&self, order: Order<'_>, comment: &ReviewComment) -> Found {
        if let Some(found) = self.find_thread(order, comment.change_request).await? {
            return Ok(Some(found));
        }
        let found = self.find_plain_comment(order, comment.change_request).await?;
        Ok(found.map(|it| id(format!("{PLAIN}{}", it.0))))
    }

    async fn find_plain_comment(&self, order: Order<'_>, number: u64) -> Found {
        let is_it = |it: &wire::Comment| has_mark(it.body.as_deref(), order.record);
        let number = number.to_string();
        let what = (&*order.path.below(&["issues", &number, "comments"]), &[][..]);
        Ok(self.first(what, is_it).await?.and_then(|it| it.id).map(id))
    }

    async fn find_comment(&self, order: Order<'_>, comment: &Comment) -> Found {
        if let Subject::Discussion(number) = &comment.subject {
            let is_it = |it: &discussion::Found| has_mark(Some(it.body.as_str()), order.record);
            let found = self.discussion_comment_where(order, *number, is_it).await?;
            return Ok(found.map(|it| id(format!("{}{}", discussion::HEAD, it.database_id))));
        }
        match numbered(&comment.subject) {
            Some(number) => self.find_plain_comment(order, number).await,
            None => Ok(None),
        }
    }

    async fn find_commit_comment(&self, order: Order<'_>, commit: &str) -> Found {
        let is_it = |it: &wire::CommitComment| has_mark(it.body.as_deref(), order.record);
        let what = (&*order.path.below(&["commits", commit, "comments"]), &[][..]);
        Ok(self.first(what, is_it).await?.and_then(|it| it.id).map(id))
    }

    async fn find_reaction(&self, order: Order<'_>, reaction: &Reaction) -> Found {
        let Some(place) = self.reaction_place(order, &reaction.subject).await? else {
            return Ok(None);
        };
        let me = self.me().await?;
        let below: Vec<&str> = place.below.iter().map(String::as_str).collect();
        let path = [order.path.below(&below), vec!["reactions"]].concat();
        let query = [("content", reaction.content.as_str())];
        let is_it = |it: &wire::Reaction| {
            it.content.as_deref() == Some(&reaction.content)
                && it.user.as_ref().is_some_and(|it| it.login.as_deref() == Some(me))
        };
        let found = self.first((&path, &query), is_it).await?.and_then(|it| it.id);
        Ok(found.map(|it| id(format!("{}/{it}", subject_key(&place.subject)))))
    }

    async fn find_status(&self, order: Order<'_>, status: &CommitStatus) -> Found {
        let said = settings::said(status);
        let is_it = |found: &wire::CommitStatus| {
            found.context.as_deref() == Some(settings::context(status))
                && found.description.as_deref().unwrap_or_default() == said
        };
        let what = (&*order.path.below(&["commits", &status.commit, "statuses"]), &[][..]);
        let found = self.first(what, is_it).await?.and_then(|it| it.id);
        Ok(found.map(|found| id(format!("{}/{found}", status.commit))))
    }

    async fn find_asset(&self, order: Order<'_>, asset: &ReleaseAsset) -> Found {
        let Some(release) = self.release_by_tag(order.path, &asset.release).await? else {
            return Ok(None);
        };
        let is_it = |found: &wire::Asset| {
            found.name.as_deref().is_some_and(|it| tame(it) == tame(&asset.name))
                && found.state.as_deref().is_none_or(|it| it == "uploaded")
        };
        let found = release.assets.into_iter().flatten().find(is_it);
        Ok(found.and_then(|it| it.id).map(id))
    }

    async fn find_hook(&self, order: Order<'_>, hook: &Webhook) -> Found {
        let is_it = |found: &wire::Hook| {
            found.config.as_ref().and_then(|it| it.url.as_deref()) == Some(&hook.url)
        };
        let what = (&*order.path.below(&["hooks"]), &[][..]);
        Ok(self.first(what, is_it).await?.and_then(|it| it.id).map(id))
    }

    async fn find_key(&self, order: Order<'_>, wanted: &DeployKey) -> Found {
        let is_it = |found: &wire::Key| {
            let found = found.key.as_deref().and_then(key);
            found.is_some() && found == key(&wanted.key)
        };
        let what = (&*order.path.below(&["keys"]), &[][..]);
        Ok(self.first(what, is_it).await?.and_then(|it| it.id).map(id))
    }

    async fn find_state(&self, order: Order<'_>, state: &State) -> Found {
        let operation = "look for what was written";
        if state.subject == Subject::Project && state.value == StateValue::Archived {
            let found: wire::Repository = self.api.get(&order.path.below(&[]), operation).await?;
            return Ok((found.archived == Some(true)).then(|| id("project/archived")));
        }
        // Pinning twice pins once.
        let (Some(number), StateValue::Locked(_)) = (numbered(&state.subject), &state.value) else {
            return Ok(None);
        };
        let number = number.to_string();
        let path = order.path.below(&["issues", &number]);
        let found: Option<wire::Issue> = self.api.find(&path, operation).await?;
        Ok(found.and_then(|it| map::issue::locked(&it)).map(|(found, _)| id(found)))
    }

    async fn find_rule(&self, order: Order<'_>, pattern: &str, word: &str) -> Found {
        let name = format!("{word} {pattern}");
        let what = (&*order.path.below(&["rulesets"]), &[("includes_parents", "false")][..]);
        let is_it = |it: &wire::Ruleset| it.name.as_deref() == Some(&name);
        let found = absent(self.first(what, is_it).await)?.flatten().and_then(|it| it.id);
        if let Some(found) = found {
            return Ok(Some(id(format!("{}{found}/{pattern}", rule::RULESET))));
        }
        if word == "tags" {
            return Ok(None);
        }
        let path = order.path.below(&["branches", pattern, "protection"]);
        let found: Option<wire::Protection> = self.api.find(&path, "look for a rule").await?;
        Ok(found.map(|_| id(pattern)))
    }

    async fn find_member(&self, order: Order<'_>, member: &Member) -> Found {
        let operation = "look for a member";
        match &member.grantee {
            Grantee::User(person) => {
                let Some(login) = self.account(person) else { return Ok(None) };
                let path = order.path.below(&["collaborators", login]);
                let found = absent(self.api.ask(&path, &[], operation).await)?;
                Ok(found.map(|_| id(format!("project/{login}"))))
            }
            Grantee::Team { organization, slug } => {
                let (organization, Order { path, .. }) = (self.organization(organization), order);
                let below = ["orgs", organization, "teams", slug, "repos", path.owner, path.name];
                let found = absent(self.api.ask(&below, &[], operation).await)?;
                Ok(found.map(|_| id(format!("project/team:{organization}/{slug}"))))
            }
            Grantee::Group(_) => Ok(None),
        }
    }
}
