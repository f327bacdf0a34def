//! Whether a pack that flows by is whole.
//!
//! Source: git's gitformat-pack(5): `PACK`, a version, the number of objects,
//! the objects, and a hash over all that came before.

use super::remark::{Place, broken, in_stream};
use crate::error::GitError;
use bytes::Bytes;
use futures::{StreamExt, stream};
use packhorse_core::{model::ObjectFormat, port::ByteStream};
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// Bytes of a pack's header.
pub(super) const HEADER: usize = 12;

/// A hash that runs over a pack.
enum Running {
    Sha1(Box<Sha1>),
    Sha256(Box<Sha256>),
}

impl Running {
    fn new(format: ObjectFormat) -> Self {
        match format {
            ObjectFormat::Sha1 => Self::Sha1(Box::default()),
            ObjectFormat::Sha256 => Self::Sha256(Box::default()),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(hash) => hash.update(bytes),
            Self::Sha256(hash) => hash.update(bytes),
        }
    }

    fn finish(self) -> Vec<u8> {
        match self {
            Self::Sha1(hash) => hash.finalize().to_vec(),
            Self::Sha256(hash) => hash.finalize().to_vec(),
        }
    }
}

/// Bytes of the hash at a pack's end.
const fn trailer(format: ObjectFormat) -> usize {
    match format {
        ObjectFormat::Sha1 => 20,
        ObjectFormat::Sha256 => 32,
    }
}

/// The pack of no objects, which goes with refs to objects that are there already.
pub(super) fn empty_pack(format: ObjectFormat) -> Vec<u8> {
    let mut pack = b"PACK\0\0\0\x02\0\0\0\0".to_vec();
    let mut hash = Running::new(format);
    hash.update(&pack);
    pack.extend(hash.finish());
    pack
}

/// Checks a pack while it flows.
struct PackCheck {
    format: ObjectFormat,
    hash: Running,
    /// The last bytes, which may be the trailer.
    tail: Vec<u8>,
    header: Vec<u8>,
    length: u64,
}

impl PackCheck {
    fn new(format: ObjectFormat) -> Self {
        Self {
            format,
            hash: Running::new(format),
            tail: Vec::with_capacity(2 * trailer(format)),
            header: Vec::with_capacity(HEADER),
            length: 0,
        }
    }

    fn take(&mut self, piece: &[u8], place: &Place) -> Result<(), GitError> {
        if self.header.len() < HEADER {
            let missing = HEADER - self.header.len();
            self.header.extend_from_slice(&piece[..missing.min(piece.len())]);
            self.check_header(place)?;
        }
        self.length += piece.len() as u64;
        let size = trailer(self.format);
        if piece.len() >= size {
            self.hash.update(&self.tail);
            let (body, tail) = piece.split_at(piece.len() - size);
            self.hash.update(body);
            self.tail.clear();
            self.tail.extend_from_slice(tail);
        } else {
            self.tail.extend_from_slice(piece);
            let spare = self.tail.len().saturating_sub(size);
            self.hash.update(&self.tail[..spare]);
            self.tail.drain(..spare);
        }
        Ok(())
    }

    fn check_header(&self, place: &Place) -> Result<(), GitError> {
        let known = self.header.len().min(8);
        let expected = [*b"PACK\0\0\0\x02", *b"PACK\0\0\0\x03"];
        if expected.iter().any(|it| self.header[..known] == it[..known]) {
            return Ok(());
        }
        Err(place.nonsense("what it sent is no pack"))
    }

    /// Objects that the header promises.
    fn objects(&self) -> Option<u32> {
        self.header
            .last_chunk::<4>()
            .filter(|_| self.header.len() == HEADER)
            .map(|it| u32::from_be_bytes(*it))
    }

    fn finish(self, place: &Place) -> Result<(), GitError> {
        let rest = self.length.checked_sub((HEADER + trailer(self.format)) as u64);
        match (rest, self.objects()) {
            (Some(0), Some(0)) => {}
            // No object takes less than its type, its size and an empty zlib stream.
            (Some(rest), Some(objects)) if objects > 0 && rest >= u64::from(objects) * 9 => {}
            (Some(_) | None, _) => return Err(place.cut_off("the pack")),
        }
        if self.hash.finish() != self.tail {
            return Err(place.nonsense("the pack does not match its own hash"));
        }
        Ok(())
    }
}

/// The same pack; it ends with an error, before its end is handed on, when it is not whole.
pub(super) fn checked(bytes: ByteStream, format: ObjectFormat, place: Place) -> ByteStream {
    let state = Some((bytes, PackCheck::new(format), Bytes::new(), place));
    Box::pin(stream::try_unfold(state, |state| async move {
        let Some((mut bytes, mut check, mut held, place)) = state else { return Ok(None) };
        loop {
            match bytes.next().await {
                Some(Ok(piece)) => {
                    check.take(&piece, &place).map_err(in_stream)?;
                    // One piece stays back, so that nobody has a whole pack that is wrong.
                    let ready = std::mem::replace(&mut held, piece);
                    if !ready.is_empty() {
                        return Ok(Some((ready, Some((bytes, check, held, place)))));
                    }
                }
                Some(Err(error)) => return Err(in_stream(broken(&place, error))),
                None => {
                    check.finish(&place).map_err(in_stream)?;
                    return Ok((!held.is_empty()).then_some((held, None)));
                }
            }
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::{super::packet::tests::pieces, *};
    use futures::TryStreamExt;

    async fn check(pack: &[u8], size: usize, format: ObjectFormat) -> (Vec<u8>, bool) {
        let mut stream = checked(pieces(pack, size), format, Place::new("h.example"));
        let mut through = Vec::new();
        loop {
            match stream.try_next().await {
                Ok(Some(piece)) => through.extend_from_slice(&piece),
                Ok(None) => return (through, true),
                Err(_) => return (through, false),
            }
        }
    }

    /// A pack of one empty blob.
    fn pack(format: ObjectFormat) -> Vec<u8> {
        let mut pack = b"PACK\0\0\0\x02\0\0\0\x01\x30\x78\x9c\x03\0\0\0\0\x01".to_vec();
        let mut hash = Running::new(format);
        hash.update(&pack);
        pack.extend(hash.finish());
        pack
    }

    #[tokio::test]
    async fn a_whole_pack_flows_through_however_it_arrives() {
        for format in [ObjectFormat::Sha1, ObjectFormat::Sha256] {
            for size in [1, 3, 19, 20, 21, 100] {
                let pack = pack(format);
                assert_eq!(check(&pack, size, format).await, (pack, true));
                let empty = empty_pack(format);
                assert_eq!(check(&empty, size, format).await, (empty, true));
            }
        }
    }

    #[tokio::test]
    async fn no_damaged_pack_arrives_whole() {
        let pack = pack(ObjectFormat::Sha1);
        for at in 0..pack.len() {
            let mut damaged = pack.clone();
            damaged[at] ^= 1;
            // A pack of version 3 is one as well; its hash tells.
            let (through, is_good) = check(&damaged, 5, ObjectFormat::Sha1).await;
            assert!(!is_good && through.len() < pack.len(), "byte {at}");
            let (through, is_good) = check(&pack[..at], 5, ObjectFormat::Sha1).await;
            assert!(!is_good && through.len() < pack.len(), "cut at {at}");
        }
    }
}
