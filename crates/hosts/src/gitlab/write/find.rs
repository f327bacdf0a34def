//! Looking for what an interrupted run may have written: by name, or by the mark in a text.

use super::{GitlabSink, Task, below, rule::rule_name, said::award, sorting::label_name};
use crate::gitlab::{
    api::Path,
    map::{milestone_number, settings::webhook},
    ours, wire,
};
use packhorse_core::{
    HostError, Object, Origin, Record, Scope, mark,
    model::{
        Board, BranchRule, Comment, CommitComment, CommitStatus, DeployKey, Grantee, Label,
        Milestone, Place, Reaction, Release, ReleaseAsset, Review, ReviewComment, ReviewThread,
        Snippet, State, StateValue, TagRule, Topic, Variable, Verdict, Webhook,
    },
};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The id of what was found.
type Found = Result<Option<String>, HostError>;

const OPERATION: &str = "look for what was written";

/// Whether a text has the mark of a record.
fn is_marked(text: Option<&String>, origin: &Origin) -> bool {
    text.and_then(|it| mark::parse(it)).is_some_and(|(it, _)| it == *origin)
}

impl GitlabSink {
    pub(super) async fn look_for(
        &self,
        scope: &Scope,
        record: &Record,
    ) -> Result<Option<String>, HostError> {
        if *scope == Scope::Shared {
            if let Object::User(it) = &record.object {
                let login = &it.identity.login;
                return Ok(self.account_called(login).await?.map(|_| login.clone()));
            }
            if let Object::Organization(it) = &record.object {
                let found: Option<wire::Group> = self.there(&["groups", &it.path]).await?;
                return Ok(found.and_then(|it| it.full_path));
            }
            if let Object::Member(it) = &record.object
                && let Place::Organization(path) = &it.place
            {
                let found = self.seated(&["groups", path], &it.grantee).await?;
                return Ok(found.map(|it| format!("{path}/{it}")));
            }
            return Ok(None);
        }
        let path = self.path(scope)?;
        let task = Task { record, existing: None, losses: Vec::new() };
        match &record.object {
            Object::Project(_) => {
                let found: Option<wire::Project> = self.there(&below(path, &[])).await?;
                Ok(found.and_then(|it| it.path_with_namespace))
            }
            Object::Member(it) => self.seated(&["projects", path], &it.grantee).await,
            Object::Topic(it) => self.find_topic(path, it).await,
            Object::Label(it) => self.find_label(path, it).await,
            Object::Milestone(it) => self.find_milestone(path, it).await,
            Object::Release(it) => self.find_release(path, it).await,
            Object::ReleaseAsset(it) => self.find_release_asset(path, it).await,
            Object::BranchRule(it) => self.find_branch_rule(path, it).await,
            Object::TagRule(it) => self.find_tag_rule(path, it).await,
            Object::Webhook(it) => self.find_webhook(path, it).await,
            Object::DeployKey(it) => self.find_deploy_key(path, it).await,
            Object::Variable(it) => self.find_variable(path, it).await,
            Object::Board(it) => self.find_board(path, it).await,
            Object::CommitStatus(it) => self.find_commit_status(path, it).await,
            Object::Issue(it) => self.marked(path, ("issues", it.number), &record.origin).await,
            Object::ChangeRequest(it) => {
                self.marked(path, ("merge_requests", it.number), &record.origin).await
            }
            Object::Snippet(it) => self.find_snippet(path, &task, it).await,
            Object::Comment(it) => self.find_comment(path, &task, it).await,
            Object::ReviewThread(it) => self.find_review_thread(path, &task, it).await,
            Object::ReviewComment(it) => self.find_review_comment(path, &task, it).await,
            Object::Review(it) => self.find_review(path, &task, it).await,
            Object::Reaction(it) => self.find_reaction(path, &task, it).await,
            Object::CommitComment(it) => self.find_commit_comment(path, &task, it).await,
            Object::State(it) => self.find_state(path, &task, it).await,
            Object::User(_)
            | Object::Organization(_)
            | Object::Team(_)
            | Object::LfsObject(_)
            | Object::Repository(_)
            | Object::Wiki(_)
            | Object::Attachment(_)
            | Object::DiscussionCategory(_)
            | Object::Discussion(_)
            | Object::Event(_) => Ok(None),
        }
    }

