//! Repositories below the store's root: where they are, and their refs without a process.

use super::Store;
use packhorse_core::{
    GitRemote, RepoKind, Scope,
    model::{ObjectFormat, Project},
};
use packhorse_git::{Git, GitError, repository};
use std::{
    collections::BTreeMap,
    path::{Component, Path, PathBuf},
};

/// Refs by full name, with object ids.
pub type Refs = BTreeMap<String, String>;

/// Why a ref could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the ref {name} cannot be written")]
pub struct NoRefs {
    name: String,
    source: std::io::Error,
}

impl Store {
    /// The directory that holds all repositories.
    pub fn git_root(&self) -> PathBuf {
        self.root.join("git")
    }

    /// Where a repository of a project is or would be.
    pub fn repository(&self, project: &str, kind: RepoKind) -> PathBuf {
        let suffix = match kind {
            RepoKind::Code => "git",
            RepoKind::Wiki => "wiki.git",
        };
        self.git_root().join(format!("{project}.{suffix}"))
    }

    /// Makes an empty repository, if there is none.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn make_repository(&self, project: &str, kind: RepoKind) -> Result<PathBuf, GitError> {
        let path = self.repository(project, kind);
        if !repository::is_repository(&path) {
            repository::init_bare(&path, ObjectFormat::Sha1)?;
        }
        Ok(path)
    }

    /// The refs of a repository; none where there is no repository.
    pub fn refs(&self, project: &str, kind: RepoKind) -> Refs {
        let path = self.repository(project, kind);
        let mut refs = packed(&path);
        loose(&path, "refs", &mut refs);
        refs
    }

    /// Where one ref points, without looking at all others.
    pub fn tip(&self, project: &str, name: &str) -> Option<String> {
        let path = self.repository(project, RepoKind::Code);
        let is_within = Path::new(name).components().all(|it| matches!(it, Component::Normal(_)));
        if !is_within {
            return None;
        }
        match std::fs::read_to_string(path.join(name)) {
            Ok(text) => Some(text.trim().to_owned()),
            Err(_) => packed(&path).remove(name),
        }
    }

    /// The same as a host tells them that notices a push only when it was asked a few times.
    pub fn refs_told(&self, project: &str) -> Refs {
        match self.unnoticed.contains_key(project) {
            true => Refs::new(),
            false => self.refs(project, RepoKind::Code),
        }
    }

    /// Whether a host says of a repository that nothing was pushed to it yet.
    pub fn is_told_empty(&self, project: &str) -> bool {
        let path = self.repository(project, RepoKind::Code);
        self.unnoticed.contains_key(project) || (!has_loose(&path) && packed(&path).is_empty())
    }

    /// A push is to come, which the host notices when it was asked so often, if that is the first.
    pub fn will_be_pushed(&mut self, project: &str, asks: u32) {
        if asks > 0 && self.refs(project, RepoKind::Code).is_empty() {
            self.unnoticed.insert(project.to_owned(), asks);
        }
    }

    /// Somebody has asked for what is in a repository, and has heard it. When a push is noticed,
    /// the repository begins with the first of its branches, whatever was chosen before.
    pub fn was_asked(&mut self, project: &str) {
        if !self.unnoticed.contains_key(project) {
            return;
        }
        let refs = self.refs(project, RepoKind::Code);
        let Some(branch) = refs.keys().find(|it| it.starts_with("refs/heads/")) else { return };
        let Some(asks) = self.unnoticed.get_mut(project) else { return };
        *asks -= 1;
        if *asks > 0 {
            return;
        }
        self.unnoticed.remove(project);
        drop(repository::set_head(&self.repository(project, RepoKind::Code), branch));
        let id = self.project(project).map(|(id, ..)| id);
        if let Some(it) = id.and_then(|id| self.get_mut::<Project>(&Scope::Shared, id)) {
            it.default_branch = branch.strip_prefix("refs/heads/").map(str::to_owned);
        }
    }

    /// The tip of a branch.
    pub fn branch(&self, project: &str, name: &str) -> Option<String> {
        self.tip(project, &format!("refs/heads/{name}"))
    }

    /// Writes a ref as the host itself does, such as `refs/pull/1/head`.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn set_ref(&self, project: &str, name: &str, id: &str) -> Result<(), NoRefs> {
        let fail = |source| NoRefs { name: name.to_owned(), source };
        let path = self.repository(project, RepoKind::Code).join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(&path)).map_err(fail)?;
        std::fs::write(path, format!("{id}\n")).map_err(fail)
    }

    /// Takes a ref away; whether it was there.
    pub fn delete_ref(&self, project: &str, name: &str) -> bool {
        let path = self.repository(project, RepoKind::Code);
        let was_there = self.refs(project, RepoKind::Code).contains_key(name);
        drop(std::fs::remove_file(path.join(name)));
        let packed = path.join("packed-refs");
        if let Ok(text) = std::fs::read_to_string(&packed) {
            let end = format!(" {name}");
            let kept = text.lines().filter(|it| !it.ends_with(&end)).collect::<Vec<_>>();
            drop(std::fs::write(packed, kept.join("\n") + "\n"));
        }
        was_there
    }
}

fn packed(root: &Path) -> Refs {
    let text = std::fs::read_to_string(root.join("packed-refs")).unwrap_or_default();
    let refs = text.lines().filter(|line| !line.starts_with(['#', '^']));
    let refs = refs.filter_map(|line| line.split_once(' '));
    refs.map(|(id, name)| (name.to_owned(), id.to_owned())).collect()
}

/// Whether there is any, without reading all.
fn has_loose(root: &Path) -> bool {
    let mut folders = vec![root.join("refs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type().is_ok_and(|it| it.is_dir()) {
                true => folders.push(entry.path()),
                false => return true,
            }
        }
    }
    false
}

fn loose(root: &Path, name: &str, refs: &mut Refs) {
    for entry in std::fs::read_dir(root.join(name)).into_iter().flatten().flatten() {
        let name = format!("{name}/{}", entry.file_name().to_string_lossy());
        if entry.file_type().is_ok_and(|it| it.is_dir()) {
            loose(root, &name, refs);
        } else if let Ok(text) = std::fs::read_to_string(entry.path()) {
            refs.insert(name, text.trim().to_owned());
        }
    }
}

/// Copies a repository into a fake, refs and all.
///
/// # Errors
///
/// When Git is missing or refuses.
pub(crate) async fn copy(from: &GitRemote, to: &Path) -> Result<(), GitError> {
    if !repository::is_repository(to) {
        repository::init_bare(to, ObjectFormat::Sha1)?;
    }
    let git = Git::find().await?;
    let arguments = ["fetch", "--quiet", "--no-tags", from.url.as_str(), "+refs/*:refs/*"];
    git.inside(to, arguments).with_remote(from).await?.run(&[]).await?;
    Ok(())
}
