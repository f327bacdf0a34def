//! Comments, reactions, and comments on commits.

use super::{Done, GitlabSink, Task, below, odd, signed::Signed};
use crate::gitlab::{call::Change, ours, wire};
use packhorse_core::{
    HostError, HostErrorKind, ObjectKind,
    model::{Comment, CommitComment, Reaction, Subject},
    port::Outcome,
};
use serde_json::{Value, json};

/// Whether a refusal is about who asked, or about what was asked for, and not about the server.
pub(super) const fn is_refusal(kind: HostErrorKind) -> bool {
    match kind {
        HostErrorKind::Unauthorized
        | HostErrorKind::Forbidden
        | HostErrorKind::NotFound
        | HostErrorKind::Conflict
        | HostErrorKind::Rejected
        | HostErrorKind::Unsupported => true,
        HostErrorKind::RateLimited | HostErrorKind::Protocol | HostErrorKind::Unavailable => false,
    }
}

/// The server's word for a reaction.
///
/// Source: GitHub's and GitLab's lists of reactions.
pub(super) fn award(content: &str) -> &str {
    match content {
        "+1" => "thumbsup",
        "-1" => "thumbsdown",
        "laugh" => "laughing",
        "hooray" => "tada",
        other => other,
    }
}

/// The parts of a note's id: what it is about, and its number.
pub(super) fn note_parts(id: &str) -> Option<[&str; 3]> {
    let parts: Vec<&str> = id.split('/').collect();
    let parts: [&str; 3] = parts.try_into().ok()?;
    parts.iter().all(|it| !it.is_empty()).then_some(parts)
}

impl GitlabSink {
    pub(super) async fn comment(&self, path: &str, task: &mut Task<'_>, it: &Comment) -> Done {
        let operation = "write a comment";
        let Some((list, key)) = task.place(&it.subject) else {
            return task.drop("what it is about is not here");
        };
        let mut text = task.said(it.body.as_ref());
        if let Some(state) = it.task {
            text = ours::as_task(state, &text);
        }
        let signed = Signed { author: it.author.as_ref(), field: "body", operation };
        if let Some(id) = task.id().map(str::to_owned) {
            let [list, key, note] = note_parts(&id).ok_or_else(|| odd(operation))?;
            let place = below(path, &[list, key, "notes", note]);
            let body = json!({ "body": text });
            self.change_signed::<wire::Note>(task, &place, (signed, &body)).await?;
            return Ok((id, Outcome::Updated));
        }
        let mut body = json!({ "body": text });
        if it.internal {
            body["internal"] = true.into();
        }
        self.date(task, ("created_at", it.created_at), &mut body).await?;
        let parent = it.reply_to.as_ref().and_then(|it| task.target(ObjectKind::Comment, &it.0));
        let parent = parent.and_then(note_parts).map(|it| it[2].to_owned());
        let thread = match parent {
            Some(note) => self.discussion_of(path, (list, &key), &note).await?,
            None => None,
        };
        if thread.is_none() && it.reply_to.is_some() {
            task.lose("reply_to", "what it answers is not here");
        }
        let is_resolved = it.resolved_at.is_some() || it.resolver.is_some();
        let note = match thread {
            Some(thread) => {
                let rest = [list, key.as_str(), "discussions", thread.as_str(), "notes"];
                let below = below(path, &rest);
                self.make_signed::<wire::Note>(task, &below, (signed, &body)).await?.0.id
            }
            None if is_resolved && list == "merge_requests" => {
                let below = below(path, &[list, &key, "discussions"]);
                let (made, _) =
                    self.make_signed::<wire::Discussion>(task, &below, (signed, &body)).await?;
                if let Some(id) = &made.id {
                    self.resolve(path, (&key, id)).await?;
                }
                made.notes.and_then(|it| it.first().and_then(|it| it.id))
            }
            None => {
                if is_resolved {
                    task.lose("resolved_at", "only threads of change requests are settled here");
                }
                let below = below(path, &[list, &key, "notes"]);
                self.make_signed::<wire::Note>(task, &below, (signed, &body)).await?.0.id
            }
        };
        let note = note.ok_or_else(|| odd(operation))?;
        Ok((format!("{list}/{key}/{note}"), Outcome::Created))
    }

    /// The discussion that a note stands in, which its own address does not say.
    async fn discussion_of(
        &self,
        path: &str,
        (list, key): (&str, &str),
        note: &str,
    ) -> Result<Option<String>, HostError> {
        let found = self.discussions(path, (list, key)).await?;
        let has = |it: &wire::Discussion| {
            it.notes.iter().flatten().any(|it| it.id.is_some_and(|it| it.to_string() == note))
        };
        Ok(found.into_iter().find(has).and_then(|it| it.id))
    }

    /// All that is said about something.
    pub(super) async fn discussions(
        &self,
        path: &str,
        (list, key): (&str, &str),
    ) -> Result<Vec<wire::Discussion>, HostError> {
        let below = below(path, &[list, key, "discussions"]);
        match self.api.children(&below, &[], "look for what was said").await {
            Err(error) if error.kind == HostErrorKind::NotFound => Ok(Vec::new()),
            other => other,
        }
    }

