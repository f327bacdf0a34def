//! A part of a listing.

/// A page: which, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its number, from 1.
    pub page: usize,
    /// Most that is on it.
    pub size: usize,
}

impl Window {
    /// What is on the page.
    pub fn of<T>(self, mut all: Vec<T>) -> Vec<T> {
        let from = (self.page - 1).saturating_mul(self.size).min(all.len());
        let to = (from + self.size).min(all.len());
        all.drain(from..to).collect()
    }

    /// Number of the last page of so many things; at least 1.
    pub fn last(self, total: usize) -> usize {
        total.div_ceil(self.size).max(1)
    }

    /// The `Link` header of a page of so many things, as GitHub, GitLab and Gitea write it: the
    /// request's own address with another `page`. Nothing when all is on one page.
    ///
    /// Source: RFC 8288; recorded answers of GitHub and Gitea.
    pub fn link(self, address: &str, parameter: &str, total: usize) -> Option<String> {
        let last = self.last(total);
        if last == 1 && self.page == 1 {
            return None;
        }
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let mark = format!("{parameter}=");
        let kept: Vec<_> =
            query.split('&').filter(|it| !it.is_empty() && !it.starts_with(&mark)).collect();
        let to = |page: usize, rel: &str| {
            let own = format!("{parameter}={page}");
            let query = kept.iter().copied().chain([own.as_str()]).collect::<Vec<_>>().join("&");
            format!("<{path}?{query}>; rel=\"{rel}\"")
        };
        let mut links = Vec::new();
        if self.page < last {
            links.push(to(self.page + 1, "next"));
            links.push(to(last, "last"));
        }
        if self.page > 1 {
            links.push(to(1, "first"));
            links.push(to(self.page - 1, "prev"));
        }
        Some(links.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(page: usize, total: usize, expected: Option<&str>) {
        let link = Window { page, size: 2 }.link("http://h/x?a=1&page=9", "page", total);

        assert_eq!(link.as_deref(), expected);
    }

    #[test]
    fn links_lead_on_and_back() {
        check(1, 2, None);
        check(
            1,
            5,
            Some(r#"<http://h/x?a=1&page=2>; rel="next", <http://h/x?a=1&page=3>; rel="last""#),
        );
        check(
            3,
            5,
            Some(r#"<http://h/x?a=1&page=1>; rel="first", <http://h/x?a=1&page=2>; rel="prev""#),
        );
    }

    #[test]
    fn a_page_beyond_the_end_is_empty() {
        assert!(Window { page: 4, size: 2 }.of(vec![1, 2, 3]).is_empty());
        assert_eq!(Window { page: 2, size: 2 }.of(vec![1, 2, 3]), [3]);
    }
}
