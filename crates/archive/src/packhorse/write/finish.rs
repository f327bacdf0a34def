//! What ends a project, and what ends the archive.

use super::{
    super::{
        layout,
        manifest::{Line, RepositoryState},
    },
    pen::{Open, Pen},
};
use crate::container::ArchiveError;
use packhorse_core::GitRemote;
use packhorse_git::{Git, GitError, bundle, refs, repository};
use std::{
    fs::{self, File},
    io::Seek,
    path::Path,
};

/// A repository, ready to be written.
pub(super) struct Bundled {
    pub(super) state: RepositoryState,
    /// All its objects and refs; a repository without refs has none.
    pub(super) file: Option<tempfile::NamedTempFile>,
}

/// Bundles a bare repository.
pub(super) async fn bundle(path: &Path) -> Result<Bundled, GitError> {
    let git = Git::find().await?;
    let list = refs::list(&git, &GitRemote::local(path)).await?;
    let parent = path.parent().unwrap_or(path);
    let file = tempfile::NamedTempFile::new_in(parent)
        .map_err(|source| GitError::System { operation: "make a bundle", source })?;
    let has_bundle = bundle::create(&git, path, file.path()).await?;
    let state = RepositoryState {
        bundle: has_bundle,
        head: list.head.clone(),
        object_format: repository::format_name(repository::object_format(path)).to_owned(),
        refs: list.refs.len() as u64,
        refs_digest: list.digest(),
    };
    Ok(Bundled { state, file: has_bundle.then_some(file) })
}

/// Writes the manifest, ends the archive and gives it its name. Does nothing when that is done.
pub(super) fn archive(pen: &mut Pen) -> Result<(), ArchiveError> {
    if pen.is_done {
        return Ok(());
    }
    pen.begin()?;
    let fail = || ArchiveError::system("complete the archive");
    let Some(Open { mut tar, mut contents }) = pen.open.take() else { return Ok(()) };
    for lane in contents.lanes.lines() {
        contents.sums.records += lane.records;
        contents.put(&Line::Lane(lane))?;
    }
    let sums = contents.sums.clone();
    contents.put(&Line::End(sums))?;
    let size = contents.manifest_bytes;
    let mut manifest = contents.manifest.into_inner().map_err(|it| fail()(it.into_error()))?;
    manifest.rewind().map_err(fail())?;
    tar.member(layout::MANIFEST, size, manifest)?;
    tar.finish()?;
    let places = &pen.places;
    fs::rename(&places.partial, &places.archive).map_err(fail())?;
    if let Some(directory) = places.archive.parent() {
        File::open(directory).and_then(|it| it.sync_all()).map_err(fail())?;
    }
    pen.is_done = true;
    fs::remove_dir_all(&places.work).map_err(fail())
}
