//! The file in which people decide about conflicts: written from a plan, read back with choices.

use crate::{csv, plan::is_path};
use packhorse_core::{
    conflict::{About, Choice, Resolution},
    plan::Plan,
};
use std::collections::BTreeMap;

/// Largest file that is read, in bytes.
pub const MAX_RESOLUTIONS_BYTES: usize = 16 << 20;

/// Columns of the file; the last two are for people.
const COLUMNS: [&str; 6] = ["project", "conflict", "choice", "to", "choices", "detail"];

const HEAD: &str = "\
# What is in the way. Write one of `choices` into `choice`, then run with --conflicts FILE.
# map     nothing is carried; what refers to the project leads to the one there, or to that in `to`
# rename  it gets the path in `to`; of numbers: what is carried gets the next ones that are free
# merge   it is carried into the project there; of numbers: what has the same is replaced
# skip    the project is not carried
# Where no choice is written, the project is not begun.
";

/// Why a file cannot be used; lines are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages name the fields")]
pub enum ResolutionError {
    /// The file is larger than [`MAX_RESOLUTIONS_BYTES`].
    #[error("`{file}` has {bytes} bytes, more than {MAX_RESOLUTIONS_BYTES}")]
    TooLarge { file: String, bytes: usize },
    /// The first line is no header.
    #[error("line {line} of `{file}` lacks the column `{column}`")]
    Header { file: String, line: usize, column: &'static str },
    /// A row has more or fewer cells than the header.
    #[error("line {line} of `{file}` has {found} cells, its header {expected}")]
    Cells { file: String, line: usize, expected: usize, found: usize },
    /// A quote does not end, or does not stand around a whole cell.
    #[error("line {line} of `{file}` has a quote out of place")]
    Quote { file: String, line: usize },
    /// There is no such conflict.
    #[error("line {line} of `{file}`: there is no conflict `{conflict}`")]
    Conflict { file: String, line: usize, conflict: String },
    /// There is no such choice, or not for this conflict.
    #[error("line {line} of `{file}`: `{choice}` is none of {}", names(choices))]
    Choice { file: String, line: usize, choice: String, choices: &'static [Choice] },
    /// A new path is needed and not there, or cannot be one.
    #[error("line {line} of `{file}`: write the project's new path into `to`, not `{target}`")]
    Target { file: String, line: usize, target: String },
    /// The project's conflict stands there twice.
    #[error("line {line} of `{file}` decides about `{project}` again, after line {first}")]
    Again { file: String, line: usize, first: usize, project: String },
}

fn names(choices: &[Choice]) -> String {
    let names: Vec<_> = choices.iter().map(|it| it.name()).collect();
    names.join(", ")
}

/// Writes what is still to be decided on after what is decided already; `None` when nothing is.
pub fn write(plan: &Plan, decided: &[Resolution]) -> Option<String> {
    let open = plan.conflicts.iter().filter(|it| it.blocks && !it.choices.is_empty());
    let mut rows: Vec<[String; 6]> = Vec::new();
    for it in decided {
        let (about, choice) = (it.about.name().to_owned(), it.choice.name().to_owned());
        let target = it.target.clone().unwrap_or_default();
        let choices = names(it.about.choices());
        rows.push([guarded(&it.project), about, choice, target, choices, String::new()]);
    }
    let n_decided = rows.len();
    for it in open {
        let Some(project) = &it.project else { continue };
        // A decision that did not help is asked for again.
        let is_same = |row: &[String; 6]| row[0] == guarded(project) && row[1] == it.about.name();
        rows.retain(|row| !is_same(row));
        let empty = String::new;
        let (about, choices) = (it.about.name().to_owned(), names(&it.choices));
        rows.push([guarded(project), about, empty(), empty(), choices, it.detail.clone()]);
    }
    if rows.len() == n_decided && rows.iter().all(|it| !it[2].is_empty()) {
        return None;
    }
    let mut text = format!("{HEAD}{}\n", COLUMNS.join(","));
    for row in rows {
        let cells: Vec<_> = row.iter().map(|it| csv::cell_of(it)).collect();
        text += &(cells.join(",") + "\n");
    }
    Some(text)
}

/// SECURITY: a spreadsheet takes a cell that begins so for a formula.
fn guarded(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\'']) { "'" } else { "" };
    format!("{guard}{}", text.replace(char::is_control, " "))
}

/// Reads what was decided; rows without a choice are left for later.
///
/// # Errors
///
/// [`ResolutionError`], which names the line, on the first thing that is not clear.
pub fn read(file: &str, text: &str) -> Result<Vec<Resolution>, ResolutionError> {
    if text.len() > MAX_RESOLUTIONS_BYTES {
        return Err(ResolutionError::TooLarge { file: file.to_owned(), bytes: text.len() });
    }
    let mut lines = csv::lines(text);
    let Some((line, header)) = lines.next() else { return Ok(Vec::new()) };
    let columns = Columns::of(file, line, header)?;
    let (mut list, mut seen) = (Vec::new(), BTreeMap::new());
    for (line, text) in lines {
        let Some(resolution) = columns.row(file, line, text)? else { continue };
        let key = (resolution.project.clone(), resolution.about);
        if let Some(first) = seen.insert(key, line) {
            let (file, project) = (file.to_owned(), resolution.project);
            return Err(ResolutionError::Again { file, line, first, project });
        }
        list.push(resolution);
    }
    Ok(list)
}

/// Where each column stands.
struct Columns {
    count: usize,
    project: usize,
    conflict: usize,
    choice: usize,
    to: usize,
}

