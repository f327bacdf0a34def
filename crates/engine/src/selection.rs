//! Files that say which projects are wanted.

use crate::{csv, plan::is_path};
use packhorse_core::selection::{Pair, Pattern, PatternError, Selection};
use std::collections::BTreeMap;

/// Largest file of either form that is read, in bytes: some 200,000 projects.
pub const MAX_SELECTION_BYTES: usize = 16 << 20;

/// Why a file cannot be used; lines are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages name the fields")]
pub enum SelectionError {
    /// The file is larger than [`MAX_SELECTION_BYTES`].
    #[error("`{file}` has {bytes} bytes, more than {MAX_SELECTION_BYTES}")]
    TooLarge { file: String, bytes: usize },
    /// What stands in a line is no pattern.
    #[error("line {line} of `{file}`")]
    Pattern { file: String, line: usize, source: PatternError },
    /// A row has more or fewer cells than two.
    #[error("line {line} of `{file}` has {found} cells: write `origin,destination`")]
    Cells { file: String, line: usize, found: usize },
    /// A quote does not end, or does not stand around a whole cell.
    #[error("line {line} of `{file}` has a quote out of place")]
    Quote { file: String, line: usize },
    /// The origin is empty.
    #[error("line {line} of `{file}` names no project of the source")]
    NoOrigin { file: String, line: usize },
    /// The destination cannot be a project's path.
    #[error("line {line} of `{file}`: `{target}` cannot be the path of a project")]
    Target { file: String, line: usize, target: String },
    /// A project stands there twice.
    #[error("line {line} of `{file}` names `{project}` again, after line {first}")]
    Again { file: String, line: usize, first: usize, project: String },
    /// Two projects would get one name.
    #[error("line {line} of `{file}` gives `{target}` again, after line {first}")]
    SameTarget { file: String, line: usize, first: usize, target: String },
}

/// Adds a file's patterns: one a line, `!` before those that exclude, `#` before comments.
///
/// # Errors
///
/// [`SelectionError`], which names the line, on the first that is no pattern.
pub fn add_patterns(
    selection: &mut Selection,
    file: &str,
    text: &str,
) -> Result<(), SelectionError> {
    check_size(file, text)?;
    for (line, text) in csv::lines(text) {
        add_pattern(selection, text.trim()).map_err(|source| SelectionError::Pattern {
            file: file.to_owned(),
            line,
            source,
        })?;
    }
    Ok(())
}

/// Adds one pattern; `!` before it makes it exclude.
///
/// # Errors
///
/// [`PatternError`] for what can match no path.
pub fn add_pattern(selection: &mut Selection, text: &str) -> Result<(), PatternError> {
    match text.strip_prefix('!') {
        Some(text) => selection.exclude.push(Pattern::parse(text)?),
        None => selection.include.push(Pattern::parse(text)?),
    }
    Ok(())
}

/// Reads pairs: CSV with a project of the source and its path at the destination.
///
/// A first line of `origin,destination` is a header. Without a destination a project is called as
/// all others are.
///
/// # Errors
///
/// [`SelectionError`], which names the line, on the first thing that is not clear.
pub fn pairs(file: &str, text: &str) -> Result<Vec<Pair>, SelectionError> {
    check_size(file, text)?;
    let (mut list, mut sources, mut targets) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
    for (n, (line, text)) in csv::lines(text).enumerate() {
        if n == 0 && is_header(text) {
            continue;
        }
        let pair = pair(file, line, text)?;
        let file = || file.to_owned();
        if let Some(first) = sources.insert(pair.source.clone(), line) {
            return Err(SelectionError::Again { file: file(), line, first, project: pair.source });
        }
        if let Some(target) = &pair.target
            && let Some(first) = targets.insert(target.to_lowercase(), line)
        {
            let target = target.clone();
            return Err(SelectionError::SameTarget { file: file(), line, first, target });
        }
        list.push(pair);
    }
    Ok(list)
}

fn pair(file: &str, line: usize, text: &str) -> Result<Pair, SelectionError> {
    let name = || file.to_owned();
    let cells = csv::cells(text).ok_or_else(|| SelectionError::Quote { file: name(), line })?;
    let [source, target] = &cells[..] else {
        return Err(SelectionError::Cells { file: name(), line, found: cells.len() });
    };
    let clean = |text: &String| text.trim().trim_matches('/').to_owned();
    let (source, target) = (clean(source), clean(target));
    if source.is_empty() {
        return Err(SelectionError::NoOrigin { file: name(), line });
    }
    if !target.is_empty() && !is_path(&target) {
        return Err(SelectionError::Target { file: name(), line, target });
    }
    let target = (!target.is_empty()).then_some(target);
    Ok(Pair { source, target, said: format!("line {line} of `{file}`") })
}

fn is_header(text: &str) -> bool {
    let cells = csv::cells(text).unwrap_or_default();
    let cells: Vec<_> = cells.iter().map(|it| it.trim().to_ascii_lowercase()).collect();
    cells == ["origin", "destination"]
}

fn check_size(file: &str, text: &str) -> Result<(), SelectionError> {
    if text.len() > MAX_SELECTION_BYTES {
        return Err(SelectionError::TooLarge { file: file.to_owned(), bytes: text.len() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_have_a_header_comments_quotes_and_perhaps_no_destination() {
        let text = "\u{feff}Origin, Destination\n# moved\nacme/app,new/application\r\n\n\
                    \"acme/a,b\", new/ab \n/acme/lib/,\n";

        let found = pairs("p.csv", text).unwrap();

        let rows: Vec<_> =
            found.iter().map(|it| (it.source.as_str(), it.target.as_deref())).collect();
        assert_eq!(
            rows,
            [
                ("acme/app", Some("new/application")),
                ("acme/a,b", Some("new/ab")),
                ("acme/lib", None)
            ]
        );
        assert_eq!(found[1].said, "line 5 of `p.csv`");
    }

    #[track_caller]
    fn check_refused(text: &str, expected: &str) {
        assert_eq!(pairs("p.csv", text).unwrap_err().to_string(), expected);
    }

    #[test]
    fn a_pair_that_is_not_clear_is_told_by_its_line() {
        check_refused("a/b", "line 1 of `p.csv` has 1 cells: write `origin,destination`");
        check_refused("\na/b,c/d,e", "line 2 of `p.csv` has 3 cells: write `origin,destination`");
        check_refused("a/b,\"c/d", "line 1 of `p.csv` has a quote out of place");
        check_refused(",c/d", "line 1 of `p.csv` names no project of the source");
        check_refused("a/b,../d", "line 1 of `p.csv`: `../d` cannot be the path of a project");
        check_refused("a/b,c/d\na/b,c/e", "line 2 of `p.csv` names `a/b` again, after line 1");
        check_refused("a/b,c/d\na/e,C/d", "line 2 of `p.csv` gives `C/d` again, after line 1");
    }

    #[test]
    fn a_file_of_patterns_includes_excludes_and_comments() {
        let mut selection = Selection::default();

        add_patterns(&mut selection, "list", "# ours\nacme/*\n\n  !acme/old-*  \n").unwrap();

        let picker = selection.picker();
        assert!(picker.wants("acme/app") && !picker.wants("acme/old-app"));
        let error = add_patterns(&mut selection, "list", "acme/*\n!\n").unwrap_err();
        assert_eq!(error.to_string(), "line 2 of `list`");
    }
}
