//! Migrations of the importer.

use super::{Desk, Field, Found, must, object, only, refused, unknown};
use crate::{
    access::Access,
    github::{migration, view::node},
};
use packhorse_core::{Scope, model::Organization};
use serde_json::{Value, json};

/// The organization of an id.
fn owner(desk: &Desk<'_>, id: &Value) -> Option<String> {
    let mut all = desk.store.all::<Organization>(&Scope::Shared);
    let found = all.find(|(number, _)| Some(node("O", *number).as_str()) == id.as_str());
    found.map(|(_, it)| it.path.clone())
}

fn field_of(kind: &str, value: &Value, field: &Field) -> Found {
    value.get(&field.name).cloned().map_or_else(|| unknown(kind, field), Ok)
}

/// A migration by its id: it is shown, and goes on.
pub(super) fn by_id(desk: &mut Desk<'_>, field: &Field) -> Found {
    only(field, &["id"])?;
    let id = field.argument("id").as_str().unwrap_or_default().to_owned();
    let Some(found) = migration::shown(desk, &id) else {
        return refused("NOT_FOUND", format!("Could not resolve to a node with the id '{id}'"));
    };
    migration::go_on(desk, &id);
    object("Migration", &field.fields, |field| field_of("Migration", &found, field))
}

/// An organization, and the migrations of one of its repositories.
pub(super) fn organization(desk: &Desk<'_>, field: &Field) -> Found {
    only(field, &["login"])?;
    let login = field.argument("login").as_str().unwrap_or_default();
    let is = |it: &Organization| it.path.eq_ignore_ascii_case(login);
    let Some((id, _)) = desk.store.find::<Organization>(&Scope::Shared, is) else {
        return refused("NOT_FOUND", format!("Could not resolve to an Organization '{login}'"));
    };
    object("Organization", &field.fields, |field| match field.name.as_str() {
        "id" => Ok(json!(node("O", id))),
        "login" => Ok(json!(login)),
        "repositoryMigrations" => {
            only(field, &["first", "last", "repositoryName", "state"])?;
            let name = field.argument("repositoryName").as_str().unwrap_or_default();
            let all = migration::of_repository(desk, login, name);
            let last = all.last().and_then(|id| migration::shown(desk, id));
            object("RepositoryMigrationConnection", &field.fields, |field| {
                if field.name != "nodes" {
                    return unknown("RepositoryMigrationConnection", field);
                }
                let node = |it: &Value| {
                    let kind = "RepositoryMigration";
                    object(kind, &field.fields, |field| field_of(kind, it, field))
                };
                last.iter().map(node).collect()
            })
        }
        _ => unknown("Organization", field),
    })
}

/// Says where archives come from.
pub(super) fn create_source(desk: &Desk<'_>, input: &Value, field: &Field) -> Found {
    must(desk, Access::Admin)?;
    if owner(desk, &input["ownerId"]).is_none() || input["type"] != "GITHUB_ARCHIVE" {
        return refused("UNPROCESSABLE", "The source is not valid");
    }
    let source =
        json!({ "id": "MS_1", "name": input["name"], "url": input["url"], "type": input["type"] });
    object("CreateMigrationSourcePayload", &field.fields, |field| match field.name.as_str() {
        "clientMutationId" => Ok(Value::Null),
        "migrationSource" => object("MigrationSource", &field.fields, |field| {
            field_of("MigrationSource", &source, field)
        }),
        _ => unknown("CreateMigrationSourcePayload", field),
    })
}

/// Begins a migration.
pub(super) fn start(desk: &mut Desk<'_>, input: &Value, field: &Field) -> Found {
    must(desk, Access::Admin)?;
    let Some(owner) = owner(desk, &input["ownerId"]) else {
        return refused("NOT_FOUND", "Could not resolve to an Organization");
    };
    let id = match migration::start(desk, &owner, input) {
        Ok(id) => id,
        Err(words) => return refused("UNPROCESSABLE", words),
    };
    let made = migration::shown(desk, &id).unwrap_or_default();
    object("StartRepositoryMigrationPayload", &field.fields, |field| match field.name.as_str() {
        "clientMutationId" => Ok(Value::Null),
        "repositoryMigration" => object("RepositoryMigration", &field.fields, |field| {
            field_of("RepositoryMigration", &made, field)
        }),
        _ => unknown("StartRepositoryMigrationPayload", field),
    })
}

/// Stops a migration.
pub(super) fn abort(desk: &mut Desk<'_>, input: &Value, field: &Field) -> Found {
    must(desk, Access::Admin)?;
    let done = migration::abort(desk, input["migrationId"].as_str().unwrap_or_default());
    object("AbortRepositoryMigrationPayload", &field.fields, |field| match field.name.as_str() {
        "clientMutationId" => Ok(Value::Null),
        "success" => Ok(json!(done)),
        _ => unknown("AbortRepositoryMigrationPayload", field),
    })
}
