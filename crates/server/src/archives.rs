//! Archives that clients asked for: where they are made, and where they are kept.
//!
//! They are made in a directory of this machine, for making one takes many writes in many places.
//! There they stay, or they go into an object store as soon as they are whole; then whichever
//! process works on a job can make its archive, and every other one serves it.

use crate::{
    scratch::make_private,
    service::{ServiceError, system},
};
use async_trait::async_trait;
use packhorse_core::{
    HostError, HostErrorKind, Loss, Origin, Scope,
    port::{AroundSink, Sink},
};
use packhorse_storage::{Storage, StorageError, Trouble};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};
use url::Url;

/// Name of the directory below that of all archives where those are made that a store keeps.
const MAKING: &str = "making";

/// Ends of the names of what lies beside an archive until it is whole, and for good where its job
/// failed.
const UNFINISHED: [&str; 2] = [".partial", ".partial.d"];

/// Where archives are.
#[derive(Debug)]
pub(crate) struct Archives {
    directory: PathBuf,
    storage: Option<Storage>,
}

impl Archives {
    /// Archives in that directory, or on their way through it into a store.
    pub(crate) const fn new(directory: PathBuf, storage: Option<Storage>) -> Self {
        Self { directory, storage }
    }

    /// Where an archive is in its end, for jobs and for people: a path, or an address in a store.
    pub(crate) fn place(&self, name: &str) -> String {
        match &self.storage {
            None => self.directory.join(name).to_string_lossy().into_owned(),
            Some(storage) => storage.address_of(name),
        }
    }

    /// Whether a job's place is that of an archive in the store.
    ///
    /// # Errors
    ///
    /// When it is in a store that is not the service's, or not any more.
    pub(crate) fn is_stored(&self, place: &str, name: &str) -> Result<bool, ServiceError> {
        if !place.contains("://") {
            return Ok(false);
        }
        if self.storage.is_some() && self.place(name) == place {
            return Ok(true);
        }
        let why = "its archive belongs into a store that the configuration does not name";
        Err(system("open an archive")(io::Error::other(why)))
    }

    /// Where an archive lies that is served from here.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The directory where one is made that goes into the store; nothing else is in it.
    fn workshop(&self, name: &str) -> PathBuf {
        self.directory.join(MAKING).join(name)
    }

    /// Where an archive is made.
    pub(crate) fn draft(&self, name: &str) -> PathBuf {
        match &self.storage {
            None => self.file(name),
            Some(_) => self.workshop(name).join(name),
        }
    }

    /// Makes room for a draft.
    pub(crate) fn prepare(&self, name: &str) -> Result<(), ServiceError> {
        make_private(&self.workshop(name)).map_err(system("make a directory for an archive"))
    }

    /// Whether what there is of a draft is on this machine.
    pub(crate) fn has_draft(&self, name: &str) -> bool {
        self.workshop(name).exists()
    }

    /// Removes what there is of a draft on this machine.
    pub(crate) fn clear(&self, name: &str) -> Result<(), ServiceError> {
        gone(fs::remove_dir_all(self.workshop(name)))
    }