    async fn there<T: DeserializeOwned>(&self, path: Path<'_>) -> Result<Option<T>, HostError> {
        self.api.find(path, &[], OPERATION).await
    }

    async fn all<T: DeserializeOwned>(&self, path: Path<'_>) -> Result<Vec<T>, HostError> {
        match self.api.children(path, &[], OPERATION).await {
            Err(error) if super::said::is_refusal(error.kind) => Ok(Vec::new()),
            other => other,
        }
    }

    /// Whether somebody has a role of their own, and its id.
    async fn seated(&self, base: Path<'_>, who: &Grantee) -> Result<Option<String>, HostError> {
        match who {
            Grantee::User(who) => {
                let Some(id) = self.account(who).await?.map(|it| it.to_string()) else {
                    return Ok(None);
                };
                let path = [base, &["members", &id]].concat();
                let found: Option<wire::Member> = self.there(&path).await?;
                Ok(found.map(|_| who.login.clone()))
            }
            Grantee::Group(name) => {
                // A project and a group both tell whom they are shared with.
                let found: Option<wire::Group> = self.there(base).await?;
                let shared = found.and_then(|it| it.shared_with_groups).unwrap_or_default();
                let is_it = |it: &wire::SharedGroup| it.group_full_path.as_ref() == Some(name);
                Ok(shared.iter().any(is_it).then(|| format!("group/{name}")))
            }
            Grantee::Team { .. } => Ok(None),
        }
    }

    async fn find_topic(&self, path: &str, it: &Topic) -> Found {
        let found: Option<wire::Project> = self.there(&below(path, &[])).await?;
        let topics = found.map(crate::gitlab::map::project::topics).unwrap_or_default();
        Ok(topics.into_iter().find(|found| *found == it.name))
    }

    async fn find_label(&self, path: &str, it: &Label) -> Found {
        let found = self.label_called(path, &label_name(&it.name)).await?;
        let is_it = |found: &wire::Label| it.inherited || found.is_project_label != Some(false);
        Ok(found.filter(is_it).and_then(|it| it.name))
    }

    async fn find_milestone(&self, path: &str, it: &Milestone) -> Found {
        let found = self.milestone_called(path, &it.title).await?;
        if let Some(found) = &found {
            self.known_milestone(path, found);
        }
        Ok(found.as_ref().and_then(milestone_number).map(|it| it.to_string()))
    }

    async fn find_release(&self, path: &str, it: &Release) -> Found {
        let found: Option<wire::Release> = self.there(&below(path, &["releases", &it.tag])).await?;
        Ok(found.and_then(|it| it.tag_name))
    }

    pub(super) async fn find_release_asset(&self, path: &str, it: &ReleaseAsset) -> Found {
        let list = below(path, &["releases", &it.release, "assets", "links"]);
        let found: Vec<wire::AssetLink> = self.all(&list).await?;
        let same = |found: &wire::AssetLink| found.name.as_ref() == Some(&it.name);
        let id = found.into_iter().find(same).and_then(|it| it.id);
        Ok(id.map(|id| format!("{id}/{}", it.release)))
    }

    async fn find_branch_rule(&self, path: &str, it: &BranchRule) -> Found {
        let wanted = rule_name(&it.pattern);
        let found: Vec<wire::ProtectedBranch> =
            self.all(&below(path, &["protected_branches"])).await?;
        Ok(found.into_iter().filter_map(|it| it.name).find(|name| *name == wanted))
    }

    async fn find_tag_rule(&self, path: &str, it: &TagRule) -> Found {
        let wanted = rule_name(&it.pattern);
        let found: Vec<wire::ProtectedTag> = self.all(&below(path, &["protected_tags"])).await?;
        Ok(found.into_iter().filter_map(|it| it.name).find(|name| *name == wanted))
    }

