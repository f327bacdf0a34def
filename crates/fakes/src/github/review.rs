//! Reviews, and the comments in them.

use super::{
    Desk, Place, invalid,
    issue::{body_text, too_long, who},
    refused_in_words,
    talk::reactions,
    view::{View, node, told},
};
use crate::exchange::Answer;
use http::Method;
use packhorse_core::model::{
    ChangeRequest, HostId, Markup, Position, Review, ReviewComment, ReviewThread, Side, Subject,
    Text, Verdict,
};
use serde_json::{Value, json};

pub(super) fn route(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    let method = desk.request.method.clone();
    match rest {
        ["pulls", "comments"] => Some(comments(desk, place, |_| true)),
        ["pulls", "comments", id, rest @ ..] => {
            comment(desk, place, &method, id.parse().ok()?, rest)
        }
        ["pulls", number, rest @ ..] => {
            let number: u64 = number.parse().ok()?;
            let (_, change) =
                desk.store.find::<ChangeRequest>(&place.scope, |it| it.number == number)?;
            let head = change.head.commit.clone();
            match (&method, rest) {
                (&Method::GET, ["comments"]) => {
                    Some(comments(desk, place, |it| it.change_request == number))
                }
                (&Method::POST, ["comments"]) => Some(create_comment(desk, place, number)),
                (&Method::POST, ["comments", id, "replies"]) => {
                    let body = desk.request.json();
                    Some(reply(desk, place, number, id.parse().ok()?, &body))
                }
                (&Method::GET, ["reviews"]) => {
                    let view = desk.view();
                    let all = desk.store.all::<Review>(&place.scope);
                    let all = all.filter(|(_, it)| it.change_request == number);
                    Some(desk.page(all.map(|(id, it)| review(&view, place, id, it)).collect()))
                }
                (&Method::POST, ["reviews"]) => Some(create(desk, place, number, head)),
                (_, ["reviews", id, rest @ ..]) => {
                    one(desk, place, &method, id.parse().ok()?, rest)
                }
                _ => None,
            }
        }
        _ => None,
    }
}

fn review(view: &View<'_>, place: &Place, id: u64, it: &Review) -> Value {
    let state = match it.verdict {
        Verdict::Commented => "COMMENTED",
        Verdict::Approved => "APPROVED",
        Verdict::ChangesRequested => "CHANGES_REQUESTED",
        Verdict::Dismissed => "DISMISSED",
        Verdict::Pending => "PENDING",
    };
    let html =
        format!("{}/{}/pull/{}#pullrequestreview-{id}", view.home, place.path, it.change_request);
    let url = format!("{}/pulls/{}", view.repo(&place.path), it.change_request);
    let mut value = json!({
        "id": id, "node_id": node("PRR", id), "user": view.author(&it.author), "state": state,
        "body": it.body.as_ref().map_or("", Text::as_str), "html_url": html, "pull_request_url": url,
        "_links": { "html": { "href": html }, "pull_request": { "href": url } }, "commit_id": it.commit,
        "author_association": "MEMBER",
    });
    if it.verdict != Verdict::Pending {
        value["submitted_at"] = told(it.submitted_at.or(it.created_at));
    }
    value
}

fn verdict(event: &str) -> Option<Verdict> {
    match event {
        "APPROVE" => Some(Verdict::Approved),
        "REQUEST_CHANGES" => Some(Verdict::ChangesRequested),
        "COMMENT" => Some(Verdict::Commented),
        _ => None,
    }
}

