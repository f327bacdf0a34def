//! Issues, change requests, and what is said and done about them.

use super::{author, identities, identity, number_in, plain, project::open_state, text, time};
use crate::gitea::{ending, wire};
use packhorse_core::{
    Record,
    model::{
        Attachment, Blob, Branch, ChangeRequest, ChangeRequestState, Comment, Event, Grantee,
        HostId, Issue, Reaction, ReviewRequest, State, StateValue, Subject,
    },
};

fn label_names(labels: Option<Vec<wire::Label>>) -> Vec<String> {
    labels.into_iter().flatten().filter_map(|it| it.name).collect()
}

/// What an issue's number stands for.
pub(in crate::gitea) fn subject(issue: &wire::Issue) -> Option<Subject> {
    let is_change_request = issue.pull_request.as_ref().is_some_and(|it| !it.is_null());
    let number = issue.number?;
    Some(if is_change_request { Subject::ChangeRequest(number) } else { Subject::Issue(number) })
}

/// Text that tells subjects apart in ids.
pub(in crate::gitea) fn key(subject: &Subject) -> String {
    match subject {
        Subject::Issue(number) | Subject::ChangeRequest(number) => number.to_string(),
        Subject::Comment(HostId(id)) => format!("comment-{id}"),
        Subject::ReviewComment(HostId(id)) => format!("review-comment-{id}"),
        Subject::Project
        | Subject::Discussion(_)
        | Subject::Release(_)
        | Subject::Commit(_)
        | Subject::Review(_)
        | Subject::CommitComment(_)
        | Subject::Snippet(_) => String::new(),
    }
}

pub(in crate::gitea) fn issue(issue: wire::Issue, host: &str) -> Option<Issue> {
    Some(Issue {
        number: issue.number?,
        title: issue.title.unwrap_or_default(),
        body: text(issue.body),
        author: author(issue.user.as_ref(), issue.original_author.as_ref(), host),
        state: open_state(issue.state.as_deref()),
        assignees: identities(issue.assignees.as_ref(), host),
        labels: label_names(issue.labels),
        milestone: issue.milestone.and_then(|it| it.id),
        time_estimate: issue.time_estimate.filter(|it| *it > 0),
        due_at: time(issue.due_date.as_deref()),
        created_at: time(issue.created_at.as_deref()),
        updated_at: time(issue.updated_at.as_deref()),
        closed_at: time(issue.closed_at.as_deref()),
        ..Issue::default()
    })
}

fn branch(branch: Option<wire::Branch>, host: &str) -> Branch {
    let branch = branch.unwrap_or_default();
    let owner = branch.repo.as_ref().and_then(|it| it.owner.as_ref());
    Branch {
        // A head whose branch is gone is told as its hidden ref.
        name: branch.r#ref.unwrap_or_default(),
        commit: plain(branch.sha),
        owner: owner.and_then(|it| identity(it, host)),
        project: branch.repo.and_then(|it| it.full_name),
    }
}

pub(in crate::gitea) fn change_request(it: wire::PullRequest, host: &str) -> Option<ChangeRequest> {
    let is_merged = it.merged == Some(true);
    let state = match (is_merged, it.state.as_deref()) {
        (true, _) => ChangeRequestState::Merged,
        (false, Some("closed")) => ChangeRequestState::Closed,
        (false, Some(_) | None) => ChangeRequestState::Open,
    };
    let people = identities(it.requested_reviewers.as_ref(), host).into_iter().map(Grantee::User);
    let teams = it.requested_reviewers_teams.into_iter().flatten().filter_map(|team| {
        let organization = team.organization.and_then(|it| plain(it.name))?;
        Some(Grantee::Team { organization, slug: team.name? })
    });
    let asked = |reviewer| ReviewRequest { reviewer, ..ReviewRequest::default() };
    let is_draft = it.draft.unwrap_or_default();
    let title = it.title.unwrap_or_default();
    let mut base = branch(it.base, host);
    // Its own commit is where the branch is now, which may have the change in it already.
    base.commit = plain(it.merge_base).or(base.commit);
    Some(ChangeRequest {
        number: it.number?,
        title: if is_draft { finished(&title).to_owned() } else { title },
        body: text(it.body.map(ending::without)),
        author: author(it.user.as_ref(), None, host),
        state,
        draft: is_draft,
        base,
        head: branch(it.head, host),
        assignees: identities(it.assignees.as_ref(), host),
        review_requests: people.chain(teams).map(asked).collect(),
        labels: label_names(it.labels),
        milestone: it.milestone.and_then(|it| it.id),
        merge_commit: plain(it.merge_commit_sha).filter(|_| is_merged),
        maintainers_may_push: it.allow_maintainer_edit,
        merged_by: it.merged_by.and_then(|it| identity(&it, host)),
        created_at: time(it.created_at.as_deref()),
        updated_at: time(it.updated_at.as_deref()),
        merged_at: time(it.merged_at.as_deref()).filter(|_| is_merged),
        closed_at: time(it.closed_at.as_deref()),
        ..ChangeRequest::default()
    })
}

