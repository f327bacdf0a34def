//! Bare repositories in the store's directory.

use super::{
    database,
    digest::Digest,
    error::StoreError,
    layout::{Layout, ProjectPath},
};
use packhorse_core::{ObjectKind, RepoKind, model::ObjectFormat};
use packhorse_git::repository::{init_bare, is_repository};
use sha2::{Digest as _, Sha256};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Both repositories that a project can have.
pub(super) const BOTH: [RepoKind; 2] = [RepoKind::Code, RepoKind::Wiki];
/// The kind of object that a repository is.
pub(super) const fn kind_of(repo: RepoKind) -> ObjectKind {
    match repo {
        RepoKind::Code => ObjectKind::Repository,
        RepoKind::Wiki => ObjectKind::Wiki,
    }
}

/// How deep directories of refs are followed; Git's own limit is the length of a path.
const MAX_DEPTH: usize = 128;

/// Where a project's repository is, if it has one.
pub(super) fn existing(
    layout: &Layout,
    project: &str,
    repo: RepoKind,
) -> Result<Option<PathBuf>, StoreError> {
    let path = layout.repository(&ProjectPath::parse(project)?, repo);
    Ok(is_repository(&path).then_some(path))
}

/// Where a project's repository is, made empty if it has none.
///
/// Whoever fills it may still change the hash that names its objects.
pub(super) fn make(layout: &Layout, project: &str, repo: RepoKind) -> Result<PathBuf, StoreError> {
    let path = layout.repository(&ProjectPath::parse(project)?, repo);
    if !is_repository(&path) {
        let _making = database::exclusive(layout)?;
        if !is_repository(&path) {
            init_bare(&path, ObjectFormat::default())?;
        }
    }
    Ok(path)
}

/// Removes a project's repository; one that is not there is no error.
pub(super) fn remove(layout: &Layout, project: &str, repo: RepoKind) -> Result<(), StoreError> {
    let path = layout.repository(&ProjectPath::parse(project)?, repo);
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Whether a repository has any ref.
pub(super) fn has_refs(repository: &Path) -> Result<bool, StoreError> {
    let mut any = false;
    each_ref_file(repository, &mut |name, content| {
        let packed = name == "packed-refs"
            && content.split(|&b| b == b'\n').any(|line| !line.is_empty() && line[0] != b'#');
        any |= packed || name.starts_with("refs/");
    })?;
    Ok(any)
}

/// Takes the state of all refs of a repository into a hash.
pub(super) fn hash_refs(repository: &Path, hash: &mut Sha256) -> Result<(), StoreError> {
    each_ref_file(repository, &mut |name, content| {
        hash.update(Sha256::digest(name.as_bytes()));
        hash.update(Sha256::digest(content));
    })
}

/// The digest that a hash comes to.
pub(super) fn digest(hash: Sha256) -> Digest {
    Digest::from(<[u8; 32]>::from(hash.finalize()))
}

fn each_ref_file(repository: &Path, visit: &mut dyn FnMut(&str, &[u8])) -> Result<(), StoreError> {
    for name in ["HEAD", "packed-refs"] {
        if let Some(content) = read_if_there(&repository.join(name))? {
            visit(name, &content);
        }
    }
    each_file(&repository.join("refs"), "refs", 0, &mut |path, name| {
        if let Some(content) = read_if_there(path)? {
            visit(name, &content);
        }
        Ok(())
    })
}

/// Reads a small file; a ref may go while somebody looks, and that is no error.
fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Visits the files below a directory in the order of their names.
fn each_file(
    directory: &Path,
    name: &str,
    depth: usize,
    visit: &mut dyn FnMut(&Path, &str) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    if depth > MAX_DEPTH {
        return Err(io::Error::other("the repository's directories are too deep").into());
    }
    let mut entries: Vec<_> = fs::read_dir(directory)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = format!("{name}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            each_file(&entry.path(), &name, depth + 1, visit)?;
        } else {
            visit(&entry.path(), &name)?;
        }
    }
    Ok(())
}
