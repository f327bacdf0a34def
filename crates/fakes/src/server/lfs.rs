//! The LFS batch API with the basic transfer. Source: git-lfs, docs/api/{batch,basic-transfers}.md.

use super::{
    Inner,
    git::door,
    locked,
    serve::{Response, respond},
};
use crate::{
    access::{Access, Caller},
    exchange::Answer,
};
use data_encoding::HEXLOWER;
use http::{Method, StatusCode, request::Parts};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use packhorse_core::{
    Scope,
    model::{Blob, LfsObject},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::{io, path::Path};
use tokio::io::AsyncWriteExt as _;

/// Largest batch request, in bytes.
const LARGEST_BATCH: usize = 8 << 20;

/// Serves one request below `info/lfs/`.
pub(super) async fn serve(
    inner: &Inner,
    parts: &Parts,
    (path, rest): (&str, &str),
    caller: &Caller,
    body: Incoming,
) -> io::Result<Response> {
    let wanted = if parts.method == Method::PUT { Access::Write } else { Access::Read };
    let project = match door(inner, path, caller, wanted) {
        Ok(door) => door.project,
        Err(answer) => return respond(*answer, &parts.headers, None).await,
    };
    let answer = match (&parts.method, rest.strip_prefix("objects/")) {
        (&Method::POST, Some("batch")) => match Limited::new(body, LARGEST_BATCH).collect().await {
            Ok(body) => {
                let asked = serde_json::from_slice(&body.to_bytes()).unwrap_or_default();
                batch(inner, parts, (path, &project), caller, &asked)
            }
            Err(_) => Answer::empty(StatusCode::PAYLOAD_TOO_LARGE),
        },
        (&Method::GET, Some(oid)) => Answer::file(
            locked(&inner.store).blob(&name(&project, oid)),
            "application/octet-stream",
        ),
        (&Method::PUT, Some(oid)) => put(inner, &project, oid, body).await?,
        _ if rest.starts_with("locks") => {
            lfs_json(StatusCode::OK, &json!({ "locks": [], "ours": [], "theirs": [] }))
        }
        _ => lfs_json(StatusCode::NOT_FOUND, &json!({ "message": "Not Found" })),
    };
    respond(answer, &parts.headers, None).await
}

fn lfs_json(status: StatusCode, value: &Value) -> Answer {
    Answer::json(status, value).with("content-type", "application/vnd.git-lfs+json")
}

/// The blob of an object of a project.
fn name(project: &str, oid: &str) -> String {
    format!("lfs-{project}-{oid}")
}

fn batch(
    inner: &Inner,
    parts: &Parts,
    (path, project): (&str, &str),
    caller: &Caller,
    asked: &Value,
) -> Answer {
    let uploads = asked["operation"] == "upload";
    if uploads && !caller.may(Access::Write) {
        return lfs_json(StatusCode::FORBIDDEN, &json!({ "message": "You must have push access" }));
    }
    let authorization = parts.headers.get("authorization").and_then(|it| it.to_str().ok());
    let header = authorization.map_or(json!({}), |it| json!({ "Authorization": it }));
    let store = locked(&inner.store);
    let object = |asked: &Value| {
        let oid = asked["oid"].as_str().unwrap_or_default();
        let is_there = store.blob(&name(project, oid)).exists();
        let href = format!("{}{path}.git/info/lfs/objects/{oid}", inner.home);
        let action = json!({ "href": href, "header": header, "expires_in": 3600 });
        let mut object = json!({ "oid": oid, "size": asked["size"], "authenticated": true });
        match (uploads, is_there) {
            (true, false) => object["actions"] = json!({ "upload": action }),
            (true, true) => {}
            (false, true) => object["actions"] = json!({ "download": action }),
            (false, false) => {
                object["error"] = json!({ "code": 404, "message": "Object does not exist" });
            }
        }
        object
    };
    let objects: Vec<Value> =
        asked["objects"].as_array().into_iter().flatten().map(object).collect();
    let answer = json!({ "transfer": "basic", "objects": objects, "hash_algo": "sha256" });
    lfs_json(StatusCode::OK, &answer)
}

/// Takes an object's bytes in, piece by piece; those that are not what their name says are refused.
async fn put(inner: &Inner, project: &str, oid: &str, mut body: Incoming) -> io::Result<Answer> {
    let path = locked(&inner.store).blob(&name(project, oid));
    let part = path.with_extension("part");
    if let Some(folder) = path.parent() {
        tokio::fs::create_dir_all(folder).await?;
    }
    let mut file = tokio::fs::File::create(&part).await?;
    let (mut hash, mut size) = (Sha256::new(), 0);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(io::Error::other)?;
        if let Some(data) = frame.data_ref() {
            hash.update(data);
            size += data.len() as u64;
            file.write_all(data).await?;
        }
    }
    file.flush().await?;
    let found = HEXLOWER.encode(&hash.finalize());
    if found != oid {
        tokio::fs::remove_file(&part).await?;
        let wrong = json!({ "message": "the bytes have another SHA-256" });
        return Ok(lfs_json(StatusCode::UNPROCESSABLE_ENTITY, &wrong));
    }
    tokio::fs::rename(&part, &path).await?;
    keep(inner, project, found, size);
    Ok(Answer::empty(StatusCode::OK))
}

fn keep(inner: &Inner, project: &str, oid: String, size: u64) {
    let mut store = locked(&inner.store);
    let scope = Scope::Project(project.to_owned());
    let sha256 = Some(oid);
    if store.find::<LfsObject>(&scope, |it| it.blob.sha256 == sha256).is_none() {
        store.add(&scope, LfsObject { blob: Blob { size: Some(size), sha256 } });
    }
}

impl super::Handle {
    /// Puts an LFS object's bytes in a project, without its API.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn fill_lfs(&self, project: &str, oid: &str, bytes: &[u8]) -> io::Result<()> {
        self.store(|store| store.save_blob(&name(project, oid), bytes))?;
        keep(&self.0, project, oid.to_owned(), bytes.len() as u64);
        Ok(())
    }

    /// Where an LFS object's bytes lie, if they are there.
    pub fn lfs_object(&self, project: &str, oid: &str) -> Option<impl AsRef<Path>> {
        Some(self.store(|store| store.blob(&name(project, oid)))).filter(|it| it.exists())
    }
}
