//! How much there is, as far as the server tells without being read.

use super::{Extent, GithubSource, Path, support};
use packhorse_core::{
    HostError, ObjectKind,
    port::{Inventory, KindCount},
};

fn row(kind: ObjectKind, records: Option<u64>) -> KindCount {
    KindCount { kind, records, bytes: None }
}

/// The path of a listing below the project, and its query.
type Listed = (&'static [&'static str], &'static [(&'static str, &'static str)]);

/// Where a listing of a kind is, below the project, with what chooses from it.
fn listing(kind: ObjectKind) -> Option<Listed> {
    let all: &[(&str, &str)] = &[("state", "all")];
    Some(match kind {
        ObjectKind::Label => (&["labels"], &[]),
        ObjectKind::Milestone => (&["milestones"], all),
        ObjectKind::Issue => (&["issues"], all),
        ObjectKind::ChangeRequest => (&["pulls"], all),
        ObjectKind::ReviewComment => (&["pulls", "comments"], &[]),
        ObjectKind::CommitComment => (&["comments"], &[]),
        ObjectKind::Event => (&["issues", "events"], &[]),
        ObjectKind::Release => (&["releases"], &[]),
        ObjectKind::Webhook => (&["hooks"], &[]),
        ObjectKind::DeployKey => (&["keys"], &[]),
        ObjectKind::User
        | ObjectKind::Organization
        | ObjectKind::Team
        | ObjectKind::Project
        | ObjectKind::Member
        | ObjectKind::Topic
        | ObjectKind::LfsObject
        | ObjectKind::Repository
        | ObjectKind::Wiki
        | ObjectKind::Attachment
        | ObjectKind::Review
        | ObjectKind::ReviewThread
        | ObjectKind::DiscussionCategory
        | ObjectKind::Discussion
        | ObjectKind::Snippet
        | ObjectKind::Comment
        | ObjectKind::Reaction
        | ObjectKind::CommitStatus
        | ObjectKind::ReleaseAsset
        | ObjectKind::Board
        | ObjectKind::BranchRule
        | ObjectKind::TagRule
        | ObjectKind::Variable
        | ObjectKind::State => return None,
    })
}

impl GithubSource {
    pub(super) async fn count_shared(&self) -> Result<Inventory, HostError> {
        let projects = match (&self.api.place.extent, self.project_list().await?) {
            (Extent::Project(_), _) | (_, None) => Some(1),
            (_, Some(list)) => {
                let path: Vec<&str> = list.path.iter().map(String::as_str).collect();
                self.api.count(&path, list.query).await?
            }
        };
        let others =
            [ObjectKind::User, ObjectKind::Organization, ObjectKind::Team, ObjectKind::Member];
        let mut counts = vec![row(ObjectKind::Project, projects)];
        counts.extend(others.map(|it| row(it, None)));
        Ok(Inventory { counts, losses: Vec::new() })
    }

    pub(super) async fn count_project(&self, path: Path<'_>) -> Result<Inventory, HostError> {
        let found = self.repository(path).await?;
        let mut counts = Vec::new();
        let mut change_requests = None;
        for &kind in ObjectKind::ALL {
            let is_read = kind.in_project() && support::reads(kind).is_some();
            if kind == ObjectKind::Repository {
                let bytes = found.size.map(|it| it.saturating_mul(1024));
                counts.push(KindCount { kind, records: Some(1), bytes });
            } else if kind == ObjectKind::Wiki {
                let has_wiki = self.has_wiki(path, &found).await?;
                counts.extend(has_wiki.then(|| row(kind, Some(1))));
            } else if let Some((rest, query)) = listing(kind).filter(|_| is_read) {
                let told = self.api.count(&path.below(rest), query).await?;
                if kind == ObjectKind::ChangeRequest {
                    change_requests = told;
                }
                counts.push(row(kind, told));
            } else if is_read {
                counts.push(row(kind, None));
            }
        }
        // Change requests are among the issues of that listing.
        for count in counts.iter_mut().filter(|it| it.kind == ObjectKind::Issue) {
            let issues = count.records.zip(change_requests);
            count.records = issues.map(|(all, those)| all.saturating_sub(those));
        }
        Ok(Inventory { counts, losses: Vec::new() })
    }
}
