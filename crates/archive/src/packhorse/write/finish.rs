//! What ends a project, and what ends the archive.

use super::{
    super::{
        VERSION,
        lanes::Lanes,
        layout,
        manifest::{EndLine, Line, RepositoryState},
        side::{Side, SideLine},
    },
    pen::{Pen, json},
};
use crate::container::ArchiveError;
use packhorse_core::GitRemote;
use packhorse_git::{Git, GitError, bundle, refs, repository};
use std::{
    fs::{self, File},
    io::{BufWriter, Seek, Write},
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
    let Some(mut open) = pen.open.take() else { return Ok(()) };
    let mut manifest = tempfile::tempfile_in(&pen.places.work).map_err(fail())?;
    let size = write_manifest(&open.side, &manifest)?;
    manifest.rewind().map_err(fail())?;
    open.tar.member(layout::MANIFEST, size, manifest)?;
    open.tar.finish()?;
    let places = &pen.places;
    fs::rename(&places.partial, &places.archive).map_err(fail())?;
    if let Some(directory) = places.archive.parent() {
        File::open(directory).and_then(|it| it.sync_all()).map_err(fail())?;
    }
    pen.is_done = true;
    for file in [&places.side, &places.ledger] {
        fs::remove_file(file).map_err(fail())?;
    }
    fs::remove_dir_all(&places.work).map_err(fail())
}

/// Writes the lines of section 7; how many bytes.
fn write_manifest(side: &Side, file: &File) -> Result<u64, ArchiveError> {
    let fail = || ArchiveError::system("write the manifest");
    let mut out = BufWriter::new(file);
    let mut end = EndLine { version: VERSION.into(), ..EndLine::default() };
    let mut lanes = Lanes::default();
    let mut written = 0;
    let mut put = |line: &Line| -> Result<(), ArchiveError> {
        let text = json(line)? + "\n";
        written += text.len() as u64;
        out.write_all(text.as_bytes()).map_err(fail())
    };
    side.each(|line| {
        end.members += 1;
        end.bytes += line.member.size;
        count(&mut lanes, &line);
        put(&Line::Member(line.member))
    })?;
    for lane in lanes.lines() {
        end.records += lane.records;
        put(&Line::Lane(lane))?;
    }
    put(&Line::End(end))?;
    out.flush().map_err(fail())?;
    Ok(written)
}

fn count(lanes: &mut Lanes, line: &SideLine) {
    if let Some(layout::Name::Chunk { scope, kind, revisions, .. }) =
        layout::parse(&line.member.name)
    {
        if revisions {
            line.revised.iter().for_each(|(id, gone)| lanes.revise(&scope, kind, id, *gone));
        } else {
            lanes.add(&scope, kind, line.member.records.unwrap_or(0));
        }
    }
}
