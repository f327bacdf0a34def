//! The users file: who becomes whom.
//!
//! Two forms. Lines of `old:new`, split at the first colon, because account ids
//! at the destination may hold colons. Or CSV with the header
//! `source,target[,name,email]`, columns in any order. Blank lines and lines
//! that begin with `#` are skipped in both.

use crate::csv;
use packhorse_core::model::Identity;
use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

/// Largest users file that is read, in bytes: some 200,000 lines.
pub const MAX_USERS_BYTES: usize = 16 << 20;

/// Why a users file cannot be used; every line is counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages name the fields")]
pub enum UsersError {
    /// The file is larger than [`MAX_USERS_BYTES`].
    #[error("the users file has {bytes} bytes, more than {MAX_USERS_BYTES}")]
    TooLarge { bytes: usize },
    /// A line has no colon.
    #[error("line {line} of the users file has no colon: write `old:new`")]
    NoColon { line: usize },
    /// One side is empty.
    #[error("line {line} of the users file has an empty {side} side")]
    EmptySide { line: usize, side: &'static str },
    /// A login was mapped before.
    #[error("line {line} of the users file maps `{login}` again, after line {first}")]
    Duplicate { line: usize, first: usize, login: String },
    /// The header names a column that means nothing here.
    #[error(
        "line {line} of the users file has the unknown column `{column}`: there are `source`, `target`, `name` and `email`"
    )]
    UnknownColumn { line: usize, column: String },
    /// The header names a column twice.
    #[error("line {line} of the users file has the column `{column}` twice")]
    DoubleColumn { line: usize, column: String },
    /// The header lacks a column that must be there.
    #[error("line {line} of the users file lacks the column `{column}`")]
    MissingColumn { line: usize, column: &'static str },
    /// A row has more or fewer cells than the header.
    #[error("line {line} of the users file has {found} cells, its header {expected}")]
    Cells { line: usize, expected: usize, found: usize },
    /// A quote does not end, or does not stand around a whole cell.
    #[error("line {line} of the users file has a quote out of place")]
    Quote { line: usize },
    /// A login has a control character in it.
    #[error("line {line} of the users file has a control character in it")]
    Control { line: usize },
}

/// Whom somebody becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Name of the account at the destination.
    pub login: String,
    /// Name for people, where it changes.
    pub name: Option<String>,
    /// E-mail address, where it changes.
    pub email: Option<String>,
}

/// Who becomes whom, by the name of the account at the source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserMap {
    accounts: BTreeMap<String, Account>,
}

impl UserMap {
    /// Reads the content of a users file in either form.
    ///
    /// # Errors
    ///
    /// [`UsersError`], which names the line, on the first thing that is not clear.
    pub fn parse(text: &str) -> Result<Self, UsersError> {
        if text.len() > MAX_USERS_BYTES {
            return Err(UsersError::TooLarge { bytes: text.len() });
        }
        let mut lines = csv::lines(text).peekable();
        match lines.peek().copied() {
            Some((line, header)) if is_header(header) => {
                lines.next();
                let columns = Columns::of(line, header)?;
                Self::gather(lines.map(|(line, text)| columns.row(line, text)))
            }
            _ => Self::gather(lines.map(|(line, text)| pair(line, text))),
        }
    }

    fn gather(rows: impl Iterator<Item = Result<Row, UsersError>>) -> Result<Self, UsersError> {
        let mut accounts = BTreeMap::new();
        let mut first = BTreeMap::new();
        for row in rows {
            let Row { line, source, account } = row?;
            match first.entry(source.clone()) {
                Entry::Occupied(seen) => {
                    return Err(UsersError::Duplicate { line, first: *seen.get(), login: source });
                }
                Entry::Vacant(place) => place.insert(line),
            };
            accounts.insert(source, account);
        }
        Ok(Self { accounts })
    }

    /// Whom the account of that name becomes.
    pub fn account(&self, login: &str) -> Option<&Account> {
        self.accounts.get(login)
    }

