//! Files that texts refer to.

use super::{Done, GitlabSink, Task, odd};
use crate::gitlab::call::Change;
use packhorse_core::{HostError, HostErrorKind, model::Attachment, port::Outcome};
use serde::Deserialize;

/// Where an upload is.
#[derive(Debug, Deserialize)]
pub(super) struct Upload {
    /// Address below the project, `/uploads/SECRET/NAME`.
    pub(super) url: String,
    /// Address below the server's first page; since version 14.
    #[serde(default)]
    pub(super) full_path: Option<String>,
}

impl GitlabSink {
    /// Uploads a file to a project.
    pub(super) async fn upload(
        &self,
        path: &str,
        name: &str,
        file: &std::path::Path,
    ) -> Result<Upload, HostError> {
        let below = super::below(path, &["uploads"]);
        self.api.upload(Change::new(&below, "upload a file"), name, file).await
    }

    /// A file that texts refer to; they are led here when all is there.
    pub(super) async fn attachment(
        &self,
        path: &str,
        task: &mut Task<'_>,
        it: &Attachment,
    ) -> Done {
        let file = self.files.take(path, &task.record.origin);
        if let Some(id) = task.id() {
            return Ok((id.to_owned(), Outcome::Adopted));
        }
        let Some(file) = file else { return task.miss("its bytes did not arrive") };
        let made = match self.upload(path, &it.name, &file).await {
            Err(error) if error.kind == HostErrorKind::Rejected => {
                return task.miss("the server takes no files of that kind or size");
            }
            other => other?,
        };
        let rest = made.url.strip_prefix("/uploads/").ok_or_else(|| odd("upload a file"))?;
        Ok((rest.to_owned(), Outcome::Created))
    }
}
