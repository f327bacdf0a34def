//! What happened to issues and change requests: rows of their own for states, labels and
//! milestones, notes of the server for the rest.

use super::{
    super::{id, people::People, wire},
    note::{blank, name_of, noteable},
    owned, plain, time, told,
};
use packhorse_core::model::{Event, Identity, Label, Subject};

/// The rows that an event may stand in, as its id begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Row {
    State,
    Label,
    Milestone,
    Note,
}

impl Row {
    const fn prefix(self) -> &'static str {
        match self {
            Self::State => "state-",
            Self::Label => "label-",
            Self::Milestone => "milestone-",
            Self::Note => "note-",
        }
    }

    /// The rows that an event goes to.
    pub(in super::super) fn of(it: &Event) -> Self {
        match it.action.as_str() {
            "closed" | "reopened" | "merged" => Self::State,
            "labeled" | "unlabeled" if it.label.is_some() => Self::Label,
            "milestoned" | "demilestoned" if it.milestone.is_some() => Self::Milestone,
            _ => Self::Note,
        }
    }

    /// The id under which a row of that number is read.
    pub(in super::super) fn id(self, number: u64) -> String {
        format!("{}{number}", self.prefix())
    }

    /// The number of the row that an event of that id becomes.
    pub(in super::super) fn number(self, id: &str) -> u64 {
        id::number(id.strip_prefix(self.prefix()).unwrap_or(id))
    }
}

/// The ids that an event may have in the archive.
pub(in super::super) fn ids(id: &str) -> impl Iterator<Item = String> {
    let rows = [Row::State, Row::Label, Row::Milestone, Row::Note];
    rows.into_iter().map(move |row| row.id(row.number(id)))
}

/// Reads a change of state.
pub(in super::super) fn state(
    it: &wire::StateEvent,
    subject: &Subject,
    people: &People,
) -> Option<(String, Event)> {
    // Source: GitLab, `app/models/resource_state_event.rb`; numbers are of the column as it is.
    let action = match it.state.as_deref()? {
        "1" | "opened" => "reopened",
        "2" => "closed",
        "3" => "merged",
        word => word,
    };
    let event = Event {
        subject: subject.clone(),
        action: action.to_owned(),
        actor: people.identity(it.user_id),
        created_at: time(it.created_at.as_deref()),
        ..Event::default()
    };
    Some((Row::State.id(it.id?), event))
}

fn adds(action: &wire::Word) -> bool {
    !matches!(action.as_deref(), Some("remove" | "2"))
}

/// Reads a change of labels; of a label that is gone nothing is told.
pub(in super::super) fn label(
    it: &wire::LabelEvent,
    subject: &Subject,
    people: &People,
) -> Option<(String, Event)> {
    let label = it.label.as_ref()?;
    let color = plain(label.color.clone());
    let event = Event {
        subject: subject.clone(),
        action: if adds(&it.action) { "labeled" } else { "unlabeled" }.to_owned(),
        actor: people.identity(it.user_id),
        label: plain(label.title.clone()),
        label_color: color.map(|it| it.trim_start_matches('#').to_ascii_lowercase()),
        created_at: time(it.created_at.as_deref()),
        ..Event::default()
    };
    Some((Row::Label.id(it.id?), event))
}

/// Reads a change of milestones.
pub(in super::super) fn milestone(
    it: &wire::MilestoneEvent,
    subject: &Subject,
    people: &People,
) -> Option<(String, Event)> {
    let event = Event {
        subject: subject.clone(),
        action: if adds(&it.action) { "milestoned" } else { "demilestoned" }.to_owned(),
        actor: people.identity(it.user_id),
        milestone: plain(it.milestone.as_ref()?.title.clone()),
        created_at: time(it.created_at.as_deref()),
        ..Event::default()
    };
    Some((Row::Milestone.id(it.id?), event))
}

/// Writes a change of state.
pub(in super::super) fn write_state(
    target: &str,
    it: &Event,
    people: &mut People,
) -> wire::StateEvent {
    wire::StateEvent {
        id: Some(Row::State.number(target)),
        user_id: people.id_of(it.actor.as_ref()),
        created_at: told(it.created_at),
        state: wire::Word::of(&it.action),
    }
}

