//! The end that gives.

use super::{
    advertisement::{Advertisement, Listing, Service, Version},
    ancestry::Ancestry,
    endpoint::{Connection, Endpoint},
    fetch::{self, Wish, Without, read_up_to_pack},
    ls_refs, pack_check,
    remark::Place,
    sideband,
};
use crate::{
    error::GitError,
    process::Git,
    progress::{Listener, Phase, Progress},
    refs::RefList,
};
use bytes::BytesMut;
use futures::{StreamExt, TryStreamExt, stream};
use packhorse_core::{GitRemote, port::ByteStream};
use std::collections::BTreeSet;

/// Objects that a source was asked for one by one and did not give.
const MAX_LACKING: usize = 2_000;

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
    /// Asks for the refs, by that protocol if the server knows it.
    ///
    /// # Errors
    ///
    /// [`GitError::NotStreamed`] when another way may work.
    pub(crate) async fn open(
        git: &Git,
        remote: &GitRemote,
        version: Version,
    ) -> Result<Self, GitError> {
        let endpoint = Endpoint::of(git, remote)?;
        let (mut connection, server) = endpoint.connect(Service::UploadPack, version).await?;
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

    /// Its refs alone.
    pub(crate) fn into_refs(self) -> RefList {
        self.listing.list
    }

    /// The pack that a wish is granted by, when its first bytes are there.
    pub(crate) async fn pack(self, wish: &Wish, listener: &Listener) -> Result<Flow, GitError> {
        let Self { endpoint, connection, server, .. } = self;
        let flow = flow(endpoint.place(), connection, &server, wish, listener).await?;
        if !listener.is_there() {
            return Ok(flow);
        }
        Ok(Flow { pack: counted(flow.pack, listener.clone()), ..flow })
    }

    /// How to count the objects of a pack without files of more than so many bytes; `None` where
    /// the server cannot leave them out.
    pub(crate) fn count_up_to(&self, at_most: u64) -> Option<CountUpTo> {
        self.server.knows_filters().then(|| CountUpTo { endpoint: self.endpoint.clone(), at_most })
    }

    /// How to find out which objects it gives.
    pub(crate) fn stock(&self) -> Stock {
        let words = ["allow-tip-sha1-in-want", "allow-reachable-sha1-in-want"];
        let gives_any = self.server.version == Version::V2
            || words.iter().any(|it| self.server.capabilities.has(it));
        Stock { endpoint: self.endpoint.clone(), gives_any }
    }

    /// Tells what descends from what.
    pub(crate) fn ancestry(&self) -> Ancestry<'_> {
        Ancestry::new(&self.endpoint, self.connection.stateless(), &self.server)
    }
}

/// A pack that flows.
pub(crate) struct Flow {
    pub(crate) pack: ByteStream,
    /// Objects that its head promises.
    pub(crate) objects: u32,
}

/// Asks for a pack, and waits for its head.
pub(super) async fn flow(
    place: &Place,
    mut connection: Connection,
    server: &Advertisement,
    wish: &Wish,
    listener: &Listener,
) -> Result<Flow, GitError> {
    if server.is_shallow {
        return Err(place.not_streamed(fetch::SHALLOW));
    }
    if server.version == Version::V0 && !server.capabilities.has("side-band-64k") {
        return Err(place.not_streamed("it knows no side-band"));
    }
    let reader = connection.ask(wish.request(server)).await?;
    read_up_to_pack(reader, server.version).await?;
    let remarks = listener.clone();
    let ear = Box::new(move |remark: &[u8]| remarks.tell_remark(remark));
    let data = sideband::data(connection.into_rest(), place.clone(), ear);
    let format = server.listing.object_format;
    let mut pack = pack_check::checked(data, format, place.clone());
    let mut head = BytesMut::new();
    while head.len() < pack_check::HEADER {
        let piece = pack.next().await.ok_or_else(|| place.cut_off("the pack"))?;
        head.extend_from_slice(&piece.map_err(|error| super::remark::broken(place, error))?);
    }
    let objects = head[8..12].iter().fold(0, |n, it| n << 8 | u32::from(*it));
    let head = head.freeze();
    Ok(Flow { pack: Box::pin(stream::once(async { Ok(head) }).chain(pack)), objects })
}

/// Counts the objects of a pack without large files.
pub(crate) struct CountUpTo {
    endpoint: Endpoint,
    at_most: u64,
}

impl CountUpTo {
    /// Asks for such a pack and takes no more of it than its head.
    pub(crate) async fn count(self, wish: &Wish) -> Result<u32, GitError> {
        let (connection, server) = self.endpoint.connect(Service::UploadPack, Version::V2).await?;
        let wish = Wish {
            without: Some(Without::BlobsOf(self.at_most.saturating_add(1))),
            is_quiet: true,
            ..wish.clone()
        };
        let nobody = Listener::default();
        let place = self.endpoint.place();
        Ok(flow(place, connection, &server, &wish, &nobody).await?.objects)
    }
}

/// Finds out which objects a source gives.
pub(crate) struct Stock {
    endpoint: Endpoint,
    /// Whether it gives more than its refs name.
    gives_any: bool,
}

impl Stock {
    /// Which of these it does not give: they are gone there, or no ref leads to them and it gives
    /// nothing else.
    pub(crate) async fn lacks(
        self,
        mut asked: BTreeSet<String>,
    ) -> Result<BTreeSet<String>, GitError> {
        let mut lacking = BTreeSet::new();
        while self.gives_any && !asked.is_empty() {
            let (mut connection, server) =
                self.endpoint.connect(Service::UploadPack, Version::V2).await?;
            // What is wanted is said to be there: the pack is empty, and comes only where all
            // that is wanted can be had.
            let ids: Vec<_> = asked.iter().cloned().collect();
            let wish = Wish { wants: ids.clone(), haves: ids, ..Wish::default() };
            let reader = connection.ask(wish.request(&server)).await?;
            let refused = match read_up_to_pack(reader, server.version).await {
                Ok(()) => return Ok(lacking),
                Err(GitError::Refused { words, .. }) => words,
                Err(error) => return Err(error),
            };
            let named = refused.split(|it: char| !it.is_ascii_hexdigit());
            let named: Vec<_> = named.filter_map(|it| asked.take(it)).collect();
            if named.is_empty() || lacking.len() >= MAX_LACKING {
                break;
            }
            lacking.extend(named);
        }
        lacking.append(&mut asked);
        Ok(lacking)
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
