//! The server as a sink: which request makes which kind.

mod account;
mod change;
mod diff;
mod file;
mod find;
mod issue;
mod known;
mod project;
mod release;
mod remove;
mod review;
mod rule;
mod said;
mod setting;
mod signed;
mod sorting;
mod text;
mod user;

use super::{api::Api, support, wire};
use crate::{kept::Files, known::Known};
pub(super) use account::level;
use account::{Accounts, Me};
use async_trait::async_trait;
use packhorse_core::{
    Capabilities, GitRemote, GitUrl, HostError, HostErrorKind, Keeps, Loss, Numbering, Object,
    ObjectKind, Origin, Record, RepoKind, Scope, Settle, TargetId,
    limits::Limits,
    model::Markup,
    port::{BlobRef, ByteStream, Outcome, Sink, Written},
};
use std::{path::PathBuf, sync::Arc};
use tokio::sync::{Mutex, OnceCell};

/// Characters of a title.
///
/// Source: GitLab, `app/models/concerns/issuable.rb`, `TITLE_LENGTH_MAX`.
const TITLE_CHARS: usize = 255;
/// Bytes of a body, below the 1,048,576 characters of a description and 1,000,000 of a note.
const BODY_BYTES: usize = 1_000_000;

/// Bytes of a push to gitlab.com.
///
/// Source: GitLab, "GitLab.com settings", "Account and limit settings".
const PUSH_BYTES: u64 = 5 << 30;
/// Bytes of a file that is pushed to a group of gitlab.com that pays nothing.
///
/// Source: GitLab, "Free push limit".
const FILE_BYTES: u64 = 100 << 20;

/// A server of GitLab, as a sink.
pub(super) struct GitlabSink {
    api: Arc<Api>,
    me: OnceCell<Me>,
    accounts: Accounts,
    known: Known<known::Project>,
    files: Files,
    /// Topics are written as a whole list, one after the other.
    topics: Mutex<()>,
}

/// What is written, and what of it is lost on the way.
struct Task<'a> {
    record: &'a Record,
    existing: Option<&'a TargetId>,
    losses: Vec<Loss>,
}

/// The id that something got, and how.
type Done = Result<(String, Outcome), HostError>;

impl Task<'_> {
    /// The destination has no place for a field, or another one.
    fn lose(&mut self, field: &'static str, why: impl Into<String>) {
        self.losses.push(Loss::sink(field, why));
    }

    /// The record is left out by rule, for it has no place or would be something else there.
    fn drop(&mut self, why: impl Into<String>) -> Done {
        self.losses.push(Loss::policy(Loss::WHOLE, why));
        Ok((String::new(), Outcome::Dropped))
    }

    /// The record is left out although it should have its place.
    fn miss(&mut self, why: impl Into<String>) -> Done {
        self.losses.push(Loss::sink(Loss::WHOLE, why));
        Ok((String::new(), Outcome::Dropped))
    }

    /// What something of the source is at the destination, where that is known.
    fn target(&self, kind: ObjectKind, id: &str) -> Option<&str> {
        self.record.links.get(&Origin::new(kind, id)).map(|it| it.0.as_str())
    }

    /// The id that it got before.
    fn id(&self) -> Option<&str> {
        self.existing.map(|it| it.0.as_str()).filter(|it| !it.is_empty())
    }
}

/// The parts of an address below a project.
fn below<'a>(project: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
    [&["projects", project], rest].concat()
}

/// An answer without what every version sends.
fn odd(operation: &'static str) -> HostError {
    HostError::new(HostErrorKind::Protocol, operation).with("answer", "has no id")
}

impl GitlabSink {
    pub(super) fn new(api: Arc<Api>, scratch: PathBuf) -> Self {
        Self {
            api,
            me: OnceCell::new(),
            accounts: Accounts::default(),
            known: Known::default(),
            files: Files::new(scratch),
            topics: Mutex::new(()),
        }
    }

    fn host(&self) -> &str {
        self.api.place.host()
    }

    async fn me(&self) -> Result<&Me, HostError> {
        self.me.get_or_try_init(|| Me::ask(&self.api)).await
    }

    /// Whether a group or a project is within what the location says.
    fn is_within(&self, path: &str) -> bool {
        let Some(within) = self.api.place.within.as_deref() else { return true };
        let (path, within) = (path.to_lowercase(), within.to_lowercase());
        path == within || path.strip_prefix(&within).is_some_and(|it| it.starts_with('/'))
    }

