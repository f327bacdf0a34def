//! Change requests.

use super::{identity, plain, text, time};
use crate::bitbucket_cloud::wire;
use packhorse_core::model::{Branch, ChangeRequest, ChangeRequestState, Grantee, ReviewRequest};

fn branch(end: Option<wire::End>) -> Branch {
    let end = end.unwrap_or_default();
    Branch {
        name: end.branch.and_then(|it| it.name).unwrap_or_default(),
        commit: end.commit.and_then(|it| plain(it.hash)),
        project: end.repository.and_then(|it| plain(it.full_name)),
        owner: None,
    }
}

pub(in crate::bitbucket_cloud) fn change_request(
    it: wire::PullRequest,
    host: &str,
) -> Option<ChangeRequest> {
    let state = match it.state.as_deref() {
        Some("MERGED") => ChangeRequestState::Merged,
        Some("DECLINED" | "SUPERSEDED") => ChangeRequestState::Closed,
        Some(_) | None => ChangeRequestState::Open,
    };
    let (is_merged, is_closed) =
        (state == ChangeRequestState::Merged, state != ChangeRequestState::Open);
    let closer = it.closed_by.as_ref().and_then(|it| identity(it, host));
    let asked = it.reviewers.into_iter().flat_map(|it| it.0);
    let asked = asked
        .filter_map(|it| identity(&it, host))
        .map(|who| ReviewRequest { reviewer: Grantee::User(who), ..ReviewRequest::default() });
    let ended = time(it.updated_on);
    Some(ChangeRequest {
        number: it.id?,
        title: it.title.unwrap_or_default(),
        body: text(it.description.or_else(|| it.summary.and_then(|it| it.raw))),
        author: it.author.as_ref().and_then(|it| identity(it, host)),
        state,
        draft: it.draft.unwrap_or_default(),
        base: branch(it.destination),
        head: branch(it.source),
        review_requests: asked.collect(),
        merge_commit: it.merge_commit.and_then(|it| plain(it.hash)).filter(|_| is_merged),
        delete_head: it.close_source_branch,
        merged_by: closer.clone().filter(|_| is_merged),
        closed_by: closer.filter(|_| is_closed && !is_merged),
        created_at: time(it.created_on),
        updated_at: ended,
        // The API tells the last change, which closing is as a rule.
        merged_at: ended.filter(|_| is_merged),
        closed_at: ended.filter(|_| is_closed),
        ..ChangeRequest::default()
    })
}
