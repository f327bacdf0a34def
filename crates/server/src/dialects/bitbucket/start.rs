//! From what was asked for to a job.

use super::{error::BitbucketError, select};
use crate::{
    Service,
    service::NewJob,
    store::{NewPart, NewRequest},
    token::Caller,
    work::RENAME_COLLISIONS,
};
use packhorse_core::{
    Location,
    job::JobOptions,
    model::Project,
    selection::{Pair, Selection},
};
use serde_json::{Map, Value, json};
use std::path::{Component, Path, PathBuf};

/// Longest path of an archive, in bytes.
const LONGEST_PATH: usize = 4_096;

/// Which of both there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Export,
    Import,
}

impl Direction {
    /// Kind of its requests.
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::Export => "bitbucket.export",
            Self::Import => "bitbucket.import",
        }
    }

    /// Its name in texts.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Export => "export",
            Self::Import => "import",
        }
    }

    /// How many may be under way.
    const fn limit(self) -> u64 {
        match self {
            Self::Export => 2,
            Self::Import => 1,
        }
    }
}

/// Projects that an export is about; none is an error.
pub(super) async fn projects(
    service: &Service,
    body: &Map<String, Value>,
) -> Result<Vec<Project>, BitbucketError> {
    let selectors = select::selectors(body)?;
    let scratch = service.scratch()?;
    let source = service.places.source(&service.config.bitbucket_source, scratch.path())?;
    let found = select::resolve(&*source, &selectors).await?;
    if found.is_empty() {
        let message = "The repository selectors match no repository.";
        return Err(BitbucketError::invalid("repositoriesRequest", message));
    }
    Ok(found)
}

/// Starts an export; its number.
pub(super) async fn export(
    service: &Service,
    caller: &Caller,
    body: &Map<String, Value>,
) -> Result<u64, BitbucketError> {
    let below = location(body)?;
    let projects = projects(service, body).await?;
    let _turn = service.store.turn(&service.turn).await?;
    make_room(service, Direction::Export).await?;
    let id = service.store.reserve().await?;
    let directory = service.config.bitbucket_exports.join(&below);
    let path = directory.join(format!("Bitbucket_export_{id}.tar"));
    tokio::fs::create_dir_all(&directory).await.map_err(|error| {
        tracing::error!(%error, "a directory for exports could not be made");
        BitbucketError::invalid("exportLocation", "The export location cannot be written to.")
    })?;
    let pairs = projects.iter().map(|it| Pair {
        source: it.path.clone(),
        target: None,
        said: "the export".to_owned(),
    });
    let options = JobOptions {
        verify: true,
        selection: Selection { pairs: pairs.collect(), ..Selection::default() },
        ..JobOptions::default()
    };
    let to = archive(&service.config.bitbucket_format, &path);
    let job = NewJob { from: service.config.bitbucket_source.clone(), to, options };
    begin(service, caller, (Direction::Export, id), body, (job, json!({}))).await
}

/// Starts an import; its number.
pub(super) async fn import(
    service: &Service,
    caller: &Caller,
    body: &Map<String, Value>,
) -> Result<u64, BitbucketError> {
    let fail = |message: &str| BitbucketError::invalid("archivePath", message);
    let text = body.get("archivePath").and_then(Value::as_str).unwrap_or_default();
    if text.is_empty() || text.len() > LONGEST_PATH {
        return Err(fail("An archive path must be provided."));
    }
    let path = inside(&service.config.bitbucket_imports, Path::new(text)).ok_or_else(|| {
        fail("The archive path is not within the import directory, or there is no such archive.")
    })?;
    let from = service.places.archive(&path).await.map_err(|error| {
        tracing::info!(error = packhorse_core::error::chain(&error), "an archive was refused");
        fail("The file is not an archive that can be imported.")
    })?;
    let _turn = service.store.turn(&service.turn).await?;
    make_room(service, Direction::Import).await?;
    let id = service.store.reserve().await?;
    let options = JobOptions { verify: true, ..JobOptions::default() };
    let job = NewJob { from, to: service.config.bitbucket_destination.clone(), options };
    begin(service, caller, (Direction::Import, id), body, (job, json!({RENAME_COLLISIONS: true})))
        .await
}

