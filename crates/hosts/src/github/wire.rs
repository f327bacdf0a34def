//! What the API sends, as far as it is read.
//!
//! Every field may be missing or `null`: servers differ in age, and people go.
//! The names are those of GitHub's OpenAPI description and GraphQL schema.

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
    User {
        id: u64, node_id: String, login: String, r#type: String, name: String, email: String,
        avatar_url: String, bio: String, company: String, blog: String, location: String,
        twitter_username: String, site_admin: bool, suspended_at: String, created_at: String,
        role_name: String, permissions: Permissions,
    }
    Permissions { admin: bool, maintain: bool, push: bool, triage: bool, pull: bool, }
    Organization {
        login: String, name: String, description: String, blog: String, location: String,
        email: String, created_at: String,
    }
    Team {
        slug: String, name: String, description: String, privacy: String, permission: String,
        parent: Box<Team>, permissions: Permissions,
    }
    Invitation { id: u64, invitee: User, permissions: String, created_at: String, }
    Repository {
        id: u64, node_id: String, name: String, full_name: String, owner: User,
        description: String, homepage: String, private: bool, visibility: String,
        default_branch: String, parent: Box<Repository>, archived: bool, size: u64,
        is_template: bool, has_issues: bool, has_wiki: bool, has_projects: bool,
        has_downloads: bool, has_discussions: bool, has_pages: bool, allow_forking: bool,
        allow_merge_commit: bool, allow_squash_merge: bool, allow_rebase_merge: bool,
        allow_auto_merge: bool, allow_update_branch: bool, delete_branch_on_merge: bool,
        security_and_analysis: std::collections::BTreeMap<String, Option<Status>>,
        permissions: Permissions, created_at: String, updated_at: String, pushed_at: String,
    }
    Status { status: String, }
    Autolink { id: u64, key_prefix: String, url_template: String, is_alphanumeric: bool, }
    PagesSource { branch: String, path: String, }
    Pages {
        cname: String, public: bool, https_enforced: bool, build_type: String,
        source: PagesSource,
    }
    Actions { enabled: bool, allowed_actions: String, }
    SelectedActions {
        github_owned_allowed: bool, verified_allowed: bool, patterns_allowed: Vec<String>,
    }
    Topics { names: Vec<String>, }
    Label { id: u64, name: String, color: String, description: String, }
    Milestone {
        number: u64, title: String, description: String, creator: User, state: String,
        due_on: String, created_at: String, updated_at: String, closed_at: String,
    }
    Reactions { total_count: u64, }
    IssueType { name: String, }
    SubIssues { total: u64, }
    Issue {
        id: u64, node_id: String, number: u64, title: String, body: String, user: User,
        state: String, state_reason: String, r#type: IssueType, assignees: Vec<User>,
        labels: Vec<Labelled>, milestone: Milestone, locked: bool, active_lock_reason: String,
        reactions: Reactions, sub_issues_summary: SubIssues, closed_by: User,
        pull_request: serde_json::Value, repository_url: String, created_at: String,
        updated_at: String, closed_at: String,
    }
    Comment {
        id: u64, node_id: String, user: User, body: String, issue_url: String, html_url: String,
        reactions: Reactions, created_at: String, updated_at: String,
    }
    CommitComment {
        id: u64, node_id: String, user: User, body: String, commit_id: String, path: String,
        position: u64, line: u64, reactions: Reactions, created_at: String, updated_at: String,
    }
    Reaction { id: u64, user: User, content: String, created_at: String, }
    Branch { r#ref: String, sha: String, user: User, repo: Repository, }
    PullRequest {
        id: u64, node_id: String, number: u64, title: String, body: String, user: User,
        state: String, draft: bool, base: Branch, head: Branch, assignees: Vec<User>,
        requested_reviewers: Vec<User>, requested_teams: Vec<Team>, labels: Vec<Labelled>,
        milestone: Milestone, merge_commit_sha: String, merged_by: User,
        maintainer_can_modify: bool, created_at: String, updated_at: String, merged_at: String,
        closed_at: String,
    }
    Review {
        id: u64, node_id: String, user: User, body: String, state: String, commit_id: String,
        pull_request_url: String, submitted_at: String,
    }
    ReviewComment {
        id: u64, node_id: String, pull_request_review_id: u64, pull_request_url: String,
        in_reply_to_id: u64, user: User, body: String, path: String, commit_id: String,
        original_commit_id: String, diff_hunk: String, position: i64, original_position: i64,
        line: i64, original_line: i64, start_line: i64, original_start_line: i64, side: String,
        start_side: String, subject_type: String, reactions: Reactions, created_at: String,
        updated_at: String,
    }
    Rename { from: String, to: String, }
    DismissedReview { state: String, review_id: u64, dismissal_message: String, }
    Event {
        id: u64, event: String, actor: User, issue: Issue, commit_id: String, commit_url: String,
        label: Label, milestone: Milestone, assignee: User, requested_reviewer: User,
        requested_team: Team, rename: Rename, dismissed_review: DismissedReview,
        created_at: String,
    }
    Release {
        id: u64, tag_name: String, target_commitish: String, name: String, body: String,
        draft: bool, prerelease: bool, author: User, assets: Vec<Asset>, reactions: Reactions,
        created_at: String, published_at: String,
    }
    Asset {
        id: u64, name: String, label: String, content_type: String, size: u64, digest: String,
        state: String, uploader: User, created_at: String, updated_at: String,
    }
    HookConfig { url: String, content_type: String, insecure_ssl: serde_json::Value, secret: String, }
    Hook {
        id: u64, name: String, active: bool, events: Vec<String>, config: HookConfig,
        created_at: String,
    }
    Key { id: u64, key: String, title: String, read_only: bool, created_at: String, }
    Named { name: String, }
    Commit { sha: String, }
    BranchHead { name: String, commit: Commit, protected: bool, }
    CommitStatus {
        id: u64, state: String, context: String, description: String, target_url: String,
        creator: User, created_at: String, updated_at: String,
    }
    Enabled { enabled: bool, }
    Actors { users: Vec<User>, teams: Vec<Team>, }
    RequiredReviews {
        dismiss_stale_reviews: bool, require_code_owner_reviews: bool,
        required_approving_review_count: u64, dismissal_restrictions: Actors,
    }
    RequiredChecks { strict: bool, contexts: Vec<String>, }
    /// What protects one branch, in the words of REST.
    Protection {
        required_pull_request_reviews: RequiredReviews, required_status_checks: RequiredChecks,
        enforce_admins: Enabled, restrictions: Actors, required_signatures: Enabled,
        required_linear_history: Enabled, allow_force_pushes: Enabled, allow_deletions: Enabled,
        required_conversation_resolution: Enabled, lock_branch: Enabled,
    }
    RefName { include: Vec<String>, exclude: Vec<String>, }
    Conditions { ref_name: RefName, }
    BypassActor { actor_id: u64, actor_type: String, bypass_mode: String, }
    Rule { r#type: String, parameters: serde_json::Value, }
    Ruleset {
        id: u64, name: String, target: String, enforcement: String, source_type: String,
        conditions: Conditions, rules: Vec<Rule>, bypass_actors: Vec<BypassActor>,
    }
}

/// A label as issues have it: very old servers tell its name alone.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Labelled {
    /// As it is.
    Label(Label),
    /// Its name.
    Name(String),
}

