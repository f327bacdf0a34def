//! What became of each project, for people and for programs.

use super::{
    found,
    source::Listed,
    triage::{How, Verdict},
};
use futures::TryStreamExt;
use packhorse_core::{
    Loss, ObjectKind,
    port::{Failure, History, JournalError, Stage},
};
use packhorse_engine::{report::Told, verify::Verification};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Failures that are told of one project.
const MAX_LOST: usize = 10;

/// What became of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Result {
    /// It arrived, and was verified.
    Migrated,
    /// It was there as it should be, and still is.
    Unchanged,
    /// It was left alone.
    Skipped,
    /// It did not arrive, or not whole.
    Failed,
}

impl Result {
    const ALL: [Self; 4] = [Self::Migrated, Self::Unchanged, Self::Skipped, Self::Failed];

    const fn name(self) -> &'static str {
        match self {
            Self::Migrated => "migrated",
            Self::Unchanged => "unchanged",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }
}

/// One project, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Row {
    /// Name of the project on the platform, where it has one.
    pub(super) name: String,
    /// Full path of its repository at the destination.
    pub(super) repository: String,
    pub(super) result: Result,
    /// Why, and what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<String>,
    /// What somebody should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) notes: Vec<String>,
}

impl From<Row> for Told {
    fn from(row: Row) -> Self {
        let Row { name, repository, result, why, notes } = row;
        Self { project: repository, name, result: result.name().to_owned(), why, notes }
    }
}

/// What became of all projects.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Outcome {
    pub(super) projects: Vec<Row>,
    /// Repositories of the origin that belong to no project.
    pub(super) strangers: Vec<String>,
}

/// What the journal has of one project.
#[derive(Debug, Default)]
pub(super) struct Noted {
    stage: Option<Stage>,
    reason: Option<String>,
    n_changed: u64,
    /// Why something of it did not arrive.
    lost: Vec<String>,
    /// What a full check found.
    found: Vec<String>,
    /// Things that did not arrive beyond those that are told.
    n_more: usize,
    /// What is a little different there.
    remarks: Vec<String>,
}

/// Reads what a job noted, by path.
pub(super) async fn noted(
    history: &dyn History,
    found: Option<&Verification>,
) -> std::result::Result<BTreeMap<String, Noted>, JournalError> {
    let mut all: BTreeMap<String, Noted> = BTreeMap::new();
    for view in history.projects().await? {
        let noted = all.entry(view.source).or_default();
        (noted.stage, noted.reason) = (Some(view.stage), view.reason);
    }
    for (path, told) in found.map(found::by_project).unwrap_or_default() {
        if let Some(noted) = all.get_mut(path) {
            noted.found = told;
        }
    }
    for lane in history.lanes().await? {
        let Some(noted) = lane.scope.project().and_then(|it| all.get_mut(it)) else { continue };
        let counts = lane.counts;
        noted.n_changed += counts.created + counts.updated + counts.adopted;
    }
    let mut losses = history.all_losses();
    while let Some(it) = losses.try_next().await? {
        let Some(noted) = it.scope.project().and_then(|it| all.get_mut(it)) else { continue };
        noted.take(it.kind, &it.id, &it.loss);
    }
    let mut failures = history.all_failures();
    while let Some(it) = failures.try_next().await? {
        let Some(noted) = it.scope.project().and_then(|it| all.get_mut(it)) else { continue };
        noted.miss(&it);
    }
    Ok(all)
}

impl Noted {
    /// Takes what could not be written.
    fn miss(&mut self, failure: &Failure) {
        let Failure { kind, id, reason, .. } = failure;
        if self.lost.len() >= MAX_LOST {
            self.n_more += 1;
            return;
        }
        let what = match (kind, id) {
            (ObjectKind::Member, Some(id)) => format!("`{id}` got no right"),
            (kind, Some(id)) => format!("{kind} {id} did not arrive"),
            (kind, None) => format!("its {kind} did not arrive"),
        };
        self.lost.push(format!("{what}: {reason}; run again, and it goes on"));
    }

    /// All that did not arrive.
    fn lost(&self) -> String {
        let more = match self.n_more {
            0 => String::new(),
            n => format!("; and {n} more"),
        };
        self.lost.join("; ") + &more
    }

