//! Pull requests, reviews, and the comments in them.

use super::{
    Desk, Place, issue, not_found, refusal, unprocessable,
    view::{View, text, time, told},
    word, words,
};
use crate::exchange::Answer;
use http::{Method, StatusCode};
use packhorse_core::{
    Scope,
    model::{
        Branch, ChangeRequest, ChangeRequestState, Grantee, HostId, Position, Project, Review,
        ReviewComment, ReviewRequest, ReviewThread, Side, Verdict,
    },
};
use serde_json::{Value, json};

pub(super) fn route(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    let method = desk.request.method.clone();
    match (&method, rest) {
        (&Method::GET, ["pulls"]) => Some(list(desk, place)),
        (&Method::POST, ["pulls"]) => Some(create(desk, place)),
        (_, ["pulls", number, rest @ ..]) => one(desk, place, &method, number.parse().ok()?, rest),
        _ => None,
    }
}

/// An empty repository has no pull requests, and not even a listing of them.
///
/// Source: Gitea, `routers/api/v1/api.go`, `mustAllowPulls`; `models/repo/repo.go`, `CanEnablePulls`.
fn list(desk: &Desk<'_>, place: &Place) -> Answer {
    let is_empty = desk.store.is_told_empty(&place.path);
    if is_empty && desk.store.all::<ChangeRequest>(&place.scope).next().is_none() {
        return not_found();
    }
    let view = desk.view();
    let state = desk.request.query("state").unwrap_or("open");
    let all = desk.store.all::<ChangeRequest>(&place.scope);
    let is_open = |it: &ChangeRequest| it.state == ChangeRequestState::Open;
    let wanted = |it: &ChangeRequest| match state {
        "open" => is_open(it),
        "closed" => !is_open(it),
        _ => state == "all",
    };
    let mut all: Vec<_> = all.filter(|(_, it)| wanted(it)).collect();
    all.sort_by_key(|(_, it)| it.number);
    if desk.request.query("sort") != Some("oldest") {
        all.reverse();
    }
    desk.page_of(all, |(id, it)| pull(&view, place, id, it))
}

fn end(view: &View<'_>, place: &Place, it: &Branch, number: u64, is_head: bool) -> Value {
    let path = it.project.as_deref().unwrap_or(&place.path);
    let project = view.store.find::<Project>(&Scope::Shared, |it| it.path == path);
    let tip = view.store.branch(path, &it.name);
    // Source: Gitea, `services/convert/pull.go`: a base is where its branch is now, if anywhere; a
    // head whose branch is gone is shown as the ref that Gitea keeps of it.
    let gone = is_head && tip.is_none();
    let commit = if is_head { it.commit.clone().or(tip) } else { tip };
    let name = if gone { format!("refs/pull/{number}/head") } else { it.name.clone() };
    json!({
        "label": it.name, "ref": name, "sha": commit.unwrap_or_default(),
        "repo_id": project.map_or(0, |(id, _)| id), "repo": project.map(|(id, it)| view.project(id, it)),
    })
}

fn pull(view: &View<'_>, place: &Place, id: u64, it: &ChangeRequest) -> Value {
    let issue = view.pull_as_issue(&place.path, it);
    let html = issue["html_url"].as_str().unwrap_or_default().to_owned();
    let merged = it.state == ChangeRequestState::Merged;
    let asked: Vec<Value> = it
        .review_requests
        .iter()
        .filter_map(|it| match &it.reviewer {
            Grantee::User(who) => Some(view.user(who)),
            Grantee::Team { .. } | Grantee::Group(_) => None,
        })
        .collect();
    let mut value = json!({
        "id": id, "url": html, "html_url": html, "diff_url": format!("{html}.diff"), "patch_url": format!("{html}.patch"),
        "requested_reviewers": asked, "requested_reviewers_teams": [], "review_comments": 0, "additions": 0,
        "deletions": 0, "changed_files": 0, "mergeable": !merged, "merged": merged, "draft": it.draft,
        "merged_at": time(it.merged_at), "merge_commit_sha": it.merge_commit.as_ref().filter(|_| merged),
        "merged_by": it.merged_by.as_ref().filter(|_| merged).map(|it| view.user(it)),
        "allow_maintainer_edit": it.maintainers_may_push.unwrap_or(false), "merge_base": it.base.commit.as_deref().unwrap_or(""),
        "base": end(view, place, &it.base, it.number, false), "head": end(view, place, &it.head, it.number, true),
    });
    for field in [
        "number",
        "user",
        "title",
        "body",
        "labels",
        "milestone",
        "assignee",
        "assignees",
        "state",
        "is_locked",
        "comments",
        "created_at",
        "updated_at",
        "closed_at",
        "due_date",
        "pin_order",
    ] {
        value[field] = issue[field].clone();
    }
    value
}

