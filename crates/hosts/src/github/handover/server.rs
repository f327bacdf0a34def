//! A GitHub of one's own: commands that somebody gives on the server.
//!
//! Source: GitHub, "Preparing to migrate data to GitHub Enterprise Server", "Migrating data to GitHub
//! Enterprise Server".

use super::{ARCHIVED, LIMIT, parts};
use crate::{github::api::Api, shell, sums};
use async_trait::async_trait;
use packhorse_core::{
    HostError, HostErrorKind, ObjectKind, TargetId,
    port::{
        Delivered, HandOver, ImportMessages, ImportProgress, ImportStage, Packing, Parcel, Part,
        Sought, Wanted,
    },
};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// What its archives are like.
const WANTED: Wanted = Wanted {
    format: "github-archive",
    packing: Packing::Each,
    parts: &[Part::Whole],
    suffix: ".tar.gz",
    at_once: 1,
    gaps: super::gaps as fn(ObjectKind) -> _,
};
/// Where the commands want files to lie on the server.
const HOME: &str = "/home/admin";

/// A server on which somebody gives commands.
pub(super) struct Server {
    pub(super) api: Api,
    pub(super) directory: Option<PathBuf>,
}

/// What is known beforehand of how names there become names here.
///
/// Source: GitHub, "Preparing to migrate data to GitHub Enterprise Server", "Mapping conflicts".
fn mapping(home: &str, owner: &str) -> String {
    let (from, to) = (cell(&format!("{ARCHIVED}/{owner}")), cell(&format!("{home}/{owner}")));
    format!(
        "model_name,source_url,target_url,recommended_action\n\
         organization,{from},{to},map\n"
    )
}

/// A cell of CSV after RFC 4180.
fn cell(text: &str) -> String {
    if text.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// What somebody does on the server.
fn commands(host: &str, archive: &Path, mapping: &Path) -> String {
    let name = |it: &Path| it.file_name().map(|it| it.to_string_lossy().into_owned());
    let there = |it: &Path| shell::word(&format!("{HOME}/{}", name(it).unwrap_or_default()));
    let here = |it: &Path| shell::word(&it.to_string_lossy());
    let (tar, csv) = (there(archive), there(mapping));
    format!(
        "for {}:\n  \
         scp -P 122 {} {} admin@{host}:{HOME}/\n  \
         ssh -p 122 admin@{host}\n  \
         ghe-migrator prepare {tar}          # says a GUID\n  \
         ghe-migrator conflicts -g GUID > conflicts.csv   # people: write `map` and an account into a row\n  \
         ghe-migrator map -i {csv} -g GUID\n  \
         ghe-migrator map -i conflicts.csv -g GUID\n  \
         ghe-migrator import {tar} -g GUID -u USER -p TOKEN\n  \
         ghe-migrator audit -g GUID -s failed_import,failed_map,failed_rename,failed_merge\n  \
         ghe-migrator unlock -g GUID",
        name(archive).unwrap_or_default(),
        here(archive),
        here(mapping),
    )
}

impl Server {
    async fn repository(&self, project: &str) -> Result<Option<Value>, HostError> {
        let Some((owner, name)) = parts(project) else { return Ok(None) };
        self.api.find(&["repos", owner, name], "look for a repository of the server").await
    }
}

#[async_trait]
impl HandOver for Server {
    fn wants(&self) -> Wanted {
        WANTED
    }

    async fn refuses(&self, project: &str) -> Result<Option<String>, HostError> {
        if parts(project).is_none() {
            return Ok(Some("the server knows owners and names, and nothing deeper".to_owned()));
        }
        let found = self.repository(project).await?;
        Ok(found.map(|_| "the server has it, and imports only what is new".to_owned()))
    }

    async fn deliver(
        &self,
        project: Option<&str>,
        (part, archive): (Part, &Path),
    ) -> Result<Delivered, HostError> {
        let operation = "prepare an archive for the server";
        let fail = |kind| HostError::new(kind, operation).with("archive", archive.display());
        let owner = project.and_then(parts).map(|(owner, _)| owner);
        let owner = owner.ok_or_else(|| fail(HostErrorKind::Rejected))?;
        let (name, sums) = sums::delivered(archive, WANTED.suffix, self.directory.clone()).await?;
        if sums.bytes > LIMIT {
            return Err(fail(HostErrorKind::Rejected)
                .with("bytes", sums.bytes)
                .with("limit", LIMIT));
        }
        let place = self.directory.as_ref().map_or_else(|| archive.to_owned(), |it| it.join(&name));
        let place = std::path::absolute(place)
            .map_err(|error| fail(HostErrorKind::Unavailable).because(error))?;
        let file = PathBuf::from(format!("{}-map.csv", place.display()));
        let home = self.api.place.home.as_str().trim_end_matches('/');
        std::fs::write(&file, mapping(home, owner))
            .map_err(|error| fail(HostErrorKind::Unavailable).because(error))?;
        let to_do = Some(commands(self.api.place.host(), &place, &file));
        Ok(Delivered { archive: archive.to_owned(), part, name, sums: Some(sums), to_do })
    }

    async fn find(&self, parcel: &Parcel) -> Result<Sought, HostError> {
        let project = parcel.project.clone().unwrap_or_default();
        let found = self.repository(&project).await?;
        Ok(found.map_or(Sought::NotBegun, |_| Sought::Begun(TargetId(project))))
    }

    async fn begin(&self, parcel: &Parcel) -> Result<TargetId, HostError> {
        match self.find(parcel).await? {
            Sought::Begun(job) => Ok(job),
            Sought::NotBegun | Sought::Unknown => {
                Err(HostError::new(HostErrorKind::NotFound, "look for what was to be imported")
                    .with("repository", parcel.project.as_deref().unwrap_or_default()))
            }
        }
    }

    /// Whoever gives the commands says by going on that they have ended.
    async fn progress(&self, job: &TargetId) -> Result<ImportProgress, HostError> {
        let (stage, word) = match self.repository(&job.0).await? {
            Some(_) => (ImportStage::Done, "imported"),
            None => (ImportStage::Failed, "gone"),
        };
        Ok(ImportProgress { stage, word: word.to_owned(), message: None, percentage: None })
    }

    /// `ghe-migrator audit` says it to whoever asks.
    async fn messages(&self, _job: &TargetId, _from: u64) -> Result<ImportMessages, HostError> {
        Ok(ImportMessages::default())
    }

    async fn cancel(&self, job: &TargetId) -> Result<(), HostError> {
        Err(HostError::new(HostErrorKind::Unsupported, "stop the server's import")
            .with("repository", &job.0)
            .with("reason", "it is done by commands on the server"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_told_with_its_files() {
        let told =
            commands("h.example", Path::new("/a/x.tar.gz"), Path::new("/a/x.tar.gz-map.csv"));

        assert!(told.contains("prepare /home/admin/x.tar.gz "), "{told}");
        assert!(told.contains("map -i /home/admin/x.tar.gz-map.csv -g GUID"), "{told}");
        assert_eq!(mapping("https://h.example", "acme").lines().count(), 2);
    }

    #[test]
    fn a_name_stays_one_word_and_one_cell() {
        let told = commands("h.example", Path::new("/a b/x'y.tar.gz"), Path::new("/a b/m.csv"));

        assert!(told.contains(r"scp -P 122 '/a b/x'\''y.tar.gz' '/a b/m.csv' admin@"), "{told}");
        assert!(told.contains(r"import '/home/admin/x'\''y.tar.gz' -g GUID"), "{told}");
        assert!(mapping("https://h.example", "a,\"b").contains(r#"/a,""b",map"#));
    }
}
