//! A change request, what was said and done in it, and what the server remembers of its commits.

use super::{
    export::put,
    git,
    queue::{Queue, Said},
    thread,
};
use crate::{
    bitbucket_archive::{
        entry::Entry,
        json::{self, Style},
        map::{self, event, millis, request, review, talk},
        who, wire,
    },
    container::TarWriter,
    key,
    spool::{ScopeRow, Spool, SpoolError, Stored},
    wire::List,
};
use packhorse_core::{
    Object, ObjectKind,
    model::{ChangeRequest, ChangeRequestState, HostId, Identity, Review, Subject, Verdict},
};
use packhorse_git::{Git, objects};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufWriter, IntoInnerError, Seek, Write},
    path::Path,
};

/// People who took part that are told, those apart who were asked or have reviewed.
const MAX_PEOPLE: usize = 1_000;
/// How deep answers to answers stand in them; deeper ones stand beside the last.
const MAX_DEPTH: usize = 40;

/// One change request on its way out.
struct Writing<'a> {
    spool: &'a Spool,
    scope: &'a ScopeRow,
    it: &'a ChangeRequest,
    queue: &'a Queue<'a>,
    /// Each reviewer's last verdict, with the time of it.
    verdicts: BTreeMap<String, (i64, Review)>,
    /// Who took something back, and when.
    withdrawn: BTreeMap<String, Vec<i64>>,
    others: BTreeSet<String>,
    rescoped: i64,
    is_ended: bool,
}

