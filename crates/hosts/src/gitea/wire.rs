//! What the API sends, as far as it is read.
//!
//! Every field may be missing or `null`: versions differ, and so do forks.

use serde::Deserialize;

/// Declares answers whose fields are all optional.
macro_rules! wire {
    ($($(#[$doc:meta])* $Name:ident { $($field:ident: $Type:ty,)* })+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, Default, Deserialize)]
            #[serde(default)]
            pub(super) struct $Name { $(pub(super) $field: Option<$Type>,)* }
        )+
    };
}

wire! {
    Settings { max_response_items: u64, }
    Version { version: String, }
    User {
        id: i64, login: String, username: String, full_name: String, email: String,
        avatar_url: String,
        description: String, website: String, location: String, is_admin: bool,
        prohibit_login: bool, created: String,
    }
    Organization {
        id: i64, name: String, username: String, full_name: String, email: String,
        description: String, website: String, location: String, visibility: String,
    }
    Team {
        id: i64, name: String, description: String, permission: String,
        organization: Organization,
    }
    Permission { permission: String, }
    Repository {
        id: i64, name: String, full_name: String, owner: User, description: String,
        website: String, empty: bool, private: bool, internal: bool, fork: bool, template: bool,
        parent: Box<Repository>, archived: bool, archived_at: String, default_branch: String,
        has_issues: bool, has_wiki: bool, has_projects: bool, has_releases: bool,
        has_pull_requests: bool,
        allow_merge_commits: bool, allow_rebase: bool, allow_squash_merge: bool,
        allow_fast_forward_only_merge: bool, allow_rebase_update: bool, allow_manual_merge: bool,
        default_delete_branch_after_merge: bool, size: u64,
        created_at: String, updated_at: String,
    }
    Found { data: Vec<Repository>, }
    FoundUsers { data: Vec<User>, }
    Topics { topics: Vec<String>, }
    Label {
        id: i64, name: String, color: String, description: String, exclusive: bool,
        is_archived: bool,
    }
    Milestone {
        id: u64, title: String, description: String, state: String, created_at: String,
        updated_at: String, closed_at: String, due_on: String,
    }
    Attachment {
        id: i64, name: String, size: u64, uuid: String, created_at: String,
        browser_download_url: String,
    }
    Issue {
        number: u64, user: User, original_author: String, title: String, body: String,
        labels: Vec<Label>, milestone: Milestone, assignees: Vec<User>, state: String,
        is_locked: bool, pin_order: u64, assets: Vec<Attachment>, pull_request: serde_json::Value,
        time_estimate: u64, due_date: String, created_at: String, updated_at: String,
        closed_at: String,
    }
    Comment {
        id: i64, user: User, original_author: String, body: String, issue_url: String,
        pull_request_url: String, assets: Vec<Attachment>, created_at: String, updated_at: String,
    }
    Reaction { user: User, content: String, created_at: String, }
    BranchEnd { commit: Commit, }
    Commit { id: String, }
    Status {
        id: i64, status: String, context: String, description: String, target_url: String,
        creator: User, created_at: String, updated_at: String,
    }
    Branch { r#ref: String, sha: String, repo: Repository, }
    PullRequest {
        number: u64, user: User, title: String, body: String, labels: Vec<Label>,
        milestone: Milestone, assignees: Vec<User>, requested_reviewers: Vec<User>,
        requested_reviewers_teams: Vec<Team>, state: String, draft: bool, merged: bool,
        merged_at: String, merge_commit_sha: String, merged_by: User,
        allow_maintainer_edit: bool, base: Branch, head: Branch, merge_base: String,
        created_at: String, updated_at: String, closed_at: String,
    }
    Review {
        id: i64, user: User, state: String, body: String, commit_id: String, dismissed: bool,
        comments_count: u64, submitted_at: String,
    }
    ReviewComment {
        id: i64, user: User, body: String, resolver: User, pull_request_review_id: i64,
        path: String, commit_id: String, original_commit_id: String, diff_hunk: String,
        position: u64, original_position: u64, created_at: String, updated_at: String,
    }
    Event {
        id: i64, r#type: String, user: User, body: String, old_title: String, new_title: String,
        old_ref: String, new_ref: String, label: Label, milestone: Milestone,
        old_milestone: Milestone, assignee: User, removed_assignee: bool, ref_commit_sha: String,
        created_at: String,
    }
    Release {
        id: i64, tag_name: String, target_commitish: String, name: String, body: String,
        draft: bool, prerelease: bool, author: User, assets: Vec<Attachment>, created_at: String,
        published_at: String,
    }
    BranchProtection {
        rule_name: String, branch_name: String, enable_push: bool, enable_push_whitelist: bool,
        push_whitelist_usernames: Vec<String>, push_whitelist_teams: Vec<String>,
        enable_force_push: bool, enable_merge_whitelist: bool,
        merge_whitelist_usernames: Vec<String>, merge_whitelist_teams: Vec<String>,
        enable_status_check: bool, status_check_contexts: Vec<String>, required_approvals: u64,
        dismiss_stale_approvals: bool, require_signed_commits: bool,
        block_on_outdated_branch: bool, block_admin_merge_override: bool,
    }
    TagProtection {
        id: i64, name_pattern: String, whitelist_usernames: Vec<String>,
        whitelist_teams: Vec<String>,
    }
    HookConfig { url: String, content_type: String, }
    Hook {
        id: i64, branch_filter: String, config: HookConfig, events: Vec<String>, active: bool,
        created_at: String,
    }
    Key {
        id: i64, key: String, title: String, fingerprint: String, read_only: bool,
        created_at: String,
    }
}
