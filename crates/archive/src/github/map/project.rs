//! Repositories: the project, its labels, topics, hooks, keys, and whether it is archived.

use super::{
    super::address::{self, Address, Site},
    Notes, body, id, owned, text, time,
};
use crate::github::wire::{self, List};
use packhorse_core::model::{self, State, StateValue, Subject, Visibility};

/// Reads a project; `None` when its address names none.
pub(in crate::github) fn read_project(
    it: wire::Repository,
    notes: &mut Notes,
) -> Option<(String, model::Project)> {
    let path = Address::of(&it.url).project()?;
    let last = path.rsplit('/').next().unwrap_or(&path).to_owned();
    let settings = it.general_settings.unwrap_or_default();
    let link = |it: wire::Autolink| model::Autolink {
        prefix: it.key_prefix,
        url_template: it.url_template,
        alphanumeric: it.is_alphanumeric,
    };
    let project = model::Project {
        name: it.name.unwrap_or(last),
        description: it.description,
        website: it.website,
        // Unknown is private: nothing may become public by a missing key.
        visibility: if it.private == Some(false) {
            Visibility::Public
        } else {
            Visibility::Private
        },
        default_branch: it.default_branch,
        forked_from: None,
        features: model::Features {
            issues: it.has_issues,
            wiki: it.has_wiki,
            downloads: it.has_downloads,
            boards: settings.projects,
            discussions: settings.discussions,
            forking: settings.allow_forking,
            sponsorships: settings.sponsorships,
            template: settings.template,
            lfs_in_archives: settings.git_lfs_in_archives,
        },
        merge_methods: model::MergeMethods {
            merge_commit: settings.merge_commit,
            squash: settings.squash_merge,
            rebase: settings.rebase_merge,
            fast_forward: None,
            auto_merge: settings.auto_merge,
            delete_head: settings.delete_branch_heads,
            update_head: settings.update_branch,
        },
        security: it.security_and_analysis.unwrap_or_default().0,
        automation: it.actions_general_settings.map(read_automation),
        autolinks: it.autolinks.0.into_iter().map(link).collect(),
        pages: it.page.map(read_pages),
        created_at: notes.time("created_at", it.created_at),
        updated_at: None,
        path: path.clone(),
    };
    Some((path, project))
}

fn read_automation(it: wire::ActionsSettings) -> model::Automation {
    model::Automation {
        enabled: !it.actions_disabled.unwrap_or(false),
        allows_all: it.allows_all_actions,
        allows_local_only: it.allows_local_actions_only,
        allows_host_owned: it.allows_github_owned_actions,
        allows_verified: it.allows_verified_actions,
        allows_patterns: it.allows_specific_actions_patterns,
        patterns: it.patterns.0,
    }
}

fn write_automation(it: &model::Automation) -> wire::ActionsSettings {
    wire::ActionsSettings {
        actions_disabled: Some(!it.enabled),
        allows_all_actions: it.allows_all,
        allows_local_actions_only: it.allows_local_only,
        allows_github_owned_actions: it.allows_host_owned,
        allows_verified_actions: it.allows_verified,
        allows_specific_actions_patterns: it.allows_patterns,
        patterns: List(it.patterns.clone()),
    }
}

fn read_pages(it: wire::Page) -> model::Pages {
    model::Pages {
        domain: it.cname,
        branch: it.source_ref_name,
        directory: it.source_subdir,
        public: it.is_public,
        https_only: it.https_redirect,
        build: it.build_type,
    }
}

fn write_pages(it: &model::Pages) -> wire::Page {
    wire::Page {
        cname: it.domain.clone(),
        https_redirect: it.https_only,
        source_ref_name: it.branch.clone(),
        source_subdir: it.directory.clone(),
        is_public: it.public,
        build_type: it.build.clone(),
        ..wire::Page::default()
    }
}

/// What is embedded in a repository's record.
#[derive(Debug, Default)]
pub(in crate::github) struct Embedded {
    pub(in crate::github) labels: Vec<wire::Label>,
    pub(in crate::github) collaborators: Vec<wire::Collaborator>,
    pub(in crate::github) webhooks: Vec<wire::Webhook>,
    pub(in crate::github) public_keys: Vec<wire::PublicKey>,
    pub(in crate::github) topics: Vec<wire::Topic>,
    pub(in crate::github) is_archived: bool,
    pub(in crate::github) git_url: Option<String>,
    pub(in crate::github) wiki_url: Option<String>,
}

/// Writes a project with what is embedded in it.
pub(in crate::github) fn write_project(
    it: &model::Project,
    embedded: Embedded,
) -> wire::Repository {
    let link = |it: &model::Autolink| wire::Autolink {
        key_prefix: it.prefix.clone(),
        url_template: it.url_template.clone(),
        is_alphanumeric: it.alphanumeric,
    };
    wire::Repository {
        r#type: owned("repository"),
        url: address::project(&it.path),
        owner: Some(address::owner(&it.path)),
        name: Some(it.name.clone()),
        description: it.description.clone(),
        website: it.website.clone(),
        private: Some(it.visibility != Visibility::Public),
        has_issues: it.features.issues,
        has_wiki: it.features.wiki,
        has_downloads: it.features.downloads,
        is_archived: Some(embedded.is_archived),
        labels: List(embedded.labels),
        collaborators: List(embedded.collaborators),
        created_at: time(it.created_at),
        git_url: embedded.git_url,
        wiki_url: embedded.wiki_url,
        default_branch: it.default_branch.clone(),
        webhooks: List(embedded.webhooks),
        page: it.pages.as_ref().map(write_pages),
        public_keys: List(embedded.public_keys),
        repository_topics: List(embedded.topics),
        security_and_analysis: security(it),
        autolinks: it.autolinks.iter().map(link).collect(),
        general_settings: general_settings(it),
        actions_general_settings: it.automation.as_ref().map(write_automation),
    }
}

