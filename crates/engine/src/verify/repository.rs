//! Repositories: their refs, their connectivity, and the large files they point to.

use super::{Finding, Tallied, Verification, VerifyError, What, pages::Pages};
use packhorse_core::{GitRemote, Lane, Object, ObjectKind, RepoKind, Scope, port::Source};
use packhorse_git::{Git, GitError, RefList, RefPolicy, lfs, refs, repository};
use std::{collections::BTreeSet, path::Path};

/// Complaints and refs that are named for one repository.
const MAX_NAMED: usize = 10;

/// Large files that are looked up at a time.
const POINTERS_AT_ONCE: usize = 100_000;

/// The two ends of one project's repository.
pub(super) struct Repositories<'a> {
    pub(super) git: &'a Git,
    pub(super) source: &'a dyn Source,
    pub(super) reader: &'a dyn Source,
    /// Full paths at the source and at the destination.
    pub(super) paths: (&'a str, &'a str),
    pub(super) policy: RefPolicy,
    /// Whether both ends list their large files.
    pub(super) lists_files: bool,
}

/// The kind of record that stands for a repository.
pub(super) fn kind_of(repo: RepoKind) -> ObjectKind {
    match repo {
        RepoKind::Code => ObjectKind::Repository,
        RepoKind::Wiki => ObjectKind::Wiki,
    }
}

