//! Pages by number until one is not full: hosts without any other sign.

use super::{Answer, NextPage, contradiction, onward};
use packhorse_core::{Cursor, HostError};

/// Pages by number; the first page that is empty ends the listing.
///
/// A page that is short does not: hosts filter after they have cut the page.
#[derive(Clone, Copy, Debug, Default)]
pub struct PageNumber;

impl NextPage for PageNumber {
    fn next(&self, at: Option<&Cursor>, answer: &Answer) -> Result<Option<Cursor>, HostError> {
        if answer.n_records == 0 {
            return Ok(None);
        }
        let current: u64 = match at {
            None => 1,
            Some(cursor) => cursor.0.parse().map_err(|_| contradiction("not a page number"))?,
        };
        onward(at, Cursor((current + 1).to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(at: Option<&str>, n_records: u64, expected: Option<&str>) {
        let at = at.map(|it| Cursor(it.into()));

        let next = PageNumber.next(at.as_ref(), &Answer { n_records, ..Answer::default() });

        assert_eq!(next.unwrap().as_ref().map(|it| it.0.as_str()), expected);
    }

    #[test]
    fn pages_are_counted_until_one_is_empty() {
        check(None, 30, Some("2"));
        check(Some("2"), 3, Some("3"));
        check(Some("3"), 0, None);
    }
}
