//! What writing an archive takes by itself: the yardstick of `scripts/bench-engine`.
//!
//! `write_archive FROM TO RECORDS` reads the records of a Packhorse archive a piece at a time
//! and writes them into a new archive, of the format that its location says (`packhorse-archive:FILE`,
//! `github-archive:FILE`). As the engine does, it makes every `RECORDS` records durable while the next
//! ones are being written. It prints the seconds that passed in the writer, and those until the
//! last flush of them: without what completes the archive.

use packhorse_core::{
    Access, Endpoint, HostError, HostErrorKind, HostSpec, Lane, Location, ObjectKind, OpenContext,
    Record, Scope,
    port::{Sink, Source},
};
use std::{
    error::Error,
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(from), Some(to), Some(n)) = (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("usage: write_archive FILE LOCATION RECORDS".into());
    };
    let n: usize = n.parse()?;
    let scratch = tempfile::tempdir()?;
    let from: Location = format!("packhorse-archive:{from}").parse()?;
    let source = open(&from, Access::Read, scratch.path())?.source.ok_or("no source")?;
    let to: Location = to.parse()?;
    let sink = open(&to, Access::Write, scratch.path())?.sink.ok_or("no sink")?;
    let mut spent = Duration::ZERO;
    let projects = Lane::new(Scope::Shared, ObjectKind::Project);
    let projects = source.read(&projects, None).await?.records;
    let scopes = projects.into_iter().map(|it| Scope::Project(it.origin.id));
    let scopes: Vec<Scope> = std::iter::once(Scope::Shared).chain(scopes).collect();
    for scope in &scopes {
        for kind in ObjectKind::ALL {
            if !(*scope == Scope::Shared && *kind == ObjectKind::Project) {
                spent += lane(&*source, &*sink, &Lane::new(scope.clone(), *kind), n).await?;
            }
        }
    }
    let records = spent;
    // The shared scope completes the archive, so it comes last.
    for scope in scopes.iter().rev() {
        let begun = Instant::now();
        sink.finish(scope).await?;
        spent += begun.elapsed();
    }
    let line = format!("{:.3} {:.3}", spent.as_secs_f64(), records.as_secs_f64());
    Ok(writeln!(std::io::stdout(), "{line}")?)
}

fn open(location: &Location, access: Access, scratch: &Path) -> Result<Endpoint, HostError> {
    let is_named = |it: &&&HostSpec| it.id == location.host;
    let spec = packhorse_archive::FORMATS.iter().find(is_named);
    let spec = spec.ok_or_else(|| {
        HostError::new(HostErrorKind::Unsupported, "open an archive").with("format", &location.host)
    })?;
    let context = OpenContext { scratch: scratch.to_owned(), access, resume: false };
    (spec.open)(location, &context)
}

/// Writes a lane; how long that took.
async fn lane(
    source: &dyn Source,
    sink: &dyn Sink,
    lane: &Lane,
    n: usize,
) -> Result<Duration, HostError> {
    let mut spent = Duration::ZERO;
    let (mut at, mut batch) = (None, Vec::new());
    let mut is_flushing = false;
    loop {
        let page = source.read(lane, at.as_ref()).await?;
        batch.extend(page.records);
        at = page.next;
        if batch.len() < n && at.is_some() {
            continue;
        }
        let begun = Instant::now();
        if is_flushing {
            let (flushed, written) =
                tokio::join!(sink.flush(&lane.scope), write(sink, &lane.scope, &batch));
            written.and(flushed)?;
        } else {
            write(sink, &lane.scope, &batch).await?;
        }
        spent += begun.elapsed();
        (is_flushing, batch) = (!batch.is_empty(), Vec::new());
        if at.is_none() {
            let begun = Instant::now();
            sink.flush(&lane.scope).await?;
            return Ok(spent + begun.elapsed());
        }
    }
}

async fn write(sink: &dyn Sink, scope: &Scope, records: &[Record]) -> Result<(), HostError> {
    for record in records {
        sink.write(scope, record, None).await?;
    }
    Ok(())
}
