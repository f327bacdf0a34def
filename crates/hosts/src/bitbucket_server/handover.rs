//! Archives that the server imports by itself.
//!
//! Source: Atlassian, "Export and import projects and repositories"; its description of the REST API of
//! 9.2, `/migration/imports`.

use super::{
    api::{Api, Part},
    place::Place,
};
use crate::handover::Ways;
use async_trait::async_trait;
use http::Method;
use md5::Md5;
use packhorse_core::{
    HostError, HostErrorKind, Location, TargetId,
    port::{
        Delivered, HandOver, ImportMessage, ImportMessages, ImportProgress, ImportStage, Severity,
        Sums,
    },
};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

/// Below the server's shared home.
const DIRECTORY: &str = "data/migration/import";
/// Bytes read at a time.
const PIECE: usize = 256 << 10;

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

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}

/// Reads everything, into something else as well; the sums of it.
fn copy(mut from: impl Read, mut to: impl Write) -> io::Result<Sums> {
    let (mut md5, mut sha256, mut bytes) = (Md5::new(), Sha256::new(), 0);
    let mut piece = vec![0; PIECE];
    loop {
        let n = from.read(&mut piece)?;
        if n == 0 {
            to.flush()?;
            let (md5, sha256) = (hex(&md5.finalize()), hex(&sha256.finalize()));
            return Ok(Sums { bytes, md5, sha256 });
        }
        md5.update(&piece[..n]);
        sha256.update(&piece[..n]);
        to.write_all(&piece[..n])?;
        bytes += n as u64;
    }
}

/// Copies an archive into a directory, and reads the copy again.
fn put(archive: &Path, directory: &Path, name: &str) -> io::Result<Sums> {
    let target = directory.join(name);
    let sums = copy(File::open(archive)?, io::sink())?;
    if File::open(&target).is_ok_and(|it| copy(it, io::sink()).is_ok_and(|it| it == sums)) {
        return Ok(sums);
    }
    let passing = directory.join(format!("{name}.partial"));
    let file = File::create(&passing)?;
    copy(File::open(archive)?, &file)?;
    file.sync_all()?;
    let found = copy(File::open(&passing)?, io::sink())?;
    if found != sums {
        fs::remove_file(&passing)?;
        return Err(io::Error::other("the copy has other sums than the archive"));
    }
    fs::rename(&passing, &target)?;
    Ok(sums)
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
    fn format(&self) -> &'static str {
        "bitbucket-archive"
    }

    /// The importer gives a project whose key is taken another one, so that nothing would come into
    /// the project that is there.
    async fn refuses(&self, project: &str) -> Result<Option<String>, HostError> {
        let key = project.split('/').next().unwrap_or_default();
        let path = ["projects", key];
        let operation = "look for a project of the server";
        let found: Option<serde_json::Value> = self.api.find(Part::Core, &path, operation).await?;
        let why =
            format!("the server has a project `{key}`, and would import it under another key");
        Ok(found.map(|_| why))
    }

    async fn deliver(&self, archive: &Path) -> Result<Delivered, HostError> {
        let operation = "put the archive into the server's directory of imports";
        let fail = |error: io::Error| {
            HostError::new(HostErrorKind::Unavailable, operation)
                .with("archive", archive.display())
                .because(error)
        };
        let name = archive.file_name().map(|it| it.to_string_lossy().into_owned());
        let name = name.filter(|it| it.ends_with(".tar"));
        let Some(name) = name else {
            return Err(HostError::new(HostErrorKind::Rejected, operation)
                .with("archive", archive.display())
                .with("reason", "its name does not end with `.tar`"));
        };
        let (from, directory, called) = (archive.to_owned(), self.directory.clone(), name.clone());
        let done = tokio::task::spawn_blocking(move || match &directory {
            Some(directory) => put(&from, directory, &called),
            None => copy(File::open(&from)?, io::sink()),
        });
        let sums = done.await.map_err(|it| fail(io::Error::other(it)))?.map_err(fail)?;
        let to_do = self.directory.is_none().then(|| {
            format!(
                "copy `{}` to `{DIRECTORY}/{name}` below the server's shared home; there its MD5 is \
                 {} and its SHA-256 {}",
                archive.display(),
                sums.md5,
                sums.sha256
            )
        });
        Ok(Delivered { name, sums, to_do })
    }

    async fn begin(&self, delivered: &Delivered) -> Result<TargetId, HostError> {
        let operation = "begin the server's import";
        let body = json!({"archivePath": delivered.name});
        let path = ["migration", "imports"];
        let job: Job = self.api.post((Part::Core, &path), &body, operation).await?;
        let none = || HostError::new(HostErrorKind::Protocol, operation);
        Ok(TargetId(job.id.ok_or_else(none)?.to_string()))
    }

    async fn progress(&self, job: &TargetId) -> Result<ImportProgress, HostError> {
        let operation = "ask how far the server's import is";
        let found: Job = self.api.get(Part::Core, &Self::job(job, &[]), operation).await?;
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
        let listing = self.api.list((Part::Core, &path), &[], from, operation).await?;
        let message = |it: Message| ImportMessage {
            severity: match it.severity.as_deref() {
                Some("ERROR") => Severity::Error,
                Some("WARN") => Severity::Warning,
                Some(_) | None => Severity::Note,
            },
            about: it.subject.filter(|it| !it.is_empty()),
            text: it.text.unwrap_or_default(),
        };
        let messages = listing.items.into_iter().map(message).collect();
        Ok(ImportMessages { messages, next: listing.next })
    }

    async fn cancel(&self, job: &TargetId) -> Result<(), HostError> {
        let operation = "stop the server's import";
        let path = Self::job(job, &["cancel"]);
        let asked = self.api.act(Method::POST, (Part::Core, &path), &[], (None, operation)).await;
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
    fn a_copy_has_the_sums_of_the_archive() {
        let directory = tempfile::tempdir().unwrap();
        let archive = directory.path().join("a.tar");
        fs::write(&archive, b"abc").unwrap();
        let imports = directory.path().join("import");
        fs::create_dir(&imports).unwrap();

        for _ in ["first", "again"] {
            let sums = put(&archive, &imports, "a.tar").unwrap();
            assert_eq!((sums.bytes, sums.md5.as_str()), (3, "900150983cd24fb0d6963f7d28e17f72"));
            assert!(sums.sha256.starts_with("ba7816bf"), "{}", sums.sha256);
        }
        assert_eq!(fs::read(imports.join("a.tar")).unwrap(), b"abc");
        assert_eq!(fs::read_dir(&imports).unwrap().count(), 1);
    }

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
