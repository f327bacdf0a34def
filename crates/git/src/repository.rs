//! Bare repositories on this machine: made, made harmless, looked into.

use crate::{error::GitError, process::Git};
use packhorse_core::model::ObjectFormat;
use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    process::Stdio,
};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

/// Name of an object format as Git spells it.
pub const fn format_name(format: ObjectFormat) -> &'static str {
    match format {
        ObjectFormat::Sha1 => "sha1",
        ObjectFormat::Sha256 => "sha256",
    }
}

/// The only configuration that a repository of ours has.
fn configuration(format: ObjectFormat) -> &'static str {
    match format {
        ObjectFormat::Sha1 => {
            "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n"
        }
        ObjectFormat::Sha256 => {
            "[core]\n\trepositoryformatversion = 1\n\tfilemode = true\n\tbare = true\n\
             [extensions]\n\tobjectformat = sha256\n"
        }
    }
}

/// Makes an empty bare repository, or leaves one that is there; no templates, no hooks.
///
/// Written without starting a program. Interrupted anywhere and called again, it completes.
///
/// # Errors
///
/// When the system refuses, or when what is there has another object format.
pub fn init_bare(path: &Path, format: ObjectFormat) -> Result<(), GitError> {
    if is_repository(path) {
        let found = object_format(path);
        if found != format
            && path.join("objects").read_dir().is_ok_and(|mut it| has_objects(&mut it))
        {
            return Err(GitError::ObjectFormatMismatch {
                from: "what is to come".into(),
                from_format: format_name(format),
                to: path.display().to_string(),
                to_format: format_name(found),
            });
        }
        if found == format {
            return Ok(());
        }
    }
    let make = || -> io::Result<()> {
        for directory in ["objects/info", "objects/pack", "refs/heads", "refs/tags", "info"] {
            fs::create_dir_all(path.join(directory))?;
        }
        fs::write(path.join("config"), configuration(format))?;
        // Last: a directory with HEAD is a repository.
        fs::write(path.join("HEAD"), "ref: refs/heads/main\n")
    };
    make().map_err(GitError::system("make a repository"))
}

fn has_objects(entries: &mut fs::ReadDir) -> bool {
    entries.any(|entry| {
        entry.is_ok_and(|it| {
            let name = it.file_name();
            let name = name.to_string_lossy();
            name.len() == 2
                || (name == "pack" && it.path().read_dir().is_ok_and(|mut p| p.next().is_some()))
        })
    })
}

/// Whether there is a bare repository at that path.
pub fn is_repository(path: &Path) -> bool {
    path.join("HEAD").is_file() && path.join("objects").is_dir() && path.join("refs").is_dir()
}

/// Where the repository itself is: inside a working directory, or at the path.
pub(crate) fn inner(path: &Path) -> PathBuf {
    let inner = path.join(".git");
    let found = if inner.is_dir() { inner } else { path.to_owned() };
    std::path::absolute(&found).unwrap_or(found)
}

/// The object format that a repository's configuration names.
///
/// Reads that one line and nothing else: the configuration may be a stranger's.
pub fn object_format(path: &Path) -> ObjectFormat {
    let text = start_of(&path.join("config")).unwrap_or_default().to_ascii_lowercase();
    let is_sha256 = text.lines().any(|line| {
        line.split_once('=').is_some_and(|(key, value)| {
            key.trim() == "objectformat" && value.trim().trim_matches('"') == "sha256"
        })
    });
    if is_sha256 { ObjectFormat::Sha256 } else { ObjectFormat::Sha1 }
}

/// Most that is read of a file of settings, in bytes: it may be a stranger's.
const MAX_SETTINGS: u64 = 64 << 10;

