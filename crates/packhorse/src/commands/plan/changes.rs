//! What a plan says of fields that do not arrive as they are: one line for each
//! thing that becomes of them, because most hold for many kinds alike.

use packhorse_core::plan::{Plan, PlannedGap};
use packhorse_core::{LossCause, ObjectKind};
use std::collections::BTreeMap;

/// What becomes of a field, in the order in which it was met: the kinds that have it, by field.
#[derive(Default)]
struct Changes<'a> {
    rows: Vec<(&'a str, BTreeMap<&'a str, Vec<ObjectKind>>)>,
}

impl<'a> Changes<'a> {
    fn add(&mut self, kind: ObjectKind, gap: &'a PlannedGap) {
        let at = self.rows.iter().position(|(why, _)| *why == gap.why).unwrap_or_else(|| {
            self.rows.push((&gap.why, BTreeMap::new()));
            self.rows.len() - 1
        });
        let kinds = self.rows[at].1.entry(&gap.field).or_default();
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }

    fn text(&self, title: &str) -> String {
        let mut text = String::new();
        for (n, (why, fields)) in self.rows.iter().enumerate() {
            if n == 0 {
                text += &format!("\n{title}\n");
            }
            text += &format!("  {}: {why}\n", of_kinds(fields));
        }
        text
    }
}

/// Names fields with the kinds that have them: "author of issue, comment; due_at of issue".
fn of_kinds(fields: &BTreeMap<&str, Vec<ObjectKind>>) -> String {
    let mut alike: Vec<(&[ObjectKind], Vec<&str>)> = Vec::new();
    for (field, kinds) in fields {
        match alike.iter_mut().find(|(of, _)| of == kinds) {
            Some((_, fields)) => fields.push(field),
            None => alike.push((kinds, vec![field])),
        }
    }
    let named = alike.iter().map(|(kinds, fields)| {
        let kinds = kinds.iter().map(|it| it.name()).collect::<Vec<_>>().join(", ");
        match fields.as_slice() {
            ["*"] => kinds,
            fields => format!("{} of {kinds}", fields.join(", ")),
        }
    });
    named.collect::<Vec<_>>().join("; ")
}

/// The sections of a plan's text on fields that do not arrive as they are. Kinds that
/// are known to have no records are left out.
pub(super) fn text(plan: &Plan) -> String {
    let (mut untold, mut otherwise) = (Changes::default(), Changes::default());
    for row in plan.kinds.iter().filter(|it| it.records != Some(0)) {
        for gap in &row.gaps {
            match gap.cause {
                LossCause::Source => untold.add(row.kind, gap),
                LossCause::Sink | LossCause::Policy => {
                    otherwise.add(row.kind, gap);
                }
            }
        }
    }
    otherwise.text("What arrives otherwise") + &untold.text("What the source does not tell")
}
