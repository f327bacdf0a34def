//! Where everything stands in the directory of a store.
//!
//! Paths of projects come from outside. They become paths of files here and
//! nowhere else, by an encoding that no two paths share and that cannot leave
//! the directory.

use super::digest::Digest;
use packhorse_core::RepoKind;
use std::path::{Path, PathBuf};

/// The longest full path of a project, in bytes.
const MAX_PATH: usize = 1_024;
/// The longest encoded name of one directory; file systems end at 255, and `.wiki.git` follows.
const MAX_SEGMENT: usize = 200;

/// Why a project cannot have that path here.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PathError {
    #[error("the path is empty or longer than {MAX_PATH} bytes")]
    Length,
    #[error("a part of the path is empty, `.` or `..`")]
    Segment,
    #[error("a part of the path is longer than {MAX_SEGMENT} bytes when written as a file name")]
    LongSegment,
    #[error("the path contains a control character")]
    Control,
}

/// A project's path that has been found fit for the file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProjectPath(String);

impl ProjectPath {
    /// Checks and encodes a full path such as `acme/app`.
    ///
    /// SECURITY: everything but ASCII letters, digits, `.`, `_` and `-` is
    /// percent-encoded, and no segment is empty, `.` or `..`, so the result is
    /// relative and stays below the directory it is joined to. A segment that
    /// ends in `.git` or `.wiki` gets its dot encoded, so that no project lies
    /// inside another's repository or passes for another's wiki.
    pub(super) fn parse(path: &str) -> Result<Self, PathError> {
        if path.is_empty() || path.len() > MAX_PATH {
            return Err(PathError::Length);
        }
        if path.chars().any(char::is_control) {
            return Err(PathError::Control);
        }
        let segments: Vec<String> = path.split('/').map(segment).collect::<Result<_, _>>()?;
        Ok(Self(segments.join("/")))
    }
}

fn segment(text: &str) -> Result<String, PathError> {
    if matches!(text, "" | "." | "..") {
        return Err(PathError::Segment);
    }
    let mut name = String::with_capacity(text.len() + 8);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-') {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("%{byte:02X}"));
        }
    }
    for ending in [".git", ".wiki"] {
        let at = name.len().saturating_sub(ending.len());
        if name[at..].eq_ignore_ascii_case(ending) {
            name.replace_range(at..=at, "%2E");
        }
    }
    if name.len() > MAX_SEGMENT { Err(PathError::LongSegment) } else { Ok(name) }
}

/// The directory of a store.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The store in that directory, whether or not it exists.
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// The directory itself.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The database of records.
    pub(super) fn database(&self) -> PathBuf {
        self.root.join("store.sqlite")
    }

    /// The file that is locked while the store or one of its repositories is being made.
    pub(super) fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// A bare repository.
    pub(super) fn repository(&self, project: &ProjectPath, repo: RepoKind) -> PathBuf {
        let ending = match repo {
            RepoKind::Code => ".git",
            RepoKind::Wiki => ".wiki.git",
        };
        self.root.join("repositories").join(format!("{}{ending}", project.0))
    }

    /// The blob of that digest.
    pub(super) fn blob(&self, digest: &Digest) -> PathBuf {
        let name = digest.to_string();
        self.blobs().join(&name[..2]).join(&name[2..])
    }

    /// The directory of all blobs that have arrived.
    pub(super) fn blobs(&self) -> PathBuf {
        self.root.join("blobs/sha256")
    }

    /// Where blobs stand while they arrive, on the same file system as [`Layout::blob`].
    pub(super) fn incoming(&self) -> PathBuf {
        self.root.join("blobs/incoming")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: Result<&str, PathError>) {
        let found = ProjectPath::parse(path).map(|it| it.0);

        assert_eq!(found, expected.map(str::to_owned));
    }

    #[test]
    fn common_paths_stay_as_they_are() {
        check("acme/app", Ok("acme/app"));
        check("Acme/a_b-c.d/.github", Ok("Acme/a_b-c.d/.github"));
    }

    #[test]
    fn other_bytes_are_encoded() {
        check("acme/my app", Ok("acme/my%20app"));
        check("acme/50%20", Ok("acme/50%2520"));
        check("a\\b", Ok("a%5Cb"));
        check("ä", Ok("%C3%A4"));
        check("C:", Ok("C%3A"));
    }

    #[test]
    fn nothing_leaves_the_directory() {
        check("../x", Err(PathError::Segment));
        check("/etc/passwd", Err(PathError::Segment));
        check("a/../../b", Err(PathError::Segment));
        check("a//b", Err(PathError::Segment));
        check("a/", Err(PathError::Segment));
        check(".", Err(PathError::Segment));
        check("", Err(PathError::Length));
        check("a\0b", Err(PathError::Control));
        check("a\nb", Err(PathError::Control));
    }

    #[test]
    fn a_project_is_not_inside_anothers_repository() {
        check("a.git/hooks", Ok("a%2Egit/hooks"));
        check("a.GIT", Ok("a%2EGIT"));
        check("a.wiki", Ok("a%2Ewiki"));
        check("a.wiki.git", Ok("a.wiki%2Egit"));
        check(".git", Ok("%2Egit"));
    }

    #[test]
    fn long_paths_are_refused() {
        check(&"a".repeat(201), Err(PathError::LongSegment));
        check(&"ä".repeat(34), Err(PathError::LongSegment));
        check(&"a/".repeat(600), Err(PathError::Length));
    }
}
