//! Where a migration and its entities stand, from the journal.

use crate::{
    Service,
    service::ServiceError,
    store::{Part, Request},
    work::WITHOUT_PROJECTS,
};
use packhorse_core::{
    ObjectKind,
    job::{JobState, JobView},
    port::{Failure, LaneView},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Kind of the requests.
pub(super) const KIND: &str = "gitlab.bulk_import";

/// Failures that an entity shows; its own page shows more.
pub(super) const FAILURES_SHOWN: usize = 20;

/// All statuses, in GitLab's words.
pub(super) const STATUSES: [&str; 6] =
    ["created", "started", "finished", "timeout", "failed", "canceled"];

/// What an entity is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct About {
    pub(super) is_group: bool,
    pub(super) source_full_path: String,
    pub(super) destination_slug: String,
    pub(super) destination_namespace: String,
    pub(super) migrate_projects: bool,
    pub(super) migrate_memberships: bool,
    /// Place of its parent among the parts of the request.
    #[serde(skip)]
    pub(super) parent: Option<usize>,
}

impl About {
    /// Where it goes.
    pub(super) fn destination(&self) -> String {
        match self.destination_namespace.as_str() {
            "" => self.destination_slug.clone(),
            namespace => format!("{namespace}/{}", self.destination_slug),
        }
    }

    /// What is kept of it.
    pub(super) fn body(&self) -> Value {
        let mut body = serde_json::to_value(self).unwrap_or_default();
        if self.is_group {
            body[WITHOUT_PROJECTS] = true.into();
        }
        body
    }
}

/// An entity.
pub(super) struct Found {
    pub(super) part: Part,
    pub(super) about: About,
    pub(super) job: JobView,
    pub(super) status: &'static str,
    pub(super) has_failures: bool,
}

/// Looks where an entity stands; `None` where the journal does not know it.
pub(super) async fn entity(
    service: &Service,
    request: &Request,
    part: Part,
) -> Result<Option<Found>, ServiceError> {
    let Some(job) = service.job(part.job).await? else { return Ok(None) };
    let Ok(about) = serde_json::from_value(part.body.clone()) else { return Ok(None) };
    service.mirror(&part, job.state).await?;
    // What was carried in part is finished, with failures; what never began has failed.
    let began =
        job.state == JobState::Failed && service.journal.kept(job.id, "plan").await?.is_some();
    let status = match job.state {
        JobState::Finished => "finished",
        JobState::Failed if began => "finished",
        JobState::Failed => "failed",
        JobState::Cancelled => "canceled",
        JobState::Waiting | JobState::Running | JobState::Stopped
            if request.cancelled_at.is_some() =>
        {
            "canceled"
        }
        JobState::Waiting => "created",
        JobState::Running | JobState::Stopped => "started",
    };
    let has_failures = job.state == JobState::Failed
        || !service.journal.history(job.id).await?.failures(0, 1).await?.is_empty();
    Ok(Some(Found { part, about, job, status, has_failures }))
}

/// Looks where all entities of a migration stand.
pub(super) async fn entities(
    service: &Service,
    request: &Request,
) -> Result<Vec<Found>, ServiceError> {
    let mut list = Vec::new();
    for part in service.store.parts(request.id).await? {
        list.extend(entity(service, request, part).await?);
    }
    Ok(list)
}

/// Where a migration stands, from its entities.
pub(super) fn whole(entities: &[Found]) -> &'static str {
    let any = |status: &str| entities.iter().any(|it| it.status == status);
    let all = |status: &str| entities.iter().all(|it| it.status == status);
    if any("canceled") {
        "canceled"
    } else if all("created") {
        "created"
    } else if any("created") || any("started") {
        "started"
    } else if all("failed") {
        "failed"
    } else {
        "finished"
    }
}

/// GitLab's name for a kind; `None` for what its statistics do not tell.
pub(super) const fn relation(kind: ObjectKind) -> Option<&'static str> {
    Some(match kind {
        ObjectKind::Label => "labels",
        ObjectKind::Milestone => "milestones",
        ObjectKind::Issue => "issues",
        ObjectKind::ChangeRequest => "merge_requests",
        ObjectKind::Comment | ObjectKind::ReviewComment => "notes",
        ObjectKind::CommitComment => "commit_notes",
        ObjectKind::Release => "releases",
        ObjectKind::Board => "boards",
        ObjectKind::Snippet => "snippets",
        ObjectKind::BranchRule => "protected_branches",
        ObjectKind::TagRule => "protected_tags",
        ObjectKind::Repository => "repository",
        ObjectKind::Wiki => "wiki",
        ObjectKind::LfsObject => "lfs_objects",
        ObjectKind::Attachment => "uploads",
        ObjectKind::Reaction => "award_emoji",
        ObjectKind::CommitStatus => "ci_pipelines",
        ObjectKind::Member => "members",
        ObjectKind::User
        | ObjectKind::Organization
        | ObjectKind::Team
        | ObjectKind::Project
        | ObjectKind::Topic
        | ObjectKind::Review
        | ObjectKind::ReviewThread
        | ObjectKind::DiscussionCategory
        | ObjectKind::Discussion
        | ObjectKind::Event
        | ObjectKind::ReleaseAsset
        | ObjectKind::Webhook
        | ObjectKind::DeployKey
        | ObjectKind::Variable
        | ObjectKind::State => return None,
    })
}

/// Source, fetched and imported of each relation that there is anything of.
pub(super) fn stats(lanes: &[LaneView]) -> BTreeMap<&'static str, [u64; 3]> {
    let mut stats: BTreeMap<_, [u64; 3]> = BTreeMap::new();
    for lane in lanes {
        let Some(relation) = relation(lane.kind) else { continue };
        let it = &lane.counts;
        let source = it.source.unwrap_or(it.read).max(it.read);
        let imported = it.created + it.updated + it.adopted + it.unchanged;
        if source > 0 {
            let row = stats.entry(relation).or_default();
            *row = [row[0] + source, row[1] + it.read, row[2] + imported];
        }
    }
    stats
}

/// What did not arrive of an entity, and why the entity itself failed.
pub(super) async fn failures(
    service: &Service,
    found: &Found,
    (offset, limit): (u64, usize),
) -> Result<Vec<Failure>, ServiceError> {
    Ok(service.journal.history(found.job.id).await?.failures(offset, limit).await?)
}
