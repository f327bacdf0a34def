//! Issues, change requests, and what is said and done about them.

use super::{Notes, number_in, plain, project::open_state, subject_key, text};
use crate::github::wire::{self, Labelled};
use packhorse_core::{
    Loss, Object,
    model::{
        Branch, ChangeRequest, ChangeRequestState, CloseReference, Comment, CommitComment, Event,
        Grantee, Issue, Reaction, ReviewRequest, State, StateValue, Subject,
    },
};

fn label_names(labels: Option<Vec<Labelled>>) -> Vec<String> {
    let name = |it| match it {
        Labelled::Label(it) => it.name,
        Labelled::Name(name) => Some(name),
    };
    labels.into_iter().flatten().filter_map(name).collect()
}

/// What an issue's number stands for.
pub(in crate::github) fn subject(issue: &wire::Issue) -> Option<Subject> {
    let is_change_request = issue.pull_request.as_ref().is_some_and(|it| !it.is_null());
    let number = issue.number?;
    Some(if is_change_request { Subject::ChangeRequest(number) } else { Subject::Issue(number) })
}

/// Reads an issue, with the numbers of its parts; `None` of a change request.
pub(in crate::github) fn issue(
    it: wire::Issue,
    children: Vec<u64>,
    notes: &mut Notes<'_>,
) -> Option<(String, Object)> {
    let Subject::Issue(number) = subject(&it)? else { return None };
    let issue = Issue {
        number,
        title: it.title.unwrap_or_default(),
        body: text(it.body),
        author: notes.author(it.user.as_ref()),
        state: open_state(it.state.as_deref()),
        state_reason: plain(it.state_reason),
        issue_type: it.r#type.and_then(|it| plain(it.name)),
        assignees: notes.people(it.assignees.as_ref()),
        labels: label_names(it.labels),
        milestone: it.milestone.and_then(|it| it.number),
        children,
        closed_by: notes.someone(it.closed_by.as_ref()),
        created_at: notes.time("created_at", it.created_at),
        updated_at: notes.time("updated_at", it.updated_at),
        closed_at: notes.time("closed_at", it.closed_at),
        ..Issue::default()
    };
    Some((number.to_string(), Object::from(issue)))
}

fn branch(branch: Option<wire::Branch>, notes: &Notes<'_>) -> Branch {
    let branch = branch.unwrap_or_default();
    Branch {
        name: branch.r#ref.unwrap_or_default(),
        commit: plain(branch.sha),
        owner: notes.someone(branch.user.as_ref()),
        project: branch.repo.and_then(|it| it.full_name),
    }
}

/// What only GraphQL tells of a change request.
pub(in crate::github) enum More {
    /// What it told.
    Told(Box<wire::graph::PullRequest>),
    /// It did not answer.
    Silent,
}

pub(in crate::github) fn change_request(
    it: wire::PullRequest,
    more: More,
    notes: &mut Notes<'_>,
) -> Option<(String, Object)> {
    let number = it.number?;
    let merged_at = notes.time("merged_at", it.merged_at);
    let state = match (merged_at, it.state.as_deref()) {
        (Some(_), _) => ChangeRequestState::Merged,
        (None, Some("closed")) => ChangeRequestState::Closed,
        (None, Some(_) | None) => ChangeRequestState::Open,
    };
    let base = branch(it.base, notes);
    let organization = base.project.as_deref().and_then(|it| it.split('/').next());
    let organization = organization.unwrap_or_default().to_owned();
    let people = notes.people(it.requested_reviewers.as_ref()).into_iter().map(Grantee::User);
    let teams = it.requested_teams.into_iter().flatten().filter_map(|team| {
        Some(Grantee::Team { organization: organization.clone(), slug: plain(team.slug)? })
    });
    let asked = |reviewer| ReviewRequest { reviewer, ..ReviewRequest::default() };
    let mut request = ChangeRequest {
        number,
        title: it.title.unwrap_or_default(),
        body: text(it.body),
        author: notes.author(it.user.as_ref()),
        state,
        draft: it.draft.unwrap_or_default(),
        head: branch(it.head, notes),
        base,
        assignees: notes.people(it.assignees.as_ref()),
        review_requests: people.chain(teams).map(asked).collect(),
        labels: label_names(it.labels),
        milestone: it.milestone.and_then(|it| it.number),
        merge_commit: plain(it.merge_commit_sha),
        maintainers_may_push: it.maintainer_can_modify,
        merged_by: notes.someone(it.merged_by.as_ref()),
        created_at: notes.time("created_at", it.created_at),
        updated_at: notes.time("updated_at", it.updated_at),
        merged_at,
        closed_at: notes.time("closed_at", it.closed_at),
        ..ChangeRequest::default()
    };
    match more {
        More::Told(more) => add(&mut request, *more, notes),
        More::Silent if merged_at.is_some() && request.merged_by.is_none() => {
            let why = "only GraphQL tells who merged and what was closed, and it did not answer";
            notes.losses.push(Loss::source("merged_by", why));
        }
        More::Silent => {}
    }
    Some((number.to_string(), Object::from(request)))
}

