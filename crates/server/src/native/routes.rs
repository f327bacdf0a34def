//! The routes: `/api/v1`.

use super::{
    act,
    compare::{self, One},
    error::Problem,
    events,
    job::{self, Found},
    losses::{self, Wanted},
    report::{self, Form},
    start,
    wire::{Again, Comparison, Failures, Job, Jobs, LossGroup, Losses, Start, State as JobState},
};
use crate::{
    Service,
    auth::{self, Forms},
    store::{JobQuery, Listed},
    token::{Caller, Scope},
};
use axum::{
    Json,
    extract::{FromRequestParts, Path, RawQuery, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, request::Parts};
use packhorse_core::ObjectKind;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;
use url::form_urlencoded;

/// Jobs of a page unless something else is said, and at most.
const JOBS: (u64, u64) = (20, 100);
/// Losses and failures of a page unless something else is said, and at most.
const ROWS: (u64, u64) = (100, 1_000);

/// Who calls.
pub(super) struct Call(Caller);

impl FromRequestParts<Arc<Service>> for Call {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &Arc<Service>,
    ) -> Result<Self, Problem> {
        let is_look = parts.method == http::Method::GET || parts.method == http::Method::HEAD;
        let scope = if is_look { Scope::Read } else { Scope::Migrate };
        Ok(Self(auth::caller(service, parts, Forms::Authorization, scope).await?))
    }
}

/// The job that a path names.
pub(super) struct Named {
    caller: Caller,
    found: Found,
}

impl FromRequestParts<Arc<Service>> for Named {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &Arc<Service>,
    ) -> Result<Self, Problem> {
        let Call(caller) = Call::from_request_parts(parts, service).await?;
        let path = Path::<String>::from_request_parts(parts, service).await;
        let id = path.ok().and_then(|it| it.0.parse().ok()).ok_or_else(Problem::no_job)?;
        let found = job::find(service, &caller, id).await?;
        Ok(Self { caller, found })
    }
}

/// What stands in a query.
pub(crate) struct Asked<'a>(pub(crate) Option<&'a str>);

impl Asked<'_> {
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.0.unwrap_or_default().as_bytes());
        let found = pairs.find(|(key, _)| key == name)?.1.into_owned();
        (!found.is_empty()).then_some(found)
    }

    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, Problem> {
        let text = self.text(name);
        let read = text.map(|it| it.parse().ok().filter(|it| *it <= i64::MAX.unsigned_abs()));
        match read {
            None => Ok(None),
            Some(Some(number)) => Ok(Some(number)),
            Some(None) => {
                let why = format!("`{name}` is no number");
                Err(Problem::new(StatusCode::BAD_REQUEST, why))
            }
        }
    }

    fn limit(&self, (default, most): (u64, u64)) -> Result<u64, Problem> {
        Ok(self.number("limit")?.unwrap_or(default).clamp(1, most))
    }

    pub(crate) fn state(&self) -> Result<Option<&'static str>, Problem> {
        let Some(text) = self.text("state") else { return Ok(None) };
        let found = JobState::ALL.into_iter().map(JobState::name).find(|it| *it == text);
        let why = format!("{text:?} is no state of a job");
        found.map(Some).ok_or_else(|| Problem::new(StatusCode::BAD_REQUEST, why))
    }

    pub(crate) fn losses(&self) -> Result<Wanted, Problem> {
        let kind = self.text("kind").map(|it| {
            let why = format!("{it:?} is no kind");
            ObjectKind::named(&it).ok_or_else(|| Problem::new(StatusCode::BAD_REQUEST, why))
        });
        Ok(Wanted {
            kind: kind.transpose()?,
            field: self.text("field"),
            cause: self.text("cause"),
            text: self.text("text"),
            after: self.number("after")?.unwrap_or(0),
            limit: usize::try_from(self.limit(ROWS)?).unwrap_or(usize::MAX),
        })
    }
}

/// A body as JSON; an empty one says nothing.
fn body<T: DeserializeOwned + Default>(bytes: &[u8]) -> Result<T, Problem> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(T::default());
    }
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, format!("no JSON: {error}")))?;
    serde_json::from_value(value).map_err(|error| Problem::invalid(error.to_string()))
}

async fn shown(service: &Service, found: &Found) -> Result<Json<Job>, Problem> {
    Ok(Json(job::shown(service, found).await?))
}

/// Jobs that the caller may see, newest first.
#[utoipa::path(get, path = "/jobs", tag = "jobs",
    params(
        ("state" = Option<JobState>, Query, description = "Only jobs in this state"),
        ("limit" = Option<u64>, Query, description = "At most this many; 100 at most"),
        ("before" = Option<u64>, Query, description = "Only jobs before that of `next`"),
    ),
    responses((status = 200, body = Jobs)))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    RawQuery(query): RawQuery,
    Call(caller): Call,
) -> Result<Json<Jobs>, Problem> {
    let asked = Asked(query.as_deref());
    let query = JobQuery {
        user: caller.sees(),
        state: asked.state()?.map(str::to_owned),
        before: asked.number("before")?,
        limit: asked.limit(JOBS)?,
    };
    Ok(Json(page(&service, query).await?))
}

