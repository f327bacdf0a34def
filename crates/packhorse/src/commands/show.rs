//! `show`: looks into a place.

use crate::{
    cli::{Globals, Show},
    config::{self, End, Hosts},
    document,
    error::{AppError, Status},
    registry, terminal,
};
use packhorse_core::{
    Cursor, Lane, Object, ObjectKind, Record, Scope, fingerprint,
    port::{Inventory, Source},
};
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc};

/// Lists projects, then kinds, then records, then shows one record.
pub(super) async fn run(globals: &Globals, what: &Show) -> Result<Status, AppError> {
    let hosts = Hosts::read(globals)?;
    let location = hosts.locate(&what.location)?;
    let scratch = config::scratch(globals)?;
    let place = config::with_credentials(&hosts, &location, End::Source)?;
    let source = registry::source(&place, scratch.path())?;
    let project = what.project.clone().or_else(|| location.project.clone());
    let scope = match project.as_deref() {
        None => return projects(globals, &source).await,
        Some("-") => Scope::Shared,
        Some(path) => Scope::Project(path.to_owned()),
    };
    if let Some(path) = scope.project() {
        find(&source, path).await?;
    }
    match (what.kind, &what.id) {
        (None, _) => kinds(globals, &source, &scope).await,
        (Some(kind), None) => records(globals, &source, Lane::new(scope, kind)).await,
        (Some(kind), Some(id)) => record(globals, &source, Lane::new(scope, kind), id).await,
    }
}

/// Makes sure that there is such a project; a place says nothing of one that it does not have.
async fn find(source: &Arc<dyn Source>, path: &str) -> Result<(), AppError> {
    let mut is_there = false;
    walk(source, &Lane::new(Scope::Shared, ObjectKind::Project), |record| {
        is_there = record.origin.id == path;
        Ok(!is_there)
    })
    .await?;
    if is_there {
        return Ok(());
    }
    Err(AppError::failed(format!("there is no project `{path}`"))
        .hint("`packhorse show LOCATION` lists what is there"))
}

/// Calls `each` with every record of a lane, until it says to stop.
async fn walk(
    source: &Arc<dyn Source>,
    lane: &Lane,
    mut each: impl FnMut(Record) -> Result<bool, AppError>,
) -> Result<(), AppError> {
    let mut at: Option<Cursor> = None;
    loop {
        let page = source.read(lane, at.as_ref()).await?;
        for record in page.records {
            if !each(record)? {
                return Ok(());
            }
        }
        if page.next.is_none() || page.next == at {
            return Ok(());
        }
        at = page.next;
    }
}

async fn projects(globals: &Globals, source: &Arc<dyn Source>) -> Result<Status, AppError> {
    let json = globals.json;
    walk(source, &Lane::new(Scope::Shared, ObjectKind::Project), |record| {
        let Object::Project(project) = &record.object else { return Ok(true) };
        if json {
            line(&record)?;
        } else {
            let description = project.description.as_deref().unwrap_or_default();
            terminal::data(&format!("{:<40} {description}\n", project.path));
        }
        Ok(true)
    })
    .await?;
    if !json {
        let shared = source.inventory(&Scope::Shared).await?;
        terminal::talk(&format!("beside all projects (`-`): {}", summary(&shared)));
    }
    Ok(Status::Done)
}

fn summary(inventory: &Inventory) -> String {
    let counts = inventory.counts.iter().filter_map(|row| {
        let records = row.records?;
        (records > 0).then(|| format!("{records} {}", row.kind))
    });
    let counts: Vec<_> = counts.collect();
    if counts.is_empty() { "nothing".to_owned() } else { counts.join(", ") }
}

async fn kinds(
    globals: &Globals,
    source: &Arc<dyn Source>,
    scope: &Scope,
) -> Result<Status, AppError> {
    let inventory = source.inventory(scope).await?;
    if globals.json {
        terminal::data(&document::json(&inventory)?);
        return Ok(Status::Done);
    }
    for row in &inventory.counts {
        let records = row.records.map_or_else(|| "?".to_owned(), |it| it.to_string());
        let bytes = row.bytes.map(|it| format!("  {it} bytes")).unwrap_or_default();
        terminal::data(&format!("{:<20} {records:>10}{bytes}\n", row.kind.name()));
    }
    for lost in &inventory.losses {
        terminal::talk(&format!(
            "lost in reading: {} ×{}: {}",
            lost.name, lost.count, lost.loss.detail
        ));
    }
    Ok(Status::Done)
}

async fn records(
    globals: &Globals,
    source: &Arc<dyn Source>,
    lane: Lane,
) -> Result<Status, AppError> {
    let json = globals.json;
    walk(source, &lane, |record| {
        if json {
            line(&record)?;
        } else {
            terminal::data(&format!("{:<40} {}\n", record.origin.id, headline(&record.object)));
        }
        Ok(true)
    })
    .await?;
    Ok(Status::Done)
}

/// The few words by which people know an object.
fn headline(object: &Object) -> String {
    let value =
        serde_json::from_slice::<BTreeMap<String, serde_json::Value>>(&fingerprint::exact(object));
    let value = value.unwrap_or_default();
    let word = ["title", "name", "action", "content", "pattern", "url", "verdict", "role"]
        .iter()
        .find_map(|field| value.get(*field).and_then(|it| it.as_str()).map(str::to_owned));
    let body = value.get("body").and_then(|it| it.get("text")).and_then(|it| it.as_str());
    let text = word.or_else(|| body.map(str::to_owned)).unwrap_or_default();
    text.lines().next().unwrap_or_default().chars().take(72).collect()
}

async fn record(
    globals: &Globals,
    source: &Arc<dyn Source>,
    lane: Lane,
    id: &str,
) -> Result<Status, AppError> {
    let mut found = None;
    walk(source, &lane, |record| {
        let is_it = record.origin.id == id;
        if is_it {
            found = Some(record);
        }
        Ok(!is_it)
    })
    .await?;
    let Some(record) = found else {
        return Err(AppError::failed(format!(
            "there is no {} `{id}` in {}",
            lane.kind, lane.scope
        )));
    };
    if globals.json {
        line(&record)?;
    } else {
        let value: serde_json::Value =
            serde_json::from_slice(&fingerprint::exact(&record.object)).unwrap_or_default();
        terminal::data(&document::json(&value)?);
    }
    Ok(Status::Done)
}

/// A record as a program reads it.
#[derive(Serialize)]
struct Shown<'a> {
    kind: ObjectKind,
    id: &'a str,
    fingerprint: String,
    value: serde_json::Value,
}

fn line(record: &Record) -> Result<(), AppError> {
    let value = serde_json::from_slice(&fingerprint::exact(&record.object)).unwrap_or_default();
    let shown = Shown {
        kind: record.origin.kind,
        id: &record.origin.id,
        fingerprint: fingerprint::Fingerprint::of(&record.object).to_string(),
        value,
    };
    terminal::data(&document::line(&shown)?);
    Ok(())
}
