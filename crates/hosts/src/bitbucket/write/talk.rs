//! What is said in change requests: comments, verdicts, threads and tasks.
//!
//! A verdict becomes a comment that begins with it. A thread is its first comment,
//! which comes after it: until then a comment of ours keeps its place, and the
//! first that arrives takes it.

use super::{
    Done, UNPLACED, is_refusal, linked,
    place::{Places, in_words, places},
    split, words,
};
use crate::bitbucket::text::{self, sent};
use async_trait::async_trait;
use packhorse_core::{
    HostError, HostErrorKind, Loss, Object, ObjectKind, Record, TargetId, mark,
    model::{
        Comment, HostId, Position, Review, ReviewComment, ReviewThread, Subject, TaskState, Text,
    },
};
use serde_json::Value;

/// What stands in a thread until its first comment arrives.
const ARRIVING: &str = "_(a comment is arriving here)_";

/// A comment, as one of the APIs tells it.
pub(crate) trait Said: Send + Sync {
    fn id(&self) -> Option<i64>;
    fn text(&self) -> Option<&str>;

    /// Its id as a target has it.
    fn target(&self) -> String {
        self.id().unwrap_or_default().to_string()
    }
}

/// Something to say.
#[derive(Clone)]
pub(crate) struct Draft<'a> {
    pub(crate) text: &'a str,
    /// The comment that it answers.
    pub(crate) parent: Option<i64>,
    /// Where it stands, as [`Places`] tells it.
    pub(crate) place: Option<Value>,
}

impl<'a> Draft<'a> {
    /// Something about the change request as a whole.
    fn of(text: &'a str) -> Self {
        Self { text, parent: None, place: None }
    }
}

/// How an API takes what is said in the change requests of one repository.
///
/// Comments are addressed by the number of their change request and their own id.
#[async_trait]
pub(crate) trait Talk: Places + Send + Sync {
    type Said: Said;

