//! Change requests, and branches.

use super::{Part, Path, Repository, ServerSink, wire};
use crate::{
    bitbucket::write::{
        branch::{Branches, OURS},
        change_request::{Draft, Request, Requests, Told},
    },
    walk::Listing,
};
use async_trait::async_trait;
use http::Method;
use packhorse_core::{HostError, HostErrorKind, Loss, model::ChangeRequestState};
use serde_json::{Value, json};

/// Change requests in every state, the newest first.
const NEWEST: &[(&str, &str)] = &[("state", "ALL"), ("order", "NEWEST")];

impl Request for wire::PullRequest {
    fn told(&self) -> Told<'_> {
        Told {
            number: self.id,
            title: self.title.as_deref(),
            description: self.description.as_deref(),
            state: self.state.as_deref(),
            from: branch(&self.from_ref),
            to: branch(&self.to_ref),
        }
    }
}

/// Name of the branch at an end of a request.
fn branch(end: &Option<wire::Ref>) -> Option<&str> {
    end.as_ref()?.id.as_deref()?.strip_prefix("refs/heads/")
}

fn reference(path: Path<'_>, branch: &str) -> Value {
    let repository = json!({"slug": path.slug, "project": {"key": path.key}});
    json!({"id": format!("refs/heads/{branch}"), "repository": repository})
}

fn reviewers<'a>(names: impl Iterator<Item = &'a str>) -> Vec<Value> {
    names.map(|it| json!({"user": {"name": it}})).collect()
}

/// Names of reviewers as they are; leaving them out would dismiss them.
fn reviewers_now(found: &wire::PullRequest) -> impl Iterator<Item = &str> {
    let people = found.reviewers.iter().flat_map(|it| &it.0);
    people.filter_map(|it| it.user.as_ref()?.name.as_deref())
}

