//! Webhooks, deploy keys, variables, and what builds say of commits.

use super::{Notes, plain};
use crate::github::wire;
use packhorse_core::{
    Object,
    model::{CommitState, CommitStatus, DeployKey, Variable, Webhook},
};
use serde_json::Value;

/// A webhook.
///
/// SECURITY: whether there is a secret is read off the stars in its place.
pub(in crate::github) fn webhook(
    it: wire::Hook,
    notes: &mut Notes<'_>,
) -> Option<(String, Object)> {
    let config = it.config.unwrap_or_default();
    let skips_checks = match config.insecure_ssl {
        Some(Value::String(word)) => word != "0",
        Some(Value::Number(number)) => number.as_u64() != Some(0),
        Some(Value::Bool(yes)) => yes,
        Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => false,
    };
    let hook = Webhook {
        url: plain(config.url)?,
        name: plain(it.name).filter(|it| it != "web"),
        events: it.events.unwrap_or_default(),
        branch_filter: None,
        content_type: plain(config.content_type),
        verify_tls: !skips_checks,
        active: it.active.unwrap_or(false),
        has_secret: Some(config.secret.is_some_and(|it| !it.is_empty())),
        created_at: notes.time("created_at", it.created_at),
    };
    Some((it.id?.to_string(), Object::from(hook)))
}

pub(in crate::github) fn deploy_key(
    it: wire::Key,
    notes: &mut Notes<'_>,
) -> Option<(String, Object)> {
    let key = DeployKey {
        title: it.title.unwrap_or_default(),
        key: plain(it.key)?,
        key_fingerprint: None,
        // Unknown is read-only: nothing may gain a right by a missing field.
        read_only: it.read_only.unwrap_or(true),
        created_at: notes.time("created_at", it.created_at),
        expires_at: None,
    };
    Some((it.id?.to_string(), Object::from(key)))
}

/// A variable by its name.
///
/// SECURITY: values of variables are sent, and not looked at.
pub(in crate::github) fn variable(it: wire::Named, is_secret: bool) -> Option<(String, Object)> {
    let name = plain(it.name)?;
    let id = format!("{}/{name}", if is_secret { "secret" } else { "variable" });
    Some((id, Object::from(Variable { name, is_secret, ..Variable::default() })))
}

/// What a build said of a commit.
pub(in crate::github) fn status(
    it: wire::CommitStatus,
    (branch, commit): (&str, &str),
    notes: &mut Notes<'_>,
) -> Option<(String, Object)> {
    let state = match it.state.as_deref() {
        Some("success") => CommitState::Success,
        Some("failure") => CommitState::Failure,
        Some("error") => CommitState::Error,
        Some("pending") => CommitState::Pending,
        other => {
            // Unknown is bad: nothing may be merged because of it.
            notes.odd("state", other.unwrap_or("null"));
            CommitState::Error
        }
    };
    let status = CommitStatus {
        commit: commit.to_owned(),
        context: it.context.unwrap_or_default(),
        state,
        description: plain(it.description),
        target_url: plain(it.target_url),
        git_ref: Some(branch.to_owned()),
        author: notes.someone(it.creator.as_ref()),
        created_at: notes.time("created_at", it.created_at),
        updated_at: notes.time("updated_at", it.updated_at),
    };
    Some((format!("{commit}/{}", it.id?), Object::from(status)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(config: &str, verify_tls: bool, has_secret: bool) {
        let mut notes = Notes { host: "h.example", losses: Vec::new() };
        let json = format!(r#"{{"id": 1, "config": {config}}}"#);

        let (_, object) = webhook(serde_json::from_str(&json).unwrap(), &mut notes).unwrap();

        let Object::Webhook(hook) = object else { panic!("a webhook") };
        assert_eq!((hook.verify_tls, hook.has_secret), (verify_tls, Some(has_secret)));
    }

    #[test]
    fn whether_certificates_are_checked_is_told_in_several_ways() {
        check(r#"{"url": "https://h.example", "insecure_ssl": "0"}"#, true, false);
        check(r#"{"url": "https://h.example", "insecure_ssl": 1}"#, false, false);
        check(r#"{"url": "https://h.example", "secret": "********"}"#, true, true);
    }
}
