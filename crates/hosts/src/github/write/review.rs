//! Reviews and review comments.

use super::{
    GithubSink, Order, Told,
    account::{refused, words},
    branch::is_commit,
    text::{is_silent, with_line},
    unnumbered, wire,
};
use http::Method;
use packhorse_core::{
    HostError, HostErrorKind, Loss, ObjectKind, mark,
    model::{Position, Review, ReviewComment, Verdict},
    port::{Outcome, Written},
};
use serde_json::json;

/// What ids of review comments begin with that could only become comments.
pub(super) const PLAIN: &str = "comment/";

fn is_number(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|it| it.is_ascii_digit())
}

/// Where a comment was, for people.
fn place_in_words(at: &Position) -> String {
    match at.line.or(at.original_line) {
        Some(line) => format!("*On `{}`, line {line}:*", at.path.replace('`', "'")),
        None => format!("*On `{}`:*", at.path.replace('`', "'")),
    }
}

impl GithubSink {
    /// A review. All is opened by whoever owns the token, and nobody judges what is their own:
    /// a verdict becomes a line.
    pub(super) async fn review(
        &self,
        order: Order<'_>,
        review: &Review,
    ) -> Result<Written, HostError> {
        let (mut told, operation) = (Told::default(), "make a review");
        let number = review.change_request.to_string();
        let mut body = told.body(review.body.as_ref());
        let line = match review.verdict {
            Verdict::Commented => None,
            Verdict::Approved => Some("*Approved.*"),
            Verdict::ChangesRequested => Some("*Changes were requested.*"),
            Verdict::Dismissed => Some("*This review was dismissed.*"),
            // SECURITY: what was not handed in must not be shown.
            Verdict::Pending => return Ok(told.dropped("it was not handed in")),
        };
        if let Some(line) = line {
            body = with_line(&body, line);
            told.lost("verdict", "became a comment: nobody decides on what they opened themselves");
            told.lost("body", "ends with a line that says what was decided");
        } else if is_silent(&body) {
            return Ok(told.dropped("it says nothing by itself; its comments do"));
        }
        if let Some(existing) = order.existing {
            let path = order.path.below(&["pulls", &number, "reviews", &existing.0]);
            self.api.tell(Method::PUT, &path, &json!({"body": body}), operation).await?;
            return Ok(told.done(&existing.0, order.existing));
        }
        let path = order.path.below(&["pulls", &number, "reviews"]);
        let mut content = json!({"body": body, "event": "COMMENT"});
        if let Some(commit) = review.commit.as_ref().filter(|it| is_commit(it)) {
            content["commit_id"] = json!(commit);
        }
        let mut made: Result<wire::Review, _> =
            self.api.send(Method::POST, &path, &content, operation).await;
        if made.as_ref().is_err_and(|it| it.kind == HostErrorKind::Rejected)
            && let Some(fields) = content.as_object_mut()
            && fields.remove("commit_id").is_some()
        {
            told.lost("commit", "the commit is not part of the change request here");
            made = self.api.send(Method::POST, &path, &content, operation).await;
        }
        match made {
            Err(error) if refused(error.kind) => Ok(told.missed(words(&error))),
            other => Ok(told.done(other?.id.ok_or_else(|| unnumbered(operation))?, None)),
        }
    }

    pub(super) async fn review_comment(
        &self,
        order: Order<'_>,
        comment: &ReviewComment,
    ) -> Result<Written, HostError> {
        let (mut told, operation) = (Told::default(), "make a review comment");
        if comment.pending {
            // SECURITY: what was not handed in must not be shown.
            return Ok(told.dropped("it was not handed in"));
        }
        let text = told.words(comment.body.as_ref());
        let body = json!({ "body": text });
        if let Some(existing) = order.existing {
            let path = match existing.0.strip_prefix(PLAIN) {
                Some(id) => order.path.below(&["issues", "comments", id]),
                None => order.path.below(&["pulls", "comments", &existing.0]),
            };
            self.api.tell(Method::PATCH, &path, &body, operation).await?;
            return Ok(told.done(&existing.0, order.existing));
        }
        let thread = comment.thread.as_ref();
        let thread = thread.and_then(|it| order.became(ObjectKind::ReviewThread, &it.0));
        // Where comments come without threads, what is answered tells which.
        let answers = comment.reply_to.as_ref().filter(|_| comment.thread.is_none());
        let answers = answers.and_then(|it| order.became(ObjectKind::ReviewComment, &it.0));
        let Some(first) = thread.or(answers).filter(|it| is_number(it)) else {
            let at = (comment.change_request, &comment.position);
            return match comment.thread {
                None => match self.begin(order, at, &text, &mut told).await? {
                    Ok(id) => Ok(told.done(id, None)),
                    Err(_) => self.as_comment(order, comment, &text, told).await,
                },
                Some(_) => self.as_comment(order, comment, &text, told).await,
            };
        };
        let path = order.path.below(&["pulls", "comments", first]);
        let found: wire::ReviewComment = self.api.get(&path, operation).await?;
        let holds = found.body.as_deref().and_then(mark::parse).map(|(origin, _)| origin.kind);
        if holds == Some(ObjectKind::ReviewThread) {
            self.api.tell(Method::PATCH, &path, &body, operation).await?;
            return Ok(told.written(first, Outcome::Created));
        }
        let number = comment.change_request.to_string();
        // Answers to answers are answers to what those answer.
        let root = found.in_reply_to_id.map(|it| it.to_string());
        let first = root.as_deref().unwrap_or(first);
        let path = order.path.below(&["pulls", &number, "comments", first, "replies"]);
        let made: wire::ReviewComment =
            self.api.send(Method::POST, &path, &body, operation).await?;
        Ok(told.done(made.id.ok_or_else(|| unnumbered(operation))?, None))
    }

    /// A review comment without a place keeps its text below the change request.
    async fn as_comment(
        &self,
        order: Order<'_>,
        comment: &ReviewComment,
        text: &str,
        mut told: Told,
    ) -> Result<Written, HostError> {
        let operation = "make a review comment";
        let number = comment.change_request.to_string();
        let path = order.path.below(&["issues", &number, "comments"]);
        let body = json!({"body": format!("{}\n\n{text}", place_in_words(&comment.position))});
        let made: Result<wire::Comment, _> =
            self.api.send(Method::POST, &path, &body, operation).await;
        match made {
            Err(error) if refused(error.kind) => Ok(told.missed(words(&error))),
            other => {
                let id = other?.id.ok_or_else(|| unnumbered(operation))?;
                let why = "is not part of the change here: a line above the text says what it was";
                told.lost("position", why);
                told.lost(Loss::KIND, "became a comment below the change request");
                Ok(told.written(format!("{PLAIN}{id}"), Outcome::Created))
            }
        }
    }
}
