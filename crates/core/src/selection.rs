//! Which projects of a source are wanted, and what they are called at the destination.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

/// Longest pattern, in bytes; no host has paths of that length.
const MAX_PATTERN: usize = 1_024;

/// Which projects are wanted; the default is all of them.
///
/// A project is wanted when a pattern includes it or a pair names it, or when there are neither
/// patterns that include nor pairs; and when no pattern excludes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Selection {
    /// Patterns that include.
    pub include: Vec<Pattern>,
    /// Patterns that exclude, whatever includes.
    pub exclude: Vec<Pattern>,
    /// Projects by name, with their names at the destination.
    pub pairs: Vec<Pair>,
}

/// A project, and what it is called at the destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// Full path at the source.
    pub source: String,
    /// Full path at the destination; `None` where it is called as the others' rule says.
    pub target: Option<String>,
    /// Where that was said, for messages: `line 7 of pairs.csv`.
    pub said: String,
}

/// A pattern of full paths: `*` is anything without a slash, `**` anything, `?` one character.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern {
    text: String,
}

/// Why a text is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Nothing is left of it without slashes at its ends.
    #[error("a pattern is empty: write a path, such as `acme/app`, or `acme/*`")]
    Empty,
    /// It is longer than any path.
    #[error("a pattern has more than {MAX_PATTERN} bytes")]
    TooLong,
    /// It holds what no path does.
    #[error("a pattern holds a control character")]
    Control,
}

impl Pattern {
    /// Reads a pattern; slashes at its ends mean nothing.
    ///
    /// # Errors
    ///
    /// [`PatternError`] for what can match no path.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let text = text.trim().trim_matches('/');
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        if text.len() > MAX_PATTERN {
            return Err(PatternError::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(PatternError::Control);
        }
        Ok(Self { text: text.to_owned() })
    }

    /// Whether a whole path is as the pattern says; capitals count.
    ///
    /// Takes time in proportion to the product of both lengths, whatever the pattern.
    pub fn matches(&self, path: &str) -> bool {
        let path: Vec<char> = path.chars().collect();
        // Whether what is read of the pattern matches the first n characters.
        let mut reached = vec![false; path.len() + 1];
        reached[0] = true;
        let mut rest = self.text.chars().peekable();
        while let Some(sign) = rest.next() {
            if sign == '*' {
                let crosses = rest.next_if_eq(&'*').is_some();
                for at in 0..path.len() {
                    reached[at + 1] |= reached[at] && (crosses || path[at] != '/');
                }
                continue;
            }
            for at in (0..path.len()).rev() {
                let fits = path[at] == sign || (sign == '?' && path[at] != '/');
                reached[at + 1] = reached[at] && fits;
            }
            reached[0] = false;
        }
        reached[path.len()]
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for Pattern {
    type Error = PatternError;

    fn try_from(text: String) -> Result<Self, PatternError> {
        Self::parse(&text)
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.text
    }
}

impl Selection {
    /// Whether every project is wanted.
    pub fn is_all(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty() && self.pairs.is_empty()
    }

    /// The same, for asking of many projects.
    pub fn picker(&self) -> Picker<'_> {
        let pairs = self.pairs.iter().map(|it| (it.source.as_str(), it)).collect();
        Picker { selection: self, pairs }
    }
}

/// Says of each project whether it is wanted.
#[derive(Clone, Debug)]
pub struct Picker<'a> {
    selection: &'a Selection,
    pairs: BTreeMap<&'a str, &'a Pair>,
}

impl Picker<'_> {
    /// Whether a project is wanted.
    pub fn wants(&self, path: &str) -> bool {
        let Selection { include, exclude, pairs } = self.selection;
        let is_included = (include.is_empty() && pairs.is_empty())
            || self.pairs.contains_key(path)
            || include.iter().any(|it| it.matches(path));
        is_included && !exclude.iter().any(|it| it.matches(path))
    }

    /// What a pair calls a project at the destination.
    pub fn target(&self, path: &str) -> Option<&str> {
        self.pairs.get(path)?.target.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, matching: &[&str], others: &[&str]) {
        let pattern = Pattern::parse(pattern).unwrap();

        matching.iter().for_each(|it| assert!(pattern.matches(it), "{pattern} {it}"));
        others.iter().for_each(|it| assert!(!pattern.matches(it), "{pattern} {it}"));
    }

    #[test]
    fn a_star_stays_within_a_part_of_a_path_and_two_go_beyond() {
        check("acme/app", &["acme/app"], &["acme/apps", "ACME/app", "acme/ap"]);
        check("acme/*", &["acme/app", "acme/"], &["acme/group/app", "acme", "acmes/app"]);
        check("acme/**", &["acme/app", "acme/group/app"], &["other/acme/app"]);
        check("*/app", &["acme/app"], &["acme/group/app", "acme/app/x"]);
        check("**/app", &["acme/app", "acme/group/app"], &["app"]);
        check("a*c*e/?pp", &["acme/app", "ace/ipp"], &["acme/pp", "acme//pp", "ac/app"]);
        check("/acme/*/", &["acme/app"], &[]);
        check("*/ü?", &["a/üß"], &["a/üßx"]);
    }

    #[test]
    fn a_pattern_that_tries_everything_ends_soon() {
        let pattern = Pattern::parse(&"*a".repeat(500)).unwrap();

        assert!(!pattern.matches(&"a".repeat(400)));
    }

    #[test]
    fn what_can_match_nothing_is_refused() {
        assert_eq!(Pattern::parse(" / "), Err(PatternError::Empty));
        assert_eq!(Pattern::parse("a\tb"), Err(PatternError::Control));
        assert_eq!(Pattern::parse(&"a".repeat(2_000)), Err(PatternError::TooLong));
    }

    #[test]
    fn what_is_excluded_stays_so_and_nothing_said_means_all() {
        let patterns =
            |texts: &[&str]| texts.iter().map(|it| Pattern::parse(it).unwrap()).collect();
        let pair = Pair { source: "o/p".into(), target: Some("q/r".into()), said: "1".into() };
        let all = Selection::default();
        let but = Selection { exclude: patterns(&["acme/old-*"]), ..Selection::default() };
        let some = Selection { include: patterns(&["acme/*"]), ..but.clone() };
        let both = Selection { pairs: vec![pair], ..some.clone() };

        assert!(all.is_all() && all.picker().wants("x/y"));
        assert!(but.picker().wants("x/y") && !but.picker().wants("acme/old-app"));
        let wanted = |it: &Selection| {
            ["acme/app", "acme/old-app", "x/y", "o/p"].map(|path| it.picker().wants(path))
        };
        assert_eq!(wanted(&some), [true, false, false, false]);
        assert_eq!(wanted(&both), [true, false, false, true]);
        assert_eq!(both.picker().target("o/p"), Some("q/r"));
        assert_eq!(both.picker().target("acme/app"), None);
    }
}
