//! Pull requests.

use super::{
    super::address::{self, Address, Site},
    Notes, body, identity,
    issue::{assignees, labels, milestone},
    owned, text, time, user,
};
use crate::github::wire::{self, List};
use packhorse_core::model::{self, ChangeRequestState, Grantee};

/// Reads a change request; `None` when its address has no number.
pub(in crate::github) fn read(
    it: wire::PullRequest,
    notes: &mut Notes,
) -> Option<(String, model::ChangeRequest)> {
    let number = Address::of(&it.url).number()?;
    let merged_at = notes.time("merged_at", it.merged_at);
    let closed_at = notes.time("closed_at", it.closed_at);
    let state = match (merged_at, closed_at) {
        (Some(_), _) => ChangeRequestState::Merged,
        (None, Some(_)) => ChangeRequestState::Closed,
        (None, None) => ChangeRequestState::Open,
    };
    let reviews = it.review_requests.0.into_iter();
    let closes = it.close_issue_references.0.into_iter();
    let change_request = model::ChangeRequest {
        number,
        title: it.title.unwrap_or_default(),
        body: text(it.body),
        author: identity(it.user.as_deref()),
        state,
        draft: it.work_in_progress.unwrap_or(false),
        base: read_end(it.base.unwrap_or_default()),
        head: read_end(it.head.unwrap_or_default()),
        assignees: assignees(it.assignees, it.assignee),
        review_requests: reviews.map(|it| read_review_request(it, notes)).collect(),
        labels: labels(&it.labels.0),
        milestone: milestone(it.milestone.as_deref()),
        closes: closes.filter_map(|it| read_close_reference(it, notes)).collect(),
        merge_commit: it.merge_commit_sha,
        created_at: notes.time("created_at", it.created_at),
        merged_at,
        closed_at,
        ..model::ChangeRequest::default()
    };
    Some((number.to_string(), change_request))
}

fn read_end(it: wire::End) -> model::Branch {
    model::Branch {
        name: it.r#ref.unwrap_or_default(),
        commit: it.sha,
        project: it.repo.as_deref().and_then(|it| Address::of(it).project()),
        owner: identity(it.user.as_deref()),
    }
}

fn write_end(it: &model::Branch) -> wire::End {
    wire::End {
        r#ref: Some(it.name.clone()),
        sha: it.commit.clone(),
        user: user(it.owner.as_ref()),
        repo: it.project.as_deref().map(address::project),
    }
}

fn read_review_request(it: wire::ReviewRequest, notes: &mut Notes) -> model::ReviewRequest {
    let address = Address::of(&it.reviewer);
    let reviewer = match address.team() {
        Some((organization, slug)) => Grantee::Team { organization, slug },
        None => Grantee::User(address.identity()),
    };
    model::ReviewRequest {
        reviewer,
        created_at: notes.time("review_requests.created_at", it.created_at),
        updated_at: notes.time("review_requests.updated_at", it.updated_at),
        dismissed_at: notes.time("review_requests.dismissed_at", it.dismissed_at),
    }
}

fn write_review_request(it: &model::ReviewRequest) -> Option<wire::ReviewRequest> {
    let kind = if matches!(it.reviewer, Grantee::Team { .. }) { "Team" } else { "User" };
    Some(wire::ReviewRequest {
        reviewer: address::grantee(&it.reviewer)?,
        reviewer_type: Some(owned(kind)),
        created_at: time(it.created_at),
        updated_at: time(it.updated_at),
        dismissed_at: time(it.dismissed_at),
    })
}

fn read_close_reference(
    it: wire::CloseReference,
    notes: &mut Notes,
) -> Option<model::CloseReference> {
    let Some(issue) = Address::of(&it.issue).number() else {
        notes.odd("closes", it.issue);
        return None;
    };
    Some(model::CloseReference {
        issue,
        project: it.issue_repository.as_deref().and_then(|it| Address::of(it).project()),
        author: identity(it.actor.as_deref()),
        origin: it.source,
        created_at: notes.time("closes.created_at", it.created_at),
    })
}

fn write_close_reference(site: &Site, it: &model::CloseReference) -> wire::CloseReference {
    let other = it.project.as_deref().map(Site::new);
    wire::CloseReference {
        issue: other.as_ref().unwrap_or(site).issue(it.issue),
        issue_repository: other.as_ref().map(|it| owned(it.url())),
        actor: user(it.author.as_ref()),
        source: it.origin.clone(),
        created_at: time(it.created_at),
    }
}

/// Writes a change request.
pub(in crate::github) fn write(
    site: &Site,
    it: &model::ChangeRequest,
    reactions: Vec<wire::Reaction>,
) -> wire::PullRequest {
    // The state is told by the times alone.
    let any = it.updated_at.or(it.created_at);
    let (merged_at, closed_at) = match it.state {
        ChangeRequestState::Open => (None, None),
        ChangeRequestState::Closed => (None, it.closed_at.or(any)),
        ChangeRequestState::Merged => {
            let merged_at = it.merged_at.or(it.closed_at).or(any);
            (merged_at, it.closed_at.or(merged_at))
        }
    };
    let assignees: List<String> = it.assignees.iter().map(address::user).collect();
    wire::PullRequest {
        r#type: owned("pull_request"),
        url: site.change_request(it.number),
        user: user(it.author.as_ref()),
        repository: Some(owned(site.url())),
        title: Some(it.title.clone()),
        body: body(it.body.as_ref()),
        base: Some(write_end(&it.base)),
        head: Some(write_end(&it.head)),
        assignee: assignees.0.first().cloned(),
        assignees,
        milestone: it.milestone.map(|number| site.milestone(number)),
        labels: it.labels.iter().map(|name| site.label(name)).collect(),
        reactions: List(reactions),
        review_requests: it.review_requests.iter().filter_map(write_review_request).collect(),
        close_issue_references: it
            .closes
            .iter()
            .map(|it| write_close_reference(site, it))
            .collect(),
        work_in_progress: Some(it.draft),
        merged_at: time(merged_at),
        closed_at: time(closed_at),
        created_at: time(it.created_at),
        merge_commit_sha: it.merge_commit.clone(),
    }
}
