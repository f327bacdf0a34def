//! Asking for a project, and for what is in it.

use super::{
    Desk, Fault, Field, Found, Place, actor, connection, discussion, migration, node_of, object,
    only, project_at, refused, rule, unknown,
};
use crate::github::view::node;
use packhorse_core::model::{
    ChangeRequest, ChangeRequestState, CommitStatus, Issue, Review, ReviewComment, ReviewThread,
    State, StateValue, Subject,
};
use serde_json::{Value, json};

/// A field of a query.
pub(super) fn answer(desk: &mut Desk<'_>, field: &Field) -> Found {
    match field.name.as_str() {
        "repository" => {
            only(field, &["owner", "name", "followRenames"])?;
            let text = |name| field.argument(name).as_str().unwrap_or_default();
            let place = project_at(desk, &format!("{}/{}", text("owner"), text("name")))?;
            discussion::offer_categories(desk, &place);
            repository(desk, &place, &field.fields)
        }
        "nodes" => {
            only(field, &["ids"])?;
            let ids = field.argument("ids").as_array().cloned().unwrap_or_default();
            ids.iter().map(|id| of_node(desk, id, &field.fields)).collect()
        }
        "node" => migration::by_id(desk, field),
        "organization" => migration::organization(desk, field),
        _ => unknown("Query", field),
    }
}

/// What an id stands for: of all that has one, change requests and issues.
fn of_node(desk: &Desk<'_>, id: &Value, fields: &[Field]) -> Found {
    if let Ok((place, number)) = node_of::<ChangeRequest>(desk, "PR", id) {
        return change_request(desk, &place, number, fields);
    }
    let (place, number) = node_of::<Issue>(desk, "I", id)?;
    issue(desk, &place, number, fields)
}

fn repository(desk: &Desk<'_>, place: &Place, fields: &[Field]) -> Found {
    object("Repository", fields, |field| match field.name.as_str() {
        "id" => Ok(json!(node("R", place.id))),
        "nameWithOwner" => Ok(json!(place.path)),
        "issue" => {
            let number = numbered(field)?;
            let found = desk.store.find::<Issue>(&place.scope, |it| it.number == number);
            match found {
                Some((id, _)) => issue(desk, place, id, &field.fields),
                None => missing("Issue", number),
            }
        }
        "pullRequest" => {
            let number = numbered(field)?;
            let found = desk.store.find::<ChangeRequest>(&place.scope, |it| it.number == number);
            match found {
                Some((id, _)) => change_request(desk, place, id, &field.fields),
                None => missing("PullRequest", number),
            }
        }
        "object" => commit(desk, place, field),
        "pinnedIssues" => pinned(desk, place, field),
        "discussion" => discussion::numbered(desk, place, numbered(field)?, &field.fields),
        "discussions" => discussion::list(desk, place, field),
        "discussionCategories" => discussion::categories(desk, place, field),
        "branchProtectionRules" => rule::list(desk, place, field),
        _ => unknown("Repository", field),
    })
}

/// What a commit is asked for; the store knows of commits only what builds said of them.
fn commit(desk: &Desk<'_>, place: &Place, field: &Field) -> Found {
    only(field, &["oid"])?;
    let oid = field.argument("oid").as_str().unwrap_or_default();
    object("Commit", &field.fields, |field| match field.name.as_str() {
        "oid" => Ok(json!(oid)),
        "status" => {
            let mut all = desk.store.all::<CommitStatus>(&place.scope);
            if !all.any(|(_, it)| it.commit == oid) {
                return Ok(Value::Null);
            }
            object("Status", &field.fields, |field| match field.name.as_str() {
                "id" => Ok(json!(format!("ST_{oid}"))),
                _ => unknown("Status", field),
            })
        }
        _ => unknown("Commit", field),
    })
}

/// The number that a field asks for.
fn numbered(field: &Field) -> Result<u64, Fault> {
    only(field, &["number"])?;
    let number = field.argument("number").as_u64();
    number.ok_or_else(|| Fault::Invalid(format!("Field '{}' is missing a number", field.name)))
}

pub(super) fn missing(kind: &str, number: u64) -> Found {
    refused("NOT_FOUND", format!("Could not resolve to a {kind} with the number of {number}."))
}

pub(super) fn issue(desk: &Desk<'_>, place: &Place, id: u64, fields: &[Field]) -> Found {
    let Some(it) = desk.store.get::<Issue>(&place.scope, id) else { return Ok(Value::Null) };
    object("Issue", fields, |field| match field.name.as_str() {
        "id" => Ok(json!(node("I", id))),
        "number" => Ok(json!(it.number)),
        "title" => Ok(json!(it.title)),
        _ => unknown("Issue", field),
    })
}

