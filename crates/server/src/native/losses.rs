//! What was lost and what failed: grouped, searched, in pages.

use super::{
    error::Problem,
    job::Found,
    wire::{Failure, Failures, Loss, LossGroup, Losses},
};
use crate::Service;
use packhorse_core::{
    Lane, Location, ObjectKind, Scope,
    port::{ItemQuery, NotedLoss},
};
use packhorse_engine::report;
use std::collections::BTreeMap;

/// Rows that are looked through at a time.
const PAGE: usize = 1_000;

/// Rows that are looked through for one answer; the rest is for the next page.
const MOST_LOOKED_AT: u64 = 100_000;

/// Which losses are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Only those of this kind.
    pub(crate) kind: Option<ObjectKind>,
    /// Only those of this field.
    pub(crate) field: Option<String>,
    /// Only those of this cause: `source`, `policy` or `sink`.
    pub(crate) cause: Option<String>,
    /// Only those in which this stands, whatever the letters' case.
    pub(crate) text: Option<String>,
    /// Only those from this number on.
    pub(crate) after: u64,
    /// At most this many.
    pub(crate) limit: usize,
}

impl Wanted {
    fn is(&self, it: &NotedLoss) -> bool {
        let holds = |text: &str, part: &str| text.to_lowercase().contains(part);
        self.kind.is_none_or(|kind| kind == it.kind)
            && self.field.as_ref().is_none_or(|field| *field == it.loss.field)
            && self.cause.as_ref().is_none_or(|cause| cause == it.loss.cause.name())
            && self.text.as_ref().is_none_or(|part| {
                let part = part.to_lowercase();
                [it.scope.key(), it.kind.name(), &it.id, &it.loss.field, &it.loss.detail]
                    .into_iter()
                    .any(|text| holds(text, &part))
            })
    }
}

/// Groups of losses that are alike, with how many each has.
pub(crate) async fn groups(service: &Service, found: &Found) -> Result<Vec<LossGroup>, Problem> {
    let report = report::report(&*service.journal, found.view.id).await?;
    let groups = report.losses.into_iter().map(|it| LossGroup {
        kind: it.kind.name().to_owned(),
        field: it.field,
        cause: it.cause.name().to_owned(),
        detail: it.detail,
        count: it.count,
        planned: it.planned,
        examples: it.examples,
    });
    Ok(groups.collect())
}

/// Losses, in the order in which they were noted.
pub(crate) async fn page(
    service: &Service,
    found: &Found,
    wanted: &Wanted,
) -> Result<Losses, Problem> {
    let history = service.journal.history(found.view.id).await?;
    let (mut at, mut rows, mut next) = (wanted.after, Vec::new(), None);
    'looking: loop {
        let page = history.losses(at, PAGE).await?;
        let n = page.len();
        for noted in page {
            if wanted.is(&noted) {
                if rows.len() == wanted.limit {
                    next = Some(at);
                    break 'looking;
                }
                rows.push((at, noted));
            }
            at += 1;
        }
        if n < PAGE {
            break;
        }
        if at - wanted.after >= MOST_LOOKED_AT {
            next = Some(at);
            break;
        }
    }
    Ok(Losses { losses: linked(service, found, rows).await?, next })
}

/// Adds where people find each record, on both sides.
async fn linked(
    service: &Service,
    found: &Found,
    rows: Vec<(u64, NotedLoss)>,
) -> Result<Vec<Loss>, Problem> {
    let links = Links::of(service, found).await?;
    let mut by_lane: BTreeMap<(Scope, ObjectKind), Vec<String>> = BTreeMap::new();
    for (_, it) in &rows {
        by_lane.entry((it.scope.clone(), it.kind)).or_default().push(it.id.clone());
    }
    let mut targets = BTreeMap::new();
    for ((scope, kind), ids) in by_lane {
        let lane = Lane::new(scope.clone(), kind);
        let query = ItemQuery::Origins(ids);
        for item in service.journal.items(found.view.route, &lane, &query).await? {
            targets.insert((scope.clone(), kind, item.origin.id), item.target.0);
        }
    }
    let shown = rows.into_iter().map(|(number, it)| {
        let target = targets.get(&(it.scope.clone(), it.kind, it.id.clone()));
        Loss {
            number,
            source_url: links.source(&it.scope, it.kind, &it.id),
            target_url: target.and_then(|id| links.target(&it.scope, it.kind, id)),
            project: it.scope.project().map(str::to_owned),
            kind: it.kind.name().to_owned(),
            id: it.id,
            field: it.loss.field.into_owned(),
            cause: it.loss.cause.name().to_owned(),
            detail: it.loss.detail,
        }
    });
    Ok(shown.collect())
}

/// Where people find what is at either end of a job.
pub(crate) struct Links<'a> {
    service: &'a Service,
    from: Option<Location>,
    to: Option<Location>,
    projects: BTreeMap<String, String>,
}

impl<'a> Links<'a> {
    pub(crate) async fn of(service: &'a Service, found: &Found) -> Result<Self, Problem> {
        let projects = service.journal.history(found.view.id).await?.projects().await?;
        Ok(Self {
            service,
            from: found.view.spec.from.parse().ok(),
            to: found.view.spec.to.parse().ok(),
            projects: projects.into_iter().map(|it| (it.source, it.target)).collect(),
        })
    }

    /// Full path of a project at the destination.
    pub(crate) fn target_path(&self, source: &str) -> Option<&str> {
        self.projects.get(source).map(String::as_str)
    }

    pub(crate) fn source(&self, scope: &Scope, kind: ObjectKind, id: &str) -> Option<String> {
        self.service.places.page(self.from.as_ref()?, scope.project()?, kind, id)
    }

    pub(crate) fn target(&self, scope: &Scope, kind: ObjectKind, id: &str) -> Option<String> {
        let path = self.target_path(scope.project()?)?;
        self.service.places.page(self.to.as_ref()?, path, kind, id)
    }
}

/// What did not arrive, in pages.
pub(crate) async fn failures(
    service: &Service,
    found: &Found,
    (after, limit): (u64, usize),
) -> Result<Failures, Problem> {
    let links = Links::of(service, found).await?;
    let rows = service.journal.history(found.view.id).await?.failures(after, limit).await?;
    let next = (rows.len() == limit).then(|| after + limit as u64);
    let failures = rows.into_iter().map(|it| Failure {
        source_url: it.id.as_ref().and_then(|id| links.source(&it.scope, it.kind, id)),
        project: it.scope.project().map(str::to_owned),
        kind: it.kind.name().to_owned(),
        id: it.id,
        reason: it.reason,
    });
    Ok(Failures { failures: failures.collect(), next })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_found_by_what_stands_in_them() {
        let noted = NotedLoss {
            scope: Scope::Project("acme/app".to_owned()),
            kind: ObjectKind::Issue,
            id: "12".to_owned(),
            loss: packhorse_core::Loss::sink("weight", "Weights have no place"),
        };
        let wants = |wanted: Wanted| wanted.is(&noted);
        let text = |text: &str| Wanted { text: Some(text.to_owned()), ..Wanted::default() };

        assert!(wants(Wanted::default()));
        assert!(wants(text("WEIGHTS")) && wants(text("acme/")) && wants(text("issue")));
        assert!(!wants(text("comment")));
        assert!(!wants(Wanted { kind: Some(ObjectKind::Label), ..Wanted::default() }));
        assert!(!wants(Wanted { cause: Some("source".to_owned()), ..Wanted::default() }));
    }
}
