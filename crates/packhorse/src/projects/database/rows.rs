//! Rows, gathered into projects.

use super::super::project::{Collaborator, Project, Right};
use crate::error::AppError;
use std::mem;

/// Longest text of a column that is taken, in bytes.
const MAX_TEXT: usize = 4_096;
/// Most collaborators of one project.
const MAX_COLLABORATORS: usize = 10_000;

/// One row: a project, and one of its collaborators.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    id: Option<String>,
    owner: Option<String>,
    name: Option<String>,
    repository: Option<String>,
    collaborator: Option<String>,
    permission: Option<String>,
    kind: Option<String>,
}

impl Row {
    /// Takes a row of the question that [`super::columns::Layout`] asks.
    pub(super) fn of(row: &tokio_postgres::Row) -> Result<Self, tokio_postgres::Error> {
        let text = |n: usize| -> Result<Option<String>, tokio_postgres::Error> {
            let text: Option<&str> = row.try_get(n)?;
            Ok(text.map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned))
        };
        Ok(Self {
            id: text(0)?,
            owner: text(1)?,
            name: text(2)?,
            repository: text(3)?,
            collaborator: text(4)?,
            permission: text(5)?,
            kind: text(6)?,
        })
    }

    fn longest(&self) -> usize {
        let all = [
            &self.id,
            &self.owner,
            &self.name,
            &self.repository,
            &self.collaborator,
            &self.permission,
            &self.kind,
        ];
        all.into_iter().flatten().map(String::len).max().unwrap_or(0)
    }
}

/// What a word of the database lets do.
enum Word {
    Owns,
    May(Right),
}

fn word(text: &str) -> Option<Word> {
    Some(match text.to_lowercase().as_str() {
        "r" | "read" | "reader" | "view" | "viewer" => Word::May(Right::Read),
        "rw" | "w" | "write" | "writer" | "edit" | "editor" => Word::May(Right::Write),
        "o" | "owner" => Word::Owns,
        _ => return None,
    })
}

/// Rows on their way to being projects; those of one project come one after the other.
pub(super) struct Gathering {
    most: usize,
    current: Project,
    done: Vec<Project>,
}

impl Gathering {
    /// Nothing yet, and no more than `most` projects.
    pub(super) fn new(most: usize) -> Self {
        Self { most, current: Project::default(), done: Vec::new() }
    }

    /// Takes the next row.
    pub(super) fn take(&mut self, row: &Row) -> Result<(), AppError> {
        let Some(id) = row.id.as_deref() else {
            return Err(AppError::failed("a project of the database has no id"));
        };
        if row.longest() > MAX_TEXT {
            return Err(AppError::failed(format!(
                "a value of a project has more than {MAX_TEXT} bytes"
            )));
        }
        let id = plain(id);
        // Two rows of one id and two owners are two projects.
        let is_next = id != self.current.id
            || row
                .owner
                .as_ref()
                .is_some_and(|it| !self.current.owner.is_empty() && *it != self.current.owner);
        if is_next {
            self.close()?;
            self.current = Project {
                id,
                owner: row.owner.clone().unwrap_or_default(),
                name: row.name.clone().unwrap_or_default(),
                repository: row.repository.clone(),
                ..Project::default()
            };
        }
        match &row.collaborator {
            Some(collaborator) => self.collaborator(collaborator, row),
            None => Ok(()),
        }
    }

    fn collaborator(&mut self, name: &str, row: &Row) -> Result<(), AppError> {
        let project = &mut self.current;
        let kind = row.kind.as_deref().map(str::to_lowercase);
        if kind.as_deref().is_some_and(|it| !matches!(it, "user" | "u" | "person")) {
            project.groups.push(name.to_owned());
            return Ok(());
        }
        let said = row.permission.as_deref().unwrap_or_default();
        let right = match word(said) {
            Some(Word::May(right)) => right,
            Some(Word::Owns) if project.owner.is_empty() || project.owner == name => {
                name.clone_into(&mut project.owner);
                return Ok(());
            }
            Some(Word::Owns) => Right::Write,
            None => {
                return Err(AppError::failed(format!(
                    "what `{name}` may do with the project `{}` is not understood: `{said}`",
                    project.id
                ))
                .hint("known are r, read, rw, write and owner; --postgres-query can say it so"));
            }
        };
        // The owner writes, whatever else is said.
        if project.owner == name {
            return Ok(());
        }
        match project.collaborators.iter_mut().find(|it| it.name == name) {
            Some(known) => known.right = known.right.max(right),
            None => project.collaborators.push(Collaborator { name: name.to_owned(), right }),
        }
        match project.collaborators.len() {
            n if n > MAX_COLLABORATORS => Err(AppError::failed(format!(
                "the project `{}` has more than {MAX_COLLABORATORS} collaborators",
                project.id
            ))),
            _ => Ok(()),
        }
    }

