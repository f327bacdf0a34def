//! What becomes of a kind between two ends.

use super::gaps::derived;
use packhorse_core::{
    Capabilities, Gap, Loss, LossCause, ObjectKind, Support,
    job::{Events, JobOptions},
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

/// What becomes of events that are told in comments.
pub(crate) const SUMMARISED: &str =
    "becomes a line of one closing comment on its issue or change request";

/// Whether events are told in comments, because there is no other place and it was asked for.
pub(crate) fn summarises(options: &JobOptions, source: &Capabilities, sink: &Capabilities) -> bool {
    options.events == Events::Comment
        && is_wanted(options, ObjectKind::Event)
        && is_wanted(options, ObjectKind::Comment)
        && source.of(ObjectKind::Event).is_some()
        && !sink.of(ObjectKind::Event).is_some()
        && sink.of(ObjectKind::Comment).is_some()
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
    if kind == ObjectKind::Event && summarises(options, source, sink) {
        let (field, why) = (Loss::WHOLE.to_owned(), SUMMARISED.to_owned());
        let gap = PlannedGap { field, cause: LossCause::Policy, why };
        return row(Fate::Degraded, None, vec![gap]);
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
    for gap in derived(kind, (source, sink), policy) {
        if !gaps.iter().any(|it| it.field == gap.field) {
            gaps.push(gap);
        }
    }
    let fate = if gaps.is_empty() { Fate::Whole } else { Fate::Degraded };
    row(fate, None, gaps)
}
