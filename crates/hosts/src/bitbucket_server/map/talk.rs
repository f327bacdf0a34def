//! What is said and done in a change request, from its activities.
//!
//! The server tells all in one list, the newest first, with a comment in it as
//! it is now, and its answers inside it. Here it becomes comments, threads,
//! reviews, reactions and events.

use super::{identity, plain, text, time};
use crate::{bitbucket, bitbucket_server::wire};
use packhorse_core::{
    Loss, Object, ObjectKind, Record,
    model::{
        Attachment, Blob, Comment, Event, HostId, Identity, Position, Reaction, Review,
        ReviewComment, ReviewThread, Side, Subject, TaskState, Time, Verdict,
    },
};
use std::collections::{BTreeMap, BTreeSet};

/// How deep answers to answers are followed; the server's own pages show fewer.
const MAX_DEPTH: usize = 32;

/// A comment, and where in the talk it stands.
struct Said {
    /// Number of the comment.
    id: i64,
    /// The comment that began the thread.
    root: i64,
    /// The comment that it answers.
    parent: Option<i64>,
    /// Place in the code; of the thread.
    anchor: Option<wire::Anchor>,
    comment: wire::Comment,
}

/// Everything of one change request.
pub(in crate::bitbucket_server) struct Talk<'a> {
    number: u64,
    host: &'a str,
    said: Vec<Said>,
    tasks: Vec<(i64, wire::Task)>,
    /// What was done, the oldest first.
    done: Vec<wire::Activity>,
    /// Status of each reviewer now, by name.
    now: BTreeMap<String, (String, Option<String>)>,
    description: Option<String>,
}

impl<'a> Talk<'a> {
    /// Takes the activities of a change request apart.
    pub(in crate::bitbucket_server) fn of(
        request: &wire::PullRequest,
        activities: Vec<wire::Activity>,
        host: &'a str,
    ) -> Option<Self> {
        let people = request.reviewers.iter().chain(&request.participants).flat_map(|it| &it.0);
        let now = people.filter_map(|it| {
            let name = it.user.as_ref()?.name.clone()?;
            Some((name, (it.status.clone()?, it.last_reviewed_commit.clone())))
        });
        let mut talk = Self {
            number: request.id?,
            host,
            said: Vec::new(),
            tasks: Vec::new(),
            done: Vec::new(),
            now: now.collect(),
            description: request.description.clone(),
        };
        let mut seen = BTreeSet::new();
        let (mut roots, mut others) = (Vec::new(), Vec::new());
        for activity in activities.into_iter().rev() {
            if activity.action.as_deref() != Some("COMMENTED") {
                talk.done.push(activity);
            } else if activity.comment_action.as_deref().is_none_or(|it| it == "ADDED") {
                roots.push(activity);
            } else {
                others.push(activity);
            }
        }
        // What was edited or answered is told once more, as it is now.
        for activity in roots.into_iter().chain(others) {
            let Some(comment) = activity.comment else { continue };
            let anchor = activity.comment_anchor.or_else(|| comment.anchor.clone());
            talk.add(comment, anchor, None, &mut seen, 0);
        }
        talk.said.sort_by_key(|it| it.id);
        Some(talk)
    }

    fn add(
        &mut self,
        mut comment: wire::Comment,
        anchor: Option<wire::Anchor>,
        above: Option<(i64, i64)>,
        seen: &mut BTreeSet<i64>,
        depth: usize,
    ) {
        let Some(id) = comment.id.filter(|it| seen.insert(*it)) else { return };
        let root = above.map_or(id, |(root, _)| root);
        let answers = comment.comments.take().map(|it| it.0).unwrap_or_default();
        let tasks = comment.tasks.take().map(|it| it.0).unwrap_or_default();
        self.tasks.extend(tasks.into_iter().map(|it| (id, it)));
        let parent = above.map(|(_, parent)| parent);
        self.said.push(Said { id, root, parent, anchor: anchor.clone(), comment });
        if depth < MAX_DEPTH {
            for answer in answers {
                self.add(answer, anchor.clone(), Some((root, id)), seen, depth + 1);
            }
        }
    }

