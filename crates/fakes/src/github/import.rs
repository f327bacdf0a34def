//! The issue-import API, which keeps dates. Source: recorded exchanges; no description has it.

use super::{
    Desk, Place,
    issue::{body_text, make_labels, names, people, who},
    refusal,
};
use crate::exchange::Answer;
use http::{Method, StatusCode};
use packhorse_core::model::{Comment, Issue, Milestone, OpenState, Subject, Time};
use serde_json::{Value, json};

/// What the preview wants in `Accept`.
const PREVIEW: &str = "golden-comet-preview";

/// What of a job is not shown: what is still to be imported.
const CONTENT: &str = "content";

pub(super) fn route(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    let method = desk.request.method.clone();
    if !desk.request.header("accept").is_some_and(|it| it.contains(PREVIEW)) {
        let words = "If you would like to help us test the Issue Import API, you must specify a custom media type in the 'Accept' header.";
        return Some(refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, words));
    }
    let key = format!("github-imports-{}", place.path);
    if method == Method::GET {
        work_off(desk, place, &key);
    }
    let jobs = desk.store.aside.get(&key).cloned().unwrap_or_else(|| json!([]));
    match (&method, rest) {
        (&Method::POST, []) => {
            let body = desk.request.json();
            if body["issue"]["title"].as_str().is_none_or(str::is_empty) {
                let words = json!({ "message": "Validation Failed", "errors": [{ "resource": "IssueImport", "field": "issue", "code": "missing_field" }] });
                return Some(Answer::json(StatusCode::UNPROCESSABLE_ENTITY, &words));
            }
            let id = jobs.as_array().map_or(0, Vec::len) as u64 + 1;
            let pending = job(desk, place, id);
            let mut job = pending.clone();
            job[CONTENT] = body;
            let jobs = desk.store.aside.entry(key).or_insert_with(|| json!([]));
            jobs.as_array_mut()?.push(job);
            Some(Answer::json(StatusCode::ACCEPTED, &pending))
        }
        (&Method::GET, []) => Some(desk.page(jobs.as_array()?.clone())),
        (&Method::GET, [id]) => {
            let id: u64 = id.parse().ok()?;
            jobs.as_array()?.iter().find(|it| it["id"] == id).map(Answer::ok)
        }
        _ => None,
    }
}

/// Does what was taken, the last first: the product works beside its clients and promises no order,
/// so that only who waits for each issue knows which number it gets.
///
/// Source: jeffwidman/bitbucket-issue-migration, issue 45.
fn work_off(desk: &mut Desk<'_>, place: &Place, key: &str) {
    let Some(Value::Array(mut jobs)) = desk.store.aside.remove(key) else { return };
    for job in jobs.iter_mut().rev() {
        let Some(body) = job.as_object_mut().and_then(|it| it.remove(CONTENT)) else { continue };
        let errors = errors(desk, place, &body["issue"]);
        if errors.is_empty() {
            let number = make(desk, place, &body);
            job["status"] = json!("imported");
            job["issue_url"] = json!(format!("{}/issues/{number}", desk.view().repo(&place.path)));
        } else {
            job["status"] = json!("failed");
            job["errors"] = json!(errors);
        }
    }
    desk.store.aside.insert(key.to_owned(), Value::Array(jobs));
}

/// What a job looks like when it is taken; the fake works it off when it is asked about.
fn job(desk: &Desk<'_>, place: &Place, id: u64) -> Value {
    let repo = desk.view().repo(&place.path);
    let now = desk.store.now().map(|it| it.to_string());
    json!({
        "id": id, "status": "pending", "url": format!("{repo}/import/issues/{id}"),
        "import_issues_url": format!("{repo}/import/issues"), "repository_url": repo,
        "created_at": now, "updated_at": now,
    })
}

fn errors(desk: &Desk<'_>, place: &Place, issue: &Value) -> Vec<Value> {
    let mut errors = Vec::new();
    let mut wrong = |field: &str, value: &Value| {
        errors.push(json!({ "location": format!("/issue/{field}"), "resource": "Issue", "field": field, "value": value, "code": "invalid" }));
    };
    if let Some(number) = issue["milestone"].as_u64()
        && desk.store.find::<Milestone>(&place.scope, |it| it.number == number).is_none()
    {
        wrong("milestone", &issue["milestone"]);
    }
    if let Some(login) = issue["assignee"].as_str()
        && desk.store.known_user(login).is_none()
    {
        wrong("assignee", &issue["assignee"]);
    }
    for field in ["created_at", "updated_at", "closed_at"] {
        if issue[field].as_str().is_some_and(|it| it.parse::<Time>().is_err()) {
            wrong(field, &issue[field]);
        }
    }
    errors
}

/// Makes the issue and its comments; gives the number.
fn make(desk: &mut Desk<'_>, place: &Place, body: &Value) -> u64 {
    let issue = &body["issue"];
    let now = desk.store.now();
    let time = |value: &Value| value.as_str().and_then(|it| it.parse().ok());
    let number = desk.store.next_number(&place.path, &["issue", "change_request", "discussion"]);
    let labels = make_labels(desk, place, &names(&issue["labels"]));
    let assignees: Vec<String> =
        issue["assignee"].as_str().map(str::to_owned).into_iter().collect();
    let closed = issue["closed"] == true;
    let created_at = time(&issue["created_at"]).or(now);
    let it = Issue {
        number,
        title: issue["title"].as_str().unwrap_or_default().to_owned(),
        body: body_text(issue),
        author: Some(who(desk)),
        assignees: people(desk, &assignees),
        labels,
        milestone: issue["milestone"].as_u64(),
        state: if closed { OpenState::Closed } else { OpenState::Open },
        closed_at: time(&issue["closed_at"]).or(now).filter(|_| closed),
        created_at,
        updated_at: time(&issue["updated_at"]).or(created_at),
        ..Issue::default()
    };
    desk.store.add(&place.scope, it);
    for comment in body["comments"].as_array().into_iter().flatten() {
        let at = time(&comment["created_at"]).or(now);
        let it = Comment {
            subject: Subject::Issue(number),
            author: Some(who(desk)),
            body: body_text(comment),
            created_at: at,
            updated_at: at,
            ..Comment::default()
        };
        desk.store.add(&place.scope, it);
    }
    number
}
