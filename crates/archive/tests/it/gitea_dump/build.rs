//! Endpoints opened on dumps.

use crate::ends;
pub(super) use crate::ends::{app, explain, records};
use packhorse_archive::gitea_dump::SPEC;
use packhorse_core::port::{Sink, Source};
use std::{path::Path, sync::Arc};

pub(super) fn source(path: &Path) -> Arc<dyn Source> {
    ends::source(&SPEC, path)
}

pub(super) fn sink(path: &Path, resume: bool) -> Arc<dyn Sink> {
    ends::sink(&SPEC, path, resume)
}
