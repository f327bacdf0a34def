//! Numbers and times as people read them.

use crate::native::wire::State;

/// 12345 as `12,345`.
pub(super) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many of so many, where that is known.
pub(super) fn of(n: u64, all: Option<u64>) -> String {
    match all {
        Some(all) => format!("{} of {}", count(n), count(all)),
        None => count(n),
    }
}

/// A number of bytes, in units of 1,024.
pub(super) fn bytes(n: u64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut value = n as f64;
    let mut unit = 0;
    while value >= 1_024.0 && unit + 1 < UNITS.len() {
        value /= 1_024.0;
        unit += 1;
    }
    if unit == 0 { format!("{n} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// A span of time.
pub(super) fn span(seconds: u64) -> String {
    let (days, hours) = (seconds / 86_400, seconds % 86_400 / 3_600);
    let (minutes, rest) = (seconds % 3_600 / 60, seconds % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{rest} s"),
        (0, 0, _) => format!("{minutes} min {rest} s"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        (_, _, _) => format!("{days} d {hours} h"),
    }
}

/// Records a second.
pub(super) fn rate(it: f64) -> String {
    if it >= 10.0 { format!("{it:.0} records/s") } else { format!("{it:.1} records/s") }
}

/// A moment of RFC 3339, to the second and without letters.
pub(super) fn moment(text: &str) -> String {
    let text = text.split(['.', 'Z']).next().unwrap_or_default();
    format!("{} UTC", text.replace('T', " "))
}

/// A state in words.
pub(super) const fn state(it: State) -> &'static str {
    match it {
        State::Waiting => "waiting",
        State::Running => "running",
        State::Finished => "arrived",
        State::Failed => "failed",
        State::Stopped => "interrupted",
        State::Cancelled => "cancelled",
    }
}

/// The name of a kind in words: `change_request` as `change request`.
pub(super) fn kind(name: &str) -> String {
    name.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_easy_to_read() {
        assert_eq!(
            (count(7), count(1_234), count(1_234_567)),
            ("7".into(), "1,234".into(), "1,234,567".into())
        );
        assert_eq!(of(3, Some(1_000)), "3 of 1,000");
        assert_eq!((bytes(512), bytes(1_536)), ("512 B".to_owned(), "1.5 KiB".to_owned()));
        assert_eq!(span(59), "59 s");
        assert_eq!(span(3_700), "1 h 1 min");
        assert_eq!(span(200_000), "2 d 7 h");
        assert_eq!(moment("2026-11-21T10:00:05.123Z"), "2026-11-21 10:00:05 UTC");
    }
}
