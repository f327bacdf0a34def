//! Between the dump's elements and the model, both ways.
//!
//! Writing never fails: what has no key is found by reading the result again and comparing.

mod issue;
mod review;

pub(super) use issue::{
    Known, change_request, comment, event, is_comment, issue, write_change_request, write_comment,
    write_event, write_issue,
};
pub(super) use review::{
    asset, is_own_review, own_review, release, review, review_comment, write_asset, write_release,
    write_review, write_review_comment,
};

use super::{people::People, wire};
use crate::key;
use packhorse_core::model::{
    Identity, Label, Markup, Milestone, OpenState, Project, Reaction, State, StateValue, Subject,
    Text, Time, Visibility,
};

fn time(text: Option<&str>) -> Option<Time> {
    // Go writes a time that is not set as the first of year 1; Gitea a day that is not, of 9999.
    text.filter(|it| !it.is_empty() && !it.starts_with("0001-") && !it.starts_with("9999-"))
        .and_then(|it| it.parse().ok())
}

fn told(time: Option<Time>) -> Option<String> {
    time.map(|it| it.to_string())
}

/// For keys that Gitea must have: a time that is not known is the beginning of 1970.
fn known(at: Option<Time>, or: Option<Time>) -> Option<String> {
    told(at.or(or)).or_else(|| Some("1970-01-01T00:00:00Z".to_owned()))
}

fn text(text: Option<String>) -> Option<Text> {
    text.filter(|it| !it.is_empty()).map(|it| Text::new(it, Markup::Gitea))
}

fn body(text: Option<&Text>) -> Option<String> {
    Some(text.map(|it| it.as_str().to_owned()).unwrap_or_default())
}

fn plain(text: Option<String>) -> Option<String> {
    text.filter(|it| !it.is_empty())
}

fn identity(login: Option<&String>, email: Option<&String>) -> Option<Identity> {
    let login = login.filter(|it| !it.is_empty())?;
    let email = email.filter(|it| !it.is_empty()).cloned();
    Some(Identity { email, ..Identity::login(login.clone(), None) })
}

fn login(who: Option<&Identity>) -> Option<String> {
    Some(who.map(|it| it.login.clone()).unwrap_or_default())
}

fn email(who: Option<&Identity>) -> Option<String> {
    Some(who.and_then(|it| it.email.clone()).unwrap_or_default())
}

fn open_state(word: Option<&str>) -> OpenState {
    if word == Some("closed") { OpenState::Closed } else { OpenState::Open }
}

const fn state_word(it: OpenState) -> &'static str {
    match it {
        OpenState::Open => "open",
        OpenState::Closed => "closed",
    }
}

pub(super) fn project(path: &str, it: &wire::Repository, head: Option<String>) -> Project {
    let name = path.rsplit('/').next().unwrap_or(path).to_owned();
    Project {
        path: path.to_owned(),
        name: plain(it.name.clone()).unwrap_or(name),
        description: plain(it.description.clone()),
        // What is not known is shown to nobody.
        visibility: if it.is_private == Some(false) {
            Visibility::Public
        } else {
            Visibility::Private
        },
        default_branch: plain(it.default_branch.clone()).or(head),
        ..Project::default()
    }
}

pub(super) fn write_project(it: &Project) -> wire::Repository {
    let on = Some(true);
    wire::Repository {
        // That is where restoring looks for it.
        name: it.path.rsplit('/').next().map(str::to_owned),
        owner: it.path.rsplit_once('/').map(|(owner, _)| owner.to_owned()),
        description: Some(it.description.clone().unwrap_or_default()),
        clone_addr: Some(String::new()),
        original_url: Some(String::new()),
        is_private: Some(it.visibility != Visibility::Public),
        // Plain Git: 1. Source: Gitea, `modules/structs/repo.go`.
        service_type: Some(1),
        wiki: on,
        issues: on,
        milestones: on,
        labels: on,
        releases: on,
        comments: on,
        pulls: on,
        assets: on,
        default_branch: it.default_branch.clone(),
    }
}

pub(super) fn label(it: wire::Label) -> Option<Label> {
    let color = it.color.map(|it| it.trim_start_matches('#').to_ascii_lowercase());
    Some(Label {
        name: plain(it.name)?,
        color: plain(color),
        description: text(it.description),
        exclusive: it.exclusive.filter(|it| *it),
        ..Label::default()
    })
}

pub(super) fn write_label(it: &Label) -> wire::Label {
    wire::Label {
        name: Some(it.name.clone()),
        color: Some(it.color.clone().unwrap_or_else(|| "ededed".to_owned())),
        description: body(it.description.as_ref()),
        exclusive: Some(it.exclusive.unwrap_or_default()),
    }
}

pub(super) fn milestone(number: u64, it: wire::Milestone) -> Milestone {
    Milestone {
        number,
        title: it.title.unwrap_or_default(),
        description: text(it.description),
        state: open_state(it.state.as_deref()),
        due_at: time(it.deadline.as_deref()),
        created_at: time(it.created.as_deref()),
        updated_at: time(it.updated.as_deref()),
        closed_at: time(it.closed.as_deref()),
        ..Milestone::default()
    }
}

pub(super) fn write_milestone(it: &Milestone) -> wire::Milestone {
    wire::Milestone {
        title: Some(it.title.clone()),
        description: body(it.description.as_ref()),
        deadline: told(it.due_at),
        created: known(it.created_at, None),
        updated: told(it.updated_at),
        closed: told(it.closed_at),
        state: Some(state_word(it.state).to_owned()),
    }
}

pub(super) fn reaction(it: &wire::Reaction, subject: &Subject) -> Option<(String, Reaction)> {
    let reaction = Reaction {
        subject: subject.clone(),
        author: identity(it.user_name.as_ref(), None),
        content: plain(it.content.clone())?,
        created_at: None,
    };
    Some((key::reaction(&reaction), reaction))
}

pub(super) fn write_reaction(it: &Reaction, people: &mut People) -> wire::Reaction {
    wire::Reaction {
        user_id: people.id(it.author.as_ref()).or(Some(0)),
        user_name: login(it.author.as_ref()),
        content: Some(it.content.clone()),
    }
}

pub(super) fn locked(subject: &Subject, is_locked: Option<bool>) -> Option<(String, State)> {
    let value = StateValue::Locked(None);
    let state = State { subject: subject.clone(), value, ..State::default() };
    (is_locked == Some(true)).then(|| (key::state(&state), state))
}
