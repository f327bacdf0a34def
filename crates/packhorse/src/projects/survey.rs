//! What repositories there are at a Git host.

use super::{
    host::{ApiType, Host},
    remotes::Remotes,
    source::Listed,
};
use crate::{error::AppError, registry, terminal};
use packhorse_core::{
    GitCredentials, GitRemote, HostError, HostErrorKind, Lane, Object, ObjectKind, RepoKind, Scope,
    port::Source,
};
use packhorse_git::{Git, GitError, RefList, RefPolicy, refs};
use std::{collections::BTreeMap, path::Path, sync::Arc};

/// One repository, as its host lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Repository {
    /// Full path at the host.
    pub(super) path: String,
    pub(super) description: Option<String>,
    pub(super) default_branch: Option<String>,
}

/// The repositories of one organization, by their names in small letters.
pub(super) struct Survey {
    pub(super) source: Arc<dyn Source>,
    pub(super) repositories: BTreeMap<String, Repository>,
    pub(super) remotes: Remotes,
}

impl Survey {
    /// Lists what is there.
    pub(super) async fn of(host: &Host, scratch: &Path) -> Result<Self, AppError> {
        let source = registry::source(&host.location, scratch)?;
        source.probe().await.map_err(|error| failed(host, error))?;
        let repositories = list(&*source, &host.organization).await;
        let repositories = repositories.map_err(|error| failed(host, error))?;
        Ok(Self { source, repositories, remotes: Remotes::default() })
    }

    /// Lists the origin; the platform's own server may want nobody's name where it has no token.
    pub(super) async fn of_origin(origin: Host, scratch: &Path) -> Result<(Host, Self), AppError> {
        let is_blank = |it: &GitCredentials| it.password.expose().is_empty();
        let may_be_nobody = origin.api == ApiType::Internal
            && origin.username.is_some()
            && origin.location.credentials.as_ref().is_some_and(is_blank);
        if may_be_nobody {
            let source = registry::source(&origin.location, scratch)?;
            let refused =
                source.probe().await.is_err_and(|it| it.kind == HostErrorKind::Unauthorized);
            if refused {
                terminal::talk(
                    "note: the origin takes no account without a token; asking as nobody",
                );
                let nobody = origin.anonymous();
                let survey = Self::of(&nobody, scratch).await?;
                return Ok((nobody, survey));
            }
        }
        let survey = Self::of(&origin, scratch).await?;
        Ok((origin, survey))
    }

    /// The repository of that name, whatever its capitals.
    pub(super) fn find(&self, name: &str) -> Option<&Repository> {
        self.repositories.get(&name.to_lowercase())
    }

    /// What a clone of a project checks out: some hosts do not tell it in a list, and GitHub names a
    /// branch also where there is none.
    pub(super) async fn head(
        &self,
        of: &Listed,
        (api, git, policy): (ApiType, &Git, &RefPolicy),
    ) -> Result<Option<String>, SurveyError> {
        if of.default_branch.is_none() {
            let lane = Lane::new(Scope::Project(of.origin.clone()), ObjectKind::Project);
            let page = self.source.read(&lane, None).await?;
            return Ok(page.records.into_iter().find_map(|record| {
                let Object::Project(project) = record.object else { return None };
                project.default_branch
            }));
        }
        if api == ApiType::Github {
            let path = of.origin.clone();
            let at = Repository { path, description: None, default_branch: None };
            if self.refs(&at, (git, policy)).await?.refs.is_empty() {
                return Ok(None);
            }
        }
        Ok(of.default_branch.clone())
    }

    /// Where a repository is fetched from; `None` while it is empty.
    pub(super) async fn remote(&self, at: &Repository) -> Result<Option<GitRemote>, HostError> {
        match self.remotes.get(&at.path) {
            Some(known) => Ok(Some(known)),
            None => self.source.remote(&at.path, RepoKind::Code).await,
        }
    }

    /// The refs of a repository that travel.
    pub(super) async fn refs(
        &self,
        at: &Repository,
        (git, policy): (&Git, &RefPolicy),
    ) -> Result<RefList, SurveyError> {
        let Some(remote) = self.remote(at).await? else { return Ok(RefList::default()) };
        match refs::tips(git, &remote).await {
            Ok(list) => Ok(policy.select(&list).0),
            Err(GitError::NoRepository { .. }) => Ok(RefList::default()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Why a repository could not be looked at.
#[derive(Debug, thiserror::Error)]
pub(super) enum SurveyError {
    #[error(transparent)]
    Host(#[from] HostError),
    #[error(transparent)]
    Git(#[from] GitError),
}

async fn list(
    source: &dyn Source,
    organization: &str,
) -> Result<BTreeMap<String, Repository>, HostError> {
    let lane = Lane::new(Scope::Shared, ObjectKind::Project);
    let mut all = BTreeMap::new();
    let mut at = None;
    loop {
        let page = source.read(&lane, at.as_ref()).await?;
        for record in page.records {
            let path = record.origin.id;
            let Some(name) = name_of(&path, organization) else { continue };
            let Object::Project(project) = record.object else { continue };
            let found = Repository {
                description: project.description,
                default_branch: project.default_branch,
                path: path.clone(),
            };
            all.insert(name.to_lowercase(), found);
        }
        match page.next {
            Some(next) => at = Some(next),
            None => return Ok(all),
        }
    }
}

/// The name of a repository right below an organization.
fn name_of<'a>(path: &'a str, organization: &str) -> Option<&'a str> {
    let (owner, name) = path.rsplit_once('/')?;
    owner.eq_ignore_ascii_case(organization).then_some(name)
}

/// A host that could not be asked, with what to do.
fn failed(host: &Host, error: HostError) -> AppError {
    let place = &host.location;
    let hint = match error.kind {
        HostErrorKind::Unauthorized => {
            "the token or password is wrong, has expired, or is not of that account; on the \
             platform's own server, `reverse-proxy-auth` has to be `false` for as long as the \
             migration lasts"
        }
        HostErrorKind::Forbidden => {
            "the token may not do that: its account has to administer the organization"
        }
        HostErrorKind::NotFound => {
            "there is no such organization, or the account does not see it: make it there, or \
             say another one"
        }
        HostErrorKind::Unavailable => {
            "is the address right, and does this machine reach it? With the platform's own server, \
             take http in place of https"
        }
        HostErrorKind::Conflict
        | HostErrorKind::Rejected
        | HostErrorKind::RateLimited
        | HostErrorKind::Protocol
        | HostErrorKind::Unsupported => "look at the API type and the API URL",
    };
    AppError::failed(format!("could not list the repositories at `{place}`"))
        .because(error)
        .hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_right_below_the_organization_counts() {
        assert_eq!(name_of("Acme/x", "acme"), Some("x"));
        assert_eq!(name_of("acme/sub/x", "acme"), None);
        assert_eq!(name_of("acme/sub/x", "acme/sub"), Some("x"));
        assert_eq!(name_of("other/x", "acme"), None);
    }
}
