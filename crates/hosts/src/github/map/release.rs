//! Releases and their files.

use super::{Notes, plain, text};
use crate::github::wire;
use packhorse_core::{
    Object,
    model::{Blob, Release, ReleaseAsset},
};

pub(in crate::github) fn release(
    it: wire::Release,
    notes: &mut Notes<'_>,
) -> Option<(String, Object)> {
    let release = Release {
        tag: it.tag_name?,
        pending_tag: None,
        name: plain(it.name),
        body: text(it.body),
        author: notes.someone(it.author.as_ref()),
        draft: it.draft.unwrap_or(false),
        prerelease: it.prerelease.unwrap_or(false),
        target: plain(it.target_commitish),
        milestones: Vec::new(),
        created_at: notes.time("created_at", it.created_at),
        published_at: notes.time("published_at", it.published_at),
    };
    Some((it.id?.to_string(), Object::from(release)))
}

/// A file that is there whole; one that is still being uploaded is none.
pub(in crate::github) fn asset(
    it: wire::Asset,
    tag: &str,
    notes: &mut Notes<'_>,
) -> Option<(String, Object)> {
    if matches!(it.state.as_deref(), Some("open" | "starter" | "new")) {
        return None;
    }
    let digest = it.digest.as_deref().and_then(|it| it.strip_prefix("sha256:"));
    let sha256 = digest.filter(|it| it.len() == 64).map(str::to_ascii_lowercase);
    let asset = ReleaseAsset {
        release: tag.to_owned(),
        name: plain(it.name)?,
        label: plain(it.label),
        content_type: plain(it.content_type),
        author: notes.someone(it.uploader.as_ref()),
        blob: Some(Blob { size: it.size, sha256 }),
        link: None,
        created_at: notes.time("created_at", it.created_at),
        updated_at: notes.time("updated_at", it.updated_at),
    };
    Some((it.id?.to_string(), Object::from(asset)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Option<ReleaseAsset> {
        let mut notes = Notes { host: "h.example", losses: Vec::new() };
        let (_, object) = asset(serde_json::from_str(json).unwrap(), "v1", &mut notes)?;
        let Object::ReleaseAsset(asset) = object else { panic!("a file of a release") };
        Some(*asset)
    }

    #[test]
    fn a_file_has_its_digest_and_half_a_file_is_none() {
        let digest = "A".repeat(64);
        let whole = format!(
            r#"{{"id": 1, "name": "a.zip", "size": 3, "state": "uploaded", "digest": "sha256:{digest}"}}"#
        );
        let blob = read(&whole).unwrap().blob.unwrap();
        assert_eq!((blob.size, blob.sha256), (Some(3), Some("a".repeat(64))));

        assert_eq!(read(r#"{"id": 1, "name": "a.zip", "state": "starter"}"#), None);
        assert_eq!(
            read(r#"{"id": 1, "name": "a.zip", "digest": "md5:1"}"#).unwrap().blob.unwrap().sha256,
            None
        );
    }
}
