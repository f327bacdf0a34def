//! Elements of a YAML list, one at a time.
//!
//! Gitea writes lists as blocks, with each element's first line at the margin and all others
//! indented; so an element ends where the next `- ` stands at the margin.

use crate::{
    container::{ArchiveError, Limits},
    spool::SpoolError,
};
use serde_json::Value;
use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

/// Visits each element of a list as JSON; a file that is not there has none.
///
/// # Errors
///
/// When an element is no YAML or too long, or what the visitor answers.
pub(super) fn each(
    file: &Path,
    limits: &Limits,
    mut visit: impl FnMut(&[u8]) -> Result<(), SpoolError>,
) -> Result<(), SpoolError> {
    let Some(from) = open(file)? else { return Ok(()) };
    let name = file.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    let most = limits.max_record_bytes;
    let mut from = BufReader::with_capacity(64 << 10, from);
    let (mut element, mut line, mut n) = (Vec::new(), Vec::new(), 0_u64);
    loop {
        line.clear();
        let room = (most + 1).saturating_sub(element.len()) as u64;
        let read = (&mut from).take(room).read_until(b'\n', &mut line)?;
        let is_next = read == 0 || line.starts_with(b"- ");
        if is_next && !element.is_empty() {
            n += 1;
            parse(&element, &mut visit).map_err(|wrong| match wrong {
                Wrong::Yaml(detail) => at(&name, n, &detail),
                Wrong::Said(error) => error,
            })?;
            element.clear();
        }
        if read == 0 {
            return Ok(());
        }
        element.extend_from_slice(&line);
        if element.len() > most {
            let what = format!("the size of an element of `{name}`");
            return Err(ArchiveError::OverLimit { what, limit: most as u64 }.into());
        }
    }
}

fn at(name: &str, n: u64, detail: &str) -> SpoolError {
    ArchiveError::malformed(name, 0, format!("element {n}: {detail}")).into()
}

/// Opens a file; SECURITY: what is reached by a symbolic link is not opened.
pub(super) fn open(file: &Path) -> Result<Option<File>, SpoolError> {
    match std::fs::symlink_metadata(file) {
        Ok(data) if data.is_file() => Ok(Some(File::open(file)?)),
        Ok(_) => Err(ArchiveError::Refused {
            member: file.display().to_string(),
            detail: "it is no plain file",
        }
        .into()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Reads YAML of bounded size as JSON.
///
/// SECURITY: what its aliases come to is bounded as well, as are its depth and its documents.
fn json<T: serde::de::DeserializeOwned>(yaml: &[u8]) -> Result<T, String> {
    /// A review has all its comments in it: some 40 nodes each.
    const MAX_NODES: usize = 4_000_000;
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_nodes: MAX_NODES,
            max_events: 2 * MAX_NODES,
        },
        with_snippet: false,
    };
    serde_saphyr::from_slice_with_options(yaml, options).map_err(|it| it.to_string())
}

/// Visits the elements of a piece of a list, each as JSON.
fn parse(
    yaml: &[u8],
    visit: &mut impl FnMut(&[u8]) -> Result<(), SpoolError>,
) -> Result<(), Wrong> {
    // Dumps of ours have JSON in each line, which is read as such in a fraction of the time.
    let own = yaml.strip_prefix(b"- {").map(|_| yaml[2..].trim_ascii());
    if let Some(own) = own
        && serde_json::from_slice::<serde::de::IgnoredAny>(own).is_ok()
    {
        return visit(own).map_err(Wrong::Said);
    }
    let found: Option<Vec<Value>> = json(yaml).map_err(Wrong::Yaml)?;
    for element in found.into_iter().flatten() {
        visit(element.to_string().as_bytes()).map_err(Wrong::Said)?;
    }
    Ok(())
}

/// What went wrong with an element.
enum Wrong {
    /// It is no YAML.
    Yaml(String),
    /// The visitor said so.
    Said(SpoolError),
}

/// A whole file as JSON; `None` when it is not there.
pub(super) fn whole(file: &Path) -> Result<Option<Vec<u8>>, SpoolError> {
    /// Longest file that is no list.
    const MAX_BYTES: u64 = 64 << 20;
    let Some(from) = open(file)? else { return Ok(None) };
    let mut yaml = Vec::new();
    from.take(MAX_BYTES + 1).read_to_end(&mut yaml)?;
    let name = file.display().to_string();
    if yaml.len() as u64 > MAX_BYTES {
        let what = format!("the size of `{name}`");
        return Err(ArchiveError::OverLimit { what, limit: MAX_BYTES }.into());
    }
    if serde_json::from_slice::<serde::de::IgnoredAny>(&yaml).is_ok() {
        return Ok(Some(yaml));
    }
    let found: Value = json(&yaml).map_err(|it| ArchiveError::malformed(&name, 0, it))?;
    Ok(Some(found.to_string().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("x.yml");
        std::fs::write(&file, text).unwrap();
        let mut found = Vec::new();

        each(&file, &Limits::default(), |json| {
            found.push(String::from_utf8(json.to_vec()).unwrap());
            Ok(())
        })
        .unwrap();

        assert_eq!(found, expected);
    }

    #[test]
    fn elements_come_one_by_one() {
        check(
            "- number: 1\n  content: |-\n    - not\n    an element\n- number: 2\n  closed: null\n",
            &[r#"{"content":"- not\nan element","number":1}"#, r#"{"closed":null,"number":2}"#],
        );
        check("[]\n", &[]);
        check("- {\"a\":1}\n- {\"a\":2}\n", &[r#"{"a":1}"#, r#"{"a":2}"#]);
    }

    #[test]
    fn what_is_no_yaml_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("x.yml");
        std::fs::write(&file, "- a: [\n").unwrap();

        let found = each(&file, &Limits::default(), |_| Ok(())).unwrap_err();

        assert!(found.to_string().contains("element 1"), "{found}");
    }
}
