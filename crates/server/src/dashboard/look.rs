//! Pages to look at: jobs, and one job.

use super::{
    chart::Chart,
    page::{Figure, Head, Page, Refusal, class, place as place_of, send},
    session::Session,
    words,
};
use crate::{
    Service,
    native::{
        act::{FROM_SEALED, TO_SEALED},
        job::{self, Found},
        losses::Links,
        report::{self, Form},
        routes::{self, Asked},
        wire::{Job, Kind, Progress, State as JobState},
    },
    store::JobQuery,
    token::Scope,
};
use askama::Template;
use axum::{
    extract::{Path, RawQuery, State},
    response::Response,
};
use packhorse_core::{ObjectKind, Scope as Place, port::Stage};
use std::sync::Arc;

/// Jobs of a page.
const JOBS: u64 = 30;
/// Projects that a page shows; all are in the report.
const PROJECTS: usize = 200;

/// A job by the number in a path, for whoever is logged in.
pub(super) async fn find(
    service: &Service,
    session: &Session,
    id: &str,
) -> Result<(Found, Job), Refusal> {
    let id = id.parse().map_err(|_| crate::native::error::Problem::no_job())?;
    let found = job::find(service, &session.caller, id).await?;
    let shown = job::shown(service, &found).await.map_err(crate::native::error::Problem::from)?;
    Ok((found, shown))
}

struct Filter {
    name: &'static str,
    n: String,
    href: String,
    is_here: bool,
}

struct JobRow {
    id: u64,
    state: &'static str,
    class: &'static str,
    from: String,
    to: String,
    records: Option<u64>,
    read: u64,
    figures: String,
    meta: String,
}

#[derive(Template)]
#[template(path = "jobs.html")]
struct JobsPage {
    page: Page,
    filters: Vec<Filter>,
    rows: Vec<JobRow>,
    is_all: bool,
    next: Option<String>,
}

fn row(service: &Service, job: &Job) -> JobRow {
    let it = &job.progress;
    let records = it.records.filter(|all| *all > 0);
    let mut figures = format!("{} records", words::of(it.read, records));
    if it.failed > 0 {
        figures += &format!(", {} failed", words::count(it.failed));
    }
    if let Some(seconds) = it.seconds_left {
        figures += &format!(", {} left", words::span(seconds));
    }
    JobRow {
        id: job.id,
        state: words::state(job.state),
        class: class(job.state),
        from: place_of(service, &job.from),
        to: place_of(service, &job.to),
        records,
        read: it.read,
        figures,
        meta: format!("{}, {}", job.user, words::moment(&job.created_at)),
    }
}

/// All jobs, newest first.
pub(super) async fn jobs(
    State(service): State<Arc<Service>>,
    RawQuery(query): RawQuery,
    session: Session,
) -> Result<Response, Refusal> {
    let asked = Asked(query.as_deref());
    let state = asked.state()?;
    let before = asked.number("before")?;
    let user = session.caller.sees();
    let counts = service.store.states_of(user.clone()).await;
    let counts = counts.map_err(crate::native::error::Problem::from)?;
    let n_of = |name: &str| counts.iter().find(|it| it.0 == name).map_or(0, |it| it.1);
    let mut filters = vec![Filter {
        name: "all",
        n: words::count(counts.iter().map(|it| it.1).sum()),
        href: "/jobs".to_owned(),
        is_here: state.is_none(),
    }];
    filters.extend(JobState::ALL.into_iter().map(|it| Filter {
        name: words::state(it),
        n: words::count(n_of(it.name())),
        href: format!("/jobs?state={}", it.name()),
        is_here: state == Some(it.name()),
    }));
    let query = JobQuery { user, state: state.map(str::to_owned), before, limit: JOBS };
    let found = routes::page(&service, query).await?;
    let next = found.next.map(|next| {
        let state = state.map(|it| format!("&state={it}")).unwrap_or_default();
        format!("/jobs?before={next}{state}")
    });
    let mut page = Page::of(&session, "Jobs", "jobs");
    page.live = Some("/jobs/live".to_owned());
    let rows = found.jobs.iter().map(|it| row(&service, it)).collect();
    Ok(send(&JobsPage { page, filters, rows, is_all: state.is_none(), next }))
}

struct KindRow {
    kind: String,
    read: String,
    n: u64,
    all: Option<u64>,
    carried: String,
    failed: String,
    has_failed: bool,
    losses: String,
}

fn kind_row(it: &Kind) -> KindRow {
    KindRow {
        kind: words::kind(&it.kind),
        read: words::of(it.read, it.records),
        n: it.read,
        all: it.records.filter(|all| *all > 0),
        carried: words::count(it.carried),
        failed: words::count(it.failed),
        has_failed: it.failed > 0,
        losses: words::count(it.losses),
    }
}

struct ProjectRow {
    source: String,
    target: String,
    source_url: Option<String>,
    target_url: Option<String>,
    stage: &'static str,
    class: &'static str,
    reason: Option<String>,
}

pub(super) struct Action {
    pub(super) name: &'static str,
    text: &'static str,
    what: &'static str,
    class: &'static str,
    sure: &'static str,
}

#[derive(Template)]
#[template(path = "job.html")]
struct JobPage {
    page: Page,
    head: Head,
    figures: Vec<Figure>,
    waiting: Vec<String>,
    kinds: Vec<KindRow>,
    chart: Option<Chart>,
    projects: Vec<ProjectRow>,
    projects_all: String,
    limits: Vec<[String; 3]>,
    actions: Vec<Action>,
    needs_from_token: bool,
    needs_to_token: bool,
}

