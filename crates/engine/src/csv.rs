//! Lines of files that people write: CSV after RFC 4180, but for line feeds inside quotes.

/// Splits a line into its cells; `None` where a quote does not end, or stands inside a cell
/// without quotes.
pub(crate) fn cells(text: &str) -> Option<Vec<String>> {
    let mut cells = Vec::new();
    let mut rest = text;
    loop {
        let (cell, tail) = cell(rest)?;
        cells.push(cell);
        match tail {
            Some(tail) => rest = tail,
            None => return Some(cells),
        }
    }
}

/// Writes a cell so that [`cells`] reads it again.
pub(crate) fn cell_of(text: &str) -> String {
    if text.contains([',', '"']) || text.trim() != text {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}

/// The lines of a file that say something, counted from 1: not blank, and no comment.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let says = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    (1..).zip(text.lines()).filter(move |(_, line)| says(line))
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