    /// The project of a scope, which must be within what the location says.
    fn path<'a>(&self, scope: &'a Scope) -> Result<&'a str, HostError> {
        let fail = |why: &str| {
            Err(HostError::new(HostErrorKind::Rejected, "write to a project")
                .with("project", scope)
                .with("reason", why))
        };
        match scope.project() {
            None => fail("it is none"),
            Some(path) if !path.contains('/') => fail("a project is in a group, or somebody's"),
            Some(path) if !self.is_within(path) => {
                fail("the address names another group or project; give the project another path")
            }
            Some(path) => Ok(path),
        }
    }

    /// Whether pushes are refused that hold large files.
    async fn has_small_files(&self) -> Result<bool, HostError> {
        let within = self.api.place.within.as_deref().unwrap_or_default();
        let top = within.split('/').next().unwrap_or_default();
        if !self.api.place.is_public_service() || top.is_empty() {
            return Ok(false);
        }
        let found: Option<wire::Namespace> =
            self.api.find(&["namespaces", top], &[], "ask for a group's limits").await?;
        Ok(found.is_some_and(|it| it.plan.as_deref() == Some("free")))
    }

    async fn make(&self, scope: &Scope, task: &mut Task<'_>) -> Done {
        match &task.record.object {
            Object::Organization(it) => self.organization(task, it).await,
            Object::Member(it) if *scope == Scope::Shared => self.group_member(task, it).await,
            Object::Member(it) => self.member(self.path(scope)?, task, it).await,
            Object::Project(it) => self.project(self.path(scope)?, task, it).await,
            Object::Topic(it) => self.topic(self.path(scope)?, it).await,
            Object::Label(it) => self.label(self.path(scope)?, task, it).await,
            Object::Milestone(it) => self.milestone(self.path(scope)?, task, it).await,
            Object::Attachment(it) => self.attachment(self.path(scope)?, task, it).await,
            Object::Issue(it) => self.issue(self.path(scope)?, task, it).await,
            Object::ChangeRequest(it) => self.change_request(self.path(scope)?, task, it).await,
            Object::Review(it) => self.review(self.path(scope)?, task, it).await,
            Object::ReviewThread(it) => self.thread(self.path(scope)?, task, it).await,
            Object::ReviewComment(it) => self.review_comment(self.path(scope)?, task, it).await,
            Object::Snippet(it) => self.snippet(self.path(scope)?, task, it).await,
            Object::CommitComment(it) => self.commit_comment(self.path(scope)?, task, it).await,
            Object::Comment(it) => self.comment(self.path(scope)?, task, it).await,
            Object::Reaction(it) => self.reaction(self.path(scope)?, task, it).await,
            Object::CommitStatus(it) => self.commit_status(self.path(scope)?, task, it).await,
            Object::Release(it) => self.release(self.path(scope)?, task, it).await,
            Object::ReleaseAsset(it) => self.asset(self.path(scope)?, task, it).await,
            Object::Board(it) => self.board(self.path(scope)?, task, it).await,
            Object::BranchRule(it) => self.branch_rule(self.path(scope)?, task, it).await,
            Object::TagRule(it) => self.tag_rule(self.path(scope)?, task, it).await,
            Object::Webhook(it) => self.webhook(self.path(scope)?, task, it).await,
            Object::DeployKey(it) => self.deploy_key(self.path(scope)?, task, it).await,
            Object::Variable(it) => self.variable(self.path(scope)?, task, it).await,
            Object::State(it) => self.state(self.path(scope)?, task, it).await,
            Object::User(it) => self.user(task, it).await,
            Object::Team(_)
            | Object::LfsObject(_)
            | Object::Repository(_)
            | Object::Wiki(_)
            | Object::DiscussionCategory(_)
            | Object::Discussion(_)
            | Object::Event(_) => task.drop("the server has no place for it"),
        }
    }
}

