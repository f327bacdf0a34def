//! Jobs of all APIs together, as the service's own API and its pages see them.

use super::{
    AnyError, Part, Request, Store, StoreError, now_ms,
    parts::{self, PART, WIDTH},
    requests,
    sql::{Filter, Row, values},
};
use packhorse_core::job::JobId;

/// How long somebody who delivers has for it, in milliseconds.
const DELIVERING_MS: i64 = 60_000;

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

fn listed(row: &Row) -> Result<Listed, AnyError> {
    let told = WIDTH + 8;
    let (request, part) = (requests::request(row, WIDTH)?, parts::part(row)?);
    Ok(Listed { request, part, told: row.get(told)? })
}

impl Store {
    /// Jobs with their requests, newest first.
    pub(crate) async fn jobs(&self, query: JobQuery) -> Result<Vec<Listed>, StoreError> {
        self.read("list jobs", move |tx| {
            Box::pin(async move {
                let mut filter = Filter::new("job IS NOT NULL");
                filter.and_if("\"user\" = ?", query.user);
                filter.and_if("state = ?", query.state);
                filter.and_if("id < ?", query.before);
                // One table leads, so that one of its indices gives the order.
                let page = format!(
                    "SELECT * FROM parts WHERE {} ORDER BY id DESC LIMIT {}",
                    filter.sql.clone(),
                    filter.with(query.limit)
                );
                let sql = format!(
                    "SELECT {PART}, {}, parts.told FROM ({page}) AS parts
                     JOIN requests ON requests.id = parts.request ORDER BY parts.id DESC",
                    requests::COLUMNS,
                );
                tx.rows(&sql, &filter.values).await?.iter().map(listed).collect()
            })
        })
        .await
    }

    /// Keeps what was told of jobs that have ended, by the numbers of their parts.
    pub(crate) async fn tell(&self, all: Vec<(u64, String)>) -> Result<(), StoreError> {
        self.write("keep what was told of jobs", move |tx| {
            Box::pin(async move {
                let sql = "UPDATE parts SET told = ?2 WHERE id = ?1 AND settled_at IS NOT NULL";
                for (part, told) in all {
                    tx.execute(sql, values![part, told]).await?;
                }
                Ok(())
            })
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
            Box::pin(async move {
                let sql = format!(
                    "SELECT {PART}, {} FROM parts JOIN requests ON requests.id = parts.request
                     WHERE parts.job = ?1",
                    requests::COLUMNS
                );
                let row = tx.row(&sql, values![job]).await?;
                row.map(|row| Ok((requests::request(&row, WIDTH)?, parts::part(&row)?))).transpose()
            })
        })
        .await
    }

    /// How many jobs a user, or everybody, has in which state, as it was last seen.
    pub(crate) async fn states_of(
        &self,
        user: Option<String>,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        self.read("count jobs", move |tx| {
            Box::pin(async move {
                let mut filter = Filter::new("state <> ''");
                filter.and_if("\"user\" = ?", user);
                let sql = format!(
                    "SELECT state, count(*) FROM parts WHERE {} GROUP BY state",
                    filter.sql
                );
                let rows = tx.rows(&sql, &filter.values).await?;
                rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
            })
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
            Box::pin(async move {
                let sql = "UPDATE parts SET wish = ?2, sealed = ?3, sealed_target = ?4,
                         settled_at = NULL, told = NULL
                     WHERE id = ?1";
                tx.execute(sql, values![part, wish.name(), sealed, sealed_target]).await?;
                let sql = "UPDATE requests SET cancelled_at = NULL, updated_at = ?2 WHERE id = ?1";
                tx.execute(sql, values![request, now_ms()]).await?;
                Ok(())
            })
        })
        .await
    }

    /// Notes that a wish is being fulfilled, or was.
    pub(crate) async fn fulfilled(&self, part: u64) -> Result<(), StoreError> {
        self.write("note that a wish was heard", move |tx| {
            Box::pin(async move {
                let sql = "UPDATE parts SET wish = NULL WHERE id = ?1 AND wish IS NOT NULL";
                tx.execute(sql, values![part]).await?;
                Ok(())
            })
        })
        .await
    }

