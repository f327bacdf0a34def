//! What is said in change requests.

use super::{CloudSink, Done, Path, TURNS, is_refusal, linked, split, wire, words};
use crate::bitbucket_text::{self, sent};
use http::Method;
use packhorse_core::{
    HostError, HostErrorKind, Loss, ObjectKind, Record, TargetId, mark,
    model::{
        Comment, Position, Review, ReviewComment, ReviewThread, Side, Subject, TaskState, Text,
    },
};
use serde_json::{Value, json};

/// What stands in a thread until its first comment arrives.
const ARRIVING: &str = "_(a comment is arriving here)_";

/// A text as it is sent; nothing at all is refused.
fn text_of(body: Option<&Text>, losses: &mut Vec<Loss>) -> String {
    let text = body.map_or("", Text::as_str);
    if text.trim().is_empty() {
        losses.push(Loss::sink("body", "it was empty, and here it must not be"));
        return "_(empty)_".to_owned();
    }
    sent(text)
}

fn content(text: &str) -> Value {
    json!({"type": "pullrequest_comment", "content": {"raw": text}})
}

/// Places to try, from the exact one to none; and what each of them loses.
fn places(position: &Position) -> Vec<(Option<Value>, Vec<Loss>)> {
    let mut list = Vec::new();
    let file = json!({"path": position.path});
    let is_left = position.side == Some(Side::Left);
    if let Some(line) = position.line.filter(|_| !position.whole_file) {
        let (line_field, start_field) =
            if is_left { ("from", "start_from") } else { ("to", "start_to") };
        let mut exact = file.clone();
        exact[line_field] = json!(line);
        if let Some(start) = position.start_line.filter(|it| *it < line) {
            let mut several = exact.clone();
            several[start_field] = json!(start);
            list.push((Some(several), Vec::new()));
            let loss = Loss::sink("position.start_line", "it stands on the last of its lines");
            list.push((Some(exact), vec![loss]));
        } else {
            list.push((Some(exact), Vec::new()));
        }
    }
    let lost = match position.line.or(position.original_line) {
        Some(line) => vec![Loss::sink("position", format!("it was on line {line}"))],
        None => Vec::new(),
    };
    list.push((Some(file), lost));
    let detail = format!("it was in {}, which is not in the change here", position.path);
    list.push((None, vec![Loss::sink(Loss::WHOLE, detail)]));
    list
}

impl CloudSink {
    async fn say(
        &self,
        path: Path<'_>,
        number: &str,
        body: &Value,
    ) -> Result<wire::Comment, HostError> {
        let below = path.below(&["pullrequests", number, "comments"]);
        self.api.post(&below, body, "write a comment").await
    }

    async fn said(
        &self,
        path: Path<'_>,
        (number, id): (&str, &str),
    ) -> Result<Option<wire::Comment>, HostError> {
        let below = path.below(&["pullrequests", number, "comments", id]);
        self.api.find(&below, "read a comment").await
    }

    async fn amend(
        &self,
        path: Path<'_>,
        (number, id): (&str, &str),
        text: &str,
    ) -> Result<wire::Comment, HostError> {
        let below = path.below(&["pullrequests", number, "comments", id]);
        self.api.put(&below, &content(text), "change a comment").await
    }

    /// The comment that another answers, if it is in the same request.
    fn parent(record: &Record, id: Option<&str>, number: u64) -> Option<i64> {
        let kinds = [ObjectKind::Comment, ObjectKind::ReviewComment, ObjectKind::Review];
        let target = kinds.into_iter().find_map(|kind| linked(record, kind, id?))?;
        let (request, id) = split(&target)?;
        if request.parse() == Ok(number) { id.parse().ok() } else { None }
    }

