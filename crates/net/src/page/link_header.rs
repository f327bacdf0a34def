//! Pages by the `Link` header: GitHub, GitLab, Gitea.

use super::{Answer, NextPage, contradiction, onward};
use packhorse_core::{Cursor, HostError};

/// Pages that follow the `next` relation of the `Link` header.
///
/// Source: RFC 8288, section 3.
#[derive(Clone, Copy, Debug, Default)]
pub struct LinkHeader;

impl NextPage for LinkHeader {
    fn next(&self, at: Option<&Cursor>, answer: &Answer) -> Result<Option<Cursor>, HostError> {
        let Some(mut rest) = answer.header("link") else {
            return Ok(None);
        };
        while let Some((_, tail)) = rest.split_once('<') {
            let (url, tail) =
                tail.split_once('>').ok_or_else(|| contradiction("a link has no end"))?;
            let parameters = tail.split_once('<').map_or(tail, |(head, _)| head);
            if is_next(parameters) {
                return onward(at, Cursor(url.to_owned()));
            }
            rest = tail;
        }
        Ok(None)
    }
}

fn is_next(parameters: &str) -> bool {
    parameters.split(';').any(|parameter| {
        let value = parameter.trim().trim_end_matches(',').strip_prefix("rel=");
        value.is_some_and(|it| it.trim().trim_matches('"').split(' ').any(|rel| rel == "next"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(header: &str, expected: Option<&str>) {
        let answer = Answer { headers: vec![("link".into(), header.into())], ..Answer::default() };

        let next = LinkHeader.next(None, &answer).unwrap();

        assert_eq!(next.as_ref().map(|it| it.0.as_str()), expected);
    }

    #[test]
    fn the_next_relation_is_followed() {
        check(
            r#"<https://h.example/i?page=2>; rel="next", <https://h.example/i?page=9>; rel="last""#,
            Some("https://h.example/i?page=2"),
        );
    }

    #[test]
    fn the_last_page_has_no_next_relation() {
        check(r#"<https://h.example/i?page=1>; rel="first""#, None);
    }

    #[test]
    fn a_comma_inside_the_url_is_not_a_separator() {
        check(
            r#"<https://h.example/i?labels=a,b&page=2>; rel="next""#,
            Some("https://h.example/i?labels=a,b&page=2"),
        );
    }

    #[test]
    fn a_relation_may_stand_bare_and_among_others() {
        check("<https://h.example/2>; rel=next", Some("https://h.example/2"));
        check(r#"<https://h.example/2>; rel="last next""#, Some("https://h.example/2"));
    }

    #[test]
    fn a_page_that_leads_to_itself_is_an_error() {
        let answer = Answer {
            headers: vec![("link".into(), r#"<https://h.example/2>; rel="next""#.into())],
            ..Answer::default()
        };

        let error = LinkHeader.next(Some(&Cursor("https://h.example/2".into())), &answer);

        assert!(error.is_err());
    }
}
