//! What is said and done in a change request.

use super::{identity, plain, text, time};
use crate::{bitbucket, bitbucket_cloud::wire};
use packhorse_core::{
    Object, ObjectKind, Record,
    model::{
        Comment, Event, HostId, Identity, Position, Review, ReviewComment, ReviewThread, Side,
        Subject, TaskState, Verdict,
    },
};
use std::collections::BTreeMap;

/// A change request, and what belongs to it.
pub(in crate::bitbucket_cloud) struct Talk<'a> {
    number: u64,
    host: &'a str,
    comments: BTreeMap<i64, wire::Comment>,
}

impl<'a> Talk<'a> {
    pub(in crate::bitbucket_cloud) fn of(
        number: u64,
        comments: Vec<wire::Comment>,
        host: &'a str,
    ) -> Self {
        let comments = comments.into_iter().filter_map(|it| Some((it.id?, it))).collect();
        Self { number, host, comments }
    }

    fn who(&self, user: Option<&wire::Account>) -> Option<Identity> {
        user.and_then(|it| identity(it, self.host))
    }

    /// The id of something in this change request, which the API has to be told with it.
    fn id(&self, within: impl std::fmt::Display) -> String {
        format!("{}/{within}", self.number)
    }

    fn parent(it: &wire::Comment) -> Option<i64> {
        it.parent.as_ref().and_then(|it| it.id)
    }

    /// The comment that began the thread; answers can be answered.
    fn root<'b>(&'b self, it: &'b wire::Comment) -> &'b wire::Comment {
        let mut root = it;
        // Never more steps than there are comments, also where they lead in a circle.
        for _ in 0..self.comments.len() {
            match Self::parent(root).and_then(|id| self.comments.get(&id)) {
                Some(above) => root = above,
                None => break,
            }
        }
        root
    }

    fn is_review(it: &wire::Comment) -> bool {
        let text = it.content.as_ref().and_then(|it| it.raw.clone()).map(bitbucket::text::received);
        it.inline.is_none()
            && text.is_some_and(|it| bitbucket::text::is_of(&it, ObjectKind::Review))
    }

    /// Comments in the talk, or those in the code.
    fn said(&self, in_code: bool) -> impl Iterator<Item = (i64, &wire::Comment)> {
        self.comments
            .iter()
            .filter(move |(_, it)| self.root(it).inline.is_some() == in_code)
            .filter(|(_, it)| it.deleted != Some(true))
            .map(|(id, it)| (*id, it))
    }

    /// Comments that stand at no place in the code.
    pub(in crate::bitbucket_cloud) fn comments(&self) -> Vec<Record> {
        let general = self.said(false).filter(|(_, it)| !Self::is_review(it));
        let comment = |(id, it): (i64, &wire::Comment)| {
            let parent = Self::parent(it).filter(|it| self.comments.contains_key(it));
            let resolution = it.resolution.as_ref();
            let comment = Comment {
                subject: Subject::ChangeRequest(self.number),
                reply_to: parent.map(|it| HostId(self.id(it))),
                author: self.who(it.user.as_ref()),
                body: text(it.content.as_ref().and_then(|it| it.raw.clone())),
                resolver: self.who(resolution.and_then(|it| it.user.as_ref())),
                resolved_at: time(resolution.and_then(|it| it.created_on)),
                created_at: time(it.created_on),
                updated_at: time(it.updated_on),
                ..Comment::default()
            };
            Record::new(self.id(id), Object::from(comment))
        };
        general.map(comment).collect()
    }

