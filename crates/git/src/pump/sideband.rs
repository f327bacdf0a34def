//! Three streams in one: data, remarks, and the last words.
//!
//! Source: git's gitprotocol-pack(5), "side-band-64k": the first byte of each
//! packet is 1 for data, 2 for remarks, 3 for a fatal error.

use super::{
    packet::{Announced, announced},
    remark::{Place, broken, in_stream},
};
use crate::error::GitError;
use bytes::{Buf, Bytes};
use futures::{StreamExt, stream};
use packhorse_core::port::ByteStream;
use std::time::Duration;

/// Most that a server may remark between two bytes of data.
const MAX_REMARKS: usize = 16 << 20;

/// Longest that a server may remark and send no data: a large push is checked for long.
const LONGEST_TALK: Duration = Duration::from_secs(3 * 60 * 60);

/// Hears remarks as they come.
pub(super) type Ear = Box<dyn FnMut(&[u8]) + Send>;

/// Takes the packets of a side-band apart, in pieces as they arrive and without copying.
#[derive(Default)]
struct Demultiplexer {
    head: [u8; 5],
    have: usize,
    left: usize,
    band: u8,
    remark: Vec<u8>,
    remarked: usize,
    is_over: bool,
}

enum Part {
    Data(Bytes),
    Remark(Vec<u8>),
    /// The piece is used up.
    Nothing,
}

impl Demultiplexer {
    fn step(&mut self, piece: &mut Bytes, place: &Place) -> Result<Part, GitError> {
        while !piece.is_empty() && !self.is_over {
            if self.left == 0 {
                self.take_head(piece, place)?;
                continue;
            }
            let part = piece.split_to(self.left.min(piece.len()));
            self.left -= part.len();
            if self.band == 1 {
                self.remarked = 0;
                return Ok(Part::Data(part));
            }
            self.remark.extend_from_slice(&part);
            if self.left > 0 {
                continue;
            }
            let remark = std::mem::take(&mut self.remark);
            if self.band == 3 {
                return Err(place.refused(&remark));
            }
            self.remarked += remark.len() + 5;
            if self.remarked > MAX_REMARKS {
                return Err(place.nonsense("it talks without end and sends nothing"));
            }
            return Ok(Part::Remark(remark));
        }
        Ok(Part::Nothing)
    }

    /// Takes in one byte of a packet's head.
    fn take_head(&mut self, piece: &mut Bytes, place: &Place) -> Result<(), GitError> {
        self.head[self.have] = piece.get_u8();
        self.have += 1;
        if self.have < 4 {
            return Ok(());
        }
        let [digits @ .., band] = self.head;
        match announced(digits) {
            Some(Announced::Flush) => self.is_over = true,
            // A packet without a band is a sign of life in some servers.
            Some(Announced::Data(0)) => self.have = 0,
            Some(Announced::Data(length)) if self.have == 5 => {
                self.have = 0;
                self.left = length - 1;
                self.band = band;
                if !(1..=3).contains(&band) {
                    return Err(place.nonsense(format!("it sends on side-band {band}")));
                }
                if length == 1 && band == 3 {
                    return Err(place.refused(b"it gave up without a word"));
                }
            }
            Some(Announced::Data(_)) => {}
            Some(Announced::Delimiter | Announced::ResponseEnd) | None => {
                let said = String::from_utf8_lossy(&digits).into_owned();
                return Err(place.nonsense(format!("it sent `{said}` in place of a length")));
            }
        }
        Ok(())
    }
}

/// The data of a side-band; `ear` hears the remarks.
///
/// A stream that ends before its flush ends with an error.
pub(super) fn data(bytes: ByteStream, place: Place, ear: Ear) -> ByteStream {
    let state = (bytes, Bytes::new(), Demultiplexer::default(), place, ear);
    Box::pin(stream::try_unfold(state, |(mut bytes, mut piece, mut bands, place, mut ear)| async {
        let found = next(&mut bytes, &mut piece, &mut bands, &place, &mut ear);
        let found = tokio::time::timeout(LONGEST_TALK, found).await;
        let found =
            found.unwrap_or_else(|_| Err(place.nonsense("it talks for hours and sends nothing")));
        let found = found.map_err(in_stream)?;
        Ok(found.map(|data| (data, (bytes, piece, bands, place, ear))))
    }))
}

async fn next(
    bytes: &mut ByteStream,
    piece: &mut Bytes,
    bands: &mut Demultiplexer,
    place: &Place,
    ear: &mut Ear,
) -> Result<Option<Bytes>, GitError> {
    loop {
        match bands.step(piece, place)? {
            Part::Data(data) => return Ok(Some(data)),
            Part::Remark(remark) => ear(&remark),
            Part::Nothing if bands.is_over => return Ok(None),
            Part::Nothing => match bytes.next().await {
                Some(next) => *piece = next.map_err(|error| broken(place, error))?,
                None => return Err(place.cut_off("the side-band")),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::packet::tests::pieces, *};
    use crate::pump::packet::put;
    use futures::TryStreamExt;
    use proptest::prelude::*;
    use std::sync::{Arc, Mutex};

    async fn read(bytes: &[u8], size: usize) -> (Result<Vec<u8>, GitError>, Vec<u8>) {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ear = Arc::clone(&heard);
        let place = Place::new("h.example");
        let ear = Box::new(move |it: &[u8]| ear.lock().unwrap().extend_from_slice(it));
        let stream = data(pieces(bytes, size), place.clone(), ear);
        let found = stream.try_fold(Vec::new(), |mut all, it| async move {
            all.extend_from_slice(&it);
            Ok(all)
        });
        let found = found.await.map_err(|error| broken(&place, error));
        let heard = heard.lock().unwrap().clone();
        (found, heard)
    }

    fn bands(parts: &[(u8, &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (band, content) in parts {
            put(&mut bytes, [&[*band], *content].concat());
        }
        bytes
    }

    #[tokio::test]
    async fn bands_are_told_apart_however_they_arrive() {
        let mut bytes = bands(&[(1, b"PA"), (2, b"counting"), (1, b""), (1, b"CK")]);
        bytes.extend(b"0000ignored");
        for size in [1, 2, 7, 1000] {
            let (data, heard) = read(&bytes, size).await;

            assert_eq!(data.unwrap(), b"PACK");
            assert_eq!(heard, b"counting");
        }
    }

    #[tokio::test]
    async fn last_words_unknown_bands_and_a_cut_stream_are_errors() {
        for bytes in [
            bands(&[(1, b"PA"), (3, b"disk full")]),
            bands(&[(4, b"x")]),
            bands(&[(3, b"")]),
            bands(&[(1, b"PA")]),
            b"0001".to_vec(),
            b"<htm".to_vec(),
        ] {
            assert!(read(&bytes, 3).await.0.is_err(), "{bytes:?}");
        }
    }

    #[tokio::test]
    async fn remarks_without_end_end() {
        let one = bands(&[(2, &[b'x'; 60_000])]);

        let (found, _) = read(&one.repeat(300), 70_000).await;

        assert!(matches!(found, Err(GitError::Protocol { .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            drop(runtime.block_on(read(&bytes, 7)));
        }
    }
}
