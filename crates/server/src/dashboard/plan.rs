//! The plan of a job, before it and held against what became of it.

use super::{
    look::find,
    page::{Figure, Head, Page, Refusal, send},
    session::Session,
    words,
};
use crate::{
    Service,
    native::{error::Problem, wire::Kind},
};
use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use packhorse_core::plan::{Fate, Plan, PlannedKind};
use std::{collections::BTreeMap, sync::Arc};

/// Conflicts that a page shows; all are in the report.
const CONFLICTS: usize = 100;

struct Row {
    kind: String,
    planned: String,
    fate: &'static str,
    class: &'static str,
    gaps: Vec<String>,
    carried: String,
    failed: String,
    losses: String,
}

struct ConflictRow {
    detail: String,
    blocks: bool,
}

#[derive(Template)]
#[template(path = "plan.html")]
struct PlanPage {
    page: Page,
    head: Option<Head>,
    from: String,
    to: String,
    figures: Vec<Figure>,
    conflicts: Vec<ConflictRow>,
    rows: Vec<Row>,
    nothing: &'static str,
}

const fn fate(it: Fate) -> (&'static str, &'static str) {
    match it {
        Fate::Whole => ("as it is", "good"),
        Fate::Degraded => ("in part", "warn"),
        Fate::Dropped => ("not at all", "bad"),
        Fate::Skipped => ("left out", ""),
    }
}

fn row(it: &PlannedKind, after: Option<&Kind>) -> Row {
    let (fate, class) = fate(it.fate);
    let gaps = it.gaps.iter().map(|gap| match gap.field.as_str() {
        "*" => gap.why.clone(),
        field => format!("{field}: {}", gap.why),
    });
    let shown = |of: fn(&Kind) -> u64| words::count(after.map_or(0, of));
    Row {
        kind: words::kind(it.kind.name()),
        planned: it.records.map_or_else(|| "?".to_owned(), words::count),
        fate,
        class,
        gaps: it.why.clone().into_iter().chain(gaps).collect(),
        carried: shown(|it| it.carried),
        failed: shown(|it| it.failed),
        losses: shown(|it| it.losses),
    }
}

fn page(page: Page, plan: &Plan, head: Option<Head>, after: &[Kind]) -> PlanPage {
    let by_name: BTreeMap<_, _> = after.iter().map(|it| (it.kind.as_str(), it)).collect();
    let figure = |name, value| Figure { name, value, more: String::new(), is_bad: false };
    let known: Option<u64> = plan.projects.iter().map(|it| it.records).sum();
    let bytes: Option<u64> = plan.projects.iter().map(|it| it.bytes).sum();
    let mut figures = vec![figure("Projects", words::count(plan.projects.len() as u64))];
    figures.extend(known.map(|it| figure("Records", words::count(it))));
    figures.extend(
        bytes.filter(|it| *it > 0).map(|it| figure("Repositories and files", words::bytes(it))),
    );
    let forecast = plan.forecast.as_ref();
    figures.extend(forecast.map(|it| figure("At least", words::span(it.seconds))));
    let conflicts = plan.conflicts.iter().take(CONFLICTS);
    PlanPage {
        page,
        head,
        from: plan.from.clone(),
        to: plan.to.clone(),
        figures,
        conflicts: conflicts
            .map(|it| ConflictRow { detail: it.detail.clone(), blocks: it.blocks })
            .collect(),
        rows: plan.kinds.iter().map(|it| row(it, by_name.get(it.kind.name()).copied())).collect(),
        nothing: "There is no plan yet; it is made when a worker takes the job.",
    }
}

/// A plan of a migration that nobody has started.
pub(super) fn before(session: &Session, plan: &Plan) -> Response {
    let mut page = page(Page::of(session, "Plan", "new"), plan, None, &[]);
    page.nothing = "There is nothing to carry.";
    send(&page)
}

/// The plan of a job, and what became of it.
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    session: Session,
) -> Result<Response, Refusal> {
    let (found, job) = find(&service, &session, &id).await?;
    let kept = service.journal.kept(found.view.id, "plan").await.map_err(Problem::from)?;
    let plan: Plan = kept.and_then(|it| serde_json::from_value(it).ok()).unwrap_or_default();
    let head = Some(Head::of(&service, &job, "plan"));
    let of = Page::of(&session, format!("Plan of job {id}"), "jobs");
    Ok(send(&page(of, &plan, head, &job.progress.kinds)))
}
