//! Comments on issues, change requests and commits.

use super::{
    GithubSink, Order, Told,
    account::{refused, words},
    unnumbered, wire,
};
use http::Method;
use packhorse_core::{
    HostError,
    model::{Comment, CommitComment, Subject},
    port::Written,
};
use serde_json::json;

/// The number of an issue or a change request, which have one row of numbers.
pub(super) fn numbered(subject: &Subject) -> Option<u64> {
    match subject {
        Subject::Issue(number) | Subject::ChangeRequest(number) => Some(*number),
        Subject::Project
        | Subject::Discussion(_)
        | Subject::Release(_)
        | Subject::Commit(_)
        | Subject::Comment(_)
        | Subject::Review(_)
        | Subject::ReviewComment(_)
        | Subject::CommitComment(_)
        | Subject::Snippet(_) => None,
    }
}

impl GithubSink {
    pub(super) async fn comment(
        &self,
        order: Order<'_>,
        comment: &Comment,
    ) -> Result<Written, HostError> {
        if matches!(comment.subject, Subject::Discussion(_)) {
            return self.discussion_comment(order, comment).await;
        }
        let (mut told, operation) = (Told::default(), "make a comment");
        let Some(number) = numbered(&comment.subject) else {
            return Ok(told.dropped("GitHub has no comments on such a thing"));
        };
        if comment.internal {
            // SECURITY: what only members see must not be shown to everybody.
            return Ok(told.dropped("GitHub has no comments that only members see"));
        }
        let body = json!({ "body": told.words(comment.body.as_ref()) });
        if let Some(existing) = order.existing {
            let path = order.path.below(&["issues", "comments", &existing.0]);
            self.api.tell(Method::PATCH, &path, &body, "change a comment").await?;
            return Ok(told.done(&existing.0, order.existing));
        }
        let number = number.to_string();
        let path = order.path.below(&["issues", &number, "comments"]);
        let made: wire::Comment = self.api.send(Method::POST, &path, &body, operation).await?;
        Ok(told.done(made.id.ok_or_else(|| unnumbered(operation))?, None))
    }

    pub(super) async fn commit_comment(
        &self,
        order: Order<'_>,
        comment: &CommitComment,
    ) -> Result<Written, HostError> {
        let (mut told, operation) = (Told::default(), "comment on a commit");
        let mut body = json!({ "body": told.words(comment.body.as_ref()) });
        if let Some(existing) = order.existing {
            let path = order.path.below(&["comments", &existing.0]);
            self.api.tell(Method::PATCH, &path, &body, operation).await?;
            return Ok(told.done(&existing.0, order.existing));
        }
        if let (Some(path), Some(position)) = (&comment.path, comment.diff_position) {
            body["path"] = json!(path);
            body["position"] = json!(position);
        } else if comment.path.is_some() {
            let why = "GitHub wants the line counted in the diff, which is not known";
            told.lost("path", why);
        }
        let path = order.path.below(&["commits", &comment.commit, "comments"]);
        let made: Result<wire::CommitComment, _> =
            self.api.send(Method::POST, &path, &body, operation).await;
        match made {
            Err(error) if refused(error.kind) => Ok(told.missed(words(&error))),
            other => Ok(told.done(other?.id.ok_or_else(|| unnumbered(operation))?, None)),
        }
    }
}
