//! Releases, their files, and the files of issues and comments.

use super::{
    Desk, Place, issue, not_found, refusal, unprocessable,
    view::{View, text, told},
    word,
};
use crate::{exchange::Answer, form::File, store};
use http::{Method, StatusCode};
use packhorse_core::{
    Scope,
    model::{Attachment, Release, ReleaseAsset, Subject},
};
use serde_json::{Value, json};

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
        (&Method::GET, ["releases", "tags", tag @ ..]) => {
            let tag = tag.join("/");
            let (id, it) = desk.store.find::<Release>(&place.scope, |it| it.tag == tag)?;
            Some(Answer::ok(&release(&desk.view(), place, id, it)))
        }
        (_, ["releases", id, rest @ ..]) => one(desk, place, &method, id.parse().ok()?, rest),
        _ => None,
    }
}

fn release(view: &View<'_>, place: &Place, id: u64, it: &Release) -> Value {
    let html = format!("{}/{}/releases/tag/{}", view.home, place.path, it.tag);
    let url = format!("{}/releases/{id}", view.api(&place.path));
    let of_this = |asset: &ReleaseAsset| asset.release == it.tag;
    let assets = view.store.all::<ReleaseAsset>(&place.scope).filter(|(_, it)| of_this(it));
    let assets: Vec<Value> = assets.map(|(id, it)| asset(view, id, it)).collect();
    let archive = |kind: &str| format!("{}/{}/archive/{}.{kind}", view.home, place.path, it.tag);
    json!({
        "id": id, "tag_name": it.tag, "target_commitish": it.target.as_deref().unwrap_or(""), "name": it.name.as_deref().unwrap_or(""),
        "body": text(&it.body), "url": url, "html_url": html, "tarball_url": archive("tar.gz"), "zipball_url": archive("zip"),
        "upload_url": format!("{url}/assets"), "draft": it.draft, "prerelease": it.prerelease, "created_at": told(it.created_at),
        "published_at": told(it.published_at.or(it.created_at)), "author": view.author(&it.author), "assets": assets,
    })
}

fn asset(view: &View<'_>, id: u64, it: &ReleaseAsset) -> Value {
    let size = it.blob.as_ref().and_then(|it| it.size);
    // Files of releases and of issues share Gitea's attachments; half of the numbers each.
    view.asset(id + RELEASES, &it.name, size, it.created_at)
}

/// Where the numbers of releases' files begin.
const RELEASES: u64 = 500_000_000;

fn create(desk: &mut Desk<'_>, place: &Place) -> Answer {
    let body = desk.request.json();
    let Some(tag) = word(&body, "tag_name") else { return unprocessable("[TagName]: Required") };
    if desk.store.find::<Release>(&place.scope, |it| it.tag == tag).is_some() {
        return refusal(StatusCode::CONFLICT, "Release is has no Tag");
    }
    let refs = desk.store.refs_told(&place.path);
    if refs.is_empty() {
        return unprocessable("repo is empty");
    }
    let is_draft = body["draft"] == true;
    if !is_draft && !refs.contains_key(&format!("refs/tags/{tag}")) {
        let target = word(&body, "target_commitish").unwrap_or_else(|| "main".to_owned());
        let tip = refs
            .get(&format!("refs/heads/{target}"))
            .cloned()
            .or(Some(target).filter(|it| it.len() == 40));
        let made =
            tip.map(|tip| desk.store.set_ref(&place.path, &format!("refs/tags/{tag}"), &tip));
        if !matches!(made, Some(Ok(()))) {
            return not_found();
        }
    }
    let now = desk.store.now();
    let mut it = Release {
        tag,
        author: Some(desk.who.clone()),
        created_at: now,
        published_at: now,
        ..Release::default()
    };
    apply(&mut it, &body);
    let id = desk.store.add(&place.scope, it.clone());
    Answer::created(&release(&desk.view(), place, id, &it))
}

fn apply(it: &mut Release, body: &Value) {
    it.tag = word(body, "tag_name").unwrap_or_else(|| it.tag.clone());
    if body["name"].is_string() {
        it.name = word(body, "name");
    }
    if body["body"].is_string() {
        it.body = issue::markdown(body, "body");
    }
    it.target = word(body, "target_commitish").or_else(|| it.target.clone());
    it.draft = body["draft"].as_bool().unwrap_or(it.draft);
    it.prerelease = body["prerelease"].as_bool().unwrap_or(it.prerelease);
}

