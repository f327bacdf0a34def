//! Archives that GitHub imports by itself: by its importer where GitHub runs the server, and by
//! `ghe-migrator` on a server of one's own.
//!
//! The importer takes two archives for each repository, one of Git and one of everything else, from
//! GitHub's own storage.
//!
//! Sources: GitHub, "GraphQL API", `createMigrationSource`, `startRepositoryMigration`, `Migration`,
//! `abortRepositoryMigration`; "Migrating repositories with the GraphQL API"; its own client,
//! github/gh-gei, for what no page describes: the storage, and the kind of source.

mod server;
mod upload;

use super::{
    api::{Api, dressed},
    place::Place,
};
use crate::{
    by_command::{ByCommand, parts},
    handover::Ways,
    sums,
};
use async_trait::async_trait;
use packhorse_core::{
    Gap, HostError, HostErrorKind, Location, ObjectKind, TargetId,
    model::Visibility,
    port::{
        Delivered, Fetches, HandOver, Handed, ImportMessage, ImportMessages, ImportProgress,
        ImportStage, Packing, Parcel, Part, Severity, Sought, Wanted,
    },
};
use packhorse_net::Request;
use serde_json::{Value, json};
use std::sync::Arc;

/// What the importer's archives are like; it works at ten at a time.
///
/// Source: GitHub, "About GitHub Enterprise Importer", "Limitations".
const WANTED: Wanted = Wanted {
    format: "github-archive",
    packing: Packing::Each,
    parts: &[Part::Git, Part::Records],
    suffix: ".tar.gz",
    at_once: 10,
    fetches: Fetches::Signed,
    names: true,
    gaps,
};
/// Most bytes of an archive. Source: the same.
const LIMIT: u64 = 40_000_000_000;
/// Where our archives say that their repositories are.
const ARCHIVED: &str = "https://github.com";
/// What is said of the place that a repository comes from, where nobody asks it for anything.
const NO_TOKEN: &str = "not-used";
/// Most bytes of a log that are read.
const LOG: u64 = 16 << 20;

fn gaps(kind: ObjectKind) -> &'static [Gap] {
    const WEBHOOK: &[Gap] =
        &[Gap { field: "active", why: "webhooks arrive switched off, and without their secrets" }];
    if kind == ObjectKind::Webhook { WEBHOOK } else { &[] }
}

/// The importer of one server.
struct Importer {
    api: Api,
}

/// The server of a location as one that takes archives.
pub(crate) fn hand_over(location: &Location, ways: &Ways) -> Result<Arc<dyn HandOver>, HostError> {
    let place = Place::of(location).map_err(|error| {
        HostError::new(HostErrorKind::Rejected, "read the address of a GitHub").because(error)
    })?;
    let is_ones_own = place.api.path().ends_with("/v3/");
    let api = Api::new(place)?;
    if is_ones_own {
        let directory = ways.directory.clone();
        return Ok(Arc::new(ByCommand(server::Server { api, directory })));
    }
    Ok(Arc::new(Importer { api }))
}

/// The importer's word for where a migration stands.
fn stage(word: &str) -> ImportStage {
    match word {
        "SUCCEEDED" => ImportStage::Done,
        "FAILED" | "FAILED_VALIDATION" => ImportStage::Failed,
        _ => ImportStage::Running,
    }
}

/// A line of a migration's log: a time, a level, and words.
fn message(line: &str) -> Option<ImportMessage> {
    let (head, text) = line.split_once(" -- ")?;
    let severity = match head.split_whitespace().last()? {
        "ERROR" | "FATAL" => Severity::Error,
        "WARN" | "WARNING" => Severity::Warning,
        _ => Severity::Note,
    };
    Some(ImportMessage { severity, about: None, kind: None, text: text.trim().to_owned() })
}

/// The importer's word for who may see a repository.
///
/// Source: github/gh-gei, `--target-repo-visibility`.
fn word(it: Visibility) -> &'static str {
    match it {
        Visibility::Private => "private",
        Visibility::Internal => "internal",
        Visibility::Public => "public",
    }
}

impl Importer {
    /// The organization of a project, by both of its ids.
    async fn organization(&self, owner: &str) -> Result<Option<(u64, String)>, HostError> {
        let operation = "look for an organization";
        let found: Option<Value> = self.api.find(&["orgs", owner], operation).await?;
        let Some(found) = found else { return Ok(None) };
        let ids = found["id"].as_u64().zip(found["node_id"].as_str().map(str::to_owned));
        ids.map(Some).ok_or_else(|| {
            HostError::new(HostErrorKind::Protocol, operation).with("answer", "has no id")
        })
    }