    fn take(&mut self, kind: ObjectKind, id: &str, loss: &Loss) {
        let is_whole = loss.field == Loss::WHOLE;
        if kind == ObjectKind::Repository && loss.field == "refs" {
            self.lost.push(format!("{}: look at it there, then run again", loss.detail));
        } else if kind == ObjectKind::Member && is_whole {
            self.lost.push(format!(
                "`{id}` got no right: {}; make the account or correct its line in the mappings \
                 file, then run again",
                loss.detail
            ));
        } else if kind == ObjectKind::Member {
            self.remarks.push(format!("`{id}`: {}", loss.detail));
        } else if loss.field != "visibility" {
            self.remarks.push(loss.detail.clone());
        }
    }
}

/// What is known of a project after the run.
pub(super) struct Known<'a> {
    pub(super) verdict: &'a Verdict,
    pub(super) noted: Option<&'a Noted>,
    /// Why it is not as it should be, where it was read back.
    pub(super) differs: Option<&'a String>,
    /// Why it could not be replaced.
    pub(super) kept: Option<&'a String>,
}

impl Known<'_> {
    /// What became of the project, why, and what somebody should know.
    pub(super) fn result(&self) -> (Result, Option<String>, Vec<String>) {
        let how = match self.verdict {
            Verdict::Skip(why) => return (Result::Skipped, Some(why.clone()), Vec::new()),
            Verdict::Fail(why) => return (Result::Failed, Some(why.clone()), Vec::new()),
            Verdict::Carry(_, how) => how,
        };
        let failed = |why: String| (Result::Failed, Some(why), Vec::new());
        if let Some(why) = self.kept {
            return failed(format!("it was left as it is: {why}; run again"));
        }
        let Some(noted) = self.noted else {
            return failed("it was not reached: run again, and it goes on".to_owned());
        };
        match noted.stage {
            Some(Stage::Carried | Stage::Verified) => {}
            Some(Stage::Failed) => {
                let why = noted.reason.as_deref().unwrap_or("nobody said why");
                return failed(format!("{why}; run again, and it goes on"));
            }
            Some(Stage::Blocked) => {
                return failed(
                    noted.reason.clone().unwrap_or_else(|| "nobody said why".to_owned()),
                );
            }
            Some(Stage::Differs) => {
                return failed(format!(
                    "it was read back and differs: {}; run again, and look at it there if it stays so",
                    noted.found.join("; ")
                ));
            }
            Some(Stage::Waiting | Stage::Carrying) | None => {
                return failed("it was not reached: run again, and it goes on".to_owned());
            }
        }
        if let Some(why) = self.differs {
            return failed(why.clone());
        }
        if !noted.lost.is_empty() {
            return (Result::Failed, Some(noted.lost()), noted.remarks.clone());
        }
        let mut notes = noted.remarks.clone();
        if let How::Replace(refs) = how {
            notes.push(format!("{} that were there are replaced", refs.told()));
        }
        let result = match (how, noted.n_changed) {
            (How::Again, 0) => Result::Unchanged,
            (How::New | How::Again | How::Complete | How::Replace(_), _) => Result::Migrated,
        };
        (result, None, notes)
    }
}

impl Outcome {
    /// How many projects came to that.
    pub(super) fn count(&self, result: Result) -> usize {
        self.projects.iter().filter(|it| it.result == result).count()
    }

    /// Whether all arrived and were verified.
    pub(super) fn is_whole(&self) -> bool {
        self.projects.iter().all(|it| matches!(it.result, Result::Migrated | Result::Unchanged))
    }

    /// All of it as text: a line for each project, then the sum.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for row in &self.projects {
            let line = format!("{:<10} {}", row.result.name(), row.repository);
            let name = if row.name.is_empty() { String::new() } else { format!(" ({})", row.name) };
            let why = row.why.as_ref().map(|it| format!(": {it}")).unwrap_or_default();
            text += &one_line(&format!("{line}{name}{why}"));
            row.notes.iter().for_each(|it| text += &one_line(&format!("{:<10} {it}", "")));
        }
        if !self.strangers.is_empty() {
            let n = self.strangers.len();
            let some: Vec<_> = self.strangers.iter().take(5).map(String::as_str).collect();
            let more = if n > some.len() { ", …" } else { "" };
            text += &one_line(&format!(
                "\n{n} repositories of the origin belong to no project and stay there: {}{more}",
                some.join(", ")
            ));
        }
        let [migrated, unchanged, skipped, failed] = Result::ALL.map(|it| self.count(it));
        text += &format!(
            "\n{} of {} projects arrived and were verified: {migrated} migrated, {unchanged} \
             unchanged; {skipped} skipped, {failed} failed\n",
            migrated + unchanged,
            self.projects.len()
        );
        text
    }
}