fn one(
    desk: &mut Desk<'_>,
    place: &Place,
    method: &Method,
    id: u64,
    rest: &[&str],
) -> Option<Answer> {
    let of = desk.store.get::<Release>(&place.scope, id)?.clone();
    match (method, rest) {
        (&Method::GET, []) => Some(Answer::ok(&release(&desk.view(), place, id, &of))),
        (&Method::PATCH, []) => {
            let body = desk.request.json();
            let it = desk.store.get_mut::<Release>(&place.scope, id)?;
            apply(it, &body);
            let it = it.clone();
            Some(Answer::ok(&release(&desk.view(), place, id, &it)))
        }
        (&Method::DELETE, []) => {
            desk.store.remove::<Release>(&place.scope, id);
            desk.store.remove_where::<ReleaseAsset>(&place.scope, |it| it.release == of.tag);
            Some(Answer::no_content())
        }
        (&Method::GET, ["assets"]) => {
            let view = desk.view();
            let all =
                desk.store.all::<ReleaseAsset>(&place.scope).filter(|(_, it)| it.release == of.tag);
            Some(desk.page(all.map(|(id, it)| asset(&view, id, it)).collect()))
        }
        (&Method::POST, ["assets"]) => Some(upload(desk, place, &of)),
        (_, ["assets", id]) => {
            let id = id.parse::<u64>().ok()?.checked_sub(RELEASES)?;
            let it = desk.store.get::<ReleaseAsset>(&place.scope, id)?.clone();
            if *method == Method::DELETE {
                desk.store.remove::<ReleaseAsset>(&place.scope, id);
                return Some(Answer::no_content());
            }
            Some(Answer::ok(&asset(&desk.view(), id, &it)))
        }
        _ => None,
    }
}

fn upload(desk: &mut Desk<'_>, place: &Place, of: &Release) -> Answer {
    let Some(file) = File::of(desk.request, "attachment") else {
        return refusal(StatusCode::BAD_REQUEST, "http: no such file");
    };
    let now = desk.store.now();
    let it = ReleaseAsset {
        release: of.tag.clone(),
        name: file.name.clone(),
        content_type: file.content_type.clone(),
        author: Some(desk.who.clone()),
        blob: Some(file.blob()),
        created_at: now,
        updated_at: now,
        ..ReleaseAsset::default()
    };
    let id = desk.store.add(&place.scope, it.clone());
    if desk.store.save_blob(&store::asset_blob(&place.path, id), &file.bytes).is_err() {
        return refusal(StatusCode::INTERNAL_SERVER_ERROR, "internal server error");
    }
    Answer::created(&asset(&desk.view(), id, &it))
}

/// Files of an issue or a comment.
pub(super) fn attachments(
    desk: &mut Desk<'_>,
    place: &Place,
    method: &Method,
    subject: &Subject,
    rest: &[&str],
) -> Option<Answer> {
    match (method, rest) {
        (&Method::GET, []) => {
            Some(Answer::ok(&Value::Array(desk.view().assets(&place.path, subject))))
        }
        (&Method::POST, []) => {
            let Some(file) = File::of(desk.request, "attachment") else {
                return Some(refusal(StatusCode::BAD_REQUEST, "http: no such file"));
            };
            let it = Attachment {
                subject: subject.clone(),
                name: file.name.clone(),
                content_type: file.content_type.clone(),
                author: Some(desk.who.clone()),
                blob: file.blob(),
                created_at: desk.store.now(),
                ..Attachment::default()
            };
            let id = desk.store.add(&place.scope, it.clone());
            desk.store.save_blob(&store::attachment_blob(&place.path, id), &file.bytes).ok()?;
            Some(Answer::created(&desk.view().asset(id, &it.name, it.blob.size, it.created_at)))
        }
        (_, [id]) => {
            let id = id.parse().ok()?;
            let it = desk.store.get::<Attachment>(&place.scope, id)?.clone();
            if *method == Method::DELETE {
                desk.store.remove::<Attachment>(&place.scope, id);
                return Some(Answer::no_content());
            }
            Some(Answer::ok(&desk.view().asset(id, &it.name, it.blob.size, it.created_at)))
        }
        _ => None,
    }
}

/// The bytes of a file, by the last part of its address.
pub(super) fn download(desk: &Desk<'_>, uuid: &str) -> Answer {
    let Some(id) = uuid.rsplit('-').next().and_then(|it| it.parse::<u64>().ok()) else {
        return not_found();
    };
    for scope in desk.store.scopes() {
        let Scope::Project(path) = &scope else { continue };
        let found = match id.checked_sub(RELEASES) {
            Some(id) => {
                desk.store.get::<ReleaseAsset>(&scope, id).map(|_| store::asset_blob(path, id))
            }
            None => {
                desk.store.get::<Attachment>(&scope, id).map(|_| store::attachment_blob(path, id))
            }
        };
        if let Some(name) = found {
            return Answer::file(desk.store.blob(&name), "application/octet-stream");
        }
    }
    not_found()
}
