//! Change requests with everything that was said and done in them, one at a time.

use super::Odd;
use crate::{
    bitbucket_archive::{
        map::{self, event, request, review, talk},
        wire,
    },
    container::{ArchiveError, JsonArray, Limits, Member},
    spool::{Intake, SpoolError},
    wire::Wire,
};
use packhorse_core::{
    Object, Scope,
    model::{Review, Verdict},
};
use std::{
    collections::{BTreeMap, HashMap},
    io::Read,
};

/// How deep an activity may nest: answers stand in what they answer.
const MAX_NESTING: usize = 120;
/// How deep answers to answers are followed.
const MAX_ANSWERS: usize = 64;
/// Most bytes of what was said with reviews that are held at a time.
const MAX_SAID: usize = 32 << 20;

/// The change request that is being taken.
#[derive(Default)]
pub(super) struct Requests {
    current: Option<Current>,
}

struct Current {
    path: String,
    number: u64,
    wire: wire::Request,
    ending: request::Ending,
    /// What was said with reviews whose verdict has not come yet, by their ids.
    said: BTreeMap<String, Review>,
    said_bytes: usize,
    /// Each reviewer's last verdict.
    last: BTreeMap<String, (String, Review)>,
    /// How many things have an id already, for what was done at one time by one person.
    ids: HashMap<String, u64>,
}

/// Where a comment stands.
#[derive(Clone, Copy, Default)]
struct Above<'a> {
    /// The thread that it stands in, and its place.
    thread: Option<(&'a str, &'a wire::Anchor)>,
    /// The comment that it answers.
    answers: Option<&'a str>,
    depth: usize,
}

/// The `n`th id of things that would have one.
pub(in crate::bitbucket_archive) fn nth(id: &str, n: u64) -> String {
    if n == 1 { id.to_owned() } else { format!("{id}/{n}") }
}

impl Current {
    fn unique(&mut self, id: String) -> String {
        let n = self.ids.entry(id.clone()).or_default();
        *n += 1;
        nth(&id, *n)
    }
}

fn scope(path: &str) -> Scope {
    Scope::Project(path.to_owned())
}

impl Requests {
    /// Takes a change request; its activities come next.
    pub(super) fn begin(
        &mut self,
        intake: &mut Intake,
        odd: &mut Odd,
        (path, number): (&str, u64),
        it: wire::Request,
    ) -> Result<(), SpoolError> {
        self.finish(intake, odd)?;
        if it.id.is_some_and(|it| it != number) {
            odd.n_odd_requests += 1;
        }
        self.current = Some(Current {
            path: path.to_owned(),
            number,
            wire: wire::Request { id: Some(number), ..it },
            ending: request::Ending::default(),
            said: BTreeMap::new(),
            said_bytes: 0,
            last: BTreeMap::new(),
            ids: HashMap::new(),
        });
        Ok(())
    }

    /// Takes what was said and done.
    pub(super) fn activities(
        &mut self,
        intake: &mut Intake,
        odd: &mut Odd,
        (path, number): (&str, u64),
        (member, data): (&Member, impl Read),
    ) -> Result<(), SpoolError> {
        let is_of = |it: &&mut Current| it.path == path && it.number == number;
        let Some(current) = self.current.as_mut().filter(is_of) else {
            let detail = "its change request has not come right before it".to_owned();
            return Err(ArchiveError::Inconsistent { member: member.name.clone(), detail }.into());
        };
        let limits = Limits { max_nesting: MAX_NESTING, ..Limits::of_this_run() };
        let mut list = JsonArray::new(data, &member.name, &limits);
        while let Some(json) = list.next()? {
            match serde_json::from_str::<wire::Activity>(json) {
                Ok(activity) => {
                    odd.unknown.inspect("activities", &wire::Activity::SHAPE, json).ok();
                    current.take(intake, odd, activity)?;
                }
                Err(_) => odd.n_damaged += 1,
            }
        }
        Ok(())
    }

    /// Puts away the change request that was being taken.
    pub(super) fn finish(&mut self, intake: &mut Intake, odd: &mut Odd) -> Result<(), SpoolError> {
        let Some(mut it) = self.current.take() else { return Ok(()) };
        let scope = scope(&it.path);
        for (id, review) in std::mem::take(&mut it.last).into_values() {
            let review = it.judged(review);
            intake.take(&scope, &id, Object::from(review))?;
        }
        for (id, review) in std::mem::take(&mut it.said) {
            intake.take(&scope, &id, Object::from(review))?;
        }
        match request::read(&it.wire, &it.path, &it.ending) {
            Some(request) => {
                let id = it.number.to_string();
                intake.take(&scope, &id, Object::from(request))
            }
            None => {
                odd.n_odd_requests += 1;
                Ok(())
            }
        }
    }
}

impl Current {
    /// A reviewer's last verdict, by what they think now.
    fn judged(&self, mut review: Review) -> Review {
        let login = review.author.as_ref().map(|it| it.login.as_str());
        let people = self.wire.allParticipants.0.iter();
        let mut own = people.filter(|it| {
            let who = it.userId.as_deref().and_then(crate::bitbucket_archive::who::read);
            who.as_ref().map(|it| it.login.as_str()) == login
        });
        // One who wrote it and reviewed it stands there twice.
        let wanted = review::status(review.verdict);
        let Some(first) = own.next() else { return review };
        let now = std::iter::once(first).chain(own);
        let now = now.max_by_key(|it| it.status.as_deref() == Some(wanted));
        if let Some(now) = now {
            review.commit = map::commit(now.lastReviewedCommit.clone());
            if now.status.as_deref().is_some_and(|it| it != wanted) {
                review.verdict = Verdict::Dismissed;
            }
        }
        review
    }

