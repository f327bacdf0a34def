//! Reading in the middle of a gzip file.
//!
//! Deflate has no index, but a decompressor that is copied together with its
//! window can go on from where it was copied. While a file is read forward such
//! copies are kept at even distances; when there are too many, every other one
//! goes and the distance doubles. Memory is therefore the same for any file,
//! and a seek reads at most the file's 16th part.
//!
//! Source: RFC 1951 and RFC 1952.

use super::{ArchiveError, Limits, piece};
use crc32fast::Hasher;
use miniz_oxide::inflate::{
    TINFLStatus,
    core::{DecompressorOxide, decompress, inflate_flags::TINFL_FLAG_HAS_MORE_INPUT},
};
use std::{
    io::{self, Read, Seek, SeekFrom},
    sync::Arc,
};

/// How far back deflate can refer.
const WINDOW: usize = 32 << 10;
/// Compressed bytes read at a time.
const PIECE: usize = 64 << 10;
/// Most copies that are kept: about 43 KiB each.
const MAX_CHECKPOINTS: usize = 32;
/// First distance between copies, in uncompressed bytes.
const FIRST_SPACING: u64 = 4 << 20;
/// Uncompressed bytes before the ratio is looked at.
const RATIO_FROM: u64 = 16 << 20;

/// What a decompressor is between two pieces of output.
#[derive(Clone)]
struct State {
    inflate: Box<DecompressorOxide>,
    window: Box<[u8]>,
    window_at: usize,
    /// Offset of the next compressed byte.
    compressed: u64,
    /// Offset of the next uncompressed byte.
    plain: u64,
    member_bytes: u32,
    crc: Hasher,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Header,
    Body,
    Trailer,
    End,
}

/// Copies at even distances, shared between streams into one file.
#[derive(Clone, Default)]
pub struct Checkpoints {
    list: Vec<Arc<State>>,
    spacing: u64,
}

impl Checkpoints {
    fn offer(&mut self, state: &State) {
        let spacing = self.spacing.max(FIRST_SPACING);
        let last = self.list.last().map_or(0, |it| it.plain);
        if state.plain < last + spacing {
            return;
        }
        self.list.push(Arc::new(state.clone()));
        self.spacing = spacing;
        if self.list.len() > MAX_CHECKPOINTS {
            let mut n = 0;
            self.list.retain(|_| {
                n += 1;
                n % 2 == 0
            });
            self.spacing = spacing * 2;
        }
    }

    fn before(&self, plain: u64) -> Option<&Arc<State>> {
        let n = self.list.partition_point(|it| it.plain <= plain);
        n.checked_sub(1).map(|n| &self.list[n])
    }
}

/// A gzip file, of one member or many, that can be read from any uncompressed offset.
pub struct SeekableGzip<R> {
    file: R,
    piece: Box<[u8]>,
    piece_at: usize,
    piece_len: usize,
    state: State,
    ready: std::ops::Range<usize>,
    checkpoints: Checkpoints,
    max_ratio: u64,
}

impl<R: Read + Seek> SeekableGzip<R> {
    /// Opens a file at its beginning.
    pub fn new(file: R, limits: &Limits) -> Self {
        Self::with_checkpoints(file, limits, Checkpoints::default())
    }

    /// Opens a file with the copies that another stream into it has kept.
    pub fn with_checkpoints(file: R, limits: &Limits, checkpoints: Checkpoints) -> Self {
        Self {
            file,
            piece: vec![0; PIECE].into_boxed_slice(),
            piece_at: 0,
            piece_len: 0,
            state: State {
                inflate: Box::default(),
                window: vec![0; WINDOW].into_boxed_slice(),
                window_at: 0,
                compressed: 0,
                plain: 0,
                member_bytes: 0,
                crc: Hasher::new(),
                phase: Phase::Header,
            },
            ready: 0..0,
            checkpoints,
            max_ratio: limits.max_ratio,
        }
    }

    /// The copies kept so far.
    pub fn checkpoints(&self) -> Checkpoints {
        self.checkpoints.clone()
    }

    /// Offset of the next uncompressed byte that is given out.
    fn position(&self) -> u64 {
        self.state.plain - self.ready.len() as u64
    }

    /// Makes sure that compressed bytes are at hand; `false` at the end of the file.
    fn refill(&mut self) -> Result<bool, ArchiveError> {
        if self.piece_at < self.piece_len {
            return Ok(true);
        }
        self.piece_len = piece::read(&mut self.file, &mut self.piece, "read the archive")?;
        self.piece_at = 0;
        Ok(self.piece_len > 0)
    }

    fn byte(&mut self) -> Result<u8, ArchiveError> {
        if !self.refill()? {
            return Err(ArchiveError::Truncated { at: self.state.compressed });
        }
        let byte = self.piece[self.piece_at];
        self.piece_at += 1;
        self.state.compressed += 1;
        Ok(byte)
    }

