//! The directory for what is needed during a run only.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// Name of the file in a process's directory that it holds locked as long as it lives.
const SIGN: &str = "alive";

/// Name of the file beside these directories that is locked while one is made or removed.
const DOOR: &str = "door";

/// A directory for what is needed during a run only.
#[derive(Debug)]
pub(crate) struct Scratch {
    directory: PathBuf,
    /// This process's own, where there are others beside it.
    _own: Option<(TempDir, File)>,
}

impl Scratch {
    /// A directory that no other process uses: what a killed process left there is worth nothing,
    /// for archives are begun anew.
    pub(crate) fn alone(directory: PathBuf) -> io::Result<Self> {
        match fs::remove_dir_all(&directory) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        make_private(&directory)?;
        Ok(Self { directory, _own: None })
    }

    /// A directory below one that other processes use too; what dead ones left there is removed.
    pub(crate) fn beside_others(parent: &Path) -> io::Result<Self> {
        make_private(parent)?;
        let door = File::create(parent.join(DOOR))?;
        door.lock()?;
        for entry in fs::read_dir(parent)? {
            let path = entry?.path();
            if path.is_dir() && !is_alive(&path)? {
                fs::remove_dir_all(&path)?;
            }
        }
        let own = tempfile::Builder::new().prefix("process-").tempdir_in(parent)?;
        let sign = File::create(own.path().join(SIGN))?;
        sign.lock()?;
        Ok(Self { directory: own.path().to_owned(), _own: Some((own, sign)) })
    }

    /// A directory for one thing to do, removed with it.
    pub(crate) fn make(&self) -> io::Result<TempDir> {
        tempfile::Builder::new().tempdir_in(&self.directory)
    }
}

fn is_alive(directory: &Path) -> io::Result<bool> {
    match File::open(directory.join(SIGN)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
        Ok(sign) => match sign.try_lock() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        },
    }
}

/// SECURITY: what is below holds names, credentials and whole projects.
pub(crate) fn make_private(directory: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_dead_process_left_goes_and_what_a_living_one_has_stays() {
        let parent = tempfile::tempdir().unwrap();
        let living = Scratch::beside_others(parent.path()).unwrap();
        let kept = living.make().unwrap();
        let dead = parent.path().join("process-dead");
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join(SIGN), "").unwrap();

        let other = Scratch::beside_others(parent.path()).unwrap();

        assert!(kept.path().is_dir() && !dead.exists());
        assert!(other.make().unwrap().path().is_dir());
    }
}