    fn who(&self, user: Option<&wire::User>) -> Option<Identity> {
        user.and_then(|it| identity(it, self.host))
    }

    /// The id of something in this change request, which the server has to be told with it.
    fn id(&self, within: impl std::fmt::Display) -> String {
        format!("{}/{within}", self.number)
    }

    fn host_id(&self, within: impl std::fmt::Display) -> HostId {
        HostId(self.id(within))
    }

    /// Whether a comment is a review that was brought here.
    fn is_review(said: &Said) -> bool {
        let text = said.comment.text.clone().map(bitbucket::text::received);
        said.anchor.is_none()
            && text.is_some_and(|it| bitbucket::text::is_of(&it, ObjectKind::Review))
    }

    /// Comments that stand at no place in the code, and the tasks of old versions.
    pub(in crate::bitbucket_server) fn comments(&self) -> Vec<Record> {
        let general = self.said.iter().filter(|it| it.anchor.is_none() && !Self::is_review(it));
        let mut records: Vec<_> = general.map(|it| self.comment(it)).collect();
        records.extend(self.tasks.iter().filter_map(|(comment, task)| self.task(*comment, task)));
        records
    }

    fn comment(&self, said: &Said) -> Record {
        let it = &said.comment;
        let is_settled = it.state.as_deref() == Some("RESOLVED");
        let task = (it.severity.as_deref() == Some("BLOCKER")).then_some(if is_settled {
            TaskState::Resolved
        } else {
            TaskState::Open
        });
        let resolver = it.resolver.as_ref().or(it.thread_resolver.as_ref());
        let comment = Comment {
            subject: Subject::ChangeRequest(self.number),
            reply_to: said.parent.map(|it| self.host_id(it)),
            author: self.who(it.author.as_ref()),
            body: text(it.text.clone()),
            task,
            resolver: self.who(resolver),
            resolved_at: time(it.resolved_date.or(it.thread_resolved_date)),
            created_at: time(it.created_date),
            updated_at: time(it.updated_date),
            ..Comment::default()
        };
        Record::new(self.id(said.id), Object::from(comment))
    }

    /// A task of versions before 7.2, which had them beside comments.
    fn task(&self, comment: i64, task: &wire::Task) -> Option<Record> {
        let is_settled = task.state.as_deref() == Some("RESOLVED");
        let is_here = self.said.iter().any(|it| it.id == comment && it.anchor.is_none());
        let mapped = Comment {
            subject: Subject::ChangeRequest(self.number),
            reply_to: is_here.then(|| self.host_id(comment)),
            author: self.who(task.author.as_ref()),
            body: text(task.text.clone()),
            task: Some(if is_settled { TaskState::Resolved } else { TaskState::Open }),
            created_at: time(task.created_date),
            ..Comment::default()
        };
        Some(Record::new(self.id(format_args!("task-{}", task.id?)), Object::from(mapped)))
    }

    pub(in crate::bitbucket_server) fn threads(&self) -> Vec<Record> {
        let roots = self.said.iter().filter(|it| it.id == it.root);
        let thread = |said: &Said| {
            let (it, anchor) = (&said.comment, said.anchor.as_ref()?);
            let resolver = it.thread_resolver.as_ref().or(it.resolver.as_ref());
            let thread = ReviewThread {
                change_request: self.number,
                position: position(anchor),
                outdated: anchor.orphaned,
                resolver: self.who(resolver),
                resolved_at: time(it.thread_resolved_date.or(it.resolved_date)),
                created_at: time(it.created_date),
                ..ReviewThread::default()
            };
            Some(Record::new(self.id(said.id), Object::from(thread)))
        };
        roots.filter_map(thread).collect()
    }

