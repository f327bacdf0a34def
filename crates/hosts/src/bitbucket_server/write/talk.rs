//! What is said in change requests.

use super::{Done, Part, Path, Repository, ServerSink, is_refusal, wire, words};
use crate::bitbucket::write::{
    linked,
    place::Places,
    split,
    talk::{Draft, Said, Talk, in_place_of},
};
use async_trait::async_trait;
use http::Method;
use packhorse_core::{
    HostError, HostErrorKind, Loss, ObjectKind, Record,
    model::{Position, Reaction, Side, Subject, TaskState},
};
use serde_json::{Value, json};

impl Said for wire::Comment {
    fn id(&self) -> Option<i64> {
        self.id
    }

    fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }
}

/// Which line of a diff a place is on.
fn line_type(position: &Position) -> &'static str {
    let last = position.hunk.as_deref().and_then(|it| it.lines().last());
    match last.and_then(|it| it.chars().next()) {
        Some('+') => "ADDED",
        Some('-') => "REMOVED",
        Some(' ') => "CONTEXT",
        _ if position.side == Some(Side::Left) => "REMOVED",
        _ => "ADDED",
    }
}

impl Places for Repository<'_> {
    fn file(position: &Position) -> Value {
        let mut file = json!({"path": position.path, "diffType": "EFFECTIVE"});
        if let Some(old) = &position.old_path {
            file["srcPath"] = json!(old);
        }
        file
    }

    /// The line as it was changed, or else as it was not.
    fn line(file: &Value, position: &Position, line: u64) -> Vec<Value> {
        let is_left = position.side == Some(Side::Left);
        let of_type = |line_type| {
            let mut exact = file.clone();
            exact["line"] = json!(line);
            exact["lineType"] = json!(line_type);
            exact["fileType"] = json!(if is_left { "FROM" } else { "TO" });
            exact
        };
        vec![of_type(line_type(position)), of_type("CONTEXT")]
    }

    fn lines(line: &Value, position: &Position, start: u64) -> Value {
        let mut several = line.clone();
        let is_left = position.start_side == Some(Side::Left);
        let start_type = if is_left { "REMOVED" } else { "ADDED" };
        several["multilineMarker"] = json!({"startLine": start, "startLineType": start_type});
        several
    }
}

/// What is sent for a draft.
fn body_of(draft: Draft<'_>) -> Value {
    let mut body = json!({"text": draft.text});
    if let Some(parent) = draft.parent {
        body["parent"] = json!({"id": parent});
    }
    if let Some(place) = draft.place {
        body["anchor"] = place;
    }
    body
}

impl<'a> Repository<'a> {
    fn comments<'b>(self, number: &'b str, rest: &[&'b str]) -> Vec<&'b str>
    where
        'a: 'b,
    {
        self.path.below(&[&["pull-requests", number, "comments"], rest].concat())
    }

    async fn make(self, number: &str, body: &Value) -> Result<wire::Comment, HostError> {
        let below = self.comments(number, &[]);
        self.sink.api.post((Part::Core, &below), body, "write a comment").await
    }

    /// Changes a comment, whatever its version is now.
    async fn change(self, at: (&str, &str), mut body: Value) -> Result<wire::Comment, HostError> {
        let operation = "change a comment";
        let now = self.said(at).await?.ok_or_else(|| {
            HostError::new(HostErrorKind::NotFound, operation).with("comment", at.1)
        })?;
        body["version"] = json!(now.version.unwrap_or_default());
        let below = self.comments(at.0, &[at.1]);
        self.sink.api.put((Part::Core, &below), &body, operation).await
    }

    /// Sets whether a task is done.
    async fn set_task(
        self,
        at: (&str, &str),
        task: TaskState,
        said: &wire::Comment,
    ) -> Result<Vec<Loss>, HostError> {
        if said.severity.as_deref() != Some("BLOCKER") {
            return Ok(vec![Loss::sink("task", "versions before 7.2 have no such tasks")]);
        }
        let wanted = match task {
            TaskState::Open => "OPEN",
            TaskState::Resolved => "RESOLVED",
        };
        if said.state.as_deref().unwrap_or("OPEN") == wanted {
            return Ok(Vec::new());
        }
        match self.change(at, json!({"state": wanted})).await {
            Err(error) if is_refusal(&error) => Ok(vec![Loss::sink("task", words(&error))]),
            other => other.map(|_| Vec::new()),
        }
    }
}

#[async_trait]
impl Talk for Repository<'_> {
    type Said = wire::Comment;

    async fn say(&self, number: &str, draft: Draft<'_>) -> Result<wire::Comment, HostError> {
        self.make(number, &body_of(draft)).await
    }

    async fn said(&self, at: (&str, &str)) -> Result<Option<wire::Comment>, HostError> {
        let below = self.comments(at.0, &[at.1]);
        self.sink.api.find(Part::Core, &below, "read a comment").await
    }

    async fn amend(&self, at: (&str, &str), text: &str) -> Result<wire::Comment, HostError> {
        self.change(at, json!({"text": text})).await
    }

