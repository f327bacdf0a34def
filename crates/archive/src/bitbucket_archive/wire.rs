//! The objects in the entries, with the server's own keys, in its order.
//!
//! Source: an export of Data Center 9.4; `docs/formats/bitbucket-archive.md` has the keys.

#![expect(non_snake_case, reason = "the archive's own keys")]

use crate::wire::{List, wire};

wire! {
    /// Which server made the archive.
    struct Details {
        product: Option<String>,
        version: Option<String>,
        buildVersion: Option<String>,
        archiveVersion: Option<u64>,
        dataCenter: Option<bool>,
        instanceName: Option<String>,
        nodeId: Option<String>,
    }

    /// A project of the server.
    struct Project {
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<String>,
        id: Option<String>,
        key: Option<String>,
        name: Option<String>,
        public: Option<bool>,
        r#type: Option<u64>,
    }

    /// A repository.
    struct Repository {
        forkable: Option<bool>,
        hierarchyId: Option<String>,
        id: Option<String>,
        name: Option<String>,
        projectId: Option<String>,
        public: Option<bool>,
        scmId: Option<String>,
        slug: Option<String>,
    }

    /// What all with an account may do in a project.
    struct AllPermissions {
        projectAdmin: Option<bool>,
        projectRead: Option<bool>,
        projectWrite: Option<bool>,
    }

    /// Who has a permission.
    struct Permission {
        groups: List<serde_json::Value>,
        permission: Option<String>,
        userIds: List<String>,
    }

    /// Whether a repository has LFS objects.
    struct LfsSettings {
        enabled: Option<bool>,
    }

    /// Somebody who has to do with a change request.
    struct Participant {
        #[serde(skip_serializing_if = "Option::is_none")]
        lastReviewedCommit: Option<String>,
        role: Option<String>,
        status: Option<String>,
        userId: Option<String>,
    }

    /// One end of a change request.
    struct End {
        displayId: Option<String>,
        id: Option<String>,
        latestCommit: Option<String>,
    }

    /// A change request.
    struct Request {
        allParticipants: List<Participant>,
        #[serde(skip_serializing_if = "Option::is_none")]
        closedTimestamp: Option<i64>,
        createdTimestamp: Option<i64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<String>,
        draft: Option<bool>,
        fromRef: End,
        id: Option<u64>,
        rescopedTimestamp: Option<i64>,
        state: Option<String>,
        title: Option<String>,
        toRef: End,
        updatedTimestamp: Option<i64>,
        version: Option<u64>,
    }
    nested { "allParticipants": Participant, "fromRef": End, "toRef": End }

    /// A place in a change.
    struct Anchor {
        diffType: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        fileType: Option<String>,
        fromHash: Option<String>,
        line: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        lineType: Option<String>,
        orphaned: Option<bool>,
        path: Option<String>,
        #[serde(skip_serializing)]
        srcPath: Option<String>,
        toHash: Option<String>,
    }

    /// What a comment that answers nothing begins.
    struct Thread {
        #[serde(skip_serializing_if = "Option::is_none")]
        anchor: Option<Anchor>,
        createdTimestamp: Option<i64>,
        resolved: Option<bool>,
        updatedTimestamp: Option<i64>,
    }
    nested { "anchor": Anchor }

    /// A comment, with its answers in it.
    struct Comment {
        authorId: Option<String>,
        comments: List<Comment>,
        createdTimestamp: Option<i64>,
        id: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        resolvedTimestamp: Option<i64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        resolverId: Option<String>,
        severity: Option<String>,
        state: Option<String>,
        text: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        thread: Option<Thread>,
        updatedTimestamp: Option<i64>,
    }
    nested { "thread": Thread }

    /// Something that was said or done.
    struct Activity {
        kind: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        action: Option<String>,
        createdTimestamp: Option<i64>,
        userId: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        addedIds: Option<Vec<String>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        removedIds: Option<Vec<String>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        autoMerge: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        comment: Option<Comment>,
        #[serde(skip_serializing_if = "Option::is_none")]
        commentAction: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        commentId: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        commits: Option<Vec<serde_json::Value>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        fromHash: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        hash: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        previousFromHash: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        previousToHash: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        toHash: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        totalAdded: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        totalRemoved: Option<u64>,
    }
    nested { "comment": Comment }
}
