//! Imports of whole archives: one at a time, read as their layout says.
//!
//! Source: Atlassian's description of Data Center 9.2; "Export and import projects and repositories".
//! Known to be looser: an import is done at once, between two questions about it.

use super::{Desk, conflict, invalid, not_found, refusal, unauthorized};
use crate::{
    access::Access,
    archive::{Archive, explained},
    exchange::Answer,
};
use http::{Method, StatusCode};
use packhorse_core::{
    HostError, Object, Record, Scope,
    model::{Organization, Project},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    path::{Component, Path, PathBuf},
};

/// Key of a job beside the model.
fn key(id: u64) -> String {
    format!("import/{id}")
}

fn is_ended(job: &Value) -> bool {
    !matches!(job["state"].as_str(), Some("INITIALISING" | "RUNNING" | "CANCELING"))
}

pub(super) fn route(desk: &mut Desk<'_>, rest: &[&str]) -> Answer {
    if !desk.request.caller.may(Access::Admin) {
        return unauthorized();
    }
    let method = desk.request.method.clone();
    if let (&Method::POST, []) = (&method, rest) {
        return begin(desk);
    }
    let [id, rest @ ..] = rest else { return not_found("This") };
    let known = id.parse().ok().filter(|id| desk.store.aside.contains_key(&key(*id)));
    let Some(id) = known else { return not_found(&format!("Job {id}")) };
    match (&method, rest) {
        (&Method::GET, []) => {
            let shown = Answer::ok(&shown(desk, id));
            go_on(desk, id);
            shown
        }
        (&Method::GET, ["messages"]) => messages(desk, id),
        (&Method::POST, ["cancel"]) => cancel(desk, id),
        _ => not_found("This"),
    }
}

fn shown(desk: &Desk<'_>, id: u64) -> Value {
    let job = &desk.store.aside[&key(id)];
    let percentage = if is_ended(job) { 100 } else { 0 };
    json!({
        "id": id, "type": "com.atlassian.bitbucket.migration.import", "state": job["state"],
        "nodeId": "1bec7499-077a-4b58-b27c-996a9c2187a4", "initiator": { "name": desk.who },
        "progress": { "message": job["message"], "percentage": percentage },
        "startDate": 1_700_000_000_000_u64,
    })
}

fn begin(desk: &mut Desk<'_>) -> Answer {
    let jobs = || desk.store.aside.iter().filter(|(key, _)| key.starts_with("import/"));
    if jobs().any(|(_, job)| !is_ended(job)) {
        let words = "An import is already running.";
        return refusal(
            StatusCode::SERVICE_UNAVAILABLE,
            words,
            "migration.MaxConcurrentJobsException",
        );
    }
    let id = jobs().count() as u64 + 1;
    let Some(file) = desk.text("archivePath").and_then(|it| within(&desk.store.imports(), &it))
    else {
        return invalid("archivePath", "The archive is not in the directory of imports.");
    };
    let job = json!({
        "state": "INITIALISING", "message": "Waiting", "file": file, "messages": [],
    });
    desk.store.aside.insert(key(id), job);
    Answer::ok(&shown(desk, id))
}

/// A file in the directory of imports, by its path in or to it.
fn within(directory: &Path, path: &str) -> Option<PathBuf> {
    let path = Path::new(path);
    let relative = path.strip_prefix(directory).unwrap_or(path);
    let is_plain = relative.components().all(|it| matches!(it, Component::Normal(_)));
    Some(directory.join(relative)).filter(|it| is_plain && it.is_file())
}

/// Between two questions a job goes on.
fn go_on(desk: &mut Desk<'_>, id: u64) {
    let state = desk.store.aside[&key(id)]["state"].as_str().unwrap_or_default().to_owned();
    match state.as_str() {
        "INITIALISING" => set(desk, id, "RUNNING", Vec::new()),
        "CANCELING" => set(desk, id, "CANCELED", Vec::new()),
        "RUNNING" => {
            let file = desk.store.aside[&key(id)]["file"].as_str().unwrap_or_default().to_owned();
            match import(desk, Path::new(&file)) {
                Ok(told) => set(desk, id, "COMPLETED", told),
                Err(error) => {
                    let told = vec![("ERROR", "job".to_owned(), explained(&error))];
                    set(desk, id, "ABORTED", told);
                }
            }
        }
        _ => {}
    }
}

/// Severity, subject, words.
type Told = (&'static str, String, String);

fn set(desk: &mut Desk<'_>, id: u64, state: &str, told: Vec<Told>) {
    let Some(job) = desk.store.aside.get_mut(&key(id)) else { return };
    job["state"] = json!(state);
    job["message"] = json!(format!("The import is {}", state.to_lowercase()));
    for (severity, subject, text) in told {
        if let Some(list) = job["messages"].as_array_mut() {
            let id = (list.len() + 1).to_string();
            list.push(
                json!({ "id": id, "createdDate": 1_700_000_000_000_u64, "severity": severity,
                "subject": subject, "text": text }),
            );
        }
    }
}

fn messages(desk: &Desk<'_>, id: u64) -> Answer {
    let all = desk.store.aside[&key(id)]["messages"].as_array().cloned().unwrap_or_default();
    let severity = desk.request.query("severity");
    let is_wanted = |it: &Value| severity.is_none_or(|wanted| it["severity"] == wanted);
    desk.page(all.into_iter().filter(is_wanted).collect())
}

fn cancel(desk: &mut Desk<'_>, id: u64) -> Answer {
    if is_ended(&desk.store.aside[&key(id)]) {
        return conflict("The job has ended.", "job.JobEndedException");
    }
    set(desk, id, "CANCELING", Vec::new());
    Answer::no_content()
}

/// Takes everything out of an archive; what is said of it.
fn import(desk: &mut Desk<'_>, file: &Path) -> Result<Vec<Told>, HostError> {
    let known: Vec<String> = {
        let projects = desk.store.all::<Project>(&Scope::Shared).map(|(_, it)| it.path.clone());
        let owners = desk.store.all::<Organization>(&Scope::Shared).map(|(_, it)| it.path.clone());
        projects.chain(owners).collect()
    };
    let taken = |key: &str| {
        let mut keys = known.iter().filter_map(|it| it.split('/').next());
        keys.any(|it| it.eq_ignore_ascii_case(key))
    };
    let archive = Archive::of(&packhorse_archive::bitbucket_archive::SPEC, file)?;
    let content = archive.read()?;
    let mut renamed: BTreeMap<String, String> = BTreeMap::new();
    let mut told = Vec::new();
    for project in &content.projects {
        let own = project.path.split('/').next().unwrap_or_default();
        if taken(own) && !renamed.contains_key(own) {
            let free = (1..).map(|n| format!("{own}_{n}")).find(|it| !taken(it));
            let free = free.unwrap_or_default();
            let words = format!("The project key {own} was taken; it was imported as {free}.");
            told.push(("WARN", own.to_owned(), words));
            renamed.insert(own.to_owned(), free);
        }
        told.push(("INFO", "job".to_owned(), "A repository was imported.".to_owned()));
    }
    let called = |path: &str| match path.split_once('/') {
        Some((own, slug)) if renamed.contains_key(own) => format!("{}/{slug}", renamed[own]),
        _ => path.to_owned(),
    };
    let projects = content.projects.iter().map(|it| {
        let path = called(&it.path);
        let project = Object::from(Project { path: path.clone(), ..it.clone() });
        (Scope::Shared, Record::new(path, project))
    });
    desk.store.fill(projects.collect::<Vec<_>>());
    archive.take(desk.store, content, called)?;
    Ok(told)
}
