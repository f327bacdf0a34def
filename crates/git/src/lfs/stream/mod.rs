//! Pointers in a pack while it flows past.
//!
//! A pack has no index of its own and does not tell how long an object is when
//! packed, so every object is inflated; what is kept are small blobs alone.
//! Git stores a pointer whole, since two pointers differ in most of their
//! bytes; but other small blobs are stored as differences to others, and to
//! know that such a one is no pointer takes its base, or at least how its base
//! begins. Both are kept within bounds, and what could not be told is counted:
//! [`Scanned::is_complete`] is `false` then, and another way of looking is
//! needed, such as [`crate::lfs::History`].
//!
//! Source: gitformat-pack(5), "pack-*.pack files have the following format"
//! and "Deltified representation".

mod begin;
mod delta;
mod entry;
mod known;
mod scanner;

pub use scanner::{PackScanner, Scanned};

#[cfg(test)]
mod tests;