async fn make_room(service: &Service, direction: Direction) -> Result<(), BitbucketError> {
    if service.store.active(direction.kind()).await? >= direction.limit() {
        return Err(BitbucketError::busy(direction.name()));
    }
    Ok(())
}

async fn begin(
    service: &Service,
    caller: &Caller,
    (direction, id): (Direction, u64),
    body: &Map<String, Value>,
    (job, part): (NewJob, Value),
) -> Result<u64, BitbucketError> {
    let spec = service.spec(&job).await?;
    let request = NewRequest {
        id: Some(id),
        kind: direction.kind(),
        owner: String::new(),
        user: caller.user.clone(),
        body: Value::Object(body.clone()),
        parts: vec![NewPart {
            spec,
            body: part,
            sealed: None,
            sealed_target: None,
            archive: None,
            parent: None,
        }],
        locks: Vec::new(),
    };
    Ok(service.accept(request).await?)
}

/// An archive of that format.
fn archive(format: &str, path: &Path) -> Location {
    Location {
        host: format.to_owned(),
        rest: path.to_string_lossy().into_owned(),
        project: None,
        credentials: None,
        more_credentials: Vec::new(),
    }
}

/// The directory below that of exports that was asked for.
///
/// SECURITY: only plain names, so that nothing outside can be named.
fn location(body: &Map<String, Value>) -> Result<PathBuf, BitbucketError> {
    let text = match body.get("exportLocation") {
        None | Some(Value::Null) => return Ok(PathBuf::new()),
        Some(value) => value.as_str(),
    };
    let fail = || {
        let message = "The export location must be a path relative to the export directory.";
        BitbucketError::invalid("exportLocation", message)
    };
    let text = text.filter(|it| it.len() <= LONGEST_PATH && !it.chars().any(char::is_control));
    let path = Path::new(text.ok_or_else(fail)?);
    let is_plain = path.components().all(|it| matches!(it, Component::Normal(_)));
    is_plain.then(|| path.to_owned()).ok_or_else(fail)
}

/// The file that a path means, when it lies within a directory.
///
/// SECURITY: links are followed before it is looked at where the file lies.
fn inside(directory: &Path, path: &Path) -> Option<PathBuf> {
    let steps = path.components().any(|it| matches!(it, Component::ParentDir));
    if steps || path.to_string_lossy().chars().any(char::is_control) {
        return None;
    }
    let directory = directory.canonicalize().ok()?;
    let file = directory.join(path).canonicalize().ok()?;
    (file.starts_with(&directory) && file.is_file()).then_some(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::symlink};

    #[test]
    fn an_archive_lies_within_the_directory() {
        let directory = tempfile::tempdir().unwrap();
        let imports = directory.path().join("import");
        fs::create_dir_all(imports.join("sub")).unwrap();
        fs::write(imports.join("sub/a.tar"), "").unwrap();
        fs::write(directory.path().join("secret"), "").unwrap();
        symlink(directory.path().join("secret"), imports.join("link")).unwrap();
        let found = |path: &str| inside(&imports, Path::new(path));

        assert!(found("sub/a.tar").is_some());
        assert!(found(imports.join("sub/a.tar").to_str().unwrap()).is_some());
        for wrong in ["../secret", "sub/../../secret", "/etc/passwd", "link", "sub", "gone", "a\nb"]
        {
            assert_eq!(found(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_export_goes_below_the_directory() {
        let read = |value: Value| {
            let body = json!({"exportLocation": value});
            location(body.as_object().unwrap())
        };

        assert_eq!(read(json!("a/b")).unwrap(), Path::new("a/b"));
        assert_eq!(read(Value::Null).unwrap(), Path::new(""));
        for wrong in [json!("../x"), json!("/x"), json!("a/../../x"), json!(7), json!("a\u{0}")] {
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
