//! What the API sends, as far as it is read.

use crate::lenient::{Items, Moment, wire};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A path, written as a text or in its parts.
#[derive(Clone, Debug)]
pub(super) struct PathText(pub(super) String);

impl<'de> Deserialize<'de> for PathText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fail = || serde::de::Error::custom("no path");
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self(text)),
            Value::Object(parts) => {
                let parts = parts.get("components").and_then(Value::as_array).ok_or_else(fail)?;
                let parts: Vec<&str> = parts.iter().filter_map(Value::as_str).collect();
                Ok(Self(parts.join("/")))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => Err(fail()),
        }
    }
}

wire! {
    "camelCase"
    Application { version: String, display_name: String, }
    User {
        id: i64, name: String, slug: String, display_name: String, email_address: String,
        active: bool, r#type: String,
    }
    Group { name: String, }
    Project {
        key: String, id: i64, name: String, description: String, public: bool, r#type: String,
    }
    Permitted { permitted: bool, }
    Repository {
        id: i64, slug: String, name: String, description: String, project: Project, public: bool,
        archived: bool, forkable: bool, origin: Box<Repository>, state: String,
        default_branch: String,
    }
    Branch { id: String, display_id: String, latest_commit: String, is_default: bool, }
    Strategy { id: String, enabled: bool, }
    MergeConfig { strategies: Items<Strategy>, }
    PullRequestSettings {
        merge_config: MergeConfig, required_approvers: Value, required_all_approvers: bool,
        required_all_tasks_complete: bool, required_successful_builds: Value,
    }
    Permission { user: User, group: Group, permission: String, }
    Label { name: String, }
    Ref { id: String, display_id: String, latest_commit: String, repository: Repository, }
    Participant { user: User, role: String, status: String, last_reviewed_commit: String, }
    Commit { id: String, }
    CommitParents { parents: Items<Commit>, }
    RestrictionScope { r#type: String, }
    PullRequestProperties { merge_commit: Commit, }
    PullRequest {
        id: u64, version: i64, title: String, description: String, state: String, draft: bool,
        created_date: Moment, updated_date: Moment, closed_date: Moment, from_ref: Ref,
        to_ref: Ref, author: Participant, reviewers: Items<Participant>,
        participants: Items<Participant>, properties: PullRequestProperties,
    }
    Lines { start_line: u64, start_line_type: String, }
    Anchor {
        from_hash: String, to_hash: String, line: u64, line_type: String, file_type: String,
        path: PathText, src_path: PathText, diff_type: String, orphaned: bool,
        multiline_marker: Lines,
    }
    Emoticon { shortcut: String, value: String, }
    Reaction { emoticon: Emoticon, users: Items<User>, }
    CommentProperties { reactions: Items<Reaction>, }
    Task { id: i64, author: User, text: String, state: String, created_date: Moment, }
    Comment {
        id: i64, version: i64, text: String, author: User, created_date: Moment,
        updated_date: Moment, comments: Items<Comment>, tasks: Items<Task>, severity: String,
        state: String, resolver: User, resolved_date: Moment, thread_resolved: bool,
        thread_resolver: User, thread_resolved_date: Moment, properties: CommentProperties,
        anchor: Anchor,
    }
    Activity {
        id: i64, created_date: Moment, user: User, action: String, comment_action: String,
        comment: Comment, comment_anchor: Anchor, commit: Commit, added_reviewers: Items<User>,
        removed_reviewers: Items<User>, from_hash: String, previous_from_hash: String,
        to_hash: String, previous_to_hash: String,
    }
    MatcherType { id: String, }
    Matcher { id: String, display_id: String, r#type: MatcherType, }
    RestrictionKey { key: KeyText, }
    Restriction {
        id: i64, r#type: String, matcher: Matcher, users: Items<User>, groups: Items<String>,
        access_keys: Items<RestrictionKey>, scope: RestrictionScope,
    }
    Condition {
        id: i64, target_ref_matcher: Matcher, reviewers: Items<User>, required_approvals: u64,
    }
    ModelBranch { ref_id: String, display_id: String, }
    ModelType { id: String, prefix: String, }
    BranchModel { development: ModelBranch, production: ModelBranch, types: Items<ModelType>, }
    HookConfiguration { secret: String, }
    Webhook {
        id: i64, name: String, url: String, events: Items<String>, active: bool,
        created_date: Moment, configuration: HookConfiguration, ssl_verification_required: bool,
    }
    KeyText {
        id: i64, text: String, label: String, fingerprint: String, created_date: Moment,
        expiry_days: i64,
    }
    AccessKey { key: KeyText, permission: String, }
    BuildStatus {
        key: String, state: String, url: String, name: String, description: String,
        date_added: Moment, created_date: Moment, updated_date: Moment, r#ref: String,
    }
}
