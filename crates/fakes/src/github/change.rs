//! Pull requests.

use super::{
    Desk, Place, invalid,
    issue::{body_text, names, note, people, sort, too_long, who},
    refusal, unprocessable,
    view::{View, merge, node, text, time, told},
};
use crate::exchange::Answer;
use http::{Method, StatusCode};
use packhorse_core::{
    Scope,
    model::{
        Branch, ChangeRequest, ChangeRequestState, Grantee, Identity, Project, ReviewComment,
        ReviewRequest, Subject, Team,
    },
};
use serde_json::{Value, json};

pub(super) fn route(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    let method = desk.request.method.clone();
    match (&method, rest) {
        (&Method::GET, ["pulls"]) => Some(list(desk, place)),
        (&Method::POST, ["pulls"]) => Some(create(desk, place)),
        (_, ["pulls", number, rest @ ..]) => {
            let number: u64 = number.parse().ok()?;
            let (id, _) =
                desk.store.find::<ChangeRequest>(&place.scope, |it| it.number == number)?;
            one(desk, place, &method, id, rest)
        }
        _ => None,
    }
}

fn list(desk: &Desk<'_>, place: &Place) -> Answer {
    let view = desk.view();
    let state = desk.request.query("state").unwrap_or("open");
    let head = desk.request.query("head").map(|it| it.split_once(':').map_or(it, |(_, name)| name));
    let base = desk.request.query("base");
    let all = desk.store.all::<ChangeRequest>(&place.scope).filter(|(_, it)| {
        head.is_none_or(|name| it.head.name == name) && base.is_none_or(|name| it.base.name == name)
    });
    let all = all.map(|(id, it)| simple(&view, place, id, it));
    let mut all: Vec<Value> = all.filter(|it| state == "all" || it["state"] == state).collect();
    sort(desk, &mut all);
    desk.page(all)
}

/// One end of a change request, with the whole project that has the branch.
fn end(view: &View<'_>, place: &Place, it: &Branch) -> Value {
    let path = it.project.as_deref().unwrap_or(&place.path);
    let project = view.store.find::<Project>(&Scope::Shared, |it| it.path == path);
    let repo = match project {
        Some((id, project)) if it.project.is_some() || path == place.path => {
            view.project(id, project)
        }
        Some(_) | None => Value::Null,
    };
    let owner = path.split('/').next().unwrap_or_default();
    let tip = view.store.branch(path, &it.name);
    let zero = || "0".repeat(40);
    json!({
        "label": format!("{owner}:{}", it.name), "ref": it.name, "user": view.owner(path), "repo": repo,
        "sha": it.commit.clone().or(tip).unwrap_or_else(zero),
    })
}

/// `pull-request-simple`.
pub(super) fn simple(view: &View<'_>, place: &Place, id: u64, it: &ChangeRequest) -> Value {
    let (url, number) = (format!("{}/pulls/{}", view.repo(&place.path), it.number), it.number);
    let issue = format!("{}/issues/{number}", view.repo(&place.path));
    let html = format!("{}/{}/pull/{number}", view.home, place.path);
    let subject = Subject::ChangeRequest(number);
    let lock = view.lock(&place.path, &subject);
    let asked: Vec<Grantee> = it
        .review_requests
        .iter()
        .filter(|it| it.dismissed_at.is_none())
        .map(|it| it.reviewer.clone())
        .collect();
    let (reviewers, teams) = view.grantees(&asked);
    let head = end(view, place, &it.head);
    let status =
        format!("{}/statuses/{}", view.repo(&place.path), head["sha"].as_str().unwrap_or_default());
    let link = |href: &str| json!({ "href": href });
    json!({
        "url": url, "id": id, "node_id": node("PR", id), "html_url": html, "number": number,
        "diff_url": format!("{html}.diff"), "patch_url": format!("{html}.patch"), "issue_url": issue,
        "state": if it.state == ChangeRequestState::Open { "open" } else { "closed" },
        "locked": lock.is_some(), "active_lock_reason": lock.flatten(), "title": it.title,
        "user": view.somebody(&it.author), "body": text(&it.body), "labels": view.labels(&place.path, &it.labels),
        "milestone": view.milestone(&place.path, it.milestone), "draft": it.draft, "auto_merge": null,
        "assignee": it.assignees.first().map_or(Value::Null, |it| view.user(it)),
        "assignees": it.assignees.iter().map(|it| view.user(it)).collect::<Vec<_>>(),
        "requested_reviewers": reviewers, "requested_teams": teams, "author_association": "MEMBER",
        "created_at": told(it.created_at), "updated_at": told(it.updated_at.or(it.created_at)),
        "closed_at": time(it.closed_at), "merged_at": time(it.merged_at), "merge_commit_sha": it.merge_commit,
        "head": head, "base": end(view, place, &it.base),
        "commits_url": format!("{url}/commits"), "review_comments_url": format!("{url}/comments"),
        "review_comment_url": format!("{}/pulls/comments{{/number}}", view.repo(&place.path)),
        "comments_url": format!("{issue}/comments"), "statuses_url": status,
        "_links": {
            "self": link(&url), "html": link(&html), "issue": link(&issue),
            "comments": link(&format!("{issue}/comments")), "review_comments": link(&format!("{url}/comments")),
            "review_comment": link(&format!("{}/pulls/comments{{/number}}", view.repo(&place.path))),
            "commits": link(&format!("{url}/commits")), "statuses": link(&status),
        },
    })
}

