//! The platform's projects as a source: who and what out of the database, repositories out of the
//! Git host that keeps them.
//!
//! Projects carry the paths that they get at the destination, so that nothing has to be renamed on
//! the way.

use super::{project::Right, remotes::Remotes};
use async_trait::async_trait;
use packhorse_core::{
    Capabilities, Cursor, GitRemote, HostError, HostErrorKind, Lane, Object, ObjectKind, Record,
    RepoKind, Scope, Support,
    model::{self, Grantee, Identity, Member, Place, Role, Visibility},
    port::{BlobRef, ByteStream, Inventory, KindCount, Page, Source},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What identities of these sources begin with.
pub(crate) const IDENTITY: &str = "projects of ";

/// Projects of a page.
const PAGE: usize = 500;

/// A project that is to be carried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Listed {
    /// Full path at the origin.
    pub(super) origin: String,
    pub(super) description: Option<String>,
    pub(super) default_branch: Option<String>,
    /// Names at the destination.
    pub(super) members: BTreeMap<String, Right>,
    /// Who had a right in the repository, where it was at the destination before the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) before: Option<BTreeSet<String>>,
}

/// The host that keeps the repositories.
pub(super) enum Origin {
    /// It can be asked.
    Open(Arc<dyn Source>),
    /// Nobody asks it: what is told of projects is what was told when they were carried.
    Closed {
        /// Identity of the source, as it was then.
        identity: String,
    },
}

/// The projects that are to be carried.
pub(super) struct PlatformSource {
    pub(super) host: Origin,
    /// Name of the destination's server, whose accounts the members are.
    pub(super) people_at: Option<String>,
    /// By full path at the destination.
    pub(super) listed: BTreeMap<String, Listed>,
    /// Learns where the host says that its repositories are.
    pub(super) remotes: Remotes,
}

impl PlatformSource {
    fn get(&self, path: &str) -> Result<&Listed, HostError> {
        self.listed.get(path).ok_or_else(|| {
            HostError::new(HostErrorKind::NotFound, "find a project").with("project", path)
        })
    }

    fn projects(&self, at: Option<&Cursor>) -> Result<Page, HostError> {
        let from = at.map_or(Ok(0), |it| it.0.parse::<usize>());
        let from = from.map_err(|error| {
            HostError::new(HostErrorKind::Protocol, "go on with a listing").because(error)
        })?;
        let some = self.listed.iter().skip(from).take(PAGE);
        let records: Vec<_> = some.map(|(path, it)| project(path, it)).collect();
        let to = from + records.len();
        let next = (to < self.listed.len()).then(|| Cursor(to.to_string()));
        Ok(Page { records, next })
    }
}

fn project(path: &str, listed: &Listed) -> Record {
    let project = model::Project {
        path: path.to_owned(),
        name: path.rsplit('/').next().unwrap_or(path).to_owned(),
        description: listed.description.clone(),
        default_branch: listed.default_branch.clone(),
        visibility: Visibility::Private,
        ..model::Project::default()
    };
    Record::new(path, Object::from(project))
}

fn member(login: &str, right: Right, host: Option<&str>) -> Record {
    let role = match right {
        Right::Read => Role::Read,
        Right::Write => Role::Write,
    };
    let grantee = Grantee::User(Identity::login(login, host));
    let member = Member { place: Place::Project, grantee, role, ..Member::default() };
    Record::new(login, Object::from(member))
}

/// What there is of each kind.
fn support(kind: ObjectKind) -> Support {
    if matches!(kind, ObjectKind::Project | ObjectKind::Repository | ObjectKind::Member) {
        return Support::Full;
    }
    Support::None("the platform's projects have no such thing")
}

#[async_trait]
impl Source for PlatformSource {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        match &self.host {
            Origin::Open(host) => {
                let host = host.probe().await?;
                let identity = format!("{IDENTITY}{}", host.identity);
                let mut own = Capabilities::promised(support, identity);
                own.web_url = host.web_url;
                Ok(own)
            }
            Origin::Closed { identity } => Ok(Capabilities::promised(support, identity.clone())),
        }
    }

    async fn inventory(&self, scope: &Scope) -> Result<Inventory, HostError> {
        let row = |kind, n: usize| KindCount { kind, records: Some(n as u64), bytes: None };
        let counts = match scope {
            Scope::Shared => vec![row(ObjectKind::Project, self.listed.len())],
            Scope::Project(path) => {
                let listed = self.get(path)?;
                vec![row(ObjectKind::Member, listed.members.len()), row(ObjectKind::Repository, 1)]
            }
        };
        Ok(Inventory { counts, losses: Vec::new() })
    }

    async fn read(&self, lane: &Lane, at: Option<&Cursor>) -> Result<Page, HostError> {
        let records = match &lane.scope {
            Scope::Shared if lane.kind == ObjectKind::Project => return self.projects(at),
            Scope::Shared => Vec::new(),
            Scope::Project(path) => {
                let listed = self.get(path)?;
                if lane.kind == ObjectKind::Member {
                    let host = self.people_at.as_deref();
                    let members = listed.members.iter();
                    members.map(|(login, right)| member(login, *right, host)).collect()
                } else if lane.kind == ObjectKind::Project {
                    vec![project(path, listed)]
                } else {
                    Vec::new()
                }
            }
        };
        Ok(Page { records, next: None })
    }

    async fn remote(&self, project: &str, repo: RepoKind) -> Result<Option<GitRemote>, HostError> {
        match &self.host {
            Origin::Open(host) => {
                let path = &self.get(project)?.origin;
                let found = host.remote(path, repo).await?;
                if repo == RepoKind::Code {
                    self.remotes.learn(path, found.as_ref());
                }
                Ok(found)
            }
            Origin::Closed { .. } => Ok(None),
        }
    }

    async fn open(&self, blob: &BlobRef, _: u64) -> Result<ByteStream, HostError> {
        Err(HostError::new(HostErrorKind::NotFound, "open a file").with("file", &blob.origin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn many_projects_come_in_pages() {
        let listed = |n: usize| {
            let it = Listed {
                origin: format!("anaconda/p{n}"),
                description: None,
                default_branch: None,
                members: BTreeMap::from([("alice".to_owned(), Right::Write)]),
                before: None,
            };
            (format!("acme/p{n}"), it)
        };
        let host = packhorse_testkit::memory::MemoryHost::named("origin");
        let source = PlatformSource {
            host: Origin::Open(Arc::new(host)),
            people_at: None,
            listed: (0..1_001).map(listed).collect(),
            remotes: Remotes::default(),
        };
        let lane = Lane::new(Scope::Shared, ObjectKind::Project);

        let (mut n, mut at) = (0, None);
        loop {
            let page = source.read(&lane, at.as_ref()).await.unwrap();
            n += page.records.len();
            match page.next {
                Some(next) => at = Some(next),
                None => break,
            }
        }

        assert_eq!(n, 1_001);
    }
}