    /// The address of what something reacts to, and the beginning of the reaction's id.
    pub(super) fn reacted(
        &self,
        task: &Task<'_>,
        subject: &Subject,
    ) -> Option<(Vec<String>, String)> {
        if let Some((list, key)) = task.place(subject) {
            let id = format!("{list}/{key}/-");
            return Some((vec![list.to_owned(), key], id));
        }
        let (list, key, note) = match subject {
            Subject::Comment(id) => {
                let [list, key, note] = note_parts(task.target(ObjectKind::Comment, &id.0)?)?;
                (list, key, note)
            }
            Subject::ReviewComment(id) => {
                let [key, _, note] = note_parts(task.target(ObjectKind::ReviewComment, &id.0)?)?;
                ("merge_requests", key, note)
            }
            Subject::Project
            | Subject::Issue(_)
            | Subject::ChangeRequest(_)
            | Subject::Discussion(_)
            | Subject::Release(_)
            | Subject::Commit(_)
            | Subject::Review(_)
            | Subject::CommitComment(_)
            | Subject::Snippet(_) => return None,
        };
        let parts = [list, key, "notes", note].map(str::to_owned);
        Some((parts.to_vec(), format!("{list}/{key}/{note}")))
    }

    /// A reaction, in the name of who reacted: in any other it would be another one.
    pub(super) async fn reaction(&self, path: &str, task: &mut Task<'_>, it: &Reaction) -> Done {
        let operation = "react";
        if let Some(id) = task.id().map(str::to_owned) {
            return Ok((id, Outcome::Adopted));
        }
        let Some((parts, id)) = self.reacted(task, &it.subject) else {
            return task.drop("what it is to is not here, or takes no reactions");
        };
        let name = self.name_of(it.author.as_ref()).await?;
        if name.is_none() && !self.is_me(it.author.as_ref()).await? {
            return task.drop("nobody else can react in somebody's name here");
        }
        let mut rest: Vec<&str> = parts.iter().map(String::as_str).collect();
        rest.push("award_emoji");
        let below = below(path, &rest);
        let change = Change::new(&below, operation).in_name_of(name);
        let body = json!({ "name": award(&it.content) });
        match self.api.post::<wire::Award>(change, &body).await {
            Ok(made) => {
                let award = made.id.ok_or_else(|| odd(operation))?;
                Ok((format!("{id}/{award}"), Outcome::Created))
            }
            Err(error) if is_refusal(error.kind) => {
                task.drop(format!("the server does not take `{}` from its author", it.content))
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn commit_comment(
        &self,
        path: &str,
        task: &mut Task<'_>,
        it: &CommitComment,
    ) -> Done {
        let operation = "write a comment on a commit";
        let text = task.said(it.body.as_ref());
        let signed = Signed { author: it.author.as_ref(), field: "body", operation };
        if let Some(id) = task.id().map(str::to_owned) {
            let [commit, discussion, note] = note_parts(&id).ok_or_else(|| odd(operation))?;
            let rest = ["repository", "commits", commit, "discussions", discussion, "notes", note];
            let below = below(path, &rest);
            let body = json!({ "body": text });
            self.change_signed::<Value>(task, &below, (signed, &body)).await?;
            return Ok((id, Outcome::Updated));
        }
        let list = below(path, &["repository", "commits", &it.commit, "discussions"]);
        let mut body = json!({ "body": text });
        self.date(task, ("created_at", it.created_at), &mut body).await?;
        let mut made: Option<wire::Discussion> = None;
        if let (Some(file), Some(line)) = (&it.path, it.line)
            && let Some(parent) = self.parent_of(path, &it.commit).await?
        {
            let mut placed = body.clone();
            placed["position"] = json!({"position_type": "text", "base_sha": parent,
                "start_sha": parent, "head_sha": it.commit, "old_path": file, "new_path": file,
                "new_line": line});
            made = match self.make_signed(task, &list, (signed, &placed)).await {
                // The line is not among those that changed.
                Err(error) if error.kind == HostErrorKind::Rejected => None,
                other => Some(other?.0),
            };
        }
        let made = match made {
            Some(made) => made,
            None => {
                if let Some(file) = &it.path {
                    task.lose(
                        "path",
                        "the server takes no comment at that place; the text says where it was",
                    );
                    let text = body["body"].as_str().unwrap_or_default();
                    body["body"] = ours::under(&ours::on(file, it.line), text).into();
                }
                match self.make_signed::<wire::Discussion>(task, &list, (signed, &body)).await {
                    Err(error) if error.kind == HostErrorKind::NotFound => {
                        return task.drop("the commit is not here");
                    }
                    other => other?.0,
                }
            }
        };
        let note = made.notes.iter().flatten().next().and_then(|it| it.id);
        let (Some(discussion), Some(note)) = (made.id, note) else { return Err(odd(operation)) };
        Ok((format!("{}/{discussion}/{note}", it.commit), Outcome::Created))
    }

    async fn parent_of(&self, path: &str, commit: &str) -> Result<Option<String>, HostError> {
        let below = below(path, &["repository", "commits", commit]);
        let found: Option<Value> = self.api.find(&below, &[], "look for a commit").await?;
        let parent = found.as_ref().and_then(|it| it["parent_ids"][0].as_str());
        Ok(parent.map(str::to_owned))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gitlab::map::issue::reaction_word;

    #[test]
    fn a_reaction_comes_back_as_it_went() {
        for word in ["+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes", "duck"] {
            assert_eq!(reaction_word(award(word)), word);
        }
    }
}