    /// Number of accounts that are mapped.
    pub fn len(&self) -> usize {
        self.accounts.len()
    }

    /// Whether nobody is mapped.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }

    /// The logins among these that the map says nothing about.
    pub fn unmapped<'a>(
        &self,
        identities: impl IntoIterator<Item = &'a Identity>,
    ) -> BTreeSet<String> {
        identities
            .into_iter()
            .map(|it| it.login.as_str())
            .filter(|login| !login.is_empty() && !self.accounts.contains_key(*login))
            .map(str::to_owned)
            .collect()
    }
}

/// One line of the file, understood.
struct Row {
    line: usize,
    source: String,
    account: Account,
}

impl Row {
    fn new(line: usize, source: &str, target: &str) -> Result<Self, UsersError> {
        let (source, target) = (source.trim(), target.trim());
        for (side, text) in [("source", source), ("target", target)] {
            if text.is_empty() {
                return Err(UsersError::EmptySide { line, side });
            }
            if text.chars().any(char::is_control) {
                return Err(UsersError::Control { line });
            }
        }
        let account = Account { login: target.to_owned(), name: None, email: None };
        Ok(Self { line, source: source.to_owned(), account })
    }
}

/// A line of the colon-separated form.
fn pair(line: usize, text: &str) -> Result<Row, UsersError> {
    let (source, target) = text.split_once(':').ok_or(UsersError::NoColon { line })?;
    Row::new(line, source, target)
}

/// Whether the first line that says anything is a header of the CSV form.
///
/// Names of accounts hold no commas on any host, so a comma without a colon is
/// meant as CSV, also where the columns then turn out wrong.
fn is_header(line: &str) -> bool {
    let first = line.split(',').next().unwrap_or_default();
    line.contains(',') && (!line.contains(':') || first.trim().trim_matches('"') == "source")
}

/// Where each column stands.
struct Columns {
    count: usize,
    source: usize,
    target: usize,
    name: Option<usize>,
    email: Option<usize>,
}

