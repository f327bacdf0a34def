//! Dumps that somebody restores on the server: no call of the API does.
//!
//! `restore-repo` asks the server that runs to read a directory, so the dump has to lie where the
//! server's own user may read it. Where it fails, the server takes the repository away again.
//!
//! Source: Gitea, `cmd/restore_repo.go`, `services/migrations/restore.go`.

use super::{api::Api, place::Place};
use crate::{
    by_command::{ByCommand, Commanded},
    handover::Ways,
    shell, sums,
};
use async_trait::async_trait;
use packhorse_core::{
    Gap, HostError, HostErrorKind, Location, ObjectKind,
    port::{Delivered, Fetches, HandOver, Handed, Packing, Part, Wanted},
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
    let (api, directory) = (Api::new(place)?, ways.directory.clone());
    Ok(Arc::new(ByCommand(Restoring { api, directory })))
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

#[async_trait]
impl Commanded for Restoring {
    const WANTED: Wanted = WANTED;

    async fn has(&self, owner: &str, name: &str) -> Result<bool, HostError> {
        let operation = "look for a repository of the server";
        let found: Option<Value> = self.api.find(&["repos", owner, name], operation).await?;
        Ok(found.is_some())
    }

    async fn deliver(
        &self,
        (owner, name): (&str, &str),
        Handed { part, archive, .. }: Handed<'_>,
    ) -> Result<Delivered, HostError> {
        let place = match &self.directory {
            Some(directory) => sums::copied(archive, directory).await?,
            None => archive.to_owned(),
        };
        let place = std::path::absolute(place).map_err(|error| {
            let operation = "put the dump where the server finds it";
            HostError::new(HostErrorKind::Rejected, operation).because(error)
        })?;
        let to_do = Some(format!(
            "on the server, while it runs, as the user that runs it:\n  {}",
            command(&place, owner, name)
        ));
        let called = place.to_string_lossy().into_owned();
        Ok(Delivered { archive: archive.to_owned(), part, name: called, sums: None, to_do })
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
