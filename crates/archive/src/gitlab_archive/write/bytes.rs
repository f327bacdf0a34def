//! The bytes of an archive: repositories, uploaded files, LFS objects.

use super::export::json;
use crate::{
    container::TarWriter,
    spool::{ScopeRow, Spool, SpoolError},
};
use packhorse_core::{Object, ObjectKind, RepoKind};
use packhorse_git::{Git, bundle, repository};
use std::{collections::BTreeMap, fs::File};

/// The most LFS objects whose names are listed in `lfs-objects.json`.
const MAX_LISTED: usize = 1_000_000;

/// Writes the repositories and files of a project.
pub(super) fn write_all(
    spool: &Spool,
    scope: &ScopeRow,
    tar: &mut TarWriter,
) -> Result<(), SpoolError> {
    for (repo, name) in
        [(RepoKind::Code, "project.bundle"), (RepoKind::Wiki, "project.wiki.bundle")]
    {
        let path = spool.repository(&scope.path, repo);
        if repository::is_repository(&path) {
            let file = tempfile::NamedTempFile::new_in(spool.path())?;
            // A repository without refs has no bundle, and is none for the importer.
            let is_there = tokio::runtime::Handle::current().block_on(async {
                bundle::create(&Git::find().await?, &path, file.path()).await
            })?;
            if is_there {
                let file = File::open(file.path())?;
                tar.incompressible(name, file.metadata()?.len(), file)?;
            }
        }
    }
    spool.each(scope, ObjectKind::Attachment, |it| {
        if let Some(blob) = spool.blob_of(scope, ObjectKind::Attachment, &it.origin)? {
            let file = File::open(spool.blob(&blob.sha256))?;
            tar.incompressible(&format!("uploads/{}", it.target), blob.size, file)?;
        }
        Ok(())
    })?;
    lfs_objects(spool, scope, tar)
}

fn lfs_objects(spool: &Spool, scope: &ScopeRow, tar: &mut TarWriter) -> Result<(), SpoolError> {
    // 0 is the project's code repository. Source: GitLab, `app/models/lfs_objects_project.rb`.
    let mut listed: BTreeMap<String, [u8; 1]> = BTreeMap::new();
    spool.each(scope, ObjectKind::LfsObject, |it| {
        let Object::LfsObject(_) = &it.object else { return Ok(()) };
        if let Some(blob) = spool.blob_of(scope, ObjectKind::LfsObject, &it.origin)? {
            let file = File::open(spool.blob(&blob.sha256))?;
            tar.incompressible(&format!("lfs-objects/{}", blob.sha256), blob.size, file)?;
            if listed.len() < MAX_LISTED {
                listed.insert(blob.sha256, [0]);
            }
        }
        Ok(())
    })?;
    if !listed.is_empty() {
        tar.small("lfs-objects.json", &json(&listed)?)?;
    }
    Ok(())
}
