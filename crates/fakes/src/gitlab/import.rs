//! Imports of projects from files: read as GitLab's export is laid out.
//!
//! Sources: GitLab, "Project import and export API"; its OpenAPI description. Known to be looser: an
//! import is done at once, between two questions about it, and every author is known.

use super::{Desk, Place, account, invalid, missing, not_found, refusal, view::told};
use crate::{
    archive::{Archive, explained, fetched, from_bucket},
    exchange::Answer,
    form::{self, File},
};
use http::StatusCode;
use packhorse_core::{
    HostError, Object, ObjectKind, Record, RepoKind, Scope, mark,
    model::{Comment, Markup, Project, Review, Subject, Text, Verdict},
};
use serde_json::{Value, json};
use std::path::Path;

/// Most mebibytes of a file that is imported; this server's administrator has set it.
const MOST_MEBIBYTES: u64 = 64;

fn key(id: u64) -> String {
    format!("import/{id}")
}

/// What administrators see of how the server is set.
pub(super) fn settings(desk: &Desk<'_>) -> Answer {
    if !desk.is_admin() {
        return refusal(StatusCode::FORBIDDEN, "403 Forbidden");
    }
    Answer::ok(&json!({
        "id": 1, "max_import_size": MOST_MEBIBYTES, "max_import_remote_file_size": 10_240,
        "import_sources": ["github", "gitlab_project", "gitea"],
    }))
}

/// `POST /projects/import`.
pub(super) fn begin(desk: &mut Desk<'_>) -> Answer {
    let (Some(own), Some(file)) =
        (form::text(desk.request, "path"), File::of(desk.request, "file"))
    else {
        return missing("path, file");
    };
    if file.bytes.len() as u64 > MOST_MEBIBYTES << 20 {
        return refusal(StatusCode::PAYLOAD_TOO_LARGE, "File is too large");
    }
    let above = form::text(desk.request, "namespace").unwrap_or_else(|| desk.who.clone());
    let name = form::text(desk.request, "name").unwrap_or_else(|| own.clone());
    schedule(desk, (&above, &own, name), &file.bytes)
}

/// `POST /projects/remote-import`: the server fetches the archive, from plain HTTP here.
///
/// Source: GitLab, "Project import and export API", "Import a file from a remote object storage".
pub(super) fn begin_remote(desk: &mut Desk<'_>) -> Answer {
    let (Some(own), Some(url)) = (desk.text("path"), desk.text("url")) else {
        return missing("path, url");
    };
    let above = desk.text("namespace").unwrap_or_else(|| desk.who.clone());
    let name = desk.text("name").unwrap_or_else(|| own.clone());
    match fetched(&url, MOST_MEBIBYTES << 20) {
        Some(bytes) => schedule(desk, (&above, &own, name), &bytes),
        None => refusal(StatusCode::BAD_REQUEST, "The file could not be fetched"),
    }
}

/// `POST /projects/remote-import-s3`: the server fetches the archive out of a bucket. A test says
/// where the stand-in's S3 is.
///
/// Source: GitLab, "Project import and export API", "Import a file from AWS S3".
pub(super) fn begin_from_bucket(desk: &mut Desk<'_>) -> Answer {
    let names = ["path", "region", "bucket_name", "file_key", "access_key_id", "secret_access_key"];
    let said: Option<Vec<String>> = names.iter().map(|it| desk.text(it)).collect();
    let Some([own, region, bucket, key, id, secret]) = said.as_deref() else {
        return missing("path, region, bucket_name, file_key, access_key_id, secret_access_key");
    };
    let above = desk.text("namespace").unwrap_or_else(|| desk.who.clone());
    let name = desk.text("name").unwrap_or_else(|| own.clone());
    let endpoint = desk.store.aside.get("s3").and_then(Value::as_str).unwrap_or_default();
    let variables = [
        ("AWS_ACCESS_KEY_ID", id.as_str()),
        ("AWS_SECRET_ACCESS_KEY", secret),
        ("AWS_REGION", region),
        ("AWS_ENDPOINT_URL", endpoint),
    ];
    match from_bucket((bucket, key), &variables)
        .filter(|it| it.len() as u64 <= MOST_MEBIBYTES << 20)
    {
        Some(bytes) => schedule(desk, (&above, own, name), &bytes),
        None => refusal(StatusCode::BAD_REQUEST, "The file could not be fetched"),
    }
}

/// Makes a project, into which an archive is taken later.
fn schedule(desk: &mut Desk<'_>, (above, own, name): (&str, &str, String), bytes: &[u8]) -> Answer {
    if !account::is_namespace(desk, above) {
        return not_found("Namespace");
    }
    let path = format!("{above}/{own}");
    if desk.store.project(&path).is_some() {
        return invalid("path", "has already been taken");
    }
    let now = desk.store.now();
    let it = Project { path: path.clone(), name, created_at: now, ..Project::default() };
    let id = desk.store.add(&Scope::Shared, it);
    let made = desk.store.make_repository(&path, RepoKind::Code).is_ok();
    let archive = format!("import-{id}.tar.gz");
    if !made || desk.store.save_blob(&archive, bytes).is_err() {
        return refusal(StatusCode::INTERNAL_SERVER_ERROR, "500 Internal Server Error");
    }
    // What a test wants to fail, as the server would tell it.
    let failing = desk.store.aside.get("failing").cloned().unwrap_or_else(|| json!([]));
    let job = json!({ "import_status": "scheduled", "file": archive, "import_error": null,
        "failed_relations": failing });
    desk.store.aside.insert(key(id), job);
    let place = Place { id, scope: Scope::Project(path.clone()), path };
    Answer::created(&shown(desk, &place))
}

