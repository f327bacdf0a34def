//! The pen: what is on paper already, and what comes next.

use super::{
    super::{
        FORMAT, VERSION,
        hashing::Hashing,
        lanes::Lanes,
        layout,
        manifest::{EndLine, Head, Line as ManifestLine, MemberLine, RepositoryState},
    },
    Places,
    buffer::{Chunk, Line},
    finish::Bundled,
};
use crate::container::{ArchiveError, Compression, KeySet, TarWriter};
use data_encoding::HEXLOWER;
use packhorse_core::{ObjectKind, RepoKind, Scope, Web};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufWriter, Write},
};

/// Level of compression: what `zstd` takes by itself.
pub(super) const LEVEL: Compression = Compression::Zstd(3);
/// Most bytes of a chunk that is begun; a line of 16 MiB more still fits (section 10).
const MAX_CHUNK: usize = 32 << 20;

/// An archive that is being written, is about to be, or has been.
pub(super) struct Pen {
    pub(super) places: Places,
    pub(super) writing: String,
    /// What the first member says of where texts lead.
    pub(super) addresses: Vec<Web>,
    pub(super) open: Option<Open>,
    /// The archive has its name: nothing is written any more.
    pub(super) is_done: bool,
}

/// The file of an archive that is being written, and what is in it.
pub(super) struct Open {
    pub(super) tar: TarWriter,
    pub(super) contents: Contents,
}

/// What an archive holds; all of it is found in the archive's own bytes after a crash.
pub(super) struct Contents {
    /// The lines of all members, as the manifest will have them.
    pub(super) manifest: BufWriter<File>,
    pub(super) manifest_bytes: u64,
    pub(super) sums: EndLine,
    pub(super) lanes: Lanes,
    /// Highest number in each directory.
    pub(super) numbers: BTreeMap<String, u32>,
    /// The newest state of each repository, by its directory.
    pub(super) states: BTreeMap<String, RepositoryState>,
    blobs: KeySet,
}

impl Pen {
    /// The pen of a new archive, or of one that is there.
    pub(super) fn new(places: Places) -> Self {
        let is_done = places.archive.exists();
        let writing = uuid::Uuid::now_v7().to_string();
        Self { places, writing, addresses: Vec::new(), open: None, is_done }
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
        let tar = TarWriter::create(&places.partial, LEVEL, 0)?;
        self.open = Some(Open { tar, contents: Contents::new(places)? });
        self.head()?;
        // What goes on later is known by this name, so it comes when there is something to go on with.
        let fail = || ArchiveError::system("begin the archive");
        let mut name = File::create(self.places.writing()).map_err(fail())?;
        name.write_all(self.writing.as_bytes()).and_then(|()| name.sync_all()).map_err(fail())
    }

    pub(super) fn head(&mut self) -> Result<(), ArchiveError> {
        let head = Head {
            format: FORMAT.into(),
            version: VERSION.into(),
            addresses: self.addresses.clone(),
            writer: concat!("packhorse ", env!("CARGO_PKG_VERSION")).into(),
        };
        let open = self.opened()?;
        open.small(layout::HEAD, json(&head)?.as_bytes())?;
        open.flush()
    }

    fn opened(&mut self) -> Result<&mut Open, ArchiveError> {
        self.open.as_mut().ok_or_else(|| ArchiveError::Inconsistent {
            member: layout::HEAD.into(),
            detail: "the archive is not open".into(),
        })
    }

    /// Writes what a scope has gathered, and makes it durable.
    pub(super) fn chunks(
        &mut self,
        scope: &Scope,
        chunks: &[(ObjectKind, Chunk)],
    ) -> Result<(), ArchiveError> {
        self.begin()?;
        let open = self.opened()?;
        for (kind, chunk) in chunks {
            open.lines(scope, *kind, &chunk.plain, false)?;
            open.lines(scope, *kind, &chunk.revised, true)?;
        }
        open.flush()
    }

    /// Writes a blob, unless it is there; it is durable with what is flushed next.
    pub(super) fn blob(&mut self, sha256: &str, size: u64, data: File) -> Result<(), ArchiveError> {
        self.begin()?;
        let open = self.opened()?;
        let name = layout::blob(sha256);
        if open.contents.blobs.contains(&name)? {
            return Ok(());
        }
        open.large(&name, size, data)
    }

