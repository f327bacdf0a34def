//! Pages by GraphQL cursors.

use super::{Answer, NextPage, contradiction, onward};
use packhorse_core::{Cursor, HostError};

/// Pages that follow `pageInfo.endCursor` while `pageInfo.hasNextPage`.
///
/// Source: "GraphQL Cursor Connections Specification", section 5.
#[derive(Clone, Copy, Debug, Default)]
pub struct GraphQl;

impl NextPage for GraphQl {
    fn next(&self, at: Option<&Cursor>, answer: &Answer) -> Result<Option<Cursor>, HostError> {
        match (answer.field("hasNextPage"), answer.field("endCursor")) {
            (Some("false"), _) => Ok(None),
            (Some("true"), Some(cursor)) if !cursor.is_empty() => {
                onward(at, Cursor(cursor.to_owned()))
            }
            _ => Err(contradiction("neither the last page nor a cursor to the next")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(fields: &[(&str, &str)]) -> Result<Option<Cursor>, HostError> {
        let fields = fields.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        GraphQl.next(None, &Answer { fields, ..Answer::default() })
    }

    #[test]
    fn cursors_are_followed_to_the_last_page() {
        let next_page = next(&[("hasNextPage", "true"), ("endCursor", "Y3Vyc29y")]).unwrap();
        assert_eq!(next_page, Some(Cursor("Y3Vyc29y".into())));
        assert_eq!(next(&[("hasNextPage", "false"), ("endCursor", "Y3Vyc29y")]).unwrap(), None);
    }

    #[test]
    fn a_next_page_without_a_cursor_is_an_error() {
        assert!(next(&[("hasNextPage", "true")]).is_err());
        assert!(next(&[("hasNextPage", "true"), ("endCursor", "")]).is_err());
        assert!(next(&[]).is_err());
    }
}