/// A line that nothing from outside can break or colour.
fn one_line(text: &str) -> String {
    let (start, rest) = match text.strip_prefix('\n') {
        Some(rest) => ("\n", rest),
        None => ("", text),
    };
    let plain: String = rest.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("{start}{plain}\n")
}

/// What would become of a project, when nothing is moved.
pub(super) fn foreseen(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Skip(why) => format!("would be skipped: {why}"),
        Verdict::Fail(why) => format!("cannot be carried: {why}"),
        Verdict::Carry(listed, how) => {
            let how = match how {
                How::New => "would be carried".to_owned(),
                How::Again => "was carried before: what is new would follow".to_owned(),
                How::Complete => "is there already, and would be completed".to_owned(),
                How::Replace(refs) => {
                    format!("would be carried, and {} there replaced", refs.told())
                }
            };
            format!("{how}; {}", people(listed))
        }
    }
}

fn people(listed: &Listed) -> String {
    format!("{} people get a right", listed.members.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed() -> Listed {
        Listed {
            origin: "anaconda/a-1".into(),
            description: None,
            default_branch: None,
            members: BTreeMap::new(),
            before: None,
        }
    }

    fn result(how: How, noted: &Noted) -> (Result, Option<String>) {
        let verdict = Verdict::Carry(listed(), how);
        let known = Known { verdict: &verdict, noted: Some(noted), differs: None, kept: None };
        let (result, why, _) = known.result();
        (result, why)
    }

    fn carried(n_changed: u64) -> Noted {
        Noted { stage: Some(Stage::Carried), n_changed, ..Noted::default() }
    }

    #[test]
    fn a_project_that_did_not_change_says_so() {
        assert_eq!(result(How::Again, &carried(0)).0, Result::Unchanged);
        assert_eq!(result(How::Again, &carried(1)).0, Result::Migrated);
        assert_eq!(result(How::New, &carried(3)).0, Result::Migrated);
    }

    #[test]
    fn what_lost_a_ref_or_a_person_has_not_arrived() {
        let mut noted = carried(3);
        noted.take(ObjectKind::Member, "bob", &Loss::sink(Loss::WHOLE, "has no account there"));

        let (result, why) = result(How::New, &noted);

        assert_eq!(result, Result::Failed);
        assert!(why.unwrap().starts_with("`bob` got no right: has no account there; make"));
    }

    #[test]
    fn what_could_not_be_written_has_not_arrived() {
        let mut noted = carried(3);
        for n in 1..=MAX_LOST + 2 {
            noted.miss(&Failure {
                scope: packhorse_core::Scope::Project("a/p".into()),
                kind: ObjectKind::Member,
                id: Some(format!("u{n}")),
                reason: "403 Forbidden".into(),
            });
        }

        let (result, why) = result(How::New, &noted);

        assert_eq!(result, Result::Failed);
        let why = why.unwrap();
        assert!(why.starts_with("`u1` got no right: 403 Forbidden; run again"), "{why}");
        assert!(why.ends_with("; and 2 more"), "{why}");
    }

    #[test]
    fn a_project_that_was_not_reached_has_failed() {
        assert_eq!(result(How::New, &Noted::default()).0, Result::Failed);
    }

    #[test]
    fn nothing_from_outside_breaks_a_line() {
        let row = Row {
            name: "two\nlines\u{1b}[31m".into(),
            repository: "acme/a-1".into(),
            result: Result::Skipped,
            why: Some("because".into()),
            notes: Vec::new(),
        };

        let text = Outcome { projects: vec![row], strangers: Vec::new() }.text();

        assert_eq!(
            text,
            "skipped    acme/a-1 (two lines [31m): because\n\n0 of 1 projects arrived and were \
             verified: 0 migrated, 0 unchanged; 1 skipped, 0 failed\n"
        );
    }
}