/// Writes a change of labels.
pub(in super::super) fn write_label(
    target: &str,
    it: &Event,
    people: &mut People,
) -> wire::LabelEvent {
    let label = Label {
        name: it.label.clone().unwrap_or_default(),
        color: it.label_color.clone(),
        ..Label::default()
    };
    wire::LabelEvent {
        id: Some(Row::Label.number(target)),
        action: wire::Word::of(if it.action == "labeled" { "add" } else { "remove" }),
        user_id: people.id_of(it.actor.as_ref()),
        created_at: told(it.created_at),
        label: Some(super::write_label(&label)),
    }
}

/// Writes a change of milestones; `milestone` is the one of that title.
pub(in super::super) fn write_milestone(
    target: &str,
    it: &Event,
    milestone: Option<wire::Milestone>,
    people: &mut People,
) -> wire::MilestoneEvent {
    let titled = || wire::Milestone { title: it.milestone.clone(), ..wire::Milestone::default() };
    wire::MilestoneEvent {
        id: Some(Row::Milestone.number(target)),
        user_id: people.id_of(it.actor.as_ref()),
        action: wire::Word::of(if it.action == "milestoned" { "add" } else { "remove" }),
        state: wire::Word::of("opened"),
        created_at: told(it.created_at),
        milestone: Some(milestone.unwrap_or_else(titled)),
    }
}

/// What the server says of events, the model's word for each, and the sort of note.
///
/// Source: GitLab, `app/services/system_notes`, `app/models/system_note_metadata.rb`.
const SAID: [(&str, &str, &str); 13] = [
    ("marked this merge request as **draft**", "convert_to_draft", "draft"),
    ("marked this merge request as **ready**", "ready_for_review", "draft"),
    ("approved this merge request", "approved", "approved"),
    ("unapproved this merge request", "unapproved", "unapproved"),
    ("locked the discussion in this issue", "locked", "locked"),
    ("unlocked the discussion in this issue", "unlocked", "unlocked"),
    ("made the issue confidential", "made_confidential", "confidential"),
    ("made the issue visible to everyone", "made_visible", "visible"),
    ("changed the description", "description_changed", "description"),
    ("resolved all threads", "threads_resolved", "discussion"),
    ("restored source branch", "head_ref_restored", "branch"),
    ("deleted the source branch", "head_ref_deleted", "branch"),
    ("changed target branch", "base_ref_changed", "branch"),
];

/// What is said of somebody.
const WHOM: [(&str, &str, &str); 4] = [
    ("unassigned @", "unassigned", "assignee"),
    ("assigned to @", "assigned", "assignee"),
    ("requested review from @", "review_requested", "reviewer"),
    ("removed review request for @", "review_request_removed", "reviewer"),
];

const RENAMED: &str = "changed title from **";
const MENTIONED: &str = "mentioned in ";

/// What stands in rows of its own, and in notes besides.
fn is_elsewhere(first: &str) -> bool {
    ["changed milestone to", "removed milestone"].iter().any(|it| first.starts_with(it))
        || matches!(first, "closed" | "reopened" | "merged")
        || (first.ends_with(" label") || first.ends_with(" labels"))
            && (first.starts_with("added ~") || first.starts_with("removed ~"))
}

/// A title as the server sets it off: with `{-…-}` and `{+…+}` around what changed.
fn bare(title: &str) -> String {
    ["{-", "-}", "{+", "+}"].iter().fold(title.to_owned(), |text, mark| text.replace(mark, ""))
}

fn login(rest: &str) -> Option<Identity> {
    let end = rest.find(|it: char| !(it.is_alphanumeric() || "_.-".contains(it)));
    let login = rest[..end.unwrap_or(rest.len())].trim_end_matches('.');
    (!login.is_empty()).then(|| Identity::login(login, None))
}

fn said(text: &str) -> Option<Event> {
    let first = text.lines().next().unwrap_or_default();
    if is_elsewhere(first) {
        return None;
    }
    let of = |action: &str| Event { action: action.to_owned(), ..Event::default() };
    if let Some((before, after)) = first
        .strip_prefix(RENAMED)
        .and_then(|it| it.strip_suffix("**"))
        .and_then(|it| it.split_once("** to **"))
    {
        let (before, after) = (Some(bare(before)), Some(bare(after)));
        return Some(Event { title_before: before, title_after: after, ..of("renamed") });
    }
    let whom =
        WHOM.iter().find_map(|(words, action, _)| Some((first.strip_prefix(words)?, action)));
    if let Some((rest, action)) = whom {
        return Some(Event { target: login(rest), ..of(action) });
    }
    if let Some(rest) = first.strip_prefix(MENTIONED) {
        let plain =
            ["issue ", "merge request ", "commit "].iter().find_map(|it| rest.strip_prefix(it));
        let reference = Some(plain.unwrap_or(rest).to_owned());
        return Some(Event { reference, ..of("cross_referenced") });
    }
    if let Some((_, action, _)) = SAID.iter().find(|(words, ..)| first.starts_with(words)) {
        return Some(of(action));
    }
    if first.starts_with("added ") && first.contains(" commit") {
        return Some(of("pushed"));
    }
    Some(Event { reference: Some(text.chars().take(1_000).collect()), ..of("noted") })
}

