//! Writes a tar, compressed, with places at which a killed writer goes on.
//!
//! Each checkpoint ends a gzip member or a zstd frame, so that the file up to
//! there is whole by itself and what comes after it can be cut off. Headers are
//! the same on every machine and at every time.

use super::{
    ArchiveError,
    aside::Aside,
    header::BLOCK,
    packer::{Compression, Packer},
    piece,
};
use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// Writes the members of a tar.
pub struct TarWriter {
    packer: Packer,
    /// Seconds since 1970 that all members carry.
    mtime: u64,
    /// Permission bits of all files.
    mode: u32,
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
        let packer = Packer::new(file, compression, written);
        Self { packer, mtime, mode: 0o644, is_broken: false }
    }

    /// Gives all files these permission bits, in place of 0644.
    #[must_use]
    pub fn with_mode(mut self, mode: u32) -> Self {
        self.mode = mode & 0o777;
        self
    }

    /// Writes a member that was compressed aside.
    ///
    /// # Errors
    ///
    /// When it is compressed otherwise than this, or the system refuses.
    pub fn take_in(&mut self, name: &str, aside: Aside) -> Result<(), ArchiveError> {
        self.whole(name, |tar| {
            let fail = || ArchiveError::system("write the archive");
            let size = aside.size();
            tar.turn(false)?;
            tar.header(name, size)?;
            tar.packer.join(aside.into_packer()).map_err(fail())?;
            tar.pad(size).map_err(fail())
        })
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
        self.parts(name, std::iter::once(data))
    }

    /// Writes a member whose bytes are at hand in parts.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn parts<'a>(
        &mut self,
        name: &str,
        parts: impl Iterator<Item = &'a [u8]> + Clone,
    ) -> Result<(), ArchiveError> {
        let size = parts.clone().map(|it| it.len() as u64).sum();
        self.whole(name, |tar| {
            let fail = || ArchiveError::system("write the archive");
            tar.turn(false)?;
            tar.header(name, size)?;
            for part in parts {
                tar.put(part).map_err(fail())?;
            }
            tar.pad(size).map_err(fail())
        })
    }

    /// Writes a directory, for those that are needed empty.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn directory(&mut self, name: &str) -> Result<(), ArchiveError> {
        self.whole(name, |tar| {
            tar.turn(false)?;
            tar.entry(&format!("{name}/"), b'5', 0)
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

    fn turn(&mut self, is_stored: bool) -> Result<(), ArchiveError> {
        self.packer.turn(is_stored).map_err(ArchiveError::system("write the archive"))
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
            tar.packer.end().map_err(ArchiveError::system("write the archive"))
        })
    }

    /// Makes what was written up to the last checkpoint survive a power cut.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn sync(&self) -> Result<(), ArchiveError> {
        self.packer.sync().map_err(ArchiveError::system("write the archive"))
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
        self.entry(name, b'0', size)
    }

    fn entry(&mut self, name: &str, kind: u8, size: u64) -> Result<(), ArchiveError> {
        let fail = ArchiveError::system("write the archive");
        let mut blocks = Vec::new();
        if name.len() > 100 || size >= 1 << 33 {
            let mut record = pax_record("path", name);
            record += &pax_record("size", &size.to_string());
            blocks.extend(block("pax", b'x', record.len() as u64, (0o644, self.mtime)));
            blocks.extend(record.bytes());
            blocks.resize(blocks.len().next_multiple_of(BLOCK), 0);
        }
        let mut end = name.len().min(100);
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        let short = if size >= 1 << 33 { 0 } else { size };
        let mode = if kind == b'5' { 0o755 } else { self.mode };
        blocks.extend(block(&name[..end], kind, short, (mode, self.mtime)));
        self.put(&blocks).map_err(fail)
    }

    fn pad(&mut self, size: u64) -> io::Result<()> {
        let over = (size % BLOCK as u64) as usize;
        if over == 0 { Ok(()) } else { self.put(&[0; BLOCK][over..]) }
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.packer.put(bytes)
    }
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

fn block(name: &str, kind: u8, size: u64, (mode, mtime): (u32, u64)) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut set = |at: usize, text: &[u8]| block[at..at + text.len()].copy_from_slice(text);
    set(0, name.as_bytes());
    set(100, format!("{mode:07o}\0").as_bytes());
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
    fn a_gzip_tar_without_checkpoints_is_one_member() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.tar.gz");
        let mut writer = TarWriter::create(&path, Compression::Gzip(6), 0).unwrap();
        writer.small("a.json", &[b'x'; 2_000_000]).unwrap();
        writer.incompressible("pack", 700_000, &[9; 700_000][..]).unwrap();
        writer.small("b.json", b"[]").unwrap();
        writer.finish().unwrap();

        // This decoder stops after the first member, as old readers do.
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(File::open(&path).unwrap()).read_to_end(&mut plain).unwrap();

        assert_eq!(plain.len() % BLOCK, 0);
        assert!(plain.ends_with(&[0; 2 * BLOCK]));
        assert_eq!(members(&path).len(), 3);
    }

    #[track_caller]
    fn check_aside(compression: Compression) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.tar");
        let mut writer = TarWriter::create(&path, compression, 0).unwrap();
        let line = |n: usize| format!("line {n} {}\n", n * n);
        let long: String = (0..120_000).map(line).collect();
        writer.small("first", b"x").unwrap();
        for (name, text) in [("long", &*long), ("short", "y"), ("empty", "")] {
            let mut aside = Aside::begin(tempfile::tempfile_in(&directory).unwrap(), compression);
            text.as_bytes().chunks(7_777).for_each(|it| aside.put(it).unwrap());
            assert_eq!(aside.size(), text.len() as u64);
            writer.take_in(name, aside).unwrap();
        }
        writer.small("last", b"z").unwrap();
        writer.finish().unwrap();
        let mut other = TarWriter::create(&path.with_extension("other"), compression, 0).unwrap();
        let aside = Aside::begin(tempfile::tempfile().unwrap(), Compression::Zstd(9));
        assert!(other.take_in("other", aside).is_err());

        let names = ["first", "long", "short", "empty", "last"];
        let texts = ["x", &long, "y", "", "z"];
        let expected = names.iter().zip(texts);
        let expected: Vec<_> =
            expected.map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect();
        assert!(members(&path) == expected, "{compression:?}");
    }

    #[test]
    fn a_member_may_be_compressed_before_its_length_is_known() {
        check_aside(Compression::None);
        check_aside(Compression::Gzip(6));
        check_aside(Compression::Zstd(3));
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
