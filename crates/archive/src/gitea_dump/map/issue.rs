//! Issues, change requests, and what is said of them.

use super::{
    super::{people::People, wire},
    body, email, identity, known, login, open_state, plain, state_word, text, time, told,
    write_label,
};
use crate::{key, wire::List};
use packhorse_core::model::{
    Branch, ChangeRequest, ChangeRequestState, Comment, Event, Identity, Issue, Label, OpenState,
    Subject,
};

fn label_names(labels: &List<wire::Label>) -> Vec<String> {
    labels.0.iter().filter_map(|it| plain(it.name.clone())).collect()
}

fn logins(names: &List<String>) -> Vec<Identity> {
    names.0.iter().filter_map(|it| identity(Some(it), None)).collect()
}

/// Titles of milestones, and labels by name.
pub(in crate::gitea_dump) struct Known<'a> {
    pub(in crate::gitea_dump) title: &'a dyn Fn(u64) -> Option<String>,
    pub(in crate::gitea_dump) label: &'a dyn Fn(&str) -> Option<wire::Label>,
}

impl Known<'_> {
    fn title(&self, number: Option<u64>) -> Option<String> {
        Some(number.and_then(|it| (self.title)(it)).unwrap_or_default())
    }

    fn labels(&self, names: &[String]) -> List<wire::Label> {
        let bare = |name: &String| write_label(&Label { name: name.clone(), ..Label::default() });
        names.iter().map(|name| (self.label)(name).unwrap_or_else(|| bare(name))).collect()
    }
}

pub(in crate::gitea_dump) fn issue(
    it: &wire::Issue,
    number: &dyn Fn(&str) -> Option<u64>,
) -> Option<Issue> {
    Some(Issue {
        number: it.number?,
        title: it.title.clone().unwrap_or_default(),
        body: text(it.content.clone()),
        author: identity(it.poster_name.as_ref(), it.poster_email.as_ref()),
        state: open_state(it.state.as_deref()),
        assignees: logins(&it.assignees),
        labels: label_names(&it.labels),
        milestone: it.milestone.as_deref().filter(|it| !it.is_empty()).and_then(number),
        created_at: time(it.created.as_deref()),
        updated_at: time(it.updated.as_deref()),
        closed_at: time(it.closed.as_deref()),
        ..Issue::default()
    })
}

pub(in crate::gitea_dump) fn write_issue(
    it: &Issue,
    names: &Known<'_>,
    people: &mut People,
) -> wire::Issue {
    wire::Issue {
        number: Some(it.number),
        poster_id: people.id(it.author.as_ref()).or(Some(0)),
        poster_name: login(it.author.as_ref()),
        poster_email: email(it.author.as_ref()),
        title: Some(it.title.clone()),
        content: body(it.body.as_ref()),
        r#ref: Some(String::new()),
        milestone: names.title(it.milestone),
        state: Some(state_word(it.state).to_owned()),
        is_locked: Some(false),
        created: known(it.created_at, None),
        updated: known(it.updated_at, it.created_at),
        closed: told(it.closed_at),
        labels: names.labels(&it.labels),
        reactions: List::default(),
        assignees: it.assignees.iter().map(|it| it.login.clone()).collect(),
        foreignindex: Some(it.number),
    }
}

/// What Gitea calls what happened, and what the model does.
///
/// Source: Gitea, `models/issues/comment.go`, `commentStrings`.
const EVENTS: [(&str, &str); 6] = [
    ("reopen", "reopened"),
    ("close", "closed"),
    ("merge_pull", "merged"),
    ("change_title", "renamed"),
    ("lock", "locked"),
    ("unlock", "unlocked"),
];

/// Whether an element is what somebody wrote.
pub(in crate::gitea_dump) fn is_comment(it: &wire::Comment) -> bool {
    matches!(it.comment_type.as_deref(), None | Some("" | "comment"))
}

pub(in crate::gitea_dump) fn comment(
    it: &wire::Comment,
    subject: &Subject,
) -> Option<(String, Comment)> {
    let comment = Comment {
        subject: subject.clone(),
        author: identity(it.poster_name.as_ref(), it.poster_email.as_ref()),
        body: text(it.content.clone()),
        created_at: time(it.created.as_deref()),
        updated_at: time(it.updated.as_deref()),
        ..Comment::default()
    };
    Some((it.index?.to_string(), comment))
}

pub(in crate::gitea_dump) fn event(
    it: &wire::Comment,
    subject: &Subject,
) -> Option<(String, Event)> {
    let word = it.comment_type.as_deref()?;
    let action = EVENTS.iter().find(|(theirs, _)| *theirs == word).map_or(word, |(_, ours)| *ours);
    let meta = it.meta.clone().unwrap_or_default();
    let event = Event {
        subject: subject.clone(),
        action: action.to_owned(),
        actor: identity(it.poster_name.as_ref(), it.poster_email.as_ref()),
        title_before: meta.old_title,
        title_after: meta.new_title,
        created_at: time(it.created.as_deref()),
        ..Event::default()
    };
    Some((it.index?.to_string(), event))
}