    /// Tasks, as comments that are to be done.
    pub(in crate::bitbucket_cloud) fn tasks(&self, tasks: Vec<wire::Task>) -> Vec<Record> {
        let task = |it: wire::Task| {
            let about = it.comment.and_then(|it| it.id);
            let about = about.filter(|id| {
                self.comments.get(id).is_some_and(|it| self.root(it).inline.is_none())
            });
            let is_done = it.state.as_deref() == Some("RESOLVED");
            let comment = Comment {
                subject: Subject::ChangeRequest(self.number),
                reply_to: about.map(|it| HostId(self.id(it))),
                author: self.who(it.creator.as_ref()),
                body: text(it.content.and_then(|it| it.raw)),
                task: Some(if is_done { TaskState::Resolved } else { TaskState::Open }),
                resolver: self.who(it.resolved_by.as_ref()),
                resolved_at: time(it.resolved_on),
                created_at: time(it.created_on),
                updated_at: time(it.updated_on),
                ..Comment::default()
            };
            Some(Record::new(self.id(format_args!("task-{}", it.id?)), Object::from(comment)))
        };
        tasks.into_iter().filter_map(task).collect()
    }

    pub(in crate::bitbucket_cloud) fn threads(&self) -> Vec<Record> {
        let roots = self.comments.iter().filter(|(_, it)| self.root(it).id == it.id);
        let thread = |(id, it): (&i64, &wire::Comment)| {
            let inline = it.inline.as_ref()?;
            let resolution = it.resolution.as_ref();
            let thread = ReviewThread {
                change_request: self.number,
                position: position(inline),
                outdated: inline.outdated,
                resolver: self.who(resolution.and_then(|it| it.user.as_ref())),
                resolved_at: time(resolution.and_then(|it| it.created_on)),
                created_at: time(it.created_on),
                ..ReviewThread::default()
            };
            Some(Record::new(self.id(id), Object::from(thread)))
        };
        roots.filter_map(thread).collect()
    }

    pub(in crate::bitbucket_cloud) fn review_comments(&self) -> Vec<Record> {
        let comment = |(id, it): (i64, &wire::Comment)| {
            let root = self.root(it);
            let comment = ReviewComment {
                change_request: self.number,
                thread: root.id.map(|it| HostId(self.id(it))),
                reply_to: Self::parent(it).map(|it| HostId(self.id(it))),
                author: self.who(it.user.as_ref()),
                body: text(it.content.as_ref().and_then(|it| it.raw.clone())),
                position: it
                    .inline
                    .as_ref()
                    .or(root.inline.as_ref())
                    .map(position)
                    .unwrap_or_default(),
                pending: it.pending.unwrap_or_default(),
                created_at: time(it.created_on),
                updated_at: time(it.updated_on),
                ..ReviewComment::default()
            };
            Record::new(self.id(id), Object::from(comment))
        };
        self.said(true).map(comment).collect()
    }

    /// Reviews that were brought here as comments.
    pub(in crate::bitbucket_cloud) fn brought(&self) -> Vec<Record> {
        let review = |(id, it): (i64, &wire::Comment)| {
            let raw = it.content.as_ref().and_then(|it| it.raw.clone()).unwrap_or_default();
            let (verdict, commit, body) = bitbucket::text::brought_review(raw);
            let review = Review {
                change_request: self.number,
                author: self.who(it.user.as_ref()),
                body: text(Some(body)),
                verdict,
                commit,
                submitted_at: time(it.created_on),
                ..Review::default()
            };
            Record::new(self.id(id), Object::from(review))
        };
        self.said(false).filter(|(_, it)| Self::is_review(it)).map(review).collect()
    }

