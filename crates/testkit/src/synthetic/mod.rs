//! A source of any size that makes its records as they are read.
//!
//! For measurements and for tests of scale: nothing is kept, a page is made when
//! it is asked for, and the same seed gives the same records. Issues and change
//! requests share one row of numbers; comments, events and reactions hang on
//! them in proportion.

mod record;

use async_trait::async_trait;
use packhorse_core::{
    Capabilities, Cursor, GitRemote, HostError, HostErrorKind, Lane, ObjectKind, RepoKind, Scope,
    Support,
    port::{BlobRef, ByteStream, Inventory, KindCount, Page, Source},
};
use std::path::PathBuf;

/// Records on a page: about a third of a mebibyte.
const PAGE: u64 = 500;

/// A source of any size.
#[derive(Clone, Debug)]
pub struct Synthetic {
    /// Projects `acme/app-0`, `acme/app-1`, ….
    pub projects: u64,
    /// People who write all of it.
    pub users: u64,
    /// Labels of each project.
    pub labels: u64,
    /// Issues of each project.
    pub issues: u64,
    /// Comments on each issue.
    pub comments_per_issue: u64,
    /// Change requests of each project.
    pub change_requests: u64,
    /// Reviews of each change request, each with a thread of two comments.
    pub reviews: u64,
    /// Percentage of issues, change requests and comments that read otherwise than under 0.
    pub changed_percent: u64,
    /// Makes other words and other people.
    pub seed: u64,
    /// A bare repository that every project has; without, none has one.
    pub repository: Option<PathBuf>,
}

impl Default for Synthetic {
    /// One project of some two thousand records.
    fn default() -> Self {
        Self {
            projects: 1,
            users: 50,
            labels: 20,
            issues: 200,
            comments_per_issue: 4,
            change_requests: 100,
            reviews: 2,
            changed_percent: 0,
            seed: 1,
            repository: None,
        }
    }
}

impl Synthetic {
    /// Records of a kind in one project, or in the shared scope for what stands there.
    pub fn count(&self, kind: ObjectKind) -> u64 {
        match kind {
            ObjectKind::User => self.users,
            ObjectKind::Project => self.projects,
            ObjectKind::Label => self.labels,
            ObjectKind::Milestone => self.labels.div_ceil(4),
            ObjectKind::Issue => self.issues,
            ObjectKind::ChangeRequest => self.change_requests,
            ObjectKind::Comment => self.issues * self.comments_per_issue,
            ObjectKind::Review | ObjectKind::ReviewThread => self.change_requests * self.reviews,
            ObjectKind::ReviewComment => self.change_requests * self.reviews * 2,
            ObjectKind::Event => self.issues + 2 * self.change_requests,
            ObjectKind::Reaction => self.issues * self.comments_per_issue / 4,
            ObjectKind::Release => self.change_requests / 50,
            ObjectKind::Organization
            | ObjectKind::Team
            | ObjectKind::Member
            | ObjectKind::Topic
            | ObjectKind::LfsObject
            | ObjectKind::Repository
            | ObjectKind::Wiki
            | ObjectKind::Attachment
            | ObjectKind::DiscussionCategory
            | ObjectKind::Discussion
            | ObjectKind::Snippet
            | ObjectKind::CommitComment
            | ObjectKind::CommitStatus
            | ObjectKind::ReleaseAsset
            | ObjectKind::Board
            | ObjectKind::BranchRule
            | ObjectKind::TagRule
            | ObjectKind::Webhook
            | ObjectKind::DeployKey
            | ObjectKind::Variable
            | ObjectKind::State => 0,
        }
    }

    /// Records of all kinds in all projects, and the people.
    pub fn total(&self) -> u64 {
        let all = ObjectKind::ALL.iter().copied();
        let in_project: u64 = all.filter(|it| it.in_project()).map(|it| self.count(it)).sum();
        self.users + self.projects * (in_project + 1)
    }

    /// Number of a project, if there is one of that path.
    fn project(&self, path: &str) -> Option<u64> {
        let number = path.strip_prefix("acme/app-")?.parse().ok()?;
        (number < self.projects && path == record::path(number)).then_some(number)
    }

    /// Records of a lane, and the number of its project.
    fn lane(&self, lane: &Lane) -> (u64, u64) {
        let project = lane.scope.project().map(|path| self.project(path));
        match project {
            None if matches!(lane.kind, ObjectKind::User | ObjectKind::Project) => {
                (self.count(lane.kind), 0)
            }
            Some(Some(project)) if lane.kind.in_project() => (self.count(lane.kind), project),
            None | Some(_) => (0, 0),
        }
    }
}

fn support(kind: ObjectKind) -> Support {
    let one_of_each = Synthetic { change_requests: 50, ..Synthetic::default() };
    let is_git = kind == ObjectKind::Repository;
    if is_git || one_of_each.count(kind) > 0 {
        Support::Full
    } else {
        Support::None("it makes none")
    }
}

#[async_trait]
impl Source for Synthetic {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        Ok(Capabilities::promised(support, format!("synthetic:{}", self.seed)))
    }

    async fn inventory(&self, scope: &Scope) -> Result<Inventory, HostError> {
        let mut counts: Vec<KindCount> = ObjectKind::ALL
            .iter()
            .map(|&kind| (kind, self.lane(&Lane::new(scope.clone(), kind)).0))
            .filter(|(_, records)| *records > 0)
            .map(|(kind, records)| KindCount { kind, records: Some(records), bytes: None })
            .collect();
        let known = scope.project().and_then(|path| self.project(path));
        if known.is_some() && self.repository.is_some() {
            let kind = ObjectKind::Repository;
            counts.push(KindCount { kind, records: Some(1), bytes: None });
        }
        Ok(Inventory { counts, losses: Vec::new() })
    }

    async fn read(&self, lane: &Lane, at: Option<&Cursor>) -> Result<Page, HostError> {
        let (count, project) = self.lane(lane);
        let from = match at {
            None => 0,
            Some(Cursor(place)) => place.parse().map_err(|error| {
                HostError::new(HostErrorKind::Protocol, "read a page").because(Box::new(error))
            })?,
        };
        let to = count.min(from + PAGE);
        let next = (to < count).then(|| Cursor(to.to_string()));
        let records = (from..to).map(|n| self.record(lane.kind, project, n)).collect();
        Ok(Page { records, next })
    }

    async fn remote(&self, project: &str, repo: RepoKind) -> Result<Option<GitRemote>, HostError> {
        let path = self.repository.as_ref().filter(|_| repo == RepoKind::Code);
        let path = path.filter(|_| self.project(project).is_some());
        Ok(path.map(|path| GitRemote::local(path)))
    }

    async fn open(&self, blob: &BlobRef, _: u64) -> Result<ByteStream, HostError> {
        Err(HostError::new(HostErrorKind::NotFound, "open a blob").with("record", &blob.origin))
    }
}
