//! `[serve]` of `packhorse.toml`: what the service reads from and writes to.

use super::Hosts;
use crate::error::AppError;
use packhorse_core::Location;
use packhorse_server::Config;
use serde::Deserialize;
use std::{path::Path, time::Duration};
use url::Url;

/// Most jobs side by side.
const MOST_WORKERS: usize = 64;

/// What the configuration says of the service.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ServeEntry {
    /// Address under which clients know the service.
    external_url: Option<String>,
    /// Jobs side by side.
    workers: Option<usize>,
    /// Days that archives are kept.
    archive_days: Option<u64>,
    /// GitHub's API.
    #[serde(default)]
    github: GithubEntry,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct GithubEntry {
    /// Location that migrations read from.
    source: Option<String>,
}

impl Hosts {
    /// The service's settings, with everything in that directory where nothing else is said.
    pub(crate) fn service(&self, state: &Path) -> Result<Config, AppError> {
        let said = &self.serve;
        let mut config = Config::embedded(state.to_owned());
        let place = |text: &Option<String>, unless: &Location| match text {
            Some(text) => self.locate(text),
            None => Ok(unless.clone()),
        };
        config.github_source = place(&said.github.source, &config.github_source)?;
        config.external_url = said.external_url.as_deref().map(address).transpose()?;
        config.workers = said.workers.unwrap_or(config.workers);
        if !(1..=MOST_WORKERS).contains(&config.workers) {
            return Err(AppError::usage(format!("`{}` workers cannot be", config.workers))
                .hint(format!("`workers` of `[serve]` is between 1 and {MOST_WORKERS}")));
        }
        if let Some(days) = said.archive_days {
            config.archives_kept = Duration::from_secs(days.saturating_mul(24 * 3_600));
        }
        Ok(config)
    }
}

fn address(text: &str) -> Result<Url, AppError> {
    let url = text.parse::<Url>().ok().filter(|it| matches!(it.scheme(), "http" | "https"));
    url.filter(|it| it.query().is_none() && it.fragment().is_none()).ok_or_else(|| {
        AppError::usage(format!("`{text}` is no address of a service"))
            .hint("`external-url` of `[serve]` begins with http:// or https://")
    })
}
