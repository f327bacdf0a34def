//! Change requests.

use super::{
    super::{people::People, wire},
    body, identities,
    issue::{Known, labels, links},
    milestone_number, owned, plain, text, time, told,
};
use packhorse_core::model::{
    Branch, ChangeRequest, ChangeRequestState, Grantee, Identity, ReviewRequest,
};

/// What stands before the title of a change request that is not ready.
///
/// Source: GitLab, "Draft merge requests"; `WIP:` until version 14.
const DRAFTS: [&str; 7] = ["Draft: ", "[Draft] ", "(Draft) ", "Draft:", "WIP: ", "[WIP] ", "WIP:"];

/// A title without the mark of a draft, and whether it had one.
fn title_of(title: &str) -> (String, bool) {
    let bare = DRAFTS.iter().find_map(|mark| {
        let head = title.get(..mark.len())?;
        head.eq_ignore_ascii_case(mark).then(|| title[mark.len()..].trim_start())
    });
    match bare.filter(|it| !it.is_empty()) {
        Some(bare) => (bare.to_owned(), true),
        None => (title.to_owned(), false),
    }
}

/// The project's id in its archive: it says which end of a change request is elsewhere.
pub(in super::super) const OWN_PROJECT: u64 = 1;
const OTHER_PROJECT: u64 = 2;

/// Reads a change request, without what hangs on it.
pub(in super::super) fn read(
    it: &wire::MergeRequest,
    project: &str,
    people: &People,
) -> Option<ChangeRequest> {
    // Numbers are of the column as it is.
    let state = match it.state.as_deref() {
        Some("merged" | "3") => ChangeRequestState::Merged,
        Some("closed" | "2") => ChangeRequestState::Closed,
        // `locked` is one that is being merged.
        Some(_) | None => ChangeRequestState::Open,
    };
    let (title, is_draft) = title_of(it.title.as_deref().unwrap_or_default());
    let diff = it.merge_request_diff.clone().unwrap_or_default();
    let metrics = it.metrics.clone().unwrap_or_default();
    let is_own = it.source_project_id.is_none() || it.source_project_id == it.target_project_id;
    let mut assignees: Vec<_> = it.merge_request_assignees.0.iter().map(|it| it.user_id).collect();
    if assignees.is_empty() {
        assignees.push(it.assignee_id);
    }
    let asked = it.merge_request_reviewers.0.iter().filter_map(|it| {
        let reviewer = Grantee::User(people.identity(it.user_id)?);
        let created_at = time(it.created_at.as_deref());
        Some(ReviewRequest { reviewer, created_at, ..ReviewRequest::default() })
    });
    let own = || Some(project.to_owned());
    Some(ChangeRequest {
        number: it.iid?,
        title,
        body: text(it.description.clone()),
        author: people.identity(it.author_id),
        state,
        draft: it.draft.unwrap_or(is_draft),
        base: Branch {
            name: it.target_branch.clone().unwrap_or_default(),
            commit: plain(diff.base_commit_sha).or_else(|| plain(diff.start_commit_sha)),
            project: own(),
            owner: None,
        },
        head: Branch {
            name: it.source_branch.clone().unwrap_or_default(),
            commit: plain(diff.head_commit_sha)
                .or_else(|| plain(it.diff_head_sha.clone()))
                .or_else(|| plain(it.source_branch_sha.clone())),
            project: own().filter(|_| is_own),
            owner: None,
        },
        assignees: identities(assignees.into_iter(), people),
        review_requests: asked.collect(),
        labels: labels(&it.label_links),
        milestone: it.milestone.as_ref().and_then(milestone_number),
        merge_commit: plain(it.merge_commit_sha.clone()),
        squash_commit: plain(it.squash_commit_sha.clone()),
        squash: it.squash,
        delete_head: it.merge_params.as_ref().and_then(removes_head),
        maintainers_may_push: it.allow_maintainer_to_push,
        merged_by: people.identity(metrics.merged_by_id.or(it.merge_user_id)),
        closed_by: people.identity(metrics.latest_closed_by_id),
        created_at: time(it.created_at.as_deref()),
        updated_at: time(it.updated_at.as_deref()),
        merged_at: time(metrics.merged_at.as_deref()),
        closed_at: time(metrics.latest_closed_at.as_deref()),
        ..ChangeRequest::default()
    })
}

