//! Releases and their files.

use super::{
    Desk, Place, invalid,
    issue::{body_text, who},
    refusal,
    view::{View, node, text, time, told},
};
use crate::exchange::Answer;
use data_encoding::HEXLOWER;
use http::{Method, StatusCode};
use packhorse_core::{
    RepoKind,
    model::{Blob, Release, ReleaseAsset},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

pub(super) fn route(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    let method = desk.request.method.clone();
    match (&method, rest) {
        (&Method::GET, ["releases"]) => {
            let view = desk.view();
            let mut all: Vec<_> = desk.store.all::<Release>(&place.scope).collect();
            all.reverse();
            Some(desk.page(all.into_iter().map(|(id, it)| release(&view, place, id, it)).collect()))
        }
        (&Method::POST, ["releases"]) => Some(create(desk, place)),
        (&Method::GET, ["releases", "latest"]) => {
            let (id, it) = desk
                .store
                .all::<Release>(&place.scope)
                .filter(|(_, it)| !it.draft && !it.prerelease)
                .last()?;
            Some(Answer::ok(&release(&desk.view(), place, id, it)))
        }
        (&Method::GET, ["releases", "tags", tag @ ..]) => {
            let tag = tag.join("/");
            let (id, it) =
                desk.store.find::<Release>(&place.scope, |it| it.tag == tag && !it.draft)?;
            Some(Answer::ok(&release(&desk.view(), place, id, it)))
        }
        (_, ["releases", "assets", id]) => asset_route(desk, place, &method, id.parse().ok()?),
        // Where bodies lead: the page's own address of a file, not the API's.
        (&Method::GET, ["releases", "download", ..]) => None,
        (_, ["releases", id, rest @ ..]) => one(desk, place, &method, id.parse().ok()?, rest),
        _ => None,
    }
}

fn release(view: &View<'_>, place: &Place, id: u64, it: &Release) -> Value {
    let url = format!("{}/releases/{id}", view.repo(&place.path));
    let upload =
        format!("{}/repos/{}/releases/{id}/assets{{?name,label}}", view.uploads, place.path);
    let of_this = |asset: &ReleaseAsset| asset.release == it.tag;
    let assets = view.store.all::<ReleaseAsset>(&place.scope).filter(|(_, it)| of_this(it));
    let assets: Vec<Value> = assets.map(|(id, it)| asset(view, place, id, it)).collect();
    let archive =
        |kind: &str| (!it.draft).then(|| format!("{}/{kind}/{}", view.repo(&place.path), it.tag));
    json!({
        "url": url, "assets_url": format!("{url}/assets"), "upload_url": upload, "id": id,
        "node_id": node("RE", id), "html_url": format!("{}/{}/releases/tag/{}", view.home, place.path, it.tag),
        "author": view.somebody(&it.author), "tag_name": it.tag, "name": it.name, "body": text(&it.body),
        "target_commitish": it.target.as_deref().unwrap_or("main"), "draft": it.draft, "prerelease": it.prerelease,
        "created_at": told(it.created_at), "published_at": if it.draft { Value::Null } else { time(it.published_at.or(it.created_at)) },
        "assets": assets, "tarball_url": archive("tarball"), "zipball_url": archive("zipball"),
    })
}

fn asset(view: &View<'_>, place: &Place, id: u64, it: &ReleaseAsset) -> Value {
    let blob = it.blob.clone().unwrap_or_default();
    json!({
        "url": format!("{}/releases/assets/{id}", view.repo(&place.path)), "id": id, "node_id": node("RA", id),
        "browser_download_url": format!("{}/{}/releases/download/{}/{}", view.home, place.path, it.release, it.name),
        "name": it.name, "label": it.label, "uploader": view.author(&it.author), "state": "uploaded",
        "content_type": it.content_type.as_deref().unwrap_or("application/octet-stream"),
        "size": blob.size.unwrap_or(0), "digest": blob.sha256.map(|it| format!("sha256:{it}")), "download_count": 0,
        "created_at": told(it.created_at), "updated_at": told(it.updated_at.or(it.created_at)),
    })
}

fn apply(it: &mut Release, body: &Value) {
    let word = |field: &str| body[field].as_str().map(str::to_owned);
    if let Some(tag) = word("tag_name") {
        it.tag = tag;
    }
    if body.get("name").is_some() {
        it.name = word("name");
    }
    if body.get("body").is_some() {
        it.body = body_text(body);
    }
    if let Some(target) = word("target_commitish") {
        it.target = Some(target);
    }
    it.draft = body["draft"].as_bool().unwrap_or(it.draft);
    it.prerelease = body["prerelease"].as_bool().unwrap_or(it.prerelease);
}

fn create(desk: &mut Desk<'_>, place: &Place) -> Answer {
    let body = desk.request.json();
    let Some(tag) = body["tag_name"].as_str().filter(|it| !it.is_empty()).map(str::to_owned) else {
        return invalid("Release", "tag_name", "missing_field");
    };
    let is_draft = body["draft"] == true;
    let same = |it: &Release| it.tag == tag && !it.draft;
    if !is_draft && desk.store.find::<Release>(&place.scope, same).is_some() {
        return invalid("Release", "tag_name", "already_exists");
    }
    let refs = desk.store.refs(&place.path, RepoKind::Code);
    if !is_draft && !refs.contains_key(&format!("refs/tags/{tag}")) {
        // A published release makes its tag, from the target or the default branch.
        let target = body["target_commitish"].as_str().unwrap_or("main");
        let tip = refs.get(&format!("refs/heads/{target}")).cloned();
        let tip = tip.or_else(|| Some(target.to_owned()).filter(|it| it.len() == 40));
        let made =
            tip.map(|tip| desk.store.set_ref(&place.path, &format!("refs/tags/{tag}"), &tip));
        if !matches!(made, Some(Ok(()))) {
            return invalid("Release", "target_commitish", "invalid");
        }
    }
    let now = desk.store.now();
    let author = Some(who(desk));
    let mut it = Release {
        author,
        created_at: now,
        published_at: now.filter(|_| !is_draft),
        ..Release::default()
    };
    apply(&mut it, &body);
    let id = desk.store.add(&place.scope, it.clone());
    Answer::created(&release(&desk.view(), place, id, &it))
}

fn one(
    desk: &mut Desk<'_>,
    place: &Place,
    method: &Method,
    id: u64,
    rest: &[&str],
) -> Option<Answer> {
    let it = desk.store.get::<Release>(&place.scope, id)?.clone();
    match (method, rest) {
        (&Method::GET, []) => Some(Answer::ok(&release(&desk.view(), place, id, &it))),
        (&Method::PATCH, []) => {
            let (body, now) = (desk.request.json(), desk.store.now());
            let it = desk.store.get_mut::<Release>(&place.scope, id)?;
            apply(it, &body);
            if !it.draft {
                it.published_at = it.published_at.or(now);
            }
            let it = it.clone();
            Some(Answer::ok(&release(&desk.view(), place, id, &it)))
        }
        (&Method::DELETE, []) => {
            desk.store.remove::<Release>(&place.scope, id);
            desk.store.remove_where::<ReleaseAsset>(&place.scope, |asset| asset.release == it.tag);
            Some(Answer::no_content())
        }
        (&Method::GET, ["assets"]) => {
            let view = desk.view();
            let all = desk
                .store
                .all::<ReleaseAsset>(&place.scope)
                .filter(|(_, asset)| asset.release == it.tag);
            Some(desk.page(all.map(|(id, it)| asset(&view, place, id, it)).collect()))
        }
        (&Method::POST, ["assets"]) => Some(upload(desk, place, &it)),
        (_, ["reactions", rest @ ..]) => {
            let subject = packhorse_core::model::Subject::Release(it.tag);
            super::talk::reactions(desk, place, method, &subject, rest)
        }
        _ => None,
    }
}

/// The blob of an asset, by its number.
fn blob_name(place: &Place, id: u64) -> String {
    crate::store::asset_blob(&place.path, id)
}

fn upload(desk: &mut Desk<'_>, place: &Place, of: &Release) -> Answer {
    let Some(name) = desk.request.query("name").filter(|it| !it.is_empty()).map(str::to_owned)
    else {
        return invalid("ReleaseAsset", "name", "missing_field");
    };
    // The uploads host refuses bodies whose length it is not told.
    if desk.request.header("content-length").is_none() {
        return refusal(StatusCode::LENGTH_REQUIRED, "Length Required");
    }
    if desk.request.body.is_empty() {
        return refusal(StatusCode::BAD_REQUEST, "Bad Content-Length: 0");
    }
    let same = |it: &ReleaseAsset| it.release == of.tag && it.name == name;
    if desk.store.find::<ReleaseAsset>(&place.scope, same).is_some() {
        return invalid("ReleaseAsset", "name", "already_exists");
    }
    let hash = HEXLOWER.encode(&Sha256::digest(&desk.request.body));
    let now = desk.store.now();
    let it = ReleaseAsset {
        release: of.tag.clone(),
        name,
        label: desk.request.query("label").map(str::to_owned),
        content_type: desk.request.header("content-type").map(str::to_owned),
        author: Some(who(desk)),
        blob: Some(Blob { size: Some(desk.request.body.len() as u64), sha256: Some(hash) }),
        link: None,
        created_at: now,
        updated_at: now,
    };
    let id = desk.store.add(&place.scope, it.clone());
    if desk.store.save_blob(&blob_name(place, id), &desk.request.body).is_err() {
        return refusal(StatusCode::INTERNAL_SERVER_ERROR, "Server Error");
    }
    Answer::created(&asset(&desk.view(), place, id, &it))
}

fn asset_route(desk: &mut Desk<'_>, place: &Place, method: &Method, id: u64) -> Option<Answer> {
    let it = desk.store.get::<ReleaseAsset>(&place.scope, id)?.clone();
    let wants_bytes = desk.request.header("accept").is_some_and(|it| it.contains("octet-stream"));
    match *method {
        Method::GET if wants_bytes => {
            let path = desk.store.blob(&blob_name(place, id));
            Some(Answer::file(
                path,
                it.content_type.as_deref().unwrap_or("application/octet-stream"),
            ))
        }
        Method::GET => Some(Answer::ok(&asset(&desk.view(), place, id, &it))),
        Method::PATCH => {
            let body = desk.request.json();
            let it = desk.store.get_mut::<ReleaseAsset>(&place.scope, id)?;
            if let Some(name) = body["name"].as_str() {
                name.clone_into(&mut it.name);
            }
            if let Some(label) = body["label"].as_str() {
                it.label = Some(label.to_owned());
            }
            let it = it.clone();
            Some(Answer::ok(&asset(&desk.view(), place, id, &it)))
        }
        Method::DELETE => {
            desk.store.remove::<ReleaseAsset>(&place.scope, id);
            Some(Answer::no_content())
        }
        _ => None,
    }
}
