//! Change requests.
//!
//! The server wants two branches that are there. A head whose branch is gone, or has moved on,
//! or was in another project, gets a branch of ours at its commit, `packhorse/change-N`, which
//! goes away again when the change request is closed: the server keeps the commits in a hidden
//! ref. How they come to their end is in `ending.rs`.

use super::{
    Done, GiteaSink, Path, Task,
    ending::End,
    issue::{Sorted, unnumbered},
    known::Left,
};
use crate::gitea::{call::Change, wire};
use packhorse_core::{
    HostError, HostErrorKind,
    model::{ChangeRequest, ChangeRequestState, Grantee, ReviewRequest},
    port::Outcome,
};
use serde_json::{Value, json};

/// What makes a title that of a draft.
///
/// Source: Gitea, `modules/setting/repository.go`, `WorkInProgressPrefixes`.
pub(in crate::gitea) const DRAFT: &str = "WIP: ";

/// What passing branches of ours begin with.
pub(super) const PASSING: &str = "packhorse/change-";

/// The branch of ours for a change request.
fn own_name(number: u64) -> String {
    format!("{PASSING}{number}")
}

/// What is there of the branches that a change request is between.
struct FoundBranches {
    has_base: bool,
    /// The commit at the end of its head, where that is in this repository.
    head: Option<String>,
}

/// Branches that a change request was opened with.
struct Ends {
    base: String,
    head: String,
    /// Whether the head is a branch of ours.
    is_ours: bool,
}

/// What a change request is sorted by, where something of it is not there although it was said.
fn missing_of(made: &wire::PullRequest, sorted: &Sorted) -> Option<Value> {
    let n_labels = made.labels.as_ref().map_or(0, Vec::len);
    let n_assigned = made.assignees.as_ref().map_or(0, Vec::len);
    let is_whole = n_labels >= sorted.labels.len()
        && n_assigned >= sorted.assignees.len()
        && (made.milestone.is_some() || sorted.milestone.is_none());
    let body = || {
        json!({
            "labels": sorted.labels, "assignees": sorted.assignees,
            "milestone": sorted.milestone.unwrap_or(0),
        })
    };
    (!is_whole).then(body)
}

impl GiteaSink {
    pub(super) async fn change_request(
        &self,
        path: Path<'_>,
        task: &mut Task<'_>,
        change: &ChangeRequest,
    ) -> Done {
        let title = task.title(&change.title);
        let title = if change.draft { format!("{DRAFT}{title}") } else { title };
        let sorted =
            self.sorted(path, task, (&change.labels, change.milestone, &change.assignees)).await?;
        if let Some(existing) = task.existing {
            let number = existing.0.clone();
            let body = json!({
                "title": title, "labels": sorted.labels,
                "assignees": sorted.assignees, "milestone": sorted.milestone.unwrap_or(0),
            });
            self.update(path, task, change, (&number, body)).await?;
            return Ok((number, Outcome::Updated));
        }
        let (found, merging) =
            futures::try_join!(self.found(path, change), self.merging(path, change))?;
        let Some(mut ends) = self.ends(path, task, change, found).await? else {
            return task.miss("the repository has no branch that it could be about");
        };
        let operation = "make a change request";
        let (text, coming) = task.coming(change, true, merging);
        let mut body = json!({
            "title": title, "body": text, "base": ends.base, "head": ends.head,
            "labels": sorted.labels, "assignees": sorted.assignees,
        });
        super::issue::set(&mut body, "milestone", sorted.milestone.map(Value::from));
        let below = path.below(&["pulls"]);
        let call = Change::new(&below, operation);
        let author = change.author.as_ref();
        let mut made: Result<wire::PullRequest, _> = self.post_signed(call, &body, author).await;
        if made.as_ref().is_err_and(|it| it.kind == HostErrorKind::Conflict)
            && self.end_between(path, (&ends.head, &ends.base)).await?
        {
            made = self.post_signed(call, &body, author).await;
        }
        let made = match made {
            // Another one is open between the same branches.
            Err(error) if error.kind == HostErrorKind::Conflict && !ends.is_ours => {
                ends.head = self.own_branch(path, change.number, &ends.head).await?.ok_or(error)?;
                ends.is_ours = true;
                body["head"] = json!(ends.head);
                task.lose("head.name", format!("became `{}`: one is open already", ends.head));
                self.post_signed(call, &body, author).await?
            }
            other => other?,
        };
        let number = made.number.ok_or_else(|| unnumbered(operation))?.to_string();
        let missing = missing_of(&made, &sorted);
        // Nobody is asked about what is closed: at once, or as soon as the next wants its branches.
        let ends_soon = coming.as_ref().is_some_and(|(_, _, is_said)| !is_said || !ends.is_ours);
        if ends_soon {
            self.complete_change(path, task, change, (&number, missing)).await?;
        } else if missing.is_some() || !change.review_requests.is_empty() {
            self.known.of(path, |it| it.begun.insert(number.clone(), Left::Change(missing)));
        }
        if let Some((origin, ending, is_said)) = coming {
            let own = ends.is_ours.then(|| ends.head.clone());
            let (number, ends) = (number.clone(), (ends.head, ends.base));
            let end = End { number, origin, ending, ends, own, is_said };
            self.end_later(path, task, end).await?;
        }
        Ok((number, Outcome::Created))
    }

