//! The importer: storage of archives, migrations, their logs.
//!
//! Sources: GitHub, "GraphQL API", `startRepositoryMigration`, `Migration`; "Migrating repositories with
//! the GraphQL API"; for the storage github/gh-gei. Known to be looser: a migration is done at once,
//! between two questions about it, and every author is known.

use super::{Desk, not_found, refusal, unprocessable};
use crate::{
    access::Access,
    archive::{Archive, Content, explained, fetched},
    exchange::{Answer, Content as Body},
};
use http::{Method, StatusCode};
use packhorse_core::{
    HostError, Object, Record, Scope,
    model::{Organization, Project, Visibility},
};
use serde_json::{Value, json};
use sha2::Digest as _;
use std::{fs::OpenOptions, io::Write as _};

/// Most bytes of an archive that is fetched.
const MOST: u64 = 64 << 20;
/// Most bytes of a part. Source: github/gh-gei, `ArchiveUploader`.
const PART: usize = 100 << 20;

fn blob(guid: &str) -> String {
    format!("gei-{guid}")
}

fn key(id: &str) -> String {
    format!("migration/{id}")
}

/// What is below `/organizations/:id/gei/archive`.
pub(super) fn storage(desk: &mut Desk<'_>, id: &str, rest: &[&str]) -> Answer {
    let is = |id| desk.store.get::<Organization>(&Scope::Shared, id).is_some();
    if !id.parse().is_ok_and(is) || !desk.request.caller.may(Access::Admin) {
        return not_found();
    }
    let method = desk.request.method.clone();
    match (&method, rest) {
        (&Method::POST, []) => whole(desk),
        (&Method::POST, ["blobs", "uploads"]) => begin(desk, id),
        (&Method::PATCH, ["blobs", "uploads"]) => part(desk, id),
        (&Method::PUT, ["blobs", "uploads"]) => end(desk),
        _ => not_found(),
    }
}

fn next_guid(desk: &Desk<'_>) -> String {
    let n = desk.store.aside.keys().filter(|it| it.starts_with("gei/")).count();
    format!("00000000-0000-4000-8000-{n:012}")
}

fn whole(desk: &mut Desk<'_>) -> Answer {
    let Some(name) = desk.request.query("name").map(str::to_owned) else {
        return unprocessable("name is missing");
    };
    let (guid, size) = (next_guid(desk), desk.request.body.len());
    if size > PART || desk.store.save_blob(&blob(&guid), &desk.request.body).is_err() {
        return refusal(StatusCode::PAYLOAD_TOO_LARGE, "Payload too large");
    }
    desk.store.aside.insert(format!("gei/{guid}"), json!({ "size": size, "received": size }));
    Answer::created(&json!({
        "guid": guid, "node_id": format!("MA_{guid}"), "name": name, "size": size,
        "uri": format!("gei://archive/{guid}"), "created_at": "2026-01-01T00:00:00Z",
    }))
}

/// Where the part of that number goes.
fn onward(id: &str, guid: &str, number: u64) -> Answer {
    let path = format!("/organizations/{id}/gei/archive/blobs/uploads");
    Answer::empty(StatusCode::ACCEPTED)
        .with("location", &format!("{path}?part_number={number}&guid={guid}&upload_id=1"))
}

fn begin(desk: &mut Desk<'_>, id: &str) -> Answer {
    let body = desk.request.json();
    let Some(size) = body["size"].as_u64().filter(|_| body["name"].is_string()) else {
        return unprocessable("name and size are needed");
    };
    let guid = next_guid(desk);
    if desk.store.save_blob(&blob(&guid), &[]).is_err() {
        return refusal(StatusCode::INTERNAL_SERVER_ERROR, "Server Error");
    }
    desk.store.aside.insert(format!("gei/{guid}"), json!({ "size": size, "received": 0 }));
    onward(id, &guid, 1)
}

