//! Rows with everything that hangs on them.
//!
//! Notes are written as they come out of the spool: an issue may have any number of them.

use super::{
    People, diff,
    export::{Rows, json},
    id,
    map::{self, change_request, event, issue, note, project, release, review},
    wire,
};
use crate::{
    spool::{ScopeRow, Spool, SpoolError, Stored},
    wire::List,
};
use packhorse_core::{
    Object, ObjectKind, RepoKind,
    model::{self, Comment, Event, HostId, Issue, ReviewThread, Subject},
};
use std::path::PathBuf;

/// How many answers to answers are followed.
const MAX_CHAIN: usize = 64;

/// A row without its notes has this in it, once: in texts the quotes would be escaped.
const NOTES: &[u8] = b"\"notes\":[]";

/// Puts comments on lines whose thread did not come into their change request.
pub(super) fn adopt(spool: &Spool, scope: &ScopeRow) -> Result<(), SpoolError> {
    spool.adopt(
        scope,
        ObjectKind::ReviewComment,
        ("review_thread/", ObjectKind::ReviewThread),
        |it| {
            let Object::ReviewComment(it) = it else { return None };
            Some(crate::key::subject(&Subject::ChangeRequest(it.change_request)))
        },
    )
}

/// What hangs on the records of a project.
pub(super) struct Nest<'a> {
    pub(super) spool: &'a Spool,
    pub(super) scope: &'a ScopeRow,
    pub(super) people: People,
    repository: Option<PathBuf>,
}

/// Writes notes into a row, one after the other.
struct Notes<'a> {
    rows: &'a mut Rows,
    is_first: bool,
}

impl Notes<'_> {
    fn put(&mut self, note: &wire::Note) -> Result<(), SpoolError> {
        if !std::mem::take(&mut self.is_first) {
            self.rows.piece(b",")?;
        }
        self.rows.piece(&json(note)?)
    }
}

/// The events that have rows of their own.
#[derive(Default)]
struct Events {
    states: List<wire::StateEvent>,
    labels: List<wire::LabelEvent>,
    milestones: List<wire::MilestoneEvent>,
}

impl<'a> Nest<'a> {
    pub(super) fn new(spool: &'a Spool, scope: &'a ScopeRow) -> Self {
        let repository = spool.repository(&scope.path, RepoKind::Code);
        let is_there = packhorse_git::repository::is_repository(&repository);
        let repository = is_there.then_some(repository);
        Self { spool, scope, people: People::default(), repository }
    }

    fn label(&self, name: &str) -> Option<wire::Label> {
        let found = self.spool.record(self.scope, ObjectKind::Label, name).ok()??;
        if let Object::Label(it) = found.object { Some(map::write_label(&it)) } else { None }
    }

    fn milestone(&self, number: u64) -> Option<wire::Milestone> {
        let number = number.to_string();
        let found = self.spool.record(self.scope, ObjectKind::Milestone, &number).ok()??;
        if let Object::Milestone(it) = found.object {
            Some(map::write_milestone(&it))
        } else {
            None
        }
    }

    fn reactions(
        &mut self,
        subject: &Subject,
        awardable: &str,
    ) -> Result<List<wire::Award>, SpoolError> {
        let parent = crate::key::subject(subject);
        let mut list = List::default();
        for it in self.spool.children(self.scope, ObjectKind::Reaction, &parent)? {
            if let Object::Reaction(reaction) = it.object {
                let award = map::write_reaction(&reaction, awardable, &mut self.people);
                list.0.push(wire::Award { id: Some(id::number(&it.target)), ..award });
            }
        }
        Ok(list)
    }

    fn is_locked(&self, parent: &str) -> Result<bool, SpoolError> {
        Ok(!self.spool.children(self.scope, ObjectKind::State, parent)?.is_empty())
    }

    fn events(&mut self, parent: &str) -> Result<Events, SpoolError> {
        let mut events = Events::default();
        let (spool, scope) = (self.spool, self.scope);
        spool.each_child(scope, ObjectKind::Event, parent, |it| {
            let Object::Event(event) = &it.object else { return Ok(()) };
            match event::Row::of(event) {
                event::Row::State => {
                    events.states.0.push(event::write_state(&it.target, event, &mut self.people));
                }
                event::Row::Label => {
                    events.labels.0.push(self.label_event(&it.target, event));
                }
                event::Row::Milestone => {
                    let milestone = event.milestone.as_deref().and_then(|it| self.titled(it));
                    let people = &mut self.people;
                    let row = event::write_milestone(&it.target, event, milestone, people);
                    events.milestones.0.push(row);
                }
                event::Row::Note => {}
            }
            Ok(())
        })?;
        Ok(events)
    }