    /// Brings a change request that is there up to date. A run that died may have made it and
    /// done no more: what else belongs to it follows, and what it lost is told again.
    async fn update(
        &self,
        path: Path<'_>,
        task: &mut Task<'_>,
        change: &ChangeRequest,
        (number, mut body): (&str, Value),
    ) -> Result<(), HostError> {
        let below = path.below(&["pulls", number]);
        let found: wire::PullRequest = self.api.get(&below, "read a change request").await?;
        let name = |it: &Option<wire::Branch>| it.as_ref().and_then(|it| it.r#ref.clone());
        let (head, base) = (name(&found.head), name(&found.base));
        if let Some(head) = head.as_ref().filter(|it| **it != change.head.name) {
            task.lose("head.name", format!("became `{head}`"));
        }
        if let Some(base) = base.as_ref().filter(|it| **it != change.base.name) {
            task.lose("base.name", format!("became `{base}`"));
        }
        let (is_merged, is_open) =
            (found.merged == Some(true), found.state.as_deref() != Some("closed"));
        let (text, coming) = match is_merged {
            true => (task.body(change.body.as_ref()), None),
            false => {
                let merging = if is_open { self.merging(path, change).await? } else { None };
                task.coming(change, is_open, merging)
            }
        };
        body["body"] = text.into();
        if change.state == ChangeRequestState::Open && !is_open && !is_merged {
            body["state"] = "open".into();
        }
        self.api.patch(Change::new(&below, "change a change request"), &body).await?;
        self.request_reviews(path, task, change, (number, &found)).await?;
        let own = head.clone().filter(|it| *it == own_name(change.number));
        match (coming, own) {
            (Some((origin, ending, is_said)), own) => {
                let ends = (head.unwrap_or_default(), base.unwrap_or_default());
                let number = number.to_owned();
                let end = End { number, origin, ending, ends, own, is_said };
                self.end_later(path, task, end).await
            }
            (None, Some(own)) if change.state != ChangeRequestState::Open => {
                self.remove_branch(path, &own).await
            }
            (None, _) => Ok(()),
        }
    }

    /// Adds what whoever wrote it had no right to add, and asks for reviews.
    pub(super) async fn complete_change(
        &self,
        path: Path<'_>,
        task: &mut Task<'_>,
        change: &ChangeRequest,
        (number, missing): (&str, Option<Value>),
    ) -> Result<(), HostError> {
        if let Some(body) = missing {
            let below = path.below(&["pulls", number]);
            self.api.patch(Change::new(&below, "complete a change request"), &body).await?;
        }
        let fresh = wire::PullRequest::default();
        self.request_reviews(path, task, change, (number, &fresh)).await
    }

    /// What is there of the branches that a change request is between.
    async fn found(
        &self,
        path: Path<'_>,
        change: &ChangeRequest,
    ) -> Result<FoundBranches, HostError> {
        let (base, head) = (&change.base, &change.head);
        let is_here = head.project.is_none() || head.project == base.project;
        let head_name = if is_here && head.name != base.name { &head.name } else { "" };
        let has_base = self.branch(path, &base.name).await?.is_some();
        Ok(FoundBranches { has_base, head: self.branch(path, head_name).await? })
    }

    /// Branches to open a change request with; `None` where the repository is empty.
    async fn ends(
        &self,
        path: Path<'_>,
        task: &mut Task<'_>,
        change: &ChangeRequest,
        found: FoundBranches,
    ) -> Result<Option<Ends>, HostError> {
        let base = match found.has_base {
            true => change.base.name.clone(),
            false => {
                let found = self.source.repository(path).await?;
                let Some(branch) = found.default_branch.filter(|_| found.empty != Some(true))
                else {
                    return Ok(None);
                };
                task.lose("base.name", format!("became `{branch}`: the branch is gone"));
                branch
            }
        };
        let head = &change.head;
        if head.name != base
            && let Some(commit) = found.head
            && head.commit.as_ref().is_none_or(|it| *it == commit)
        {
            return Ok(Some(Ends { base, head: head.name.clone(), is_ours: false }));
        }
        let own = match &head.commit {
            Some(commit) => self.own_branch(path, change.number, commit).await?,
            None => None,
        };
        let own = match own {
            Some(own) => own,
            None => {
                task.lose("head.commit", "its commits are not in the repository");
                match self.own_branch(path, change.number, &base).await? {
                    Some(own) => own,
                    None => return Ok(None),
                }
            }
        };
        task.lose("head.name", format!("became `{own}`: the branch is gone, or has moved on"));
        Ok(Some(Ends { base, head: own, is_ours: true }))
    }

    /// Makes a branch of ours from a commit or another branch; `None` where that is not there.
    async fn own_branch(
        &self,
        path: Path<'_>,
        number: u64,
        from: &str,
    ) -> Result<Option<String>, HostError> {
        let name = own_name(number);
        let below = path.below(&["branches"]);
        let body =
            json!({ "new_branch_name": name, "old_ref_name": from, "old_branch_name": from });
        let change = Change::new(&below, "make a passing branch");
        match self.api.act(change, &body).await {
            // An interrupted run has made it.
            Err(error) if error.kind == HostErrorKind::Conflict => Ok(Some(name)),
            Err(error)
                if matches!(error.kind, HostErrorKind::NotFound | HostErrorKind::Rejected) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
            Ok(()) => Ok(Some(name)),
        }
    }

    /// Asks for the reviews that were asked for and not given, and that nobody is asked for yet.
    async fn request_reviews(
        &self,
        path: Path<'_>,
        task: &mut Task<'_>,
        change: &ChangeRequest,
        (number, found): (&str, &wire::PullRequest),
    ) -> Result<(), HostError> {
        let people = found.requested_reviewers.iter().flatten();
        let people: Vec<_> = people.filter_map(|it| it.login.as_deref()).collect();
        let is_new = |it: &&ReviewRequest| match &it.reviewer {
            Grantee::User(who) => !people.contains(&who.login.as_str()),
            Grantee::Team { .. } | Grantee::Group(_) => true,
        };
        let asked = change.review_requests.iter().filter(|it| it.dismissed_at.is_none());
        for request in asked.filter(is_new) {
            let body = match &request.reviewer {
                Grantee::User(who) if self.has_account(who).await? => {
                    json!({ "reviewers": [who.login] })
                }
                Grantee::Team { slug, .. } => json!({ "team_reviewers": [slug] }),
                Grantee::User(_) | Grantee::Group(_) => {
                    task.lose("review_requests", "who was asked has no account there");
                    continue;
                }
            };
            let below = path.below(&["pulls", number, "requested_reviewers"]);
            match self.api.act(Change::new(&below, "ask for a review"), &body).await {
                Err(error)
                    if matches!(
                        error.kind,
                        HostErrorKind::NotFound
                            | HostErrorKind::Rejected
                            | HostErrorKind::Forbidden
                    ) =>
                {
                    task.lose("review_requests", "who was asked may not review there");
                }
                other => other?,
            }
        }
        Ok(())
    }
}

/// Whether the server understood and would not.
pub(super) fn is_refusal(kind: HostErrorKind) -> bool {
    matches!(
        kind,
        HostErrorKind::Forbidden
            | HostErrorKind::NotFound
            | HostErrorKind::Rejected
            | HostErrorKind::Unsupported
    )
}
