//! One record of the archive as all the records that it holds.
//!
//! Labels, members, hooks, keys, topics, reactions and release assets have no
//! files of their own: they come out of the records that they are embedded in.

use super::{
    address::Address,
    map::{
        Notes, account, change_request, comment, discussion, file, id, issue, member, project,
        reaction, release, review, rule,
    },
    plural::Parsed,
    wire::{self, List},
};
use packhorse_core::{
    Object, ObjectKind, Record,
    model::{HostId, Subject},
};

/// What came out of one record of the archive.
#[derive(Debug, Default)]
pub(super) struct Expanded {
    /// The records, each with where its bytes are, if it has bytes.
    pub(super) records: Vec<(Record, Option<String>)>,
    /// Number of records whose address nobody understands.
    pub(super) n_unread: u64,
}

/// Takes what is wanted out of a record.
struct Taker {
    kind: Option<ObjectKind>,
    expanded: Expanded,
}

impl Taker {
    fn wants(&self, kind: ObjectKind) -> bool {
        self.kind.is_none_or(|it| it == kind)
    }

    fn put(&mut self, notes: Notes, id: String, object: Object) {
        self.put_with_bytes(notes, id, object, None);
    }

    fn put_with_bytes(&mut self, notes: Notes, id: String, object: Object, at: Option<String>) {
        let mut record = Record::new(id, object);
        record.losses = notes.losses;
        self.expanded.records.push((record, at));
    }

    /// Takes the main record, if it can be read.
    fn main<T: Into<Object>>(
        &mut self,
        kind: ObjectKind,
        read: impl FnOnce(&mut Notes) -> Option<(String, T)>,
    ) {
        if self.wants(kind) {
            let mut notes = Notes::default();
            match read(&mut notes) {
                Some((id, it)) => self.put(notes, id, it.into()),
                None => self.expanded.n_unread += 1,
            }
        }
    }

    /// Takes embedded records.
    fn each<W, T: Into<Object>>(
        &mut self,
        kind: ObjectKind,
        list: List<W>,
        mut read: impl FnMut(W, &mut Notes) -> Option<(String, T)>,
    ) {
        if self.wants(kind) {
            for it in list.0 {
                let mut notes = Notes::default();
                match read(it, &mut notes) {
                    Some((id, it)) => self.put(notes, id, it.into()),
                    None => self.expanded.n_unread += 1,
                }
            }
        }
    }

    /// Takes the reactions to a record, which few have.
    fn reactions(&mut self, list: List<wire::Reaction>, subject: impl FnOnce() -> Option<Subject>) {
        if list.count() == 0 || !self.wants(ObjectKind::Reaction) {
            return;
        }
        match subject() {
            Some(subject) => {
                self.each(ObjectKind::Reaction, list, |it, notes| {
                    Some(reaction::read(&subject, it, notes))
                });
            }
            None => self.expanded.n_unread += list.count(),
        }
    }
}

/// Takes records of one kind, or of all, out of a record of the archive.
pub(super) fn expand(parsed: Parsed, kind: Option<ObjectKind>) -> Expanded {
    let mut taker = Taker { kind, expanded: Expanded::default() };
    match parsed {
        Parsed::Users(it) => {
            taker.main(ObjectKind::User, |notes| Some(account::read_user(*it, false, notes)))
        }
        Parsed::Bots(it) => {
            taker.main(ObjectKind::User, |notes| Some(account::read_user(*it, true, notes)))
        }
        Parsed::Organizations(it) => organization(&mut taker, *it),
        Parsed::Teams(it) => team(&mut taker, *it),
        Parsed::Repositories(it) => repository(&mut taker, *it),
        Parsed::Milestones(it) => {
            taker.main(ObjectKind::Milestone, |notes| issue::read_milestone(*it, notes))
        }
        Parsed::Categories(it) => {
            taker.main(ObjectKind::DiscussionCategory, |_| Some(discussion::read_category(*it)));
        }
        Parsed::IssueEvents(it) => {
            taker.main(ObjectKind::Event, |notes| comment::read_event(*it, notes))
        }
        Parsed::Threads(it) => {
            taker.main(ObjectKind::ReviewThread, |notes| review::read_thread(*it, notes));
        }
        Parsed::ProtectedBranches(it) => {
            taker.main(ObjectKind::BranchRule, |notes| Some(rule::read(*it, notes)));
        }
        Parsed::Releases(it) => releases(&mut taker, *it),
        Parsed::Attachments(it) => attachment(&mut taker, *it),
        Parsed::Issues(_)
        | Parsed::PullRequests(_)
        | Parsed::Reviews(_)
        | Parsed::ReviewComments(_)
        | Parsed::Discussions(_)
        | Parsed::CommitComments(_)
        | Parsed::IssueComments(_)
        | Parsed::DiscussionComments(_) => with_reactions(&mut taker, parsed),
    }
    taker.expanded
}