    pub(in crate::bitbucket_server) fn review_comments(&self) -> Vec<Record> {
        let comment = |said: &Said| {
            let (it, anchor) = (&said.comment, said.anchor.as_ref()?);
            let comment = ReviewComment {
                change_request: self.number,
                thread: Some(self.host_id(said.root)),
                reply_to: said.parent.map(|it| self.host_id(it)),
                author: self.who(it.author.as_ref()),
                body: text(it.text.clone()),
                position: position(anchor),
                pending: it.state.as_deref() == Some("PENDING"),
                created_at: time(it.created_date),
                updated_at: time(it.updated_date),
                ..ReviewComment::default()
            };
            let mut record = Record::new(self.id(said.id), Object::from(comment));
            if it.severity.as_deref() == Some("BLOCKER") {
                let detail = "it was a task, and comments on lines of code are none elsewhere";
                record.losses.push(Loss::source("task", detail));
            }
            Some(record)
        };
        self.said.iter().filter_map(comment).collect()
    }

    pub(in crate::bitbucket_server) fn reactions(&self) -> Vec<Record> {
        let mut records = Vec::new();
        for said in &self.said {
            let id = self.host_id(said.id);
            let subject = match said.anchor {
                Some(_) => Subject::ReviewComment(id),
                None => Subject::Comment(id),
            };
            let properties = said.comment.properties.as_ref();
            let reactions = properties.and_then(|it| it.reactions.as_ref());
            for reaction in reactions.into_iter().flat_map(|it| &it.0) {
                let shortcut = reaction.emoticon.as_ref().and_then(|it| it.shortcut.as_deref());
                let Some(content) = shortcut.map(content) else { continue };
                for user in reaction.users.iter().flat_map(|it| &it.0) {
                    let Some(who) = identity(user, self.host) else { continue };
                    let origin = self.id(format_args!("{}/{}/{content}", said.id, who.login));
                    let reaction = Reaction {
                        subject: subject.clone(),
                        author: Some(who),
                        content: content.to_owned(),
                        created_at: None,
                    };
                    records.push(Record::new(origin, Object::from(reaction)));
                }
            }
        }
        records
    }

    /// Approvals and demands for work; one that was taken back is dismissed.
    pub(in crate::bitbucket_server) fn reviews(&self) -> Vec<Record> {
        let mut records = Vec::new();
        for (index, it) in self.done.iter().enumerate() {
            let verdict = match it.action.as_deref() {
                Some("APPROVED") => (Verdict::Approved, "APPROVED"),
                Some("REVIEWED") => (Verdict::ChangesRequested, "NEEDS_WORK"),
                Some(_) | None => continue,
            };
            let name = it.user.as_ref().and_then(|it| it.name.as_deref()).unwrap_or_default();
            let is_same = |it: &&wire::Activity| {
                it.user.as_ref().and_then(|it| it.name.as_deref()) == Some(name)
            };
            let later = self.done[index + 1..].iter().filter(is_same);
            let mut later = later.filter_map(|it| it.action.as_deref());
            let next = later.find(|it| ["APPROVED", "REVIEWED", "UNAPPROVED"].contains(it));
            let (status, commit) =
                self.now.get(name).map_or((None, None), |(a, b)| (Some(a.as_str()), b.as_ref()));
            let is_taken_back = match next {
                Some(next) => next == "UNAPPROVED",
                // Without a word of it, when what was reviewed changed.
                None => status.is_some_and(|it| it != verdict.1),
            };
            let Some(id) = it.id else { continue };
            let review = Review {
                change_request: self.number,
                author: self.who(it.user.as_ref()),
                verdict: if is_taken_back { Verdict::Dismissed } else { verdict.0 },
                commit: plain(commit.cloned()).filter(|_| next.is_none()),
                submitted_at: time(it.created_date),
                ..Review::default()
            };
            records.push(Record::new(self.id(id), Object::from(review)));
        }
        records
            .extend(self.said.iter().filter(|it| Self::is_review(it)).map(|it| self.brought(it)));
        records
    }

    /// A review that was brought here as a comment.
    fn brought(&self, said: &Said) -> Record {
        let it = &said.comment;
        let raw = it.text.clone().unwrap_or_default();
        let (verdict, commit, body) = bitbucket::text::brought_review(raw);
        let review = Review {
            change_request: self.number,
            author: self.who(it.author.as_ref()),
            body: text(Some(body)),
            verdict,
            commit,
            submitted_at: time(it.created_date),
            ..Review::default()
        };
        Record::new(self.id(said.id), Object::from(review))
    }

