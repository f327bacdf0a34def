//! What people do on the pages: log in, start a migration, act on a job.

use super::{
    look::find,
    page::{Page, Refusal, send, sentence},
    plan,
    session::{self, Form, Session},
    words,
};
use crate::{
    Service,
    auth::Denied,
    native::{
        act,
        error::Problem,
        routes::Asked,
        start,
        wire::{Again, Start},
    },
    token::{self, Scope},
};
use askama::Template;
use axum::{
    extract::{Path, RawQuery, State},
    response::{IntoResponse, Redirect, Response},
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use packhorse_core::{ObjectKind, Secret};
use serde_json::{Value, json};
use std::sync::Arc;

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    page: Page,
    to: String,
}

/// The page to log in on.
pub(super) async fn ask(RawQuery(query): RawQuery) -> Response {
    let to = session::way_back(Asked(query.as_deref()).text("to"));
    send(&LoginPage { page: Page::bare("Log in"), to })
}

/// Logs the holder of a token in.
pub(super) async fn log_in(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let form = Form::read(&body);
    let to = session::way_back(form.text("to"));
    if !session::is_ours(&headers) {
        return Err(foreign());
    }
    let token = Secret::new(form.text("token").unwrap_or_default());
    let caller = token::holder((&service.store, &service.key), &token).await;
    let caller = caller.map_err(Problem::from)?.filter(|it| it.may(Scope::Read));
    let cookie = caller.and_then(|it| session::begin(&service, &it));
    let Some(cookie) = cookie else {
        let mut page = Page::bare("Log in");
        page.notice = Some("That token is not good, or not any more.".to_owned());
        let mut response = send(&LoginPage { page, to });
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        return Ok(response);
    };
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(&to)).into_response())
}

/// Logs out.
pub(super) async fn log_out(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    session: Session,
    body: Bytes,
) -> Result<Response, Refusal> {
    check(&session, &headers, &Form::read(&body))?;
    let gone = session::end(&service).map(|it| [(header::SET_COOKIE, it)]);
    Ok((gone, Redirect::to("/login")).into_response())
}

fn foreign() -> Refusal {
    let why = "the form is not of this session; load the page again and try once more";
    Refusal(Problem::new(StatusCode::FORBIDDEN, why))
}

/// SECURITY: only forms of this session's own pages change anything.
fn check(session: &Session, headers: &HeaderMap, form: &Form) -> Result<(), Refusal> {
    if session::is_ours(headers) && session.made(form) { Ok(()) } else { Err(foreign()) }
}

/// The same, for what not every token may do.
fn check_scope(session: &Session, headers: &HeaderMap, form: &Form) -> Result<(), Refusal> {
    check(session, headers, form)?;
    if session.caller.may(Scope::Migrate) {
        return Ok(());
    }
    Err(Refusal(Problem::from(Denied::Scope)))
}

struct KindBox {
    name: &'static str,
    words: String,
    is_on: bool,
}

#[derive(Template)]
#[template(path = "new.html")]
struct NewPage {
    page: Page,
    from: String,
    to: String,
    include: String,
    exclude: String,
    users: String,
    delete: bool,
    force: bool,
    is_more: bool,
    kinds: Vec<KindBox>,
}

fn new_page(session: &Session, form: &Form, notice: Option<String>) -> Response {
    let text = |name: &str| form.text(name).unwrap_or_default();
    let skipped = form.all("skip");
    let kinds = ObjectKind::ALL.iter().filter(|it| **it != ObjectKind::Project).map(|it| KindBox {
        name: it.name(),
        words: words::kind(it.name()),
        is_on: skipped.iter().any(|name| name == it.name()),
    });
    let mut page = Page::of(session, "New migration", "new");
    page.notice = notice;
    let (delete, force) = (form.text("delete").is_some(), form.text("force").is_some());
    let [include, exclude, users] = ["include", "exclude", "users"].map(text);
    let is_more = delete
        || force
        || !skipped.is_empty()
        || [&include, &exclude, &users].iter().any(|it| !it.is_empty());
    send(&NewPage {
        page,
        from: text("from"),
        to: text("to"),
        include,
        exclude,
        users,
        delete,
        force,
        is_more,
        kinds: kinds.collect(),
    })
}

/// The form of a new migration.
pub(super) async fn form(session: Session) -> Response {
    new_page(&session, &Form::read(b""), None)
}

/// What a form asks for, in the words of the API.
fn asked(form: &Form) -> Value {
    let lines = |name: &str| -> Vec<String> {
        let text = form.text(name).unwrap_or_default();
        let lines = text.lines().map(str::trim).filter(|it| !it.is_empty());
        lines.map(str::to_owned).collect()
    };
    let users = form.text("users").map(|it| it.replace("\r\n", "\n"));
    json!({
        "from": form.text("from").unwrap_or_default(),
        "to": form.text("to").unwrap_or_default(),
        "from_token": form.text("from_token"),
        "to_token": form.text("to_token"),
        "options": {
            "include": lines("include"),
            "exclude": lines("exclude"),
            "skip": form.all("skip"),
            "users": users,
            "delete": form.text("delete").is_some(),
            "force": form.text("force").is_some(),
        },
    })
}

/// Starts a migration, or shows its plan.
pub(super) async fn start(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    session: Session,
    body: Bytes,
) -> Result<Response, Refusal> {
    let form = Form::read(&body);
    check_scope(&session, &headers, &form)?;
    let start: Start = match serde_json::from_value(asked(&form)) {
        Ok(start) => start,
        Err(error) => return Ok(new_page(&session, &form, Some(sentence(&error.to_string())))),
    };
    let done = if form.text("do").as_deref() == Some("plan") {
        let plan = start::plan(&service, &session.caller, start).await;
        plan.map(|plan| plan::before(&session, &plan))
    } else {
        let job = start::start(&service, &session.caller, start).await;
        job.map(|job| Redirect::to(&format!("/jobs/{job}")).into_response())
    };
    Ok(done.unwrap_or_else(|problem| {
        let mut response = new_page(&session, &form, Some(sentence(problem.detail())));
        *response.status_mut() = problem.status();
        response
    }))
}

/// Acts on a job.
pub(super) async fn act(
    State(service): State<Arc<Service>>,
    Path((id, action)): Path<(String, String)>,
    headers: HeaderMap,
    session: Session,
    body: Bytes,
) -> Result<Response, Refusal> {
    let form = Form::read(&body);
    check_scope(&session, &headers, &form)?;
    let (found, job) = find(&service, &session, &id).await?;
    let again = Again { from_token: form.text("from_token"), to_token: form.text("to_token") };
    match action.as_str() {
        "cancel" => act::cancel(&service, &found).await?,
        "resume" => act::resume(&service, &found, again).await?,
        "retry" => act::retry(&service, &found, again).await?,
        "rollback" => act::roll_back(&service, &found, again).await?,
        _ => return Err(Refusal(crate::native::not_found())),
    }
    Ok(Redirect::to(&format!("/jobs/{}", job.id)).into_response())
}
