//! Pull requests and those who review them.

use super::{Desk, Place, conflict, invalid, not_found, outdated, talk::note_activity};
use crate::exchange::Answer;
use http::{Method, StatusCode};
use packhorse_core::{
    Scope,
    model::{
        Branch, ChangeRequest, ChangeRequestState, Grantee, Identity, Markup, Project, Review,
        ReviewRequest, Text, Verdict,
    },
};
use serde_json::{Value, json};

/// Longest title. Source: Bitbucket's own refusal.
const LONGEST_TITLE: usize = 255;

/// What the version of a pull request is counted under.
fn counter(place: &Place, number: u64) -> String {
    format!("version {} {number}", place.path)
}

pub(super) fn route(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    let method = desk.request.method.clone();
    match (&method, rest) {
        (&Method::GET, ["pull-requests"]) => Some(list(desk, place)),
        (&Method::POST, ["pull-requests"]) => Some(create(desk, place)),
        (_, ["pull-requests", number, rest @ ..]) => {
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

fn one(
    desk: &mut Desk<'_>,
    place: &Place,
    (id, number): (u64, u64),
    method: &Method,
    rest: &[&str],
) -> Option<Answer> {
    match (method, rest) {
        (&Method::GET, []) => shown(desk, place, id).map(|it| Answer::ok(&it)),
        (&Method::PUT, []) => update(desk, place, id, number),
        (&Method::DELETE, []) => {
            desk.store.remove::<ChangeRequest>(&place.scope, id);
            Some(Answer::no_content())
        }
        (&Method::POST, ["decline"]) => turn(desk, place, (id, number), ChangeRequestState::Closed),
        (&Method::POST, ["reopen"]) => turn(desk, place, (id, number), ChangeRequestState::Open),
        (&Method::POST, ["merge"]) => {
            let words = "The pull request cannot be merged here.";
            Some(conflict(words, "pull.PullRequestMergeVetoedException"))
        }
        (&Method::GET, ["merge"]) => Some(Answer::ok(
            &json!({ "canMerge": false, "conflicted": false, "outcome": "CLEAN", "vetoes": [] }),
        )),
        (&Method::POST | &Method::DELETE, ["approve"]) => {
            let verdict =
                if *method == Method::POST { Verdict::Approved } else { Verdict::Commented };
            let who = desk.author();
            Some(judge(desk, place, number, who, verdict))
        }
        (&Method::PUT, ["participants", name]) => {
            let verdict = match desk.text("status").as_deref() {
                Some("APPROVED") => Verdict::Approved,
                Some("NEEDS_WORK") => Verdict::ChangesRequested,
                Some("UNAPPROVED") => Verdict::Commented,
                Some(_) | None => return Some(invalid("status", "The status is required.")),
            };
            if *name != desk.who {
                let words = "You may only change your own status.";
                return Some(conflict(words, "pull.InvalidPullRequestParticipantException"));
            }
            let who = desk.author();
            Some(judge(desk, place, number, who, verdict))
        }
        (&Method::POST, ["participants"]) => {
            let name = desk.body["user"]["name"].as_str()?.to_owned();
            let who = desk.identity(&name);
            let request =
                ReviewRequest { reviewer: Grantee::User(who.clone()), ..ReviewRequest::default() };
            let it = desk.store.get_mut::<ChangeRequest>(&place.scope, id)?;
            if !it.review_requests.iter().any(|it| it.reviewer == request.reviewer) {
                it.review_requests.push(request);
            }
            Some(Answer::ok(&desk.view().reviewer(&place.path, number, &who)))
        }
        (&Method::GET, ["participants"]) => {
            let value = shown(desk, place, id)?;
            let all = value["reviewers"].as_array().cloned().unwrap_or_default();
            Some(desk.page(all.into_iter().chain([value["author"].clone()]).collect()))
        }
        (&Method::GET, ["commits" | "changes"]) => Some(desk.page(Vec::new())),
        _ => None,
    }
}

fn shown(desk: &Desk<'_>, place: &Place, id: u64) -> Option<Value> {
    let it = desk.store.get::<ChangeRequest>(&place.scope, id)?;
    let project = desk.store.get::<Project>(&Scope::Shared, place.id)?;
    let version = desk.version(&counter(place, it.number));
    Some(desk.view().change((place.id, project), version, it))
}

fn list(desk: &Desk<'_>, place: &Place) -> Answer {
    let state = desk.request.query("state").unwrap_or("OPEN").to_uppercase();
    let all = desk.store.all::<ChangeRequest>(&place.scope);
    let mut all: Vec<_> = all.filter_map(|(id, _)| shown(desk, place, id)).collect();
    all.retain(|it| state == "ALL" || it["state"] == state.as_str());
    all.sort_by_key(|it| (it["createdDate"].as_i64(), it["id"].as_u64()));
    if desk.request.query("order") != Some("OLDEST") {
        all.reverse();
    }
    desk.page(all)
}

fn reviewers(desk: &Desk<'_>) -> Option<Vec<ReviewRequest>> {
    let list = desk.body["reviewers"].as_array()?;
    let names = list.iter().filter_map(|it| it["user"]["name"].as_str());
    let request = |name| ReviewRequest {
        reviewer: Grantee::User(desk.identity(name)),
        ..ReviewRequest::default()
    };
    Some(names.map(request).collect())
}

fn create(desk: &mut Desk<'_>, place: &Place) -> Answer {
    let Some(title) = desk.text("title").filter(|it| !it.trim().is_empty()) else {
        return invalid("title", "Please supply a title for this pull request.");
    };
    if title.chars().count() > LONGEST_TITLE {
        return invalid("title", "Please enter a non-empty value less than 255 characters");
    }
    let name = |field: &str| {
        let id = desk.body[field]["id"].as_str()?;
        Some(id.trim_start_matches("refs/heads/").to_owned())
    };
    let (Some(head), Some(base)) = (name("fromRef"), name("toRef")) else {
        return invalid("fromRef", "Both refs are required.");
    };
    let tip = |name: &str| desk.store.branch(&place.path, name);
    let (Some(head_tip), Some(base_tip)) = (tip(&head), tip(&base)) else {
        let words =
            format!("Repository \"{}\" of project does not have such a branch.", place.path);
        let exception = "commit.NoSuchCommitException";
        return super::refusal(StatusCode::NOT_FOUND, &words, exception);
    };
    if head_tip == base_tip {
        let words = format!("{head} is already up-to-date with branch {base}");
        return conflict(&words, "pull.EmptyPullRequestException");
    }
    let same = |it: &ChangeRequest| {
        it.state == ChangeRequestState::Open && it.head.name == head && it.base.name == base
    };
    if desk.store.find::<ChangeRequest>(&place.scope, same).is_some() {
        let words = "Only one pull request may be open for a given source and target branch";
        return conflict(words, "pull.DuplicatePullRequestException");
    }
    let number = desk.store.next_number(&place.path, &["change_request"]);
    let own = format!("refs/pull-requests/{number}/from");
    // The branch is there, so its repository is as well.
    drop(desk.store.set_ref(&place.path, &own, &head_tip));
    let now = desk.store.now();
    let branch = |name, tip| Branch { name, commit: Some(tip), ..Branch::default() };
    let it = ChangeRequest {
        number,
        title,
        body: desk.text("description").map(|it| Text::new(it, Markup::Bitbucket)),
        author: Some(desk.author()),
        draft: desk.body["draft"] == Value::Bool(true),
        head: branch(head, head_tip),
        base: branch(base, base_tip),
        review_requests: reviewers(desk).unwrap_or_default(),
        created_at: now,
        updated_at: now,
        ..ChangeRequest::default()
    };
    let id = desk.store.add(&place.scope, it);
    shown(desk, place, id).map_or_else(|| not_found("This"), |it| Answer::created(&it))
}

/// Refuses a version that is not the newest.
fn stale(desk: &Desk<'_>, place: &Place, number: u64) -> Option<Answer> {
    let now = desk.version(&counter(place, number));
    (desk.seen() != Some(now)).then(|| outdated(now))
}

fn update(desk: &mut Desk<'_>, place: &Place, id: u64, number: u64) -> Option<Answer> {
    if let Some(refused) = stale(desk, place, number) {
        return Some(refused);
    }
    let (title, body) = (desk.text("title"), desk.text("description"));
    let (people, draft) = (reviewers(desk), desk.body["draft"].as_bool());
    let now = desk.store.now();
    let it = desk.store.get_mut::<ChangeRequest>(&place.scope, id)?;
    it.title = title.unwrap_or_else(|| it.title.clone());
    it.body = body.map(|it| Text::new(it, Markup::Bitbucket)).or(it.body.take());
    it.draft = draft.unwrap_or(it.draft);
    it.review_requests = people.unwrap_or_else(|| std::mem::take(&mut it.review_requests));
    it.updated_at = now;
    desk.count(counter(place, number));
    shown(desk, place, id).map(|it| Answer::ok(&it))
}

fn turn(
    desk: &mut Desk<'_>,
    place: &Place,
    (id, number): (u64, u64),
    to: ChangeRequestState,
) -> Option<Answer> {
    if let Some(refused) = stale(desk, place, number) {
        return Some(refused);
    }
    let (now, author) = (desk.store.now(), desk.author());
    let it = desk.store.get_mut::<ChangeRequest>(&place.scope, id)?;
    if it.state == to || it.state == ChangeRequestState::Merged {
        let words = "The pull request is in another state already.";
        return Some(conflict(words, "pull.IllegalPullRequestStateException"));
    }
    it.state = to;
    it.updated_at = now;
    let is_open = to == ChangeRequestState::Open;
    (it.closed_at, it.closed_by) = if is_open { (None, None) } else { (now, Some(author)) };
    desk.count(counter(place, number));
    note_activity(desk, place, number, if is_open { "REOPENED" } else { "DECLINED" });
    shown(desk, place, id).map(|it| Answer::ok(&it))
}

fn judge(
    desk: &mut Desk<'_>,
    place: &Place,
    number: u64,
    who: Identity,
    verdict: Verdict,
) -> Answer {
    let now = desk.store.now();
    let word = match verdict {
        Verdict::Approved => "APPROVED",
        Verdict::ChangesRequested => "REVIEWED",
        Verdict::Commented | Verdict::Dismissed | Verdict::Pending => "UNAPPROVED",
    };
    let review = Review {
        change_request: number,
        author: Some(who.clone()),
        verdict,
        created_at: now,
        submitted_at: now,
        ..Review::default()
    };
    desk.store.add(&place.scope, review);
    note_activity(desk, place, number, word);
    Answer::ok(&desk.view().reviewer(&place.path, number, &who))
}