    /// Approvals and demands for changes; one that does not hold any more is dismissed.
    pub(in crate::bitbucket_cloud) fn reviews(
        &self,
        request: &wire::PullRequest,
        activity: &[wire::Activity],
    ) -> Vec<Record> {
        let people = request.participants.iter().flat_map(|it| &it.0);
        let now: BTreeMap<String, Option<String>> = people
            .filter_map(|it| {
                Some((identity(it.user.as_ref()?, self.host)?.login, it.state.clone()))
            })
            .collect();
        let verdict = |it: &wire::Activity| {
            let (given, word, verdict) = match (&it.approval, &it.changes_requested) {
                (Some(given), _) => (given, "approved", Verdict::Approved),
                (None, Some(given)) => (given, "changes_requested", Verdict::ChangesRequested),
                (None, None) => return None,
            };
            let who = self.who(given.user.as_ref());
            let login = who.as_ref().map(|it| it.login.as_str()).unwrap_or_default();
            let holds = now.get(login).is_none_or(|it| it.as_deref() == Some(word));
            let submitted_at = time(given.date);
            let at = submitted_at.map(|it| it.to_string()).unwrap_or_default();
            let id = self.id(format_args!("{word}/{login}/{at}"));
            let review = Review {
                change_request: self.number,
                author: who,
                verdict: if holds { verdict } else { Verdict::Dismissed },
                submitted_at,
                ..Review::default()
            };
            Some(Record::new(id, Object::from(review)))
        };
        activity.iter().rev().filter_map(verdict).collect()
    }

    /// What was done, the oldest first.
    pub(in crate::bitbucket_cloud) fn events(&self, activity: &[wire::Activity]) -> Vec<Record> {
        let mut records = Vec::new();
        let mut head: Option<String> = None;
        for it in activity.iter().rev().filter_map(|it| it.update.as_ref()) {
            self.events_of(it, &mut head, &mut records);
        }
        records
    }

    fn events_of(&self, it: &wire::Update, head: &mut Option<String>, records: &mut Vec<Record>) {
        let at = time(it.date);
        let event = |action: &str| Event {
            subject: Subject::ChangeRequest(self.number),
            action: action.to_owned(),
            actor: self.who(it.author.as_ref()),
            created_at: at,
            ..Event::default()
        };
        let moment = at.map(|it| it.to_string()).unwrap_or_default();
        let mut add = |event: Event, more: &str| {
            let id = self.id(format_args!("{}/{more}{moment}", event.action));
            records.push(Record::new(id, Object::from(event)));
        };
        let changes = it.changes.clone().unwrap_or_default();
        if let Some(title) = changes.title {
            let (title_before, title_after) = (title.old, title.new);
            add(Event { title_before, title_after, ..event("renamed") }, "");
        }
        let people = changes.reviewers.unwrap_or_default();
        for (list, action) in
            [(people.added, "review_requested"), (people.removed, "review_request_removed")]
        {
            for user in list.into_iter().flat_map(|it| it.0) {
                let target = self.who(Some(&user));
                let login = target.as_ref().map(|it| it.login.clone()).unwrap_or_default();
                add(Event { target, ..event(action) }, &format!("{login}/"));
            }
        }
        let status = changes.status.and_then(|it| it.new).map(|it| it.to_uppercase());
        match status.as_deref() {
            Some("FULFILLED" | "MERGED") => add(event("merged"), ""),
            Some("REJECTED" | "DECLINED" | "SUPERSEDED") => add(event("closed"), ""),
            Some("OPEN") => add(event("reopened"), ""),
            Some(_) | None => match it.state.as_deref() {
                // Older entries tell the state alone.
                Some("MERGED") => add(event("merged"), ""),
                Some("DECLINED" | "SUPERSEDED") => add(event("closed"), ""),
                Some(_) | None => {}
            },
        }
        let commit = it.source.as_ref().and_then(|it| it.commit.as_ref()?.hash.clone());
        if let (Some(before), Some(after)) = (head.as_ref(), commit.as_ref())
            && before != after
        {
            let (before, after) = (plain(Some(before.clone())), plain(Some(after.clone())));
            add(Event { before, after, ..event("rescoped") }, "");
        }
        *head = commit.or(head.take());
    }
}

