//! The report as text, readable without colour.

use super::{
    Report, ReportError,
    gather::place,
    table::{Table, one_line},
};
use crate::verify::{Verification, What};
use packhorse_core::{
    job::JobState,
    plan::Fate,
    port::{Counts, Stage},
};
use std::io::{self, Write};

/// Rows of a list that the text shows.
const MAX_ROWS: usize = 50;

/// Writes a report as text.
///
/// # Errors
///
/// When `out` refuses.
pub fn text(report: &Report, out: &mut dyn Write) -> Result<(), ReportError> {
    head(report, out)?;
    kinds(report, out)?;
    losses(report, out)?;
    failures(report, out)?;
    projects(report, out)?;
    if let Some(verification) = &report.verification {
        verified(verification, out)?;
    }
    Ok(())
}

fn head(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "job {}: {}", report.job, one_line(&verdict(report)))?;
    writeln!(out)?;
    writeln!(out, "  from  {}", one_line(&report.from))?;
    writeln!(out, "  to    {}", one_line(&report.to))?;
    if let Some(seconds) = report.seconds {
        writeln!(out, "  took  {}", duration(seconds))?;
    }
    if let Some(reason) = &report.reason {
        writeln!(out, "  why   {}", one_line(reason))?;
    }
    Ok(())
}

/// The whole report in one clause, every count with its denominator.
pub(super) fn verdict(report: &Report) -> String {
    let Counts { read, failed, .. } = report.total;
    let carried = arrived(&report.total);
    match report.state {
        JobState::Finished if read == 0 => "nothing had to be carried".to_owned(),
        JobState::Failed if read == 0 => "nothing was carried".to_owned(),
        JobState::Finished if report.is_whole() => format!("all of {read} records arrived"),
        JobState::Finished => {
            format!("{carried} of {read} records arrived, with {} losses", report.n_losses())
        }
        JobState::Failed => format!("{carried} of {read} records arrived, {failed} failed"),
        JobState::Waiting | JobState::Running | JobState::Stopped | JobState::Cancelled => {
            format!("{}, {carried} of {read} records arrived so far", report.state.name())
        }
    }
}

fn arrived(counts: &Counts) -> u64 {
    counts.created + counts.updated + counts.adopted + counts.unchanged
}

/// A duration for people.
pub(super) fn duration(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{seconds:.1} s");
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "no job takes that long"
    )]
    let whole = seconds.max(0.0) as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

fn kinds(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    if report.kinds.is_empty() {
        return Ok(());
    }
    let mut table = Table::new(&KIND_COLUMNS);
    for row in &report.kinds {
        table.row(kind_cells(row.kind.name(), row.planned, row.fate, &row.counts));
    }
    table.row(kind_cells("total", None, None, &report.total));
    writeln!(out)?;
    table.write(out)
}

/// Columns of the table of kinds.
pub(super) const KIND_COLUMNS: [&str; 12] = [
    "kind",
    "plan",
    "planned",
    "read",
    "created",
    "updated",
    "adopted",
    "unchanged",
    "deleted",
    "dropped",
    "failed",
    "losses",
];

/// One row of the table of kinds.
pub(super) fn kind_cells(
    name: &str,
    planned: Option<u64>,
    fate: Option<Fate>,
    counts: &Counts,
) -> Vec<String> {
    let mut cells = vec![name.to_owned(), fate_name(fate).to_owned()];
    cells.push(planned.map_or_else(|| "-".to_owned(), |it| it.to_string()));
    let Counts {
        read, created, updated, adopted, unchanged, deleted, dropped, failed, losses, ..
    } = *counts;
    let numbers = [read, created, updated, adopted, unchanged, deleted, dropped, failed, losses];
    cells.extend(numbers.map(|it| it.to_string()));
    cells
}

fn fate_name(fate: Option<Fate>) -> &'static str {
    match fate {
        Some(Fate::Whole) => "whole",
        Some(Fate::Degraded) => "degraded",
        Some(Fate::Dropped) => "dropped",
        Some(Fate::Skipped) => "skipped",
        None => "",
    }
}

