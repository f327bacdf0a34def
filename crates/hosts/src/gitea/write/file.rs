//! Files of issues, change requests and comments.

use super::{Done, GiteaSink, Path, Task, comment::place, issue::unnumbered};
use crate::gitea::{call::Change, wire};
use packhorse_core::{
    HostError, HostErrorKind,
    model::{Attachment, Subject},
    port::Outcome,
};

impl GiteaSink {
    /// A file of an issue, a change request or a comment.
    pub(super) async fn attachment(
        &self,
        path: Path<'_>,
        task: &mut Task<'_>,
        attachment: &Attachment,
    ) -> Done {
        let operation = "upload a file";
        let parts = task.subject(&attachment.subject).as_ref().and_then(place);
        let Some(parts) = parts else {
            return task.miss("what it belongs to is not there, or has no files");
        };
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        if let Some(existing) = task.existing {
            // Bytes do not change, and the rest the server does not hold.
            self.files.forget(&path.to_string(), &task.record.origin);
            return Ok((existing.0.clone(), Outcome::Adopted));
        }
        let Some(file) = self.files.of(&path.to_string(), &task.record.origin) else {
            return task.miss("its bytes did not arrive");
        };
        let below = path.below(&[&parts[..], &["assets"]].concat());
        let made: Result<wire::Attachment, _> =
            self.api.upload(Change::new(&below, operation), &attachment.name, &file).await;
        self.files.forget(&path.to_string(), &task.record.origin);
        let made = match made {
            Err(error) if error.kind == HostErrorKind::Rejected => {
                return task.drop("the server takes no files of that kind or size");
            }
            Err(error) if error.kind == HostErrorKind::NotFound => {
                return task.miss("what it belongs to is not there, or has no files");
            }
            other => other?,
        };
        let uuid = made.uuid.filter(|it| !it.is_empty());
        let uuid = uuid.ok_or_else(|| unnumbered(operation))?;
        Ok((uuid, Outcome::Created))
    }

    /// What belongs to a subject.
    pub(super) async fn files_of(
        &self,
        path: Path<'_>,
        subject: &Subject,
    ) -> Result<Vec<wire::Attachment>, HostError> {
        let Some(parts) = place(subject) else { return Ok(Vec::new()) };
        let parts: Vec<&str> = parts.iter().map(String::as_str).chain(["assets"]).collect();
        match self.api.list_whole(&path.below(&parts), "look for a file").await {
            Err(error) if error.kind == HostErrorKind::NotFound => Ok(Vec::new()),
            other => other,
        }
    }

    /// A file of Git LFS, which the server takes at the address of the repository.
    pub(super) async fn large_file(&self, path: Path<'_>, task: &mut Task<'_>) -> Done {
        self.files.forget(&path.to_string(), &task.record.origin);
        task.drop("large files go from server to server")
    }
}
