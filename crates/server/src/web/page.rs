//! Paging by numbers, and the links that tell where to go on.

use http::HeaderValue;
use std::fmt::Write as _;
use url::form_urlencoded;

/// Which page a client wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paging {
    /// Counted from 1.
    pub(crate) page: u64,
    pub(crate) per_page: u64,
}

impl Paging {
    /// Reads `page` and `per_page`; what makes no sense counts as not said.
    pub(crate) fn of(query: Option<&str>, (default, most): (u64, u64)) -> Self {
        let number = |name: &str| -> Option<u64> {
            let mut pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
            let found = pairs.find(|(key, _)| key == name)?.1.parse().ok();
            found.filter(|it| *it > 0)
        };
        let per_page = number("per_page").unwrap_or(default).min(most);
        // A page beyond what can be counted is as empty as the one before.
        Self { page: number("page").unwrap_or(1).min(1 << 31), per_page }
    }

    /// Rows before the page.
    pub(crate) const fn offset(self) -> u64 {
        (self.page - 1) * self.per_page
    }

    /// Number of pages; an empty list has one.
    pub(crate) const fn pages(self, total: u64) -> u64 {
        let pages = total.div_ceil(self.per_page);
        if pages == 0 { 1 } else { pages }
    }

    /// The `Link` header of a page of a list; `None` when there is nowhere else to go.
    pub(crate) fn link(self, url: &str, query: Option<&str>, total: u64) -> Option<HeaderValue> {
        let last = self.pages(total);
        let mut targets = Vec::new();
        if self.page > 1 {
            targets.push(("prev", (self.page - 1).min(last)));
        }
        if self.page < last {
            targets.extend([("next", self.page + 1), ("last", last)]);
        }
        if self.page > 1 {
            targets.push(("first", 1));
        }
        let mut text = String::new();
        for (rel, page) in targets {
            let separator = if text.is_empty() { "" } else { ", " };
            let query = with_page(query, page);
            write!(text, "{separator}<{url}?{query}>; rel=\"{rel}\"").ok()?;
        }
        (!text.is_empty()).then(|| HeaderValue::from_str(&text).ok()).flatten()
    }
}

/// The query with another page number; no token is repeated.
fn with_page(query: Option<&str>, page: u64) -> String {
    let mut out = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        if !matches!(&*name, "page" | "private_token" | "access_token") {
            out.append_pair(&name, &value);
        }
    }
    out.append_pair("page", &page.to_string());
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(query: &str, page: u64, per_page: u64) {
        assert_eq!(Paging::of(Some(query), (30, 100)), Paging { page, per_page });
    }

    #[test]
    fn what_makes_no_sense_counts_as_not_said() {
        check("", 1, 30);
        check("page=2&per_page=7", 2, 7);
        check("page=0&per_page=-3", 1, 30);
        check("page=x&per_page=100000", 1, 100);
        check("page=99999999999999", 1 << 31, 30);
    }

    #[track_caller]
    fn check_link(query: &str, total: u64, expected: Option<&str>) {
        let paging = Paging::of(Some(query), (2, 100));
        let found = paging.link("http://h/x", Some(query), total);

        assert_eq!(found.as_ref().and_then(|it| it.to_str().ok()), expected);
    }

    #[test]
    fn links_lead_to_the_other_pages_and_keep_the_query() {
        check_link("", 2, None);
        check_link(
            "per_page=2&private_token=x",
            5,
            Some(
                "<http://h/x?per_page=2&page=2>; rel=\"next\", <http://h/x?per_page=2&page=3>; rel=\"last\"",
            ),
        );
        check_link(
            "page=3",
            5,
            Some("<http://h/x?page=2>; rel=\"prev\", <http://h/x?page=1>; rel=\"first\""),
        );
    }
}