fn add(request: &mut ChangeRequest, more: wire::graph::PullRequest, notes: &Notes<'_>) {
    request.merged_by = notes.actor(more.merged_by.as_ref()).or(request.merged_by.take());
    request.maintainers_may_push = more.maintainer_can_modify.or(request.maintainers_may_push);
    let closes = more.closing_issues_references.unwrap_or_default();
    let reference = |it: wire::graph::Numbered| {
        let project = it.repository.and_then(|it| it.name_with_owner);
        Some(CloseReference { issue: it.number?, project, ..CloseReference::default() })
    };
    request.closes = closes.items().filter_map(reference).collect();
}

/// What a comment is about: the addresses of people's pages tell change requests from issues.
fn subject_of(comment: &wire::Comment) -> Option<Subject> {
    let number = number_in(comment.issue_url.as_deref())?;
    let page = comment.html_url.as_deref().unwrap_or_default();
    let page = page.split('#').next().unwrap_or_default();
    let is_change_request = page.rsplit('/').nth(1) == Some("pull");
    Some(if is_change_request { Subject::ChangeRequest(number) } else { Subject::Issue(number) })
}

pub(in crate::github) fn comment(
    it: wire::Comment,
    notes: &mut Notes<'_>,
) -> Option<(String, Object)> {
    let comment = Comment {
        subject: subject_of(&it)?,
        author: notes.author(it.user.as_ref()),
        body: text(it.body),
        created_at: notes.time("created_at", it.created_at),
        updated_at: notes.time("updated_at", it.updated_at),
        ..Comment::default()
    };
    Some((it.id?.to_string(), Object::from(comment)))
}

pub(in crate::github) fn commit_comment(
    it: wire::CommitComment,
    notes: &mut Notes<'_>,
) -> Option<(String, Object)> {
    let comment = CommitComment {
        commit: it.commit_id?,
        path: plain(it.path),
        diff_position: it.position,
        line: it.line,
        author: notes.author(it.user.as_ref()),
        body: text(it.body),
        created_at: notes.time("created_at", it.created_at),
        updated_at: notes.time("updated_at", it.updated_at),
    };
    Some((it.id?.to_string(), Object::from(comment)))
}

/// A reaction; its id leads to its address, for it is below what it is to.
pub(in crate::github) fn reaction(
    it: wire::Reaction,
    subject: &Subject,
    notes: &mut Notes<'_>,
) -> Option<(String, Object)> {
    let id = format!("{}/{}", subject_key(subject), it.id?);
    let reaction = Reaction {
        subject: subject.clone(),
        author: notes.author(it.user.as_ref()),
        content: plain(it.content)?,
        created_at: notes.time("created_at", it.created_at),
    };
    Some((id, Object::from(reaction)))
}

/// A state of an issue or change request.
pub(in crate::github) fn state(subject: &Subject, value: StateValue) -> (String, Object) {
    let word = match value {
        StateValue::Archived => "archived",
        StateValue::Locked(_) => "locked",
        StateValue::Pinned(_) => "pinned",
    };
    let id = format!("{}/{word}", subject_key(subject));
    (id, Object::from(State { subject: subject.clone(), value, ..State::default() }))
}

/// Whether it is locked, and why.
pub(in crate::github) fn locked(it: &wire::Issue) -> Option<(String, Object)> {
    let is_locked = it.locked == Some(true);
    let reason = plain(it.active_lock_reason.clone());
    subject(it).filter(|_| is_locked).map(|it| state(&it, StateValue::Locked(reason)))
}

