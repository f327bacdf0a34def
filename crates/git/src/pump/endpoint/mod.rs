//! Where a half of Git's transport answers: over HTTP, or as a program, on this
//! machine or at the other end of ssh.

mod http;
mod process;
mod ssh;

use super::{
    advertisement::{Advertisement, Service, Version},
    packet::PacketReader,
    remark::Place,
};
use crate::{error::GitError, process::Git};
use ::http::StatusCode;
use bytes::Bytes;
use packhorse_core::{GitRemote, port::ByteStream};

/// A remote, and the way to it.
#[derive(Clone)]
pub(super) struct Endpoint {
    place: Place,
    way: Way,
}

#[derive(Clone)]
enum Way {
    Http(http::Address),
    Process(process::Programs),
}

/// A conversation with one service of an endpoint.
pub(super) enum Connection {
    /// Each request is a request of its own.
    Http(http::Conversation),
    /// One program hears all requests.
    Process(process::Conversation),
}

/// The body of a push.
pub(super) struct PushBody {
    /// Commands, and the pack behind them.
    pub(super) bytes: ByteStream,
    /// Its length, where that is known.
    pub(super) length: Option<u64>,
}

impl Endpoint {
    /// Finds the way to a remote; speaks with nobody yet.
    ///
    /// # Errors
    ///
    /// [`GitError::NotStreamed`] for ways that the pump does not know.
    pub(super) fn of(git: &Git, remote: &GitRemote) -> Result<Self, GitError> {
        let place = Place::new(remote.url.as_str());
        let text = remote.url.as_str();
        let way = if let Some(path) = remote.url.as_path() {
            Way::Process(process::Programs::at_path(git, path))
        } else if text.starts_with("https://") || text.starts_with("http://") {
            Way::Http(http::Address::new(git, remote, place.clone())?)
        } else if let Some(address) = ssh::Address::parse(text) {
            Way::Process(process::Programs::over_ssh(git, address))
        } else {
            return Err(place.not_streamed("it is reached by a protocol that is not spoken here"));
        };
        Ok(Self { place, way })
    }

    /// Who is at the other end.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Begins a conversation, by that protocol if the server knows it.
    pub(super) async fn connect(
        &self,
        service: Service,
        version: Version,
    ) -> Result<(Connection, Advertisement), GitError> {
        match &self.way {
            Way::Http(address) => {
                let (conversation, found) = address.connect(service, version).await?;
                Ok((Connection::Http(conversation), found))
            }
            Way::Process(programs) => {
                let (conversation, found) =
                    programs.connect((service, version), &self.place).await?;
                Ok((Connection::Process(conversation), found))
            }
        }
    }
}

/// A server whose requests stand alone.
#[derive(Clone)]
pub(super) struct Stateless(http::Address);

impl Stateless {
    /// Asks a question of protocol 0.
    pub(super) async fn ask(&self, request: Vec<u8>) -> Result<PacketReader, GitError> {
        self.0.ask_v0(request.into()).await
    }
}

impl Connection {
    /// The server, where each request to it stands alone.
    pub(super) fn stateless(&self) -> Option<Stateless> {
        match self {
            Self::Http(it) => Some(Stateless(it.address())),
            Self::Process(_) => None,
        }
    }

    /// Sends a request and gives where its answer is read.
    pub(super) async fn ask(&mut self, request: Vec<u8>) -> Result<&mut PacketReader, GitError> {
        match self {
            Self::Http(it) => it.ask(request.into()).await,
            Self::Process(it) => it.ask(Bytes::from(request)).await,
        }
    }

    /// What is left of the last answer.
    pub(super) fn into_rest(self) -> ByteStream {
        match self {
            Self::Http(it) => it.into_rest(),
            Self::Process(it) => it.into_rest(),
        }
    }

    /// Sends a push, as fast as it is taken, and gives the answer, which may
    /// come before all is sent.
    pub(super) async fn push(self, body: PushBody) -> Result<ByteStream, GitError> {
        match self {
            Self::Http(it) => it.push(body).await,
            Self::Process(it) => it.push(body).await,
        }
    }
}

/// Whether HTTP says that it does not take bodies of unknown length.
pub(super) fn wants_length(status: StatusCode) -> bool {
    status == StatusCode::LENGTH_REQUIRED
}
