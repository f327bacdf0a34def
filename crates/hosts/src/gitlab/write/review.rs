//! Verdicts, threads in diffs, and the comments in them.

use super::{Done, GitlabSink, Task, below, diff::Line, odd, said::is_refusal, signed::Signed};
use crate::gitlab::{api::Path, call::Change, ours, wire};
use data_encoding::HEXLOWER;
use packhorse_core::{
    HostError, HostErrorKind, ObjectKind, mark,
    model::{Identity, Position, Review, ReviewComment, ReviewThread, Side, Time, Verdict},
    port::Outcome,
};
use serde_json::{Value, json};

/// What stands in a thread until its first comment comes.
const EMPTY_THREAD: &str = "*(a thread without comments)*";

/// The number and the discussion of a thread's id, `4/abc`.
pub(super) fn thread_parts(id: &str) -> Option<(&str, &str)> {
    id.split_once('/').filter(|(number, rest)| !number.is_empty() && !rest.contains('/'))
}

/// Whether a note holds the place of a thread's first one.
fn is_empty_thread(it: &wire::Note) -> bool {
    let mark = it.body.as_deref().and_then(mark::parse);
    mark.is_some_and(|(origin, _)| origin.kind == ObjectKind::ReviewThread)
}

/// A thread that a note is to be written in.
struct Answered<'a> {
    /// Its address.
    one: Path<'a>,
    /// What stands there until its first note comes.
    empty: Option<wire::Note>,
    created_at: Option<Time>,
}

impl GitlabSink {
    /// An approval in the name of who gave it; any other verdict, one with a text, and an approval
    /// that cannot be given so, becomes a note that reads back as what it was.
    pub(super) async fn review(&self, path: &str, task: &mut Task<'_>, it: &Review) -> Done {
        if it.verdict == Verdict::Pending {
            return task.drop("it was not handed in, and its author alone may see it");
        }
        let number = it.change_request.to_string();
        let body = it.body.as_ref().map(|it| it.as_str()).unwrap_or_default();
        let is_bare = ours::is_bare(body);
        if it.verdict == Verdict::Commented && is_bare {
            return task.drop("it says nothing, and decides nothing");
        }
        let old = task.id().map(str::to_owned);
        let note = match old.as_deref().map(|it| it.split_once("/note/")) {
            // An approval says nothing that could change.
            Some(None) => return Ok((old.unwrap_or_default(), Outcome::Adopted)),
            Some(Some((_, note))) => Some(note),
            None => None,
        };
        let is_given = it.verdict == Verdict::Approved
            && note.is_none()
            && self.approve(path, &number, it.author.as_ref()).await?;
        if is_given && is_bare {
            let login = it.author.as_ref().map(|it| it.login.as_str()).unwrap_or_default();
            return Ok((format!("{number}/{login}"), Outcome::Created));
        }
        if !is_given && it.verdict != Verdict::Commented {
            task.lose("verdict", "stands in a comment: nobody else can give it here");
        }
        let text = task.body(it.body.as_ref());
        let operation = "write down a verdict";
        let signed = Signed { author: it.author.as_ref(), field: "body", operation };
        if let Some(note) = note {
            let place = below(path, &["merge_requests", &number, "notes", note]);
            let now: wire::Note = self.api.get(&place, &[], operation).await?;
            let was = now.body.as_deref().and_then(ours::verdict);
            let is_given = was.is_some_and(|it| it.is_given);
            let body = json!({ "body": ours::judged(it.verdict, is_given, &text) });
            self.change_signed::<Value>(task, &place, (signed, &body)).await?;
            return Ok((format!("{number}/note/{note}"), Outcome::Updated));
        }
        let mut body = json!({ "body": ours::judged(it.verdict, is_given, &text) });
        let at = it.submitted_at.or(it.created_at);
        self.date(task, ("submitted_at", at), &mut body).await?;
        let list = below(path, &["merge_requests", &number, "notes"]);
        let (made, _) = self.make_signed::<wire::Note>(task, &list, (signed, &body)).await?;
        let note = made.id.ok_or_else(|| odd(operation))?;
        Ok((format!("{number}/note/{note}"), Outcome::Created))
    }

