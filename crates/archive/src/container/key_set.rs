//! A set of names that takes the same memory however many there are.
//!
//! A name stands as a hash of 64 bits that nobody outside can foresee. The newest keys are in
//! memory; older ones are in sorted runs on disk, of which each is at least twice as long as the
//! next. A Bloom filter answers for nearly all keys that are not there, so that runs are hardly
//! ever read.

use super::ArchiveError;
use std::{
    collections::HashSet,
    fs::File,
    hash::{BuildHasher, Hash, RandomState},
    io::{BufReader, BufWriter, Read, Seek, Write},
    os::unix::fs::FileExt,
    path::PathBuf,
};

/// Keys that are held in memory: about 300 KiB.
const RECENT: usize = 16_384;
/// Words of the filter: 1 MiB. Eight bits a key at a million, where it errs once in forty, and a run
/// or two are read for nothing.
const FILTER_WORDS: usize = 1 << 17;
/// Bits of the filter that a key sets, in one word of it: memory is asked once.
const PROBES: u32 = 4;
/// Keys between two of which one is held in memory.
const STRIDE: usize = 512;

/// A set of names.
///
/// Two names are taken for one with a chance of 1 in 2^64 for each pair.
#[derive(Debug)]
pub struct KeySet {
    directory: PathBuf,
    hasher: RandomState,
    recent: HashSet<u64>,
    filter: Vec<u64>,
    /// Sorted keys on disk, the longest run first.
    runs: Vec<Run>,
    most_recent: usize,
}

/// Sorted keys in a file that has no name.
#[derive(Debug)]
struct Run {
    file: File,
    n_keys: u64,
    /// Every `STRIDE`th key.
    fences: Vec<u64>,
}

impl KeySet {
    /// An empty set; nothing is made in the directory before there are more than 16,384 names.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            hasher: RandomState::new(),
            recent: HashSet::new(),
            filter: Vec::new(),
            runs: Vec::new(),
            most_recent: RECENT,
        }
    }

    /// Adds a name; whether it was not there.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn insert(&mut self, name: &impl Hash) -> Result<bool, ArchiveError> {
        let key = self.key(name);
        let is_new = !self.holds(key)?;
        if is_new {
            self.add(key)?;
        }
        Ok(is_new)
    }

    /// Whether a name is there.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn contains(&self, name: &impl Hash) -> Result<bool, ArchiveError> {
        self.holds(self.key(name))
    }

    /// The key of a name in this set, for [`KeySet::holds`] and [`KeySet::add`].
    pub fn key(&self, name: &impl Hash) -> u64 {
        self.hasher.hash_one(name)
    }

    /// Adds a key that is not there.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn add(&mut self, key: u64) -> Result<(), ArchiveError> {
        self.recent.insert(key);
        if self.recent.len() >= self.most_recent { self.spill() } else { Ok(()) }
    }

    /// Whether a key is there.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn holds(&self, key: u64) -> Result<bool, ArchiveError> {
        if self.recent.contains(&key) {
            return Ok(true);
        }
        if !self.may_be_older(key) {
            return Ok(false);
        }
        for run in &self.runs {
            if run.contains(key)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn may_be_older(&self, key: u64) -> bool {
        let (word, bits) = place(key);
        self.filter.get(word).is_some_and(|it| it & bits == bits)
    }

    /// Moves the newest keys to disk.
    fn spill(&mut self) -> Result<(), ArchiveError> {
        self.filter.resize(FILTER_WORDS, 0);
        let mut keys: Vec<u64> = self.recent.drain().collect();
        keys.sort_unstable();
        for key in &keys {
            let (word, bits) = place(*key);
            self.filter[word] |= bits;
        }
        let mut writer = RunWriter::new(&self.directory)?;
        keys.iter().try_for_each(|key| writer.push(*key))?;
        let mut run = writer.end()?;
        while let Some(older) = self.runs.pop_if(|it| it.n_keys < run.n_keys * 2) {
            run = merge(&self.directory, older, run)?;
        }
        self.runs.push(run);
        Ok(())
    }
}

/// Where a key is in the filter: a word, and bits of it.
fn place(key: u64) -> (usize, u64) {
    let bits = (0..PROBES).fold(0, |bits, n| bits | 1 << (key >> (6 * n) & 63));
    ((key >> 32) as usize % FILTER_WORDS, bits)
}

