//! The page that says how roles are mapped between hosts, made from what the adapters do.

use packhorse_core::model::Role;
use packhorse_hosts::roles::{ALL, RoleWord, Roles, roles};
use std::fmt::Write as _;

const HEAD: &str = "\
# Who may do what

A role never lets anybody do more at the destination than at the source. Where a host has no word for
a role, the next one that lets do less is taken, and the plan and the report say so; where the least
right of a host is more than the role, nobody is let in. The same holds for rules of branches and tags:
what cannot be kept is told, and never becomes looser without a word.

`local` and archives keep roles as they are.

";

/// Name of a role in the tables.
fn name(role: Role) -> String {
    format!("{role:?}").to_lowercase()
}

/// The page.
pub(crate) fn page() -> String {
    let hosts = roles();
    let mut text = format!(
        "{HEAD}## How they are read\n\nEach host's own words, and the roles that they stand for.\n\n"
    );
    for (spec, host) in &hosts {
        let words: Vec<_> =
            host.reads.iter().map(|(word, role)| format!("{word} → *{}*", name(*role))).collect();
        // Writing to a string does not fail.
        writeln!(text, "- **{}** (`{}`): {}", spec.title, spec.id, words.join(", "))
            .unwrap_or_default();
    }
    text += "\n## How they are written\n\nWith ↓ where it lets do less, – where nobody is let in.\n\n| role |";
    let writing: Vec<_> = hosts.iter().filter(|(_, host)| host.writes.is_some()).collect();
    writing.iter().for_each(|(spec, _)| text += &format!(" `{}` |", spec.id));
    text += &format!("\n|---|{}\n", "---|".repeat(writing.len()));
    for role in ALL {
        let cells: Vec<_> = writing.iter().map(|(_, host)| cell(host, role)).collect();
        text += &format!("| {} | {} |\n", name(role), cells.join(" | "));
    }
    text += "\n## From host to host\n\nThe same, put together.\n";
    for (spec, host) in &hosts {
        text += &format!("\n### From {} (`{}`)\n\n| there |", spec.title, spec.id);
        writing.iter().for_each(|(to, _)| text += &format!(" `{}` |", to.id));
        text += &format!("\n|---|{}\n", "---|".repeat(writing.len()));
        for (word, role) in &host.reads {
            let cells: Vec<_> = writing.iter().map(|(_, to)| cell(to, *role)).collect();
            text += &format!("| {word} | {} |\n", cells.join(" | "));
        }
    }
    text
}

fn cell(host: &Roles, role: Role) -> String {
    match host.writes.and_then(|it| it(role)) {
        None => "–".to_owned(),
        Some(RoleWord { word, is_whole: true }) => word.to_owned(),
        Some(RoleWord { word, is_whole: false }) => format!("{word} ↓"),
    }
}
