//! `plan`: what would arrive, before anything moves.

use super::ends::Route;
use crate::{
    cli::{self, Globals},
    config, document,
    error::{AppError, Status},
    terminal,
};
use packhorse_core::plan::{Fate, Plan, PlannedKind};

/// Prints the plan of a route.
pub(super) async fn run(globals: &Globals, route: &cli::Route) -> Result<Status, AppError> {
    let route = Route::read(globals, route)?;
    let scratch = config::scratch(globals)?;
    let ends = route.open_to_plan(scratch.path())?;
    let plan = packhorse_engine::plan(&ends, &route.options).await?;
    print(globals, &plan)
}

/// Prints a plan; one that cannot start fails.
pub(super) fn print(globals: &Globals, plan: &Plan) -> Result<Status, AppError> {
    if globals.json {
        terminal::data(&document::json(plan)?);
    } else {
        terminal::data(&text(plan));
    }
    let blocked = plan.conflicts.iter().any(|it| it.blocks);
    Ok(if blocked { Status::Failed } else { Status::Done })
}

fn text(plan: &Plan) -> String {
    let mut text = format!("{} → {}\n\n", plan.from, plan.to);
    for project in &plan.projects {
        let renamed = if project.source == project.target {
            String::new()
        } else {
            format!(" → {}", project.target)
        };
        let records = project.records.map(|it| format!("{it} records")).unwrap_or_default();
        let bytes = project.bytes.map(|it| format!(", {}", bytes(it))).unwrap_or_default();
        text += &format!("  {}{renamed}  {records}{bytes}\n", project.source);
    }
    text.push('\n');
    plan.kinds.iter().for_each(|row| text += &kind(row));
    section(
        &mut text,
        "Lost in reading",
        plan.source_losses
            .iter()
            .map(|it| format!("{} ×{}: {}", it.name, it.count, it.loss.detail)),
    );
    section(
        &mut text,
        "Look at these first",
        plan.conflicts.iter().map(|it| {
            let what = if it.blocks { "blocks the run: " } else { "" };
            let project = it.project.as_ref().map(|it| format!("{it}: ")).unwrap_or_default();
            format!("{project}{what}{}", it.detail)
        }),
    );
    section(&mut text, "Users without a mapping", plan.unmapped_users.iter().cloned());
    if plan.is_whole() {
        text += "\nEverything arrives as it is.\n";
    }
    text
}

fn section(text: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    for (n, line) in lines.enumerate() {
        if n == 0 {
            *text += &format!("\n{title}\n");
        }
        *text += &format!("  {line}\n");
    }
}

fn kind(row: &PlannedKind) -> String {
    let records = row.records.map_or_else(|| "?".to_owned(), |it| it.to_string());
    let size = row.bytes.map(|it| format!(", {}", bytes(it))).unwrap_or_default();
    let fate = match row.fate {
        Fate::Whole => "arrives whole",
        Fate::Degraded => "arrives in part",
        Fate::Dropped => "does not arrive",
        Fate::Skipped => "not asked for",
    };
    let why = row.why.as_ref().map(|it| format!(": {it}")).unwrap_or_default();
    let mut text = format!("  {:<20} {records:>10}  {fate}{why}{size}\n", row.kind.name());
    for gap in &row.gaps {
        text += &format!("  {:34}{}: {}\n", "", gap.field, gap.why);
    }
    text
}

/// A size as people read it.
fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut rest = n;
    while rest >= 10 * 1024 && unit + 1 < UNITS.len() {
        rest /= 1024;
        unit += 1;
    }
    format!("{rest} {}", UNITS[unit])
}
