//! A small organization, `acme`: three people, a team, two projects with real repositories.
//!
//! It has some of everything that hosts hold, so that a rehearsal shows what a
//! pair of hosts carries and what it loses.

mod code;
mod talk;

use crate::server::Handle;
use data_encoding::HEXLOWER;
use packhorse_core::{
    Object, ObjectKind, Record, RepoKind, Scope,
    model::{
        Email, Features, Grantee, Identity, Member, MergeMethods, Organization, Place, Project,
        Role, Team, Time, Topic, User, Visibility,
    },
};
use packhorse_git::GitError;
use sha2::{Digest as _, Sha256};

/// The project that has everything.
pub const ROCKET: &str = "acme/rocket";

/// The project that has a wiki.
pub const HANDBOOK: &str = "acme/handbook";

/// What a destination knows before anything arrives.
const KNOWN_BEFORE: [ObjectKind; 2] = [ObjectKind::User, ObjectKind::Organization];

/// Why the sample could not be laid out.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// The disk refused.
    #[error("the sample organization could not be written")]
    System(#[from] std::io::Error),
    /// Git refused.
    #[error("the repositories of the sample organization could not be made")]
    Git(#[from] GitError),
}

/// Fills a fake with the organization, without its API.
///
/// # Errors
///
/// When Git is missing, or the disk refuses.
pub async fn fill(fake: &Handle) -> Result<(), SampleError> {
    let pointer = lfs_pointer(talk::LARGE);
    let tips = code::rocket(&fake.repository(ROCKET, RepoKind::Code), &pointer).await?;
    code::pages(&fake.repository(HANDBOOK, RepoKind::Code), "A handbook").await?;
    code::pages(&fake.repository(HANDBOOK, RepoKind::Wiki), "Welcome").await?;
    let mut records = shared();
    records.extend(talk::records(&tips));
    fake.fill(records);
    fake.fill_lfs(ROCKET, &sha256(talk::LARGE), talk::LARGE)?;
    fake.store(|store| {
        let scope = Scope::Project(ROCKET.to_owned());
        let assets = store.entries(&scope, ObjectKind::ReleaseAsset);
        let names: Vec<_> =
            assets.iter().map(|it| crate::store::asset_blob(ROCKET, it.id)).collect();
        names.iter().try_for_each(|name| store.save_blob(name, talk::ASSET))
    })?;
    Ok(())
}

/// Lets a destination know the accounts and organizations of a source, as a host does where people
/// have accounts already.
pub fn invite(from: &Handle, to: &Handle) {
    for kind in KNOWN_BEFORE {
        let records = from.store(|store| store.records(&Scope::Shared, kind));
        to.fill(records.into_iter().map(|record| (Scope::Shared, record)));
    }
}

/// Lets a destination know the accounts and organizations of the sample.
pub fn invite_people(to: &Handle) {
    to.fill(shared().into_iter().filter(|(_, it)| KNOWN_BEFORE.contains(&it.object.kind())));
}

fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

fn lfs_pointer(bytes: &[u8]) -> String {
    let (hash, size) = (sha256(bytes), bytes.len());
    format!("version https://git-lfs.github.com/spec/v1\noid sha256:{hash}\nsize {size}\n")
}

/// A moment on a day of March 2024.
fn day(day: u64) -> Option<Time> {
    format!("2024-03-{day:02}T09:30:00Z").parse().ok()
}

fn person(login: &str) -> Identity {
    let name = match login {
        "alice" => "Alice Archer",
        "bob" => "Bob Baker",
        _ => "Carol Cooper",
    };
    Identity {
        name: Some(name.to_owned()),
        email: Some(format!("{login}@acme.example")),
        ..Identity::login(login, None)
    }
}

fn project(path: &str, description: &str, visibility: Visibility) -> Project {
    Project {
        path: path.to_owned(),
        name: path.split('/').next_back().unwrap_or(path).to_owned(),
        description: Some(description.to_owned()),
        website: Some("https://acme.example/".to_owned()),
        visibility,
        default_branch: Some("main".to_owned()),
        features: Features { issues: Some(true), wiki: Some(true), ..Features::default() },
        merge_methods: MergeMethods {
            merge_commit: Some(true),
            squash: Some(true),
            rebase: Some(false),
            ..MergeMethods::default()
        },
        created_at: day(1),
        updated_at: day(20),
        ..Project::default()
    }
}

/// Accounts, the organization, its team, the projects.
fn shared() -> Vec<(Scope, Record)> {
    let mut records = Vec::new();
    let mut put = |id: &str, object| records.push((Scope::Shared, Record::new(id, object)));
    for login in ["alice", "bob", "carol"] {
        let address = format!("{login}@acme.example");
        let user = User {
            identity: person(login),
            emails: vec![Email { address, primary: true, verified: true }],
            is_admin: login == "alice",
            created_at: day(1),
            ..User::default()
        };
        put(login, Object::from(user));
    }
    let organization = Organization {
        path: "acme".to_owned(),
        name: Some("Acme".to_owned()),
        description: Some("Makes everything".to_owned()),
        website: Some("https://acme.example/".to_owned()),
        visibility: Some(Visibility::Public),
        created_at: day(1),
        ..Organization::default()
    };
    put("acme", Object::from(organization));
    let team = Team {
        organization: "acme".to_owned(),
        slug: "engines".to_owned(),
        name: "engines".to_owned(),
        description: Some("Those who build engines".to_owned()),
        created_at: day(1),
        ..Team::default()
    };
    put("acme/engines", Object::from(team));
    for (login, role) in [("alice", Role::Owner), ("bob", Role::Read), ("carol", Role::Read)] {
        let place = Place::Organization("acme".to_owned());
        put(&format!("acme/{login}"), member(place, login, role));
    }
    let engines = || Place::Team { organization: "acme".to_owned(), slug: "engines".to_owned() };
    put("acme/engines/bob", member(engines(), "bob", Role::Read));
    let rocket = project(ROCKET, "Goes up", Visibility::Public);
    put(ROCKET, Object::from(rocket));
    put(HANDBOOK, Object::from(project(HANDBOOK, "How we work", Visibility::Private)));
    for (path, topic) in [(ROCKET, "rockets"), (ROCKET, "space"), (HANDBOOK, "documents")] {
        let scope = Scope::Project(path.to_owned());
        let object = Object::from(Topic { name: topic.to_owned() });
        records.push((scope, Record::new(topic, object)));
    }
    records
}

fn member(place: Place, login: &str, role: Role) -> Object {
    let grantee = Grantee::User(person(login));
    Object::from(Member { place, grantee, role, created_at: day(1), ..Member::default() })
}
