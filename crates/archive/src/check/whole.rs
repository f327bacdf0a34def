//! Going through everything in an archive, as whoever imports it would: records, files, repositories.

use super::{CheckReport, importer, references::References};
use data_encoding::HEXLOWER;
use futures::StreamExt as _;
use packhorse_core::{
    Access, Capabilities, Carriage, Cursor, HostError, HostErrorKind, HostSpec, Lane, Location,
    Object, ObjectKind, OpenContext, Record, RepoKind, Scope,
    model::Blob,
    port::{BlobRef, Source},
};
use packhorse_git::{Git, refs, repository};
use sha2::{Digest, Sha256};
use std::path::Path;

/// What is needed to go through an archive.
struct Walk<'a> {
    source: &'a dyn Source,
    /// What the format's importer takes.
    importer: Capabilities,
    scratch: &'a Path,
    git: Git,
}

/// Reads every record, every file and every repository of an archive of that format, and adds what
/// is wrong with them.
///
/// # Errors
///
/// When what was listed cannot be read.
pub(super) async fn walk(
    spec: &HostSpec,
    path: &Path,
    scratch: &Path,
    report: &mut CheckReport,
) -> Result<(), HostError> {
    let location = Location {
        host: spec.id.to_owned(),
        rest: path.to_string_lossy().into_owned(),
        project: None,
        credentials: None,
        more_credentials: Vec::new(),
    };
    let open = |access| {
        let context = OpenContext { scratch: scratch.to_owned(), access, resume: false };
        (spec.open)(&location, &context)
    };
    let none = || HostError::new(HostErrorKind::Unsupported, "open the archive");
    let source = open(Access::Read)?.source.ok_or_else(none)?;
    let importer = open(Access::Plan)?.sink.ok_or_else(none)?.probe().await?;
    let git = Git::find().await?;
    let walk = Walk { source: &*source, importer, scratch, git };
    let mut projects = Vec::new();
    let all = Lane::new(Scope::Shared, ObjectKind::Project);
    walk.lane(&all, |record| projects.push(record.origin.id)).await?;
    for project in projects {
        walk.scope(&Scope::Project(project.clone()), report).await?;
        for repo in [RepoKind::Code, RepoKind::Wiki] {
            walk.repository(&project, repo, report).await?;
        }
    }
    walk.scope(&Scope::Shared, report).await
}

/// Whether records of a kind may stand on records of any other.
const fn is_said(kind: ObjectKind) -> bool {
    matches!(
        kind,
        ObjectKind::Comment | ObjectKind::Reaction | ObjectKind::Event | ObjectKind::State
    )
}

fn blob(object: &Object) -> Option<&Blob> {
    if let Object::Attachment(it) = object {
        Some(&it.blob)
    } else if let Object::LfsObject(it) = object {
        Some(&it.blob)
    } else if let Object::ReleaseAsset(it) = object {
        it.blob.as_ref()
    } else {
        None
    }
}

impl Walk<'_> {
    async fn lane(&self, lane: &Lane, mut visit: impl FnMut(Record)) -> Result<(), HostError> {
        let mut at: Option<Cursor> = None;
        loop {
            let page = self.source.read(lane, at.as_ref()).await?;
            page.records.into_iter().for_each(&mut visit);
            let Some(next) = page.next else { return Ok(()) };
            at = Some(next);
        }
    }

    async fn scope(&self, scope: &Scope, report: &mut CheckReport) -> Result<(), HostError> {
        let counted = self.source.inventory(scope).await?;
        let mut references = References::default();
        let here = |kind: &ObjectKind| match scope {
            Scope::Shared => kind.is_shared(),
            Scope::Project(_) => kind.in_project(),
        };
        let kinds = ObjectKind::ALL.iter().copied().filter(here);
        let mut kinds: Vec<_> = kinds.filter(|it| it.carriage() != Carriage::Git).collect();
        // A sentence about something comes after all that it may be about.
        kinds.sort_by_key(|it| is_said(*it));
        for kind in kinds {
            let lane = Lane::new(scope.clone(), kind);
            let (mut n, mut at): (u64, Option<Cursor>) = (0, None);
            loop {
                let page = self.source.read(&lane, at.as_ref()).await?;
                n += page.records.len() as u64;
                for record in &page.records {
                    references.note(&record.origin.id, &record.object);
                    for told in importer::exceeded(&self.importer.limits, &record.object) {
                        let id = &record.origin.id;
                        report.find(scope.key(), format!("{kind} `{id}`: {told}"));
                    }
                    self.bytes(scope, record, report).await;
                }
                let Some(next) = page.next else { break };
                at = Some(next);
            }
            if let Some(told) = counted.records(kind).filter(|it| *it != n) {
                report.find(scope.key(), format!("{told} of `{kind}` were counted, {n} are read"));
            }
        }
        references.findings().for_each(|it| report.find(scope.key(), it));
        Ok(())
    }

    /// Reads a record's bytes, and compares them with what it says of them.
    async fn bytes(&self, scope: &Scope, record: &Record, report: &mut CheckReport) {
        let Some(blob) = blob(&record.object) else { return };
        let (size, sha256) = (blob.size, blob.sha256.clone());
        let origin = record.origin.clone();
        let place = BlobRef { scope: scope.clone(), origin, size, sha256 };
        let about = &record.origin;
        match self.sum(&place).await {
            Err(error) => report.find(scope.key(), format!("the file of {about}: {error}")),
            Ok((n, _)) if place.size.is_some_and(|it| it != n) => {
                report.find(scope.key(), format!("the file of {about} has {n} bytes"));
            }
            Ok((_, sum)) if place.sha256.as_ref().is_some_and(|it| *it != sum) => {
                report.find(scope.key(), format!("the file of {about} has the SHA-256 {sum}"));
            }
            Ok(_) => {}
        }
    }

    async fn sum(&self, place: &BlobRef) -> Result<(u64, String), String> {
        let mut bytes = self.source.open(place, 0).await.map_err(|it| it.to_string())?;
        let (mut size, mut sum) = (0, Sha256::new());
        while let Some(piece) = bytes.next().await {
            let piece = piece.map_err(|it| it.to_string())?;
            size += piece.len() as u64;
            sum.update(&piece);
        }
        Ok((size, HEXLOWER.encode(&sum.finalize())))
    }

    /// Unpacks a repository, asks Git what is wrong with it, and removes it.
    async fn repository(
        &self,
        project: &str,
        repo: RepoKind,
        report: &mut CheckReport,
    ) -> Result<(), HostError> {
        let name = format!("{project} ({})", repo.name());
        let remote = match self.source.remote(project, repo).await {
            Ok(Some(remote)) => remote,
            Ok(None) => return Ok(()),
            Err(error) => {
                let why = std::error::Error::source(&error);
                let why = why.map_or_else(|| error.to_string(), ToString::to_string);
                report.find(&name, format!("it cannot be unpacked: {why}"));
                return Ok(());
            }
        };
        let Some(path) = remote.url.as_path() else { return Ok(()) };
        for line in repository::fsck(&self.git, path).await? {
            report.find(&name, line);
        }
        match refs::list(&self.git, &remote).await {
            Ok(found) => {
                for told in found.refs.keys().filter_map(|it| importer::ref_name(it)) {
                    report.find(&name, told);
                }
            }
            Err(error) => report.find(&name, error.to_string()),
        }
        // What it was unpacked to; a repository that is read in place stays.
        if path.starts_with(self.scratch) {
            std::fs::remove_dir_all(path).ok();
        }
        Ok(())
    }
}
