//! Pages to look at: what a job lost, and what failed.

use super::{
    look::{actions, find},
    page::{Head, Page, Refusal, send},
    session::Session,
    words,
};
use crate::{
    Service,
    native::{
        act::{FROM_SEALED, TO_SEALED},
        losses,
        routes::Asked,
    },
    token::Scope,
};
use askama::Template;
use axum::{
    extract::{Path, RawQuery, State},
    response::Response,
};
use std::sync::Arc;
use url::form_urlencoded::Serializer;

/// Losses and failures of a page.
const ROWS: usize = 100;

struct GroupRow {
    count: String,
    kind: String,
    field: String,
    detail: String,
    cause: String,
    planned: bool,
    href: String,
}

struct LossRow {
    place: String,
    kind: String,
    field: String,
    detail: String,
    source_url: Option<String>,
    target_url: Option<String>,
    compare: String,
}

#[derive(Template)]
#[template(path = "losses.html")]
struct LossesPage {
    page: Page,
    head: Head,
    has_ended: bool,
    groups: Vec<GroupRow>,
    rows: Vec<LossRow>,
    text: String,
    kept: Vec<(&'static str, String)>,
    is_filtered: bool,
    next: Option<String>,
}

fn cause(name: &str) -> String {
    match name {
        "source" => "the source",
        "policy" => "what was asked for",
        _ => "the destination",
    }
    .to_owned()
}

/// What a job lost.
pub(super) async fn losses(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    session: Session,
) -> Result<Response, Refusal> {
    let (found, job) = find(&service, &session, &id).await?;
    let asked = Asked(query.as_deref());
    let mut wanted = asked.losses()?;
    wanted.limit = ROWS;
    let names = ["kind", "field", "cause"];
    let kept: Vec<_> = names.into_iter().filter_map(|it| Some((it, asked.text(it)?))).collect();
    let here = format!("/jobs/{}/losses", job.id);
    let groups = losses::groups(&service, &found).await?.into_iter().map(|it| {
        let mut query = Serializer::new(String::new());
        query.append_pair("kind", &it.kind).append_pair("field", &it.field);
        query.append_pair("cause", &it.cause);
        GroupRow {
            count: words::count(it.count),
            href: format!("{here}?{}", query.finish()),
            kind: words::kind(&it.kind),
            cause: cause(&it.cause),
            field: it.field,
            detail: it.detail,
            planned: it.planned,
        }
    });
    let groups = groups.collect();
    let found = losses::page(&service, &found, &wanted).await?;
    let next = found.next.map(|next| {
        let mut query = Serializer::new(String::new());
        for (name, value) in &kept {
            query.append_pair(name, value);
        }
        if let Some(text) = &wanted.text {
            query.append_pair("text", text);
        }
        query.append_pair("after", &next.to_string());
        format!("{here}?{}", query.finish())
    });
    let rows = found.losses.into_iter().map(|it| {
        let mut query = Serializer::new(String::new());
        query.append_pair("project", it.project.as_deref().unwrap_or_default());
        query.append_pair("kind", &it.kind).append_pair("id", &it.id);
        LossRow {
            place: place(it.project.as_deref(), Some(&it.id)),
            compare: format!("/jobs/{}/compare?{}", job.id, query.finish()),
            kind: words::kind(&it.kind),
            field: it.field,
            detail: it.detail,
            source_url: it.source_url,
            target_url: it.target_url,
        }
    });
    Ok(send(&LossesPage {
        page: Page::of(&session, format!("Losses of job {id}"), "jobs"),
        head: Head::of(&service, &job, "losses"),
        has_ended: job.state.has_ended(),
        groups,
        rows: rows.collect(),
        is_filtered: !kept.is_empty() || wanted.text.is_some(),
        text: wanted.text.unwrap_or_default(),
        kept,
        next,
    }))
}

/// A record for people: `acme/app#12`.
fn place(project: Option<&str>, id: Option<&str>) -> String {
    match (project, id) {
        (Some(project), Some(id)) => format!("{project}#{id}"),
        (Some(project), None) => project.to_owned(),
        (None, id) => id.unwrap_or("all").to_owned(),
    }
}

struct FailureRow {
    place: String,
    kind: String,
    reason: String,
    url: Option<String>,
}

#[derive(Template)]
#[template(path = "failures.html")]
struct FailuresPage {
    page: Page,
    head: Head,
    has_ended: bool,
    may_retry: bool,
    rows: Vec<FailureRow>,
    next: Option<String>,
}

/// What did not arrive.
pub(super) async fn failures(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    session: Session,
) -> Result<Response, Refusal> {
    let (found, job) = find(&service, &session, &id).await?;
    let after = Asked(query.as_deref()).number("after")?.unwrap_or(0);
    let page = losses::failures(&service, &found, (after, ROWS)).await?;
    let is_sealed = found.part.body[FROM_SEALED] == true || found.part.body[TO_SEALED] == true;
    let may = session.caller.may(Scope::Migrate);
    let rows = page.failures.into_iter().map(|it| FailureRow {
        place: place(it.project.as_deref(), it.id.as_deref()),
        kind: words::kind(&it.kind),
        reason: it.reason,
        url: it.source_url,
    });
    Ok(send(&FailuresPage {
        page: Page::of(&session, format!("Failures of job {id}"), "jobs"),
        head: Head::of(&service, &job, "failures"),
        has_ended: job.state.has_ended(),
        may_retry: actions(&job, may).iter().any(|it| it.name == "resume") && !is_sealed,
        rows: rows.collect(),
        next: page.next.map(|next| format!("/jobs/{}/failures?after={next}", job.id)),
    }))
}
