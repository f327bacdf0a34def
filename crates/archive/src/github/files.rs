//! Where blobs and repositories lie in the archive.

use super::wire::Unknown;
use crate::container::{ArchiveError, Member, is_repository_file};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::{BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    path::Path,
    sync::Mutex,
};

/// Where repositories are.
const REPOSITORIES: &str = "repositories/";

/// First sixteen bytes of the SHA-256 of a name: a name may be long, and there may be millions.
pub(super) type NameHash = [u8; 16];

/// Hash of a member's name.
pub(super) fn hash(name: &str) -> NameHash {
    let digest: [u8; 32] = Sha256::digest(name).into();
    let mut hash = [0; 16];
    hash.copy_from_slice(&digest[..16]);
    hash
}

/// A blob in the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlobPlace {
    pub(super) offset: u64,
    pub(super) size: u64,
    sha256: [u8; 32],
}

impl BlobPlace {
    /// SHA-256 of the bytes in lower-case hexadecimal.
    pub(super) fn sha256(&self) -> String {
        HEXLOWER.encode(&self.sha256)
    }

    /// The same as a member of the archive.
    pub(super) fn member(&self) -> Member {
        Member { name: String::new(), offset: self.offset, size: self.size, is_executable: false }
    }
}

/// A repository in the archive.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RepositoryPlace {
    /// Bytes of its data.
    pub(super) bytes: u64,
    /// Whether its configuration says that objects are named by SHA-256.
    pub(super) is_sha256: bool,
    first: u64,
    end: u64,
}

/// Blobs and repositories of an archive.
#[derive(Debug)]
pub(super) struct Files {
    blobs: HashMap<NameHash, BlobPlace>,
    repositories: BTreeMap<String, RepositoryPlace>,
    list: Mutex<File>,
}

impl Files {
    /// The blob of that name.
    pub(super) fn blob(&self, name: &str) -> Option<BlobPlace> {
        self.blobs.get(&hash(name)).copied()
    }

    /// The blob whose name has that hash.
    pub(super) fn place(&self, name: &NameHash) -> Option<BlobPlace> {
        self.blobs.get(name).copied()
    }

    /// Whether there is a blob whose name has that hash.
    pub(super) fn has_blob(&self, name: &NameHash) -> bool {
        self.blobs.contains_key(name)
    }

    /// The repository in that directory.
    pub(super) fn repository(&self, directory: &str) -> Option<RepositoryPlace> {
        self.repositories.get(directory).copied()
    }

    /// The members of a repository, in the archive's order.
    pub(super) fn members(&self, directory: &str) -> Result<Vec<Member>, ArchiveError> {
        let fail = || ArchiveError::system("read a scratch file");
        let Some(place) = self.repository(directory) else { return Ok(Vec::new()) };
        let prefix = format!("{directory}/");
        let mut list = self.list.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        list.seek(SeekFrom::Start(place.first)).map_err(fail())?;
        let mut lines = BufReader::new(&*list).take(place.end - place.first);
        let mut members = Vec::new();
        let mut line = String::new();
        while lines.read_line(&mut line).map_err(fail())? > 0 {
            members.extend(listed(line.trim_end_matches('\n'), &prefix));
            line.clear();
        }
        Ok(members)
    }
}

/// Reads `offset size name`; `None` for members of other repositories.
fn listed(line: &str, prefix: &str) -> Option<Member> {
    let (offset, rest) = line.split_once(' ')?;
    let (size, name) = rest.split_once(' ')?;
    name.starts_with(prefix).then_some(())?;
    Some(Member {
        name: name.to_owned(),
        offset: offset.parse().ok()?,
        size: size.parse().ok()?,
        is_executable: false,
    })
}

/// Blobs and repositories, as they are found.
pub(super) struct FilesBuilder {
    blobs: HashMap<NameHash, BlobPlace>,
    repositories: BTreeMap<String, RepositoryPlace>,
    list: BufWriter<File>,
    at: u64,
}

