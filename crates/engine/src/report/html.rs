//! The report as one HTML file: no scripts, nothing loaded, everything escaped.

use super::{
    Report, ReportError,
    gather::place,
    text::{KIND_COLUMNS, duration, kind_cells, stage_name, verdict, what_detail},
};
use std::io::{self, Write};

/// Rows of each list in the page.
const MAX_ROWS: usize = 1_000;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;\
padding:0 1rem;color:#1d2330;background:#fff}h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.25rem .6rem;\
border-bottom:1px solid #d9dee7;vertical-align:top;overflow-wrap:anywhere}th{font-weight:600}\
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}dl{display:grid;\
grid-template-columns:max-content 1fr;gap:.1rem 1rem}dd{margin:0}\
@media(prefers-color-scheme:dark){body{color:#e4e8f0;background:#171b24}th,td{border-color:#343c4c}}";

/// Writes a report as one HTML file.
///
/// # Errors
///
/// When `out` refuses.
pub fn html(report: &Report, out: &mut dyn Write) -> Result<(), ReportError> {
    let title = format!("Job {}: {}", report.job, verdict(report));
    // SECURITY: the policy forbids whatever slips through the escaping to load or run anything.
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{0}</title>\n\
         <style>{STYLE}</style>\n<h1>{0}</h1>\n",
        escape(&title)
    )?;
    head(report, out)?;
    let kinds =
        report.kinds.iter().map(|it| kind_cells(it.kind.name(), it.planned, it.fate, &it.counts));
    table("Kinds", &KIND_COLUMNS, kinds, out)?;
    told(report, out)?;
    losses(report, out)?;
    failures(report, out)?;
    projects(report, out)?;
    findings(report, out)?;
    Ok(out.write_all(b"</html>\n")?)
}

fn head(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut facts = vec![("From", report.from.clone()), ("To", report.to.clone())];
    facts.push(("State", report.state.name().to_owned()));
    facts.extend(report.reason.iter().map(|it| ("Why", it.clone())));
    facts.extend(report.started_at.iter().map(|it| ("Started", it.to_string())));
    facts.extend(report.ended_at.iter().map(|it| ("Ended", it.to_string())));
    facts.extend(report.seconds.iter().map(|it| ("Took", duration(*it))));
    writeln!(out, "<dl>")?;
    for (name, value) in facts {
        writeln!(out, "<dt>{name}</dt><dd>{}</dd>", escape(&value))?;
    }
    writeln!(out, "</dl>")
}

fn told(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let rows = report.told.iter().map(|it| {
        let why = it.why.iter().chain(&it.notes).map(String::as_str).collect::<Vec<_>>();
        vec![it.project.clone(), it.name.clone(), it.result.clone(), why.join("; ")]
    });
    table("What became of each project", &["project", "name", "result", "why"], rows, out)
}

fn losses(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let carried = report.losses.iter().map(|it| {
        vec![
            it.count.to_string(),
            it.kind.name().to_owned(),
            it.field.clone(),
            it.cause.name().to_owned(),
            if it.planned { "yes" } else { "no" }.to_owned(),
            it.detail.clone(),
            it.examples.join(", "),
        ]
    });
    let in_reading = report.source_losses.iter().map(|it| {
        vec![
            it.count.to_string(),
            it.name.clone(),
            it.loss.field.clone().into_owned(),
            it.loss.cause.name().to_owned(),
            "yes".to_owned(),
            it.loss.detail.clone(),
            String::new(),
        ]
    });
    let columns = ["count", "kind", "field", "cause", "planned", "what became of it", "such as"];
    table("Losses", &columns, carried.chain(in_reading), out)
}

fn failures(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let rows = report.failures.iter().map(|it| {
        let record = it.id.as_deref().unwrap_or("(all)");
        vec![it.kind.name().to_owned(), place(&it.scope, record), it.reason.clone()]
    });
    table("Failures", &["kind", "record", "why"], rows, out)
}

fn projects(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let rows = report.projects.iter().map(|it| {
        vec![
            it.source.clone(),
            it.target.clone(),
            stage_name(it.stage).to_owned(),
            it.reason.clone().unwrap_or_default(),
        ]
    });
    table("Projects", &["project", "as", "stage", "why"], rows, out)
}

fn findings(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let Some(verification) = &report.verification else { return Ok(()) };
    let total = verification.total();
    writeln!(
        out,
        "<h2>Read back</h2>\n<p>{} of {} records are as they should be; {} differ, {} are missing, {} extra.</p>",
        total.equal, total.compared, total.different, total.missing, total.extra
    )?;
    let rows = verification.findings.iter().map(|it| {
        vec![
            it.kind.name().to_owned(),
            place(&it.scope, &it.id),
            it.what.name().to_owned(),
            what_detail(&it.what),
        ]
    });
    table("Findings", &["kind", "record", "what", "detail"], rows, out)
}

fn table(
    title: &str,
    columns: &[&str],
    rows: impl Iterator<Item = Vec<String>>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return Ok(());
    }
    writeln!(out, "<h2>{title}</h2>\n<table>\n<tr>")?;
    for column in columns {
        writeln!(out, "<th>{}</th>", escape(column))?;
    }
    writeln!(out, "</tr>")?;
    for row in rows.by_ref().take(MAX_ROWS) {
        write!(out, "<tr>")?;
        for cell in row {
            let is_number = !cell.is_empty() && cell.bytes().all(|byte| byte.is_ascii_digit());
            let class = if is_number { " class=\"n\"" } else { "" };
            write!(out, "<td{class}>{}</td>", escape(&cell))?;
        }
        writeln!(out, "</tr>")?;
    }
    writeln!(out, "</table>")?;
    match rows.count() {
        0 => Ok(()),
        n_more => writeln!(out, "<p>… and {n_more} more.</p>"),
    }
}

/// SECURITY: nothing that a host sent can leave its place in the text.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}