fn create(desk: &mut Desk<'_>, place: &Place, number: u64, head: Option<String>) -> Answer {
    let body = desk.request.json();
    let verdict = match body["event"].as_str() {
        None | Some("PENDING" | "") => Verdict::Pending,
        Some(event) => match verdict(event) {
            Some(verdict) => verdict,
            None => return invalid("PullRequestReview", "event", "invalid"),
        },
    };
    if let Some(refused) = too_long(&body) {
        return refused;
    }
    let text = body_text(&body);
    let has_comments = body["comments"].as_array().is_some_and(|it| !it.is_empty());
    let needs_words = match verdict {
        Verdict::ChangesRequested => true,
        Verdict::Commented => !has_comments,
        Verdict::Approved | Verdict::Dismissed | Verdict::Pending => false,
    };
    if needs_words && text.is_none() {
        return refused_in_words("Can not submit a review without a body");
    }
    let own = desk.store.find::<ChangeRequest>(&place.scope, |it| it.number == number);
    let is_own =
        own.is_some_and(|(_, it)| it.author.as_ref().is_some_and(|it| it.login == desk.who));
    if is_own && matches!(verdict, Verdict::Approved | Verdict::ChangesRequested) {
        let word = if verdict == Verdict::Approved { "approve" } else { "request changes on" };
        return refused_in_words(&format!("Can not {word} your own pull request"));
    }
    let now = desk.store.now();
    let author = Some(who(desk));
    let commit = body["commit_id"].as_str().map(str::to_owned).or(head);
    let it = Review {
        change_request: number,
        author,
        body: text,
        verdict,
        commit: commit.clone(),
        created_at: now,
        submitted_at: now.filter(|_| verdict != Verdict::Pending),
    };
    let id = desk.store.add(&place.scope, it.clone());
    for comment in body["comments"].as_array().into_iter().flatten() {
        add(desk, place, number, Some(id), position(comment, commit.as_deref()), comment);
    }
    Answer::ok(&review(&desk.view(), place, id, &it))
}

fn one(
    desk: &mut Desk<'_>,
    place: &Place,
    method: &Method,
    id: u64,
    rest: &[&str],
) -> Option<Answer> {
    desk.store.get::<Review>(&place.scope, id)?;
    let body = desk.request.json();
    let now = desk.store.now();
    match (method, rest) {
        (&Method::GET, []) => {}
        (&Method::GET, ["comments"]) => {
            let of = Some(HostId(id.to_string()));
            return Some(comments(desk, place, |it| it.review == of));
        }
        (&Method::PUT, []) => {
            desk.store.get_mut::<Review>(&place.scope, id)?.body = body_text(&body);
        }
        (&Method::POST, ["events"]) => {
            let it = desk.store.get_mut::<Review>(&place.scope, id)?;
            it.verdict = verdict(body["event"].as_str().unwrap_or_default())?;
            it.submitted_at = now;
        }
        (&Method::PUT, ["dismissals"]) => {
            desk.store.get_mut::<Review>(&place.scope, id)?.verdict = Verdict::Dismissed;
        }
        (&Method::DELETE, []) => {
            let it = desk.store.get::<Review>(&place.scope, id)?.clone();
            if it.verdict != Verdict::Pending {
                return Some(refused_in_words("Can not delete a non-pending pull request review"));
            }
            let value = review(&desk.view(), place, id, &it);
            desk.store.remove::<Review>(&place.scope, id);
            return Some(Answer::ok(&value));
        }
        _ => return None,
    }
    let it = desk.store.get::<Review>(&place.scope, id)?;
    Some(Answer::ok(&review(&desk.view(), place, id, it)))
}

fn comments(desk: &Desk<'_>, place: &Place, is: impl Fn(&ReviewComment) -> bool) -> Answer {
    let view = desk.view();
    let all = desk.store.all::<ReviewComment>(&place.scope).filter(|(_, it)| is(it) && !it.pending);
    desk.page(all.map(|(id, it)| comment_view(&view, &place.path, id, it)).collect())
}

fn side(value: &Value) -> Option<Side> {
    match value.as_str() {
        Some("LEFT") => Some(Side::Left),
        Some("RIGHT") => Some(Side::Right),
        Some(_) | None => None,
    }
}

fn side_word(side: Option<Side>) -> Option<&'static str> {
    side.map(|it| match it {
        Side::Left => "LEFT",
        Side::Right => "RIGHT",
    })
}

