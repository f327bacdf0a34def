//! Repositories: refs in one tar, objects in another, as the server has them on its disk.

use super::{
    export::repository_of,
    queue::{Head, Queue},
};
use crate::{
    bitbucket_archive::{
        entry::Entry,
        map::{NO_COMMIT, millis},
    },
    container::{ArchiveError, Compression, TarWriter},
    spool::{ScopeRow, Spool, SpoolError},
};
use flate2::{Compression as Level, write::ZlibEncoder};
use packhorse_core::{GitRemote, Object, ObjectKind, model::ChangeRequestState};
use packhorse_git::{Git, objects::Objects, refs, repository};
use std::{
    fs::File,
    io::{Seek, Write},
    path::Path,
};
use tempfile::NamedTempFile;

/// What the server says of its repositories: settings of its own, from two files beside it.
const CONFIG: &str = "[include]\n\tpath = ../../../config/git/system-config\n\
    \tpath = repository-config\n[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\
    \tbare = true\n";
/// Who writes the server's reflogs.
const MESH: &str = "Bitbucket Mesh <bitbucket.mesh@atlassian.com>";
/// Refs that the server makes of change requests.
const REQUESTS: &str = "refs/pull-requests/";
/// Heads of change requests whose commits are looked for together.
const HEADS: usize = 1_000;
/// Objects up to that size are packed in memory.
const SMALL: u64 = 1 << 20;
/// Permission bits of an object's file.
const READ_ONLY: u32 = 0o400;

/// A tar on its way into another, which tells its size first.
struct Inner {
    file: NamedTempFile,
    tar: TarWriter,
}

impl Inner {
    fn begin(spool: &Spool, compression: Compression) -> Result<Self, SpoolError> {
        let file = NamedTempFile::new_in(spool.path())?;
        let tar = TarWriter::create(file.path(), compression, 0)?;
        Ok(Self { file, tar })
    }

    fn end(self, entry: Entry<'_>, to: &mut TarWriter) -> Result<(), SpoolError> {
        self.tar.finish()?;
        let file = File::open(self.file.path())?;
        Ok(to.incompressible(&entry.name(), file.metadata()?.len(), file)?)
    }
}

/// Level of gzip that the server's are packed at.
pub(super) const PACKED: Compression = Compression::Gzip(6);