/// Writes the entries of a change request.
pub(super) fn write(
    spool: &Spool,
    scope: &ScopeRow,
    (row, it): (&str, &ChangeRequest),
    (queue, repository): (&Queue<'_>, Option<&Path>),
    tar: &mut TarWriter,
) -> Result<(), SpoolError> {
    queue.clear()?;
    let mut writing = Writing {
        spool,
        scope,
        it,
        queue,
        verdicts: BTreeMap::new(),
        withdrawn: BTreeMap::new(),
        others: BTreeSet::new(),
        rescoped: millis(it.created_at),
        is_ended: false,
    };
    writing.gather()?;
    put(tar, Entry::Request(row, it.number), &writing.metadata(), Style::Pretty)?;
    writing.activities(Entry::Activities(row, it.number), tar)?;
    let cached = repository.map(|path| ancestor(path, it)).transpose()?.flatten();
    let files: Vec<(&str, &[u8])> =
        cached.iter().map(|it| ("cached-ancestor.txt", it.as_bytes())).collect();
    git::small(spool, (Entry::Caches(row, it.number), &files), tar)
}

/// The two ends and the commit from which they parted, where the repository has all.
fn ancestor(repository: &Path, it: &ChangeRequest) -> Result<Option<String>, SpoolError> {
    let is_id =
        |it: &&String| matches!(it.len(), 40 | 64) && it.bytes().all(|it| it.is_ascii_hexdigit());
    let ends = it.head.commit.as_ref().filter(is_id).zip(it.base.commit.as_ref().filter(is_id));
    let Some((from, to)) = ends else { return Ok(None) };
    let found = tokio::runtime::Handle::current().block_on(async {
        objects::merge_base(&Git::find().await?, repository, (from, to)).await
    })?;
    Ok(found.map(|base| format!("{from},{to},{base}")))
}

fn name(who: Option<&Identity>) -> String {
    who::write(who)
}

impl Writing<'_> {
    fn subject(&self) -> String {
        key::change_request(self.it.number)
    }

    fn took_part(&mut self, user: &str) {
        if self.others.len() < MAX_PEOPLE {
            self.others.insert(user.to_owned());
        }
    }

    /// Puts everything into the queue, in the order of which it comes out.
    fn gather(&mut self) -> Result<(), SpoolError> {
        let (spool, scope, subject) = (self.spool, self.scope, self.subject());
        spool.each_child(scope, ObjectKind::Comment, &subject, |it| self.comment(&it))?;
        spool
            .each_child(scope, ObjectKind::ReviewThread, &subject, |it| self.thread(&it.target))?;
        spool.each_child(scope, ObjectKind::ReviewComment, &subject, |it| {
            let Object::ReviewComment(comment) = &it.object else { return Ok(()) };
            let user = name(comment.author.as_ref());
            self.took_part(&user);
            self.queue.say(millis(comment.created_at), (Said::Line, &it.target), &user)
        })?;
        let author = name(self.it.author.as_ref());
        self.queue.done(&wire::Activity {
            kind: Some("ACTIVITY".to_owned()),
            action: Some("OPENED".to_owned()),
            createdTimestamp: Some(millis(self.it.created_at)),
            userId: Some(author),
            ..wire::Activity::default()
        })?;
        spool.each_child(scope, ObjectKind::Event, &subject, |it| self.event(&it))?;
        spool.each_child(scope, ObjectKind::Review, &subject, |it| self.review(&it))?;
        match request::ending(self.it).filter(|_| !self.is_ended) {
            Some(ending) => self.queue.done(&ending),
            None => Ok(()),
        }
    }

    fn comment(&mut self, it: &Stored) -> Result<(), SpoolError> {
        self.say(it, Said::Comment)?;
        let (spool, scope) = (self.spool, self.scope);
        below(spool, scope, &it.target, |it| self.say(it, Said::Answered))
    }

    fn say(&mut self, it: &Stored, what: Said) -> Result<(), SpoolError> {
        let Object::Comment(comment) = &it.object else { return Ok(()) };
        let (at, user) = (millis(comment.created_at), name(comment.author.as_ref()));
        self.took_part(&user);
        self.queue.say(at, (what, &it.target), &user)
    }

    fn thread(&mut self, id: &str) -> Result<(), SpoolError> {
        let all = self.spool.children(self.scope, ObjectKind::ReviewComment, &thread(id))?;
        for (n, it) in first_of(id, all).iter().enumerate() {
            let Object::ReviewComment(comment) = &it.object else { continue };
            let user = name(comment.author.as_ref());
            self.took_part(&user);
            let what = if n == 0 { (Said::Thread, id) } else { (Said::Answered, &*it.target) };
            self.queue.say(millis(comment.created_at), what, &user)?;
        }
        Ok(())
    }

    fn event(&mut self, it: &Stored) -> Result<(), SpoolError> {
        let Object::Event(event) = &it.object else { return Ok(()) };
        let is_merged = self.it.state == ChangeRequestState::Merged;
        // What was merged was not declined.
        if event.action == "closed" && is_merged {
            return Ok(());
        }
        let Some(mut activity) = event::write(event) else { return Ok(()) };
        let at = activity.createdTimestamp.unwrap_or_default();
        match event.action.as_str() {
            "merged" => {
                self.is_ended |= is_merged;
                activity.hash = activity.hash.or_else(|| self.it.merge_commit.clone());
            }
            "closed" => self.is_ended |= self.it.state == ChangeRequestState::Closed,
            "unapproved" => {
                let user = activity.userId.clone().unwrap_or_default();
                self.withdrawn.entry(user).or_default().push(at);
            }
            "rescoped" => {
                self.rescoped = self.rescoped.max(at);
                let base = self.it.base.commit.clone();
                let base = base.unwrap_or_else(|| map::NO_COMMIT.to_owned());
                (activity.toHash, activity.previousToHash) = (Some(base.clone()), Some(base));
            }
            _ => {}
        }
        self.queue.done(&activity)
    }

    fn review(&mut self, it: &Stored) -> Result<(), SpoolError> {
        let Object::Review(review) = &it.object else { return Ok(()) };
        let (at, user) = (millis(review::at(review)), name(review.author.as_ref()));
        self.took_part(&user);
        if review::write_body(&it.target, review).is_some() {
            self.queue.say(at, (Said::Review, &it.target), &user)?;
        }
        let activities = review::write(review);
        let told = self.withdrawn.get(&user).is_some_and(|all| all.iter().any(|it| *it >= at));
        // That it was taken back is told by an event already.
        let n = if told { 1 } else { activities.len() };
        activities.iter().take(n).try_for_each(|it| self.queue.done(it))?;
        if !activities.is_empty() && self.verdicts.get(&user).is_none_or(|(last, _)| *last <= at) {
            self.verdicts.insert(user, (at, (**review).clone()));
        }
        Ok(())
    }

    fn metadata(&self) -> wire::Request {
        let mut written = request::write(self.it);
        let mut people = std::mem::take(&mut written.allParticipants.0);
        for (user, (_, review)) in &self.verdicts {
            let index = people.iter().position(|it| it.userId.as_ref() == Some(user));
            let index = index.unwrap_or_else(|| {
                people.push(request::participant("REVIEWER", user.clone()));
                people.len() - 1
            });
            let Some(own) = people.get_mut(index) else { continue };
            own.status = Some(review::status(review.verdict).to_owned());
            own.lastReviewedCommit.clone_from(&review.commit);
            if review.verdict == Verdict::Dismissed {
                own.status = Some("UNAPPROVED".to_owned());
            }
        }
        for user in &self.others {
            if people.iter().all(|it| it.userId.as_ref() != Some(user)) {
                people.push(request::participant("PARTICIPANT", user.clone()));
            }
        }
        written.allParticipants = List(people);
        written.rescopedTimestamp = Some(self.rescoped);
        written
    }

    /// Writes what was said, then what was done, each in the order of its times.
    fn activities(&self, entry: Entry<'_>, tar: &mut TarWriter) -> Result<(), SpoolError> {
        let file = tempfile::tempfile_in(self.spool.path())?;
        let mut list = Activities { to: json::packer(BufWriter::new(file)), is_first: true };
        list.to.write_all(b"[ ")?;
        self.queue.each_said(|at, what, id, user| {
            let activity = match what {
                Said::Answered => wire::Activity {
                    kind: Some("COMMENT:OTHER".to_owned()),
                    commentAction: Some("REPLIED".to_owned()),
                    commentId: Some(id.to_owned()),
                    ..wire::Activity::default()
                },
                Said::Comment | Said::Thread | Said::Line | Said::Review => {
                    let Some(comment) = self.said(what, id)? else { return Ok(()) };
                    wire::Activity {
                        kind: Some("COMMENT:ADDED".to_owned()),
                        comment: Some(comment),
                        ..wire::Activity::default()
                    }
                }
            };
            list.put(&wire::Activity {
                createdTimestamp: Some(at),
                userId: Some(user.to_owned()),
                ..activity
            })
        })?;
        self.queue.each_done(|it| list.put(it))?;
        list.to.write_all(if list.is_first { b"]" } else { b" ]" })?;
        let mut file = list.to.finish()?.into_inner().map_err(IntoInnerError::into_error)?;
        let size = file.stream_position()?;
        file.rewind()?;
        Ok(tar.incompressible(&entry.name(), size, file)?)
    }

    /// A comment with its answers in it.
    fn said(&self, what: Said, id: &str) -> Result<Option<wire::Comment>, SpoolError> {
        let (spool, scope) = (self.spool, self.scope);
        let kind = match what {
            Said::Comment => ObjectKind::Comment,
            Said::Line => ObjectKind::ReviewComment,
            Said::Review => ObjectKind::Review,
            Said::Thread => return self.threaded(id),
            Said::Answered => return Ok(None),
        };
        let Some(found) = spool.record(scope, kind, id)? else { return Ok(None) };
        if let Object::Comment(it) = &found.object {
            let mut written = talk::write_comment(id, it);
            if written.thread.is_none() {
                // What it answers is not there: it begins anew.
                let alone = packhorse_core::model::Comment { reply_to: None, ..(**it).clone() };
                written = talk::write_comment(id, &alone);
            }
            self.answers(id, &mut written, 0)?;
            return Ok(Some(written));
        }
        if let Object::ReviewComment(it) = &found.object {
            return Ok(Some(talk::write_review_comment(id, it, Some(None))));
        }
        let Object::Review(it) = &found.object else { return Ok(None) };
        let Some(body) = review::write_body(id, it) else { return Ok(None) };
        let comment = packhorse_core::model::Comment {
            author: it.author.clone(),
            created_at: review::at(it),
            ..packhorse_core::model::Comment::default()
        };
        let mut written = talk::write_comment(&key::row(&format!("review/{id}")), &comment);
        written.text = Some(body);
        Ok(Some(written))
    }

    fn answers(&self, id: &str, above: &mut wire::Comment, depth: usize) -> Result<(), SpoolError> {
        let parent = key::subject(&Subject::Comment(HostId(id.to_owned())));
        let (spool, scope) = (self.spool, self.scope);
        spool.each_child(scope, ObjectKind::Comment, &parent, |it| {
            let Object::Comment(comment) = &it.object else { return Ok(()) };
            let mut written = talk::write_comment(&it.target, comment);
            if depth < MAX_DEPTH {
                self.answers(&it.target, &mut written, depth + 1)?;
                above.comments.0.push(written);
                return Ok(());
            }
            above.comments.0.push(written);
            below(spool, scope, &it.target, |it| {
                if let Object::Comment(comment) = &it.object {
                    above.comments.0.push(talk::write_comment(&it.target, comment));
                }
                Ok(())
            })
        })
    }

    /// A thread, as its first comment with all others in it.
    fn threaded(&self, id: &str) -> Result<Option<wire::Comment>, SpoolError> {
        let (spool, scope) = (self.spool, self.scope);
        let record = spool.record(scope, ObjectKind::ReviewThread, id)?.map(|it| it.object);
        let about = if let Some(Object::ReviewThread(it)) = &record { Some(&**it) } else { None };
        let all = spool.children(scope, ObjectKind::ReviewComment, &thread(id))?;
        let all = first_of(id, all);
        let mut written = Vec::new();
        let mut index: BTreeMap<String, usize> = BTreeMap::new();
        let mut above: Vec<(usize, usize)> = Vec::new();
        for (n, it) in all.iter().enumerate() {
            let Object::ReviewComment(comment) = &it.object else { return Ok(None) };
            let begins = (n == 0).then_some(about);
            written.push(Some(talk::write_review_comment(&it.target, comment, begins)));
            let answered = comment.reply_to.as_ref().and_then(|it| index.get(&it.0)).copied();
            let mut answered = answered.unwrap_or_default();
            let depth = above.get(answered).map_or(0, |(_, depth)| *depth);
            if depth >= MAX_DEPTH {
                answered = above.get(answered).map_or(0, |(above, _)| *above);
            }
            above.push((answered, if n == 0 { 0 } else { MAX_DEPTH.min(depth + 1) }));
            index.insert(it.target.clone(), n);
            // Answers refer to it as it was called where it came from.
            index.entry(key::row(&it.origin)).or_insert(n);
        }
        // From the last one: what answers it has got all of its own by then.
        for n in (1..written.len()).rev() {
            let Some(it) = written.get_mut(n).and_then(Option::take) else { continue };
            let to = above.get(n).and_then(|(above, _)| written.get_mut(*above)?.as_mut());
            if let Some(to) = to {
                to.comments.0.insert(0, it);
            }
        }
        Ok(written.into_iter().next().flatten())
    }
}

