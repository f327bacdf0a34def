//! Archives that the server imports by itself.
//!
//! Source: Atlassian, "Export and import projects and repositories"; its description of the REST API of
//! 9.2, `/migration/imports`.

use super::{
    api::{self, Api},
    place::Place,
};
use crate::{handover::Ways, sums};
use async_trait::async_trait;
use http::Method;
use packhorse_core::{
    HostError, HostErrorKind, Location, TargetId,
    port::{
        Delivered, Fetches, HandOver, Handed, ImportMessage, ImportMessages, ImportProgress,
        ImportStage, Packing, Parcel, Part, Severity, Sought, Wanted,
    },
};
use serde::Deserialize;
use serde_json::json;
use std::{path::PathBuf, sync::Arc};

/// Below the server's shared home.
const DIRECTORY: &str = "data/migration/import";
/// What its archives are like; the server runs one import at a time.
const WANTED: Wanted = Wanted {
    format: "bitbucket-archive",
    packing: Packing::Together,
    parts: &[Part::Whole],
    suffix: ".tar",
    at_once: 1,
    fetches: Fetches::Nothing,
    names: false,
    gaps: |_| &[],
};

/// A job of the server.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Job {
    id: Option<i64>,
    state: Option<String>,
    progress: Option<Progress>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Progress {
    message: Option<String>,
    percentage: Option<i64>,
}

/// What the server says of a job.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Message {
    severity: Option<String>,
    subject: Option<String>,
    text: Option<String>,
}

/// The import service of one server.
struct Imports {
    api: Api,
    directory: Option<PathBuf>,
}

/// The server of a location as one that takes archives.
pub(crate) fn hand_over(location: &Location, ways: &Ways) -> Result<Arc<dyn HandOver>, HostError> {
    let place = Place::of(location).map_err(|error| {
        HostError::new(HostErrorKind::Rejected, "read the address of a Bitbucket").because(error)
    })?;
    Ok(Arc::new(Imports { api: Api::new(place)?, directory: ways.directory.clone() }))
}

impl Imports {
    fn job<'a>(job: &'a TargetId, rest: &[&'a str]) -> Vec<&'a str> {
        [&["migration", "imports", job.0.as_str()][..], rest].concat()
    }
}

/// The server's word for where a job stands.
fn stage(state: &str) -> ImportStage {
    match state {
        "COMPLETED" => ImportStage::Done,
        // The first means errors, the second that nothing more could be done.
        "FAILED" | "ABORTED" | "TIMED_OUT" => ImportStage::Failed,
        "CANCELED" => ImportStage::Cancelled,
        _ => ImportStage::Running,
    }
}

#[async_trait]
impl HandOver for Imports {
    fn wants(&self) -> Wanted {
        WANTED
    }

    /// The importer gives a project whose key is taken another one, so that nothing would come into
    /// the project that is there.
    async fn refuses(&self, project: &str) -> Result<Option<String>, HostError> {
        let key = project.split('/').next().unwrap_or_default();
        let path = ["projects", key];
        let operation = "look for a project of the server";
        let found: Option<serde_json::Value> =
            self.api.find(api::Part::Core, &path, operation).await?;
        let why =
            format!("the server has a project `{key}`, and would import it under another key");
        Ok(found.map(|_| why))
    }

    async fn deliver(&self, handed: Handed<'_>) -> Result<Delivered, HostError> {
        let Handed { part, archive, .. } = handed;
        let (name, sums) = sums::delivered(archive, WANTED.suffix, self.directory.clone()).await?;
        let to_do = self.directory.is_none().then(|| {
            format!(
                "copy `{}` to `{DIRECTORY}/{name}` below the server's shared home; there its MD5 is \
                 {} and its SHA-256 {}",
                archive.display(),
                sums.md5,
                sums.sha256
            )
        });
        Ok(Delivered { archive: archive.to_owned(), part, name, sums: Some(sums), to_do })
    }

    /// Jobs cannot be listed, and do not tell of which archive they are.
    async fn find(&self, _parcel: &Parcel) -> Result<Sought, HostError> {
        Ok(Sought::Unknown)
    }

    async fn begin(&self, parcel: &Parcel) -> Result<TargetId, HostError> {
        let operation = "begin the server's import";
        let none = || HostError::new(HostErrorKind::Protocol, operation);
        let archive = parcel.archives.first().ok_or_else(none)?;
        let body = json!({"archivePath": archive.name});
        let path = ["migration", "imports"];
        let job: Job = self.api.post((api::Part::Core, &path), &body, operation).await?;
        Ok(TargetId(job.id.ok_or_else(none)?.to_string()))
    }

    async fn progress(&self, job: &TargetId) -> Result<ImportProgress, HostError> {
        let operation = "ask how far the server's import is";
        let found: Job = self.api.get(api::Part::Core, &Self::job(job, &[]), operation).await?;
        let word = found.state.unwrap_or_default();
        let progress = found.progress.unwrap_or_default();
        let percentage = progress.percentage.map(|it| it.clamp(0, 100));
        Ok(ImportProgress {
            stage: stage(&word),
            word,
            message: progress.message.filter(|it| !it.is_empty()),
            percentage: percentage.and_then(|it| u8::try_from(it).ok()),
        })
    }

    async fn messages(&self, job: &TargetId, from: u64) -> Result<ImportMessages, HostError> {
        let operation = "read what the server says of its import";
        let path = Self::job(job, &["messages"]);
        let listing = self.api.list((api::Part::Core, &path), &[], from, operation).await?;
        let message = |it: Message| ImportMessage {
            severity: match it.severity.as_deref() {
                Some("ERROR") => Severity::Error,
                Some("WARN") => Severity::Warning,
                Some(_) | None => Severity::Note,
            },
            about: it.subject.filter(|it| !it.is_empty()),
            kind: None,
            text: it.text.unwrap_or_default(),
        };
        let messages = listing.items.into_iter().map(message).collect();
        Ok(ImportMessages { messages, next: listing.next })
    }

    async fn cancel(&self, job: &TargetId) -> Result<(), HostError> {
        let operation = "stop the server's import";
        let path = Self::job(job, &["cancel"]);
        let asked =
            self.api.act(Method::POST, (api::Part::Core, &path), &[], (None, operation)).await;
        match asked {
            Err(error) if error.kind == HostErrorKind::Conflict => Ok(()),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_of_a_job_is_not_its_end() {
        for (word, expected) in [
            ("COMPLETED", ImportStage::Done),
            ("ABORTED", ImportStage::Failed),
            ("FAILED", ImportStage::Failed),
            ("CANCELED", ImportStage::Cancelled),
            ("CANCELING", ImportStage::Running),
            ("FINALISING", ImportStage::Running),
            ("", ImportStage::Running),
        ] {
            assert_eq!(stage(word), expected, "{word}");
        }
    }
}