/// Reads a note of the server; `None` for what stands in rows of its own.
pub(in super::super) fn noted(
    it: &wire::Note,
    subject: &Subject,
    people: &People,
) -> Option<(String, Event)> {
    let mut event = said(it.note.as_deref().filter(|it| !it.is_empty())?)?;
    event.subject = subject.clone();
    event.actor = super::note::author(it, people);
    event.created_at = time(it.created_at.as_deref());
    Some((Row::Note.id(it.id?), event))
}

/// The words for an event, and the sort of note.
fn words(it: &Event) -> (String, &'static str) {
    let target = it.target.as_ref().map(|it| it.login.as_str());
    if let (Some(before), Some(after)) = (&it.title_before, &it.title_after) {
        return (format!("{RENAMED}{{-{before}-}}** to **{{+{after}+}}**"), "title");
    }
    let whom = WHOM.iter().find(|(_, action, _)| *action == it.action).zip(target);
    if let Some(((words, _, sort), login)) = whom {
        return (format!("{words}{login}"), sort);
    }
    if let Some(reference) = it.reference.as_ref().filter(|_| it.action == "cross_referenced") {
        return (format!("{MENTIONED}{reference}"), "cross_reference");
    }
    if let Some((words, _, sort)) = SAID.iter().find(|(_, action, _)| *action == it.action) {
        return ((*words).to_owned(), sort);
    }
    if let Some(text) = it.reference.as_ref().filter(|_| it.action == "noted") {
        return (text.clone(), "description");
    }
    let mut text = it.action.replace('_', " ");
    let details = [&it.label, &it.milestone, &it.branch, &it.commit, &it.reference];
    for detail in details.into_iter().flatten() {
        text.push_str(&format!(" `{}`", detail.replace('`', "'")));
    }
    (text, "description")
}

/// Writes an event as a note of the server.
pub(in super::super) fn write_note(
    target: &str,
    it: &Event,
    people: &mut People,
) -> Option<wire::Note> {
    let (text, sort) = words(it);
    let number = Row::Note.number(target).to_string();
    let at = told(it.created_at);
    Some(wire::Note {
        note: Some(text),
        author_id: people.id_of(it.actor.as_ref()),
        author: name_of(it.actor.as_ref()),
        created_at: at.clone(),
        updated_at: at.clone(),
        system: Some(true),
        discussion_id: Some(id::discussion(&format!("event/{target}"))),
        system_note_metadata: Some(wire::NoteMetadata {
            commit_count: None,
            action: owned(sort),
            created_at: at.clone(),
            updated_at: at,
        }),
        ..blank(&number, noteable(&it.subject)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(said(text).map(|it| it.action).as_deref(), expected);
    }

    #[test]
    fn what_the_server_noted_is_told_in_the_models_words() {
        check("assigned to @alice", Some("assigned"));
        check("added 2 commits\n\n<ul><li>1234</li></ul>", Some("pushed"));
        check("mentioned in merge request !5", Some("cross_referenced"));
        check("something new", Some("noted"));
        check("closed", None);
        check("added ~5 ~6 labels", None);
    }

    #[test]
    fn what_has_words_comes_back() {
        let whole = |action: &str| Event { action: action.to_owned(), ..Event::default() };
        for event in [
            whole("locked"),
            whole("convert_to_draft"),
            Event { target: Some(Identity::login("bob.b", None)), ..whole("unassigned") },
            Event {
                title_before: Some("old **x**".to_owned()),
                title_after: Some("new".to_owned()),
                ..whole("renamed")
            },
            Event { reference: Some("!7".to_owned()), ..whole("cross_referenced") },
        ] {
            assert_eq!(said(&words(&event).0), Some(event));
        }
    }
}
