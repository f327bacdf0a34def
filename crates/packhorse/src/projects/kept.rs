//! What the journal keeps of a run beside what the engine notes: how it was asked for, what it
//! carries, and what became of each project.
//!
//! With it, a job is gone on with, verified and rolled back by its number alone; the database of
//! the platform is asked only to go on. Lists are kept in pages, for a document is read whole.
//!
//! SECURITY: passwords and tokens are no part of it.

use super::{
    arguments::Arguments,
    earlier::{self, Before},
    outcome::{Outcome, Row},
    source::Listed,
};
use crate::{document, error::AppError};
use packhorse_core::{job::JobId, port::Journal};
use packhorse_engine::verify::Verification;
use serde::{Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;

/// How the run was asked for.
const ARGUMENTS: &str = "migrate-projects";
/// What it carries: pages of pairs, by path at the destination.
const LISTED: &str = "migrate-projects-listed";
/// What became of each project: pages of rows.
const ROWS: &str = "migrate-projects-rows";
/// Repositories of the origin that belong to no project.
const STRANGERS: &str = "migrate-projects-strangers";

/// Entries of a page.
const PAGE: usize = 500;

/// What is kept of one job.
#[derive(Clone, Copy)]
pub(super) struct Kept<'a> {
    pub(super) journal: &'a dyn Journal,
    pub(super) job: JobId,
}

impl Kept<'_> {
    /// Keeps how a run was asked for, and adds what it carries to what the job carried before;
    /// what was at the destination before the job is what it found at first.
    pub(super) async fn begin(
        self,
        arguments: &Arguments,
        listed: &BTreeMap<String, Listed>,
    ) -> Result<Before, AppError> {
        let mut all = self.listed().await?;
        for (path, it) in listed {
            let known = all.get(path).map(|it| it.before.clone());
            let before = known.unwrap_or_else(|| it.before.clone());
            all.insert(path.clone(), Listed { before, ..it.clone() });
        }
        let before = earlier::before(&all);
        self.keep_all(LISTED, &all.into_iter().collect::<Vec<_>>()).await?;
        // Last of all: a job without it has not begun to carry.
        self.keep(ARGUMENTS, &arguments.settled()?).await?;
        Ok(before)
    }

    /// How the job was asked for; `None` when it never began to carry.
    pub(super) async fn arguments(self) -> Result<Option<Arguments>, AppError> {
        self.kept(ARGUMENTS).await
    }

    /// What the job carries, by path at the destination.
    pub(super) async fn listed(self) -> Result<BTreeMap<String, Listed>, AppError> {
        Ok(self.kept_all::<(String, Listed)>(LISTED).await?.into_iter().collect())
    }

    /// Keeps what became of all projects.
    pub(super) async fn end(self, outcome: &Outcome) -> Result<(), AppError> {
        self.keep_all(STRANGERS, &outcome.strangers).await?;
        self.keep_all(ROWS, &outcome.projects).await
    }

    /// What the engine's full check found, if it made one.
    pub(super) async fn verification(self) -> Result<Option<Verification>, AppError> {
        self.kept("verification").await
    }

    /// What became of all projects; `None` when the run did not come so far.
    pub(super) async fn outcome(self) -> Result<Option<Outcome>, AppError> {
        let projects: Vec<Row> = self.kept_all(ROWS).await?;
        let strangers = self.kept_all(STRANGERS).await?;
        Ok((!projects.is_empty()).then_some(Outcome { projects, strangers }))
    }

    async fn keep(self, name: &str, value: &impl Serialize) -> Result<(), AppError> {
        Ok(self.journal.keep(self.job, name, &document::value(value)?).await?)
    }

    async fn kept<T: DeserializeOwned>(self, name: &str) -> Result<Option<T>, AppError> {
        let value = self.journal.kept(self.job, name).await?;
        value.map(serde_json::from_value).transpose().map_err(|error| {
            AppError::failed(format!("what the journal keeps of job {} is not clear", self.job))
                .because(error)
                .hint("another version of Packhorse may have written it: run that one")
        })
    }

    async fn keep_all<T: Serialize>(self, name: &str, all: &[T]) -> Result<(), AppError> {
        // An empty page ends a list, also one that was longer before.
        let none: &[T] = &[];
        for (page, number) in all.chunks(PAGE).chain([none]).zip(0..) {
            self.keep(&page_of(name, number), &page).await?;
        }
        Ok(())
    }

    async fn kept_all<T: DeserializeOwned>(self, name: &str) -> Result<Vec<T>, AppError> {
        let mut all = Vec::new();
        for number in 0.. {
            let page: Option<Vec<T>> = self.kept(&page_of(name, number)).await?;
            let Some(page) = page.filter(|it| !it.is_empty()) else { break };
            all.extend(page);
        }
        Ok(all)
    }
}

fn page_of(name: &str, number: u64) -> String {
    format!("{name}/{number}")
}

#[cfg(test)]
mod tests {
    use super::{super::outcome, *};
    use packhorse_core::{
        job::{JobOptions, JobSpec},
        port::Queue,
    };
    use packhorse_journal::SqliteJournal;

    fn outcome(n: usize) -> Outcome {
        let row = |n: usize| Row {
            name: String::new(),
            repository: format!("acme/p{n}"),
            result: outcome::Result::Migrated,
            why: None,
            notes: Vec::new(),
        };
        Outcome { projects: (0..n).map(row).collect(), strangers: vec!["acme/x".to_owned()] }
    }

    #[tokio::test]
    async fn a_list_that_got_shorter_has_no_end_of_the_longer_one() {
        let directory = tempfile::tempdir().unwrap();
        let journal = SqliteJournal::open(&directory.path().join("journal.sqlite")).unwrap();
        let spec = JobSpec {
            from: "a".into(),
            to: "b".into(),
            source_identity: "a".into(),
            sink_identity: "b".into(),
            options: JobOptions::default(),
            queued: false,
        };
        let job = journal.submit(&spec).await.unwrap();
        let kept = Kept { journal: &journal, job };

        assert_eq!(kept.outcome().await.unwrap(), None);
        for n in [PAGE + 1, PAGE, 1] {
            kept.end(&outcome(n)).await.unwrap();

            assert_eq!(kept.outcome().await.unwrap(), Some(outcome(n)));
        }
    }
}
