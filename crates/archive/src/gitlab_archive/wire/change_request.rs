//! Merge requests.

use super::{Award, LabelEvent, LabelLink, Milestone, MilestoneEvent, Note, StateEvent, Word};
use crate::wire::{List, wire};

wire! {
    /// A merge request, with everything that hangs on it.
    struct MergeRequest {
        id: Option<u64>,
        iid: Option<u64>,
        target_branch: Option<String>,
        source_branch: Option<String>,
        source_project_id: Option<u64>,
        author_id: Option<u64>,
        assignee_id: Option<u64>,
        title: Option<String>,
        created_at: Option<String>,
        updated_at: Option<String>,
        state: Word,
        merge_status: Option<String>,
        target_project_id: Option<u64>,
        description: Option<String>,
        merge_params: Option<MergeParams>,
        merge_user_id: Option<u64>,
        merge_commit_sha: Option<String>,
        squash_commit_sha: Option<String>,
        squash: Option<bool>,
        draft: Option<bool>,
        time_estimate: Option<u64>,
        discussion_locked: Option<bool>,
        allow_maintainer_to_push: Option<bool>,
        diff_head_sha: Option<String>,
        source_branch_sha: Option<String>,
        target_branch_sha: Option<String>,
        approvals: List<Approval>,
        metrics: Option<Metrics>,
        award_emoji: List<Award>,
        merge_request_assignees: List<Assignee>,
        merge_request_reviewers: List<Reviewer>,
        notes: List<Note>,
        merge_request_diff: Option<Diff>,
        label_links: List<LabelLink>,
        milestone: Option<Milestone>,
        resource_label_events: List<LabelEvent>,
        resource_milestone_events: List<MilestoneEvent>,
        resource_state_events: List<StateEvent>,
    }
    nested {
        "merge_params": MergeParams, "approvals": Approval, "metrics": Metrics,
        "award_emoji": Award, "merge_request_assignees": Assignee,
        "merge_request_reviewers": Reviewer, "notes": Note, "merge_request_diff": Diff,
        "label_links": LabelLink, "milestone": Milestone, "resource_label_events": LabelEvent,
        "resource_milestone_events": MilestoneEvent, "resource_state_events": StateEvent,
    }
    lost { "merge_status", "time_estimate" }

    /// How it is to be merged.
    struct MergeParams {
        force_remove_source_branch: Word,
    }

    /// Who merged and closed it, and when.
    struct Metrics {
        merged_at: Option<String>,
        merged_by_id: Option<u64>,
        latest_closed_at: Option<String>,
        latest_closed_by_id: Option<u64>,
        created_at: Option<String>,
        updated_at: Option<String>,
    }

    /// Somebody's consent.
    struct Approval {
        id: Option<u64>,
        user_id: Option<u64>,
        created_at: Option<String>,
        updated_at: Option<String>,
    }

    /// Somebody who works on an issue.
    struct Person {
        user_id: Option<u64>,
    }

    /// Somebody who works on a merge request.
    struct Assignee {
        user_id: Option<u64>,
        created_at: Option<String>,
    }

    /// Somebody who was asked for a review.
    struct Reviewer {
        user_id: Option<u64>,
        created_at: Option<String>,
        state: Word,
    }

    /// What a merge request changes.
    struct Diff {
        state: Word,
        created_at: Option<String>,
        updated_at: Option<String>,
        base_commit_sha: Option<String>,
        real_size: Option<String>,
        head_commit_sha: Option<String>,
        start_commit_sha: Option<String>,
        commits_count: Option<u64>,
        files_count: Option<u64>,
        sorted: Option<bool>,
        diff_type: Word,
        // Git has them; they may be long, and are never held.
        #[serde(skip_deserializing)]
        merge_request_diff_commits: List<DiffCommit>,
        #[serde(skip_deserializing)]
        merge_request_diff_files: List<DiffFile>,
    }

    /// A commit of a merge request.
    struct DiffCommit {
        authored_date: Option<String>,
        committed_date: Option<String>,
        relative_order: Option<u64>,
        sha: Option<String>,
        message: Option<String>,
        trailers: Option<serde_json::Map<String, serde_json::Value>>,
        commit_author: Option<Signature>,
        committer: Option<Signature>,
    }

    /// Who made a commit.
    struct Signature {
        name: Option<String>,
        email: Option<String>,
    }

    /// A file that a merge request changes.
    struct DiffFile {
        relative_order: Option<u64>,
        new_file: Option<bool>,
        renamed_file: Option<bool>,
        deleted_file: Option<bool>,
        too_large: Option<bool>,
        a_mode: Option<String>,
        b_mode: Option<String>,
        new_path: Option<String>,
        old_path: Option<String>,
        binary: Option<bool>,
        utf8_diff: Option<String>,
    }
}