    fn take(
        &mut self,
        intake: &mut Intake,
        odd: &mut Odd,
        it: wire::Activity,
    ) -> Result<(), SpoolError> {
        match it.kind.as_deref() {
            Some("COMMENT:ADDED") => match it.comment {
                Some(comment) => self.comment(intake, odd, &comment),
                None => {
                    odd.n_damaged += 1;
                    Ok(())
                }
            },
            // A comment is told as it is now, whatever happened to it.
            Some("COMMENT:OTHER") => Ok(()),
            Some("ACTIVITY" | "REVIEWERS:UPDATED" | "RESCOPED" | "MERGED") => {
                self.done(intake, &it)
            }
            Some(_) | None => {
                odd.n_damaged += 1;
                Ok(())
            }
        }
    }

    fn done(&mut self, intake: &mut Intake, it: &wire::Activity) -> Result<(), SpoolError> {
        let scope = scope(&self.path);
        let action = it.action.as_deref();
        if it.kind.as_deref() == Some("MERGED") || action == Some("DECLINED") {
            let who = it.userId.as_deref().and_then(crate::bitbucket_archive::who::read);
            self.ending = request::Ending { who, commit: map::commit(it.hash.clone()) };
        }
        if matches!(action, Some("APPROVED" | "REVIEWED" | "UNAPPROVED")) {
            let user = it.userId.clone().unwrap_or_default();
            if let Some((id, mut earlier)) = self.last.remove(&user) {
                if action == Some("UNAPPROVED") {
                    earlier.verdict = Verdict::Dismissed;
                }
                intake.take(&scope, &id, Object::from(earlier))?;
            }
            if let Some(mut verdict) = review::read(it, self.number) {
                let id = self.unique(review::id_of(&verdict));
                if let Some(said) = self.said.remove(&id) {
                    verdict.body = said.body;
                }
                self.last.insert(user, (id, verdict));
            }
        }
        for (id, event) in event::read(it, self.number) {
            let id = self.unique(id);
            intake.take(&scope, &id, Object::from(event))?;
        }
        Ok(())
    }

    fn comment(
        &mut self,
        intake: &mut Intake,
        odd: &mut Odd,
        it: &wire::Comment,
    ) -> Result<(), SpoolError> {
        let text = it.text.as_deref().unwrap_or_default();
        let place = it.thread.as_ref().and_then(|it| it.anchor.as_ref());
        if place.is_none()
            && let Some((id, body)) = review::said_with(text)
        {
            let told = (it.authorId.as_deref(), it.createdTimestamp);
            let review = review::from_comment(self.number, body, told);
            return self.said_with(intake, id, review);
        }
        let Some(root) = it.id.clone().filter(|it| !it.is_empty()) else {
            odd.n_damaged += 1;
            return Ok(());
        };
        let Some(place) = place else { return self.say(intake, odd, it, &Above::default()) };
        if let Some(thread) = talk::thread(it, self.number) {
            intake.take(&scope(&self.path), &root, Object::from(thread))?;
        }
        if it.severity.as_deref() == Some("BLOCKER") {
            odd.unknown.note("tasks on lines of code".to_owned(), 1);
        }
        let above = Above { thread: Some((&root, place)), ..Above::default() };
        self.say(intake, odd, it, &above)
    }

    /// What was said with a review waits for its verdict, which may not come.
    fn said_with(
        &mut self,
        intake: &mut Intake,
        id: String,
        review: Review,
    ) -> Result<(), SpoolError> {
        let own = review::id_of(&review);
        let bytes = review.body.as_ref().map_or(0, |it| it.as_str().len());
        self.said_bytes += bytes + id.len();
        // SECURITY: an id in a text may be anything; one that is not of this review makes none.
        let is_own = id == own || id.strip_prefix(&own).is_some_and(|it| it.starts_with('/'));
        let id = if is_own { id } else { own };
        if self.said_bytes > MAX_SAID || self.said.contains_key(&id) {
            let id = self.unique(format!("{id}/said"));
            return intake.take(&scope(&self.path), &id, Object::from(review));
        }
        self.said.insert(id, review);
        Ok(())
    }

    /// Takes a comment, and everything that answers it.
    fn say(
        &self,
        intake: &mut Intake,
        odd: &mut Odd,
        it: &wire::Comment,
        above: &Above<'_>,
    ) -> Result<(), SpoolError> {
        let Some(id) = it.id.as_deref().filter(|it| !it.is_empty()) else {
            odd.n_damaged += 1;
            return Ok(());
        };
        let object = match above.thread {
            Some(thread) => {
                let comment = talk::review_comment(it, self.number, thread, above.answers);
                Object::from(comment)
            }
            None => Object::from(talk::comment(it, self.number, above.answers)),
        };
        intake.take(&scope(&self.path), id, object)?;
        if above.depth == MAX_ANSWERS {
            odd.n_damaged += it.comments.count();
            return Ok(());
        }
        let below = Above { answers: Some(id), depth: above.depth + 1, ..*above };
        it.comments.0.iter().try_for_each(|it| self.say(intake, odd, it, &below))
    }
}