/// Issues that are shown first, by their places.
pub(super) fn pins(desk: &Desk<'_>, place: &Place) -> Vec<(u64, u64)> {
    let pin = |(_, it): (u64, &State)| match (&it.value, &it.subject) {
        (StateValue::Pinned(at), Subject::Issue(number)) => Some((at.unwrap_or(1), *number)),
        _ => None,
    };
    let mut pins: Vec<_> = desk.store.all::<State>(&place.scope).filter_map(pin).collect();
    pins.sort_unstable();
    pins
}

fn pinned(desk: &Desk<'_>, place: &Place, field: &Field) -> Found {
    connection(field, &pins(desk, place), |(_, number), fields| {
        object("PinnedIssue", fields, |field| match field.name.as_str() {
            "issue" => {
                let found = desk.store.find::<Issue>(&place.scope, |it| it.number == *number);
                match found {
                    Some((id, _)) => issue(desk, place, id, &field.fields),
                    None => Ok(Value::Null),
                }
            }
            _ => unknown("PinnedIssue", field),
        })
    })
}

pub(super) fn change_request(desk: &Desk<'_>, place: &Place, id: u64, fields: &[Field]) -> Found {
    let Some(it) = desk.store.get::<ChangeRequest>(&place.scope, id) else {
        return Ok(Value::Null);
    };
    object("PullRequest", fields, |field| match field.name.as_str() {
        "id" => Ok(json!(node("PR", id))),
        "number" => Ok(json!(it.number)),
        "title" => Ok(json!(it.title)),
        "isDraft" => Ok(json!(it.draft)),
        "maintainerCanModify" => Ok(json!(it.maintainers_may_push == Some(true))),
        "mergedBy" => {
            let is_merged = it.state == ChangeRequestState::Merged;
            actor(it.merged_by.as_ref().filter(|_| is_merged), field)
        }
        "closingIssuesReferences" => connection(field, &it.closes, |closes, fields| {
            object("Issue", fields, |field| match field.name.as_str() {
                "number" => Ok(json!(closes.issue)),
                "repository" => object("Repository", &field.fields, |field| {
                    let path = closes.project.as_ref().unwrap_or(&place.path);
                    match field.name.as_str() {
                        "nameWithOwner" => Ok(json!(path)),
                        _ => unknown("Repository", field),
                    }
                }),
                _ => unknown("Issue", field),
            })
        }),
        "reviews" => {
            let all = desk.store.all::<Review>(&place.scope);
            let ids: Vec<u64> =
                all.filter(|(_, of)| of.change_request == it.number).map(|(id, _)| id).collect();
            connection(field, &ids, |id, fields| {
                object("PullRequestReview", fields, |field| match field.name.as_str() {
                    "databaseId" => Ok(json!(id)),
                    _ => unknown("PullRequestReview", field),
                })
            })
        }
        "reviewThreads" => {
            let all = desk.store.all::<ReviewThread>(&place.scope);
            let ids: Vec<u64> =
                all.filter(|(_, of)| of.change_request == it.number).map(|(id, _)| id).collect();
            connection(field, &ids, |id, fields| thread(desk, place, *id, fields))
        }
        _ => unknown("PullRequest", field),
    })
}

pub(super) fn thread(desk: &Desk<'_>, place: &Place, id: u64, fields: &[Field]) -> Found {
    let Some(it) = desk.store.get::<ReviewThread>(&place.scope, id) else {
        return Ok(Value::Null);
    };
    object("PullRequestReviewThread", fields, |field| match field.name.as_str() {
        "id" => Ok(json!(node("PRRT", id))),
        "isResolved" => Ok(json!(it.resolved_at.is_some() || it.resolver.is_some())),
        "isOutdated" => Ok(json!(it.outdated)),
        "resolvedBy" => actor(it.resolver.as_ref(), field),
        "comments" => {
            let own = id.to_string();
            let is_its = |it: &ReviewComment| it.thread.as_ref().is_some_and(|it| it.0 == own);
            let all = desk.store.all::<ReviewComment>(&place.scope);
            let ids: Vec<u64> = all.filter(|(_, it)| is_its(it)).map(|(id, _)| id).collect();
            connection(field, &ids, |id, fields| {
                object("PullRequestReviewComment", fields, |field| match field.name.as_str() {
                    "databaseId" => Ok(json!(id)),
                    _ => unknown("PullRequestReviewComment", field),
                })
            })
        }
        _ => unknown("PullRequestReviewThread", field),
    })
}
