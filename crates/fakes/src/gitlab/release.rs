//! Releases and the links that are their files.

use super::{
    Desk, Place, commit, invalid, issue, missing, not_found, project, refusal,
    view::{text, told},
};
use crate::exchange::Answer;
use http::{Method, StatusCode};
use packhorse_core::{
    RepoKind,
    model::{Milestone, Release, ReleaseAsset},
};
use serde_json::{Value, json};

pub(super) fn route(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    let method = desk.request.method.clone();
    match (&method, rest) {
        (&Method::GET, ["releases"]) => {
            let all = desk.store.all::<Release>(&place.scope);
            let mut all: Vec<_> = all.map(|(_, it)| shown(desk, place, it)).collect();
            all.sort_by_key(|it| it["released_at"].as_str().unwrap_or_default().to_owned());
            if desk.request.query("sort") != Some("asc") {
                all.reverse();
            }
            Some(desk.page(all))
        }
        (&Method::POST, ["releases"]) => Some(create(desk, place)),
        (_, ["releases", tag, rest @ ..]) => {
            let found = desk.store.find::<Release>(&place.scope, |it| it.tag == *tag);
            let Some((id, it)) = found else { return Some(not_found("")) };
            match (&method, rest) {
                (&Method::GET, []) => Some(Answer::ok(&shown(desk, place, it))),
                (&Method::DELETE, []) => {
                    let value = shown(desk, place, it);
                    desk.store.remove::<Release>(&place.scope, id);
                    Some(Answer::ok(&value))
                }
                (&Method::PUT, []) => {
                    let (name, body) = (desk.text("name"), issue::body(desk, "description"));
                    let at = desk.text("released_at").and_then(|it| it.parse().ok());
                    let milestones = milestones(desk, place);
                    let it = desk.store.get_mut::<Release>(&place.scope, id)?;
                    it.name = name.or(it.name.take());
                    it.body = body.or(it.body.take());
                    it.published_at = at.or(it.published_at);
                    it.milestones =
                        milestones.unwrap_or_else(|| std::mem::take(&mut it.milestones));
                    let it = desk.store.get::<Release>(&place.scope, id)?;
                    Some(Answer::ok(&shown(desk, place, it)))
                }
                (_, ["assets", "links", rest @ ..]) => links(desk, place, &method, (tag, rest)),
                _ => None,
            }
        }
        _ => None,
    }
}

fn link(desk: &Desk<'_>, place: &Place, id: u64, it: &ReleaseAsset) -> Value {
    let own = format!(
        "{}/{}/-/releases/{}/downloads/{}",
        desk.request.home, place.path, it.release, it.name
    );
    let url = it.link.clone().unwrap_or_else(|| own.clone());
    json!({ "id": id, "name": it.name, "url": url, "direct_asset_url": own, "link_type": "other" })
}

fn shown(desk: &Desk<'_>, place: &Place, it: &Release) -> Value {
    let view = desk.view();
    let web = format!("{}/{}", desk.request.home, place.path);
    let links =
        desk.store.all::<ReleaseAsset>(&place.scope).filter(|(_, one)| one.release == it.tag);
    let links: Vec<_> = links.map(|(id, it)| link(desk, place, id, it)).collect();
    let milestones = desk.store.all::<Milestone>(&place.scope);
    let milestones = milestones.filter(|(_, one)| it.milestones.contains(&one.number));
    let at = (place.id, place.path.as_str());
    let milestones: Vec<_> = milestones.map(|(id, it)| view.milestone(at, id, it)).collect();
    let tip = commit(desk, place, &it.tag);
    let self_url = format!("{web}/-/releases/{}", it.tag);
    json!({
        "tag_name": it.tag, "name": it.name.as_deref().unwrap_or(&it.tag),
        "description": text(&it.body), "created_at": told(it.created_at),
        "released_at": told(it.published_at.or(it.created_at)), "upcoming_release": false,
        "author": view.somebody(&it.author), "milestones": milestones,
        "commit": project::commit_view(desk, place, &tip), "evidences": [],
        "commit_path": format!("/{}/-/commit/{tip}", place.path),
        "tag_path": format!("/{}/-/tags/{}", place.path, it.tag),
        "assets": { "count": links.len(), "sources": [], "links": links },
        "_links": { "self": self_url, "edit_url": format!("{self_url}/edit") },
    })
}

