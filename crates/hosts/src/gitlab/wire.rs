//! What the API sends, as far as it is read.
//!
//! Every field may be missing, `null` or of another type than the description
//! says: versions and editions differ. Such a field is absent, and the object stays.

crate::lenient::wire! {
    "snake_case"
    Version { version: String, enterprise: bool, }
    User {
        id: u64, username: String, name: String, email: String, public_email: String,
        state: String, bot: bool, avatar_url: String, bio: String, location: String,
        website_url: String, organization: String, is_admin: bool, created_at: String,
    }
    Access { access_level: u64, }
    Permissions { project_access: Access, group_access: Access, }
    SharedGroup {
        group_id: u64, group_full_path: String, group_access_level: u64, expires_at: String,
    }
    Namespace { id: u64, kind: String, full_path: String, plan: String, }
    Forked { path_with_namespace: String, }
    Statistics { repository_size: u64, wiki_size: u64, }
    Project {
        id: u64, name: String, path_with_namespace: String, description: String,
        visibility: String, default_branch: String, forked_from_project: Forked,
        archived: bool, empty_repo: bool, topics: Vec<String>, tag_list: Vec<String>,
        issues_enabled: bool, merge_requests_enabled: bool, wiki_enabled: bool,
        snippets_enabled: bool, issues_access_level: String, merge_requests_access_level: String,
        wiki_access_level: String, snippets_access_level: String, forking_access_level: String,
        releases_access_level: String, repository_access_level: String, merge_method: String,
        squash_option: String, remove_source_branch_after_merge: bool, permissions: Permissions,
        shared_with_groups: Vec<SharedGroup>, namespace: Namespace, statistics: Statistics,
        builds_access_level: String, created_at: String, updated_at: String,
    }
    Group {
        id: u64, full_path: String, name: String, description: String, visibility: String,
        parent_id: u64, shared_with_groups: Vec<SharedGroup>, created_at: String,
        project_creation_level: String, subgroup_creation_level: String,
        require_two_factor_authentication: bool, lfs_enabled: bool, membership_lock: bool,
        share_with_group_lock: bool,
    }
    Member {
        id: u64, username: String, name: String, state: String, access_level: u64,
        created_at: String, expires_at: String, email: String, membership_state: String,
    }
    Label {
        id: u64, name: String, color: String, description: String, priority: u64,
        is_project_label: bool, archived: bool,
    }
    Milestone {
        id: u64, iid: u64, project_id: u64, group_id: u64, title: String, description: String,
        state: String, start_date: String, due_date: String, created_at: String,
        updated_at: String,
    }
    TimeStats { time_estimate: u64, total_time_spent: u64, }
    Issue {
        id: u64, iid: u64, title: String, description: String, state: String, author: User,
        assignees: Vec<User>, labels: Vec<String>, milestone: Milestone, confidential: bool,
        weight: u64, issue_type: String, time_stats: TimeStats, due_date: String,
        discussion_locked: bool, closed_by: User, user_notes_count: u64, created_at: String,
        updated_at: String, closed_at: String,
    }
    DiffRefs { base_sha: String, head_sha: String, start_sha: String, }
    MergeRequest {
        id: u64, iid: u64, title: String, description: String, state: String, author: User,
        draft: bool, work_in_progress: bool, source_branch: String, target_branch: String,
        source_project_id: u64, target_project_id: u64, sha: String, diff_refs: DiffRefs,
        assignees: Vec<User>, reviewers: Vec<User>, labels: Vec<String>, milestone: Milestone,
        merge_commit_sha: String, squash_commit_sha: String, squash: bool,
        force_remove_source_branch: bool, should_remove_source_branch: bool,
        allow_collaboration: bool, merged_by: User, merge_user: User, closed_by: User,
        discussion_locked: bool, user_notes_count: u64, created_at: String, updated_at: String,
        merged_at: String, closed_at: String,
    }
    LinePlace { r#type: String, line_code: String, old_line: u64, new_line: u64, }
    LineRange { start: LinePlace, end: LinePlace, }
    Position {
        base_sha: String, start_sha: String, head_sha: String, old_path: String,
        new_path: String, position_type: String, old_line: u64, new_line: u64,
        line_range: LineRange,
    }
    Note {
        id: u64, r#type: String, body: String, author: User, system: bool, resolvable: bool,
        resolved: bool, resolved_by: User, resolved_at: String, position: Position,
        confidential: bool, internal: bool, created_at: String, updated_at: String,
    }
    Discussion { id: String, individual_note: bool, notes: Vec<Note>, }
    Award { id: u64, name: String, user: User, created_at: String, }
    /// What happened: state, label and milestone events are alike.
    ResourceEvent {
        id: u64, user: User, created_at: String, state: String, action: String, label: Label,
        milestone: Milestone,
    }
    Approved { user: User, approved_at: String, }
    Approvals { approved_by: Vec<Approved>, }
    Reviewer { user: User, state: String, created_at: String, }
    Commit { id: String, }
    Branch { name: String, commit: Commit, }
    Status {
        id: u64, sha: String, name: String, status: String, description: String,
        target_url: String, r#ref: String, author: User, created_at: String,
        started_at: String, finished_at: String,
    }
    AssetLink {
        id: u64, name: String, url: String, direct_asset_url: String, link_type: String,
    }
    Assets { links: Vec<AssetLink>, }
    Release {
        tag_name: String, name: String, description: String, author: User, commit: Commit,
        milestones: Vec<Milestone>, assets: Assets, created_at: String, released_at: String,
    }
    BoardList { id: u64, label: Label, milestone: Milestone, position: u64, }
    Board {
        id: u64, name: String, milestone: Milestone, labels: Vec<Label>, lists: Vec<BoardList>,
    }
    AccessLevel {
        id: u64, access_level: u64, user_id: u64, group_id: u64, deploy_key_id: u64,
        access_level_description: String,
    }
    ProtectedBranch {
        name: String, push_access_levels: Vec<AccessLevel>, merge_access_levels: Vec<AccessLevel>,
        allow_force_push: bool, code_owner_approval_required: bool,
    }
    ProtectedTag { name: String, create_access_levels: Vec<AccessLevel>, }
    Hook {
        id: u64, url: String, name: String, description: String, push_events: bool,
        push_events_branch_filter: String, enable_ssl_verification: bool, created_at: String,
    }
    DeployKey {
        id: u64, title: String, key: String, fingerprint: String, fingerprint_sha256: String,
        can_push: bool, created_at: String, expires_at: String,
    }
    Variable {
        key: String, environment_scope: String, protected: bool, masked: bool, hidden: bool,
        description: String,
    }
    SnippetFile { path: String, raw_url: String, }
    Snippet {
        id: u64, title: String, description: String, author: User, visibility: String,
        file_name: String, files: Vec<SnippetFile>, created_at: String, updated_at: String,
    }
}
