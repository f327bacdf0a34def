//! How much there is, as far as the server tells without being read.

use super::{Extent, GiteaSource, Path, support, wire};
use packhorse_core::{
    HostError, ObjectKind,
    port::{Inventory, KindCount},
};

fn row(kind: ObjectKind, records: Option<u64>) -> KindCount {
    KindCount { kind, records, bytes: None }
}

impl GiteaSource {
    pub(super) async fn count_shared(&self) -> Result<Inventory, HostError> {
        let projects = match &self.api.place.extent {
            Extent::Project(_) => Some(1),
            Extent::All | Extent::Owner(_) => self.project_listing(1).await?.total,
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
        for &kind in ObjectKind::ALL {
            let is_read = kind.in_project() && support::reads(kind).is_some();
            if kind == ObjectKind::Repository {
                let bytes = found.size.map(|it| it.saturating_mul(1024));
                let is_there = found.empty != Some(true);
                counts.extend(is_there.then_some(KindCount { kind, records: Some(1), bytes }));
            } else if kind == ObjectKind::Wiki {
                let has_wiki = self.has_wiki(path, &found).await?;
                counts.extend(has_wiki.then(|| row(kind, Some(1))));
            } else if is_read {
                counts.push(row(kind, self.count_kind(path, kind).await?));
            }
        }
        Ok(Inventory { counts, losses: Vec::new() })
    }

    /// Number of records of a kind, where one request tells it.
    async fn count_kind(&self, path: Path<'_>, kind: ObjectKind) -> Result<Option<u64>, HostError> {
        type Listed =
            (ObjectKind, &'static [&'static str], &'static [(&'static str, &'static str)]);
        const TOLD: [Listed; 5] = [
            (ObjectKind::Issue, &["issues"], &[("state", "all"), ("type", "issues")]),
            (ObjectKind::ChangeRequest, &["pulls"], &[("state", "all")]),
            (ObjectKind::Milestone, &["milestones"], &[("state", "all")]),
            (ObjectKind::Comment, &["issues", "comments"], &[]),
            (ObjectKind::Release, &["releases"], &[]),
        ];
        let Some((_, rest, query)) = TOLD.iter().find(|(it, ..)| *it == kind) else {
            return Ok(None);
        };
        self.api.count(&path.below(rest), query).await
    }

    /// Whether there is a wiki, and not only the place for one.
    pub(super) async fn has_wiki(
        &self,
        path: Path<'_>,
        found: &wire::Repository,
    ) -> Result<bool, HostError> {
        if found.has_wiki != Some(true) {
            return Ok(false);
        }
        let below = path.below(&["wiki", "pages"]);
        let pages =
            self.api.find::<Option<Vec<serde_json::Value>>>(&below, "look for a wiki").await?;
        Ok(pages.flatten().is_some_and(|it| !it.is_empty()))
    }
}
