//! `compare`: two places, without any job.

use crate::{
    cli::{self, Globals},
    config::{self, End, Hosts},
    document,
    error::{AppError, Status},
    progress, registry, terminal,
};
use packhorse_core::job::JobOptions;
use packhorse_engine::verify::{Finding, Verification, What};

/// Holds one place against another.
pub(super) async fn run(globals: &Globals, places: &cli::Compare) -> Result<Status, AppError> {
    let hosts = Hosts::read(globals)?;
    let (from, to) = (hosts.locate(&places.from)?, hosts.locate(&places.to)?);
    let scratch = config::scratch(globals)?;
    let one = registry::source(
        &config::with_credentials(&hosts, &from, End::Source)?,
        &scratch.path().join("from"),
    )?;
    let other = registry::source(
        &config::with_credentials(&hosts, &to, End::Target)?.whole(),
        &scratch.path().join("to"),
    )?;
    let options = JobOptions {
        only: places.only.iter().copied().collect(),
        skip: places.skip.iter().copied().collect(),
        project: from.project.clone(),
        selection: config::selection(&places.projects)?,
        target: to.project.clone(),
        keep_commits_under: places.keep_commits_under.clone(),
        ..JobOptions::default()
    };
    let listener = progress::listener(globals.progress);
    let ends = (registry::named(&from)?.id, registry::named(&to)?.id);
    let policy = packhorse_engine::policy(ends, &options)?;
    let found =
        packhorse_engine::compare(&*one, &*other, &options, policy, (scratch.path(), &*listener))
            .await?;
    tell(globals, &found)
}

/// Prints what was found.
pub(crate) fn tell(globals: &Globals, found: &Verification) -> Result<Status, AppError> {
    if globals.json {
        terminal::data(&document::json(found)?);
    } else {
        terminal::data(&text(found));
    }
    Ok(if found.clean { Status::Done } else { Status::Failed })
}

/// What was found, for reading.
fn text(found: &Verification) -> String {
    let total = found.total();
    let mut text = format!(
        "{} of {} records are as they should be, {} differ, {} are missing, {} are extra\n",
        total.equal, total.compared, total.different, total.missing, total.extra,
    );
    for finding in &found.findings {
        text += &finding_text(finding);
    }
    if found.more_findings > 0 {
        text += &format!("  and {} more\n", found.more_findings);
    }
    text
}

fn finding_text(finding: &Finding) -> String {
    let Finding { scope, kind, id, what } = finding;
    let mut text = format!("  {scope} {kind} {id}: {}", what.name());
    match what {
        What::Different { fields, note } => {
            text += &note.as_ref().map(|it| format!(": {it}")).unwrap_or_default();
            for field in fields {
                text +=
                    &format!("\n    {}: {} became {}", field.field, field.expected, field.found);
            }
        }
        What::Corrupt { detail } => text += &format!(": {detail}"),
        What::Missing | What::Extra | What::Doubled => {}
    }
    text + "\n"
}
