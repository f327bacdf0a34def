//! How much there is, as far as the server tells without being read.

use super::{Extent, GitlabSource, below, support, wire};
use packhorse_core::{
    HostError, Loss, ObjectKind,
    port::{Inventory, KindCount, SourceLoss},
};

/// What only maintainers see, with its name at the server.
const OF_MAINTAINERS: [(ObjectKind, &str); 5] = [
    (ObjectKind::BranchRule, "protected_branches"),
    (ObjectKind::TagRule, "protected_tags"),
    (ObjectKind::Webhook, "hooks"),
    (ObjectKind::DeployKey, "deploy_keys"),
    (ObjectKind::Variable, "variables"),
];
/// The level of a maintainer.
const MAINTAINER: u64 = 40;

fn row(kind: ObjectKind, records: Option<u64>) -> KindCount {
    KindCount { kind, records, bytes: None }
}

impl GitlabSource {
    pub(super) async fn count_shared(&self) -> Result<Inventory, HostError> {
        let projects = match self.extent().await? {
            Extent::Project(_) => Some(1),
            Extent::Group(path) => {
                let query = [("include_subgroups", "true"), ("with_shared", "false")];
                self.api.count(&["groups", path, "projects"], &query).await?
            }
            Extent::User(id) => {
                self.api.count(&["users", &id.to_string(), "projects"], &[]).await?
            }
            Extent::All if self.api.place.is_public_service() => {
                self.api.count(&["projects"], &[("membership", "true")]).await?
            }
            Extent::All => self.api.count(&["projects"], &[]).await?,
        };
        let others = [ObjectKind::User, ObjectKind::Organization, ObjectKind::Member];
        let mut counts = vec![row(ObjectKind::Project, projects)];
        counts.extend(others.map(|it| row(it, None)));
        Ok(Inventory { counts, losses: Vec::new() })
    }

    pub(super) async fn count_project(&self, path: &str) -> Result<Inventory, HostError> {
        // Sizes are told to those who may see them; others get the rest all the same.
        let query = [("statistics", "true")];
        let found: wire::Project =
            self.api.get(&below(path, &[]), &query, "read a project").await?;
        let sizes = found.statistics.clone().unwrap_or_default();
        let mut counts = Vec::new();
        for &kind in ObjectKind::ALL {
            let is_read = kind.in_project() && support::reads(kind).is_some();
            if kind == ObjectKind::Repository {
                let is_there = found.empty_repo != Some(true);
                let records = Some(1);
                counts.extend(is_there.then_some(KindCount {
                    kind,
                    records,
                    bytes: sizes.repository_size,
                }));
            } else if kind == ObjectKind::Wiki {
                let has_wiki = self.has_wiki(path, &found).await?;
                let records = Some(1);
                counts.extend(has_wiki.then_some(KindCount {
                    kind,
                    records,
                    bytes: sizes.wiki_size,
                }));
            } else if is_read {
                counts.push(row(kind, self.count_kind(path, kind).await?));
            }
        }
        Ok(Inventory { counts, losses: closed(&found) })
    }

    /// Number of records of a kind, where one request tells it.
    async fn count_kind(&self, path: &str, kind: ObjectKind) -> Result<Option<u64>, HostError> {
        type Listed =
            (ObjectKind, &'static [&'static str], &'static [(&'static str, &'static str)]);
        const TOLD: [Listed; 8] = [
            (ObjectKind::Issue, &["issues"], &[("state", "all")]),
            (ObjectKind::ChangeRequest, &["merge_requests"], &[("state", "all")]),
            (ObjectKind::Milestone, &["milestones"], &[("state", "all")]),
            (ObjectKind::Label, &["labels"], &[]),
            (ObjectKind::Release, &["releases"], &[]),
            (ObjectKind::Snippet, &["snippets"], &[]),
            (ObjectKind::BranchRule, &["protected_branches"], &[]),
            (ObjectKind::TagRule, &["protected_tags"], &[]),
        ];
        let Some((_, rest, query)) = TOLD.iter().find(|(it, ..)| *it == kind) else {
            return Ok(None);
        };
        self.api.count(&below(path, rest), query).await
    }

    /// Whether there is a wiki, and not only the place for one.
    pub(super) async fn has_wiki(
        &self,
        path: &str,
        found: &wire::Project,
    ) -> Result<bool, HostError> {
        let is_off = found.wiki_access_level.as_deref() == Some("disabled");
        if is_off || found.wiki_enabled == Some(false) {
            return Ok(false);
        }
        let pages: Result<Option<Vec<serde_json::Value>>, _> =
            self.api.find(&below(path, &["wikis"]), &[], "look for a wiki").await;
        match pages {
            Ok(pages) => Ok(pages.is_some_and(|it| !it.is_empty())),
            Err(error) if crate::gitlab::api::is_closed(error.kind) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// What the token is not shown, although it may be there.
fn closed(found: &wire::Project) -> Vec<SourceLoss> {
    let permissions = found.permissions.clone().unwrap_or_default();
    let level = |it: Option<wire::Access>| it.and_then(|it| it.access_level).unwrap_or_default();
    if level(permissions.project_access).max(level(permissions.group_access)) >= MAINTAINER {
        return Vec::new();
    }
    let loss = |(kind, name): (ObjectKind, &str)| SourceLoss {
        name: name.to_owned(),
        loss: Loss::source(
            Loss::WHOLE,
            format!(
                "{kind}: shown to maintainers, administrators and auditors alone; what this token is not shown stays behind"
            ),
        ),
        count: 1,
    };
    OF_MAINTAINERS.into_iter().map(loss).collect()
}
