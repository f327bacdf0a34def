//! Other names for projects whose names are taken at the destination.

use crate::{
    Service,
    service::{ServiceError, system},
    store::Part,
    work::{RENAME_COLLISIONS, RENAMED},
};
use packhorse_core::{
    conflict::{About, Choice, Resolution},
    job::{JobOptions, JobView},
    plan::Plan,
};
use packhorse_engine::Ends;
use serde_json::{Value, json};
use std::{collections::BTreeSet, io};

/// Names that are tried for one project.
const TRIES: u32 = 1_000;

/// How a job shall be run: as it was asked for, with other names where that was asked for.
///
/// What was decided once is kept, so that a job that goes on carries to the same places.
pub(crate) async fn options(
    service: &Service,
    part: &Part,
    job: &JobView,
    ends: &Ends,
) -> Result<JobOptions, ServiceError> {
    let mut options = job.spec.options.clone();
    if part.body[RENAME_COLLISIONS] != true {
        return Ok(options);
    }
    let decided = match part.body[RENAMED].as_array() {
        Some(rows) => rows.clone(),
        None => {
            let rows = decide(service, ends, &options).await?;
            let mut body = part.body.clone();
            body[RENAMED] = Value::Array(rows.clone());
            service.store.describe(part.id, body).await?;
            rows
        }
    };
    options.resolutions.extend(decided.iter().filter_map(resolution));
    Ok(options)
}

fn resolution(row: &Value) -> Option<Resolution> {
    Some(Resolution {
        project: row["from"].as_str()?.to_owned(),
        about: About::Name,
        choice: Choice::Rename,
        target: Some(row["to"].as_str()?.to_owned()),
        said: "the import".to_owned(),
    })
}

/// Finds a name for every project whose own is taken: that of its owner, with a number behind it.
async fn decide(
    service: &Service,
    ends: &Ends,
    options: &JobOptions,
) -> Result<Vec<Value>, ServiceError> {
    let mut options = options.clone();
    let mut rows: Vec<Value> = Vec::new();
    // Projects of one owner stay together, so one number is tried for all that stand in the way.
    for n in 1..=TRIES {
        let plan = packhorse_engine::plan(ends, &options, Some(&*service.journal)).await;
        let plan = plan.map_err(|it| system("look at what is there")(io::Error::other(it)))?;
        let taken = taken(&plan);
        if taken.is_empty() {
            return Ok(rows);
        }
        rows.retain(|row| !taken.iter().any(|it| row["from"] == **it));
        rows.extend(taken.iter().map(|path| json!({"from": path, "to": other(path, n)})));
        options.resolutions = rows.iter().filter_map(resolution).collect();
    }
    Err(system("find names that are free")(io::Error::other("all that were tried are taken")))
}

/// Paths at the source of projects whose names are another's.
fn taken(plan: &Plan) -> BTreeSet<&str> {
    let names = plan.conflicts.iter().filter(|it| it.blocks && it.about == About::Name);
    names.filter_map(|it| it.project.as_deref()).collect()
}

/// The `n`-th other name of a project: another key before the same slug.
fn other(path: &str, n: u32) -> String {
    match path.split_once('/') {
        Some((key, slug)) => format!("{key}_{n}/{slug}"),
        None => format!("{path}_{n}"),
    }
}
