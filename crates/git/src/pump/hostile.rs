//! What a server says, read without a server: for fuzz targets.

use super::{
    advertisement::{Advertisement, Service, Version},
    fetch::read_up_to_pack,
    ls_refs, pack_check,
    packet::PacketReader,
    remark::Place,
    report::Report,
    sideband,
};
use crate::error::GitError;
use bytes::Bytes;
use futures::{TryStreamExt, stream};
use packhorse_core::{model::ObjectFormat, port::ByteStream};

/// What the bytes are taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// What a server says first, and its refs by protocol 2 behind it.
    Advertisement,
    /// A pack in its side-band, behind what is said before it.
    Pack,
    /// What became of a push.
    Report,
}

/// Reads `bytes`, which arrive in pieces of `size`.
///
/// # Errors
///
/// When they are not what they are taken for.
pub async fn read(said: Said, bytes: &[u8], size: usize) -> Result<(), GitError> {
    let place = Place::new("h.example");
    let pieces: Vec<_> =
        bytes.chunks(size.max(1)).map(|it| Ok(Bytes::copy_from_slice(it))).collect();
    let bytes: ByteStream = Box::pin(stream::iter(pieces));
    let mut reader = PacketReader::new(bytes, place.clone());
    match said {
        Said::Advertisement => {
            let server = Advertisement::read(&mut reader, Service::UploadPack).await?;
            match server.version {
                Version::V0 => Ok(()),
                Version::V2 => ls_refs::read(&mut reader, &server).await.map(drop),
            }
        }
        Said::Pack => {
            read_up_to_pack(&mut reader, Version::V2).await?;
            let ear = Box::new(|_: &[u8]| ());
            let data = sideband::data(reader.into_rest(), place.clone(), ear);
            let mut pack = pack_check::checked(data, ObjectFormat::Sha1, place);
            while pack.try_next().await.map_err(GitError::from_stream("the pack"))?.is_some() {}
            Ok(())
        }
        Said::Report => Report::read(&mut reader).await.map(drop),
    }
}