/// Numbers of the milestones that a request names by their titles.
fn milestones(desk: &Desk<'_>, place: &Place) -> Option<Vec<u64>> {
    let titles = desk.names("milestones")?;
    let all = desk.store.all::<Milestone>(&place.scope);
    let named = all.filter(|(_, it)| titles.contains(&it.title));
    Some(named.map(|(_, it)| it.number).collect())
}

fn create(desk: &mut Desk<'_>, place: &Place) -> Answer {
    let Some(tag) = desk.text("tag_name") else { return missing("tag_name") };
    if desk.store.find::<Release>(&place.scope, |it| it.tag == tag).is_some() {
        return refusal(StatusCode::CONFLICT, "Release already exists");
    }
    let refs = desk.store.refs(&place.path, RepoKind::Code);
    if !refs.contains_key(&format!("refs/tags/{tag}")) {
        let Some(name) = desk.text("ref") else {
            return Answer::json(
                StatusCode::UNPROCESSABLE_ENTITY,
                &json!({ "message": "Ref is not specified" }),
            );
        };
        let id = commit(desk, place, &name);
        if desk.store.set_ref(&place.path, &format!("refs/tags/{tag}"), &id).is_err() {
            return invalid("ref", "cannot be made");
        }
    }
    let milestones = milestones(desk, place).unwrap_or_default();
    let now = desk.store.now();
    let told = desk.text("released_at").and_then(|it| it.parse().ok());
    let it = Release {
        tag: tag.clone(),
        name: desk.text("name"),
        body: issue::body(desk, "description"),
        author: Some(desk.author()),
        milestones,
        created_at: now,
        published_at: told.or(now),
        ..Release::default()
    };
    desk.store.add(&place.scope, it.clone());
    for asset in desk.body["assets"]["links"].as_array().cloned().unwrap_or_default() {
        let text = |field: &str| asset[field].as_str().map(str::to_owned);
        let name = text("name").unwrap_or_default();
        let it = ReleaseAsset {
            release: tag.clone(),
            name,
            link: text("url"),
            ..ReleaseAsset::default()
        };
        desk.store.add(&place.scope, it);
    }
    Answer::created(&shown(desk, place, &it))
}

fn links(
    desk: &mut Desk<'_>,
    place: &Place,
    method: &Method,
    (tag, rest): (&str, &[&str]),
) -> Option<Answer> {
    match (method, rest) {
        (&Method::GET, []) => {
            let all = desk.store.all::<ReleaseAsset>(&place.scope);
            let all = all.filter(|(_, it)| it.release == tag);
            Some(desk.page(all.map(|(id, it)| link(desk, place, id, it)).collect()))
        }
        (&Method::POST, []) => {
            let Some(name) = desk.text("name") else { return Some(missing("name")) };
            let Some(url) = desk.text("url") else { return Some(missing("url")) };
            let same = |it: &ReleaseAsset| it.release == tag && it.name == name;
            if desk.store.find::<ReleaseAsset>(&place.scope, same).is_some() {
                return Some(invalid("name", "has already been taken"));
            }
            let it = ReleaseAsset {
                release: tag.to_owned(),
                name,
                link: Some(url),
                created_at: desk.store.now(),
                ..ReleaseAsset::default()
            };
            let id = desk.store.add(&place.scope, it.clone());
            Some(Answer::created(&link(desk, place, id, &it)))
        }
        (_, [id]) => {
            let id: u64 = id.parse().ok()?;
            let it = desk.store.get::<ReleaseAsset>(&place.scope, id)?;
            let value = link(desk, place, id, it);
            if *method == Method::DELETE {
                desk.store.remove::<ReleaseAsset>(&place.scope, id);
                return Some(Answer::ok(&value));
            }
            let (name, url) = (desk.text("name"), desk.text("url"));
            let it = desk.store.get_mut::<ReleaseAsset>(&place.scope, id)?;
            if *method == Method::PUT {
                it.name = name.unwrap_or_else(|| it.name.clone());
                it.link = url.or(it.link.take());
            }
            let it = desk.store.get::<ReleaseAsset>(&place.scope, id)?;
            Some(Answer::ok(&link(desk, place, id, it)))
        }
        _ => None,
    }
}
