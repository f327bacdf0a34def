//! The server as a sink: which request makes which kind.

mod account;
mod change;
mod comment;
mod ending;
mod file;
mod find;
mod hunk;
mod issue;
mod known;
mod member;
mod people;
mod project;
mod pushed;
mod release;
mod remove;
mod review;
mod rule;
mod setting;
mod state;
mod status;
mod text;
mod wiki;

use super::{
    api::Api,
    place::Extent,
    read::{GiteaSource, Path},
    server::Server,
    support,
};
use crate::{kept::Files, known::Known};
use async_trait::async_trait;
use known::{Commits, Left};
pub(super) use member::word;
use packhorse_core::{
    Capabilities, GitRemote, HostError, HostErrorKind, Keeps, Loss, Numbering, Object, ObjectKind,
    Origin, Record, RepoKind, Scope, Settle, TargetId,
    limits::Limits,
    model::Markup,
    port::{BlobRef, ByteStream, Numbered, Outcome, Sink, Written},
};
use packhorse_net::{
    clock::{Clock, System},
    urgency::first,
};
use people::People;
use std::{path::PathBuf, sync::Arc};
use tokio::sync::OnceCell;

/// Characters of a title.
///
/// Source: Gitea, `models/issues/issue.go`, the column `name`.
const TITLE_CHARS: usize = 255;

/// A server of Gitea, Forgejo or Gogs, as a sink.
pub(super) struct GiteaSink {
    api: Arc<Api>,
    /// The same server, to look at what is there.
    source: GiteaSource,
    server: OnceCell<Server>,
    people: People,
    known: Known<known::Project>,
    files: Files,
    clock: Arc<dyn Clock>,
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

    /// The record is left out by rule, for it would be something else there.
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

    /// Whether it was there before.
    fn outcome(&self) -> Outcome {
        if self.existing.is_some() { Outcome::Updated } else { Outcome::Created }
    }
}

impl GiteaSink {
    pub(super) fn new(api: Arc<Api>, scratch: PathBuf) -> Self {
        Self {
            source: GiteaSource::new(Arc::clone(&api)),
            api,
            server: OnceCell::new(),
            people: People::default(),
            known: Known::default(),
            files: Files::new(scratch),
            clock: Arc::new(System),
        }
    }

    async fn server(&self) -> Result<&Server, HostError> {
        self.server.get_or_try_init(|| Server::ask(&self.api)).await
    }

