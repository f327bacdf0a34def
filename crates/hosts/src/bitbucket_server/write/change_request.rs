//! Change requests, and the branches that they need.
//!
//! A request is between two branches that differ. One that is open is made between
//! its own branches where they are there. For all others, and for those that
//! came from a fork, branches `packhorse/NUMBER/head` and `packhorse/NUMBER/base`
//! are made at the commits; those of closed requests go again when all is done.
//! A merged request is merged into its `packhorse/…/base`, so that it is shown as
//! merged and no branch of the project moves.

use super::{Done, Part, Path, ServerSink, is_refusal, wire, words};
use crate::bitbucket_text::sent;
use http::Method;
use packhorse_core::{
    HostError, HostErrorKind, Loss, Record, TargetId,
    model::{ChangeRequest, ChangeRequestState, Grantee, Text},
};
use serde_json::{Value, json};

/// What branches of ours are named.
const OURS: &str = "packhorse/";

/// Where a request begins and ends, and what is lost by that.
struct Ends {
    from: String,
    to: String,
    losses: Vec<Loss>,
}

/// Why there can be no request.
enum Refused {
    /// The words for it.
    Because(String),
    Failed(HostError),
}

impl From<HostError> for Refused {
    fn from(error: HostError) -> Self {
        Self::Failed(error)
    }
}

/// The request of a branch of ours.
fn ours(name: &str) -> Option<u64> {
    let (number, end) = name.strip_prefix(OURS)?.split_once('/')?;
    number.parse().ok().filter(|_| matches!(end, "head" | "base"))
}

fn head_of(number: u64) -> String {
    format!("{OURS}{number}/head")
}

fn base_of(number: u64) -> String {
    format!("{OURS}{number}/base")
}

/// Title and text, as they are sent.
fn words_of(it: &ChangeRequest, losses: &mut Vec<Loss>) -> (String, String) {
    let title = it.title.trim();
    if title.is_empty() {
        losses.push(Loss::sink("title", "it had none, and here it must have one"));
    }
    let title = if title.is_empty() { "(no title)" } else { title };
    (title.to_owned(), sent(it.body.as_ref().map_or("", Text::as_str)))
}

fn reviewers(it: &ChangeRequest, losses: &mut Vec<Loss>) -> Vec<Value> {
    let mut list = Vec::new();
    for request in &it.review_requests {
        match &request.reviewer {
            Grantee::User(who) => list.push(json!({"user": {"name": who.login}})),
            Grantee::Team { slug: name, .. } | Grantee::Group(name) => {
                let detail = format!("the group {name} cannot be asked for a review");
                losses.push(Loss::sink("review_requests", detail));
            }
        }
    }
    list
}

impl ServerSink {
    pub(super) async fn write_request(
        &self,
        path: Path<'_>,
        record: &Record,
        it: &ChangeRequest,
        existing: Option<&TargetId>,
    ) -> Result<Done, HostError> {
        if let Some(target) = existing {
            return self.update_request(path, it, target).await;
        }
        let ends = match self.ends(path, it).await {
            Ok(ends) => ends,
            Err(Refused::Because(why)) => return Ok(Done::dropped(&record.origin.id, why)),
            Err(Refused::Failed(error)) => return Err(error),
        };
        let Ends { from, to, mut losses } = ends;
        let (title, description) = words_of(it, &mut losses);
        let mut body = json!({
            "title": title,
            "description": description,
            "fromRef": reference(path, &from),
            "toRef": reference(path, &to),
            "reviewers": reviewers(it, &mut losses),
        });
        if it.draft {
            body["draft"] = json!(true);
        }
        let mut made = self.open_request(path, &body).await;
        if made.as_ref().is_err_and(|error| is_refusal(error) && words(error).contains("eviewer")) {
            losses.push(Loss::sink(
                "review_requests",
                made.as_ref().err().map(words).unwrap_or_default(),
            ));
            body["reviewers"] = json!([]);
            made = self.open_request(path, &body).await;
        }
        if made.as_ref().is_err_and(is_refusal)
            && let Some(base) = self.base_before(path, it).await?
        {
            // The base holds the head already: it is taken from before the merge.
            self.branch(path, &base_of(it.number), &base).await?;
            body["toRef"] = reference(path, &base_of(it.number));
            losses.push(Loss::sink("base.name", format!("was {}", it.base.name)));
            made = self.open_request(path, &body).await;
        }
        let made = match made {
            Ok(made) => made,
            Err(error) if is_refusal(&error) => {
                return Ok(Done::dropped(&record.origin.id, words(&error)));
            }
            Err(error) => return Err(error),
        };
        if it.draft && made.draft != Some(true) {
            losses.push(Loss::sink("draft", "versions before 8.18 have no drafts"));
        }
        losses.extend(self.settle(path, &made, it.state).await?);
        let id = made.id.map(|it| it.to_string()).unwrap_or_default();
        Ok(Done::new(id, None).with(losses))
    }