/// A page of jobs.
///
/// Those that have ended are told as they were when they ended; whatever changes one of them
/// through the service has it told anew, and so does looking at the job itself.
pub(crate) async fn page(service: &Service, query: JobQuery) -> Result<Jobs, Problem> {
    let rows = service.store.jobs(query.clone()).await?;
    let is_full = rows.len() as u64 == query.limit;
    let next = rows.last().filter(|_| is_full).map(|it| it.part.id);
    let (mut jobs, mut news) = (Vec::new(), Vec::new());
    for Listed { request, part, told } in rows {
        if let Some(told) = told.and_then(|it| serde_json::from_str(&it).ok()) {
            jobs.push(told);
            continue;
        }
        let Some(view) = service.job(part.job).await? else { continue };
        let (id, is_over) = (part.id, part.settled_at.is_some());
        let job = job::shown(service, &Found { request, part, view }).await?;
        if is_over && job.state.has_ended() {
            news.extend(serde_json::to_string(&job).ok().map(|it| (id, it)));
        }
        jobs.push(job);
    }
    if !news.is_empty() {
        service.store.tell(news).await?;
    }
    Ok(Jobs { jobs, next })
}

/// Starts a migration.
#[utoipa::path(post, path = "/jobs", tag = "jobs", request_body = Start,
    responses((status = 201, body = Job)))]
pub(super) async fn begin(
    State(service): State<Arc<Service>>,
    Call(caller): Call,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let id = start::start(&service, &caller, body(&bytes)?).await?;
    let found = job::find(&service, &caller, id.0).await?;
    Ok((StatusCode::CREATED, shown(&service, &found).await?).into_response())
}

/// Says what a migration would do, before anything moves.
#[utoipa::path(post, path = "/plans", tag = "jobs", request_body = Start,
    responses((status = 200, description = "The plan", body = Value)))]
pub(super) async fn draw_up(
    State(service): State<Arc<Service>>,
    Call(caller): Call,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let plan = start::plan(&service, &caller, body(&bytes)?).await?;
    Ok(Json(plan).into_response())
}

/// One job.
#[utoipa::path(get, path = "/jobs/{id}", tag = "jobs", params(("id" = u64, Path)),
    responses((status = 200, body = Job)))]
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    named: Named,
) -> Result<Json<Job>, Problem> {
    shown(&service, &named.found).await
}

/// The plan that the job was begun with.
#[utoipa::path(get, path = "/jobs/{id}/plan", tag = "jobs", params(("id" = u64, Path)),
    responses((status = 200, description = "The plan", body = Value)))]
pub(super) async fn plan(
    State(service): State<Arc<Service>>,
    named: Named,
) -> Result<Json<Value>, Problem> {
    let plan = service.journal.kept(named.found.view.id, "plan").await?;
    let why = "there is no plan yet; it is made when a worker takes the job";
    plan.map(Json).ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, why))
}

/// What happens, as it happens: `happened`, `progress`, and `end` when nothing more will.
#[utoipa::path(get, path = "/jobs/{id}/events", tag = "jobs",
    params(
        ("id" = u64, Path),
        ("last_event_id" = Option<u64>, Query, description = "For clients without the header"),
        ("Last-Event-ID" = Option<u64>, Header, description = "Goes on after that event"),
    ),
    responses((status = 200, description = "The events", content_type = "text/event-stream")))]
pub(super) async fn watch(
    State(service): State<Arc<Service>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    named: Named,
) -> Response {
    let last = Asked(query.as_deref()).text("last_event_id");
    let at = events::from(&headers, last.as_deref());
    events::stream(&service, named.found.view.id, at)
}

/// What was lost, one by one.
#[utoipa::path(get, path = "/jobs/{id}/losses", tag = "losses",
    params(
        ("id" = u64, Path),
        ("kind" = Option<String>, Query, description = "Only of this kind"),
        ("field" = Option<String>, Query, description = "Only of this field"),
        ("cause" = Option<String>, Query, description = "Only of this cause"),
        ("text" = Option<String>, Query, description = "Only those in which this stands"),
        ("after" = Option<u64>, Query, description = "From this number on"),
        ("limit" = Option<u64>, Query, description = "At most this many; 1000 at most"),
    ),
    responses((status = 200, body = Losses)))]
pub(super) async fn lost(
    State(service): State<Arc<Service>>,
    RawQuery(query): RawQuery,
    named: Named,
) -> Result<Json<Losses>, Problem> {
    let wanted = Asked(query.as_deref()).losses()?;
    Ok(Json(losses::page(&service, &named.found, &wanted).await?))
}

/// What was lost, in groups that are alike.
#[utoipa::path(get, path = "/jobs/{id}/loss-groups", tag = "losses", params(("id" = u64, Path)),
    responses((status = 200, body = Vec<LossGroup>)))]
