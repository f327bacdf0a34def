//! Archives that the server imports by itself: an export of a project each.
//!
//! The file goes up as a form, or is fetched by the server from an address or a bucket of S3. An
//! address that is signed does not do: the server asks for its size first. Groups have to be there:
//! [`groups`] has those made that are not.
//! An import cannot be stopped: what it makes can only be removed.
//!
//! Source: GitLab, "Project import and export API"; its description of the REST API, `/projects/import`,
//! `/projects/{id}/import`; "GitLab.com settings: account and limit settings".

mod groups;

pub(crate) use groups::hand_over_groups;

use super::{
    api::{self, Api},
    call::{Change, Form},
    place::Place,
};
use crate::{handover::Ways, sums};
use async_trait::async_trait;
use packhorse_core::{
    HostError, HostErrorKind, Location, ObjectKind, TargetId,
    port::{
        Delivered, Fetches, HandOver, Handed, ImportMessage, ImportMessages, ImportProgress,
        ImportStage, Packing, Parcel, Part, Severity, Sought, Wanted,
    },
};
use serde_json::{Value, json};
use std::sync::Arc;

/// What its archives are like. More than six a minute are not begun; that is a budget of requests.
const WANTED: Wanted = Wanted {
    format: "gitlab-archive",
    packing: Packing::Each,
    parts: &[Part::Whole],
    suffix: ".tar.gz",
    at_once: 10,
    fetches: Fetches::Keyed,
    names: false,
    gaps: |_| &[],
};
/// What gitlab.com takes as a file, in bytes.
///
/// Source: GitLab, "GitLab.com settings", "Account and limit settings", "Maximum import file size".
const PUBLIC_LIMIT: u64 = 5 << 30;
/// What the server fetches from an address, in bytes, unless its administrator says otherwise.
///
/// Source: GitLab, "Import and export settings", "Maximum remote file size for imports".
const REMOTE_LIMIT: u64 = 10 << 30;
/// The import of a file, as a project says what it came by.
const FILE_IMPORT: &str = "gitlab_project";

crate::lenient::wire! {
    "snake_case"
    Settings {
        max_import_size: u64, max_import_remote_file_size: u64, import_sources: Vec<String>,
    }
    Failed { source: String, relation_name: String, exception_class: String, exception_message: String, }
    Import {
        id: u64, import_status: String, import_type: String, import_error: String,
        failed_relations: Vec<Failed>,
    }
}

/// The import service of one server.
struct Imports {
    api: Api,
    ways: Ways,
}

/// The server of a location as one that takes archives.
pub(crate) fn hand_over(location: &Location, ways: &Ways) -> Result<Arc<dyn HandOver>, HostError> {
    let place = Place::of(location).map_err(|error| {
        HostError::new(HostErrorKind::Rejected, "read the address of a GitLab").because(error)
    })?;
    if ways.address.is_some() && ways.directory.is_none() {
        return Err(HostError::new(HostErrorKind::Rejected, "read how archives reach the server")
            .with("reason", "an address needs the directory that is reached by it"));
    }
    Ok(Arc::new(Imports { api: Api::new(place)?, ways: ways.clone() }))
}

/// The kind of record that rows of a relation become.
///
/// Source: GitLab, `lib/gitlab/import_export/project/import_export.yml`.
fn kind_of(relation: &str) -> Option<ObjectKind> {
    Some(match relation {
        "labels" => ObjectKind::Label,
        "milestones" => ObjectKind::Milestone,
        "issues" => ObjectKind::Issue,
        "merge_requests" => ObjectKind::ChangeRequest,
        "notes" | "commit_notes" => ObjectKind::Comment,
        "releases" => ObjectKind::Release,
        "snippets" => ObjectKind::Snippet,
        "boards" => ObjectKind::Board,
        "project_members" => ObjectKind::Member,
        "protected_branches" => ObjectKind::BranchRule,
        "protected_tags" => ObjectKind::TagRule,
        "award_emoji" => ObjectKind::Reaction,
        "uploads" => ObjectKind::Attachment,
        "lfs_objects" => ObjectKind::LfsObject,
        "repository" => ObjectKind::Repository,
        "wiki_repository" => ObjectKind::Wiki,
        _ => return None,
    })
}

