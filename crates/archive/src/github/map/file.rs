//! Attachments.

use super::{
    super::address::{Address, BASE, Site, encode},
    Notes, comment, id, identity, owned, time, user,
};
use crate::github::wire;
use packhorse_core::model::{self, HostId, Subject};

/// Bytes in the archive: the path after this.
pub(in crate::github) const TARBALL: &str = "tarball://root/";

/// The address of whatever refers to an attachment.
pub(in crate::github) fn parent(it: &wire::Attachment) -> Option<&str> {
    [
        &it.issue,
        &it.issue_comment,
        &it.pull_request,
        &it.pull_request_review,
        &it.pull_request_review_comment,
        &it.commit_comment,
        &it.release,
        &it.discussion,
    ]
    .into_iter()
    .find_map(|it| it.as_deref())
}

fn read_subject(it: &wire::Attachment) -> Option<Subject> {
    let url = parent(it)?;
    let address = Address::of(url);
    let host_id = |prefixes| HostId(id::in_fragment(prefixes, url));
    Some(if it.issue.is_some() {
        Subject::Issue(address.number()?)
    } else if it.issue_comment.is_some() {
        Subject::Comment(host_id(id::COMMENT))
    } else if it.pull_request.is_some() {
        Subject::ChangeRequest(address.number()?)
    } else if it.pull_request_review.is_some() {
        Subject::Review(host_id(id::REVIEW))
    } else if it.pull_request_review_comment.is_some() {
        Subject::ReviewComment(host_id(id::REVIEW_COMMENT))
    } else if it.commit_comment.is_some() {
        Subject::CommitComment(host_id(id::COMMIT_COMMENT))
    } else if it.release.is_some() {
        Subject::Release(address.tag())
    } else {
        Subject::Discussion(address.number()?)
    })
}

/// Reads an attachment, without its bytes.
pub(in crate::github) fn read(
    it: wire::Attachment,
    notes: &mut Notes,
) -> (String, model::Attachment) {
    let subject = read_subject(&it).unwrap_or_else(|| {
        notes.odd("subject", parent(&it).unwrap_or("null"));
        Subject::Project
    });
    let attachment = model::Attachment {
        subject,
        name: it.asset_name.unwrap_or_else(|| Address::of(&it.url).name()),
        content_type: it.asset_content_type,
        legacy_url: it.legacy_url,
        author: identity(it.user.as_deref()),
        blob: model::Blob::default(),
        created_at: notes.time("created_at", it.created_at.or(it.created_date)),
        url: Some(it.url.clone()),
    };
    (it.url, attachment)
}

/// The number of whatever a comment, review or commit comment is about.
#[derive(Clone, Debug)]
pub(in crate::github) enum Parent {
    /// An issue.
    Issue(u64),
    /// A change request.
    ChangeRequest(u64),
    /// A commit.
    Commit(String),
}

impl Parent {
    /// Stands in where only the record itself is looked at.
    pub(in crate::github) const ANY: Self = Self::Issue(0);
}

/// Writes an attachment; `None` when it belongs to something whose attachments have no key.
///
/// `asset_url` is where its bytes are, if there are any.
pub(in crate::github) fn write(
    site: &Site,
    id: &str,
    it: &model::Attachment,
    parent: &Parent,
    asset_url: Option<String>,
) -> Option<wire::Attachment> {
    let mut attachment = wire::Attachment {
        r#type: owned("attachment"),
        url: url(id, it),
        legacy_url: it.legacy_url.clone(),
        user: user(it.author.as_ref()),
        asset_name: Some(it.name.clone()),
        asset_content_type: it.content_type.clone(),
        asset_url,
        created_at: time(it.created_at),
        ..wire::Attachment::default()
    };
    let number = match parent {
        Parent::Issue(number) | Parent::ChangeRequest(number) => *number,
        Parent::Commit(_) => 0,
    };
    match &it.subject {
        Subject::Issue(number) => attachment.issue = Some(site.issue(*number)),
        Subject::ChangeRequest(number) => {
            attachment.pull_request = Some(site.change_request(*number));
        }
        Subject::Comment(id) => {
            let parent = match parent {
                Parent::ChangeRequest(number) => site.change_request(*number),
                Parent::Issue(_) | Parent::Commit(_) => site.issue(number),
            };
            attachment.issue_comment = Some(comment::comment_url(&parent, &id.0));
        }
        Subject::Review(id) => {
            attachment.pull_request_review = Some(site.review(number, &id.0));
        }
        Subject::ReviewComment(id) => {
            attachment.pull_request_review_comment = Some(site.review_comment(number, &id.0));
        }
        Subject::CommitComment(id) => {
            let commit = if let Parent::Commit(commit) = parent { commit } else { "" };
            attachment.commit_comment = Some(site.commit_comment(commit, &id.0));
        }
        Subject::Project
        | Subject::Discussion(_)
        | Subject::Release(_)
        | Subject::Commit(_)
        | Subject::Snippet(_) => return None,
    }
    Some(attachment)
}

/// The address of an attachment: its own, or one made from its id.
pub(in crate::github) fn url(id: &str, it: &model::Attachment) -> String {
    it.url.clone().unwrap_or_else(|| format!("{BASE}/user-attachments/assets/{}", encode(id)))
}
