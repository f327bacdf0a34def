//! Dumps that somebody restores on the server: no call of the API does.
//!
//! `restore-repo` asks the server that runs to read a directory, so the dump has to lie where the
//! server's own user may read it. Where it fails, the server takes the repository away again.
//!
//! Source: Gitea, `cmd/restore_repo.go`, `services/migrations/restore.go`.

use super::{api::Api, place::Place};
use crate::{handover::Ways, shell, sums};
use async_trait::async_trait;
use packhorse_core::{
    Gap, HostError, HostErrorKind, Location, ObjectKind, TargetId,
    port::{
        Delivered, Fetches, HandOver, Handed, ImportMessages, ImportProgress, ImportStage, Packing,
        Parcel, Part, Sought, Wanted,
    },
};
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// What its dumps are like.
const WANTED: Wanted = Wanted {
    format: "gitea-dump",
    packing: Packing::Each,
    parts: &[Part::Whole],
    suffix: "",
    at_once: 1,
    fetches: Fetches::Nothing,
    names: false,
    gaps,
};

const fn gap(field: &'static str, why: &'static str) -> Gap {
    Gap { field, why }
}

const AUTHOR: Gap = gap(
    "author",
    "pages show the original author by name; the API tells the account that restores",
);
const ASSIGNEES: Gap = gap("assignees", "nobody is assigned by restoring");

/// What restoring does not keep, or the API does not show of it.
fn gaps(kind: ObjectKind) -> &'static [Gap] {
    const MILESTONE: &[Gap] = &[
        gap("number", "milestones are numbered anew"),
        gap("updated_at", "it is when it was restored"),
    ];
    const ISSUE: &[Gap] =
        &[AUTHOR, ASSIGNEES, gap("milestone", "is the same one, which has another number")];
    const REVIEW: &[Gap] = &[AUTHOR, gap("commit", "it is left out")];
    if kind == ObjectKind::Milestone {
        MILESTONE
    } else if matches!(kind, ObjectKind::Issue | ObjectKind::ChangeRequest) {
        ISSUE
    } else if kind == ObjectKind::Review {
        REVIEW
    } else if matches!(
        kind,
        ObjectKind::Comment
            | ObjectKind::ReviewComment
            | ObjectKind::Reaction
            | ObjectKind::Release
            | ObjectKind::ReleaseAsset
    ) {
        &[AUTHOR]
    } else {
        &[]
    }
}

/// A server on which somebody restores dumps.
struct Restoring {
    api: Api,
    directory: Option<PathBuf>,
}

/// The server of a location as one that takes dumps.
pub(crate) fn hand_over(location: &Location, ways: &Ways) -> Result<Arc<dyn HandOver>, HostError> {
    let place = Place::of(location).map_err(|error| {
        HostError::new(HostErrorKind::Rejected, "read the address of a Gitea").because(error)
    })?;
    Ok(Arc::new(Restoring { api: Api::new(place)?, directory: ways.directory.clone() }))
}

/// What somebody gives to the server's own program.
fn command(dump: &Path, owner: &str, name: &str) -> String {
    let dump = dump.join(owner).join(name);
    format!(
        "gitea restore-repo --repo_dir {} --owner_name {} --repo_name {}",
        shell::word(&dump.to_string_lossy()),
        shell::word(owner),
        shell::word(name)
    )
}

impl Restoring {
    async fn repository(&self, project: &str) -> Result<Option<Value>, HostError> {
        let Some((owner, name)) = project.split_once('/') else { return Ok(None) };
        self.api.find(&["repos", owner, name], "look for a repository of the server").await
    }

    async fn job(&self, parcel: &Parcel) -> Result<Option<TargetId>, HostError> {
        let Some(project) = &parcel.project else { return Ok(None) };
        let found = self.repository(project).await?;
        Ok(found.map(|_| TargetId(project.clone())))
    }
}

#[async_trait]
impl HandOver for Restoring {
    fn wants(&self) -> Wanted {
        WANTED
    }

    async fn refuses(&self, project: &str) -> Result<Option<String>, HostError> {
        if project.split('/').count() != 2 {
            return Ok(Some("a dump is of an owner and a name, and nothing deeper".to_owned()));
        }
        let found = self.repository(project).await?;
        Ok(found.map(|_| "the server has it, and restores only what is new".to_owned()))
    }

    async fn deliver(&self, handed: Handed<'_>) -> Result<Delivered, HostError> {
        let Handed { project, part, archive, .. } = handed;
        let operation = "put the dump where the server finds it";
        let fail = || HostError::new(HostErrorKind::Rejected, operation);
        let Some((owner, name)) = project.and_then(|it| it.split_once('/')) else {
            return Err(fail().with("reason", "one project goes at a time"));
        };
        let place = match &self.directory {
            Some(directory) => sums::copied(archive, directory).await?,
            None => archive.to_owned(),
        };
        let place = std::path::absolute(place).map_err(|error| fail().because(error))?;
        let to_do = Some(format!(
            "on the server, while it runs, as the user that runs it:\n  {}",
            command(&place, owner, name)
        ));
        let called = place.to_string_lossy().into_owned();
        Ok(Delivered { archive: archive.to_owned(), part, name: called, sums: None, to_do })
    }

    async fn find(&self, parcel: &Parcel) -> Result<Sought, HostError> {
        Ok(self.job(parcel).await?.map_or(Sought::NotBegun, Sought::Begun))
    }

    async fn begin(&self, parcel: &Parcel) -> Result<TargetId, HostError> {
        let project = parcel.project.as_deref().unwrap_or_default();
        self.job(parcel).await?.ok_or_else(|| {
            HostError::new(HostErrorKind::NotFound, "look for what was to be restored")
                .with("repository", project)
        })
    }

    /// The command ends when all is there.
    async fn progress(&self, job: &TargetId) -> Result<ImportProgress, HostError> {
        let is_there = self.repository(&job.0).await?.is_some();
        let (stage, word) = match is_there {
            true => (ImportStage::Done, "restored"),
            false => (ImportStage::Failed, "gone"),
        };
        Ok(ImportProgress { stage, word: word.to_owned(), message: None, percentage: None })
    }

    /// What the command says, it says to whoever gives it.
    async fn messages(&self, _job: &TargetId, _from: u64) -> Result<ImportMessages, HostError> {
        Ok(ImportMessages::default())
    }

    async fn cancel(&self, job: &TargetId) -> Result<(), HostError> {
        Err(HostError::new(HostErrorKind::Unsupported, "stop the restoring")
            .with("repository", &job.0)
            .with("reason", "it was done by a command on the server"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_says_no_more_than_it_should() {
        let told = command(Path::new("/srv/a b"), "acme", "app;rm -rf ~'");

        assert_eq!(
            told,
            "gitea restore-repo --repo_dir '/srv/a b/acme/app;rm -rf ~'\\''' --owner_name acme \
             --repo_name 'app;rm -rf ~'\\'''"
        );
    }
}
