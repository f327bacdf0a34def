//! The report as JSON.

use super::{Report, ReportError};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use packhorse_core::port::{History, JournalError};
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
    let handed_over = stream::iter(report.handed_over.iter().cloned().map(Ok));
    items(history.all_losses().chain(handed_over), out).await?;
    out.write_all(b"],\n\"failures\":[")?;
    items(history.all_failures(), out).await?;
    Ok(out.write_all(b"]}\n")?)
}

async fn items<T: Serialize>(
    mut items: impl Stream<Item = Result<T, JournalError>> + Unpin,
    out: &mut (dyn Write + Send),
) -> Result<(), ReportError> {
    let mut before = "\n";
    while let Some(item) = items.try_next().await? {
        out.write_all(before.as_bytes())?;
        serde_json::to_writer(&mut *out, &item)?;
        before = ",\n";
    }
    Ok(())
}
