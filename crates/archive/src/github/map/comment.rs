//! Comments on issues, change requests, discussions and commits; events.

use super::{
    super::address::{self, Address, Site, encode},
    Notes, body, formatter, id, identity, owned, text, time, user,
};
use crate::github::wire::{self, List};
use packhorse_core::model::{self, HostId, Subject};

/// What stands before the id of a comment on a discussion, and stays part of it:
/// discussions count their comments apart from issues.
const DISCUSSION_COMMENT: &str = "discussioncomment-";

/// The issue or the change request that a record is about.
///
/// An exporter that has no issues may call every parent `issue`, so the address decides.
fn subject(issue: Option<&str>, pull_request: Option<&str>) -> Option<Subject> {
    let url = pull_request.or(issue)?;
    let address = Address::of(url);
    let number = address.number()?;
    let is_change_request = pull_request.is_some() || address.is_change_request();
    Some(if is_change_request { Subject::ChangeRequest(number) } else { Subject::Issue(number) })
}

/// Reads a comment on an issue or a change request; `None` when it is on neither.
pub(in crate::github) fn read_comment(
    it: wire::IssueComment,
    notes: &mut Notes,
) -> Option<(String, model::Comment)> {
    let comment = model::Comment {
        subject: subject(it.issue.as_deref(), it.pull_request.as_deref())?,
        author: identity(it.user.as_deref()),
        body: text(it.body),
        created_at: notes.time("created_at", it.created_at),
        updated_at: notes.time("updated_at", it.updated_at),
        ..model::Comment::default()
    };
    Some((id::in_fragment(id::COMMENT, &it.url), comment))
}

/// Reads a comment on a discussion; `None` when it is on none.
pub(in crate::github) fn read_discussion_comment(
    it: wire::DiscussionComment,
    notes: &mut Notes,
) -> Option<(String, model::Comment)> {
    let number = Address::of(it.discussion.as_deref().unwrap_or(&it.url)).number()?;
    let comment = model::Comment {
        subject: Subject::Discussion(number),
        reply_to: it.parent_comment.as_deref().map(|it| HostId(discussion_comment_id(it))),
        author: identity(it.user.as_deref()),
        body: text(it.body),
        created_at: notes.time("created_at", it.created_at),
        updated_at: notes.time("updated_at", it.updated_at),
        ..model::Comment::default()
    };
    Some((discussion_comment_id(&it.url), comment))
}

/// Id of the comment on a discussion at that address.
pub(in crate::github) fn discussion_comment_id(url: &str) -> String {
    let id = address::id(url, &[]).unwrap_or_else(|| url.to_owned());
    let is_bare = id.bytes().all(|it| it.is_ascii_digit());
    if is_bare { format!("{DISCUSSION_COMMENT}{id}") } else { id }
}

/// Writes a comment; `None` when it is on something whose comments have no file.
pub(in crate::github) fn write_comment(
    site: &Site,
    id: &str,
    it: &model::Comment,
    reactions: Vec<wire::Reaction>,
) -> Option<wire::IssueComment> {
    let (issue, pull_request) = parents(site, &it.subject)?;
    let parent = issue.as_deref().or(pull_request.as_deref())?;
    Some(wire::IssueComment {
        r#type: owned("issue_comment"),
        url: comment_url(parent, id),
        issue,
        pull_request,
        user: user(it.author.as_ref()),
        body: body(it.body.as_ref()),
        formatter: formatter(),
        reactions: List(reactions),
        created_at: time(it.created_at),
        updated_at: None,
    })
}

/// Address of a comment below what it is about.
pub(in crate::github) fn comment_url(parent: &str, id: &str) -> String {
    format!("{parent}#issuecomment-{}", encode(id))
}

/// The keys `issue` and `pull_request`, of which one is set.
fn parents(site: &Site, subject: &Subject) -> Option<(Option<String>, Option<String>)> {
    match subject {
        Subject::Issue(number) => Some((Some(site.issue(*number)), None)),
        Subject::ChangeRequest(number) => Some((None, Some(site.change_request(*number)))),
        Subject::Project
        | Subject::Discussion(_)
        | Subject::Release(_)
        | Subject::Commit(_)
        | Subject::Comment(_)
        | Subject::Review(_)
        | Subject::ReviewComment(_)
        | Subject::CommitComment(_)
        | Subject::Snippet(_) => None,
    }
}

