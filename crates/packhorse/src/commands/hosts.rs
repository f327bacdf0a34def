//! `hosts`: what there is, and what each can hold.

use crate::{
    cli::Globals,
    error::{AppError, Status},
    registry, terminal,
};
use packhorse_core::{HostSpec, ObjectKind, Support};
use serde::Serialize;

#[derive(Serialize)]
struct HostRow {
    id: &'static str,
    title: &'static str,
    location: &'static str,
    kinds: Vec<KindRow>,
}

#[derive(Serialize)]
struct KindRow {
    kind: ObjectKind,
    reads: SupportRow,
    writes: SupportRow,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case", tag = "support")]
enum SupportRow {
    Full,
    Partial { gaps: Vec<GapRow> },
    WithGit,
    None { why: &'static str },
}

#[derive(Serialize)]
struct GapRow {
    field: &'static str,
    why: &'static str,
}

impl From<Support> for SupportRow {
    fn from(support: Support) -> Self {
        match support {
            Support::Full => Self::Full,
            Support::Partial(gaps) => Self::Partial {
                gaps: gaps.iter().map(|gap| GapRow { field: gap.field, why: gap.why }).collect(),
            },
            Support::WithGit => Self::WithGit,
            Support::None(why) => Self::None { why },
        }
    }
}

/// Lists all, or tells of one.
pub(super) fn run(globals: &Globals, host: Option<&str>) -> Result<Status, AppError> {
    let specs: Vec<_> =
        registry::all().filter(|it| host.is_none_or(|name| it.is_named(name))).collect();
    if specs.is_empty() {
        let ids: Vec<_> = registry::all().map(|it| it.id).collect();
        return Err(AppError::usage(format!(
            "there is no host or format `{}`",
            host.unwrap_or_default()
        ))
        .hint(format!("known are {}", ids.join(", "))));
    }
    if globals.json {
        let rows: Vec<_> = specs.into_iter().map(row).collect();
        terminal::data(&crate::document::json(&rows)?);
    } else if host.is_some() {
        specs.iter().for_each(|spec| terminal::data(&crate::document::host(spec)));
    } else {
        terminal::data(&list(&specs));
    }
    Ok(Status::Done)
}

fn row(spec: &HostSpec) -> HostRow {
    let kinds = ObjectKind::ALL.iter().map(|&kind| KindRow {
        kind,
        reads: (spec.reads)(kind).into(),
        writes: (spec.writes)(kind).into(),
    });
    HostRow { id: spec.id, title: spec.title, location: spec.location, kinds: kinds.collect() }
}

fn list(specs: &[&HostSpec]) -> String {
    let mut text = String::new();
    for spec in specs {
        let some = |of: fn(ObjectKind) -> Support| {
            ObjectKind::ALL.iter().filter(|&&kind| of(kind).is_some()).count()
        };
        text += &format!(
            "{:<18} {}\n{:18} written {}:{}\n{:18} reads {} of {n} kinds, writes {} of {n}\n",
            spec.id,
            spec.title,
            "",
            spec.id,
            spec.location,
            "",
            some(spec.reads),
            some(spec.writes),
            n = ObjectKind::ALL.len(),
        );
    }
    text + "\nhint: `packhorse hosts NAME` tells what one can hold\n"
}
