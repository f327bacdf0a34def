//! The report as CSV, after RFC 4180: one row for a project, what was told of it, a kind, a loss, a
//! failure, a finding.

use super::{
    Report, ReportError,
    text::{stage_name, what_detail},
};
use futures::TryStreamExt;
use packhorse_core::port::{Counts, History, NotedLoss};
use std::{borrow::Cow, io::Write};

const HEADER: [&str; 8] = ["type", "project", "kind", "id", "field", "cause", "count", "detail"];

/// Writes the report and everything in the job's history, page by page.
///
/// # Errors
///
/// When `out` refuses or the journal cannot be read.
pub async fn csv(
    report: &Report,
    history: &dyn History,
    out: &mut (dyn Write + Send),
) -> Result<(), ReportError> {
    row(HEADER, out)?;
    projects(report, out)?;
    told(report, out)?;
    kinds(report, out)?;
    let mut losses = history.all_losses();
    while let Some(it) = losses.try_next().await? {
        loss(&it, out)?;
    }
    report.handed_over.iter().try_for_each(|it| loss(it, out))?;
    let mut failures = history.all_failures();
    while let Some(it) = failures.try_next().await? {
        let id = it.id.as_deref().unwrap_or_default();
        row(["failure", it.scope.key(), it.kind.name(), id, "", "", "1", &it.reason], out)?;
    }
    findings(report, out)
}

fn loss(it: &NotedLoss, out: &mut dyn Write) -> Result<(), ReportError> {
    let loss = &it.loss;
    let (project, kind) = (it.scope.key(), it.kind.name());
    row(["loss", project, kind, &it.id, &loss.field, loss.cause.name(), "1", &loss.detail], out)
}

fn projects(report: &Report, out: &mut dyn Write) -> Result<(), ReportError> {
    for it in &report.projects {
        let reason = it.reason.as_deref().unwrap_or_default();
        let detail = match reason {
            "" => stage_name(it.stage).to_owned(),
            reason => format!("{}: {reason}", stage_name(it.stage)),
        };
        row(["project", &it.source, "", &it.target, "", "", "1", &detail], out)?;
    }
    Ok(())
}

fn told(report: &Report, out: &mut dyn Write) -> Result<(), ReportError> {
    for it in &report.told {
        let why = it.why.as_deref().unwrap_or_default();
        row(["result", &it.project, "", &it.name, &it.result, "", "1", why], out)?;
        for note in &it.notes {
            row(["note", &it.project, "", &it.name, "", "", "1", note], out)?;
        }
    }
    Ok(())
}

fn kinds(report: &Report, out: &mut dyn Write) -> Result<(), ReportError> {
    for it in &report.kinds {
        let Counts { read, created, updated, adopted, unchanged, deleted, dropped, failed, .. } =
            it.counts;
        let outcomes = [
            ("read", read),
            ("created", created),
            ("updated", updated),
            ("adopted", adopted),
            ("unchanged", unchanged),
            ("deleted", deleted),
            ("dropped", dropped),
            ("failed", failed),
        ];
        for (outcome, count) in outcomes.iter().filter(|(_, count)| *count > 0) {
            row(["kind", "", it.kind.name(), "", "", "", &count.to_string(), outcome], out)?;
        }
    }
    for it in &report.source_losses {
        let (loss, count) = (&it.loss, it.count.to_string());
        row(["loss", "", &it.name, "", &loss.field, loss.cause.name(), &count, &loss.detail], out)?;
    }
    Ok(())
}

fn findings(report: &Report, out: &mut dyn Write) -> Result<(), ReportError> {
    for it in report.verification.iter().flat_map(|it| &it.findings) {
        let (project, kind, detail) = (it.scope.key(), it.kind.name(), what_detail(&it.what));
        row(["finding", project, kind, &it.id, it.what.name(), "", "1", &detail], out)?;
    }
    Ok(())
}

fn row<const N: usize>(cells: [&str; N], out: &mut dyn Write) -> Result<(), ReportError> {
    let line: Vec<Cow<'_, str>> = cells.iter().map(|it| cell(it)).collect();
    Ok(write!(out, "{}\r\n", line.join(","))?)
}

/// One cell, quoted where it must be.
///
/// SECURITY: control characters could move a terminal's cursor. A spreadsheet takes what begins with one of these for a formula; an
/// apostrophe in front makes it text.
fn cell(text: &str) -> Cow<'_, str> {
    let is_odd = |c: char| c.is_control() && !"\t\r\n".contains(c);
    let text: Cow<'_, str> =
        if text.contains(is_odd) { text.replace(is_odd, " ").into() } else { text.into() };
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let text = if is_formula { format!("'{text}").into() } else { text };
    if text.contains(['"', ',', '\r', '\n']) {
        return format!("\"{}\"", text.replace('"', "\"\"")).into();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(cell(text), expected);
    }

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        check("plain words", "plain words");
        check("a,b", "\"a,b\"");
        check("say \"hi\"", "\"say \"\"hi\"\"\"");
        check("two\nlines", "\"two\nlines\"");
        check("", "");
    }

    #[test]
    fn nothing_becomes_a_formula() {
        check("=1+1", "'=1+1");
        check("+1", "'+1");
        check("-1", "'-1");
        check("@SUM(A1,B1)", "\"'@SUM(A1,B1)\"");
        check("\t=1", "'\t=1");
    }
}
