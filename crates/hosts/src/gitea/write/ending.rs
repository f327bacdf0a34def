//! How change requests come to their end: last, because nobody judges what is closed.
//!
//! The server takes no verdict on a change request that is closed or merged. So all are opened,
//! and closed or marked as merged when what was said of them is there: before rules for branches,
//! which could be in the way, and when the project is finished at the latest. Merged ones are
//! marked by the commit that merged them, which makes no new one.
//!
//! Source: Gitea, `models/issues/review.go`, `ErrSubmitReviewOnClosedPR`.

use super::{GiteaSink, Path, Task, change::is_refusal};
use crate::gitea::{
    api::Listing,
    call::Change,
    ending::{self, Ending},
    wire,
};
use futures::{StreamExt, TryStreamExt, stream};
use packhorse_core::{
    HostError, HostErrorKind, Loss, Object, Origin, mark,
    model::{ChangeRequest, ChangeRequestState},
};
use serde_json::{Value, json};

/// Change requests that are ended at once.
const AT_ONCE: usize = 4;
/// Stands above the text of what was merged and could only be closed.
const MERGED: &str = "*It was merged.*";

/// A change request that is still open, and shall not stay so.
#[derive(Clone, Debug)]
pub(super) struct End {
    /// Number here.
    pub(super) number: String,
    /// The record that it is.
    pub(super) origin: Origin,
    /// What it comes to.
    pub(super) ending: Ending,
    /// Its head and its base.
    pub(super) ends: (String, String),
    /// Its head, where that is a passing branch of ours.
    pub(super) own: Option<String>,
    /// Whether its text says so.
    pub(super) is_said: bool,
}

/// What a change request comes to: which record it is, its end, and whether its text says so.
pub(super) type Coming = (Origin, Ending, bool);

/// Whether what is written now must find change requests at their end.
pub(super) fn is_behind(object: &Object) -> bool {
    matches!(object, Object::BranchRule(_) | Object::TagRule(_) | Object::State(_))
}

impl Task<'_> {
    /// The text of a change request, and what it shall come to where that is not so yet.
    pub(super) fn coming(
        &mut self,
        change: &ChangeRequest,
        is_open: bool,
        merging: Option<Ending>,
    ) -> (String, Option<Coming>) {
        let mut text = self.body(change.body.as_ref());
        if change.state == ChangeRequestState::Open {
            return (text, None);
        }
        if change.state == ChangeRequestState::Merged && merging.is_none() {
            self.lose("state", "became closed: what merged it is not in its base");
            self.lose("body", "begins with a line that says that it was merged");
            text = format!("{MERGED}\n\n{text}");
        }
        if !is_open {
            return (text, None);
        }
        let ending = merging.unwrap_or(Ending::Closed);
        let (text, is_said) = match ending.within(&text) {
            Some(said) => (said, true),
            None => (text, false),
        };
        (text, Some((self.record.origin.clone(), ending, is_said)))
    }
}

impl GiteaSink {
    /// How a change request that was merged is marked so; `None` where it was not, or where its
    /// base does not have it.
    pub(super) async fn merging(
        &self,
        path: Path<'_>,
        change: &ChangeRequest,
    ) -> Result<Option<Ending>, HostError> {
        if change.state != ChangeRequestState::Merged {
            return Ok(None);
        }
        let told = [&change.merge_commit, &change.squash_commit, &change.head.commit];
        for commit in told.into_iter().flatten() {
            if self.is_in(path, commit, &change.base.name).await? {
                let (whom, _) = self.name_of(change.merged_by.as_ref()).await?;
                let (commit, whom) = (commit.clone(), whom.map(str::to_owned));
                return Ok(Some(Ending::Merged { commit, whom }));
            }
        }
        Ok(None)
    }

    /// Remembers what is to come to its end, or brings it there where its text cannot say so.
    pub(super) async fn end_later(
        &self,
        path: Path<'_>,
        task: &mut Task<'_>,
        end: End,
    ) -> Result<(), HostError> {
        if end.is_said {
            self.known.of(path, |it| it.ends.insert(end.number.clone(), end));
            return Ok(());
        }
        task.losses.extend(self.end_now(path, &end).await?);
        Ok(())
    }

    /// Ends those between two branches, so that another one has room; whether there were any.
    pub(super) async fn end_between(
        &self,
        path: Path<'_>,
        ends: (&str, &str),
    ) -> Result<bool, HostError> {
        let is_between = |it: &End| (it.ends.0.as_str(), it.ends.1.as_str()) == ends;
        let found = self.known.of(path, |known| {
            known.ends.values().filter(|it| is_between(it)).cloned().collect::<Vec<_>>()
        });
        let is_any = !found.is_empty();
        self.end_those(path, found).await?;
        Ok(is_any)
    }

    /// Ends all that are to come to their end.
    pub(super) async fn end_all(&self, path: Path<'_>) -> Result<(), HostError> {
        if self.known.of(path, |it| it.was_retold) {
            // What a run has left that died before it came to this.
            let left = self.left(path).await?;
            self.known.of(path, |it| {
                it.was_retold = false;
                for end in left {
                    it.ends.entry(end.number.clone()).or_insert(end);
                }
            });
        }
        let all = self.known.of(path, |it| it.ends.values().cloned().collect());
        self.end_those(path, all).await
    }

