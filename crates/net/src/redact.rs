//! What of a request may be shown, and what may not.

use http::HeaderName;
use url::Url;

/// Query parameters whose values say where in a listing we are, and nothing else.
const PLAIN: [&str; 20] = [
    "after",
    "at",
    "cursor",
    "direction",
    "filter",
    "id_after",
    "limit",
    "order",
    "order_by",
    "page",
    "pagelen",
    "pagination",
    "per_page",
    "ref",
    "service",
    "since",
    "sort",
    "start",
    "state",
    "type",
];

/// Headers that say nothing about who asks; all others stay at their origin.
const IMPERSONAL: [&str; 9] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "range",
    "user-agent",
];

/// A URL as it may be shown: without user and password, and without the values
/// of parameters that may be signatures or tokens.
pub fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    // Both fail for URLs that cannot have a user, and then there is none.
    let _cannot_have_one = (shown.set_username(""), shown.set_password(None));
    shown.set_fragment(None);
    if url.query().is_some() {
        shown.set_query(None);
        let pairs: Vec<String> = url
            .query_pairs()
            .map(|(key, value)| {
                if PLAIN.contains(&&*key) { format!("{key}={value}") } else { format!("{key}=…") }
            })
            .collect();
        return format!("{shown}?{}", pairs.join("&"));
    }
    shown.into()
}

/// Whether a header may go to another origin than the one it was meant for.
pub fn is_impersonal(name: &HeaderName) -> bool {
    IMPERSONAL.contains(&name.as_str())
}

/// A parser's complaint without what stood in the text that it parsed.
pub(crate) fn without_values(complaint: &str) -> String {
    let mut told = String::with_capacity(complaint.len());
    for (index, part) in complaint.split('"').enumerate() {
        told.push_str(if index % 2 == 0 { part } else { "\"…\"" });
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: &str) {
        assert_eq!(shown(&Url::parse(url).unwrap()), expected);
    }

    #[test]
    fn where_we_are_is_shown_and_who_we_are_is_not() {
        check("https://h.example/a/b", "https://h.example/a/b");
        check("https://me:s3cret@h.example/a", "https://h.example/a");
        check(
            "https://h.example/a?page=2&private_token=x",
            "https://h.example/a?page=2&private_token=…",
        );
        check(
            "https://h.example/a?X-Amz-Signature=0a#frag",
            "https://h.example/a?X-Amz-Signature=…",
        );
    }

    #[test]
    fn a_complaint_keeps_its_place_and_loses_its_value() {
        let complaint = r#"invalid type: string "hunter2", expected u64 at line 1 column 9"#;

        let told = without_values(complaint);

        assert_eq!(told, r#"invalid type: string "…", expected u64 at line 1 column 9"#);
    }
}