    fn damaged(&self, detail: &'static str) -> ArchiveError {
        ArchiveError::Damaged { at: self.state.compressed, detail }
    }

    /// Reads a member's header, or finds the end of the file.
    fn header(&mut self) -> Result<(), ArchiveError> {
        if !self.refill()? {
            self.state.phase = Phase::End;
            return Ok(());
        }
        let first = self.byte()?;
        if first == 0 && self.state.plain > 0 {
            // gzip allows zeros after the last member, for tapes.
            while self.refill()? {
                if self.byte()? != 0 {
                    return Err(self.damaged("there is something after the last gzip member"));
                }
            }
            self.state.phase = Phase::End;
            return Ok(());
        }
        if first != 0x1f {
            return Err(self.damaged("a gzip member does not begin like one"));
        }
        let mut fixed = [first; 10];
        for byte in &mut fixed[1..] {
            *byte = self.byte()?;
        }
        if fixed[..3] != [0x1f, 0x8b, 8] {
            return Err(self.damaged("a gzip member does not begin like one"));
        }
        if fixed[3] & 0xe0 != 0 {
            return Err(self.damaged("a gzip header has flags that are not known"));
        }
        self.optional_fields(fixed[3])?;
        *self.state.inflate = DecompressorOxide::new();
        self.state.crc = Hasher::new();
        self.state.member_bytes = 0;
        self.state.phase = Phase::Body;
        Ok(())
    }

    fn optional_fields(&mut self, flags: u8) -> Result<(), ArchiveError> {
        if flags & 4 != 0 {
            let length = u16::from_le_bytes([self.byte()?, self.byte()?]);
            for _ in 0..length {
                self.byte()?;
            }
        }
        for flag in [8, 16] {
            let mut left = 64 << 10;
            while flags & flag != 0 && self.byte()? != 0 {
                left -= 1;
                if left == 0 {
                    return Err(self.damaged("a name in a gzip header does not end"));
                }
            }
        }
        if flags & 2 != 0 {
            self.byte()?;
            self.byte()?;
        }
        Ok(())
    }

    /// Puts the next piece of output into the window.
    fn body(&mut self) -> Result<(), ArchiveError> {
        let has_more = self.refill()?;
        let flags = if has_more { TINFL_FLAG_HAS_MORE_INPUT } else { 0 };
        let input = &self.piece[self.piece_at..self.piece_len];
        let state = &mut self.state;
        let (status, read, written) =
            decompress(&mut state.inflate, input, &mut state.window, state.window_at, flags);
        self.piece_at += read;
        state.compressed += read as u64;
        let output = state.window_at..state.window_at + written;
        state.crc.update(&state.window[output.clone()]);
        state.plain += written as u64;
        state.member_bytes = state.member_bytes.wrapping_add(written as u32);
        state.window_at = (state.window_at + written) % WINDOW;
        self.ready = output;
        match status {
            TINFLStatus::Done => self.state.phase = Phase::Trailer,
            TINFLStatus::HasMoreOutput => {}
            TINFLStatus::NeedsMoreInput if has_more => {}
            TINFLStatus::NeedsMoreInput | TINFLStatus::FailedCannotMakeProgress => {
                return Err(ArchiveError::Truncated { at: self.state.compressed });
            }
            TINFLStatus::Failed | TINFLStatus::BadParam | TINFLStatus::Adler32Mismatch => {
                return Err(self.damaged("the compressed data are not deflate"));
            }
        }
        self.check_ratio()
    }

    fn check_ratio(&self) -> Result<(), ArchiveError> {
        let (plain, compressed) = (self.state.plain, self.state.compressed);
        if plain > RATIO_FROM && plain / compressed.max(1) > self.max_ratio {
            let what = "the ratio of uncompressed to compressed bytes".to_owned();
            return Err(ArchiveError::OverLimit { what, limit: self.max_ratio });
        }
        Ok(())
    }

    fn trailer(&mut self) -> Result<(), ArchiveError> {
        let mut trailer = [0; 8];
        for byte in &mut trailer {
            *byte = self.byte()?;
        }
        let [a, b, c, d, e, f, g, h] = trailer;
        if u32::from_le_bytes([a, b, c, d]) != self.state.crc.clone().finalize() {
            return Err(self.damaged("its checksum does not match"));
        }
        if u32::from_le_bytes([e, f, g, h]) != self.state.member_bytes {
            return Err(self.damaged("its length does not match"));
        }
        self.state.phase = Phase::Header;
        Ok(())
    }

    /// Brings uncompressed bytes to hand; `false` at the end.
    fn advance(&mut self) -> Result<bool, ArchiveError> {
        while self.ready.is_empty() {
            match self.state.phase {
                Phase::Header => self.header()?,
                Phase::Body => {
                    self.checkpoints.offer(&self.state);
                    self.body()?;
                }
                Phase::Trailer => self.trailer()?,
                Phase::End => return Ok(false),
            }
        }
        Ok(true)
    }

