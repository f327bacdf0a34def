//! Between the archive's rows and the model, both ways, a file a family.
//!
//! Writing never fails: what has no key is found by reading the result again and comparing.

pub(super) mod change_request;
pub(super) mod event;
pub(super) mod issue;
pub(super) mod note;
pub(super) mod position;
pub(super) mod project;
pub(super) mod release;
pub(super) mod review;
pub(super) mod rule;

use super::{people::People, wire};
use crate::wire::List;
use packhorse_core::model::{
    Attachment, Blob, Identity, Label, Markup, Milestone, OpenState, Reaction, Subject, Text, Time,
    Visibility,
};

/// Where the numbers of a group's milestones begin in a project: they have a row of their own there.
const GROUP_MILESTONES: u64 = 1_000_000_000_000;

/// A moment, or midnight of a day.
fn time(text: Option<&str>) -> Option<Time> {
    let text = text.filter(|it| !it.is_empty())?;
    // A day alone has ten characters; old archives write `2016-06-14 15:02:36 UTC`.
    if text.len() == 10 {
        return format!("{text}T00:00:00Z").parse().ok();
    }
    text.parse()
        .ok()
        .or_else(|| format!("{}Z", text.strip_suffix(" UTC")?.replace(' ', "T")).parse().ok())
}

fn told(time: Option<Time>) -> Option<String> {
    time.map(|it| it.to_string())
}

/// The day of a moment.
fn day(time: Option<Time>) -> Option<String> {
    time.map(|it| it.to_string().chars().take(10).collect())
}

/// What somebody wrote; an empty text is none.
fn text(text: Option<String>) -> Option<Text> {
    text.filter(|it| !it.is_empty()).map(|it| Text::new(it, Markup::Gitlab))
}

fn body(text: Option<&Text>) -> Option<String> {
    text.map(|it| it.as_str().to_owned())
}

fn plain(text: Option<String>) -> Option<String> {
    text.filter(|it| !it.is_empty())
}

fn owned(word: &str) -> Option<String> {
    Some(word.to_owned())
}

fn identities(ids: impl Iterator<Item = Option<u64>>, people: &People) -> Vec<Identity> {
    ids.filter_map(|id| people.identity(id)).collect()
}

fn open_state(word: &wire::Word) -> OpenState {
    match word.as_deref() {
        // Numbers are of versions that wrote the column as it is.
        Some("closed" | "2") => OpenState::Closed,
        Some(_) | None => OpenState::Open,
    }
}

/// Source: GitLab, `lib/gitlab/visibility_level.rb`.
fn visibility(level: Option<u64>) -> Visibility {
    match level {
        Some(20) => Visibility::Public,
        Some(10) => Visibility::Internal,
        // What is not known is shown to nobody.
        Some(_) | None => Visibility::Private,
    }
}

const fn visibility_level(it: Visibility) -> u64 {
    match it {
        Visibility::Private => 0,
        Visibility::Internal => 10,
        Visibility::Public => 20,
    }
}

/// The model's word for a picture, and GitLab's.
///
/// Source: GitHub's and GitLab's lists of reactions.
const PICTURES: [(&str, &str); 4] =
    [("+1", "thumbsup"), ("-1", "thumbsdown"), ("laugh", "laughing"), ("hooray", "tada")];

/// Reads a reaction.
pub(super) fn reaction(
    it: &wire::Award,
    subject: &Subject,
    people: &People,
) -> Option<(String, Reaction)> {
    let name = plain(it.name.clone())?;
    let known = PICTURES.iter().find(|(_, theirs)| *theirs == name);
    let reaction = Reaction {
        subject: subject.clone(),
        author: people.identity(it.user_id),
        content: known.map_or(name, |(ours, _)| (*ours).to_owned()),
        created_at: time(it.created_at.as_deref()),
    };
    Some((crate::key::reaction(&reaction), reaction))
}

/// Writes a reaction; what it is to is called `awardable`.
pub(super) fn write_reaction(it: &Reaction, awardable: &str, people: &mut People) -> wire::Award {
    let known = PICTURES.iter().find(|(ours, _)| *ours == it.content);
    let at = told(it.created_at);
    wire::Award {
        id: None,
        name: Some(known.map_or(it.content.clone(), |(_, theirs)| (*theirs).to_owned())),
        user_id: people.id_of(it.author.as_ref()),
        awardable_type: owned(awardable),
        created_at: at.clone(),
        updated_at: at,
    }
}

