//! Hooks, keys and what builds said.

use super::{plain, time};
use crate::bitbucket_server::wire;
use packhorse_core::model::{CommitState, CommitStatus, DeployKey, Time, Webhook};

pub(in crate::bitbucket_server) fn webhook(hook: wire::Webhook) -> Option<(String, Webhook)> {
    let mapped = Webhook {
        url: plain(hook.url)?,
        name: plain(hook.name),
        events: hook.events.map(|it| it.0).unwrap_or_default(),
        content_type: Some("json".to_owned()),
        verify_tls: hook.ssl_verification_required != Some(false),
        active: hook.active.unwrap_or_default(),
        has_secret: hook.configuration.and_then(|it| plain(it.secret)).map(|_| true),
        created_at: time(hook.created_date),
        ..Webhook::default()
    };
    Some((hook.id?.to_string(), mapped))
}

pub(in crate::bitbucket_server) fn deploy_key(key: wire::AccessKey) -> Option<(String, DeployKey)> {
    let wire::AccessKey { key, permission } = key;
    let key = key?;
    let created_at = time(key.created_date);
    let days = key.expiry_days.filter(|it| *it > 0);
    let mapped = DeployKey {
        title: key.label.unwrap_or_default(),
        key: plain(key.text)?,
        key_fingerprint: plain(key.fingerprint),
        read_only: permission.as_deref() != Some("REPO_WRITE"),
        created_at,
        expires_at: created_at.zip(days).and_then(|(since, days)| {
            let seconds = days.checked_mul(24 * 3600)?;
            let end = since.instant().as_second().checked_add(seconds)?;
            Time::from_millis(end.checked_mul(1000)?)
        }),
    };
    Some((key.id?.to_string(), mapped))
}

/// What a build said of a commit, and its id: a key is told once of each commit.
pub(in crate::bitbucket_server) fn status(
    status: wire::BuildStatus,
    commit: &str,
) -> Option<(String, CommitStatus)> {
    let context = plain(status.key)?;
    let state = match status.state.as_deref() {
        Some("SUCCESSFUL") => CommitState::Success,
        Some("FAILED") => CommitState::Failure,
        Some("INPROGRESS") => CommitState::Running,
        Some("CANCELLED") => CommitState::Cancelled,
        Some(_) | None => CommitState::Pending,
    };
    let mapped = CommitStatus {
        commit: commit.to_owned(),
        context: context.clone(),
        state,
        description: plain(status.description).or_else(|| plain(status.name)),
        target_url: plain(status.url),
        git_ref: plain(status.r#ref).map(|it| super::branch_name(Some(&it), None)),
        created_at: time(status.created_date).or_else(|| time(status.date_added)),
        updated_at: time(status.updated_date),
        ..CommitStatus::default()
    };
    Some((format!("{commit}/{context}"), mapped))
}
