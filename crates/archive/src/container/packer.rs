//! A stream that is compressed on its way into a file, in pieces side by side.

use super::press::{Method, Press};
use std::{
    fs::File,
    io::{self, BufWriter, Seek, Write},
};

/// How a stream is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip at that level, 0 to 9.
    Gzip(u32),
    /// zstd at that level.
    Zstd(i32),
}

/// Bytes that are compressed together, and the most that a seek into zstd reads in vain.
const PIECE: usize = 512 << 10;
/// A gzip header without a name or a time. Source: RFC 1952, section 2.3.
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// The deflate block that is the last and has nothing in it. Source: RFC 1951, section 3.2.6.
const LAST_BLOCK: [u8; 2] = [3, 0];

/// Compresses a stream into a file.
pub(super) struct Packer {
    file: BufWriter<File>,
    compression: Compression,
    press: Press,
    /// Bytes that are compressed next.
    plain: Vec<u8>,
    /// Whether they are of the sort that does not get smaller.
    is_stored: bool,
    /// The gzip member that was begun.
    gzip: Option<GzipMember>,
    /// Whether it is a part of another stream, which says what stands around it.
    is_part: bool,
    /// Bytes of the file up to what is being compressed.
    written: u64,
}

/// What stands at the end of a gzip member.
#[derive(Default)]
struct GzipMember {
    sum: crc32fast::Hasher,
    size: u32,
}

impl Packer {
    /// Goes on with a file that has `written` bytes.
    pub(super) fn new(file: File, compression: Compression, written: u64) -> Self {
        Self {
            file: BufWriter::new(file),
            compression,
            press: Press::default(),
            plain: Vec::new(),
            is_stored: false,
            gzip: None,
            is_part: false,
            written,
        }
    }

    /// What will be a part of a stream that is compressed like this, in an empty file.
    pub(super) fn part(file: File, compression: Compression) -> Self {
        Self { is_part: true, ..Self::new(file, compression, 0) }
    }

    /// Takes in bytes.
    pub(super) fn put(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        if self.compression == Compression::None {
            return self.write(bytes);
        }
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(PIECE - self.plain.len()));
            self.plain.extend_from_slice(now);
            bytes = later;
            if self.plain.len() == PIECE {
                self.give()?;
            }
        }
        Ok(())
    }

    /// Ends the piece when the next bytes are of the other sort: those that do not get smaller go into
    /// deflate blocks of level 0, or a zstd frame of the fastest level.
    pub(super) fn turn(&mut self, is_stored: bool) -> io::Result<()> {
        if self.is_stored != is_stored && !self.plain.is_empty() {
            self.give()?;
        }
        self.is_stored = is_stored;
        Ok(())
    }

    /// Takes in what was compressed as a part, without compressing it again.
    pub(super) fn join(&mut self, mut part: Self) -> io::Result<()> {
        if part.compression != self.compression {
            return Err(io::Error::other("a part of it is compressed otherwise"));
        }
        if part.written == 0 && part.press.is_idle() {
            // So little that it goes with what stands around it.
            return self.put(&part.plain);
        }
        self.settle()?;
        part.settle()?;
        if let Some(gzip) = part.gzip.take() {
            self.add_to_gzip(&gzip.sum, gzip.size)?;
        }
        let mut file = part.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        self.written += io::copy(&mut file, &mut self.file)?;
        Ok(())
    }

    /// Ends what was written so far as a whole of its own, and gives the file's length.
    pub(super) fn end(&mut self) -> io::Result<u64> {
        self.settle()?;
        if let Some(member) = self.gzip.take() {
            self.write(&LAST_BLOCK)?;
            self.write(&member.sum.finalize().to_le_bytes())?;
            self.write(&member.size.to_le_bytes())?;
        }
        self.file.flush()?;
        Ok(self.written)
    }

    /// Brings what was ended to the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.get_ref().sync_data()
    }

    /// Gives the piece that was gathered to be compressed.
    fn give(&mut self) -> io::Result<()> {
        let method = match self.compression {
            Compression::None => return Ok(()),
            Compression::Gzip(level) => Method::Deflate(if self.is_stored { 0 } else { level }),
            Compression::Zstd(level) => Method::Zstd(if self.is_stored { -5 } else { level }),
        };
        if self.press.is_full() {
            self.take()?;
        }
        self.press.give(method, &mut self.plain)
    }

    /// Writes the oldest piece that is being compressed; `false` when there is none.
    fn take(&mut self) -> io::Result<bool> {
        let Some(pressed) = self.press.take() else { return Ok(false) };
        let pressed = pressed?;
        if matches!(self.compression, Compression::Gzip(_)) {
            self.add_to_gzip(&pressed.sum, pressed.size)?;
        }
        self.write(&pressed.packed)?;
        self.press.recycle(pressed);
        Ok(true)
    }

    fn add_to_gzip(&mut self, sum: &crc32fast::Hasher, size: u32) -> io::Result<()> {
        if self.gzip.is_none() && !self.is_part {
            self.write(&GZIP_HEADER)?;
        }
        let member = self.gzip.get_or_insert_default();
        member.sum.combine(sum);
        member.size = member.size.wrapping_add(size);
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written += bytes.len() as u64;
        self.file.write_all(bytes)
    }

    /// Writes all that is being compressed.
    fn settle(&mut self) -> io::Result<()> {
        if !self.plain.is_empty() {
            self.give()?;
        }
        while self.take()? {}
        Ok(())
    }
}
