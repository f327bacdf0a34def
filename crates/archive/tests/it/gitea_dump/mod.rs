//! Gitea's dumps.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod build;
mod hostile;
mod live;
mod read;
mod suite;
