//! The file that says who is who: `platform-user:git-user`, a line each.
//!
//! The first colon parts the two, for account ids of Bitbucket Cloud have one of their own, as in
//! `557058:0123abcd-…`.
//!
//! # Sources
//!
//! Anaconda, "Migrating projects between version control repositories": the file is separated by
//! colons, and Bitbucket wants the account id. Empty lines and `#` are additions of ours.

use crate::error::AppError;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// Largest file that is read, in bytes.
const MAX_FILE: u64 = 64 << 20;
/// Mistakes that are told of one file.
const MAX_TOLD: usize = 20;

/// Who is who.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mappings {
    by_platform: BTreeMap<String, String>,
}

impl Mappings {
    /// Reads the file; everything that is wrong in it is told at once.
    pub(super) fn read(path: &Path) -> Result<Self, AppError> {
        let fail =
            || AppError::usage(format!("could not read the mappings file `{}`", path.display()));
        let size = fs::metadata(path).map_err(|error| fail().because(error))?.len();
        if size > MAX_FILE {
            return Err(fail().hint(format!("it has {size} bytes; the most is {MAX_FILE}")));
        }
        let bytes = fs::read(path).map_err(|error| fail().because(error))?;
        let text = String::from_utf8(bytes)
            .map_err(|error| fail().because(error).hint("write it as UTF-8"))?;
        Self::parse(&text).map_err(|wrong| {
            let error =
                AppError::usage(format!("the mappings file `{}` is not clear", path.display()));
            let more = wrong.len().saturating_sub(MAX_TOLD);
            let error = wrong.into_iter().take(MAX_TOLD).fold(error, AppError::hint);
            match more {
                0 => error,
                more => error.hint(format!("and {more} lines more")),
            }
        })
    }

    /// Reads the text of the file.
    pub(super) fn parse(text: &str) -> Result<Self, Vec<String>> {
        let mut by_platform: BTreeMap<String, (usize, String)> = BTreeMap::new();
        let mut wrong = Vec::new();
        // Editors of Windows begin a file with a mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (line, number) in text.lines().zip(1..) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let pair = line.split_once(':').map(|(a, b)| (a.trim(), b.trim()));
            let Some((platform, git)) = pair.filter(|(a, b)| !a.is_empty() && !b.is_empty()) else {
                wrong.push(format!("line {number}: write `platform-user:git-user`"));
                continue;
            };
            if git.chars().any(char::is_whitespace) || platform.chars().any(char::is_control) {
                wrong.push(format!("line {number}: a name has a space in it"));
                continue;
            }
            match by_platform.get(platform) {
                Some((first, same)) if same == git => {
                    wrong.push(format!(
                        "line {number}: `{platform}` stands in line {first} as well"
                    ));
                }
                Some((first, other)) => wrong.push(format!(
                    "line {number}: `{platform}` is `{git}` here and `{other}` in line {first}"
                )),
                None => {
                    by_platform.insert(platform.to_owned(), (number, git.to_owned()));
                }
            }
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let by_platform = by_platform.into_iter().map(|(name, (_, git))| (name, git)).collect();
        Ok(Self { by_platform })
    }

    /// The Git host's name for a user of the platform.
    pub(super) fn git(&self, platform: &str) -> Option<&str> {
        self.by_platform.get(platform).map(String::as_str)
    }

    /// The Git host's names of these users, each once.
    pub(super) fn accounts<'a>(
        &'a self,
        platform: impl IntoIterator<Item = &'a str>,
    ) -> BTreeSet<&'a str> {
        platform.into_iter().filter_map(|it| self.git(it)).collect()
    }

    /// The same without these names of the Git host.
    pub(super) fn without(&self, accounts: &BTreeSet<String>) -> Self {
        let rest = self.by_platform.iter().filter(|(_, git)| !accounts.contains(*git));
        Self { by_platform: rest.map(|(a, b)| (a.clone(), b.clone())).collect() }
    }

    /// Users of the platform that nobody has mentioned.
    pub(super) fn unused<'a>(&'a self, mentioned: &BTreeSet<&str>) -> Vec<&'a str> {
        let names = self.by_platform.keys().map(String::as_str);
        names.filter(|it| !mentioned.contains(it)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_wrong(text: &str, expected: &[&str]) {
        assert_eq!(Mappings::parse(text).unwrap_err(), expected);
    }

    #[test]
    fn the_first_colon_parts_the_names() {
        let map = Mappings::parse("alice:557058:0123-abcd\nbob:bob-git\n").unwrap();

        assert_eq!(map.git("alice"), Some("557058:0123-abcd"));
        assert_eq!(map.git("bob"), Some("bob-git"));
        assert_eq!(map.git("carol"), None);
    }

    #[test]
    fn a_file_of_windows_with_comments_and_empty_lines_reads_the_same() {
        let text = "\u{feff}# who is who\r\nalice:a\r\n\r\n  bob : b  \r\n";

        assert_eq!(Mappings::parse(text), Mappings::parse("alice:a\nbob:b"));
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        check_wrong(
            "alice\n:x\nbob:\ncarol:c d\nalice:a\nalice:a\nalice:b",
            &[
                "line 1: write `platform-user:git-user`",
                "line 2: write `platform-user:git-user`",
                "line 3: write `platform-user:git-user`",
                "line 4: a name has a space in it",
                "line 6: `alice` stands in line 5 as well",
                "line 7: `alice` is `b` here and `a` in line 5",
            ],
        );
    }

    #[test]
    fn a_line_that_no_project_needs_is_noticed() {
        let map = Mappings::parse("alice:a\nbob:b").unwrap();

        assert_eq!(map.unused(&BTreeSet::from(["alice"])), ["bob"]);
    }
}
