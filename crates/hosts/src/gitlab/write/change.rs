//! Change requests.
//!
//! The server wants the branches of both ends. Where they are gone, or mean something else by now,
//! branches below `packhorse/` stand in for them, at the commits that the change had. One that was
//! merged is merged again, into such a branch, so that it is merged here too and nothing else moves.

use super::{Done, GitlabSink, Task, below, odd, signed::Signed, sorting::Sorted};
use crate::gitlab::{api::is_closed, call::Change, ours, wire};
use packhorse_core::{
    HostError, HostErrorKind,
    model::{Branch, ChangeRequest, ChangeRequestState, Grantee},
    port::Outcome,
};
use serde_json::{Map, Value, json};

/// How often it is asked whether a change can be merged, which the server works out by itself.
const ASKED_TO_MERGE: usize = 12;

/// The branches of a change request, and those of them that were made for it.
struct Ends {
    head: String,
    base: String,
    made: Vec<String>,
}

/// Names of the branches that are made for a change request: its head and its base.
fn ends_of(number: u64) -> [String; 2] {
    ["head", "base"].map(|end| format!("packhorse/{number}/{end}"))
}

const STANDS_IN: &str = "a branch below `packhorse/` stands in for it";

/// The branches that were made for a change request that is there, with what they lose.
fn stands_in(now: &wire::MergeRequest, task: &mut Task<'_>, it: &ChangeRequest) -> Vec<String> {
    let [head, base] = ends_of(it.number);
    let mut made = Vec::new();
    if now.source_branch.as_ref() == Some(&head) {
        task.lose("head.name", STANDS_IN);
        made.push(head);
    }
    if now.target_branch.as_ref() == Some(&base) {
        if it.state != ChangeRequestState::Merged {
            task.lose("base.name", STANDS_IN);
        }
        made.push(base);
    }
    made
}

fn signed(it: &ChangeRequest) -> Signed<'_> {
    let operation = "write a change request";
    Signed { author: it.author.as_ref(), field: "description", operation }
}

impl GitlabSink {
    pub(super) async fn change_request(
        &self,
        path: &str,
        task: &mut Task<'_>,
        it: &ChangeRequest,
    ) -> Done {
        let sorted =
            Sorted { labels: &it.labels, milestone: it.milestone, assignees: &it.assignees };
        let mut body = self.sorting(path, task, sorted).await?;
        let title = task.title(&it.title);
        let title = if it.draft { format!("Draft: {title}") } else { title };
        body.insert("title".into(), title.into());
        let text = task.body(it.body.as_ref());
        body.insert("description".into(), text.clone().into());
        let asked: Vec<&Grantee> = it.review_requests.iter().map(|it| &it.reviewer).collect();
        let reviewers = self.people(task, "review_requests", asked.into_iter()).await?;
        body.insert("reviewer_ids".into(), reviewers.into());
        body.extend(it.squash.map(|it| ("squash".to_owned(), it.into())));
        body.extend(it.delete_head.map(|it| ("remove_source_branch".to_owned(), it.into())));
        if let Some(id) = task.id().map(str::to_owned) {
            return self.update_change(path, task, it, (&id, body)).await;
        }
        let Some(ends) = self.ends(path, task, it).await? else {
            return task.drop("its commits are not in the repository");
        };
        body.insert("source_branch".into(), ends.head.clone().into());
        body.insert("target_branch".into(), ends.base.clone().into());
        let list = below(path, &["merge_requests"]);
        let mut body = Value::Object(body);
        let signed = signed(it);
        let made = self.make_signed::<wire::MergeRequest>(task, &list, (signed, &body)).await;
        let (made, is_theirs) = match made {
            Err(error) if error.kind == HostErrorKind::Conflict => {
                self.remove_branches(path, &ends.made).await?;
                return task.drop("another change request is open between the same branches");
            }
            other => other?,
        };
        let number = made.iid.ok_or_else(|| odd("make a change request"))?;
        if number != it.number {
            task.lose("number", format!("the server gave it the number {number}"));
        }
        let id = number.to_string();
        if is_theirs {
            // Whose it is may not sort it; the token's owner may.
            if let Some(fields) = body.as_object_mut() {
                ["source_branch", "target_branch"].iter().for_each(|it| drop(fields.remove(*it)));
            }
            let one = below(path, &["merge_requests", &id]);
            let sorted = Change::new(&one, "sort a change request");
            self.api.put::<wire::MergeRequest>(sorted, &body).await?;
        }
        self.close(path, task, it, (&id, &text)).await?;
        if it.state != ChangeRequestState::Open {
            self.remove_branches(path, &ends.made).await?;
        }
        Ok((id, Outcome::Created))
    }

