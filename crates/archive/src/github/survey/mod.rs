//! Making the index: every record of the archive is read once, and none is kept.
//!
//! Whatever is damaged or hostile is found here, before anything is written
//! anywhere.

mod sheets;
mod tally;

use super::{files::FilesBuilder, index::Index, plural, shelf::Filling, wire::Unknown};
use crate::{
    container::{Archive, ArchiveError, JsonArray, Limits, Member},
    kin::Kin,
};
use sheets::Counting;
use std::{io::Read, path::Path, sync::Arc};

/// Longest `schema.json`.
const MAX_SCHEMA_BYTES: u64 = 1 << 20;
/// Names of losses are cut to this.
const MAX_NAME_CHARS: usize = 64;

/// Reads an archive through.
///
/// # Errors
///
/// Whatever is wrong with it anywhere.
pub(super) fn survey(archive: &Arc<Archive>, scratch: &Path) -> Result<Index, ArchiveError> {
    std::fs::create_dir_all(scratch).map_err(ArchiveError::system("make a scratch directory"))?;
    let mut filling = Filling::default();
    let mut files = FilesBuilder::begin(scratch)?;
    let mut unknown = Unknown::default();
    let mut counting = Counting::begin();
    let mut buffer = Vec::new();
    let mut has_schema = false;
    let mut kin = None;
    let scanned = archive.scan(|member, data| {
        kin = kin.or_else(|| Kin::of(&member.name));
        if member.name == "schema.json" {
            has_schema = true;
            return schema(member, data);
        }
        if member.name == "urls.json" {
            // Templates of another host's addresses, which are read by their shape.
            return Ok(());
        }
        match plural::record_file(&member.name) {
            Some((name, number)) => match plural::named(name) {
                Some(plural) => {
                    let order = filling.note((plural, number), member);
                    counting.file((plural, order), &member.name)?;
                    let emptied = std::mem::take(&mut buffer);
                    let mut array =
                        JsonArray::with_buffer(data, &member.name, archive.limits(), emptied);
                    while let Some(json) = array.next()? {
                        counting.record(json)?;
                    }
                    buffer = array.into_buffer();
                    Ok(())
                }
                None => opaque(name, (member, data), archive.limits(), &mut unknown),
            },
            None => files.member(member, data, &mut unknown),
        }
    });
    // What is wrong with a record stands before what ended the scan.
    let mut tally = counting.end()?;
    scanned?;
    tally.unknown.append(unknown);
    if let Some(kin) = kin.filter(|it| *it != Kin::Github && !has_schema) {
        return Err(kin.foreign(archive.path()));
    }
    if !has_schema {
        return Err(ArchiveError::NotAnArchive {
            file: archive.path().display().to_string(),
            detail: "it has no schema.json, so it is not GitHub's".to_owned(),
        });
    }
    let files = files.end()?;
    tally.find_unordered();
    let losses = tally.losses(&files);
    Ok(Index {
        shelf: filling.end(archive),
        files,
        web_url: tally.web_url,
        projects: tally.projects.places,
        spans: tally.spans,
        counts: tally.counts,
        unordered: tally.unordered,
        blobs: tally.blobs,
        losses,
    })
}

/// Reads the version; any with the major number 1 is known.
///
/// Source: genuine exports have 1.0.1 and 1.1.0, exporters for other hosts write 1.2.0.
fn schema(member: &Member, data: &mut dyn Read) -> Result<(), ArchiveError> {
    #[derive(serde::Deserialize)]
    struct Schema {
        version: String,
    }

    let mut json = Vec::new();
    data.take(MAX_SCHEMA_BYTES)
        .read_to_end(&mut json)
        .map_err(ArchiveError::system("read the archive"))?;
    let schema: Schema = serde_json::from_slice(&json)
        .map_err(|error| ArchiveError::malformed(&member.name, 0, error.to_string()))?;
    if schema.version.split('.').next() == Some("1") {
        return Ok(());
    }
    let found = schema.version.chars().take(MAX_NAME_CHARS).collect();
    Err(ArchiveError::Version { found, known: "1" })
}

/// Counts the records of a file that nobody here knows.
fn opaque(
    name: &str,
    (member, data): (&Member, &mut dyn Read),
    limits: &Limits,
    unknown: &mut Unknown,
) -> Result<(), ArchiveError> {
    let mut array = JsonArray::new(data, &member.name, limits);
    while array.next()?.is_some() {}
    let name = name.chars().take(MAX_NAME_CHARS).collect();
    unknown.note(name, array.n_elements());
    Ok(())
}

/// Scheme and host of an address.
pub(super) fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next().filter(|it| !it.is_empty())?;
    matches!(scheme, "https" | "http").then(|| format!("{scheme}://{host}"))
}
