//! GraphQL, as far as REST has no answer: threads, pins, drafts, discussions, rules by pattern.
//!
//! A field, an argument or a type that GitHub does not have is refused as GitHub refuses it; what
//! it has and is not here is refused in the same way.
//!
//! Sources: GitHub, "GraphQL API", "Queries", "Mutations", "Objects", "Input objects"; the shape of
//! errors as recorded answers of api.github.com have it.

mod change;
mod discussion;
mod document;
mod migration;
mod project;
mod rule;

use super::{Desk, Place, place, refusal};
use crate::{
    access::{Access, Caller},
    exchange::Answer,
    store::Held,
};
use document::Field;
use http::StatusCode;
use packhorse_core::{
    Scope,
    model::{Identity, IdentityKind},
};
use serde_json::{Map, Value, json};

/// Why there is no answer.
enum Fault {
    /// The whole request asks for what there is not.
    Invalid(String),
    /// One thing is not there, or not allowed: GitHub's word for why, and a sentence.
    Refused(&'static str, String),
}

type Found = Result<Value, Fault>;

fn refused<T>(why: &'static str, words: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Refused(why, words.into()))
}

pub(super) fn answer(desk: &mut Desk<'_>) -> Answer {
    if !matches!(desk.request.caller, Caller::Known { .. }) {
        return refusal(
            StatusCode::UNAUTHORIZED,
            "This endpoint requires you to be authenticated.",
        );
    }
    let body = desk.request.json();
    let text = body["query"].as_str().unwrap_or_default();
    let invalid = |words: String| Answer::ok(&json!({ "errors": [{ "message": words }] }));
    let operation = match document::parse(text, &body["variables"]) {
        Ok(operation) => operation,
        Err(words) => return invalid(words),
    };
    let (mut data, mut errors) = (Map::new(), Vec::new());
    for field in &operation.fields {
        let found = match operation.is_mutation {
            true => change::answer(desk, field),
            false => project::answer(desk, field),
        };
        let value = match found {
            Ok(value) => value,
            Err(Fault::Invalid(words)) => return invalid(words),
            Err(Fault::Refused(why, words)) => {
                errors.push(json!({ "type": why, "path": [field.key()], "message": words }));
                Value::Null
            }
        };
        data.insert(field.key().to_owned(), value);
    }
    let mut answer = json!({ "data": data });
    if !errors.is_empty() {
        answer["errors"] = Value::Array(errors);
    }
    Answer::ok(&answer)
}

/// An object of a type, with what is asked of it.
fn object(kind: &str, fields: &[Field], mut of: impl FnMut(&Field) -> Found) -> Found {
    if fields.is_empty() {
        return Err(Fault::Invalid(format!("Objects of type '{kind}' must have selections")));
    }
    let mut value = Map::new();
    for field in fields.iter().filter(|it| it.on.as_deref().is_none_or(|on| on == kind)) {
        let found = if field.name == "__typename" { json!(kind) } else { of(field)? };
        value.insert(field.key().to_owned(), found);
    }
    Ok(Value::Object(value))
}

/// A type has no such field.
fn unknown(kind: &str, field: &Field) -> Found {
    Err(Fault::Invalid(format!("Field '{}' doesn't exist on type '{kind}'", field.name)))
}

/// Refuses arguments that a field does not have.
fn only(field: &Field, known: &[&str]) -> Result<(), Fault> {
    match field.other_than(known) {
        None => Ok(()),
        Some(other) => {
            let name = &field.name;
            let words = format!("Field '{name}' doesn't accept argument '{other}'");
            Err(Fault::Invalid(words))
        }
    }
}

/// A page of a listing.
fn connection<T>(field: &Field, all: &[T], mut node: impl FnMut(&T, &[Field]) -> Found) -> Found {
    only(field, &["first", "after", "orderBy", "states", "answered", "categoryId"])?;
    let Some(first) = field.argument("first").as_u64() else {
        let words =
            format!("You must provide a `first` or `last` value to paginate `{}`", field.name);
        return Err(Fault::Invalid(words));
    };
    if !(1..=100).contains(&first) {
        return refused("EXCESSIVE_PAGINATION", "Requesting more than 100 records at a time");
    }
    let from = match field.argument("after").as_str() {
        None => 0,
        Some(cursor) => match cursor.strip_prefix("cursor:").and_then(|it| it.parse().ok()) {
            Some(from) => from,
            None => return refused("INVALID_CURSOR_ARGUMENTS", "`after` is no cursor"),
        },
    };
    let to = all.len().min(from + usize::try_from(first).unwrap_or(100));
    let page = all.get(from..to).unwrap_or_default();
    object("Connection", &field.fields, |field| match field.name.as_str() {
        "totalCount" => Ok(json!(all.len())),
        "nodes" => page.iter().map(|it| node(it, &field.fields)).collect(),
        "pageInfo" => object("PageInfo", &field.fields, |field| match field.name.as_str() {
            "hasNextPage" => Ok(json!(to < all.len())),
            "endCursor" => Ok(json!((!page.is_empty()).then(|| format!("cursor:{to}")))),
            _ => unknown("PageInfo", field),
        }),
        _ => unknown("Connection", field),
    })
}

/// Somebody, or nobody where the account is gone.
fn actor(who: Option<&Identity>, field: &Field) -> Found {
    let Some(who) = who else { return Ok(Value::Null) };
    let kind = if who.kind == IdentityKind::Bot { "Bot" } else { "User" };
    object(kind, &field.fields, |field| match field.name.as_str() {
        "login" => Ok(json!(who.login)),
        _ => unknown("Actor", field),
    })
}

/// The project of a path, which the caller must see.
fn project_at(desk: &Desk<'_>, path: &str) -> Result<Place, Fault> {
    let (owner, name) = path.split_once('/').unwrap_or((path, ""));
    place(desk, owner, name, &[]).or_else(|_| {
        refused("NOT_FOUND", format!("Could not resolve to a Repository with the name '{path}'."))
    })
}

/// The thing of a kind that a node id stands for, with the project that it is in.
fn node_of<T: Held + 'static>(
    desk: &Desk<'_>,
    word: &str,
    id: &Value,
) -> Result<(Place, u64), Fault> {
    let text = id.as_str().unwrap_or_default();
    let missing = || {
        let words = format!("Could not resolve to a node with the global id of '{text}'");
        refused("NOT_FOUND", words)
    };
    let number = text.strip_prefix(word).and_then(|it| it.strip_prefix('_'));
    let Some(number) = number.and_then(|it| it.parse::<u64>().ok()) else { return missing() };
    for scope in desk.store.scopes() {
        if let Scope::Project(path) = &scope
            && desk.store.get::<T>(&scope, number).is_some()
        {
            return Ok((project_at(desk, path)?, number));
        }
    }
    missing()
}

/// Refuses who may not change a project.
fn must(desk: &Desk<'_>, wanted: Access) -> Result<(), Fault> {
    if desk.request.caller.may(wanted) {
        return Ok(());
    }
    let who = &desk.who;
    refused("FORBIDDEN", format!("{who} does not have the correct permissions to execute this"))
}
