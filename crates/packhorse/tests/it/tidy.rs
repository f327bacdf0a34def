//! The rules of the house that no lint knows.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Longest file, in lines before its tests.
const MAX_FILE_LINES: usize = 500;
/// Longest function, in lines.
const MAX_FUNCTION_LINES: usize = 80;

/// Root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Every Rust file of ours.
pub(crate) fn sources() -> Vec<PathBuf> {
    let mut list = Vec::new();
    walk(&root().join("crates"), &mut list);
    list.retain(|it| it.extension().is_some_and(|it| it == "rs"));
    assert!(list.len() > 50, "the walk finds the sources");
    list.sort();
    list
}

fn walk(directory: &Path, list: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, list);
        } else {
            list.push(path);
        }
    }
}

/// The part of a file before its tests.
pub(crate) fn production(text: &str) -> String {
    text.split("#[cfg(test)]\nmod ").next().unwrap_or(text).to_owned()
}

fn name(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

#[test]
fn files_are_short() {
    let long: Vec<_> = sources()
        .into_iter()
        .map(|path| {
            let lines = production(&fs::read_to_string(&path).unwrap()).lines().count();
            (name(&path), lines)
        })
        .filter(|(_, lines)| *lines > MAX_FILE_LINES)
        .collect();

    assert!(long.is_empty(), "longer than {MAX_FILE_LINES} lines: {long:?}");
}

/// Functions of a file with their lengths, told by `rustfmt`'s indentation.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut list = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let is_function = code.contains("fn ")
            && ["fn ", "pub ", "pub(", "async ", "const "].iter().any(|it| code.starts_with(it));
        if !is_function || code.ends_with(';') {
            continue;
        }
        // A table that is one `match` may say so where it stands.
        let said =
            lines[start.saturating_sub(6)..start].iter().any(|it| it.contains("too_many_lines"));
        if said {
            continue;
        }
        let indent = &line[..line.len() - code.len()];
        let end = format!("{indent}}}");
        let length = lines[start..].iter().position(|it| *it == end);
        if let Some(length) = length {
            list.push((code.split('(').next().unwrap_or(code).to_owned(), length + 1));
        }
    }
    list
}

#[test]
fn functions_are_short() {
    let mut long = Vec::new();
    for path in sources() {
        for (function, lines) in functions(&fs::read_to_string(&path).unwrap()) {
            if lines > MAX_FUNCTION_LINES {
                long.push(format!("{} {function}: {lines}", name(&path)));
            }
        }
    }

    assert!(long.is_empty(), "longer than {MAX_FUNCTION_LINES} lines: {long:#?}");
}

#[test]
fn nothing_is_left_undone() {
    let marks = ["todo", "unimplemented", "dbg"].map(|it| format!("{it}!")).into_iter();
    let marks: Vec<String> = marks.chain(["FIX", "XX"].map(|it| format!("{it}{}", "X"))).collect();
    let ignored = format!("#[{}", "ignore");
    let allowed = format!("#[{}(", "allow");

    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        for mark in marks.iter().chain([&ignored, &allowed]) {
            let found = text.lines().find(|line| line.contains(mark.as_str()));
            assert!(found.is_none(), "{}: {}", name(&path), found.unwrap_or_default());
        }
    }
}

#[test]
fn names_say_what_things_are() {
    let vague = ["utils", "util", "common", "helpers", "helper", "misc", "manager", "base"];

    for path in sources() {
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(!vague.contains(&stem.as_str()), "{} says nothing", name(&path));
    }
}

/// Folders that hosts share, or formats.
const PARTS: &[&str] = &["bitbucket", "check", "container", "spool", "wire"];

/// Folders of a registry's crate that are hosts or formats.
fn folders(of: &str, apart: &[&str]) -> Vec<String> {
    let entries = fs::read_dir(root().join(of)).unwrap().map(|it| it.unwrap());
    let mut list: Vec<String> = entries
        .filter(|it| it.path().is_dir())
        .map(|it| it.file_name().to_string_lossy().into_owned())
        .filter(|it| !apart.contains(&it.as_str()))
        .collect();
    list.sort();
    list
}

#[test]
fn every_host_and_format_is_registered() {
    let hosts = fs::read_to_string(root().join("crates/hosts/src/lib.rs")).unwrap();
    let formats = fs::read_to_string(root().join("crates/archive/src/lib.rs")).unwrap();

    for folder in folders("crates/hosts/src", PARTS) {
        assert!(hosts.contains(&format!("&{folder}::SPEC")), "host {folder} is not registered");
    }
    for folder in folders("crates/archive/src", PARTS) {
        assert!(formats.contains(&format!("&{folder}::SPEC")), "format {folder} is not registered");
    }
}

#[test]
fn every_host_and_format_tells_its_quirks() {
    let of = ["crates/hosts/src", "crates/archive/src"];

    for (parent, folder) in
        of.iter().flat_map(|it| folders(it, PARTS).into_iter().map(move |f| (it, f)))
    {
        let readme = root().join(parent).join(&folder).join("README.md");
        assert!(readme.is_file(), "{} is missing", name(&readme));
    }
}

#[test]
fn changelog_fragments_are_well_formed() {
    let words = ["Added: ", "Changed: ", "Fixed: ", "Removed: ", "Security: "];

    for entry in fs::read_dir(root().join("changelog/unreleased")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let first = text.lines().next().unwrap_or_default();
        assert!(words.iter().any(|it| first.starts_with(it)), "{}: {first}", name(&path));
        assert!(first.ends_with('.'), "{}: the first line is a sentence", name(&path));
        assert_eq!(text.lines().nth(1), Some(""), "{}: an empty second line", name(&path));
        assert!(text.lines().count() > 2, "{}: says what was the trouble", name(&path));
    }
}

#[test]
fn decisions_are_numbered_without_gaps() {
    let mut numbers: Vec<usize> = fs::read_dir(root().join("docs/decisions"))
        .unwrap()
        .map(|it| it.unwrap().file_name().to_string_lossy()[..4].parse().unwrap())
        .collect();
    numbers.sort_unstable();

    assert_eq!(numbers, (1..=numbers.len()).collect::<Vec<_>>());
}