fn number_of(subject: &Subject) -> Option<u64> {
    match subject {
        Subject::Issue(number) | Subject::ChangeRequest(number) => Some(*number),
        Subject::Project
        | Subject::Discussion(_)
        | Subject::Release(_)
        | Subject::Commit(_)
        | Subject::Comment(_)
        | Subject::Review(_)
        | Subject::ReviewComment(_)
        | Subject::CommitComment(_)
        | Subject::Snippet(_) => None,
    }
}

pub(in crate::gitea_dump) fn write_comment(
    target: &str,
    it: &Comment,
    people: &mut People,
) -> Option<wire::Comment> {
    Some(wire::Comment {
        issue_index: Some(number_of(&it.subject)?),
        index: Some(key::number(target)),
        comment_type: Some("comment".to_owned()),
        poster_id: people.id(it.author.as_ref()).or(Some(0)),
        poster_name: login(it.author.as_ref()),
        poster_email: email(it.author.as_ref()),
        created: known(it.created_at, None),
        updated: known(it.updated_at, it.created_at),
        content: body(it.body.as_ref()),
        ..wire::Comment::default()
    })
}

pub(in crate::gitea_dump) fn write_event(
    target: &str,
    it: &Event,
    people: &mut People,
) -> Option<wire::Comment> {
    let word = EVENTS.iter().find(|(_, ours)| *ours == it.action)?.0;
    let meta = (word == "change_title").then(|| wire::Meta {
        old_title: it.title_before.clone(),
        new_title: it.title_after.clone(),
    });
    let comment = Comment {
        subject: it.subject.clone(),
        author: it.actor.clone(),
        created_at: it.created_at,
        ..Comment::default()
    };
    let comment_type = Some(word.to_owned());
    Some(wire::Comment { comment_type, meta, ..write_comment(target, &comment, people)? })
}

pub(in crate::gitea_dump) fn change_request(
    it: &wire::PullRequest,
    project: &str,
    number: &dyn Fn(&str) -> Option<u64>,
) -> Option<ChangeRequest> {
    let merged = it.merged == Some(true);
    let state = match open_state(it.state.as_deref()) {
        _ if merged => ChangeRequestState::Merged,
        OpenState::Open => ChangeRequestState::Open,
        OpenState::Closed => ChangeRequestState::Closed,
    };
    let end = |it: &wire::End| Branch {
        name: it.r#ref.clone().unwrap_or_default(),
        commit: plain(it.sha.clone()),
        project: Some(project.to_owned()),
        owner: None,
    };
    Some(ChangeRequest {
        number: it.number?,
        title: it.title.clone().unwrap_or_default(),
        body: text(it.content.clone()),
        author: identity(it.poster_name.as_ref(), it.poster_email.as_ref()),
        state,
        draft: it.is_draft.unwrap_or_default(),
        base: end(&it.base),
        head: end(&it.head),
        assignees: logins(&it.assignees),
        labels: label_names(&it.labels),
        milestone: it.milestone.as_deref().filter(|it| !it.is_empty()).and_then(number),
        merge_commit: plain(it.merge_commit_sha.clone()),
        created_at: time(it.created.as_deref()),
        updated_at: time(it.updated.as_deref()),
        merged_at: time(it.merged_time.as_deref()),
        closed_at: time(it.closed.as_deref()),
        ..ChangeRequest::default()
    })
}

pub(in crate::gitea_dump) fn write_change_request(
    it: &ChangeRequest,
    project: &str,
    names: &Known<'_>,
    people: &mut People,
) -> wire::PullRequest {
    let (owner, name) = project.rsplit_once('/').unwrap_or(("", project));
    // A head elsewhere is a ref of this repository, as Gitea's own dumps have it.
    let end = |it: &Branch| wire::End {
        clone_url: Some(String::new()),
        r#ref: Some(it.name.clone()),
        sha: Some(it.commit.clone().unwrap_or_default()),
        repo_name: Some(name.to_owned()),
        owner_name: Some(owner.to_owned()),
    };
    let is_open = it.state == ChangeRequestState::Open;
    wire::PullRequest {
        number: Some(it.number),
        title: Some(it.title.clone()),
        poster_name: login(it.author.as_ref()),
        poster_id: people.id(it.author.as_ref()).or(Some(0)),
        poster_email: email(it.author.as_ref()),
        content: body(it.body.as_ref()),
        milestone: names.title(it.milestone),
        state: Some(if is_open { "open" } else { "closed" }.to_owned()),
        created: known(it.created_at, None),
        updated: known(it.updated_at, it.created_at),
        closed: told(it.closed_at),
        labels: names.labels(&it.labels),
        patch_url: Some(format!("git/pulls/{}.patch", it.number)),
        merged: Some(it.state == ChangeRequestState::Merged),
        merged_time: told(it.merged_at),
        merge_commit_sha: Some(it.merge_commit.clone().unwrap_or_default()),
        head: end(&it.head),
        base: end(&it.base),
        assignees: it.assignees.iter().map(|it| it.login.clone()).collect(),
        is_locked: Some(false),
        reactions: List::default(),
        foreignindex: Some(it.number),
        ensured_safe: Some(false),
        is_draft: Some(it.draft),
    }
}