/// Reads a label; one of a group has no rank here of its own.
pub(super) fn label(it: wire::Label) -> Option<Label> {
    let color = it.color.map(|it| it.trim_start_matches('#').to_ascii_lowercase());
    let name = plain(it.title)?;
    Some(Label {
        // One label of a prefix excludes the others: "Scoped labels".
        exclusive: name.contains("::").then_some(true),
        name,
        color: color.filter(|it| !it.is_empty()),
        description: text(it.description),
        priority: it.priorities.0.first().and_then(|it| it.priority),
        archived: None,
        inherited: it.group_id.is_some() || it.r#type.as_deref() == Some("GroupLabel"),
        created_at: time(it.created_at.as_deref()),
        updated_at: time(it.updated_at.as_deref()),
    })
}

/// Writes a label.
pub(super) fn write_label(it: &Label) -> wire::Label {
    let at = told(it.created_at);
    let rank = it.priority.map(|priority| wire::Priority {
        project_id: None,
        priority: Some(priority),
        created_at: at.clone(),
        updated_at: at.clone(),
    });
    wire::Label {
        title: Some(it.name.clone()),
        color: Some(format!("#{}", it.color.as_deref().unwrap_or("6699cc"))),
        created_at: at.clone(),
        updated_at: told(it.updated_at),
        template: Some(false),
        description: body(it.description.as_ref()),
        // The importer takes those of groups for the group that it imports into.
        r#type: owned("ProjectLabel"),
        priorities: List(rank.into_iter().collect()),
        ..wire::Label::default()
    }
}

/// The number by which a milestone is called.
pub(super) fn milestone_number(it: &wire::Milestone) -> Option<u64> {
    match (it.group_id, it.id) {
        (Some(_), Some(id)) => Some(GROUP_MILESTONES.saturating_add(id)),
        (Some(_), None) => Some(GROUP_MILESTONES.saturating_add(it.iid?)),
        (None, _) => it.iid,
    }
}

/// Reads a milestone.
pub(super) fn milestone(it: wire::Milestone) -> Option<Milestone> {
    Some(Milestone {
        number: milestone_number(&it)?,
        title: it.title.unwrap_or_default(),
        description: text(it.description),
        author: None,
        state: open_state(&it.state),
        start_at: time(it.start_date.as_deref()),
        due_at: time(it.due_date.as_deref()),
        inherited: it.group_id.is_some(),
        created_at: time(it.created_at.as_deref()),
        updated_at: time(it.updated_at.as_deref()),
        closed_at: None,
    })
}

/// Writes a label of a group; its rank is a project's.
pub(super) fn write_group_label(it: &Label, group: u64) -> wire::Label {
    wire::Label {
        group_id: Some(group),
        r#type: owned("GroupLabel"),
        priorities: List::default(),
        ..write_label(it)
    }
}

/// The id of a milestone that is a group's, where its number is made of one.
pub(super) fn group_milestone(it: &Milestone) -> Option<u64> {
    it.number.checked_sub(GROUP_MILESTONES).filter(|_| it.inherited)
}

/// Writes a milestone of a group, under a number that it has there.
pub(super) fn write_group_milestone(it: &Milestone, (group, iid): (u64, u64)) -> wire::Milestone {
    wire::Milestone { group_id: Some(group), iid: Some(iid), ..write_milestone(it) }
}

/// Writes a milestone; one of a group becomes the project's, unless the importer finds the group's.
///
/// Source: GitLab, `lib/gitlab/import_export/project/object_builder.rb`: one with a group is looked
/// for by its title there and in the project, and gets a free number if it is not there.
pub(super) fn write_milestone(it: &Milestone) -> wire::Milestone {
    let of_group = group_milestone(it);
    let state = match it.state {
        OpenState::Open => "active",
        OpenState::Closed => "closed",
    };
    wire::Milestone {
        id: of_group,
        title: Some(it.title.clone()),
        description: body(it.description.as_ref()),
        due_date: day(it.due_at),
        created_at: told(it.created_at),
        updated_at: told(it.updated_at),
        state: wire::Word::of(state),
        iid: Some(of_group.unwrap_or(it.number)),
        start_date: day(it.start_at),
        // Which one it is tells the group's own archive.
        group_id: of_group.map(|_| 1),
        ..wire::Milestone::default()
    }
}

/// An uploaded file, `secret/name`.
pub(super) fn attachment(id: &str, subject: Subject, blob: Blob) -> Attachment {
    Attachment {
        subject,
        name: id.split_once('/').map_or(id, |(_, name)| name).to_owned(),
        url: Some(format!("/uploads/{id}")),
        blob,
        ..Attachment::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_all_versions_are_read() {
        let expected: Option<Time> = "2016-06-14T15:02:36Z".parse().ok();
        assert_eq!(
            time(Some("2016-06-14T15:02:36.000Z")).map(Time::instant),
            expected.map(Time::instant)
        );
        assert_eq!(time(Some("2016-06-14 15:02:36 UTC")), expected);
        assert_eq!(time(Some("2016-06-14")), "2016-06-14T00:00:00Z".parse().ok());
        assert_eq!(time(Some("soon")), None);
    }
}
