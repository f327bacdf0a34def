//! The two ends of a route: a server, a directory, or whatever keeps files by their hash.

use super::{
    EndpointOptions, LfsError, LfsRoute, Pointer,
    batch::{Granted, Operation, Verdict},
    download::{self, Opened},
    endpoint::Endpoint,
    server::Server,
    store::Store,
    upload::Sent,
};
use async_trait::async_trait;
use packhorse_core::{GitRemote, HostError, port::ByteStream};
use std::{io, sync::Arc};

/// Whatever keeps large files by their hash and speaks no Git LFS: an archive, a store of ours.
#[async_trait]
pub trait Shelf: Send + Sync {
    /// Whether it has each of these files, in their order.
    async fn has(&self, files: &[Pointer]) -> Result<Vec<bool>, HostError>;

    /// Opens a file; `None` when it is not there.
    async fn open(&self, file: &Pointer) -> Result<Option<ByteStream>, HostError>;

    /// Takes a file in, whole or not at all; a stream that is not the file's ends with an error.
    async fn write(&self, file: &Pointer, bytes: ByteStream) -> Result<(), HostError>;
}

/// Where files come from, or where they go.
#[derive(Clone)]
pub enum Side {
    /// The server or directory that stands beside a repository.
    Remote(GitRemote),
    /// Something else.
    Shelf(Arc<dyn Shelf>),
}

impl From<GitRemote> for Side {
    fn from(remote: GitRemote) -> Self {
        Self::Remote(remote)
    }
}

impl Side {
    /// The repository that the files stand beside, where there is one.
    pub fn remote(&self) -> Option<&GitRemote> {
        match self {
            Self::Remote(remote) => Some(remote),
            Self::Shelf(_) => None,
        }
    }
}

/// An end of a route, open.
pub(super) enum End {
    Store(Store),
    Server(Arc<Server>),
    Shelf(Arc<dyn Shelf>),
}

impl LfsRoute {
    /// Opens an end of the route.
    pub(super) fn end(
        &self,
        side: &Side,
        options: &EndpointOptions,
        operation: Operation,
    ) -> Result<End, LfsError> {
        let remote = match side {
            Side::Remote(remote) => remote,
            Side::Shelf(shelf) => return Ok(End::Shelf(Arc::clone(shelf))),
        };
        let (transport, clock) = (Arc::clone(&self.transport), Arc::clone(&self.clock));
        Ok(match Endpoint::of(remote, options)? {
            Endpoint::Store(directory) => End::Store(Store::at(directory)),
            Endpoint::Server(url) => {
                End::Server(Arc::new(Server::at(url, remote, transport, clock)?))
            }
            Endpoint::Ssh(ssh) => {
                End::Server(Arc::new(Server::over_ssh(ssh, operation, transport, clock)))
            }
        })
    }
}

impl End {
    /// What this end grants for files, in their order; nothing where rights need not be granted.
    pub(super) async fn ask(
        &self,
        operation: Operation,
        files: &[Pointer],
    ) -> Result<Vec<Option<Granted>>, LfsError> {
        Ok(match self {
            Self::Store(_) | Self::Shelf(_) => files.iter().map(|_| None).collect(),
            Self::Server(server) => {
                server.batch(operation, files).await?.into_iter().map(Some).collect()
            }
        })
    }

    /// Whether a destination has each of these files, by what it has granted for them.
    pub(super) async fn has(
        &self,
        files: &[Pointer],
        granted: &[Option<Granted>],
    ) -> Result<Vec<bool>, LfsError> {
        let needs_nothing = |it: &Option<Granted>| {
            it.as_ref().is_some_and(|it| matches!(it.verdict, Verdict::Nothing))
        };
        Ok(match self {
            Self::Server(_) => granted.iter().map(needs_nothing).collect(),
            Self::Store(store) => files.iter().map(|it| store.has(it)).collect(),
            Self::Shelf(shelf) => shelf.has(files).await?,
        })
    }

    /// Opens a file.
    pub(super) async fn open(
        &self,
        pointer: &Pointer,
        granted: Option<&Granted>,
    ) -> Result<Opened, LfsError> {
        let missing = |why: &str| Opened::Missing(why.to_owned());
        let found =
            |bytes: Option<ByteStream>, why| bytes.map_or_else(|| missing(why), Opened::Bytes);
        match (self, granted) {
            (Self::Server(server), Some(granted)) => download::open(server, granted).await,
            (Self::Server(_), None) => Ok(missing("it was not asked for")),
            (Self::Store(store), _) => {
                Ok(found(store.open(pointer).await?, "it is not in the repository's lfs directory"))
            }
            (Self::Shelf(shelf), _) => {
                Ok(found(shelf.open(pointer).await?, "the source has no such file"))
            }
        }
    }

    /// Writes a file where no right has to be granted first.
    ///
    /// What the disk refuses now it refuses later too; all else may be the source's trouble.
    pub(super) async fn write(
        &self,
        pointer: &Pointer,
        bytes: ByteStream,
    ) -> Result<Sent, LfsError> {
        let trouble = |error| Sent::Trouble(None, error);
        Ok(match self {
            Self::Server(_) => Sent::Refused("it was not asked about".to_owned()),
            Self::Store(store) => match store.write(pointer, bytes).await {
                Ok(()) => Sent::Done,
                Err(error) => {
                    let is_ours = of_this_machine(error.kind());
                    let error = LfsError::system("write a large file")(error);
                    if is_ours {
                        return Err(error);
                    }
                    trouble(error)
                }
            },
            Self::Shelf(shelf) => match shelf.write(pointer, bytes).await {
                Ok(()) => Sent::Done,
                Err(error) => trouble(error.into()),
            },
        })
    }
}

/// Whether an error is of the directory that is written to.
fn of_this_machine(kind: io::ErrorKind) -> bool {
    [
        io::ErrorKind::PermissionDenied,
        io::ErrorKind::NotFound,
        io::ErrorKind::NotADirectory,
        io::ErrorKind::ReadOnlyFilesystem,
        io::ErrorKind::StorageFull,
        io::ErrorKind::QuotaExceeded,
    ]
    .contains(&kind)
}
