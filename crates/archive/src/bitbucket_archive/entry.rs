//! Names of the archive's entries: `<plugin key>_<what it exports>/…`.
//!
//! Source: the entries of an export of Data Center 9.4, which `docs/formats/bitbucket-archive.md` lists.

/// What every plug-in of the server's own begins with.
const VENDOR: &str = "com.atlassian.";
const INSTANCE: &str = "com.atlassian.bitbucket.server.bitbucket-instance-migration";
const GIT: &str = "com.atlassian.bitbucket.server.bitbucket-git";
const LFS: &str = "com.atlassian.bitbucket.server.bitbucket-git-lfs";

/// An entry by what it holds; projects and repositories are told by their rows in the server's database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry<'a> {
    /// Which server, which version.
    Details,
    /// A project of the server.
    Project(&'a str),
    /// What all with an account may do in it.
    AllPermissions(&'a str),
    /// What people may do in it.
    ProjectPermissions(&'a str),
    /// Repositories that are forks of each other begin.
    Begin(&'a str),
    /// They end.
    End(&'a str),
    /// A repository, and the project that it is in.
    Repository(&'a str, &'a str),
    /// What people may do in it.
    RepositoryPermissions(&'a str),
    /// Refs, `HEAD`, reflogs.
    Skeleton(&'a str),
    /// Its hooks, which are never taken.
    Hooks(&'a str),
    /// Its objects.
    Objects(&'a str),
    /// Whether it has LFS objects.
    LfsSettings(&'a str),
    /// A change request.
    Request(&'a str, u64),
    /// What was said and done in it.
    Activities(&'a str, u64),
    /// What the server remembers of its commits.
    Caches(&'a str, u64),
    /// Of a section that is not known.
    Other(&'a str),
}

impl<'a> Entry<'a> {
    /// What an entry of that name holds.
    pub(super) fn of(name: &'a str) -> Self {
        let parts: Vec<&str> = name.split('/').collect();
        let [first, rest @ ..] = &parts[..] else { return Self::Other("") };
        if let ("_", ["repository", mark, id]) = (*first, rest) {
            return match *mark {
                "hierarchy_begin" => Self::Begin(id),
                "hierarchy_end" => Self::End(id),
                _ => Self::Other("_"),
            };
        }
        let section = first.strip_prefix(VENDOR).and_then(|it| it.rsplit_once('_'));
        let Some((_, section)) = section else { return Self::Other(first) };
        let number = |text: &str| text.parse::<u64>().ok();
        let found = match (section, rest) {
            ("instanceDetails", ["instance-details.json.atl.gz"]) => Some(Self::Details),
            ("metadata", [project, "project.json.atl.gz"]) => {
                project.strip_prefix("project_").map(Self::Project)
            }
            ("metadata", [project, file]) => {
                let repository = file.strip_prefix("repository_");
                let repository = repository.and_then(|it| it.strip_suffix(".json.atl.gz"));
                project
                    .strip_prefix("project_")
                    .zip(repository)
                    .map(|(a, b)| Self::Repository(a, b))
            }
            ("permissions", ["project", id, "all-permissions.json.atl.gz"]) => {
                Some(Self::AllPermissions(id))
            }
            ("permissions", ["project", id, "permissions.json.atl.gz"]) => {
                Some(Self::ProjectPermissions(id))
            }
            ("permissions", ["repository", id, "permissions.json.atl.gz"]) => {
                Some(Self::RepositoryPermissions(id))
            }
            ("git", ["repositories", id, "metadata", "metadata.atl.tar.atl.gz"]) => {
                Some(Self::Skeleton(id))
            }
            ("git", ["repositories", id, "hooks", "hooks.atl.tar.atl.gz"]) => Some(Self::Hooks(id)),
            ("git", ["repositories", id, "contents", "objects.atl.tar"]) => Some(Self::Objects(id)),
            ("gitLfsSettings", [id, "git-lfs-settings.json.atl.gz"]) => Some(Self::LfsSettings(id)),
            ("pullRequests", ["repository", id, "pullrequest", n, file]) => {
                number(n).and_then(|n| match *file {
                    "metadata.json.atl.gz" => Some(Self::Request(id, n)),
                    "activities.json.atl.gz" => Some(Self::Activities(id, n)),
                    _ => None,
                })
            }
            (
                "gitPullRequests",
                ["repositories", id, "pullrequests", n, "caches.atl.tar.atl.gz"],
            ) => number(n).map(|n| Self::Caches(id, n)),
            _ => None,
        };
        found.unwrap_or(Self::Other(section))
    }

    /// The name of the entry that holds it.
    pub(super) fn name(self) -> String {
        match self {
            Self::Details => format!("{INSTANCE}_instanceDetails/instance-details.json.atl.gz"),
            Self::Project(id) => format!("{INSTANCE}_metadata/project_{id}/project.json.atl.gz"),
            Self::AllPermissions(id) => {
                format!("{INSTANCE}_permissions/project/{id}/all-permissions.json.atl.gz")
            }
            Self::ProjectPermissions(id) => {
                format!("{INSTANCE}_permissions/project/{id}/permissions.json.atl.gz")
            }
            Self::Begin(id) => format!("_/repository/hierarchy_begin/{id}"),
            Self::End(id) => format!("_/repository/hierarchy_end/{id}"),
            Self::Repository(project, id) => {
                format!("{INSTANCE}_metadata/project_{project}/repository_{id}.json.atl.gz")
            }
            Self::RepositoryPermissions(id) => {
                format!("{INSTANCE}_permissions/repository/{id}/permissions.json.atl.gz")
            }
            Self::Skeleton(id) => {
                format!("{GIT}_git/repositories/{id}/metadata/metadata.atl.tar.atl.gz")
            }
            Self::Hooks(id) => format!("{GIT}_git/repositories/{id}/hooks/hooks.atl.tar.atl.gz"),
            Self::Objects(id) => format!("{GIT}_git/repositories/{id}/contents/objects.atl.tar"),
            Self::LfsSettings(id) => {
                format!("{LFS}_gitLfsSettings/{id}/git-lfs-settings.json.atl.gz")
            }
            Self::Request(id, n) => {
                format!(
                    "{INSTANCE}_pullRequests/repository/{id}/pullrequest/{n}/metadata.json.atl.gz"
                )
            }
            Self::Activities(id, n) => {
                format!(
                    "{INSTANCE}_pullRequests/repository/{id}/pullrequest/{n}/activities.json.atl.gz"
                )
            }
            Self::Caches(id, n) => {
                format!(
                    "{GIT}_gitPullRequests/repositories/{id}/pullrequests/{n}/caches.atl.tar.atl.gz"
                )
            }
            Self::Other(section) => section.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_told_by_its_name() {
        for entry in [
            Entry::Details,
            Entry::Project("1"),
            Entry::AllPermissions("1"),
            Entry::ProjectPermissions("1"),
            Entry::Begin("193ff86dea156b3c21ce"),
            Entry::Repository("1", "2"),
            Entry::RepositoryPermissions("2"),
            Entry::Skeleton("2"),
            Entry::Hooks("2"),
            Entry::Objects("2"),
            Entry::LfsSettings("2"),
            Entry::Request("2", 7),
            Entry::Activities("2", 7),
            Entry::Caches("2", 7),
            Entry::End("193ff86dea156b3c21ce"),
        ] {
            assert_eq!(Entry::of(&entry.name()), entry);
        }
    }

    #[test]
    fn what_is_not_known_is_told_by_its_section() {
        let name = "com.atlassian.bitbucket.server.bitbucket-instance-migration_attachments/2/x";
        assert_eq!(Entry::of(name), Entry::Other("attachments"));
        assert_eq!(Entry::of("readme"), Entry::Other("readme"));
        let odd = Entry::Request("2", 7).name().replace("/7/", "/seven/");
        assert_eq!(Entry::of(&odd), Entry::Other("pullRequests"));
    }
}