fn fail() -> impl FnOnce(std::io::Error) -> ArchiveError {
    ArchiveError::system("remember names in a scratch file")
}

impl Run {
    fn contains(&self, key: u64) -> Result<bool, ArchiveError> {
        let Some(fence) = self.fences.partition_point(|it| *it <= key).checked_sub(1) else {
            return Ok(false);
        };
        let first = (fence * STRIDE) as u64;
        let n = (self.n_keys - first).min(STRIDE as u64) as usize;
        let mut bytes = [0; STRIDE * 8];
        self.file.read_exact_at(&mut bytes[..n * 8], first * 8).map_err(fail())?;
        let (words, _) = bytes[..n * 8].as_chunks();
        Ok(words.binary_search_by_key(&key, |it| u64::from_le_bytes(*it)).is_ok())
    }

    fn reader(&mut self) -> Result<RunReader<'_>, ArchiveError> {
        self.file.rewind().map_err(fail())?;
        Ok(RunReader { file: BufReader::with_capacity(64 << 10, &self.file), left: self.n_keys })
    }
}

struct RunReader<'a> {
    file: BufReader<&'a File>,
    left: u64,
}

impl RunReader<'_> {
    fn next(&mut self) -> Result<Option<u64>, ArchiveError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let mut word = [0; 8];
        self.file.read_exact(&mut word).map_err(fail())?;
        Ok(Some(u64::from_le_bytes(word)))
    }
}

struct RunWriter {
    file: BufWriter<File>,
    n_keys: u64,
    fences: Vec<u64>,
}

impl RunWriter {
    fn new(directory: &std::path::Path) -> Result<Self, ArchiveError> {
        let file = tempfile::tempfile_in(directory).map_err(fail())?;
        let file = BufWriter::with_capacity(64 << 10, file);
        Ok(Self { file, n_keys: 0, fences: Vec::new() })
    }

    fn push(&mut self, key: u64) -> Result<(), ArchiveError> {
        if self.n_keys.is_multiple_of(STRIDE as u64) {
            self.fences.push(key);
        }
        self.n_keys += 1;
        self.file.write_all(&key.to_le_bytes()).map_err(fail())
    }

    fn end(self) -> Result<Run, ArchiveError> {
        let file = self.file.into_inner().map_err(|error| fail()(error.into_error()))?;
        Ok(Run { file, n_keys: self.n_keys, fences: self.fences })
    }
}

fn merge(directory: &std::path::Path, mut older: Run, mut newer: Run) -> Result<Run, ArchiveError> {
    let (mut a, mut b) = (older.reader()?, newer.reader()?);
    let mut writer = RunWriter::new(directory)?;
    let (mut left, mut right) = (a.next()?, b.next()?);
    loop {
        match (left, right) {
            (Some(x), Some(y)) if x <= y => {
                writer.push(x)?;
                left = a.next()?;
            }
            (_, Some(y)) => {
                writer.push(y)?;
                right = b.next()?;
            }
            (Some(x), None) => {
                writer.push(x)?;
                left = a.next()?;
            }
            (None, None) => return writer.end(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn small(most_recent: usize) -> (tempfile::TempDir, KeySet) {
        let directory = tempfile::tempdir().unwrap();
        let set = KeySet { most_recent, ..KeySet::new(directory.path()) };
        (directory, set)
    }

    #[test]
    fn what_is_on_disk_is_found_and_nothing_else() {
        let (_directory, mut set) = small(1_000);
        for n in 0..20_000 {
            assert!(set.insert(&n).unwrap(), "{n} is new");
        }

        assert!((0..20_000).all(|n| set.contains(&n).unwrap()));
        assert!((20_000..40_000).all(|n| !set.contains(&n).unwrap()));
        assert!(set.recent.len() < 1_000);
        assert!(set.runs.len() < 8, "{} runs", set.runs.len());
    }

    proptest! {
        #[test]
        fn it_answers_as_a_set_in_memory(keys in proptest::collection::vec(0_u64..200, 0..400)) {
            let (_directory, mut set) = small(16);
            let mut known = HashSet::new();
            for name in keys {
                prop_assert_eq!(set.contains(&name).unwrap(), known.contains(&name));
                prop_assert_eq!(set.insert(&name).unwrap(), known.insert(name));
            }
        }
    }
}