    pub(in crate::bitbucket_server) fn events(&self) -> Vec<Record> {
        self.done.iter().flat_map(|it| self.events_of(it)).collect()
    }

    fn events_of(&self, it: &wire::Activity) -> Vec<Record> {
        let Some(id) = it.id else { return Vec::new() };
        let event = |action: &str| Event {
            subject: Subject::ChangeRequest(self.number),
            action: action.to_owned(),
            actor: self.who(it.user.as_ref()),
            created_at: time(it.created_date),
            ..Event::default()
        };
        let one = |event| vec![Record::new(self.id(id), Object::Event(event))];
        let action = it.action.clone().unwrap_or_default().to_lowercase();
        match action.as_str() {
            // Records of their own.
            "opened" | "approved" | "reviewed" | "" => Vec::new(),
            "merged" => {
                let commit = it.commit.as_ref().and_then(|it| it.id.clone());
                one(Box::new(Event { commit, ..event("merged") }))
            }
            "declined" => one(Box::new(event("closed"))),
            "rescoped" => one(Box::new(Event {
                before: plain(it.previous_from_hash.clone()),
                after: plain(it.from_hash.clone()),
                ..event("rescoped")
            })),
            "updated" => {
                let change = |users: &Option<crate::lenient::Items<wire::User>>, action: &str| {
                    let users: Vec<_> = users.iter().flat_map(|it| it.0.clone()).collect();
                    let record = |user: wire::User| {
                        let who = identity(&user, self.host)?;
                        let id = self.id(format_args!("{id}/{action}/{}", who.login));
                        let event = Event { target: Some(who), ..event(action) };
                        Some(Record::new(id, Object::from(event)))
                    };
                    users.into_iter().filter_map(record).collect::<Vec<_>>()
                };
                let mut records = change(&it.added_reviewers, "review_requested");
                records.extend(change(&it.removed_reviewers, "review_request_removed"));
                if records.is_empty() { one(Box::new(event("updated"))) } else { records }
            }
            other => one(Box::new(event(other))),
        }
    }

    /// Who ended it.
    pub(in crate::bitbucket_server) fn closer(
        activities: &[wire::Activity],
    ) -> Option<&wire::User> {
        let ended =
            |it: &&wire::Activity| matches!(it.action.as_deref(), Some("MERGED" | "DECLINED"));
        activities.iter().find(ended).and_then(|it| it.user.as_ref())
    }

    /// Files that texts refer to as `attachment:REPOSITORY/ID`.
    pub(in crate::bitbucket_server) fn attachments(&self) -> Vec<Record> {
        let request = Subject::ChangeRequest(self.number);
        let mut found = BTreeMap::new();
        let mut take = |text: Option<&String>, subject: &Subject, author: Option<Identity>, at| {
            for (name, url, id) in text.map(|it| references(it)).unwrap_or_default() {
                let file = attachment(name, url, subject, author.clone(), time(at));
                found.entry(id).or_insert(file);
            }
        };
        take(self.description.as_ref(), &request, None, None);
        for said in &self.said {
            let id = self.host_id(said.id);
            let subject = match said.anchor {
                Some(_) => Subject::ReviewComment(id),
                None => Subject::Comment(id),
            };
            let author = self.who(said.comment.author.as_ref());
            take(said.comment.text.as_ref(), &subject, author, said.comment.created_date);
        }
        let record = |(id, file)| Record::new(id, Object::from(file));
        found.into_iter().map(record).collect()
    }
}

fn attachment(
    name: String,
    url: String,
    subject: &Subject,
    author: Option<Identity>,
    created_at: Option<Time>,
) -> Attachment {
    Attachment {
        subject: subject.clone(),
        name,
        url: Some(url),
        author,
        blob: Blob::default(),
        created_at,
        ..Attachment::default()
    }
}

