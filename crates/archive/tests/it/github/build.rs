//! Archives made in the test, and endpoints opened on them.

use flate2::{Compression, write::GzEncoder};
use packhorse_archive::github::SPEC;
use packhorse_core::{
    Access, Cursor, Endpoint, HostError, Lane, Location, ObjectKind, OpenContext, Record, Scope,
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
    let location: Location = format!("github-archive:{}", path.display()).parse().unwrap();
    let scratch = path.parent().unwrap().join("scratch");
    (SPEC.open)(&location, &OpenContext { scratch, access, resume })
}

pub(crate) fn source(path: &Path) -> Arc<dyn Source> {
    open(path, Access::Read, false).unwrap().source.unwrap()
}

pub(crate) fn sink(path: &Path, resume: bool) -> Arc<dyn Sink> {
    open(path, Access::Write, resume).unwrap().sink.unwrap()
}

/// All records of a lane.
pub(crate) async fn records(
    source: &dyn Source,
    scope: &Scope,
    kind: ObjectKind,
) -> Result<Vec<Record>, HostError> {
    let lane = Lane::new(scope.clone(), kind);
    let (mut records, mut at): (Vec<_>, Option<Cursor>) = (Vec::new(), None);
    loop {
        let page = source.read(&lane, at.as_ref()).await?;
        records.extend(page.records);
        at = page.next;
        if at.is_none() {
            return Ok(records);
        }
    }
}

pub(crate) fn app() -> Scope {
    Scope::Project("acme/app".to_owned())
}

/// The errors of a failure, joined.
pub(crate) fn explain(error: &HostError) -> String {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |it| it.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
