//! Change requests and verdicts on them.

use super::{identities, identity, milestone_number, plain, text, time};
use crate::gitlab::wire;
use packhorse_core::model::{
    Branch, ChangeRequest, ChangeRequestState, Grantee, Review, ReviewRequest, Verdict,
};

/// What stands before the title of a change request that is not ready.
///
/// Source: GitLab, "Draft merge requests"; `WIP:` until version 14.
const DRAFTS: [&str; 7] = ["Draft: ", "[Draft] ", "(Draft) ", "Draft:", "WIP: ", "[WIP] ", "WIP:"];

/// A title without the mark of a draft, which is a field of its own.
fn title_of(title: Option<String>, is_draft: bool) -> String {
    let title = title.unwrap_or_default();
    let bare = DRAFTS.iter().find_map(|mark| {
        let head = title.get(..mark.len())?;
        head.eq_ignore_ascii_case(mark).then(|| title[mark.len()..].trim_start().to_owned())
    });
    bare.filter(|it| is_draft && !it.is_empty()).unwrap_or(title)
}

/// Maps a change request; `head_project` is the path of the project that the head is in.
pub(in crate::gitlab) fn change_request(
    it: wire::MergeRequest,
    (project, head_project): (&str, Option<String>),
    host: &str,
) -> Option<ChangeRequest> {
    let state = match it.state.as_deref() {
        Some("merged") => ChangeRequestState::Merged,
        Some("closed") => ChangeRequestState::Closed,
        // `locked` is one that is being merged.
        Some(_) | None => ChangeRequestState::Open,
    };
    let is_merged = state == ChangeRequestState::Merged;
    let draft = it.draft.or(it.work_in_progress).unwrap_or_default();
    let refs = it.diff_refs.unwrap_or_default();
    let asked = |who| ReviewRequest { reviewer: Grantee::User(who), ..ReviewRequest::default() };
    let closed_by = it.closed_by.as_ref().and_then(|it| identity(it, host));
    Some(ChangeRequest {
        number: it.iid?,
        title: title_of(it.title, draft),
        body: text(it.description),
        author: it.author.as_ref().and_then(|it| identity(it, host)),
        state,
        draft,
        base: Branch {
            name: it.target_branch.unwrap_or_default(),
            commit: plain(refs.base_sha),
            project: Some(project.to_owned()),
            owner: None,
        },
        head: Branch {
            name: it.source_branch.unwrap_or_default(),
            commit: plain(refs.head_sha).or_else(|| plain(it.sha)),
            project: head_project,
            owner: None,
        },
        assignees: identities(it.assignees.as_ref(), host),
        review_requests: identities(it.reviewers.as_ref(), host).into_iter().map(asked).collect(),
        labels: it.labels.unwrap_or_default(),
        milestone: it.milestone.as_ref().and_then(milestone_number),
        merge_commit: plain(it.merge_commit_sha).filter(|_| is_merged),
        squash_commit: plain(it.squash_commit_sha).filter(|_| is_merged),
        squash: it.squash,
        delete_head: it.force_remove_source_branch.or(it.should_remove_source_branch),
        maintainers_may_push: it.allow_collaboration,
        merged_by: it.merge_user.or(it.merged_by).and_then(|it| identity(&it, host)),
        closed_by,
        created_at: time(it.created_at.as_deref()),
        updated_at: time(it.updated_at.as_deref()),
        merged_at: time(it.merged_at.as_deref()),
        closed_at: time(it.closed_at.as_deref()),
        ..ChangeRequest::default()
    })
}

/// An approval as a review, and whose it is.
pub(in crate::gitlab) fn approval(
    it: wire::Approved,
    change_request: u64,
    host: &str,
) -> Option<(String, Review)> {
    let who = identity(&it.user?, host)?;
    let at = time(it.approved_at.as_deref());
    let login = who.login.clone();
    let review = Review {
        change_request,
        author: Some(who),
        verdict: Verdict::Approved,
        created_at: at,
        submitted_at: at,
        ..Review::default()
    };
    Some((login, review))
}

/// A reviewer's demand for changes as a review, and whose it is; other states are no verdicts.
pub(in crate::gitlab) fn demand(
    it: wire::Reviewer,
    change_request: u64,
    host: &str,
) -> Option<(String, Review)> {
    if it.state.as_deref() != Some("requested_changes") {
        return None;
    }
    let who = identity(&it.user?, host)?;
    let login = who.login.clone();
    let verdict = Verdict::ChangesRequested;
    Some((login, Review { change_request, author: Some(who), verdict, ..Review::default() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_of_a_draft_is_a_field_and_not_part_of_the_title() {
        let title = |text: &str, draft| title_of(Some(text.into()), draft);

        assert_eq!(title("Draft: add it", true), "add it");
        assert_eq!(title("WIP: add it", true), "add it");
        assert_eq!(title("draft:add it", true), "add it");
        assert_eq!(title("Draft: ", true), "Draft: ");
        assert_eq!(title("Draft: it is a word", false), "Draft: it is a word");
        assert_eq!(title("é", true), "é");
    }

    #[test]
    fn a_commit_that_merging_would_make_is_not_told() {
        let json = r#"{"iid":1,"state":"opened","merge_commit_sha":"abc","sha":"def"}"#;

        let found =
            change_request(serde_json::from_str(json).unwrap(), ("a/b", None), "h").unwrap();

        assert_eq!((found.merge_commit, found.head.commit.as_deref()), (None, Some("def")));
        assert_eq!(found.state, ChangeRequestState::Open);
    }
}
