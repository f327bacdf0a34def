//! Lanes out of the record files, a page at a time.
//!
//! A page goes on where the one before ended: the reader of a lane waits for
//! its next page, and is made anew where nobody kept it.

use super::{
    expand::expand, index::Index, map::file::TARBALL, owners::Owners, plural::Plural,
    shelf::Records,
};
use crate::container::ArchiveError;
use memchr::memmem;
use packhorse_core::{
    Cursor, Lane, Loss, Object, ObjectKind, Record, Scope, model::Blob, port::Page,
};
use std::{
    collections::{BTreeMap, VecDeque},
    ops::Range,
    sync::{Mutex, PoisonError},
};

/// A page ends after that many records …
const PAGE_RECORDS: usize = 500;
/// … or after that many bytes of the archive's JSON.
const PAGE_BYTES: usize = 2 << 20;
/// Readers that wait for their next page.
const MAX_WAITING: usize = 16;

/// A place in a lane: which sort of file, which file of the lane's, how many records of it are
/// done, and how many of what the next one holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct At {
    plural: usize,
    file: usize,
    record: u64,
    part: usize,
}

impl At {
    fn parse(cursor: &Cursor) -> Option<Self> {
        let mut parts = cursor.0.split('.').map(|it| it.parse::<u64>().ok());
        let mut next = || parts.next().flatten();
        let number = |it: u64| usize::try_from(it).ok();
        let at = Self {
            plural: number(next()?)?,
            file: number(next()?)?,
            record: next()?,
            part: number(next()?)?,
        };
        parts.next().is_none().then_some(at)
    }

    fn cursor(self) -> Cursor {
        Cursor(format!("{}.{}.{}.{}", self.plural, self.file, self.record, self.part))
    }
}

/// Reads lanes out of an archive.
#[derive(Default)]
pub(super) struct Lanes {
    waiting: Mutex<VecDeque<(Lane, Reader)>>,
}

impl Lanes {
    /// Reads a page; `only` restricts the list of projects to one.
    pub(super) fn page(
        &self,
        index: &Index,
        lane: &Lane,
        at: Option<&Cursor>,
        only: Option<&str>,
    ) -> Result<Page, ArchiveError> {
        let numbered = matches!(lane.kind, ObjectKind::Issue | ObjectKind::ChangeRequest);
        if numbered {
            let plural = Plural::holding(lane.kind, false).find(|it| it.is_numbered());
            let is_ordered = |it: &Plural| index.is_ordered(lane.scope.project(), *it);
            if let Some(plural) = plural.filter(|it| !is_ordered(it)) {
                return sorted_page(index, lane, plural, at);
            }
        }
        let place = match at {
            None => At::default(),
            Some(cursor) => At::parse(cursor).ok_or_else(|| foreign(cursor))?,
        };
        let mut reader = match self.take(lane, place) {
            Some(reader) => reader,
            None => Reader::new(lane, place),
        };
        let page = reader.page(index, only)?;
        if page.next.is_some() {
            self.put(lane, reader);
        }
        Ok(page)
    }

    fn take(&self, lane: &Lane, at: At) -> Option<Reader> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let found = waiting.iter().position(|(it, reader)| it == lane && reader.at == at)?;
        waiting.remove(found).map(|(_, reader)| reader)
    }

    fn put(&self, lane: &Lane, reader: Reader) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= MAX_WAITING {
            waiting.pop_front();
        }
        waiting.push_back((lane.clone(), reader));
    }
}

fn foreign(cursor: &Cursor) -> ArchiveError {
    let detail = format!("`{}` is no place in a listing", cursor.0);
    ArchiveError::Inconsistent { member: "cursor".to_owned(), detail }
}

/// A record and the place before it.
struct Found {
    at: At,
    bytes: usize,
    record: Record,
}

/// Reads one lane forward.
struct Reader {
    kind: ObjectKind,
    project: Option<String>,
    plurals: Vec<Plural>,
    /// Where the next page begins.
    at: At,
    /// The next record of the archive.
    next: At,
    /// The open file, with its first `next.record` records taken out.
    open: Option<Records>,
    /// The last open file's.
    buffer: Vec<u8>,
    /// What the last record of the archive held and no page has taken.
    left: VecDeque<Found>,
    owners: Owners,
    /// Which of `plurals` is being read, and where its files stand.
    places: Option<(usize, Range<usize>)>,
}

