//! Reading in the middle of a zstd file, at the beginnings of its frames.
//!
//! Our own writer ends a frame at every checkpoint, so a seek reads at most a
//! few frames. A file of one frame can be read too, from its beginning.
//!
//! Source: RFC 8878.

use super::{ArchiveError, Limits, piece};
use std::io::{self, Read, Seek, SeekFrom};
use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};

/// Bytes read and given out at a time.
const PIECE: usize = 128 << 10;
/// Most beginnings that are kept, 16 bytes each.
const MAX_STARTS: usize = 4_096;
/// Largest window that a frame may ask for, as a power of two: 128 MiB, what `zstd -T0 -19` needs at most.
const MAX_WINDOW_LOG: u32 = 27;
/// Uncompressed bytes before the ratio is looked at.
const RATIO_FROM: u64 = 16 << 20;

/// Beginnings of frames: compressed and uncompressed offset.
#[derive(Clone, Debug, Default)]
pub struct Starts {
    list: Vec<(u64, u64)>,
    skip: usize,
    seen: usize,
}

impl Starts {
    fn offer(&mut self, compressed: u64, plain: u64) {
        if self.list.last().is_some_and(|last| last.0 >= compressed) {
            return;
        }
        self.seen += 1;
        if !self.seen.is_multiple_of(self.skip + 1) {
            return;
        }
        self.list.push((compressed, plain));
        if self.list.len() > MAX_STARTS {
            let mut n = 0;
            self.list.retain(|_| {
                n += 1;
                n % 2 == 0
            });
            self.skip = self.skip * 2 + 1;
        }
    }

    fn before(&self, plain: u64) -> (u64, u64) {
        let n = self.list.partition_point(|it| it.1 <= plain);
        n.checked_sub(1).map_or((0, 0), |n| self.list[n])
    }
}

/// A zstd file that can be read from any uncompressed offset.
pub struct SeekableZstd<R> {
    file: R,
    decoder: Decoder<'static>,
    piece: Box<[u8]>,
    piece_at: usize,
    piece_len: usize,
    output: Box<[u8]>,
    ready: std::ops::Range<usize>,
    compressed: u64,
    plain: u64,
    in_frame: bool,
    starts: Starts,
    max_ratio: u64,
}

impl<R: Read + Seek> SeekableZstd<R> {
    /// Opens a file at its beginning, with the beginnings of frames that another stream found.
    ///
    /// # Errors
    ///
    /// When zstd cannot be set up.
    pub fn new(file: R, limits: &Limits, starts: Starts) -> Result<Self, ArchiveError> {
        let fail = ArchiveError::system("set up zstd");
        let mut decoder = Decoder::new().map_err(fail)?;
        decoder
            .set_parameter(DParameter::WindowLogMax(MAX_WINDOW_LOG))
            .map_err(ArchiveError::system("set up zstd"))?;
        Ok(Self {
            file,
            decoder,
            piece: vec![0; PIECE].into_boxed_slice(),
            piece_at: 0,
            piece_len: 0,
            output: vec![0; PIECE].into_boxed_slice(),
            ready: 0..0,
            compressed: 0,
            plain: 0,
            in_frame: false,
            starts,
            max_ratio: limits.max_ratio,
        })
    }

    /// The beginnings of frames found so far.
    pub fn starts(&self) -> Starts {
        self.starts.clone()
    }

    fn position(&self) -> u64 {
        self.plain - self.ready.len() as u64
    }

    fn advance(&mut self) -> Result<bool, ArchiveError> {
        while self.ready.is_empty() {
            if !self.refill()? {
                return self.end();
            }
            self.decompress()?;
        }
        Ok(true)
    }

    /// Offset of the file at which a frame ends just behind the bytes given out so far, if one does.
    pub(super) fn boundary(&mut self) -> Result<Option<u64>, ArchiveError> {
        while self.in_frame && self.ready.is_empty() && self.refill()? {
            let before = self.compressed;
            // Without room for a byte only what ends the frame is read.
            self.run(0)?;
            if self.compressed == before {
                break;
            }
        }
        Ok((!self.in_frame && self.ready.is_empty()).then_some(self.compressed))
    }

    /// Makes sure that compressed bytes are at hand; `false` at the end of the file.
    fn refill(&mut self) -> Result<bool, ArchiveError> {
        if self.piece_at == self.piece_len {
            self.piece_len = piece::read(&mut self.file, &mut self.piece, "read the archive")?;
            self.piece_at = 0;
        }
        Ok(self.piece_len > 0)
    }

    fn end(&self) -> Result<bool, ArchiveError> {
        if self.in_frame { Err(ArchiveError::Truncated { at: self.compressed }) } else { Ok(false) }
    }

    fn decompress(&mut self) -> Result<(), ArchiveError> {
        if !self.in_frame {
            self.starts.offer(self.compressed, self.plain);
            self.in_frame = true;
        }
        self.run(PIECE)
    }

