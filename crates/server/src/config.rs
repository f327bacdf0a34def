//! What the service is told at its start.

use crate::{Networks, Tls, Webhook};
use packhorse_core::Location;
use packhorse_storage::Storage;
use std::{path::PathBuf, time::Duration};
use url::Url;

/// What the service is told at its start.
#[derive(Clone, Debug)]
pub struct Config {
    /// Directory of everything that it keeps; made when it is not there.
    pub state: PathBuf,
    /// Address under which clients know it, where that is not the one that they call.
    pub external_url: Option<Url>,
    /// Certificate and key by which clients are served over TLS.
    pub tls: Option<Tls>,
    /// Whether everybody may see what is counted.
    pub metrics_are_open: bool,
    /// Where ends of jobs are told.
    pub webhook: Option<Webhook>,
    /// Jobs that run side by side in this process.
    pub workers: usize,
    /// How long a job is this process's without a sign of life.
    pub lease: Duration,
    /// Directory of the archives that clients asked for, or where they are made when
    /// `archive_store` keeps them.
    pub archives: PathBuf,
    /// Object store that keeps these archives, in place of that directory.
    pub archive_store: Option<Storage>,
    /// How long archives are kept.
    pub archives_kept: Duration,
    /// How long the address of an archive is good.
    pub address_lasts: Duration,
    /// How long a repository stays locked when nobody unlocks it.
    pub lock_lasts: Duration,
    /// What GitHub's organization migrations read from.
    pub github_source: Location,
    /// What GitLab's direct transfers write to.
    pub gitlab_destination: Location,
    /// Direct transfers that an account may start in a minute.
    pub gitlab_starts_a_minute: usize,
    /// Migrations and plans that an account may ask for in a minute through the service's own API.
    pub starts_a_minute: usize,
    /// Where addresses that clients give may lead.
    pub networks: Networks,
    /// What Bitbucket's exports read from.
    pub bitbucket_source: Location,
    /// What Bitbucket's imports write to.
    pub bitbucket_destination: Location,
    /// Directory of the archives that exports make.
    pub bitbucket_exports: PathBuf,
    /// Directory of the archives that imports read.
    pub bitbucket_imports: PathBuf,
    /// Id of the format that exports write.
    pub bitbucket_format: String,
}

/// Name of the embedded store's directory.
const STORE: &str = "store";

impl Config {
    /// How long archives are kept unless something else is said; as GitHub does.
    pub const ARCHIVES_KEPT: Duration = Duration::from_secs(7 * 24 * 3_600);

    /// With everything in that directory, and nothing said.
    pub fn embedded(state: PathBuf) -> Self {
        let store = Location {
            host: "local".to_owned(),
            rest: state.join(STORE).to_string_lossy().into_owned(),
            project: None,
            credentials: None,
            more_credentials: Vec::new(),
        };
        let data = state.join("data").join("migration");
        Self {
            archives: state.join("archives"),
            archive_store: None,
            state,
            external_url: None,
            tls: None,
            metrics_are_open: false,
            webhook: None,
            workers: 2,
            lease: Duration::from_secs(15),
            archives_kept: Self::ARCHIVES_KEPT,
            address_lasts: Duration::from_secs(300),
            lock_lasts: Self::ARCHIVES_KEPT,
            gitlab_destination: store.clone(),
            gitlab_starts_a_minute: 6,
            starts_a_minute: 60,
            networks: Networks::default(),
            bitbucket_source: store.clone(),
            bitbucket_destination: store.clone(),
            bitbucket_exports: data.join("export"),
            bitbucket_imports: data.join("import"),
            bitbucket_format: "packhorse-archive".to_owned(),
            github_source: store,
        }
    }

    /// Directory of the embedded store.
    pub(crate) fn store(&self) -> PathBuf {
        self.state.join(STORE)
    }
}
