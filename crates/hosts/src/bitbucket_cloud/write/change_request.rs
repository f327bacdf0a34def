//! Change requests, and branches.

use super::{CloudSink, Path, Repository, account, wire};
use crate::{
    bitbucket::write::{
        branch::Branches,
        change_request::{Draft, Request, Requests, Told},
    },
    walk::Listing,
};
use async_trait::async_trait;
use http::Method;
use packhorse_core::{HostError, Loss, model::ChangeRequestState};
use serde_json::{Value, json};

/// Change requests in every state, the newest first.
const NEWEST: [(&str, &str); 5] = [
    ("state", "OPEN"),
    ("state", "MERGED"),
    ("state", "DECLINED"),
    ("state", "SUPERSEDED"),
    ("sort", "-id"),
];

impl Request for wire::PullRequest {
    fn told(&self) -> Told<'_> {
        Told {
            number: self.id,
            title: self.title.as_deref(),
            description: self.description.as_deref(),
            state: self.state.as_deref(),
            from: branch(&self.source),
            to: branch(&self.destination),
        }
    }
}

/// Name of the branch at an end of a request.
fn branch(end: &Option<wire::End>) -> Option<&str> {
    end.as_ref()?.branch.as_ref()?.name.as_deref()
}

fn end(branch: &str) -> Value {
    json!({"branch": {"name": branch}})
}

impl<'a> Repository<'a> {
    /// The parts of a branch's address.
    fn branch<'b>(self, name: &'b str) -> Vec<&'b str>
    where
        'a: 'b,
    {
        let mut parts = self.path.below(&["refs", "branches"]);
        parts.extend(name.split('/'));
        parts
    }
}

#[async_trait]
impl Branches for Repository<'_> {
    async fn tip(&self, name: &str) -> Result<Option<String>, HostError> {
        let below = self.branch(name);
        let found: Option<wire::Branch> = self.sink.api.find(&below, "look for a branch").await?;
        Ok(found.and_then(|it| it.target?.hash))
    }

    async fn make_branch(&self, name: &str, commit: &str) -> Result<(), HostError> {
        let below = self.path.below(&["refs", "branches"]);
        let body = json!({"name": name, "target": {"hash": commit}});
        self.sink.api.act(Method::POST, &below, (Some(&body), "make a branch")).await
    }

    async fn remove_branch(&self, name: &str) -> Result<(), HostError> {
        self.sink.api.delete(&self.branch(name), "remove a branch").await
    }

    async fn like_ours(&self) -> Result<Vec<String>, HostError> {
        let below = self.path.below(&["refs", "branches"]);
        let query = [("q", "name ~ \"packhorse/\"")];
        let operation = "look for branches that are not needed";
        let found: Vec<wire::Branch> = self.sink.api.children(&below, &query, operation).await?;
        Ok(found.into_iter().filter_map(|it| it.name).collect())
    }

    async fn first_parent(&self, commit: &str) -> Result<Option<String>, HostError> {
        let below = self.path.below(&["commit", commit]);
        let found: Option<wire::Commit> = self.sink.api.find(&below, "read a commit").await?;
        let parents = found.and_then(|it| it.parents).map(|it| it.0).unwrap_or_default();
        Ok(parents.into_iter().next().and_then(|it| it.hash))
    }
}

#[async_trait]
impl Requests for Repository<'_> {
    type Request = wire::PullRequest;

    const FIRST: u64 = 1;
    const PAGES: usize = 6;

    fn way(now: &str, wanted: ChangeRequestState) -> Result<Option<&'static str>, &'static str> {
        match (now, wanted) {
            ("OPEN", ChangeRequestState::Merged) => Ok(Some("merge")),
            ("OPEN", ChangeRequestState::Closed) => Ok(Some("decline")),
            ("OPEN", ChangeRequestState::Open)
            | ("MERGED", ChangeRequestState::Merged)
            | ("DECLINED" | "SUPERSEDED", ChangeRequestState::Closed) => Ok(None),
            (_, _) => Err("it is closed here, which is for good"),
        }
    }

    async fn open(&self, draft: &Draft<'_>) -> Result<(wire::PullRequest, Vec<Loss>), HostError> {
        let reviewers: Vec<Value> = draft.reviewers.iter().map(|it| account(it)).collect();
        let body = json!({
            "type": "pullrequest",
            "title": draft.title,
            "description": draft.description,
            "source": end(&draft.from),
            "destination": end(&draft.to),
            "reviewers": reviewers,
            "close_source_branch": draft.request.delete_head.unwrap_or_default(),
            "draft": draft.request.draft,
        });
        let below = self.path.below(&["pullrequests"]);
        let made = self.sink.api.post(&below, &body, "make a change request").await?;
        Ok((made, Vec::new()))
    }

    async fn request(&self, number: &str) -> Result<Option<wire::PullRequest>, HostError> {
        let below = self.path.below(&["pullrequests", number]);
        self.sink.api.find(&below, "read a change request").await
    }

    async fn newest(&self, page: u64) -> Result<Listing<wire::PullRequest>, HostError> {
        let below = self.path.below(&["pullrequests"]);
        self.sink.api.list(&below, &NEWEST, page, "look for a change request").await
    }

    async fn reword(
        &self,
        request: &mut wire::PullRequest,
        title: &str,
        description: &str,
    ) -> Result<(), HostError> {
        let number = request.id.unwrap_or_default().to_string();
        let below = self.path.below(&["pullrequests", &number]);
        let body = json!({"type": "pullrequest", "title": title, "description": description});
        *request = self.sink.api.put(&below, &body, "change a change request").await?;
        Ok(())
    }

    async fn act(&self, request: &wire::PullRequest, action: &str) -> Result<(), HostError> {
        let number = request.id.unwrap_or_default().to_string();
        let below = self.path.below(&["pullrequests", &number, action]);
        // The branches are removed when all is done, and not before.
        let merge = json!({"type": "pullrequest", "close_source_branch": false});
        let body = (action == "merge").then_some(&merge);
        let operation = "set the state of a change request";
        self.sink.api.act(Method::POST, &below, (body, operation)).await
    }

    async fn needed(&self) -> Result<Vec<String>, HostError> {
        let below = self.path.below(&["pullrequests"]);
        let operation = "look for branches that are not needed";
        let open: Vec<wire::PullRequest> =
            self.sink.api.children(&below, &[("state", "OPEN")], operation).await?;
        let open = open.into_iter().filter(|it| it.state.as_deref() == Some("OPEN"));
        let ends = open.flat_map(|it| [it.source, it.destination]).flatten();
        Ok(ends.filter_map(|it| it.branch?.name).collect())
    }
}

impl CloudSink {
    /// Declines a request, for none can be removed.
    pub(super) async fn close_request(&self, path: Path<'_>, id: &str) -> Result<(), HostError> {
        let repository = Repository { sink: self, path };
        let found = repository.request(id).await?;
        match found.filter(|it| it.state.as_deref() == Some("OPEN")) {
            Some(open) => repository.act(&open, "decline").await,
            None => Ok(()),
        }
    }
}
