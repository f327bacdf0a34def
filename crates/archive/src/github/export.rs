//! The archive, made of the spool in one pass.
//!
//! Each record file is gathered in memory, a hundred records at most, and
//! written when it is full; embedded records are looked up as their parents
//! come by. The same spool makes the same bytes.

use super::{
    address::Site,
    embed, json,
    map::{
        account, change_request, comment, discussion,
        file::{self, Parent, TARBALL},
        id, issue, reaction, review, rule,
    },
    plural::Plural,
    wire,
};
use crate::{
    container::{ArchiveError, Compression, TarWriter},
    spool::{ScopeRow, Spool, SpoolError, Stored},
};
use packhorse_core::{
    Object, ObjectKind,
    model::{self, IdentityKind, Subject},
};
use serde::Serialize;
use std::path::Path;

/// What GitHub.com itself has written since 2019; importers check the first number alone.
pub(super) const SCHEMA: &str = "{\"version\":\"1.0.1\"}";

/// Most records of a file. Source: genuine exports.
const MAX_RECORDS: usize = 100;
/// A file that is longer ends early, so that little is held at a time.
const MAX_BYTES: usize = 8 << 20;
/// gzip's usual level.
const COMPRESSION: Compression = Compression::Gzip(6);

/// Writes the archive.
pub(super) fn export(spool: &Spool, to: &Path) -> Result<(), SpoolError> {
    spool.index()?;
    let mut export = Export { spool, tar: TarWriter::create(to, COMPRESSION, 0)? };
    export.tar.small("schema.json", SCHEMA.as_bytes())?;
    export.shared()?;
    let projects = spool.projects()?;
    export.repositories(&projects)?;
    export.issues(&projects)?;
    export.change_requests(&projects)?;
    export.discussions(&projects)?;
    export.rest(&projects)?;
    for project in &projects {
        super::bytes::write_all(spool, project, &mut export.tar)?;
    }
    export.tar.finish()?;
    Ok(())
}

struct Export<'a> {
    spool: &'a Spool,
    tar: TarWriter,
}

/// A record file that is being gathered.
pub(super) struct RecordFile {
    plural: Plural,
    number: u32,
    json: Vec<u8>,
    n_records: usize,
}

impl RecordFile {
    fn new(plural: Plural) -> Self {
        Self { plural, number: 0, json: Vec::new(), n_records: 0 }
    }

    fn push<T: Serialize>(&mut self, record: &T, tar: &mut TarWriter) -> Result<(), SpoolError> {
        self.json.extend_from_slice(if self.n_records == 0 { b"[\n  " } else { b",\n  " });
        json::element(record, &mut self.json).map_err(|error| {
            let detail = error.to_string();
            ArchiveError::Inconsistent { member: self.plural.file(self.number + 1), detail }
        })?;
        self.n_records += 1;
        let is_full = self.n_records == MAX_RECORDS || self.json.len() > MAX_BYTES;
        if is_full { self.end(tar) } else { Ok(()) }
    }

    fn end(&mut self, tar: &mut TarWriter) -> Result<(), SpoolError> {
        if self.n_records > 0 {
            self.json.extend_from_slice(b"\n]");
            self.number += 1;
            tar.small(&self.plural.file(self.number), &self.json)?;
            self.json.clear();
            self.n_records = 0;
        }
        Ok(())
    }
}

