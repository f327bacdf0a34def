//! Reviews, and the threads of their comments.
//!
//! A thread is the comments on one line; it is made with the first of them. A comment is handed
//! in as a review of its own that says nothing else, which is no review when it is read back.

use super::{Done, GiteaSink, Path, Task, change::is_refusal, hunk, issue::unnumbered};
use crate::gitea::{call::Change, map::review::thread_id, server::Product, wire};
use packhorse_core::{
    HostError, HostErrorKind, ObjectKind,
    model::{Review, ReviewComment, ReviewThread, Verdict},
    port::Outcome,
};
use serde_json::{Value, json};

/// The server's word for a verdict; `None` for what was not handed in.
fn word(verdict: Verdict) -> Option<&'static str> {
    match verdict {
        Verdict::Approved => Some("APPROVED"),
        // What it said before it was set aside is not known: the stricter of two.
        Verdict::ChangesRequested | Verdict::Dismissed => Some("REQUEST_CHANGES"),
        Verdict::Commented => Some("COMMENT"),
        Verdict::Pending => None,
    }
}

impl GiteaSink {
    pub(super) async fn review(
        &self,
        path: Path<'_>,
        task: &mut Task<'_>,
        review: &Review,
    ) -> Done {
        let Some(event) = word(review.verdict) else {
            return task.drop("it was not handed in, and nobody else shall see it");
        };
        if let Some(existing) = task.existing {
            task.lose("body", "a review cannot be changed any more");
            task.lose("verdict", "a review cannot be changed any more");
            return Ok((existing.0.clone(), Outcome::Adopted));
        }
        let number = review.change_request.to_string();
        let text = task.body(review.body.as_ref());
        if event == "COMMENT" && text.trim().is_empty() {
            return task.drop("it says nothing by itself; its comments do");
        }
        let below = path.below(&["pulls", &number, "reviews"]);
        let call = Change::new(&below, "make a review");
        let text = if text.trim().is_empty() { "-".to_owned() } else { text };
        let mut body = json!({ "body": text, "event": event });
        if let Some(commit) = &review.commit
            && self.has_commit(path, commit).await?
        {
            body["commit_id"] = json!(commit);
        }
        let author = review.author.as_ref();
        let made: Result<wire::Review, _> = match event {
            "COMMENT" => self.post_signed(call, &body, author).await,
            // Nobody judges in somebody else's name.
            _ => {
                let (name, is_kept) = self.name_of(author).await?;
                match is_kept || author.is_none() {
                    true => self.api.post(call.in_name_of(name), &body).await,
                    false => Err(HostError::new(HostErrorKind::Rejected, "make a review")),
                }
            }
        };
        let made = match made {
            Err(error) if event != "COMMENT" && is_refusal(error.kind) => {
                task.lose("verdict", "became a comment: the server takes no such verdict there");
                task.lose("body", "begins with a line that says what was decided");
                let said = match review.verdict {
                    Verdict::Approved => "Approved",
                    Verdict::ChangesRequested => "Changes requested",
                    Verdict::Dismissed => "A verdict that was dismissed",
                    Verdict::Commented | Verdict::Pending => "Commented",
                };
                body["event"] = json!("COMMENT");
                body["body"] = json!(with_line(&text, said));
                self.post_signed(call, &body, author).await?
            }
            other => other?,
        };
        let id = made.id.ok_or_else(|| unnumbered("make a review"))?.to_string();
        if review.verdict == Verdict::Dismissed && made.state.as_deref() != Some("COMMENT") {
            let below = path.below(&["pulls", &number, "reviews", &id, "dismissals"]);
            let call = Change::new(&below, "dismiss a review");
            let body = json!({ "message": "dismissed", "priors": false });
            match self.api.act(call, &body).await {
                Err(error) if is_refusal(error.kind) => {
                    task.lose("verdict", "the server did not let it be dismissed");
                }
                other => other?,
            }
        }
        Ok((id, Outcome::Created))
    }

