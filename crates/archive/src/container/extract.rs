//! Unpacks one repository, and nothing else, into a directory.

use super::{Archive, ArchiveError, Member};
use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// Whether a file of a bare repository is data: refs and objects, nothing that configures.
///
/// SECURITY: configuration and hooks start programs, alternates lead to other
/// repositories; neither ever touches the disk.
pub fn is_repository_file(relative: &str) -> bool {
    let is_object = relative.starts_with("objects/")
        && relative != "objects/info/alternates"
        && relative != "objects/info/http-alternates";
    relative == "HEAD" || relative == "packed-refs" || relative.starts_with("refs/") || is_object
}

/// What was unpacked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extracted {
    /// Files.
    pub files: u64,
    /// Bytes in them.
    pub bytes: u64,
}

/// Unpacks members under a prefix into a new directory; what is half done is removed on an error.
///
/// `members` come in the archive's order, so that it is read forward once.
///
/// # Errors
///
/// What is wrong with the archive, or what the system refuses.
pub fn extract(
    archive: &Archive,
    members: &[Member],
    prefix: &str,
    into: &Path,
) -> Result<Extracted, ArchiveError> {
    fs::create_dir_all(into).map_err(ArchiveError::system("make a directory"))?;
    let done = extract_all(archive, members, prefix, into);
    if done.is_err() {
        // The error that led here says more than one about tidying up.
        drop(fs::remove_dir_all(into));
    }
    done
}

fn extract_all(
    archive: &Archive,
    members: &[Member],
    prefix: &str,
    into: &Path,
) -> Result<Extracted, ArchiveError> {
    use io::{Read, Seek, SeekFrom};
    let mut stream = archive.stream()?;
    let mut sum = Extracted::default();
    for member in members {
        let relative = member.name.strip_prefix(prefix).map(|it| it.trim_start_matches('/'));
        let Some(relative) = relative.filter(|it| is_repository_file(it)) else { continue };
        let path = into.join(relative);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(ArchiveError::system("make a directory"))?;
        }
        stream
            .seek(SeekFrom::Start(member.offset))
            .map_err(ArchiveError::system("read the archive"))?;
        let mut file = create(&path)?;
        let copied = io::copy(&mut (&mut stream).take(member.size), &mut file);
        let copied = copied.map_err(ArchiveError::system("unpack a repository"))?;
        if copied != member.size {
            return Err(ArchiveError::Truncated { at: member.offset + copied });
        }
        sum.files += 1;
        sum.bytes += copied;
    }
    Ok(sum)
}

/// SECURITY: `create_new` follows no link and overwrites nothing.
fn create(path: &Path) -> Result<File, ArchiveError> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(ArchiveError::system("unpack a repository"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_refs_and_objects_are_unpacked() {
        for name in ["HEAD", "packed-refs", "refs/heads/a", "objects/pack/pack-1.idx"] {
            assert!(is_repository_file(name), "{name}");
        }
        for name in
            ["config", "hooks/update", "objects/info/alternates", "info/attributes", "commondir"]
        {
            assert!(!is_repository_file(name), "{name}");
        }
    }
}