pub(super) async fn loss_groups(
    State(service): State<Arc<Service>>,
    named: Named,
) -> Result<Json<Vec<LossGroup>>, Problem> {
    Ok(Json(losses::groups(&service, &named.found).await?))
}

/// What did not arrive.
#[utoipa::path(get, path = "/jobs/{id}/failures", tag = "losses",
    params(
        ("id" = u64, Path),
        ("after" = Option<u64>, Query, description = "From this number on"),
        ("limit" = Option<u64>, Query, description = "At most this many; 1000 at most"),
    ),
    responses((status = 200, body = Failures)))]
pub(super) async fn failed(
    State(service): State<Arc<Service>>,
    RawQuery(query): RawQuery,
    named: Named,
) -> Result<Json<Failures>, Problem> {
    let asked = Asked(query.as_deref());
    let limit = usize::try_from(asked.limit(ROWS)?).unwrap_or(usize::MAX);
    let page = (asked.number("after")?.unwrap_or(0), limit);
    Ok(Json(losses::failures(&service, &named.found, page).await?))
}

/// One record as it is at the source and at the destination, which are looked through for it.
#[utoipa::path(get, path = "/jobs/{id}/comparison", tag = "losses",
    params(
        ("id" = u64, Path),
        ("kind" = String, Query, description = "the kind of the record"),
        ("id" = String, Query, description = "its id"),
        ("project" = Option<String>, Query, description = "full path at the source; none for what stands beside all projects"),
        ("side" = Option<String>, Query, description = "whose id it is: `source` or `destination`"),
    ),
    responses((status = 200, body = Comparison)))]
pub(super) async fn compare(
    State(service): State<Arc<Service>>,
    RawQuery(query): RawQuery,
    named: Named,
) -> Result<Json<Comparison>, Problem> {
    let one = One::of(&Asked(query.as_deref()))?;
    Ok(Json(compare::compare(&service, &named.found, &one).await?))
}

/// The report, with everything that was lost.
#[utoipa::path(get, path = "/jobs/{id}/report", tag = "losses",
    params(
        ("id" = u64, Path),
        ("format" = Option<String>, Query, description = "json, text, html or csv"),
    ),
    responses((status = 200, description = "The report")))]
pub(super) async fn download(
    State(service): State<Arc<Service>>,
    RawQuery(query): RawQuery,
    named: Named,
) -> Result<Response, Problem> {
    let name = Asked(query.as_deref()).text("format").unwrap_or_else(|| "json".to_owned());
    let why = "`format` is `json`, `text`, `html` or `csv`";
    let form = Form::named(&name).ok_or_else(|| Problem::new(StatusCode::BAD_REQUEST, why))?;
    report::answer(&service, &named.found, form).await
}

/// Answers with the job as it is after something was done with it.
async fn after(service: &Service, named: &Named) -> Result<Response, Problem> {
    let found = job::find(service, &named.caller, named.found.view.id.0).await?;
    Ok((StatusCode::ACCEPTED, shown(service, &found).await?).into_response())
}

/// Asks the job to stop at its next safe place.
#[utoipa::path(post, path = "/jobs/{id}/cancel", tag = "actions", params(("id" = u64, Path)),
    responses((status = 202, body = Job)))]
pub(super) async fn cancel(
    State(service): State<Arc<Service>>,
    named: Named,
) -> Result<Response, Problem> {
    act::cancel(&service, &named.found).await?;
    after(&service, &named).await
}

/// Goes on with a job that was cancelled or failed: carries the kinds and projects in which something failed, with what has come to them since.
#[utoipa::path(post, path = "/jobs/{id}/resume", tag = "actions", params(("id" = u64, Path)),
    request_body = Option<Again>,
    responses((status = 202, body = Job)))]
pub(super) async fn resume(
    State(service): State<Arc<Service>>,
    named: Named,
    bytes: Bytes,
) -> Result<Response, Problem> {
    act::resume(&service, &named.found, body(&bytes)?).await?;
    after(&service, &named).await
}

/// Tries again what failed in a job, and carries nothing else.
#[utoipa::path(post, path = "/jobs/{id}/retry", tag = "actions", params(("id" = u64, Path)),
    request_body = Option<Again>,
    responses((status = 202, body = Job)))]
pub(super) async fn retry(
    State(service): State<Arc<Service>>,
    named: Named,
    bytes: Bytes,
) -> Result<Response, Problem> {
    act::retry(&service, &named.found, body(&bytes)?).await?;
    after(&service, &named).await
}

/// Removes what the job wrote, unless somebody has changed it since.
#[utoipa::path(post, path = "/jobs/{id}/rollback", tag = "actions", params(("id" = u64, Path)),
    request_body = Option<Again>,
    responses((status = 202, body = Job)))]
pub(super) async fn roll_back(
    State(service): State<Arc<Service>>,
    named: Named,
    bytes: Bytes,
) -> Result<Response, Problem> {
    act::roll_back(&service, &named.found, body(&bytes)?).await?;
    after(&service, &named).await
}