#[async_trait]
impl Branches for Repository<'_> {
    async fn tip(&self, name: &str) -> Result<Option<String>, HostError> {
        let below = self.path.below(&["branches"]);
        let at = (Part::Core, &below[..]);
        let query = [("filterText", name)];
        let found: Vec<wire::Branch> =
            self.sink.api.children(at, &query, "look for a branch").await?;
        let id = format!("refs/heads/{name}");
        let found = found.into_iter().find(|it| it.id.as_deref() == Some(id.as_str()));
        Ok(found.and_then(|it| it.latest_commit))
    }

    async fn make_branch(&self, name: &str, commit: &str) -> Result<(), HostError> {
        let below = self.path.below(&["branches"]);
        let body = json!({"name": name, "startPoint": commit});
        let at = (Part::BranchUtils, &below[..]);
        self.sink.api.act(Method::POST, at, &[], (Some(&body), "make a branch")).await
    }

    async fn remove_branch(&self, name: &str) -> Result<(), HostError> {
        let below = self.path.below(&["branches"]);
        let body = json!({"name": format!("refs/heads/{name}"), "dryRun": false});
        let at = (Part::BranchUtils, &below[..]);
        match self.sink.api.act(Method::DELETE, at, &[], (Some(&body), "remove a branch")).await {
            Err(error) if error.kind == HostErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    async fn like_ours(&self) -> Result<Vec<String>, HostError> {
        let below = self.path.below(&["branches"]);
        let at = (Part::Core, &below[..]);
        let operation = "look for branches that are not needed";
        let found: Vec<wire::Branch> =
            self.sink.api.children(at, &[("filterText", OURS)], operation).await?;
        Ok(found.into_iter().filter_map(|it| it.display_id).collect())
    }

    async fn first_parent(&self, commit: &str) -> Result<Option<String>, HostError> {
        let below = self.path.below(&["commits", commit]);
        let found: Option<wire::CommitParents> =
            self.sink.api.find(Part::Core, &below, "read a commit").await?;
        let parents = found.and_then(|it| it.parents).map(|it| it.0).unwrap_or_default();
        Ok(parents.into_iter().next().and_then(|it| it.id))
    }
}

#[async_trait]
impl Requests for Repository<'_> {
    type Request = wire::PullRequest;

    const FIRST: u64 = 0;
    const PAGES: usize = 3;

    fn way(now: &str, wanted: ChangeRequestState) -> Result<Option<&'static str>, &'static str> {
        match (now, wanted) {
            ("OPEN", ChangeRequestState::Merged) => Ok(Some("merge")),
            ("OPEN", ChangeRequestState::Closed) => Ok(Some("decline")),
            ("DECLINED", ChangeRequestState::Open) => Ok(Some("reopen")),
            ("DECLINED", ChangeRequestState::Merged) | ("MERGED", ChangeRequestState::Closed) => {
                Err("it was closed here in another way, which cannot be changed")
            }
            ("MERGED", ChangeRequestState::Open) => Err("it is merged here, which is for good"),
            (_, _) => Ok(None),
        }
    }

    async fn open(&self, draft: &Draft<'_>) -> Result<(wire::PullRequest, Vec<Loss>), HostError> {
        let mut body = json!({
            "title": draft.title,
            "description": draft.description,
            "fromRef": reference(self.path, &draft.from),
            "toRef": reference(self.path, &draft.to),
            "reviewers": reviewers(draft.reviewers.iter().copied()),
        });
        if draft.request.draft {
            body["draft"] = json!(true);
        }
        let below = self.path.below(&["pull-requests"]);
        let at = (Part::Core, &below[..]);
        let made: wire::PullRequest =
            self.sink.api.post(at, &body, "make a change request").await?;
        let is_draft = made.draft == Some(true) || !draft.request.draft;
        let lost = (!is_draft).then(|| Loss::sink("draft", "versions before 8.18 have no drafts"));
        Ok((made, lost.into_iter().collect()))
    }

    async fn request(&self, number: &str) -> Result<Option<wire::PullRequest>, HostError> {
        let below = self.path.below(&["pull-requests", number]);
        self.sink.api.find(Part::Core, &below, "read a change request").await
    }

    async fn newest(&self, page: u64) -> Result<Listing<wire::PullRequest>, HostError> {
        let below = self.path.below(&["pull-requests"]);
        let operation = "look for a change request";
        self.sink.api.list((Part::Core, &below), NEWEST, page, operation).await
    }

    async fn reword(
        &self,
        request: &mut wire::PullRequest,
        title: &str,
        description: &str,
    ) -> Result<(), HostError> {
        let number = request.id.unwrap_or_default().to_string();
        if request.state.as_deref() == Some("DECLINED") {
            // What is declined takes no changes; it is opened for that moment.
            self.act(request, "reopen").await?;
            if let Some(open) = self.request(&number).await? {
                *request = open;
            }
        }
        let body = json!({
            "title": title,
            "description": description,
            "version": request.version.unwrap_or_default(),
            "reviewers": reviewers(reviewers_now(request)),
        });
        let below = self.path.below(&["pull-requests", &number]);
        let at = (Part::Core, &below[..]);
        *request = self.sink.api.put(at, &body, "change a change request").await?;
        Ok(())
    }

    async fn act(&self, request: &wire::PullRequest, action: &str) -> Result<(), HostError> {
        let number = request.id.unwrap_or_default().to_string();
        let version = request.version.unwrap_or_default().to_string();
        let below = self.path.below(&["pull-requests", &number, action]);
        let query = [("version", version.as_str())];
        let at = (Part::Core, &below[..]);
        let operation = "set the state of a change request";
        self.sink.api.act(Method::POST, at, &query, (Some(&json!({})), operation)).await
    }

    async fn needed(&self) -> Result<Vec<String>, HostError> {
        let below = self.path.below(&["pull-requests"]);
        let operation = "look for branches that are not needed";
        let query = [("state", "OPEN")];
        let open: Vec<wire::PullRequest> =
            self.sink.api.children((Part::Core, &below), &query, operation).await?;
        let open = open.into_iter().filter(|it| it.state.as_deref() == Some("OPEN"));
        let ends = open.flat_map(|it| [it.from_ref, it.to_ref]).flatten();
        let name = |id: String| id.strip_prefix("refs/heads/").map(str::to_owned);
        Ok(ends.filter_map(|it| it.id.and_then(name)).collect())
    }
}

impl ServerSink {
    pub(super) async fn erase_request(
        &self,
        path: Path<'_>,
        number: &str,
    ) -> Result<(), HostError> {
        let found = Repository { sink: self, path }.request(number).await?;
        let Some(found) = found else { return Ok(()) };
        let below = path.below(&["pull-requests", number]);
        let body = json!({"version": found.version.unwrap_or_default()});
        let at = (Part::Core, &below[..]);
        let operation = "remove a change request";
        match self.api.act(Method::DELETE, at, &[], (Some(&body), operation)).await {
            Err(error) if error.kind == HostErrorKind::NotFound => Ok(()),
            other => other,
        }
    }
}
