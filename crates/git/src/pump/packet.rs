//! Packet lines: how Git frames everything that it says.
//!
//! Source: git's gitprotocol-common(5): four hexadecimal digits with the
//! length, themselves included, at most 65,520; and gitprotocol-v2(5) for the
//! packets without content. Decoding a length is all that a library could do
//! for us here.

use super::remark::{Place, broken};
use crate::error::GitError;
use bytes::{Buf, Bytes, BytesMut};
use futures::{StreamExt, stream};
use packhorse_core::port::ByteStream;

/// The largest packet, its length included, in bytes.
pub(super) const MAX_PACKET: usize = 65_520;

/// Says the end of a request or a list.
pub(super) const FLUSH: &[u8] = b"0000";
/// Stands between the parts of a request.
pub(super) const DELIMITER: &[u8] = b"0001";

/// One packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Packet {
    /// Content.
    Data(Bytes),
    /// `0000`.
    Flush,
    /// `0001`.
    Delimiter,
    /// `0002`.
    ResponseEnd,
}

impl Packet {
    /// The content without the line's end.
    pub(super) fn line(&self) -> Option<&[u8]> {
        match self {
            Self::Data(data) => Some(data.strip_suffix(b"\n").unwrap_or(data)),
            Self::Flush | Self::Delimiter | Self::ResponseEnd => None,
        }
    }
}

/// What four digits announce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Announced {
    /// So many bytes of content.
    Data(usize),
    Flush,
    Delimiter,
    ResponseEnd,
}

/// Reads the four digits; `None` when they are no length that Git allows.
pub(super) fn announced(digits: [u8; 4]) -> Option<Announced> {
    let mut length = 0;
    for digit in digits {
        length = length * 16 + (digit as char).to_digit(16)? as usize;
    }
    match length {
        0 => Some(Announced::Flush),
        1 => Some(Announced::Delimiter),
        2 => Some(Announced::ResponseEnd),
        4..=MAX_PACKET => Some(Announced::Data(length - 4)),
        _ => None,
    }
}

/// Appends a packet with this content, which is cut at what a packet can hold.
pub(super) fn put(out: &mut Vec<u8>, content: impl AsRef<[u8]>) {
    let content = content.as_ref();
    let content = &content[..content.len().min(MAX_PACKET - 4)];
    out.extend_from_slice(format!("{:04x}", content.len() + 4).as_bytes());
    out.extend_from_slice(content);
}

/// Reads packets out of a stream, one whole packet at a time.
pub(super) struct PacketReader {
    bytes: ByteStream,
    held: BytesMut,
    place: Place,
}

impl PacketReader {
    /// Reads what `place` says.
    pub(super) fn new(bytes: ByteStream, place: Place) -> Self {
        Self { bytes, held: BytesMut::new(), place }
    }

    /// Who speaks.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// The next packet; `None` where the stream ends between two.
    pub(super) async fn next(&mut self) -> Result<Option<Packet>, GitError> {
        loop {
            if let Some(packet) = self.take()? {
                return Ok(Some(packet));
            }
            match self.bytes.next().await {
                Some(piece) => {
                    let piece = piece.map_err(|error| broken(&self.place, error))?;
                    self.held.extend_from_slice(&piece);
                }
                None if self.held.is_empty() => return Ok(None),
                None => return Err(self.place.cut_off("a packet")),
            }
        }
    }

    /// The next packet, which has to be there.
    pub(super) async fn expect(&mut self) -> Result<Packet, GitError> {
        let next = self.next().await?;
        next.ok_or_else(|| self.place.cut_off("what it said"))
    }

    fn take(&mut self) -> Result<Option<Packet>, GitError> {
        let Some(digits) = self.held.first_chunk::<4>() else { return Ok(None) };
        let Some(announced) = announced(*digits) else {
            let said = String::from_utf8_lossy(&self.held[..self.held.len().min(60)]);
            return Err(self.place.nonsense(format!("it sent `{said}` in place of a length")));
        };
        let length = match announced {
            Announced::Data(length) => length,
            Announced::Flush | Announced::Delimiter | Announced::ResponseEnd => 0,
        };
        if self.held.len() < 4 + length {
            return Ok(None);
        }
        self.held.advance(4);
        Ok(Some(match announced {
            Announced::Data(length) => Packet::Data(self.held.split_to(length).freeze()),
            Announced::Flush => Packet::Flush,
            Announced::Delimiter => Packet::Delimiter,
            Announced::ResponseEnd => Packet::ResponseEnd,
        }))
    }

    /// What comes after the packets that were read.
    pub(super) fn into_rest(self) -> ByteStream {
        let held = self.held.freeze();
        let held = (!held.is_empty()).then_some(Ok(held));
        Box::pin(stream::iter(held).chain(self.bytes))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A reader of these bytes, which arrive in pieces of `size`.
    pub(crate) fn reader(bytes: &[u8], size: usize) -> PacketReader {
        PacketReader::new(pieces(bytes, size), Place::new("h.example"))
    }

    pub(crate) fn pieces(bytes: &[u8], size: usize) -> ByteStream {
        let pieces: Vec<_> = bytes.chunks(size).map(|it| Ok(Bytes::copy_from_slice(it))).collect();
        Box::pin(stream::iter(pieces))
    }

    async fn all(bytes: &[u8], size: usize) -> Result<Vec<Packet>, GitError> {
        let mut reader = reader(bytes, size);
        let mut packets = Vec::new();
        while let Some(packet) = reader.next().await? {
            packets.push(packet);
        }
        Ok(packets)
    }

    #[tokio::test]
    async fn packets_are_read_however_they_arrive() {
        let bytes = b"0006a\n000000010002000ahello\n0004";
        for size in [1, 3, 100] {
            let packets = all(bytes, size).await.unwrap();

            assert_eq!(packets.len(), 6);
            assert_eq!(packets[0].line(), Some(&b"a"[..]));
            assert_eq!(packets[1], Packet::Flush);
            assert_eq!(packets[4].line(), Some(&b"hello"[..]));
            assert_eq!(packets[5].line(), Some(&b""[..]));
        }
    }

    #[tokio::test]
    async fn what_is_no_length_is_told_and_a_cut_packet_too() {
        for bad in ["<!DO", "0003", "fff5", "ffff", "-001", "00"] {
            assert!(all(bad.as_bytes(), 100).await.is_err(), "{bad}");
        }
        assert!(matches!(all(b"000ahel", 2).await, Err(GitError::BrokenOff { .. })));
    }

    proptest! {
        #[test]
        fn what_is_put_is_read(lines in proptest::collection::vec(".{0,40}", 0..8), size in 1usize..50) {
            let mut bytes = Vec::new();
            for line in &lines {
                put(&mut bytes, line);
            }
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let packets = runtime.block_on(all(&bytes, size)).unwrap();
            let lines: Vec<_> = lines.into_iter().map(|it| Packet::Data(it.into())).collect();
            prop_assert_eq!(packets, lines);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            drop(runtime.block_on(all(&bytes, 7)));
        }
    }
}