fn create(desk: &mut Desk<'_>, place: &Place) -> Answer {
    let body = desk.request.json();
    let (Some(title), Some(head), Some(base)) =
        (word(&body, "title"), word(&body, "head"), word(&body, "base"))
    else {
        return unprocessable("[Title]: Required");
    };
    let (project, branch) = match head.split_once(':') {
        Some((owner, branch)) => {
            let name = place.path.split('/').next_back().unwrap_or_default();
            (format!("{owner}/{name}"), branch.to_owned())
        }
        None => (place.path.clone(), head),
    };
    if desk.store.is_told_empty(&place.path) {
        return not_found();
    }
    let tips = (desk.store.branch(&place.path, &base), desk.store.branch(&project, &branch));
    let (Some(base_tip), Some(head_tip)) = tips else { return not_found() };
    let open = |it: &ChangeRequest| {
        it.state == ChangeRequestState::Open
            && it.head.name == branch
            && it.base.name == base
            && it.head.project.as_deref() == Some(project.as_str())
    };
    if desk.store.find::<ChangeRequest>(&place.scope, open).is_some() {
        return refusal(StatusCode::CONFLICT, "pull request already exists for these targets");
    }
    let assignees = match issue::people(desk, &body) {
        Ok(people) => people,
        Err(answer) => return *answer,
    };
    let number = desk.store.next_number(&place.path, &["issue", "change_request"]);
    if desk.store.set_ref(&place.path, &format!("refs/pull/{number}/head"), &head_tip).is_err() {
        return refusal(StatusCode::INTERNAL_SERVER_ERROR, "internal server error");
    }
    let now = desk.store.now();
    let at = |name: &str, commit, project: &str| Branch {
        name: name.to_owned(),
        commit: Some(commit),
        project: Some(project.to_owned()),
        owner: None,
    };
    let it = ChangeRequest {
        number,
        // Source: Gitea, `WORK_IN_PROGRESS_PREFIXES`.
        draft: title.starts_with("WIP:") || title.starts_with("[WIP]"),
        title,
        body: issue::markdown(&body, "body"),
        author: Some(desk.who.clone()),
        assignees,
        labels: issue::label_names(desk, place, &body["labels"]),
        milestone: issue::milestone_number(desk, place, &body["milestone"]),
        base: at(&base, base_tip, &place.path),
        head: at(&branch, head_tip, &project),
        created_at: now,
        updated_at: now,
        ..ChangeRequest::default()
    };
    let id = desk.store.add(&place.scope, it.clone());
    Answer::created(&pull(&desk.view(), place, id, &it))
}

fn find(desk: &Desk<'_>, place: &Place, number: u64) -> Option<u64> {
    desk.store.find::<ChangeRequest>(&place.scope, |it| it.number == number).map(|it| it.0)
}

fn shown(desk: &Desk<'_>, place: &Place, id: u64) -> Option<Value> {
    let it = desk.store.get::<ChangeRequest>(&place.scope, id)?;
    Some(pull(&desk.view(), place, id, it))
}

