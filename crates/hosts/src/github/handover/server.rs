//! A GitHub of one's own: commands that somebody gives on the server.
//!
//! Source: GitHub, "Preparing to migrate data to GitHub Enterprise Server", "Migrating data to GitHub
//! Enterprise Server".

use super::{ARCHIVED, LIMIT};
use crate::{by_command::Commanded, github::api::Api, shell, sums};
use async_trait::async_trait;
use packhorse_core::{
    HostError, HostErrorKind, ObjectKind,
    port::{Delivered, Fetches, Handed, Names, Packing, Part, Wanted},
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
    fetches: Fetches::Nothing,
    names: true,
    gaps: super::gaps as fn(ObjectKind) -> _,
};
/// Where the commands want files to lie on the server.
const HOME: &str = "/home/admin";

/// A server on which somebody gives commands.
pub(super) struct Server {
    pub(super) api: Api,
    pub(super) directory: Option<PathBuf>,
}

/// A row of a mapping: what it is, where it is in the archive, where it goes, what is done.
///
/// Source: GitHub, "Reviewing migration conflicts": what there is of addresses and of actions, and
/// to what they apply.
struct Row {
    model: &'static str,
    from: String,
    to: String,
    action: &'static str,
}

/// The file of mappings.
fn mapping(rows: &[Row]) -> String {
    let mut text = "model_name,source_url,target_url,recommended_action\n".to_owned();
    for it in rows {
        text += &format!("{},{},{},{}\n", it.model, cell(&it.from), cell(&it.to), it.action);
    }
    text
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
         ghe-migrator conflicts -g GUID > conflicts.csv   # what has changed meanwhile\n  \
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
    /// Whether the server has something at a path of its API.
    async fn knows(&self, path: &[&str], operation: &'static str) -> Result<bool, HostError> {
        let found: Option<Value> = self.api.find(path, operation).await?;
        Ok(found.is_some())
    }

    /// What becomes of everything that an archive brings and that the server may have already.
    ///
    /// People keep what they wrote only where they are mapped; a team that is there takes those in
    /// who come; what is not there is imported as it is.
    async fn rows(
        &self,
        (home, owner, name): (&str, &str, &str),
        names: &Names,
    ) -> Result<Vec<Row>, HostError> {
        let row = |model, path: &str, action| Row {
            model,
            from: format!("{ARCHIVED}/{path}"),
            to: format!("{home}/{path}"),
            action,
        };
        let is_there = self.knows(&["orgs", owner], "look for an organization").await?;
        let action = if is_there { "map" } else { "import" };
        let mut rows = vec![row("organization", owner, action)];
        // One that is there is not handed over.
        rows.push(row("repository", &format!("{owner}/{name}"), "import"));
        for (organization, slug) in &names.teams {
            let path = ["orgs", organization.as_str(), "teams", slug.as_str()];
            let is_there = self.knows(&path, "look for a team").await?;
            let action = if is_there { "merge" } else { "import" };
            rows.push(row("team", &format!("orgs/{organization}/teams/{slug}"), action));
        }
        for login in &names.users {
            let is_there = self.knows(&["users", login], "look for an account").await?;
            rows.push(row("user", login, if is_there { "map" } else { "import" }));
        }
        Ok(rows)
    }
}

#[async_trait]
impl Commanded for Server {
    const WANTED: Wanted = WANTED;

    async fn has(&self, owner: &str, name: &str) -> Result<bool, HostError> {
        self.knows(&["repos", owner, name], "look for a repository of the server").await
    }

    async fn deliver(
        &self,
        (owner, name_of): (&str, &str),
        Handed { part, archive, names, .. }: Handed<'_>,
    ) -> Result<Delivered, HostError> {
        let operation = "prepare an archive for the server";
        let fail = |kind| HostError::new(kind, operation).with("archive", archive.display());
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
        let rows = self.rows((home, owner, name_of), names).await?;
        std::fs::write(&file, mapping(&rows))
            .map_err(|error| fail(HostErrorKind::Unavailable).because(error))?;
        let to_do = Some(commands(self.api.place.host(), &place, &file));
        Ok(Delivered { archive: archive.to_owned(), part, name, sums: Some(sums), to_do })
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
    }

    #[test]
    fn a_name_stays_one_word_and_one_cell() {
        let told = commands("h.example", Path::new("/a b/x'y.tar.gz"), Path::new("/a b/m.csv"));

        assert!(told.contains(r"scp -P 122 '/a b/x'\''y.tar.gz' '/a b/m.csv' admin@"), "{told}");
        assert!(told.contains(r"import '/home/admin/x'\''y.tar.gz' -g GUID"), "{told}");
        let row = Row {
            model: "user",
            from: "https://github.com/a,\"b".to_owned(),
            to: "https://h.example/ab".to_owned(),
            action: "map",
        };
        let expected = "user,\"https://github.com/a,\"\"b\",https://h.example/ab,map";
        assert_eq!(mapping(&[row]).lines().nth(1), Some(expected));
    }
}
