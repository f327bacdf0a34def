//! One end of a rehearsal.

use crate::{error::AppError, registry};
use packhorse_core::{GitCredentials, Location, Secret};
use packhorse_fakes::{
    Fake, Handle, Options,
    fault::{Faults, Weather},
};
use packhorse_hosts::short;
use std::path::{Path, PathBuf};

/// Who owns what is rehearsed.
const OWNER: &str = "acme";

/// Hosts that can be at either end, for people.
pub(super) fn known() -> String {
    let ids: Vec<_> = packhorse_fakes::stand_ins().collect();
    format!("{}; and `local` to write to", ids.join(", "))
}

/// One end: a stand-in, or the embedded store.
pub(super) enum Stage {
    /// A stand-in for the host of that id.
    Fake(&'static str, Fake),
    /// The embedded store in that directory.
    Local(PathBuf),
}

impl Stage {
    /// Starts the stand-in for a host.
    pub(super) async fn set(host: &str, scratch: &Path) -> Result<Self, AppError> {
        let unknown = || {
            AppError::usage(format!("there is no stand-in for `{host}`"))
                .hint(format!("known are {}", known()))
        };
        let id = registry::all().find(|it| it.is_named(host)).ok_or_else(unknown)?.id;
        if id == "local" {
            return Ok(Self::Local(scratch.join("store")));
        }
        let product = packhorse_fakes::stand_in(id).ok_or_else(unknown)?;
        // Nobody reads its log, and it would grow with what is carried.
        let options = Options { keeps_log: false, ..Options::default() };
        let fake = Fake::of(product, options).await.map_err(|error| {
            AppError::failed(format!("could not start the stand-in for `{host}`")).because(error)
        })?;
        Ok(Self::Fake(id, fake))
    }

    /// The stand-in, where it is one.
    pub(super) fn fake(&self) -> Option<&Handle> {
        match self {
            Self::Fake(_, fake) => Some(fake),
            Self::Local(_) => None,
        }
    }

    /// Lets things go wrong from now on.
    pub(super) fn brew(&self, weather: Weather, seed: u64) {
        if let Self::Fake(_, fake) = self {
            fake.set_faults(Faults { weather, seed, ..Faults::default() });
        }
    }

    /// Where it is, with the token that it lets in.
    pub(super) fn location(&self) -> Location {
        let (host, rest, credentials) = match self {
            Self::Fake(id, fake) => {
                let password = Secret::new(Options::TOKEN);
                let credentials = GitCredentials { username: "alice".to_owned(), password };
                ((*id).to_owned(), format!("{}/{OWNER}", fake.url()), Some(credentials))
            }
            Self::Local(path) => ("local".to_owned(), path.to_string_lossy().into_owned(), None),
        };
        Location { host, rest, project: None, credentials, more_credentials: Vec::new() }
    }

    /// How often it was asked.
    pub(super) fn asked(&self) -> Option<String> {
        match self {
            Self::Fake(id, fake) => Some(format!("{id} was asked {} times", fake.n_requests())),
            Self::Local(_) => None,
        }
    }

    /// How a place of this kind is written in earnest: at its public service where it has one.
    pub(super) fn in_earnest(&self) -> Result<Location, AppError> {
        let parse = |text: String| {
            text.parse::<Location>()
                .map_err(|error| AppError::failed("could not name the place").because(error))
        };
        match self {
            Self::Fake(id, _) => {
                let public = parse(format!("{id}:{OWNER}"))?;
                match short::address(&public) {
                    Some(_) => Ok(public),
                    None => parse(format!("{id}:https://{id}.example/{OWNER}")),
                }
            }
            Self::Local(_) => parse("local:./store".to_owned()),
        }
    }
}
