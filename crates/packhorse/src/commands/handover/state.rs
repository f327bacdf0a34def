//! Where a hand-over stands, beside the journal: what was given to a host is not given to it twice.

use crate::{cli::Globals, commands::ends::Route, document, error::AppError};
use packhorse_core::{
    job::JobId,
    port::{Delivered, ImportMessage, ImportStage},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    io::Write as _,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

/// Messages of a host that are kept.
const MAX_MESSAGES: usize = 1_000;

/// How somebody wanted it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Manner {
    /// The directory from which the destination takes archives, as it is reached from here.
    pub(super) directory: Option<PathBuf>,
    /// Whether what is there is held against the archive.
    pub(super) verify: bool,
    /// Whether a warning of the destination's ends the run with a status of its own.
    pub(super) strict: bool,
    /// Whether the destination is asked to stop when somebody stops the run.
    pub(super) cancels: bool,
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
    /// How somebody wanted it.
    pub(super) manner: Manner,
    /// Projects of the source that are in the archive.
    pub(super) projects: Vec<String>,
    /// The job that made the archive.
    pub(super) carried: Option<u64>,
    /// The archive where the host finds it.
    pub(super) delivered: Option<Delivered>,
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
}

impl State {
    /// The state of a route, where it has been begun.
    pub(super) fn of(globals: &Globals, route: &Route) -> Result<(Self, bool), AppError> {
        let options = document::json(&route.options)?;
        let (from, to) = (route.from.to_string(), route.to.to_string());
        let key = Sha256::digest(format!("{from}\n{to}\n{options}"));
        let key: String = key.iter().take(8).map(|it| format!("{it:02x}")).collect();
        let directory = globals.journal.join("handovers").join(key);
        let found = Self::read(&directory)?;
        let is_known = found.is_some();
        let state = found.unwrap_or(Self { from, to, ..Self::default() });
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

    /// The state of the hand-over whose archive a job makes, or has made.
    pub(super) fn of_job(globals: &Globals, job: JobId) -> Result<Option<Self>, AppError> {
        let Ok(entries) = fs::read_dir(globals.journal.join("handovers")) else { return Ok(None) };
        for entry in entries {
            let found = Self::read(&entry?.path())?;
            if let Some(state) = found.filter(|it| it.carried == Some(job.0)) {
                return Ok(Some(state));
            }
        }
        Ok(None)
    }

    /// The archive's file.
    pub(super) fn archive(&self) -> PathBuf {
        let name = self.directory.file_name().map(|it| it.to_string_lossy().into_owned());
        self.directory.join(format!("Packhorse_{}.tar", name.unwrap_or_default()))
    }

    /// The file that says where it stands.
    pub(super) fn file(&self) -> PathBuf {
        self.directory.join("state.json")
    }

    /// Brings it to the disk, whole or not at all.
    pub(super) fn save(&mut self) -> Result<(), AppError> {
        self.messages.truncate(MAX_MESSAGES);
        // SECURITY: the archive beside it holds what private projects hold.
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
        let passing = self.directory.join("state.json.partial");
        let mut file = File::create(&passing)?;
        file.write_all(document::json(&*self)?.as_bytes())?;
        file.sync_all()?;
        fs::rename(&passing, self.file())?;
        sync(&self.directory)
    }

    /// Forgets it, and the archive.
    pub(super) fn end(self) -> Result<(), AppError> {
        Ok(fs::remove_dir_all(&self.directory)?)
    }
}

fn sync(directory: &Path) -> Result<(), AppError> {
    Ok(File::open(directory)?.sync_all()?)
}
