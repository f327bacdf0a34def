//! The pages that are made from the code are as the code would make them.

use crate::{bench::Bench, tidy::root};
use std::fs;

#[track_caller]
fn check(page: &str) {
    let committed = fs::read_to_string(root().join(format!("docs/{page}.md"))).unwrap_or_default();

    let made = Bench::new().ok(&format!("document {page}"));

    assert!(made == committed, "docs/{page}.md is not fresh: run scripts/regenerate");
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