fn figures(it: &Progress) -> Vec<Figure> {
    let rate = it.rate.map(words::rate).unwrap_or_default();
    let left = it.seconds_left.map(|it| format!("about {} left", words::span(it)));
    let figure = |name, value, more| Figure { name, value, more, is_bad: false };
    vec![
        figure("Projects", words::of(it.projects_done, Some(it.projects)), String::new()),
        figure("Records read", words::of(it.read, it.records), left.unwrap_or_default()),
        figure("Arrived", words::count(it.carried), rate),
        figure("Repositories and files", words::bytes(it.bytes), String::new()),
        Figure {
            is_bad: it.failed > 0,
            ..figure("Failed", words::count(it.failed), String::new())
        },
        figure("Losses", words::count(it.losses), String::new()),
    ]
}

pub(super) fn actions(job: &Job, may_act: bool) -> Vec<Action> {
    if !may_act || job.wish.is_some() {
        return Vec::new();
    }
    let resume = Action {
        name: "resume",
        text: "Resume",
        what: "goes on where it stopped, and tries again what failed.",
        class: "primary",
        sure: "",
    };
    let roll_back = Action {
        name: "rollback",
        text: "Roll back",
        what: "removes from the destination what this job made, unless somebody has changed it since.",
        class: "danger",
        sure: "Remove what this job made at the destination?",
    };
    let cancel = Action {
        name: "cancel",
        text: "Cancel",
        what: "stops at the next safe place; what has arrived is whole and stays.",
        class: "danger",
        sure: "",
    };
    let is_undone = job.rolled_back.as_ref().is_some_and(|it| it.error.is_none());
    match job.state {
        JobState::Waiting | JobState::Running | JobState::Stopped if job.cancelling => Vec::new(),
        JobState::Waiting | JobState::Running | JobState::Stopped => vec![cancel],
        JobState::Failed | JobState::Cancelled | JobState::Finished if is_undone => Vec::new(),
        JobState::Finished => vec![roll_back],
        JobState::Failed | JobState::Cancelled if job.rolled_back.is_some() => vec![roll_back],
        JobState::Failed | JobState::Cancelled => vec![resume, roll_back],
    }
}

const fn stage(it: Stage) -> (&'static str, &'static str) {
    match it {
        Stage::Waiting => ("waiting", ""),
        Stage::Carrying => ("on its way", "busy"),
        Stage::Carried => ("carried", "good"),
        Stage::Verified => ("verified", "good"),
        Stage::Differs => ("differs", "warn"),
        Stage::Failed => ("failed", "bad"),
        Stage::Blocked => ("in the way", "warn"),
    }
}

async fn projects(
    service: &Service,
    found: &Found,
) -> Result<(Vec<ProjectRow>, u64), crate::native::error::Problem> {
    let links = Links::of(service, found).await?;
    let all = service.journal.history(found.view.id).await?.projects().await?;
    let n = all.len() as u64;
    let rows = all.into_iter().take(PROJECTS).map(|it| {
        let place = Place::Project(it.source.clone());
        let (stage, class) = stage(it.stage);
        ProjectRow {
            source_url: links.source(&place, ObjectKind::Project, &it.source),
            target_url: links.target(&place, ObjectKind::Project, &it.target),
            source: it.source,
            target: it.target,
            stage,
            class,
            reason: it.reason,
        }
    });
    Ok((rows.collect(), n))
}

/// One job.
pub(super) async fn job(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    session: Session,
) -> Result<Response, Refusal> {
    let (found, job) = find(&service, &session, &id).await?;
    let (projects, n_projects) = projects(&service, &found).await?;
    let samples = service.store.samples(found.view.id).await;
    let samples = samples.map_err(crate::native::error::Problem::from)?;
    let ends = format!("{} {}", job.from, job.to);
    let limits = service.metrics.waits().into_iter().filter(|(limit, _)| {
        limit.split(' ').next().is_some_and(|host| !host.is_empty() && ends.contains(host))
    });
    let limits =
        limits.map(|(limit, it)| [limit, words::count(it.count), words::span(it.millis / 1_000)]);
    let waiting = job
        .progress
        .waits
        .iter()
        .map(|it| format!("Waiting until {}: {}.", words::moment(&it.until), it.limit));
    let has_ended = job.state.has_ended() && job.wish.is_none();
    let mut page = Page::of(&session, format!("Job {id}"), "jobs");
    page.live = (!has_ended).then(|| format!("/jobs/{}/live", job.id));
    let actions = actions(&job, session.caller.may(Scope::Migrate));
    let asks_again = has_ended && !actions.is_empty();
    Ok(send(&JobPage {
        page,
        head: Head::of(&service, &job, "overview"),
        figures: figures(&job.progress),
        waiting: waiting.collect(),
        kinds: job.progress.kinds.iter().map(kind_row).collect(),
        chart: Chart::of(&samples),
        projects,
        projects_all: words::count(n_projects),
        limits: limits.collect(),
        needs_from_token: asks_again && found.part.body[FROM_SEALED] == true,
        needs_to_token: asks_again && found.part.body[TO_SEALED] == true,
        actions,
    }))
}

/// The report, to keep.
pub(super) async fn report(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    session: Session,
) -> Result<Response, Refusal> {
    let (found, _) = find(&service, &session, &id).await?;
    let form = Asked(query.as_deref()).text("format").and_then(|it| Form::named(&it));
    Ok(report::answer(&service, &found, form.unwrap_or(Form::Html)).await?)
}
