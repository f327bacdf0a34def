//! Imports of whole archives: one at a time, read as their layout says.
//!
//! Source: Atlassian's description of Data Center 9.2; "Export and import projects and repositories".
//! Known to be looser: an import is done at once, between two questions about it.

use super::{Desk, conflict, invalid, not_found, refusal, unauthorized};
use crate::{access::Access, exchange::Answer, store};
use http::{Method, StatusCode};
use packhorse_core::{
    Access as Open, Carriage, Cursor, HostError, HostErrorKind, Lane, Location, Object, ObjectKind,
    OpenContext, Record, RepoKind, Scope,
    model::{Organization, Project},
    port::Source,
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

/// The errors of a failure, joined.
fn explained(error: &HostError) -> String {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |it| it.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
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

/// What an archive holds.
struct Held {
    records: Vec<(Scope, Record)>,
    projects: Vec<String>,
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
    let scratch = tempfile::tempdir().map_err(|it| {
        HostError::new(HostErrorKind::Unavailable, "import an archive").because(it)
    })?;
    // A request is answered without waiting, and archives are read by those who may wait.
    let (path, place) = (file.to_owned(), scratch.path().to_owned());
    let read = apart(move || async move { read(&path, &place).await });
    let mut held = read?;
    let mut renamed: BTreeMap<String, String> = BTreeMap::new();
    let mut told = Vec::new();
    for path in &held.projects {
        let own = path.split('/').next().unwrap_or_default();
        if taken(own) && !renamed.contains_key(own) {
            let free = (1..).map(|n| format!("{own}_{n}")).find(|it| !taken(it));
            let free = free.unwrap_or_default();
            let words = format!("The project key {own} was taken; it was imported as {free}.");
            told.push(("WARN", own.to_owned(), words));
            renamed.insert(own.to_owned(), free);
        }
    }
    let called = |path: &str| match path.split_once('/') {
        Some((own, slug)) if renamed.contains_key(own) => format!("{}/{slug}", renamed[own]),
        _ => path.to_owned(),
    };
    for (scope, record) in &mut held.records {
        if let Some(path) = scope.project() {
            *scope = Scope::Project(called(path));
        }
        if let Object::Project(it) = &mut record.object {
            it.path = called(&it.path);
        }
    }
    for project in &held.projects {
        let to = desk.store.repository(&called(project), RepoKind::Code);
        let (path, place, project) = (file.to_owned(), scratch.path().to_owned(), project.clone());
        apart(move || async move {
            let source = open(&path, &place)?;
            if let Some(remote) = source.remote(&project, RepoKind::Code).await? {
                store::copy(&remote, &to).await?;
            }
            Ok(())
        })?;
        told.push(("INFO", "job".to_owned(), "A repository was imported.".to_owned()));
    }
    let projects = held.records.extract_if(.., |(_, it)| it.object.kind() == ObjectKind::Project);
    let projects: Vec<_> = projects.map(|(_, it)| (Scope::Shared, it)).collect();
    desk.store.fill(projects.into_iter().chain(held.records));
    Ok(told)
}

/// Does something that waits, on a thread of its own.
fn apart<T: Send + 'static, F: Future<Output = Result<T, HostError>>>(
    work: impl FnOnce() -> F + Send + 'static,
) -> Result<T, HostError> {
    let fail = || HostError::new(HostErrorKind::Unavailable, "import an archive");
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(|it| fail().because(it))?.block_on(work())
    });
    thread.join().map_err(|_| fail())?
}

fn open(file: &Path, scratch: &Path) -> Result<std::sync::Arc<dyn Source>, HostError> {
    let spec = &packhorse_archive::bitbucket_archive::SPEC;
    let location = Location {
        host: spec.id.to_owned(),
        rest: file.to_string_lossy().into_owned(),
        project: None,
        credentials: None,
        more_credentials: Vec::new(),
    };
    let context = OpenContext { scratch: scratch.to_owned(), access: Open::Read, resume: false };
    let none = || HostError::new(HostErrorKind::NotFound, "import an archive");
    (spec.open)(&location, &context)?.source.ok_or_else(none)
}

async fn read(file: &Path, scratch: &Path) -> Result<Held, HostError> {
    let source = open(file, scratch)?;
    let mut held = Held { records: Vec::new(), projects: Vec::new() };
    let all = Lane::new(Scope::Shared, ObjectKind::Project);
    for record in lane(&*source, &all).await? {
        let scope = Scope::Project(record.origin.id.clone());
        held.projects.push(record.origin.id.clone());
        held.records.push((scope, record));
    }
    let scopes = held.projects.iter().cloned().map(Scope::Project);
    for scope in scopes.chain([Scope::Shared]).collect::<Vec<_>>() {
        let kinds = ObjectKind::ALL.iter().copied();
        let kinds = kinds.filter(|it| *it != ObjectKind::Project && it.carriage() != Carriage::Git);
        for kind in kinds {
            let records = lane(&*source, &Lane::new(scope.clone(), kind)).await?;
            held.records.extend(records.into_iter().map(|it| (scope.clone(), it)));
        }
    }
    Ok(held)
}

async fn lane(source: &dyn Source, lane: &Lane) -> Result<Vec<Record>, HostError> {
    let (mut records, mut at): (Vec<_>, Option<Cursor>) = (Vec::new(), None);
    loop {
        let page = source.read(lane, at.as_ref()).await?;
        records.extend(page.records);
        at = page.next;
        if at.is_none() {
            return Ok(records);
        }
    }
}
