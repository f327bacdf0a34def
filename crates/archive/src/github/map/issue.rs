//! Issues and milestones.

use super::{
    super::address::{Address, Site},
    Notes, body, identities, identity, owned, text, time, user,
};
use crate::github::{
    address,
    wire::{self, List},
};
use packhorse_core::model::{self, OpenState};

/// Numbers of milestones and names of labels out of their addresses.
pub(super) fn milestone(url: Option<&str>) -> Option<u64> {
    url.and_then(|it| Address::of(it).number())
}

pub(super) fn labels(urls: &[String]) -> Vec<String> {
    urls.iter().map(|it| Address::of(it).label()).collect()
}

/// `assignees`, or in old exports the one `assignee`.
pub(super) fn assignees(all: List<String>, one: Option<String>) -> Vec<model::Identity> {
    let all = if all.0.is_empty() { one.into_iter().collect() } else { all.0 };
    identities(all)
}

/// Reads an issue; `None` when its address has no number.
pub(in crate::github) fn read_issue(
    it: wire::Issue,
    notes: &mut Notes,
) -> Option<(String, model::Issue)> {
    let number = Address::of(&it.url).number()?;
    let closed_at = notes.time("closed_at", it.closed_at);
    let issue = model::Issue {
        number,
        title: it.title.unwrap_or_default(),
        body: text(it.body),
        author: identity(it.user.as_deref()),
        state: if closed_at.is_some() { OpenState::Closed } else { OpenState::Open },
        assignees: assignees(it.assignees, it.assignee),
        labels: labels(&it.labels.0),
        milestone: milestone(it.milestone.as_deref()),
        created_at: notes.time("created_at", it.created_at),
        updated_at: notes.time("updated_at", it.updated_at),
        closed_at,
        ..model::Issue::default()
    };
    Some((number.to_string(), issue))
}

/// Writes an issue.
pub(in crate::github) fn write_issue(
    site: &Site,
    it: &model::Issue,
    reactions: Vec<wire::Reaction>,
) -> wire::Issue {
    // Closed is told by the time alone.
    let closed_at = match it.state {
        OpenState::Closed => it.closed_at.or(it.updated_at).or(it.created_at),
        OpenState::Open => None,
    };
    let assignees: List<String> = it.assignees.iter().map(address::user).collect();
    wire::Issue {
        r#type: owned("issue"),
        url: site.issue(it.number),
        repository: Some(owned(site.url())),
        user: user(it.author.as_ref()),
        title: Some(it.title.clone()),
        body: body(it.body.as_ref()),
        assignee: assignees.0.first().cloned(),
        assignees,
        milestone: it.milestone.map(|number| site.milestone(number)),
        labels: it.labels.iter().map(|name| site.label(name)).collect(),
        reactions: List(reactions),
        closed_at: time(closed_at),
        created_at: time(it.created_at),
        updated_at: time(it.updated_at),
    }
}

/// Reads a milestone; `None` when its address has no number.
pub(in crate::github) fn read_milestone(
    it: wire::Milestone,
    notes: &mut Notes,
) -> Option<(String, model::Milestone)> {
    let number = Address::of(&it.url).number()?;
    let closed_at = notes.time("closed_at", it.closed_at);
    let state = match it.state.as_deref() {
        Some("open") => OpenState::Open,
        Some("closed") => OpenState::Closed,
        other => {
            if let Some(other) = other {
                notes.odd("state", other);
            }
            if closed_at.is_some() { OpenState::Closed } else { OpenState::Open }
        }
    };
    let milestone = model::Milestone {
        number,
        title: it.title.unwrap_or_default(),
        description: text(it.description),
        author: identity(it.user.as_deref()),
        state,
        due_at: notes.time("due_at", it.due_on),
        created_at: notes.time("created_at", it.created_at),
        updated_at: notes.time("updated_at", it.updated_at),
        closed_at,
        ..model::Milestone::default()
    };
    Some((number.to_string(), milestone))
}

/// Writes a milestone.
pub(in crate::github) fn write_milestone(site: &Site, it: &model::Milestone) -> wire::Milestone {
    let state = match it.state {
        OpenState::Open => "open",
        OpenState::Closed => "closed",
    };
    wire::Milestone {
        r#type: owned("milestone"),
        url: site.milestone(it.number),
        repository: Some(owned(site.url())),
        user: user(it.author.as_ref()),
        title: Some(it.title.clone()),
        description: body(it.description.as_ref()),
        state: Some(owned(state)),
        due_on: time(it.due_at),
        created_at: time(it.created_at),
        updated_at: time(it.updated_at),
        closed_at: time(it.closed_at),
    }
}
