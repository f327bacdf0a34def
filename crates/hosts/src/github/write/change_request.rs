//! Change requests: GitHub makes them of two branches, and merges them itself or not at all.

use super::{
    GithubSink, Order, Path, Told,
    account::{refused, words},
    branch::is_ours,
    ends::{self, Ends},
    text::with_line,
    unnumbered, wire,
};
use http::Method;
use packhorse_core::{
    HostError, HostErrorKind, Loss, TargetId,
    model::{ChangeRequest, ChangeRequestState, Grantee},
    port::{Numbered, Written},
};
use serde_json::{Value, json};

const DRAFT: &str = "mutation($id: ID!) { convertPullRequestToDraft(input: {pullRequestId: $id}) \
    { clientMutationId } }";
const READY: &str = "mutation($id: ID!) { markPullRequestReadyForReview(input: {pullRequestId: \
    $id}) { clientMutationId } }";

/// What the body says of a merge that GitHub has not made.
fn merged_line(request: &ChangeRequest) -> String {
    let mut line = "*Merged".to_owned();
    if let Some(at) = request.merged_at {
        line.push_str(&format!(" on {}", at.to_utc()));
    }
    if let Some(commit) = request.merge_commit.as_ref().or(request.squash_commit.as_ref()) {
        line.push_str(&format!(" as {commit}"));
    }
    line.push_str(", before it was brought here.*");
    line
}

fn whole(written: Written) -> Numbered {
    Numbered { written, is_open: false }
}

impl GithubSink {
    pub(super) async fn change_request(
        &self,
        order: Order<'_>,
        request: &ChangeRequest,
    ) -> Result<Written, HostError> {
        let Numbered { mut written, is_open } = self.number_change(order, request).await?;
        if is_open {
            let target = written.target.clone();
            written.losses.extend(self.complete_change(order, request, &target).await?);
        }
        Ok(written)
    }

    /// Opens a change request, or changes one; one that is opened has its number and its text.
    pub(super) async fn number_change(
        &self,
        order: Order<'_>,
        request: &ChangeRequest,
    ) -> Result<Numbered, HostError> {
        let mut told = Told::default();
        let title = told.title(&request.title);
        let mut body = told.body(request.body.as_ref());
        if request.state == ChangeRequestState::Merged {
            body = with_line(&body, &merged_line(request));
            told.lost("state", "became closed: GitHub calls merged only what it merged itself");
            told.lost("body", "ends with a line that says that it was merged");
        }
        let said = (title.as_str(), body.as_str());
        if let Some(existing) = order.existing {
            self.update(order, request, (&existing.0, said), &mut told).await?;
            return Ok(whole(told.done(&existing.0, order.existing)));
        }
        let Some(ends) = self.ends(order, request).await? else {
            let why = "its commits are not here";
            return self.as_issue(order, request, (said, told), why).await.map(whole);
        };
        let made = match self.open(order, request, (&ends, said), &mut told).await {
            Err(error) if refused(error.kind) => Err(words(&error)),
            other => Ok((other?, ends)),
        };
        let made = match made {
            // One is open between the same branches, or the base has it all by now.
            Err(why) if request.state != ChangeRequestState::Open => {
                self.open_between_own(order, request, said, &mut told).await?.ok_or(why)
            }
            other => other,
        };
        let (made, ends) = match made {
            Ok(made) => made,
            Err(why) => return self.as_issue(order, request, (said, told), &why).await.map(whole),
        };
        ends::tell(&ends, request, &mut told);
        let number = made.number.ok_or_else(|| unnumbered("open a change request"))?;
        // GitHub has no more than one open between two branches: the next may want these.
        let keeps_others_out = request.state != ChangeRequestState::Open && !is_ours(&ends.head);
        self.known.of(order.path, |it| it.opened.insert(number, ends));
        let mut written = told.done(number, None);
        if keeps_others_out {
            let target = written.target.clone();
            written.losses.extend(self.complete_change(order, request, &target).await?);
        }
        Ok(Numbered { written, is_open: !keeps_others_out })
    }