    async fn owner(&self, project: Option<&str>) -> Result<(u64, String, String), HostError> {
        let fail = || HostError::new(HostErrorKind::Rejected, "look for an organization");
        let (owner, name) = project.and_then(parts).ok_or_else(|| {
            fail().with("reason", "one repository goes at a time, by its owner and its name")
        })?;
        let found = self.organization(owner).await?;
        let (id, node) = found.ok_or_else(|| fail().with("organization", owner))?;
        Ok((id, node, name.to_owned()))
    }

    async fn migration(&self, job: &TargetId) -> Result<Value, HostError> {
        let operation = "ask how far the importer is";
        let text = "query($id: ID!) { node(id: $id) { ... on Migration { id state warningsCount \
                    failureReason migrationLogUrl repositoryName } } }";
        let found: Value = self.api.query(text, json!({ "id": job.0 }), operation).await?;
        let node = &found["node"];
        if node.is_null() {
            return Err(
                HostError::new(HostErrorKind::NotFound, operation).with("migration", &job.0)
            );
        }
        Ok(node.clone())
    }

    async fn source(&self, owner: &str) -> Result<String, HostError> {
        let operation = "tell the importer where archives come from";
        let text = "mutation($input: CreateMigrationSourceInput!) { createMigrationSource(input: \
                    $input) { migrationSource { id } } }";
        let input = json!({
            "name": "Packhorse", "url": ARCHIVED, "ownerId": owner, "type": "GITHUB_ARCHIVE",
        });
        let made: Value = self.api.mutate(text, json!({ "input": input }), operation).await?;
        let id = made["createMigrationSource"]["migrationSource"]["id"].as_str();
        let none = || HostError::new(HostErrorKind::Protocol, operation);
        id.map(str::to_owned).ok_or_else(none)
    }

    /// What a migration's log says. Its address holds what opens it, and is shown to nobody.
    async fn log(&self, address: &str) -> Result<Vec<ImportMessage>, HostError> {
        let operation = "read the importer's log";
        let url = address.parse().map_err(|_| {
            HostError::new(HostErrorKind::Protocol, operation).with("answer", "is no address")
        })?;
        // SECURITY: what is at another host than the API is asked for without the token.
        let answer = self.api.transport.send(dressed(Request::get(url, operation))).await?;
        let bytes = answer.success().await?.bytes(LOG).await?;
        Ok(String::from_utf8_lossy(&bytes).lines().filter_map(message).collect())
    }
}

#[async_trait]
impl HandOver for Importer {
    fn wants(&self) -> Wanted {
        WANTED
    }

    async fn refuses(&self, project: &str) -> Result<Option<String>, HostError> {
        let Some((owner, name)) = parts(project) else {
            return Ok(Some("the importer knows owners and names, and nothing deeper".to_owned()));
        };
        if self.organization(owner).await?.is_none() {
            let why =
                format!("`{owner}` is no organization, and the importer takes no other owners");
            return Ok(Some(why));
        }
        let operation = "look for a repository of the server";
        let found: Option<Value> = self.api.find(&["repos", owner, name], operation).await?;
        Ok(found.map(|_| "the server has it, and imports only what is new".to_owned()))
    }

    async fn deliver(&self, handed: Handed<'_>) -> Result<Delivered, HostError> {
        let Handed { project, part, archive, .. } = handed;
        let (organization, ..) = self.owner(project).await?;
        let (name, sums) = sums::delivered(archive, WANTED.suffix, None).await?;
        if sums.bytes > LIMIT {
            return Err(HostError::new(HostErrorKind::Rejected, "hand an archive over")
                .with("archive", archive.display())
                .with("bytes", sums.bytes)
                .with("limit", LIMIT));
        }
        let name = if handed.is_stored {
            name
        } else {
            upload::upload(&self.api, organization, (&name, archive, sums.bytes)).await?
        };
        let archive = archive.to_owned();
        Ok(Delivered { archive, part, name, sums: Some(sums), to_do: None })
    }

    async fn find(&self, parcel: &Parcel) -> Result<Sought, HostError> {
        let Some((owner, name)) = parcel.project.as_deref().and_then(parts) else {
            return Ok(Sought::Unknown);
        };
        let operation = "look for a migration";
        let text = "query($owner: String!, $name: String!) { organization(login: $owner) { \
                    repositoryMigrations(last: 1, repositoryName: $name) { nodes { id state } } } }";
        let variables = json!({ "owner": owner, "name": name });
        let found: Value = self.api.query(text, variables, operation).await?;
        let last = &found["organization"]["repositoryMigrations"]["nodes"][0];
        // One that failed is of an earlier attempt.
        let is_failed = last["state"].as_str().is_some_and(|it| stage(it) == ImportStage::Failed);
        let id = last["id"].as_str().filter(|_| !is_failed);
        Ok(id.map_or(Sought::NotBegun, |id| Sought::Begun(TargetId(id.to_owned()))))
    }

