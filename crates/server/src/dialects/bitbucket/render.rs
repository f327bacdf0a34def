//! Jobs and what they are about, as answers show them.

use super::{progress::Found, start::Direction};
use crate::{Service, key::Use};
use packhorse_core::model::{Project, Time, Visibility};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

/// A job.
pub(super) fn job(service: &Service, direction: Direction, found: &Found) -> Value {
    let Found { request, job, progress, .. } = found;
    let ms = |it: Time| it.instant().as_millisecond();
    let started = job.started_at.map_or(request.created_at, ms);
    let ended = job.ended_at.filter(|_| found.part.settled_at.is_some() || has_ended(found));
    let updated = ended.map_or(started.max(request.updated_at), ms);
    let mut value = json!({
        "id": request.id,
        "type": format!("com.atlassian.bitbucket.migration.{}", direction.name()),
        "state": progress.state,
        "nodeId": node(service),
        "initiator": user(&request.user),
        "progress": {"message": progress.message, "percentage": progress.percentage},
        "startDate": started,
        "updatedDate": updated,
    });
    if let Some(ended) = ended {
        value["endDate"] = ms(ended).into();
    }
    value
}

/// Whether a job is over.
pub(super) fn has_ended(found: &Found) -> bool {
    matches!(found.progress.state, "COMPLETED" | "FAILED" | "ABORTED" | "CANCELED" | "TIMED_OUT")
}

/// The name of this service among nodes: always the same, and telling nothing.
fn node(service: &Service) -> String {
    let bytes = service.key.sign(Use::Addresses, b"node");
    let mut id = [0; 16];
    id.copy_from_slice(&bytes[..16]);
    uuid::Builder::from_random_bytes(id).into_uuid().to_string()
}

fn user(name: &str) -> Value {
    json!({
        "name": name,
        "displayName": name,
        "slug": name.to_lowercase(),
        "id": number(name),
        "active": true,
        "type": "NORMAL",
    })
}

/// A number for something that has a name alone; small, for clients that keep 32 bits.
fn number(name: &str) -> u32 {
    let digest = digest(&SHA256, name.as_bytes());
    digest.as_ref()[..4].iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)) >> 1
}

/// What an export would be about: each project once, then its repositories.
pub(super) fn scopes(projects: &[Project]) -> Value {
    let mut list = Vec::new();
    let mut last = None;
    for project in projects {
        let (key, slug) = project.path.split_once('/').unwrap_or(("", &project.path));
        let owner = json!({
            "key": key,
            "id": number(key),
            "name": key,
            "type": if key.starts_with('~') { "PERSONAL" } else { "NORMAL" },
        });
        if last != Some(key) {
            list.push(owner.clone());
            last = Some(key);
        }
        list.push(json!({
            "slug": slug,
            "id": number(&project.path),
            "name": if project.name.is_empty() { slug } else { &project.name },
            "public": project.visibility == Visibility::Public,
            "project": owner,
        }));
    }
    json!({"scopes": list})
}
