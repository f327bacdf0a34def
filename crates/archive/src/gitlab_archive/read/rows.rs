//! Rows of NDJSON, one at a time, of any length.
//!
//! A row of a merge request holds the diffs of all its files. Up to 16 MiB a row is held; a longer
//! one is read as it comes by, so that only what becomes records is ever in memory.

use crate::{
    container::{Archive, ArchiveError, Limits, Member, MemberData, ReadAhead},
    spool::SpoolError,
    wire::{Unknown, Wire},
};
use std::io::{self, BufRead, BufReader, Read};

/// Longest row that is held whole, in bytes.
const HELD: u64 = 16 << 20;
/// How many times the longest record of other formats a row may be: a gigabyte.
const TIMES: u64 = 16;

/// A row.
pub(super) enum Json<'a> {
    Whole(&'a [u8]),
    Long(&'a mut dyn Read),
}

impl Json<'_> {
    /// Reads it as a record; `None` for `null`. Keys that nobody knows are counted under the name
    /// of the relation, where the row is not longer than what is held.
    ///
    /// # Errors
    ///
    /// When it is not JSON, or not such a record.
    pub(super) fn parse<T: Wire>(
        self,
        relation: &str,
        unknown: &mut Unknown,
    ) -> Result<Option<T>, serde_json::Error> {
        match self {
            Self::Whole(bytes) => {
                let found: Option<T> = serde_json::from_slice(bytes)?;
                if found.is_some()
                    && let Ok(text) = std::str::from_utf8(bytes)
                {
                    unknown.inspect(relation, &T::SHAPE, text)?;
                }
                Ok(found)
            }
            Self::Long(from) => {
                unknown.note(format!("{relation} (rows too long to look for unknown keys)"), 1);
                serde_json::from_reader(from)
            }
        }
    }
}

/// The rows of a member.
pub(super) struct Rows<R> {
    from: BufReader<R>,
    member: String,
    line: Vec<u8>,
    n: u64,
    longest: u64,
}

impl Rows<ReadAhead<MemberData>> {
    /// Begins at the first row; what comes next is unpacked meanwhile.
    pub(super) fn open(archive: &Archive, member: &Member) -> Result<Self, ArchiveError> {
        let data = ReadAhead::new(archive.member(member, 0)?);
        Ok(Self::new(data, &member.name, archive.limits()))
    }
}

impl<R: Read> Rows<R> {
    fn new(from: R, member: &str, limits: &Limits) -> Self {
        Self {
            from: BufReader::with_capacity(64 << 10, from),
            member: member.to_owned(),
            line: Vec::new(),
            n: 0,
            longest: (limits.max_record_bytes as u64).saturating_mul(TIMES),
        }
    }

    /// Visits the next row that is not empty; `false` after the last.
    ///
    /// # Errors
    ///
    /// What the visitor answers; that a row is longer than all bounds.
    pub(super) fn next(
        &mut self,
        visit: impl FnOnce(Json<'_>) -> Result<(), SpoolError>,
    ) -> Result<bool, SpoolError> {
        loop {
            self.line.clear();
            let read = (&mut self.from).take(HELD).read_until(b'\n', &mut self.line);
            let read = read.map_err(ArchiveError::system("read a member"))?;
            if read == 0 {
                return Ok(false);
            }
            self.n += 1;
            let is_whole = self.line.last() == Some(&b'\n') || (read as u64) < HELD;
            if !is_whole {
                return self.long(visit).map(|()| true);
            }
            let row = self.line.trim_ascii();
            if !row.is_empty() {
                return visit(Json::Whole(row)).map_err(|it| self.at(it)).map(|()| true);
            }
        }
    }

    fn long(
        &mut self,
        visit: impl FnOnce(Json<'_>) -> Result<(), SpoolError>,
    ) -> Result<(), SpoolError> {
        let budget = self.longest.saturating_sub(HELD);
        let mut rest = RestOfLine { from: &mut self.from, left: budget, is_done: false };
        let done = visit(Json::Long(&mut (&self.line[..]).chain(&mut rest)));
        // What the visitor did not look at.
        let skipped = io::copy(&mut rest, &mut io::sink());
        if rest.left == 0 && !rest.is_done {
            let what = format!("the size of a row of `{}`", self.member);
            return Err(ArchiveError::OverLimit { what, limit: self.longest }.into());
        }
        skipped.map_err(ArchiveError::system("read a member"))?;
        done.map_err(|it| self.at(it))
    }

    /// Says in which row something is wrong.
    fn at(&self, error: SpoolError) -> SpoolError {
        if let SpoolError::Archive(ArchiveError::Malformed { detail, .. }) = error {
            let detail = format!("row {}: {detail}", self.n);
            return ArchiveError::malformed(&self.member, 0, detail).into();
        }
        error
    }
}

/// What is left of a line, up to its end.
struct RestOfLine<'a, R: BufRead> {
    from: &'a mut R,
    left: u64,
    is_done: bool,
}

impl<R: BufRead> Read for RestOfLine<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.is_done || self.left == 0 || out.is_empty() {
            return Ok(0);
        }
        let held = self.from.fill_buf()?;
        let most = held.len().min(out.len()).min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let end = memchr::memchr(b'\n', &held[..most]);
        let n = end.unwrap_or(most);
        out[..n].copy_from_slice(&held[..n]);
        self.is_done = end.is_some() || held.is_empty();
        self.from.consume(n + usize::from(end.is_some()));
        self.left -= n as u64;
        // An empty rest is the end for whoever reads, which it is.
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &[u8]) -> Vec<usize> {
        let mut rows = Rows::new(text, "x", &Limits::default());
        let mut found = Vec::new();
        while rows
            .next(|json| {
                found.push(match json {
                    Json::Whole(bytes) => bytes.len(),
                    Json::Long(from) => io::copy(from, &mut io::sink()).unwrap() as usize,
                });
                Ok(())
            })
            .unwrap()
        {}
        found
    }

    #[test]
    fn rows_come_one_by_one() {
        assert_eq!(rows(b"{}\n\n{\"a\":1}\nnull"), [2, 7, 4]);
    }

    #[test]
    fn a_row_longer_than_what_is_held_comes_whole() {
        let long = vec![b'x'; HELD as usize + 70_000];

        assert_eq!(rows(&[b"{}\n", &long[..], b"\n{}\n"].concat()), [2, long.len(), 2]);
        assert_eq!(rows(&[&long[..], b"\n"].concat()), [long.len()]);
        assert_eq!(rows(&long), [long.len()]);
    }
}
