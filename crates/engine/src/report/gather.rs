//! From the journal to a report.

use super::{
    HANDED_OVER, KindRow, LossGroup, MAX_EXAMPLES, MAX_FAILURES, MAX_LOSS_GROUPS, Report,
    ReportError,
};
use crate::{
    carry::{LOCKS, is_of_source},
    relink::Relinked,
    transform::links::UNRESOLVED,
    verify::Verification,
};
use futures::TryStreamExt;
use packhorse_core::{
    Loss, LossCause, ObjectKind, Scope,
    job::{JobId, JobView},
    model::Time,
    plan::Plan,
    port::{Counts, Failure, History, Journal, NotedLoss},
};
use std::collections::BTreeMap;

/// Gathers what became of a job.
///
/// # Errors
///
/// [`ReportError::UnknownJob`], or whatever the journal answers.
pub async fn report(journal: &dyn Journal, job: JobId) -> Result<Report, ReportError> {
    let view = view(journal, job).await?;
    let plan: Option<Plan> = document(journal, job, "plan").await?;
    let verification: Option<Verification> = document(journal, job, "verification").await?;
    let history = journal.history(job).await?;
    let history = history.as_ref();
    let relinked: Option<Relinked> = document(journal, job, Relinked::DOCUMENT).await?;
    let handed_over: Option<Vec<NotedLoss>> = document(journal, job, HANDED_OVER).await?;
    let handed_over = handed_over.unwrap_or_default();
    let mut losses = groups(history, plan.as_ref(), &handed_over).await?;
    if let Some(relinked) = relinked {
        settle_references(&mut losses, &relinked);
    }
    let (failures, n_failures) = failures(history).await?;
    let kinds = kinds(history, plan.as_ref()).await?;
    let total = kinds.iter().fold(Counts::default(), |mut sum, row| {
        sum.add(&row.counts);
        sum
    });
    let plan = plan.unwrap_or_default();
    Ok(Report {
        job,
        from: view.spec.from,
        to: view.spec.to,
        state: view.state,
        reason: view.reason,
        started_at: view.started_at,
        ended_at: view.ended_at,
        seconds: view.started_at.zip(view.ended_at).map(|(from, to)| seconds(from, to)),
        projects: history.projects().await?,
        kinds,
        total,
        losses,
        source_losses: plan.source_losses,
        conflicts: plan.conflicts,
        unmapped_users: plan.unmapped_users,
        failures,
        n_failures,
        verification,
        handed_over,
        told: Vec::new(),
    })
}

async fn view(journal: &dyn Journal, job: JobId) -> Result<JobView, ReportError> {
    let found = journal.jobs(Some(job)).await?;
    found.into_iter().next().ok_or(ReportError::UnknownJob(job))
}

async fn document<T: serde::de::DeserializeOwned>(
    journal: &dyn Journal,
    job: JobId,
    name: &str,
) -> Result<Option<T>, ReportError> {
    let kept = journal.kept(job, name).await?;
    Ok(kept.map(serde_json::from_value).transpose()?)
}

fn seconds(from: Time, to: Time) -> f64 {
    to.instant().duration_since(from.instant()).as_secs_f64()
}

async fn kinds(history: &dyn History, plan: Option<&Plan>) -> Result<Vec<KindRow>, ReportError> {
    let mut rows = BTreeMap::new();
    let row = |kind| KindRow { kind, planned: None, fate: None, counts: Counts::default() };
    for planned in plan.into_iter().flat_map(|plan| &plan.kinds) {
        let row = rows.entry(planned.kind).or_insert_with(|| row(planned.kind));
        row.planned = planned.records;
        row.fate = Some(planned.fate);
    }
    for lane in history.lanes().await? {
        rows.entry(lane.kind).or_insert_with(|| row(lane.kind)).counts.add(&lane.counts);
    }
    let is_worth_a_row = |row: &KindRow| {
        row.fate.is_some()
            || row.counts != Counts { source: row.counts.source, ..Counts::default() }
    };
    Ok(rows.into_values().filter(is_worth_a_row).collect())
}

async fn failures(history: &dyn History) -> Result<(Vec<Failure>, u64), ReportError> {
    let mut first = Vec::new();
    let mut count = 0;
    let mut failures = history.all_failures();
    while let Some(failure) = failures.try_next().await? {
        count += 1;
        if first.len() < MAX_FAILURES {
            first.push(failure);
        }
    }
    Ok((first, count))
}

/// What makes losses alike.
type Key = (ObjectKind, String, LossCause, String);

async fn groups(
    history: &dyn History,
    plan: Option<&Plan>,
    handed_over: &[NotedLoss],
) -> Result<Vec<LossGroup>, ReportError> {
    let mut groups: BTreeMap<Key, LossGroup> = BTreeMap::new();
    let mut losses = history.all_losses();
    while let Some(noted) = losses.try_next().await? {
        add(&mut groups, noted, plan);
    }
    // No plan of ours knows what a destination will say; what is said of all was known before.
    handed_over.iter().for_each(|noted| add(&mut groups, noted.clone(), None));
    let of_all = |it: &&NotedLoss| it.id == "*";
    for NotedLoss { kind, loss, .. } in handed_over.iter().filter(of_all) {
        let key = (*kind, loss.field.to_string(), loss.cause, loss.detail.clone());
        groups.entry(key).and_modify(|it| it.planned = true);
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by_key(|it| (it.planned, std::cmp::Reverse(it.count)));
    Ok(groups)
}

fn add(groups: &mut BTreeMap<Key, LossGroup>, noted: NotedLoss, plan: Option<&Plan>) {
    let NotedLoss { scope, kind, id, loss } = noted;
    let is_found_out = is_found_out(kind, &loss);
    let field = loss.field.into_owned();
    let mut key: Key = (kind, field, loss.cause, loss.detail);
    if groups.len() >= MAX_LOSS_GROUPS && !groups.contains_key(&key) {
        key.3 = "various; every one is in the CSV".to_owned();
    }
    let group = groups.entry(key).or_insert_with_key(|(kind, field, cause, detail)| LossGroup {
        kind: *kind,
        field: field.clone(),
        cause: *cause,
        detail: detail.clone(),
        count: 0,
        // What stays behind with something that was left out by plan is as planned as that.
        planned: is_found_out
            || (field == Loss::WHOLE && *cause == LossCause::Policy)
            || plan.is_some_and(|it| it.foresees(*kind, field)),
        examples: Vec::new(),
    });
    group.count += 1;
    if group.examples.len() < MAX_EXAMPLES {
        group.examples.push(place(&scope, &id));
    }
}

/// Whether a loss is of a kind that no plan can know of, since history is not read before it is
/// carried: large files that the source itself lacks, and the owners of locks.
fn is_found_out(kind: ObjectKind, loss: &Loss) -> bool {
    let field = loss.field.as_ref();
    is_of_source(kind, loss) || (kind == ObjectKind::Repository && field == LOCKS)
}

/// References that the second pass has resolved are no losses any more.
fn settle_references(losses: &mut Vec<LossGroup>, relinked: &Relinked) {
    for group in losses.iter_mut().filter(|it| it.field == UNRESOLVED) {
        group.count = relinked.left.get(&group.kind).copied().unwrap_or(0);
    }
    losses.retain(|it| it.count > 0);
}

/// A record for people: `acme/app#12`.
pub(super) fn place(scope: &Scope, id: &str) -> String {
    match scope.project() {
        Some(project) if project == id => project.to_owned(),
        Some(project) => format!("{project}#{id}"),
        None => id.to_owned(),
    }
}
