//! Bars, for terminals: one for all records, one for the lanes that move.

use super::plain;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use packhorse_core::{Event, Listener, ObjectKind, Scope, TransferPhase};
use std::{collections::HashMap, sync::Mutex};

/// Bars that follow a run.
pub(super) struct Bars {
    area: MultiProgress,
    records: ProgressBar,
    bytes: ProgressBar,
    /// How much of each moving lane was counted; lanes that ended are taken out with their project.
    counted: Mutex<HashMap<(Scope, ObjectKind), u64>>,
}

impl Bars {
    pub(super) fn new() -> Self {
        let area = MultiProgress::new();
        let records = area.add(ProgressBar::no_length());
        let bytes = area.add(ProgressBar::no_length());
        let with_length = "{spinner} {bar:30} {human_pos} of {human_len} records, {per_sec}, {eta} left  {wide_msg}";
        records.set_style(style(with_length));
        bytes.set_style(style("  {bytes} of repositories and files, {bytes_per_sec}"));
        Self { area, records, bytes, counted: Mutex::default() }
    }

    fn moved(&self, scope: &Scope, kind: ObjectKind, read: u64) {
        let Ok(mut counted) = self.counted.lock() else { return };
        let before = counted.insert((scope.clone(), kind), read).unwrap_or(0);
        self.records.inc(read.saturating_sub(before));
        self.records.set_message(format!("{scope} {kind}"));
    }

    fn ended(&self, path: &str) {
        if let Ok(mut counted) = self.counted.lock() {
            counted.retain(|(scope, _), _| scope.project() != Some(path));
        }
    }
}

/// A style of our own writing; a mistake in it shows a plain bar.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// How far a repository is.
fn transfer(
    scope: &Scope,
    kind: ObjectKind,
    phase: TransferPhase,
    objects: (Option<u64>, Option<u64>),
) -> String {
    let doing = match phase {
        TransferPhase::Counting => "counting",
        TransferPhase::Transferring => "flows",
        TransferPhase::Resolving => "is put together",
    };
    let objects = match objects {
        (Some(done), Some(all)) => format!(": {done} of {all} objects"),
        (Some(done), None) => format!(": {done} objects"),
        (None, Some(all)) => format!(": {all} objects"),
        (None, None) => String::new(),
    };
    format!("{scope} {kind} {doing}{objects}")
}

impl Listener for Bars {
    fn on(&self, event: &Event) {
        match event {
            Event::Started { records: Some(records), .. } => self.records.set_length(*records),
            Event::Progress { scope, kind, counts, bytes } => {
                self.moved(scope, *kind, counts.read);
                self.bytes.inc(*bytes);
            }
            Event::Transfer { scope, kind, phase, done, all, bytes } => {
                self.bytes.inc(*bytes);
                self.records.set_message(transfer(scope, *kind, *phase, (*done, *all)));
            }
            Event::Project { path, .. } => self.ended(path),
            Event::Verifying { scope, kind, compared } => {
                self.records.set_message(format!("verifying {scope} {kind}: {compared}"));
            }
            Event::Ended { .. } => {
                self.records.finish_and_clear();
                self.bytes.finish_and_clear();
            }
            Event::Dropped { .. }
            | Event::Started { .. }
            | Event::Failed { .. }
            | Event::Waiting { .. } => {}
        }
        if let Some(line) = plain::line(event) {
            // A terminal that cannot be written to has nobody in front of it.
            drop(self.area.println(line));
        }
    }
}
