//! Migrations, entities and failures as answers show them.

use super::status::{FAILURES_SHOWN, Found, failures, relation, stats, whole};
use crate::{Service, service::ServiceError, store::Request};
use data_encoding::HEXLOWER;
use packhorse_core::{ObjectKind, job::JobState, model::Time, port::Failure};
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value, json};

/// Longest message of a failure, in characters.
const LONGEST_MESSAGE: usize = 255;

/// A moment with thousandths of a second.
fn moment(ms: i64) -> String {
    let text = Time::from_millis(ms).unwrap_or_default().to_string();
    let (whole, part) = match text.trim_end_matches('Z').split_once('.') {
        Some((whole, part)) => (whole.to_owned(), part.to_owned()),
        None => (text.trim_end_matches('Z').to_owned(), String::new()),
    };
    format!("{whole}.{part:0<3}Z")
}

/// A migration.
pub(super) fn migration(request: &Request, entities: &[Found]) -> Value {
    let updated = entities.iter().map(updated_at).fold(request.updated_at, i64::max);
    json!({
        "id": request.id,
        "status": whole(entities),
        "source_type": "gitlab",
        "source_url": request.body["source_url"],
        "created_at": moment(request.created_at),
        "updated_at": moment(updated),
        "has_failures": entities.iter().any(|it| it.has_failures),
    })
}

fn updated_at(found: &Found) -> i64 {
    let job = &found.job;
    let last = job.ended_at.or(job.started_at).unwrap_or(job.created_at);
    last.instant().as_millisecond()
}

/// An entity.
pub(super) async fn entity(
    service: &Service,
    request: &Request,
    found: &Found,
) -> Result<Value, ServiceError> {
    let about = &found.about;
    let destination = about.destination();
    let is_there = found.status == "finished";
    let id = is_there.then(|| number(&destination));
    let lanes = service.journal.history(found.job.id).await?.lanes().await?;
    let stats: Map<String, Value> = stats(&lanes)
        .into_iter()
        .map(|(name, [source, fetched, imported])| {
            let row = json!({"source": source, "fetched": fetched, "imported": imported});
            (name.to_owned(), row)
        })
        .collect();
    Ok(json!({
        "id": found.part.id,
        "bulk_import_id": request.id,
        "status": found.status,
        "entity_type": if about.is_group { "group" } else { "project" },
        "source_full_path": about.source_full_path,
        "destination_full_path": destination,
        "destination_name": about.destination_slug,
        "destination_slug": about.destination_slug,
        "destination_namespace": about.destination_namespace,
        "parent_id": found.part.body["parent_id"],
        "namespace_id": id.filter(|_| about.is_group),
        "project_id": id.filter(|_| !about.is_group),
        "created_at": moment(request.created_at),
        "updated_at": moment(updated_at(found)),
        "failures": all_failures(service, request, found, (0, FAILURES_SHOWN)).await?,
        "migrate_projects": about.migrate_projects,
        "migrate_memberships": about.migrate_memberships,
        "has_failures": found.has_failures,
        "stats": stats,
    }))
}

/// What did not arrive of an entity; the reason why it failed as a whole comes first.
pub(super) async fn all_failures(
    service: &Service,
    request: &Request,
    found: &Found,
    page: (u64, usize),
) -> Result<Vec<Value>, ServiceError> {
    let mut list = Vec::new();
    let rows = failures(service, found, page).await?;
    if found.job.state == JobState::Failed && page.0 == 0 && rows.is_empty() {
        let reason = found.job.reason.clone().unwrap_or_else(|| "the job failed".to_owned());
        let kind = if found.about.is_group { "group" } else { "project" };
        list.push(failure(request, found, (kind, "extractor", &reason), None));
    }
    list.extend(rows.iter().map(|it| {
        let name = relation(it.kind).unwrap_or(it.kind.name());
        failure(request, found, (name, "loader", &it.reason), Some(it))
    }));
    Ok(list)
}

fn failure(
    request: &Request,
    found: &Found,
    (relation, step, message): (&str, &str, &str),
    row: Option<&Failure>,
) -> Value {
    let of = if found.about.is_group { "Groups" } else { "Projects" };
    let id = row.and_then(|it| it.id.as_deref());
    let url = request.body["source_url"].as_str().unwrap_or_default();
    let page = format!("{url}/{}", found.about.source_full_path);
    let source_url = match (row.map(|it| it.kind), id) {
        (Some(ObjectKind::Issue), Some(id)) => format!("{page}/-/issues/{id}"),
        (Some(ObjectKind::ChangeRequest), Some(id)) => format!("{page}/-/merge_requests/{id}"),
        (Some(ObjectKind::Release), Some(id)) => format!("{page}/-/releases/{id}"),
        (_, _) => page,
    };
    let what = format!("{} {relation} {}", found.job.id, id.unwrap_or_default());
    let message: String = message.chars().take(LONGEST_MESSAGE).collect();
    json!({
        "relation": relation,
        "step": step,
        "exception_message": message,
        "exception_class": "StandardError",
        "correlation_id_value": correlation(&what),
        "source_url": source_url,
        "source_title": id,
        "created_at": moment(updated_at(found)),
        "pipeline_class": format!("BulkImports::{of}::Pipelines::{}Pipeline", camel(relation)),
        "pipeline_step": step,
    })
}

/// The same 32 digits for the same thing.
fn correlation(of: &str) -> String {
    let digest = digest(&SHA256, of.as_bytes());
    HEXLOWER.encode(&digest.as_ref()[..16])
}

/// `merge_requests` as `MergeRequests`.
fn camel(name: &str) -> String {
    let parts = name.split('_').map(|part| {
        let mut letters = part.chars();
        letters.next().map_or_else(String::new, |first| {
            first.to_uppercase().chain(letters).collect::<String>()
        })
    });
    parts.collect()
}

/// A number for something that has a name alone; small, for clients that keep 32 bits.
fn number(name: &str) -> u32 {
    let digest = digest(&SHA256, name.as_bytes());
    digest.as_ref()[..4].iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)) >> 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_thousandths() {
        assert_eq!(moment(1_624_009_555_358), "2021-06-18T09:45:55.358Z");
        assert_eq!(moment(1_624_009_555_000), "2021-06-18T09:45:55.000Z");
        assert_eq!(moment(1_624_009_555_300), "2021-06-18T09:45:55.300Z");
    }

    #[test]
    fn pipelines_are_called_as_gitlabs_are() {
        assert_eq!(camel("merge_requests"), "MergeRequests");
        assert_eq!(correlation("x").len(), 32);
    }
}