    /// Removes drafts of jobs that nobody has gone on with for that long; another worker may have
    /// done them anew.
    pub(crate) fn clear_old(&self, kept: Duration) -> io::Result<()> {
        let Some(before) = SystemTime::now().checked_sub(kept) else { return Ok(()) };
        let entries = match fs::read_dir(self.directory.join(MAKING)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            if last_touched(&entry.path())? < before {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }

    /// A destination whose archive goes into the store as soon as it is whole.
    pub(crate) fn shelved(&self, sink: Arc<dyn Sink>, name: &str) -> Arc<dyn Sink> {
        match &self.storage {
            None => sink,
            Some(storage) => Arc::new(Shelved {
                sink,
                storage: storage.clone(),
                name: name.to_owned(),
                draft: self.draft(name),
            }),
        }
    }

    /// The store, where it has an archive: one that lies here was made before there was a store.
    pub(crate) fn storage_of(&self, name: &str) -> Option<&Storage> {
        self.storage.as_ref().filter(|_| !self.file(name).exists())
    }

    /// An address at the store from which anybody may fetch an archive for that long; `None` where
    /// this service has to send it.
    pub(crate) async fn address(
        &self,
        name: &str,
        lasts: Duration,
    ) -> Result<Option<Url>, ServiceError> {
        let Some(storage) = self.storage_of(name).filter(|it| it.can_sign()) else {
            return Ok(None);
        };
        match storage.signed_get_url(name, lasts).await {
            Ok(url) => Ok(Some(url)),
            // These credentials cannot sign.
            Err(error) if error.trouble == Trouble::Unsupported => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes an archive wherever it is; whoever is downloading it from here gets it to its end.
    pub(crate) async fn remove(&self, name: &str) -> Result<(), ServiceError> {
        gone(fs::remove_file(self.file(name)))?;
        for end in UNFINISHED {
            let unfinished = self.file(&format!("{name}{end}"));
            gone(match unfinished.is_dir() {
                true => fs::remove_dir_all(unfinished),
                false => fs::remove_file(unfinished),
            })?;
        }
        self.clear(name)?;
        if let Some(storage) = &self.storage {
            storage.delete(name).await?;
        }
        Ok(())
    }
}

/// When something last came into a directory, or into one right below it: a draft is a file or a
/// directory that is written to as long as somebody is about it.
fn last_touched(directory: &Path) -> io::Result<SystemTime> {
    let mut last = fs::metadata(directory)?.modified()?;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        last = last.max(entry.metadata()?.modified()?);
        if entry.file_type()?.is_dir() {
            for below in fs::read_dir(entry.path())? {
                last = last.max(below?.metadata()?.modified()?);
            }
        }
    }
    Ok(last)
}

/// What is not there is gone.
fn gone(removed: io::Result<()>) -> Result<(), ServiceError> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(system("remove an archive")(error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// An archive on its way into the store.
struct Shelved {
    sink: Arc<dyn Sink>,
    storage: Storage,
    name: String,
    draft: PathBuf,
}

fn refused(error: StorageError) -> HostError {
    let kind = match error.trouble {
        Trouble::Missing | Trouble::NoPlace => HostErrorKind::NotFound,
        Trouble::Denied => HostErrorKind::Forbidden,
        Trouble::Unreachable | Trouble::File => HostErrorKind::Unavailable,
        Trouble::Unsupported => HostErrorKind::Unsupported,
        Trouble::Configuration | Trouble::Refused => HostErrorKind::Rejected,
    };
    HostError::new(kind, "keep the archive").because(error)
}

#[async_trait]
impl AroundSink for Shelved {
    fn inner(&self) -> &dyn Sink {
        &*self.sink
    }

    /// The draft stays until the job has ended: it is read back.
    async fn finish(&self, scope: &Scope) -> Result<Vec<(Origin, Loss)>, HostError> {
        let late = self.sink.finish(scope).await?;
        if *scope == Scope::Shared {
            self.storage.put_file(&self.name, &self.draft).await.map_err(refused)?;
        }
        Ok(late)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_storage::Settings;

    #[test]
    fn drafts_that_nobody_goes_on_with_are_removed() {
        let directory = tempfile::tempdir().unwrap();
        let archives = Archives::new(directory.path().to_owned(), None);
        archives.clear_old(Duration::ZERO).unwrap();
        archives.prepare("a.tar.gz").unwrap();
        fs::write(archives.workshop("a.tar.gz").join("draft"), b"draft").unwrap();

        archives.clear_old(Duration::from_secs(3_600)).unwrap();
        assert!(archives.has_draft("a.tar.gz"));
        archives.clear_old(Duration::ZERO).unwrap();

        assert!(!archives.has_draft("a.tar.gz"));
    }

    #[tokio::test]
    async fn what_a_failed_job_left_of_an_archive_goes_with_it() {
        let directory = tempfile::tempdir().unwrap();
        let archives = Archives::new(directory.path().to_owned(), None);
        let at = |name: &str| directory.path().join(name);
        for name in ["1.tar.gz.partial.d", "2.tar.gz.partial"] {
            fs::create_dir(at(name)).unwrap();
            fs::write(at(name).join("rows"), b"rows").unwrap();
        }
        for name in ["1.tar.gz.partial", "11.tar.gz.partial", "11.tar.gz"] {
            fs::write(at(name), b"bytes").unwrap();
        }

        archives.remove("1.tar.gz").await.unwrap();
        archives.remove("2.tar.gz").await.unwrap();

        let mut left: Vec<_> =
            fs::read_dir(directory.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["11.tar.gz", "11.tar.gz.partial"]);
    }

    #[tokio::test]
    async fn an_archive_from_before_there_was_a_store_is_served_from_here() {
        let directory = tempfile::tempdir().unwrap();
        let store = format!("file://{}/store", directory.path().display());
        let storage = Storage::open(&store, &Settings::of([])).unwrap();
        let archives = Archives::new(directory.path().to_owned(), Some(storage.clone()));
        fs::write(archives.file("old.tar.gz"), b"old").unwrap();
        storage.put_file("new.tar.gz", &archives.file("old.tar.gz")).await.unwrap();

        assert!(archives.storage_of("old.tar.gz").is_none());
        assert!(archives.storage_of("new.tar.gz").is_some());
        assert!(archives.is_stored(&format!("{store}/new.tar.gz"), "new.tar.gz").unwrap());
        assert!(!archives.is_stored("/srv/archives/new.tar.gz", "new.tar.gz").unwrap());
        assert!(archives.is_stored("s3://other/new.tar.gz", "new.tar.gz").is_err());
        let no_address = archives.address("new.tar.gz", Duration::from_secs(60)).await.unwrap();
        assert_eq!(no_address, None, "a directory signs nothing");
        archives.remove("old.tar.gz").await.unwrap();
        archives.remove("new.tar.gz").await.unwrap();
        assert!(!archives.file("old.tar.gz").exists());
        assert!(!storage.exists("new.tar.gz").await.unwrap());
    }
}