/// The title of a draft without what makes it one.
///
/// Source: Gitea, `modules/setting/repository.go`, `WorkInProgressPrefixes`.
fn finished(title: &str) -> &str {
    let cut = ["WIP:", "[WIP]"].into_iter().find_map(|prefix| {
        let head = title.get(..prefix.len())?;
        head.eq_ignore_ascii_case(prefix).then(|| title[prefix.len()..].trim_start())
    });
    cut.filter(|it| !it.is_empty()).unwrap_or(title)
}

/// What a comment is about.
pub(in crate::gitea) fn subject_of(comment: &wire::Comment) -> Option<Subject> {
    number_in(comment.pull_request_url.as_ref().filter(|it| !it.is_empty()))
        .map(Subject::ChangeRequest)
        .or_else(|| number_in(comment.issue_url.as_ref()).map(Subject::Issue))
}

pub(in crate::gitea) fn comment(comment: wire::Comment, host: &str) -> Option<(i64, Comment)> {
    let subject = subject_of(&comment)?;
    let who = author(comment.user.as_ref(), comment.original_author.as_ref(), host);
    let mapped = Comment {
        subject,
        author: who,
        body: text(comment.body),
        created_at: time(comment.created_at.as_deref()),
        updated_at: time(comment.updated_at.as_deref()),
        ..Comment::default()
    };
    Some((comment.id?, mapped))
}

pub(in crate::gitea) fn attachment(
    asset: wire::Attachment,
    subject: &Subject,
) -> Option<(String, Attachment)> {
    let mapped = Attachment {
        subject: subject.clone(),
        name: asset.name.unwrap_or_default(),
        url: plain(asset.browser_download_url),
        blob: Blob { size: asset.size, sha256: None },
        created_at: time(asset.created_at.as_deref()),
        ..Attachment::default()
    };
    Some((plain(asset.uuid)?, mapped))
}

/// A reaction and its id: nobody reacts twice with the same picture.
pub(in crate::gitea) fn reaction(
    reaction: wire::Reaction,
    subject: &Subject,
    host: &str,
) -> Option<(String, Reaction)> {
    let content = plain(reaction.content)?;
    let who = reaction.user.as_ref().and_then(|it| identity(it, host));
    let login = who.as_ref().map(|it| it.login.as_str()).unwrap_or_default();
    let id = format!("{}/{login}/{content}", key(subject));
    let created_at = time(reaction.created_at.as_deref());
    Some((id, Reaction { subject: subject.clone(), author: who, content, created_at }))
}

/// Locked and pinned.
pub(in crate::gitea) fn states(issue: &wire::Issue) -> Vec<Record> {
    let Some(subject) = subject(issue) else { return Vec::new() };
    let mut values = Vec::new();
    if issue.is_locked == Some(true) {
        values.push(("locked", StateValue::Locked(None)));
    }
    if let Some(place) = issue.pin_order.filter(|it| *it > 0) {
        values.push(("pinned", StateValue::Pinned(Some(place))));
    }
    let record = |(word, value)| {
        let state = State { subject: subject.clone(), value, ..State::default() };
        Record::new(format!("{}/{word}", key(&subject)), packhorse_core::Object::from(state))
    };
    values.into_iter().map(record).collect()
}

/// What happened, and its id; `None` for what is a record of its own.
pub(in crate::gitea) fn event(
    event: wire::Event,
    subject: &Subject,
    host: &str,
) -> Option<(String, Event)> {
    let action = action(&event)?;
    let milestone = event.milestone.or(event.old_milestone).and_then(|it| it.title);
    let renames_branch = event.r#type.as_deref() == Some("change_target_branch");
    let mapped = Event {
        subject: subject.clone(),
        action,
        actor: event.user.as_ref().and_then(|it| identity(it, host)),
        target: event.assignee.as_ref().and_then(|it| identity(it, host)),
        commit: plain(event.ref_commit_sha),
        label_color: event.label.as_ref().and_then(|it| plain(it.color.clone())),
        label: event.label.and_then(|it| it.name),
        milestone,
        title_before: plain(event.old_title),
        title_after: plain(event.new_title),
        before: plain(event.old_ref.clone()).filter(|_| renames_branch),
        after: plain(event.new_ref.clone()).filter(|_| renames_branch),
        branch: plain(event.old_ref).filter(|_| !renames_branch),
        created_at: time(event.created_at.as_deref()),
        ..Event::default()
    };
    Some((event.id?.to_string(), mapped))
}

