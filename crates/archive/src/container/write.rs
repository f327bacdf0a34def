//! Writes a tar, compressed, with places at which a killed writer goes on.
//!
//! Each checkpoint ends a gzip member or a zstd frame, so that the file up to
//! there is whole by itself and what comes after it can be cut off. Headers are
//! the same on every machine and at every time.

use super::{ArchiveError, header::BLOCK, piece};
use flate2::write::GzEncoder;
use std::{
    fs::{File, OpenOptions},
    io::{self, BufWriter, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// How the tar is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip at that level, 0 to 9.
    Gzip(u32),
    /// zstd at that level.
    Zstd(i32),
}

/// What bytes go through on their way to the file.
enum Filter {
    None,
    Gzip(Box<GzEncoder<Piece>>),
    Zstd(Box<zstd::stream::write::Encoder<'static, Piece>>),
}

/// Compressed bytes on their way, a bounded number of them.
type Piece = Vec<u8>;

/// Compressed bytes that are gathered before they go to the file.
const PIECE: usize = 256 << 10;
/// Most uncompressed bytes of a zstd frame, and the most that a seek reads in vain.
const FRAME: u64 = 16 << 20;

/// Writes the members of a tar.
pub struct TarWriter {
    file: BufWriter<File>,
    compression: Compression,
    filter: Option<Filter>,
    /// Bytes that the filter has taken.
    in_filter: u64,
    /// Whether the filter is for what does not get smaller.
    is_stored: bool,
    /// Bytes of the file up to what the filter still holds.
    written: u64,
    /// Seconds since 1970 that all members carry.
    mtime: u64,
    /// A write was begun and has not ended well: nothing may come behind half a member.
    is_broken: bool,
}

impl TarWriter {
    /// Begins a new file; one that is there is emptied.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn create(path: &Path, compression: Compression, mtime: u64) -> Result<Self, ArchiveError> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let file = options.open(path).map_err(ArchiveError::system("begin the archive"))?;
        Ok(Self::new(file, compression, mtime, 0))
    }

    /// Goes on with a file from a checkpoint; what comes after it is cut off.
    ///
    /// # Errors
    ///
    /// When the file is shorter than the checkpoint, or the system refuses.
    pub fn resume(
        path: &Path,
        compression: Compression,
        mtime: u64,
        checkpoint: u64,
    ) -> Result<Self, ArchiveError> {
        let fail = || ArchiveError::system("go on with the archive");
        let mut file = OpenOptions::new().write(true).open(path).map_err(fail())?;
        if file.metadata().map_err(fail())?.len() < checkpoint {
            return Err(ArchiveError::Truncated { at: checkpoint });
        }
        file.set_len(checkpoint).map_err(fail())?;
        file.seek(SeekFrom::Start(checkpoint)).map_err(fail())?;
        Ok(Self::new(file, compression, mtime, checkpoint))
    }

    fn new(file: File, compression: Compression, mtime: u64, written: u64) -> Self {
        let file = BufWriter::new(file);
        Self {
            file,
            compression,
            filter: None,
            in_filter: 0,
            is_stored: false,
            written,
            mtime,
            is_broken: false,
        }
    }

    /// Writes a member of `size` bytes.
    ///
    /// # Errors
    ///
    /// When `data` has more or fewer bytes, or the system refuses.
    pub fn member(
        &mut self,
        name: &str,
        size: u64,
        mut data: impl Read,
    ) -> Result<(), ArchiveError> {
        self.whole(name, |tar| {
            tar.turn(false)?;
            tar.put_member(name, size, &mut data)
        })
    }

    fn put_member(
        &mut self,
        name: &str,
        size: u64,
        data: &mut impl Read,
    ) -> Result<(), ArchiveError> {
        let fail = || ArchiveError::system("write the archive");
        self.header(name, size)?;
        let mut bytes = vec![0; 64 << 10];
        let mut left = size;
        loop {
            let n = piece::read(data, &mut bytes, "read what is archived")?;
            if n as u64 > left || (n == 0 && left > 0) {
                let detail = format!("it has not the {size} bytes that were announced");
                return Err(ArchiveError::Inconsistent { member: name.to_owned(), detail });
            }
            if n == 0 {
                break;
            }
            self.put(&bytes[..n]).map_err(fail())?;
            left -= n as u64;
        }
        self.pad(size).map_err(fail())
    }

    /// Writes a member whose bytes are at hand.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn small(&mut self, name: &str, data: &[u8]) -> Result<(), ArchiveError> {
        self.whole(name, |tar| {
            tar.turn(false)?;
            tar.header(name, data.len() as u64)?;
            tar.put(data)
                .and_then(|()| tar.pad(data.len() as u64))
                .map_err(ArchiveError::system("write the archive"))
        })
    }

    /// Writes something whole, or nothing ever again.
    fn whole<T>(
        &mut self,
        what: &str,
        write: impl FnOnce(&mut Self) -> Result<T, ArchiveError>,
    ) -> Result<T, ArchiveError> {
        if self.is_broken {
            let detail = "an earlier write to the archive broke off".to_owned();
            return Err(ArchiveError::Inconsistent { member: what.to_owned(), detail });
        }
        self.is_broken = true;
        let done = write(self)?;
        self.is_broken = false;
        Ok(done)
    }

    /// Writes a member that does not get smaller by compression: packs, bundles, pictures.
    ///
    /// It goes into a gzip member of level 0, or a zstd frame of the fastest level.
    ///
    /// # Errors
    ///
    /// As [`TarWriter::member`].
    pub fn incompressible(
        &mut self,
        name: &str,
        size: u64,
        mut data: impl Read,
    ) -> Result<(), ArchiveError> {
        self.whole(name, |tar| {
            tar.turn(true)?;
            tar.put_member(name, size, &mut data)
        })
    }

    /// Ends the gzip member or frame when the next one is of the other sort.
    fn turn(&mut self, is_stored: bool) -> Result<(), ArchiveError> {
        if self.is_stored != is_stored {
            self.end_filter().map_err(ArchiveError::system("write the archive"))?;
        }
        self.is_stored = is_stored;
        Ok(())
    }

    /// Ends what was written so far as a whole of its own, and gives the file's length.
    ///
    /// The bytes are with the system then; [`TarWriter::sync`] brings them to the disk.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn checkpoint(&mut self) -> Result<u64, ArchiveError> {
        self.whole("checkpoint", |tar| {
            tar.end_filter()
                .and_then(|()| tar.file.flush())
                .map_err(ArchiveError::system("write the archive"))?;
            Ok(tar.written)
        })
    }

    /// Makes what was written up to the last checkpoint survive a power cut.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn sync(&self) -> Result<(), ArchiveError> {
        self.file.get_ref().sync_data().map_err(ArchiveError::system("write the archive"))
    }

    /// Ends the tar and brings it to the disk; the number of bytes of the file.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn finish(mut self) -> Result<u64, ArchiveError> {
        self.whole("end", |tar| {
            tar.put(&[0; 2 * BLOCK]).map_err(ArchiveError::system("write the archive"))
        })?;
        let length = self.checkpoint()?;
        self.sync()?;
        Ok(length)
    }

    fn header(&mut self, name: &str, size: u64) -> Result<(), ArchiveError> {
        let fail = ArchiveError::system("write the archive");
        let mut blocks = Vec::new();
        if name.len() > 100 || size >= 1 << 33 {
            let mut record = pax_record("path", name);
            record += &pax_record("size", &size.to_string());
            blocks.extend(block("pax", b'x', record.len() as u64, self.mtime));
            blocks.extend(record.bytes());
            blocks.resize(blocks.len().next_multiple_of(BLOCK), 0);
        }
        let mut end = name.len().min(100);
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        let short = if size >= 1 << 33 { 0 } else { size };
        blocks.extend(block(&name[..end], b'0', short, self.mtime));
        self.put(&blocks).map_err(fail)
    }

    fn pad(&mut self, size: u64) -> io::Result<()> {
        let over = (size % BLOCK as u64) as usize;
        if over == 0 { Ok(()) } else { self.put(&[0; BLOCK][over..]) }
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.filter.is_none() {
            self.filter = Some(new_filter(self.compression, self.is_stored)?);
        }
        let ready = match &mut self.filter {
            Some(Filter::Gzip(filter)) => {
                filter.write_all(bytes)?;
                filter.get_mut()
            }
            Some(Filter::Zstd(filter)) => {
                filter.write_all(bytes)?;
                filter.get_mut()
            }
            Some(Filter::None) | None => {
                self.written += bytes.len() as u64;
                return self.file.write_all(bytes);
            }
        };
        if ready.len() >= PIECE {
            self.file.write_all(ready)?;
            self.written += ready.len() as u64;
            ready.clear();
        }
        self.in_filter += bytes.len() as u64;
        // A reader starts in the middle of a zstd file at the beginnings of frames alone.
        if matches!(self.compression, Compression::Zstd(_)) && self.in_filter >= FRAME {
            self.end_filter()?;
        }
        Ok(())
    }

    fn end_filter(&mut self) -> io::Result<()> {
        let end = |filter| match filter {
            Filter::None => Ok(Vec::new()),
            Filter::Gzip(filter) => filter.finish(),
            Filter::Zstd(filter) => filter.finish(),
        };
        if let Some(filter) = self.filter.take() {
            let rest = end(filter)?;
            self.file.write_all(&rest)?;
            self.written += rest.len() as u64;
        }
        self.in_filter = 0;
        Ok(())
    }
}