/// The server's word for where an import stands.
fn stage(word: &str) -> ImportStage {
    match word {
        "finished" => ImportStage::Done,
        "failed" => ImportStage::Failed,
        "canceled" => ImportStage::Cancelled,
        _ => ImportStage::Running,
    }
}

fn messages(found: Import) -> Vec<ImportMessage> {
    let fatal = found.import_error.filter(|it| !it.is_empty()).map(|text| ImportMessage {
        severity: Severity::Error,
        about: Some("import".to_owned()),
        kind: None,
        text,
    });
    let failed = found.failed_relations.unwrap_or_default().into_iter().map(|it| {
        let relation = it.relation_name.filter(|it| !it.is_empty());
        ImportMessage {
            severity: Severity::Error,
            kind: relation.as_deref().and_then(kind_of),
            about: relation.or(it.source),
            text: it.exception_message.or(it.exception_class).unwrap_or_default(),
        }
    });
    fatal.into_iter().chain(failed).collect()
}

impl Imports {
    async fn import(&self, id: &str) -> Result<Option<Import>, HostError> {
        self.api.find(&["projects", id, "import"], &[], "ask how far the server's import is").await
    }

    async fn known(&self, job: &TargetId) -> Result<Import, HostError> {
        let none = || {
            HostError::new(HostErrorKind::NotFound, "ask how far the server's import is")
                .with("project", &job.0)
                .with("reason", "the project that was being imported is gone")
        };
        self.import(&job.0).await?.ok_or_else(none)
    }

    /// What the server takes, where it tells: that needs an administrator.
    async fn limit(&self, is_remote: bool) -> Result<Option<u64>, HostError> {
        if self.api.place.is_public_service() {
            return Ok(Some(if is_remote { REMOTE_LIMIT } else { PUBLIC_LIMIT }));
        }
        let path = ["application", "settings"];
        let found: Result<Settings, _> =
            self.api.get(&path, &[], "ask what the server takes").await;
        let settings = match found {
            Ok(settings) => settings,
            Err(error) if api::is_closed(error.kind) => return Ok(None),
            Err(error) => return Err(error),
        };
        if settings.import_sources.is_some_and(|it| !it.iter().any(|it| it == FILE_IMPORT)) {
            return Err(HostError::new(HostErrorKind::Unsupported, "hand an archive over")
                .with("reason", "imports of files are switched off on the server")
                .with("remedy", "switch `GitLab export` on below the import sources"));
        }
        let mebibytes =
            if is_remote { settings.max_import_remote_file_size } else { settings.max_import_size };
        // No limit is said as zero.
        Ok(mebibytes.filter(|it| *it > 0).map(|it| it << 20))
    }
}

#[async_trait]
impl HandOver for Imports {
    fn wants(&self) -> Wanted {
        WANTED
    }

    async fn refuses(&self, project: &str) -> Result<Option<String>, HostError> {
        let operation = "look for a project of the server";
        let found: Option<Value> = self.api.find(&["projects", project], &[], operation).await?;
        Ok(found.map(|_| "the server has it, and imports only what is new".to_owned()))
    }

    async fn deliver(&self, handed: Handed<'_>) -> Result<Delivered, HostError> {
        let Handed { part, archive, is_stored, .. } = handed;
        let has_address = self.ways.address.is_some() && !is_stored;
        let directory = self.ways.directory.clone().filter(|_| has_address);
        let (name, sums) = sums::delivered(archive, WANTED.suffix, directory).await?;
        let limit = self.limit(has_address || is_stored).await?;
        if let Some(limit) = limit.filter(|it| sums.bytes > *it) {
            return Err(HostError::new(HostErrorKind::Rejected, "hand an archive over")
                .with("archive", archive.display())
                .with("bytes", sums.bytes)
                .with("limit", limit)
                .with("remedy", "raise the server's limit, or go over the API"));
        }
        Ok(Delivered { archive: archive.to_owned(), part, name, sums: Some(sums), to_do: None })
    }

    /// A project is there from the moment in which its import is begun.
    async fn find(&self, parcel: &Parcel) -> Result<Sought, HostError> {
        let Some(project) = &parcel.project else { return Ok(Sought::Unknown) };
        let Some(found) = self.import(project).await? else { return Ok(Sought::NotBegun) };
        let is_ours = found.import_type.as_deref() == Some(FILE_IMPORT);
        let id = found.id.filter(|_| is_ours);
        Ok(id.map_or(Sought::Unknown, |id| Sought::Begun(TargetId(id.to_string()))))
    }