/// `GET /projects/:id/import`: tells where it stands, and then goes on.
pub(super) fn asked(desk: &mut Desk<'_>, place: &Place) -> Answer {
    let answer = Answer::ok(&shown(desk, place));
    let key = key(place.id);
    let state = desk.store.aside.get(&key).map(|it| it["import_status"].clone());
    match state.as_ref().and_then(Value::as_str) {
        Some("scheduled") => set(desk, &key, "import_status", json!("started")),
        Some("started") => {
            let blob = desk.store.aside[&key]["file"].as_str().unwrap_or_default().to_owned();
            let file = desk.store.blob(&blob);
            match import(desk, place, &file) {
                Ok(()) => set(desk, &key, "import_status", json!("finished")),
                Err(error) => {
                    set(desk, &key, "import_status", json!("failed"));
                    set(desk, &key, "import_error", json!(explained(&error)));
                }
            }
        }
        Some(_) | None => {}
    }
    answer
}

fn set(desk: &mut Desk<'_>, key: &str, field: &str, value: Value) {
    if let Some(job) = desk.store.aside.get_mut(key) {
        job[field] = value;
    }
}

fn shown(desk: &Desk<'_>, place: &Place) -> Value {
    let none = json!({ "import_status": "none", "import_error": null, "failed_relations": [] });
    let job = desk.store.aside.get(&key(place.id));
    let kind = if job.is_some() { json!("gitlab_project") } else { Value::Null };
    let job = job.unwrap_or(&none);
    let project = desk.store.get::<Project>(&Scope::Shared, place.id);
    let (_, own) = place.path.rsplit_once('/').unwrap_or_default();
    let name = project.map_or(own, |it| it.name.as_str());
    json!({
        "id": place.id, "description": project.and_then(|it| it.description.clone()),
        "name": name, "name_with_namespace": place.path.replace('/', " / "), "path": own,
        "path_with_namespace": place.path, "created_at": told(project.and_then(|it| it.created_at)),
        "import_status": job["import_status"], "import_type": kind,
        "correlation_id": "dfcf583058ed4508e4c7c617bd7f0edd",
        "failed_relations": job["failed_relations"], "import_error": job["import_error"],
        "stats": null,
    })
}

/// Takes an archive with one project into a project that is there for it.
fn import(desk: &mut Desk<'_>, place: &Place, file: &Path) -> Result<(), HostError> {
    let archive = Archive::of(&packhorse_archive::gitlab_archive::SPEC, file)?;
    let mut content = archive.read()?;
    let held = content.projects.first().cloned().unwrap_or_default();
    if let Some(it) = desk.store.get_mut::<Project>(&Scope::Shared, place.id) {
        // An import is of a project's content: what it is called is what was asked for.
        let (path, name) = (place.path.clone(), it.name.clone());
        *it = Project { path, name, ..held };
    }
    // Accounts are no part of an import.
    content.records.retain(|(scope, _)| scope.project().is_some());
    let failed = desk.store.aside[&key(place.id)]["failed_relations"].clone();
    let fails = |name: &str| {
        let mut names = failed.as_array().into_iter().flatten().map(|it| &it["relation_name"]);
        names.any(|it| it == name)
    };
    content.records.retain(|(_, it)| !(fails("labels") && it.object.kind() == ObjectKind::Label));
    super::group_import::found_above(desk, place, &mut content.records);
    content.records = content.records.into_iter().flat_map(as_rows).collect();
    archive.take(desk.store, content, |_| place.path.clone())
}

/// What the rows of a record become: reviews are approvals, which say nothing, and notes, in which a
/// hidden mark and a first line tell those who look for them what they were.
fn as_rows((scope, record): (Scope, Record)) -> Vec<(Scope, Record)> {
    let Object::Review(review) = &record.object else { return vec![(scope, record)] };
    let said = review.body.as_ref().map_or("", |it| it.as_str());
    let word = match review.verdict {
        Verdict::Approved if said.is_empty() => return vec![(scope, record)],
        Verdict::Approved => "**Approved:**",
        Verdict::ChangesRequested => "**Changes requested**",
        Verdict::Dismissed => "**Dismissed review**",
        Verdict::Pending => "**Pending review**",
        Verdict::Commented => "",
    };
    let hidden = mark::of(&record.origin);
    let parts = [word, said, &hidden].into_iter().filter(|it| !it.is_empty());
    let note = Comment {
        subject: Subject::ChangeRequest(review.change_request),
        author: review.author.clone(),
        body: Some(Text::new(parts.collect::<Vec<_>>().join("\n\n"), Markup::Gitlab)),
        created_at: review.created_at,
        updated_at: review.submitted_at,
        ..Comment::default()
    };
    let id = format!("review/{}", record.origin.id);
    let note = (scope.clone(), Record::new(id, Object::from(note)));
    let approval = Review { body: None, ..(**review).clone() };
    let is_given = review.verdict == Verdict::Approved;
    let approval = (scope, Record { object: Object::from(approval), ..record });
    [note].into_iter().chain(is_given.then_some(approval)).collect()
}