/// Writes a small packed tar.
pub(super) fn small(
    spool: &Spool,
    (entry, files): (Entry<'_>, &[(&str, &[u8])]),
    to: &mut TarWriter,
) -> Result<(), SpoolError> {
    let mut inner = Inner::begin(spool, PACKED)?;
    files.iter().try_for_each(|(name, data)| inner.tar.small(name, data))?;
    inner.end(entry, to)
}

/// Writes the repository of a project: refs, no hooks, objects.
pub(super) fn write(
    spool: &Spool,
    scope: &ScopeRow,
    (row, branch): (&str, Option<&str>),
    queue: &Queue<'_>,
    to: &mut TarWriter,
) -> Result<(), SpoolError> {
    let path = repository_of(spool, scope);
    if let Some(path) = &path {
        heads(spool, scope, path, queue)?;
    }
    let mut inner = Inner::begin(spool, PACKED)?;
    skeleton(path.as_deref(), branch, queue, &mut inner.tar)?;
    inner.end(Entry::Skeleton(row), to)?;
    small(spool, (Entry::Hooks(row), &[]), to)?;
    let mut inner = Inner::begin(spool, Compression::None)?;
    inner.tar = inner.tar.with_mode(READ_ONLY);
    if let Some(path) = &path {
        tokio::runtime::Handle::current().block_on(objects(spool, path, &mut inner.tar))?;
    }
    inner.end(Entry::Objects(row), to)
}

/// Notes the heads of change requests whose commits are in the repository.
fn heads(
    spool: &Spool,
    scope: &ScopeRow,
    path: &Path,
    queue: &Queue<'_>,
) -> Result<(), SpoolError> {
    let mut some: Vec<Head> = Vec::new();
    spool.each(scope, ObjectKind::ChangeRequest, |it| {
        let Object::ChangeRequest(it) = it.object else { return Ok(()) };
        let is_id = |it: &String| {
            matches!(it.len(), 40 | 64) && it.bytes().all(|it| it.is_ascii_hexdigit())
        };
        if let Some(id) = it.head.commit.filter(is_id) {
            let is_open = it.state == ChangeRequestState::Open;
            some.push(Head { number: it.number, id, at: millis(it.created_at), is_open });
        }
        if some.len() == HEADS { note(path, &mut some, queue) } else { Ok(()) }
    })?;
    note(path, &mut some, queue)
}

fn note(path: &Path, some: &mut Vec<Head>, queue: &Queue<'_>) -> Result<(), SpoolError> {
    let ids: Vec<String> = some.iter().map(|it| it.id.clone()).collect();
    let absent = tokio::runtime::Handle::current()
        .block_on(async { repository::missing(&Git::find().await?, path, &ids).await })?;
    let there = some.drain(..).filter(|it| !absent.contains(&it.id));
    there.into_iter().try_for_each(|it| queue.head(&it))
}

/// The number of the change request whose head a ref keeps.
fn request(name: &str) -> Option<u64> {
    name.strip_prefix(REQUESTS)?.strip_suffix("/from")?.parse().ok()
}

/// Writes refs, settings, `HEAD`, and what the server keeps of change requests.
fn skeleton(
    path: Option<&Path>,
    branch: Option<&str>,
    queue: &Queue<'_>,
    tar: &mut TarWriter,
) -> Result<(), SpoolError> {
    let mut head = branch.map(|it| format!("refs/heads/{it}"));
    if let Some(path) = path {
        let found = tokio::runtime::Handle::current()
            .block_on(async { refs::list(&Git::find().await?, &GitRemote::local(path)).await })?;
        for (name, id) in &found.refs {
            match request(name) {
                Some(number) => queue.head_is(number, id)?,
                None => tar.small(name, format!("{id}\n").as_bytes())?,
            }
        }
        head = head.or_else(|| repository::head(path));
    }
    queue.each_head(|it| {
        if !it.is_open {
            return Ok(());
        }
        let name = format!("{REQUESTS}{}/from", it.number);
        Ok(tar.small(&name, format!("{}\n", it.id).as_bytes())?)
    })?;
    tar.small("config", CONFIG.as_bytes())?;
    let head = head.unwrap_or_else(|| "refs/heads/main".to_owned());
    tar.small("HEAD", format!("ref: {head}\n").as_bytes())?;
    queue.each_head(|it| {
        let name = format!("stash-refs/pull-requests/{}/from", it.number);
        Ok(tar.small(&name, format!("{}\n", it.id).as_bytes())?)
    })?;
    queue.each_head(|it| {
        let name = format!("logs/stash-refs/pull-requests/{}/from", it.number);
        let line = format!("{NO_COMMIT} {} {MESH} {} +0000\n", it.id, it.at.div_euclid(1_000));
        Ok(tar.small(&name, line.as_bytes())?)
    })
}

/// Writes all objects, each in a file of its own, as Git keeps those that are in no pack.
async fn objects(spool: &Spool, path: &Path, tar: &mut TarWriter) -> Result<(), SpoolError> {
    let git = Git::find().await?;
    let mut objects = Objects::of(&git, path)?;
    let mut piece = vec![0; 64 << 10];
    while let Some(it) = objects.next().await? {
        let name = format!("{}/{}", &it.id[..2], &it.id[2..]);
        let header = format!("{} {}\0", it.kind, it.size);
        if it.size <= SMALL {
            let mut packer = ZlibEncoder::new(Vec::new(), Level::fast());
            packer.write_all(header.as_bytes()).map_err(fails())?;
            loop {
                let n = objects.read(&mut piece).await?;
                if n == 0 {
                    break;
                }
                packer.write_all(&piece[..n]).map_err(fails())?;
            }
            tar.small(&name, &packer.finish().map_err(fails())?)?;
            continue;
        }
        let file = tempfile::tempfile_in(spool.path())?;
        let mut packer = ZlibEncoder::new(file, Level::fast());
        packer.write_all(header.as_bytes()).map_err(fails())?;
        loop {
            let n = objects.read(&mut piece).await?;
            if n == 0 {
                break;
            }
            packer.write_all(&piece[..n]).map_err(fails())?;
        }
        let mut file = packer.finish().map_err(fails())?;
        let size = file.stream_position()?;
        file.rewind()?;
        tar.member(&name, size, file)?;
    }
    Ok(objects.end().await?)
}

fn fails() -> impl FnOnce(std::io::Error) -> ArchiveError {
    ArchiveError::system("pack an object")
}
