//! Locks on repositories of the embedded store: a hook that refuses pushes until a moment.
//!
//! The lease stands in the hook itself, so it ends also when nobody is there to end it.

use packhorse_core::{HostError, HostErrorKind, RepoKind, model::Time, port::Source};
use std::{fs, io, os::unix::fs::PermissionsExt, path::Path};

/// Line by which a hook of ours is known.
const MARK: &str = "# A lock of Packhorse: it goes when the migration ends.";

/// Locks both repositories of a project until a moment, or opens them; `false` where something of
/// somebody else's stands in the way.
pub(super) async fn hold(
    source: &dyn Source,
    project: &str,
    until_ms: Option<i64>,
) -> Result<bool, HostError> {
    let mut held = true;
    for kind in [RepoKind::Code, RepoKind::Wiki] {
        let Some(remote) = source.remote(project, kind).await? else { continue };
        let Some(path) = remote.url.as_path() else { return Ok(false) };
        held &= write(path, until_ms).map_err(|error| {
            HostError::new(HostErrorKind::Unavailable, "lock a repository")
                .with("project", project)
                .because(error)
        })?;
    }
    Ok(held)
}

fn write(repository: &Path, until_ms: Option<i64>) -> io::Result<bool> {
    let hooks = repository.join("hooks");
    let hook = hooks.join("pre-receive");
    match fs::read_to_string(&hook) {
        Ok(text) if !text.contains(MARK) => return Ok(false),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(_) | Err(_) => {}
    }
    let Some(until_ms) = until_ms else {
        return match fs::remove_file(&hook) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(true),
        };
    };
    fs::create_dir_all(&hooks)?;
    let mut file = tempfile::NamedTempFile::new_in(&hooks)?;
    io::Write::write_all(&mut file, script(until_ms).as_bytes())?;
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o755))?;
    file.persist(&hook)?;
    Ok(true)
}

fn script(until_ms: i64) -> String {
    let until = until_ms / 1_000;
    let shown = Time::from_millis(until * 1_000).unwrap_or_default();
    format!(
        "#!/bin/sh\n{MARK}\nif [ \"$(date +%s)\" -lt {until} ]; then\n    \
         echo 'This repository is locked for a migration, until {shown} at the latest.' >&2\n    \
         exit 1\nfi\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_of_somebody_else_stays() {
        let repository = tempfile::tempdir().unwrap();
        let hook = repository.path().join("hooks/pre-receive");
        fs::create_dir(repository.path().join("hooks")).unwrap();
        fs::write(&hook, "#!/bin/sh\nexit 0\n").unwrap();

        assert!(!write(repository.path(), Some(1_000)).unwrap());
        assert!(!write(repository.path(), None).unwrap());

        assert_eq!(fs::read_to_string(&hook).unwrap(), "#!/bin/sh\nexit 0\n");
    }

    #[test]
    fn a_lock_can_be_renewed_and_taken_away_twice() {
        let repository = tempfile::tempdir().unwrap();
        let hook = repository.path().join("hooks/pre-receive");

        assert!(write(repository.path(), Some(1_000)).unwrap());
        assert!(write(repository.path(), Some(90_000_000)).unwrap());
        assert!(fs::read_to_string(&hook).unwrap().contains("1970-01-02T01:00:00Z"));

        assert!(write(repository.path(), None).unwrap() && !hook.exists());
        assert!(write(repository.path(), None).unwrap());
    }
}
