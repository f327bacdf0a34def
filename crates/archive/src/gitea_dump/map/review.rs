//! Verdicts, comments on lines, releases and their files.

use super::{
    super::{people::People, wire},
    body, email, identity, known, login, plain, text, time,
};
use crate::{key, wire::List};
use packhorse_core::model::{
    Blob, HostId, Position, Release, ReleaseAsset, Review, ReviewComment, Side, Verdict,
};

/// Source: Gitea, `modules/migration/review.go`.
const VERDICTS: [(&str, Verdict); 4] = [
    ("PENDING", Verdict::Pending),
    ("APPROVED", Verdict::Approved),
    ("CHANGES_REQUESTED", Verdict::ChangesRequested),
    ("COMMENTED", Verdict::Commented),
];

pub(in crate::gitea_dump) fn review(it: &wire::Review) -> Option<(String, Review)> {
    let known = VERDICTS.iter().find(|(word, _)| it.state.as_deref() == Some(*word));
    let at = time(it.created_at.as_deref());
    let review = Review {
        change_request: it.issue_index?,
        author: identity(it.reviewer_name.as_ref(), None),
        body: text(it.content.clone()),
        verdict: known.map(|(_, verdict)| *verdict).unwrap_or_default(),
        commit: plain(it.commit_id.clone()),
        created_at: at,
        submitted_at: at,
    };
    Some((it.id?.to_string(), review))
}

pub(in crate::gitea_dump) fn write_review(
    target: &str,
    it: &Review,
    people: &mut People,
) -> wire::Review {
    let word = VERDICTS.iter().find(|(_, verdict)| *verdict == it.verdict);
    wire::Review {
        id: Some(key::number(target)),
        issue_index: Some(it.change_request),
        reviewer_id: people.id(it.author.as_ref()).or(Some(0)),
        reviewer_name: login(it.author.as_ref()),
        official: Some(false),
        commit_id: Some(it.commit.clone().unwrap_or_default()),
        content: body(it.body.as_ref()),
        created_at: known(it.submitted_at.or(it.created_at), None),
        state: Some(word.map_or("COMMENTED", |(word, _)| *word).to_owned()),
        comments: List::default(),
    }
}

/// Id of the review that a comment gets which came without one.
pub(in crate::gitea_dump) fn own_review(comment: u64) -> u64 {
    key::number(&format!("review of review_comment/{comment}"))
}

/// Whether a review was made for a comment that came without one.
pub(in crate::gitea_dump) fn is_own_review(it: &wire::Review) -> bool {
    let comment = it.comments.0.first().and_then(|it| it.id);
    it.comments.0.len() == 1 && comment.map(own_review) == it.id
}

/// Reads a comment on a line; `review` is none of its own making.
pub(in crate::gitea_dump) fn review_comment(
    it: &wire::ReviewComment,
    (change_request, review): (u64, Option<&str>),
    people: &People,
) -> Option<(String, ReviewComment)> {
    let line = it.line.filter(|it| *it != 0);
    let side = line.map(|it| if it < 0 { Side::Left } else { Side::Right });
    let answers = it.in_reply_to.filter(|it| *it > 0);
    let comment = ReviewComment {
        change_request,
        review: review.map(|it| HostId(it.to_owned())),
        reply_to: answers.map(|it| HostId(it.to_string())),
        author: people.identity(it.poster_id),
        body: text(it.content.clone()),
        position: Position {
            path: it.tree_path.clone().unwrap_or_default(),
            commit: plain(it.commit_id.clone()),
            side,
            line: line.map(i64::unsigned_abs),
            diff_position: it.position.and_then(|it| u64::try_from(it).ok()).filter(|it| *it > 0),
            hunk: plain(it.diff_hunk.clone()),
            ..Position::default()
        },
        created_at: time(it.created_at.as_deref()),
        updated_at: time(it.updated_at.as_deref()),
        ..ReviewComment::default()
    };
    Some((it.id?.to_string(), comment))
}

pub(in crate::gitea_dump) fn write_review_comment(
    target: &str,
    it: &ReviewComment,
    people: &mut People,
) -> wire::ReviewComment {
    let line = it.position.line.or(it.position.original_line).unwrap_or_default();
    let line = i64::try_from(line).unwrap_or_default();
    let position = it.position.diff_position.and_then(|it| i64::try_from(it).ok());
    wire::ReviewComment {
        id: Some(key::number(target)),
        in_reply_to: Some(it.reply_to.as_ref().map_or(0, |it| key::number(&it.0))),
        content: body(it.body.as_ref()),
        tree_path: Some(it.position.path.clone()),
        diff_hunk: Some(it.position.hunk.clone().unwrap_or_default()),
        position: position.or(Some(0)),
        // The old text's lines are below zero.
        line: Some(if it.position.side == Some(Side::Left) { -line } else { line }),
        commit_id: Some(it.position.commit.clone().unwrap_or_default()),
        poster_id: people.id(it.author.as_ref()).or(Some(0)),
        reactions: List::default(),
        created_at: known(it.created_at, None),
        updated_at: known(it.updated_at, it.created_at),
    }
}

pub(in crate::gitea_dump) fn release(it: &wire::Release) -> Option<Release> {
    Some(Release {
        tag: plain(it.tag_name.clone())?,
        name: plain(it.name.clone()),
        body: text(it.body.clone()),
        author: identity(it.publisher_name.as_ref(), it.publisher_email.as_ref()),
        draft: it.draft.unwrap_or_default(),
        prerelease: it.prerelease.unwrap_or_default(),
        target: plain(it.target_commitish.clone()),
        created_at: time(it.created.as_deref()),
        published_at: time(it.published.as_deref()),
        ..Release::default()
    })
}

pub(in crate::gitea_dump) fn write_release(it: &Release, people: &mut People) -> wire::Release {
    wire::Release {
        tag_name: Some(it.tag.clone()),
        target_commitish: Some(it.target.clone().unwrap_or_default()),
        name: Some(it.name.clone().unwrap_or_default()),
        body: body(it.body.as_ref()),
        draft: Some(it.draft),
        prerelease: Some(it.prerelease),
        publisher_id: people.id(it.author.as_ref()).or(Some(0)),
        publisher_name: login(it.author.as_ref()),
        publisher_email: email(it.author.as_ref()),
        assets: List::default(),
        created: known(it.created_at, it.published_at),
        published: known(it.published_at, it.created_at),
    }
}

pub(in crate::gitea_dump) fn asset(
    it: &wire::Asset,
    tag: &str,
    blob: Option<Blob>,
) -> Option<(String, ReleaseAsset)> {
    let asset = ReleaseAsset {
        release: tag.to_owned(),
        name: plain(it.name.clone())?,
        content_type: plain(it.content_type.clone()),
        blob,
        created_at: time(it.created.as_deref()),
        updated_at: time(it.updated.as_deref()),
        ..ReleaseAsset::default()
    };
    Some((key::asset(tag, &asset.name), asset))
}

/// Writes a file of a release; a link has no place.
pub(in crate::gitea_dump) fn write_asset(it: &ReleaseAsset, place: String) -> Option<wire::Asset> {
    let blob = it.blob.as_ref()?;
    Some(wire::Asset {
        id: Some(key::number(&key::asset(&it.release, &it.name))),
        name: Some(it.name.clone()),
        content_type: it.content_type.clone(),
        size: blob.size,
        download_count: Some(0),
        created: known(it.created_at, None),
        updated: known(it.updated_at, it.created_at),
        download_url: Some(place),
    })
}