    async fn open_request(
        &self,
        path: Path<'_>,
        body: &Value,
    ) -> Result<wire::PullRequest, HostError> {
        let below = path.below(&["pull-requests"]);
        self.api.post((Part::Core, &below), body, "make a change request").await
    }

    /// The branches that a request is made between.
    async fn ends(&self, path: Path<'_>, it: &ChangeRequest) -> Result<Ends, Refused> {
        let mut losses = Vec::new();
        let is_open = it.state == ChangeRequestState::Open;
        let is_own = it.head.project.is_none() || it.head.project == it.base.project;
        let stays = is_open && is_own && self.tip(path, &it.head.name).await?.is_some();
        let from = if stays {
            it.head.name.clone()
        } else {
            let commit = it.head.commit.as_deref().filter(|it| !it.is_empty());
            let commit = commit.ok_or_else(|| {
                Refused::Because("the commit at its head is not known".to_owned())
            })?;
            let name = head_of(it.number);
            self.branch_or_why(path, &name, commit).await?;
            losses.push(Loss::sink("head.name", format!("was {}", it.head.name)));
            name
        };
        let is_merged = it.state == ChangeRequestState::Merged;
        let to = if !is_merged && self.tip(path, &it.base.name).await?.is_some() {
            it.base.name.clone()
        } else {
            let commit = it.base.commit.as_deref().filter(|it| !it.is_empty());
            let commit = commit.ok_or_else(|| {
                Refused::Because("the commit at its base is not known".to_owned())
            })?;
            let name = base_of(it.number);
            self.branch_or_why(path, &name, commit).await?;
            losses.push(Loss::sink("base.name", format!("was {}", it.base.name)));
            name
        };
        Ok(Ends { from, to, losses })
    }

    async fn branch_or_why(&self, path: Path<'_>, name: &str, commit: &str) -> Result<(), Refused> {
        match self.branch(path, name, commit).await {
            Err(error) if is_refusal(&error) => Err(Refused::Because(format!(
                "its commit {commit} is not in the repository: {}",
                words(&error)
            ))),
            other => Ok(other?),
        }
    }

    /// A branch of ours at a commit; moved where it is elsewhere.
    async fn branch(&self, path: Path<'_>, name: &str, commit: &str) -> Result<(), HostError> {
        match self.tip(path, name).await? {
            Some(tip) if tip == commit => return Ok(()),
            Some(_) => self.unbranch(path, name).await?,
            None => {}
        }
        let below = path.below(&["branches"]);
        let body = json!({"name": name, "startPoint": commit});
        let at = (Part::BranchUtils, &below[..]);
        self.api.act(Method::POST, at, &[], (Some(&body), "make a branch")).await
    }

