//! Pages by `isLastPage` and `nextPageStart`: Bitbucket Data Center.

use super::{Answer, NextPage, contradiction, onward};
use packhorse_core::{Cursor, HostError};

/// Pages that follow `nextPageStart` until `isLastPage`.
///
/// `nextPageStart` is not `start + size`: permission filtering can skip entries.
///
/// Source: Atlassian, "REST API 1.0: paged APIs".
#[derive(Clone, Copy, Debug, Default)]
pub struct Offset;

impl NextPage for Offset {
    fn next(&self, at: Option<&Cursor>, answer: &Answer) -> Result<Option<Cursor>, HostError> {
        match (answer.field("isLastPage"), answer.field("nextPageStart")) {
            (Some("true"), _) => Ok(None),
            (Some("false"), Some(start)) if start.parse::<u64>().is_ok() => {
                onward(at, Cursor(start.to_owned()))
            }
            _ => Err(contradiction("neither the last page nor the start of the next")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(fields: &[(&str, &str)]) -> Answer {
        let fields = fields.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        Answer { fields, ..Answer::default() }
    }

    #[test]
    fn the_last_page_ends_the_listing() {
        let next = Offset.next(None, &answer(&[("isLastPage", "true")])).unwrap();

        assert_eq!(next, None);
    }

    #[test]
    fn the_next_start_is_taken_as_told() {
        let fields = answer(&[("isLastPage", "false"), ("nextPageStart", "31")]);

        assert_eq!(Offset.next(None, &fields).unwrap(), Some(Cursor("31".into())));
    }

    #[test]
    fn more_pages_without_a_start_are_an_error() {
        assert!(Offset.next(None, &answer(&[("isLastPage", "false")])).is_err());
        assert!(Offset.next(None, &answer(&[])).is_err());
    }
}