/// A small file's text; of a larger one its start.
fn start_of(path: &Path) -> Option<String> {
    let mut text = Vec::new();
    fs::File::open(path).ok()?.take(MAX_SETTINGS).read_to_end(&mut text).ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// Full name of the ref that `HEAD` stands for, also when it is not born.
pub fn head(path: &Path) -> Option<String> {
    let candidates = [path.join("HEAD"), path.join(".git/HEAD")];
    let text = candidates.iter().find_map(|it| start_of(it))?;
    let name = text.strip_prefix("ref: ")?.trim();
    crate::refs::is_valid_name(name).then(|| name.to_owned())
}

/// Makes `HEAD` stand for a ref.
///
/// # Errors
///
/// When the name is not one that Git allows, or the system refuses.
pub fn set_head(path: &Path, name: &str) -> Result<(), GitError> {
    if !crate::refs::is_valid_name(name) {
        let what = format!("the default branch `{name}`");
        return Err(GitError::Corrupt { what, detail: "not a name that Git allows".into() });
    }
    let text = format!("ref: {name}\n");
    if start_of(&path.join("HEAD")).is_some_and(|it| it == text) {
        return Ok(());
    }
    let lock = path.join("HEAD.packhorse");
    fs::write(&lock, text)
        .and_then(|()| fs::rename(&lock, path.join("HEAD")))
        .map_err(GitError::system("set the default branch"))
}

/// Makes a stranger's bare repository harmless: our configuration, no hooks, no
/// links to objects elsewhere.
///
/// SECURITY: a repository's configuration can start programs, its alternates
/// and `commondir` can read other repositories, its symbolic links anything.
///
/// # Errors
///
/// When the system refuses.
pub fn sanitise(path: &Path) -> Result<(), GitError> {
    let format = object_format(path);
    let clean = || -> io::Result<()> {
        // First of all, so that nothing below leads out of the repository.
        remove_links(path)?;
        for name in ["hooks", "worktrees", "modules", "branches", "remotes", "logs"] {
            remove(&path.join(name))?;
        }
        let files = [
            "config",
            "config.worktree",
            "commondir",
            "gitdir",
            "shallow",
            "info/grafts",
            "info/attributes",
            "objects/info/alternates",
            "objects/info/http-alternates",
            "objects/info/commit-graph",
            "objects/info/commit-graphs",
        ];
        for name in files {
            remove(&path.join(name))?;
        }
        remove_hints(&path.join("objects/pack"))?;
        for directory in ["objects/info", "objects/pack", "refs/heads", "refs/tags"] {
            fs::create_dir_all(path.join(directory))?;
        }
        fs::write(path.join("config"), configuration(format))
    };
    clean().map_err(GitError::system("make a foreign repository harmless"))?;
    if head(path).is_none() {
        let text = start_of(&path.join("HEAD")).unwrap_or_default();
        let is_detached =
            text.trim().len() >= 40 && text.trim().bytes().all(|b| b.is_ascii_hexdigit());
        if !is_detached {
            fs::write(path.join("HEAD"), "ref: refs/heads/main\n")
                .map_err(GitError::system("set the default branch"))?;
        }
    }
    Ok(())
}

/// Age at which a lock is a dead process's: Git holds one for moments.
const STALE: std::time::Duration = std::time::Duration::from_secs(20);

/// Removes the locks that a killed `git` left; they would block its refs for ever.
///
/// # Errors
///
/// When the system refuses.
pub fn remove_stale_locks(path: &Path) -> Result<(), GitError> {
    let fail = || GitError::system("remove a stale lock");
    let mut waiting = vec![path.join("refs")];
    let mut locks: Vec<PathBuf> =
        ["HEAD.lock", "packed-refs.lock", "config.lock"].map(|it| path.join(it)).into();
    while let Some(directory) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&directory) else { continue };
        for entry in entries {
            let entry = entry.map_err(fail())?;
            if entry.file_type().map_err(fail())?.is_dir() {
                waiting.push(entry.path());
            } else if entry.file_name().to_string_lossy().ends_with(".lock") {
                locks.push(entry.path());
            }
        }
    }
    for lock in locks {
        let age =
            fs::metadata(&lock).and_then(|it| it.modified()).ok().and_then(|it| it.elapsed().ok());
        if age.is_some_and(|it| it > STALE) {
            remove(&lock).map_err(fail())?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Removes what packs can do without and Git would believe: bitmaps and indexes over several
/// packs, which can hide objects, and marks that say that missing objects are elsewhere.
fn remove_hints(packs: &Path) -> io::Result<()> {
    let Ok(entries) = fs::read_dir(packs) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_hint = ["bitmap", "promisor", "rev", "mtimes"]
            .iter()
            .any(|it| path.extension().is_some_and(|extension| extension == *it));
        if is_hint || name.starts_with("multi-pack-index") {
            remove(&path)?;
        }
    }
    Ok(())
}

fn remove_links(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            remove_links(&entry.path())?;
        } else if !kind.is_file() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// What `git fsck --connectivity-only` complains about; nothing when all is well.
///
/// # Errors
///
/// Only when it could not run.
pub async fn fsck(git: &Git, path: &Path) -> Result<Vec<String>, GitError> {
    let arguments = ["fsck", "--connectivity-only", "--no-dangling", "--no-progress"];
    let command = git.inside(path, arguments);
    let (status, output, stderr) = command.finish(&[]).await?;
    if status.success() {
        return Ok(Vec::new());
    }
    let output = String::from_utf8_lossy(&output).into_owned();
    // An unborn HEAD is how an empty repository looks.
    let harmless = |line: &&str| !line.starts_with("notice:") && !line.is_empty();
    let lines = output.lines().chain(stderr.lines()).filter(harmless).take(100);
    Ok(lines.map(str::to_owned).collect())
}

/// The objects of these ids that the repository does not have.
///
/// # Errors
///
/// See [`GitError`].
pub async fn missing(git: &Git, path: &Path, ids: &[String]) -> Result<Vec<String>, GitError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let command = git.inside(path, ["cat-file", "--batch-check=%(objectname)"]);
    let mut child = command.spawn(Stdio::piped(), Stdio::piped())?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let feed = async {
        if let Some(mut pipe) = stdin {
            for id in ids {
                if pipe.write_all(format!("{id}\n").as_bytes()).await.is_err() {
                    return;
                }
            }
        }
    };
    let read = async {
        let mut absent = Vec::new();
        if let Some(pipe) = stdout {
            let mut lines = BufReader::new(pipe).lines();
            while let Some(line) = lines.next_line().await? {
                if let Some(id) = line.strip_suffix(" missing") {
                    absent.push(id.to_owned());
                }
            }
        }
        io::Result::Ok(absent)
    };
    let ((), absent) = tokio::join!(feed, read);
    command.wait(child).await?;
    absent.map_err(GitError::system("read from git"))
}

/// Bytes of all files in a repository.
pub fn size_bytes(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else { return 0 };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => size_bytes(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

/// All files of a bare repository that mean something, relative, sorted: what an archive of it holds.
///
/// # Errors
///
/// When the system refuses.
pub fn files(path: &Path) -> Result<Vec<PathBuf>, GitError> {
    let mut list = Vec::new();
    collect(path, Path::new(""), &mut list).map_err(GitError::system("list a repository"))?;
    list.sort();
    Ok(list)
}

fn collect(root: &Path, below: &Path, list: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(below))? {
        let entry = entry?;
        let relative = below.join(entry.file_name());
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let kind = entry.file_type()?;
        if kind.is_dir() {
            collect(root, &relative, list)?;
        } else if kind.is_file() && !name.starts_with("tmp_") && !name.ends_with(".lock") {
            list.push(relative);
        }
    }
    Ok(())
}
