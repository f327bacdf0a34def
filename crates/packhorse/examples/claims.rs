//! What taking jobs from a long queue takes, for `scripts/bench-serve`.
//!
//! `claims JOURNAL WORKERS CLAIMS`: makes the tables of a journal, a file or the URL of a database,
//! and takes so many of the jobs that it finds, with workers side by side, and ends each at once,
//! unmeasured. At a database each has connections of its own, as other processes have; at a file
//! they share them, as the service's own workers do. Prints the milliseconds of the 50th and the
//! 99th percentile, the longest, how many jobs were taken twice, and how many in all.

use packhorse_core::{
    job::{JobId, JobState},
    port::Journal,
};
use packhorse_journal::{PostgresJournal, SqliteJournal};
use std::{
    collections::BTreeSet,
    error::Error,
    io::Write as _,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;
use tokio_postgres::NoTls;

type AnyError = Box<dyn Error + Send + Sync>;

/// Longer than the measurement, so that nobody takes a job over.
const LEASE: Duration = Duration::from_secs(3_600);

fn is_file(place: &str) -> bool {
    !place.starts_with("postgres")
}

fn open(place: &str) -> Result<Arc<dyn Journal>, AnyError> {
    Ok(match is_file(place) {
        true => Arc::new(SqliteJournal::open(Path::new(place))?),
        false => Arc::new(PostgresJournal::new(place.parse()?, NoTls)?),
    })
}

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [place, workers, claims] = &arguments[..] else {
        return Err("claims JOURNAL WORKERS CLAIMS".into());
    };
    let workers: usize = workers.parse()?;
    let each = claims.parse::<usize>()? / workers.max(1);
    let shared = open(place)?;
    shared.jobs(Some(JobId(0))).await?;
    let mut taking = JoinSet::new();
    for n in 0..workers {
        let journal = if is_file(place) { Arc::clone(&shared) } else { open(place)? };
        taking.spawn(async move {
            let (name, mut took) = (format!("worker {n}"), Vec::new());
            for _ in 0..each {
                let begun = Instant::now();
                let claim = journal.claim(None, &name, LEASE).await?;
                took.push((begun.elapsed(), claim.as_ref().map(|it| it.job.0)));
                if let Some(claim) = claim {
                    journal.close(&claim, JobState::Finished, None).await?;
                }
            }
            Ok::<_, AnyError>(took)
        });
    }
    let mut all = Vec::new();
    for took in taking.join_all().await {
        all.extend(took?);
    }
    let taken: Vec<u64> = all.iter().filter_map(|it| it.1).collect();
    let twice = taken.len() - taken.iter().collect::<BTreeSet<_>>().len();
    let mut times: Vec<f64> = all.iter().map(|it| it.0.as_secs_f64() * 1_000.0).collect();
    times.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let place = ((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1));
        times.get(place).copied().unwrap_or_default()
    };
    writeln!(
        std::io::stdout(),
        "{:.2} {:.2} {:.2} {twice} {}",
        at(0.5),
        at(0.99),
        at(1.0),
        taken.len()
    )?;
    Ok(())
}