    /// Adds what is not said where a change request is opened, and closes what is closed.
    pub(super) async fn complete_change(
        &self,
        order: Order<'_>,
        request: &ChangeRequest,
        target: &TargetId,
    ) -> Result<Vec<Loss>, HostError> {
        let (mut told, number) = (Told::default(), target.0.as_str());
        self.ask_reviewers(order, request, (number, &[]), &mut told).await?;
        self.settle(order, request, number, &mut told).await?;
        let opened = |it: &mut super::known::Project| it.opened.remove(&number.parse().ok()?);
        if let Some(ends) = self.known.of(order.path, opened) {
            self.tidy(order.path, request, [&ends.head, &ends.base]).await?;
        }
        Ok(told.losses)
    }

    /// Opens one between branches of ours; `None` where that cannot be.
    async fn open_between_own(
        &self,
        order: Order<'_>,
        request: &ChangeRequest,
        said: (&str, &str),
        told: &mut Told,
    ) -> Result<Option<(wire::PullRequest, Ends)>, HostError> {
        let Some(ends) = self.own_ends(order, request).await? else { return Ok(None) };
        match self.open(order, request, (&ends, said), told).await {
            Err(error) if refused(error.kind) => Ok(None),
            other => other.map(|made| Some((made, ends))),
        }
    }

    async fn open(
        &self,
        order: Order<'_>,
        request: &ChangeRequest,
        (ends, (title, body)): (&Ends, (&str, &str)),
        told: &mut Told,
    ) -> Result<wire::PullRequest, HostError> {
        let operation = "open a change request";
        let path = order.path.below(&["pulls"]);
        let mut content = json!({"title": title, "body": body, "head": ends.head,
            "base": ends.base, "draft": request.draft});
        let made = self.api.send(Method::POST, &path, &content, operation).await;
        match made {
            Err(error) if error.kind == HostErrorKind::Rejected && request.draft => {
                // Not every plan has drafts.
                content["draft"] = json!(false);
                let made = self.api.send(Method::POST, &path, &content, operation).await?;
                told.lost("draft", words(&error));
                Ok(made)
            }
            other => other,
        }
    }

    /// What is said of issues and change requests alike.
    async fn settle(
        &self,
        order: Order<'_>,
        request: &ChangeRequest,
        number: &str,
        told: &mut Told,
    ) -> Result<(), HostError> {
        let assignees = self.assignees(order.path, &request.assignees, told).await?;
        let is_open = request.state == ChangeRequestState::Open;
        let is_plain =
            request.labels.is_empty() && assignees.is_empty() && request.milestone.is_none();
        if is_plain && is_open && order.existing.is_none() {
            return Ok(());
        }
        let state = if is_open { "open" } else { "closed" };
        let body = json!({"labels": request.labels, "assignees": assignees,
            "milestone": request.milestone, "state": state});
        let path = order.path.below(&["issues", number]);
        self.api.tell(Method::PATCH, &path, &body, "complete a change request").await.map(drop)
    }

    /// Removes what stood for the ends of one that is closed.
    async fn tidy(
        &self,
        path: Path<'_>,
        request: &ChangeRequest,
        ends: [&str; 2],
    ) -> Result<(), HostError> {
        if request.state == ChangeRequestState::Open {
            return Ok(());
        }
        for branch in ends.into_iter().filter(|it| is_ours(it)) {
            self.remove_branch(path, branch).await?;
        }
        Ok(())
    }

