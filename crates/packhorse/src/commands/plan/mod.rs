//! `plan`: what would arrive, before anything moves.

mod changes;

use super::{
    ends::Route,
    forecast,
    handover::{self, Manner, Way},
};
use crate::{
    cli::{self, Globals},
    config, document,
    error::{AppError, Status},
    terminal,
};
use packhorse_core::plan::{Fate, Plan, PlannedKind, PlannedWay};
use packhorse_engine::resolutions;
use std::{fs::File, io::Write as _, path::Path};

/// Prints the plan of a route.
pub(super) async fn run(globals: &Globals, arguments: &cli::Plan) -> Result<Status, AppError> {
    let route = Route::read(globals, &arguments.route)?;
    if let Some(file) = arguments.write_conflicts.as_deref().filter(|it| it.exists()) {
        return Err(AppError::usage(format!("`{}` is there already", file.display()))
            .hint("give a new name: what was filled in there is not overwritten"));
    }
    let (via, tuning) = (arguments.via, cli::Tuning { parallel: 1, lease: 15 });
    let way = handover::choose(globals, (via, Manner::default()), &tuning, &route).await?;
    let why = match way {
        Way::Archive(handing) => return handing.show().await,
        Way::Api(why) => why,
    };
    let mut plan = draw_up(globals, &route).await?;
    plan.ways = why.iter().flat_map(|why| over_api(&plan, why)).collect();
    let status = print(globals, &plan)?;
    if let Some(file) = &arguments.write_conflicts {
        write_conflicts(file, &plan, &route)?;
    }
    Ok(status)
}

/// All projects over the API, with the reason.
fn over_api(plan: &Plan, why: &str) -> Vec<PlannedWay> {
    let way = |project: &String| PlannedWay {
        project: project.clone(),
        by: "api".to_owned(),
        why: why.to_owned(),
    };
    plan.projects.iter().map(|it| way(&it.source)).collect()
}

/// Draws up the plan of a route; what its earlier jobs made is no conflict.
pub(super) async fn draw_up(globals: &Globals, route: &Route) -> Result<Plan, AppError> {
    let scratch = config::scratch(globals)?;
    let ends = route.open_to_plan(scratch.path())?;
    let journal = config::journal_if_any(globals)?;
    let journal = journal.as_deref();
    let mut plan = packhorse_engine::plan(&ends, &route.options, journal).await?;
    plan.forecast = route.forecast(&plan);
    Ok(plan)
}

fn write_conflicts(file: &Path, plan: &Plan, route: &Route) -> Result<(), AppError> {
    let Some(text) = resolutions::write(plan, &route.options.resolutions) else {
        terminal::talk("there is nothing to decide on, so no file was written");
        return Ok(());
    };
    let fail = || AppError::failed(format!("could not write `{}`", file.display()));
    let mut made = File::create_new(file).map_err(|error| fail().because(error))?;
    made.write_all(text.as_bytes()).map_err(|error| fail().because(error))?;
    terminal::talk(&format!(
        "\nhint: write your choices into `{0}`, then run with `--conflicts {0}`",
        file.display()
    ));
    Ok(())
}

/// Prints a plan; one in which something waits for a decision fails.
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
        let records = project.records.map(|it| format!("{it} records"));
        let bytes = project.bytes.map(bytes);
        let size: Vec<_> = records.into_iter().chain(bytes).collect();
        text += format!("  {}{renamed}  {}", project.source, size.join(", ")).trim_end();
        text.push('\n');
    }
    text.push('\n');
    plan.kinds.iter().for_each(|row| text += &kind(row));
    text += &changes::text(plan);
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
            let what = if it.blocks { "is not begun: " } else { "" };
            let project = it.project.as_ref().map(|it| format!("{it}: ")).unwrap_or_default();
            let choices: Vec<_> = it.choices.iter().map(|it| it.name()).collect();
            let choices = match it.blocks && !choices.is_empty() {
                true => format!(" ({} {})", it.about.name(), choices.join("|")),
                false => String::new(),
            };
            format!("{project}{what}{}{choices}", it.detail)
        }),
    );
    let way = |it: &PlannedWay| format!("{}: by {}: {}", it.project, it.by, it.why);
    section(&mut text, "Which way", plan.ways.iter().map(way));
    section(&mut text, "How long it takes", plan.forecast.iter().flat_map(forecast::lines));
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
    let size = row.bytes.map(|it| format!(" ({})", bytes(it))).unwrap_or_default();
    let fate = match row.fate {
        Fate::Whole => "arrives whole",
        Fate::Degraded => "arrives in part",
        Fate::Dropped => "does not arrive",
        Fate::Skipped => "not asked for",
    };
    let why = row.why.as_ref().map(|it| format!(": {it}")).unwrap_or_default();
    format!("  {:<20} {records:>10}  {fate}{size}{why}\n", row.kind.name())
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
