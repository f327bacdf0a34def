//! What the API sends, as far as it is read.

use crate::lenient::{Items, Moment, wire};

wire! {
    "snake_case"
    Account {
        uuid: String, account_id: String, nickname: String, username: String, display_name: String,
        r#type: String, created_on: Moment, account_status: String,
    }
    Workspace { slug: String, name: String, is_private: bool, created_on: Moment, }
    Member { user: Account, permission: String, }
    Group { slug: String, name: String, }
    Permission { user: Account, group: Group, permission: String, }
    BranchName { name: String, merge_strategies: Items<String>, }
    Repository {
        uuid: String, full_name: String, name: String, slug: String, description: String,
        website: String, is_private: bool, parent: Box<Repository>, mainbranch: BranchName,
        has_issues: bool, has_wiki: bool, fork_policy: String, size: u64, created_on: Moment,
        updated_on: Moment,
    }
    Commit { hash: String, parents: Items<Commit>, }
    Branch { name: String, target: Commit, }
    Content { raw: String, }
    End { branch: BranchName, commit: Commit, repository: Repository, }
    Participant { user: Account, role: String, state: String, approved: bool, }
    PullRequest {
        id: u64, title: String, description: String, summary: Content, state: String,
        author: Account, source: End, destination: End, merge_commit: Commit, closed_by: Account,
        close_source_branch: bool, draft: bool, reason: String, created_on: Moment,
        updated_on: Moment, reviewers: Items<Account>, participants: Items<Participant>,
    }
    Inline { from: u64, to: u64, start_from: u64, start_to: u64, path: String, outdated: bool, }
    Parent { id: i64, }
    Resolution { user: Account, created_on: Moment, }
    Comment {
        id: i64, content: Content, user: Account, created_on: Moment, updated_on: Moment,
        deleted: bool, pending: bool, inline: Inline, parent: Parent, resolution: Resolution,
    }
    Task {
        id: i64, content: Content, creator: Account, state: String, created_on: Moment,
        updated_on: Moment, resolved_on: Moment, resolved_by: Account, comment: Parent,
    }
    Changed { old: String, new: String, }
    ChangedPeople { added: Items<Account>, removed: Items<Account>, }
    Changes { reviewers: ChangedPeople, title: Changed, status: Changed, }
    Update {
        state: String, title: String, author: Account, date: Moment, reason: String,
        source: End, destination: End, changes: Changes,
    }
    Verdict { user: Account, date: Moment, }
    Activity { update: Update, approval: Verdict, changes_requested: Verdict, }
    Link { href: String, }
    StatusLinks { commit: Link, }
    Status {
        key: String, state: String, url: String, name: String, description: String,
        refname: String, created_on: Moment, updated_on: Moment, links: StatusLinks,
    }
    Download { name: String, size: u64, user: Account, created_on: Moment, }
    Restriction {
        id: i64, kind: String, pattern: String, branch_match_kind: String, branch_type: String,
        value: u64, users: Items<Account>, groups: Items<Group>,
    }
    ModelBranch { name: String, branch: BranchName, }
    ModelType { kind: String, prefix: String, }
    BranchModel { development: ModelBranch, production: ModelBranch, branch_types: Items<ModelType>, }
    Webhook {
        uuid: String, url: String, description: String, events: Items<String>, active: bool,
        secret_set: bool, skip_cert_verification: bool, created_at: Moment,
    }
    DeployKey { id: i64, key: String, label: String, comment: String, added_on: Moment, }
    Milestone { id: u64, name: String, }
    Issue {
        id: u64, title: String, content: Content, reporter: Account, assignee: Account,
        state: String, kind: String, priority: String, milestone: Milestone,
        component: Milestone, version: Milestone, created_on: Moment, updated_on: Moment,
        edited_on: Moment,
    }
    Attachment { name: String, }
}
