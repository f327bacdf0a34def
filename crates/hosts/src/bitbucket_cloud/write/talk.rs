//! What is said in change requests.

use super::{CloudSink, Path, Repository, TURNS, is_refusal, wire, words};
use crate::bitbucket::write::{
    place::Places,
    split,
    talk::{Draft, Said, Talk, in_place_of},
};
use async_trait::async_trait;
use http::Method;
use packhorse_core::{
    HostError, Loss,
    model::{Position, Side, TaskState},
};
use serde_json::{Value, json};

impl Said for wire::Comment {
    fn id(&self) -> Option<i64> {
        self.id
    }

    fn text(&self) -> Option<&str> {
        self.content.as_ref()?.raw.as_deref()
    }
}

impl Places for Repository<'_> {
    fn file(position: &Position) -> Value {
        json!({"path": position.path})
    }

    fn line(file: &Value, position: &Position, line: u64) -> Vec<Value> {
        let mut exact = file.clone();
        exact[if position.side == Some(Side::Left) { "from" } else { "to" }] = json!(line);
        vec![exact]
    }

    fn lines(line: &Value, position: &Position, start: u64) -> Value {
        let mut several = line.clone();
        let field = if position.side == Some(Side::Left) { "start_from" } else { "start_to" };
        several[field] = json!(start);
        several
    }
}

fn content(text: &str) -> Value {
    json!({"type": "pullrequest_comment", "content": {"raw": text}})
}

fn reference(id: i64) -> Value {
    json!({"type": "pullrequest_comment", "id": id})
}

impl<'a> Repository<'a> {
    fn comment<'b>(self, (number, id): (&'b str, &'b str)) -> Vec<&'b str>
    where
        'a: 'b,
    {
        self.path.below(&["pullrequests", number, "comments", id])
    }
}

#[async_trait]
impl Talk for Repository<'_> {
    type Said = wire::Comment;

    async fn say(&self, number: &str, draft: Draft<'_>) -> Result<wire::Comment, HostError> {
        let mut body = content(draft.text);
        if let Some(parent) = draft.parent {
            body["parent"] = reference(parent);
        }
        if let Some(place) = draft.place {
            body["inline"] = place;
        }
        let below = self.path.below(&["pullrequests", number, "comments"]);
        self.sink.api.post(&below, &body, "write a comment").await
    }

    async fn said(&self, at: (&str, &str)) -> Result<Option<wire::Comment>, HostError> {
        self.sink.api.find(&self.comment(at), "read a comment").await
    }

    async fn amend(&self, at: (&str, &str), text: &str) -> Result<wire::Comment, HostError> {
        self.sink.api.put(&self.comment(at), &content(text), "change a comment").await
    }

    async fn arrive(&self, at: (&str, &str), text: &str) -> Result<Option<i64>, HostError> {
        // The API has no versions of comments, so that two of one thread must take turns here.
        let turn = at.1.parse::<usize>().unwrap_or_default() % TURNS;
        let _turn = match self.sink.turns.get(turn) {
            Some(turn) => Some(turn.lock().await),
            None => None,
        };
        let kept = self.said(at).await?;
        let kept = kept.as_ref().and_then(Said::text).unwrap_or_default();
        match in_place_of(kept, text) {
            Some(text) => Ok(self.amend(at, &text).await?.id),
            None => Ok(None),
        }
    }

    /// Tasks are a listing of their own, and may be about a comment.
    async fn write_task(
        &self,
        (number, existing): (&str, Option<&str>),
        draft: Draft<'_>,
        task: TaskState,
    ) -> Result<(String, Vec<Loss>), HostError> {
        let operation = "write a task";
        let list = self.path.below(&["pullrequests", number, "tasks"]);
        let mut body = json!({"content": {"raw": draft.text}});
        let id = match existing.and_then(|it| it.strip_prefix("task-")) {
            Some(id) => id.to_owned(),
            None => {
                if let Some(about) = draft.parent {
                    body["comment"] = reference(about);
                }
                let made: wire::Task = self.sink.api.post(&list, &body, operation).await?;
                let id = made.id.unwrap_or_default().to_string();
                if task == TaskState::Open {
                    return Ok((format!("task-{id}"), Vec::new()));
                }
                id
            }
        };
        let state = match task {
            TaskState::Open => "UNRESOLVED",
            TaskState::Resolved => "RESOLVED",
        };
        let body = json!({"content": {"raw": draft.text}, "state": state});
        let below = [&list[..], &[id.as_str()]].concat();
        self.sink.api.act(Method::PUT, &below, (Some(&body), operation)).await?;
        Ok((format!("task-{id}"), Vec::new()))
    }

    async fn settle(
        &self,
        at: (&str, &str),
        is_settled: bool,
        is_new: bool,
    ) -> Result<Option<String>, HostError> {
        let below = [&self.comment(at)[..], &["resolve"]].concat();
        let method = if is_settled { Method::POST } else { Method::DELETE };
        match self.sink.api.act(method, &below, (None, "settle a thread")).await {
            // One that was there may be so already.
            Err(error) if is_refusal(&error) => Ok(is_new.then(|| words(&error))),
            other => other.map(|()| None),
        }
    }
}

impl CloudSink {
    pub(super) async fn erase_comment(&self, path: Path<'_>, id: &str) -> Result<(), HostError> {
        let Some((number, id)) = split(id) else { return Ok(()) };
        let below = match id.strip_prefix("task-") {
            Some(id) => path.below(&["pullrequests", number, "tasks", id]),
            None => path.below(&["pullrequests", number, "comments", id]),
        };
        self.api.delete(&below, "remove a comment").await
    }
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
            side: Some(Side::Left),
            ..Position::default()
        };

        let list = places::<Repository<'_>>(&position);

        let several = json!({"path": "a.rs", "from": 7, "start_from": 5});
        assert_eq!(list[0], (Some(several), vec![]));
        assert!(list[1..].iter().all(|(_, losses)| !losses.is_empty()));
        assert!(list.last().unwrap().0.is_none());
    }
}