fn part(desk: &mut Desk<'_>, id: &str) -> Answer {
    let guid = desk.request.query("guid").unwrap_or_default().to_owned();
    let number = desk.request.query("part_number").and_then(|it| it.parse::<u64>().ok());
    let (Some(number), bytes) = (number, &desk.request.body) else { return not_found() };
    let file = OpenOptions::new().append(true).open(desk.store.blob(&blob(&guid)));
    let Some(job) = desk.store.aside.get_mut(&format!("gei/{guid}")) else { return not_found() };
    if bytes.len() > PART || !file.is_ok_and(|mut it| it.write_all(bytes).is_ok()) {
        return refusal(StatusCode::PAYLOAD_TOO_LARGE, "Payload too large");
    }
    let received = job["received"].as_u64().unwrap_or_default() + bytes.len() as u64;
    job["received"] = json!(received);
    onward(id, &guid, number + 1)
}

fn end(desk: &mut Desk<'_>) -> Answer {
    let guid = desk.request.query("guid").unwrap_or_default();
    let Some(job) = desk.store.aside.get(&format!("gei/{guid}")) else { return not_found() };
    if job["size"] != job["received"] {
        return unprocessable("parts are missing");
    }
    Answer::empty(StatusCode::CREATED)
}

/// What a migration's log says.
pub(super) fn log(desk: &Desk<'_>, id: &str) -> Answer {
    let Some(job) = desk.store.aside.get(&key(id)) else { return not_found() };
    let lines = job["log"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let lines = lines.map(|it| format!("[2026-01-01T00:00:00Z] {it}\n"));
    let mut answer = Answer::empty(StatusCode::OK).with("content-type", "text/plain");
    answer.content = Body::Bytes(lines.collect::<String>().into_bytes().into());
    answer
}

/// A migration, as it is shown; `None` where there is none of that id.
pub(super) fn shown(desk: &Desk<'_>, id: &str) -> Option<Value> {
    let job = desk.store.aside.get(&key(id))?;
    let lines = job["log"].as_array().map_or(0, Vec::len);
    let address = format!("{}/migration-logs/{id}", desk.request.home);
    Some(json!({
        "id": id, "state": job["state"], "failureReason": job["reason"], "warningsCount": lines,
        "repositoryName": job["name"], "migrationLogUrl": address,
    }))
}

/// The migrations of a repository, the oldest first.
pub(super) fn of_repository(desk: &Desk<'_>, owner: &str, name: &str) -> Vec<String> {
    let jobs = desk.store.aside.iter().filter(|(key, _)| key.starts_with("migration/"));
    let of = jobs.filter(|(_, job)| job["owner"] == owner && job["name"] == name);
    of.filter_map(|(key, _)| key.strip_prefix("migration/").map(str::to_owned)).collect()
}

/// What an archive is called here that lies in somebody's store.
fn fetched_as(url: &str) -> Option<String> {
    let digest = sha2::Sha256::digest(url.strip_prefix("http")?);
    Some(format!("{:x}", digest.iter().take(16).fold(0u128, |n, it| (n << 8) | u128::from(*it))))
}

/// Fetches archives that lie in somebody's store, from plain HTTP here.
fn fetch(desk: &mut Desk<'_>, input: &Value) {
    for url in ["gitArchiveUrl", "metadataArchiveUrl"].map(|it| input[it].as_str()) {
        let Some((url, guid)) = url.and_then(|it| Some((it, fetched_as(it)?))) else { continue };
        let Some(bytes) = fetched(url, MOST) else { continue };
        let size = bytes.len();
        if desk.store.save_blob(&blob(&guid), &bytes).is_ok() {
            let job = json!({ "size": size, "received": size });
            desk.store.aside.insert(format!("gei/{guid}"), job);
        }
    }
}

/// Takes a migration on, or says why not.
pub(super) fn start(desk: &mut Desk<'_>, owner: &str, input: &Value) -> Result<String, String> {
    let name = input["repositoryName"].as_str().unwrap_or_default();
    if desk.store.project(&format!("{owner}/{name}")).is_some() {
        return Err(format!("A repository called {owner}/{name} already exists"));
    }
    fetch(desk, input);
    let stored = |field: &str| {
        if let Some(guid) = input[field].as_str().and_then(fetched_as) {
            return desk.store.aside.contains_key(&format!("gei/{guid}")).then_some(guid);
        }
        let guid = input[field].as_str()?.strip_prefix("gei://archive/")?.to_owned();
        let job = desk.store.aside.get(&format!("gei/{guid}"))?;
        (job["size"] == job["received"]).then_some(guid)
    };
    let (Some(git), Some(records)) = (stored("gitArchiveUrl"), stored("metadataArchiveUrl")) else {
        return Err("The archives are not there".to_owned());
    };
    let words = [Value::Null, json!("private"), json!("internal"), json!("public")];
    if !words.contains(&input["targetRepoVisibility"]) {
        return Err("targetRepoVisibility is not valid".to_owned());
    }
    if input["githubPat"].as_str().is_none_or(str::is_empty) {
        return Err("A token is needed to write with".to_owned());
    }
    let n = desk.store.aside.keys().filter(|it| it.starts_with("migration/")).count();
    let id = format!("RM_{n:08}");
    // What a test wants to be said, as the importer would.
    let log = desk.store.aside.get("telling").cloned().unwrap_or_else(|| json!([]));
    let job = json!({
        "state": "QUEUED", "owner": owner, "name": name, "git": git, "records": records,
        "source": input["sourceRepositoryUrl"], "reason": "", "log": log,
        "visibility": input["targetRepoVisibility"],
    });
    desk.store.aside.insert(key(&id), job);
    Ok(id)
}

/// Between two questions a migration goes on.
pub(super) fn go_on(desk: &mut Desk<'_>, id: &str) {
    let Some(job) = desk.store.aside.get(&key(id)).cloned() else { return };
    let (state, reason) = match job["state"].as_str() {
        Some("QUEUED") => ("IN_PROGRESS", String::new()),
        Some("IN_PROGRESS") => match import(desk, &job) {
            Ok(()) => ("SUCCEEDED", String::new()),
            Err(error) => ("FAILED", explained(&error)),
        },
        Some(_) | None => return,
    };
    if let Some(job) = desk.store.aside.get_mut(&key(id)) {
        job["state"] = json!(state);
        job["reason"] = json!(reason);
    }
}

/// Stops a migration; whether it had not ended.
pub(super) fn abort(desk: &mut Desk<'_>, id: &str) -> bool {
    let Some(job) = desk.store.aside.get_mut(&key(id)) else { return false };
    let runs = matches!(job["state"].as_str(), Some("QUEUED" | "IN_PROGRESS"));
    if runs {
        job["state"] = json!("FAILED");
        job["reason"] = json!("Migration was aborted");
    }
    runs
}

fn import(desk: &mut Desk<'_>, job: &Value) -> Result<(), HostError> {
    let spec = &packhorse_archive::github::SPEC;
    let file = |field: &str| desk.store.blob(&blob(job[field].as_str().unwrap_or_default()));
    let (git, records) = (Archive::of(spec, &file("git"))?, Archive::of(spec, &file("records"))?);
    let word = |field: &str| job[field].as_str().unwrap_or_default();
    let path = format!("{}/{}", word("owner"), word("name"));
    let mut content = records.read()?;
    // The repository is found in the archive by its address.
    let is = |it: &Project| word("source").ends_with(&format!("/{}", it.path));
    let Some(held) = content.projects.iter().find(|it| is(it)).cloned() else {
        let kind = packhorse_core::HostErrorKind::NotFound;
        return Err(HostError::new(kind, "find the repository in the archive"));
    };
    content.records.retain(|(scope, _)| scope.project() == Some(held.path.as_str()));
    content.projects.clear();
    let visibility = match job["visibility"].as_str() {
        Some("public") => Visibility::Public,
        Some("internal") => Visibility::Internal,
        Some(_) | None => Visibility::Private,
    };
    let project = Project { path: path.clone(), visibility, ..held.clone() };
    desk.store.fill([(Scope::Shared, Record::new(path.clone(), Object::from(project)))]);
    records.take(desk.store, content, |_| path.clone())?;
    let repositories = Content { projects: vec![held], records: Vec::new() };
    git.take(desk.store, repositories, |_| path.clone())
}
