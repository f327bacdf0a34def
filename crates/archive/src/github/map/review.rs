//! Reviews, threads and review comments.

use super::{
    super::address::{Address, Site},
    Notes, body, formatter, id, identity, owned, text, time, user,
};
use crate::github::wire::{self, List};
use packhorse_core::model::{self, HostId, Position, Side, Verdict};

const PENDING: u64 = 0;
const COMMENTED: u64 = 1;
const CHANGES_REQUESTED: u64 = 30;
const APPROVED: u64 = 40;
const DISMISSED: u64 = 50;

fn number(pull_request: Option<&str>, url: &str) -> Option<u64> {
    Address::of(pull_request.unwrap_or(url)).number()
}

fn host_id(prefixes: id::Prefixes, url: Option<&str>) -> Option<HostId> {
    url.map(|it| HostId(id::in_fragment(prefixes, it)))
}

/// Reads a review; `None` when the address of its change request has no number.
pub(in crate::github) fn read_review(
    it: wire::Review,
    notes: &mut Notes,
) -> Option<(String, model::Review)> {
    let verdict = match it.state {
        Some(PENDING) => Verdict::Pending,
        Some(COMMENTED) => Verdict::Commented,
        Some(CHANGES_REQUESTED) => Verdict::ChangesRequested,
        Some(APPROVED) => Verdict::Approved,
        Some(DISMISSED) => Verdict::Dismissed,
        other => {
            notes.odd("verdict", other.map_or("null".to_owned(), |it| it.to_string()));
            Verdict::Commented
        }
    };
    let review = model::Review {
        change_request: number(it.pull_request.as_deref(), &it.url)?,
        author: identity(it.user.as_deref()),
        body: text(it.body),
        verdict,
        commit: it.head_sha,
        created_at: notes.time("created_at", it.created_at),
        submitted_at: notes.time("submitted_at", it.submitted_at),
    };
    Some((id::in_fragment(id::REVIEW, &it.url), review))
}

/// Writes a review; a verdict without a documented number becomes a comment, never an approval.
pub(in crate::github) fn write_review(
    site: &Site,
    id: &str,
    it: &model::Review,
    reactions: Vec<wire::Reaction>,
) -> wire::Review {
    let state = match it.verdict {
        Verdict::Approved => APPROVED,
        Verdict::ChangesRequested => CHANGES_REQUESTED,
        Verdict::Commented | Verdict::Dismissed | Verdict::Pending => COMMENTED,
    };
    wire::Review {
        r#type: owned("pull_request_review"),
        url: site.review(it.change_request, id),
        pull_request: Some(site.change_request(it.change_request)),
        user: user(it.author.as_ref()),
        body: body(it.body.as_ref()),
        head_sha: it.commit.clone(),
        formatter: formatter(),
        state: Some(state),
        reactions: List(reactions),
        created_at: time(it.created_at),
        submitted_at: time(it.submitted_at),
    }
}

fn read_side(field: &'static str, word: Option<String>, notes: &mut Notes) -> Option<Side> {
    match word?.to_ascii_lowercase().as_str() {
        "left" => Some(Side::Left),
        "right" => Some(Side::Right),
        other => {
            notes.odd(field, other);
            None
        }
    }
}

fn write_side(side: Option<Side>) -> Option<String> {
    side.map(|side| {
        owned(match side {
            Side::Left => "left",
            Side::Right => "right",
        })
    })
}

const WHOLE_FILE: &str = "file";

fn subject_type(position: &Position) -> Option<String> {
    Some(owned(if position.whole_file { WHOLE_FILE } else { "line" }))
}

/// Reads a thread; `None` when the address of its change request has no number.
pub(in crate::github) fn read_thread(
    it: wire::ReviewThread,
    notes: &mut Notes,
) -> Option<(String, model::ReviewThread)> {
    let position = Position {
        path: it.path.unwrap_or_default(),
        commit: it.commit_id,
        original_commit: it.original_commit_id,
        side: read_side("position.side", it.side, notes),
        line: it.line,
        start_line: it.start_line,
        start_side: read_side("position.start_side", it.start_side, notes),
        original_line: it.original_line,
        original_start_line: it.original_start_line,
        diff_position: it.position,
        original_diff_position: it.original_position,
        start_offset: it.start_position_offset,
        blob_position: it.blob_position,
        hunk: it.diff_hunk,
        whole_file: it.subject_type.as_deref() == Some(WHOLE_FILE),
        ..Position::default()
    };
    let thread = model::ReviewThread {
        change_request: number(it.pull_request.as_deref(), &it.url)?,
        review: host_id(id::REVIEW, it.pull_request_review.as_deref()),
        position,
        outdated: it.outdated,
        resolver: identity(it.resolver.as_deref()),
        resolved_at: notes.time("resolved_at", it.resolved_at),
        created_at: notes.time("created_at", it.created_at),
    };
    Some((id::in_fragment(id::THREAD, &it.url), thread))
}