impl Export<'_> {
    /// Users, organizations, teams.
    fn shared(&mut self) -> Result<(), SpoolError> {
        let Some(scope) = self.spool.shared()? else { return Ok(()) };
        let (spool, tar) = (self.spool, &mut self.tar);
        let mut users = RecordFile::new(Plural::Users);
        let mut bots = RecordFile::new(Plural::Bots);
        spool.each(&scope, ObjectKind::User, |it| {
            let Object::User(user) = &it.object else { return Ok(()) };
            let is_bot = user.identity.kind == IdentityKind::Bot;
            let file = if is_bot { &mut bots } else { &mut users };
            file.push(&account::write_user(user), tar)
        })?;
        users.end(tar)?;
        bots.end(tar)?;
        let mut organizations = RecordFile::new(Plural::Organizations);
        embed::organizations(spool, &scope, |it| organizations.push(&it, tar))?;
        organizations.end(tar)?;
        let mut teams = RecordFile::new(Plural::Teams);
        embed::teams(spool, &scope, |it| teams.push(&it, tar))?;
        teams.end(tar)
    }

    fn repositories(&mut self, projects: &[ScopeRow]) -> Result<(), SpoolError> {
        let mut file = RecordFile::new(Plural::Repositories);
        for project in projects {
            file.push(&embed::repository(self.spool, project)?, &mut self.tar)?;
        }
        file.end(&mut self.tar)
    }

    /// Writes the files of a sort: what `render` makes of each record of a kind.
    fn each<T: Serialize>(
        &mut self,
        projects: &[ScopeRow],
        (plural, kind): (Plural, ObjectKind),
        render: impl Fn(&Spool, &ScopeRow, &Site, Stored) -> Result<Option<T>, SpoolError>,
    ) -> Result<(), SpoolError> {
        let (spool, tar) = (self.spool, &mut self.tar);
        let mut file = RecordFile::new(plural);
        for project in projects {
            let site = Site::new(&project.path);
            spool.each(project, kind, |it| match render(spool, project, &site, it)? {
                Some(record) => file.push(&record, tar),
                None => Ok(()),
            })?;
        }
        file.end(tar)
    }

    /// Milestones, issues, and what is said of them.
    fn issues(&mut self, projects: &[ScopeRow]) -> Result<(), SpoolError> {
        self.each(projects, (Plural::Milestones, ObjectKind::Milestone), |_, _, site, it| {
            let Object::Milestone(it) = it.object else { return Ok(None) };
            Ok(Some(issue::write_milestone(site, &it)))
        })?;
        self.each(projects, (Plural::Issues, ObjectKind::Issue), |spool, scope, site, it| {
            let Object::Issue(it) = it.object else { return Ok(None) };
            let reactions = reactions(spool, scope, &Subject::Issue(it.number))?;
            Ok(Some(issue::write_issue(site, &it, reactions)))
        })?;
        self.each(
            projects,
            (Plural::IssueComments, ObjectKind::Comment),
            |spool, scope, site, it| {
                let Object::Comment(comment) = it.object else { return Ok(None) };
                let subject = Subject::Comment(model::HostId(it.target.clone()));
                let reactions = reactions(spool, scope, &subject)?;
                Ok(comment::write_comment(site, &it.target, &comment, reactions))
            },
        )?;
        self.each(projects, (Plural::IssueEvents, ObjectKind::Event), |_, _, site, it| {
            let Object::Event(event) = it.object else { return Ok(None) };
            Ok(comment::write_event(site, &it.target, &event))
        })
    }

    /// Change requests, their reviews, and what is said in them.
    fn change_requests(&mut self, projects: &[ScopeRow]) -> Result<(), SpoolError> {
        let kinds = (Plural::PullRequests, ObjectKind::ChangeRequest);
        self.each(projects, kinds, |spool, scope, site, it| {
            let Object::ChangeRequest(it) = it.object else { return Ok(None) };
            let reactions = reactions(spool, scope, &Subject::ChangeRequest(it.number))?;
            Ok(Some(change_request::write(site, &it, reactions)))
        })?;
        self.each(projects, (Plural::Reviews, ObjectKind::Review), |spool, scope, site, it| {
            let Object::Review(review) = it.object else { return Ok(None) };
            let subject = Subject::Review(model::HostId(it.target.clone()));
            let reactions = reactions(spool, scope, &subject)?;
            Ok(Some(review::write_review(site, &it.target, &review, reactions)))
        })?;
        self.each(projects, (Plural::Threads, ObjectKind::ReviewThread), |_, _, site, it| {
            let Object::ReviewThread(thread) = it.object else { return Ok(None) };
            Ok(Some(review::write_thread(site, &it.target, &thread)))
        })?;
        let kinds = (Plural::ReviewComments, ObjectKind::ReviewComment);
        self.each(projects, kinds, |spool, scope, site, it| {
            let Object::ReviewComment(comment) = it.object else { return Ok(None) };
            let subject = Subject::ReviewComment(model::HostId(it.target.clone()));
            let reactions = reactions(spool, scope, &subject)?;
            Ok(Some(review::write_comment(site, &it.target, &comment, reactions)))
        })?;
        let kinds = (Plural::CommitComments, ObjectKind::CommitComment);
        self.each(projects, kinds, |spool, scope, site, it| {
            let Object::CommitComment(comment) = it.object else { return Ok(None) };
            let subject = Subject::CommitComment(model::HostId(it.target.clone()));
            let reactions = reactions(spool, scope, &subject)?;
            Ok(Some(comment::write_commit_comment(site, &it.target, &comment, reactions)))
        })
    }

    fn discussions(&mut self, projects: &[ScopeRow]) -> Result<(), SpoolError> {
        let kinds = (Plural::Categories, ObjectKind::DiscussionCategory);
        self.each(projects, kinds, |_, _, site, it| {
            let Object::DiscussionCategory(it) = it.object else { return Ok(None) };
            Ok(Some(discussion::write_category(site, &it)))
        })?;
        self.each(
            projects,
            (Plural::Discussions, ObjectKind::Discussion),
            |spool, scope, site, it| {
                let Object::Discussion(it) = it.object else { return Ok(None) };
                let reactions = reactions(spool, scope, &Subject::Discussion(it.number))?;
                Ok(Some(discussion::write(site, &it, reactions)))
            },
        )
    }

    /// Releases, protected branches, attachments.
    fn rest(&mut self, projects: &[ScopeRow]) -> Result<(), SpoolError> {
        let mut releases = RecordFile::new(Plural::Releases);
        for project in projects {
            let tar = &mut self.tar;
            embed::releases(self.spool, project, |it| releases.push(&it, tar))?;
        }
        releases.end(&mut self.tar)?;
        self.each(
            projects,
            (Plural::ProtectedBranches, ObjectKind::BranchRule),
            |_, _, site, it| {
                let Object::BranchRule(it) = it.object else { return Ok(None) };
                Ok(Some(rule::write(site, &it)))
            },
        )?;
        self.each(
            projects,
            (Plural::Attachments, ObjectKind::Attachment),
            |spool, scope, site, it| {
                let place = super::bytes::place(spool, scope, &it)?;
                let Object::Attachment(attachment) = &it.object else { return Ok(None) };
                let parent = parent(spool, scope, &attachment.subject)?;
                let asset_url = place.map(|it| format!("{TARBALL}{}", it.name));
                Ok(file::write(site, &it.origin, attachment, &parent, asset_url))
            },
        )
    }
}