    /// The project of a scope, which must be within what the location says.
    fn path<'a>(&self, scope: &'a Scope) -> Result<Path<'a>, HostError> {
        let fail = |why: &str| {
            Err(HostError::new(HostErrorKind::Rejected, "write to a project")
                .with("project", scope)
                .with("reason", why))
        };
        let Some(project) = scope.project() else { return fail("it is none") };
        let path = Path::of(project)?;
        match self.is_meant(path) {
            true => Ok(path),
            false => fail(
                "the address names another owner or project; say what it shall be called \
                           behind a `#`",
            ),
        }
    }

    /// Whether a project is within what the location says.
    fn is_meant(&self, path: Path<'_>) -> bool {
        match &self.api.place.extent {
            Extent::All => true,
            Extent::Owner(owner) => owner.eq_ignore_ascii_case(path.owner),
            Extent::Project(only) => only.eq_ignore_ascii_case(&path.to_string()),
        }
    }

    /// Whether an organization is within what the location says.
    fn is_within(&self, organization: &str) -> bool {
        let owner = self.api.place.extent.owner();
        owner.is_none_or(|it| it.eq_ignore_ascii_case(organization))
    }

    /// Makes or changes something; what comes late finds the doors of an archived project closed, and
    /// they open for it alone.
    async fn make_anyhow(&self, scope: &Scope, task: &mut Task<'_>) -> Done {
        match self.make(scope, task).await {
            Err(error) if error.kind == HostErrorKind::Conflict => {
                if !self.is_archived(scope).await? {
                    return Err(error);
                }
                let path = self.path(scope)?;
                self.archive(path, false).await?;
                task.losses.clear();
                let made = match self.make(scope, task).await {
                    Ok(made) => self.finish_begun(scope, task, &made.0).await.map(|()| made),
                    Err(error) => Err(error),
                };
                self.archive(path, true).await?;
                made
            }
            other => other,
        }
    }

    /// Does what is left of something that was made.
    async fn finish_begun(
        &self,
        scope: &Scope,
        task: &mut Task<'_>,
        number: &str,
    ) -> Result<(), HostError> {
        let (Object::Issue(_) | Object::ChangeRequest(_)) = &task.record.object else {
            return Ok(());
        };
        let path = self.path(scope)?;
        let Some(left) = self.known.of(path, |it| it.begun.remove(number)) else { return Ok(()) };
        let record = task.record;
        if let (Left::Issue { labels, rest }, Object::Issue(it)) = (&left, &record.object) {
            return self.complete_issue(path, number, (labels.as_deref(), rest), it).await;
        }
        if let (Left::Change(missing), Object::ChangeRequest(it)) = (left, &record.object) {
            return self.complete_change(path, task, it, (number, missing)).await;
        }
        Ok(())
    }

    async fn make(&self, scope: &Scope, task: &mut Task<'_>) -> Done {
        if ending::is_behind(&task.record.object) {
            self.end_all(self.path(scope)?).await?;
        }
        if pushed::stands_on_commits(&task.record.object) {
            self.noticed(self.path(scope)?).await?;
        }
        match &task.record.object {
            Object::User(it) => self.user(task, it).await,
            Object::Organization(it) => self.organization(task, it).await,
            Object::Team(it) => self.team(task, it).await,
            Object::Member(it) if *scope == Scope::Shared => self.shared_member(task, it).await,
            Object::Member(it) => self.member(self.path(scope)?, task, it).await,
            Object::Project(it) => self.project(self.path(scope)?, task, it).await,
            Object::Topic(it) => self.topic(self.path(scope)?, task, it).await,
            Object::Label(it) => self.label(self.path(scope)?, task, it).await,
            Object::Milestone(it) => self.milestone(self.path(scope)?, task, it).await,
            Object::Attachment(it) => self.attachment(self.path(scope)?, task, it).await,
            Object::Issue(it) => self.issue(self.path(scope)?, task, it).await,
            Object::ChangeRequest(it) => self.change_request(self.path(scope)?, task, it).await,
            Object::Review(it) => self.review(self.path(scope)?, task, it).await,
            Object::ReviewThread(it) => self.thread(self.path(scope)?, task, it),
            Object::ReviewComment(it) => self.review_comment(self.path(scope)?, task, it).await,
            Object::Comment(it) => self.comment(self.path(scope)?, task, it).await,
            Object::Reaction(it) => self.reaction(self.path(scope)?, task, it).await,
            Object::CommitStatus(it) => self.commit_status(self.path(scope)?, task, it).await,
            Object::Release(it) => self.release(self.path(scope)?, task, it).await,
            Object::ReleaseAsset(it) => self.asset(self.path(scope)?, task, it).await,
            Object::BranchRule(it) => self.branch_rule(self.path(scope)?, task, it).await,
            Object::TagRule(it) => self.tag_rule(self.path(scope)?, task, it).await,
            Object::Webhook(it) => self.webhook(self.path(scope)?, task, it).await,
            Object::DeployKey(it) => self.deploy_key(self.path(scope)?, task, it).await,
            Object::State(it) => self.state(self.path(scope)?, task, it).await,
            Object::LfsObject(_) => self.large_file(self.path(scope)?, task).await,
            Object::Repository(_)
            | Object::Wiki(_)
            | Object::DiscussionCategory(_)
            | Object::Discussion(_)
            | Object::Snippet(_)
            | Object::CommitComment(_)
            | Object::Event(_)
            | Object::Board(_)
            | Object::Variable(_) => task.drop("the server has no place for it"),
        }
    }
}

