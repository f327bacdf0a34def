//! Reading: an archive is gone through once, and what it holds is served from a spool.
//!
//! Repositories stay where they are, and are unpacked when they are asked for.

mod git;
mod request;
mod take;

use super::{FORMAT, support, write::SHAPE};
use crate::{
    container::{Archive, ArchiveError, Limits},
    kin::Kin,
    spool::{Contents, Intake, Reading, Spool, SpoolError, Surveyed, version_of_files},
    wire::Unknown,
};
pub(super) use git::Repositories;
use packhorse_core::{Loss, ObjectKind, RepoKind, Support, port::SourceLoss};
pub(super) use request::nth;
use std::{
    io::Read,
    path::Path,
    sync::{Arc, Mutex},
};
use take::Taking;

/// Exports of Bitbucket Data Center, to be read.
pub(super) struct Export;

impl Reading for Export {
    type Contents = Repositories;

    const FORMAT: &'static str = FORMAT;

    fn reads(kind: ObjectKind) -> Support {
        support::reads(kind)
    }

    fn version(&self, path: &Path) -> Result<String, SpoolError> {
        version_of_files(&[path.to_owned()])
    }

    fn survey(
        &self,
        path: &Path,
        _only: Option<&str>,
        scratch: &Path,
    ) -> Result<Surveyed<Repositories>, SpoolError> {
        survey(path, scratch)
    }
}

/// What was found that has no place.
#[derive(Default)]
pub(super) struct Odd {
    pub(super) unknown: Unknown,
    pub(super) n_damaged: u64,
    pub(super) n_members: u64,
    pub(super) n_lfs: u64,
    pub(super) n_hooks: u64,
    pub(super) n_forks: u64,
    pub(super) n_odd_requests: u64,
}

/// Counts that mean that an archive is not whole, rather than newer.
const DAMAGED: &str = "activities";
const ODD_REQUESTS: &str = "pull_requests";

impl Odd {
    fn losses(self) -> Vec<SourceLoss> {
        let loss = |name: &str, why: &str, count: u64| SourceLoss {
            name: name.to_owned(),
            loss: Loss::source(Loss::WHOLE, why),
            count,
        };
        let unknown = self.unknown.counts().iter();
        let why = "it has no place in the model, or is not known";
        let mut losses: Vec<_> = unknown.map(|(name, n)| loss(name, why, *n)).collect();
        for (name, why, count) in [
            (DAMAGED, "they are not as activities are", self.n_damaged),
            (ODD_REQUESTS, "they are not as change requests are", self.n_odd_requests),
            (
                "permissions",
                "they are of nobody who can be told, or let do nothing",
                self.n_members,
            ),
            ("lfs_objects", "Bitbucket leaves their bytes out of its exports", self.n_lfs),
            ("hooks", "what a server would run is never taken out of an archive", self.n_hooks),
            ("forks", "the archive does not tell which one they were forked from", self.n_forks),
        ] {
            if count > 0 {
                losses.push(loss(name, why, count));
            }
        }
        losses
    }
}

/// Whether a loss of that name means that an archive is not whole, rather than newer.
pub(super) fn is_damage(name: &str) -> bool {
    matches!(name, DAMAGED | ODD_REQUESTS)
}

/// Opens what is to be Bitbucket's.
pub(super) fn open(path: &Path) -> Result<Archive, ArchiveError> {
    if let Some(kin) = Kin::at(path).filter(|it| *it != Kin::Bitbucket) {
        return Err(kin.foreign(path));
    }
    Archive::open(path, Limits::of_this_run())
}

/// Reads an archive into a spool.
pub(super) fn survey(path: &Path, scratch: &Path) -> Result<Surveyed<Repositories>, SpoolError> {
    std::fs::create_dir_all(scratch)?;
    let directory = tempfile::Builder::new().prefix("bitbucket-archive-").tempdir_in(scratch)?;
    let mut intake = Intake::into(Spool::passing(directory.path(), &SHAPE)?);
    let archive = Arc::new(open(path)?);
    let mut odd = Odd::default();
    let contents = {
        let mut taking = Taking::new(&mut intake, &archive, &mut odd);
        let mut failed = None;
        let scanned = archive.scan(|member, data| match taking.entry(member, data) {
            Ok(()) => Ok(()),
            Err(SpoolError::Archive(error)) => Err(error),
            Err(error) => {
                // The visitor's error is told in place of this one.
                let what = String::new();
                failed = Some(error);
                Err(ArchiveError::OverLimit { what, limit: 0 })
            }
        });
        if let Some(error) = failed {
            return Err(error);
        }
        scanned?;
        taking.end(path)?
    };
    let spool = intake.end()?;
    let (spool, losses) = (Mutex::new(spool), odd.losses());
    Ok(Surveyed { spool, contents, losses, _directory: directory })
}

impl Contents for Repositories {
    fn open(&self, place: &str, _: u64) -> Result<Box<dyn Read + Send>, ArchiveError> {
        Err(ArchiveError::Inconsistent {
            member: place.to_owned(),
            detail: "no files of records are read from such archives".to_owned(),
        })
    }

    fn repository_bytes(&self, project: &str, repo: RepoKind) -> Option<u64> {
        self.bytes(project).filter(|_| repo == RepoKind::Code)
    }

    fn unpack(&self, project: &str, repo: RepoKind, to: &Path) -> Result<(), SpoolError> {
        if repo == RepoKind::Code { self.unpack(project, to) } else { Ok(()) }
    }
}