fn removes_head(it: &wire::MergeParams) -> Option<bool> {
    it.force_remove_source_branch.as_deref().map(|it| matches!(it, "1" | "true"))
}

/// The two ends of a diff; its commits and files are found in the repository.
fn write_diff(it: &ChangeRequest) -> wire::Diff {
    wire::Diff {
        state: wire::Word::of("collected"),
        created_at: told(it.created_at),
        updated_at: told(it.updated_at),
        base_commit_sha: it.base.commit.clone(),
        head_commit_sha: it.head.commit.clone(),
        start_commit_sha: it.base.commit.clone(),
        sorted: Some(true),
        diff_type: wire::Word::of("regular"),
        ..wire::Diff::default()
    }
}

/// Writes a change request, without what hangs on it; its diff has ends alone.
pub(in super::super) fn write(
    it: &ChangeRequest,
    project: &str,
    known: &Known<'_>,
    people: &mut People,
) -> wire::MergeRequest {
    let state = match it.state {
        ChangeRequestState::Open => "opened",
        ChangeRequestState::Closed => "closed",
        ChangeRequestState::Merged => "merged",
    };
    let is_own = it.head.project.as_deref() == Some(project);
    let at = |it: &Option<_>| told(*it);
    let mut id = |who: &Identity| Some(people.id(who));
    let assignee = |who| wire::Assignee { user_id: id(who), created_at: at(&it.created_at) };
    let assignees = it.assignees.iter().map(assignee).collect();
    let reviewers = it.review_requests.iter().filter_map(|request| match &request.reviewer {
        Grantee::User(who) => Some(wire::Reviewer {
            user_id: id(who),
            created_at: at(&request.created_at),
            state: wire::Word::of("unreviewed"),
        }),
        Grantee::Team { .. } | Grantee::Group(_) => None,
    });
    let reviewers = reviewers.collect();
    let bare = |text: &str| title_of(text).1;
    let title = if it.draft && !bare(&it.title) {
        format!("Draft: {}", it.title)
    } else {
        it.title.clone()
    };
    let merged_by = people.id_of(it.merged_by.as_ref());
    wire::MergeRequest {
        id: Some(it.number),
        iid: Some(it.number),
        target_branch: Some(it.base.name.clone()),
        source_branch: Some(it.head.name.clone()),
        source_project_id: Some(if is_own { OWN_PROJECT } else { OTHER_PROJECT }),
        author_id: people.id_of(it.author.as_ref()),
        title: Some(title),
        created_at: at(&it.created_at),
        updated_at: at(&it.updated_at),
        state: wire::Word::of(state),
        merge_status: owned("unchecked"),
        target_project_id: Some(OWN_PROJECT),
        description: body(it.body.as_ref()),
        merge_params: it.delete_head.map(|removes| wire::MergeParams {
            force_remove_source_branch: wire::Word::of(if removes { "1" } else { "0" }),
        }),
        merge_user_id: merged_by,
        merge_commit_sha: it.merge_commit.clone(),
        squash_commit_sha: it.squash_commit.clone(),
        squash: it.squash,
        draft: Some(it.draft),
        allow_maintainer_to_push: it.maintainers_may_push,
        diff_head_sha: it.head.commit.clone(),
        source_branch_sha: it.head.commit.clone(),
        target_branch_sha: it.base.commit.clone(),
        metrics: Some(wire::Metrics {
            merged_at: at(&it.merged_at),
            merged_by_id: merged_by,
            latest_closed_at: at(&it.closed_at),
            latest_closed_by_id: people.id_of(it.closed_by.as_ref()),
            created_at: at(&it.created_at),
            updated_at: at(&it.updated_at),
        }),
        merge_request_assignees: assignees,
        merge_request_reviewers: reviewers,
        merge_request_diff: Some(write_diff(it)),
        label_links: links(&it.labels, "MergeRequest", it.created_at, known.label),
        milestone: known.milestone(it.milestone),
        ..wire::MergeRequest::default()
    }
}
