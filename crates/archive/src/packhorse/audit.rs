//! The manifest (section 7), held against what is there.

use super::{
    lanes::Lanes,
    line::Unread,
    manifest::{EndLine, Line, MemberLine},
};
use crate::container::{Archive, ArchiveError, Limits, Lines, Member};
use packhorse_core::ObjectKind;
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Read, Seek, Write},
    path::Path,
};

/// Longest line of a manifest, in bytes (section 10).
const MAX_LINE: usize = 64 << 10;

/// What was found so far, to be compared with the manifest at the end.
pub(super) struct Audit {
    /// The member lines that the manifest must have, on disk.
    found: BufWriter<File>,
    pub(super) lanes: Lanes,
    sums: EndLine,
    /// Shapes of lines that are not known here.
    pub(super) unread: Unread,
}

/// Hashes what is read through it.
pub(super) struct Hashing<'a> {
    data: &'a mut dyn Read,
    hash: Sha256,
}

impl<'a> Hashing<'a> {
    pub(super) fn new(data: &'a mut dyn Read) -> Self {
        Self { data, hash: Sha256::new() }
    }
}

impl Read for Hashing<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.data.read(out)?;
        self.hash.update(&out[..read]);
        Ok(read)
    }
}

fn spool() -> impl FnOnce(io::Error) -> ArchiveError {
    ArchiveError::system("list what is in the archive")
}

impl Audit {
    /// Begins with nothing found.
    pub(super) fn begin(scratch: &Path) -> Result<Self, ArchiveError> {
        std::fs::create_dir_all(scratch).map_err(spool())?;
        let found = BufWriter::new(tempfile::tempfile_in(scratch).map_err(spool())?);
        let (lanes, sums, unread) = (Lanes::default(), EndLine::default(), Unread::default());
        Ok(Self { found, lanes, sums, unread })
    }

    /// Reads the rest of a member and notes it; its SHA-256.
    pub(super) fn note(
        &mut self,
        member: &Member,
        records: Option<u64>,
        mut data: Hashing<'_>,
    ) -> Result<[u8; 32], ArchiveError> {
        io::copy(&mut data, &mut io::sink()).map_err(ArchiveError::system("read a member"))?;
        let sha256: [u8; 32] = data.hash.finalize().into();
        self.sums.members += 1;
        self.sums.bytes += member.size;
        let (name, size) = (member.name.clone(), member.size);
        let line = MemberLine { name, records, sha256: super::hex(&sha256), size };
        serde_json::to_writer(&mut self.found, &line)
            .map_err(io::Error::from)
            .and_then(|()| self.found.write_all(b"\n"))
            .map_err(spool())?;
        Ok(sha256)
    }

    /// Holds the manifest against what was found, line by line; its last line.
    pub(super) fn manifest(
        &mut self,
        archive: &Archive,
        member: &Member,
        data: &mut dyn Read,
    ) -> Result<EndLine, ArchiveError> {
        let bad = |detail: &str| Err(inconsistent(&member.name, detail));
        let mut found = self.found()?;
        let counted = self.lanes.lines();
        let mut counted = counted.iter();
        let limits = Limits { max_record_bytes: MAX_LINE, ..*archive.limits() };
        let mut lines = Lines::new(data, &member.name, &limits);
        let mut end: Option<EndLine> = None;
        let mut at = 0;
        while let Some(text) = lines.next()? {
            if end.is_some() {
                return bad("something follows its last line");
            }
            match self.line(member, at, text)? {
                None => {}
                Some(Line::Member(listed)) => compare(&listed, found.next(), member)?,
                Some(Line::Lane(listed)) if ObjectKind::named(&listed.kind).is_none() => {
                    self.sums.records += listed.records;
                }
                Some(Line::Lane(listed)) => {
                    if counted.next() != Some(&listed) {
                        return bad(&format!("the count of {} is not what is there", listed.kind));
                    }
                    self.sums.records += listed.records;
                }
                Some(Line::End(it)) => end = Some(it),
            }
            at = lines.position();
        }
        if let Some(extra) = found.next() {
            return Err(inconsistent(&extra?.name, "the manifest does not list it"));
        }
        if counted.next().is_some() {
            return bad("it does not count all that is there");
        }
        let Some(end) = end else { return bad("it has no end") };
        let sums = &self.sums;
        if (end.members, end.bytes, end.records) != (sums.members, sums.bytes, sums.records) {
            return bad("its sums are not those of what is there");
        }
        Ok(end)
    }

    /// Reads a line; `None` for a shape that a later version has added.
    fn line(
        &mut self,
        member: &Member,
        at: u64,
        text: &[u8],
    ) -> Result<Option<Line>, ArchiveError> {
        let error = match serde_json::from_slice(text) {
            Ok(line) => return Ok(Some(line)),
            Err(error) => error,
        };
        let value: serde_json::Value = serde_json::from_slice(text).unwrap_or_default();
        let key = value.as_object().filter(|it| it.len() == 1).and_then(|it| it.keys().next());
        match key {
            Some(key) if !["member", "lane", "end"].contains(&key.as_str()) => {
                self.unread.add(format!("manifest.{key}").chars().take(200).collect(), 1);
                Ok(None)
            }
            _ => Err(ArchiveError::malformed(&member.name, at, error.to_string())),
        }
    }

    fn found(&mut self) -> Result<Found, ArchiveError> {
        self.found.flush().map_err(spool())?;
        let mut file = self.found.get_ref().try_clone().map_err(spool())?;
        file.rewind().map_err(spool())?;
        Ok(Found { lines: BufReader::new(file), text: String::new() })
    }
}

/// The members that were found, in their order.
struct Found {
    lines: BufReader<File>,
    text: String,
}

impl Found {
    fn next(&mut self) -> Option<Result<MemberLine, ArchiveError>> {
        self.text.clear();
        match self.lines.read_line(&mut self.text) {
            Ok(0) => None,
            Ok(_) => Some(
                serde_json::from_str(&self.text).map_err(io::Error::from).map_err(spool()),
            ),
            Err(error) => Some(Err(spool()(error))),
        }
    }
}

fn compare(
    listed: &MemberLine,
    found: Option<Result<MemberLine, ArchiveError>>,
    manifest: &Member,
) -> Result<(), ArchiveError> {
    let Some(found) = found.transpose()? else {
        let detail = format!("`{}` is listed and is not there", listed.name);
        return Err(inconsistent(&manifest.name, &detail));
    };
    let detail = if found == *listed {
        return Ok(());
    } else if found.name != listed.name {
        format!("the manifest lists `{}` in its place", listed.name)
    } else if found.size != listed.size {
        format!("it has {} bytes, and {} in the manifest", found.size, listed.size)
    } else if found.sha256 != listed.sha256 {
        "its bytes have not the hash that the manifest says".to_owned()
    } else {
        "it has not as many lines as the manifest says".to_owned()
    };
    Err(inconsistent(&found.name, &detail))
}

/// A member that does not fit in with the others.
pub(super) fn inconsistent(member: &str, detail: &str) -> ArchiveError {
    ArchiveError::Inconsistent { member: member.to_owned(), detail: detail.to_owned() }
}
