//! The server as a sink: which call makes which kind.
//!
//! Everything is written as whoever owns the token; who wrote it and when stand
//! in the texts. Notifications go out as GitHub sends them.

mod account;
mod branch;
mod change_request;
mod discussion;
mod ends;
mod find;
mod import;
mod issue;
mod known;
mod label;
mod project;
mod reaction;
mod release;
mod remove;
mod review;
mod rule;
mod settings;
mod state;
mod talk;
mod text;
mod thread;

use super::{api::Api, call::says, place::Extent, read::Path, support, wire};
use crate::{kept::Files, known::Known};
pub(super) use account::permission;
use async_trait::async_trait;
use packhorse_core::{
    Capabilities, GitRemote, GitUrl, HostError, HostErrorKind, Keeps, Loss, Numbering, Object,
    ObjectKind, Origin, Record, RepoKind, Scope, Settle, TargetId,
    limits::Limits,
    model::Markup,
    port::{BlobRef, ByteStream, Numbered, Outcome, Sink, Written},
};
use packhorse_net::urgency::first;
use std::path::PathBuf;
use tokio::sync::{Mutex, OnceCell};

/// A server of GitHub's, as a sink.
pub(super) struct GithubSink {
    api: Api,
    files: Files,
    known: Known<known::Project>,
    /// Who owns the token.
    me: OnceCell<String>,
    /// Held while an archived project is open for something that came late.
    doors: Mutex<()>,
}

/// What is lost of something while it is written.
#[derive(Debug, Default)]
struct Told {
    losses: Vec<Loss>,
}

impl Told {
    /// Notes something that GitHub has no place for, or another one.
    fn lost(&mut self, field: &'static str, why: impl Into<String>) {
        self.losses.push(Loss::sink(field, why));
    }

    fn written(self, target: impl ToString, outcome: Outcome) -> Written {
        Written { target: TargetId(target.to_string()), outcome, losses: self.losses }
    }

    /// Made anew, or brought up to date.
    fn done(self, target: impl ToString, existing: Option<&TargetId>) -> Written {
        let outcome = if existing.is_some() { Outcome::Updated } else { Outcome::Created };
        self.written(target, outcome)
    }

    /// Left out by rule, for it would be something else there.
    fn dropped(mut self, why: impl Into<String>) -> Written {
        self.losses.push(Loss::policy(Loss::WHOLE, why));
        self.written("", Outcome::Dropped)
    }

    /// Left out although it should have its place.
    fn missed(mut self, why: impl Into<String>) -> Written {
        self.lost(Loss::WHOLE, why);
        self.written("", Outcome::Dropped)
    }
}

/// A record on its way into a project.
#[derive(Clone, Copy)]
struct Order<'a> {
    path: Path<'a>,
    record: &'a Record,
    existing: Option<&'a TargetId>,
}

impl Order<'_> {
    /// What the object of that kind and id at the source became here.
    fn became(&self, kind: ObjectKind, id: &str) -> Option<&str> {
        let became = self.record.links.get(&Origin::new(kind, id))?;
        Some(became.0.as_str()).filter(|it| !it.is_empty())
    }
}

/// An answer that does not say what it made.
fn unnumbered(operation: &'static str) -> HostError {
    HostError::new(HostErrorKind::Protocol, operation).with("answer", "it names no id")
}

/// Whether a refusal is because the project is archived.
fn is_shut(error: &HostError) -> bool {
    error.kind == HostErrorKind::Forbidden && says(error, "archived")
}

impl GithubSink {
    pub(super) fn new(api: Api, scratch: PathBuf) -> Self {
        Self {
            api,
            files: Files::new(scratch),
            known: Known::default(),
            me: OnceCell::new(),
            doors: Mutex::default(),
        }
    }

    /// The login of whoever owns the token.
    async fn me(&self) -> Result<&str, HostError> {
        let ask = async || {
            let me: wire::User = self.api.get(&["user"], "look who we are").await?;
            Ok(me.login.unwrap_or_default())
        };
        self.me.get_or_try_init(ask).await.map(String::as_str)
    }

