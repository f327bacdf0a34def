//! The report as JSON.

use super::{Report, ReportError, gather::PAGE};
use packhorse_core::port::History;
use serde::Serialize;
use std::io::Write;

/// Writes the report type as it is.
///
/// # Errors
///
/// When `out` refuses.
pub fn json(report: &Report, out: &mut dyn Write) -> Result<(), ReportError> {
    serde_json::to_writer_pretty(&mut *out, report)?;
    Ok(out.write_all(b"\n")?)
}

/// Writes `{"report": …, "losses": [every loss], "failures": [every failure]}`, page by page.
///
/// # Errors
///
/// When `out` refuses or the journal cannot be read; what is written by then is no whole JSON.
pub async fn json_with_details(
    report: &Report,
    history: &dyn History,
    out: &mut (dyn Write + Send),
) -> Result<(), ReportError> {
    out.write_all(b"{\"report\":")?;
    serde_json::to_writer(&mut *out, report)?;
    out.write_all(b",\n\"losses\":[")?;
    let mut count = 0;
    loop {
        let page = history.losses(count, PAGE).await?;
        if page.is_empty() {
            break;
        }
        items(&page, count == 0, out)?;
        count += page.len() as u64;
    }
    items(&report.handed_over, count == 0, out)?;
    out.write_all(b"],\n\"failures\":[")?;
    count = 0;
    loop {
        let page = history.failures(count, PAGE).await?;
        if page.is_empty() {
            break;
        }
        items(&page, count == 0, out)?;
        count += page.len() as u64;
    }
    Ok(out.write_all(b"]}\n")?)
}

fn items<T: Serialize>(page: &[T], first: bool, out: &mut dyn Write) -> Result<(), ReportError> {
    for (at, item) in page.iter().enumerate() {
        out.write_all(if first && at == 0 { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut *out, item)?;
    }
    Ok(())
}
