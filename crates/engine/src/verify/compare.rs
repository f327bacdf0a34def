//! Two ends side by side, without a journal.
//!
//! Records are brought together by id where people have a name for the thing:
//! numbers, names, tags, paths. Comments, reviews and the like have ids that
//! hosts give; they are brought together by id where both ends have the same
//! ids, and what is left over by content: as many equal records on both sides
//! as there are.

use super::{
    Finding, Verification, VerifyError, What, blob,
    explain::{Mismatch, explain_both},
    lane::{Pair, counts, kinds_of},
    pages::Pages,
    repository::Repositories,
    tally::{Matching, Outcome, Rows, Tally},
};
use crate::transform::PathMap;
use packhorse_core::{
    Event, Fingerprint, HostError, Lane, Listener, ObjectKind, Record, RepoKind, Scope,
    job::JobOptions, port::Source,
};
use packhorse_git::{Git, RefPolicy};
use std::{collections::BTreeSet, path::Path, sync::Arc};

/// What comparing two ends needs.
pub struct Comparison<'a> {
    /// The end that says how it should be.
    pub from: &'a dyn Source,
    /// The end that is held against it.
    pub to: &'a dyn Source,
    /// Projects: full paths at `from` and at `to`.
    pub projects: &'a [(String, String)],
    /// Which kinds.
    pub options: &'a JobOptions,
    /// The `git` program, and which refs count.
    pub git: (&'a Git, RefPolicy),
    /// Directory for ids and hashes.
    pub scratch: &'a Path,
    /// Who wants to know how far it is.
    pub listener: &'a dyn Listener,
}

/// Full paths of all projects of an end, in its order.
///
/// # Errors
///
/// When it cannot be read.
pub async fn projects_of(source: &dyn Source) -> Result<Vec<String>, HostError> {
    let lane = Lane::new(Scope::Shared, ObjectKind::Project);
    let mut pages = Pages::of(source, &lane);
    let mut list = Vec::new();
    while let Some(records) = pages.next().await? {
        list.extend(records.into_iter().map(|it| it.origin.id));
    }
    Ok(list)
}

/// Compares the projects of two ends, and what is beside all projects.
///
/// Records that only `to` has are extra; they do not make the result unclean.
///
/// # Errors
///
/// When an end or the scratch directory cannot be used. What differs is no error.
pub async fn compare(comparison: &Comparison<'_>) -> Result<Verification, VerifyError> {
    let paths = PathMap::new(comparison.projects.iter().cloned());
    let (mut tally, _directory) = Tally::open(comparison.scratch)?;
    let mut verification = Verification::begun();
    let side = Side { comparison, paths };
    let wants = |kind| comparison.options.wants(kind);
    let shared = Scope::Shared;
    let kinds = kinds_of(&shared).chain([ObjectKind::Project]);
    for kind in kinds.filter(|kind| wants(*kind)) {
        let lane = Lane::new(shared.clone(), kind);
        let pair = Pair { origin: lane.clone(), target: lane, paths: Arc::default() };
        side.lane(&pair, &mut tally, &mut verification).await?;
    }
    for (from, to) in comparison.projects {
        let scope = Scope::Project(from.clone());
        for kind in kinds_of(&scope).filter(|kind| wants(*kind)) {
            let target = Lane::new(Scope::Project(to.clone()), kind);
            let origin = Lane::new(scope.clone(), kind);
            let pair = Pair { origin, target, paths: Arc::default() };
            side.lane(&pair, &mut tally, &mut verification).await?;
        }
        let repositories = Repositories {
            git: comparison.git.0,
            source: comparison.from,
            reader: comparison.to,
            paths: (from, to),
            policy: comparison.git.1.clone(),
            lists_files: true,
        };
        for repo in [RepoKind::Code, RepoKind::Wiki] {
            if wants(super::repository::kind_of(repo)) {
                repositories.check(repo, &mut verification).await?;
            }
        }
    }
    Ok(verification)
}

struct Side<'a> {
    comparison: &'a Comparison<'a>,
    paths: PathMap,
}

