//! What descends from what, as a server tells it.

use super::{
    advertisement::{Advertisement, Service, Version},
    endpoint::{Endpoint, Stateless},
    fetch::{Wish, Without, read_descent},
    source::flow,
};
use crate::{error::GitError, progress::Listener};
use packhorse_core::port::ByteStream;

/// What a server knows of the order of commits.
#[derive(Clone)]
pub(crate) struct Ancestry<'a> {
    endpoint: &'a Endpoint,
    /// Where each request stands alone, the same server can be asked at once.
    connection: Option<Stateless>,
    server: &'a Advertisement,
}

/// Whether a commit descends from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Descent {
    Yes,
    No,
    /// The server has both, and does not say. It looks no further back than the date of the older
    /// one, so that commits which are dated before their parents hide what they descend from.
    /// Source: `oldest_have` in git's upload-pack.c.
    Unclear,
}

impl<'a> Ancestry<'a> {
    pub(super) fn new(
        endpoint: &'a Endpoint,
        connection: Option<Stateless>,
        server: &'a Advertisement,
    ) -> Self {
        Self { endpoint, connection, server }
    }

    /// Whether the commit `new` descends from `old`, as far as the server can tell.
    ///
    /// In a negotiation, a server says that it is `ready` when all that is
    /// wanted can be reached from what is said to be there: with one of each,
    /// that is the question. Source: `ok_to_give_up` in git's upload-pack.c.
    pub(crate) async fn descent(&self, new: &str, old: &str) -> Result<Descent, GitError> {
        let wish = Wish { wants: vec![new.into()], haves: vec![old.into()], ..Wish::default() };
        if let Some(connection) = &self.connection {
            // Protocol 0 says that it is ready, and stops; 2 would begin to send the pack.
            return read_descent(&mut connection.ask(wish.question_v0(self.server)).await?).await;
        }
        let (mut connection, server) =
            self.endpoint.connect(Service::UploadPack, Version::V2).await?;
        read_descent(connection.ask(wish.question(&server)).await?).await
    }

    /// A pack of the commits that `new` has and `old` has not, and of their files where the
    /// server cannot leave those out.
    ///
    /// `new` descends from `old` if one of them has `old` as its parent.
    pub(crate) async fn between(&self, new: &str, old: &str) -> Result<ByteStream, GitError> {
        let (connection, server) = self.endpoint.connect(Service::UploadPack, Version::V2).await?;
        let wish = Wish {
            wants: vec![new.into()],
            haves: vec![old.into()],
            is_quiet: true,
            has_offsets: true,
            without: server.knows_filters().then_some(Without::Trees),
            ..Wish::default()
        };
        let nobody = Listener::default();
        Ok(flow(self.endpoint.place(), connection, &server, &wish, &nobody).await?.pack)
    }
}
