//! An archive file: scanned once, whole, and read in places afterwards.

use super::{
    ArchiveError, Limits, Member,
    gzip::{Checkpoints, SeekableGzip},
    piece,
    read_ahead::ReadAhead,
    tar::Scanner,
    zstd::{SeekableZstd, Starts},
};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// How a file is compressed, told by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    Plain,
    Gzip,
    Zstd,
}

/// Where streams into the file can start.
enum Index {
    Plain,
    Gzip(Checkpoints),
    Zstd(Starts),
}

/// An archive file on this machine.
pub struct Archive {
    path: PathBuf,
    packing: Packing,
    limits: Limits,
    index: OnceLock<Index>,
}

impl Archive {
    /// Opens a file and tells by its first bytes how it is packed.
    ///
    /// # Errors
    ///
    /// When it cannot be read, is empty, or does not begin like an archive.
    pub fn open(path: &Path, limits: Limits) -> Result<Self, ArchiveError> {
        let mut file = File::open(path).map_err(ArchiveError::system("open the archive"))?;
        let mut first = Vec::new();
        let read = file.by_ref().take(512).read_to_end(&mut first);
        read.map_err(ArchiveError::system("read the archive"))?;
        let packing = packing(&first).map_err(|detail| ArchiveError::NotAnArchive {
            file: path.display().to_string(),
            detail: detail.to_owned(),
        })?;
        Ok(Self { path: path.to_owned(), packing, limits, index: OnceLock::new() })
    }

    /// The bounds it was opened with.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a stream at the beginning.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened.
    pub fn stream(&self) -> Result<Stream, ArchiveError> {
        let file = File::open(&self.path).map_err(ArchiveError::system("open the archive"))?;
        Ok(match (self.packing, self.index.get()) {
            (Packing::Plain, _) => Stream::Plain(BufReader::with_capacity(64 << 10, file)),
            (Packing::Gzip, Some(Index::Gzip(checkpoints))) => Stream::Gzip(Box::new(
                SeekableGzip::with_checkpoints(file, &self.limits, checkpoints.clone()),
            )),
            (Packing::Gzip, _) => Stream::Gzip(Box::new(SeekableGzip::new(file, &self.limits))),
            (Packing::Zstd, index) => {
                let starts = match index {
                    Some(Index::Zstd(starts)) => starts.clone(),
                    _ => Starts::default(),
                };
                Stream::Zstd(Box::new(SeekableZstd::new(file, &self.limits, starts)?))
            }
        })
    }

    /// Visits every member once, in order, to the very end of the file.
    ///
    /// The visitor need not read a member's bytes; they are read anyway, so that
    /// damage anywhere is found.
    ///
    /// # Errors
    ///
    /// What is wrong with the archive, or what the visitor answers.
    pub fn scan(
        &self,
        mut visit: impl FnMut(&Member, &mut dyn Read) -> Result<(), ArchiveError>,
    ) -> Result<(), ArchiveError> {
        let mut ahead = ReadAhead::new(self.stream()?);
        let mut scanner = Scanner::new(&mut ahead, self.limits);
        while let Some(member) = scanner.next()? {
            visit(&member, &mut scanner.data(&member))?;
        }
        let index = match ahead.into_inner().map_err(ArchiveError::system("read the archive"))? {
            Stream::Plain(_) => Index::Plain,
            Stream::Gzip(gzip) => Index::Gzip(gzip.checkpoints()),
            Stream::Zstd(zstd) => Index::Zstd(zstd.starts()),
        };
        // Two scans at once find the same index; the first one is kept.
        drop(self.index.set(index));
        Ok(())
    }

    /// Opens a member's bytes at an offset within it.
    ///
    /// # Errors
    ///
    /// When the file cannot be read; that it has become shorter may also be found by reading.
    pub fn member(&self, member: &Member, from: u64) -> Result<MemberData, ArchiveError> {
        let mut stream = self.stream()?;
        let from = from.min(member.size);
        stream
            .seek(SeekFrom::Start(member.offset + from))
            .map_err(ArchiveError::system("read the archive"))?;
        Ok(MemberData { stream, left: member.size - from, at: member.offset + from })
    }

    /// SHA-256 of the file as it lies there, in lower-case hexadecimal.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn sha256(&self) -> Result<String, ArchiveError> {
        let mut file = File::open(&self.path).map_err(ArchiveError::system("open the archive"))?;
        let mut hash = Sha256::new();
        let mut bytes = vec![0; 256 << 10];
        loop {
            let read = piece::read(&mut file, &mut bytes, "read the archive")?;
            if read == 0 {
                return Ok(HEXLOWER.encode(&hash.finalize()));
            }
            hash.update(&bytes[..read]);
        }
    }
}

impl std::fmt::Debug for Archive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Archive").field("path", &self.path).finish_non_exhaustive()
    }
}

fn packing(first: &[u8]) -> Result<Packing, &'static str> {
    if first.is_empty() {
        return Err("it is empty");
    }
    if first.starts_with(&[0x1f, 0x8b]) {
        return Ok(Packing::Gzip);
    }
    // Some compressors put a frame that is to be skipped first.
    let is_skippable =
        first.len() > 3 && first[0] & 0xf0 == 0x50 && first[1..4] == *b"\x2a\x4d\x18";
    if first.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) || is_skippable {
        return Ok(Packing::Zstd);
    }
    if first.starts_with(b"PK\x03\x04") {
        return Err("it is a ZIP file");
    }
    if first.len() == 512 && (&first[257..262] == b"ustar" || first.iter().all(|&it| it == 0)) {
        return Ok(Packing::Plain);
    }
    Err("it begins neither like a tar nor like a gzip or zstd file")
}

/// The bytes of one member.
pub struct MemberData {
    stream: Stream,
    left: u64,
    at: u64,
}

impl Read for MemberData {
    /// Fewer bytes than the member had are an error.
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let most = out.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = self.stream.read(&mut out[..most])?;
        if read == 0 && most > 0 {
            return Err(ArchiveError::Truncated { at: self.at }.into());
        }
        self.left -= read as u64;
        self.at += read as u64;
        Ok(read)
    }
}

/// Uncompressed bytes of an archive, from any offset.
pub enum Stream {
    /// A bare tar.
    Plain(BufReader<File>),
    /// A tar in gzip.
    Gzip(Box<SeekableGzip<File>>),
    /// A tar in zstd.
    Zstd(Box<SeekableZstd<File>>),
}

impl Read for Stream {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(it) => it.read(out),
            Self::Gzip(it) => it.read(out),
            Self::Zstd(it) => it.read(out),
        }
    }
}

impl Seek for Stream {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::Plain(it) => it.seek(to),
            Self::Gzip(it) => it.seek(to),
            Self::Zstd(it) => it.seek(to),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::{Compression, TarWriter};

    #[test]
    fn a_file_that_has_become_shorter_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.tar");
        let mut writer = TarWriter::create(&path, Compression::None, 0).unwrap();
        writer.small("a", &[7; 9000]).unwrap();
        writer.finish().unwrap();
        let archive = Archive::open(&path, Limits::default()).unwrap();
        let mut found = None;
        archive
            .scan(|member, _| {
                found = Some(member.clone());
                Ok(())
            })
            .unwrap();
        File::options().write(true).open(&path).unwrap().set_len(2000).unwrap();

        let mut data = archive.member(&found.unwrap(), 0).unwrap();

        assert!(data.read_to_end(&mut Vec::new()).is_err());
    }
}
