//! Whose archive something is, by what is in it.

use crate::container::{Archive, ArchiveError, Limits};
use packhorse_core::HostSpec;
use std::{fs::File, io::Read as _, path::Path};

/// Vendors whose archives are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kin {
    Packhorse,
    Github,
    Gitlab,
    Gitea,
    Bitbucket,
}

impl Kin {
    /// Whose archive a member of that name is of; `None` where it does not tell.
    pub(crate) fn of(member: &str) -> Option<Self> {
        let first = member.split('/').next().unwrap_or_default();
        let is_gitlabs = matches!(member, "VERSION" | "GITLAB_VERSION" | "GITLAB_REVISION")
            || member.starts_with("tree/project")
            || member.starts_with("tree/groups/");
        if member == "schema.json" || first.ends_with("_000001.json") {
            Some(Self::Github)
        } else if is_gitlabs {
            Some(Self::Gitlab)
        } else if first.starts_with("com.atlassian.") {
            Some(Self::Bitbucket)
        } else if first == "manifest.ndjson" {
            Some(Self::Packhorse)
        } else if member.ends_with("/repo.yml") || member == "repo.yml" {
            Some(Self::Gitea)
        } else {
            None
        }
    }

    /// What to do with it, for somebody who took it for another's.
    pub(crate) const fn told(self) -> &'static str {
        match self {
            Self::Packhorse => "it is Packhorse's own: write `packhorse-archive:` before its name",
            Self::Github => "it is GitHub's: write `github-archive:` before its name",
            Self::Gitlab => "it is GitLab's: write `gitlab-archive:` before its name",
            Self::Gitea => {
                "it is a dump of Gitea's: unpack it, and write `gitea-dump:` before the directory's \
                 name"
            }
            Self::Bitbucket => {
                "it is Bitbucket Data Center's: write `bitbucket-archive:` before its name"
            }
        }
    }

    /// What reads it.
    pub(crate) const fn format(self) -> &'static HostSpec {
        match self {
            Self::Packhorse => &crate::packhorse::SPEC,
            Self::Github => &crate::github::SPEC,
            Self::Gitlab => &crate::gitlab_archive::SPEC,
            Self::Gitea => &crate::gitea_dump::SPEC,
            Self::Bitbucket => &crate::bitbucket_archive::SPEC,
        }
    }

    /// Whose archive is at a path, by what is in it; `None` where that does not tell.
    pub(crate) fn at(path: &Path) -> Option<Self> {
        if !path.is_dir() {
            return in_file(path).or_else(|| is_zstd(path).then_some(Self::Packhorse));
        }
        if has_dump(path, MAX_DEPTH) {
            return Some(Self::Gitea);
        }
        has_archive(path).then_some(Self::Gitlab)
    }

    /// That what is at a path is not what it was taken for.
    pub(crate) fn foreign(self, path: &Path) -> ArchiveError {
        ArchiveError::NotAnArchive {
            file: path.display().to_string(),
            detail: self.told().to_owned(),
        }
    }
}

/// Members by whose names a file's format is told.
const PEEK_MEMBERS: usize = 256;
/// Directories that are looked into below one, and entries that are looked at in each.
const MAX_DEPTH: usize = 8;
const MAX_ENTRIES: usize = 1_000;

fn in_file(path: &Path) -> Option<Kin> {
    let archive = Archive::open(path, Limits::of_this_run()).ok()?;
    let (mut found, mut n) = (None, 0);
    let enough = || ArchiveError::OverLimit { what: "peeking".to_owned(), limit: 0 };
    let scan = archive.scan(|member, _| {
        n += 1;
        found = Kin::of(&member.name);
        if found.is_none() && n < PEEK_MEMBERS { Ok(()) } else { Err(enough()) }
    });
    // Whatever is wrong with the archive is found when it is read.
    drop(scan);
    found
}

/// Whether a file is packed as ours alone are.
fn is_zstd(path: &Path) -> bool {
    let mut head = [0; 4];
    let read = File::open(path).and_then(|mut it| it.read_exact(&mut head));
    read.is_ok() && head == *b"\x28\xb5\x2f\xfd"
}

/// Whether a directory is a dump of Gitea's, or has one somewhere below it.
fn has_dump(path: &Path, depth: usize) -> bool {
    if path.join("repo.yml").is_file() {
        return true;
    }
    let Ok(entries) = std::fs::read_dir(path) else { return false };
    let is_below = |it: &std::fs::DirEntry| it.file_type().is_ok_and(|it| it.is_dir());
    let mut below = entries.flatten().take(MAX_ENTRIES).filter(is_below);
    depth > 0 && below.any(|it| has_dump(&it.path(), depth - 1))
}

/// Whether packed archives are in a directory, as GitLab's are.
fn has_archive(path: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(path) else { return false };
    entries.flatten().take(MAX_ENTRIES).any(|it| {
        let name = it.file_name().to_string_lossy().to_lowercase();
        [".tar.gz", ".tgz"].iter().any(|end| name.ends_with(end))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_are_told_by_their_members() {
        assert_eq!(Kin::of("schema.json"), Some(Kin::Github));
        assert_eq!(Kin::of("issues_000001.json"), Some(Kin::Github));
        assert_eq!(Kin::of("tree/project.json"), Some(Kin::Gitlab));
        assert_eq!(Kin::of("com.atlassian.bitbucket.server/x"), Some(Kin::Bitbucket));
        assert_eq!(Kin::of("acme/app/repo.yml"), Some(Kin::Gitea));
        // GitLab's exports have it too, in archives of ours.
        assert_eq!(Kin::of("packhorse.json"), None);
    }
}
