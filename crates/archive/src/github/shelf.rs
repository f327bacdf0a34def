//! Where the archive's record files are, and streams that stand near them.
//!
//! Records are read straight from the archive. Its files stand in no order, and
//! gzip is read forward: so lanes whose order means nothing are read as they
//! stand, and streams that are done with a file wait where they are for the
//! next one. Only what people number is read in the order of the files' names.

use super::plural::Plural;
use crate::container::{Archive, ArchiveError, JsonArray, Member, Stream};
use std::{
    io::{self, Read, Seek, SeekFrom},
    sync::{Arc, Mutex, PoisonError},
};

/// Most streams that wait: a few lanes of a few projects, about 150 KiB each.
const MAX_WAITING: usize = 8;

/// A record file in the archive.
#[derive(Clone, Copy, Debug)]
struct Place {
    plural: Plural,
    order: u32,
    number: u32,
    offset: u64,
    size: u64,
}

/// The record files, by plural and order.
pub(super) struct Shelf {
    archive: Arc<Archive>,
    places: Vec<Place>,
    waiting: Arc<Waiting>,
}

/// Streams that are done with a file, with the places where they stand.
type Waiting = Mutex<Vec<(u64, Stream)>>;

/// A shelf that is being filled.
#[derive(Default)]
pub(super) struct Filling {
    places: Vec<Place>,
}

impl Filling {
    /// Notes where a record file is; its place in the order in which such files are read.
    pub(super) fn note(&mut self, (plural, number): (Plural, u32), member: &Member) -> u32 {
        let order = if plural.is_numbered() { number } else { self.places.len() as u32 };
        let (offset, size) = (member.offset, member.size);
        self.places.push(Place { plural, order, number, offset, size });
        order
    }

    /// Ends the filling.
    pub(super) fn end(mut self, archive: &Arc<Archive>) -> Shelf {
        self.places.sort_by_key(|it| (it.plural, it.order));
        self.places.shrink_to_fit();
        Shelf { archive: archive.clone(), places: self.places, waiting: Arc::default() }
    }
}

/// The records of one file.
pub(super) type Records = JsonArray<Window>;

impl Shelf {
    /// Where the files of a sort stand.
    fn range(&self, plural: Plural) -> std::ops::Range<usize> {
        let start = self.places.partition_point(|it| it.plural < plural);
        let end = self.places.partition_point(|it| it.plural <= plural);
        start..end
    }

    /// The files of a sort between two in their order, both included: their places on the shelf.
    pub(super) fn between(&self, plural: Plural, first: u32, last: u32) -> std::ops::Range<usize> {
        let range = self.range(plural);
        let files = &self.places[range.clone()];
        let start = range.start + files.partition_point(|it| it.order < first);
        let end = range.start + files.partition_point(|it| it.order <= last);
        start..end
    }

    /// Opens the file at a place, with the buffer of another if there is one.
    pub(super) fn open(&self, at: usize, buffer: Vec<u8>) -> Result<Records, ArchiveError> {
        let gone = || ArchiveError::NotAnArchive {
            file: self.archive.path().display().to_string(),
            detail: format!("it has no record file {at}"),
        };
        let place = self.places.get(at).ok_or_else(gone)?;
        let mut stream = match self.nearest(place.offset) {
            Some(stream) => stream,
            None => self.archive.stream()?,
        };
        stream
            .seek(SeekFrom::Start(place.offset))
            .map_err(ArchiveError::system("read the archive"))?;
        let window = Window {
            stream: Some(stream),
            at: place.offset,
            end: place.offset + place.size,
            waiting: self.waiting.clone(),
        };
        Ok(JsonArray::with_buffer(window, &self.name(at), self.archive.limits(), buffer))
    }

    /// The waiting stream that stands closest before an offset.
    fn nearest(&self, offset: u64) -> Option<Stream> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let before = waiting.iter().enumerate().filter(|(_, it)| it.0 <= offset);
        let n = before.max_by_key(|(_, it)| it.0).map(|(n, _)| n)?;
        Some(waiting.swap_remove(n).1)
    }

    /// Name of the file at a place.
    pub(super) fn name(&self, at: usize) -> String {
        self.places.get(at).map(|it| it.plural.file(it.number)).unwrap_or_default()
    }
}

impl std::fmt::Debug for Shelf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shelf").field("n_places", &self.places.len()).finish_non_exhaustive()
    }
}

/// One file within a stream, which goes back to wait when the file is done with.
pub(super) struct Window {
    stream: Option<Stream>,
    at: u64,
    end: u64,
    waiting: Arc<Waiting>,
}

impl Read for Window {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let most = out.len().min(left);
        let Some(stream) = &mut self.stream else { return Ok(0) };
        let n = stream.read(&mut out[..most])?;
        self.at += n as u64;
        Ok(n)
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        let Some(stream) = self.stream.take() else { return };
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() == MAX_WAITING {
            waiting.remove(0);
        }
        waiting.push((self.at, stream));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::{Compression, Limits, TarWriter};

    /// A shelf over an archive of these files, in this order.
    fn shelf(files: &[(Plural, u32)]) -> (tempfile::TempDir, Shelf) {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("a.tar.gz");
        let mut writer = TarWriter::create(&path, Compression::Gzip(6), 0).unwrap();
        for (plural, number) in files {
            let json = format!("[{{\"n\":{number}}}]");
            writer.small(&plural.file(*number), json.as_bytes()).unwrap();
        }
        writer.finish().unwrap();
        let archive = Arc::new(Archive::open(&path, Limits::default()).unwrap());
        let mut filling = Filling::default();
        let mut files = files.iter();
        archive
            .scan(|member, _| {
                filling.note(*files.next().unwrap(), member);
                Ok(())
            })
            .unwrap();
        (scratch, filling.end(&archive))
    }

    #[track_caller]
    fn check(shelf: &Shelf, plural: Plural, expected: &[&str]) {
        let found: Vec<String> = shelf
            .between(plural, 0, u32::MAX)
            .map(|at| {
                let mut records = shelf.open(at, Vec::new()).unwrap();
                records.next().unwrap().unwrap().to_owned()
            })
            .collect();

        assert_eq!(found, expected);
    }

    #[test]
    fn what_people_number_is_read_by_number_and_the_rest_as_it_stands() {
        let issues = [(Plural::Issues, 2), (Plural::Issues, 1)];
        let users = [(Plural::Users, 2), (Plural::Users, 1)];
        let (_scratch, shelf) = shelf(&[issues, users].concat());

        check(&shelf, Plural::Issues, &["{\"n\":1}", "{\"n\":2}"]);
        check(&shelf, Plural::Users, &["{\"n\":2}", "{\"n\":1}"]);
    }

    #[test]
    fn a_stream_waits_for_the_next_file() {
        let (_scratch, shelf) = shelf(&[(Plural::Users, 1), (Plural::Users, 2)]);

        drop(shelf.open(0, Vec::new()).unwrap());
        drop(shelf.open(1, Vec::new()).unwrap());

        assert_eq!(shelf.waiting.lock().unwrap().len(), 1);
    }
}
