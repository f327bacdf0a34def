//! `packhorse-archive`: our own open format, one file that keeps everything.
//!
//! `docs/formats/packhorse-archive.md` is the description that a stranger could
//! write a reader from; section numbers in this folder are of that page.
//!
//! A tar in independent zstd frames: records as NDJSON in chunks of what was
//! flushed, blobs by hash, repositories as bundles, and a manifest at the end
//! without which the file is not an archive. Writing goes on where it was killed.

mod check;
mod hashing;
mod index;
mod lanes;
mod layout;
mod manifest;
mod newer;
mod read;
mod support;
mod write;

pub use check::check;

use crate::container::ArchiveError;
use packhorse_core::{Access, Endpoint, HostError, HostSpec, Location, OpenContext};
use std::{path::PathBuf, sync::Arc};

/// Name of the format, in its first member.
const FORMAT: &str = "packhorse-archive";
/// Version of the format that is written here.
const VERSION: &str = "1.0";

/// The format, as a row of the registry.
pub static SPEC: HostSpec = HostSpec {
    id: FORMAT,
    aliases: &["packhorse"],
    title: "Packhorse archive",
    location: "FILE",
    reads: support::reads,
    writes: support::writes,
    open,
};

fn open(location: &Location, context: &OpenContext) -> Result<Endpoint, HostError> {
    let path =
        std::path::absolute(&location.rest).map_err(ArchiveError::system("find the archive"))?;
    match context.access {
        Access::Read => {
            let only = location.project.clone();
            let source = read::ArchiveSource::open(&path, only, &context.scratch)?;
            Ok(Endpoint { source: Some(Arc::new(source)), sink: None })
        }
        Access::Write | Access::Plan => {
            let may_exist = context.resume || context.access == Access::Plan;
            let sink = write::ArchiveSink::open(&path, may_exist)?;
            Ok(Endpoint { source: None, sink: Some(Arc::new(sink)) })
        }
    }
}

/// A path with more behind its name.
fn beside(path: &std::path::Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
