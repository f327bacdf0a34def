//! The line that a comment is on, where the source counts it in the diff alone.

use packhorse_core::model::{Position, Side};

/// Line and whether it is one of the old text, as the server counts them; zero where nobody says.
pub(super) fn line(position: &Position) -> (u64, bool) {
    let told = position.line.or(position.original_line).filter(|it| *it > 0);
    match told {
        Some(line) => (line, position.side == Some(Side::Left)),
        None => position.hunk.as_deref().and_then(last).unwrap_or((0, false)),
    }
}

/// The last line of a piece of a diff, which is the one that a comment was made on.
fn last(hunk: &str) -> Option<(u64, bool)> {
    let (mut old, mut new, mut found) = (0u64, 0u64, None);
    for line in hunk.lines() {
        if let Some(head) = line.strip_prefix("@@ ") {
            (old, new) = starts(head)?;
            found = None;
            continue;
        }
        match line.as_bytes().first() {
            Some(b'-') => {
                found = Some((old, true));
                old = old.saturating_add(1);
            }
            Some(b'+') => {
                found = Some((new, false));
                new = new.saturating_add(1);
            }
            // A remark on the line before, such as that no line end follows it.
            Some(b'\\') => {}
            Some(_) | None => {
                found = Some((new, false));
                (old, new) = (old.saturating_add(1), new.saturating_add(1));
            }
        }
    }
    found.filter(|(line, _)| *line > 0)
}

/// First lines of both texts, out of `-1,2 +1,3 @@ …`.
fn starts(head: &str) -> Option<(u64, u64)> {
    let mut words = head.split(' ');
    let mut next = |sign| words.next()?.strip_prefix(sign)?.split(',').next()?.parse().ok();
    Some((next('-')?, next('+')?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(hunk: &str, expected: Option<(u64, bool)>) {
        assert_eq!(last(hunk), expected);
    }

    #[test]
    fn the_last_line_of_a_hunk_is_the_one() {
        check("@@ -1,2 +1,3 @@\n a\n-b\n+b \"c\"\n+d", Some((3, false)));
        check("@@ -4,2 +4,1 @@ fn x()\n a\n-b", Some((5, true)));
        check("@@ -0,0 +1 @@\n+a\n\\ No newline at end of file", Some((1, false)));
        check("@@ -1 +1 @@", None);
        check("nothing", None);
    }

    #[test]
    fn what_is_told_goes_first() {
        let hunk = Some("@@ -1 +1 @@\n+a".to_owned());
        let told = Position { line: Some(7), side: Some(Side::Left), hunk, ..Position::default() };

        assert_eq!(line(&told), (7, true));
        assert_eq!(line(&Position { line: None, side: None, ..told }), (1, false));
    }

    proptest! {
        #[test]
        fn no_hunk_makes_the_reader_panic(hunk in "(@@ -[0-9]{1,25}(,[0-9])? \\+[0-9]{1,25} @@\n)?[-+ \\\\\\PC\n]{0,40}") {
            last(&hunk);
        }
    }
}
