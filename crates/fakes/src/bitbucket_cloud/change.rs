//! Pull requests, and the verdicts of those who review them.

use super::{Desk, Place, invalid, not_found, project, refusal, talk::note};
use crate::exchange::Answer;
use http::{Method, StatusCode};
use packhorse_core::{
    Scope,
    model::{
        Branch, ChangeRequest, ChangeRequestState, CommitStatus, Grantee, Identity, Markup,
        Project, Review, ReviewRequest, Text, Verdict,
    },
};
use serde_json::{Value, json};

/// Longest title. Source: Bitbucket's own refusal.
const LONGEST_TITLE: usize = 255;

/// Longest page of this listing. Source: Bitbucket's own refusal.
const LONGEST_PAGE: usize = 50;

pub(super) fn route(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    let method = desk.request.method.clone();
    match (&method, rest) {
        (&Method::GET, ["pullrequests"]) => Some(list(desk, place)),
        (&Method::POST, ["pullrequests"]) => Some(create(desk, place)),
        (_, ["pullrequests", number, rest @ ..]) => {
            let number: u64 = number.parse().ok()?;
            let found = desk.store.find::<ChangeRequest>(&place.scope, |it| it.number == number);
            let Some((id, _)) = found else {
                return Some(not_found(&format!("Pull request {number}")));
            };
            one(desk, place, (id, number), &method, rest)
        }
        _ => None,
    }
}

fn shown(desk: &Desk<'_>, place: &Place, id: u64, people: bool) -> Option<Value> {
    let it = desk.store.get::<ChangeRequest>(&place.scope, id)?;
    let project = desk.store.get::<Project>(&Scope::Shared, place.id)?;
    Some(desk.view().change((place.id, project), it, people))
}

fn list(desk: &Desk<'_>, place: &Place) -> Answer {
    let states = desk.request.query.iter().filter(|(name, _)| name == "state");
    let states: Vec<&str> = states.map(|(_, it)| it.as_str()).collect();
    let fields = desk.request.query("fields").unwrap_or_default();
    let people = fields.contains("+values.reviewers");
    let all = desk.store.all::<ChangeRequest>(&place.scope);
    let mut all: Vec<_> = all.filter_map(|(id, _)| shown(desk, place, id, people)).collect();
    let is_asked = |state: &str| match states.as_slice() {
        [] => state == "OPEN",
        states => states.contains(&state),
    };
    all.retain(|it| it["state"].as_str().is_some_and(is_asked));
    let order = desk.request.query("sort").unwrap_or("-created_on");
    let field = order.trim_start_matches('-');
    all.sort_by_key(|it| {
        (it[field].as_str().map(str::to_owned), it[field].as_u64(), it["id"].as_u64())
    });
    if order.starts_with('-') {
        all.reverse();
    }
    desk.page(all, LONGEST_PAGE)
}

fn one(
    desk: &mut Desk<'_>,
    place: &Place,
    (id, number): (u64, u64),
    method: &Method,
    rest: &[&str],
) -> Option<Answer> {
    match (method, rest) {
        (&Method::GET, []) => shown(desk, place, id, true).map(|it| Answer::ok(&it)),
        (&Method::PUT, []) => update(desk, place, (id, number)),
        (&Method::POST, ["decline"]) => turn(desk, place, (id, number), ChangeRequestState::Closed),
        (&Method::POST, ["merge"]) => merge(desk, place, (id, number)),
        (&Method::POST, ["approve"]) => judge(desk, place, (id, number), Verdict::Approved),
        (&Method::POST, ["request-changes"]) => {
            judge(desk, place, (id, number), Verdict::ChangesRequested)
        }
        (&Method::DELETE, ["approve" | "request-changes"]) => {
            judge(desk, place, (id, number), Verdict::Commented)?;
            Some(Answer::no_content())
        }
        (&Method::GET, ["statuses"]) => {
            let it = desk.store.get::<ChangeRequest>(&place.scope, id)?;
            let tip = it.head.commit.clone().unwrap_or_default();
            let all = desk.store.all::<CommitStatus>(&place.scope);
            let all = all.filter(|(_, it)| it.commit == tip);
            let all = all.map(|(_, it)| project::status(desk, place, it)).collect();
            Some(desk.page(all, 100))
        }
        (&Method::GET, ["commits"]) => Some(desk.page(Vec::new(), 100)),
        _ => None,
    }
}

