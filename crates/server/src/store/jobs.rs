//! Jobs of all APIs together, as the service's own API and its pages see them.

use super::{
    Part, Request, Store, StoreError, now_ms,
    parts::{self, PART, WIDTH},
    requests,
};
use packhorse_core::job::JobId;
use rusqlite::OptionalExtension;

/// Which jobs to list, newest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct JobQuery {
    /// Of this user alone.
    pub(crate) user: Option<String>,
    /// In this state alone, in the journal's words.
    pub(crate) state: Option<String>,
    /// Only those that came before the job of this part.
    pub(crate) before: Option<u64>,
    pub(crate) limit: u64,
}

/// What shall be done with a job that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Go on with it, and try again what failed.
    Resume,
    /// Remove what it wrote.
    Rollback,
}

impl Wish {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Resume => "resume",
            Self::Rollback => "rollback",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Resume, Self::Rollback].into_iter().find(|it| it.name() == name)
    }
}

/// How far a job was at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sample {
    /// In milliseconds since 1970.
    pub(crate) at: i64,
    /// Records read.
    pub(crate) read: u64,
    /// Records that arrived.
    pub(crate) carried: u64,
    /// Records that did not.
    pub(crate) failed: u64,
    /// Bytes of repositories and files.
    pub(crate) bytes: u64,
}

/// Samples of a job beyond which every second one is forgotten.
const MOST_SAMPLES: u64 = 400;

/// The end of a job that somebody elsewhere wants to hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) id: u64,
    pub(crate) job: JobId,
    /// How often it was tried.
    pub(crate) tries: u32,
}

/// A job of a list.
pub(crate) struct Listed {
    pub(crate) request: Request,
    pub(crate) part: Part,
    /// What was told of it when it had ended.
    pub(crate) told: Option<String>,
}