/// What happened, and its id.
pub(in crate::github) fn event(it: wire::Event, notes: &mut Notes<'_>) -> Option<(String, Object)> {
    let review = it.dismissed_review.unwrap_or_default();
    let target = it.assignee.as_ref().or(it.requested_reviewer.as_ref());
    let rename = it.rename.unwrap_or_default();
    let event = Event {
        subject: subject(it.issue.as_ref()?)?,
        action: plain(it.event)?,
        actor: notes.someone(it.actor.as_ref()),
        target: notes.someone(target),
        commit_project: plain(it.commit_url).and_then(|it| project_in(&it)),
        commit: plain(it.commit_id),
        label_color: it.label.as_ref().and_then(|it| plain(it.color.clone())),
        label: it.label.and_then(|it| it.name),
        milestone: it.milestone.and_then(|it| it.title),
        title_before: rename.from,
        title_after: rename.to,
        reference: review.review_id.map(|it| it.to_string()),
        created_at: notes.time("created_at", it.created_at),
        ..Event::default()
    };
    Some((it.id?.to_string(), Object::from(event)))
}

/// The project whose API an address is in.
fn project_in(url: &str) -> Option<String> {
    let (owner, rest) = url.split_once("/repos/")?.1.split_once('/')?;
    Some(format!("{owner}/{}", rest.split('/').next()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_core::model::OpenState;

    fn read<T: serde::de::DeserializeOwned>(json: &str) -> T {
        serde_json::from_str(json).unwrap()
    }

    fn notes() -> Notes<'static> {
        Notes { host: "h.example", losses: Vec::new() }
    }

    #[test]
    fn nulls_and_absences_are_nothing() {
        let json = r#"{"number": 1, "assignees": null, "labels": null, "milestone": null,
            "user": null, "body": null, "pull_request": null, "created_at": null}"#;

        let (id, object) = issue(read(json), Vec::new(), &mut notes()).unwrap();

        let Object::Issue(issue) = object else { panic!("an issue") };
        assert_eq!((id.as_str(), issue.author.unwrap().login.as_str()), ("1", "ghost"));
        assert_eq!((issue.state, issue.milestone), (OpenState::Open, None));
    }

    #[test]
    fn labels_may_be_names() {
        let json = r#"{"number": 1, "labels": ["bug", {"name": "help"}, {"name": null}]}"#;

        let (_, object) = issue(read(json), Vec::new(), &mut notes()).unwrap();

        let Object::Issue(issue) = object else { panic!("an issue") };
        assert_eq!(issue.labels, ["bug", "help"]);
    }

    #[test]
    fn a_change_request_is_no_issue() {
        assert!(
            issue(read(r#"{"number": 1, "pull_request": {}}"#), vec![], &mut notes()).is_none()
        );
    }

    #[test]
    fn a_comment_knows_what_it_is_about() {
        let on = |page: &str| {
            let json = format!(
                r#"{{"issue_url": "https://api.h.example/repos/a/b/issues/7", "html_url": "{page}"}}"#
            );
            subject_of(&read(&json))
        };

        let comment = "https://h.example/a/b/pull/7#issuecomment-1";
        assert_eq!(on(comment), Some(Subject::ChangeRequest(7)));
        let comment = "https://h.example/a/pull/issues/7#issuecomment-1";
        assert_eq!(on(comment), Some(Subject::Issue(7)));
        assert_eq!(on(""), Some(Subject::Issue(7)));
    }

    #[test]
    fn who_merged_is_a_loss_where_nobody_tells() {
        let json = r#"{"number": 3, "state": "closed", "merged_at": "2026-01-01T00:00:00Z"}"#;
        let mut notes = notes();

        let (_, object) = change_request(read(json), More::Silent, &mut notes).unwrap();

        let Object::ChangeRequest(request) = object else { panic!("a change request") };
        assert_eq!(request.state, ChangeRequestState::Merged);
        assert_eq!(notes.losses[0].field, "merged_by");
    }

    #[test]
    fn an_event_says_in_which_project_its_commit_is() {
        let url = "https://h.example/api/v3/repos/acme/app/commits/abc";
        assert_eq!(project_in(url).as_deref(), Some("acme/app"));
        assert_eq!(project_in("nonsense"), None);
    }
}
