//! Uploads, and files of generic packages.
//!
//! Sources: GitLab, "Project uploads API", "Generic packages repository".

use super::{Desk, Place, missing, not_found, refusal};
use crate::exchange::Answer;
use bytes::Bytes;
use http::{Method, StatusCode};
use packhorse_core::model::{Attachment, Blob};
use serde_json::json;

/// Most bytes of an upload, as GitLab has it by default.
const MOST: usize = 100 << 20;

pub(super) fn route(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    let method = desk.request.method.clone();
    match (&method, rest) {
        (&Method::POST, ["uploads"]) => Some(upload(desk, place)),
        (_, ["uploads", secret, name]) => one(desk, place, &method, &format!("{secret}/{name}")),
        (_, ["packages", "generic", package, version, name]) => {
            let blob = format!("package-{}-{package}-{version}-{name}", place.path);
            package_file(desk, &method, &blob)
        }
        _ => None,
    }
}

/// A file's name as GitLab keeps it.
///
/// Source: GitLab, `app/uploaders`, CarrierWave's `sanitize_regexp`.
fn sanitized(name: &str) -> String {
    let fits = |it: char| it.is_alphanumeric() || "_.-+".contains(it);
    name.chars().map(|it| if fits(it) { it } else { '_' }).collect()
}

/// The file of a form: its name and its bytes.
fn form(desk: &Desk<'_>) -> Option<(String, Bytes)> {
    let boundary = desk.request.header("content-type")?.split_once("boundary=")?.1.to_owned();
    let body = &desk.request.body;
    let find = |from: usize, what: &[u8]| {
        body.get(from..)?.windows(what.len()).position(|it| it == what).map(|it| it + from)
    };
    let head_end = find(0, b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&body[..head_end]).into_owned();
    let name = head.split_once("filename=\"")?.1.split_once('"')?.0.to_owned();
    let end = find(head_end, format!("\r\n--{boundary}--").as_bytes())?;
    Some((name, body.slice(head_end + 4..end)))
}

fn upload(desk: &mut Desk<'_>, place: &Place) -> Answer {
    let Some((name, bytes)) = form(desk) else { return missing("file") };
    if bytes.len() > MOST {
        return refusal(StatusCode::PAYLOAD_TOO_LARGE, "File is too large");
    }
    let name = sanitized(&name);
    let size = Some(bytes.len() as u64);
    let it = Attachment {
        name: name.clone(),
        blob: Blob { size, ..Blob::default() },
        author: Some(desk.author()),
        created_at: desk.store.now(),
        ..Attachment::default()
    };
    let id = desk.store.add(&place.scope, it);
    let url = format!("/uploads/{id:032x}/{name}");
    if let Some(it) = desk.store.get_mut::<Attachment>(&place.scope, id) {
        it.url = Some(url.clone());
    }
    let blob = crate::store::attachment_blob(&place.path, id);
    if desk.store.save_blob(&blob, &bytes).is_err() {
        return refusal(StatusCode::INTERNAL_SERVER_ERROR, "500 Internal Server Error");
    }
    Answer::created(&json!({
        "id": id, "alt": name, "url": url, "full_path": format!("/-/project/{}{url}", place.id),
        "markdown": format!("![{name}]({url})"),
    }))
}

fn one(desk: &mut Desk<'_>, place: &Place, method: &Method, name: &str) -> Option<Answer> {
    let url = format!("/uploads/{name}");
    let is = |it: &Attachment| it.url.as_ref() == Some(&url);
    let Some((id, _)) = desk.store.find::<Attachment>(&place.scope, is) else {
        return Some(not_found("Upload"));
    };
    if *method == Method::DELETE {
        desk.store.remove::<Attachment>(&place.scope, id);
        return Some(Answer::no_content());
    }
    let path = desk.store.blob(&crate::store::attachment_blob(&place.path, id));
    (*method == Method::GET).then(|| Answer::file(path, "application/octet-stream"))
}

fn package_file(desk: &mut Desk<'_>, method: &Method, blob: &str) -> Option<Answer> {
    match *method {
        Method::PUT => {
            if desk.store.save_blob(blob, &desk.request.body).is_err() {
                let words = "500 Internal Server Error";
                return Some(refusal(StatusCode::INTERNAL_SERVER_ERROR, words));
            }
            Some(Answer::created(&json!({ "message": "201 Created" })))
        }
        Method::GET => {
            let path = desk.store.blob(blob);
            let is_there = path.exists();
            Some(if is_there {
                Answer::file(path, "application/octet-stream")
            } else {
                not_found("Package")
            })
        }
        _ => None,
    }
}