/// Takes a record that can be reacted to, and the reactions.
fn with_reactions(taker: &mut Taker, parsed: Parsed) {
    match parsed {
        Parsed::Issues(mut it) => {
            let list = std::mem::take(&mut it.reactions);
            taker.reactions(list, || Address::of(&it.url).number().map(Subject::Issue));
            taker.main(ObjectKind::Issue, |notes| issue::read_issue(*it, notes));
        }
        Parsed::PullRequests(mut it) => {
            let list = std::mem::take(&mut it.reactions);
            taker.reactions(list, || Address::of(&it.url).number().map(Subject::ChangeRequest));
            taker.main(ObjectKind::ChangeRequest, |notes| change_request::read(*it, notes));
        }
        Parsed::Discussions(mut it) => {
            let list = std::mem::take(&mut it.reactions);
            taker.reactions(list, || Address::of(&it.url).number().map(Subject::Discussion));
            taker.main(ObjectKind::Discussion, |notes| discussion::read(*it, notes));
        }
        Parsed::Reviews(mut it) => {
            let list = std::mem::take(&mut it.reactions);
            taker.reactions(list, || {
                Some(Subject::Review(HostId(id::in_fragment(id::REVIEW, &it.url))))
            });
            taker.main(ObjectKind::Review, |notes| review::read_review(*it, notes));
        }
        Parsed::ReviewComments(mut it) => {
            let list = std::mem::take(&mut it.reactions);
            taker.reactions(list, || {
                Some(Subject::ReviewComment(HostId(id::in_fragment(id::REVIEW_COMMENT, &it.url))))
            });
            taker.main(ObjectKind::ReviewComment, |notes| review::read_comment(*it, notes));
        }
        Parsed::CommitComments(mut it) => {
            let list = std::mem::take(&mut it.reactions);
            taker.reactions(list, || {
                Some(Subject::CommitComment(HostId(id::in_fragment(id::COMMIT_COMMENT, &it.url))))
            });
            taker.main(ObjectKind::CommitComment, |notes| {
                Some(comment::read_commit_comment(*it, notes))
            });
        }
        Parsed::IssueComments(mut it) => {
            let list = std::mem::take(&mut it.reactions);
            taker.reactions(list, || {
                Some(Subject::Comment(HostId(id::in_fragment(id::COMMENT, &it.url))))
            });
            taker.main(ObjectKind::Comment, |notes| comment::read_comment(*it, notes));
        }
        Parsed::DiscussionComments(mut it) => {
            let list = std::mem::take(&mut it.reactions);
            taker.reactions(list, || {
                Some(Subject::Comment(HostId(comment::discussion_comment_id(&it.url))))
            });
            taker.main(ObjectKind::Comment, |notes| comment::read_discussion_comment(*it, notes));
        }
        Parsed::Users(_)
        | Parsed::Bots(_)
        | Parsed::Organizations(_)
        | Parsed::Teams(_)
        | Parsed::Repositories(_)
        | Parsed::Milestones(_)
        | Parsed::Threads(_)
        | Parsed::Categories(_)
        | Parsed::IssueEvents(_)
        | Parsed::Releases(_)
        | Parsed::ProtectedBranches(_)
        | Parsed::Attachments(_) => {}
    }
}

fn organization(taker: &mut Taker, mut it: wire::Organization) {
    let members = std::mem::take(&mut it.members);
    let path = it.login.clone().unwrap_or_else(|| Address::of(&it.url).organization());
    taker.main(ObjectKind::Organization, |notes| Some(account::read_organization(it, notes)));
    taker.each(ObjectKind::Member, members, |it, notes| {
        Some(member::read_organization_member(&path, &it, notes))
    });
}

fn team(taker: &mut Taker, mut it: wire::Team) {
    let members = std::mem::take(&mut it.members);
    let permissions = std::mem::take(&mut it.permissions);
    let (organization, slug) = account::team_place(&it);
    let place = (organization.as_str(), slug.as_str());
    taker.main(ObjectKind::Team, |notes| Some(account::read_team(it, notes)));
    taker.each(ObjectKind::Member, members, |it, notes| {
        Some(member::read_team_member(place, &it, notes))
    });
    taker.each(ObjectKind::Member, permissions, |it, notes| {
        member::read_permission(place, &it, notes)
    });
}

