//! How long a host asks to be left alone.

use crate::clock::until;
use http::{HeaderMap, header::RETRY_AFTER};
use jiff::{Timestamp, civil::DateTime, fmt::strtime, tz::TimeZone};
use std::time::Duration;

/// The longest header that is looked at, in bytes.
const MAX_HEADER: usize = 64;

/// What `Retry-After` asks for, as seconds or as a date.
///
/// A date is held against the `Date` of the same answer where there is one,
/// because the host's clock need not be ours.
///
/// Source: RFC 9110, sections 10.2.3 and 5.6.7.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let theirs = headers.get(http::header::DATE).and_then(|it| it.to_str().ok()).and_then(date);
    date(text).map(|it| until(theirs.unwrap_or(now), it))
}

/// A date as HTTP writes it, in its three forms; `None` when it is none.
///
/// Source: RFC 9110, section 5.6.7.
pub fn date(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.len() > MAX_HEADER {
        return None;
    }
    // The day's name says nothing that the date does not.
    let (name, rest) = text.split_once(' ')?;
    let forms: &[&str] = match name.ends_with(',') {
        true => &["%d %b %Y %H:%M:%S GMT", "%d-%b-%y %H:%M:%S GMT"],
        false => &["%b %e %H:%M:%S %Y"],
    };
    let parse = |form: &&str| strtime::parse(form, rest.trim()).ok()?.to_datetime().ok();
    let found: DateTime = forms.iter().find_map(parse)?;
    found.to_zoned(TimeZone::UTC).ok().map(|it| it.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| (k.parse().unwrap(), v.parse().unwrap())).collect()
    }

    #[track_caller]
    fn check(pairs: &[(&'static str, &str)], expected: Option<u64>) {
        let now = "2026-01-01T00:00:00Z".parse().unwrap();

        let found = retry_after(&headers(pairs), now);

        assert_eq!(found, expected.map(Duration::from_secs));
    }

    #[test]
    fn seconds_and_dates_are_understood() {
        check(&[("retry-after", "120")], Some(120));
        check(&[("retry-after", "Thu, 01 Jan 2026 00:02:00 GMT")], Some(120));
        check(&[], None);
        check(&[("retry-after", "soon")], None);
        check(&[("retry-after", "-1")], None);
    }

    #[test]
    fn a_date_in_the_past_is_no_wait() {
        check(&[("retry-after", "Wed, 31 Dec 2025 00:00:00 GMT")], Some(0));
    }

    #[test]
    fn a_host_whose_clock_is_wrong_is_taken_by_its_own() {
        let date = ("date", "Thu, 01 Jan 2099 00:00:00 GMT");
        check(&[date, ("retry-after", "Thu, 01 Jan 2099 00:00:30 GMT")], Some(30));
    }

    #[test]
    fn all_three_forms_of_a_date_are_one_moment() {
        let expected: Timestamp = "1994-11-06T08:49:37Z".parse().unwrap();

        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(date(text), Some(expected), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parsers_panic(text in "\\PC{0,80}") {
            date(&text);
            if let Ok(value) = HeaderValue::from_str(&text) {
                let headers = HeaderMap::from_iter([(RETRY_AFTER, value)]);
                retry_after(&headers, Timestamp::MIN);
                retry_after(&headers, Timestamp::MAX);
            }
        }

        #[test]
        fn what_is_written_is_read(second in 0i64..4_000_000_000) {
            let moment = Timestamp::from_second(second).unwrap();
            let text = moment.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();

            prop_assert_eq!(date(&text), Some(moment));
        }
    }
}
