//! Groups that the server makes of exports of them.
//!
//! The server says nothing of how far such an import is, so what is there is counted. A group has
//! the visibility of the one above it until the import has ended, and none but its members see one
//! that has none above.
//!
//! Source: GitLab, "Group import and export API"; `lib/api/group_import.rb`; its description of the
//! REST API, `/groups/import`.

use super::WANTED;
use crate::gitlab::{
    api::Api,
    call::{Change, Form},
    place::Place,
    wire,
};
use async_trait::async_trait;
use packhorse_core::{HostError, HostErrorKind, Location, ObjectKind, port::GroupHandOver};
use serde_json::Value;
use std::{path::Path, sync::Arc};

/// The group imports of one server.
struct GroupImports {
    api: Api,
}

/// The server of a location as one that takes groups.
pub(crate) fn hand_over_groups(location: &Location) -> Result<Arc<dyn GroupHandOver>, HostError> {
    let place = Place::of(location).map_err(|error| {
        HostError::new(HostErrorKind::Rejected, "read the address of a GitLab").because(error)
    })?;
    Ok(Arc::new(GroupImports { api: Api::new(place)? }))
}

/// The group above, and the name of its own.
fn split(group: &str) -> (Option<&str>, &str) {
    group.rsplit_once('/').map_or((None, group), |(above, own)| (Some(above), own))
}

impl GroupImports {
    async fn group(&self, path: &str) -> Result<Option<wire::Group>, HostError> {
        self.api.find(&["groups", path], &[], "look for a group").await
    }
}

#[async_trait]
impl GroupHandOver for GroupImports {
    fn format(&self) -> &'static str {
        WANTED.format
    }

    async fn refuses(&self, group: &str) -> Result<Option<String>, HostError> {
        if self.group(group).await?.is_some() {
            return Ok(Some("the server has it".to_owned()));
        }
        let (Some(above), _) = split(group) else { return Ok(None) };
        let Some(found) = self.group(above).await? else {
            return Ok(Some(format!("the server has no group `{above}`")));
        };
        // SECURITY: more people would see it until the import has ended than at the source.
        let is_private = found.visibility.as_deref() == Some("private");
        Ok((!is_private).then(|| format!("it would be seen by all who see `{above}` at first")))
    }

    async fn begin(&self, group: &str, name: &str, archive: &Path) -> Result<(), HostError> {
        let operation = "begin the server's import of a group";
        let (above, own) = split(group);
        let parent = match above {
            Some(above) => {
                let missing =
                    || HostError::new(HostErrorKind::NotFound, operation).with("group", above);
                let found = self.group(above).await?.and_then(|it| it.id);
                Some(found.ok_or_else(missing)?.to_string())
            }
            None => None,
        };
        let mut fields = vec![("path", own), ("name", name)];
        fields.extend(parent.as_deref().map(|it| ("parent_id", it)));
        let file = archive.file_name().unwrap_or_default().to_string_lossy();
        let form = Form { fields: &fields, name: &file, file: archive };
        let change = Change::new(&["groups", "import"], operation);
        self.api.form::<Value>(change, form).await.map(drop)
    }

    async fn count(&self, group: &str, kind: ObjectKind) -> Result<Option<u64>, HostError> {
        let listed: [(_, _, &[(&str, &str)]); 3] = [
            (
                ObjectKind::Label,
                "labels",
                &[("only_group_labels", "true"), ("include_ancestor_groups", "false")],
            ),
            (ObjectKind::Milestone, "milestones", &[]),
            (ObjectKind::Member, "members", &[]),
        ];
        let Some((_, relation, query)) = listed.into_iter().find(|(it, ..)| *it == kind) else {
            return Err(HostError::new(HostErrorKind::Unsupported, "count what a group has")
                .with("kind", kind));
        };
        if self.group(group).await?.is_none() {
            return Ok(None);
        }
        // Of more than ten thousand the server does not say how many they are.
        let counted = self.api.count(&["groups", group, relation], query).await?;
        Ok(Some(counted.unwrap_or(u64::MAX)))
    }
}
