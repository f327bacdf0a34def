//! Repositories: refs in one tar, objects in another.
//!
//! SECURITY: of both, refs and objects alone are taken, by the exact form of their names, into files
//! that are not there yet. Hooks and configuration never touch the disk.

use crate::{
    container::{Archive, ArchiveError, Limits, Member, gunzip, is_repository_file, scan_within},
    spool::SpoolError,
};
use packhorse_core::model::ObjectFormat;
use packhorse_git::repository;
use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::Arc,
};

/// Bytes that any repository may unpack to, however small the archive is.
const ALWAYS_UNPACKED: u64 = 256 << 20;
/// Longest file that holds a ref.
const MAX_REF_BYTES: u64 = 4_096;
/// Where the heads of all change requests are, outside of `refs/`.
const STASHED: &str = "stash-refs/";

/// Where a repository is in the archive.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// Refs and `HEAD`.
    pub(super) skeleton: Option<Member>,
    /// Objects.
    pub(super) objects: Option<Member>,
    /// Repositories that are forks of each other have one of these in common.
    pub(super) hierarchy: String,
}

/// The repositories of an archive, by path of their projects.
pub(in crate::bitbucket_archive) struct Repositories {
    archive: Arc<Archive>,
    parts: BTreeMap<String, Parts>,
    hierarchies: HashMap<String, Vec<String>>,
}

/// What a tar of refs tells at a glance.
#[derive(Debug, Default)]
pub(super) struct Glance {
    /// The branch that `HEAD` stands for.
    pub(super) head: Option<String>,
}

/// Goes through a tar of refs.
pub(super) fn glance(data: &mut dyn Read, limits: Limits) -> Result<Glance, ArchiveError> {
    let mut found = Glance::default();
    scan_within(gunzip(data, &limits), limits, |member, data| {
        if member.name == "HEAD" {
            let text = text(member, data)?;
            let head = text.trim_end().strip_prefix("ref: refs/heads/");
            found.head = head.map(str::to_owned).filter(|it| !it.is_empty());
        }
        Ok(())
    })?;
    Ok(found)
}

/// The text of a file that holds a ref.
fn text(member: &Member, data: &mut dyn Read) -> Result<String, ArchiveError> {
    let mut text = String::new();
    let read = data.take(MAX_REF_BYTES + 1).read_to_string(&mut text);
    read.map_err(|error| {
        if error.kind() == io::ErrorKind::InvalidData {
            return ArchiveError::malformed(&member.name, 0, "it is no text");
        }
        ArchiveError::system("read the archive")(error)
    })?;
    if text.len() as u64 > MAX_REF_BYTES {
        return Err(ArchiveError::malformed(
            &member.name,
            MAX_REF_BYTES,
            "it is too long for a ref",
        ));
    }
    Ok(text)
}

/// The object id that a ref's file holds.
fn id(member: &Member, data: &mut dyn Read) -> Result<String, ArchiveError> {
    let text = text(member, data)?;
    let id = text.trim_end();
    let is_id =
        matches!(id.len(), 40 | 64) && id.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
    if is_id { Ok(id.to_owned()) } else { Err(refused(member, "it holds no object id")) }
}

fn refused(member: &Member, detail: &'static str) -> ArchiveError {
    ArchiveError::Refused { member: member.name.clone(), detail }
}

