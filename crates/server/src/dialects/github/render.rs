//! A migration as answers show it, from the request and its job.

use super::{
    export::Body,
    repository::{account, node},
};
use crate::store::Request;
use packhorse_core::{
    job::{JobState, JobView},
    model::Time,
};
use serde_json::{Value, json};

/// Whose migrations: addresses differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of<'a> {
    Organization(&'a str),
    User,
}

/// Where the client called, for addresses in answers.
#[derive(Clone, Debug)]
pub(super) struct Addresses {
    /// Of the API.
    pub(super) api: String,
    /// Of pages for people.
    pub(super) web: String,
}

impl Addresses {
    /// Address of the list of migrations.
    pub(super) fn list(&self, of: Of<'_>) -> String {
        match of {
            Of::Organization(name) => format!("{}/orgs/{name}/migrations", self.api),
            Of::User => format!("{}/user/migrations", self.api),
        }
    }
}

/// GitHub's word for where a job stands.
pub(super) const fn state(job: JobState) -> &'static str {
    match job {
        JobState::Waiting => "pending",
        // A stopped one goes on by itself as soon as a worker is there.
        JobState::Running | JobState::Stopped => "exporting",
        JobState::Finished => "exported",
        JobState::Failed | JobState::Cancelled => "failed",
    }
}

/// A migration.
pub(super) fn migration(
    (request, body): (&Request, &Body),
    job: &JobView,
    (at, of): (&Addresses, Of<'_>),
    exclude: &[String],
) -> Value {
    let url = format!("{}/{}", at.list(of), request.id);
    let start = &body.start;
    let changed = [job.started_at, job.ended_at].into_iter().flatten().map(|it| it.to_utc());
    let created_at = Time::from_millis(request.created_at).unwrap_or_default();
    let updated_at = changed.fold(created_at, |a, b| if b.instant() > a.instant() { b } else { a });
    let is_organization = matches!(of, Of::Organization(_));
    let mut value = json!({
        "id": request.id,
        "node_id": node("M", request.id),
        "owner": account(&request.owner, is_organization, (&at.api, &at.web)),
        "guid": body.guid,
        "state": state(job.state),
        "lock_repositories": start.lock_repositories,
        "exclude_metadata": start.exclude_metadata,
        "exclude_git_data": start.exclude_git_data,
        "exclude_attachments": start.exclude_attachments,
        "exclude_releases": start.exclude_releases,
        "exclude_owner_projects": start.exclude_owner_projects,
        "org_metadata_only": start.org_metadata_only,
        "url": url,
        "created_at": seconds(created_at),
        "updated_at": seconds(updated_at),
    });
    if job.state == JobState::Finished {
        value["archive_url"] = format!("{url}/archive").into();
    }
    if exclude.iter().any(|it| it == "repositories") {
        value["exclude"] = exclude.into();
    } else {
        let all = body.repositories.iter().map(|it| it.render(&at.api, &at.web));
        value["repositories"] = all.collect();
    }
    value
}

/// A moment without parts of a second, as GitHub writes it.
fn seconds(time: Time) -> String {
    let text = time.to_utc().to_string();
    match text.split_once('.') {
        Some((whole, _)) => format!("{whole}Z"),
        None => text,
    }
}