/// What happened, in the model's words where it has some.
///
/// Source: Gitea, `models/issues/comment.go`, `commentStrings`.
fn action(event: &wire::Event) -> Option<String> {
    let adds =
        |yes: bool, (with, without): (&str, &str)| if yes { with } else { without }.to_owned();
    let word = event.r#type.as_deref()?;
    Some(match word {
        // Records of their own.
        "comment" | "code" | "review" | "dismiss_review" => return None,
        "close" => "closed".to_owned(),
        "reopen" => "reopened".to_owned(),
        "merge_pull" => "merged".to_owned(),
        "label" => adds(event.body.as_deref() == Some("1"), ("labeled", "unlabeled")),
        "milestone" => adds(event.milestone.is_some(), ("milestoned", "demilestoned")),
        "assignees" => adds(event.removed_assignee != Some(true), ("assigned", "unassigned")),
        "review_request" => adds(
            event.removed_assignee != Some(true),
            ("review_requested", "review_request_removed"),
        ),
        "change_title" => "renamed".to_owned(),
        "change_target_branch" => "base_ref_changed".to_owned(),
        "delete_branch" => "head_ref_deleted".to_owned(),
        "lock" => "locked".to_owned(),
        "unlock" => "unlocked".to_owned(),
        "pin" => "pinned".to_owned(),
        "unpin" => "unpinned".to_owned(),
        "commit_ref" => "referenced".to_owned(),
        "issue_ref" | "comment_ref" | "pull_ref" => "cross_referenced".to_owned(),
        other => other.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: serde::de::DeserializeOwned>(json: &str) -> T {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn nulls_and_absences_are_nothing() {
        let json = r#"{"number": 1, "assignees": null, "labels": null, "milestone": null}"#;

        let found = issue(read(json), "h.example").unwrap();

        assert_eq!(found, Issue { number: 1, ..Issue::default() });
        assert!(issue(read("{}"), "h.example").is_none());
    }

    #[test]
    fn an_event_is_told_in_the_models_words() {
        #[track_caller]
        fn check(json: &str, expected: Option<&str>) {
            let found = event(read(json), &Subject::Issue(1), "h.example");

            assert_eq!(found.map(|(_, it)| it.action).as_deref(), expected);
        }
        check(r#"{"id":1,"type":"label","body":"1","label":{"name":"bug"}}"#, Some("labeled"));
        check(r#"{"id":1,"type":"label","body":"","label":{"name":"bug"}}"#, Some("unlabeled"));
        check(r#"{"id":1,"type":"assignees","removed_assignee":true}"#, Some("unassigned"));
        check(r#"{"id":1,"type":"project_board"}"#, Some("project_board"));
        check(r#"{"id":1,"type":"comment"}"#, None);
        check(r#"{"id":1}"#, None);
    }

    #[test]
    fn a_change_is_based_on_where_it_begins_and_not_on_where_its_base_is_now() {
        let base = |json| change_request(read(json), "h.example").unwrap().base.commit;

        let merged = r#"{"number": 1, "merge_base": "abc", "base": {"ref": "main", "sha": "def"}}"#;
        assert_eq!(base(merged).as_deref(), Some("abc"));
        let untold = r#"{"number": 1, "merge_base": "", "base": {"ref": "main", "sha": "def"}}"#;
        assert_eq!(base(untold).as_deref(), Some("def"));
    }

    #[test]
    fn a_comment_knows_what_it_is_about() {
        let comment = |json| subject_of(&read::<wire::Comment>(json));

        let on_issue = r#"{"issue_url":"https://h.example/a/b/issues/7","pull_request_url":""}"#;
        assert_eq!(comment(on_issue), Some(Subject::Issue(7)));
        let on_pull = r#"{"issue_url":"","pull_request_url":"https://h.example/a/b/pulls/8"}"#;
        assert_eq!(comment(on_pull), Some(Subject::ChangeRequest(8)));
    }
}
