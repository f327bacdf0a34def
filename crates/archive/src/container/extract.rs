//! Unpacks one repository, and nothing else, into a directory.

use super::{Archive, ArchiveError, Member};
use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// Bytes that any archive may unpack to, however small it is.
const ALWAYS_UNPACKED: u64 = 256 << 20;

/// Whether a file of a bare repository is data: refs and objects, nothing that configures.
///
/// What Git only derives from these, such as bitmaps and commit graphs, is left out.
///
/// SECURITY: configuration and hooks start programs, alternates lead to other
/// repositories; neither ever touches the disk. Objects are allowed by the exact
/// form of their names, so that no other spelling of a forbidden one passes where
/// file names have no case.
pub fn is_repository_file(relative: &str) -> bool {
    relative == "HEAD"
        || relative == "packed-refs"
        || relative.strip_prefix("refs/").is_some_and(|it| !it.is_empty())
        || relative.strip_prefix("objects/").is_some_and(is_object_file)
}

/// Whether a file below `objects/` is a loose object, a pack, or the index of one.
fn is_object_file(relative: &str) -> bool {
    let is_hex = |it: &str| it.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "-_.".contains(it);
    let Some((directory, name)) = relative.split_once('/') else { return false };
    if directory == "pack" {
        let stem = name.strip_suffix(".pack").or_else(|| name.strip_suffix(".idx"));
        return stem.is_some_and(|it| !it.is_empty() && it.chars().all(is_plain));
    }
    directory.len() == 2 && is_hex(directory) && matches!(name.len(), 38 | 62) && is_hex(name)
}

/// What was unpacked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extracted {
    /// Files.
    pub files: u64,
    /// Bytes in them.
    pub bytes: u64,
}

/// Unpacks members under a prefix into a directory that is new or empty, and brings them to
/// the disk; what is half done is removed on an error.
///
/// `members` come in the archive's order, so that it is read forward once.
///
/// # Errors
///
/// What is wrong with the archive, or what the system refuses; also when there is something
/// in the directory, which then stays as it is.
pub fn extract(
    archive: &Archive,
    members: &[Member],
    prefix: &str,
    into: &Path,
) -> Result<Extracted, ArchiveError> {
    fs::create_dir_all(into).map_err(ArchiveError::system("make a directory"))?;
    // SECURITY: what an error removes below must be ours.
    if fs::read_dir(into).map_err(ArchiveError::system("read a directory"))?.next().is_some() {
        let detail = "there is something in the directory already".to_owned();
        return Err(ArchiveError::Inconsistent { member: into.display().to_string(), detail });
    }
    let done = extract_all(archive, members, prefix, into).and_then(|sum| {
        sync(into).map_err(ArchiveError::system("unpack a repository"))?;
        Ok(sum)
    });
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
    let most = most_unpacked(archive)?;
    for member in members {
        let relative = member.name.strip_prefix(prefix).and_then(|it| it.strip_prefix('/'));
        let Some(relative) = relative.filter(|it| is_repository_file(it)) else { continue };
        if sum.bytes.saturating_add(member.size) > most {
            let what = format!("the unpacked size of `{prefix}`");
            return Err(ArchiveError::OverLimit { what, limit: most });
        }
        let path = into.join(relative);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|error| collision(member, error))?;
        }
        stream
            .seek(SeekFrom::Start(member.offset))
            .map_err(ArchiveError::system("read the archive"))?;
        let mut file = create(&path).map_err(|error| collision(member, error))?;
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

/// Makes a tree survive a power cut: all of it at the end, when most is on the disk anyway.
fn sync(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync(&entry.path())?;
        } else {
            File::open(entry.path())?.sync_data()?;
        }
    }
    File::open(directory)?.sync_all()
}

/// SECURITY: a small file must not fill the disk.
fn most_unpacked(archive: &Archive) -> Result<u64, ArchiveError> {
    let file = fs::metadata(archive.path()).map_err(ArchiveError::system("read the archive"))?;
    let most = file.len().saturating_mul(archive.limits().max_unpacked_ratio);
    Ok(most.max(ALWAYS_UNPACKED))
}

