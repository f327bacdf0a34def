//! Accounts and roles.

use super::value::{person, time};
use packhorse_core::model::{
    Email, Grantee, Member, Organization, Place, ProfileLink, Role, Team, User, Visibility,
};
use std::collections::BTreeMap;

pub(super) fn user(n: u64) -> User {
    User {
        identity: person(n),
        avatar_url: Some(format!("https://git.example/avatars/{n}.png?s=64&v=1")),
        bio: Some("Likes\nlines 🐎".to_owned()),
        company: (n % 2 == 1).then(|| "Acme & Sons".to_owned()),
        website: Some(format!("https://user-{n}.example/")),
        location: Some("Zürich".to_owned()),
        emails: vec![
            Email { address: format!("user-{n}@example.org"), primary: true, verified: true },
            Email { address: format!("u{n}@old.example"), primary: false, verified: false },
        ],
        links: vec![ProfileLink {
            provider: "mastodon".to_owned(),
            url: format!("https://social.example/@user-{n}"),
        }],
        is_admin: n == 1,
        is_blocked: n == 3,
        created_at: time(n, 0),
    }
}

pub(super) fn organization(n: u64) -> Organization {
    Organization {
        path: format!("org-{n}"),
        name: Some(format!("Organization № {n}")),
        description: Some("Makes \"things\"".to_owned()),
        website: None,
        location: Some("東京".to_owned()),
        email: Some(format!("hello@org-{n}.example")),
        visibility: Some(Visibility::Public),
        settings: BTreeMap::from([
            ("default_role".to_owned(), serde_json::json!("read")),
            ("two_factor_required".to_owned(), serde_json::json!(n.is_multiple_of(2))),
        ]),
        created_at: time(n, 10),
    }
}

pub(super) fn team(n: u64) -> Team {
    Team {
        organization: "acme".to_owned(),
        slug: format!("team-{n}"),
        name: format!("Team {n} ✨"),
        description: Some("Those who do".to_owned()),
        parent: n.checked_sub(1).map(|above| format!("team-{above}")),
        secret: n.is_multiple_of(2),
        created_at: time(n, 20),
    }
}

pub(super) fn member(n: u64) -> Member {
    Member {
        place: Place::Project,
        grantee: if n.is_multiple_of(3) {
            Grantee::Team { organization: "acme".to_owned(), slug: format!("team-{n}") }
        } else {
            Grantee::User(person(n))
        },
        role: [Role::Read, Role::Triage, Role::Write, Role::Maintain, Role::Admin][n as usize % 5],
        pending: false,
        created_at: time(n, 30),
        expires_at: None,
    }
}