/// Those who are asked for a review, or why they cannot be.
fn reviewers(desk: &Desk<'_>) -> Result<Vec<ReviewRequest>, String> {
    let list = desk.body["reviewers"].as_array().cloned().unwrap_or_default();
    let mut requests = Vec::new();
    for it in list {
        let name = it["account_id"].as_str().or_else(|| it["uuid"].as_str()).unwrap_or_default();
        let Some(who) = desk.account(name) else {
            return Err(format!("reviewers: {name} is not a valid user"));
        };
        if who.login == desk.who {
            let name = who.name.unwrap_or(who.login);
            let words = "is the author and cannot be included as a reviewer.";
            return Err(format!("reviewers: {name} {words}"));
        }
        let reviewer = Grantee::User(who);
        requests.push(ReviewRequest {
            reviewer,
            created_at: desk.store.now(),
            ..ReviewRequest::default()
        });
    }
    Ok(requests)
}

fn title_of(desk: &Desk<'_>) -> Result<String, Box<Answer>> {
    match desk.text("title").filter(|it| !it.trim().is_empty()) {
        None => Err(Box::new(invalid("title: This field is required."))),
        Some(title) if title.chars().count() > LONGEST_TITLE => {
            Err(Box::new(invalid("title: Ensure this value has at most 255 characters.")))
        }
        Some(title) => Ok(title),
    }
}

fn create(desk: &mut Desk<'_>, place: &Place) -> Answer {
    let title = match title_of(desk) {
        Ok(title) => title,
        Err(refused) => return *refused,
    };
    let name = |end: &str| desk.body[end]["branch"]["name"].as_str().map(str::to_owned);
    let project = desk.store.get::<Project>(&Scope::Shared, place.id);
    let main = project.and_then(|it| it.default_branch.clone());
    let (Some(head), Some(base)) = (name("source"), name("destination").or(main)) else {
        return invalid("source: This field is required.");
    };
    let tip = |name: &str| desk.store.branch(&place.path, name);
    let (Some(head_tip), Some(base_tip)) = (tip(&head), tip(&base)) else {
        return invalid("source.branch.name: branch not found");
    };
    if head_tip == base_tip {
        return invalid("There are no changes to be pulled");
    }
    let review_requests = match reviewers(desk) {
        Ok(requests) => requests,
        Err(why) => return invalid(&why),
    };
    let now = desk.store.now();
    let number = desk.store.next_number(&place.path, &["change_request"]);
    let branch = |name, tip| Branch {
        name,
        commit: Some(tip),
        project: Some(place.path.clone()),
        owner: None,
    };
    let it = ChangeRequest {
        number,
        title,
        body: body_of(desk),
        author: Some(desk.author()),
        draft: desk.body["draft"] == Value::Bool(true),
        head: branch(head, head_tip),
        base: branch(base, base_tip),
        review_requests,
        delete_head: desk.body["close_source_branch"].as_bool(),
        created_at: now,
        updated_at: now,
        ..ChangeRequest::default()
    };
    let id = desk.store.add(&place.scope, it);
    let shown = shown(desk, place, id, true);
    shown.map_or_else(|| not_found("Pull request"), |it| Answer::created(&it))
}

fn body_of(desk: &Desk<'_>) -> Option<Text> {
    let text = desk.text("description").filter(|it| !it.is_empty())?;
    Some(Text::new(text, Markup::Bitbucket))
}

