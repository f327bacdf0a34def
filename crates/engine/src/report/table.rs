//! Columns that line up.

use std::io;

/// A table of text, written with two spaces between columns.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with a header.
    pub(super) fn new(header: &[&str]) -> Self {
        Self { rows: vec![header.iter().map(|it| (*it).to_owned()).collect()] }
    }

    /// Adds a row.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|it| one_line(&it)).collect());
    }

    /// Writes it, each line after two spaces; columns of numbers stand to the right.
    pub(super) fn write(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let n_columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let cell = |row: &'_ [String], at: usize| row.get(at).map_or(0, |it| it.chars().count());
        let widths: Vec<usize> = (0..n_columns)
            .map(|at| self.rows.iter().map(|row| cell(row, at)).max().unwrap_or(0))
            .collect();
        let numeric: Vec<bool> = (0..n_columns).map(|at| self.is_numeric(at)).collect();
        for row in &self.rows {
            let mut line = String::from("  ");
            for (at, text) in row.iter().enumerate() {
                let gap = " ".repeat(widths[at] - text.chars().count());
                let (before, after) =
                    if numeric[at] { (gap, String::new()) } else { (String::new(), gap) };
                let between = if at > 0 { "  " } else { "" };
                line.push_str(&format!("{between}{before}{text}{after}"));
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    fn is_numeric(&self, at: usize) -> bool {
        let is_number = |text: &String| text.chars().all(|c| c.is_ascii_digit() || c == '-');
        self.rows.len() > 1 && self.rows[1..].iter().filter_map(|row| row.get(at)).all(is_number)
    }
}

/// SECURITY: what comes from a host cannot break a line or move a terminal's cursor.
pub(super) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_numbers_stand_to_the_right() {
        let mut table = Table::new(&["kind", "read"]);
        table.row(["issue".into(), "7".into()]);
        table.row(["é\u{1b}[2J".into(), "1234".into()]);
        let mut out = Vec::new();

        table.write(&mut out).unwrap();

        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "  kind   read\n  issue     7\n  é [2J  1234\n");
    }
}
