//! Holds the arrows of `ARCHITECTURE.md` against the manifests.

use crate::tidy::root;
use std::{collections::BTreeMap, fs};

/// Crate → what it may import, as the page says.
fn promised() -> BTreeMap<String, Vec<String>> {
    let page = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let block = page.split("```arrows\n").nth(1).and_then(|it| it.split("```").next());

    block
        .expect("ARCHITECTURE.md has a block of arrows")
        .lines()
        .map(|line| {
            let (name, targets) = line.split_once(" ─ ").expect("an arrow is `crate ─ crates`");
            let targets = targets.split(' ').filter(|it| *it != "nothing");
            (name.to_owned(), targets.map(str::to_owned).collect())
        })
        .collect()
}

/// Crate → what its manifest imports of ours, tests apart.
fn found() -> BTreeMap<String, Vec<String>> {
    let crates = fs::read_dir(root().join("crates")).unwrap();
    crates
        .map(|entry| {
            let entry = entry.unwrap();
            let manifest = fs::read_to_string(entry.path().join("Cargo.toml")).unwrap();
            let section = manifest.split("[dependencies]").nth(1).unwrap_or_default();
            let section = section.split("\n[").next().unwrap_or_default();
            let imports = section
                .lines()
                .filter_map(|line| line.strip_prefix("packhorse-"))
                .map(|line| line.split(['.', ' ', '=']).next().unwrap_or(line).to_owned())
                .collect();
            (entry.file_name().to_string_lossy().into_owned(), imports)
        })
        .collect()
}

#[test]
fn every_crate_is_on_the_map() {
    let (promised, found) = (promised(), found());

    assert_eq!(promised.keys().collect::<Vec<_>>(), found.keys().collect::<Vec<_>>());
}

#[test]
fn no_crate_imports_what_the_map_does_not_allow() {
    let promised = promised();

    for (name, imports) in found() {
        for import in imports {
            assert!(promised[&name].contains(&import), "{name} may not import {import}");
        }
    }
}

#[test]
fn programs_are_started_in_one_place() {
    let allowed = root().join("crates/git/src/process.rs");

    for file in crate::tidy::sources() {
        let is_test = file.components().any(|it| it.as_os_str() == "tests");
        if file == allowed || is_test {
            continue;
        }
        let text = crate::tidy::production(&fs::read_to_string(&file).unwrap());
        let starts = ["std::process::Command", "tokio::process::Command", "Command::new("];
        for start in starts {
            assert!(!text.contains(start), "{} uses {start}", file.display());
        }
    }
}
