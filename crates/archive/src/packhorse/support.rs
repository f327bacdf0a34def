//! What the format holds: everything.

use packhorse_core::{ObjectKind, Support};

/// Every kind reads as it was written.
pub(super) fn reads(_: ObjectKind) -> Support {
    Support::Full
}

/// Every kind of the model has its place.
pub(super) fn writes(_: ObjectKind) -> Support {
    Support::Full
}
