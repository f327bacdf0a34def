//! Words of commands that somebody is told to give.

/// A word as a shell takes it for one.
///
/// SECURITY: paths and names come from hosts, and people paste what we print.
pub(crate) fn word(text: &str) -> String {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "/._-+=:@".contains(it);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(word(text), expected);
    }

    #[test]
    fn a_word_stays_one() {
        check("/srv/a-b_c.tar.gz", "/srv/a-b_c.tar.gz");
        check("", "''");
        check("/srv/my files", "'/srv/my files'");
        check("it's;rm -rf $HOME", "'it'\\''s;rm -rf $HOME'");
    }
}
