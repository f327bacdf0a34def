//! One line of CSV, after RFC 4180 but for line feeds inside quotes.

use super::map::UsersError;

/// Splits a line into its cells.
///
/// # Errors
///
/// [`UsersError::Quote`] where a quote does not end, or stands inside a cell without quotes.
pub(super) fn cells(line: usize, text: &str) -> Result<Vec<String>, UsersError> {
    let mut cells = Vec::new();
    let mut rest = text;
    loop {
        let (cell, tail) = cell(rest).ok_or(UsersError::Quote { line })?;
        cells.push(cell);
        match tail {
            Some(tail) => rest = tail,
            None => return Ok(cells),
        }
    }
}

/// The first cell, and what follows its comma if there is one.
fn cell(text: &str) -> Option<(String, Option<&str>)> {
    let Some(quoted) = text.trim_start().strip_prefix('"') else {
        let (cell, tail) = match text.split_once(',') {
            Some((cell, tail)) => (cell, Some(tail)),
            None => (text, None),
        };
        return (!cell.contains('"')).then(|| (cell.to_owned(), tail));
    };
    let mut cell = String::new();
    let mut rest = quoted;
    loop {
        let end = rest.find('"')?;
        cell.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(tail) => {
                cell.push('"');
                rest = tail;
            }
            None => break,
        }
    }
    let rest = rest.trim_start();
    if rest.is_empty() {
        return Some((cell, None));
    }
    rest.strip_prefix(',').map(|tail| (cell, Some(tail)))
}
