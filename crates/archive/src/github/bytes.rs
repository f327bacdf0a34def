//! The bytes of an archive: repositories, attachments, release assets.

use super::address;
use crate::{
    container::{TarWriter, is_repository_file},
    spool::{ScopeRow, Spool, SpoolError, Stored},
};
use data_encoding::HEXLOWER;
use packhorse_core::{Object, ObjectKind, RepoKind};
use packhorse_git::repository;
use sha2::{Digest, Sha256};
use std::{fs::File, path::Path};

/// Longest file name that an attachment keeps.
const MAX_NAME_CHARS: usize = 100;

/// Where a blob goes in the archive.
#[derive(Debug)]
pub(super) struct Place {
    /// Name of the member.
    pub(super) name: String,
    sha256: String,
    size: u64,
}

/// Where the bytes of a record go; `None` when none were saved.
pub(super) fn place(
    spool: &Spool,
    scope: &ScopeRow,
    record: &Stored,
) -> Result<Option<Place>, SpoolError> {
    let kind = record.object.kind();
    let Some(blob) = spool.blob_of(scope, kind, &record.origin)? else { return Ok(None) };
    let (directory, name) = if let Object::ReleaseAsset(it) = &record.object {
        ("releases", &it.name)
    } else if let Object::Attachment(it) = &record.object {
        ("attachments", &it.name)
    } else {
        return Ok(None);
    };
    let guid = guid(&scope.path, kind, &record.target);
    let name = format!("{directory}/{guid}/{}", file_name(name));
    Ok(Some(Place { name, sha256: blob.sha256, size: blob.size }))
}

/// A name that looks like GitHub's and is the same in each export.
fn guid(project: &str, kind: ObjectKind, id: &str) -> String {
    let digest = HEXLOWER.encode(&Sha256::digest(format!("{project}\n{kind}\n{id}")));
    let parts = [&digest[..8], &digest[8..12], &digest[12..16], &digest[16..20], &digest[20..32]];
    parts.join("-")
}

/// SECURITY: a file name comes from the source, and may not lead anywhere.
fn file_name(name: &str) -> String {
    let plain = |it: char| if it.is_ascii_alphanumeric() || "._-".contains(it) { it } else { '_' };
    let name: String = name.chars().take(MAX_NAME_CHARS).map(plain).collect();
    if name.trim_matches('.').is_empty() { "file".to_owned() } else { name }
}

/// Directory of a project's repository in the archive; `None` where it has none.
pub(super) fn repository(spool: &Spool, project: &str, repo: RepoKind) -> Option<String> {
    let path = spool.repository(project, repo);
    let is_there = repository::is_repository(&path)
        && (repo == RepoKind::Code || repository::files(&path).is_ok_and(|it| has_refs(&it)));
    let ending = match repo {
        RepoKind::Code => "git",
        RepoKind::Wiki => "wiki.git",
    };
    let project: Vec<String> = project.split('/').map(address::encode).collect();
    is_there.then(|| format!("repositories/{}.{ending}", project.join("/")))
}

fn has_refs(files: &[std::path::PathBuf]) -> bool {
    files.iter().any(|it| it.starts_with("refs") || it == Path::new("packed-refs"))
}

/// Writes the repositories and files of a project.
pub(super) fn write_all(
    spool: &Spool,
    project: &ScopeRow,
    tar: &mut TarWriter,
) -> Result<(), SpoolError> {
    for repo in [RepoKind::Code, RepoKind::Wiki] {
        if let Some(directory) = repository(spool, &project.path, repo) {
            write_repository(&spool.repository(&project.path, repo), &directory, tar)?;
        }
    }
    for kind in [ObjectKind::Attachment, ObjectKind::ReleaseAsset] {
        spool.each(project, kind, |it| {
            if let Some(place) = place(spool, project, &it)? {
                let file = File::open(spool.blob(&place.sha256))?;
                tar.incompressible(&place.name, place.size, file)?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn write_repository(path: &Path, directory: &str, tar: &mut TarWriter) -> Result<(), SpoolError> {
    let config = std::fs::read(path.join("config"))?;
    tar.small(&format!("{directory}/config"), &config)?;
    // Git takes what was unpacked for a repository only if these are there, empty or not.
    for name in ["objects", "refs", "refs/heads", "refs/tags"] {
        tar.directory(&format!("{directory}/{name}"))?;
    }
    for relative in repository::files(path)? {
        let name = relative.to_string_lossy();
        if !is_repository_file(&name) {
            continue;
        }
        let member = format!("{directory}/{name}");
        let file = File::open(path.join(&relative))?;
        let size = file.metadata()?.len();
        if name.starts_with("objects/") {
            tar.incompressible(&member, size, file)?;
        } else {
            tar.member(&member, size, file)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_leads_nowhere() {
        assert_eq!(file_name("../../etc/passwd"), ".._.._etc_passwd");
        assert_eq!(file_name(".."), "file");
        assert_eq!(file_name(""), "file");
        assert_eq!(file_name("über 1.png"), "_ber_1.png");
    }
}
