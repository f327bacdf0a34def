//! What all pages have, and how they are sent.

use super::{asset, session::Session, words};
use crate::{
    Service,
    native::{
        error::Problem,
        start,
        wire::{Job, State},
    },
    token::Scope,
};
use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

/// What a browser may do with a page: what stands at this service, and nothing inline.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What all pages have.
#[derive(Default)]
pub(super) struct Page {
    pub(super) title: String,
    pub(super) user: Option<String>,
    pub(super) may_start: bool,
    pub(super) csrf: String,
    pub(super) here: &'static str,
    pub(super) notice: Option<String>,
    /// Address of what happens on the page.
    pub(super) live: Option<String>,
    pub(super) assets: &'static str,
}

impl Page {
    /// A page for nobody.
    pub(super) fn bare(title: impl Into<String>) -> Self {
        Self { title: title.into(), assets: &asset::VERSION, ..Self::default() }
    }

    /// A page for somebody who is logged in.
    pub(super) fn of(session: &Session, title: impl Into<String>, here: &'static str) -> Self {
        Self {
            user: Some(session.caller.user.clone()),
            may_start: session.caller.may(Scope::Migrate),
            csrf: session.csrf.clone(),
            here,
            ..Self::bare(title)
        }
    }
}

/// Sends a page.
pub(super) fn send(page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => guarded(Html(text).into_response()),
        Err(error) => {
            tracing::error!(%error, "a page could not be drawn");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    // SECURITY: who comes after on the same machine does not see it by going back.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    response
}

/// Something that cannot be, as a page.
pub(super) struct Refusal(pub(super) Problem);

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    page: Page,
    detail: String,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let title = match self.0.status() {
            StatusCode::NOT_FOUND => "Nothing is here",
            StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => "You may not do that",
            _ => "That cannot be done",
        };
        let page = ProblemPage { page: Page::bare(title), detail: sentence(self.0.detail()) };
        let mut response = send(&page);
        *response.status_mut() = self.0.status();
        response
    }
}

/// A text of the API as a sentence.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|it| it.to_uppercase().collect::<String>()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}

/// A figure with its name.
pub(super) struct Figure {
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) more: String,
    pub(super) is_bad: bool,
}

/// What stands above all pages of a job.
pub(super) struct Head {
    pub(super) id: u64,
    pub(super) state: &'static str,
    pub(super) class: &'static str,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) meta: String,
    pub(super) reason: Option<String>,
    pub(super) wish: Option<String>,
    pub(super) losses: String,
    pub(super) failures: String,
    pub(super) tab: &'static str,
}

impl Head {
    pub(super) fn of(service: &Service, job: &Job, tab: &'static str) -> Self {
        let rolled_back = job.rolled_back.as_ref().map(|it| match &it.error {
            Some(error) => format!("Rolling back stopped: {error}"),
            None => format!(
                "It was rolled back: {} objects were removed, {} were left.",
                words::count(it.removed),
                words::count(it.left)
            ),
        });
        let wish = match job.wish.as_deref() {
            Some("rollback") => Some("What it wrote is being removed.".to_owned()),
            Some(_) => Some("It goes on as soon as a worker takes it.".to_owned()),
            None if job.cancelling => Some("It stops at its next safe place.".to_owned()),
            None => rolled_back,
        };
        Self {
            id: job.id,
            state: words::state(job.state),
            class: class(job.state),
            from: place(service, &job.from),
            to: place(service, &job.to),
            meta: meta(job),
            reason: job.reason.as_deref().map(sentence),
            wish,
            losses: words::count(job.progress.losses),
            failures: words::count(job.progress.failed),
            tab,
        }
    }
}

/// A location for people: the embedded store by its name, the service's directories without what
/// they all begin with.
pub(super) fn place(service: &Service, text: &str) -> String {
    let state = service.config.state.display().to_string();
    let (kind, rest) = text.split_once(':').unwrap_or(("", text));
    if kind == "local" && rest == service.config.store().display().to_string() {
        return start::STORE.to_owned();
    }
    match rest.strip_prefix(&state) {
        Some(below) if below.starts_with('/') => format!("{kind}:…{below}"),
        Some(_) | None => text.to_owned(),
    }
}

/// Colour of a state.
pub(super) const fn class(state: State) -> &'static str {
    match state {
        State::Waiting => "",
        State::Running => "busy",
        State::Finished => "good",
        State::Failed => "bad",
        State::Stopped | State::Cancelled => "warn",
    }
}

/// Who asked for a job, and when it did what.
pub(super) fn meta(job: &Job) -> String {
    let mut text = format!("asked for by {} on {}", job.user, words::moment(&job.created_at));
    if job.asked_through != start::KIND {
        text += &format!(" through {}", job.asked_through);
    }
    if let Some(ended) = job.ended_at.as_ref().filter(|_| job.state.has_ended()) {
        text += &format!(", ended {}", words::moment(ended));
    }
    text
}