fn losses(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    if report.losses.is_empty() && report.source_losses.is_empty() {
        return Ok(());
    }
    let (all, unplanned) = (report.n_losses(), report.n_unplanned());
    writeln!(out, "\n{all} losses, {unplanned} of them not in the plan\n")?;
    let mut table =
        Table::new(&["count", "kind", "field", "cause", "what became of it", "such as"]);
    for group in report.losses.iter().take(MAX_ROWS) {
        let mark = if group.planned { "" } else { " (not planned)" };
        table.row([
            group.count.to_string(),
            group.kind.name().to_owned(),
            group.field.clone(),
            format!("{}{mark}", group.cause.name()),
            group.detail.clone(),
            group.examples.first().cloned().unwrap_or_default(),
        ]);
    }
    for row in &report.source_losses {
        table.row([
            row.count.to_string(),
            row.name.clone(),
            row.loss.field.clone().into_owned(),
            row.loss.cause.name().to_owned(),
            row.loss.detail.clone(),
            String::new(),
        ]);
    }
    table.write(out)?;
    more(report.losses.len(), out)
}

fn failures(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    if report.n_failures == 0 {
        return Ok(());
    }
    writeln!(out, "\n{} of {} records failed\n", report.n_failures, report.total.read)?;
    let mut table = Table::new(&["kind", "record", "why"]);
    for failure in report.failures.iter().take(MAX_ROWS) {
        let record = failure.id.as_deref().unwrap_or("(all)");
        table.row([
            failure.kind.name().to_owned(),
            place(&failure.scope, record),
            failure.reason.clone(),
        ]);
    }
    table.write(out)?;
    more(usize::try_from(report.n_failures).unwrap_or(usize::MAX), out)
}

fn projects(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let is_well = |stage| matches!(stage, Stage::Carried | Stage::Verified);
    let n_well = report.projects.iter().filter(|it| is_well(it.stage)).count();
    if report.projects.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{n_well} of {} projects are through", report.projects.len())?;
    let mut rest = report.projects.iter().filter(|it| !is_well(it.stage)).peekable();
    if rest.peek().is_none() {
        return Ok(());
    }
    writeln!(out)?;
    let mut table = Table::new(&["project", "as", "stage", "why"]);
    for project in rest.by_ref().take(MAX_ROWS) {
        table.row([
            project.source.clone(),
            project.target.clone(),
            stage_name(project.stage).to_owned(),
            project.reason.clone().unwrap_or_default(),
        ]);
    }
    table.write(out)?;
    more(MAX_ROWS + rest.count(), out)
}

/// Name of a stage, for people and for tables.
pub(super) fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Waiting => "waiting",
        Stage::Carrying => "carrying",
        Stage::Carried => "carried",
        Stage::Verified => "verified",
        Stage::Differs => "differs",
        Stage::Failed => "failed",
        Stage::Blocked => "not begun",
    }
}

fn verified(verification: &Verification, out: &mut dyn Write) -> io::Result<()> {
    let total = verification.total();
    writeln!(
        out,
        "\nread back: {} of {} records are as they should be, {} differ, {} missing, {} extra",
        total.equal, total.compared, total.different, total.missing, total.extra
    )?;
    if verification.findings.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let mut table = Table::new(&["kind", "record", "what", "detail"]);
    for finding in verification.findings.iter().take(MAX_ROWS) {
        table.row([
            finding.kind.name().to_owned(),
            place(&finding.scope, &finding.id),
            finding.what.name().to_owned(),
            what_detail(&finding.what),
        ]);
    }
    table.write(out)?;
    let n_more = usize::try_from(verification.more_findings).unwrap_or(usize::MAX);
    more(verification.findings.len().saturating_add(n_more), out)
}

/// What there is to say of a finding, in one clause.
pub(super) fn what_detail(what: &What) -> String {
    match what {
        What::Different { fields, note } => {
            let fields: Vec<&str> = fields.iter().map(|it| it.field.as_str()).collect();
            match (fields.is_empty(), note) {
                (true, note) => note.clone().unwrap_or_default(),
                (false, Some(note)) => format!("{} ({note})", fields.join(", ")),
                (false, None) => fields.join(", "),
            }
        }
        What::Corrupt { detail } => detail.clone(),
        What::Missing | What::Extra | What::Doubled => String::new(),
    }
}

fn more(n_rows: usize, out: &mut dyn Write) -> io::Result<()> {
    if n_rows > MAX_ROWS {
        writeln!(out, "  … and {} more", n_rows - MAX_ROWS)?;
    }
    Ok(())
}