/// Visits everything that answers a comment, and what answers that: not by calling itself, for there
/// may be any number of them.
fn below(
    spool: &Spool,
    scope: &ScopeRow,
    id: &str,
    mut visit: impl FnMut(&Stored) -> Result<(), SpoolError>,
) -> Result<(), SpoolError> {
    let mut open = vec![id.to_owned()];
    while let Some(id) = open.pop() {
        let above = key::subject(&Subject::Comment(HostId(id)));
        spool.each_child(scope, ObjectKind::Comment, &above, |it| {
            visit(&it)?;
            open.push(it.target);
            Ok(())
        })?;
    }
    Ok(())
}

/// The comments of a thread, the one first that the thread is called by.
fn first_of(id: &str, mut all: Vec<Stored>) -> Vec<Stored> {
    if let Some(at) = all.iter().position(|it| it.target == id) {
        let first = all.remove(at);
        all.insert(0, first);
    }
    all
}

/// A list of activities that is being written.
struct Activities<W: Write> {
    to: W,
    is_first: bool,
}

impl<W: Write> Activities<W> {
    fn put(&mut self, it: &wire::Activity) -> Result<(), SpoolError> {
        if !std::mem::take(&mut self.is_first) {
            self.to.write_all(b", ")?;
        }
        Ok(json::put(it, Style::Pretty, &mut self.to)?)
    }
}
