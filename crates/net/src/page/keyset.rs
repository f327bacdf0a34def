//! Pages by the last key of the one before.

use super::{Answer, NextPage, contradiction, onward};
use packhorse_core::{Cursor, HostError};

/// Pages that go on after the last key of the one before, in ascending order;
/// the first page that is empty ends the listing.
///
/// Nothing is left out or read twice when records come or go meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct Keyset {
    /// The field in which the adapter gives the last record's key, a number.
    pub last_key: &'static str,
}

impl NextPage for Keyset {
    fn next(&self, at: Option<&Cursor>, answer: &Answer) -> Result<Option<Cursor>, HostError> {
        if answer.n_records == 0 {
            return Ok(None);
        }
        let key = answer.field(self.last_key).and_then(|it| it.parse::<u64>().ok());
        let key = key.ok_or_else(|| contradiction("records without a key"))?;
        let before = at.map(|it| it.0.parse::<u64>()).transpose();
        let before = before.map_err(|_| contradiction("not a key"))?;
        if before.is_some_and(|it| key <= it) {
            return Err(contradiction("the keys do not ascend"));
        }
        onward(at, Cursor(key.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(at: Option<&str>, n_records: u64, last: &str) -> Result<Option<String>, HostError> {
        let fields = vec![("id".to_owned(), last.to_owned())];
        let at = at.map(|it| Cursor(it.to_owned()));
        let answer = Answer { n_records, fields, ..Answer::default() };
        Ok(Keyset { last_key: "id" }.next(at.as_ref(), &answer)?.map(|it| it.0))
    }

    #[test]
    fn a_listing_goes_on_after_its_last_key() {
        assert_eq!(next(None, 20, "42").unwrap().as_deref(), Some("42"));
        assert_eq!(next(Some("42"), 3, "45").unwrap().as_deref(), Some("45"));
        assert_eq!(next(Some("45"), 0, "").unwrap(), None);
    }

    #[test]
    fn keys_that_do_not_ascend_are_an_error() {
        assert!(next(Some("42"), 3, "42").is_err());
        assert!(next(Some("42"), 3, "7").is_err());
        assert!(next(Some("42"), 3, "").is_err());
    }
}
