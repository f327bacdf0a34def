//! The project, what is in it once, and what guards it.

use super::{Award, Note, Word};
use crate::wire::{List, wire};

wire! {
    /// The project's own attributes, of `tree/project.json`.
    struct Project {
        description: Option<String>,
        visibility_level: Option<u64>,
        archived: Option<bool>,
        merge_requests_rebase_enabled: Option<bool>,
        merge_requests_ff_only_enabled: Option<bool>,
        remove_source_branch_after_merge: Option<bool>,
        lfs_enabled: Option<bool>,
        topics: List<String>,
        tag_list: List<String>,
    }
    lost { "lfs_enabled" }

    /// Where an archive of ours is from, of `packhorse.json`.
    struct Origin {
        path: Option<String>,
        name: Option<String>,
        default_branch: Option<String>,
    }

    /// A group's own attributes.
    struct Group {
        id: Option<u64>,
        name: Option<String>,
        path: Option<String>,
        parent_id: Option<u64>,
        description: Option<String>,
        membership_lock: Option<bool>,
        share_with_group_lock: Option<bool>,
        visibility_level: Option<u64>,
        lfs_enabled: Option<bool>,
        require_two_factor_authentication: Option<bool>,
        #[serde(skip_serializing)]
        created_at: Option<String>,
    }

    /// What is switched on: 0 off, 10 for members, 20 for everybody.
    struct Feature {
        merge_requests_access_level: Option<u64>,
        issues_access_level: Option<u64>,
        wiki_access_level: Option<u64>,
        snippets_access_level: Option<u64>,
        builds_access_level: Option<u64>,
        repository_access_level: Option<u64>,
        forking_access_level: Option<u64>,
        releases_access_level: Option<u64>,
        created_at: Option<String>,
        updated_at: Option<String>,
    }
    lost { "merge_requests_access_level", "snippets_access_level", "repository_access_level" }

    /// A label.
    struct Label {
        title: Option<String>,
        color: Option<String>,
        project_id: Option<u64>,
        created_at: Option<String>,
        updated_at: Option<String>,
        template: Option<bool>,
        description: Option<String>,
        group_id: Option<u64>,
        r#type: Option<String>,
        priorities: List<Priority>,
    }
    nested { "priorities": Priority }
    lost { "project_id", "template" }

    /// A label's rank in a project.
    struct Priority {
        project_id: Option<u64>,
        priority: Option<u64>,
        created_at: Option<String>,
        updated_at: Option<String>,
    }

    /// A milestone; of a group, where that has an id.
    struct Milestone {
        id: Option<u64>,
        title: Option<String>,
        project_id: Option<u64>,
        description: Option<String>,
        due_date: Option<String>,
        created_at: Option<String>,
        updated_at: Option<String>,
        state: Word,
        iid: Option<u64>,
        start_date: Option<String>,
        group_id: Option<u64>,
    }
    lost { "project_id" }

    /// Somebody's role.
    struct Member {
        access_level: Option<u64>,
        source_id: Option<u64>,
        source_type: Option<String>,
        user_id: Option<u64>,
        notification_level: Option<u64>,
        created_at: Option<String>,
        updated_at: Option<String>,
        created_by_id: Option<u64>,
        invite_email: Option<String>,
        requested_at: Option<String>,
        expires_at: Option<String>,
        user: Option<MemberUser>,
    }
    nested { "user": MemberUser }
    lost { "source_id", "notification_level", "created_by_id" }

    /// Who has a role.
    struct MemberUser {
        id: Option<u64>,
        public_email: Option<String>,
        username: Option<String>,
        #[serde(skip_serializing)]
        email: Option<String>,
        #[serde(skip_serializing)]
        name: Option<String>,
    }

    /// Somebody who did something in the project.
    struct Contribution {
        id: Option<u64>,
        public_email: Option<String>,
        username: Option<String>,
        name: Option<String>,
    }

    /// A release.
    struct Release {
        tag: Option<String>,
        description: Option<String>,
        project_id: Option<u64>,
        created_at: Option<String>,
        updated_at: Option<String>,
        author_id: Option<u64>,
        name: Option<String>,
        sha: Option<String>,
        released_at: Option<String>,
        links: List<Link>,
        milestone_releases: List<MilestoneRelease>,
    }
    nested { "links": Link, "milestone_releases": MilestoneRelease }
    lost { "project_id", "updated_at" }

    /// A link of a release.
    struct Link {
        url: Option<String>,
        name: Option<String>,
        created_at: Option<String>,
        updated_at: Option<String>,
        filepath: Option<String>,
        link_type: Word,
    }
    lost { "filepath", "link_type" }

    /// A milestone of a release.
    struct MilestoneRelease {
        milestone: Option<Milestone>,
    }
    nested { "milestone": Milestone }

    /// A snippet.
    struct Snippet {
        id: Option<u64>,
        title: Option<String>,
        content: Option<String>,
        author_id: Option<u64>,
        project_id: Option<u64>,
        created_at: Option<String>,
        updated_at: Option<String>,
        file_name: Option<String>,
        visibility_level: Option<u64>,
        description: Option<String>,
        award_emoji: List<Award>,
        notes: List<Note>,
    }
    nested { "award_emoji": Award, "notes": Note }
    lost { "project_id" }

    /// Rules for branches.
    struct ProtectedBranch {
        project_id: Option<u64>,
        name: Option<String>,
        created_at: Option<String>,
        updated_at: Option<String>,
        code_owner_approval_required: Option<bool>,
        allow_force_push: Option<bool>,
        merge_access_levels: List<Level>,
        push_access_levels: List<Level>,
    }
    nested { "merge_access_levels": Level, "push_access_levels": Level }
    lost { "project_id" }

    /// Rules for tags.
    struct ProtectedTag {
        project_id: Option<u64>,
        name: Option<String>,
        created_at: Option<String>,
        updated_at: Option<String>,
        create_access_levels: List<Level>,
    }
    nested { "create_access_levels": Level }
    lost { "project_id" }

    /// Who a rule lets through.
    struct Level {
        access_level: Option<u64>,
        created_at: Option<String>,
        updated_at: Option<String>,
        user_id: Option<u64>,
        group_id: Option<u64>,
    }

    /// A board.
    struct Board {
        id: Option<u64>,
        project_id: Option<u64>,
        created_at: Option<String>,
        updated_at: Option<String>,
        name: Option<String>,
        hide_backlog_list: Option<bool>,
        hide_closed_list: Option<bool>,
        milestone: Option<Milestone>,
        lists: List<BoardList>,
    }
    nested { "milestone": Milestone, "lists": BoardList }
    lost { "project_id", "hide_backlog_list", "hide_closed_list" }

    /// A column of a board.
    struct BoardList {
        list_type: Word,
        position: Option<u64>,
        created_at: Option<String>,
        updated_at: Option<String>,
        label: Option<Label>,
        milestone: Option<Milestone>,
    }
    nested { "label": Label, "milestone": Milestone }

    /// A run of builds.
    struct Pipeline {
        r#ref: Option<String>,
        sha: Option<String>,
        stages: List<Stage>,
    }
    nested { "stages": Stage }

    /// A stage of a run.
    struct Stage {
        statuses: List<Status>,
        builds: List<Status>,
        generic_commit_statuses: List<Status>,
        bridges: List<Status>,
    }
    nested {
        "statuses": Status, "builds": Status, "generic_commit_statuses": Status, "bridges": Status,
    }

    /// What a build said.
    struct Status {
        id: Option<u64>,
        status: Word,
        name: Option<String>,
        description: Option<String>,
        target_url: Option<String>,
        r#ref: Option<String>,
        user_id: Option<u64>,
        created_at: Option<String>,
        finished_at: Option<String>,
    }
}
