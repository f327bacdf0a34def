//! The end that gives.

use super::{
    advertisement::{Advertisement, Listing, Service, Version},
    endpoint::{Connection, Endpoint, Stateless},
    fetch::{self, Wish, read_is_ready, read_up_to_pack},
    ls_refs, pack_check, sideband,
};
use crate::{
    error::GitError,
    process::Git,
    progress::{Listener, Phase, Progress},
};
use futures::{StreamExt, TryStreamExt, stream};
use packhorse_core::{GitRemote, port::ByteStream};

/// Bytes of a pack after which it is told how much has flowed.
const STEP: u64 = 4 << 20;

/// A repository whose refs are known and whose packs can be had.
pub(crate) struct Source {
    endpoint: Endpoint,
    connection: Connection,
    server: Advertisement,
    listing: Listing,
}

impl Source {
    /// Asks for the refs.
    ///
    /// # Errors
    ///
    /// [`GitError::NotStreamed`] when another way may work.
    pub(crate) async fn open(git: &Git, remote: &GitRemote) -> Result<Self, GitError> {
        let endpoint = Endpoint::of(git, remote)?;
        let (mut connection, server) = endpoint.connect(Service::UploadPack).await?;
        let listing = match server.version {
            Version::V0 => server.listing.clone(),
            Version::V2 => {
                let reader = connection.ask(ls_refs::request(&server)).await?;
                ls_refs::read(reader, &server).await?
            }
        };
        Ok(Self { endpoint, connection, server, listing })
    }

    /// Its refs.
    pub(crate) fn listing(&self) -> &Listing {
        &self.listing
    }

    /// The pack that a wish is granted by, when its first bytes are there.
    pub(crate) async fn pack(
        mut self,
        wish: &Wish,
        listener: &Listener,
    ) -> Result<ByteStream, GitError> {
        let place = self.endpoint.place().clone();
        if self.server.is_shallow {
            return Err(place.not_streamed(fetch::SHALLOW));
        }
        if self.server.version == Version::V0 && !self.server.capabilities.has("side-band-64k") {
            return Err(place.not_streamed("it knows no side-band"));
        }
        let reader = self.connection.ask(wish.request(&self.server)).await?;
        read_up_to_pack(reader, self.server.version).await?;
        let format = self.server.listing.object_format;
        let rest = self.connection.into_rest();
        let remarks = listener.clone();
        let ear = Box::new(move |remark: &[u8]| remarks.tell_remark(remark));
        let data = sideband::data(rest, place.clone(), ear);
        let mut pack = pack_check::checked(data, format, place.clone());
        let first = pack.next().await.ok_or_else(|| place.cut_off("the pack"))?;
        let first = first.map_err(|error| super::remark::broken(&place, error))?;
        let pack = Box::pin(stream::once(async { Ok(first) }).chain(pack));
        Ok(if listener.is_there() { counted(pack, listener.clone()) } else { pack })
    }

    /// Answers what needs no pack.
    pub(crate) fn ancestry(&self) -> Ancestry<'_> {
        Ancestry {
            endpoint: &self.endpoint,
            connection: self.connection.stateless(),
            server: &self.server,
        }
    }
}

/// Tells how much of a pack has flowed.
fn counted(pack: ByteStream, listener: Listener) -> ByteStream {
    let (mut bytes, mut told, mut all) = (0u64, 0, None);
    Box::pin(pack.inspect_ok(move |piece| {
        if bytes == 0 {
            all = piece.get(8..12).map(|it| it.iter().fold(0, |n, it| n << 8 | u64::from(*it)));
        }
        bytes += piece.len() as u64;
        if bytes - told >= STEP || told == 0 {
            told = bytes;
            listener.tell(Progress { phase: Phase::Transferring, done: None, all, bytes });
        }
    }))
}

/// What a server knows of the order of commits.
#[derive(Clone)]
pub(crate) struct Ancestry<'a> {
    endpoint: &'a Endpoint,
    /// Where each request stands alone, the same server can be asked at once.
    connection: Option<Stateless>,
    server: &'a Advertisement,
}

impl Ancestry<'_> {
    /// Whether the commit `new` descends from `old`, as far as the server can tell.
    ///
    /// In a negotiation, a server says that it is `ready` when all that is
    /// wanted can be reached from what is said to be there: with one of each,
    /// that is the question. Source: `ok_to_give_up` in git's upload-pack.c.
    pub(crate) async fn descends(self, new: &str, old: &str) -> Result<bool, GitError> {
        let wish = Wish { wants: vec![new.into()], haves: vec![old.into()], ..Wish::default() };
        let answer = match self.connection {
            // Protocol 0 says that it is ready, and stops; 2 would begin to send the pack.
            Some(connection) => match connection.ask(wish.question_v0(self.server)).await {
                Ok(mut reader) => read_is_ready(&mut reader).await,
                Err(error) => Err(error),
            },
            None => {
                let (mut connection, server) = self.endpoint.connect(Service::UploadPack).await?;
                read_is_ready(connection.ask(wish.question(&server)).await?).await
            }
        };
        match answer {
            // Who cannot answer does not know.
            Err(GitError::Refused { .. } | GitError::Protocol { .. }) => Ok(false),
            answer => answer,
        }
    }
}