/// Where a comment is; without a line it is about the file.
fn position(it: &wire::Inline) -> Position {
    let (new, old) = (it.to.filter(|it| *it > 0), it.from.filter(|it| *it > 0));
    let side = if new.is_none() && old.is_some() { Side::Left } else { Side::Right };
    let line = new.or(old);
    let start = if side == Side::Left { it.start_from } else { it.start_to };
    Position {
        path: it.path.clone().unwrap_or_default(),
        side: line.map(|_| side),
        line,
        start_line: start.filter(|it| Some(*it) != line && *it > 0),
        whole_file: line.is_none(),
        ..Position::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn talk(comments: &str) -> Talk<'static> {
        Talk::of(5, serde_json::from_str(comments).unwrap(), "h.example")
    }

    fn ids(list: &[Record]) -> Vec<&str> {
        list.iter().map(|it| it.origin.id.as_str()).collect()
    }

    #[test]
    fn answers_stand_in_the_thread_that_they_answer() {
        let talk = talk(
            r#"[{"id":1,"content":{"raw":"a"}},{"id":2,"content":{"raw":"b"},"parent":{"id":1}},
            {"id":3,"content":{"raw":""},"deleted":true,"inline":{"path":"a.rs","from":7,"to":null}},
            {"id":4,"content":{"raw":"d"},"parent":{"id":3},"inline":{"path":"a.rs","from":7}},
            {"id":5,"content":{"raw":"e"},"parent":{"id":4}},
            {"id":6,"content":{"raw":"f"},"parent":{"id":6}}]"#,
        );

        assert_eq!(ids(&talk.comments()), ["5/1", "5/2", "5/6"]);
        assert_eq!(ids(&talk.threads()), ["5/3"]);
        assert_eq!(ids(&talk.review_comments()), ["5/4", "5/5"]);
        let Object::ReviewThread(thread) = &talk.threads()[0].object else { panic!() };
        assert_eq!((thread.position.side, thread.position.line), (Some(Side::Left), Some(7)));
    }

    #[test]
    fn an_approval_that_does_not_hold_any_more_is_dismissed() {
        let request = r#"{"participants":[{"user":{"uuid":"{a}"},"state":"approved"},
            {"user":{"uuid":"{b}"},"state":null}]}"#;
        let activity = r#"[{"approval":{"user":{"uuid":"{b}"},"date":"2026-01-02T00:00:00Z"}},
            {"comment":{}}, {"approval":{"user":{"uuid":"{a}"},"date":"2026-01-01T00:00:00Z"}}]"#;
        let request = serde_json::from_str(request).unwrap();
        let activity: Vec<_> = serde_json::from_str(activity).unwrap();

        let reviews = talk("[]").reviews(&request, &activity);

        let verdicts: Vec<_> = reviews
            .iter()
            .map(|it| if let Object::Review(it) = &it.object { it.verdict } else { panic!() })
            .collect();
        assert_eq!(verdicts, [Verdict::Approved, Verdict::Dismissed]);
        assert_eq!(ids(&reviews)[0], "5/approved/{a}/2026-01-01T00:00:00Z");
    }

    #[test]
    fn what_was_done_is_told_in_the_models_words() {
        let activity = r#"[
            {"update":{"state":"MERGED","date":"2026-01-03T00:00:00Z","source":{"commit":{"hash":"bb"}}}},
            {"update":{"state":"OPEN","date":"2026-01-02T00:00:00Z","source":{"commit":{"hash":"bb"}},
                "changes":{"title":{"old":"a","new":"b"},"reviewers":{"added":[{"uuid":"{a}"}]}}}},
            {"update":{"state":"OPEN","date":"2026-01-01T00:00:00Z","source":{"commit":{"hash":"aa"}}}}]"#;
        let activity: Vec<_> = serde_json::from_str(activity).unwrap();

        let events = talk("[]").events(&activity);

        let actions: Vec<_> = events
            .iter()
            .map(
                |it| if let Object::Event(it) = &it.object { it.action.as_str() } else { panic!() },
            )
            .collect();
        assert_eq!(actions, ["renamed", "review_requested", "rescoped", "merged"]);
    }
}