#[async_trait]
impl Sink for GiteaSink {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        let server = self.server().await?;
        if server.me.is_none() {
            return Err(HostError::new(HostErrorKind::Unauthorized, "write to the server")
                .with("url", &self.api.place.home)
                .with("reason", "it takes no changes from strangers: give it a token"));
        }
        let identity = format!("gitea:{}", self.api.place.home);
        let mut capabilities = server.narrow(Capabilities::promised(support::writes, identity));
        if !matches!(self.api.place.extent, Extent::All) {
            let why = "accounts stand outside of what the address says";
            capabilities = capabilities.without(ObjectKind::User, why);
        }
        capabilities.settle = Settle::Record;
        capabilities.keeps = Keeps { authors: false, times: false, numbers: false };
        capabilities.numbering = Numbering::OneRow;
        capabilities.limits = Limits {
            title_chars: Some(TITLE_CHARS),
            label_color_hex: true,
            project_description_chars: Some(2_048),
            topic_chars: Some(35),
            ..Limits::default()
        };
        capabilities.markup = Some(Markup::Gitea);
        capabilities.web_url = Some(self.api.place.home.as_str().trim_end_matches('/').to_owned());
        Ok(capabilities)
    }

    async fn find(&self, scope: &Scope, record: &Record) -> Result<Option<TargetId>, HostError> {
        self.look_for(scope, record).await
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
        let (target, outcome) = self.make_anyhow(scope, &mut task).await?;
        self.finish_begun(scope, &mut task, &target).await?;
        Ok(Written { target: TargetId(target), outcome, losses: task.losses })
    }

    async fn number(&self, scope: &Scope, record: &Record) -> Result<Numbered, HostError> {
        let mut task = Task { record, existing: None, losses: Vec::new() };
        let (target, outcome) = first(self.make_anyhow(scope, &mut task)).await?;
        let is_open = self.known.of(self.path(scope)?, |it| it.begun.contains_key(&target));
        let written = Written { target: TargetId(target), outcome, losses: task.losses };
        Ok(Numbered { written, is_open })
    }

    async fn complete(
        &self,
        scope: &Scope,
        record: &Record,
        target: &TargetId,
    ) -> Result<Vec<Loss>, HostError> {
        let mut task = Task { record, existing: None, losses: Vec::new() };
        match self.finish_begun(scope, &mut task, &target.0).await {
            Err(error) if error.kind == HostErrorKind::Conflict => {
                // Somebody closed the doors meanwhile: it is brought up to date as a whole.
                task.existing = Some(target);
                self.make_anyhow(scope, &mut task).await?;
            }
            other => other?,
        }
        Ok(task.losses)
    }

    async fn remove(
        &self,
        scope: &Scope,
        origin: &Origin,
        target: &TargetId,
    ) -> Result<(), HostError> {
        self.take_away(scope, origin.kind, &target.0).await
    }

    async fn remote(&self, project: &str, repo: RepoKind) -> Result<Option<GitRemote>, HostError> {
        let scope = Scope::Project(project.to_owned());
        let path = self.path(&scope)?;
        let found = self.source.repository(path).await?;
        if found.archived == Some(true) {
            // It takes no pushes; it is closed again when all is there.
            self.archive(path, false).await?;
            self.known.of(path, |it| it.was_archived = true);
        }
        if repo == RepoKind::Code {
            let is_empty = found.empty == Some(true);
            let commits = if is_empty { Commits::Pushed } else { Commits::Told };
            // What is pushed moves branches.
            self.known.of(path, |it| (it.commits, it.branches) = (commits, None));
        }
        if repo == RepoKind::Wiki && !self.open_wiki(path, &found).await? {
            return Ok(None);
        }
        Ok(Some(self.source.git_remote(path, repo)))
    }

    async fn save(&self, blob: &BlobRef, bytes: ByteStream) -> Result<(), HostError> {
        self.files.keep(blob, bytes).await
    }

    async fn flush(&self, _: &Scope) -> Result<(), HostError> {
        Ok(())
    }

    async fn finish(&self, scope: &Scope) -> Result<Vec<(Origin, Loss)>, HostError> {
        if *scope == Scope::Shared {
            return Ok(Vec::new());
        }
        let path = self.path(scope)?;
        match self.end_all(path).await {
            Err(error) if error.kind == HostErrorKind::Conflict => {
                self.archive(path, false).await?;
                self.end_all(path).await?;
                self.archive(path, true).await?;
            }
            other => other?,
        }
        let late = self.known.of(path, |it| std::mem::take(&mut it.late));
        self.close_project(path).await?;
        Ok(late)
    }
}
