//! Where a hand-over stands, beside the journal: what was given to a host is not given to it twice.

use super::groups::Groups;
use crate::{cli::Globals, commands::ends::Route, document, error::AppError};
use data_encoding::HEXLOWER;
use packhorse_core::{
    job::{JobId, JobOptions},
    model::Visibility,
    port::{Delivered, ImportMessage, ImportStage, Parcel, Part},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    io::Write as _,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};
use url::Url;

/// Messages of a host that are kept of each of its jobs.
const MAX_MESSAGES: usize = 1_000;

/// How somebody wanted it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::commands) struct Manner {
    /// The directory from which the destination takes archives, as it is reached from here.
    pub(super) directory: Option<PathBuf>,
    /// The address at which the destination reaches that directory.
    pub(super) address: Option<String>,
    /// Whether what is there is held against the archive.
    pub(super) verify: bool,
    /// Whether a warning of the destination's ends the run with a status of its own.
    pub(super) strict: bool,
    /// Whether the destination is asked to stop when somebody stops the run.
    pub(super) cancels: bool,
}

impl Manner {
    /// The same as hosts read it.
    pub(super) fn ways(&self) -> Result<packhorse_hosts::handover::Ways, AppError> {
        let address = self.address.as_deref().map(str::parse::<Url>).transpose();
        let address = address.map_err(|error| {
            AppError::usage("the address of the directory of imports is none").because(error)
        })?;
        Ok(packhorse_hosts::handover::Ways { directory: self.directory.clone(), address })
    }
}

/// A project, by its full paths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Named {
    /// At the source.
    pub(super) source: String,
    /// At the destination.
    pub(super) target: String,
}

/// An archive.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Piece {
    /// What it holds.
    pub(super) part: Part,
    /// The job that made it.
    #[serde(default)]
    pub(super) carried: Option<u64>,
    /// The archive where the host finds it.
    #[serde(default)]
    pub(super) delivered: Option<Delivered>,
    /// What it is called in the store from which the host fetches it.
    #[serde(default)]
    pub(super) stored: Option<String>,
}

/// What the host takes in one job.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Cargo {
    /// The projects in it.
    pub(super) projects: Vec<Named>,
    /// Whether it is one project's, and no other can be in it.
    pub(super) is_of_one: bool,
    /// Its archives.
    pub(super) pieces: Vec<Piece>,
    /// Who may see its project at the source, where the host asks for it.
    pub(super) visibility: Option<Visibility>,
    /// Whether the host was, or may have been, told to begin.
    pub(super) is_beginning: bool,
    /// The host's job.
    pub(super) job: Option<String>,
    /// How the host's job has ended.
    pub(super) ended: Option<ImportStage>,
    /// Messages that were read, and the first of them.
    pub(super) read: u64,
    /// See above.
    pub(super) messages: Vec<ImportMessage>,
    /// Whether all of it was done, and how well.
    pub(super) outcome: Option<Outcome>,
}

/// How well what the host took has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// As it should.
    Whole,
    /// The host told of losses.
    Losses,
    /// It did not, or differs.
    Failed,
}

impl Cargo {
    /// As the host is told of it; `None` until all of it is delivered.
    pub(super) fn parcel(&self) -> Option<Parcel> {
        let archives: Option<Vec<_>> = self.pieces.iter().map(|it| it.delivered.clone()).collect();
        let first = self.projects.first().filter(|_| self.is_of_one);
        Some(Parcel {
            project: first.map(|it| it.target.clone()),
            archives: archives?,
            addresses: Vec::new(),
            objects: Vec::new(),
            visibility: self.visibility,
        })
    }

    /// Whether the host is at it.
    pub(super) fn is_running(&self) -> bool {
        self.job.is_some() && self.ended.is_none()
    }

    /// What it is called, for people.
    pub(super) fn title(&self) -> String {
        match &self.projects[..] {
            [one] => format!("`{}`", one.target),
            many => format!("{} projects", many.len()),
        }
    }
}