fn position(asked: &Value, commit: Option<&str>) -> Position {
    let commit = asked["commit_id"].as_str().or(commit).map(str::to_owned);
    let line = asked["line"].as_u64();
    Position {
        path: asked["path"].as_str().unwrap_or_default().to_owned(),
        commit: commit.clone(),
        original_commit: commit,
        side: side(&asked["side"]).or(Some(Side::Right)),
        line,
        original_line: line,
        start_line: asked["start_line"].as_u64(),
        original_start_line: asked["start_line"].as_u64(),
        start_side: side(&asked["start_side"]),
        diff_position: asked["position"].as_u64(),
        original_diff_position: asked["position"].as_u64(),
        hunk: Some(format!("@@ -1,1 +1,{} @@", line.unwrap_or(1))),
        whole_file: asked["subject_type"] == "file",
        ..Position::default()
    }
}

fn add(
    desk: &mut Desk<'_>,
    place: &Place,
    number: u64,
    review: Option<u64>,
    position: Position,
    asked: &Value,
) -> u64 {
    let now = desk.store.now();
    let review = review.unwrap_or_else(|| {
        let commit = position.commit.clone();
        let (author, verdict) = (Some(who(desk)), Verdict::Commented);
        let it = Review {
            change_request: number,
            author,
            verdict,
            commit,
            created_at: now,
            submitted_at: now,
            ..Review::default()
        };
        desk.store.add(&place.scope, it)
    });
    let review = Some(HostId(review.to_string()));
    let thread = ReviewThread {
        change_request: number,
        review: review.clone(),
        position: position.clone(),
        created_at: now,
        ..ReviewThread::default()
    };
    let thread = Some(HostId(desk.store.add(&place.scope, thread).to_string()));
    let it = ReviewComment {
        change_request: number,
        review,
        thread,
        author: Some(who(desk)),
        body: asked["body"].as_str().map(|it| Text::new(it, Markup::Github)),
        position,
        created_at: now,
        updated_at: now,
        ..ReviewComment::default()
    };
    desk.store.add(&place.scope, it)
}

fn create_comment(desk: &mut Desk<'_>, place: &Place, number: u64) -> Answer {
    let body = desk.request.json();
    if let Some(to) = body["in_reply_to"].as_u64() {
        return reply(desk, place, number, to, &body);
    }
    for field in ["body", "commit_id", "path"] {
        if body[field].as_str().is_none_or(str::is_empty) {
            return invalid("PullRequestReviewComment", field, "missing_field");
        }
    }
    let has_place =
        body["line"].is_u64() || body["position"].is_u64() || body["subject_type"] == "file";
    if !has_place {
        return invalid(
            "PullRequestReviewComment",
            "pull_request_review_thread.line",
            "missing_field",
        );
    }
    let id = add(desk, place, number, None, position(&body, None), &body);
    shown(desk, place, id).map_or_else(super::not_found, |it| Answer::created(&it))
}

fn shown(desk: &Desk<'_>, place: &Place, id: u64) -> Option<Value> {
    let it = desk.store.get::<ReviewComment>(&place.scope, id)?;
    Some(desk.view().review_comment(&place.path, id, it))
}

fn reply(desk: &mut Desk<'_>, place: &Place, number: u64, to: u64, body: &Value) -> Answer {
    let first = desk.store.get::<ReviewComment>(&place.scope, to).cloned();
    let Some(first) = first.filter(|it| it.change_request == number) else {
        return super::not_found();
    };
    let now = desk.store.now();
    // A reply to a reply hangs on the first comment of the thread.
    let root = first.reply_to.clone().unwrap_or_else(|| HostId(to.to_string()));
    let it = ReviewComment {
        reply_to: Some(root),
        author: Some(who(desk)),
        body: body["body"].as_str().map(|it| Text::new(it, Markup::Github)),
        created_at: now,
        updated_at: now,
        ..first
    };
    let id = desk.store.add(&place.scope, it);
    shown(desk, place, id).map_or_else(super::not_found, |it| Answer::created(&it))
}