    pub(super) async fn write_comment(
        &self,
        path: Path<'_>,
        record: &Record,
        it: &Comment,
        existing: Option<&TargetId>,
    ) -> Result<Done, HostError> {
        let dropped = |why: &str| Ok(Done::dropped(&record.origin.id, why));
        let Subject::ChangeRequest(number) = it.subject else {
            return dropped("what it is about has no place here");
        };
        if it.internal {
            // SECURITY: what only members saw is not shown to everybody.
            return dropped("only members saw it, and here everybody would");
        }
        let mut losses = Vec::new();
        let text = text_of(it.body.as_ref(), &mut losses);
        let answers = it.reply_to.as_ref().map(|it| it.0.as_str());
        let parent = Self::parent(record, answers, number);
        if answers.is_some() && parent.is_none() {
            losses.push(Loss::sink("reply_to", "what it answers is not here"));
        }
        let number = number.to_string();
        let at = existing.and_then(|it| split(&it.0));
        if let Some(task) = it.task {
            let id = self.write_task(path, (&number, at.map(|(_, id)| id)), &text, (task, parent));
            return Ok(Done::new(id.await?, existing).with(losses));
        }
        let said = match at {
            Some(at) => self.amend(path, at, &text).await?,
            None => {
                let mut body = content(&text);
                if let Some(parent) = parent {
                    body["parent"] = json!({"type": "pullrequest_comment", "id": parent});
                }
                match self.say(path, &number, &body).await {
                    Err(error) if is_refusal(&error) => return dropped(&words(&error)),
                    other => other?,
                }
            }
        };
        Ok(Done::new(format!("{number}/{}", said.id.unwrap_or_default()), existing).with(losses))
    }

    async fn write_task(
        &self,
        path: Path<'_>,
        (number, existing): (&str, Option<&str>),
        text: &str,
        (task, about): (TaskState, Option<i64>),
    ) -> Result<String, HostError> {
        let operation = "write a task";
        let list = path.below(&["pullrequests", number, "tasks"]);
        let existing = existing.and_then(|it| it.strip_prefix("task-")).map(str::to_owned);
        let id = match existing {
            Some(id) => id,
            None => {
                let mut body = json!({"content": {"raw": text}});
                if let Some(about) = about {
                    body["comment"] = json!({"type": "pullrequest_comment", "id": about});
                }
                let made: wire::Task = self.api.post(&list, &body, operation).await?;
                let id = made.id.unwrap_or_default().to_string();
                if task == TaskState::Open {
                    return Ok(format!("{number}/task-{id}"));
                }
                id
            }
        };
        let state = match task {
            TaskState::Open => "UNRESOLVED",
            TaskState::Resolved => "RESOLVED",
        };
        let body = json!({"content": {"raw": text}, "state": state});
        let below = path.below(&["pullrequests", number, "tasks", &id]);
        self.api.act(Method::PUT, &below, (Some(&body), operation)).await?;
        Ok(format!("{number}/task-{id}"))
    }

    /// A review, as a comment that begins with its verdict.
    pub(super) async fn write_review(
        &self,
        path: Path<'_>,
        record: &Record,
        it: &Review,
        existing: Option<&TargetId>,
    ) -> Result<Done, HostError> {
        let number = it.change_request;
        let number = number.to_string();
        let mut plain = it.clone();
        if let Some(body) = &mut plain.body
            && let Some((_, rest)) = mark::parse(&body.text.0)
        {
            body.text.0 = rest.to_owned();
        }
        // The mark comes first, where no text before it can make it a part of itself.
        let mark = mark::of(&record.origin);
        let text = sent(&format!("{mark}\n\n{}", bitbucket_text::review_as_comment(&plain)));
        let said = match existing.and_then(|it| split(&it.0)) {
            Some(at) => self.amend(path, at, &text).await?,
            None => self.say(path, &number, &content(&text)).await?,
        };
        Ok(Done::new(format!("{number}/{}", said.id.unwrap_or_default()), existing))
    }

    /// Says something at the place that is nearest to where it belongs.
    async fn say_at(
        &self,
        path: Path<'_>,
        number: &str,
        text: &str,
        position: &Position,
    ) -> Result<(wire::Comment, Vec<Loss>), HostError> {
        let mut refusal = None;
        for (place, losses) in places(position) {
            let mut body = content(text);
            if let Some(place) = place {
                body["inline"] = place;
            }
            match self.say(path, number, &body).await {
                Err(error) if is_refusal(&error) => refusal = Some(error),
                other => return other.map(|it| (it, losses)),
            }
        }
        Err(refusal.unwrap_or_else(|| {
            HostError::new(HostErrorKind::Rejected, "write a comment")
                .with("change request", number)
        }))
    }