impl Reader {
    fn new(lane: &Lane, at: At) -> Self {
        let is_shared = lane.scope == Scope::Shared;
        Self {
            kind: lane.kind,
            project: lane.scope.project().map(str::to_owned),
            plurals: Plural::holding(lane.kind, is_shared).collect(),
            at,
            next: at,
            open: None,
            buffer: Vec::new(),
            left: VecDeque::new(),
            owners: Owners::default(),
            places: None,
        }
    }

    fn page(&mut self, index: &Index, only: Option<&str>) -> Result<Page, ArchiveError> {
        let (mut records, mut n_bytes) = (Vec::with_capacity(PAGE_RECORDS), 0);
        loop {
            let Some(found) = self.pop(index, only)? else {
                return Ok(Page { records, next: None });
            };
            let is_full = records.len() >= PAGE_RECORDS
                || (!records.is_empty() && n_bytes + found.bytes > PAGE_BYTES);
            if is_full {
                self.at = found.at;
                self.left.push_front(found);
                return Ok(Page { records, next: Some(self.at.cursor()) });
            }
            n_bytes += found.bytes;
            records.push(found.record);
        }
    }

    /// The lane's next record.
    fn pop(&mut self, index: &Index, only: Option<&str>) -> Result<Option<Found>, ArchiveError> {
        loop {
            if let Some(found) = self.left.pop_front() {
                return Ok(Some(found));
            }
            let Some(&plural) = self.plurals.get(self.next.plural) else { return Ok(None) };
            let Some(place) = self.places(index, plural).nth(self.next.file) else {
                self.next = At { plural: self.next.plural + 1, ..At::default() };
                continue;
            };
            self.take_record(index, (plural, place), only)?;
        }
    }

    /// Where the files of the plural that is being read stand.
    fn places(&mut self, index: &Index, plural: Plural) -> Range<usize> {
        match &self.places {
            Some((known, places)) if *known == self.next.plural => places.clone(),
            _ => {
                let places = index.places(self.project.as_deref(), plural);
                self.places = Some((self.next.plural, places.clone()));
                places
            }
        }
    }

    /// Takes the next record of an open file apart, or goes on to the next file.
    fn take_record(
        &mut self,
        index: &Index,
        (plural, place): (Plural, usize),
        only: Option<&str>,
    ) -> Result<(), ArchiveError> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.open(index, place)?,
        };
        let at = self.next;
        let Some(json) = open.next()? else {
            self.next = At { file: at.file + 1, record: 0, part: 0, ..at };
            self.buffer = open.into_buffer();
            return Ok(());
        };
        self.next = At { record: at.record + 1, part: 0, ..at };
        let project = self.project.as_deref().or(only);
        let wanted = (plural, self.kind, project);
        let found = take(index, &mut self.owners, wanted, json).map_err(|error| {
            let detail = format!("record {}: {error}", at.record + 1);
            ArchiveError::malformed(&index.shelf.name(place), 0, detail)
        })?;
        let bytes = json.len() / found.len().max(1);
        let parts = found.into_iter().enumerate().skip(at.part);
        self.left.extend(parts.map(|(part, record)| Found {
            at: At { part, ..at },
            bytes,
            record,
        }));
        self.open = Some(open);
        Ok(())
    }

    /// Opens a file and passes over the records that are done.
    fn open(&mut self, index: &Index, place: usize) -> Result<Records, ArchiveError> {
        let mut open = index.shelf.open(place, std::mem::take(&mut self.buffer))?;
        for _ in 0..self.next.record {
            if open.next()?.is_none() {
                break;
            }
        }
        Ok(open)
    }
}

/// The records of a kind in one record of the archive, if it belongs to the project.
fn take(
    index: &Index,
    owners: &mut Owners,
    (plural, kind, project): (Plural, ObjectKind, Option<&str>),
    json: &str,
) -> Result<Vec<Record>, serde_json::Error> {
    if kind == ObjectKind::Reaction && !may_have_reactions(json) {
        return Ok(Vec::new());
    }
    let parsed = plural.parse(json)?;
    if let (Some(project), false) = (project, plural.is_shared())
        && owners.of(&parsed).is_none_or(|it| it != project)
    {
        return Ok(Vec::new());
    }
    let found = expand(parsed, Some(kind)).records.into_iter();
    Ok(found.map(|it| with_blob(index, it)).collect())
}