    /// The project that a scope means; one outside what the location names is refused.
    fn path<'a>(&self, scope: &'a Scope) -> Result<Path<'a>, HostError> {
        let path = scope.project().unwrap_or_default();
        if !self.api.place.extent.holds(path) {
            return Err(HostError::new(HostErrorKind::Rejected, "write to GitHub")
                .with("project", path)
                .with("reason", "it lies outside of the destination that was named"));
        }
        Path::of(path)
    }

    async fn write_shared(
        &self,
        record: &Record,
        existing: Option<&TargetId>,
    ) -> Result<Written, HostError> {
        if let Object::Team(it) = &record.object {
            self.team(it, existing).await
        } else if let Object::Member(it) = &record.object {
            self.shared_member(it, existing).await
        } else {
            Ok(Told::default().dropped("the API does not make these"))
        }
    }

    async fn write_in(&self, order: Order<'_>) -> Result<Written, HostError> {
        match &order.record.object {
            Object::Project(it) => self.project(order, it).await,
            Object::Topic(it) => self.topic(order, it).await,
            Object::Member(it) => self.member(order, it).await,
            Object::Label(it) => self.label(order, it).await,
            Object::Milestone(it) => self.milestone(order, it).await,
            Object::Issue(it) => self.issue(order, it).await,
            Object::ChangeRequest(it) => self.change_request(order, it).await,
            Object::Review(it) => self.review(order, it).await,
            Object::ReviewThread(it) => self.review_thread(order, it).await,
            Object::ReviewComment(it) => self.review_comment(order, it).await,
            Object::DiscussionCategory(it) => self.category(order, it).await,
            Object::Discussion(it) => self.discussion(order, it).await,
            Object::CommitComment(it) => self.commit_comment(order, it).await,
            Object::Comment(it) => self.comment(order, it).await,
            Object::Reaction(it) => self.reaction(order, it).await,
            Object::CommitStatus(it) => self.commit_status(order, it).await,
            Object::Release(it) => self.release(order, it).await,
            Object::ReleaseAsset(it) => self.release_asset(order, it).await,
            Object::BranchRule(it) => self.branch_rule(order, it).await,
            Object::TagRule(it) => self.tag_rule(order, it).await,
            Object::Webhook(it) => self.webhook(order, it).await,
            Object::DeployKey(it) => self.deploy_key(order, it).await,
            Object::State(it) => self.state(order, it).await,
            Object::Variable(it) => {
                let why = format!("values do not travel: enter `{}` again", it.name);
                Ok(Told::default().missed(why))
            }
            Object::User(_)
            | Object::Organization(_)
            | Object::Team(_)
            | Object::LfsObject(_)
            | Object::Repository(_)
            | Object::Wiki(_)
            | Object::Attachment(_)
            | Object::Snippet(_)
            | Object::Event(_)
            | Object::Board(_) => Ok(Told::default().dropped("the API does not make these")),
        }
    }

    /// Writes into an archived project what came late: it is open for that alone.
    async fn write_late(&self, order: Order<'_>) -> Result<Written, HostError> {
        let _held = self.doors.lock().await;
        self.archive(order.path, false).await?;
        let written = self.write_in(order).await;
        self.archive(order.path, true).await?;
        written
    }
}

