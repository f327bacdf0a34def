//! Repositories and what is embedded in them.

use super::{List, Unused, wire};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

wire! {
    /// A repository with its labels, collaborators, hooks, keys and settings.
    struct Repository {
        r#type: String,
        url: String,
        owner: Option<String>,
        name: Option<String>,
        description: Option<String>,
        website: Option<String>,
        private: Option<bool>,
        has_issues: Option<bool>,
        has_wiki: Option<bool>,
        has_downloads: Option<bool>,
        is_archived: Option<bool>,
        labels: List<Label>,
        collaborators: List<Collaborator>,
        created_at: Option<String>,
        git_url: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        wiki_url: Option<String>,
        default_branch: Option<String>,
        webhooks: List<Webhook>,
        page: Option<Page>,
        public_keys: List<PublicKey>,
        repository_topics: List<Topic>,
        #[serde(skip_serializing_if = "Option::is_none")]
        security_and_analysis: Option<Security>,
        autolinks: List<Autolink>,
        #[serde(skip_serializing_if = "Option::is_none")]
        general_settings: Option<GeneralSettings>,
        #[serde(skip_serializing_if = "Option::is_none")]
        actions_general_settings: Option<ActionsSettings>,
    }
    nested {
        "labels": Label,
        "collaborators": Collaborator,
        "webhooks": Webhook,
        "page": Page,
        "public_keys": PublicKey,
        "autolinks": Autolink,
        "general_settings": GeneralSettings,
        "actions_general_settings": ActionsSettings,
    }

    /// A label.
    struct Label {
        url: String,
        name: String,
        color: Option<String>,
        description: Option<String>,
        created_at: Option<String>,
        #[serde(skip_serializing)]
        r#type: Unused,
    }

    /// Somebody with a role in the repository.
    struct Collaborator {
        user: String,
        permission: Option<String>,
    }

    /// A webhook.
    struct Webhook {
        payload_url: String,
        content_type: Option<String>,
        event_types: List<String>,
        enable_ssl_verification: Option<bool>,
        active: Option<bool>,
    }

    /// A deploy key.
    struct PublicKey {
        title: Option<String>,
        key: String,
        read_only: Option<bool>,
        fingerprint: Option<String>,
        created_at: Option<String>,
    }

    /// The published site.
    struct Page {
        cname: Option<String>,
        https_redirect: Option<bool>,
        source: Unused,
        source_ref_name: Option<String>,
        source_subdir: Option<String>,
        is_public: Option<bool>,
        subdomain: Unused,
        parent_domain: Unused,
        theme: Unused,
        build_type: Option<String>,
    }
    lost { "source", "subdomain", "parent_domain", "theme" }

    /// A prefix that becomes a link.
    struct Autolink {
        key_prefix: String,
        url_template: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        is_alphanumeric: Option<bool>,
    }

    /// What is switched on.
    struct GeneralSettings {
        #[serde(skip_serializing_if = "Option::is_none")]
        template: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        allow_forking: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        sponsorships: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        projects: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        discussions: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        merge_commit: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        squash_merge: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        rebase_merge: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        auto_merge: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        delete_branch_heads: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        update_branch: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        git_lfs_in_archives: Option<bool>,
    }

    /// Rules for its builds.
    struct ActionsSettings {
        actions_disabled: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        allows_all_actions: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        allows_local_actions_only: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        allows_github_owned_actions: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        allows_verified_actions: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        allows_specific_actions_patterns: Option<bool>,
        patterns: List<String>,
    }
}

/// The scanners, in GitHub's order; unknown ones are read and not written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Security(pub(crate) BTreeMap<String, bool>);

/// Names of the scanners, in GitHub's order.
pub(crate) const SCANNERS: [&str; 6] = [
    "dependency_graph",
    "vulnerability_alerts",
    "vulnerability_updates",
    "advanced_security",
    "token_scanning",
    "token_scanning_push_protection",
];

impl Serialize for Security {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let known = SCANNERS.iter().filter_map(|name| Some((name, self.0.get(*name)?)));
        serializer.collect_map(known)
    }
}

impl<'de> Deserialize<'de> for Security {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let found = BTreeMap::<String, Option<bool>>::deserialize(deserializer)?;
        Ok(Self(found.into_iter().filter_map(|(name, on)| Some((name, on?))).collect()))
    }
}

/// A topic: the word, or an object that names it.
#[derive(Clone, Debug)]
pub(crate) struct Topic(pub(crate) String);

impl Serialize for Topic {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Topic {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = match Value::deserialize(deserializer)? {
            Value::String(name) => Some(name),
            Value::Object(fields) => ["name", "topic"]
                .iter()
                .find_map(|key| fields.get(*key)?.as_str().map(str::to_owned)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
        };
        name.map(Self).ok_or_else(|| serde::de::Error::custom("a topic has no name"))
    }
}