#[async_trait]
impl Sink for GitlabSink {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        let me = self.me().await?;
        let identity = format!("gitlab:{}", self.api.place.home);
        let mut capabilities = Capabilities::promised(support::writes, identity);
        if !me.has_sudo {
            let why = "a reaction is its author's alone: it needs an administrator's token with the \
                       scope `sudo`";
            capabilities = capabilities.without(ObjectKind::Reaction, why);
        }
        if !me.is_admin {
            let why = "accounts are for administrators to make";
            capabilities = capabilities.without(ObjectKind::User, why);
        } else if self.api.place.within.is_some() {
            let why =
                "accounts stand outside of what the address says: give that of the server alone";
            capabilities = capabilities.without(ObjectKind::User, why);
        }
        capabilities.settle = Settle::Record;
        // In an author's name, the author's rights count, and they do not date.
        let times = me.may_backdate && !me.has_sudo;
        capabilities.keeps = Keeps { authors: me.has_sudo, times, numbers: false };
        capabilities.numbering = Numbering::TwoRows;
        capabilities.limits = Limits {
            title_chars: Some(TITLE_CHARS),
            label_name_chars: Some(255),
            label_color_hex: true,
            project_description_chars: Some(2_000),
            body_bytes: Some(BODY_BYTES),
            topic_chars: Some(255),
            push_bytes: self.api.place.is_public_service().then_some(PUSH_BYTES),
            file_bytes: self.has_small_files().await?.then_some(FILE_BYTES),
            ..Limits::default()
        };
        capabilities.markup = Some(Markup::Gitlab);
        capabilities.web_url = Some(self.api.place.home.as_str().trim_end_matches('/').to_owned());
        Ok(capabilities)
    }

    async fn find(&self, scope: &Scope, record: &Record) -> Result<Option<TargetId>, HostError> {
        let found = self.look_for(scope, record).await?;
        Ok(found.map(TargetId))
    }

    async fn write(
        &self,
        scope: &Scope,
        record: &Record,
        existing: Option<&TargetId>,
    ) -> Result<Written, HostError> {
        // What was left out before has no id to be found by.
        let existing = existing.filter(|it| !it.0.is_empty());
        let mut task = Task { record, existing, losses: Vec::new() };
        let named = |error: HostError| error.with("object", &record.origin);
        let (id, outcome) = match self.make(scope, &mut task).await {
            Err(error) if error.kind == HostErrorKind::Forbidden => {
                if !self.is_archived(scope).await? {
                    return Err(named(error));
                }
                // What comes late finds the doors closed: they open for it alone.
                let path = self.path(scope)?;
                self.archive(path, false).await?;
                task.losses.clear();
                let made = self.make(scope, &mut task).await;
                self.archive(path, true).await?;
                made.map_err(named)?
            }
            other => other.map_err(named)?,
        };
        Ok(Written { target: TargetId(id), outcome, losses: task.losses })
    }

    async fn remove(
        &self,
        scope: &Scope,
        origin: &Origin,
        target: &TargetId,
    ) -> Result<(), HostError> {
        if target.0.is_empty() {
            return Ok(());
        }
        self.take_away(scope, origin, &target.0).await
    }

    async fn remote(&self, project: &str, repo: RepoKind) -> Result<Option<GitRemote>, HostError> {
        let path = self.path(&Scope::Project(project.to_owned()))?.to_owned();
        let found: Option<wire::Project> =
            self.api.find(&below(&path, &[]), &[], "look for a project").await?;
        let Some(found) = found else { return Ok(None) };
        if found.archived == Some(true) {
            // It takes no pushes; it is closed again when all is there.
            self.archive(&path, false).await?;
            self.known.of(&path, |it| it.was_archived = true);
        }
        let is_off = found.wiki_access_level.as_deref() == Some("disabled");
        if repo == RepoKind::Wiki && is_off {
            return Ok(None);
        }
        let end = match repo {
            RepoKind::Code => ".git",
            RepoKind::Wiki => ".wiki.git",
        };
        let path = found.path_with_namespace.unwrap_or(path);
        let url = GitUrl::parse(&format!("{}{path}{end}", self.api.place.home)).0;
        Ok(Some(GitRemote { url, credentials: self.api.place.credentials.clone() }))
    }

    async fn save(&self, blob: &BlobRef, bytes: ByteStream) -> Result<(), HostError> {
        self.files.keep(blob, bytes).await
    }

    async fn flush(&self, _: &Scope) -> Result<(), HostError> {
        Ok(())
    }

    async fn finish(&self, scope: &Scope) -> Result<Vec<(Origin, Loss)>, HostError> {
        match scope {
            Scope::Shared => Ok(Vec::new()),
            Scope::Project(path) => self.finish_project(path).await,
        }
    }
}

#[cfg(test)]
mod tests;