/// The scanners that GitHub has.
fn security(it: &model::Project) -> Option<wire::Security> {
    let known = it.security.iter().filter(|(name, _)| wire::SCANNERS.contains(&name.as_str()));
    let known: std::collections::BTreeMap<_, _> =
        known.map(|(name, on)| (name.clone(), *on)).collect();
    (!known.is_empty()).then_some(wire::Security(known))
}

/// The settings; `None` when none is known, as in exports before 2022.
fn general_settings(it: &model::Project) -> Option<wire::GeneralSettings> {
    let (features, methods) = (&it.features, &it.merge_methods);
    let values = [
        features.template,
        features.forking,
        features.sponsorships,
        features.boards,
        features.discussions,
        methods.merge_commit,
        methods.squash,
        methods.rebase,
        methods.auto_merge,
        methods.delete_head,
        methods.update_head,
        features.lfs_in_archives,
    ];
    values.iter().any(Option::is_some).then_some(wire::GeneralSettings {
        template: features.template,
        allow_forking: features.forking,
        sponsorships: features.sponsorships,
        projects: features.boards,
        discussions: features.discussions,
        merge_commit: methods.merge_commit,
        squash_merge: methods.squash,
        rebase_merge: methods.rebase,
        auto_merge: methods.auto_merge,
        delete_branch_heads: methods.delete_head,
        update_branch: methods.update_head,
        git_lfs_in_archives: features.lfs_in_archives,
    })
}

/// Reads a label.
pub(in crate::github) fn read_label(it: wire::Label, notes: &mut Notes) -> (String, model::Label) {
    let label = model::Label {
        color: it.color.map(|it| it.to_ascii_lowercase()),
        description: text(it.description),
        created_at: notes.time("created_at", it.created_at),
        name: it.name,
        ..model::Label::default()
    };
    (label.name.clone(), label)
}

/// Writes a label.
pub(in crate::github) fn write_label(site: &Site, it: &model::Label) -> wire::Label {
    wire::Label {
        url: site.label(&it.name),
        name: it.name.clone(),
        color: it.color.clone(),
        description: body(it.description.as_ref()),
        created_at: time(it.created_at),
        ..wire::Label::default()
    }
}

/// Reads a webhook.
pub(in crate::github) fn read_webhook(it: wire::Webhook) -> (String, model::Webhook) {
    let hook = model::Webhook {
        events: it.event_types.0,
        content_type: it.content_type,
        verify_tls: it.enable_ssl_verification.unwrap_or(true),
        active: it.active.unwrap_or(false),
        url: it.payload_url,
        ..model::Webhook::default()
    };
    (hook.url.clone(), hook)
}

/// Id of the `n`th webhook to an address, from 1; hooks have no other name.
pub(in crate::github) fn webhook_id(url: &str, n: u64) -> String {
    if n < 2 { url.to_owned() } else { format!("{url}#{n}") }
}

/// Writes a webhook.
pub(in crate::github) fn write_webhook(it: &model::Webhook) -> wire::Webhook {
    wire::Webhook {
        payload_url: it.url.clone(),
        content_type: it.content_type.clone(),
        event_types: List(it.events.clone()),
        enable_ssl_verification: Some(it.verify_tls),
        active: Some(it.active),
    }
}

/// Reads a deploy key.
pub(in crate::github) fn read_key(
    it: wire::PublicKey,
    notes: &mut Notes,
) -> (String, model::DeployKey) {
    let key = model::DeployKey {
        title: it.title.unwrap_or_default(),
        key: it.key,
        key_fingerprint: it.fingerprint,
        // Unknown is read-only: nothing may gain a right by a missing key.
        read_only: it.read_only.unwrap_or(true),
        created_at: notes.time("created_at", it.created_at),
        expires_at: None,
    };
    (key.key.clone(), key)
}

/// Writes a deploy key.
pub(in crate::github) fn write_key(it: &model::DeployKey) -> wire::PublicKey {
    wire::PublicKey {
        title: Some(it.title.clone()),
        key: it.key.clone(),
        read_only: Some(it.read_only),
        fingerprint: it.key_fingerprint.clone(),
        created_at: time(it.created_at),
    }
}

/// Reads a topic.
pub(in crate::github) fn read_topic(it: wire::Topic) -> (String, model::Topic) {
    (it.0.clone(), model::Topic { name: it.0 })
}

/// The state of an archived project.
pub(in crate::github) fn archived() -> (String, State) {
    let state =
        State { subject: Subject::Project, value: StateValue::Archived, ..State::default() };
    (id::state(&state), state)
}
