//! Going on with an archive whose writer was killed.
//!
//! What was flushed stands in the archive's own frames, and nowhere else: it is
//! read once, and cut behind the last frame that ends with a member.

use super::{
    super::{
        hashing::Hashing,
        index::sketch,
        layout::{self, Name},
        manifest::{MemberLine, RepositoryState},
    },
    Places,
    buffer::Flushed,
    pen::{Contents, LEVEL, Open, Pen},
};
use crate::container::{ArchiveError, Limits, Lines, Member, Partial, TarWriter};
use packhorse_core::{ObjectKind, Scope};
use std::{
    fs,
    io::{self, Read},
};

/// A member that is whole, and what has to be known of it.
struct Found {
    line: MemberLine,
    what: What,
}

enum What {
    Chunk { scope: Scope, kind: ObjectKind, revisions: bool, ids: Vec<(String, bool)> },
    Repository(RepositoryState),
    Bundle,
    Other,
}

/// Looks for what an interrupted writing left, or gets ready for a new one.
pub(super) fn open(places: Places, resume: bool) -> Result<(Pen, Flushed), ArchiveError> {
    let mut flushed = Flushed::new(&places.work);
    let mut pen = Pen::new(places);
    if pen.is_done && resume {
        // A writing that was killed once the archive had its name leaves files of no more use.
        drop(fs::remove_dir_all(&pen.places.work));
    }
    let writing = fs::read_to_string(pen.places.writing()).unwrap_or_default();
    if resume && !pen.is_done && !writing.is_empty() && pen.places.partial.exists() {
        pen.writing = writing;
        recover(&mut pen, &mut flushed)?;
    }
    Ok((pen, flushed))
}

fn recover(pen: &mut Pen, flushed: &mut Flushed) -> Result<(), ArchiveError> {
    let places = &pen.places;
    let mut contents = Contents::new(places)?;
    let mut partial = Partial::open(&places.partial, Limits::of_this_run())?;
    let (mut length, mut waiting) = (0, Vec::new());
    while let Some((found, end)) = partial.next(look)? {
        // A bundle is of no use without the state that comes behind it.
        let is_half = matches!(found.what, What::Bundle);
        waiting.push(found);
        let Some(end) = end.filter(|_| !is_half) else { continue };
        length = end;
        for found in waiting.drain(..) {
            take_in(found, &mut contents, flushed)?;
        }
    }
    let tar = TarWriter::resume(&places.partial, LEVEL, 0, length)?;
    pen.open = Some(Open { tar, contents });
    // A writing that was killed before its first flush has nothing in it, not even its head.
    if length == 0 { pen.head() } else { Ok(()) }
}

/// Reads a member to its end.
fn look(member: &Member, data: &mut dyn Read) -> Result<Found, ArchiveError> {
    let mut data = Hashing::new(data);
    let mut records = None;
    let what = match layout::parse(&member.name) {
        Some(Name::Chunk { scope, kind, revisions, .. }) => {
            let limits =
                Limits { max_record_bytes: super::buffer::MAX_LINE, ..Limits::of_this_run() };
            let mut lines = Lines::new(&mut data, &member.name, &limits);
            let mut ids = Vec::new();
            while let Some(line) = lines.next()? {
                let sketch = sketch(&member.name, 0, line)?;
                ids.push((sketch.id, sketch.removed));
            }
            records = Some(ids.len() as u64);
            What::Chunk { scope, kind, revisions, ids }
        }
        Some(Name::Repository { .. }) => {
            let mut text = Vec::new();
            data.read_to_end(&mut text).map_err(ArchiveError::system("read a member"))?;
            let state = serde_json::from_slice(&text)
                .map_err(|error| ArchiveError::malformed(&member.name, 0, error.to_string()))?;
            What::Repository(state)
        }
        Some(Name::Bundle { .. }) => What::Bundle,
        // The end was being written: it is written again.
        Some(Name::Manifest) | None => {
            return Err(ArchiveError::malformed(&member.name, 0, "it is no member to go on after"));
        }
        Some(Name::Head | Name::UnknownKind { .. } | Name::Blob { .. } | Name::Unknown) => {
            What::Other
        }
    };
    io::copy(&mut data, &mut io::sink()).map_err(ArchiveError::system("read a member"))?;
    let (name, sha256, size) = (member.name.clone(), data.end(), member.size);
    Ok(Found { line: MemberLine { name, records, sha256, size }, what })
}

fn take_in(
    found: Found,
    contents: &mut Contents,
    flushed: &mut Flushed,
) -> Result<(), ArchiveError> {
    let Found { line, what } = found;
    if let Some((directory, file)) = line.name.rsplit_once('/') {
        let number = file.split('.').next().and_then(|it| it.parse().ok()).unwrap_or(0);
        let highest = contents.numbers.entry(directory.to_owned()).or_insert(0);
        *highest = number.max(*highest);
        if let What::Repository(state) = &what {
            contents.states.insert(directory.to_owned(), state.clone());
        }
    }
    if let What::Chunk { scope, kind, revisions, ids } = &what {
        if !revisions {
            contents.lanes.add(scope, *kind, ids.len() as u64);
        }
        for (id, removed) in ids {
            if *revisions {
                contents.lanes.revise(scope, *kind, id, *removed)?;
            }
            flushed.note(scope, (*kind, id, *removed))?;
        }
    }
    contents.note(line)
}