/// Reads a comment on a commit.
pub(in crate::github) fn read_commit_comment(
    it: wire::CommitComment,
    notes: &mut Notes,
) -> (String, model::CommitComment) {
    let comment = model::CommitComment {
        commit: it.commit_id.unwrap_or_else(|| Address::of(&it.url).name()),
        path: it.path,
        diff_position: it.position,
        line: None,
        author: identity(it.user.as_deref()),
        body: text(it.body),
        created_at: notes.time("created_at", it.created_at),
        updated_at: None,
    };
    (id::in_fragment(id::COMMIT_COMMENT, &it.url), comment)
}

/// Writes a comment on a commit.
pub(in crate::github) fn write_commit_comment(
    site: &Site,
    id: &str,
    it: &model::CommitComment,
    reactions: Vec<wire::Reaction>,
) -> wire::CommitComment {
    wire::CommitComment {
        r#type: owned("commit_comment"),
        url: site.commit_comment(&it.commit, id),
        repository: Some(owned(site.url())),
        user: user(it.author.as_ref()),
        body: body(it.body.as_ref()),
        formatter: formatter(),
        path: it.path.clone(),
        position: it.diff_position,
        commit_id: Some(it.commit.clone()),
        reactions: List(reactions),
        created_at: time(it.created_at),
    }
}

/// Reads an event; `None` when it is about neither an issue nor a change request.
pub(in crate::github) fn read_event(
    it: wire::IssueEvent,
    notes: &mut Notes,
) -> Option<(String, model::Event)> {
    let about = it.subject.as_deref().map(Address::of);
    let is_account = about.as_ref().is_some_and(Address::is_account);
    let label = it.label_name.or_else(|| it.label.as_deref().map(|it| Address::of(it).label()));
    let event = model::Event {
        subject: subject(it.issue.as_deref(), it.pull_request.as_deref())?,
        action: it.event.unwrap_or_default(),
        actor: identity(it.actor.as_deref()),
        target: about.filter(|_| is_account).map(|it| it.identity()),
        commit: it.commit_id,
        commit_project: it.commit_repository.as_deref().and_then(|it| Address::of(it).project()),
        label,
        label_color: it.label_color,
        label_text_color: it.label_text_color,
        milestone: it.milestone_title,
        title_before: it.title_was,
        title_after: it.title_is,
        branch: it.r#ref,
        before: it.before_commit_oid,
        after: it.after_commit_oid,
        reference: it.subject.filter(|_| !is_account),
        referencing_change_request: it.referencing_pull_request,
        created_at: notes.time("created_at", it.created_at),
    };
    Some((id::in_fragment(id::EVENT, &it.url), event))
}

/// Writes an event; `None` when it is about neither an issue nor a change request.
pub(in crate::github) fn write_event(
    site: &Site,
    id: &str,
    it: &model::Event,
) -> Option<wire::IssueEvent> {
    let (issue, pull_request) = parents(site, &it.subject)?;
    let parent = issue.as_deref().or(pull_request.as_deref())?;
    Some(wire::IssueEvent {
        r#type: owned("issue_event"),
        url: format!("{parent}#event-{}", encode(id)),
        issue,
        pull_request,
        actor: user(it.actor.as_ref()),
        event: Some(it.action.clone()),
        subject: user(it.target.as_ref()).or_else(|| it.reference.clone()),
        title_was: it.title_before.clone(),
        title_is: it.title_after.clone(),
        commit_id: it.commit.clone(),
        commit_repository: it.commit_project.as_deref().map(address::project),
        referencing_pull_request: it.referencing_change_request.clone(),
        label: it.label.as_deref().map(|name| site.label(name)),
        label_name: it.label.clone(),
        label_color: it.label_color.clone(),
        label_text_color: it.label_text_color.clone(),
        milestone_title: it.milestone.clone(),
        r#ref: it.branch.clone(),
        before_commit_oid: it.before.clone(),
        after_commit_oid: it.after.clone(),
        created_at: time(it.created_at),
    })
}