/// References to attachments in a text: name, reference, id.
///
/// Source: Atlassian, what its editor puts into comments: `[name](attachment:12/34)`.
fn references(text: &str) -> Vec<(String, String, String)> {
    const SIGN: &str = "](attachment:";
    let mut list = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find(SIGN).map(|it| it + from) {
        let begin = at + SIGN.len();
        let end = text[begin..].find([')', ' ', '\n']).map_or(text.len(), |it| it + begin);
        let name = text[from..at].rfind('[').map_or("", |it| &text[from + it + 1..at]);
        let place = &text[begin..end];
        if let Some((_, id)) = place.split_once('/') {
            // SECURITY: what is no plain id would be another address of the server.
            let is_plain = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_');
            if !id.is_empty() && id.bytes().all(is_plain) {
                let name = name.trim().replace(['/', '\\', '\0'], "_");
                let name = if name.is_empty() { id.to_owned() } else { name };
                list.push((name, format!("attachment:{place}"), id.to_owned()));
            }
        }
        from = end;
    }
    list
}

/// Where a comment is; without a line it is about the file.
fn position(anchor: &wire::Anchor) -> Position {
    let line = anchor.line.filter(|it| *it > 0);
    let side = match (anchor.file_type.as_deref(), anchor.line_type.as_deref()) {
        (Some("FROM"), _) | (None, Some("REMOVED")) => Side::Left,
        (Some(_) | None, _) => Side::Right,
    };
    let lines = anchor.multiline_marker.as_ref();
    let start_side = lines.and_then(|it| it.start_line_type.as_deref()).map(|it| match it {
        "REMOVED" => Side::Left,
        "ADDED" => Side::Right,
        _ => side,
    });
    let path = anchor.path.as_ref().map(|it| it.0.clone()).unwrap_or_default();
    Position {
        old_path: anchor.src_path.as_ref().map(|it| it.0.clone()).filter(|it| *it != path),
        path,
        commit: plain(anchor.to_hash.clone()),
        original_commit: plain(anchor.to_hash.clone()),
        base_commit: plain(anchor.from_hash.clone()),
        side: line.map(|_| side),
        line,
        start_line: lines.and_then(|it| it.start_line),
        start_side,
        original_line: line,
        whole_file: line.is_none(),
        ..Position::default()
    }
}

