//! All objects of a repository, one after the other, for formats that hold them apart from packs.

use crate::{
    error::GitError,
    process::{Git, GitCommand},
};
use std::{path::Path, process::Stdio};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, ChildStdout},
};

/// Longest line that tells of an object, in bytes.
const MAX_LINE: u64 = 512;

/// An object, without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectHeader {
    /// Object id in lower-case hexadecimal.
    pub id: String,
    /// `blob`, `tree`, `commit` or `tag`.
    pub kind: String,
    /// Bytes of its content.
    pub size: u64,
}

impl ObjectHeader {
    /// `<id> <kind> <size>`.
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.trim_end().split(' ');
        let (id, kind, size) = (words.next()?, words.next()?, words.next()?.parse().ok()?);
        let is_hex = |it: &str| it.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
        let is_known = matches!(kind, "blob" | "tree" | "commit" | "tag");
        let is_whole = matches!(id.len(), 40 | 64) && is_hex(id) && words.next().is_none();
        (is_whole && is_known).then(|| Self { id: id.to_owned(), kind: kind.to_owned(), size })
    }
}

/// Goes through all objects of a bare repository, in the order that costs Git the least.
pub struct Objects {
    command: GitCommand,
    child: Child,
    from: BufReader<ChildStdout>,
    /// Bytes up to the next object, the line end behind the last one included.
    left: u64,
}

impl Objects {
    /// Begins before the first object.
    ///
    /// # Errors
    ///
    /// When Git cannot be started.
    pub fn of(git: &Git, repository: &Path) -> Result<Self, GitError> {
        let arguments = ["cat-file", "--batch", "--batch-all-objects", "--unordered", "--buffer"];
        let command = git.inside(repository, arguments);
        let mut child = command.spawn(Stdio::null(), Stdio::piped())?;
        let from = child.stdout.take().ok_or_else(|| corrupt("it has no output"))?;
        Ok(Self { command, child, from: BufReader::with_capacity(64 << 10, from), left: 0 })
    }

    /// Goes to the next object; what was not read of the last one is passed over.
    ///
    /// # Errors
    ///
    /// When what Git says cannot be understood.
    pub async fn next(&mut self) -> Result<Option<ObjectHeader>, GitError> {
        let mut rest = (&mut self.from).take(self.left);
        tokio::io::copy(&mut rest, &mut tokio::io::sink()).await.map_err(read())?;
        self.left = 0;
        let mut line = String::new();
        (&mut self.from).take(MAX_LINE).read_line(&mut line).await.map_err(read())?;
        if line.is_empty() {
            return Ok(None);
        }
        let found = ObjectHeader::parse(&line).ok_or_else(|| corrupt(line.trim_end()))?;
        self.left = found.size.saturating_add(1);
        Ok(Some(found))
    }

    /// Reads more of the object's content; 0 bytes at its end.
    ///
    /// # Errors
    ///
    /// When Git breaks off.
    pub async fn read(&mut self, out: &mut [u8]) -> Result<usize, GitError> {
        let most = self.left.saturating_sub(1).min(out.len() as u64) as usize;
        if most == 0 {
            return Ok(0);
        }
        let n = self.from.read(&mut out[..most]).await.map_err(read())?;
        if n == 0 {
            return Err(corrupt("an object breaks off"));
        }
        self.left -= n as u64;
        Ok(n)
    }

    /// Waits for Git to end.
    ///
    /// # Errors
    ///
    /// When it ended badly: then not all objects were told.
    pub async fn end(self) -> Result<(), GitError> {
        drop(self.from);
        self.command.wait(self.child).await
    }
}

fn read() -> impl FnOnce(std::io::Error) -> GitError {
    GitError::system("read from git")
}

fn corrupt(detail: &str) -> GitError {
    GitError::Corrupt { what: "the list of objects".to_owned(), detail: detail.to_owned() }
}

/// The commit from which two have parted; `None` where they have nothing in common or one is not there.
///
/// # Errors
///
/// Only when Git could not run.
pub async fn merge_base(
    git: &Git,
    repository: &Path,
    (one, other): (&str, &str),
) -> Result<Option<String>, GitError> {
    let command = git.inside(repository, ["merge-base", one, other]);
    let (status, output, _) = command.finish(&[]).await?;
    let id = String::from_utf8_lossy(&output).trim().to_owned();
    Ok((status.success() && !id.is_empty()).then_some(id))
}

/// Whether the first of two commits is the second or comes before it; not where one is not there.
///
/// # Errors
///
/// Only when Git could not run.
pub(crate) async fn is_ancestor(
    git: &Git,
    repository: &Path,
    (old, new): (&str, &str),
) -> Result<bool, GitError> {
    let command = git.inside(repository, ["merge-base", "--is-ancestor", old, new]);
    Ok(command.finish(&[]).await?.0.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_of_an_object() {
        let id = "1".repeat(40);
        let found = ObjectHeader::parse(&format!("{id} blob 7\n")).unwrap();

        assert_eq!((found.id, found.kind.as_str(), found.size), (id.clone(), "blob", 7));
        for bad in [format!("{id} missing"), format!("{id} blob x"), "x blob 7".to_owned()] {
            assert_eq!(ObjectHeader::parse(&bad), None, "{bad}");
        }
    }
}