/// The reactions to a subject.
fn reactions(
    spool: &Spool,
    scope: &ScopeRow,
    subject: &Subject,
) -> Result<Vec<wire::Reaction>, SpoolError> {
    let found = spool.children(scope, ObjectKind::Reaction, &id::subject(subject))?;
    let write = |it: Stored| {
        let Object::Reaction(it) = it.object else { return None };
        reaction::write(&it)
    };
    Ok(found.into_iter().filter_map(write).collect())
}

/// What a comment or review that has an attachment is about.
fn parent(spool: &Spool, scope: &ScopeRow, subject: &Subject) -> Result<Parent, SpoolError> {
    let (kind, id) = match subject {
        Subject::Comment(id) => (ObjectKind::Comment, id),
        Subject::Review(id) => (ObjectKind::Review, id),
        Subject::ReviewComment(id) => (ObjectKind::ReviewComment, id),
        Subject::CommitComment(id) => (ObjectKind::CommitComment, id),
        Subject::Project
        | Subject::Issue(_)
        | Subject::ChangeRequest(_)
        | Subject::Discussion(_)
        | Subject::Release(_)
        | Subject::Commit(_)
        | Subject::Snippet(_) => return Ok(Parent::ANY),
    };
    let found = spool.record(scope, kind, &id.0)?.map(|it| it.object);
    Ok(if let Some(Object::Comment(it)) = &found {
        match it.subject {
            Subject::ChangeRequest(number) => Parent::ChangeRequest(number),
            Subject::Issue(number) => Parent::Issue(number),
            Subject::Project
            | Subject::Discussion(_)
            | Subject::Release(_)
            | Subject::Commit(_)
            | Subject::Comment(_)
            | Subject::Review(_)
            | Subject::ReviewComment(_)
            | Subject::CommitComment(_)
            | Subject::Snippet(_) => Parent::ANY,
        }
    } else if let Some(Object::Review(it)) = found {
        Parent::ChangeRequest(it.change_request)
    } else if let Some(Object::ReviewComment(it)) = found {
        Parent::ChangeRequest(it.change_request)
    } else if let Some(Object::CommitComment(it)) = found {
        Parent::Commit(it.commit)
    } else {
        Parent::ANY
    })
}
