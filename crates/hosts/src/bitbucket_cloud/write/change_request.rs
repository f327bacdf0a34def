//! Change requests, and the branches that they need.
//!
//! A request is between two branches that differ. One that is open is made between
//! its own branches where they are there. For all others, and for those that
//! came from a fork, branches `packhorse/NUMBER/head` and `packhorse/NUMBER/base`
//! are made at the commits; those of closed requests go again when all is done.
//! A merged request is merged into its `packhorse/…/base`, so that it is shown as
//! merged and no branch of the project moves.

use super::{CloudSink, Done, Path, account, is_refusal, wire, words};
use crate::bitbucket_text::sent;
use http::Method;
use packhorse_core::{
    HostError, Loss, Record, TargetId,
    model::{ChangeRequest, ChangeRequestState, Grantee, Text},
};
use serde_json::{Value, json};

/// What branches of ours are named.
const OURS: &str = "packhorse/";

/// Why there are no two branches to make a request between.
enum Refused {
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

/// The parts of a branch's address.
fn branch_path<'a>(path: Path<'a>, name: &'a str) -> Vec<&'a str> {
    let parts: Vec<&str> = ["refs", "branches"].into_iter().chain(name.split('/')).collect();
    [&["repositories", path.workspace, path.slug], &parts[..]].concat()
}

fn end(branch: &str) -> Value {
    json!({"branch": {"name": branch}})
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
            Grantee::User(who) => list.push(account(&who.login)),
            Grantee::Team { slug: name, .. } | Grantee::Group(name) => {
                let detail = format!("the group {name} cannot be asked for a review");
                losses.push(Loss::sink("review_requests", detail));
            }
        }
    }
    list
}

impl CloudSink {
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
        let mut losses = Vec::new();
        let (from, to) = match self.ends(path, it, &mut losses).await {
            Ok(ends) => ends,
            Err(Refused::Because(why)) => return Ok(Done::dropped(&record.origin.id, why)),
            Err(Refused::Failed(error)) => return Err(error),
        };
        let (title, description) = words_of(it, &mut losses);
        let mut body = json!({
            "type": "pullrequest",
            "title": title,
            "description": description,
            "source": end(&from),
            "destination": end(&to),
            "reviewers": reviewers(it, &mut losses),
            "close_source_branch": it.delete_head.unwrap_or_default(),
            "draft": it.draft,
        });
        let mut made = self.open_request(path, &body).await;
        if made.as_ref().is_err_and(|error| is_refusal(error) && words(error).contains("eviewer")) {
            let why = made.as_ref().err().map(words).unwrap_or_default();
            losses.push(Loss::sink("review_requests", why));
            body["reviewers"] = json!([]);
            made = self.open_request(path, &body).await;
        }
        if made.as_ref().is_err_and(is_refusal)
            && let Some(base) = self.base_before(path, it).await?
        {
            // The base holds the head already: it is taken from before the merge.
            let name = format!("{OURS}{}/base", it.number);
            self.branch(path, &name, &base).await?;
            body["destination"] = end(&name);
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
        losses.extend(self.settle(path, &made, it.state).await?);
        let id = made.id.map(|it| it.to_string()).unwrap_or_default();
        Ok(Done::new(id, None).with(losses))
    }

    async fn open_request(
        &self,
        path: Path<'_>,
        body: &Value,
    ) -> Result<wire::PullRequest, HostError> {
        self.api.post(&path.below(&["pullrequests"]), body, "make a change request").await
    }

    /// The branches that a request is made between.
    async fn ends(
        &self,
        path: Path<'_>,
        it: &ChangeRequest,
        losses: &mut Vec<Loss>,
    ) -> Result<(String, String), Refused> {
        let is_open = it.state == ChangeRequestState::Open;
        let is_own = it.head.project.is_none() || it.head.project == it.base.project;
        let stays = is_open && is_own && self.tip(path, &it.head.name).await?.is_some();
        let mut names = [String::new(), String::new()];
        let is_merged = it.state == ChangeRequestState::Merged;
        let base_stays = !is_merged && self.tip(path, &it.base.name).await?.is_some();
        let ends = [("head", &it.head, stays), ("base", &it.base, base_stays)];
        for (name, (word, branch, stays)) in names.iter_mut().zip(ends) {
            if stays {
                name.clone_from(&branch.name);
                continue;
            }
            let commit = branch.commit.as_deref().filter(|it| !it.is_empty());
            let commit = commit.ok_or_else(|| {
                Refused::Because(format!("the commit at its {word} is not known"))
            })?;
            *name = format!("{OURS}{}/{word}", it.number);
            match self.branch(path, name, commit).await {
                Err(error) if is_refusal(&error) => {
                    let said = words(&error);
                    let why = format!("its commit {commit} is not in the repository: {said}");
                    return Err(Refused::Because(why));
                }
                other => other?,
            }
            losses.push(Loss::sink(format!("{word}.name"), format!("was {}", branch.name)));
        }
        let [from, to] = names;
        Ok((from, to))
    }