/// SECURITY: `create_new` follows no link and overwrites nothing.
fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Two names that are one here: a file below a file, or letters that differ in case alone.
fn collision(member: &Member, error: io::Error) -> ArchiveError {
    use io::ErrorKind::{AlreadyExists, IsADirectory, NotADirectory};
    if matches!(error.kind(), AlreadyExists | IsADirectory | NotADirectory) {
        let detail = "there is another file of its name, or on its way";
        return ArchiveError::Refused { member: member.name.clone(), detail };
    }
    ArchiveError::system("unpack a repository")(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::{Compression, Limits, TarWriter};

    fn archive(members: &[(&str, &[u8])]) -> (tempfile::TempDir, Archive, Vec<Member>) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.tar");
        let mut writer = TarWriter::create(&path, Compression::None, 0).unwrap();
        for (name, data) in members {
            writer.small(name, data).unwrap();
        }
        writer.finish().unwrap();
        let archive = Archive::open(&path, Limits::default()).unwrap();
        let mut list = Vec::new();
        archive
            .scan(|member, _| {
                list.push(member.clone());
                Ok(())
            })
            .unwrap();
        (directory, archive, list)
    }

    #[test]
    fn a_directory_with_something_in_it_is_left_as_it_is() {
        let (directory, archive, members) = archive(&[("r.git/HEAD", b"ref: refs/heads/main\n")]);
        let into = directory.path().join("precious");
        fs::create_dir(&into).unwrap();
        fs::write(into.join("HEAD"), "mine").unwrap();

        extract(&archive, &members, "r.git", &into).unwrap_err();

        assert_eq!(fs::read(into.join("HEAD")).unwrap(), b"mine");
    }

    #[test]
    fn a_prefix_ends_at_a_slash() {
        let (directory, archive, members) = archive(&[("r.gitHEAD", b"x"), ("r.git/HEAD", b"y")]);
        let into = directory.path().join("new");

        let done = extract(&archive, &members, "r.git", &into).unwrap();

        assert_eq!(done, Extracted { files: 1, bytes: 1 });
        assert_eq!(fs::read(into.join("HEAD")).unwrap(), b"y");
    }

    #[test]
    fn only_refs_and_objects_are_unpacked() {
        let hex = "0123456789abcdef0123456789abcdef012345";
        let loose = format!("objects/ab/{hex}");
        let names = ["HEAD", "packed-refs", "refs/heads/a", "objects/pack/pack-1.idx", &loose];
        for name in names {
            assert!(is_repository_file(name), "{name}");
        }
        let upper = format!("objects/AB/{hex}");
        let short = format!("objects/a/{hex}");
        let names = [
            "config",
            "hooks/update",
            "info/attributes",
            "commondir",
            "refs/",
            "head",
            "objects/info/alternates",
            "objects/info/Alternates",
            "objects/INFO/alternates",
            "objects/info/commit-graph",
            "objects/pack/pack-1.promisor",
            "objects/pack/.idx",
            "objects/pack/a/b.idx",
            &upper,
            &short,
        ];
        for name in names {
            assert!(!is_repository_file(name), "{name}");
        }
    }

    #[test]
    fn a_file_below_a_file_is_refused_and_nothing_is_left() {
        let (directory, archive, members) =
            archive(&[("r/refs/heads/a", b"x"), ("r/refs/heads/a/b", b"y")]);
        let into = directory.path().join("new");

        let error = extract(&archive, &members, "r", &into).unwrap_err();

        assert!(matches!(error, ArchiveError::Refused { .. }), "{error}");
        assert!(!into.exists());
    }

    #[test]
    fn a_small_file_cannot_fill_the_disk() {
        let (directory, archive, mut members) = archive(&[("r/refs/heads/a", b"x")]);
        members[0].size = ALWAYS_UNPACKED + 1;
        let into = directory.path().join("new");

        let error = extract(&archive, &members, "r", &into).unwrap_err();

        assert!(matches!(error, ArchiveError::OverLimit { .. }), "{error}");
        assert!(!into.exists());
    }
}