fn repository(taker: &mut Taker, mut it: wire::Repository) {
    let labels = std::mem::take(&mut it.labels);
    let collaborators = std::mem::take(&mut it.collaborators);
    let webhooks = std::mem::take(&mut it.webhooks);
    let keys = std::mem::take(&mut it.public_keys);
    let topics = std::mem::take(&mut it.repository_topics);
    let is_archived = it.is_archived == Some(true);
    taker.main(ObjectKind::Project, |notes| project::read_project(it, notes));
    taker.each(ObjectKind::Label, labels, |it, notes| Some(project::read_label(it, notes)));
    taker.each(ObjectKind::Member, collaborators, |it, notes| {
        Some(member::read_collaborator(&it, notes))
    });
    let mut seen = std::collections::HashMap::<String, u64>::new();
    taker.each(ObjectKind::Webhook, webhooks, |it, _| {
        let (url, hook) = project::read_webhook(it);
        let n = seen.entry(url.clone()).or_default();
        *n += 1;
        Some((project::webhook_id(&url, *n), hook))
    });
    taker.each(ObjectKind::DeployKey, keys, |it, notes| Some(project::read_key(it, notes)));
    taker.each(ObjectKind::Topic, topics, |it, _| Some(project::read_topic(it)));
    if is_archived {
        taker.main(ObjectKind::State, |_| Some(project::archived()));
    }
}

fn releases(taker: &mut Taker, mut it: wire::Release) {
    let assets = std::mem::take(&mut it.release_assets);
    let tag = release::tag(&it);
    taker.main(ObjectKind::Release, |notes| Some(release::read(it, notes)));
    if taker.wants(ObjectKind::ReleaseAsset) {
        for it in assets.0 {
            let at = it.asset_url.clone();
            let mut notes = Notes::default();
            let (id, asset) = release::read_asset(&tag, it, &mut notes);
            taker.put_with_bytes(notes, id, Object::from(asset), at);
        }
    }
}

fn attachment(taker: &mut Taker, it: wire::Attachment) {
    let at = it.asset_url.clone();
    let mut notes = Notes::default();
    let (id, attachment) = file::read(it, &mut notes);
    taker.put_with_bytes(notes, id, Object::from(attachment), at);
}

/// The keys that say which project a record belongs to: its own, its parent's, its address.
pub(super) fn places(parsed: &Parsed) -> (Option<&str>, Option<&str>, &str) {
    match parsed {
        Parsed::Repositories(it) => (Some(&it.url), None, &it.url),
        Parsed::Milestones(it) => (it.repository.as_deref(), None, &it.url),
        Parsed::Issues(it) => (it.repository.as_deref(), None, &it.url),
        Parsed::PullRequests(it) => (it.repository.as_deref(), None, &it.url),
        Parsed::Categories(it) => (it.repository.as_deref(), None, &it.url),
        Parsed::Discussions(it) => (it.repository.as_deref(), None, &it.url),
        Parsed::CommitComments(it) => (it.repository.as_deref(), None, &it.url),
        Parsed::Releases(it) => (it.repository.as_deref(), None, &it.url),
        Parsed::ProtectedBranches(it) => (it.repository_url.as_deref(), None, &it.url),
        Parsed::Reviews(it) => (None, it.pull_request.as_deref(), &it.url),
        Parsed::Threads(it) => (None, it.pull_request.as_deref(), &it.url),
        Parsed::ReviewComments(it) => (None, it.pull_request.as_deref(), &it.url),
        Parsed::IssueComments(it) => {
            (None, it.issue.as_deref().or(it.pull_request.as_deref()), &it.url)
        }
        Parsed::IssueEvents(it) => {
            (None, it.issue.as_deref().or(it.pull_request.as_deref()), &it.url)
        }
        Parsed::DiscussionComments(it) => (None, it.discussion.as_deref(), &it.url),
        Parsed::Attachments(it) => (None, file::parent(it), &it.url),
        Parsed::Users(it) | Parsed::Bots(it) => (None, None, &it.url),
        Parsed::Organizations(it) => (None, None, &it.url),
        Parsed::Teams(it) => (None, None, &it.url),
    }
}

/// The address of a record.
pub(super) fn url_of(parsed: &Parsed) -> &str {
    places(parsed).2
}