impl Store {
    /// Jobs with their requests, newest first.
    pub(crate) async fn jobs(&self, query: JobQuery) -> Result<Vec<Listed>, StoreError> {
        self.read("list jobs", move |tx| {
            let and = |test: &str, at: usize, is_said: bool| match is_said {
                true => format!(" AND {test} ?{at}"),
                false => format!(" AND ?{at} IS NULL"),
            };
            // One table leads, so that one of its indices gives the order.
            let sql = format!(
                "SELECT {PART}, {}, told FROM parts
                 CROSS JOIN requests ON requests.id = parts.request
                 WHERE parts.job IS NOT NULL{}{}{} ORDER BY parts.id DESC LIMIT ?4",
                requests::COLUMNS,
                and("parts.user =", 1, query.user.is_some()),
                and("parts.state =", 2, query.state.is_some()),
                and("parts.id <", 3, query.before.is_some()),
            );
            let mut statement = tx.prepare_cached(&sql)?;
            let values = (&query.user, &query.state, query.before, query.limit);
            let rows = statement.query_map(values, |row| {
                let (request, part) = (requests::request(row, WIDTH)?, parts::part(row)?);
                Ok(Listed { request, part, told: row.get("told")? })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Keeps what was told of jobs that have ended, by the numbers of their parts.
    pub(crate) async fn tell(&self, all: Vec<(u64, String)>) -> Result<(), StoreError> {
        self.write("keep what was told of jobs", move |tx| {
            let sql = "UPDATE parts SET told = ?2 WHERE id = ?1 AND settled_at IS NOT NULL";
            let mut statement = tx.prepare_cached(sql)?;
            for (part, told) in all {
                statement.execute((part, told))?;
            }
            Ok(())
        })
        .await
    }

    /// One job with its request, by its number in the journal.
    pub(crate) async fn job(&self, job: JobId) -> Result<Option<(Request, Part)>, StoreError> {
        // Numbers that the database cannot hold are nobody's.
        if i64::try_from(job.0).is_err() {
            return Ok(None);
        }
        self.read("look up a job", move |tx| {
            let sql = format!(
                "SELECT {PART}, {} FROM parts JOIN requests ON requests.id = parts.request
                 WHERE parts.job = ?1",
                requests::COLUMNS
            );
            let found = tx
                .prepare_cached(&sql)?
                .query_row([job.0], |row| Ok((requests::request(row, WIDTH)?, parts::part(row)?)));
            Ok(found.optional()?)
        })
        .await
    }

    /// How many jobs a user, or everybody, has in which state, as it was last seen.
    pub(crate) async fn states_of(
        &self,
        user: Option<String>,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        self.read("count jobs", move |tx| {
            let filter = if user.is_some() { "user = ?1" } else { "?1 IS NULL" };
            let sql = format!(
                "SELECT state, count(*) FROM parts WHERE state <> '' AND {filter} GROUP BY state"
            );
            let mut statement = tx.prepare_cached(&sql)?;
            let rows = statement.query_map([user], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Opens a job that has ended, with credentials for as long as it takes.
    pub(crate) async fn reopen(
        &self,
        part: &Part,
        wish: Wish,
        (sealed, sealed_target): (Option<Vec<u8>>, Option<Vec<u8>>),
    ) -> Result<(), StoreError> {
        let (part, request) = (part.id, part.request);
        self.write("open a job again", move |tx| {
            tx.execute(
                "UPDATE parts SET wish = ?2, sealed = ?3, sealed_target = ?4, settled_at = NULL,
                     told = NULL
                 WHERE id = ?1",
                (part, wish.name(), sealed, sealed_target),
            )?;
            let sql = "UPDATE requests SET cancelled_at = NULL, updated_at = ?2 WHERE id = ?1";
            tx.execute(sql, (request, now_ms()))?;
            Ok(())
        })
        .await
    }

    /// Notes that a wish is being fulfilled, or was.
    pub(crate) async fn fulfilled(&self, part: u64) -> Result<(), StoreError> {
        self.write("note that a wish was heard", move |tx| {
            tx.execute("UPDATE parts SET wish = NULL WHERE id = ?1", [part])?;
            Ok(())
        })
        .await
    }

    /// Notes how far a job is.
    pub(crate) async fn sample(&self, job: JobId, it: Sample) -> Result<(), StoreError> {
        self.write("note how far a job is", move |tx| {
            tx.execute(
                "INSERT INTO samples (job, at, n_read, n_carried, n_failed, bytes)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
                (job.0, it.at, it.read, it.carried, it.failed, it.bytes),
            )?;
            let sql = "SELECT count(*) FROM samples WHERE job = ?1";
            let n: u64 = tx.prepare_cached(sql)?.query_row([job.0], |row| row.get(0))?;
            if n > MOST_SAMPLES {
                tx.execute(
                    "DELETE FROM samples WHERE job = ?1 AND at IN (SELECT at FROM
                         (SELECT at, row_number() OVER (ORDER BY at) AS n FROM samples WHERE job = ?1)
                         WHERE n % 2 = 0 AND at < ?2)",
                    (job.0, it.at),
                )?;
            }
            Ok(())
        })
        .await
    }

    /// How far a job was, in the order of time.
    pub(crate) async fn samples(&self, job: JobId) -> Result<Vec<Sample>, StoreError> {
        self.read("look how far a job was", move |tx| {
            let sql = "SELECT at, n_read, n_carried, n_failed, bytes FROM samples
                 WHERE job = ?1 ORDER BY at";
            let mut statement = tx.prepare_cached(sql)?;
            let rows = statement.query_map([job.0], |row| {
                Ok(Sample {
                    at: row.get(0)?,
                    read: row.get(1)?,
                    carried: row.get(2)?,
                    failed: row.get(3)?,
                    bytes: row.get(4)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Notes that somebody shall hear of the end of a job.
    pub(crate) async fn deliver(&self, job: JobId) -> Result<(), StoreError> {
        self.write("note a delivery", move |tx| {
            let sql = "INSERT INTO deliveries (job, next_at) VALUES (?1, ?2)";
            tx.execute(sql, (job.0, now_ms()))?;
            Ok(())
        })
        .await
    }

    /// What shall be delivered by now, at most that many.
    pub(crate) async fn due(&self, now: i64, limit: u64) -> Result<Vec<Delivery>, StoreError> {
        self.read("look for deliveries", move |tx| {
            let sql = "SELECT id, job, tries FROM deliveries WHERE next_at <= ?1
                 ORDER BY next_at LIMIT ?2";
            let mut statement = tx.prepare_cached(sql)?;
            let rows = statement.query_map((now, limit), |row| {
                Ok(Delivery { id: row.get(0)?, job: JobId(row.get(1)?), tries: row.get(2)? })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Notes that a delivery shall be tried again then, or, without a time, that it is done with.
    pub(crate) async fn delivered(&self, id: u64, again_at: Option<i64>) -> Result<(), StoreError> {
        self.write("note a delivery", move |tx| {
            let sql = match again_at {
                Some(_) => "UPDATE deliveries SET tries = tries + 1, next_at = ?2 WHERE id = ?1",
                None => "DELETE FROM deliveries WHERE id = ?1 AND ?2 IS NULL",
            };
            tx.execute(sql, (id, again_at))?;
            Ok(())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::store;

    #[tokio::test]
    async fn samples_stay_few_however_long_a_job_runs() {
        let (_directory, store) = store();
        for n in 0..1_000 {
            let of = Sample { at: n, read: n.unsigned_abs(), ..Sample::default() };
            store.sample(JobId(1), of).await.unwrap();
        }

        let samples = store.samples(JobId(1)).await.unwrap();

        assert!(samples.len() as u64 <= MOST_SAMPLES + 1, "{}", samples.len());
        assert_eq!((samples[0].at, samples.last().unwrap().at), (0, 999));
        assert!(samples.is_sorted_by_key(|it| it.at));
    }

    #[tokio::test]
    async fn a_delivery_is_due_again_after_its_time_and_gone_when_it_was_made() {
        let (_directory, store) = store();
        store.deliver(JobId(7)).await.unwrap();
        let due = store.due(now_ms(), 10).await.unwrap();
        assert_eq!((due.len(), due[0].job, due[0].tries), (1, JobId(7), 0));

        let later = now_ms() + 60_000;
        store.delivered(due[0].id, Some(later)).await.unwrap();

        assert_eq!(store.due(now_ms(), 10).await.unwrap(), []);
        let due = store.due(later, 10).await.unwrap();
        assert_eq!(due[0].tries, 1);
        store.delivered(due[0].id, None).await.unwrap();
        assert_eq!(store.due(later, 10).await.unwrap(), []);
    }
}