impl FilesBuilder {
    /// Begins.
    pub(super) fn begin(scratch: &Path) -> Result<Self, ArchiveError> {
        let fail = || ArchiveError::system("make a scratch file");
        std::fs::create_dir_all(scratch).map_err(fail())?;
        let list = tempfile::tempfile_in(scratch).map_err(fail())?;
        Ok(Self {
            blobs: HashMap::new(),
            repositories: BTreeMap::new(),
            list: BufWriter::new(list),
            at: 0,
        })
    }

    /// Notes a member that is no record file.
    pub(super) fn member(
        &mut self,
        member: &Member,
        data: &mut dyn Read,
        unknown: &mut Unknown,
    ) -> Result<(), ArchiveError> {
        if let Some((directory, relative)) = in_repository(&member.name) {
            return self.repository_file(directory, relative, member, data);
        }
        let first = member.name.split('/').next().unwrap_or_default();
        if !matches!(first, "attachments" | "releases") {
            unknown.note(format!("{} (file)", first.chars().take(64).collect::<String>()), 1);
        }
        let mut sum = Sha256::new();
        let mut piece = vec![0; 64 << 10];
        loop {
            let n = data.read(&mut piece).map_err(ArchiveError::system("read the archive"))?;
            if n == 0 {
                break;
            }
            sum.update(&piece[..n]);
        }
        let place =
            BlobPlace { offset: member.offset, size: member.size, sha256: sum.finalize().into() };
        self.blobs.insert(hash(&member.name), place);
        Ok(())
    }

    fn repository_file(
        &mut self,
        directory: &str,
        relative: &str,
        member: &Member,
        data: &mut dyn Read,
    ) -> Result<(), ArchiveError> {
        if relative == "config" {
            let is_sha256 = names_sha256(data)?;
            self.repositories.entry(directory.to_owned()).or_default().is_sha256 = is_sha256;
        }
        if !is_repository_file(relative) || member.name.contains('\n') {
            return Ok(());
        }
        let line = format!("{} {} {}\n", member.offset, member.size, member.name);
        let place = self.repositories.entry(directory.to_owned()).or_default();
        if place.end == 0 {
            place.first = self.at;
        }
        place.bytes += member.size;
        self.at += line.len() as u64;
        place.end = self.at;
        self.list.write_all(line.as_bytes()).map_err(ArchiveError::system("write a scratch file"))
    }

    /// Ends.
    pub(super) fn end(self) -> Result<Files, ArchiveError> {
        let fail = || ArchiveError::system("write a scratch file");
        let list = self.list.into_inner().map_err(|it| fail()(it.into_error()))?;
        Ok(Files { blobs: self.blobs, repositories: self.repositories, list: Mutex::new(list) })
    }
}

/// Splits a member's name into the directory of its repository and the rest.
fn in_repository(name: &str) -> Option<(&str, &str)> {
    if !name.starts_with(REPOSITORIES) {
        return None;
    }
    let at = name.find(".git/")? + ".git".len();
    Some((&name[..at], &name[at + 1..]))
}

/// Whether a configuration says `objectformat = sha256`; nothing else is taken from it.
fn names_sha256(data: &mut dyn Read) -> Result<bool, ArchiveError> {
    let mut text = Vec::new();
    data.take(64 << 10).read_to_end(&mut text).map_err(ArchiveError::system("read the archive"))?;
    let text = String::from_utf8_lossy(&text).to_ascii_lowercase();
    Ok(text.lines().filter_map(|it| it.split_once('=')).any(|(key, value)| {
        key.trim() == "objectformat" && value.trim().trim_matches('"') == "sha256"
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_which_repository_it_is_in() {
        let found = in_repository("repositories/acme/app.wiki.git/refs/heads/a");

        assert_eq!(found, Some(("repositories/acme/app.wiki.git", "refs/heads/a")));
        assert_eq!(in_repository("attachments/a.git/x"), None);
    }
}
