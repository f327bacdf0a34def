//! Change requests.

use super::{branch_name, identity, path_of, plain, text, time};
use crate::bitbucket_server::wire;
use packhorse_core::model::{
    Branch, ChangeRequest, ChangeRequestState, Grantee, Identity, IdentityKind, ReviewRequest,
};

fn branch(end: Option<wire::Ref>, host: &str) -> Branch {
    let end = end.unwrap_or_default();
    let owner = end.repository.as_ref().and_then(|it| it.project.as_ref());
    let owner = owner.and_then(|it| it.key.clone()).map(|key| match key.strip_prefix('~') {
        Some(name) => Identity::login(name.to_lowercase(), Some(host)),
        None => Identity { kind: IdentityKind::Organization, ..Identity::login(key, Some(host)) },
    });
    Branch {
        name: branch_name(end.id.as_deref(), end.display_id.as_deref()),
        commit: plain(end.latest_commit),
        project: end.repository.as_ref().and_then(path_of),
        owner,
    }
}

/// A change request; who closed it is told by what happened to it.
pub(in crate::bitbucket_server) fn change_request(
    it: wire::PullRequest,
    closer: Option<&wire::User>,
    host: &str,
) -> Option<ChangeRequest> {
    let state = match it.state.as_deref() {
        Some("MERGED") => ChangeRequestState::Merged,
        Some("DECLINED") => ChangeRequestState::Closed,
        Some(_) | None => ChangeRequestState::Open,
    };
    let (is_merged, is_closed) =
        (state == ChangeRequestState::Merged, state != ChangeRequestState::Open);
    let closer = closer.and_then(|it| identity(it, host));
    let asked = it.reviewers.into_iter().flat_map(|it| it.0);
    let asked = asked
        .filter_map(|it| identity(&it.user?, host))
        .map(|who| ReviewRequest { reviewer: Grantee::User(who), ..ReviewRequest::default() });
    let merge_commit = it.properties.and_then(|it| it.merge_commit).and_then(|it| it.id);
    Some(ChangeRequest {
        number: it.id?,
        title: it.title.unwrap_or_default(),
        body: text(it.description),
        author: it.author.and_then(|it| identity(&it.user?, host)),
        state,
        draft: it.draft.unwrap_or_default(),
        base: branch(it.to_ref, host),
        head: branch(it.from_ref, host),
        review_requests: asked.collect(),
        merge_commit: plain(merge_commit).filter(|_| is_merged),
        merged_by: closer.clone().filter(|_| is_merged),
        closed_by: closer.filter(|_| is_closed && !is_merged),
        created_at: time(it.created_date),
        updated_at: time(it.updated_date),
        merged_at: time(it.closed_date).filter(|_| is_merged),
        closed_at: time(it.closed_date).filter(|_| is_closed),
        ..ChangeRequest::default()
    })
}