    async fn update_change(
        &self,
        path: &str,
        task: &mut Task<'_>,
        it: &ChangeRequest,
        (id, body): (&str, Map<String, Value>),
    ) -> Done {
        let below = below(path, &["merge_requests", id]);
        let change = Change::new(&below, "change a change request");
        let text = body.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
        let body = Value::Object(body);
        let now: wire::MergeRequest = self.change_signed(task, &below, (signed(it), &body)).await?;
        let made = stands_in(&now, task, it);
        match (now.state.as_deref(), it.state) {
            (Some("opened"), ChangeRequestState::Closed | ChangeRequestState::Merged) => {
                self.close(path, task, it, (id, &text)).await?;
            }
            (Some("closed"), ChangeRequestState::Open) => {
                let body = json!({ "state_event": "reopen" });
                self.api.put::<wire::MergeRequest>(change, &body).await?;
            }
            (Some("closed"), ChangeRequestState::Merged) => {
                task.lose("state", "it is closed here, and its text says that it was merged");
                let body = json!({ "description": ours::merged(&text) });
                self.api.put::<wire::MergeRequest>(change, &body).await?;
            }
            _ => {}
        }
        if it.state != ChangeRequestState::Open {
            // An interrupted run may have left them.
            self.remove_branches(path, &made).await?;
        }
        Ok((id.to_owned(), Outcome::Updated))
    }

    /// Closes or merges what is so at the source.
    async fn close(
        &self,
        path: &str,
        task: &mut Task<'_>,
        it: &ChangeRequest,
        (number, text): (&str, &str),
    ) -> Result<(), HostError> {
        if it.state == ChangeRequestState::Open {
            return Ok(());
        }
        let below = below(path, &["merge_requests", number]);
        let change = Change::new(&below, "close a change request");
        if it.state == ChangeRequestState::Merged {
            let whom = self.name_of(it.merged_by.as_ref()).await?;
            if self.merge(path, number, whom).await? {
                let why = "it was merged into a branch of its own, which is gone again; the target \
                           branch has the commits that it had at the source";
                task.lose("base.name", why);
                if it.merge_commit.is_some() {
                    task.lose("merge_commit", why);
                }
                return Ok(());
            }
            task.lose("state", "the server would not merge it; it is closed, and its text says so");
            let body = json!({ "description": ours::merged(text) });
            self.api.put::<wire::MergeRequest>(change, &body).await?;
        }
        let body = json!({ "state_event": "close" });
        if let Some(login) = self.name_of(it.closed_by.as_ref()).await? {
            match self.api.put::<wire::MergeRequest>(change.in_name_of(Some(login)), &body).await {
                Err(error) if is_closed(error.kind) => {}
                other => return other.map(drop),
            }
        }
        self.api.put::<wire::MergeRequest>(change, &body).await.map(drop)
    }

    /// Merges, once the server has worked out that it can; whether it did.
    async fn merge(
        &self,
        path: &str,
        number: &str,
        mut whom: Option<&str>,
    ) -> Result<bool, HostError> {
        let operation = "merge a change request that was merged";
        let one = below(path, &["merge_requests", number]);
        for _ in 0..ASKED_TO_MERGE {
            let found: wire::MergeRequest = self.api.get(&one, &[], operation).await?;
            match found.state.as_deref() {
                Some("merged") => return Ok(true),
                Some("closed") => return Ok(false),
                Some(_) | None => {}
            }
            // Until it is worked out, an attempt is refused; each takes the server some time.
            let merge = below(path, &["merge_requests", number, "merge"]);
            let body = json!({ "should_remove_source_branch": false, "squash": false });
            let change = Change::new(&merge, operation).in_name_of(whom);
            match self.api.put::<wire::MergeRequest>(change, &body).await {
                Ok(found) if found.state.as_deref() == Some("merged") => return Ok(true),
                Ok(_) => {}
                Err(error) => match error.kind {
                    HostErrorKind::Unsupported
                    | HostErrorKind::Conflict
                    | HostErrorKind::Rejected => {}
                    HostErrorKind::Forbidden
                    | HostErrorKind::Unauthorized
                    | HostErrorKind::NotFound => {
                        if whom.take().is_none() {
                            return Ok(false);
                        }
                    }
                    HostErrorKind::RateLimited
                    | HostErrorKind::Protocol
                    | HostErrorKind::Unavailable => return Err(error),
                },
            }
        }
        Ok(false)
    }