/// Changes what a body names.
pub(super) fn update(desk: &mut Desk<'_>, place: &Place, number: u64) -> Option<u64> {
    let (body, now) = (desk.request.json(), desk.store.now());
    let id = find(desk, place, number)?;
    let assignees = issue::people(desk, &body).unwrap_or_default();
    let labels = issue::label_names(desk, place, &body["labels"]);
    let milestone = issue::milestone_number(desk, place, &body["milestone"]);
    let it = desk.store.get_mut::<ChangeRequest>(&place.scope, id)?;
    if let Some(title) = word(&body, "title") {
        it.draft = title.starts_with("WIP:") || title.starts_with("[WIP]");
        it.title = title;
    }
    if body["body"].is_string() {
        it.body = issue::markdown(&body, "body");
    }
    if body["assignees"].is_array() {
        it.assignees = assignees;
    }
    if body["labels"].is_array() {
        it.labels = labels;
    }
    if body["milestone"].is_u64() {
        it.milestone = milestone;
    }
    if let Some(base) = word(&body, "base") {
        it.base.name = base;
    }
    if let Some(may) = body["allow_maintainer_edit"].as_bool() {
        it.maintainers_may_push = Some(may);
    }
    if it.state != ChangeRequestState::Merged {
        match body["state"].as_str() {
            Some("closed") => (it.state, it.closed_at) = (ChangeRequestState::Closed, now),
            Some("open") => (it.state, it.closed_at) = (ChangeRequestState::Open, None),
            Some(_) | None => {}
        }
    }
    it.updated_at = now;
    Some(id)
}

fn one(
    desk: &mut Desk<'_>,
    place: &Place,
    method: &Method,
    number: u64,
    rest: &[&str],
) -> Option<Answer> {
    let id = find(desk, place, number)?;
    match (method, rest) {
        (&Method::GET, []) => Some(Answer::ok(&shown(desk, place, id)?)),
        (&Method::PATCH, []) => {
            update(desk, place, number)?;
            Some(Answer::created(&shown(desk, place, id)?))
        }
        (&Method::GET, ["commits" | "files"]) => Some(desk.page(Vec::new())),
        (&Method::POST, ["merge"]) => merge(desk, place, id),
        (_, ["requested_reviewers"]) => reviewers(desk, place, method, id),
        (&Method::GET, ["reviews"]) => {
            let view = desk.view();
            let all = desk
                .store
                .all::<Review>(&place.scope)
                .filter(|(_, it)| it.change_request == number);
            Some(desk.page(all.map(|(id, it)| review(&view, place, id, it)).collect()))
        }
        (&Method::POST, ["reviews"]) => Some(create_review(desk, place, number)),
        (_, ["reviews", id, rest @ ..]) => one_review(desk, place, method, id.parse().ok()?, rest),
        _ => None,
    }
}

/// `manually-merged` marks it as merged by a commit that is there; other ways want a merge, which
/// a stand-in does not make.
fn merge(desk: &mut Desk<'_>, place: &Place, id: u64) -> Option<Answer> {
    let (body, now, by) = (desk.request.json(), desk.store.now(), desk.who.clone());
    let commit = word(&body, "MergeCommitID");
    if body["Do"] != "manually-merged" || commit.is_none() {
        return Some(refusal(StatusCode::METHOD_NOT_ALLOWED, "Please try again later"));
    }
    let it = desk.store.get_mut::<ChangeRequest>(&place.scope, id)?;
    if it.state != ChangeRequestState::Open {
        return Some(refusal(
            StatusCode::METHOD_NOT_ALLOWED,
            "the pull request is closed or merged",
        ));
    }
    it.state = ChangeRequestState::Merged;
    (it.merged_at, it.closed_at, it.updated_at) = (now, now, now);
    (it.merge_commit, it.merged_by) = (commit, Some(by));
    Some(Answer::empty(StatusCode::OK))
}

fn reviewers(desk: &mut Desk<'_>, place: &Place, method: &Method, id: u64) -> Option<Answer> {
    let logins = words(&desk.request.json()["reviewers"]);
    let mut asked = Vec::new();
    for login in &logins {
        match desk.store.known_user(login) {
            Some((_, it)) => asked.push(it.identity.clone()),
            None => return Some(not_found()),
        }
    }
    let created_at = desk.store.now();
    let it = desk.store.get_mut::<ChangeRequest>(&place.scope, id)?;
    it.review_requests
        .retain(|old| !matches!(&old.reviewer, Grantee::User(who) if logins.contains(&who.login)));
    if *method == Method::DELETE {
        return Some(Answer::no_content());
    }
    let request = |who| ReviewRequest {
        reviewer: Grantee::User(who),
        created_at,
        ..ReviewRequest::default()
    };
    it.review_requests.extend(asked.into_iter().map(request));
    Some(Answer::json(StatusCode::CREATED, &json!([])))
}

