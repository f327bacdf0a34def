//! The places that the service reaches: every host and format, with the configuration's tokens.

use super::{lock, page};
use crate::{
    config::{self, End, Hosts},
    error::AppError,
    registry,
};
use async_trait::async_trait;
use http::{HeaderMap, Method, StatusCode};
use packhorse_core::{
    Access, Endpoint, HostError, HostErrorKind, Location, ObjectKind, OpenContext,
    port::{Sink, Source},
};
use packhorse_engine::Ends;
use packhorse_net::{Body, Live, Options, Request, Transport};
use packhorse_server::{Opening, Places, Standing};
use std::{path::Path, sync::Arc};
use url::Url;

/// Every host and format.
pub(super) struct HostPlaces {
    hosts: Hosts,
}

impl HostPlaces {
    pub(super) const fn new(hosts: Hosts) -> Self {
        Self { hosts }
    }

    /// A place as it may be opened: its kind is known, and its credentials are there.
    fn open(
        &self,
        place: &Location,
        end: End,
        context: &OpenContext,
    ) -> Result<Endpoint, HostError> {
        let spec = registry::named(place).map_err(|error| unusable(place, &error))?;
        let place = config::with_credentials(&self.hosts, place, end)
            .map_err(|error| unusable(place, &error))?;
        (spec.open)(&place, context)
    }
}

fn unusable(place: &Location, error: &AppError) -> HostError {
    HostError::new(HostErrorKind::Unauthorized, "use a place")
        .with("place", place)
        .because(std::io::Error::other(first_line(error)))
}

/// What is the matter, without hints for a command line.
fn first_line(error: &AppError) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

fn missing(side: &'static str, place: &Location) -> HostError {
    HostError::new(HostErrorKind::Unsupported, side).with("place", place)
}

fn source_of(endpoint: Endpoint, place: &Location) -> Result<Arc<dyn Source>, HostError> {
    endpoint.source.ok_or_else(|| missing("read from a place", place))
}

fn sink_of(endpoint: Endpoint, place: &Location) -> Result<Arc<dyn Sink>, HostError> {
    endpoint.sink.ok_or_else(|| missing("write to a place", place))
}

fn context(scratch: &Path, access: Access, resume: bool) -> OpenContext {
    OpenContext { scratch: scratch.to_owned(), access, resume }
}

#[async_trait]
impl Places for HostPlaces {
    fn locate(&self, text: &str) -> Result<(Location, Standing), String> {
        let told = |error: AppError| first_line(&error);
        let location = self.hosts.locate(text).map_err(told)?;
        registry::named(&location).map_err(told)?;
        let standing = if !location.rest.contains("://") {
            Standing::Disk
        } else if self.hosts.names_place(&location) {
            Standing::Configured
        } else {
            Standing::Elsewhere
        };
        Ok((location, standing))
    }

    fn source(&self, place: &Location, scratch: &Path) -> Result<Arc<dyn Source>, HostError> {
        let context = context(scratch, Access::Read, false);
        source_of(self.open(place, End::Source, &context)?, place)
    }

    async fn archive(&self, file: &Path) -> Result<Location, HostError> {
        let of = file.to_owned();
        let fail = |kind| HostError::new(kind, "read an archive");
        let known = tokio::task::spawn_blocking(move || packhorse_archive::recognise(&of)).await;
        let known = known.map_err(|error| fail(HostErrorKind::Unavailable).because(error))?;
        let format = known.ok_or_else(|| {
            let why = "it is no archive that can be read here";
            fail(HostErrorKind::Protocol).because(std::io::Error::other(why))
        })?;
        Ok(Location {
            host: format.id.to_owned(),
            rest: file.to_string_lossy().into_owned(),
            project: None,
            credentials: None,
            more_credentials: Vec::new(),
        })
    }

    fn ends(
        &self,
        from: &Location,
        to: &Location,
        scratch: &Path,
        opening: Opening,
    ) -> Result<Ends, HostError> {
        let host = |place: &Location| {
            registry::named(place).map(|it| it.id).map_err(|error| unusable(place, &error))
        };
        // What stands behind `#` is a new name there, not one to look for.
        let whole = to.clone().whole();
        let opened = config::with_credentials(&self.hosts, &whole, End::Target)
            .map_err(|error| unusable(to, &error))?;
        let reader = {
            let (spec, scratch) = (
                registry::named(to).map_err(|error| unusable(to, &error))?,
                scratch.join("read-back"),
            );
            let opened = opened.clone();
            Arc::new(move || {
                let endpoint = (spec.open)(&opened, &context(&scratch, Access::Read, false))?;
                source_of(endpoint, &opened)
            })
        };
        let write = match opening {
            Opening::Plan => context(scratch, Access::Plan, false),
            Opening::New => context(scratch, Access::Write, false),
            Opening::Resume => context(scratch, Access::Write, true),
        };
        Ok(Ends {
            from: from.to_string(),
            to: to.to_string(),
            source: self.source(from, scratch)?,
            sink: sink_of(self.open(&whole, End::Target, &write)?, to)?,
            reader,
            source_host: host(from)?,
            sink_host: host(to)?,
            scratch: scratch.to_owned(),
        })
    }

    async fn lock(
        &self,
        place: &Location,
        project: &str,
        until_ms: Option<i64>,
    ) -> Result<bool, HostError> {
        let spec = registry::named(place).map_err(|error| unusable(place, &error))?;
        if spec.id != "local" {
            return Ok(false);
        }
        // The store makes nothing there when it is read.
        let endpoint = (spec.open)(place, &context(Path::new("."), Access::Read, false))?;
        lock::hold(&*source_of(endpoint, place)?, project, until_ms).await
    }

    fn page(&self, place: &Location, project: &str, kind: ObjectKind, id: &str) -> Option<String> {
        page::of(place, project, kind, id)
    }

    async fn post(
        &self,
        url: &Url,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<StatusCode, HostError> {
        let request = Request::new(Method::POST, url.clone(), "post to a webhook");
        let request = Request { headers, body: Body::Bytes(body.into()), ..request };
        Ok(Live::new(&Options::default())?.send(request).await?.status)
    }
}
