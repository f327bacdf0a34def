//! Pure steps between source and sink.

use crate::{
    record::{Record, Scope},
    support::Capabilities,
};

/// What a transform may look at.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// What the source can do, and under which address people link to it.
    pub source: &'a Capabilities,
    /// What the destination can do.
    pub sink: &'a Capabilities,
    /// Where the record belongs at the source.
    pub scope: &'a Scope,
}

/// A pure step between source and sink.
///
/// It cannot fail and does no I/O: what it cannot keep, it records as a loss.
pub trait Transform: Send + Sync {
    /// Name in reports.
    fn name(&self) -> &'static str;

    /// Changes one record.
    fn apply(&self, context: &Context<'_>, record: &mut Record);
}

/// One step after the other.
impl Transform for [Box<dyn Transform>] {
    fn name(&self) -> &'static str {
        "steps"
    }

    fn apply(&self, context: &Context<'_>, record: &mut Record) {
        self.iter().for_each(|step| step.apply(context, record));
    }
}