/// `pull-request`, which has counts and more.
fn whole(view: &View<'_>, place: &Place, id: u64, it: &ChangeRequest) -> Value {
    let mut value = simple(view, place, id, it);
    let merged = it.state == ChangeRequestState::Merged;
    let of_this = |comment: &ReviewComment| comment.change_request == it.number;
    let n = view.store.all::<ReviewComment>(&place.scope).filter(|(_, it)| of_this(it)).count();
    let more = json!({
        "merged": merged, "mergeable": (!merged).then_some(true), "rebaseable": (!merged).then_some(true),
        "mergeable_state": if merged { "unknown" } else { "clean" }, "merged_by": view.author(&it.merged_by),
        "comments": 0, "review_comments": n, "commits": 1, "additions": 1, "deletions": 0, "changed_files": 1,
        "maintainer_can_modify": it.maintainers_may_push.unwrap_or(false),
    });
    merge(&mut value, more);
    value
}

fn shown(desk: &Desk<'_>, place: &Place, id: u64) -> Option<Value> {
    let it = desk.store.get::<ChangeRequest>(&place.scope, id)?;
    Some(whole(&desk.view(), place, id, it))
}

/// The project and branch that a `head` such as `owner:branch` names.
fn head_of(desk: &Desk<'_>, place: &Place, body: &Value) -> (String, String) {
    let head = body["head"].as_str().unwrap_or_default();
    let Some((owner, branch)) = head.split_once(':') else {
        return (place.path.clone(), head.to_owned());
    };
    let name = place.path.split('/').next_back().unwrap_or_default();
    let name = body["head_repo"].as_str().unwrap_or(name);
    let path = format!("{owner}/{name}");
    let known = desk.store.project(&path).map(|(_, it, _)| it.path.clone());
    (known.unwrap_or(path), branch.to_owned())
}

fn create(desk: &mut Desk<'_>, place: &Place) -> Answer {
    let body = desk.request.json();
    let (project, branch) = head_of(desk, place, &body);
    let base = body["base"].as_str().unwrap_or_default().to_owned();
    let Some(title) = body["title"].as_str().filter(|it| !it.trim().is_empty()) else {
        return invalid("PullRequest", "title", "missing_field");
    };
    if let Some(refused) = too_long(&body) {
        return refused;
    }
    let Some(base_tip) = desk.store.branch(&place.path, &base) else {
        return invalid("PullRequest", "base", "invalid");
    };
    let Some(head_tip) = desk.store.branch(&project, &branch) else {
        return invalid("PullRequest", "head", "invalid");
    };
    if base_tip == head_tip {
        return unprocessable(&format!("No commits between {base} and {branch}"));
    }
    let same = |it: &ChangeRequest| {
        it.state == ChangeRequestState::Open
            && it.head.name == branch
            && it.base.name == base
            && it.head.project.as_deref() == Some(project.as_str())
    };
    if desk.store.find::<ChangeRequest>(&place.scope, same).is_some() {
        let owner = project.split('/').next().unwrap_or_default();
        return unprocessable(&format!("A pull request already exists for {owner}:{branch}."));
    }
    let number = desk.store.next_number(&place.path, &["issue", "change_request", "discussion"]);
    if desk.store.set_ref(&place.path, &format!("refs/pull/{number}/head"), &head_tip).is_err() {
        return refusal(StatusCode::INTERNAL_SERVER_ERROR, "Server Error");
    }
    let now = desk.store.now();
    let at = |name: &str, commit: String, project: &str| Branch {
        name: name.to_owned(),
        commit: Some(commit),
        project: Some(project.to_owned()),
        owner: None,
    };
    let it = ChangeRequest {
        number,
        title: title.to_owned(),
        body: body_text(&body),
        author: Some(who(desk)),
        draft: body["draft"].as_bool().unwrap_or(false),
        base: at(&base, base_tip, &place.path),
        head: at(&branch, head_tip, &project),
        maintainers_may_push: body["maintainer_can_modify"].as_bool(),
        created_at: now,
        updated_at: now,
        ..ChangeRequest::default()
    };
    let id = desk.store.add(&place.scope, it);
    shown(desk, place, id).map_or_else(super::not_found, |it| Answer::created(&it))
}

fn one(
    desk: &mut Desk<'_>,
    place: &Place,
    method: &Method,
    id: u64,
    rest: &[&str],
) -> Option<Answer> {
    match (method, rest) {
        (&Method::GET, []) => Some(Answer::ok(&shown(desk, place, id)?)),
        (&Method::PATCH, []) => update(desk, place, id),
        (_, ["requested_reviewers"]) => reviewers(desk, place, method, id),
        (&Method::GET, ["merge"]) => {
            let it = desk.store.get::<ChangeRequest>(&place.scope, id)?;
            let merged = it.state == ChangeRequestState::Merged;
            Some(if merged { Answer::no_content() } else { super::not_found() })
        }
        // What stands in the commits is Git's to say; the lists are empty here.
        (&Method::GET, ["commits" | "files"]) => Some(desk.page(Vec::new())),
        _ => None,
    }
}

