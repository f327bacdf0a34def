//! Merge requests and their approvals.

use super::{
    Desk, Place, commit,
    issue::{bad_title, body, chosen, lock, make_labels, milestone},
    missing, not_found, refusal,
};
use crate::exchange::Answer;
use http::{Method, StatusCode};
use packhorse_core::model::{
    Branch, ChangeRequest, ChangeRequestState, Grantee, Identity, Review, ReviewRequest, Subject,
    Verdict,
};
use serde_json::{Value, json};

pub(super) fn route(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    let method = desk.request.method.clone();
    let at = (place.id, place.path.as_str());
    match (&method, rest) {
        (&Method::GET, ["merge_requests"]) => {
            let view = desk.view();
            let all = desk.store.all::<ChangeRequest>(&place.scope);
            let all = all.map(|(id, it)| view.change(at, id, it)).collect();
            Some(desk.page(chosen(desk, all)))
        }
        (&Method::POST, ["merge_requests"]) => Some(create(desk, place)),
        (_, ["merge_requests", number, rest @ ..]) => {
            let number: u64 = number.parse().ok()?;
            let found = desk.store.find::<ChangeRequest>(&place.scope, |it| it.number == number);
            let Some((id, it)) = found else { return Some(not_found("Merge Request")) };
            match (&method, rest) {
                (&Method::GET, []) => {
                    let mut value = desk.view().change(at, id, it);
                    value["changes_count"] = json!("1");
                    value["subscribed"] = json!(false);
                    Some(Answer::ok(&value))
                }
                (&Method::PUT, []) => update(desk, place, id, number),
                (&Method::DELETE, []) => {
                    desk.store.remove::<ChangeRequest>(&place.scope, id);
                    Some(Answer::no_content())
                }
                (&Method::GET, ["approvals"]) => Some(Answer::ok(&approvals(desk, place, number))),
                (&Method::POST, ["approve" | "unapprove"]) => {
                    Some(approve(desk, place, number, rest == ["approve"]))
                }
                (&Method::PUT, ["merge"]) => Some(merge(desk, place, id)),
                (&Method::GET, ["reviewers"]) => Some(desk.page(reviewers(desk, it))),
                (&Method::GET, [_]) => Some(desk.page(Vec::new())),
                _ => None,
            }
        }
        _ => None,
    }
}

fn reviewers(desk: &Desk<'_>, it: &ChangeRequest) -> Vec<Value> {
    let view = desk.view();
    let shown = |it: &ReviewRequest| match &it.reviewer {
        Grantee::User(identity) => Some(json!({
            "user": view.user(identity), "state": "unreviewed",
            "created_at": super::view::told(it.created_at),
        })),
        Grantee::Team { .. } | Grantee::Group(_) => None,
    };
    it.review_requests.iter().filter_map(shown).collect()
}

fn requests(people: Vec<Identity>) -> Vec<ReviewRequest> {
    let request = |it| ReviewRequest { reviewer: Grantee::User(it), ..ReviewRequest::default() };
    people.into_iter().map(request).collect()
}

/// Takes `Draft:` off a title; whether it was there.
fn drafted(title: &str) -> (bool, String) {
    let rest =
        ["Draft: ", "Draft:", "[Draft] ", "(Draft) "].iter().find_map(|it| title.strip_prefix(it));
    (rest.is_some(), rest.unwrap_or(title).to_owned())
}

fn create(desk: &mut Desk<'_>, place: &Place) -> Answer {
    let (Some(head), Some(base)) = (desk.text("source_branch"), desk.text("target_branch")) else {
        return missing("source_branch, target_branch");
    };
    let Some(title) = desk.text("title") else { return missing("title") };
    if let Some(refused) = bad_title(&title) {
        return refused;
    }
    if head == base {
        let words =
            json!({ "message": ["You can't use same project/branch for source and target"] });
        return Answer::json(StatusCode::BAD_REQUEST, &words);
    }
    let same = |it: &ChangeRequest| {
        it.state == ChangeRequestState::Open && it.head.name == head && it.base.name == base
    };
    if let Some((_, other)) = desk.store.find::<ChangeRequest>(&place.scope, same) {
        let words = format!(
            "Another open merge request already exists for this source branch: !{}",
            other.number
        );
        return Answer::json(StatusCode::CONFLICT, &json!({ "message": [words] }));
    }
    let labels = desk.names("labels").unwrap_or_default();
    make_labels(desk, place, &labels);
    let (draft, title) = drafted(&title);
    let number = desk.store.next_number(&place.path, &["change_request"]);
    let tip = desk.store.branch(&place.path, &head);
    if let Some(tip) = &tip {
        // A repository that is not there yet has no refs to keep.
        let name = format!("refs/merge-requests/{number}/head");
        drop(desk.store.set_ref(&place.path, &name, tip));
    }
    let now = desk.moment();
    let branch = |name: String, commit| Branch { name, commit, ..Branch::default() };
    let it = ChangeRequest {
        number,
        title,
        draft,
        body: body(desk, "description"),
        author: Some(desk.author()),
        base: branch(base.clone(), Some(commit(desk, place, &base)).filter(|it| *it != base)),
        head: branch(head, tip),
        assignees: desk.people("assignee_ids").unwrap_or_default(),
        review_requests: requests(desk.people("reviewer_ids").unwrap_or_default()),
        labels,
        milestone: milestone(desk, place).flatten(),
        squash: desk.flag("squash"),
        delete_head: desk.flag("remove_source_branch"),
        created_at: now,
        updated_at: now,
        ..ChangeRequest::default()
    };
    let id = desk.store.add(&place.scope, it.clone());
    Answer::created(&desk.view().change((place.id, &place.path), id, &it))
}

