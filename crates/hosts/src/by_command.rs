//! Imports that somebody runs by commands on the server, because no call of its API does.
//!
//! The run says which commands to give and ends; going on with it says that they have ended. What
//! tells whether they did anything is that the repository is there.

use async_trait::async_trait;
use packhorse_core::{
    HostError, HostErrorKind, TargetId,
    port::{
        Delivered, HandOver, Handed, ImportMessages, ImportProgress, ImportStage, Parcel, Sought,
        Wanted,
    },
};

/// A server on which somebody gives commands.
#[async_trait]
pub(crate) trait Commanded: Send + Sync {
    /// What its archives are like.
    const WANTED: Wanted;

    /// Whether the server has that repository.
    async fn has(&self, owner: &str, name: &str) -> Result<bool, HostError>;

    /// Puts a project's archive where the commands find it, and says what to do with it.
    async fn deliver(
        &self,
        repository: (&str, &str),
        handed: Handed<'_>,
    ) -> Result<Delivered, HostError>;
}

/// Such a server as one that takes archives.
pub(crate) struct ByCommand<T>(pub(crate) T);

/// Owner and name of a repository, where there is nothing deeper.
pub(crate) fn parts(project: &str) -> Option<(&str, &str)> {
    project.split_once('/').filter(|(_, name)| !name.contains('/'))
}

impl<T: Commanded> ByCommand<T> {
    async fn has(&self, project: &str) -> Result<bool, HostError> {
        match parts(project) {
            Some((owner, name)) => self.0.has(owner, name).await,
            None => Ok(false),
        }
    }
}

#[async_trait]
impl<T: Commanded> HandOver for ByCommand<T> {
    fn wants(&self) -> Wanted {
        T::WANTED
    }

    async fn refuses(&self, project: &str) -> Result<Option<String>, HostError> {
        let why = if parts(project).is_none() {
            "the server knows owners and names, and nothing deeper"
        } else if self.has(project).await? {
            "the server has it, and imports only what is new"
        } else {
            return Ok(None);
        };
        Ok(Some(why.to_owned()))
    }

    async fn deliver(&self, handed: Handed<'_>) -> Result<Delivered, HostError> {
        let repository = handed.project.and_then(parts).ok_or_else(|| {
            HostError::new(HostErrorKind::Rejected, "prepare an archive for the server")
                .with("archive", handed.archive.display())
                .with("reason", "one repository goes at a time, by its owner and name")
        })?;
        self.0.deliver(repository, handed).await
    }

    async fn find(&self, parcel: &Parcel) -> Result<Sought, HostError> {
        let project = parcel.project.as_deref().unwrap_or_default();
        match self.has(project).await? {
            true => Ok(Sought::Begun(TargetId(project.to_owned()))),
            false => Ok(Sought::NotBegun),
        }
    }

    async fn begin(&self, parcel: &Parcel) -> Result<TargetId, HostError> {
        match self.find(parcel).await? {
            Sought::Begun(job) => Ok(job),
            Sought::NotBegun | Sought::Unknown => {
                Err(HostError::new(HostErrorKind::NotFound, "look for what was to be imported")
                    .with("repository", parcel.project.as_deref().unwrap_or_default()))
            }
        }
    }

    async fn progress(&self, job: &TargetId) -> Result<ImportProgress, HostError> {
        let (stage, word) = match self.has(&job.0).await? {
            true => (ImportStage::Done, "imported"),
            false => (ImportStage::Failed, "gone"),
        };
        Ok(ImportProgress { stage, word: word.to_owned(), message: None, percentage: None })
    }

    /// What the commands say, they say to whoever gives them.
    async fn messages(&self, _job: &TargetId, _from: u64) -> Result<ImportMessages, HostError> {
        Ok(ImportMessages::default())
    }

    async fn cancel(&self, job: &TargetId) -> Result<(), HostError> {
        Err(HostError::new(HostErrorKind::Unsupported, "stop the server's import")
            .with("repository", &job.0)
            .with("reason", "it is done by commands on the server"))
    }
}