    /// The branches to make it between; `None` when a commit is not there.
    async fn ends(
        &self,
        path: &str,
        task: &mut Task<'_>,
        it: &ChangeRequest,
    ) -> Result<Option<Ends>, HostError> {
        let mut made = Vec::new();
        let number = it.number;
        let is_open = it.state == ChangeRequestState::Open;
        let is_own = it
            .head
            .project
            .as_deref()
            .is_none_or(|head| it.base.project.as_deref().is_none_or(|base| head == base));
        let head = if is_open && is_own { self.branch(path, &it.head).await? } else { None };
        let head = match head {
            Some(head) => head,
            None => {
                let name = ends_of(number)[0].clone();
                let Some(commit) = it.head.commit.as_deref() else { return Ok(None) };
                if !self.make_branch(path, &name, commit).await? {
                    return Ok(None);
                }
                task.lose("head.name", STANDS_IN);
                made.push(name.clone());
                name
            }
        };
        let is_merged = it.state == ChangeRequestState::Merged;
        let base = Branch { commit: None, ..it.base.clone() };
        let base = if is_merged { None } else { self.branch(path, &base).await? };
        let base = match base.filter(|it| *it != head) {
            Some(base) => base,
            None => {
                let name = ends_of(number)[1].clone();
                let commit = it.base.commit.as_deref();
                let there = match commit {
                    Some(commit) => self.make_branch(path, &name, commit).await?,
                    None => false,
                };
                if !there {
                    self.remove_branches(path, &made).await?;
                    return Ok(None);
                }
                if !is_merged {
                    task.lose("base.name", STANDS_IN);
                }
                made.push(name.clone());
                name
            }
        };
        Ok(Some(Ends { head, base, made }))
    }

    /// A branch of the project that is where it was.
    async fn branch(&self, path: &str, it: &Branch) -> Result<Option<String>, HostError> {
        if it.name.is_empty() {
            return Ok(None);
        }
        let below = below(path, &["repository", "branches", &it.name]);
        let found: Option<wire::Branch> = self.api.find(&below, &[], "look for a branch").await?;
        let now = found.and_then(|it| it.commit?.id);
        let is_it = now.is_some_and(|now| it.commit.as_ref().is_none_or(|then| *then == now));
        Ok(is_it.then(|| it.name.clone()))
    }

    /// Makes a branch at a commit; whether the commit is there.
    async fn make_branch(&self, path: &str, name: &str, commit: &str) -> Result<bool, HostError> {
        let operation = "make a branch for a change request";
        let list = below(path, &["repository", "branches"]);
        let body = json!({ "branch": name, "ref": commit });
        match self.api.act(Change::new(&list, operation), &body).await {
            Ok(()) => Ok(true),
            Err(error) if error.kind == HostErrorKind::Rejected => {
                // There since an interrupted run, or the commit is not.
                let at = Branch {
                    name: name.to_owned(),
                    commit: Some(commit.to_owned()),
                    ..Branch::default()
                };
                Ok(self.branch(path, &at).await?.is_some())
            }
            Err(error) if error.kind == HostErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn remove_branches(&self, path: &str, names: &[String]) -> Result<(), HostError> {
        for name in names {
            let below = below(path, &["repository", "branches", name]);
            self.api
                .delete(Change::new(&below, "remove a branch that was made for a change"))
                .await?;
        }
        Ok(())
    }

    /// The differences of a change request, as the server sees them.
    pub(super) async fn diff(
        &self,
        path: &str,
        number: u64,
    ) -> Result<std::sync::Arc<super::diff::Diff>, HostError> {
        let known = self.known.of(path, |it| it.diff.clone());
        if let Some((_, diff)) = known.filter(|(it, _)| *it == number) {
            return Ok(diff);
        }
        let operation = "read the differences of a change request";
        let key = number.to_string();
        let found: wire::MergeRequest =
            self.api.get(&below(path, &["merge_requests", &key]), &[], operation).await?;
        let diffs = below(path, &["merge_requests", &key, "diffs"]);
        let files = match self.api.children(&diffs, &[], operation).await {
            // Versions before 15.7 have no listing of their own for them.
            Err(error) if error.kind == HostErrorKind::NotFound => {
                let changes = below(path, &["merge_requests", &key, "changes"]);
                let found: Value = self.api.get(&changes, &[], operation).await?;
                serde_json::from_value(found["changes"].clone()).unwrap_or_default()
            }
            other => other?,
        };
        let diff = super::diff::Diff::of(found.diff_refs.unwrap_or_default(), files);
        let diff = std::sync::Arc::new(diff);
        self.known.of(path, |it| it.diff = Some((number, std::sync::Arc::clone(&diff))));
        Ok(diff)
    }
}