    async fn find_webhook(&self, path: &str, it: &Webhook) -> Found {
        let found: Vec<Value> = self.all(&below(path, &["hooks"])).await?;
        let mut hooks = found.iter().filter_map(webhook);
        Ok(hooks.find(|(_, hook)| hook.url == it.url).map(|(id, _)| id))
    }

    async fn find_deploy_key(&self, path: &str, it: &DeployKey) -> Found {
        let key = |text: &str| text.split(' ').take(2).collect::<Vec<_>>().join(" ");
        let found: Vec<wire::DeployKey> = self.all(&below(path, &["deploy_keys"])).await?;
        let same = |found: &wire::DeployKey| {
            found.key.as_deref().is_some_and(|found| key(found) == key(&it.key))
        };
        Ok(found.into_iter().find(same).and_then(|it| it.id).map(|it| it.to_string()))
    }

    async fn find_variable(&self, path: &str, it: &Variable) -> Found {
        let environment = it.environment.as_deref().unwrap_or("*");
        let found: Vec<wire::Variable> = self.all(&below(path, &["variables"])).await?;
        let same = |found: &wire::Variable| {
            found.key.as_ref() == Some(&it.name)
                && found.environment_scope.as_deref().unwrap_or("*") == environment
        };
        Ok(found.iter().any(same).then(|| format!("{}/{environment}", it.name)))
    }

    async fn find_board(&self, path: &str, it: &Board) -> Found {
        let found: Vec<wire::Board> = self.all(&below(path, &["boards"])).await?;
        let same = |found: &wire::Board| found.name.as_ref() == Some(&it.name);
        Ok(found.into_iter().find(same).and_then(|it| it.id).map(|it| it.to_string()))
    }

    async fn find_commit_status(&self, path: &str, it: &CommitStatus) -> Found {
        let list = below(path, &["repository", "commits", &it.commit, "statuses"]);
        let found: Vec<wire::Status> = self.all(&list).await?;
        let same = |found: &wire::Status| found.name.as_ref() == Some(&it.context);
        let id = found.into_iter().find(same).and_then(|it| it.id);
        Ok(id.map(|id| format!("{}/{id}", it.commit)))
    }

    async fn find_snippet(&self, path: &str, task: &Task<'_>, _: &Snippet) -> Found {
        let origin = &task.record.origin;
        let found: Vec<wire::Snippet> = self.all(&below(path, &["snippets"])).await?;
        let found = found.into_iter().find(|it| is_marked(it.description.as_ref(), origin));
        Ok(found.and_then(|it| it.id).map(|it| it.to_string()))
    }

    async fn find_comment(&self, path: &str, task: &Task<'_>, it: &Comment) -> Found {
        let origin = &task.record.origin;
        let Some((list, key)) = task.place(&it.subject) else { return Ok(None) };
        let found = self.marked_note(path, (list, &key), origin).await?;
        Ok(found.map(|(_, note)| format!("{list}/{key}/{note}")))
    }

    async fn find_review_thread(&self, path: &str, task: &Task<'_>, it: &ReviewThread) -> Found {
        let origin = &task.record.origin;
        let key = it.change_request.to_string();
        let found = self.marked_note(path, ("merge_requests", &key), origin).await?;
        Ok(found.map(|(discussion, _)| format!("{key}/{discussion}")))
    }

    async fn find_review_comment(&self, path: &str, task: &Task<'_>, it: &ReviewComment) -> Found {
        let origin = &task.record.origin;
        let key = it.change_request.to_string();
        let found = self.marked_note(path, ("merge_requests", &key), origin).await?;
        Ok(found.map(|(discussion, note)| format!("{key}/{discussion}/{note}")))
    }

