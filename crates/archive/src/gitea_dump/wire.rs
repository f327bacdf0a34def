//! The elements of the files, as Gitea's YAML has them.
//!
//! Source: Gitea, `modules/migration/*.go`, whose fields are keys in small letters where no other
//! name is said; `services/migrations/dump.go` for `repo.yml` and `topic.yml`.

use crate::wire::{List, wire};

wire! {
    /// `repo.yml`.
    struct Repository {
        name: Option<String>,
        owner: Option<String>,
        description: Option<String>,
        clone_addr: Option<String>,
        original_url: Option<String>,
        is_private: Option<bool>,
        service_type: Option<u64>,
        wiki: Option<bool>,
        issues: Option<bool>,
        milestones: Option<bool>,
        labels: Option<bool>,
        releases: Option<bool>,
        comments: Option<bool>,
        pulls: Option<bool>,
        assets: Option<bool>,
        default_branch: Option<String>,
    }

    /// `topic.yml`.
    struct Topics {
        topics: List<String>,
    }

    /// `packhorse.yml`, which is ours: what has no key elsewhere.
    struct Own {
        milestones: List<u64>,
        numbered_above: u64,
        bare_reviews: List<u64>,
        people: std::collections::BTreeMap<i64, String>,
    }

    /// An element of `milestone.yml`.
    struct Milestone {
        title: Option<String>,
        description: Option<String>,
        deadline: Option<String>,
        created: Option<String>,
        updated: Option<String>,
        closed: Option<String>,
        state: Option<String>,
    }

    /// An element of `label.yml`.
    struct Label {
        name: Option<String>,
        color: Option<String>,
        description: Option<String>,
        exclusive: Option<bool>,
    }

    /// A reaction, within what it is to.
    struct Reaction {
        user_id: Option<i64>,
        user_name: Option<String>,
        content: Option<String>,
    }

    /// An element of `issue.yml`.
    struct Issue {
        number: Option<u64>,
        poster_id: Option<i64>,
        poster_name: Option<String>,
        poster_email: Option<String>,
        title: Option<String>,
        content: Option<String>,
        r#ref: Option<String>,
        milestone: Option<String>,
        state: Option<String>,
        is_locked: Option<bool>,
        created: Option<String>,
        updated: Option<String>,
        closed: Option<String>,
        labels: List<Label>,
        reactions: List<Reaction>,
        assignees: List<String>,
        foreignindex: Option<u64>,
    }
    nested { "labels": Label, "reactions": Reaction }
    lost { "ref" }

    /// An element of `comments/<number>.yml`.
    struct Comment {
        issue_index: Option<u64>,
        index: Option<u64>,
        comment_type: Option<String>,
        poster_id: Option<i64>,
        poster_name: Option<String>,
        poster_email: Option<String>,
        created: Option<String>,
        updated: Option<String>,
        content: Option<String>,
        reactions: List<Reaction>,
        #[serde(skip_serializing_if = "Option::is_none")]
        meta: Option<Meta>,
    }
    nested { "reactions": Reaction, "meta": Meta }

    /// What an event tells besides.
    struct Meta {
        #[serde(rename = "OldTitle")]
        old_title: Option<String>,
        #[serde(rename = "NewTitle")]
        new_title: Option<String>,
    }

    /// One end of a pull request.
    struct End {
        clone_url: Option<String>,
        r#ref: Option<String>,
        sha: Option<String>,
        repo_name: Option<String>,
        owner_name: Option<String>,
    }
    lost { "clone_url" }

    /// An element of `pull_request.yml`.
    struct PullRequest {
        number: Option<u64>,
        title: Option<String>,
        poster_name: Option<String>,
        poster_id: Option<i64>,
        poster_email: Option<String>,
        content: Option<String>,
        milestone: Option<String>,
        state: Option<String>,
        created: Option<String>,
        updated: Option<String>,
        closed: Option<String>,
        labels: List<Label>,
        patch_url: Option<String>,
        merged: Option<bool>,
        merged_time: Option<String>,
        merge_commit_sha: Option<String>,
        head: End,
        base: End,
        assignees: List<String>,
        is_locked: Option<bool>,
        reactions: List<Reaction>,
        foreignindex: Option<u64>,
        ensured_safe: Option<bool>,
        is_draft: Option<bool>,
    }
    nested { "labels": Label, "reactions": Reaction, "head": End, "base": End }

    /// An element of `reviews/<number>.yml`.
    struct Review {
        id: Option<u64>,
        issue_index: Option<u64>,
        reviewer_id: Option<i64>,
        reviewer_name: Option<String>,
        official: Option<bool>,
        commit_id: Option<String>,
        content: Option<String>,
        created_at: Option<String>,
        state: Option<String>,
        comments: List<ReviewComment>,
    }
    nested { "comments": ReviewComment }

    /// A comment on a line.
    struct ReviewComment {
        id: Option<u64>,
        in_reply_to: Option<u64>,
        content: Option<String>,
        tree_path: Option<String>,
        diff_hunk: Option<String>,
        position: Option<i64>,
        line: Option<i64>,
        commit_id: Option<String>,
        poster_id: Option<i64>,
        reactions: List<Reaction>,
        created_at: Option<String>,
        updated_at: Option<String>,
    }
    nested { "reactions": Reaction }

    /// An element of `release.yml`.
    struct Release {
        tag_name: Option<String>,
        target_commitish: Option<String>,
        name: Option<String>,
        body: Option<String>,
        draft: Option<bool>,
        prerelease: Option<bool>,
        publisher_id: Option<i64>,
        publisher_name: Option<String>,
        publisher_email: Option<String>,
        assets: List<Asset>,
        created: Option<String>,
        published: Option<String>,
    }
    nested { "assets": Asset }

    /// A file of a release.
    struct Asset {
        id: Option<u64>,
        name: Option<String>,
        content_type: Option<String>,
        size: Option<u64>,
        download_count: Option<u64>,
        created: Option<String>,
        updated: Option<String>,
        download_url: Option<String>,
    }
    lost { "download_count" }
}