/// Whether a record may have reactions, told without parsing it: few have, and all have to be
/// looked at.
///
/// A quote within a string is escaped, so the word in quotes can only be a key or a whole string;
/// a letter that is written as an escape could hide it.
fn may_have_reactions(json: &str) -> bool {
    const KEY: &str = "\"reactions\"";
    let holds_any = |at: usize| {
        let value = json[at + KEY.len()..].trim_start().trim_start_matches(':').trim_start();
        !value.strip_prefix('[').is_some_and(|it| it.trim_start().starts_with(']'))
    };
    let is_letter = |at: usize| matches!(json.as_bytes().get(at + 4), Some(b'4'..=b'7'));
    memmem::find_iter(json.as_bytes(), KEY).any(holds_any)
        || memmem::find_iter(json.as_bytes(), "\\u00").any(is_letter)
}

/// Tells a record with bytes how many they are and what they hash to.
fn with_blob(index: &Index, (mut record, at): (Record, Option<String>)) -> Record {
    let blob = if let Object::Attachment(it) = &mut record.object {
        Some(&mut it.blob)
    } else if let Object::ReleaseAsset(it) = &mut record.object {
        it.blob.as_mut()
    } else {
        None
    };
    let Some(blob) = blob else { return record };
    let name = at.as_deref().and_then(|it| it.strip_prefix(TARBALL));
    match name.and_then(|it| index.files.blob(it)) {
        Some(place) => *blob = Blob { size: Some(place.size), sha256: Some(place.sha256()) },
        None => {
            let name = at.as_deref().unwrap_or("null");
            let name: String = name.chars().take(200).collect();
            let detail = format!("the archive does not have `{name}`");
            record.losses.push(Loss::source("blob", detail));
        }
    }
    record
}

/// A page of a lane whose numbers do not ascend as they stand: the lowest ones above the last.
///
/// Reads the whole lane for each page, which only exporters with a strange order cost.
fn sorted_page(
    index: &Index,
    lane: &Lane,
    plural: Plural,
    at: Option<&Cursor>,
) -> Result<Page, ArchiveError> {
    let after = match at {
        None => None,
        Some(it) => Some(it.0.parse::<u64>().map_err(|_| foreign(it))?),
    };
    let mut owners = Owners::default();
    let mut lowest = BTreeMap::<u64, (usize, Record)>::new();
    let mut n_bytes = 0;
    let mut is_cut = false;
    for place in index.places(lane.scope.project(), plural) {
        let mut open = index.shelf.open(place, Vec::new())?;
        while let Some(json) = open.next()? {
            let wanted = (plural, lane.kind, lane.scope.project());
            let records = take(index, &mut owners, wanted, json);
            let records = records.map_err(|error| {
                ArchiveError::malformed(&index.shelf.name(place), 0, error.to_string())
            })?;
            for record in records {
                let number: u64 = record.origin.id.parse().unwrap_or(u64::MAX);
                if after.is_some_and(|it| number <= it) {
                    continue;
                }
                if let Some((_, first)) = lowest.get_mut(&number) {
                    let detail = "another record has the same number and is left out";
                    first.losses.push(Loss::source(Loss::WHOLE, detail));
                    continue;
                }
                n_bytes += json.len();
                lowest.insert(number, (json.len(), record));
            }
            while lowest.len() > PAGE_RECORDS || (lowest.len() > 1 && n_bytes > PAGE_BYTES) {
                if let Some((_, (bytes, _))) = lowest.pop_last() {
                    n_bytes -= bytes;
                    is_cut = true;
                }
            }
        }
    }
    let last = lowest.last_key_value().map(|(number, _)| Cursor(number.to_string()));
    let records = lowest.into_values().map(|(_, record)| record).collect();
    Ok(Page { records, next: last.filter(|_| is_cut) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, expected: bool) {
        assert_eq!(may_have_reactions(json), expected, "{json}");
    }

    #[test]
    fn a_record_without_reactions_need_not_be_parsed() {
        check(r#"{"a":1}"#, false);
        check(r#"{"reactions":[]}"#, false);
        check(r#"{"reactions" : [ ] ,"b":[1]}"#, false);
        check(r#"{"body":"\"reactions\":[{"}"#, false);
        check(r#"{"body":"\u003c"}"#, false);
        check(r#"{"reactions":[{"content":"+1"}]}"#, true);
        check(r#"{"reactions":[],"reactions":[{}]}"#, true);
        check(r#"{"reac\u0074ions":[{}]}"#, true);
    }
}
