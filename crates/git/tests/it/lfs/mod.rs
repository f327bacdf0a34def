//! Large files: finding their pointers, and carrying what they point to.

mod carrying;
mod fake;
mod gating;
mod live;
mod locking;
mod scanning;