    async fn unbranch(&self, path: Path<'_>, name: &str) -> Result<(), HostError> {
        let below = path.below(&["branches"]);
        let body = json!({"name": format!("refs/heads/{name}"), "dryRun": false});
        let at = (Part::BranchUtils, &below[..]);
        match self.api.act(Method::DELETE, at, &[], (Some(&body), "remove a branch")).await {
            Err(error) if error.kind == HostErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// The commit at the end of a branch.
    async fn tip(&self, path: Path<'_>, name: &str) -> Result<Option<String>, HostError> {
        if name.is_empty() {
            return Ok(None);
        }
        let below = path.below(&["branches"]);
        let query = [("filterText", name)];
        let found: Vec<wire::Branch> =
            self.api.children((Part::Core, &below), &query, "look for a branch").await?;
        let id = format!("refs/heads/{name}");
        let found = found.into_iter().find(|it| it.id.as_deref() == Some(id.as_str()));
        Ok(found.and_then(|it| it.latest_commit))
    }

    /// The commit that a merged request was merged onto.
    async fn base_before(
        &self,
        path: Path<'_>,
        it: &ChangeRequest,
    ) -> Result<Option<String>, HostError> {
        let Some(merge) = it.merge_commit.as_deref().filter(|it| !it.is_empty()) else {
            return Ok(None);
        };
        let below = path.below(&["commits", merge]);
        let found: Option<wire::CommitParents> =
            self.api.find(Part::Core, &below, "read a commit").await?;
        let parents = found.and_then(|it| it.parents).map(|it| it.0).unwrap_or_default();
        Ok(parents.into_iter().next().and_then(|it| it.id))
    }

    /// Brings a request into the state that it had.
    async fn settle(
        &self,
        path: Path<'_>,
        made: &wire::PullRequest,
        state: ChangeRequestState,
    ) -> Result<Vec<Loss>, HostError> {
        let now = made.state.as_deref().unwrap_or("OPEN");
        let action = match (now, state) {
            ("OPEN", ChangeRequestState::Merged) => "merge",
            ("OPEN", ChangeRequestState::Closed) => "decline",
            ("DECLINED", ChangeRequestState::Open) => "reopen",
            ("DECLINED", ChangeRequestState::Merged) | ("MERGED", ChangeRequestState::Closed) => {
                let detail = "it was closed here in another way, which cannot be changed";
                return Ok(vec![Loss::sink("state", detail)]);
            }
            ("MERGED", ChangeRequestState::Open) => {
                return Ok(vec![Loss::sink("state", "it is merged here, which is for good")]);
            }
            (_, _) => return Ok(Vec::new()),
        };
        match self.turn(path, made, action).await {
            Err(error) if is_refusal(&error) && action == "merge" => {
                let detail = format!("declined, for it could not be merged: {}", words(&error));
                self.turn(path, made, "decline").await?;
                Ok(vec![Loss::sink("state", detail)])
            }
            Err(error) if is_refusal(&error) => Ok(vec![Loss::sink("state", words(&error))]),
            Ok(()) if action == "merge" => {
                let detail =
                    "merging it here made a commit of its own, on no branch of the project";
                Ok(vec![Loss::sink("merge_commit", detail)])
            }
            other => other.map(|()| Vec::new()),
        }
    }

    async fn turn(
        &self,
        path: Path<'_>,
        request: &wire::PullRequest,
        action: &str,
    ) -> Result<(), HostError> {
        let number = request.id.unwrap_or_default().to_string();
        let version = request.version.unwrap_or_default().to_string();
        let below = path.below(&["pull-requests", &number, action]);
        let query = [("version", version.as_str())];
        let at = (Part::Core, &below[..]);
        let body = json!({});
        let operation = "set the state of a change request";
        self.api.act(Method::POST, at, &query, (Some(&body), operation)).await
    }

    pub(super) async fn request(
        &self,
        path: Path<'_>,
        number: &str,
    ) -> Result<Option<wire::PullRequest>, HostError> {
        let below = path.below(&["pull-requests", number]);
        self.api.find(Part::Core, &below, "read a change request").await
    }

    async fn update_request(
        &self,
        path: Path<'_>,
        it: &ChangeRequest,
        target: &TargetId,
    ) -> Result<Done, HostError> {
        let gone = || {
            HostError::new(HostErrorKind::NotFound, "change a change request")
                .with("number", &target.0)
        };
        let mut found = self.request(path, &target.0).await?.ok_or_else(gone)?;
        let mut losses = Vec::new();
        let (title, description) = words_of(it, &mut losses);
        let said = |it: &Option<String>| it.clone().unwrap_or_default();
        let is_same = said(&found.title) == title && said(&found.description) == description;
        if !is_same && found.state.as_deref() == Some("DECLINED") {
            // What is declined takes no changes; it is opened for that moment.
            self.turn(path, &found, "reopen").await?;
            found = self.request(path, &target.0).await?.ok_or_else(gone)?;
        }
        if !is_same {
            let body = json!({
                "title": title,
                "description": description,
                "version": found.version.unwrap_or_default(),
                "reviewers": reviewers_now(&found),
            });
            let below = path.below(&["pull-requests", &target.0]);
            match self.api.put((Part::Core, &below), &body, "change a change request").await {
                Ok(changed) => found = changed,
                Err(error) if is_refusal(&error) => {
                    let detail = format!("it stays as it was: {}", words(&error));
                    losses.push(Loss::sink("title", detail.clone()));
                    losses.push(Loss::sink("body", detail));
                }
                Err(error) => return Err(error),
            }
        }
        losses.extend(self.settle(path, &found, it.state).await?);
        Ok(Done::new(&target.0, Some(target)).with(losses))
    }

    /// Removes branches of ours that no open request needs.
    pub(super) async fn tidy(&self, path: Path<'_>) -> Result<(), HostError> {
        let operation = "look for branches that are not needed";
        let below = path.below(&["branches"]);
        let query = [("filterText", OURS)];
        let found: Result<Vec<wire::Branch>, _> =
            self.api.children((Part::Core, &below), &query, operation).await;
        let found = match found {
            // Nothing was made there.
            Err(error) if error.kind == HostErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        let mut names: Vec<String> = found.into_iter().filter_map(|it| it.display_id).collect();
        names.retain(|it| ours(it).is_some());
        if names.is_empty() {
            return Ok(());
        }
        let below = path.below(&["pull-requests"]);
        let query = [("state", "OPEN")];
        let open: Vec<wire::PullRequest> =
            self.api.children((Part::Core, &below), &query, operation).await?;
        let needed = |name: &String| {
            let open = open.iter().filter(|it| it.state.as_deref() == Some("OPEN"));
            open.flat_map(|it| [&it.from_ref, &it.to_ref]).flatten().any(|end| {
                end.id.as_deref().and_then(|it| it.strip_prefix("refs/heads/")) == Some(name)
            })
        };
        for name in names.iter().filter(|it| !needed(it)) {
            self.unbranch(path, name).await?;
        }
        Ok(())
    }
}

fn reference(path: Path<'_>, branch: &str) -> Value {
    let repository = json!({"slug": path.slug, "project": {"key": path.key}});
    json!({"id": format!("refs/heads/{branch}"), "repository": repository})
}

/// Reviewers as they are; leaving them out would dismiss them.
fn reviewers_now(found: &wire::PullRequest) -> Vec<Value> {
    let people = found.reviewers.iter().flat_map(|it| &it.0);
    let names = people.filter_map(|it| it.user.as_ref()?.name.clone());
    names.map(|it| json!({"user": {"name": it}})).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_branches_that_we_made_are_ours() {
        assert_eq!(ours(&head_of(7)), Some(7));
        assert_eq!(ours(&base_of(7)), Some(7));
        assert_eq!(ours("packhorse/7"), None);
        assert_eq!(ours("packhorse/seven/head"), None);
        assert_eq!(ours("packhorse/7/other"), None);
        assert_eq!(ours("main"), None);
    }
}
