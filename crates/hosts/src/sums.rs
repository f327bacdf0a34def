//! Sums of archives, and copies that are known to be whole.

use data_encoding::HEXLOWER;
use md5::Md5;
use packhorse_core::{HostError, HostErrorKind, port::Sums};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

/// Bytes read at a time.
const PIECE: usize = 256 << 10;

/// Reads everything, into something else as well; the sums of it.
fn copy(mut from: impl Read, mut to: impl Write) -> io::Result<Sums> {
    let (mut md5, mut sha256, mut bytes) = (Md5::new(), Sha256::new(), 0);
    let mut piece = vec![0; PIECE];
    loop {
        let n = from.read(&mut piece)?;
        if n == 0 {
            to.flush()?;
            let (md5, sha256) =
                (HEXLOWER.encode(&md5.finalize()), HEXLOWER.encode(&sha256.finalize()));
            return Ok(Sums { bytes, md5, sha256 });
        }
        md5.update(&piece[..n]);
        sha256.update(&piece[..n]);
        to.write_all(&piece[..n])?;
        bytes += n as u64;
    }
}

/// Copies an archive into a directory, and reads the copy again.
fn put(archive: &Path, directory: &Path, name: &str) -> io::Result<Sums> {
    let target = directory.join(name);
    let sums = copy(File::open(archive)?, io::sink())?;
    if File::open(&target).is_ok_and(|it| copy(it, io::sink()).is_ok_and(|it| it == sums)) {
        return Ok(sums);
    }
    let passing = directory.join(format!("{name}.partial"));
    let file = File::create(&passing)?;
    copy(File::open(archive)?, &file)?;
    file.sync_all()?;
    let found = copy(File::open(&passing)?, io::sink())?;
    if found != sums {
        fs::remove_file(&passing)?;
        return Err(io::Error::other("the copy has other sums than the archive"));
    }
    fs::rename(&passing, &target)?;
    Ok(sums)
}

/// The name and the sums of an archive, which is copied into a directory where one is given.
///
/// # Errors
///
/// When it cannot be read or copied, or its name does not end as it must.
pub(crate) async fn delivered(
    archive: &Path,
    suffix: &str,
    directory: Option<PathBuf>,
) -> Result<(String, Sums), HostError> {
    let operation = "put the archive where the server finds it";
    let shown = archive.display().to_string();
    let fail = |error: io::Error| {
        HostError::new(HostErrorKind::Unavailable, operation).with("archive", &shown).because(error)
    };
    let name = archive.file_name().map(|it| it.to_string_lossy().into_owned());
    let Some(name) = name.filter(|it| it.ends_with(suffix)) else {
        return Err(HostError::new(HostErrorKind::Rejected, operation)
            .with("archive", &shown)
            .with("reason", format!("its name does not end with `{suffix}`")));
    };
    let (from, called) = (archive.to_owned(), name.clone());
    let done = tokio::task::spawn_blocking(move || match &directory {
        Some(directory) => put(&from, directory, &called),
        None => copy(File::open(&from)?, io::sink()),
    });
    let sums = done.await.map_err(|it| fail(io::Error::other(it)))?.map_err(fail)?;
    Ok((name, sums))
}

/// Copies a directory into another one; where the copy is. What stands there of an earlier copy goes.
///
/// # Errors
///
/// When it cannot be read or written.
pub(crate) async fn copied(from: &Path, into: &Path) -> Result<PathBuf, HostError> {
    let shown = from.display().to_string();
    let fail = |error: io::Error| {
        HostError::new(HostErrorKind::Unavailable, "put the dump where the server finds it")
            .with("dump", &shown)
            .because(error)
    };
    let Some(name) = from.file_name() else {
        return Err(fail(io::ErrorKind::InvalidInput.into()));
    };
    let (from, to) = (from.to_owned(), into.join(name));
    let done = tokio::task::spawn_blocking(move || {
        if to.exists() {
            fs::remove_dir_all(&to)?;
        }
        copy_tree(&from, &to)?;
        Ok(to)
    });
    done.await.map_err(|it| fail(io::Error::other(it)))?.map_err(fail)
}

/// SECURITY: directories and files alone; no link is followed or made.
fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let target = to.join(entry.file_name());
        if kind.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else if kind.is_file() {
            copy(File::open(entry.path())?, File::create(&target)?)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_the_sums_of_the_archive() {
        let directory = tempfile::tempdir().unwrap();
        let archive = directory.path().join("a.tar");
        fs::write(&archive, b"abc").unwrap();
        let imports = directory.path().join("import");
        fs::create_dir(&imports).unwrap();

        for _ in ["first", "again"] {
            let sums = put(&archive, &imports, "a.tar").unwrap();
            assert_eq!((sums.bytes, sums.md5.as_str()), (3, "900150983cd24fb0d6963f7d28e17f72"));
            assert!(sums.sha256.starts_with("ba7816bf"), "{}", sums.sha256);
        }
        assert_eq!(fs::read(imports.join("a.tar")).unwrap(), b"abc");
        assert_eq!(fs::read_dir(&imports).unwrap().count(), 1);
    }
}
