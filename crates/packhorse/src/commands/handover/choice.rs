//! Which way keeps more, by what the plans of both say.

use packhorse_core::{
    Keeps, ObjectKind,
    plan::{Fate, Plan, PlannedKind},
};
use std::collections::{BTreeMap, BTreeSet};

/// What one of two ways keeps and the other does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Side {
    /// In words.
    what: Vec<String>,
    /// Records that are better off.
    records: u64,
}

/// An archive against the API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Choice {
    archive: Side,
    api: Side,
}

/// Whether people write it, so that it has an author and a time.
fn is_written(kind: ObjectKind) -> bool {
    use ObjectKind as Kind;
    matches!(
        kind,
        Kind::Issue
            | Kind::Comment
            | Kind::Reaction
            | Kind::Event
            | Kind::ChangeRequest
            | Kind::Review
            | Kind::ReviewComment
            | Kind::CommitComment
            | Kind::Attachment
            | Kind::Release
            | Kind::Snippet
    )
}

fn is_numbered(kind: ObjectKind) -> bool {
    matches!(kind, ObjectKind::Issue | ObjectKind::ChangeRequest)
}

/// What a row counts; what nobody has counted is something.
fn records(row: &PlannedKind) -> u64 {
    row.records.unwrap_or(1)
}

fn arrives(row: Option<&&PlannedKind>) -> bool {
    row.is_some_and(|it| matches!(it.fate, Fate::Whole | Fate::Degraded))
}

impl Side {
    /// What one keeps of authors, times and numbers, and another does not.
    fn keep(&mut self, (one, other): (Keeps, Keeps), plan: &Plan) {
        let sum = |is: fn(ObjectKind) -> bool| {
            plan.kinds.iter().filter(|it| is(it.kind)).map(records).sum::<u64>()
        };
        for (name, one, other, is) in [
            ("authors", one.authors, other.authors, is_written as fn(ObjectKind) -> bool),
            ("times", one.times, other.times, is_written),
            ("numbers", one.numbers, other.numbers, is_numbered),
        ] {
            if one && !other {
                self.what.push(name.to_owned());
                self.records += sum(is);
            }
        }
    }

    /// A kind that arrives one way alone.
    fn bring(&mut self, row: &PlannedKind) {
        let name = row.kind.name().replace('_', " ");
        self.what.push(match row.records {
            Some(records) => format!("{name} ({records})"),
            None => name,
        });
        self.records += records(row);
    }
}

impl Choice {
    /// Weighs the plan of an archive, and what comes over the API afterwards, against that of the
    /// API alone.
    pub(super) fn of(
        (archive, kept): (&Plan, Keeps),
        (api, kept_by_api): (&Plan, Keeps),
        brought: &BTreeSet<ObjectKind>,
    ) -> Self {
        let mut choice = Self::default();
        choice.archive.keep((kept, kept_by_api), archive);
        choice.api.keep((kept_by_api, kept), archive);
        let by_kind = |plan: &'_ Plan| -> BTreeMap<ObjectKind, PlannedKind> {
            plan.kinds.iter().map(|it| (it.kind, it.clone())).collect()
        };
        let (one, other) = (by_kind(archive), by_kind(api));
        for kind in ObjectKind::ALL.iter().copied().filter(|it| !it.is_shared()) {
            let rows = (one.get(&kind), other.get(&kind));
            let Some(row) = rows.0.or(rows.1).filter(|it| it.records != Some(0)) else { continue };
            let over_api = arrives(rows.1.as_ref());
            let by_archive = arrives(rows.0.as_ref()) || (over_api && brought.contains(&kind));
            match (by_archive, over_api) {
                (true, false) => choice.archive.bring(row),
                (false, true) => choice.api.bring(row),
                (true, true) | (false, false) => {}
            }
        }
        choice
    }

    /// Whether more records are better off in an archive.
    pub(super) fn is_for_archive(&self) -> bool {
        self.archive.records > self.api.records
    }

    /// What the archive keeps, and what it does not.
    pub(super) fn words(&self) -> String {
        let kept = match &self.archive.what[..] {
            [] => "it keeps nothing more than the API".to_owned(),
            what => format!("it keeps {}, which the API does not", listed(what)),
        };
        match &self.api.what[..] {
            [] => kept,
            what => format!("{kept}; it does not bring {}, which the API does", listed(what)),
        }
    }

    /// Why not by archive.
    pub(super) fn against(&self) -> String {
        match &self.api.what[..] {
            [] => "an archive would keep nothing more".to_owned(),
            what => format!("an archive would not bring {}", listed(what)),
        }
    }
}

fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(rows: &[(ObjectKind, u64, Fate)]) -> Plan {
        let row = |&(kind, records, fate): &(ObjectKind, u64, Fate)| PlannedKind {
            kind,
            records: Some(records),
            bytes: None,
            fate,
            why: None,
            gaps: Vec::new(),
        };
        Plan { kinds: rows.iter().map(row).collect(), ..Plan::default() }
    }

    const NOTHING: Keeps = Keeps { authors: false, times: false, numbers: false };

    #[test]
    fn what_an_archive_keeps_besides_is_told() {
        let one = plan(&[(ObjectKind::Issue, 3, Fate::Whole)]);
        let numbers = Keeps { numbers: true, ..NOTHING };

        let choice = Choice::of((&one, Keeps::ALL), (&one, numbers), &BTreeSet::new());

        assert!(choice.is_for_archive());
        assert_eq!(choice.words(), "it keeps authors and times, which the API does not");
    }

    #[test]
    fn what_it_would_leave_out_is_weighed_against_it() {
        let rows = |fate| {
            plan(&[(ObjectKind::Issue, 3, Fate::Whole), (ObjectKind::CommitStatus, 90, fate)])
        };
        let (archive, api) = (rows(Fate::Dropped), rows(Fate::Whole));
        let sides = ((&archive, Keeps::ALL), (&api, NOTHING));

        let against = Choice::of(sides.0, sides.1, &BTreeSet::new());
        let brought = Choice::of(sides.0, sides.1, &BTreeSet::from([ObjectKind::CommitStatus]));

        assert!(!against.is_for_archive());
        assert_eq!(against.against(), "an archive would not bring commit status (90)");
        assert!(brought.is_for_archive());
    }

    #[test]
    fn nothing_more_is_no_reason() {
        let one = plan(&[(ObjectKind::Issue, 3, Fate::Whole)]);

        let choice = Choice::of((&one, Keeps::ALL), (&one, Keeps::ALL), &BTreeSet::new());

        assert!(!choice.is_for_archive());
        assert_eq!(choice.against(), "an archive would keep nothing more");
    }
}