#[async_trait]
impl Sink for GithubSink {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        let operation = "log in";
        if self.api.place.credentials.is_none() {
            return Err(HostError::new(HostErrorKind::Unauthorized, operation)
                .with("host", self.api.place.host())
                .with("remedy", "writing needs a token with the scopes `repo` and `admin:org`"));
        }
        let told = self.api.greet().await?;
        if !told.may(&["repo", "public_repo"]) {
            return Err(HostError::new(HostErrorKind::Forbidden, operation)
                .with("host", self.api.place.host())
                .with("remedy", "the token lacks the scope `repo`; make one that has it"));
        }
        let identity = format!("github:{}", self.api.place.home);
        let mut capabilities = Capabilities::promised(support::writes, identity);
        capabilities.keeps = Keeps { authors: false, times: false, numbers: false };
        capabilities.numbering = Numbering::OneRow;
        capabilities.settle = Settle::Record;
        capabilities.markup = Some(Markup::Github);
        capabilities.web_url = Some(self.api.place.home.as_str().trim_end_matches('/').to_owned());
        capabilities.limits = limits();
        if matches!(self.api.place.extent, Extent::Project(_)) {
            let why = "teams stand outside of what the address says";
            capabilities = capabilities.without(ObjectKind::Team, why);
        }
        Ok(told.narrow_writes(capabilities))
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
        if *scope == Scope::Shared {
            return self.write_shared(record, existing).await;
        }
        let order = Order { path: self.path(scope)?, record, existing };
        match self.write_in(order).await {
            Err(error) if is_shut(&error) => self.write_late(order).await,
            other => other,
        }
    }

    async fn number(&self, scope: &Scope, record: &Record) -> Result<Numbered, HostError> {
        let order = Order { path: self.path(scope)?, record, existing: None };
        let numbered = if let Object::Issue(it) = &record.object {
            first(self.number_issue(order, it)).await
        } else if let Object::ChangeRequest(it) = &record.object {
            first(self.number_change(order, it)).await
        } else {
            let written = self.write(scope, record, None).await?;
            return Ok(Numbered { written, is_open: false });
        };
        match numbered {
            Err(error) if is_shut(&error) => {
                Ok(Numbered { written: self.write_late(order).await?, is_open: false })
            }
            other => other,
        }
    }

    async fn complete(
        &self,
        scope: &Scope,
        record: &Record,
        target: &TargetId,
    ) -> Result<Vec<Loss>, HostError> {
        let order = Order { path: self.path(scope)?, record, existing: None };
        let completed = if let Object::Issue(it) = &record.object {
            self.complete_issue(order, it, target).await
        } else if let Object::ChangeRequest(it) = &record.object {
            self.complete_change(order, it, target).await
        } else {
            return Ok(Vec::new());
        };
        match completed {
            Err(error) if is_shut(&error) => {
                let order = Order { existing: Some(target), ..order };
                Ok(self.write_late(order).await?.losses)
            }
            other => other,
        }
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
        match scope {
            Scope::Shared => self.remove_shared(origin, target).await,
            Scope::Project(_) => self.remove_in(self.path(scope)?, origin, target).await,
        }
    }

    /// The code's address, and a wiki's, to which GitHub takes no push until its first page was
    /// made on GitHub's pages.
    async fn remote(&self, project: &str, repo: RepoKind) -> Result<Option<GitRemote>, HostError> {
        let scope = Scope::Project(project.to_owned());
        let path = self.path(&scope)?;
        let found: wire::Repository = self.api.get(&path.below(&[]), "read a project").await?;
        if found.archived == Some(true) {
            // It takes no pushes; it is closed again when all is there.
            self.archive(path, false).await?;
            self.known.of(path, |it| it.was_archived = true);
        }
        let end = match repo {
            RepoKind::Code => ".git",
            RepoKind::Wiki if found.has_wiki == Some(true) => ".wiki.git",
            RepoKind::Wiki => return Ok(None),
        };
        let home = self.api.place.home.as_str();
        let url = GitUrl::parse(&format!("{home}{}/{}{end}", path.owner, path.name)).0;
        Ok(Some(GitRemote { url, credentials: self.api.place.credentials.clone() }))
    }

    async fn save(&self, blob: &BlobRef, bytes: ByteStream) -> Result<(), HostError> {
        self.files.keep(blob, bytes).await
    }

    async fn flush(&self, _: &Scope) -> Result<(), HostError> {
        Ok(())
    }

    async fn finish(&self, scope: &Scope) -> Result<Vec<(Origin, Loss)>, HostError> {
        if scope.project().is_some() {
            self.close_project(self.path(scope)?).await?;
        }
        Ok(Vec::new())
    }
}

/// What GitHub takes.
///
/// Source: GitHub's refusals ("is too long (maximum is … characters)"); "Classifying your
/// repository with topics"; "About large files on GitHub"; "Troubleshooting the 2 GB push limit".
fn limits() -> Limits {
    Limits {
        title_chars: Some(256),
        label_name_chars: Some(50),
        label_description_chars: Some(100),
        label_color_hex: true,
        project_description_chars: Some(350),
        // GitHub counts characters, of which there are never more than bytes.
        body_bytes: Some(65_536),
        topic_chars: Some(project::MAX_TOPIC),
        push_bytes: Some(2 << 30),
        file_bytes: Some(100 << 20),
    }
}

#[cfg(test)]
mod tests;
