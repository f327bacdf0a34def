//! `project.json` of versions before 12.10: one object with all relations in it.
//!
//! It is read as it comes by; of each list one element is held at a time.

use crate::{
    container::{Archive, ArchiveError, Member},
    spool::SpoolError,
};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::{
    cell::Cell,
    fmt,
    io::{self, BufReader, Read},
    rc::Rc,
};

/// Lists in it that are relations; what is not among them is the project's own.
const RELATIONS: [&str; 14] = [
    "labels",
    "milestones",
    "issues",
    "merge_requests",
    "snippets",
    "commit_notes",
    "releases",
    "project_members",
    "protected_branches",
    "protected_tags",
    "boards",
    "ci_pipelines",
    "pipelines",
    "user_contributions",
];

/// Visits each row of each relation.
///
/// # Errors
///
/// When it is not JSON, an element is too long, or what the visitor answers.
pub(super) fn each(
    archive: &Archive,
    member: &Member,
    mut visit: impl FnMut(&str, &[u8]) -> Result<(), SpoolError>,
) -> Result<(), SpoolError> {
    let most = archive.limits().max_record_bytes as u64;
    let budget = Rc::new(Cell::new(most));
    let from = Bounded { from: archive.member(member, 0)?, left: Rc::clone(&budget) };
    let mut json = serde_json::Deserializer::from_reader(BufReader::with_capacity(64 << 10, from));
    let mut failed = None;
    let read =
        json.deserialize_map(Top { visit: &mut visit, budget: &budget, most, failed: &mut failed });
    if let Some(error) = failed {
        return Err(error);
    }
    read.map_err(|it| {
        if budget.get() == 0 {
            let what = format!("the size of a row of `{}`", member.name);
            return SpoolError::from(ArchiveError::OverLimit { what, limit: most });
        }
        ArchiveError::malformed(&member.name, 0, it.to_string()).into()
    })
}

/// Gives no more bytes than are left until somebody sets that anew.
///
/// SECURITY: one element must not fill the memory.
struct Bounded<R> {
    from: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left.get()).unwrap_or(usize::MAX).min(out.len());
        if most == 0 && !out.is_empty() {
            return Err(io::Error::other("an element is too long"));
        }
        let n = self.from.read(&mut out[..most])?;
        self.left.set(self.left.get() - n as u64);
        Ok(n)
    }
}

type Visit<'a> = &'a mut dyn FnMut(&str, &[u8]) -> Result<(), SpoolError>;

struct Top<'a> {
    visit: Visit<'a>,
    budget: &'a Cell<u64>,
    most: u64,
    failed: &'a mut Option<SpoolError>,
}

impl<'de> Visitor<'de> for Top<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a project")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if RELATIONS.contains(&key.as_str()) {
                map.next_value_seed(List {
                    relation: &key,
                    visit: &mut *self.visit,
                    budget: self.budget,
                    most: self.most,
                    failed: &mut *self.failed,
                })?;
            } else {
                self.budget.set(self.most);
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

struct List<'a> {
    relation: &'a str,
    visit: Visit<'a>,
    budget: &'a Cell<u64>,
    most: u64,
    failed: &'a mut Option<SpoolError>,
}

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        self.budget.set(self.most);
        while let Some(row) = list.next_element::<Box<RawValue>>()? {
            if let Err(error) = (self.visit)(self.relation, row.get().as_bytes()) {
                *self.failed = Some(error);
                return Err(serde::de::Error::custom("a visitor has failed"));
            }
            self.budget.set(self.most);
        }
        Ok(())
    }
}