fn update(desk: &mut Desk<'_>, place: &Place, id: u64) -> Option<Answer> {
    let body = desk.request.json();
    if let Some(refused) = too_long(&body) {
        return Some(refused);
    }
    let base = body["base"].as_str().map(str::to_owned);
    if base.as_ref().is_some_and(|it| desk.store.branch(&place.path, it).is_none()) {
        return Some(invalid("PullRequest", "base", "invalid"));
    }
    let now = desk.store.now();
    let it = desk.store.get_mut::<ChangeRequest>(&place.scope, id)?;
    let subject = Subject::ChangeRequest(it.number);
    if let Some(title) = body["title"].as_str() {
        title.clone_into(&mut it.title);
    }
    if body.get("body").is_some() {
        it.body = body_text(&body);
    }
    if let Some(base) = base {
        it.base.name = base;
    }
    if let Some(may) = body["maintainer_can_modify"].as_bool() {
        it.maintainers_may_push = Some(may);
    }
    it.updated_at = now;
    if let Some(state) = body["state"].as_str() {
        if it.state == ChangeRequestState::Merged && state == "open" {
            return Some(unprocessable(
                "state cannot be changed. The pull request cannot be reopened.",
            ));
        }
        set_state(desk, place, &subject, state);
    }
    Some(Answer::ok(&shown(desk, place, id)?))
}

/// Closes or reopens; a merged one stays as it is.
pub(super) fn set_state(desk: &mut Desk<'_>, place: &Place, subject: &Subject, state: &str) {
    let (now, by) = (desk.store.now(), who(desk));
    let is = |it: &ChangeRequest| *subject == Subject::ChangeRequest(it.number);
    let Some(id) = desk.store.find::<ChangeRequest>(&place.scope, is).map(|it| it.0) else {
        return;
    };
    let Some(it) = desk.store.get_mut::<ChangeRequest>(&place.scope, id) else { return };
    let wanted =
        if state == "closed" { ChangeRequestState::Closed } else { ChangeRequestState::Open };
    if it.state == ChangeRequestState::Merged || it.state == wanted {
        return;
    }
    it.state = wanted;
    let closes = wanted == ChangeRequestState::Closed;
    it.closed_at = now.filter(|_| closes);
    it.closed_by = closes.then_some(by);
    note(desk, place, subject.clone(), if closes { "closed" } else { "reopened" });
}

fn reviewers(desk: &mut Desk<'_>, place: &Place, method: &Method, id: u64) -> Option<Answer> {
    let body = desk.request.json();
    let logins = names(&body["reviewers"]);
    let users = people(desk, &logins);
    let author = desk.store.get::<ChangeRequest>(&place.scope, id)?.author.clone();
    let is_author = |it: &Identity| author.as_ref().is_some_and(|author| author.login == it.login);
    if *method == Method::POST && (users.len() < logins.len() || users.iter().any(is_author)) {
        let words = if users.iter().any(is_author) {
            "Review cannot be requested from pull request author."
        } else {
            "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the repository."
        };
        return Some(unprocessable(words));
    }
    let owner = place.path.split('/').next().unwrap_or_default();
    let team = |slug: &String| {
        let same = |it: &Team| it.organization == owner && it.slug == *slug;
        let (_, it) = desk.store.find::<Team>(&Scope::Shared, same)?;
        Some(Grantee::Team { organization: it.organization.clone(), slug: it.slug.clone() })
    };
    let teams = names(&body["team_reviewers"]);
    let asked: Vec<Grantee> =
        users.into_iter().map(Grantee::User).chain(teams.iter().filter_map(team)).collect();
    let created_at = desk.store.now();
    if *method != Method::GET {
        let it = desk.store.get_mut::<ChangeRequest>(&place.scope, id)?;
        let login = |it: &Grantee| match it {
            Grantee::User(identity) => identity.login.clone(),
            Grantee::Team { slug, .. } => format!("@{slug}"),
            Grantee::Group(name) => name.clone(),
        };
        it.review_requests
            .retain(|old| !asked.iter().any(|new| login(new) == login(&old.reviewer)));
        if *method == Method::POST {
            let request =
                |reviewer| ReviewRequest { reviewer, created_at, ..ReviewRequest::default() };
            it.review_requests.extend(asked.into_iter().map(request));
        }
    }
    let it = desk.store.get::<ChangeRequest>(&place.scope, id)?;
    let value = simple(&desk.view(), place, id, it);
    Some(match *method {
        Method::GET => Answer::ok(
            &json!({ "users": value["requested_reviewers"], "teams": value["requested_teams"] }),
        ),
        Method::POST => Answer::created(&value),
        _ => Answer::ok(&value),
    })
}
