//! Hooks, keys, downloads and what builds said.

use super::{identity, plain, time};
use crate::bitbucket_cloud::wire;
use packhorse_core::model::{
    Blob, CommitState, CommitStatus, DeployKey, Markup, Release, ReleaseAsset, Text, Webhook,
};

/// Tag of the release that stands for the downloads of a repository.
pub(in crate::bitbucket_cloud) const DOWNLOADS: &str = "downloads";

pub(in crate::bitbucket_cloud) fn webhook(hook: wire::Webhook) -> Option<(String, Webhook)> {
    let mapped = Webhook {
        url: plain(hook.url)?,
        name: plain(hook.description),
        events: hook.events.map(|it| it.0).unwrap_or_default(),
        content_type: Some("json".to_owned()),
        verify_tls: hook.skip_cert_verification != Some(true),
        active: hook.active.unwrap_or_default(),
        has_secret: hook.secret_set,
        created_at: time(hook.created_at),
        ..Webhook::default()
    };
    Some((hook.uuid?, mapped))
}

/// A key, which may only read.
pub(in crate::bitbucket_cloud) fn deploy_key(key: wire::DeployKey) -> Option<(String, DeployKey)> {
    let text = plain(key.key)?;
    let text = match plain(key.comment).filter(|_| text.split(' ').count() == 2) {
        Some(comment) => format!("{text} {comment}"),
        None => text,
    };
    let mapped = DeployKey {
        title: key.label.unwrap_or_default(),
        key: text,
        read_only: true,
        created_at: time(key.added_on),
        ..DeployKey::default()
    };
    Some((key.id?.to_string(), mapped))
}

/// What a build said of a commit, and its id: a key is told once of each commit.
pub(in crate::bitbucket_cloud) fn status(it: wire::Status) -> Option<(String, CommitStatus)> {
    let context = plain(it.key)?;
    let href = it.links?.commit?.href?;
    let commit = href.trim_end_matches('/').rsplit('/').next()?.to_owned();
    let state = match it.state.as_deref() {
        Some("SUCCESSFUL") => CommitState::Success,
        Some("FAILED") => CommitState::Failure,
        Some("INPROGRESS") => CommitState::Running,
        Some("STOPPED") => CommitState::Cancelled,
        Some(_) | None => CommitState::Pending,
    };
    let mapped = CommitStatus {
        commit: commit.clone(),
        context: context.clone(),
        state,
        description: plain(it.description).or_else(|| plain(it.name)),
        target_url: plain(it.url),
        git_ref: plain(it.refname),
        created_at: time(it.created_on),
        updated_at: time(it.updated_on),
        ..CommitStatus::default()
    };
    Some((format!("{commit}/{context}"), mapped))
}

/// The draft that stands for all downloads, which belong to no tag.
pub(in crate::bitbucket_cloud) fn downloads() -> Release {
    let body = "Files that were offered for download beside the releases.";
    Release {
        tag: DOWNLOADS.to_owned(),
        name: Some("Downloads".to_owned()),
        body: Some(Text::new(body, Markup::Bitbucket)),
        draft: true,
        ..Release::default()
    }
}

pub(in crate::bitbucket_cloud) fn download(
    it: wire::Download,
    host: &str,
) -> Option<(String, ReleaseAsset)> {
    let name = plain(it.name)?;
    let mapped = ReleaseAsset {
        release: DOWNLOADS.to_owned(),
        name: name.clone(),
        author: it.user.as_ref().and_then(|it| identity(it, host)),
        blob: Some(Blob { size: it.size, sha256: None }),
        created_at: time(it.created_on),
        ..ReleaseAsset::default()
    };
    Some((name, mapped))
}
