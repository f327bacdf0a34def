//! Releases and their files.

use super::{
    super::address::{Address, Site},
    Notes, body,
    file::TARBALL,
    id, identity, owned, text, time, user,
};
use crate::github::wire::{self, List};
use packhorse_core::model::{self, Blob};

/// The tag of a release; drafts may have a pending one alone.
pub(in crate::github) fn tag(it: &wire::Release) -> String {
    it.tag_name
        .clone()
        .or_else(|| it.pending_tag.clone())
        .unwrap_or_else(|| Address::of(&it.url).tag())
}

/// Reads a release, without its files.
pub(in crate::github) fn read(it: wire::Release, notes: &mut Notes) -> (String, model::Release) {
    let tag = tag(&it);
    let draft = match it.state.as_deref() {
        Some("draft") => true,
        None | Some("published") => false,
        Some(other) => {
            notes.odd("draft", other);
            false
        }
    };
    let release = model::Release {
        pending_tag: it.pending_tag.filter(|it| *it != tag),
        name: it.name,
        body: text(it.body),
        author: identity(it.user.as_deref()),
        draft,
        prerelease: it.prerelease.unwrap_or(false),
        target: it.target_commitish,
        milestones: Vec::new(),
        created_at: notes.time("created_at", it.created_at),
        published_at: notes.time("published_at", it.published_at),
        tag: tag.clone(),
    };
    (tag, release)
}

/// Writes a release with its files.
pub(in crate::github) fn write(
    site: &Site,
    it: &model::Release,
    assets: Vec<wire::Asset>,
) -> wire::Release {
    wire::Release {
        r#type: owned("release"),
        url: site.release(&it.tag),
        repository: Some(owned(site.url())),
        user: user(it.author.as_ref()),
        name: it.name.clone(),
        tag_name: Some(it.tag.clone()),
        body: body(it.body.as_ref()),
        state: Some(owned(if it.draft { "draft" } else { "published" })),
        pending_tag: Some(it.pending_tag.clone().unwrap_or_else(|| it.tag.clone())),
        prerelease: Some(it.prerelease),
        target_commitish: it.target.clone(),
        release_assets: List(assets),
        published_at: time(it.published_at),
        created_at: time(it.created_at),
    }
}

/// Reads a file of a release, without its bytes.
pub(in crate::github) fn read_asset(
    tag: &str,
    it: wire::Asset,
    notes: &mut Notes,
) -> (String, model::ReleaseAsset) {
    let in_archive = it.asset_url.as_deref().is_none_or(|it| it.starts_with(TARBALL));
    let named = it.asset_name.or(it.name);
    let asset = model::ReleaseAsset {
        release: tag.to_owned(),
        name: named.unwrap_or_else(|| {
            it.asset_url.as_deref().map(|it| Address::of(it).name()).unwrap_or_default()
        }),
        label: None,
        content_type: it.asset_content_type,
        author: identity(it.user.as_deref()),
        blob: in_archive.then(Blob::default),
        link: it.asset_url.filter(|_| !in_archive),
        created_at: notes.time("created_at", it.created_at),
        updated_at: None,
    };
    (id::asset(tag, &asset.name), asset)
}

/// Writes a file of a release; `asset_url` is where its bytes are, if there are any.
///
/// `None` for links: GitHub's releases have files alone.
pub(in crate::github) fn write_asset(
    it: &model::ReleaseAsset,
    asset_url: Option<String>,
) -> Option<wire::Asset> {
    it.blob.as_ref()?;
    Some(wire::Asset {
        user: user(it.author.as_ref()),
        name: None,
        asset_name: Some(it.name.clone()),
        asset_content_type: it.content_type.clone(),
        asset_url,
        created_at: time(it.created_at),
    })
}
