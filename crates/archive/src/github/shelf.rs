//! The archive's record files, once more, where each can be opened at once.
//!
//! A tar in gzip can only be read forward, and GitHub's members stand in no
//! order. So while the archive is read for the first time, its record files go
//! compressed into a nameless file in the scratch directory. Repositories and
//! blobs stay where they are.

use super::plural::Plural;
use crate::container::{ArchiveError, JsonArray, Limits};
use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek, Write},
    os::unix::fs::FileExt,
    path::Path,
    sync::Arc,
};

/// Fast; the archive itself keeps the small form.
const LEVEL: i32 = 1;

/// A record file on the shelf.
#[derive(Clone, Copy, Debug)]
struct Place {
    plural: Plural,
    number: u32,
    offset: u64,
    length: u64,
}

/// The record files, by plural and number.
#[derive(Debug)]
pub(super) struct Shelf {
    file: Arc<File>,
    places: Vec<Place>,
    limits: Limits,
}

/// A shelf that is being filled.
pub(super) struct Filling {
    file: BufWriter<File>,
    places: Vec<Place>,
    limits: Limits,
}

impl Filling {
    /// Begins a shelf.
    ///
    /// SECURITY: the file has no name and goes with the process, whatever ends it.
    pub(super) fn begin(scratch: &Path, limits: Limits) -> Result<Self, ArchiveError> {
        let fail = || ArchiveError::system("make a scratch file");
        std::fs::create_dir_all(scratch).map_err(fail())?;
        let file = tempfile::tempfile_in(scratch).map_err(fail())?;
        Ok(Self { file: BufWriter::new(file), places: Vec::new(), limits })
    }

    /// Puts a record file on the shelf and visits its records on the way.
    pub(super) fn put(
        &mut self,
        (plural, number): (Plural, u32),
        data: &mut dyn Read,
        mut visit: impl FnMut(u64, &[u8]) -> Result<(), ArchiveError>,
    ) -> Result<(), ArchiveError> {
        let fail = || ArchiveError::system("write a scratch file");
        let offset = self.file.stream_position().map_err(fail())?;
        let copy = zstd::stream::write::Encoder::new(&mut self.file, LEVEL).map_err(fail())?;
        let mut tee = Tee { from: data, copy };
        let name = plural.file(number);
        let mut array = JsonArray::new(&mut tee, &name, &self.limits);
        let mut n_record = 0;
        while let Some(json) = array.next()? {
            visit(n_record, json)?;
            n_record += 1;
        }
        tee.copy.finish().map_err(fail())?;
        let length = self.file.stream_position().map_err(fail())? - offset;
        self.places.push(Place { plural, number, offset, length });
        Ok(())
    }

    /// Ends the filling.
    pub(super) fn end(mut self) -> Result<Shelf, ArchiveError> {
        let fail = || ArchiveError::system("write a scratch file");
        self.file.flush().map_err(fail())?;
        let file = self.file.into_inner().map_err(|it| fail()(it.into_error()))?;
        self.places.sort_by_key(|it| (it.plural, it.number));
        self.places.shrink_to_fit();
        Ok(Shelf { file: Arc::new(file), places: self.places, limits: self.limits })
    }
}

struct Tee<'a, W: Write> {
    from: &'a mut dyn Read,
    copy: W,
}

impl<W: Write> Read for Tee<'_, W> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.from.read(out)?;
        self.copy.write_all(&out[..n])?;
        Ok(n)
    }
}

/// The records of one file.
pub(super) type Records = JsonArray<zstd::stream::read::Decoder<'static, BufReader<Window>>>;

impl Shelf {
    /// Where the files of a sort stand.
    fn range(&self, plural: Plural) -> std::ops::Range<usize> {
        let start = self.places.partition_point(|it| it.plural < plural);
        let end = self.places.partition_point(|it| it.plural <= plural);
        start..end
    }

    /// The files of a sort whose numbers lie between two, both included: their places on the shelf.
    pub(super) fn between(&self, plural: Plural, first: u32, last: u32) -> std::ops::Range<usize> {
        let range = self.range(plural);
        let files = &self.places[range.clone()];
        let start = range.start + files.partition_point(|it| it.number < first);
        let end = range.start + files.partition_point(|it| it.number <= last);
        start..end
    }

    /// Opens the file at a place.
    pub(super) fn open(&self, at: usize) -> Result<Records, ArchiveError> {
        let gone = || ArchiveError::NotAnArchive {
            file: "the scratch file".to_owned(),
            detail: format!("it has no place {at}"),
        };
        let place = self.places.get(at).ok_or_else(gone)?;
        let window = Window {
            file: Arc::clone(&self.file),
            at: place.offset,
            end: place.offset + place.length,
        };
        let fail = ArchiveError::system("read a scratch file");
        let plain = zstd::stream::read::Decoder::new(window).map_err(fail)?;
        Ok(JsonArray::new(plain, &place.plural.file(place.number), &self.limits))
    }

    /// Name of the file at a place.
    pub(super) fn name(&self, at: usize) -> String {
        self.places.get(at).map(|it| it.plural.file(it.number)).unwrap_or_default()
    }
}

/// A part of the shelf's file, read without moving anybody else's place in it.
#[derive(Debug)]
pub(super) struct Window {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl Read for Window {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let most = out.len().min(left);
        let n = self.file.read_at(&mut out[..most], self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_stand_in_the_order_of_their_numbers() {
        let scratch = tempfile::tempdir().unwrap();
        let mut filling = Filling::begin(scratch.path(), Limits::default()).unwrap();
        for (plural, number) in [(Plural::Issues, 2), (Plural::Users, 1), (Plural::Issues, 1)] {
            let json = format!("[{{\"n\":{number}}}]");
            filling.put((plural, number), &mut json.as_bytes(), |_, _| Ok(())).unwrap();
        }

        let shelf = filling.end().unwrap();

        let found: Vec<String> = shelf
            .between(Plural::Issues, 0, 9)
            .map(|at| {
                let mut records = shelf.open(at).unwrap();
                String::from_utf8(records.next().unwrap().unwrap().to_vec()).unwrap()
            })
            .collect();
        assert_eq!(found, ["{\"n\":1}", "{\"n\":2}"]);
    }
}
