//! Issues.

use super::{
    super::{people::People, wire},
    body, day, identities, milestone_number, open_state, plain, text, time, told,
};
use crate::wire::List;
use packhorse_core::model::{Identity, Issue, Label, OpenState, State, StateValue, Subject, Time};

/// Source: GitLab, `app/models/work_items/type.rb`; numbers are of the column as it is.
fn issue_type(word: &wire::Word) -> Option<String> {
    match word.as_deref()? {
        // The plain sort is not worth a word.
        "issue" | "0" => None,
        "1" => Some("incident".to_owned()),
        "2" => Some("test_case".to_owned()),
        "3" => Some("requirement".to_owned()),
        "4" => Some("task".to_owned()),
        word => Some(word.to_owned()),
    }
}

/// Names of the labels on something.
pub(super) fn labels(links: &List<wire::LabelLink>) -> Vec<String> {
    let labels = links.0.iter().filter_map(|it| it.label.as_ref());
    labels.filter_map(|it| plain(it.title.clone())).collect()
}

/// Whether something takes no more comments.
pub(in super::super) fn locked(subject: Subject, is_locked: Option<bool>) -> Option<State> {
    let state = State { subject, value: StateValue::Locked(None), ..State::default() };
    (is_locked == Some(true)).then_some(state)
}

/// Reads an issue, without what hangs on it.
pub(in super::super) fn read(it: &wire::Issue, people: &People) -> Option<Issue> {
    let sort = it.work_item_type.as_ref().map(|it| &it.base_type).filter(|it| it.0.is_some());
    let spent: i64 =
        it.timelogs.0.iter().filter_map(|it| it.time_spent).fold(0, i64::saturating_add);
    Some(Issue {
        number: it.iid?,
        title: it.title.clone().unwrap_or_default(),
        body: text(it.description.clone()),
        author: people.identity(it.author_id),
        state: open_state(&it.state),
        issue_type: issue_type(sort.unwrap_or(&it.issue_type)),
        assignees: identities(it.issue_assignees.0.iter().map(|it| it.user_id), people),
        labels: labels(&it.label_links),
        milestone: it.milestone.as_ref().and_then(milestone_number),
        confidential: it.confidential.unwrap_or_default(),
        weight: it.weight,
        time_estimate: it.time_estimate.filter(|it| *it > 0),
        time_spent: u64::try_from(spent).ok().filter(|it| *it > 0),
        due_at: time(it.due_date.as_deref()),
        closed_by: people.identity(it.closed_by_id),
        created_at: time(it.created_at.as_deref()),
        updated_at: time(it.updated_at.as_deref()),
        closed_at: time(it.closed_at.as_deref()),
        ..Issue::default()
    })
}

/// Links to labels; `known` are those of the project.
pub(super) fn links(
    names: &[String],
    under: &str,
    at: Option<Time>,
    known: &dyn Fn(&str) -> Option<wire::Label>,
) -> List<wire::LabelLink> {
    let bare =
        |name: &str| super::write_label(&Label { name: name.to_owned(), ..Label::default() });
    let links = names.iter().map(|name| wire::LabelLink {
        target_type: Some(under.to_owned()),
        created_at: told(at),
        updated_at: told(at),
        label: Some(known(name).unwrap_or_else(|| bare(name))),
    });
    links.collect()
}

/// The labels and milestones of a project, which stand in everything that has them.
pub(in super::super) struct Known<'a> {
    pub(in super::super) label: &'a dyn Fn(&str) -> Option<wire::Label>,
    pub(in super::super) milestone: &'a dyn Fn(u64) -> Option<wire::Milestone>,
}

impl Known<'_> {
    /// The milestone of that number; one that is not there by its number alone.
    pub(super) fn milestone(&self, number: Option<u64>) -> Option<wire::Milestone> {
        let number = number?;
        let bare = || wire::Milestone { iid: Some(number), ..wire::Milestone::default() };
        Some((self.milestone)(number).unwrap_or_else(bare))
    }
}

fn persons(who: &[Identity], people: &mut People) -> List<wire::Person> {
    who.iter().map(|it| wire::Person { user_id: Some(people.id(it)) }).collect()
}

/// Writes an issue, without what hangs on it.
pub(in super::super) fn write(it: &Issue, known: &Known<'_>, people: &mut People) -> wire::Issue {
    let state = match it.state {
        OpenState::Open => "opened",
        OpenState::Closed => "closed",
    };
    let sort = it.issue_type.as_deref().unwrap_or("issue");
    let author = people.id_of(it.author.as_ref());
    let spent = it.time_spent.and_then(|it| i64::try_from(it).ok()).map(|spent| wire::Timelog {
        time_spent: Some(spent),
        user_id: author,
        created_at: told(it.updated_at),
        updated_at: told(it.updated_at),
        spent_at: told(it.updated_at),
        summary: None,
    });
    wire::Issue {
        title: Some(it.title.clone()),
        author_id: author,
        created_at: told(it.created_at),
        updated_at: told(it.updated_at),
        description: body(it.body.as_ref()),
        state: wire::Word::of(state),
        iid: Some(it.number),
        confidential: Some(it.confidential),
        closed_at: told(it.closed_at),
        closed_by_id: people.id_of(it.closed_by.as_ref()),
        due_date: day(it.due_at),
        weight: it.weight,
        time_estimate: it.time_estimate.or(Some(0)),
        issue_type: wire::Word::of(sort),
        timelogs: spent.into_iter().collect(),
        label_links: links(&it.labels, "Issue", it.created_at, known.label),
        milestone: known.milestone(it.milestone),
        issue_assignees: persons(&it.assignees, people),
        work_item_type: Some(wire::WorkItemType { base_type: wire::Word::of(sort) }),
        ..wire::Issue::default()
    }
}
