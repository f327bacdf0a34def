//! The report of a job, in each of its forms, to download.

use super::{error::Problem, job::Found};
use crate::{Service, service::system};
use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::stream;
use http::header;
use packhorse_engine::report;
use std::io::{self, BufWriter, Seek as _, Write as _};
use tokio::{fs::File, io::AsyncReadExt as _};

/// Piece in which a report is sent, in bytes.
const PIECE: usize = 64 << 10;

/// What a browser may do with a report: show it.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'";

/// Form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// For programs, with every loss and failure.
    Json,
    /// For reading.
    Text,
    /// For browsers.
    Html,
    /// For spreadsheets: every loss and failure a line.
    Csv,
}

impl Form {
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "json" => Self::Json,
            "text" => Self::Text,
            "html" => Self::Html,
            "csv" => Self::Csv,
            _ => return None,
        })
    }

    /// Type of its content, and how its file ends.
    const fn kind(self) -> (&'static str, &'static str) {
        match self {
            Self::Json => ("application/json", "json"),
            Self::Text => ("text/plain; charset=utf-8", "txt"),
            Self::Html => ("text/html; charset=utf-8", "html"),
            Self::Csv => ("text/csv; charset=utf-8", "csv"),
        }
    }
}

/// Makes a report in a file that goes with the answer, since it is as long as what was lost.
pub(crate) async fn answer(
    service: &Service,
    found: &Found,
    form: Form,
) -> Result<Response, Problem> {
    let gathered = report::report(&*service.journal, found.view.id).await?;
    let history = service.journal.history(found.view.id).await?;
    let scratch = service.scratch()?;
    let file = tempfile::tempfile_in(scratch.path()).map_err(system("make a report"))?;
    let mut out = BufWriter::new(file);
    match form {
        Form::Json => report::json_with_details(&gathered, &*history, &mut out).await?,
        Form::Text => report::text(&gathered, &mut out)?,
        Form::Html => report::html(&gathered, &mut out)?,
        Form::Csv => report::csv(&gathered, &*history, &mut out).await?,
    }
    out.flush().map_err(system("make a report"))?;
    let mut file = out.into_inner().map_err(|it| system("make a report")(it.into_error()))?;
    file.rewind().map_err(system("make a report"))?;
    let pieces = stream::try_unfold(File::from_std(file), |mut file| async move {
        let mut piece = vec![0; PIECE];
        let n = file.read(&mut piece).await?;
        piece.truncate(n);
        Ok::<_, io::Error>((n > 0).then(|| (Bytes::from(piece), file)))
    });
    let (kind, ending) = form.kind();
    let name = format!("attachment; filename=\"packhorse-{}.{ending}\"", found.view.id);
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, name),
        (header::CONTENT_SECURITY_POLICY, POLICY.to_owned()),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}