/// Where a hand-over stands.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct State {
    /// Where it is written.
    #[serde(skip)]
    directory: PathBuf,
    /// Location to read from.
    pub(super) from: String,
    /// Location to write to.
    pub(super) to: String,
    /// What of it, and how.
    pub(super) options: JobOptions,
    /// How somebody wanted it.
    pub(super) manner: Manner,
    /// Whether the accounts and groups that an import looks for were brought.
    pub(super) is_prepared: bool,
    /// Groups that are made before their projects come.
    pub(super) groups: Groups,
    /// What the host takes, a job each.
    pub(super) cargos: Vec<Cargo>,
    /// Projects that go over the API, and why.
    pub(super) over_api: Vec<(Named, String)>,
}

impl State {
    /// The state of a route, where it has been begun.
    pub(super) fn of(globals: &Globals, route: &Route) -> Result<(Self, bool), AppError> {
        let options = document::json(&route.options)?;
        let (from, to) = (route.from.to_string(), route.to.to_string());
        let key = Sha256::digest(format!("{from}\n{to}\n{options}"));
        let key = HEXLOWER.encode(&key[..8]);
        let directory = globals.journal.join("handovers").join(key);
        let found = Self::read(&directory)?;
        let is_known = found.is_some();
        let options = route.options.clone();
        let state = found.unwrap_or(Self { from, to, options, ..Self::default() });
        Ok((Self { directory, ..state }, is_known))
    }

    fn read(directory: &Path) -> Result<Option<Self>, AppError> {
        let file = directory.join("state.json");
        let text = match fs::read(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let state: Self = serde_json::from_slice(&text).map_err(|error| {
            AppError::failed(format!("`{}` is damaged", file.display())).because(error)
        })?;
        Ok(Some(Self { directory: directory.to_owned(), ..state }))
    }

    /// The state of the hand-over of which a job makes an archive, or has made it.
    pub(super) fn of_job(globals: &Globals, job: JobId) -> Result<Option<Self>, AppError> {
        let Ok(entries) = fs::read_dir(globals.journal.join("handovers")) else { return Ok(None) };
        for entry in entries {
            let found = Self::read(&entry?.path())?;
            let is_of = |it: &Self| {
                let mut pieces = it.cargos.iter().flat_map(|it| &it.pieces);
                pieces.any(|it| it.carried == Some(job.0)) || it.groups.job == Some(job.0)
            };
            if let Some(state) = found.filter(is_of) {
                return Ok(Some(state));
            }
        }
        Ok(None)
    }

    /// Where an archive is made: which cargo's, and which part of it.
    pub(super) fn archive(&self, n: usize, part: Part, suffix: &str) -> PathBuf {
        let key = self.directory.file_name().map(|it| it.to_string_lossy().into_owned());
        let part = match part {
            Part::Whole => String::new(),
            Part::Git | Part::Records => format!("-{}", part.name()),
        };
        let name = format!("Packhorse_{}-{n}{part}{suffix}", key.unwrap_or_default());
        self.directory.join(name)
    }

    /// Where archives of groups are made.
    pub(super) fn groups_directory(&self) -> PathBuf {
        self.directory.join("groups")
    }

    /// The file that says where it stands.
    pub(super) fn file(&self) -> PathBuf {
        self.directory.join("state.json")
    }

    /// Brings it to the disk, whole or not at all.
    pub(super) fn save(&mut self) -> Result<(), AppError> {
        self.cargos.iter_mut().for_each(|it| it.messages.truncate(MAX_MESSAGES));
        // SECURITY: the archives beside it hold what private projects hold.
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
        let passing = self.directory.join("state.json.partial");
        let mut file = File::create(&passing)?;
        file.write_all(document::json(&*self)?.as_bytes())?;
        file.sync_all()?;
        fs::rename(&passing, self.file())?;
        sync(&self.directory)
    }

    /// Forgets it, and what is left of the archives.
    pub(super) fn end(self) -> Result<(), AppError> {
        Ok(fs::remove_dir_all(&self.directory)?)
    }
}

fn sync(directory: &Path) -> Result<(), AppError> {
    Ok(File::open(directory)?.sync_all()?)
}
