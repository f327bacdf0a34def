//! Records on their way to who counts them: cutting an archive into records and looking for what is
//! not known in them takes one thread, and parsing them another.

use super::{
    super::{plural::Plural, wire::Unknown},
    tally::Tally,
};
use crate::container::ArchiveError;
use std::{
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::{self, JoinHandle},
};

/// Bytes of records that are handed over together.
const SHEET: usize = 256 << 10;
/// Sheets that are full before anybody counts them.
const AHEAD: usize = 1;
/// Files that a sheet has records of, at most: some are empty.
const FILES: usize = 1_000;

/// Records of some files, in their order.
#[derive(Default)]
struct Sheet {
    files: Vec<File>,
    text: String,
    /// Where each record ends in the text.
    ends: Vec<usize>,
}

/// A file with records on a sheet.
struct File {
    plural: Plural,
    /// Its place among those of its sort.
    order: u32,
    member: String,
    /// Its records that were on earlier sheets.
    n_before: u64,
    /// Its first record among those of the sheet.
    first: usize,
}

impl File {
    /// Why a record cannot be read, which is the `n`th of the sheet.
    fn malformed(&self, n: usize, error: serde_json::Error) -> ArchiveError {
        let number = self.n_before + (n - self.first) as u64 + 1;
        ArchiveError::malformed(&self.member, 0, format!("record {number}: {error}"))
    }
}

/// Has records counted on a thread of its own.
pub(super) struct Counting {
    sheet: Sheet,
    unknown: Unknown,
    full: SyncSender<Sheet>,
    /// Sheets that were counted, to be filled again.
    empty: Receiver<Sheet>,
    thread: JoinHandle<Result<Tally, ArchiveError>>,
}

impl Counting {
    /// Begins.
    pub(super) fn begin() -> Self {
        let (full, to_count) = sync_channel::<Sheet>(AHEAD);
        let (counted, empty) = sync_channel(AHEAD + 2);
        let thread = thread::spawn(move || {
            let mut tally = Tally::default();
            for mut sheet in to_count {
                sheet.count(&mut tally)?;
                sheet.clear();
                drop(counted.try_send(sheet));
            }
            Ok(tally)
        });
        let (sheet, unknown) = (Sheet::default(), Unknown::default());
        Self { sheet, unknown, full, empty, thread }
    }

    /// Goes on to a file; `order` is its place among those of its sort.
    ///
    /// # Errors
    ///
    /// As [`record`](Self::record).
    pub(super) fn file(
        &mut self,
        (plural, order): (Plural, u32),
        member: &str,
    ) -> Result<(), ArchiveError> {
        if self.sheet.files.len() >= FILES {
            self.hand_over()?;
        }
        let first = self.sheet.ends.len();
        self.sheet.files.push(File {
            plural,
            order,
            member: member.to_owned(),
            n_before: 0,
            first,
        });
        Ok(())
    }

    /// Hands over a record of that file.
    ///
    /// # Errors
    ///
    /// When it is not JSON, or an earlier record could not be read: [`end`](Self::end) tells which.
    pub(super) fn record(&mut self, json: &str) -> Result<(), ArchiveError> {
        if let Some(file) = self.sheet.files.last() {
            let inspected = self.unknown.inspect(file.plural.name(), file.plural.shape(), json);
            inspected.map_err(|error| file.malformed(self.sheet.ends.len(), error))?;
        }
        self.sheet.text.push_str(json);
        self.sheet.ends.push(self.sheet.text.len());
        if self.sheet.text.len() < SHEET { Ok(()) } else { self.hand_over() }
    }

    fn hand_over(&mut self) -> Result<(), ArchiveError> {
        let mut next = self.empty.try_recv().unwrap_or_default();
        next.files.extend(self.sheet.rest());
        let full = std::mem::replace(&mut self.sheet, next);
        self.full.send(full).map_err(|_| {
            let why = std::io::Error::other("an earlier record could not be read");
            ArchiveError::system("count records")(why)
        })
    }

    /// What all records came to.
    ///
    /// # Errors
    ///
    /// Which record could not be read, and why.
    pub(super) fn end(self) -> Result<Tally, ArchiveError> {
        let Self { sheet, unknown, full, empty: _, thread } = self;
        // Where nobody takes it, the thread says why.
        drop(full.send(sheet));
        drop(full);
        let mut tally = thread.join().unwrap_or_else(|_| {
            let why = std::io::Error::other("the thread that counts records has died");
            Err(ArchiveError::system("count records")(why))
        })?;
        tally.unknown.append(unknown);
        Ok(tally)
    }
}

impl Sheet {
    fn count(&self, tally: &mut Tally) -> Result<(), ArchiveError> {
        let mut start = 0;
        let mut files = self.files.iter().peekable();
        let mut file = files.next();
        for (n, &end) in self.ends.iter().enumerate() {
            while let Some(next) = files.next_if(|it| it.first <= n) {
                file = Some(next);
            }
            let json = &self.text[start..end];
            start = end;
            let Some(file) = file else { continue };
            let counted = tally.record((file.plural, file.order), json);
            counted.map_err(|error| file.malformed(n, error))?;
        }
        Ok(())
    }

    /// The file that goes on on the next sheet.
    fn rest(&self) -> Option<File> {
        let last = self.files.last()?;
        Some(File {
            plural: last.plural,
            order: last.order,
            member: last.member.clone(),
            n_before: last.n_before + (self.ends.len() - last.first) as u64,
            first: 0,
        })
    }

    fn clear(&mut self) {
        self.files.clear();
        self.text.clear();
        // One huge record does not keep its room.
        self.text.shrink_to(2 * SHEET);
        self.ends.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comment(number: usize, body: usize) -> String {
        let body = "x".repeat(body);
        format!(
            r#"{{"type":"issue_comment","url":"https://github.com/a/b/issues/1#issuecomment-{number}","issue":"https://github.com/a/b/issues/1","body":"{body}"}}"#
        )
    }

    /// Hands over that many records of each file.
    fn counted(files: &[Vec<String>]) -> Result<Tally, ArchiveError> {
        let mut counting = Counting::begin();
        let handed_over = (0..).zip(files).try_for_each(|(order, records)| {
            counting.file((Plural::IssueComments, order), &format!("f{order}.json"))?;
            records.iter().try_for_each(|it| counting.record(it))
        });
        let tally = counting.end()?;
        handed_over.map(|()| tally)
    }

    #[test]
    fn records_are_counted_on_however_many_sheets() {
        let files = [vec![comment(1, 10), comment(2, SHEET), comment(3, 10)], vec![], {
            (4..40).map(|n| comment(n, SHEET / 3)).collect()
        }];

        let tally = counted(&files).unwrap();

        assert_eq!(tally.counts.values().sum::<u64>(), 39);
    }

    #[test]
    fn a_record_that_cannot_be_read_is_told_by_its_number_in_its_file() {
        for body in [10, SHEET / 2, SHEET] {
            let mut records: Vec<_> = (1..=20).map(|n| comment(n, body)).collect();
            records[12] = "{".to_owned();

            let error = counted(&[vec![comment(0, body)], records]).err().unwrap().to_string();

            assert!(error.contains("f1.json") && error.contains("record 13"), "{error}");
        }
    }

    #[test]
    fn files_without_records_do_not_fill_the_memory() {
        let mut counting = Counting::begin();
        for order in 0..5 * FILES as u32 {
            counting.file((Plural::Issues, order), "empty.json").unwrap();

            assert!(counting.sheet.files.len() <= FILES);
        }
        assert!(counting.end().unwrap().counts.is_empty());
    }
}
