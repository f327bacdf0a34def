//! Packs flow from one server into another and rest nowhere.
//!
//! ```text
//! Source: discover → ls-refs → fetch ─▶ side-band ─▶ pack check ─┐
//!                                                                ▼
//! Destination: discover ─────────────▶ commands ─▶ flush ─▶ pack ─▶ report
//! ```
//!
//! One piece is on its way at a time, and is taken from the source when the
//! destination has taken the one before: memory does not grow, and the slower
//! of the two servers sets the pace. The push begins when the first bytes of
//! the pack are there; a pack that is not whole never arrives whole.

mod advertisement;
mod ancestry;
mod destination;
mod endpoint;
mod fetch;
pub mod hostile;
mod ls_refs;
mod pack_check;
mod packet;
mod plan;
mod push;
mod reason;
mod remark;
mod report;
mod sideband;
mod source;

pub(crate) use advertisement::Version;
pub(crate) use ancestry::{Ancestry, Descent};
pub(crate) use destination::{Destination, Pack, Verdict};
pub(crate) use fetch::Wish;
pub(crate) use plan::{commands, wish};
pub(crate) use push::RefCommand;
pub(crate) use source::{CountUpTo, Source, Stock};
