//! Endpoints opened on dumps.

pub(super) use crate::github::build::{app, explain, records};
use packhorse_archive::gitea_dump::SPEC;
use packhorse_core::{
    Access, Endpoint, HostError, Location, OpenContext,
    port::{Sink, Source},
};
use std::{path::Path, sync::Arc};

pub(super) fn open(path: &Path, access: Access, resume: bool) -> Result<Endpoint, HostError> {
    let location: Location = format!("gitea-dump:{}", path.display()).parse().unwrap();
    let scratch = path.parent().unwrap().join("scratch");
    (SPEC.open)(&location, &OpenContext { scratch, access, resume })
}

pub(super) fn source(path: &Path) -> Arc<dyn Source> {
    open(path, Access::Read, false).unwrap().source.unwrap()
}

pub(super) fn sink(path: &Path, resume: bool) -> Arc<dyn Sink> {
    open(path, Access::Write, resume).unwrap().sink.unwrap()
}
