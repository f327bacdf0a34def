//! Containers as files: what strangers send, and what we write.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod build;
mod hostile;
mod round_trip;
mod torn;
