//! Changing something.

use super::{
    Desk, Fault, Field, Found, discussion, migration, must, node_of, object, only, project,
    refused, unknown,
};
use crate::{access::Access, github::issue::who};
use packhorse_core::model::{
    ChangeRequest, ChangeRequestState, Issue, ReviewThread, State, StateValue, Subject,
};
use serde_json::Value;

/// How many issues are shown first at most.
///
/// Source: GitHub, "Pinning an issue to your repository".
const MAX_PINS: usize = 3;

/// A field of a mutation, and the fields of its input.
pub(super) fn answer(desk: &mut Desk<'_>, field: &Field) -> Found {
    only(field, &["input"])?;
    let input = field.argument("input").clone();
    let input = |needed: &[&str], others: &[&str]| checked(field, &input, needed, others);
    match field.name.as_str() {
        "resolveReviewThread" => settle(desk, &input(&["threadId"], &[])?, field, true),
        "unresolveReviewThread" => settle(desk, &input(&["threadId"], &[])?, field, false),
        "convertPullRequestToDraft" => {
            set_draft(desk, &input(&["pullRequestId"], &[])?, field, true)
        }
        "markPullRequestReadyForReview" => {
            set_draft(desk, &input(&["pullRequestId"], &[])?, field, false)
        }
        "pinIssue" => pin(desk, &input(&["issueId"], &[])?, field, true),
        "unpinIssue" => pin(desk, &input(&["issueId"], &[])?, field, false),
        "deleteIssue" => delete_issue(desk, &input(&["issueId"], &[])?, field),
        "createDiscussion" => {
            let needed = ["repositoryId", "categoryId", "title", "body"];
            discussion::create(desk, &input(&needed, &[])?, field)
        }
        "updateDiscussion" => {
            let others = ["title", "body", "categoryId"];
            discussion::update(desk, &input(&["discussionId"], &others)?, field)
        }
        "closeDiscussion" => {
            let input = input(&["discussionId"], &["reason"])?;
            discussion::change(desk, (&input, "discussionId"), field, |it, now| {
                it.closed_at = it.closed_at.or(now);
                Ok(())
            })
        }
        "deleteDiscussion" => discussion::delete(desk, &input(&["id"], &[])?, field),
        "addDiscussionComment" => {
            let input = input(&["discussionId", "body"], &["replyToId"])?;
            discussion::add_comment(desk, &input, field)
        }
        "updateDiscussionComment" => {
            discussion::update_comment(desk, &input(&["commentId", "body"], &[])?, field)
        }
        "createMigrationSource" => {
            let needed = ["name", "url", "ownerId", "type"];
            migration::create_source(desk, &input(&needed, &["accessToken", "githubPat"])?, field)
        }
        "startRepositoryMigration" => {
            let needed = ["sourceId", "ownerId", "sourceRepositoryUrl", "repositoryName"];
            let others = [
                "continueOnError",
                "gitArchiveUrl",
                "metadataArchiveUrl",
                "accessToken",
                "githubPat",
                "skipReleases",
                "targetRepoVisibility",
                "lockSource",
            ];
            migration::start(desk, &input(&needed, &others)?, field)
        }
        "abortRepositoryMigration" => migration::abort(desk, &input(&["migrationId"], &[])?, field),
        "markDiscussionCommentAsAnswer" => discussion::answered(desk, &input(&["id"], &[])?, field),
        _ => unknown("Mutation", field),
    }
}

/// The input of a mutation, if it has what it must and nothing else.
fn checked(field: &Field, input: &Value, needed: &[&str], others: &[&str]) -> Result<Value, Fault> {
    let name = &field.name;
    let Some(fields) = input.as_object() else {
        return Err(Fault::Invalid(format!("Field '{name}' is missing its input")));
    };
    if let Some(missing) = needed.iter().find(|it| fields.get(**it).is_none_or(Value::is_null)) {
        let words = format!("Argument '{missing}' on the input of '{name}' is required");
        return Err(Fault::Invalid(words));
    }
    let is_known =
        |it: &str| it == "clientMutationId" || needed.contains(&it) || others.contains(&it);
    match fields.keys().find(|it| !is_known(it)) {
        Some(other) => {
            Err(Fault::Invalid(format!("The input of '{name}' doesn't accept '{other}'")))
        }
        None => Ok(input.clone()),
    }
}

