//! `[serve]` of `packhorse.toml`: what the service reads from and writes to.

use super::{Hosts, secret::Reference};
use crate::error::AppError;
use packhorse_core::Location;
use packhorse_server::{Config, Network, NoNetwork, ServiceKey, Webhook};
use packhorse_storage::{Settings, Storage};
use serde::Deserialize;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use url::Url;

/// Most jobs side by side.
const MOST_WORKERS: usize = 64;

/// What the configuration says of the service.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ServeEntry {
    /// Where the key is, for a service in a database.
    key: Option<Reference>,
    /// Address under which clients know the service.
    external_url: Option<String>,
    /// Jobs side by side; with none, what is asked for waits.
    workers: Option<usize>,
    /// Migrations and plans that an account may ask for in a minute.
    starts_a_minute: Option<usize>,
    /// Directory or address in an object store where archives that clients asked for are kept.
    archives: Option<String>,
    /// Days that archives are kept.
    archive_days: Option<u64>,
    /// Whether everybody may see what is counted.
    #[serde(default)]
    metrics_open: bool,
    /// Where ends of jobs are told.
    webhook: Option<WebhookEntry>,
    /// GitHub's API.
    #[serde(default)]
    github: GithubEntry,
    /// GitLab's API.
    #[serde(default)]
    gitlab: GitlabEntry,
    /// Where addresses that clients give may lead.
    #[serde(default)]
    network: NetworkEntry,
    /// Bitbucket's API.
    #[serde(default)]
    bitbucket: BitbucketEntry,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookEntry {
    /// Address that is posted to.
    url: String,
    /// Where the secret is that bodies are signed with.
    secret: Reference,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct GithubEntry {
    /// Location that migrations read from.
    source: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct GitlabEntry {
    /// Location that direct transfers write to.
    destination: Option<String>,
    /// Transfers that an account may start in a minute.
    starts_a_minute: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct NetworkEntry {
    /// Networks that are open although they are not public.
    #[serde(default)]
    allow: Vec<String>,
    /// Networks that are closed whatever is allowed.
    #[serde(default)]
    block: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct BitbucketEntry {
    /// Location that exports read from.
    source: Option<String>,
    /// Location that imports write to.
    destination: Option<String>,
    /// Directory of the archives that exports make.
    exports: Option<PathBuf>,
    /// Directory of the archives that imports read.
    imports: Option<PathBuf>,
}

/// The format that Bitbucket's exports are written in: Bitbucket's own where it is known here.
fn bitbucket_format() -> &'static str {
    let mut ids = packhorse_archive::FORMATS.iter().map(|it| it.id);
    ids.find(|it| *it == "bitbucket-archive").unwrap_or("packhorse-archive")
}

impl Hosts {
    /// The key of a service in a database, where the configuration says one.
    pub(crate) fn service_key(&self) -> Result<Option<ServiceKey>, AppError> {
        let Some(of) = &self.serve.key else { return Ok(None) };
        Ok(Some(ServiceKey::from_text(&self.secret(of, "the key of the service")?)?))
    }

    /// The service's settings, with everything in that directory where nothing else is said.
    pub(crate) fn service(&self, state: &Path) -> Result<Config, AppError> {
        let said = &self.serve;
        let mut config = Config::embedded(state.to_owned());
        let place = |text: &Option<String>, unless: &Location| match text {
            Some(text) => self.locate(text),
            None => Ok(unless.clone()),
        };
        config.github_source = place(&said.github.source, &config.github_source)?;
        config.gitlab_destination = place(&said.gitlab.destination, &config.gitlab_destination)?;
        config.gitlab_starts_a_minute =
            said.gitlab.starts_a_minute.unwrap_or(config.gitlab_starts_a_minute);
        config.networks.allow = networks(&said.network.allow)?;
        config.networks.block = networks(&said.network.block)?;
        let bitbucket = &said.bitbucket;
        config.bitbucket_source = place(&bitbucket.source, &config.bitbucket_source)?;
        config.bitbucket_destination =
            place(&bitbucket.destination, &config.bitbucket_destination)?;
        config.bitbucket_exports = directory(&bitbucket.exports, config.bitbucket_exports)?;
        config.bitbucket_imports = directory(&bitbucket.imports, config.bitbucket_imports)?;
        bitbucket_format().clone_into(&mut config.bitbucket_format);
        config.external_url = said.external_url.as_deref().map(address).transpose()?;
        config.workers = said.workers.unwrap_or(config.workers);
        if config.workers > MOST_WORKERS {
            return Err(AppError::usage(format!("`{}` workers cannot be", config.workers))
                .hint(format!("`workers` of `[serve]` is at most {MOST_WORKERS}")));
        }
        config.starts_a_minute = said.starts_a_minute.unwrap_or(config.starts_a_minute);
        config.metrics_are_open = said.metrics_open;
        config.webhook = match &said.webhook {
            None => None,
            Some(it) => Some(Webhook {
                url: address(&it.url)?,
                secret: self.secret(&it.secret, "the secret of the webhook")?,
            }),
        };
        match &said.archives {
            Some(address) if address.contains("://") => {
                config.archive_store = Some(store("serve", address)?);
            }
            Some(path) => config.archives = std::path::absolute(path)?,
            None => {}
        }
        if let Some(days) = said.archive_days {
            config.archives_kept = Duration::from_secs(days.saturating_mul(24 * 3_600));
        }
        Ok(config)
    }
}

/// The object store that keeps archives; credentials stand in the environment.
pub(super) fn store(table: &str, address: &str) -> Result<Storage, AppError> {
    Storage::open(address, &Settings::of_environment()).map_err(|error| {
        AppError::usage(format!("`archives` of `[{table}]` cannot be used"))
            .because(error)
            .hint("credentials stand in the environment: docs/guides/service.md")
    })
}

fn networks(said: &[String]) -> Result<Vec<Network>, AppError> {
    let one =
        |it: &String| it.parse().map_err(|error: NoNetwork| AppError::usage(error.to_string()));
    said.iter().map(one).collect()
}

fn directory(said: &Option<PathBuf>, unless: PathBuf) -> Result<PathBuf, AppError> {
    said.as_ref().map_or(Ok(unless), |it| Ok(std::path::absolute(it)?))
}

fn address(text: &str) -> Result<Url, AppError> {
    let url = text.parse::<Url>().ok().filter(|it| matches!(it.scheme(), "http" | "https"));
    url.filter(|it| it.query().is_none() && it.fragment().is_none()).ok_or_else(|| {
        AppError::usage(format!("`{text}` is no address of a service"))
            .hint("`external-url` of `[serve]` begins with http:// or https://")
    })
}