    /// A thread: the place of its first comment, which comes later.
    pub(super) async fn write_thread(
        &self,
        path: Path<'_>,
        record: &Record,
        it: &ReviewThread,
        existing: Option<&TargetId>,
    ) -> Result<Done, HostError> {
        let number = it.change_request;
        let number = number.to_string();
        let (id, mut losses) = match existing.and_then(|it| split(&it.0)) {
            Some((_, id)) => (id.to_owned(), Vec::new()),
            None => {
                let text = sent(&format!("{}\n\n{ARRIVING}", mark::of(&record.origin)));
                let (said, losses) = self.say_at(path, &number, &text, &it.position).await?;
                (said.id.unwrap_or_default().to_string(), losses)
            }
        };
        let is_settled = it.resolver.is_some() || it.resolved_at.is_some();
        if is_settled || existing.is_some() {
            let below = path.below(&["pullrequests", &number, "comments", &id, "resolve"]);
            let method = if is_settled { Method::POST } else { Method::DELETE };
            match self.api.act(method, &below, (None, "settle a thread")).await {
                // It is so already.
                Err(error) if is_refusal(&error) && existing.is_some() => {}
                Err(error) if is_refusal(&error) => {
                    losses.push(Loss::sink("resolver", words(&error)));
                    losses.push(Loss::sink("resolved_at", words(&error)));
                }
                other => other?,
            }
        }
        Ok(Done::new(format!("{number}/{id}"), existing).with(losses))
    }

    pub(super) async fn write_review_comment(
        &self,
        path: Path<'_>,
        record: &Record,
        it: &ReviewComment,
        existing: Option<&TargetId>,
    ) -> Result<Done, HostError> {
        let number = it.change_request;
        if it.pending {
            // SECURITY: what was not handed in yet was its author's alone.
            return Ok(Done::dropped(&record.origin.id, "it was not handed in yet"));
        }
        let mut losses = Vec::new();
        let text = text_of(it.body.as_ref(), &mut losses);
        let within = number.to_string();
        let thread = it.thread.as_ref();
        let thread = thread.and_then(|it| linked(record, ObjectKind::ReviewThread, &it.0));
        let root = thread.as_deref().and_then(split).map(|(_, id)| id);
        let id = if let Some((at, id)) = existing.and_then(|it| split(&it.0)) {
            let now = if root == Some(id) { self.said(path, (at, id)).await? } else { None };
            let now = now.and_then(|it| it.content?.raw).unwrap_or_default();
            let text = match bitbucket_text::thread_mark(&now) {
                Some(mark) => format!("{mark}\n\n{text}"),
                None => text,
            };
            self.amend(path, (at, id), &text).await?.id
        } else {
            let answers = it.reply_to.as_ref().map(|it| it.0.as_str());
            let parent = Self::parent(record, answers, number);
            let arrived = match (root, parent) {
                (Some(root), None) => self.arrive(path, (&within, root), &text).await?,
                (_, _) => None,
            };
            match (arrived, parent.or_else(|| root?.parse().ok())) {
                (Some(id), _) => Some(id),
                (None, Some(parent)) => {
                    let mut body = content(&text);
                    body["parent"] = json!({"type": "pullrequest_comment", "id": parent});
                    self.say(path, &within, &body).await?.id
                }
                (None, None) => {
                    let (said, lost) = self.say_at(path, &within, &text, &it.position).await?;
                    losses.extend(lost);
                    said.id
                }
            }
        };
        let id = format!("{within}/{}", id.unwrap_or_default());
        Ok(Done::new(id, existing).with(losses))
    }

    /// Puts the first comment of a thread where its place is kept; `None` where it has arrived.
    async fn arrive(
        &self,
        path: Path<'_>,
        at: (&str, &str),
        text: &str,
    ) -> Result<Option<i64>, HostError> {
        // The API has no versions of comments, so that two of one thread must take turns here.
        let turn = at.1.parse::<usize>().unwrap_or_default() % TURNS;
        let _turn = match self.turns.get(turn) {
            Some(turn) => Some(turn.lock().await),
            None => None,
        };
        let kept = self.said(path, at).await?.and_then(|it| it.content?.raw).unwrap_or_default();
        if !kept.trim_end().ends_with(ARRIVING) {
            return Ok(None);
        }
        let mark = bitbucket_text::thread_mark(&kept).unwrap_or_default();
        Ok(self.amend(path, at, &format!("{mark}\n\n{text}")).await?.id)
    }

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

    #[test]
    fn the_exact_place_is_tried_first_and_none_last() {
        let position = Position {
            path: "a.rs".into(),
            line: Some(7),
            start_line: Some(5),
            side: Some(Side::Left),
            ..Position::default()
        };

        let list = places(&position);

        let several = json!({"path": "a.rs", "from": 7, "start_from": 5});
        assert_eq!(list[0], (Some(several), vec![]));
        assert!(list[1..].iter().all(|(_, losses)| !losses.is_empty()));
        assert!(list.last().unwrap().0.is_none());
    }
}