fn settle(desk: &mut Desk<'_>, input: &Value, field: &Field, is_settled: bool) -> Found {
    let (place, id) = node_of::<ReviewThread>(desk, "PRRT", &input["threadId"])?;
    must(desk, Access::Write)?;
    let (now, by) = (desk.store.now(), who(desk));
    if let Some(it) = desk.store.get_mut::<ReviewThread>(&place.scope, id) {
        it.resolved_at = now.filter(|_| is_settled);
        it.resolver = is_settled.then_some(by);
    }
    object("ReviewThreadPayload", &field.fields, |field| match field.name.as_str() {
        "clientMutationId" => Ok(Value::Null),
        "thread" => project::thread(desk, &place, id, &field.fields),
        _ => unknown("ReviewThreadPayload", field),
    })
}

fn set_draft(desk: &mut Desk<'_>, input: &Value, field: &Field, is_draft: bool) -> Found {
    let (place, id) = node_of::<ChangeRequest>(desk, "PR", &input["pullRequestId"])?;
    must(desk, Access::Write)?;
    if let Some(it) = desk.store.get_mut::<ChangeRequest>(&place.scope, id) {
        if it.state != ChangeRequestState::Open {
            return refused("UNPROCESSABLE", "Pull request is closed");
        }
        it.draft = is_draft;
    }
    object("PullRequestPayload", &field.fields, |field| match field.name.as_str() {
        "clientMutationId" => Ok(Value::Null),
        "pullRequest" => project::change_request(desk, &place, id, &field.fields),
        _ => unknown("PullRequestPayload", field),
    })
}

fn pin(desk: &mut Desk<'_>, input: &Value, field: &Field, is_pinned: bool) -> Found {
    let (place, id) = node_of::<Issue>(desk, "I", &input["issueId"])?;
    must(desk, Access::Write)?;
    let number = desk.store.get::<Issue>(&place.scope, id).map_or(0, |it| it.number);
    let pins = project::pins(desk, &place);
    let is_there = pins.iter().any(|(_, it)| *it == number);
    if is_pinned && is_there {
        return refused("UNPROCESSABLE", "Issue is already pinned");
    }
    if is_pinned && pins.len() >= MAX_PINS {
        return refused("UNPROCESSABLE", "Maximum 3 pinned issues per repository");
    }
    let subject = Subject::Issue(number);
    if is_pinned {
        let last = pins.last().map_or(0, |(at, _)| *at);
        let value = StateValue::Pinned(Some(last + 1));
        let (author, created_at) = (Some(who(desk)), desk.store.now());
        desk.store.add(&place.scope, State { subject, value, author, created_at });
    } else {
        desk.store.remove_where::<State>(&place.scope, |it| {
            it.subject == subject && matches!(it.value, StateValue::Pinned(_))
        });
    }
    object("PinIssuePayload", &field.fields, |field| match field.name.as_str() {
        "clientMutationId" => Ok(Value::Null),
        "issue" => project::issue(desk, &place, id, &field.fields),
        _ => unknown("PinIssuePayload", field),
    })
}

fn delete_issue(desk: &mut Desk<'_>, input: &Value, field: &Field) -> Found {
    let (place, id) = node_of::<Issue>(desk, "I", &input["issueId"])?;
    must(desk, Access::Admin)?;
    desk.store.remove::<Issue>(&place.scope, id);
    object("DeleteIssuePayload", &field.fields, |field| match field.name.as_str() {
        "clientMutationId" => Ok(Value::Null),
        _ => unknown("DeleteIssuePayload", field),
    })
}