    async fn say(&self, number: &str, draft: Draft<'_>) -> Result<Self::Said, HostError>;

    /// A comment as it is now; `None` where it is gone.
    async fn said(&self, at: (&str, &str)) -> Result<Option<Self::Said>, HostError>;

    /// Gives a comment another text, whatever it is now.
    async fn amend(&self, at: (&str, &str), text: &str) -> Result<Self::Said, HostError>;

    /// Gives a comment another text, if it still keeps the place of a first one.
    ///
    /// `None` where another of the same thread was faster.
    async fn arrive(&self, at: (&str, &str), text: &str) -> Result<Option<i64>, HostError>;

    /// Says, or says again, something to be done, and whether it is; gives its id.
    async fn write_task(
        &self,
        at: (&str, Option<&str>),
        draft: Draft<'_>,
        task: TaskState,
    ) -> Result<(String, Vec<Loss>), HostError>;

    /// Settles a thread, or opens it again; gives why it stays as it was.
    async fn settle(
        &self,
        at: (&str, &str),
        is_settled: bool,
        is_new: bool,
    ) -> Result<Option<String>, HostError>;
}

/// A text as it is sent; nothing at all is refused.
fn text_of(body: Option<&Text>, losses: &mut Vec<Loss>) -> String {
    let text = body.map_or("", Text::as_str);
    if text.trim().is_empty() {
        losses.push(Loss::sink("body", "it was empty, and here it must not be"));
        return "_(empty)_".to_owned();
    }
    sent(text)
}

/// The change request that something is said in.
pub(crate) fn said_in(object: &Object) -> Option<u64> {
    if let Object::Comment(it) = object {
        if let Subject::ChangeRequest(number) = it.subject { Some(number) } else { None }
    } else if let Object::Review(it) = object {
        Some(it.change_request)
    } else if let Object::ReviewThread(it) = object {
        Some(it.change_request)
    } else if let Object::ReviewComment(it) = object {
        Some(it.change_request)
    } else {
        None
    }
}

/// The comment that another answers, if it is in the same request.
fn parent(record: &Record, answered: Option<&HostId>, number: u64) -> Option<i64> {
    let id = answered?.0.as_str();
    let kinds = [ObjectKind::Comment, ObjectKind::ReviewComment, ObjectKind::Review];
    let target = kinds.into_iter().find_map(|kind| linked(record, kind, id))?;
    let (request, id) = split(&target)?;
    if request.parse() == Ok(number) { id.parse().ok() } else { None }
}

/// The text that takes the place that another keeps; `None` where it is taken.
pub(crate) fn in_place_of(kept: &str, text: &str) -> Option<String> {
    // The mark, and where it was, stay above it.
    kept.trim_end().strip_suffix(ARRIVING).map(|above| format!("{above}{text}"))
}

/// Writes a comment or a task.
pub(crate) async fn write_comment<T: Talk>(
    talk: &T,
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
    let parent = parent(record, it.reply_to.as_ref(), number);
    if it.reply_to.is_some() && parent.is_none() {
        losses.push(Loss::sink("reply_to", "what it answers is not here"));
    }
    let number = number.to_string();
    let at = existing.and_then(|it| split(&it.0));
    let draft = Draft { text: &text, parent, place: None };
    let alone = |said: T::Said| (said.target(), Vec::new());
    let made = match (it.task, at) {
        (Some(task), _) => talk.write_task((&number, at.map(|(_, id)| id)), draft, task).await,
        (None, Some(at)) => talk.amend(at, &text).await.map(alone),
        (None, None) => talk.say(&number, draft).await.map(alone),
    };
    match made {
        Ok((id, lost)) => Ok(Done::new(format!("{number}/{id}"), existing).with(losses).with(lost)),
        Err(error) if at.is_none() && is_refusal(&error) => dropped(&words(&error)),
        Err(error) => Err(error),
    }
}

/// Writes a review, as a comment that begins with its verdict.
pub(crate) async fn write_review<T: Talk>(
    talk: &T,
    record: &Record,
    it: &Review,
    existing: Option<&TargetId>,
) -> Result<Done, HostError> {
    let number = it.change_request.to_string();
    let mut plain = it.clone();
    if let Some(body) = &mut plain.body
        && let Some((_, rest)) = mark::parse(&body.text.0)
    {
        body.text.0 = rest.to_owned();
    }
    // The mark comes first, where no text before it can make it a part of itself.
    let mark = mark::of(&record.origin);
    let text = sent(&format!("{mark}\n\n{}", text::review_as_comment(&plain)));
    let said = match existing.and_then(|it| split(&it.0)) {
        Some(at) => talk.amend(at, &text).await?,
        None => talk.say(&number, Draft::of(&text)).await?,
    };
    Ok(Done::new(format!("{number}/{}", said.target()), existing))
}

/// Says something at the place that is nearest to where it belongs.
async fn say_at<T: Talk>(
    talk: &T,
    number: &str,
    text: &str,
    position: &Position,
) -> Result<(T::Said, Vec<Loss>), HostError> {
    let mut refusal = None;
    for (place, losses) in places::<T>(position) {
        let unplaced = place.is_none().then(|| text::under(&in_words(position), text));
        let text = unplaced.as_deref().unwrap_or(text);
        match talk.say(number, Draft { place, ..Draft::of(text) }).await {
            Err(error) if is_refusal(&error) => refusal = Some(error),
            other => return other.map(|it| (it, losses)),
        }
    }
    Err(refusal.unwrap_or_else(|| {
        HostError::new(HostErrorKind::Rejected, "write a comment").with("change request", number)
    }))
}

/// Writes a thread: the place of its first comment, which comes later.
pub(crate) async fn write_thread<T: Talk>(
    talk: &T,
    record: &Record,
    it: &ReviewThread,
    existing: Option<&TargetId>,
) -> Result<Done, HostError> {
    let number = it.change_request.to_string();
    let (id, mut losses) = match existing.and_then(|it| split(&it.0)) {
        Some((_, id)) => (id.to_owned(), Vec::new()),
        None => {
            let text = sent(&format!("{}\n\n{ARRIVING}", mark::of(&record.origin)));
            let (said, losses) = say_at(talk, &number, &text, &it.position).await?;
            (said.target(), losses)
        }
    };
    let is_settled = it.resolver.is_some() || it.resolved_at.is_some();
    if (is_settled || existing.is_some())
        && let Some(why) = talk.settle((&number, &id), is_settled, existing.is_none()).await?
    {
        losses.push(Loss::sink("resolver", why.clone()));
        losses.push(Loss::sink("resolved_at", why));
    }
    let is_unplaced = losses.iter().any(|it| it.field == Loss::KIND);
    let id = format!("{number}/{id}{}", if is_unplaced { UNPLACED } else { "" });
    Ok(Done::new(id, existing).with(losses))
}

/// Writes a comment of a thread, its first one where the thread keeps its place.
pub(crate) async fn write_review_comment<T: Talk>(
    talk: &T,
    record: &Record,
    it: &ReviewComment,
    existing: Option<&TargetId>,
) -> Result<Done, HostError> {
    if it.pending {
        // SECURITY: what was not handed in yet was its author's alone.
        return Ok(Done::dropped(&record.origin.id, "it was not handed in yet"));
    }
    let mut losses = Vec::new();
    let text = text_of(it.body.as_ref(), &mut losses);
    let number = it.change_request.to_string();
    let thread = it.thread.as_ref();
    let thread = thread.and_then(|it| linked(record, ObjectKind::ReviewThread, &it.0));
    if thread.as_deref().is_some_and(|it| it.ends_with(UNPLACED)) {
        losses.push(Loss::sink(Loss::KIND, "its thread has no place, and is a comment"));
    }
    let root = thread.as_deref().and_then(split).map(|(_, id)| id);
    if let Some(at) = existing.and_then(|it| split(&it.0)) {
        let text = if root == Some(at.1) { marked_as_now(talk, at, &text).await? } else { text };
        let said = talk.amend(at, &text).await?;
        return Ok(Done::new(format!("{number}/{}", said.target()), existing).with(losses));
    }
    let parent = parent(record, it.reply_to.as_ref(), it.change_request);
    if let (Some(root), None) = (root, parent)
        && let Some(id) = talk.arrive((&number, root), &text).await?
    {
        return Ok(Done::new(format!("{number}/{id}"), None).with(losses));
    }
    let said = match parent.or_else(|| root?.parse().ok()) {
        Some(parent) => {
            talk.say(&number, Draft { parent: Some(parent), ..Draft::of(&text) }).await?
        }
        None => {
            let (said, lost) = say_at(talk, &number, &text, &it.position).await?;
            losses.extend(lost);
            said
        }
    };
    Ok(Done::new(format!("{number}/{}", said.target()), None).with(losses))
}

/// A text with the mark of the thread that it begins, as it has now.
async fn marked_as_now<T: Talk>(
    talk: &T,
    at: (&str, &str),
    text: &str,
) -> Result<String, HostError> {
    let now = talk.said(at).await?;
    let mark = now.as_ref().and_then(Said::text).and_then(text::thread_mark);
    Ok(mark.map_or_else(|| text.to_owned(), |mark| format!("{mark}\n\n{text}")))
}
