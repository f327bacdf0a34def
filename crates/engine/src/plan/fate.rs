//! What becomes of a kind between two ends.

use super::gaps::derived;
use packhorse_core::{
    Capabilities, Gap, LossCause, ObjectKind, Support,
    job::JobOptions,
    plan::{Fate, PlannedGap, PlannedKind},
};
use packhorse_git::RefPolicy;

/// Whether records of a kind are asked for.
///
/// Whatever is picked stands in a project, so projects come along unless they
/// are left out by name.
pub(crate) fn is_wanted(options: &JobOptions, kind: ObjectKind) -> bool {
    if kind == ObjectKind::Project {
        return !options.skip.contains(&kind);
    }
    options.wants(kind)
}

/// Why a lane is not carried, or that it is.
pub(crate) fn lane_fate(
    source: &Capabilities,
    sink: &Capabilities,
    kind: ObjectKind,
) -> Result<(), &'static str> {
    for support in [source.of(kind), sink.of(kind)] {
        if let Support::None(why) = support {
            return Err(why);
        }
    }
    Ok(())
}

/// The row of a kind, with no counts in it yet.
pub(super) fn row(
    kind: ObjectKind,
    options: &JobOptions,
    (source, sink): (&Capabilities, &Capabilities),
    policy: &RefPolicy,
) -> PlannedKind {
    let row = |fate, why: Option<&str>, gaps| PlannedKind {
        kind,
        records: None,
        bytes: None,
        fate,
        why: why.map(str::to_owned),
        gaps,
    };
    if !is_wanted(options, kind) {
        return row(Fate::Skipped, None, Vec::new());
    }
    if let Err(why) = lane_fate(source, sink, kind) {
        return row(Fate::Dropped, Some(why), Vec::new());
    }
    let planned = |cause| {
        move |gap: &Gap| PlannedGap { field: gap.field.to_owned(), cause, why: gap.why.to_owned() }
    };
    let mut gaps: Vec<PlannedGap> =
        source.of(kind).gaps().iter().map(planned(LossCause::Source)).collect();
    gaps.extend(sink.of(kind).gaps().iter().map(planned(LossCause::Sink)));
    for gap in derived(kind, sink, policy) {
        if !gaps.iter().any(|it| it.field == gap.field) {
            gaps.push(gap);
        }
    }
    let fate = if gaps.is_empty() { Fate::Whole } else { Fate::Degraded };
    row(fate, None, gaps)
}
