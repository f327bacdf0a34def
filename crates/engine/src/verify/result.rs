//! What a verification came to.

use packhorse_core::{ObjectKind, Scope, fingerprint::Difference};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Findings that are kept with their details; further ones are only counted.
pub const MAX_FINDINGS: usize = 1_000;

/// What reading back came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Verification {
    /// One row for each lane that has records on either side.
    pub lanes: Vec<LaneResult>,
    /// What is not as it should be, up to [`MAX_FINDINGS`].
    pub findings: Vec<Finding>,
    /// Findings beyond those that are kept.
    pub more_findings: u64,
    /// Whether everything is there and is as it should be; extra records do not count.
    pub clean: bool,
}

/// What comparing one lane came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneResult {
    /// Where it belongs at the source.
    pub scope: Scope,
    /// Its kind.
    pub kind: ObjectKind,
    /// Counts.
    #[serde(flatten)]
    pub tally: Tallied,
}

/// Counts of a comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tallied {
    /// Records that should be there.
    pub compared: u64,
    /// Those that are as they should be.
    pub equal: u64,
    /// Those that differ, also by their bytes or refs.
    pub different: u64,
    /// Those that are not there.
    pub missing: u64,
    /// Records that are there and that we did not write.
    pub extra: u64,
}

impl Tallied {
    /// Adds another comparison's counts.
    pub fn add(&mut self, other: &Self) {
        self.compared += other.compared;
        self.equal += other.equal;
        self.different += other.different;
        self.missing += other.missing;
        self.extra += other.extra;
    }

    /// Whether there is nothing on either side.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Where it belongs at the source.
    pub scope: Scope,
    /// Its kind.
    pub kind: ObjectKind,
    /// Id of its origin; of an extra record, its id at the destination.
    pub id: String,
    /// What is the matter.
    pub what: What,
}

/// What is the matter with a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum What {
    /// It differs.
    Different {
        /// The fields, up to twenty; none when `note` says why they cannot be named.
        fields: Vec<Difference>,
        /// What else there is to know.
        note: Option<String>,
    },
    /// It is not there.
    Missing,
    /// It is there, and we did not write it.
    Extra,
    /// It is there twice.
    Doubled,
    /// Its bytes, its history or its refs are not what they should be.
    Corrupt {
        /// What is wrong, for people.
        detail: String,
    },
}

impl What {
    /// Stable name, used in reports.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Different { .. } => "different",
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Doubled => "doubled",
            Self::Corrupt { .. } => "corrupt",
        }
    }
}

impl Verification {
    /// Nothing compared yet, and nothing wrong.
    pub(super) fn begun() -> Self {
        Self { clean: true, ..Self::default() }
    }

    /// Whether anything of a project is missing or differs; also when that is not among the
    /// findings that are kept.
    pub fn differs(&self, project: &str) -> bool {
        let in_lane = |it: &LaneResult| it.tally.different > 0 || it.tally.missing > 0;
        let in_finding = |it: &Finding| it.what != What::Extra;
        self.lanes.iter().any(|it| it.scope.project() == Some(project) && in_lane(it))
            || self.findings.iter().any(|it| {
                let is_it = it.scope.project() == Some(project)
                    || (it.kind == ObjectKind::Project && it.id == project);
                is_it && in_finding(it)
            })
    }

    /// Counts in all lanes.
    pub fn total(&self) -> Tallied {
        self.lanes.iter().fold(Tallied::default(), |mut sum, lane| {
            sum.add(&lane.tally);
            sum
        })
    }

    /// Keeps a finding, or counts it when there are enough.
    pub(super) fn find(&mut self, finding: Finding) {
        if finding.what != What::Extra {
            self.clean = false;
        }
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding);
        } else {
            self.more_findings += 1;
        }
    }

    /// Counts findings that are not looked at one by one.
    pub(super) fn count_more(&mut self, n: u64, fails: bool) {
        self.more_findings += n;
        if fails && n > 0 {
            self.clean = false;
        }
    }

    /// How many further findings can be kept.
    pub(super) fn room(&self) -> usize {
        MAX_FINDINGS - self.findings.len()
    }

    /// Keeps a lane's counts, unless there was nothing to count.
    pub(super) fn close_lane(&mut self, scope: &Scope, kind: ObjectKind, tally: Tallied) {
        if !tally.is_empty() {
            self.lanes.push(LaneResult { scope: scope.clone(), kind, tally });
        }
    }
}

/// What parts came to that were looked at side by side, by their places.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    parts: BTreeMap<usize, Verification>,
    /// Findings that are kept so far.
    n_kept: usize,
}

impl Gathered {
    /// Adds what a part came to. Further findings than fit are counted.
    pub(super) fn add(&mut self, place: usize, mut part: Verification) {
        if part == Verification::begun() {
            return;
        }
        let room = MAX_FINDINGS - self.n_kept;
        part.more_findings += part.findings.len().saturating_sub(room) as u64;
        part.findings.truncate(room);
        self.n_kept += part.findings.len();
        self.parts.insert(place, part);
    }

    /// All of it in the order of the places, whichever ended first.
    pub(super) fn in_order(self) -> Verification {
        self.parts.into_values().fold(Verification::begun(), |mut whole, part| {
            whole.lanes.extend(part.lanes);
            whole.findings.extend(part.findings);
            whole.more_findings += part.more_findings;
            whole.clean &= part.clean;
            whole
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A part in which so many of a kind are missing.
    fn part(kind: ObjectKind, n: u64) -> Verification {
        let (scope, mut part) = (Scope::Shared, Verification::begun());
        for id in 0..n {
            let (scope, id) = (scope.clone(), id.to_string());
            part.find(Finding { scope, kind, id, what: What::Missing });
        }
        part.close_lane(&scope, kind, Tallied { compared: n, missing: n, ..Tallied::default() });
        part
    }

    #[test]
    fn parts_are_in_order_whichever_ended_first() {
        let mut gathered = Gathered::default();

        gathered.add(7, part(ObjectKind::Issue, 1));
        gathered.add(2, part(ObjectKind::Label, 1));
        gathered.add(3, part(ObjectKind::Topic, 0));

        let whole = gathered.in_order();
        let kinds: Vec<_> = whole.findings.iter().map(|it| it.kind).collect();
        assert_eq!(kinds, [ObjectKind::Label, ObjectKind::Issue]);
        assert_eq!(whole.lanes.iter().map(|it| it.kind).collect::<Vec<_>>(), kinds);
        assert!(!whole.clean);
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let n = MAX_FINDINGS as u64 * 3 / 4;
        let mut gathered = Gathered::default();

        gathered.add(0, part(ObjectKind::Issue, n));
        gathered.add(1, part(ObjectKind::Label, n));

        let whole = gathered.in_order();
        assert_eq!(whole.findings.len(), MAX_FINDINGS);
        assert_eq!(whole.findings.len() as u64 + whole.more_findings, 2 * n);
    }

    #[test]
    fn nothing_wrong_is_clean() {
        assert!(Gathered::default().in_order().clean);
    }
}
