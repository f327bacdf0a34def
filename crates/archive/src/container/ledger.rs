//! What a half-written archive holds, beside it on disk.
//!
//! One entry a flush: `length of the archive`, `number of keys`, the keys as
//! 64-bit hashes, CRC-32 of all that; numbers in little endian. A writer that
//! was killed cuts the archive at the length of the last good entry and goes on.

use super::ArchiveError;
use std::{
    fs::{File, OpenOptions},
    io::{BufReader, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// Most keys of an entry: far above what the engine flushes at a time.
const MAX_KEYS: u64 = 1 << 24;

/// A stable hash of a record's place: FNV-1a, 64 bits.
///
/// Source: the FNV page of its authors; offset basis and prime for 64 bits.
pub fn key_hash(scope: &str, kind: &str, id: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in [scope, kind, id] {
        for byte in part.bytes().chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
}

/// The ledger of an archive that is being written.
#[derive(Debug)]
pub struct Ledger {
    file: File,
    /// Where the next entry goes.
    end: u64,
}

impl Ledger {
    /// Begins a new ledger; an old one is emptied.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn create(path: &Path) -> Result<Self, ArchiveError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true).mode(0o600);
        let file = options.open(path).map_err(ArchiveError::system("begin a ledger"))?;
        Ok(Self { file, end: 0 })
    }

    /// Opens a ledger, cuts off what is not whole, and gives the length of the archive
    /// at the last good entry; 0 when there is none.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn recover(path: &Path) -> Result<(Self, u64), ArchiveError> {
        let fail = || ArchiveError::system("read the ledger");
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).open(path).map_err(fail())?;
        let mut ledger = Self { file, end: 0 };
        let (mut end, mut length) = (0, 0);
        ledger.entries(|entry| {
            end = entry.end;
            length = entry.length;
            true
        })?;
        ledger.file.set_len(end).map_err(fail())?;
        ledger.end = end;
        Ok((ledger, length))
    }

    /// Adds an entry: the archive has this length now, and these keys came since the last.
    ///
    /// # Errors
    ///
    /// When there are more than 16 million keys, or the system refuses; what was added
    /// before stands either way.
    pub fn append(&mut self, length: u64, keys: &[u64]) -> Result<(), ArchiveError> {
        let fail = || ArchiveError::system("write the ledger");
        if keys.len() as u64 > MAX_KEYS {
            let what = "the number of records between two flushes".to_owned();
            return Err(ArchiveError::OverLimit { what, limit: MAX_KEYS });
        }
        let mut bytes = Vec::with_capacity(20 + keys.len() * 8);
        bytes.extend(length.to_le_bytes());
        bytes.extend((keys.len() as u64).to_le_bytes());
        keys.iter().for_each(|key| bytes.extend(key.to_le_bytes()));
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        // An entry that a full disk has cut would hide those after it.
        self.file.set_len(self.end).map_err(fail())?;
        self.file.seek(SeekFrom::Start(self.end)).map_err(fail())?;
        self.file.write_all(&bytes).map_err(fail())?;
        self.end += bytes.len() as u64;
        Ok(())
    }

    /// Makes what was added survive a power cut.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn sync(&self) -> Result<(), ArchiveError> {
        self.file.sync_data().map_err(ArchiveError::system("write the ledger"))
    }

    /// Whether a key was noted; reads through the ledger.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn contains(&mut self, key: u64) -> Result<bool, ArchiveError> {
        let mut found = false;
        self.entries(|entry| {
            found = entry.keys.contains(&key);
            !found
        })?;
        Ok(found)
    }

    /// Visits good entries until the visitor says to stop, or one is not whole.
    fn entries(&mut self, mut visit: impl FnMut(&Entry) -> bool) -> Result<(), ArchiveError> {
        self.file.seek(SeekFrom::Start(0)).map_err(ArchiveError::system("read the ledger"))?;
        let mut from = BufReader::new(&self.file);
        let mut end = 0;
        while let Some(mut entry) = Entry::read(&mut from)? {
            end += 20 + entry.keys.len() as u64 * 8;
            entry.end = end;
            if !visit(&entry) {
                break;
            }
        }
        Ok(())
    }
}

struct Entry {
    length: u64,
    keys: Vec<u64>,
    end: u64,
}

impl Entry {
    /// Reads an entry; `None` when there is none, or none that is whole.
    fn read(from: &mut impl Read) -> Result<Option<Self>, ArchiveError> {
        let mut bytes = Vec::new();
        if !fill(from, &mut bytes, 16)? {
            return Ok(None);
        }
        let number = |at: usize, bytes: &[u8]| {
            let mut word = [0; 8];
            word.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(word)
        };
        let (length, n) = (number(0, &bytes), number(8, &bytes));
        if n > MAX_KEYS || !fill(from, &mut bytes, n * 8)? {
            return Ok(None);
        }
        let sum = crc32fast::hash(&bytes);
        let body = bytes.len();
        if !fill(from, &mut bytes, 4)? || bytes[body..] != sum.to_le_bytes() {
            return Ok(None);
        }
        let keys = (0..n as usize).map(|k| number(16 + k * 8, &bytes)).collect();
        Ok(Some(Self { length, keys, end: 0 }))
    }
}

/// Appends `n` bytes; `false` when there are fewer.
fn fill(from: &mut impl Read, bytes: &mut Vec<u8>, n: u64) -> Result<bool, ArchiveError> {
    let read = from.take(n).read_to_end(bytes).map_err(ArchiveError::system("read the ledger"))?;
    Ok(read as u64 == n)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path() -> (tempfile::TempDir, std::path::PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ledger");
        (directory, path)
    }

    #[test]
    fn what_was_noted_is_found_again() {
        let (_directory, path) = path();
        let mut ledger = Ledger::create(&path).unwrap();
        ledger.append(100, &[1, 2]).unwrap();
        ledger.append(250, &[3]).unwrap();

        let (mut ledger, length) = Ledger::recover(&path).unwrap();

        assert_eq!(length, 250);
        assert!(ledger.contains(2).unwrap());
        assert!(ledger.contains(3).unwrap());
        assert!(!ledger.contains(4).unwrap());
    }

    #[test]
    fn a_torn_entry_is_cut_off() {
        let (_directory, path) = path();
        let mut ledger = Ledger::create(&path).unwrap();
        ledger.append(100, &[1, 2]).unwrap();
        ledger.append(250, &[3]).unwrap();
        let whole = std::fs::read(&path).unwrap();

        for cut in 36..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let (mut ledger, length) = Ledger::recover(&path).unwrap();
            assert_eq!(length, 100, "cut after {cut}");
            ledger.append(300, &[9]).unwrap();
            assert!(ledger.contains(9).unwrap());
        }
    }

    #[test]
    fn an_entry_after_one_that_could_not_be_written_is_found() {
        let (_directory, path) = path();
        let mut ledger = Ledger::create(&path).unwrap();
        ledger.append(100, &[1]).unwrap();
        // What a full disk leaves: the first bytes of an entry, behind the last good one.
        ledger.file.write_all(&[0; 11]).unwrap();
        ledger.append(250, &[2]).unwrap();

        let (mut ledger, length) = Ledger::recover(&path).unwrap();

        assert_eq!(length, 250);
        assert!(ledger.contains(2).unwrap());
    }

    #[test]
    fn keys_do_not_run_into_each_other() {
        assert_ne!(key_hash("a", "b", "c"), key_hash("ab", "", "c"));
    }
}