    /// Approves in the name of who did; whether that could be.
    async fn approve(
        &self,
        path: &str,
        number: &str,
        author: Option<&Identity>,
    ) -> Result<bool, HostError> {
        let login = self.name_of(author).await?;
        if login.is_none() && !self.is_me(author).await? {
            return Ok(false);
        }
        let below = below(path, &["merge_requests", number, "approve"]);
        let change = Change::new(&below, "approve").in_name_of(login);
        match self.api.act(change, &json!({})).await {
            Ok(()) => Ok(true),
            // Merged ones, and people without the right, approve nothing.
            Err(error) if is_refusal(error.kind) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A thread, with a text in the place of its first comment, which comes later.
    pub(super) async fn thread(&self, path: &str, task: &mut Task<'_>, it: &ReviewThread) -> Done {
        if let Some(id) = task.id().map(str::to_owned) {
            if let Some((number, discussion)) = thread_parts(&id) {
                self.settle_thread(path, (number, discussion), it).await?;
            }
            return Ok((id, Outcome::Adopted));
        }
        let operation = "open a thread";
        let number = it.change_request;
        let key = number.to_string();
        let list = below(path, &["merge_requests", &key, "discussions"]);
        let place = self.position(path, number, &it.position).await?;
        let mark = mark::of(&task.record.origin);
        let text = format!("{EMPTY_THREAD}\n\n{mark}");
        let mut body = json!({ "body": text });
        self.date(task, ("created_at", it.created_at), &mut body).await?;
        let placed = match place {
            Some(position) => {
                let body = with(&body, "position", position);
                match self.api.post::<wire::Discussion>(Change::new(&list, operation), &body).await
                {
                    Err(error) if error.kind == HostErrorKind::Rejected => None,
                    other => Some(other?),
                }
            }
            None => None,
        };
        let made = match placed {
            Some(made) => made,
            None => {
                task.lose(
                    "position",
                    "the differences do not show that line; the thread says where it was",
                );
                let place = ours::on(&it.position.path, it.position.line);
                let body = with(&body, "body", ours::under(&place, &text).into());
                self.api.post::<wire::Discussion>(Change::new(&list, operation), &body).await?
            }
        };
        let discussion = made.id.ok_or_else(|| odd(operation))?;
        self.settle_thread(path, (&key, &discussion), it).await?;
        Ok((format!("{number}/{discussion}"), Outcome::Created))
    }

    async fn settle_thread(
        &self,
        path: &str,
        at: (&str, &str),
        it: &ReviewThread,
    ) -> Result<(), HostError> {
        let is_resolved = it.resolved_at.is_some() || it.resolver.is_some();
        if is_resolved { self.resolve(path, at).await } else { Ok(()) }
    }

    pub(super) async fn resolve(
        &self,
        path: &str,
        (number, discussion): (&str, &str),
    ) -> Result<(), HostError> {
        let below = below(path, &["merge_requests", number, "discussions", discussion]);
        let change = Change::new(&below, "settle a thread");
        self.api.put::<Value>(change, &json!({ "resolved": true })).await.map(drop)
    }

    pub(super) async fn review_comment(
        &self,
        path: &str,
        task: &mut Task<'_>,
        it: &ReviewComment,
    ) -> Done {
        let operation = "write a comment in a thread";
        if it.pending {
            return task.drop("it was not handed in, and its author alone may see it");
        }
        let text = task.said(it.body.as_ref());
        let signed = Signed { author: it.author.as_ref(), field: "body", operation };
        if let Some(id) = task.id().map(str::to_owned) {
            let parts: Vec<&str> = id.split('/').collect();
            let [number, discussion, note] = parts[..] else { return Err(odd(operation)) };
            let rest = ["merge_requests", number, "discussions", discussion, "notes", note];
            let place = below(path, &rest);
            let body = json!({ "body": text });
            self.change_signed::<Value>(task, &place, (signed, &body)).await?;
            return Ok((id, Outcome::Updated));
        }
        let thread = it.thread.as_ref().and_then(|it| task.target(ObjectKind::ReviewThread, &it.0));
        let Some((number, discussion)) = thread.and_then(thread_parts) else {
            return task.drop("the thread that it stands in is not here");
        };
        let (number, discussion) = (number.to_owned(), discussion.to_owned());
        let one = below(path, &["merge_requests", &number, "discussions", &discussion]);
        let found: wire::Discussion = self.api.get(&one, &[], operation).await?;
        let notes = found.notes.unwrap_or_default();
        let was_resolved = notes.iter().any(|it| it.resolved == Some(true));
        let empty = notes.into_iter().next().filter(is_empty_thread);
        let at = Answered { one: &one, empty, created_at: it.created_at };
        let note = self.answer(task, at, (signed, &text)).await?;
        if was_resolved {
            // A new note opens a thread again.
            self.resolve(path, (&number, &discussion)).await?;
        }
        Ok((format!("{number}/{discussion}/{note}"), Outcome::Created))
    }

    /// Writes a note of a thread, in the place of what stands there until the first one comes: that
    /// is changed where its author stays the same, and goes away once there is another note.
    async fn answer(
        &self,
        task: &mut Task<'_>,
        at: Answered<'_>,
        (signed, text): (Signed<'_>, &str),
    ) -> Result<u64, HostError> {
        let Answered { one, empty, created_at } = at;
        let has_name = self.name_of(signed.author).await?.is_some();
        let said = empty.as_ref().and_then(|it| it.body.clone()).unwrap_or_default();
        // What says where the thread was stays above its first comment.
        let line = said.split_once(EMPTY_THREAD).map(|(line, _)| line.trim());
        let text = match line.filter(|it| !it.is_empty()) {
            Some(line) => ours::under(line, text),
            None => text.to_owned(),
        };
        let old = empty.and_then(|it| it.id);
        let mut body = json!({ "body": text });
        if let Some(note) = old.filter(|_| !has_name) {
            let id = note.to_string();
            let place = [one, &["notes", id.as_str()]].concat();
            self.change_signed::<Value>(task, &place, (signed, &body)).await?;
            return Ok(note);
        }
        self.date(task, ("created_at", created_at), &mut body).await?;
        let list = [one, &["notes"]].concat();
        let (made, _) = self.make_signed::<wire::Note>(task, &list, (signed, &body)).await?;
        if let Some(note) = old {
            let id = note.to_string();
            let place = [one, &["notes", id.as_str()]].concat();
            self.api.delete(Change::new(&place, signed.operation)).await?;
        }
        made.id.ok_or_else(|| odd(signed.operation))
    }

    /// A place in the differences as the server wants it; `None` where they do not show it.
    async fn position(
        &self,
        path: &str,
        number: u64,
        it: &Position,
    ) -> Result<Option<Value>, HostError> {
        let diff = self.diff(path, number).await?;
        let refs = &diff.refs;
        if refs.head_sha.is_none() || it.path.is_empty() {
            return Ok(None);
        }
        let mut place = json!({"base_sha": refs.base_sha, "start_sha": refs.start_sha,
            "head_sha": refs.head_sha, "new_path": it.path});
        let line = it.line.or(it.original_line).filter(|_| !it.whole_file);
        let Some(line) = line else {
            let Some(old) = diff.old_path(&it.path).filter(|_| it.whole_file) else {
                return Ok(None);
            };
            place["old_path"] = old.into();
            place["position_type"] = "file".into();
            return Ok(Some(place));
        };
        let side = it.side.unwrap_or_default();
        let Some((old, at)) = diff.place(&it.path, side, line) else {
            if diff.shows(&it.path) {
                return Ok(None);
            }
            // As the source tells it; the server judges.
            place["position_type"] = "text".into();
            place["old_path"] = it.old_path.as_ref().unwrap_or(&it.path).clone().into();
            place[if side == Side::Left { "old_line" } else { "new_line" }] = line.into();
            return Ok(Some(place));
        };
        place["position_type"] = "text".into();
        place["old_path"] = old.into();
        place["old_line"] = at.before.into();
        place["new_line"] = at.after.into();
        let start = it.start_line.or(it.original_start_line).filter(|it| *it != line);
        let start_side = it.start_side.unwrap_or(side);
        let start = start.and_then(|line| diff.place(&it.path, start_side, line));
        if let Some((_, first)) = start {
            place["line_range"] =
                json!({ "start": end(&it.path, first), "end": end(&it.path, at) });
        }
        Ok(Some(place))
    }
}

/// One end of several lines. The server names a line by the SHA-1 of the path and how far both
/// texts are there.
///
/// Source: GitLab, "Discussions API", "Line code".
fn end(path: &str, line: Line) -> Value {
    let kind = match (line.before, line.after) {
        (None, _) => Some("new"),
        (Some(_), None) => Some("old"),
        (Some(_), Some(_)) => None,
    };
    let digest = <sha1::Sha1 as sha1::Digest>::digest(path.as_bytes());
    let hex = HEXLOWER.encode(&digest);
    let code = format!("{hex}_{}_{}", line.at.0, line.at.1);
    json!({"old_line": line.before, "new_line": line.after, "type": kind, "line_code": code})
}

fn with(body: &Value, field: &str, value: Value) -> Value {
    let mut body = body.clone();
    body[field] = value;
    body
}
