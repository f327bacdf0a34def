//! What the headers of an answer tell of a bucket.

use super::rates::{ResetIn, Signals};
use crate::{clock::later, wait::date};
use http::HeaderMap;
use jiff::Timestamp;
use std::time::Duration;

/// What an answer tells of a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct News {
    pub(crate) limit: Option<u32>,
    pub(crate) remaining: Option<u32>,
    pub(crate) resets: Option<Timestamp>,
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn number(headers: &HeaderMap, name: &str) -> Option<u32> {
    // Some append the window, as `100;w=60` or `100, 100;window=60`.
    let text = text(headers, name)?;
    let end = text.find(|it: char| !it.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

/// Reads what an answer tells of a bucket; `None` when it tells nothing of it.
pub(crate) fn read(signals: &Signals, headers: &HeaderMap, now: Timestamp) -> Option<News> {
    if let Some((name, word)) = signals.only_where
        && text(headers, name).is_some_and(|it| it != word)
    {
        return None;
    }
    let limit = number(headers, signals.limit).filter(|it| *it > 0);
    let mut remaining = signals.remaining.and_then(|it| number(headers, it));
    let is_near = signals.near_limit.and_then(|it| text(headers, it)) == Some("true");
    if let (None, true, Some(limit)) = (remaining, is_near, limit) {
        remaining = Some(limit / 5);
    }
    let resets = signals.reset.and_then(|(name, unit)| resets(name, unit, headers, now));
    let news = News { limit, remaining, resets };
    (news != News::default()).then_some(news)
}

fn resets(name: &str, unit: ResetIn, headers: &HeaderMap, now: Timestamp) -> Option<Timestamp> {
    let seconds: i64 = text(headers, name)?.parse().ok().filter(|it| *it >= 0)?;
    let wait = match unit {
        ResetIn::Seconds => seconds,
        ResetIn::Epoch => {
            // Held against the host's own clock, which need not be ours.
            let theirs = text(headers, "date").and_then(date).unwrap_or(now);
            seconds.saturating_sub(theirs.as_second()).max(0)
        }
    };
    Some(later(now, Duration::from_secs(u64::try_from(wait).ok()?)))
}

/// Whether an answer says that nothing is left of a bucket.
pub(crate) fn says_empty(signals: &Signals, headers: &HeaderMap) -> bool {
    signals.remaining.and_then(|it| number(headers, it)) == Some(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    const SIGNALS: Signals = Signals {
        limit: "x-limit",
        remaining: Some("x-remaining"),
        reset: Some(("x-reset", ResetIn::Epoch)),
        near_limit: Some("x-near"),
        only_where: Some(("x-resource", "core")),
    };

    fn read_pairs(pairs: &[(&'static str, &str)]) -> Option<News> {
        let headers = pairs.iter().map(|(k, v)| (k.parse().unwrap(), v.parse().unwrap())).collect();
        read(&SIGNALS, &headers, Timestamp::from_second(1_000).unwrap())
    }

    #[test]
    fn the_three_numbers_are_read() {
        let told = read_pairs(&[("x-limit", "60"), ("x-remaining", "59"), ("x-reset", "1030")]);

        let resets = Some(Timestamp::from_second(1_030).unwrap());
        assert_eq!(told, Some(News { limit: Some(60), remaining: Some(59), resets }));
    }

    #[test]
    fn a_reset_is_taken_by_the_hosts_own_clock() {
        let date = ("date", "Thu, 01 Jan 1970 01:00:00 GMT");
        let told = read_pairs(&[date, ("x-reset", "3630")]).unwrap();

        assert_eq!(told.resets, Some(Timestamp::from_second(1_030).unwrap()));
    }

    #[test]
    fn another_bucket_is_another_bucket() {
        assert_eq!(read_pairs(&[("x-resource", "search"), ("x-remaining", "0")]), None);
        assert!(read_pairs(&[("x-resource", "core"), ("x-remaining", "0")]).is_some());
        assert!(read_pairs(&[("x-remaining", "0")]).is_some());
    }

    #[test]
    fn near_the_limit_is_a_fifth() {
        let told = read_pairs(&[("x-limit", "1000"), ("x-near", "true")]).unwrap();

        assert_eq!(told.remaining, Some(200));
    }

    #[test]
    fn what_is_no_number_tells_nothing() {
        assert_eq!(read_pairs(&[("x-limit", "many"), ("x-reset", "-5")]), None);
        assert_eq!(read_pairs(&[("x-limit", "99999999999999999999")]), None);
        assert_eq!(read_pairs(&[("x-limit", "100;w=60")]).unwrap().limit, Some(100));
    }

    proptest! {
        #[test]
        fn no_header_makes_the_reader_panic(
            texts in prop::collection::vec("[ -~]{0,30}|[0-9]{1,25}", 5),
            second in -377_705_023_201i64..253_402_207_200,
        ) {
            let names = ["x-limit", "x-remaining", "x-reset", "x-near", "date"];
            let mut headers = HeaderMap::new();
            for (name, text) in names.into_iter().zip(&texts) {
                headers.insert(HeaderName::from_static(name), HeaderValue::from_str(text).unwrap());
            }
            let now = Timestamp::from_second(second).unwrap();
            if let Some(news) = read(&SIGNALS, &headers, now) {
                prop_assert!(news.resets.is_none_or(|it| it >= now));
            }
        }
    }
}
