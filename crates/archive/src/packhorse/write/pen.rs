//! The pen: what is on paper already, and what comes next.

use super::{
    super::{
        FORMAT, VERSION, layout,
        manifest::{Head, MemberLine, RepositoryState},
        side::{Side, SideLine},
    },
    Places,
    buffer::{Chunk, Line},
    finish::Bundled,
};
use crate::container::{ArchiveError, Compression, Ledger, TarWriter, key_hash};
use packhorse_core::{ObjectKind, Origin, RepoKind, Scope};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, HashSet},
    fs::{self, File},
    io::Read,
};

/// Level of compression: what `zstd` takes by itself.
const LEVEL: Compression = Compression::Zstd(3);
/// Most bytes of a chunk that is begun; a line of 16 MiB more still fits (section 10).
const MAX_CHUNK: usize = 32 << 20;

/// An archive that is being written, is about to be, or has been.
pub(super) struct Pen {
    pub(super) places: Places,
    writing: String,
    pub(super) open: Option<Open>,
    /// The archive has its name: nothing is written any more.
    pub(super) is_done: bool,
}

/// The files of an archive that is being written.
pub(super) struct Open {
    pub(super) tar: TarWriter,
    ledger: Ledger,
    pub(super) side: Side,
    /// Highest number in each directory.
    numbers: BTreeMap<String, u32>,
    /// Digest of the refs in the newest state of each repository.
    states: BTreeMap<String, String>,
    /// Members since the last flush, and keys of what is in them.
    pending: Vec<SideLine>,
    keys: Vec<u64>,
    /// Keys of records that the newest revision removes.
    removed: HashSet<u64>,
}

impl Pen {
    /// Looks for what an interrupted writing left, or gets ready for a new one.
    pub(super) fn open(places: Places, resume: bool) -> Result<Self, ArchiveError> {
        let is_done = places.archive.exists();
        if is_done && resume {
            // A writing that was killed once the archive had its name leaves notes of no more use.
            for file in [&places.side, &places.ledger] {
                drop(fs::remove_file(file));
            }
            drop(fs::remove_dir_all(&places.work));
        }
        let mut pen =
            Self { places, writing: uuid::Uuid::now_v7().to_string(), open: None, is_done };
        if resume && !is_done && pen.places.ledger.exists() && pen.places.side.exists() {
            pen.recover()?;
        }
        Ok(pen)
    }

    /// Name of this writing of the archive.
    pub(super) fn writing(&self) -> &str {
        &self.writing
    }

    fn recover(&mut self) -> Result<(), ArchiveError> {
        let places = &self.places;
        let (ledger, length) = Ledger::recover(&places.ledger)?;
        let side = Side::recover(&places.side, length)?;
        let tar = TarWriter::resume(&places.partial, LEVEL, 0, length)?;
        self.writing.clone_from(&side.writing);
        let (mut numbers, mut states) = (BTreeMap::new(), BTreeMap::new());
        let mut removed = HashSet::new();
        drop(fs::remove_dir_all(places.work.join("written")));
        side.each(|line| {
            let name = line.member.name;
            if let Some(layout::Name::Chunk { scope, kind, revisions: true, .. }) =
                layout::parse(&name)
            {
                let keys = line.revised.iter().map(|it| (key(&scope, kind, &it.0), it.1));
                keys.for_each(|(key, gone)| note_removed(&mut removed, key, gone));
            }
            if let Some(hex) = name.strip_prefix("blobs/sha256/") {
                mark(places, hex)?;
            }
            if let Some((directory, file)) = name.rsplit_once('/') {
                let number = file.split('.').next().and_then(|it| it.parse().ok()).unwrap_or(0);
                let highest = numbers.entry(directory.to_owned()).or_insert(0);
                *highest = number.max(*highest);
                if let (true, Some((digest, _))) = (file.ends_with(".json"), line.revised.first()) {
                    states.insert(directory.to_owned(), digest.clone());
                }
            }
            Ok(())
        })?;
        let (pending, keys) = (Vec::new(), Vec::new());
        self.open = Some(Open { tar, ledger, side, numbers, states, pending, keys, removed });
        // A writing that was killed before its first flush has nothing in it, not even its head.
        if length == 0 { self.head() } else { Ok(()) }
    }