    async fn update(
        &self,
        order: Order<'_>,
        request: &ChangeRequest,
        (number, (title, body)): (&str, (&str, &str)),
        told: &mut Told,
    ) -> Result<(), HostError> {
        let operation = "change a change request";
        let below = order.path.below(&["pulls", number]);
        let found: Option<wire::PullRequest> = self.api.find(&below, operation).await?;
        let content = json!({"title": title, "body": body});
        let Some(found) = found else {
            // It could not be opened, and is a closed issue.
            let below = order.path.below(&["issues", number]);
            return self.api.tell(Method::PATCH, &below, &content, operation).await.map(drop);
        };
        self.api.tell(Method::PATCH, &below, &content, operation).await?;
        let is_draft = found.draft.unwrap_or_default();
        let is_open = request.state == ChangeRequestState::Open;
        if let Some(id) = found.node_id.filter(|_| is_open && is_draft != request.draft) {
            let text = if request.draft { DRAFT } else { READY };
            let turned = self.api.mutate::<Value>(text, json!({"id": id}), "turn a draft").await;
            match turned {
                Err(error) if refused(error.kind) => told.lost("draft", words(&error)),
                other => drop(other?),
            }
        }
        let asked = found.requested_reviewers.unwrap_or_default();
        self.ask_reviewers(order, request, (number, &asked), told).await?;
        self.settle(order, request, number, told).await?;
        let ends = [found.head, found.base].map(|it| it.and_then(|it| it.r#ref));
        let ends = ends.each_ref().map(|it| it.as_deref().unwrap_or_default());
        self.tidy(order.path, request, ends).await
    }

    /// Asks those for a review who have an account here and were not asked yet; nobody is asked about
    /// what is closed.
    async fn ask_reviewers(
        &self,
        order: Order<'_>,
        request: &ChangeRequest,
        (number, asked_already): (&str, &[wire::User]),
        told: &mut Told,
    ) -> Result<(), HostError> {
        let standing = request.review_requests.iter().filter(|it| it.dismissed_at.is_none());
        let (mut people, mut teams, mut unknown) = (Vec::new(), Vec::new(), 0_usize);
        for asked in standing {
            match &asked.reviewer {
                Grantee::User(person) => match self.account(person) {
                    Some(login) => people.push(login),
                    None => unknown += 1,
                },
                Grantee::Team { slug, .. } => teams.push(slug.as_str()),
                Grantee::Group(_) => unknown += 1,
            }
        }
        if unknown > 0 {
            told.lost("review_requests", "some who were asked have no account here");
        }
        let is_asked =
            |login: &str| asked_already.iter().any(|it| it.login.as_deref() == Some(login));
        people.retain(|login| !is_asked(login));
        if people.len() + teams.len() == 0 {
            return Ok(());
        }
        if request.state != ChangeRequestState::Open {
            told.lost("review_requests", "nobody is asked about what is closed");
            return Ok(());
        }
        let path = order.path.below(&["pulls", number, "requested_reviewers"]);
        let body = json!({"reviewers": people, "team_reviewers": teams});
        match self.api.tell(Method::POST, &path, &body, "ask for a review").await {
            Err(error) if refused(error.kind) => told.lost("review_requests", words(&error)),
            other => drop(other?),
        }
        Ok(())
    }

    /// A change request that cannot be one keeps its number and its text as a closed issue.
    async fn as_issue(
        &self,
        order: Order<'_>,
        request: &ChangeRequest,
        ((title, body), mut told): ((&str, &str), Told),
        why: &str,
    ) -> Result<Written, HostError> {
        let operation = "open a change request";
        let line = format!(
            "*This was a change request of `{}` into `{}`.*",
            request.head.name, request.base.name
        );
        let content = json!({"title": title, "body": with_line(body, &line)});
        let path = order.path.below(&["issues"]);
        let made: wire::Issue = self.api.send(Method::POST, &path, &content, operation).await?;
        let number = made.number.ok_or_else(|| unnumbered(operation))?.to_string();
        let closed = json!({"state": "closed", "state_reason": "not_planned"});
        let path = order.path.below(&["issues", &number]);
        self.api.tell(Method::PATCH, &path, &closed, operation).await?;
        told.lost(Loss::WHOLE, format!("it is a closed issue with the same text: {why}"));
        Ok(told.done(number, None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merge_is_told_with_its_moment_and_its_commit() {
        let request = ChangeRequest {
            merged_at: Some("2026-01-31T12:00:00+01:00".parse().unwrap()),
            merge_commit: Some("abc".into()),
            ..ChangeRequest::default()
        };

        let line = merged_line(&request);

        assert_eq!(line, "*Merged on 2026-01-31T11:00:00Z as abc, before it was brought here.*");
        let line = merged_line(&ChangeRequest::default());
        assert_eq!(line, "*Merged, before it was brought here.*");
    }
}
