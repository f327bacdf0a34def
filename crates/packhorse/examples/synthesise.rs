//! Writes a GitHub archive of a made-up project of any size: input for benchmarks.
//!
//! `synthesise FILE ISSUES COMMENTS [PERCENT]`: so many issues with so many
//! comments each, a tenth as many change requests with reviews; that percentage
//! of texts differs from those without it.

use packhorse_core::{
    Access, Lane, Location, ObjectKind, OpenContext, Scope,
    port::{Sink, Source},
};
use packhorse_testkit::synthetic::Synthetic;
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("the name of a file is missing")?;
    let mut number = |name: &str| -> Result<u64, Box<dyn Error>> {
        Ok(arguments.next().ok_or(format!("{name} are missing"))?.parse()?)
    };
    let (issues, comments) = (number("issues")?, number("comments")?);
    let source = Synthetic {
        issues,
        comments_per_issue: comments,
        change_requests: issues / 10,
        changed_percent: number("changes").unwrap_or(0),
        ..Synthetic::default()
    };
    let scratch = tempfile::tempdir()?;
    let location: Location = format!("github-archive:{file}").parse()?;
    let context =
        OpenContext { scratch: scratch.path().to_owned(), access: Access::Write, resume: false };
    let endpoint = (packhorse_archive::github::SPEC.open)(&location, &context)?;
    let sink = endpoint.sink.ok_or("the format cannot be written")?;
    carry(&source, &*sink).await
}

async fn carry(source: &dyn Source, sink: &dyn Sink) -> Result<(), Box<dyn Error>> {
    let holds = sink.probe().await?;
    let projects = source.read(&Lane::new(Scope::Shared, ObjectKind::Project), None).await?;
    let mut scopes = Vec::new();
    for project in &projects.records {
        let scope = Scope::Project(project.origin.id.clone());
        sink.write(&scope, project, None).await?;
        scopes.push(scope);
    }
    for scope in scopes.iter().chain([&Scope::Shared]) {
        for kind in ObjectKind::ALL.iter().copied() {
            if kind != ObjectKind::Project && holds.of(kind).is_some() {
                lane(source, sink, &Lane::new(scope.clone(), kind)).await?;
            }
        }
        sink.finish(scope).await?;
    }
    Ok(())
}

async fn lane(source: &dyn Source, sink: &dyn Sink, lane: &Lane) -> Result<(), Box<dyn Error>> {
    let mut at = None;
    loop {
        let page = source.read(lane, at.as_ref()).await?;
        for record in &page.records {
            sink.write(&lane.scope, record, None).await?;
        }
        sink.flush(&lane.scope).await?;
        at = page.next;
        if at.is_none() {
            return Ok(());
        }
    }
}
