//! Git LFS: finding the pointers that stand in history for large files.
//!
//! Source: git-lfs, docs/spec.md, "The Pointer".

use crate::{error::GitError, process::Git};
use std::{path::Path, process::Stdio};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

/// Largest blob that can be a pointer, in bytes.
pub const MAX_POINTER: u64 = 1024;

/// What a pointer points to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pointer {
    /// SHA-256 of the file in lower-case hexadecimal.
    pub sha256: String,
    /// Its size in bytes.
    pub size: u64,
}

impl Pointer {
    /// Reads a pointer; `None` when the blob is not one.
    pub fn parse(blob: &[u8]) -> Option<Self> {
        if blob.len() as u64 >= MAX_POINTER {
            return None;
        }
        let text = std::str::from_utf8(blob).ok()?;
        let rest = text.strip_prefix("version https://git-lfs.github.com/spec/v1\n")?;
        let value = |key: &str| rest.lines().find_map(|line| line.strip_prefix(key));
        let sha256 = value("oid sha256:")?;
        let is_hash = sha256.len() == 64
            && sha256.bytes().all(|it| it.is_ascii_digit() || (b'a'..=b'f').contains(&it));
        let size = value("size ")?.parse().ok()?;
        is_hash.then(|| Self { sha256: sha256.to_owned(), size })
    }
}

/// Calls `found` with every pointer in the history of any ref, perhaps more than once.
///
/// Streams through three `git` processes; memory does not grow with the history.
///
/// # Errors
///
/// See [`GitError`].
pub async fn pointers(
    git: &Git,
    repository: &Path,
    mut found: impl FnMut(Pointer) + Send,
) -> Result<(), GitError> {
    let objects = git.inside(repository, ["rev-list", "--objects", "--all", "--no-object-names"]);
    let sizes = git.inside(
        repository,
        ["cat-file", "--batch-check=%(objecttype) %(objectsize) %(objectname)", "--buffer"],
    );
    let blobs = git.inside(repository, ["cat-file", "--batch", "--buffer"]);
    let mut listed = objects.spawn(Stdio::null(), Stdio::piped())?;
    let mut sized = sizes.spawn(Stdio::piped(), Stdio::piped())?;
    let mut opened = blobs.spawn(Stdio::piped(), Stdio::piped())?;
    let pipes = (listed.stdout.take(), sized.stdin.take(), sized.stdout.take());
    let more = (opened.stdin.take(), opened.stdout.take());
    let (Some(names), Some(mut to_sizes), Some(from_sizes)) = pipes else { return Ok(()) };
    let (Some(mut to_blobs), Some(from_blobs)) = more else { return Ok(()) };

    // Each moves its pipe in and drops it at its end: that is what closes it.
    let first = async move {
        let mut names = BufReader::new(names);
        tokio::io::copy_buf(&mut names, &mut to_sizes).await?;
        to_sizes.shutdown().await
    };
    let second = async move {
        let mut lines = BufReader::new(from_sizes).lines();
        while let Some(line) = lines.next_line().await? {
            if let Some(id) = small_blob(&line) {
                to_blobs.write_all(format!("{id}\n").as_bytes()).await?;
            }
        }
        to_blobs.shutdown().await
    };
    let third = read_blobs(BufReader::new(from_blobs), &mut found);
    let result = tokio::join!(first, second, third);
    objects.wait(listed).await?;
    sizes.wait(sized).await?;
    blobs.wait(opened).await?;
    result.0.and(result.1).and(result.2).map_err(GitError::system("look for LFS pointers"))
}

/// The id in `blob <size> <id>`, where the size is that of a pointer.
fn small_blob(line: &str) -> Option<&str> {
    let (size, id) = line.strip_prefix("blob ")?.split_once(' ')?;
    let size: u64 = size.parse().ok()?;
    (100..MAX_POINTER).contains(&size).then_some(id)
}

/// Reads `<id> <type> <size>\n<bytes>\n`, again and again.
async fn read_blobs(
    mut from: BufReader<tokio::process::ChildStdout>,
    found: &mut (impl FnMut(Pointer) + Send),
) -> std::io::Result<()> {
    let mut head = String::new();
    let mut blob = Vec::new();
    loop {
        head.clear();
        if from.read_line(&mut head).await? == 0 {
            return Ok(());
        }
        let size = head.trim().rsplit(' ').next().and_then(|it| it.parse::<usize>().ok());
        let Some(size) = size.filter(|it| (*it as u64) < MAX_POINTER) else { continue };
        blob.resize(size + 1, 0);
        from.read_exact(&mut blob).await?;
        if let Some(pointer) = Pointer::parse(&blob[..size]) {
            found(pointer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OID: &str = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";

    #[test]
    fn a_pointer_is_read() {
        let text =
            format!("version https://git-lfs.github.com/spec/v1\noid sha256:{OID}\nsize 12345\n");

        let pointer = Pointer::parse(text.as_bytes()).unwrap();

        assert_eq!(pointer, Pointer { sha256: OID.into(), size: 12345 });
    }

    #[test]
    fn what_only_looks_like_one_is_not() {
        let upper = OID.to_uppercase();
        let cases = [
            format!("version https://git-lfs.github.com/spec/v2\noid sha256:{OID}\nsize 1\n"),
            format!("version https://git-lfs.github.com/spec/v1\noid sha256:{upper}\nsize 1\n"),
            format!("version https://git-lfs.github.com/spec/v1\noid sha256:{OID}\nsize x\n"),
            format!("version https://git-lfs.github.com/spec/v1\noid md5:{OID}\nsize 1\n"),
        ];

        for case in cases {
            assert_eq!(Pointer::parse(case.as_bytes()), None, "{case}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            drop(Pointer::parse(&bytes));
        }
    }
}
