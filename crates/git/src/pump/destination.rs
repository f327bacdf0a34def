//! The end that takes.

use super::{
    advertisement::{Advertisement, Listing, Service, Version},
    endpoint::{Connection, Endpoint, PushBody},
    pack_check::empty_pack,
    packet::PacketReader,
    push::{self, RefCommand, need_pack},
    reason::{explained, is_about_size},
    remark::{Place, broken, in_stream},
    report::Report,
    sideband,
};
use crate::{error::GitError, process::Git, progress::Listener, refs::RefList};
use bytes::Bytes;
use futures::{StreamExt, stream};
use packhorse_core::{GitRemote, port::ByteStream};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

/// Bytes that are kept of what the destination remarks.
const MAX_REMARKS: usize = 16 << 10;

/// The pack that goes with a push.
pub(crate) enum Pack {
    /// All objects are there already.
    Empty,
    /// As it flows.
    Streamed(ByteStream),
    /// From a file of so many bytes, for servers that want to know.
    Measured(ByteStream, u64),
}

/// What became of a push whose pack was taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// The server's own reason by the name of a ref that it refused.
    pub(crate) refused: BTreeMap<String, String>,
    /// Refs that it says are what they were told to be.
    pub(crate) done: BTreeSet<String>,
    /// What it remarked, which is where hosts say why.
    pub(crate) remarks: String,
}

impl Verdict {
    /// Why a ref was refused, in words that say what to do.
    pub(crate) fn explained(&self, name: &str) -> Option<String> {
        self.refused.get(name).map(|reason| explained(name, reason, &self.remarks))
    }

    /// The refs after the push, out of those before; `None` where it does not say all of it.
    pub(crate) fn applied(&self, mut there: RefList, commands: &[RefCommand]) -> Option<RefList> {
        for RefCommand { name, new, .. } in commands {
            match (self.refused.contains_key(name), self.done.contains(name), new) {
                (true, ..) => {}
                (false, true, Some(id)) => drop(there.refs.insert(name.clone(), id.clone())),
                (false, true, None) => drop(there.refs.remove(name)),
                (false, false, _) => return None,
            }
        }
        Some(there)
    }
}

/// A repository whose refs are known and can be changed.
pub(crate) struct Destination {
    place: Place,
    connection: Connection,
    server: Advertisement,
}

impl Destination {
    /// Asks for the refs.
    pub(crate) async fn open(git: &Git, remote: &GitRemote) -> Result<Self, GitError> {
        let endpoint = Endpoint::of(git, remote)?;
        let (connection, server) = endpoint.connect(Service::ReceivePack, Version::V0).await?;
        Ok(Self { place: endpoint.place().clone(), connection, server })
    }

    /// Its refs.
    pub(crate) fn listing(&self) -> &Listing {
        &self.server.listing
    }

    /// Its refs, which it does not need any more.
    pub(crate) fn take_refs(&mut self) -> RefList {
        std::mem::take(&mut self.server.listing.list)
    }

    /// Objects that it has beside what its refs reach.
    pub(crate) fn haves(&self) -> &[String] {
        &self.server.haves
    }

    /// Whether it completes a pack that builds on objects which it has.
    pub(crate) fn takes_thin_packs(&self) -> bool {
        !self.server.capabilities.has("no-thin")
    }

    /// Whether it reads packs that name a base by its distance.
    pub(crate) fn takes_offsets(&self) -> bool {
        self.server.capabilities.has("ofs-delta")
    }

    /// Changes refs.
    ///
    /// # Errors
    ///
    /// What broke the pack's stream comes before what the destination made of it.
    pub(crate) async fn push(
        self,
        commands: &[RefCommand],
        pack: Pack,
        listener: &Listener,
    ) -> Result<Verdict, GitError> {
        let offered = &self.server.capabilities;
        if !offered.has("report-status") && !offered.has("report-status-v2") {
            return Err(self.place.nonsense("it does not report what became of a push"));
        }
        let head = Bytes::from(push::request(commands, &self.server, !listener.is_there()));
        let failure = Failure::default();
        let body = self.body(head, commands, pack, &failure);
        let has_bands = offered.has("side-band-64k");
        let place = self.place.clone();
        let reported = async {
            let answer = self.connection.push(body).await?;
            report(answer, has_bands, &place, listener.clone()).await
        };
        let reported = reported.await;
        if let Some(error) = failure.take() {
            return Err(error);
        }
        let (report, remarks) = reported?;
        if let Some(reason) = report.unpack {
            if is_about_size(&reason) || is_about_size(&remarks) {
                return Err(place.too_large(""));
            }
            let words = explained("", &format!("declined the pack ({reason})"), &remarks);
            return Err(place.refused(words.as_bytes()));
        }
        Ok(Verdict { refused: report.refused, done: report.done, remarks })
    }

    fn body(
        &self,
        head: Bytes,
        commands: &[RefCommand],
        pack: Pack,
        failure: &Failure,
    ) -> PushBody {
        let known = |bytes: Bytes| PushBody {
            length: Some(bytes.len() as u64),
            bytes: Box::pin(stream::once(async { Ok(bytes) })),
        };
        let behind = |head: Bytes, pack: ByteStream| -> ByteStream {
            let pack = failure.watch(pack, self.place.clone());
            Box::pin(stream::once(async { Ok(head) }).chain(pack))
        };
        match pack {
            Pack::Empty if need_pack(commands) => {
                let pack = empty_pack(self.server.listing.object_format);
                known(Bytes::from([&head[..], &pack].concat()))
            }
            Pack::Empty => known(head),
            Pack::Streamed(pack) => PushBody { bytes: behind(head, pack), length: None },
            Pack::Measured(pack, length) => {
                let length = Some(length + head.len() as u64);
                PushBody { bytes: behind(head, pack), length }
            }
        }
    }
}

/// Keeps what broke a stream that somebody else reads to its end.
#[derive(Clone, Default)]
struct Failure(Arc<Mutex<Option<GitError>>>);

impl Failure {
    fn watch(&self, stream: ByteStream, place: Place) -> ByteStream {
        let failure = self.clone();
        Box::pin(stream.map(move |piece| {
            piece.map_err(|error| {
                let why = broken(&place, error);
                *failure.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
                in_stream(place.cut_off("the pack"))
            })
        }))
    }

    fn take(&self) -> Option<GitError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

async fn report(
    answer: ByteStream,
    has_bands: bool,
    place: &Place,
    listener: Listener,
) -> Result<(Report, String), GitError> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ear = Arc::clone(&heard);
    let ear = move |remark: &[u8]| {
        listener.tell_remark(remark);
        let mut heard = ear.lock().unwrap_or_else(PoisonError::into_inner);
        heard.extend_from_slice(remark);
        let spare = heard.len().saturating_sub(MAX_REMARKS);
        heard.drain(..spare);
    };
    let answer =
        if has_bands { sideband::data(answer, place.clone(), Box::new(ear)) } else { answer };
    let report = Report::read(&mut PacketReader::new(answer, place.clone())).await?;
    let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
    Ok((report, String::from_utf8_lossy(&heard).replace('\r', "\n")))
}