    async fn begin(&self, parcel: &Parcel) -> Result<TargetId, HostError> {
        let operation = "begin the server's import";
        let fail = |kind| HostError::new(kind, operation);
        let (Some(project), [archive]) = (&parcel.project, &parcel.archives[..]) else {
            return Err(
                fail(HostErrorKind::Unsupported).with("reason", "one project goes at a time")
            );
        };
        let Some((above, own)) = project.rsplit_once('/') else {
            return Err(fail(HostErrorKind::Rejected).with("project", project));
        };
        let found: Option<Value> = self.api.find(&["namespaces", above], &[], operation).await?;
        if found.is_none() {
            return Err(fail(HostErrorKind::Rejected)
                .with("group", above)
                .with("remedy", "make the group first, or give the project another path"));
        }
        let told: Import = if let Some(it) = parcel.objects.first() {
            let way = Change::new(&["projects", "remote-import-s3"], operation);
            // SECURITY: the key that somebody made for this server; it goes there alone.
            let body = json!({
                "path": own, "namespace": above, "region": it.region, "bucket_name": it.bucket,
                "file_key": it.name, "access_key_id": it.key_id,
                "secret_access_key": it.key.expose(),
            });
            self.api.post(way, &body).await?
        } else if let Some(address) = &self.ways.address {
            let url = crate::address::below(address, &[&archive.name], &[])?;
            let body = json!({ "path": own, "namespace": above, "url": url.as_str() });
            self.api.post(Change::new(&["projects", "remote-import"], operation), &body).await?
        } else {
            let fields = [("path", own), ("namespace", above)];
            let form = Form { fields: &fields, name: &archive.name, file: &archive.archive };
            self.api.form(Change::new(&["projects", "import"], operation), form).await?
        };
        let id =
            told.id.ok_or_else(|| fail(HostErrorKind::Protocol).with("answer", "has no id"))?;
        Ok(TargetId(id.to_string()))
    }

    async fn progress(&self, job: &TargetId) -> Result<ImportProgress, HostError> {
        let found = self.known(job).await?;
        let word = found.import_status.unwrap_or_default();
        Ok(ImportProgress {
            stage: stage(&word),
            word,
            message: found.import_error.filter(|it| !it.is_empty()),
            percentage: None,
        })
    }

    async fn messages(&self, job: &TargetId, from: u64) -> Result<ImportMessages, HostError> {
        let skipped = usize::try_from(from).unwrap_or(usize::MAX);
        let messages = messages(self.known(job).await?).into_iter().skip(skipped).collect();
        Ok(ImportMessages { messages, next: None })
    }

    async fn cancel(&self, job: &TargetId) -> Result<(), HostError> {
        Err(HostError::new(HostErrorKind::Unsupported, "stop the server's import")
            .with("project", &job.0)
            .with("reason", "the server has no way of stopping it: remove the project it makes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_is_told_by_relation() {
        let import: Import = serde_json::from_value(json!({
            "id": 1, "import_status": "finished", "import_error": null,
            "failed_relations": [
                { "relation_name": "merge_requests", "exception_message": "too long" },
                { "relation_name": "ci_pipelines", "exception_class": "RuntimeError" },
            ],
        }))
        .unwrap();

        let told = messages(import);

        let told: Vec<_> =
            told.iter().map(|it| (it.about.as_deref(), it.kind, it.text.as_str())).collect();
        assert_eq!(
            told,
            [
                (Some("merge_requests"), Some(ObjectKind::ChangeRequest), "too long"),
                (Some("ci_pipelines"), None, "RuntimeError"),
            ]
        );
    }

    #[test]
    fn an_import_that_nobody_has_taken_yet_has_not_ended() {
        for (word, expected) in [
            ("none", ImportStage::Running),
            ("scheduled", ImportStage::Running),
            ("started", ImportStage::Running),
            ("finished", ImportStage::Done),
            ("failed", ImportStage::Failed),
        ] {
            assert_eq!(stage(word), expected, "{word}");
        }
    }
}