fn new_filter(compression: Compression, is_stored: bool) -> io::Result<Filter> {
    Ok(match compression {
        Compression::None => Filter::None,
        Compression::Gzip(level) => {
            let level = flate2::Compression::new(if is_stored { 0 } else { level });
            Filter::Gzip(Box::new(GzEncoder::new(Piece::new(), level)))
        }
        Compression::Zstd(level) => {
            let level = if is_stored { -5 } else { level };
            let mut encoder = zstd::stream::write::Encoder::new(Piece::new(), level)?;
            encoder.include_checksum(true)?;
            Filter::Zstd(Box::new(encoder))
        }
    })
}

/// `<length> <key>=<value>\n`, where the length counts itself.
fn pax_record(key: &str, value: &str) -> String {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    format!("{length} {key}={value}\n")
}

fn block(name: &str, kind: u8, size: u64, mtime: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut set = |at: usize, text: &[u8]| block[at..at + text.len()].copy_from_slice(text);
    set(0, name.as_bytes());
    set(100, b"0000644\0");
    set(108, b"0000000\0");
    set(116, b"0000000\0");
    set(124, format!("{size:011o}\0").as_bytes());
    set(136, format!("{:011o}\0", mtime & 0o77_777_777_777).as_bytes());
    set(148, b"        ");
    set(156, &[kind]);
    set(257, b"ustar\x0000");
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::{Archive, Limits};

    fn members(path: &Path) -> Vec<(String, Vec<u8>)> {
        let mut list = Vec::new();
        let archive = Archive::open(path, Limits::default()).unwrap();
        archive
            .scan(|member, data| {
                let mut bytes = Vec::new();
                data.read_to_end(&mut bytes).unwrap();
                list.push((member.name.clone(), bytes));
                Ok(())
            })
            .unwrap();
        list
    }

    #[track_caller]
    fn check(compression: Compression) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.tar");
        let long = "é".repeat(80);
        let mut writer = TarWriter::create(&path, compression, 1_700_000_000).unwrap();
        writer.small("a.json", b"[]").unwrap();
        let checkpoint = writer.checkpoint().unwrap();
        writer.small("lost", &[1; 5000]).unwrap();
        drop(writer);

        let mut writer = TarWriter::resume(&path, compression, 1_700_000_000, checkpoint).unwrap();
        writer.incompressible("pack", 3000, &[9; 3000][..]).unwrap();
        writer.small(&long, b"x").unwrap();
        writer.finish().unwrap();

        let expected = vec![
            ("a.json".to_owned(), b"[]".to_vec()),
            ("pack".into(), vec![9; 3000]),
            (long, b"x".to_vec()),
        ];
        assert_eq!(members(&path), expected);
    }

    #[test]
    fn a_killed_writer_goes_on_at_its_checkpoint() {
        check(Compression::None);
        check(Compression::Gzip(6));
        check(Compression::Zstd(3));
    }

    #[test]
    fn nothing_can_be_written_behind_half_a_member() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        let mut writer = TarWriter::create(&path, Compression::Zstd(3), 0).unwrap();

        writer.member("half", 5, &b"1234"[..]).unwrap_err();

        assert!(writer.small("next", b"x").is_err());
        assert!(writer.checkpoint().is_err());
        assert!(writer.finish().is_err());
    }

    #[test]
    fn a_member_of_another_size_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let mut writer =
            TarWriter::create(&directory.path().join("a"), Compression::None, 0).unwrap();

        assert!(writer.member("a", 5, &b"1234"[..]).is_err());
        assert!(writer.member("b", 3, &b"1234"[..]).is_err());
    }
}