    fn label_event(&mut self, target: &str, event: &Event) -> wire::LabelEvent {
        let mut row = event::write_label(target, event, &mut self.people);
        // The label as it is now, so that the importer finds it by its title.
        if let Some(known) = event.label.as_deref().and_then(|it| self.label(it)) {
            row.label = Some(known);
        }
        row
    }

    /// The milestone of that title.
    fn titled(&self, title: &str) -> Option<wire::Milestone> {
        let mut found = None;
        self.spool
            .each(self.scope, ObjectKind::Milestone, |it| {
                if let Object::Milestone(it) = it.object
                    && it.title == title
                {
                    found = Some(map::write_milestone(&it));
                }
                Ok(())
            })
            .ok()?;
        found
    }

    /// The comment that opened the discussion of another.
    fn root(&self, target: &str, it: &Comment) -> Result<String, SpoolError> {
        let (mut root, mut above) = (target.to_owned(), it.reply_to.clone());
        for _ in 0..MAX_CHAIN {
            let Some(HostId(next)) = above else { break };
            let found = self.spool.record(self.scope, ObjectKind::Comment, &next)?;
            let Some(Object::Comment(comment)) = found.map(|it| it.object) else { break };
            (root, above) = (next, comment.reply_to);
        }
        Ok(root)
    }

    fn comment(&mut self, it: &Stored) -> Result<Option<wire::Note>, SpoolError> {
        let Object::Comment(comment) = &it.object else { return Ok(None) };
        let root = self.root(&it.target, comment)?;
        let written = note::write_comment(&it.target, comment, &root, &mut self.people);
        let Some(mut note) = written else { return Ok(None) };
        let about = Subject::Comment(HostId(it.target.clone()));
        note.award_emoji = self.reactions(&about, "Note")?;
        Ok(Some(note))
    }

    /// Writes the comments on something, and what the server noted of it.
    fn said(&mut self, parent: &str, notes: &mut Notes<'_>) -> Result<(), SpoolError> {
        let (spool, scope) = (self.spool, self.scope);
        spool.each_child(scope, ObjectKind::Comment, parent, |it| match self.comment(&it)? {
            Some(note) => notes.put(&note),
            None => Ok(()),
        })?;
        spool.each_child(scope, ObjectKind::Event, parent, |it| {
            let Object::Event(event) = &it.object else { return Ok(()) };
            if event::Row::of(event) != event::Row::Note {
                return Ok(());
            }
            match event::write_note(&it.target, event, &mut self.people) {
                Some(note) => notes.put(&note),
                None => Ok(()),
            }
        })
    }