impl Columns {
    fn of(file: &str, line: usize, header: &str) -> Result<Self, ResolutionError> {
        let cells = csv::cells(header)
            .ok_or_else(|| ResolutionError::Quote { file: file.to_owned(), line })?;
        let find = |column: &'static str| {
            let mut cells = cells.iter();
            cells
                .position(|it| it.trim().eq_ignore_ascii_case(column))
                .ok_or_else(|| ResolutionError::Header { file: file.to_owned(), line, column })
        };
        Ok(Self {
            count: cells.len(),
            project: find("project")?,
            conflict: find("conflict")?,
            choice: find("choice")?,
            to: find("to")?,
        })
    }

    fn row(
        &self,
        file: &str,
        line: usize,
        text: &str,
    ) -> Result<Option<Resolution>, ResolutionError> {
        let name = || file.to_owned();
        let cells =
            csv::cells(text).ok_or_else(|| ResolutionError::Quote { file: name(), line })?;
        if cells.len() != self.count {
            let (expected, found) = (self.count, cells.len());
            return Err(ResolutionError::Cells { file: name(), line, expected, found });
        }
        let cell = |at: usize| cells[at].trim();
        let (conflict, choice) = (cell(self.conflict), cell(self.choice));
        let about = About::ALL.into_iter().find(|it| it.name() == conflict).ok_or_else(|| {
            ResolutionError::Conflict { file: name(), line, conflict: conflict.to_owned() }
        })?;
        if choice.is_empty() {
            return Ok(None);
        }
        let choices = about.choices();
        let choice = choices.iter().copied().find(|it| it.name() == choice).ok_or_else(|| {
            ResolutionError::Choice { file: name(), line, choice: choice.to_owned(), choices }
        })?;
        let target = cell(self.to).trim_matches('/');
        let is_needed = choice == Choice::Rename && about != About::Numbers;
        if (is_needed && target.is_empty()) || (!target.is_empty() && !is_path(target)) {
            let target = target.to_owned();
            return Err(ResolutionError::Target { file: name(), line, target });
        }
        let project = cell(self.project);
        let project = project.strip_prefix('\'').unwrap_or(project).to_owned();
        let target = (!target.is_empty()).then(|| target.to_owned());
        let said = format!("line {line} of `{file}`");
        Ok(Some(Resolution { project, about, choice, target, said }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_core::plan::Conflict;

    fn conflict(project: &str, about: About) -> Conflict {
        Conflict {
            project: Some(project.into()),
            detail: "there is one, \"taken\"".into(),
            blocks: true,
            about,
            choices: about.choices().to_vec(),
        }
    }

    fn plan(conflicts: Vec<Conflict>) -> Plan {
        Plan { conflicts, ..Plan::default() }
    }

    #[test]
    fn what_is_written_is_read_back_when_it_is_filled_in() {
        let plan = plan(vec![conflict("a,b/app", About::Name), conflict("=x", About::Twice)]);
        let text = write(&plan, &[]).unwrap();

        assert_eq!(read("c.csv", &text), Ok(Vec::new()));

        let filled =
            text.replacen("name,,", "name,merge,", 1).replacen("twice,,", "twice,skip,", 1);
        let found = read("c.csv", &filled).unwrap();
        let rows: Vec<_> =
            found.iter().map(|it| (it.project.as_str(), it.about, it.choice)).collect();
        let expected =
            [("a,b/app", About::Name, Choice::Merge), ("=x", About::Twice, Choice::Skip)];
        assert_eq!(rows, expected);
        assert_eq!(found[0].said, "line 8 of `c.csv`");
    }

    #[test]
    fn decisions_stay_and_those_that_did_not_help_are_asked_for_again() {
        let decision = |project: &str, target: &str| Resolution {
            project: project.into(),
            about: About::Name,
            choice: Choice::Rename,
            target: Some(target.into()),
            said: "line 7".into(),
        };
        let decided = [decision("a/x", "b/x"), decision("a/y", "b/y")];

        let text = write(&plan(vec![conflict("a/y", About::Name)]), &decided).unwrap();

        assert!(text.contains("a/x,name,rename,b/x,") && text.contains("a/y,name,,,"), "{text}");
        assert_eq!(read("c.csv", &text).unwrap().len(), 1);
        assert_eq!(write(&plan(Vec::new()), &decided), None);
        assert_eq!(write(&plan(Vec::new()), &[]), None);
    }

    #[track_caller]
    fn check_refused(row: &str, expected: &str) {
        let text = format!("project,conflict,choice,to\n{row}\n");

        assert_eq!(read("c.csv", &text).unwrap_err().to_string(), expected);
    }

    #[test]
    fn a_row_that_is_not_clear_is_told_by_its_line() {
        check_refused("a/x,nome,skip,", "line 2 of `c.csv`: there is no conflict `nome`");
        check_refused("a/x,missing,map,", "line 2 of `c.csv`: `map` is none of skip");
        let path = "line 2 of `c.csv`: write the project's new path into `to`, not ";
        check_refused("a/x,name,rename,", &format!("{path}``"));
        check_refused("a/x,name,rename,../b", &format!("{path}`../b`"));
        check_refused("a/x,name,skip", "line 2 of `c.csv` has 3 cells, its header 4");
        check_refused(
            "a/x,name,skip,\na/x,name,merge,",
            "line 3 of `c.csv` decides about `a/x` again, after line 2",
        );
        let error = read("c.csv", "a/x,name,skip,\n").unwrap_err().to_string();
        assert_eq!(error, "line 1 of `c.csv` lacks the column `project`");
    }
}
