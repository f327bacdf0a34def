//! What is said in change requests.

use super::{Done, Part, Path, ServerSink, is_refusal, linked, split, wire, words};
use crate::bitbucket_text::{self, sent};
use http::Method;
use packhorse_core::{
    HostError, HostErrorKind, Loss, ObjectKind, Record, TargetId, mark,
    model::{
        Comment, Position, Reaction, Review, ReviewComment, ReviewThread, Side, Subject, TaskState,
        Text,
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

/// Places to try, from the exact one to none; and what each of them loses.
fn anchors(position: &Position) -> Vec<(Option<Value>, Vec<Loss>)> {
    let mut list = Vec::new();
    let mut file = json!({"path": position.path, "diffType": "EFFECTIVE"});
    if let Some(old) = &position.old_path {
        file["srcPath"] = json!(old);
    }
    let is_left = position.side == Some(Side::Left);
    if let Some(line) = position.line.filter(|_| !position.whole_file) {
        let mut exact = file.clone();
        exact["line"] = json!(line);
        exact["lineType"] = json!(line_type(position));
        exact["fileType"] = json!(if is_left { "FROM" } else { "TO" });
        if let Some(start) = position.start_line.filter(|it| *it < line) {
            let mut several = exact.clone();
            let start_type =
                if position.start_side == Some(Side::Left) { "REMOVED" } else { "ADDED" };
            several["multilineMarker"] = json!({"startLine": start, "startLineType": start_type});
            list.push((Some(several), Vec::new()));
            let loss = Loss::sink("position.start_line", "it stands on the last of its lines");
            list.push((Some(exact.clone()), vec![loss]));
        } else {
            list.push((Some(exact.clone()), Vec::new()));
        }
        let mut unchanged = exact;
        unchanged["lineType"] = json!("CONTEXT");
        list.push((Some(unchanged), Vec::new()));
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

impl ServerSink {
    fn comments_of<'a>(path: Path<'a>, number: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
        path.below(&[&["pull-requests", number, "comments"], rest].concat())
    }

    async fn say(
        &self,
        path: Path<'_>,
        number: &str,
        body: &Value,
    ) -> Result<wire::Comment, HostError> {
        let below = Self::comments_of(path, number, &[]);
        self.api.post((Part::Core, &below), body, "write a comment").await
    }

    pub(super) async fn said(
        &self,
        path: Path<'_>,
        (number, id): (&str, &str),
    ) -> Result<Option<wire::Comment>, HostError> {
        let below = Self::comments_of(path, number, &[id]);
        self.api.find(Part::Core, &below, "read a comment").await
    }

    /// Changes a comment, whatever its version is now.
    async fn amend(
        &self,
        path: Path<'_>,
        at: (&str, &str),
        mut body: Value,
    ) -> Result<wire::Comment, HostError> {
        let operation = "change a comment";
        let now = self.said(path, at).await?.ok_or_else(|| {
            HostError::new(HostErrorKind::NotFound, operation).with("comment", at.1)
        })?;
        body["version"] = json!(now.version.unwrap_or_default());
        let below = Self::comments_of(path, at.0, &[at.1]);
        self.api.put((Part::Core, &below), &body, operation).await
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
        let mut losses = Vec::new();
        let mut body = json!({"text": text_of(it.body.as_ref(), &mut losses)});
        if it.internal {
            // SECURITY: what only members saw is not shown to everybody.
            return dropped("only members saw it, and here everybody would");
        }
        if it.task.is_some() {
            body["severity"] = json!("BLOCKER");
        }
        let answers = it.reply_to.as_ref().map(|it| it.0.as_str());
        let parent = Self::parent(record, answers, number);
        if answers.is_some() && parent.is_none() {
            losses.push(Loss::sink("reply_to", "what it answers is not here"));
        }
        let number = number.to_string();
        let at = existing.and_then(|it| split(&it.0));
        let said = match at {
            Some(at) => self.amend(path, at, body).await?,
            None => {
                if let Some(parent) = parent {
                    body["parent"] = json!({"id": parent});
                }
                match self.say(path, &number, &body).await {
                    Err(error) if is_refusal(&error) => return dropped(&words(&error)),
                    other => other?,
                }
            }
        };
        let id = said.id.unwrap_or_default().to_string();
        losses.extend(self.set_task(path, (&number, &id), it.task, &said).await?);
        Ok(Done::new(format!("{number}/{id}"), existing).with(losses))
    }

    async fn set_task(
        &self,
        path: Path<'_>,
        at: (&str, &str),
        task: Option<TaskState>,
        said: &wire::Comment,
    ) -> Result<Vec<Loss>, HostError> {
        let Some(task) = task else { return Ok(Vec::new()) };
        if said.severity.as_deref() != Some("BLOCKER") {
            return Ok(vec![Loss::sink("task", "versions before 7.2 have no such tasks")]);
        }
        let wanted = match task {
            TaskState::Open => "OPEN",
            TaskState::Resolved => "RESOLVED",
        };
        if said.state.as_deref().unwrap_or("OPEN") != wanted {
            self.amend(path, at, json!({"state": wanted})).await?;
        }
        Ok(Vec::new())
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
        let whole = format!("{mark}\n\n{}", bitbucket_text::review_as_comment(&plain));
        let body = json!({"text": sent(&whole)});
        let said = match existing.and_then(|it| split(&it.0)) {
            Some(at) => self.amend(path, at, body).await?,
            None => self.say(path, &number, &body).await?,
        };
        let id = format!("{number}/{}", said.id.unwrap_or_default());
        Ok(Done::new(id, existing))
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
        for (anchor, losses) in anchors(position) {
            let mut body = json!({"text": text});
            if let Some(anchor) = anchor {
                body["anchor"] = anchor;
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
            let body = json!({"threadResolved": is_settled});
            let said = self.amend(path, (&number, &id), body).await?;
            if said.thread_resolved.unwrap_or_default() != is_settled {
                let detail = "threads are not settled in this version";
                losses.push(Loss::sink("resolver", detail));
                losses.push(Loss::sink("resolved_at", detail));
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
        let mut losses = Vec::new();
        if it.pending {
            // SECURITY: what was not handed in yet was its author's alone.
            return Ok(Done::dropped(&record.origin.id, "it was not handed in yet"));
        }
        let text = text_of(it.body.as_ref(), &mut losses);
        let within = number.to_string();
        let done = |id: i64| format!("{within}/{id}");
        let thread =
            it.thread.as_ref().and_then(|it| linked(record, ObjectKind::ReviewThread, &it.0));
        let root = thread.as_deref().and_then(split).map(|(_, id)| id);
        if let Some((at, id)) = existing.and_then(|it| split(&it.0)) {
            let text = if root == Some(id) {
                self.with_mark_of(path, (at, id), &text).await?
            } else {
                text
            };
            let said = self.amend(path, (at, id), json!({"text": text})).await?;
            return Ok(Done::new(done(said.id.unwrap_or_default()), existing).with(losses));
        }
        let answers = it.reply_to.as_ref().map(|it| it.0.as_str());
        let parent = Self::parent(record, answers, number);
        if let (Some(root), None) = (root, parent)
            && let Some(id) = self.arrive(path, (&within, root), &text).await?
        {
            return Ok(Done::new(done(id), None).with(losses));
        }
        let said = match parent.or_else(|| root?.parse().ok()) {
            Some(parent) => {
                let body = json!({"text": text, "parent": {"id": parent}});
                self.say(path, &within, &body).await?
            }
            None => {
                let (said, lost) = self.say_at(path, &within, &text, &it.position).await?;
                losses.extend(lost);
                said
            }
        };
        Ok(Done::new(done(said.id.unwrap_or_default()), None).with(losses))
    }

    /// The text with the mark of the thread that it begins, as it has now.
    async fn with_mark_of(
        &self,
        path: Path<'_>,
        at: (&str, &str),
        text: &str,
    ) -> Result<String, HostError> {
        let now = self.said(path, at).await?.and_then(|it| it.text).unwrap_or_default();
        Ok(match bitbucket_text::thread_mark(&now) {
            Some(mark) => format!("{mark}\n\n{text}"),
            None => text.to_owned(),
        })
    }

    /// Puts the first comment of a thread where its place is kept; `None` where it has arrived.
    async fn arrive(
        &self,
        path: Path<'_>,
        at: (&str, &str),
        text: &str,
    ) -> Result<Option<i64>, HostError> {
        let Some(now) = self.said(path, at).await? else { return Ok(None) };
        let kept = now.text.unwrap_or_default();
        if !kept.trim_end().ends_with(ARRIVING) {
            return Ok(None);
        }
        let mark = bitbucket_text::thread_mark(&kept).unwrap_or_default();
        let body = json!({
            "text": format!("{mark}\n\n{text}"),
            "version": now.version.unwrap_or_default(),
        });
        let below = Self::comments_of(path, at.0, &[at.1]);
        let put = self.api.put((Part::Core, &below), &body, "write a comment").await;
        match put {
            Ok(wire::Comment { id, .. }) => Ok(id),
            // Another of the same thread was faster.
            Err(error) if error.kind == HostErrorKind::Conflict => Ok(None),
            Err(error) => Err(error),
        }
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

        let list = anchors(&position);

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