    /// Makes the files, if this is the first write.
    pub(super) fn begin(&mut self) -> Result<(), ArchiveError> {
        if self.is_done {
            let member = self.places.archive.display().to_string();
            let detail = "the archive is complete: it is written once".to_owned();
            return Err(ArchiveError::Inconsistent { member, detail });
        }
        if self.open.is_some() {
            return Ok(());
        }
        let fail = || ArchiveError::system("begin the archive");
        let places = &self.places;
        if places.work.exists() {
            fs::remove_dir_all(&places.work).map_err(fail())?;
        }
        private_directory(&places.work).map_err(fail())?;
        let side = Side::create(&places.side, self.writing.clone())?;
        let ledger = Ledger::create(&places.ledger)?;
        let tar = TarWriter::create(&places.partial, LEVEL, 0)?;
        let (numbers, states) = (BTreeMap::new(), BTreeMap::new());
        let (pending, keys) = (Vec::new(), Vec::new());
        let removed = HashSet::new();
        self.open = Some(Open { tar, ledger, side, numbers, states, pending, keys, removed });
        self.head()
    }

    fn head(&mut self) -> Result<(), ArchiveError> {
        let head = Head {
            format: FORMAT.into(),
            version: VERSION.into(),
            web_url: None,
            writer: concat!("packhorse ", env!("CARGO_PKG_VERSION")).into(),
        };
        let open = self.opened()?;
        open.small(layout::HEAD, json(&head)?.as_bytes(), None)?;
        open.flush()
    }

    fn opened(&mut self) -> Result<&mut Open, ArchiveError> {
        self.open.as_mut().ok_or_else(|| ArchiveError::Inconsistent {
            member: layout::HEAD.into(),
            detail: "the archive is not open".into(),
        })
    }

    /// Whether a record is in a chunk.
    pub(super) fn holds(&mut self, scope: &Scope, origin: &Origin) -> Result<bool, ArchiveError> {
        let key = key(scope, origin.kind, &origin.id);
        match &mut self.open {
            Some(open) if open.removed.contains(&key) => Ok(false),
            Some(open) => open.ledger.contains(key),
            None => Ok(false),
        }
    }

    /// Writes what a scope has gathered, and makes it durable.
    pub(super) fn chunks(
        &mut self,
        scope: &Scope,
        chunks: Vec<(ObjectKind, Chunk)>,
    ) -> Result<(), ArchiveError> {
        self.begin()?;
        let open = self.opened()?;
        for (kind, chunk) in chunks {
            open.lines(scope, kind, &chunk.plain, false)?;
            open.lines(scope, kind, &chunk.revised, true)?;
        }
        open.flush()
    }

    /// Writes a blob, unless it is there.
    pub(super) fn blob(&mut self, sha256: &str, size: u64, data: File) -> Result<(), ArchiveError> {
        self.begin()?;
        let marker = self.places.work.join("written").join(sha256);
        if marker.exists() {
            return Ok(());
        }
        let open = self.opened()?;
        open.large(&layout::blob(sha256), size, data)?;
        open.flush()?;
        mark(&self.places, sha256)
    }

    /// Writes the state of a repository, unless the newest one says the same.
    pub(super) fn repository(
        &mut self,
        project: &str,
        repo: RepoKind,
        bundled: Bundled,
    ) -> Result<(), ArchiveError> {
        self.begin()?;
        let open = self.opened()?;
        let directory =
            layout::repository(project, repo).ok_or_else(|| ArchiveError::Inconsistent {
                member: project.to_owned(),
                detail: "it is no path of a project".into(),
            })?;
        let digest = format!("{:?} {}", bundled.state.head, bundled.state.refs_digest);
        if open.states.get(&directory) == Some(&digest) {
            return Ok(());
        }
        let number = open.next(&directory);
        if let Some(file) = &bundled.file {
            let fail = || ArchiveError::system("read a bundle");
            // Git puts a new file in the place of this one, so the handle is of no use.
            let data = File::open(file.path()).map_err(fail())?;
            let size = data.metadata().map_err(fail())?.len();
            open.large(&format!("{directory}/{number:06}.bundle"), size, data)?;
        }
        let state: &RepositoryState = &bundled.state;
        open.small(&format!("{directory}/{number:06}.json"), json(state)?.as_bytes(), None)?;
        if let Some(line) = open.pending.last_mut() {
            line.revised.push((digest.clone(), false));
        }
        open.states.insert(directory, digest);
        open.flush()
    }
}

/// JSON of a value of ours, in canonical form: fields stand in the order of their names.
pub(super) fn json(value: &impl serde::Serialize) -> Result<String, ArchiveError> {
    serde_json::to_string(value)
        .map_err(|error| ArchiveError::malformed("a document", 0, error.to_string()))
}