    /// Writes a row, with notes where it has an empty list of them.
    fn row(
        &mut self,
        row: &[u8],
        rows: &mut Rows,
        write: impl FnOnce(&mut Self, &mut Notes<'_>) -> Result<(), SpoolError>,
    ) -> Result<(), SpoolError> {
        let at = memchr::memmem::find(row, NOTES).map(|at| at + NOTES.len() - 1);
        let (head, tail) = row.split_at(at.unwrap_or(row.len()));
        rows.piece(head)?;
        if at.is_some() {
            write(self, &mut Notes { rows: &mut *rows, is_first: true })?;
        }
        rows.piece(tail)?;
        rows.piece(b"\n")
    }

    /// Writes the row of an issue.
    pub(super) fn issue(&mut self, it: &Issue, rows: &mut Rows) -> Result<(), SpoolError> {
        let subject = Subject::Issue(it.number);
        let parent = crate::key::subject(&subject);
        let mut people = std::mem::take(&mut self.people);
        let known = issue::Known {
            label: &|name| self.label(name),
            milestone: &|number| self.milestone(number),
        };
        let mut row = issue::write(it, &known, &mut people);
        self.people = people;
        row.discussion_locked = Some(self.is_locked(&parent)?);
        row.award_emoji = self.reactions(&subject, "Issue")?;
        let events = self.events(&parent)?;
        row.resource_state_events = events.states;
        row.resource_label_events = events.labels;
        row.resource_milestone_events = events.milestones;
        self.row(&json(&row)?, rows, |nest, notes| nest.said(&parent, notes))
    }

    /// Writes the row of a merge request.
    pub(super) fn merge_request(
        &mut self,
        it: &model::ChangeRequest,
        rows: &mut Rows,
    ) -> Result<(), SpoolError> {
        let subject = Subject::ChangeRequest(it.number);
        let parent = crate::key::subject(&subject);
        let mut people = std::mem::take(&mut self.people);
        let known = issue::Known {
            label: &|name| self.label(name),
            milestone: &|number| self.milestone(number),
        };
        let mut row = change_request::write(it, &self.scope.path, &known, &mut people);
        self.people = people;
        if let (Some(diff), Some(repository)) = (&mut row.merge_request_diff, &self.repository) {
            diff::fill(diff, repository)?;
        }
        row.discussion_locked = Some(self.is_locked(&parent)?);
        row.award_emoji = self.reactions(&subject, "MergeRequest")?;
        let events = self.events(&parent)?;
        row.resource_state_events = events.states;
        row.resource_label_events = events.labels;
        row.resource_milestone_events = events.milestones;
        let (spool, scope) = (self.spool, self.scope);
        spool.each_child(scope, ObjectKind::Review, &parent, |it| {
            if let Object::Review(review) = &it.object {
                let approval = review::write_approval(&it.target, review, &mut self.people);
                row.approvals.0.extend(approval);
            }
            Ok(())
        })?;
        self.row(&json(&row)?, rows, |nest, notes| {
            nest.said(&parent, notes)?;
            nest.reviewed(&parent, notes)
        })
    }

    /// Writes verdicts with words, threads and their comments.
    fn reviewed(&mut self, parent: &str, notes: &mut Notes<'_>) -> Result<(), SpoolError> {
        let (spool, scope) = (self.spool, self.scope);
        spool.each_child(scope, ObjectKind::Review, parent, |it| {
            let Object::Review(review) = &it.object else { return Ok(()) };
            if !review::has_note(review) {
                return Ok(());
            }
            let mut note = review::write_note(&it.target, review, &mut self.people);
            let about = Subject::Review(HostId(it.target.clone()));
            note.award_emoji = self.reactions(&about, "Note")?;
            notes.put(&note)
        })?;
        spool.each_child(scope, ObjectKind::ReviewThread, parent, |thread| {
            let Object::ReviewThread(of) = &thread.object else { return Ok(()) };
            let of_thread = format!("review_thread/{}", thread.target);
            self.lines(&of_thread, &thread.target, Some(of), notes)
        })?;
        // Those that came without a thread have one of their own.
        self.lines(parent, "", None, notes)
    }

    fn lines(
        &mut self,
        parent: &str,
        discussion: &str,
        thread: Option<&ReviewThread>,
        notes: &mut Notes<'_>,
    ) -> Result<(), SpoolError> {
        let (spool, scope) = (self.spool, self.scope);
        spool.each_child(scope, ObjectKind::ReviewComment, parent, |it| {
            let Object::ReviewComment(comment) = &it.object else { return Ok(()) };
            let own = match &comment.thread {
                // It did not come, and what was said in it stays together.
                Some(it) => it.0.clone(),
                None => id::discussion(&it.target),
            };
            let discussion = if thread.is_some() { discussion } else { &own };
            let people = &mut self.people;
            let mut note = review::write_comment(&it.target, comment, (discussion, thread), people);
            let about = Subject::ReviewComment(HostId(it.target.clone()));
            note.award_emoji = self.reactions(&about, "Note")?;
            notes.put(&note)
        })
    }

    /// The row of a snippet.
    pub(super) fn snippet(
        &mut self,
        target: &str,
        it: &model::Snippet,
    ) -> Result<wire::Snippet, SpoolError> {
        let subject = Subject::Snippet(HostId(target.to_owned()));
        let mut row = project::write_snippet(id::number(target), it, &mut self.people);
        row.award_emoji = self.reactions(&subject, "Snippet")?;
        let parent = crate::key::subject(&subject);
        for it in self.spool.children(self.scope, ObjectKind::Comment, &parent)? {
            row.notes.0.extend(self.comment(&it)?);
        }
        Ok(row)
    }

    /// The row of a comment on a commit.
    pub(super) fn commit_note(
        &mut self,
        target: &str,
        it: &model::CommitComment,
    ) -> Result<wire::Note, SpoolError> {
        let mut row = note::write_commit_comment(target, it, &mut self.people);
        let about = Subject::CommitComment(HostId(target.to_owned()));
        row.award_emoji = self.reactions(&about, "Note")?;
        Ok(row)
    }

    /// The row of a release, with its links.
    pub(super) fn release(&mut self, it: &model::Release) -> Result<wire::Release, SpoolError> {
        let mut people = std::mem::take(&mut self.people);
        let mut row = release::write(it, &|number| self.milestone(number), &mut people);
        self.people = people;
        let parent = crate::key::subject(&Subject::Release(it.tag.clone()));
        for it in self.spool.children(self.scope, ObjectKind::ReleaseAsset, &parent)? {
            if let Object::ReleaseAsset(it) = &it.object {
                row.links.0.extend(release::write_link(it));
            }
        }
        Ok(row)
    }

    /// The row of a board.
    pub(super) fn board(&mut self, it: &model::Board) -> Result<wire::Board, SpoolError> {
        Ok(project::write_board(it, &|name| self.label(name), &|number| self.milestone(number)))
    }
}