    /// Writes the state of a repository, unless the newest one says the same.
    pub(super) fn repository(
        &mut self,
        project: &str,
        repo: RepoKind,
        bundled: &Bundled,
    ) -> Result<(), ArchiveError> {
        self.begin()?;
        let open = self.opened()?;
        let directory =
            layout::repository(project, repo).ok_or_else(|| ArchiveError::Inconsistent {
                member: project.to_owned(),
                detail: "it is no path of a project".into(),
            })?;
        let state = &bundled.state;
        if open.contents.states.get(&directory) == Some(state) {
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
        open.small(&format!("{directory}/{number:06}.json"), json(state)?.as_bytes())?;
        open.contents.states.insert(directory, state.clone());
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

impl Contents {
    /// Of an archive with nothing in it.
    pub(super) fn new(places: &Places) -> Result<Self, ArchiveError> {
        let manifest = tempfile::tempfile_in(&places.work)
            .map_err(ArchiveError::system("begin the manifest"))?;
        Ok(Self {
            manifest: BufWriter::new(manifest),
            manifest_bytes: 0,
            sums: EndLine { version: VERSION.into(), ..EndLine::default() },
            lanes: Lanes::default(),
            numbers: BTreeMap::new(),
            states: BTreeMap::new(),
            blobs: KeySet::new(&places.work),
        })
    }

    /// Notes a member.
    pub(super) fn note(&mut self, member: MemberLine) -> Result<(), ArchiveError> {
        self.sums.members += 1;
        self.sums.bytes += member.size;
        if member.name.starts_with(layout::BLOBS) {
            self.blobs.insert(&member.name)?;
        }
        self.put(&ManifestLine::Member(member))
    }

    /// Adds a line to the manifest.
    pub(super) fn put(&mut self, line: &ManifestLine) -> Result<(), ArchiveError> {
        let text = json(line)? + "\n";
        self.manifest_bytes += text.len() as u64;
        self.manifest.write_all(text.as_bytes()).map_err(ArchiveError::system("write the manifest"))
    }
}

impl Open {
    fn next(&mut self, directory: &str) -> u32 {
        let number = self.contents.numbers.entry(directory.to_owned()).or_insert(0);
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
        let lanes = &mut self.contents.lanes;
        if revisions {
            for line in lines {
                lanes.revise(scope, kind, &line.id, line.removed)?;
            }
        } else {
            lanes.add(scope, kind, lines.len() as u64);
        }
        let number = self.next(&directory);
        let suffix = if revisions { ".revisions" } else { "" };
        let name = format!("{directory}/{number:06}{suffix}.ndjson");
        self.parts(&name, lines.iter().map(|it| &it.text[..]), Some(lines.len() as u64))
    }

    fn small(&mut self, name: &str, data: &[u8]) -> Result<(), ArchiveError> {
        self.parts(name, std::iter::once(data), None)
    }

    fn parts<'a>(
        &mut self,
        name: &str,
        parts: impl Iterator<Item = &'a [u8]> + Clone,
        records: Option<u64>,
    ) -> Result<(), ArchiveError> {
        self.tar.parts(name, parts.clone())?;
        let (mut hash, mut size) = (Sha256::new(), 0);
        for part in parts {
            hash.update(part);
            size += part.len() as u64;
        }
        self.contents.note(MemberLine {
            name: name.to_owned(),
            records,
            sha256: HEXLOWER.encode(&hash.finalize()),
            size,
        })
    }

    fn large(&mut self, name: &str, size: u64, data: File) -> Result<(), ArchiveError> {
        let mut data = Hashing::new(data);
        self.tar.incompressible(name, size, &mut data)?;
        let sha256 = data.end();
        self.contents.note(MemberLine { name: name.to_owned(), records: None, sha256, size })
    }

    /// Ends a frame and brings it to the disk.
    fn flush(&mut self) -> Result<(), ArchiveError> {
        self.tar.checkpoint()?;
        self.tar.sync()
    }
}