    async fn has_commit(&self, path: Path<'_>, commit: &str) -> Result<bool, HostError> {
        let below = path.below(&["git", "commits", commit]);
        match self.api.find::<Value>(&below, "look for a commit").await {
            Ok(found) => Ok(found.is_some()),
            Err(error) if is_refusal(error.kind) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A thread, which is there with its first comment.
    pub(super) fn thread(
        &self,
        path: Path<'_>,
        task: &mut Task<'_>,
        thread: &ReviewThread,
    ) -> Done {
        let (line, is_old) = hunk::line(&thread.position);
        let id = thread_id(thread.change_request, &thread.position.path, (line, is_old));
        let origin = task.record.origin.id.clone();
        let first = self
            .known
            .of(path, |it| it.threads.entry(id.clone()).or_insert_with(|| origin.clone()).clone());
        if thread.resolver.is_some() || thread.resolved_at.is_some() {
            task.lose("resolver", "the server is not told that a thread is settled");
            task.lose("resolved_at", "the server is not told that a thread is settled");
        }
        if first != origin {
            return task.drop("another thread is on that line, and the comments stand in it");
        }
        Ok((id, task.outcome()))
    }

    pub(super) async fn review_comment(
        &self,
        path: Path<'_>,
        task: &mut Task<'_>,
        comment: &ReviewComment,
    ) -> Done {
        if comment.pending {
            return task.drop("it was not handed in, and nobody else shall see it");
        }
        let text = task.body(comment.body.as_ref());
        if text.trim().is_empty() {
            return task.drop("it says nothing, which the server does not take");
        }
        if let Some(existing) = task.existing {
            let below = path.below(&["issues", "comments", &existing.0]);
            let change = Change::new(&below, "change a review comment");
            self.api.patch(change, &json!({ "body": text })).await?;
            return Ok((existing.0.clone(), Outcome::Updated));
        }
        let number = comment.change_request.to_string();
        let (line, is_old) = hunk::line(&comment.position);
        let position = match is_old {
            true => ("old_position", "new_position"),
            false => ("new_position", "old_position"),
        };
        let said = json!({
            "path": comment.position.path, "body": text, (position.0): line, (position.1): 0,
        });
        let review = comment.review.as_ref();
        let review = review.and_then(|it| task.target(ObjectKind::Review, &it.0));
        let review = review.unwrap_or_default().to_owned();
        let commit = match &comment.position.commit {
            Some(commit) if self.has_commit(path, commit).await? => Some(commit.as_str()),
            Some(_) | None => None,
        };
        if self.server().await?.product == Product::Forgejo && !review.is_empty() {
            let below = path.below(&["pulls", &number, "reviews", &review, "comments"]);
            let call = Change::new(&below, "make a review comment");
            let made: Result<wire::ReviewComment, _> =
                self.post_signed(call, &said, comment.author.as_ref()).await;
            match made {
                Err(error) if is_refusal(error.kind) => {}
                other => {
                    let id = other?.id.ok_or_else(|| unnumbered("make a review comment"))?;
                    return Ok((id.to_string(), Outcome::Created));
                }
            }
        }
        let id = self.comment_alone(path, comment, (&number, said, commit)).await?;
        Ok((id, Outcome::Created))
    }

    /// Hands a comment in as a review that says nothing else; its id.
    async fn comment_alone(
        &self,
        path: Path<'_>,
        comment: &ReviewComment,
        (number, said, commit): (&str, Value, Option<&str>),
    ) -> Result<String, HostError> {
        let operation = "make a review comment";
        let below = path.below(&["pulls", number, "reviews"]);
        let call = Change::new(&below, operation);
        let mut body = json!({ "body": "", "event": "COMMENT", "comments": [said] });
        super::issue::set(&mut body, "commit_id", commit.map(Value::from));
        let made: wire::Review = self.post_signed(call, &body, comment.author.as_ref()).await?;
        let review = made.id.ok_or_else(|| unnumbered(operation))?.to_string();
        let below = path.below(&["pulls", number, "reviews", &review, "comments"]);
        let comments: Vec<wire::ReviewComment> = self.api.list_whole(&below, operation).await?;
        let id = comments.iter().filter_map(|it| it.id).max();
        Ok(id.ok_or_else(|| unnumbered(operation))?.to_string())
    }
}

/// A body with a line above all but the mark.
fn with_line(body: &str, line: &str) -> String {
    use packhorse_core::mark;
    match mark::parse(body) {
        Some((origin, rest)) if !rest.is_empty() => {
            format!("*{line}*\n\n{rest}\n\n{}", mark::of(&origin))
        }
        Some((origin, _)) => format!("*{line}*\n\n{}", mark::of(&origin)),
        None if body == "-" => format!("*{line}*"),
        None => format!("*{line}*\n\n{body}"),
    }
}