/// Writes a thread.
pub(in crate::github) fn write_thread(
    site: &Site,
    id: &str,
    it: &model::ReviewThread,
) -> wire::ReviewThread {
    let (number, at) = (it.change_request, &it.position);
    wire::ReviewThread {
        r#type: owned("pull_request_review_thread"),
        url: site.thread(number, id),
        pull_request: Some(site.change_request(number)),
        pull_request_review: it.review.as_ref().map(|id| site.review(number, &id.0)),
        diff_hunk: at.hunk.clone(),
        path: Some(at.path.clone()),
        position: at.diff_position,
        original_position: at.original_diff_position,
        commit_id: at.commit.clone(),
        original_commit_id: at.original_commit.clone(),
        start_position_offset: at.start_offset,
        blob_position: at.blob_position,
        start_line: at.start_line,
        line: at.line,
        start_side: write_side(at.start_side),
        side: write_side(at.side),
        original_start_line: at.original_start_line,
        original_line: at.original_line,
        created_at: time(it.created_at),
        resolved_at: time(it.resolved_at),
        resolver: user(it.resolver.as_ref()),
        subject_type: subject_type(at),
        outdated: it.outdated,
    }
}

/// Reads a review comment; `None` when the address of its change request has no number.
pub(in crate::github) fn read_comment(
    it: wire::ReviewComment,
    notes: &mut Notes,
) -> Option<(String, model::ReviewComment)> {
    let position = Position {
        path: it.path.unwrap_or_default(),
        commit: it.commit_id,
        original_commit: it.original_commit_id,
        diff_position: it.position,
        original_diff_position: it.original_position,
        hunk: it.diff_hunk,
        whole_file: it.subject_type.as_deref() == Some(WHOLE_FILE),
        ..Position::default()
    };
    let comment = model::ReviewComment {
        change_request: number(it.pull_request.as_deref(), &it.url)?,
        review: host_id(id::REVIEW, it.pull_request_review.as_deref()),
        thread: host_id(id::THREAD, it.pull_request_review_thread.as_deref()),
        reply_to: host_id(id::REVIEW_COMMENT, it.in_reply_to.as_deref()),
        author: identity(it.user.as_deref()),
        body: text(it.body),
        position,
        pending: it.state == Some(PENDING),
        created_at: notes.time("created_at", it.created_at),
        updated_at: notes.time("updated_at", it.updated_at),
    };
    Some((id::in_fragment(id::REVIEW_COMMENT, &it.url), comment))
}

/// Writes a review comment.
pub(in crate::github) fn write_comment(
    site: &Site,
    id: &str,
    it: &model::ReviewComment,
    reactions: Vec<wire::Reaction>,
) -> wire::ReviewComment {
    let (number, at) = (it.change_request, &it.position);
    wire::ReviewComment {
        r#type: owned("pull_request_review_comment"),
        url: site.review_comment(number, id),
        pull_request: Some(site.change_request(number)),
        pull_request_review: it.review.as_ref().map(|id| site.review(number, &id.0)),
        pull_request_review_thread: it.thread.as_ref().map(|id| site.thread(number, &id.0)),
        user: user(it.author.as_ref()),
        body: body(it.body.as_ref()),
        formatter: formatter(),
        diff_hunk: at.hunk.clone(),
        path: Some(at.path.clone()),
        position: at.diff_position,
        original_position: at.original_diff_position,
        commit_id: at.commit.clone(),
        original_commit_id: at.original_commit.clone(),
        state: Some(COMMENTED),
        in_reply_to: it.reply_to.as_ref().map(|id| site.review_comment(number, &id.0)),
        reactions: List(reactions),
        created_at: time(it.created_at),
        updated_at: None,
        subject_type: subject_type(at),
    }
}