impl Repositories<'_> {
    /// Compares one repository's refs, and looks through it where it is on this machine.
    pub(super) async fn check(
        &self,
        repo: RepoKind,
        verification: &mut Verification,
    ) -> Result<(), VerifyError> {
        let (source, target) = self.paths;
        let expected = self.refs(self.source.remote(source, repo).await?).await?;
        let remote = self.reader.remote(target, repo).await?;
        let found = self.refs(remote.clone()).await?;
        let Some(expected) = expected.filter(|it| !it.refs.is_empty()) else { return Ok(()) };
        let kind = kind_of(repo);
        let scope = Scope::Project(source.to_owned());
        let finding = |what| Finding { scope: scope.clone(), kind, id: source.to_owned(), what };
        let mut tally = Tallied { compared: 1, ..Tallied::default() };
        let Some(found) = found else {
            tally.missing = 1;
            verification.find(finding(What::Missing));
            verification.close_lane(&scope, kind, tally);
            return Ok(());
        };
        let mut wrong = wrong_refs(&expected, &found);
        // Only where everything travels does `HEAD` travel too.
        if self.policy.is_mirror() {
            wrong.extend(wrong_head(&expected, &found));
        }
        if let Some(path) = remote.as_ref().and_then(|it| it.url.as_path()) {
            wrong.extend(self.inside(path, repo).await?);
        }
        if wrong.is_empty() {
            tally.equal = 1;
        } else {
            tally.different = 1;
        }
        for detail in wrong {
            verification.find(finding(What::Corrupt { detail }));
        }
        verification.close_lane(&scope, kind, tally);
        Ok(())
    }

    /// The refs of a repository that travel between these ends.
    async fn refs(&self, remote: Option<GitRemote>) -> Result<Option<RefList>, VerifyError> {
        let Some(remote) = remote else { return Ok(None) };
        if remote.url.as_path().is_some_and(|path| !repository::is_repository(path)) {
            return Ok(None);
        }
        let list = match refs::list(self.git, &remote).await {
            Ok(list) => list,
            // Hosts name wikis that have no page yet, and so are not there.
            Err(GitError::NoRepository { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        Ok(Some(self.policy.select(&list).0))
    }

    /// What is wrong inside a repository on this machine.
    async fn inside(&self, path: &Path, repo: RepoKind) -> Result<Vec<String>, VerifyError> {
        let mut wrong = named(repository::fsck(self.git, path).await?);
        if repo == RepoKind::Code && self.lists_files {
            wrong.extend(self.large_files(path).await?);
        }
        Ok(wrong)
    }

    /// Large files that the history points to and that the destination's listing lacks.
    ///
    /// Those that the source lacks as well are its loss, not the route's; where it has
    /// none at all, history need not be searched.
    async fn large_files(&self, path: &Path) -> Result<Vec<String>, VerifyError> {
        if self.source.read(&large_files_of(self.paths.0), None).await?.records.is_empty() {
            return Ok(Vec::new());
        }
        let mut wanted = BTreeSet::new();
        let mut n_beyond = 0_u64;
        lfs::pointers(self.git, path, |pointer| {
            if wanted.len() < POINTERS_AT_ONCE {
                wanted.insert(pointer.sha256);
            } else {
                n_beyond += u64::from(!wanted.contains(&pointer.sha256));
            }
        })
        .await?;
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        strike(self.reader, self.paths.1, &mut wanted).await?;
        if !wanted.is_empty() {
            let mut here = wanted.clone();
            strike(self.source, self.paths.0, &mut here).await?;
            wanted.retain(|it| !here.contains(it));
        }
        let mut wrong =
            named(wanted.iter().map(|it| format!("the large file {it} is not there")).collect());
        if n_beyond > 0 {
            wrong.push(format!("{n_beyond} pointers to large files were not looked up"));
        }
        Ok(wrong)
    }
}

fn large_files_of(project: &str) -> Lane {
    Lane::new(Scope::Project(project.to_owned()), ObjectKind::LfsObject)
}

/// Takes out of a set the large files that an end lists.
async fn strike(
    end: &dyn Source,
    project: &str,
    wanted: &mut BTreeSet<String>,
) -> Result<(), VerifyError> {
    let lane = large_files_of(project);
    let mut pages = Pages::of(end, &lane);
    while !wanted.is_empty()
        && let Some(records) = pages.next().await?
    {
        for record in records {
            if let Object::LfsObject(it) = &record.object {
                wanted.remove(it.blob.sha256.as_deref().unwrap_or(&record.origin.id));
            }
        }
    }
    Ok(())
}

/// Differences between refs, in words.
fn wrong_refs(expected: &RefList, found: &RefList) -> Vec<String> {
    let list: Vec<String> = refs::differences(expected, found)
        .into_iter()
        .filter_map(|it| match (it.expected, it.found) {
            (Some(expected), Some(found)) => {
                Some(format!("{} is at {found} instead of {expected}", it.name))
            }
            (Some(expected), None) => Some(format!("{} at {expected} is not there", it.name)),
            // Refs beside ours are others' work, or what the source has since removed.
            (None, _) => None,
        })
        .collect();
    named(list)
}

fn wrong_head(expected: &RefList, found: &RefList) -> Option<String> {
    let (expected, found) = (expected.head.as_ref()?, found.head.as_ref()?);
    (expected != found).then(|| format!("HEAD stands for {found} instead of {expected}"))
}

/// The first few of a list, and how many more there are.
fn named(mut list: Vec<String>) -> Vec<String> {
    if list.len() > MAX_NAMED {
        let n_more = list.len() - MAX_NAMED;
        list.truncate(MAX_NAMED);
        list.push(format!("{n_more} more"));
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(head: &str, refs: &[(&str, &str)]) -> RefList {
        let refs = refs.iter().map(|(name, id)| ((*name).to_owned(), (*id).to_owned())).collect();
        RefList { head: Some(head.to_owned()), refs }
    }

    #[test]
    fn moved_and_missing_refs_are_named_and_extra_ones_are_not() {
        let expected = list("refs/heads/main", &[("refs/heads/a", "1"), ("refs/heads/b", "2")]);
        let found = list("refs/heads/dev", &[("refs/heads/a", "9"), ("refs/heads/c", "3")]);

        let wrong = wrong_refs(&expected, &found);

        assert_eq!(wrong, ["refs/heads/a is at 9 instead of 1", "refs/heads/b at 2 is not there",]);
        let head = "HEAD stands for refs/heads/dev instead of refs/heads/main";
        assert_eq!(wrong_head(&expected, &found).as_deref(), Some(head));
    }

    #[test]
    fn a_long_list_is_cut() {
        let list = (0..15).map(|n| n.to_string()).collect();

        let named = named(list);

        assert_eq!(named.len(), MAX_NAMED + 1);
        assert_eq!(named.last().map(String::as_str), Some("5 more"));
    }
}