/// SECURITY: `create_new` follows no link and overwrites nothing.
fn create(path: &Path) -> io::Result<File> {
    if let Some(above) = path.parent() {
        fs::create_dir_all(above)?;
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn collides(error: &io::Error) -> bool {
    use io::ErrorKind::{AlreadyExists, IsADirectory, NotADirectory};
    matches!(error.kind(), AlreadyExists | IsADirectory | NotADirectory)
}

/// Name of the ref that keeps the head of a change request, where a stashed one does.
fn request_ref(stashed: &str) -> Option<&str> {
    let name = stashed.strip_prefix("pull-requests/")?;
    let (number, end) = name.split_once('/')?;
    let is_number = !number.is_empty() && number.bytes().all(|it| it.is_ascii_digit());
    (is_number && end == "from").then_some(stashed)
}

impl Repositories {
    pub(super) fn new(archive: Arc<Archive>, parts: BTreeMap<String, Parts>) -> Self {
        let mut hierarchies: HashMap<String, Vec<String>> = HashMap::new();
        for (path, it) in &parts {
            hierarchies.entry(it.hierarchy.clone()).or_default().push(path.clone());
        }
        Self { archive, parts, hierarchies }
    }

    /// How many there are.
    pub(in crate::bitbucket_archive) fn count(&self) -> u64 {
        let is_there = |it: &&Parts| it.skeleton.is_some() || it.objects.is_some();
        self.parts.values().filter(is_there).count() as u64
    }

    /// Bytes of a project's repository.
    pub(super) fn bytes(&self, project: &str) -> Option<u64> {
        let parts = self.parts.get(project)?;
        let sizes = [&parts.skeleton, &parts.objects].into_iter().flatten().map(|it| it.size);
        sizes.reduce(u64::saturating_add)
    }

    /// Makes a bare repository of a project's parts.
    pub(super) fn unpack(&self, project: &str, to: &Path) -> Result<(), SpoolError> {
        let Some(parts) = self.parts.get(project) else { return Ok(()) };
        repository::init_bare(to, ObjectFormat::Sha1)?;
        let archive = fs::metadata(self.archive.path())?.len();
        let limits = *self.archive.limits();
        let most = archive.saturating_mul(limits.max_unpacked_ratio).max(ALWAYS_UNPACKED);
        let mut unpacking = Unpacking { to, limits, left: most, most, head: None };
        if let Some(member) = &parts.skeleton {
            unpacking.refs(self.archive.member(member, 0)?)?;
            unpacking.stashed(self.archive.member(member, 0)?)?;
        }
        // Forks may have objects in common that one of them alone holds.
        let own = [project.to_owned()];
        let all = self.hierarchies.get(&parts.hierarchy).map_or(&own[..], Vec::as_slice);
        for path in all {
            if let Some(member) = self.parts.get(path).and_then(|it| it.objects.as_ref()) {
                unpacking.objects(self.archive.member(member, 0)?)?;
            }
        }
        if let Some(head) = unpacking.head {
            repository::set_head(to, &format!("refs/heads/{head}"))?;
        }
        Ok(())
    }
}

/// One repository on its way to the disk.
struct Unpacking<'a> {
    to: &'a Path,
    limits: Limits,
    left: u64,
    most: u64,
    head: Option<String>,
}

impl Unpacking<'_> {
    /// SECURITY: a small file must not fill the disk.
    fn spend(&mut self, bytes: u64) -> Result<(), ArchiveError> {
        let what = || "the unpacked size of a repository".to_owned();
        let over = || ArchiveError::OverLimit { what: what(), limit: self.most };
        self.left = self.left.checked_sub(bytes).ok_or_else(over)?;
        Ok(())
    }

    fn refs(&mut self, data: impl Read) -> Result<(), ArchiveError> {
        let limits = self.limits;
        scan_within(gunzip(data, &limits), limits, |member, data| {
            let name = member.name.as_str();
            if name == "HEAD" {
                let head = text(member, data)?;
                let head = head.trim_end().strip_prefix("ref: refs/heads/");
                self.head = head.map(str::to_owned).filter(|it| !it.is_empty());
                return Ok(());
            }
            let is_packed = name == "packed-refs";
            if !is_packed && !name.starts_with("refs/") || !is_repository_file(name) {
                return Ok(());
            }
            // A file takes a block of the disk, however small it is.
            self.spend(member.size.max(4_096))?;
            let bytes = if is_packed {
                let mut file = create(&self.to.join(name)).map_err(|it| fails(member, it))?;
                return copy(data, &mut file);
            } else {
                id(member, data)?
            };
            let mut file = create(&self.to.join(name)).map_err(|it| fails(member, it))?;
            let written = writeln!(file, "{bytes}");
            written.map_err(ArchiveError::system("unpack a repository"))?;
            Ok(())
        })
    }

    /// Heads of change requests that have no ref get those that open ones have.
    fn stashed(&mut self, data: impl Read) -> Result<(), ArchiveError> {
        let limits = self.limits;
        scan_within(gunzip(data, &limits), limits, |member, data| {
            let Some(stashed) = member.name.strip_prefix(STASHED).and_then(request_ref) else {
                return Ok(());
            };
            let id = id(member, data)?;
            self.spend(4_096)?;
            match create(&self.to.join("refs").join(stashed)) {
                Ok(mut file) => {
                    writeln!(file, "{id}").map_err(ArchiveError::system("unpack a repository"))
                }
                Err(error) if collides(&error) => Ok(()),
                Err(error) => Err(fails(member, error)),
            }
        })
    }

    fn objects(&mut self, data: impl Read) -> Result<(), ArchiveError> {
        scan_within(data, self.limits, |member, data| {
            let name = format!("objects/{}", member.name);
            if !is_repository_file(&name) {
                return Ok(());
            }
            self.spend(member.size)?;
            match create(&self.to.join(&name)) {
                Ok(file) => copy(data, &mut BufWriter::new(file)),
                // A fork has the same one.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                Err(error) => Err(fails(member, error)),
            }
        })
    }
}

fn copy(data: &mut dyn Read, to: &mut impl Write) -> Result<(), ArchiveError> {
    let copied = io::copy(data, to).and_then(|_| to.flush());
    copied.map_err(ArchiveError::system("unpack a repository"))
}

/// Two names that are one here: a file below a file, or letters that differ in case alone.
fn fails(member: &Member, error: io::Error) -> ArchiveError {
    if collides(&error) {
        return refused(member, "there is another file of its name, or on its way");
    }
    ArchiveError::system("unpack a repository")(error)
}
