//! Archives made in the test, and endpoints opened on them.

use crate::ends;
pub(crate) use crate::ends::{app, explain, records};
use flate2::{Compression, write::GzEncoder};
use packhorse_archive::github::SPEC;
use packhorse_core::{
    Access, Endpoint, HostError,
    port::{Sink, Source},
};
use std::{io::Write, path::Path, sync::Arc};

pub(crate) const SCHEMA: (&str, &str) = ("schema.json", "{\"version\":\"1.0.1\"}");

/// One repository, `acme/app`.
pub(crate) const APP: (&str, &str) = (
    "repositories_000001.json",
    r#"[{"type":"repository","url":"https://github.com/acme/app","name":"app"}]"#,
);

/// A tar of these members.
pub(crate) fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, data) in members {
        let mut header = [0; 512];
        let mut set = |at: usize, text: &[u8]| header[at..at + text.len()].copy_from_slice(text);
        set(0, name.as_bytes());
        set(100, b"0000644\0");
        set(124, format!("{:011o}\0", data.len()).as_bytes());
        set(136, b"00000000000\0");
        set(148, b"        ");
        set(156, b"0");
        set(257, b"ustar\x0000");
        let sum: u32 = header.iter().map(|&it| u32::from(it)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        bytes.extend(header);
        bytes.extend(*data);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An archive of these members, as a file in `directory`.
pub(crate) fn archive(directory: &Path, members: &[(&str, &str)]) -> Arc<dyn Source> {
    let members: Vec<_> = members.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    let path = directory.join("made.tar.gz");
    std::fs::write(&path, gzip(&tar(&members))).unwrap();
    source(&path)
}

pub(crate) fn open(path: &Path, access: Access, resume: bool) -> Result<Endpoint, HostError> {
    ends::open(&SPEC, path, access, resume)
}

pub(crate) fn source(path: &Path) -> Arc<dyn Source> {
    ends::source(&SPEC, path)
}

pub(crate) fn sink(path: &Path, resume: bool) -> Arc<dyn Sink> {
    ends::sink(&SPEC, path, resume)
}