fn review(view: &View<'_>, place: &Place, id: u64, it: &Review) -> Value {
    let state = match it.verdict {
        Verdict::Commented | Verdict::Dismissed => "COMMENT",
        Verdict::Approved => "APPROVED",
        Verdict::ChangesRequested => "REQUEST_CHANGES",
        Verdict::Pending => "PENDING",
    };
    let html = format!("{}/{}/pulls/{}", view.home, place.path, it.change_request);
    let of_this = Some(HostId(id.to_string()));
    let n = view
        .store
        .all::<ReviewComment>(&place.scope)
        .filter(|(_, it)| it.review == of_this)
        .count();
    json!({
        "id": id, "user": view.author(&it.author), "team": null, "state": state, "body": text(&it.body),
        "commit_id": it.commit.as_deref().unwrap_or(""), "stale": false, "official": false,
        "dismissed": it.verdict == Verdict::Dismissed, "comments_count": n, "submitted_at": told(it.submitted_at.or(it.created_at)),
        "updated_at": told(it.submitted_at.or(it.created_at)), "html_url": format!("{html}#issuecomment-{id}"), "pull_request_url": html,
    })
}

fn create_review(desk: &mut Desk<'_>, place: &Place, number: u64) -> Answer {
    let body = desk.request.json();
    let verdict = match body["event"].as_str() {
        Some("APPROVED" | "APPROVE") => Verdict::Approved,
        Some("REQUEST_CHANGES") => Verdict::ChangesRequested,
        Some("COMMENT") => Verdict::Commented,
        Some("PENDING" | "") | None => Verdict::Pending,
        Some(other) => return unprocessable(&format!("unknown review type: {other}")),
    };
    let change = desk.store.find::<ChangeRequest>(&place.scope, |it| it.number == number);
    let own = change
        .is_some_and(|(_, it)| it.author.as_ref().is_some_and(|it| it.login == desk.who.login));
    if own && matches!(verdict, Verdict::Approved | Verdict::ChangesRequested) {
        let word = if verdict == Verdict::Approved { "approve" } else { "reject" };
        return unprocessable(&format!("{word} your own pull is not allowed"));
    }
    let is_open = change.is_some_and(|(_, it)| it.state == ChangeRequestState::Open);
    if !is_open && matches!(verdict, Verdict::Approved | Verdict::ChangesRequested) {
        return unprocessable("can't submit review for a closed or merged PR");
    }
    let has_comments = body["comments"].as_array().is_some_and(|it| !it.is_empty());
    if verdict != Verdict::Approved
        && verdict != Verdict::Pending
        && word(&body, "body").is_none()
        && !has_comments
    {
        return unprocessable(&format!(
            "review event {} requires a body or a comment",
            body["event"]
        ));
    }
    let head = change.and_then(|(_, it)| it.head.commit.clone());
    let (now, author) = (desk.store.now(), Some(desk.who.clone()));
    let it = Review {
        change_request: number,
        author: author.clone(),
        body: issue::markdown(&body, "body"),
        verdict,
        commit: word(&body, "commit_id").or(head),
        created_at: now,
        submitted_at: now.filter(|_| verdict != Verdict::Pending),
    };
    let id = desk.store.add(&place.scope, it.clone());
    for comment in body["comments"].as_array().into_iter().flatten() {
        add_comment(desk, place, (id, &it), comment);
    }
    Answer::ok(&review(&desk.view(), place, id, &it))
}

/// Adds a comment on code to a review, and its thread; the comment's id.
fn add_comment(
    desk: &mut Desk<'_>,
    place: &Place,
    (review, it): (u64, &Review),
    asked: &Value,
) -> u64 {
    let (now, review) = (desk.store.now(), Some(HostId(review.to_string())));
    let (change_request, position) = (it.change_request, position(asked, it.commit.clone()));
    let thread = ReviewThread {
        change_request,
        review: review.clone(),
        position: position.clone(),
        created_at: now,
        ..ReviewThread::default()
    };
    let thread = Some(HostId(desk.store.add(&place.scope, thread).to_string()));
    let comment = ReviewComment {
        change_request,
        review,
        thread,
        author: Some(desk.who.clone()),
        body: issue::markdown(asked, "body"),
        position,
        created_at: now,
        updated_at: now,
        ..ReviewComment::default()
    };
    desk.store.add(&place.scope, comment)
}