/// The model's word for a picture.
///
/// Source: the server's emoticons have the shortcuts of common emoji sets.
pub(in crate::bitbucket_server) fn content(shortcut: &str) -> &str {
    match shortcut.trim_matches(':') {
        "thumbsup" | "+1" => "+1",
        "thumbsdown" | "-1" => "-1",
        "laughing" | "smile" | "laugh" => "laugh",
        "thinking_face" | "confused" => "confused",
        "heart" => "heart",
        "tada" | "hooray" => "hooray",
        "rocket" => "rocket",
        "eyes" => "eyes",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn talk(request: &str, activities: &str) -> Talk<'static> {
        let request: wire::PullRequest = serde_json::from_str(request).unwrap();
        Talk::of(&request, serde_json::from_str(activities).unwrap(), "h.example").unwrap()
    }

    #[test]
    fn answers_stand_in_the_thread_that_they_answer() {
        let activities = r#"[
            {"id":9,"action":"COMMENTED","commentAction":"EDITED","comment":{"id":1,"text":"b"}},
            {"id":8,"action":"COMMENTED","commentAction":"ADDED",
             "commentAnchor":{"path":"a.rs","line":7,"lineType":"REMOVED","fileType":"FROM"},
             "comment":{"id":3,"text":"why?","comments":[{"id":4,"text":"because","comments":[
                {"id":5,"text":"ah"}]}]}},
            {"id":7,"action":"COMMENTED","commentAction":"ADDED",
             "comment":{"id":1,"text":"b","severity":"BLOCKER","state":"RESOLVED",
                "comments":[{"id":2,"text":"c"}],"tasks":[{"id":6,"text":"old","state":"OPEN"}]}}]"#;
        let talk = talk(r#"{"id":5}"#, activities);

        let ids = |list: Vec<Record>| list.into_iter().map(|it| it.origin.id).collect::<Vec<_>>();
        assert_eq!(ids(talk.comments()), ["5/1", "5/2", "5/task-6"]);
        assert_eq!(ids(talk.threads()), ["5/3"]);
        let comments = talk.review_comments();
        let places: Vec<_> = comments
            .iter()
            .map(|it| {
                if let Object::ReviewComment(it) = &it.object {
                    (it.thread.clone(), it.reply_to.clone())
                } else {
                    panic!("{it:?}")
                }
            })
            .collect();
        let id = |it: &str| Some(HostId(format!("5/{it}")));
        assert_eq!(places, [(id("3"), None), (id("3"), id("3")), (id("3"), id("4"))]);
        let Object::Comment(task) = &talk.comments()[0].object else { panic!() };
        assert_eq!(task.task, Some(TaskState::Resolved));
        let Object::ReviewThread(thread) = &talk.threads()[0].object else { panic!() };
        assert_eq!((thread.position.side, thread.position.line), (Some(Side::Left), Some(7)));
    }

    #[test]
    fn an_approval_that_was_taken_back_is_dismissed() {
        #[track_caller]
        fn check(status: &str, actions: &[(&str, &str)], expected: &[Verdict]) {
            let request = format!(
                r#"{{"id":1,"reviewers":[{{"user":{{"name":"bob"}},"status":"{status}"}}]}}"#
            );
            let list: Vec<_> = actions
                .iter()
                .rev()
                .enumerate()
                .map(|(n, (who, it))| {
                    format!(r#"{{"id":{n},"action":"{it}","user":{{"name":"{who}"}}}}"#)
                })
                .collect();

            let reviews = talk(&request, &format!("[{}]", list.join(","))).reviews();

            let verdicts: Vec<_> = reviews
                .iter()
                .map(|it| {
                    if let Object::Review(it) = &it.object { it.verdict } else { panic!("{it:?}") }
                })
                .collect();
            assert_eq!(verdicts, expected);
        }
        check("APPROVED", &[("bob", "APPROVED")], &[Verdict::Approved]);
        check("UNAPPROVED", &[("bob", "APPROVED")], &[Verdict::Dismissed]);
        let back = [("bob", "APPROVED"), ("carol", "UNAPPROVED"), ("bob", "UNAPPROVED")];
        check("UNAPPROVED", &back, &[Verdict::Dismissed]);
        let both = [("bob", "REVIEWED"), ("bob", "APPROVED")];
        check("APPROVED", &both, &[Verdict::ChangesRequested, Verdict::Approved]);
    }

    #[test]
    fn attachments_are_found_in_texts_and_foreign_addresses_are_not() {
        let text = "see ![a [b].png](attachment:12/34) and [](attachment:12/ab-c) \
                    [x](attachment:12/../../users) [y](attachment:1";
        let found = references(text);

        let ids: Vec<_> = found.iter().map(|(name, _, id)| (name.as_str(), id.as_str())).collect();
        assert_eq!(ids, [("b].png", "34"), ("ab-c", "ab-c")]);
        assert_eq!(found[0].1, "attachment:12/34");
    }

    #[test]
    fn an_action_that_is_not_known_is_told_as_it_is() {
        let activities = r#"[{"id":1,"action":"AUTO_MERGE_REQUESTED"},{"id":2},
            {"id":3,"action":"UPDATED","addedReviewers":[{"name":"bob"}]},
            {"id":4,"action":"RESCOPED","previousFromHash":"aa","fromHash":"bb"}]"#;

        let events = talk(r#"{"id":1}"#, activities).events();

        let actions: Vec<_> = events
            .iter()
            .map(|it| {
                if let Object::Event(it) = &it.object {
                    it.action.as_str()
                } else {
                    panic!("{it:?}")
                }
            })
            .collect();
        assert_eq!(actions, ["rescoped", "review_requested", "auto_merge_requested"]);
    }
}