fn update(desk: &mut Desk<'_>, place: &Place, id: u64, number: u64) -> Option<Answer> {
    if let Some(refused) = desk.text("title").and_then(|it| bad_title(&it)) {
        return Some(refused);
    }
    let labels = desk.names("labels");
    make_labels(desk, place, labels.as_deref().unwrap_or_default());
    lock(desk, place, Subject::ChangeRequest(number));
    let (title, text, milestone) =
        (desk.text("title"), body(desk, "description"), milestone(desk, place));
    let (people, reviewers) = (desk.people("assignee_ids"), desk.people("reviewer_ids"));
    let (event, author, base) =
        (desk.text("state_event"), desk.author(), desk.text("target_branch"));
    let now = desk.store.now();
    let it = desk.store.get_mut::<ChangeRequest>(&place.scope, id)?;
    if let Some(title) = title {
        (it.draft, it.title) = drafted(&title);
    }
    it.body = text.or(it.body.take());
    it.labels = labels.unwrap_or_else(|| std::mem::take(&mut it.labels));
    it.milestone = milestone.unwrap_or(it.milestone);
    it.assignees = people.unwrap_or_else(|| std::mem::take(&mut it.assignees));
    it.base.name = base.unwrap_or_else(|| it.base.name.clone());
    if let Some(reviewers) = reviewers {
        it.review_requests = requests(reviewers);
    }
    it.updated_at = now;
    let is_merged = it.state == ChangeRequestState::Merged;
    match event.as_deref() {
        Some("close") if !is_merged => {
            (it.state, it.closed_at, it.closed_by) =
                (ChangeRequestState::Closed, now, Some(author));
        }
        Some("reopen") if !is_merged => {
            (it.state, it.closed_at, it.closed_by) = (ChangeRequestState::Open, None, None);
        }
        _ => {}
    }
    let it = desk.store.get::<ChangeRequest>(&place.scope, id)?;
    Some(Answer::ok(&desk.view().change((place.id, &place.path), id, it)))
}

/// Merges: the target branch goes to where the source is.
fn merge(desk: &mut Desk<'_>, place: &Place, id: u64) -> Answer {
    let refused = || refusal(StatusCode::METHOD_NOT_ALLOWED, "405 Method Not Allowed");
    let Some(it) = desk.store.get::<ChangeRequest>(&place.scope, id).cloned() else {
        return not_found("Merge Request");
    };
    let tip = desk.store.branch(&place.path, &it.head.name);
    let Some(tip) = tip.filter(|_| it.state == ChangeRequestState::Open && !it.draft) else {
        return refused();
    };
    if desk.store.branch(&place.path, &it.base.name).is_none() {
        return refused();
    }
    let target = format!("refs/heads/{}", it.base.name);
    if desk.store.set_ref(&place.path, &target, &tip).is_err() {
        return refused();
    }
    let (now, author) = (desk.store.now(), desk.author());
    if let Some(it) = desk.store.get_mut::<ChangeRequest>(&place.scope, id) {
        (it.state, it.merged_at, it.merged_by) = (ChangeRequestState::Merged, now, Some(author));
        (it.merge_commit, it.updated_at) = (Some(tip), now);
    }
    let found = desk.store.get::<ChangeRequest>(&place.scope, id);
    let at = (place.id, place.path.as_str());
    found.map_or_else(refused, |it| Answer::ok(&desk.view().change(at, id, it)))
}

fn is_approval(it: &Review, number: u64) -> bool {
    it.change_request == number && it.verdict == Verdict::Approved
}

fn approvals(desk: &Desk<'_>, place: &Place, number: u64) -> Value {
    let view = desk.view();
    let all = desk.store.all::<Review>(&place.scope).filter(|(_, it)| is_approval(it, number));
    let by: Vec<_> = all
        .map(|(_, it)| {
            let at = super::view::told(it.submitted_at.or(it.created_at));
            json!({ "user": view.somebody(&it.author), "approved_at": at })
        })
        .collect();
    let mine = by.iter().any(|it| it["user"]["username"] == desk.who.as_str());
    json!({
        "user_has_approved": mine, "user_can_approve": !mine, "approved": !by.is_empty(),
        "approved_by": by,
    })
}

fn approve(desk: &mut Desk<'_>, place: &Place, number: u64, is: bool) -> Answer {
    let author = desk.author();
    let own = |it: &Review| {
        is_approval(it, number) && it.author.as_ref().is_some_and(|it| it.login == author.login)
    };
    let had = desk.store.find::<Review>(&place.scope, own).is_some();
    if is == had {
        return refusal(StatusCode::UNAUTHORIZED, "401 Unauthorized");
    }
    if !is {
        desk.store.remove_where::<Review>(&place.scope, own);
        return Answer::created(&json!({}));
    }
    let now = desk.store.now();
    let review = Review {
        change_request: number,
        author: Some(author),
        verdict: Verdict::Approved,
        created_at: now,
        submitted_at: now,
        ..Review::default()
    };
    desk.store.add(&place.scope, review);
    Answer::created(&approvals(desk, place, number))
}