    /// A branch of ours at a commit; moved where it is elsewhere.
    async fn branch(&self, path: Path<'_>, name: &str, commit: &str) -> Result<(), HostError> {
        match self.tip(path, name).await? {
            Some(tip) if tip == commit => return Ok(()),
            Some(_) => self.unbranch(path, name).await?,
            None => {}
        }
        let below = path.below(&["refs", "branches"]);
        let body = json!({"name": name, "target": {"hash": commit}});
        self.api.act(Method::POST, &below, (Some(&body), "make a branch")).await
    }

    async fn unbranch(&self, path: Path<'_>, name: &str) -> Result<(), HostError> {
        self.api.delete(&branch_path(path, name), "remove a branch").await
    }

    /// The commit at the end of a branch.
    async fn tip(&self, path: Path<'_>, name: &str) -> Result<Option<String>, HostError> {
        if name.is_empty() {
            return Ok(None);
        }
        let below = branch_path(path, name);
        let found: Option<wire::Branch> = self.api.find(&below, "look for a branch").await?;
        Ok(found.and_then(|it| it.target?.hash))
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
        let below = path.below(&["commit", merge]);
        let found: Option<wire::Commit> = self.api.find(&below, "read a commit").await?;
        let parents = found.and_then(|it| it.parents).map(|it| it.0).unwrap_or_default();
        Ok(parents.into_iter().next().and_then(|it| it.hash))
    }

    /// Brings a request into the state that it had.
    async fn settle(
        &self,
        path: Path<'_>,
        made: &wire::PullRequest,
        state: ChangeRequestState,
    ) -> Result<Vec<Loss>, HostError> {
        let action = match (made.state.as_deref().unwrap_or("OPEN"), state) {
            ("OPEN", ChangeRequestState::Merged) => "merge",
            ("OPEN", ChangeRequestState::Closed) => "decline",
            ("OPEN", ChangeRequestState::Open)
            | ("MERGED", ChangeRequestState::Merged)
            | ("DECLINED" | "SUPERSEDED", ChangeRequestState::Closed) => return Ok(Vec::new()),
            (_, _) => {
                let detail = "it is closed here, which is for good";
                return Ok(vec![Loss::sink("state", detail)]);
            }
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
        let below = path.below(&["pullrequests", &number, action]);
        // The branches are removed when all is done, and not before.
        let merge = json!({"type": "pullrequest", "close_source_branch": false});
        let body = (action == "merge").then_some(&merge);
        self.api.act(Method::POST, &below, (body, "set the state of a change request")).await
    }

    async fn update_request(
        &self,
        path: Path<'_>,
        it: &ChangeRequest,
        target: &TargetId,
    ) -> Result<Done, HostError> {
        let operation = "change a change request";
        let below = path.below(&["pullrequests", &target.0]);
        let mut found: wire::PullRequest = self.api.get(&below, operation).await?;
        let mut losses = Vec::new();
        let (title, description) = words_of(it, &mut losses);
        let said = |it: &Option<String>| it.clone().unwrap_or_default();
        if said(&found.title) != title || said(&found.description) != description {
            let body = json!({"type": "pullrequest", "title": title, "description": description});
            match self.api.put(&below, &body, operation).await {
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

    /// Declines a request, for none can be removed.
    pub(super) async fn close_request(&self, path: Path<'_>, id: &str) -> Result<(), HostError> {
        let below = path.below(&["pullrequests", id]);
        let found: Option<wire::PullRequest> =
            self.api.find(&below, "look for a change request").await?;
        match found.filter(|it| it.state.as_deref() == Some("OPEN")) {
            Some(open) => self.turn(path, &open, "decline").await,
            None => Ok(()),
        }
    }

    /// Removes branches of ours that no open request needs.
    pub(super) async fn tidy(&self, path: Path<'_>) -> Result<(), HostError> {
        let operation = "look for branches that are not needed";
        let below = path.below(&["refs", "branches"]);
        let query = [("q", "name ~ \"packhorse/\"")];
        let found: Result<Vec<wire::Branch>, _> =
            self.api.children(&below, &query, operation).await;
        let found = match found {
            // Nothing was made there.
            Err(error) if is_refusal(&error) => return Ok(()),
            other => other?,
        };
        let mut names: Vec<String> = found.into_iter().filter_map(|it| it.name).collect();
        names.retain(|it| ours(it).is_some());
        if names.is_empty() {
            return Ok(());
        }
        let below = path.below(&["pullrequests"]);
        let open: Vec<wire::PullRequest> =
            self.api.children(&below, &[("state", "OPEN")], operation).await?;
        let needed = |name: &String| {
            let open = open.iter().filter(|it| it.state.as_deref() == Some("OPEN"));
            open.flat_map(|it| [&it.source, &it.destination])
                .flatten()
                .any(|end| end.branch.as_ref().and_then(|it| it.name.as_ref()) == Some(name))
        };
        for name in names.iter().filter(|it| !needed(it)) {
            self.unbranch(path, name).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_branches_that_we_made_are_ours() {
        assert_eq!(ours("packhorse/7/head"), Some(7));
        assert_eq!(ours("packhorse/7/base"), Some(7));
        assert_eq!(ours("packhorse/seven/head"), None);
        assert_eq!(ours("packhorse/7/other"), None);
        assert_eq!(ours("main"), None);
    }
}