    async fn begin(&self, parcel: &Parcel) -> Result<TargetId, HostError> {
        let operation = "begin the importer's migration";
        let fail = |kind| HostError::new(kind, operation);
        let project = parcel.project.as_deref();
        let (_, owner, name) = self.owner(project).await?;
        let [git, records] = &parcel.archives[..] else {
            return Err(fail(HostErrorKind::Rejected).with("reason", "it takes two archives"));
        };
        // SECURITY: addresses that open what is in somebody's store go to the importer alone.
        let places = match &parcel.addresses[..] {
            [git, records] => (git.expose(), records.expose()),
            [] => (&*git.name, &*records.name),
            _ => return Err(fail(HostErrorKind::Rejected).with("reason", "it takes two addresses")),
        };
        let source = self.source(&owner).await?;
        // SECURITY: the server's own token, which the importer writes with; it goes nowhere else.
        let token = self.api.place.credentials.as_ref().map(|it| it.password.expose());
        let mut input = json!({
            "sourceId": source, "ownerId": owner, "repositoryName": name, "continueOnError": true,
            "sourceRepositoryUrl": format!("{ARCHIVED}/{}", project.unwrap_or_default()),
            "gitArchiveUrl": places.0, "metadataArchiveUrl": places.1,
            "accessToken": NO_TOKEN, "githubPat": token,
        });
        // SECURITY: nobody sees it who did not see it before; what is not known is private.
        if let Some(seen) = parcel.visibility.filter(|it| *it != Visibility::Private) {
            input["targetRepoVisibility"] = word(seen).into();
        }
        let text = "mutation($input: StartRepositoryMigrationInput!) { startRepositoryMigration( \
                    input: $input) { repositoryMigration { id } } }";
        let made: Value = self.api.mutate(text, json!({ "input": input }), operation).await?;
        let id = made["startRepositoryMigration"]["repositoryMigration"]["id"].as_str();
        id.map(|id| TargetId(id.to_owned())).ok_or_else(|| fail(HostErrorKind::Protocol))
    }

    async fn progress(&self, job: &TargetId) -> Result<ImportProgress, HostError> {
        let found = self.migration(job).await?;
        let word = found["state"].as_str().unwrap_or_default().to_owned();
        let message = found["failureReason"].as_str().filter(|it| !it.is_empty());
        let message = message.map(str::to_owned);
        Ok(ImportProgress { stage: stage(&word), word, message, percentage: None })
    }

    async fn messages(&self, job: &TargetId, from: u64) -> Result<ImportMessages, HostError> {
        let found = self.migration(job).await?;
        let reason = found["failureReason"].as_str().filter(|it| !it.is_empty());
        let reason = reason.map(|text| ImportMessage {
            severity: Severity::Error,
            about: Some("migration".to_owned()),
            kind: None,
            text: text.to_owned(),
        });
        let address = found["migrationLogUrl"].as_str().filter(|it| !it.is_empty());
        let log = match address {
            Some(address) => self.log(address).await?,
            None => Vec::new(),
        };
        let skipped = usize::try_from(from).unwrap_or(usize::MAX);
        let messages = reason.into_iter().chain(log).skip(skipped).collect();
        Ok(ImportMessages { messages, next: None })
    }

    async fn cancel(&self, job: &TargetId) -> Result<(), HostError> {
        if stage(self.migration(job).await?["state"].as_str().unwrap_or_default())
            != ImportStage::Running
        {
            return Ok(());
        }
        let text = "mutation($input: AbortRepositoryMigrationInput!) { abortRepositoryMigration( \
                    input: $input) { success } }";
        let input = json!({ "input": { "migrationId": job.0 } });
        self.api.mutate::<Value>(text, input, "stop the importer's migration").await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_says_how_bad_a_line_is() {
        let told = |line| message(line).map(|it| (it.severity, it.text));

        assert_eq!(
            told("[2026-01-02T03:04:05Z] WARN -- a file was too large"),
            Some((Severity::Warning, "a file was too large".to_owned()))
        );
        assert_eq!(
            told("[2026-01-02T03:04:05Z] INFO -- Migration started"),
            Some((Severity::Note, "Migration started".to_owned()))
        );
        assert_eq!(told("no line of a log"), None);
    }

    #[test]
    fn a_migration_that_waits_to_be_looked_at_has_not_ended() {
        for (word, expected) in [
            ("QUEUED", ImportStage::Running),
            ("PENDING_VALIDATION", ImportStage::Running),
            ("IN_PROGRESS", ImportStage::Running),
            ("SUCCEEDED", ImportStage::Done),
            ("FAILED_VALIDATION", ImportStage::Failed),
        ] {
            assert_eq!(stage(word), expected, "{word}");
        }
    }
}
