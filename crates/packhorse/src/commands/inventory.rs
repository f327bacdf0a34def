//! `inventory`: which projects there are, and how much is in each.

use crate::{
    cli::{Globals, Inventory, Table},
    config::{self, End, Hosts},
    document,
    error::{AppError, Status},
    registry, terminal,
};
use futures::{StreamExt, TryStreamExt, stream};
use packhorse_core::{
    Cursor, HostError, Lane, ObjectKind, Scope,
    port::{self, Source},
};
use serde::Serialize;
use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

/// Projects that are counted at once.
const AT_ONCE: usize = 4;

/// One project, or what stands beside all.
#[derive(Serialize)]
struct Row {
    project: Option<String>,
    counts: BTreeMap<ObjectKind, Option<u64>>,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Row {
    fn of(project: Option<String>, inventory: Result<port::Inventory, HostError>) -> Self {
        match inventory {
            Ok(it) => Self {
                project,
                counts: it.counts.iter().map(|it| (it.kind, it.records)).collect(),
                bytes: it.counts.iter().filter_map(|it| it.bytes).sum(),
                error: None,
            },
            Err(error) => {
                let error = Some(packhorse_core::error::chain(&error));
                Self { project, counts: BTreeMap::new(), bytes: 0, error }
            }
        }
    }

    /// The number of a kind; a question mark where the source cannot tell without reading.
    fn count(&self, kind: ObjectKind) -> String {
        match self.counts.get(&kind) {
            None => "0".to_owned(),
            Some(None) => "?".to_owned(),
            Some(Some(n)) => n.to_string(),
        }
    }
}

/// Counts what is there, a page of projects at a time.
///
/// A project that cannot be counted is told with the reason and ends the command
/// with a status of failure; the others are counted all the same.
pub(super) async fn run(globals: &Globals, what: &Inventory) -> Result<Status, AppError> {
    let hosts = Hosts::read(globals)?;
    let location = hosts.locate(&what.location)?;
    let selection = config::selection(&what.projects)?;
    let picker = selection.picker();
    let scratch = config::scratch(globals)?;
    let place = config::with_credentials(&hosts, &location, End::Source)?;
    let source = registry::source(&place, scratch.path())?;
    source.probe().await?;
    let form = if globals.json { Table::Json } else { what.format };
    terminal::data(&header(form));
    let (lane, mut at) = (Lane::new(Scope::Shared, ObjectKind::Project), None::<Cursor>);
    let (mut n_told, mut n_failed) = (0_u64, 0_u64);
    loop {
        let page = source.read(&lane, at.as_ref()).await?;
        let paths = page.records.into_iter().map(|it| it.origin.id);
        let is_meant = |it: &String| location.project.as_ref().is_none_or(|one| one == it);
        let wanted = paths.filter(|it| is_meant(it) && picker.wants(it));
        let rows = stream::iter(wanted.map(|it| count(source.clone(), it)).collect::<Vec<_>>());
        let mut rows = rows.buffered(AT_ONCE).map(Ok::<_, AppError>);
        while let Some(row) = rows.try_next().await? {
            n_told += 1;
            n_failed += u64::from(row.error.is_some());
            terminal::data(&line(form, &row)?);
        }
        if page.next.is_none() || page.next == at {
            break;
        }
        at = page.next;
    }
    if n_told == 0 && !selection.is_all() {
        return Err(AppError::failed("none of the projects is selected").hint(format!(
            "`packhorse inventory {location}` lists what is there; capitals count"
        )));
    }
    if let (0, Some(project)) = (n_told, &location.project) {
        return Err(AppError::failed(format!("there is no project `{project}`")).hint(format!(
            "`packhorse inventory {}` lists what is there",
            location.clone().whole()
        )));
    }
    Ok(if n_failed == 0 { Status::Done } else { Status::Failed })
}

async fn count(source: Arc<dyn Source>, path: String) -> Row {
    let inventory = source.inventory(&Scope::Project(path.clone())).await;
    Row::of(Some(path), inventory)
}

/// Kinds of the table for people, with the heading of each.
const SHOWN: [(ObjectKind, &str); 5] = [
    (ObjectKind::Issue, "issues"),
    (ObjectKind::ChangeRequest, "changes"),
    (ObjectKind::Comment, "comments"),
    (ObjectKind::Release, "releases"),
    (ObjectKind::LfsObject, "lfs"),
];

fn header(form: Table) -> String {
    match form {
        Table::Json => String::new(),
        Table::Csv => {
            let kinds: Vec<_> = in_project().map(ObjectKind::name).collect();
            format!("project,bytes,{},error\n", kinds.join(","))
        }
        Table::Text => {
            let mut text = format!("{:<40}", "project");
            for (_, name) in SHOWN {
                text += &format!(" {name:>9}");
            }
            text + &format!(" {:>14}\n", "bytes")
        }
    }
}

fn line(form: Table, row: &Row) -> Result<String, AppError> {
    let project = row.project.as_deref().unwrap_or("-");
    Ok(match form {
        Table::Json => document::line(row)?,
        Table::Csv => {
            let counts: Vec<_> = in_project().map(|kind| row.count(kind)).collect();
            let error = quoted(row.error.as_deref().unwrap_or_default());
            format!("{},{},{},{error}\n", quoted(project), row.bytes, counts.join(","))
        }
        Table::Text => {
            let mut text = format!("{project:<40}");
            match &row.error {
                Some(error) => text += &format!(" {error}"),
                None => {
                    for (kind, _) in SHOWN {
                        text += &format!(" {:>9}", row.count(kind));
                    }
                    // Writing to a string does not fail.
                    write!(text, " {:>14}", row.bytes).unwrap_or_default();
                }
            }
            text + "\n"
        }
    })
}

fn in_project() -> impl Iterator<Item = ObjectKind> {
    ObjectKind::ALL.iter().copied().filter(|it| it.in_project())
}

/// A field of CSV; one that a spreadsheet would take for a formula begins with an apostrophe.
fn quoted(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}