    /// Notes how far a job is.
    pub(crate) async fn sample(&self, job: JobId, it: Sample) -> Result<(), StoreError> {
        self.write("note how far a job is", move |tx| {
            Box::pin(async move {
                let sql = "INSERT INTO samples (job, at, n_read, n_carried, n_failed, bytes)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";
                let of = values![job, it.at, it.read, it.carried, it.failed, it.bytes];
                tx.execute(sql, of).await?;
                let count = "SELECT count(*) FROM samples WHERE job = ?1";
                if tx.value::<u64>(count, values![job]).await? > MOST_SAMPLES {
                    let sql = "DELETE FROM samples WHERE job = ?1 AND at IN (SELECT at FROM
                         (SELECT at, row_number() OVER (ORDER BY at) AS n
                          FROM samples WHERE job = ?1) AS all_of_it
                         WHERE n % 2 = 0 AND at < ?2)";
                    tx.execute(sql, values![job, it.at]).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// How far a job was, in the order of time.
    pub(crate) async fn samples(&self, job: JobId) -> Result<Vec<Sample>, StoreError> {
        self.read("look how far a job was", move |tx| {
            Box::pin(async move {
                let sql = "SELECT at, n_read, n_carried, n_failed, bytes FROM samples
                     WHERE job = ?1 ORDER BY at";
                let rows = tx.rows(sql, values![job]).await?;
                let sample = |row: &Row| {
                    Ok(Sample {
                        at: row.get(0)?,
                        read: row.get(1)?,
                        carried: row.get(2)?,
                        failed: row.get(3)?,
                        bytes: row.get(4)?,
                    })
                };
                rows.iter().map(sample).collect()
            })
        })
        .await
    }

    /// Notes that somebody shall hear of the end of a job.
    pub(crate) async fn deliver(&self, job: JobId) -> Result<(), StoreError> {
        self.write("note a delivery", move |tx| {
            Box::pin(async move {
                let sql = "INSERT INTO deliveries (job, next_at) VALUES (?1, ?2)";
                tx.execute(sql, values![job, now_ms()]).await?;
                Ok(())
            })
        })
        .await
    }

    /// Takes what shall be delivered by now, at most that many; it is the caller's for a minute,
    /// where there are others.
    pub(crate) async fn due(&self, now: i64, limit: u64) -> Result<Vec<Delivery>, StoreError> {
        let until = if self.is_shared() { now + DELIVERING_MS } else { now };
        self.write("look for deliveries", move |tx| {
            Box::pin(async move {
                // Asked twice, so that of two who found the same only one has it.
                let sql = "UPDATE deliveries SET next_at = ?1 WHERE next_at <= ?2 AND id IN
                     (SELECT id FROM deliveries WHERE next_at <= ?2 ORDER BY next_at LIMIT ?3)
                     RETURNING id, job, tries";
                let rows = tx.rows(sql, values![until, now, limit]).await?;
                let delivery = |row: &Row| {
                    Ok(Delivery { id: row.get(0)?, job: row.get(1)?, tries: row.get(2)? })
                };
                rows.iter().map(delivery).collect()
            })
        })
        .await
    }

    /// Notes that a delivery shall be tried again then, or, without a time, that it is done with.
    pub(crate) async fn delivered(&self, id: u64, again_at: Option<i64>) -> Result<(), StoreError> {
        self.write("note a delivery", move |tx| {
            Box::pin(async move {
                match again_at {
                    Some(at) => {
                        let sql =
                            "UPDATE deliveries SET tries = tries + 1, next_at = ?2 WHERE id = ?1";
                        tx.execute(sql, values![id, at]).await?;
                    }
                    None => {
                        tx.execute("DELETE FROM deliveries WHERE id = ?1", values![id]).await?;
                    }
                }
                Ok(())
            })
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