impl Side<'_> {
    async fn lane(
        &self,
        pair: &Pair,
        tally: &mut Tally,
        verification: &mut Verification,
    ) -> Result<(), VerifyError> {
        let kind = pair.origin.kind;
        let Comparison { from, to, listener, projects, .. } = *self.comparison;
        tally.clear()?;
        let ours: BTreeSet<&str> = projects.iter().map(|(path, _)| path.as_str()).collect();
        let mut pages = Pages::of(from, &pair.origin);
        while let Some(records) = pages.next().await? {
            let mut rows = Vec::with_capacity(records.len());
            for record in records {
                if kind == ObjectKind::Project && !ours.contains(record.origin.id.as_str()) {
                    continue;
                }
                let id = record.origin.id.clone();
                let record = self.mapped(blob::completed(from, &pair.origin.scope, record).await);
                rows.push((record.origin.id, id, Fingerprint::of(&record.object)));
            }
            tally.expect(rows)?;
        }
        let mut pages = Pages::of(to, &pair.target);
        let mut compared = 0;
        while let Some(records) = pages.next().await? {
            compared += records.len() as u64;
            let mut rows = Vec::with_capacity(records.len());
            for record in records {
                let record = blob::completed(to, &pair.target.scope, record).await;
                rows.push((record.origin.id, Fingerprint::of(&record.object)));
            }
            tally.find(rows)?;
            let scope = pair.origin.scope.clone();
            listener.on(&Event::Verifying { scope, kind, compared });
        }
        let outcome = tally.outcome(matching(kind), verification.room())?;
        let tallied = counts(&outcome);
        self.report(pair, outcome, verification).await?;
        verification.close_lane(&pair.origin.scope, kind, tallied);
        Ok(())
    }

    /// A record of `from` as it should be at `to`; ids that are paths follow the map.
    fn mapped(&self, mut record: Record) -> Record {
        self.paths.rewrite(&mut record.object);
        let id = &mut record.origin.id;
        if record.origin.kind == ObjectKind::Project
            && let Some(target) = self.paths.project(id)
        {
            *id = target.to_owned();
        }
        record
    }

    async fn report(
        &self,
        pair: &Pair,
        outcome: Outcome,
        verification: &mut Verification,
    ) -> Result<(), VerifyError> {
        let finding = |id, what| Finding {
            scope: pair.origin.scope.clone(),
            kind: pair.origin.kind,
            id,
            what,
        };
        let Outcome { different, missing, extra, doubled, .. } = outcome;
        verification.count_more(outcome.n_different - different.len() as u64, true);
        verification.count_more(outcome.n_missing - missing.len() as u64, true);
        verification.count_more(outcome.n_doubled - doubled.len() as u64, true);
        verification.count_more(outcome.n_extra - extra.len() as u64, false);
        let ends = (self.comparison.from, self.comparison.to);
        let mismatches = explain_both(ends, pair, different, |it| self.mapped(it)).await?;
        for Mismatch { origin, fields, note } in mismatches {
            verification.find(finding(origin, What::Different { fields, note }));
        }
        missing.into_iter().for_each(|it| verification.find(finding(it.origin, What::Missing)));
        doubled.into_iter().for_each(|id| verification.find(finding(id, What::Doubled)));
        extra.into_iter().for_each(|id| verification.find(finding(id, What::Extra)));
        Ok(())
    }
}

/// How records of a kind are brought together.
fn matching(kind: ObjectKind) -> Matching {
    match kind {
        ObjectKind::User
        | ObjectKind::Organization
        | ObjectKind::Team
        | ObjectKind::Project
        | ObjectKind::Member
        | ObjectKind::Topic
        | ObjectKind::LfsObject
        | ObjectKind::Repository
        | ObjectKind::Wiki
        | ObjectKind::Label
        | ObjectKind::Milestone
        | ObjectKind::Issue
        | ObjectKind::ChangeRequest
        | ObjectKind::DiscussionCategory
        | ObjectKind::Discussion
        | ObjectKind::Release
        | ObjectKind::ReleaseAsset
        | ObjectKind::BranchRule
        | ObjectKind::TagRule
        | ObjectKind::Variable
        | ObjectKind::State => Matching::ById,
        ObjectKind::Attachment
        | ObjectKind::Review
        | ObjectKind::ReviewThread
        | ObjectKind::ReviewComment
        | ObjectKind::Snippet
        | ObjectKind::CommitComment
        | ObjectKind::Comment
        | ObjectKind::Reaction
        | ObjectKind::Event
        | ObjectKind::CommitStatus
        | ObjectKind::Board
        | ObjectKind::Webhook
        | ObjectKind::DeployKey => Matching::ByContent,
    }
}
