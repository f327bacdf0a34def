//! Pages of the documentation that are made from the code.
//!
//! A test holds the committed pages against these.

use crate::{
    cli::Cli,
    error::{AppError, Status},
    permissions, registry, terminal,
};
use clap::{CommandFactory, ValueEnum};
use packhorse_core::{HostSpec, ObjectKind, Support};
use serde::Serialize;

/// A page.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Page {
    /// docs/hosts.md
    Hosts,
    /// docs/losses.md
    Losses,
    /// docs/cli.md
    Cli,
    /// docs/guides/permissions.md
    Permissions,
}

/// Prints a page.
pub(crate) fn print(page: Page) -> Result<Status, AppError> {
    terminal::data(&match page {
        Page::Hosts => hosts(),
        Page::Losses => losses(),
        Page::Cli => cli(),
        Page::Permissions => format!("{MADE}{}", permissions::page()),
    });
    Ok(Status::Done)
}

/// JSON for people: indented, with a line end.
pub(crate) fn json(value: &impl Serialize) -> Result<String, AppError> {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(|error| AppError::failed("could not write JSON").because(error))
}

/// JSON to be kept.
pub(crate) fn value(value: &impl Serialize) -> Result<serde_json::Value, AppError> {
    serde_json::to_value(value)
        .map_err(|error| AppError::failed("could not write JSON").because(error))
}

/// JSON for programs: an object a line.
pub(crate) fn line(value: &impl Serialize) -> Result<String, AppError> {
    serde_json::to_string(value)
        .map(|text| text + "\n")
        .map_err(|error| AppError::failed("could not write JSON").because(error))
}

const MADE: &str = "<!-- Made from the code by `packhorse document`; change it there. -->\n";

fn word(support: Support) -> &'static str {
    match support {
        Support::Full => "whole",
        Support::Partial(_) => "in part",
        Support::WithGit => "with Git",
        Support::None(_) => "–",
    }
}

fn hosts() -> String {
    let specs: Vec<_> = registry::all().collect();
    let mut text =
        format!("{MADE}# Hosts and formats\n\nWhat each can hold: read / written.\n\n| kind |");
    specs.iter().for_each(|spec| text += &format!(" `{}` |", spec.id));
    text += "\n|---|";
    specs.iter().for_each(|_| text += "---|");
    text.push('\n');
    for &kind in ObjectKind::ALL {
        text += &format!("| {kind} |");
        for spec in &specs {
            text += &format!(" {} / {} |", word((spec.reads)(kind)), word((spec.writes)(kind)));
        }
        text.push('\n');
    }
    for spec in specs {
        text.push('\n');
        text += &host(spec);
    }
    text
}

/// What one host can hold, in Markdown that reads well bare.
pub(crate) fn host(spec: &HostSpec) -> String {
    let mut text = format!(
        "## {} (`{}`)\n\nLocation: `{}:{}`\n\n",
        spec.title, spec.id, spec.id, spec.location
    );
    text += "| kind | read | written |\n|---|---|---|\n";
    for &kind in ObjectKind::ALL {
        let (reads, writes) = ((spec.reads)(kind), (spec.writes)(kind));
        text += &format!("| {kind} | {} | {} |\n", cell(reads), cell(writes));
    }
    text
}

fn cell(support: Support) -> String {
    match support {
        Support::Full => "whole".to_owned(),
        Support::Partial(gaps) => {
            let gaps: Vec<_> =
                gaps.iter().map(|gap| format!("`{}`: {}", gap.field, gap.why)).collect();
            format!("in part; {}", gaps.join("; "))
        }
        Support::WithGit => "with Git, from server to server".to_owned(),
        Support::None(why) => format!("no: {why}"),
    }
}

fn losses() -> String {
    let mut text = format!("{MADE}# What gets lost between any two\n\n");
    text += "A kind or field that the source gives and the destination cannot hold.\n\
             A route that is not listed keeps everything.\n";
    for from in registry::all() {
        for to in registry::all() {
            let lines = lost(from, to);
            if !lines.is_empty() {
                text += &format!("\n## `{}` → `{}`\n\n{}", from.id, to.id, lines.concat());
            }
        }
    }
    text
}

fn lost(from: &HostSpec, to: &HostSpec) -> Vec<String> {
    let mut lines = Vec::new();
    for &kind in ObjectKind::ALL {
        if matches!((from.reads)(kind), Support::None(_)) {
            continue;
        }
        match (to.writes)(kind) {
            Support::Full | Support::WithGit => {}
            Support::None(why) => lines.push(format!("- {kind}: {why}\n")),
            Support::Partial(gaps) => lines
                .extend(gaps.iter().map(|gap| format!("- {kind} `{}`: {}\n", gap.field, gap.why))),
        }
    }
    lines
}

fn cli() -> String {
    let mut root = Cli::command().term_width(96);
    root.build();
    let mut text = format!("{MADE}# The command line\n");
    section(&mut root, &mut text);
    text
}

fn section(command: &mut clap::Command, text: &mut String) {
    let name = command.get_bin_name().unwrap_or("packhorse").to_owned();
    let help = command.render_long_help().to_string();
    let help: Vec<_> = help.lines().map(str::trim_end).collect();
    *text += &format!("\n## {name}\n\n```text\n{}\n```\n", help.join("\n").trim_end());
    for sub in command.get_subcommands_mut() {
        if !sub.is_hide_set() && sub.get_name() != "help" {
            section(sub, text);
        }
    }
}
