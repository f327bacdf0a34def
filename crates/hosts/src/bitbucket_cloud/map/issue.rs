//! Issues, of those servers that still have them.

use super::{identity, text, time};
use crate::bitbucket_cloud::wire;
use packhorse_core::{
    Loss, Object, Record,
    model::{Comment, Issue, Milestone, OpenState, Subject},
};

/// An issue; components and versions have no place in the model.
pub(in crate::bitbucket_cloud) fn issue(it: wire::Issue, host: &str) -> Option<Record> {
    let number = it.id?;
    let (state, reason) = match it.state.as_deref() {
        Some("resolved" | "closed") => (OpenState::Closed, Some("completed")),
        Some("invalid" | "wontfix") => (OpenState::Closed, Some("not_planned")),
        Some("duplicate") => (OpenState::Closed, Some("duplicate")),
        Some("on hold") => (OpenState::Open, Some("on_hold")),
        Some(_) | None => (OpenState::Open, None),
    };
    let updated_at = time(it.updated_on);
    let issue = Issue {
        number,
        title: it.title.unwrap_or_default(),
        body: text(it.content.and_then(|it| it.raw)),
        author: it.reporter.as_ref().and_then(|it| identity(it, host)),
        state,
        state_reason: reason.map(str::to_owned),
        issue_type: it.kind,
        assignees: it.assignee.as_ref().and_then(|it| identity(it, host)).into_iter().collect(),
        milestone: it.milestone.and_then(|it| it.id),
        created_at: time(it.created_on),
        updated_at,
        closed_at: updated_at.filter(|_| state == OpenState::Closed),
        ..Issue::default()
    };
    let mut record = Record::new(number.to_string(), Object::from(issue));
    let others = [
        ("priority", it.priority),
        ("component", name(it.component)),
        ("version", name(it.version)),
    ];
    for (field, value) in others {
        if let Some(value) = value {
            record.losses.push(Loss::source(field, format!("was {value}")));
        }
    }
    Some(record)
}

fn name(it: Option<wire::Milestone>) -> Option<String> {
    it.and_then(|it| it.name)
}

pub(in crate::bitbucket_cloud) fn milestone(it: wire::Milestone) -> Option<(String, Milestone)> {
    let number = it.id?;
    let title = it.name.unwrap_or_default();
    Some((number.to_string(), Milestone { number, title, ..Milestone::default() }))
}

/// What was said of an issue; changes without words are no comments.
pub(in crate::bitbucket_cloud) fn comment(
    it: wire::Comment,
    number: u64,
    host: &str,
) -> Option<Record> {
    let body = text(it.content.and_then(|it| it.raw))?;
    let comment = Comment {
        subject: Subject::Issue(number),
        author: it.user.as_ref().and_then(|it| identity(it, host)),
        body: Some(body),
        created_at: time(it.created_on),
        updated_at: time(it.updated_on),
        ..Comment::default()
    };
    let id = format!("issue/{number}/{}", it.id?);
    (it.deleted != Some(true)).then(|| Record::new(id, Object::from(comment)))
}
