//! The project, what is in its repository, and what guards it.

use super::value::{blob, commit, person, text, time};
use packhorse_core::model::{
    Autolink, Automation, BranchRule, DeployKey, Enforcement, Features, Grantee, Label, LfsObject,
    MergeMethods, Milestone, ObjectFormat, OpenState, Pages, Project, Release, ReleaseAsset,
    Repository, Role, TagRule, Topic, Variable, Visibility, Webhook, Wiki,
};
use std::collections::BTreeMap;

pub(super) fn project(n: u64) -> Project {
    Project {
        path: format!("acme/app-{n}"),
        name: format!("App {n} 🐴"),
        description: Some("Carries\tpacks\r\nfar".to_owned()),
        website: Some("https://acme.example/?a=1&b=2".to_owned()),
        visibility: Visibility::Private,
        default_branch: Some("main".to_owned()),
        forked_from: None,
        features: Features { issues: Some(true), wiki: Some(false), ..Features::default() },
        merge_methods: MergeMethods { squash: Some(true), ..MergeMethods::default() },
        security: BTreeMap::from([("secret_scanning".to_owned(), true)]),
        automation: Some(Automation {
            enabled: true,
            allows_patterns: Some(true),
            patterns: vec!["acme/*".to_owned()],
            ..Automation::default()
        }),
        autolinks: vec![Autolink {
            prefix: "TICKET-".to_owned(),
            url_template: "https://tickets.example/<num>".to_owned(),
            alphanumeric: Some(false),
        }],
        pages: Some(Pages { branch: Some("pages".to_owned()), ..Pages::default() }),
        created_at: time(n, 0),
        updated_at: time(n, 90),
    }
}

pub(super) fn topic(n: u64) -> Topic {
    Topic { name: format!("topic-{n}") }
}

pub(super) fn lfs_object(n: u64) -> LfsObject {
    LfsObject { blob: blob(10_000 + n) }
}

pub(super) fn repository(n: u64) -> Repository {
    Repository {
        head: Some("refs/heads/main".to_owned()),
        object_format: ObjectFormat::Sha1,
        refs: n + 1,
        refs_digest: super::sha256(&n.to_le_bytes()),
    }
}

pub(super) fn wiki(n: u64) -> Wiki {
    Wiki {
        head: Some("refs/heads/master".to_owned()),
        object_format: ObjectFormat::Sha1,
        refs: n + 1,
        refs_digest: super::sha256(&n.to_be_bytes()),
    }
}

pub(super) fn label(n: u64) -> Label {
    Label {
        name: format!("kind: bug/{n} 🐛"),
        color: Some(format!("{:06x}", n * 4099 % 0xff_ffff)),
        description: text(n, "label"),
        priority: n.is_multiple_of(3).then_some(n),
        exclusive: None,
        archived: None,
        inherited: false,
        created_at: time(n, 1),
        updated_at: time(n, 2),
    }
}

pub(super) fn milestone(n: u64) -> Milestone {
    Milestone {
        number: n + 1,
        title: format!("{n}.0 “stable”"),
        description: text(n, "milestone"),
        author: Some(person(n)),
        state: if n.is_multiple_of(2) { OpenState::Open } else { OpenState::Closed },
        start_at: time(n, 3),
        due_at: time(n, 4),
        inherited: false,
        created_at: time(n, 1),
        updated_at: time(n, 2),
        closed_at: (n % 2 == 1).then(|| time(n, 5)).flatten(),
    }
}

pub(super) fn release(n: u64) -> Release {
    Release {
        tag: format!("v{n}.0+build/1"),
        pending_tag: None,
        name: Some(format!("Release {n}")),
        body: text(n, "release"),
        author: Some(person(n)),
        draft: false,
        prerelease: n.is_multiple_of(2),
        target: Some("main".to_owned()),
        milestones: vec![n + 1],
        created_at: time(n, 1),
        published_at: time(n, 2),
    }
}

pub(super) fn release_asset(n: u64) -> ReleaseAsset {
    ReleaseAsset {
        release: format!("v{n}.0+build/1"),
        name: format!("app {n}.tar.gz"),
        label: Some("for you".to_owned()),
        content_type: Some("application/gzip".to_owned()),
        author: Some(person(n)),
        blob: Some(blob(20_000 + n)),
        link: None,
        created_at: time(n, 1),
        updated_at: time(n, 2),
    }
}

pub(super) fn branch_rule(n: u64) -> BranchRule {
    BranchRule {
        pattern: format!("release/{n}.*"),
        author: Some(person(n)),
        admins_bound: true,
        block_deletion: Enforcement::Everyone,
        block_force_push: Enforcement::NonAdmins,
        restrict_push: true,
        pushers: vec![Grantee::User(person(n)), Grantee::Group("everyone".to_owned())],
        reviews: Enforcement::Everyone,
        approvals: Some(n % 4 + 1),
        checks: Enforcement::Everyone,
        required_checks: vec!["build / linux".to_owned(), "lint".to_owned()],
        strict_checks: true,
        signatures: Some(false),
        ..BranchRule::default()
    }
}

pub(super) fn tag_rule(n: u64) -> TagRule {
    TagRule {
        pattern: format!("v{n}.*"),
        creators: vec![Grantee::User(person(n))],
        role: Some(Role::Maintain),
    }
}

pub(super) fn webhook(n: u64) -> Webhook {
    Webhook {
        url: format!("https://hooks.example/in/{n}?x=%20"),
        name: Some(format!("hook {n}")),
        events: vec!["push".to_owned(), "issues".to_owned()],
        branch_filter: None,
        content_type: Some("json".to_owned()),
        verify_tls: true,
        active: true,
        has_secret: Some(true),
        created_at: time(n, 1),
    }
}

pub(super) fn deploy_key(n: u64) -> DeployKey {
    DeployKey {
        title: format!("deploy {n}"),
        key: format!("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{} deploy", commit(n)),
        key_fingerprint: None,
        read_only: true,
        created_at: time(n, 1),
        expires_at: None,
    }
}

pub(super) fn variable(n: u64) -> Variable {
    Variable {
        name: format!("TOKEN_{n}"),
        environment: Some("*".to_owned()),
        protected: true,
        masked: true,
        is_secret: n.is_multiple_of(2),
        description: None,
    }
}