impl Columns {
    fn of(line: usize, header: &str) -> Result<Self, UsersError> {
        let cells = csv::cells(header).ok_or(UsersError::Quote { line })?;
        let mut places = BTreeMap::new();
        for (at, cell) in cells.iter().enumerate() {
            let column = cell.trim().to_ascii_lowercase();
            if !["source", "target", "name", "email"].contains(&column.as_str()) {
                return Err(UsersError::UnknownColumn { line, column });
            }
            if places.insert(column.clone(), at).is_some() {
                return Err(UsersError::DoubleColumn { line, column });
            }
        }
        let must = |column: &'static str| {
            places.get(column).copied().ok_or(UsersError::MissingColumn { line, column })
        };
        Ok(Self {
            count: cells.len(),
            source: must("source")?,
            target: must("target")?,
            name: places.get("name").copied(),
            email: places.get("email").copied(),
        })
    }

    fn row(&self, line: usize, text: &str) -> Result<Row, UsersError> {
        let cells = csv::cells(text).ok_or(UsersError::Quote { line })?;
        if cells.len() != self.count {
            let (expected, found) = (self.count, cells.len());
            return Err(UsersError::Cells { line, expected, found });
        }
        let optional = |at: Option<usize>| {
            at.map(|at| cells[at].trim()).filter(|it| !it.is_empty()).map(str::to_owned)
        };
        let mut row = Row::new(line, &cells[self.source], &cells[self.target])?;
        row.account.name = optional(self.name);
        row.account.email = optional(self.email);
        Ok(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, login: &str, expected: Option<&str>) {
        let map = UserMap::parse(text).unwrap();

        assert_eq!(map.account(login).map(|it| it.login.as_str()), expected);
    }

    #[track_caller]
    fn check_refused(text: &str, expected: UsersError) {
        assert_eq!(UserMap::parse(text), Err(expected));
    }

    #[test]
    fn a_line_is_split_at_its_first_colon() {
        check("ann:557058:9f1c-22\n", "ann", Some("557058:9f1c-22"));
        check("ann : lee ", "ann", Some("lee"));
        check("ann:lee", "bob", None);
    }

    #[test]
    fn blank_lines_and_comments_are_skipped() {
        check("# people\n\n  # more\nann:lee\r\n", "ann", Some("lee"));
        check("", "ann", None);
    }

    #[test]
    fn a_header_makes_it_csv_with_columns_in_any_order() {
        check("source,target\nann,lee", "ann", Some("lee"));
        check("\u{feff}email,Target,SOURCE\na@x.example,lee,ann", "ann", Some("lee"));
        check("source,target\n\"a,n\",\"l\"\"ee\"", "a,n", Some("l\"ee"));
    }

    #[test]
    fn names_and_addresses_are_taken_from_csv() {
        let map = UserMap::parse("source,target,name,email\nann,lee,Ann Lee,\n").unwrap();

        let expected = Account { login: "lee".into(), name: Some("Ann Lee".into()), email: None };
        assert_eq!(map.account("ann"), Some(&expected));
    }

    #[test]
    fn what_is_not_clear_is_refused_with_its_line() {
        check_refused("ann:lee\nbob\n", UsersError::NoColon { line: 2 });
        check_refused("ann:", UsersError::EmptySide { line: 1, side: "target" });
        check_refused(" :lee", UsersError::EmptySide { line: 1, side: "source" });
        check_refused(
            "ann:a\n\nann:b",
            UsersError::Duplicate { line: 3, first: 1, login: "ann".into() },
        );
        check_refused("ann:l\u{7}ee", UsersError::Control { line: 1 });
    }

    #[test]
    fn a_header_that_is_not_clear_is_refused() {
        let unknown = UsersError::UnknownColumn { line: 1, column: "phone".into() };
        check_refused("source,target,phone\n", unknown);
        check_refused("source,name", UsersError::MissingColumn { line: 1, column: "target" });
        let double = UsersError::DoubleColumn { line: 1, column: "source".into() };
        check_refused("source,source", double);
        check_refused("source,target\na", UsersError::Cells { line: 2, expected: 2, found: 1 });
        check_refused("source,target\n\"a,b", UsersError::Quote { line: 2 });
        check_refused("source,target\n,b", UsersError::EmptySide { line: 2, side: "source" });
    }

    #[test]
    fn those_whom_the_map_leaves_out_are_told_once() {
        let map = UserMap::parse("ann:lee").unwrap();
        let people = ["bob", "ann", "bob", ""].map(|it| Identity::login(it, None));

        let unmapped = map.unmapped(&people);

        assert_eq!(unmapped.into_iter().collect::<Vec<_>>(), ["bob"]);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_or_maps_nobody(text in "(?s).{0,200}|([a:,\"\n #]{0,20})") {
            let map = UserMap::parse(&text);

            prop_assert!(map.is_ok_and(|it| it.account("").is_some()).eq(&false));
        }

        #[test]
        fn every_pair_that_is_written_is_found(
            pairs in proptest::collection::btree_map("[a-z][a-z0-9._-]{0,12}", "[a-z0-9][a-z0-9:{}-]{0,12}", 0..20),
        ) {
            let colons: String = pairs.iter().map(|(a, b)| format!("{a}:{b}\n")).collect();
            let cells: String = pairs.iter().map(|(a, b)| format!("{a},\"{b}\"\n")).collect();

            let lines = UserMap::parse(&colons).unwrap();
            let table = UserMap::parse(&format!("source,target\n{cells}")).unwrap();

            prop_assert_eq!(&lines, &table);
            prop_assert_eq!(lines.len(), pairs.len());
            for (source, target) in &pairs {
                prop_assert_eq!(&lines.account(source).unwrap().login, target);
            }
        }
    }
}