/// Where a comment stands: a line of the new text, or else of the old one.
fn position(asked: &Value, commit: Option<String>) -> Position {
    let new = asked["new_position"].as_u64().filter(|it| *it > 0);
    let line = new.or(asked["old_position"].as_u64());
    Position {
        path: asked["path"].as_str().unwrap_or_default().to_owned(),
        commit: commit.clone(),
        original_commit: commit,
        side: Some(if new.is_some() { Side::Right } else { Side::Left }),
        line,
        original_line: line,
        hunk: Some(format!("@@ -1,1 +1,{} @@", line.unwrap_or(1))),
        ..Position::default()
    }
}

fn review_comment(view: &View<'_>, place: &Place, id: u64, it: &ReviewComment) -> Value {
    let html = format!("{}/{}/pulls/{}", view.home, place.path, it.change_request);
    let at = &it.position;
    let is_old = at.side == Some(Side::Left);
    let line = at.line.or(at.original_line).unwrap_or(0);
    let thread: Option<u64> = it.thread.as_ref().and_then(|it| it.0.parse().ok());
    let thread = thread.and_then(|id| view.store.get::<ReviewThread>(&place.scope, id));
    let review: u64 = it.review.as_ref().and_then(|it| it.0.parse().ok()).unwrap_or(0);
    json!({
        "id": id, "body": text(&it.body), "user": view.author(&it.author), "pull_request_review_id": review,
        "resolver": thread.and_then(|it| it.resolver.as_ref()).map(|it| view.user(it)), "path": at.path,
        "commit_id": at.commit.as_deref().unwrap_or(""), "original_commit_id": "",
        "diff_hunk": at.hunk.as_deref().unwrap_or(""), "position": if is_old { 0 } else { line },
        "original_position": if is_old { line } else { 0 }, "html_url": format!("{html}#issuecomment-{id}"),
        "pull_request_url": html, "created_at": told(it.created_at), "updated_at": told(it.updated_at.or(it.created_at)),
    })
}

fn one_review(
    desk: &mut Desk<'_>,
    place: &Place,
    method: &Method,
    id: u64,
    rest: &[&str],
) -> Option<Answer> {
    desk.store.get::<Review>(&place.scope, id)?;
    match (method, rest) {
        (&Method::GET, []) => {}
        (&Method::GET, ["comments"]) => {
            let view = desk.view();
            let of_this = Some(HostId(id.to_string()));
            let all = desk
                .store
                .all::<ReviewComment>(&place.scope)
                .filter(|(_, it)| it.review == of_this);
            return Some(Answer::ok(
                &all.map(|(id, it)| review_comment(&view, place, id, it)).collect(),
            ));
        }
        (&Method::POST, ["comments"]) if desk.is_forgejo() => {
            let body = desk.request.json();
            let review = desk.store.get::<Review>(&place.scope, id)?.clone();
            let made = add_comment(desk, place, (id, &review), &body);
            let it = desk.store.get::<ReviewComment>(&place.scope, made)?;
            return Some(Answer::ok(&review_comment(&desk.view(), place, made, it)));
        }
        (&Method::DELETE, ["comments", comment]) if desk.is_forgejo() => {
            let was = desk.store.remove::<ReviewComment>(&place.scope, comment.parse().ok()?);
            return was.then(Answer::no_content);
        }
        (&Method::POST, ["dismissals"]) => {
            desk.store.get_mut::<Review>(&place.scope, id)?.verdict = Verdict::Dismissed
        }
        (&Method::DELETE, []) => {
            desk.store.remove::<Review>(&place.scope, id);
            return Some(Answer::no_content());
        }
        _ => return None,
    }
    let it = desk.store.get::<Review>(&place.scope, id)?;
    Some(Answer::ok(&review(&desk.view(), place, id, it)))
}