/// What GraphQL sends.
pub(super) mod graph {
    use serde::Deserialize;

    macro_rules! graph {
        ($($(#[$doc:meta])* $Name:ident { $($field:ident: $Type:ty,)* })+) => {
            $(
                $(#[$doc])*
                #[derive(Clone, Debug, Default, Deserialize)]
                #[serde(default, rename_all = "camelCase")]
                pub(in crate::github) struct $Name {
                    $(pub(in crate::github) $field: Option<$Type>,)*
                }
            )+
        };
    }

    graph! {
        PageInfo { has_next_page: bool, end_cursor: String, }
        Label { name: String, }
        Category { id: String, name: String, emoji: String, description: String, }
        Repository {
            id: String, pull_requests: Connection<PullRequest>,
            discussion_categories: Connection<Category>, discussions: Connection<Discussion>,
            discussion: Discussion, pinned_issues: Connection<Pinned>,
            branch_protection_rules: Connection<Protection>, pull_request: PullRequest,
            name_with_owner: String,
        }
        Numbered { number: u64, repository: NamedRepository, }
        NamedRepository { name_with_owner: String, }
        Pinned { issue: Numbered, }
        PullRequest {
            id: String, number: u64, merged_by: Actor, maintainer_can_modify: bool,
            closing_issues_references: Connection<Numbered>,
            review_threads: Connection<Thread>,
        }
        Thread {
            id: String, is_resolved: bool, is_outdated: bool, resolved_by: Actor,
            comments: Connection<ThreadComment>,
        }
        ThreadComment { full_database_id: String, database_id: u64, }
        Discussion {
            id: String, number: u64, title: String, body: String, author: Actor,
            category: Category, labels: Connection<Label>, answer: DiscussionComment,
            locked: bool, created_at: String, updated_at: String, closed_at: String,
            comments: Connection<DiscussionComment>,
        }
        DiscussionComment {
            id: String, database_id: u64, author: Actor, body: String, created_at: String,
            updated_at: String, replies: Connection<Reply>,
        }
        Reply {
            id: String, database_id: u64, author: Actor, body: String, created_at: String,
            updated_at: String,
        }
        Allowance { actor: Actor, }
        Protection {
            id: String, pattern: String, creator: Actor, is_admin_enforced: bool,
            allows_force_pushes: bool, allows_deletions: bool, requires_approving_reviews: bool,
            required_approving_review_count: u64, dismisses_stale_reviews: bool,
            requires_code_owner_reviews: bool, requires_status_checks: bool,
            required_status_check_contexts: Vec<String>, requires_strict_status_checks: bool,
            requires_commit_signatures: bool, requires_linear_history: bool,
            requires_conversation_resolution: bool, restricts_pushes: bool, lock_branch: bool,
            restricts_review_dismissals: bool, push_allowances: Connection<Allowance>,
            review_dismissal_allowances: Connection<Allowance>,
        }
    }

    /// Somebody, or something that acts.
    #[derive(Clone, Debug, Default, Deserialize)]
    #[serde(default)]
    pub(in crate::github) struct Actor {
        #[serde(rename = "__typename")]
        pub(in crate::github) sort: Option<String>,
        pub(in crate::github) login: Option<String>,
        pub(in crate::github) slug: Option<String>,
        pub(in crate::github) organization: Option<Box<Actor>>,
    }

    /// A page of a listing.
    #[derive(Clone, Debug, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    pub(in crate::github) struct Connection<T> {
        pub(in crate::github) nodes: Option<Vec<Option<T>>>,
        pub(in crate::github) page_info: Option<PageInfo>,
    }

    impl<T> Default for Connection<T> {
        fn default() -> Self {
            Self { nodes: None, page_info: None }
        }
    }

    impl<T> Connection<T> {
        /// What is on the page; who may not see something is shown nothing in its place.
        pub(in crate::github) fn items(self) -> impl Iterator<Item = T> {
            self.nodes.into_iter().flatten().flatten()
        }

        /// Where the next page begins.
        pub(in crate::github) fn next(&self) -> Option<String> {
            let info = self.page_info.as_ref()?;
            info.end_cursor.clone().filter(|_| info.has_next_page == Some(true))
        }
    }
}