    fn close(&mut self) -> Result<(), AppError> {
        let mut project = mem::take(&mut self.current);
        if project.id.is_empty() {
            return Ok(());
        }
        let owner = project.owner.clone();
        project.collaborators.retain(|it| it.name != owner);
        self.done.push(project);
        match self.done.len() {
            n if n > self.most => {
                Err(AppError::failed(format!("there are more than {} projects", self.most)))
            }
            _ => Ok(()),
        }
    }

    /// All projects.
    pub(super) fn done(mut self) -> Result<Vec<Project>, AppError> {
        self.close()?;
        self.done.shrink_to_fit();
        Ok(self.done)
    }
}

/// An id as names of repositories have it: without what the API puts before it, and without the
/// hyphens that a UUID is shown with.
fn plain(id: &str) -> String {
    let bare = id.strip_prefix("a0-").unwrap_or(id);
    let hex: String = bare.chars().filter(|it| *it != '-').collect();
    let is_uuid = hex.len() == 32 && hex.bytes().all(|it| it.is_ascii_hexdigit());
    if is_uuid { hex.to_lowercase() } else { id.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(fields: [&str; 5]) -> Row {
        let [id, owner, collaborator, permission, kind] =
            fields.map(|it| Some(it.to_owned()).filter(|it| !it.is_empty()));
        Row { id, owner, collaborator, permission, kind, ..Row::default() }
    }

    fn gathered(rows: &[[&str; 5]]) -> Result<Vec<Project>, AppError> {
        let mut gathering = Gathering::new(3);
        rows.iter().try_for_each(|it| gathering.take(&row(*it)))?;
        gathering.done()
    }

    #[test]
    fn rows_of_one_project_are_one_project() {
        let found = gathered(&[
            ["1", "alice", "", "", ""],
            ["2", "bob", "alice", "r", "user"],
            ["2", "bob", "alice", "RW", ""],
            ["2", "bob", "bob", "r", "user"],
            ["2", "bob", "everybody", "r", "group"],
        ])
        .unwrap();

        let two = &found[1];
        assert_eq!(
            (found.len(), two.owner.as_str(), &two.groups[..]),
            (2, "bob", &["everybody".to_owned()][..])
        );
        let alice = Collaborator { name: "alice".into(), right: Right::Write };
        assert_eq!(two.collaborators, [alice]);
    }

    #[test]
    fn without_a_column_the_owner_is_who_is_called_so() {
        let found = gathered(&[
            ["1", "", "alice", "rw", ""],
            ["1", "", "bob", "owner", ""],
            ["2", "", "bob", "r", ""],
        ])
        .unwrap();

        assert_eq!((found[0].owner.as_str(), found[0].collaborators.len()), ("bob", 1));
        assert_eq!(found[1].owner, "");
    }

    #[test]
    fn one_id_of_two_owners_is_two_projects() {
        let found = gathered(&[["1", "alice", "", "", ""], ["1", "bob", "", "", ""]]).unwrap();

        assert_eq!(found.len(), 2);
    }

    #[test]
    fn a_word_that_is_not_known_stops() {
        let error = gathered(&[["1", "a", "b", "rwx", ""]]).unwrap_err().to_string();

        assert!(error.contains("what `b` may do with the project `1` is not understood: `rwx`"));
    }

    #[test]
    fn there_is_an_end_to_what_is_taken() {
        let rows = ["1", "2", "3", "4"].map(|id| [id, "a", "", "", ""]);

        assert!(gathered(&rows).unwrap_err().to_string().contains("more than 3 projects"));
        assert!(gathered(&[["1", &"x".repeat(5_000), "", "", ""]]).is_err());
        assert!(gathered(&[["", "a", "", "", ""]]).is_err());
    }

    #[test]
    fn an_id_is_told_as_repositories_are_named() {
        let hex = "0123456789abcdef0123456789abcdef";
        assert_eq!(plain("01234567-89AB-CDEF-0123-456789abcdef"), hex);
        assert_eq!(plain(&format!("a0-{hex}")), hex);
        assert_eq!(plain("a0-notes"), "a0-notes");
    }
}