fn private_directory(path: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    // SECURITY: it holds private texts and histories; only their owner reads them.
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn key(scope: &Scope, kind: ObjectKind, id: &str) -> u64 {
    key_hash(scope.key(), kind.name(), id)
}

fn note_removed(removed: &mut HashSet<u64>, key: u64, is_gone: bool) {
    if is_gone {
        removed.insert(key);
    } else {
        removed.remove(&key);
    }
}

/// Notes that a blob is safe.
fn mark(places: &Places, sha256: &str) -> Result<(), ArchiveError> {
    let fail = || ArchiveError::system("note a file");
    let directory = places.work.join("written");
    fs::create_dir_all(&directory).map_err(fail())?;
    File::create(directory.join(sha256)).map(drop).map_err(fail())
}

impl Open {
    fn next(&mut self, directory: &str) -> u32 {
        let number = self.numbers.entry(directory.to_owned()).or_insert(0);
        *number += 1;
        *number
    }

    fn lines(
        &mut self,
        scope: &Scope,
        kind: ObjectKind,
        lines: &[Line],
        revisions: bool,
    ) -> Result<(), ArchiveError> {
        let mut rest = lines;
        while !rest.is_empty() {
            let mut size = 0;
            let n = rest.iter().take_while(|it| {
                let fits = size < MAX_CHUNK;
                size += it.text.len();
                fits
            });
            let (now, later) = rest.split_at(n.count().max(1));
            self.chunk(scope, kind, now, revisions)?;
            rest = later;
        }
        Ok(())
    }

    fn chunk(
        &mut self,
        scope: &Scope,
        kind: ObjectKind,
        lines: &[Line],
        revisions: bool,
    ) -> Result<(), ArchiveError> {
        let directory = layout::lane(scope, kind).ok_or_else(|| ArchiveError::Inconsistent {
            member: scope.to_string(),
            detail: "it is no path of a project".into(),
        })?;
        let number = self.next(&directory);
        let suffix = if revisions { ".revisions" } else { "" };
        let mut text = Vec::with_capacity(lines.iter().map(|it| it.text.len()).sum());
        lines.iter().for_each(|it| text.extend_from_slice(&it.text));
        let name = format!("{directory}/{number:06}{suffix}.ndjson");
        self.small(&name, &text, Some(lines.len() as u64))?;
        if let (true, Some(line)) = (revisions, self.pending.last_mut()) {
            line.revised = lines.iter().map(|it| (it.id.clone(), it.removed)).collect();
        }
        for line in lines.iter().filter(|_| revisions) {
            note_removed(&mut self.removed, key(scope, kind, &line.id), line.removed);
        }
        self.keys.extend(lines.iter().map(|it| key_hash(scope.key(), kind.name(), &it.id)));
        Ok(())
    }

    fn small(&mut self, name: &str, data: &[u8], records: Option<u64>) -> Result<(), ArchiveError> {
        self.tar.small(name, data)?;
        let sha256 = Sha256::digest(data).iter().map(|it| format!("{it:02x}")).collect();
        self.note(MemberLine { name: name.to_owned(), records, sha256, size: data.len() as u64 });
        Ok(())
    }

    fn large(&mut self, name: &str, size: u64, data: File) -> Result<(), ArchiveError> {
        let mut hashing = Hashing { data, hash: Sha256::new() };
        self.tar.incompressible(name, size, &mut hashing)?;
        let sha256 = hashing.hash.finalize().iter().map(|it| format!("{it:02x}")).collect();
        self.note(MemberLine { name: name.to_owned(), records: None, sha256, size });
        Ok(())
    }

    fn note(&mut self, member: MemberLine) {
        self.pending.push(SideLine { at: 0, member, revised: Vec::new() });
    }

    /// Ends a frame, and notes beside the archive what is in it: first the bytes, then the notes.
    fn flush(&mut self) -> Result<(), ArchiveError> {
        let at = self.tar.checkpoint()?;
        self.tar.sync()?;
        for mut line in self.pending.drain(..) {
            line.at = at;
            self.side.append(&line)?;
        }
        self.side.sync()?;
        self.ledger.append(at, &self.keys)?;
        self.ledger.sync()?;
        self.keys.clear();
        Ok(())
    }
}

/// Hashes what is read through it.
struct Hashing {
    data: File,
    hash: Sha256,
}

impl Read for Hashing {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let read = self.data.read(out)?;
        self.hash.update(&out[..read]);
        Ok(read)
    }
}
