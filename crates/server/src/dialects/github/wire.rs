//! What clients send, read field by field.

use super::error::GithubError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Most repositories of a migration.
const MOST_REPOSITORIES: usize = 1_000;
/// Longest name of a repository, with its owner, in bytes.
const LONGEST_NAME: usize = 512;

/// What a migration shall carry, as it was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Start {
    /// Full names, or names within the organization.
    pub(super) repositories: Vec<String>,
    pub(super) lock_repositories: bool,
    pub(super) exclude_metadata: bool,
    pub(super) exclude_git_data: bool,
    pub(super) exclude_attachments: bool,
    pub(super) exclude_releases: bool,
    pub(super) exclude_owner_projects: bool,
    pub(super) org_metadata_only: bool,
    /// What is left out of answers.
    pub(super) exclude: Vec<String>,
}

impl Start {
    /// Reads the body of a request.
    pub(super) fn read(body: &Map<String, Value>) -> Result<Self, GithubError> {
        let flag = |name: &str| match body.get(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(value)) => Ok(*value),
            Some(other) => Err(wrong(name, other, "boolean")),
        };
        let start = Self {
            lock_repositories: flag("lock_repositories")?,
            exclude_metadata: flag("exclude_metadata")?,
            exclude_git_data: flag("exclude_git_data")?,
            exclude_attachments: flag("exclude_attachments")?,
            exclude_releases: flag("exclude_releases")?,
            exclude_owner_projects: flag("exclude_owner_projects")?,
            org_metadata_only: flag("org_metadata_only")?,
            exclude: excluded(strings(body, "exclude")?.unwrap_or_default())?,
            repositories: Vec::new(),
        };
        let Some(repositories) = strings(body, "repositories")? else {
            if start.org_metadata_only {
                return Ok(start);
            }
            return Err(GithubError::shape("\"repositories\" wasn't supplied."));
        };
        if start.org_metadata_only {
            if repositories.is_empty() {
                return Ok(start);
            }
            let why = "must be empty when org_metadata_only is true".to_owned();
            return Err(GithubError::invalid("repositories", why));
        }
        if repositories.is_empty() || repositories.len() > MOST_REPOSITORIES {
            let why = format!("between 1 and {MOST_REPOSITORIES} repositories are carried at once");
            return Err(GithubError::invalid("repositories", why));
        }
        Ok(Self { repositories, ..start })
    }
}

/// What an answer shall leave out, from `exclude` or `exclude[]` of a query.
pub(super) fn excluded(words: Vec<String>) -> Result<Vec<String>, GithubError> {
    match words.iter().find(|it| *it != "repositories") {
        None => Ok(words),
        Some(other) => {
            let other: String = other.chars().take(64).collect();
            let why = format!("{other:?} is not a member of [\"repositories\"].");
            Err(GithubError::shape(&why))
        }
    }
}

fn strings(body: &Map<String, Value>, name: &str) -> Result<Option<Vec<String>>, GithubError> {
    let list = match body.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(list)) => list,
        Some(other) => return Err(wrong(name, other, "array")),
    };
    let one = |(at, value): (usize, &Value)| {
        let text = value.as_str().filter(|it| it.len() <= LONGEST_NAME);
        text.map(str::to_owned).ok_or_else(|| wrong(&format!("{name}/{at}"), value, "string"))
    };
    list.iter().enumerate().map(one).collect::<Result<_, _>>().map(Some)
}

fn wrong(name: &str, value: &Value, expected: &str) -> GithubError {
    let shown: String = value.to_string().chars().take(64).collect();
    let article = if expected == "array" { "an" } else { "a" };
    GithubError::shape(&format!("For 'properties/{name}', {shown} is not {article} {expected}."))
}
