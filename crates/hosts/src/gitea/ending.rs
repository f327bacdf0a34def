//! How a change request shall come to its end, as its text says it until then.
//!
//! A comment that nobody sees stands before the mark, `<!-- packhorse-end: merged 1a2b… by alice -->`,
//! so that a run which goes on with what another one left finds there what is still to be done.
//! Reading leaves it out.

use packhorse_core::mark;

const OPEN: &str = "<!-- packhorse-end: ";
const CLOSE: &str = " -->";

/// The end that a change request comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It is closed.
    Closed,
    /// It is marked as merged.
    Merged {
        /// By this commit of its base.
        commit: String,
        /// In the name of that account.
        whom: Option<String>,
    },
}

fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|it| it.is_ascii_hexdigit())
}

/// SECURITY: nothing in it may end the comment.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_.".contains(&it))
}

impl Ending {
    fn line(&self) -> String {
        let said = match self {
            Self::Closed => "closed".to_owned(),
            Self::Merged { commit, whom: None } => format!("merged {commit}"),
            Self::Merged { commit, whom: Some(whom) } => format!("merged {commit} by {whom}"),
        };
        format!("{OPEN}{said}{CLOSE}")
    }

    fn parse(line: &str) -> Option<Self> {
        let said = line.strip_prefix(OPEN)?.strip_suffix(CLOSE)?;
        let words: Vec<&str> = said.split(' ').collect();
        let merged = |commit: &str, whom: Option<&str>| {
            let is_said = is_commit(commit) && whom.is_none_or(is_word);
            let (commit, whom) = (commit.to_owned(), whom.map(str::to_owned));
            is_said.then_some(Self::Merged { commit, whom })
        };
        match words[..] {
            ["closed"] => Some(Self::Closed),
            ["merged", commit] => merged(commit, None),
            ["merged", commit, "by", whom] => merged(commit, Some(whom)),
            _ => None,
        }
    }

    /// A text that says it; `None` where that has no mark to stand before.
    pub(super) fn within(&self, text: &str) -> Option<String> {
        let (head, last) = last_line(text.trim_end());
        let line = self.line();
        Self::parse(&line).filter(|_| mark::parse(last).is_some())?;
        Some(format!("{head}{line}\n{last}"))
    }

    /// What a text says, and the text without that.
    pub(super) fn of(text: &str) -> Option<(Self, String)> {
        let (head, last) = last_line(text.trim_end());
        mark::parse(last)?;
        // What somebody wrote is kept from the mark by an empty line.
        let (head, line) = last_line(head.strip_suffix('\n')?.trim_end_matches('\r'));
        Some((Self::parse(line)?, format!("{head}{last}")))
    }
}

/// A text as it was before it said how it ends.
pub(super) fn without(text: String) -> String {
    Ending::of(&text).map_or(text, |(_, plain)| plain)
}

/// All before the last line, with its line end, and the last line.
fn last_line(text: &str) -> (&str, &str) {
    text.rfind('\n').map_or(("", text), |at| text.split_at(at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: &str = "<!-- packhorse: change_request 7 -->";

    fn merged(whom: Option<&str>) -> Ending {
        Ending::Merged { commit: "0a".repeat(20), whom: whom.map(str::to_owned) }
    }

    #[test]
    fn a_text_that_says_how_it_ends_reads_as_it_was() {
        for ending in [Ending::Closed, merged(None), merged(Some("alice"))] {
            for text in [MARK.to_owned(), format!("Hi\n\n{MARK}"), format!("a\n- b\n\n\n{MARK}")] {
                let said = ending.within(&text).unwrap();

                assert_eq!(Ending::of(&said), Some((ending.clone(), text.clone())));
                assert_eq!(without(said), text);
                assert_eq!(without(text.clone()), text);
            }
        }
    }

    #[test]
    fn what_others_wrote_says_nothing() {
        let line = Ending::Closed.line();

        for text in [line.clone(), format!("{line}\n\n{MARK}"), format!("{line}\nHi\n{MARK}")] {
            assert_eq!(Ending::of(&text), None, "{text}");
        }
        assert_eq!(Ending::Closed.within("without a mark"), None);
        assert_eq!(merged(Some("a --> b")).within(MARK), None);
    }
}
