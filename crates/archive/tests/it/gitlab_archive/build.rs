//! Exports made in the test, and endpoints opened on them.

use crate::ends;
pub(super) use crate::ends::{app, explain, records};
use crate::github::build::{gzip, tar};
use packhorse_archive::gitlab_archive::SPEC;
use packhorse_core::port::{Sink, Source};
use std::{path::Path, sync::Arc};

/// An export of these members, as a file in `directory`.
pub(super) fn archive(directory: &Path, members: &[(&str, &str)]) -> Arc<dyn Source> {
    let mut all: Vec<(&str, &[u8])> = vec![("./VERSION", b"0.2.4\n")];
    all.extend(members.iter().map(|(name, text)| (*name, text.as_bytes())));
    let path = directory.join("2026-01-31_12-05-123_acme_app_export.tar.gz");
    std::fs::write(&path, gzip(&tar(&all))).unwrap();
    source(&path)
}

pub(super) fn source(path: &Path) -> Arc<dyn Source> {
    ends::source(&SPEC, path)
}

pub(super) fn sink(path: &Path, resume: bool) -> Arc<dyn Sink> {
    ends::sink(&SPEC, path, resume)
}
