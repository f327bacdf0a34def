//! Comments and reactions.

use super::{Done, GiteaSink, Path, Task, change::is_refusal, issue::unnumbered};
use crate::gitea::{call::Change, map::issue::key, wire};
use packhorse_core::{
    HostErrorKind, ObjectKind,
    model::{Comment, HostId, Reaction, Subject},
    port::Outcome,
};
use serde_json::json;

impl Task<'_> {
    /// The subject as it is called at the destination; `None` where it has none.
    pub(super) fn subject(&self, subject: &Subject) -> Option<Subject> {
        Some(match subject {
            Subject::Project => Subject::Project,
            Subject::Issue(number) => Subject::Issue(*number),
            Subject::ChangeRequest(number) => Subject::ChangeRequest(*number),
            Subject::Comment(id) => {
                Subject::Comment(HostId(self.target(ObjectKind::Comment, &id.0)?.to_owned()))
            }
            Subject::ReviewComment(id) => {
                let id = self.target(ObjectKind::ReviewComment, &id.0)?;
                Subject::ReviewComment(HostId(id.to_owned()))
            }
            Subject::Discussion(_)
            | Subject::Release(_)
            | Subject::Commit(_)
            | Subject::Review(_)
            | Subject::CommitComment(_)
            | Subject::Snippet(_) => return None,
        })
    }
}

/// Where a subject is, below its project.
pub(super) fn place(subject: &Subject) -> Option<Vec<String>> {
    let parts: Vec<String> = match subject {
        Subject::Issue(number) | Subject::ChangeRequest(number) => {
            vec!["issues".to_owned(), number.to_string()]
        }
        // Comments of both sorts have one row of ids.
        Subject::Comment(HostId(id)) | Subject::ReviewComment(HostId(id)) if !id.is_empty() => {
            vec!["issues".to_owned(), "comments".to_owned(), id.clone()]
        }
        Subject::Comment(_)
        | Subject::Project
        | Subject::Discussion(_)
        | Subject::Release(_)
        | Subject::Commit(_)
        | Subject::Review(_)
        | Subject::ReviewComment(_)
        | Subject::CommitComment(_)
        | Subject::Snippet(_) => return None,
    };
    Some(parts)
}

impl GiteaSink {
    pub(super) async fn comment(
        &self,
        path: Path<'_>,
        task: &mut Task<'_>,
        comment: &Comment,
    ) -> Done {
        let Some(Subject::Issue(number) | Subject::ChangeRequest(number)) =
            task.subject(&comment.subject)
        else {
            return task.miss("what it is about has no place there");
        };
        if comment.internal {
            // Shown to everybody, it would be looser than it was.
            return task.drop("the server has no comments that only members see");
        }
        if comment.task.is_some() {
            task.lose("task", "the server has no comments that are tasks");
        }
        let text = task.body(comment.body.as_ref());
        if text.trim().is_empty() {
            return task.drop("it says nothing, which the server does not take");
        }
        let mut body = json!({ "body": text });
        self.stamp(&mut body, comment.updated_at.or(comment.created_at)).await?;
        if let Some(existing) = task.existing {
            let below = path.below(&["issues", "comments", &existing.0]);
            self.api.patch(Change::new(&below, "change a comment"), &body).await?;
            return Ok((existing.0.clone(), Outcome::Updated));
        }
        let number = number.to_string();
        let below = path.below(&["issues", &number, "comments"]);
        let change = Change::new(&below, "make a comment");
        let made: wire::Comment = self.post_signed(change, &body, comment.author.as_ref()).await?;
        let id = made.id.ok_or_else(|| unnumbered("make a comment"))?;
        Ok((id.to_string(), Outcome::Created))
    }

    /// A reaction, of who reacted, or else of who carries it, once for all.
    pub(super) async fn reaction(
        &self,
        path: Path<'_>,
        task: &mut Task<'_>,
        reaction: &Reaction,
    ) -> Done {
        let Some(subject) = task.subject(&reaction.subject) else {
            return task.drop("the server has no reactions to that");
        };
        let Some(parts) = place(&subject) else {
            return task.drop("the server has no reactions to that");
        };
        let parts: Vec<&str> = parts.iter().map(String::as_str).chain(["reactions"]).collect();
        let below = path.below(&parts);
        let change = Change::new(&below, "react");
        let body = json!({ "content": reaction.content });
        let me = self.server().await?.me.clone().map(|it| it.login).unwrap_or_default();
        let (name, is_kept) = self.name_of(reaction.author.as_ref()).await?;
        let id = |who: &str| format!("{}/{who}/{}", key(&subject), reaction.content);
        let mut done = self.api.react(change.in_name_of(name), &body).await;
        let mut is_kept = is_kept;
        if name.is_some() && done.as_ref().is_err_and(|it| is_refusal(it.kind)) {
            // That person does not see the project.
            is_kept = false;
            done = self.api.react(change, &body).await;
        }
        match done {
            Ok(_) if is_kept => {
                let who = name.unwrap_or(&me);
                return Ok((id(who), task.outcome()));
            }
            // It stood there already, for somebody else who reacted like that.
            Ok(false) if task.existing.is_none() => {
                return task.drop("who carries it has reacted like that, and nobody does twice");
            }
            Ok(_) => {}
            Err(error) if error.kind == HostErrorKind::NotFound => {
                return task.miss("what it is to is not there");
            }
            Err(error) if is_refusal(error.kind) => {
                return task.drop("the server has no such reaction");
            }
            Err(error) => return Err(error),
        }
        task.lose("author", "reactions are of who carries them");
        Ok((id(&me), task.outcome()))
    }
}