    async fn end_those(&self, path: Path<'_>, all: Vec<End>) -> Result<(), HostError> {
        let ended = stream::iter(all).map(async |end| {
            let losses = self.end_now(path, &end).await?;
            self.known.of(path, |it| {
                it.ends.remove(&end.number);
                it.late.extend(losses.into_iter().map(|loss| (end.origin.clone(), loss)));
            });
            Ok::<_, HostError>(())
        });
        ended.buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Open ones whose text says what they come to.
    async fn left(&self, path: Path<'_>) -> Result<Vec<End>, HostError> {
        let (below, mut found, mut next) = (path.below(&["pulls"]), Vec::new(), Some(1));
        while let Some(number) = next {
            let query = [("state", "open")];
            let listing: Result<Listing<wire::PullRequest>, _> =
                self.api.list(&below, &query, number, "look for what is to be closed").await;
            let listing = match listing {
                // An empty repository has no such listing.
                Err(error) if error.kind == HostErrorKind::NotFound => break,
                other => other?,
            };
            found.extend(listing.items.into_iter().filter_map(of_left));
            next = listing.next;
        }
        Ok(found)
    }

    /// Brings a change request to its end; what is lost on the way.
    async fn end_now(&self, path: Path<'_>, end: &End) -> Result<Vec<Loss>, HostError> {
        let mut losses = Vec::new();
        let is_merged = match &end.ending {
            Ending::Closed => false,
            Ending::Merged { commit, whom } => {
                self.merge(path, &end.number, (commit, whom.as_deref())).await?
            }
        };
        if !is_merged {
            let below = path.below(&["pulls", &end.number]);
            let mut body = json!({ "state": "closed" });
            if end.ending != Ending::Closed {
                losses.push(Loss::sink(
                    "state",
                    "became closed: the server did not let it be merged",
                ));
                losses.push(Loss::sink("body", "begins with a line that says that it was merged"));
                let found: wire::PullRequest =
                    self.api.get(&below, "read a change request").await?;
                let text = ending::without(found.body.unwrap_or_default());
                body["body"] = format!("{MERGED}\n\n{text}").into();
            }
            match self.api.patch(Change::new(&below, "close a change request"), &body).await {
                Err(error) if is_refusal(error.kind) => {
                    losses.push(Loss::sink(
                        "state",
                        "stays open: the server did not let it be closed",
                    ));
                    return Ok(losses);
                }
                other => other?,
            }
        }
        if let Some(own) = &end.own {
            self.remove_branch(path, own).await?;
        }
        Ok(losses)
    }

    /// Removes a branch of ours, once its change request is closed.
    pub(super) async fn remove_branch(&self, path: Path<'_>, own: &str) -> Result<(), HostError> {
        let below = path.below(&["branches", own]);
        self.api.delete(Change::new(&below, "remove a passing branch"), None).await
    }

    /// Marks a change request as merged by a commit of its base; whether that could be done.
    async fn merge(
        &self,
        path: Path<'_>,
        number: &str,
        (commit, whom): (&str, Option<&str>),
    ) -> Result<bool, HostError> {
        if !self.open_merging(path).await? {
            return Ok(false);
        }
        let below = path.below(&["pulls", number, "merge"]);
        let call = Change::new(&below, "mark a change request as merged");
        let body = json!({ "Do": "manually-merged", "MergeCommitID": commit });
        let mut done = self.api.act(call.in_name_of(whom), &body).await;
        if whom.is_some() && done.as_ref().is_err_and(|it| is_refusal(it.kind)) {
            done = self.api.act(call, &body).await;
        }
        match done {
            Err(error) if is_refusal(error.kind) || error.kind == HostErrorKind::Conflict => {
                Ok(false)
            }
            Err(error) => Err(error),
            Ok(()) => Ok(true),
        }
    }

    /// Whether a commit is in a branch.
    async fn is_in(&self, path: Path<'_>, commit: &str, base: &str) -> Result<bool, HostError> {
        let ends = format!("{base}...{commit}");
        let below = path.below(&["compare", &ends]);
        let operation = "look for a commit in a branch";
        let found: Result<Option<Value>, _> = self.api.find(&below, operation).await;
        match found {
            Ok(found) => {
                let ahead = found.and_then(|it| it.get("total_commits").and_then(Value::as_u64));
                Ok(ahead == Some(0))
            }
            // No history in common.
            Err(error) if is_refusal(error.kind) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Lets change requests be marked as merged while a project is written; whether that can be.
    async fn open_merging(&self, path: Path<'_>) -> Result<bool, HostError> {
        if self.known.of(path, |it| it.opened_merging.is_some()) {
            return Ok(true);
        }
        let found = self.source.repository(path).await?;
        if found.allow_manual_merge == Some(true) {
            return Ok(true);
        }
        let below = path.below(&[]);
        let body = json!({ "has_pull_requests": true, "allow_manual_merge": true });
        let change = Change::new(&below, "allow marking change requests as merged");
        match self.api.patch(change, &body).await {
            Err(error) if is_refusal(error.kind) => Ok(false),
            Err(error) => Err(error),
            Ok(()) => {
                let had_requests = found.has_pull_requests != Some(false);
                self.known.of(path, |it| it.opened_merging = Some(had_requests));
                Ok(true)
            }
        }
    }
}

/// A change request whose text says what it comes to.
fn of_left(it: wire::PullRequest) -> Option<End> {
    let (ending, plain) = Ending::of(it.body.as_deref()?)?;
    let (origin, _) = mark::parse(&plain)?;
    let name = |it: Option<wire::Branch>| it.and_then(|it| it.r#ref).unwrap_or_default();
    let (head, base) = (name(it.head), name(it.base));
    let own = head.starts_with(super::change::PASSING).then(|| head.clone());
    let number = it.number?.to_string();
    Some(End { number, origin, ending, ends: (head, base), own, is_said: true })
}
