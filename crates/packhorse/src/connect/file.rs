//! The platform's configuration, as lines: what is not meant stays as it is, to the last comment.
//!
//! A parser of YAML says what the values are; the lines say where they stand. Only blocks are
//! understood by lines, one key a line, which is how the platform's file is written.

use crate::error::AppError;
use serde_json::Value;
use std::{fs, ops::Range, path::Path};

/// Largest file that is read, in bytes.
const MAX_FILE: u64 = 4 << 20;

/// A file of YAML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lines {
    pub(super) lines: Vec<String>,
    /// How its lines end.
    pub(super) end: &'static str,
}

/// A key in the lines, with what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) name: String,
    /// Columns before it.
    pub(super) indent: usize,
    /// Its own line.
    pub(super) line: usize,
    /// The lines below it that belong to it.
    pub(super) block: Range<usize>,
}

impl Lines {
    /// Reads a file, and what its values are.
    pub(super) fn read(path: &Path) -> Result<(Self, Value), AppError> {
        let fail = || AppError::usage(format!("could not read `{}`", path.display()));
        let size = fs::metadata(path).map_err(|error| fail().because(error))?.len();
        if size > MAX_FILE {
            return Err(fail().hint(format!("it has {size} bytes; the most is {MAX_FILE}")));
        }
        let text = fs::read_to_string(path).map_err(|error| fail().because(error))?;
        let values = values(&text).map_err(|place| {
            // SECURITY: the parser shows the lines around a mistake, and a token may be there.
            AppError::usage(format!("`{}` is not YAML{place}", path.display()))
        })?;
        if values.get("kind").and_then(Value::as_str) == Some("ConfigMap") {
            return Err(AppError::usage(format!("`{}` is the whole config map", path.display()))
                .hint("take the file out of it: kubectl get configmap NAME -o jsonpath=…, or copy what stands below its name"));
        }
        Ok((Self::of(&text), values))
    }

    /// The lines of a text.
    pub(super) fn of(text: &str) -> Self {
        let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
        Self { lines: text.lines().map(str::to_owned).collect(), end }
    }

    /// The text again.
    pub(super) fn text(&self) -> String {
        self.lines.iter().map(|it| format!("{it}{}", self.end)).collect()
    }

    /// All lines.
    pub(super) fn all(&self) -> Range<usize> {
        0..self.lines.len()
    }

    /// The keys that stand side by side in a range.
    pub(super) fn keys(&self, range: Range<usize>) -> Vec<Key> {
        let mut keys: Vec<Key> = Vec::new();
        let mut level = None;
        for at in range.clone() {
            let line = &self.lines[at];
            if is_silent(line) {
                continue;
            }
            let indent = indent(line);
            let level = *level.get_or_insert(indent);
            if indent != level {
                continue;
            }
            let Some(name) = key(line) else { continue };
            keys.push(Key { name: name.to_owned(), indent, line: at, block: at + 1..range.end });
        }
        for at in 0..keys.len() {
            let next = keys.get(at + 1).map_or(range.end, |it| it.line);
            let key = &mut keys[at];
            // Comments before the next key belong to that one, unless they stand further in.
            let mut end = next;
            while end > key.line + 1 && is_silent(&self.lines[end - 1]) {
                let last = &self.lines[end - 1];
                if !last.trim().is_empty() && indent(last) > key.indent {
                    break;
                }
                end -= 1;
            }
            key.block = key.line + 1..end;
        }
        keys
    }

    /// The key at the end of a path of keys.
    pub(super) fn find(&self, path: &[&str]) -> Option<Key> {
        let mut range = self.all();
        let mut found = None;
        for name in path {
            let key = self.keys(range).into_iter().find(|it| it.name == *name)?;
            range = key.block.clone();
            found = Some(key);
        }
        found
    }
}

/// What the values of a text are; or where it is wrong.
pub(super) fn values(text: &str) -> Result<Value, String> {
    serde_saphyr::from_str(text).map_err(|error| {
        error.location().map(|it| format!(": look at line {}", it.line())).unwrap_or_default()
    })
}