fn comment(
    desk: &mut Desk<'_>,
    place: &Place,
    method: &Method,
    id: u64,
    rest: &[&str],
) -> Option<Answer> {
    desk.store.get::<ReviewComment>(&place.scope, id)?;
    match (method, rest) {
        (_, ["reactions", rest @ ..]) => {
            let subject = Subject::ReviewComment(HostId(id.to_string()));
            reactions(desk, place, method, &subject, rest)
        }
        (&Method::DELETE, []) => {
            desk.store.remove::<ReviewComment>(&place.scope, id);
            Some(Answer::no_content())
        }
        (&Method::PATCH, []) => {
            let (body, now) = (desk.request.json(), desk.store.now());
            let it = desk.store.get_mut::<ReviewComment>(&place.scope, id)?;
            it.body = body_text(&body);
            it.updated_at = now;
            Some(Answer::ok(&shown(desk, place, id)?))
        }
        (&Method::GET, []) => Some(Answer::ok(&shown(desk, place, id)?)),
        _ => None,
    }
}

/// The comment that began the thread, for one that did not.
fn root(view: &View<'_>, path: &str, id: u64, it: &ReviewComment) -> Option<u64> {
    if let Some(to) = &it.reply_to {
        return to.0.parse().ok();
    }
    let scope = packhorse_core::Scope::Project(path.to_owned());
    let thread = it.thread.as_ref()?;
    let first =
        view.store.all::<ReviewComment>(&scope).find(|(_, it)| it.thread.as_ref() == Some(thread));
    first.map(|(first, _)| first).filter(|first| *first != id)
}

/// `pull-request-review-comment`.
pub(super) fn comment_view(view: &View<'_>, path: &str, id: u64, it: &ReviewComment) -> Value {
    let (url, at) = (format!("{}/pulls/comments/{id}", view.repo(path)), &it.position);
    let html = format!("{}/{path}/pull/{}#discussion_r{id}", view.home, it.change_request);
    let pull = format!("{}/pulls/{}", view.repo(path), it.change_request);
    let about = Subject::ReviewComment(HostId(id.to_string()));
    let review: Option<u64> = it.review.as_ref().and_then(|it| it.0.parse().ok());
    let commit = at.commit.clone().or(at.original_commit.clone()).unwrap_or_else(|| "0".repeat(40));
    let mut value = json!({
        "url": url, "pull_request_review_id": review, "id": id, "node_id": node("PRRC", id),
        "diff_hunk": at.hunk.as_deref().unwrap_or_default(), "path": at.path, "commit_id": commit,
        "original_commit_id": at.original_commit.clone().unwrap_or(commit), "user": view.author(&it.author),
        "body": it.body.as_ref().map_or("", Text::as_str), "html_url": html, "pull_request_url": pull,
        "created_at": told(it.created_at), "updated_at": told(it.updated_at.or(it.created_at)),
        "author_association": "MEMBER", "start_line": at.start_line,
        "original_start_line": at.original_start_line, "start_side": side_word(at.start_side),
        "line": at.line, "original_line": at.original_line, "side": side_word(at.side).unwrap_or("RIGHT"),
        "position": at.diff_position, "original_position": at.original_diff_position.or(at.diff_position).unwrap_or(1),
        "subject_type": if at.whole_file { "file" } else { "line" },
        "_links": { "self": { "href": url }, "html": { "href": html }, "pull_request": { "href": pull } },
        "reactions": view.rollup(path, &about, &url),
    });
    // The description forbids null in these; what has no line leaves them out.
    for field in ["line", "original_line", "position"] {
        if value[field].is_null()
            && let Some(fields) = value.as_object_mut()
        {
            fields.remove(field);
        }
    }
    if let Some(root) = root(view, path, id, it) {
        value["in_reply_to_id"] = json!(root);
    }
    value
}
