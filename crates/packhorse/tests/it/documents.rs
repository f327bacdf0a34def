//! The pages that are made from the code are as the code would make them.

use crate::{bench::Bench, tidy::root};
use std::fs;

#[track_caller]
fn check(page: &str) {
    check_at(page, page);
}

#[track_caller]
fn check_at(page: &str, place: &str) {
    let committed = fs::read_to_string(root().join(format!("docs/{place}.md"))).unwrap_or_default();

    let made = Bench::new().ok(&format!("document {page}"));

    assert!(made == committed, "docs/{place}.md is not fresh: run scripts/regenerate");
}

#[test]
fn the_page_of_hosts_is_fresh() {
    check("hosts");
}

#[test]
fn the_page_of_losses_is_fresh() {
    check("losses");
}

#[test]
fn the_page_of_commands_is_fresh() {
    check("cli");
}

#[test]
fn the_page_of_permissions_is_fresh() {
    check_at("permissions", "guides/permissions");
}

#[test]
fn the_readme_lists_every_place_and_promises_no_more_than_it_can() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let specs = packhorse_hosts::HOSTS.iter().chain(packhorse_archive::FORMATS);

    for spec in specs {
        let row = readme.lines().find(|it| it.contains(&format!("| `{}:", spec.id)));
        let row = row.unwrap_or_else(|| panic!("README.md has no row for {}", spec.id));
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let can = |support: fn(packhorse_core::ObjectKind) -> packhorse_core::Support| {
            packhorse_core::ObjectKind::ALL.iter().any(|&kind| support(kind).is_some())
        };
        assert!(cells[3] != "yes" || can(spec.reads), "{} is not read", spec.id);
        assert!(cells[4] != "yes" || can(spec.writes), "{} is not written", spec.id);
    }
}