/// Whether a line says nothing: it is empty, a comment, or the mark that begins a document.
fn is_silent(line: &str) -> bool {
    let text = line.trim();
    text.is_empty() || text.starts_with('#') || text == "---"
}

/// Columns before the first sign.
pub(super) fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// The key that a line begins with.
fn key(line: &str) -> Option<&str> {
    let text = line.trim_start();
    let (name, rest) = text.split_once(':')?;
    let is_plain = !name.is_empty() && !name.starts_with(['-', '{', '[']) && !name.contains(' ');
    let ends = rest.is_empty() || rest.starts_with([' ', '\t']);
    (is_plain && ends).then(|| name.trim_matches(['"', '\'']))
}

/// What stands behind a key in its line, without a comment; and the comment.
pub(super) fn behind(line: &str) -> (&str, &str) {
    let text = line.split_once(':').map_or("", |(_, rest)| rest);
    let trimmed = text.trim_start();
    let quote = trimmed.chars().next().filter(|it| matches!(it, '"' | '\''));
    // A quote that opens ends the value where it closes, whatever stands between.
    let from = match quote {
        Some(quote) => trimmed[1..].find(quote).map_or(trimmed.len(), |at| at + 2),
        None => 0,
    };
    let hash = match quote {
        None if trimmed.starts_with('#') => Some(0),
        _ => trimmed[from.min(trimmed.len())..].find(" #").map(|at| at + from),
    };
    match hash {
        Some(at) => (trimmed[..at].trim_end(), trimmed[at..].trim()),
        None => (trimmed.trim_end(), ""),
    }
}

/// A text as YAML writes it in single quotes, or bare where that is the same.
pub(super) fn scalar(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@".contains(c);
    let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(plain)
        && !text.ends_with(':')
        && !["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
            .contains(&text.to_lowercase().as_str());
    if is_word { text.to_owned() } else { format!("'{}'", text.replace('\'', "''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# top\nstorage:\n  # who\n  host: x # here\n\n  git:\n    default:\n      \
                        name: a\n      # inside\n\n# before the next\ngit:\n  url: y\n";

    #[test]
    fn a_file_comes_back_as_it_was() {
        for text in [TEXT, "", "a: 1\r\nb: 2\r\n"] {
            assert_eq!(Lines::of(text).text(), text);
        }
    }

    #[test]
    fn a_key_is_found_by_its_path_with_what_belongs_to_it() {
        let lines = Lines::of(TEXT);

        let entry = lines.find(&["storage", "git", "default"]).unwrap();
        let top = lines.find(&["git"]).unwrap();

        assert_eq!((entry.line, entry.indent, entry.block), (6, 4, 7..9));
        assert_eq!((top.line, top.block), (11, 12..13));
        assert_eq!(lines.find(&["storage", "url"]), None);
    }

    #[track_caller]
    fn check_behind(line: &str, value: &str, comment: &str) {
        assert_eq!(behind(line), (value, comment), "{line}");
    }

    #[test]
    fn a_comment_is_told_from_a_value() {
        check_behind("a: b # c", "b", "# c");
        check_behind("a: 'x # y' # c", "'x # y'", "# c");
        check_behind("a: http://h#x", "http://h#x", "");
        check_behind("a: # c", "", "# c");
        check_behind("a:", "", "");
    }

    #[test]
    fn a_text_is_quoted_where_yaml_would_take_it_for_something_else() {
        for (text, written) in [
            ("https://h/api", "https://h/api"),
            ("{owner}-{id}", "'{owner}-{id}'"),
            ("it's", "'it''s'"),
            ("true", "'true'"),
            ("12", "'12'"),
            ("", "''"),
        ] {
            assert_eq!(scalar(text), written);
            assert_eq!(values(&format!("a: {written}")).unwrap()["a"], text);
        }
    }

    #[test]
    fn a_mistake_is_told_by_its_line_and_shows_nothing() {
        let told = values("a: 1\ntoken: 'hunter2\nb: 2\n").unwrap_err();

        assert!(!told.contains("hunter2"), "{told}");
    }
}