    async fn arrive(&self, at: (&str, &str), text: &str) -> Result<Option<i64>, HostError> {
        let Some(kept) = self.said(at).await? else { return Ok(None) };
        let Some(text) = in_place_of(kept.text().unwrap_or_default(), text) else {
            return Ok(None);
        };
        let body = json!({"text": text, "version": kept.version.unwrap_or_default()});
        let below = self.comments(at.0, &[at.1]);
        match self.sink.api.put((Part::Core, &below), &body, "write a comment").await {
            Ok(wire::Comment { id, .. }) => Ok(id),
            // Another of the same thread was faster.
            Err(error) if error.kind == HostErrorKind::Conflict => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Tasks are comments that stand in the way.
    async fn write_task(
        &self,
        (number, existing): (&str, Option<&str>),
        draft: Draft<'_>,
        task: TaskState,
    ) -> Result<(String, Vec<Loss>), HostError> {
        let said = match existing {
            Some(id) => {
                let body = json!({"text": draft.text, "severity": "BLOCKER"});
                self.change((number, id), body).await?
            }
            None => {
                let mut body = body_of(draft);
                body["severity"] = json!("BLOCKER");
                self.make(number, &body).await?
            }
        };
        let id = said.target();
        let losses = self.set_task((number, &id), task, &said).await?;
        Ok((id, losses))
    }

    async fn settle(
        &self,
        at: (&str, &str),
        is_settled: bool,
        _: bool,
    ) -> Result<Option<String>, HostError> {
        let said = self.change(at, json!({"threadResolved": is_settled})).await?;
        let is_so = said.thread_resolved.unwrap_or_default() == is_settled;
        Ok((!is_so).then(|| "threads are not settled in this version".to_owned()))
    }
}

impl ServerSink {
    pub(super) async fn erase_comment(&self, path: Path<'_>, id: &str) -> Result<(), HostError> {
        let Some(at) = split(id) else { return Ok(()) };
        let repository = Repository { sink: self, path };
        let Some(found) = repository.said(at).await? else { return Ok(()) };
        let version = found.version.unwrap_or_default().to_string();
        let below = repository.comments(at.0, &[at.1]);
        let query = [("version", version.as_str())];
        self.api.delete((Part::Core, &below), &query, "remove a comment").await
    }

    pub(super) async fn write_reaction(
        &self,
        path: Path<'_>,
        record: &Record,
        it: &Reaction,
    ) -> Result<Done, HostError> {
        let dropped = |why: &str| Ok(Done::dropped(&record.origin.id, why));
        let target = match &it.subject {
            Subject::Comment(id) => linked(record, ObjectKind::Comment, &id.0),
            Subject::ReviewComment(id) => linked(record, ObjectKind::ReviewComment, &id.0),
            Subject::Project
            | Subject::Issue(_)
            | Subject::ChangeRequest(_)
            | Subject::Discussion(_)
            | Subject::Release(_)
            | Subject::Commit(_)
            | Subject::Review(_)
            | Subject::CommitComment(_)
            | Subject::Snippet(_) => return dropped("only comments have reactions here"),
        };
        let Some((number, id)) = target.as_deref().and_then(split) else {
            return dropped("the comment that it is to is not here");
        };
        let Some(emoticon) = emoticon(&it.content) else {
            return dropped("there is no such picture here");
        };
        let rest = ["pull-requests", number, "comments", id, "reactions", emoticon];
        let below = path.below(&rest);
        let at = (Part::CommentLikes, &below[..]);
        match self.api.act(Method::PUT, at, &[], (None, "react to a comment")).await {
            Err(error) if is_refusal(&error) => dropped(&words(&error)),
            Err(error) => Err(error),
            Ok(()) => {
                let me = self.me().await?;
                Ok(Done::new(format!("{number}/{id}/{me}/{}", it.content), None))
            }
        }
    }

    /// Name of who writes.
    pub(super) async fn me(&self) -> Result<&str, HostError> {
        let me = self.me.get_or_try_init(|| async {
            let (_, name) = self.api.application().await?;
            Ok::<_, HostError>(name.unwrap_or_default())
        });
        me.await.map(String::as_str)
    }
}

/// The server's word for a picture; it has five.
pub(super) fn emoticon(content: &str) -> Option<&'static str> {
    Some(match content {
        "+1" => "thumbsup",
        "-1" => "thumbsdown",
        "heart" => "heart",
        "laugh" => "laughing",
        "confused" => "thinking_face",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bitbucket::write::place::places;

    #[test]
    fn the_exact_place_is_tried_first_and_none_last() {
        let position = Position {
            path: "a.rs".into(),
            line: Some(7),
            start_line: Some(5),
            side: Some(Side::Right),
            hunk: Some("@@ -1 +1 @@\n-a\n b".into()),
            ..Position::default()
        };

        let list = places::<Repository<'_>>(&position);

        let exact = list[0].0.as_ref().unwrap();
        assert_eq!((&exact["line"], &exact["lineType"]), (&json!(7), &json!("CONTEXT")));
        assert_eq!(exact["multilineMarker"]["startLine"], json!(5));
        assert!(list[0].1.is_empty());
        assert!(list.last().unwrap().0.is_none());
        assert!(list[1..].iter().filter(|(it, _)| it.is_none()).all(|(_, it)| !it.is_empty()));
    }

    #[test]
    fn every_picture_leads_back_to_itself() {
        for content in ["+1", "-1", "heart", "laugh", "confused"] {
            let word = emoticon(content).unwrap();
            assert_eq!(super::super::super::map::talk::content(word), content);
        }
        assert_eq!(emoticon("rocket"), None);
    }
}