    fn restart(&mut self, to: u64) -> Result<(), ArchiveError> {
        let nearest = self.checkpoints.before(to).cloned();
        let is_behind = to < self.position();
        match nearest {
            Some(state) if is_behind || state.plain > self.state.plain => {
                self.state = (*state).clone();
            }
            _ if is_behind => {
                self.state.compressed = 0;
                self.state.plain = 0;
                self.state.window_at = 0;
                self.state.phase = Phase::Header;
            }
            _ => return Ok(()),
        }
        self.ready = 0..0;
        (self.piece_at, self.piece_len) = (0, 0);
        self.file
            .seek(SeekFrom::Start(self.state.compressed))
            .map(drop)
            .map_err(ArchiveError::system("read the archive"))
    }
}

impl<R: Read + Seek> Read for SeekableGzip<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() || !self.advance()? {
            return Ok(0);
        }
        let n = out.len().min(self.ready.len());
        out[..n].copy_from_slice(&self.state.window[self.ready.start..self.ready.start + n]);
        self.ready.start += n;
        Ok(n)
    }
}

impl<R: Read + Seek> Seek for SeekableGzip<R> {
    /// Seeks from the start only; beyond the end is an error.
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(to) => to,
            SeekFrom::Current(by) => self.position().saturating_add_signed(by),
            SeekFrom::End(_) => return Err(io::ErrorKind::Unsupported.into()),
        };
        self.restart(to)?;
        while self.position() < to {
            if !self.advance()? {
                return Err(ArchiveError::Truncated { at: self.state.compressed }.into());
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
    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;
    use std::io::{Cursor, Write};

    fn gzip(members: &[Vec<u8>]) -> Vec<u8> {
        let mut file = Vec::new();
        for member in members {
            let mut encoder = GzEncoder::new(&mut file, Compression::fast());
            encoder.write_all(member).unwrap();
            encoder.finish().unwrap();
        }
        file
    }

    fn noise(n: usize) -> Vec<u8> {
        let mut x = 1_u64;
        let next = |x: &mut u64| {
            *x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (*x >> 60) as u8 + b'a'
        };
        (0..n).map(|_| next(&mut x)).collect()
    }

    #[test]
    fn any_place_can_be_read_again() {
        let plain = noise(40 << 20);
        let file = gzip(&[plain[..9 << 20].to_vec(), plain[9 << 20..].to_vec()]);
        let mut gz = SeekableGzip::new(Cursor::new(file), &Limits::default());
        io::copy(&mut gz, &mut io::sink()).unwrap();
        assert!(gz.checkpoints.list.len() > 5);

        for at in [0_usize, 5, 4 << 20, (9 << 20) - 3, 33 << 20, 12 << 20, (40 << 20) - 1] {
            gz.seek(SeekFrom::Start(at as u64)).unwrap();
            let mut piece = vec![0; 1000.min(plain.len() - at)];
            gz.read_exact(&mut piece).unwrap();

            assert_eq!(piece, plain[at..at + piece.len()], "at {at}");
        }
    }

    #[test]
    fn a_file_cut_anywhere_is_an_error() {
        let file = gzip(&[noise(5000)]);

        for cut in 1..file.len() {
            let mut gz = SeekableGzip::new(Cursor::new(&file[..cut]), &Limits::default());
            assert!(io::copy(&mut gz, &mut io::sink()).is_err(), "cut after {cut}");
        }
    }

    #[test]
    fn a_bomb_stops_early() {
        let file = gzip(&[vec![0; 64 << 20]]);
        let limits = Limits { max_ratio: 100, ..Limits::default() };

        let mut gz = SeekableGzip::new(Cursor::new(file), &limits);
        let error = io::copy(&mut gz, &mut io::sink()).unwrap_err();

        assert!(error.to_string().contains("ratio"));
    }

    proptest! {
        #[test]
        fn members_and_seeks_agree_with_the_plain_bytes(
            members in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..3000), 1..5),
            seeks in proptest::collection::vec(0_usize..12_000, 0..8),
        ) {
            let plain = members.concat();
            let mut gz = SeekableGzip::new(Cursor::new(gzip(&members)), &Limits::default());
            for at in seeks {
                let sought = gz.seek(SeekFrom::Start(at as u64));
                if at > plain.len() {
                    prop_assert!(sought.is_err());
                    return Ok(());
                }
                let mut rest = Vec::new();
                gz.read_to_end(&mut rest).unwrap();
                prop_assert_eq!(&rest, &plain[at..]);
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let mut led = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
            led.extend(bytes);
            let mut gz = SeekableGzip::new(Cursor::new(led), &Limits::default());
            drop(io::copy(&mut gz, &mut io::sink()));
        }
    }
}