    async fn find_review(&self, path: &str, task: &Task<'_>, it: &Review) -> Found {
        let origin = &task.record.origin;
        let key = it.change_request.to_string();
        let found = self.marked_note(path, ("merge_requests", &key), origin).await?;
        if let Some((_, note)) = found {
            return Ok(Some(format!("{key}/note/{note}")));
        }
        let login = it.author.as_ref().map(|it| it.login.as_str());
        let said = it.body.as_ref().map(|it| it.as_str()).unwrap_or_default();
        let Some(login) = login.filter(|_| it.verdict == Verdict::Approved && ours::is_bare(said))
        else {
            return Ok(None);
        };
        let told: Option<wire::Approvals> =
            self.there(&below(path, &["merge_requests", &key, "approvals"])).await?;
        let given = told.and_then(|it| it.approved_by).unwrap_or_default();
        let is_it = |it: &wire::Approved| {
            it.user.as_ref().and_then(|it| it.username.as_deref()) == Some(login)
        };
        Ok(given.iter().any(is_it).then(|| format!("{key}/{login}")))
    }

    async fn find_reaction(&self, path: &str, task: &Task<'_>, it: &Reaction) -> Found {
        let Some((parts, id)) = self.reacted(task, &it.subject) else { return Ok(None) };
        let mut rest: Vec<&str> = parts.iter().map(String::as_str).collect();
        rest.push("award_emoji");
        let found: Vec<wire::Award> = self.all(&below(path, &rest)).await?;
        let login = it.author.as_ref().map(|it| it.login.as_str());
        let same = |found: &wire::Award| {
            found.name.as_deref() == Some(award(&it.content))
                && found.user.as_ref().and_then(|it| it.username.as_deref()) == login
        };
        let found = found.into_iter().find(same).and_then(|it| it.id);
        Ok(found.map(|award| format!("{id}/{award}")))
    }

    async fn find_commit_comment(&self, path: &str, task: &Task<'_>, it: &CommitComment) -> Found {
        let origin = &task.record.origin;
        let list = below(path, &["repository", "commits", &it.commit, "discussions"]);
        let found: Vec<wire::Discussion> = self.all(&list).await?;
        let found = note_in(found, origin);
        Ok(found.map(|(discussion, note)| format!("{}/{discussion}/{note}", it.commit)))
    }

    async fn find_state(&self, path: &str, task: &Task<'_>, it: &State) -> Found {
        if it.value == StateValue::Archived {
            let found: Option<wire::Project> = self.there(&below(path, &[])).await?;
            let is_archived = found.is_some_and(|it| it.archived == Some(true));
            return Ok(is_archived.then(|| "archived".to_owned()));
        }
        let Some((list, key)) = task.place(&it.subject) else { return Ok(None) };
        let found: Option<wire::Issue> = self.there(&below(path, &[list, &key])).await?;
        let is_locked = found.is_some_and(|it| it.discussion_locked == Some(true));
        Ok(is_locked.then(|| format!("{list}/{key}/locked")))
    }

    /// An issue or a change request by its mark: under the number that it was to have, among those
    /// that changed last, by search.
    async fn marked(&self, path: &str, (list, number): (&str, u64), origin: &Origin) -> Found {
        let below = below(path, &[list]);
        let (mark, number) = (mark::of(origin), number.to_string());
        let searches: [&[(&str, &str)]; 3] = [
            &[("state", "all"), ("iids[]", &number)],
            &[("state", "all"), ("order_by", "updated_at"), ("sort", "desc")],
            &[("state", "all"), ("in", "description"), ("search", &mark)],
        ];
        for query in searches {
            let found: Vec<wire::Issue> = self.api.select(&below, query, OPERATION).await?;
            let found = found.into_iter().find(|it| is_marked(it.description.as_ref(), origin));
            if let Some(number) = found.and_then(|it| it.iid) {
                return Ok(Some(number.to_string()));
            }
        }
        Ok(None)
    }

    async fn marked_note(
        &self,
        path: &str,
        at: (&str, &str),
        origin: &Origin,
    ) -> Result<Option<(String, u64)>, HostError> {
        Ok(note_in(self.discussions(path, at).await?, origin))
    }
}

/// The discussion and the number of the note with a mark.
fn note_in(list: Vec<wire::Discussion>, origin: &Origin) -> Option<(String, u64)> {
    list.into_iter().find_map(|it| {
        let mut notes = it.notes.iter().flatten();
        let note = notes.find(|it| is_marked(it.body.as_ref(), origin))?.id?;
        Some((it.id?, note))
    })
}
