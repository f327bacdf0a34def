//! What happened to change requests.

use super::{commit, millis, review, time};
use crate::bitbucket_archive::{who, wire};
use packhorse_core::model::{Event, Subject};

/// Words of the model, and actions of the archive that tell nothing more.
const ACTIONS: [(&str, &str); 5] = [
    ("closed", "DECLINED"),
    ("reopened", "REOPENED"),
    ("updated", "UPDATED"),
    ("unapproved", "UNAPPROVED"),
    ("deleted", "DELETED"),
];

/// Id of an event.
fn id(number: u64, it: &Event) -> String {
    let login =
        |who: &Option<packhorse_core::model::Identity>| who.as_ref().map(|it| it.login.clone());
    let who = match (login(&it.actor), login(&it.target)) {
        (actor, Some(target)) => Some(format!("{}/{target}", actor.unwrap_or_default())),
        (actor, None) => actor,
    };
    review::id(number, &it.action, (who.as_deref(), it.created_at))
}

/// The events that an activity is, with their ids.
pub(in crate::bitbucket_archive) fn read(it: &wire::Activity, number: u64) -> Vec<(String, Event)> {
    let event = |action: &str| Event {
        subject: Subject::ChangeRequest(number),
        action: action.to_owned(),
        actor: it.userId.as_deref().and_then(who::read),
        created_at: time(it.createdTimestamp),
        ..Event::default()
    };
    let events = match (it.kind.as_deref(), it.action.as_deref()) {
        (Some("MERGED"), _) => {
            vec![Event { commit: commit(it.hash.clone()), ..event("merged") }]
        }
        (Some("RESCOPED"), _) => vec![Event {
            before: commit(it.previousFromHash.clone()),
            after: commit(it.fromHash.clone()),
            ..event("rescoped")
        }],
        (Some("REVIEWERS:UPDATED"), _) => {
            let people = |ids: &Option<Vec<String>>, action: &'static str| {
                let people = ids.iter().flatten().filter_map(|it| who::read(it));
                people.map(|who| Event { target: Some(who), ..event(action) }).collect::<Vec<_>>()
            };
            let mut events = people(&it.addedIds, "review_requested");
            events.extend(people(&it.removedIds, "review_request_removed"));
            events
        }
        // Records of their own.
        (Some("ACTIVITY"), Some("OPENED" | "APPROVED" | "REVIEWED")) => Vec::new(),
        (Some("ACTIVITY"), Some(action)) => {
            let word = ACTIONS.iter().find(|(_, it)| *it == action).map(|(word, _)| *word);
            vec![event(word.unwrap_or(&action.to_lowercase()))]
        }
        _ => Vec::new(),
    };
    events.into_iter().map(|it| (id(number, &it), it)).collect()
}

/// An event as an activity; `None` where the archive has no word for it.
pub(in crate::bitbucket_archive) fn write(it: &Event) -> Option<wire::Activity> {
    let activity = |kind: &str| wire::Activity {
        kind: Some(kind.to_owned()),
        createdTimestamp: Some(millis(it.created_at)),
        userId: Some(who::write(it.actor.as_ref())),
        ..wire::Activity::default()
    };
    if !matches!(it.subject, Subject::ChangeRequest(_)) {
        return None;
    }
    let target = || it.target.as_ref().map(|it| vec![who::write(Some(it))]);
    Some(match it.action.as_str() {
        "merged" => {
            wire::Activity { autoMerge: Some(false), hash: it.commit.clone(), ..activity("MERGED") }
        }
        "review_requested" => wire::Activity {
            addedIds: Some(target()?),
            removedIds: Some(Vec::new()),
            ..activity("REVIEWERS:UPDATED")
        },
        "review_request_removed" => wire::Activity {
            addedIds: Some(Vec::new()),
            removedIds: Some(target()?),
            ..activity("REVIEWERS:UPDATED")
        },
        "rescoped" => wire::Activity {
            commits: Some(Vec::new()),
            fromHash: Some(it.after.clone()?),
            previousFromHash: Some(it.before.clone()?),
            totalAdded: Some(0),
            totalRemoved: Some(0),
            ..activity("RESCOPED")
        },
        word => {
            let (_, action) = ACTIONS.iter().find(|(it, _)| *it == word)?;
            wire::Activity { action: Some((*action).to_owned()), ..activity("ACTIVITY") }
        }
    })
}

/// An event as the archive gives it back.
pub(in crate::bitbucket_archive) fn back(it: &Event) -> Option<(String, Event)> {
    let Subject::ChangeRequest(number) = it.subject else { return None };
    read(&write(it)?, number).pop()
}
