//! How to find the next page of a listing; the loop over pages is the engine's.

mod graphql;
mod keyset;
mod link_header;
mod offset;
mod page_number;
mod trail;

pub use graphql::GraphQl;
pub use keyset::Keyset;
pub use link_header::LinkHeader;
pub use offset::Offset;
pub use page_number::PageNumber;
pub use trail::Trail;

use packhorse_core::{Cursor, HostError, HostErrorKind};
use url::Url;

/// Head of an answer, as far as paging needs it, and how many records it brought.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Headers, with lower-case names.
    pub headers: Vec<(String, String)>,
    /// Number of records on this page.
    pub n_records: u64,
    /// Fields of the body that speak of pages, such as `nextPageStart`.
    pub fields: Vec<(String, String)>,
}

impl Answer {
    /// Of an answer that brought so many records.
    pub fn of(headers: &http::HeaderMap, n_records: u64) -> Self {
        let text = |it: &http::HeaderValue| it.to_str().ok().map(str::to_owned);
        let headers = headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?)))
            .collect();
        Self { headers, n_records, fields: Vec::new() }
    }

    /// With a field of its body.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl ToString) -> Self {
        self.fields.push((field.to_owned(), value.to_string()));
        self
    }

    /// The header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The field of that name.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Turns what a host says about the next page into a cursor.
///
/// Implementations are pure. They must return `None` on the last page, also
/// when that page is full, and must not guess: an answer that contradicts
/// itself is [`HostErrorKind::Protocol`], because a wrong guess ends a listing
/// early, and that looks like success.
pub trait NextPage {
    /// Reads the cursor out of the answer to the request that `at` asked for.
    ///
    /// # Errors
    ///
    /// [`HostErrorKind::Protocol`] when the answer contradicts itself.
    fn next(&self, at: Option<&Cursor>, answer: &Answer) -> Result<Option<Cursor>, HostError>;
}

/// Makes an address that a host gave into one at that host.
///
/// Hosts behind a proxy write their own scheme and port into links, which are
/// not ours to believe; another name is.
///
/// SECURITY: a listing does not lead to another host.
///
/// # Errors
///
/// [`HostErrorKind::Protocol`] when it is no address, or one at another host.
pub fn at_home(home: &Url, address: &str) -> Result<Url, HostError> {
    let mut url = home.join(address).map_err(|_| contradiction("not an address"))?;
    if url.host() != home.host() || !url.username().is_empty() || url.password().is_some() {
        return Err(contradiction("the next page is at another host"));
    }
    let moved = url.set_scheme(home.scheme()).and_then(|()| url.set_port(home.port()));
    moved.map_err(|()| contradiction("not an address of a host"))?;
    url.set_fragment(None);
    Ok(url)
}

fn contradiction(what: &'static str) -> HostError {
    HostError::new(HostErrorKind::Protocol, "read the next page's address").with("answer", what)
}

/// SECURITY: the same place again would never end.
fn onward(at: Option<&Cursor>, next: Cursor) -> Result<Option<Cursor>, HostError> {
    if at == Some(&next) {
        return Err(contradiction("the next page is this page"));
    }
    Ok(Some(next))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(address: &str, expected: Option<&str>) {
        let home = "https://h.example:8443/api/v1/".parse().unwrap();

        let found = at_home(&home, address).ok();

        assert_eq!(found.as_ref().map(Url::as_str), expected);
    }

    #[test]
    fn a_listing_stays_at_its_host() {
        check("https://h.example:8443/i?page=2", Some("https://h.example:8443/i?page=2"));
        check("http://h.example/i?page=2", Some("https://h.example:8443/i?page=2"));
        check("/i?page=2#x", Some("https://h.example:8443/i?page=2"));
        check("https://elsewhere.example/i?page=2", None);
        check("//elsewhere.example/i", None);
        check("https://me@h.example/i", None);
        check("file:///etc/passwd", None);
        check("https://[", None);
    }

    proptest! {
        #[test]
        fn no_link_header_makes_the_reader_panic(text in "\\PC{0,100}|[<>;,=\"a-z ]{0,60}") {
            let answer = Answer { headers: vec![("link".into(), text)], ..Answer::default() };
            LinkHeader.next(None, &answer).ok();
        }

        #[test]
        fn the_next_page_is_found_among_any_others(
            names in prop::collection::vec("(prev|first|last|self)", 0..4),
            query in "[a-z0-9=&,;%]{0,30}",
            place in 0usize..5,
        ) {
            let mut links: Vec<_> =
                names.iter().map(|it| format!("<https://h.example/x>; rel=\"{it}\"")).collect();
            let next = format!("https://h.example/i?{query}");
            links.insert(place.min(links.len()), format!("<{next}>; rel=\"next\"; title=\"a, b\""));
            let headers = vec![("link".to_owned(), links.join(", "))];

            let found = LinkHeader.next(None, &Answer { headers, ..Answer::default() }).unwrap();

            prop_assert_eq!(found, Some(Cursor(next)));
        }

        #[test]
        fn no_address_leads_elsewhere(address in "\\PC{0,60}|(https?:)?/{0,3}[a-z@:.]{0,30}") {
            let home: Url = "https://h.example/".parse().unwrap();
            if let Ok(url) = at_home(&home, &address) {
                prop_assert_eq!(url.origin(), home.origin());
            }
        }
    }
}