    /// Decompresses up to so many bytes.
    fn run(&mut self, room: usize) -> Result<(), ArchiveError> {
        let mut input = InBuffer::around(&self.piece[self.piece_at..self.piece_len]);
        let mut output = OutBuffer::around(&mut self.output[..room]);
        let left = self.decoder.run(&mut input, &mut output).map_err(|error| {
            let detail = if error.to_string().contains("too much memory") {
                "a zstd frame asks for a window of more than 128 MiB"
            } else {
                "the compressed data are not zstd, or its checksum does not match"
            };
            ArchiveError::Damaged { at: self.compressed, detail }
        })?;
        let written = output.pos();
        self.piece_at += input.pos();
        self.compressed += input.pos() as u64;
        self.ready = 0..written;
        self.plain += written as u64;
        self.in_frame = left != 0;
        if self.plain > RATIO_FROM && self.plain / self.compressed.max(1) > self.max_ratio {
            let what = "the ratio of uncompressed to compressed bytes".to_owned();
            return Err(ArchiveError::OverLimit { what, limit: self.max_ratio });
        }
        Ok(())
    }

    fn restart(&mut self, to: u64) -> Result<(), ArchiveError> {
        let (compressed, plain) = self.starts.before(to);
        if to >= self.position() && plain <= self.plain {
            return Ok(());
        }
        self.decoder.reinit().map_err(ArchiveError::system("set up zstd"))?;
        (self.compressed, self.plain) = (compressed, plain);
        (self.piece_at, self.piece_len) = (0, 0);
        self.ready = 0..0;
        self.in_frame = false;
        self.file
            .seek(SeekFrom::Start(compressed))
            .map(drop)
            .map_err(ArchiveError::system("read the archive"))
    }
}

impl<R: Read + Seek> Read for SeekableZstd<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() || !self.advance()? {
            return Ok(0);
        }
        let n = out.len().min(self.ready.len());
        out[..n].copy_from_slice(&self.output[self.ready.start..self.ready.start + n]);
        self.ready.start += n;
        Ok(n)
    }
}

impl<R: Read + Seek> Seek for SeekableZstd<R> {
    /// Seeks from the start or from here; beyond the end is an error.
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(to) => to,
            SeekFrom::Current(by) => self.position().saturating_add_signed(by),
            SeekFrom::End(_) => return Err(io::ErrorKind::Unsupported.into()),
        };
        self.restart(to)?;
        while self.position() < to {
            if !self.advance()? {
                return Err(ArchiveError::Truncated { at: self.compressed }.into());
            }
            let skip = (to - self.position()).min(self.ready.len() as u64);
            self.ready.start += skip as usize;
        }
        Ok(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Write};

    fn frames(list: &[Vec<u8>]) -> Vec<u8> {
        list.iter().flat_map(|it| zstd::encode_all(&it[..], 1).unwrap()).collect()
    }

    #[test]
    fn any_place_can_be_read_again() {
        let parts: Vec<Vec<u8>> = (0..50_u8).map(|n| vec![n; 7000 + usize::from(n)]).collect();
        let plain = parts.concat();
        let file = Cursor::new(frames(&parts));
        let mut z = SeekableZstd::new(file, &Limits::default(), Starts::default()).unwrap();
        io::copy(&mut z, &mut io::sink()).unwrap();

        for at in [0, 6999, 7000, 350_000, 12, plain.len() - 1, plain.len()] {
            z.seek(SeekFrom::Start(at as u64)).unwrap();
            let mut rest = Vec::new();
            z.read_to_end(&mut rest).unwrap();

            assert_eq!(rest, plain[at..], "at {at}");
        }
    }

    #[test]
    fn a_frame_without_a_checksum_is_read_to_its_end() {
        // The last block is not given out whole together with the one before it.
        let plain = vec![7; 200_000];
        let mut encoder = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
        encoder.write_all(&plain[..100_000]).unwrap();
        encoder.flush().unwrap();
        encoder.write_all(&plain[100_000..]).unwrap();
        let file = Cursor::new(encoder.finish().unwrap());

        let mut z = SeekableZstd::new(file, &Limits::default(), Starts::default()).unwrap();
        let mut read = Vec::new();
        z.read_to_end(&mut read).unwrap();

        assert_eq!(read.len(), plain.len());
    }

    #[test]
    fn a_file_cut_within_a_frame_is_an_error() {
        let one = frames(&[b"some bytes that do not matter".to_vec()]);

        for cut in 1..one.len() {
            let file = Cursor::new(&one[..cut]);
            let mut z = SeekableZstd::new(file, &Limits::default(), Starts::default()).unwrap();
            assert!(io::copy(&mut z, &mut io::sink()).is_err(), "cut after {cut}");
        }
    }
}