fn update(desk: &mut Desk<'_>, place: &Place, (id, number): (u64, u64)) -> Option<Answer> {
    let is_open = |it: &ChangeRequest| it.state == ChangeRequestState::Open;
    if !desk.store.get::<ChangeRequest>(&place.scope, id).is_some_and(is_open) {
        return Some(invalid("You can't update a pull request that is not open."));
    }
    let (body, says) = (body_of(desk), desk.body["description"].is_string());
    let title = match desk.text("title").map(|_| title_of(desk)).transpose() {
        Ok(title) => title,
        Err(refused) => return Some(*refused),
    };
    let people = match desk.body["reviewers"].is_array().then(|| reviewers(desk)).transpose() {
        Ok(people) => people,
        Err(why) => return Some(invalid(&why)),
    };
    let (draft, now) = (desk.body["draft"].as_bool(), desk.store.now());
    let it = desk.store.get_mut::<ChangeRequest>(&place.scope, id)?;
    let before = it.title.clone();
    it.title = title.unwrap_or_else(|| before.clone());
    if says {
        it.body = body;
    }
    it.draft = draft.unwrap_or(it.draft);
    it.review_requests = people.unwrap_or_else(|| std::mem::take(&mut it.review_requests));
    it.updated_at = now;
    if it.title != before {
        let changes = json!({ "title": { "old": before, "new": it.title } });
        note(desk, place, (id, number), &changes);
    }
    shown(desk, place, id, true).map(|it| Answer::ok(&it))
}

/// Lets a request end in a state, for good.
fn turn(
    desk: &mut Desk<'_>,
    place: &Place,
    (id, number): (u64, u64),
    to: ChangeRequestState,
) -> Option<Answer> {
    let (now, who) = (desk.store.now(), desk.author());
    let it = desk.store.get_mut::<ChangeRequest>(&place.scope, id)?;
    if it.state != ChangeRequestState::Open {
        return Some(invalid("This pull request is already closed."));
    }
    it.state = to;
    it.updated_at = now;
    it.closed_at = now;
    if to == ChangeRequestState::Merged {
        (it.merged_by, it.merged_at) = (Some(who), now);
    } else {
        it.closed_by = Some(who);
    }
    note(desk, place, (id, number), &json!({}));
    shown(desk, place, id, true).map(|it| Answer::ok(&it))
}

/// Merges a request, always by moving the destination to the source.
fn merge(desk: &mut Desk<'_>, place: &Place, (id, number): (u64, u64)) -> Option<Answer> {
    let it = desk.store.get::<ChangeRequest>(&place.scope, id)?.clone();
    if it.state != ChangeRequestState::Open {
        return Some(invalid("This pull request is already closed."));
    }
    let tip = desk.store.branch(&place.path, &it.head.name);
    let (Some(tip), Some(_)) = (tip, desk.store.branch(&place.path, &it.base.name)) else {
        return Some(refusal(StatusCode::CONFLICT, "One of the branches is not there."));
    };
    desk.store.set_ref(&place.path, &format!("refs/heads/{}", it.base.name), &tip).ok()?;
    let closes = desk.body["close_source_branch"].as_bool().or(it.delete_head);
    if closes == Some(true) {
        desk.store.delete_ref(&place.path, &format!("refs/heads/{}", it.head.name));
    }
    desk.store.get_mut::<ChangeRequest>(&place.scope, id)?.merge_commit = Some(tip);
    turn(desk, place, (id, number), ChangeRequestState::Merged)
}

fn judge(
    desk: &mut Desk<'_>,
    place: &Place,
    (id, number): (u64, u64),
    verdict: Verdict,
) -> Option<Answer> {
    let (now, who): (_, Identity) = (desk.store.now(), desk.author());
    let review = Review {
        change_request: number,
        author: Some(who.clone()),
        verdict,
        created_at: now,
        submitted_at: now,
        ..Review::default()
    };
    desk.store.add(&place.scope, review);
    let it = desk.store.get::<ChangeRequest>(&place.scope, id)?;
    Some(Answer::ok(&desk.view().participant(&place.path, it, &who)))
}
